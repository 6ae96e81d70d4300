use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::{Block, Probe, Renewal};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::checksum::crc32;
use super::*;
use crate::cnf::Divergence;
use crate::data::{Standardisation, Table};
use crate::layer::Activation;
use crate::ode::controller::{Adaptive, Control};

fn hutchinson(probes: usize, probe: Probe, renewal: Renewal) -> Divergence {
    Divergence::Hutchinson { probes, probe: probe.into(), renewal }
}

/// A small model with a third that no decimal fraction is, and the smallest and largest numbers.
fn model() -> Model {
    let table =
        Table::new(vec!["a".into(), "naïve \"b\"".into()], vec![0.1, 1e-7, 1.0 / 3.0, -4e9, 7.0, 0.0])
            .unwrap();
    let description = Description {
        crate_version: "0.1.0".into(),
        data: "t.csv".into(),
        columns: table.names().to_vec(),
        standardisation: Standardisation::fit(&table, &[0, 1, 2]).unwrap(),
        architecture: Architecture::Mlp {
            dims: 2,
            context: 0,
            hidden: vec![3],
            activation: Activation::Tanh,
        },
        solver: "dopri5".into(),
        control: Control::Adaptive(Adaptive::pi(1e-3, 1.0 / 3.0 * 1e-4)),
        divergence: hutchinson(2, Probe::Sphere, Renewal::PerSolve),
        refresh: Refresh::Always,
        dtype: Dtype::F32,
        seed: u64::MAX,
    };
    let field = description.architecture.field().unwrap();
    let mut parameters = Parameters::init(field.declarations(), 5);
    let ends = [-0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324];
    parameters.arrays_mut().zip(ends).for_each(|(array, end)| array.data[0] = end);
    Model { description, parameters }
}

fn bits(model: &Model) -> Vec<u64> {
    model.parameters.iter().flat_map(|(_, a)| &a.data).map(|x| x.to_bits()).collect()
}

fn refusal(bytes: &[u8]) -> String {
    Model::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn written_and_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let model = model();
    model.write(&path).unwrap();
    let back = Model::read(&path).unwrap();
    assert_eq!(back, model);
    assert_eq!(bits(&back), bits(&model));
    assert_eq!(fs::read(&path).unwrap(), model.to_bytes().unwrap(), "equal models, equal bytes");
    assert_eq!(back.description.settings().unwrap().tableau.name, "dopri5");
}

#[test]
fn other_settings_come_back_too() {
    for (control, divergence, refresh) in [
        (Control::Constant { steps: 12 }, Divergence::Exact, Refresh::Always),
        (
            Control::Adaptive(Adaptive::i(1e-9, 1e-9)),
            hutchinson(1, Probe::Gaussian, Renewal::PerStep),
            Refresh::Always,
        ),
        (Control::Constant { steps: 3 }, HUTCH_PP, Refresh::Adaptive),
        (Control::Constant { steps: 3 }, HUTCH_PP, Refresh::Every(7)),
    ] {
        let mut model = model();
        model.description =
            Description { control, divergence, refresh, dtype: Dtype::F64, ..model.description };
        assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
    }
}

const HUTCH_PP: Divergence = Divergence::HutchPp {
    basis: 2,
    probes: 3,
    probe: Block::Hadamard,
    renewal: Renewal::PerStep,
    sketch: Sketch::Symmetric,
};

/// Found missing: a file did not say when bases were made anew, nor when probes were drawn. What was written until then is
/// read as it was meant, and written as it was.
#[test]
fn a_description_without_renewals_means_those_of_old() {
    const OLD: &str = concat!(
        r#"{"crate_version":"0.1.0","data":"t.csv","columns":["a","b"],"#,
        r#""standardisation":{"mean":[0.5,1.0],"scale":[2.0,3.0]},"#,
        r#""architecture":{"kind":"mlp","dims":2,"context":0,"hidden":[3],"activation":"tanh"},"#,
        r#""solver":"rk4","control":{"constant":{"steps":3}},"#,
        r#""divergence":{"hutchpp":{"basis":2,"probes":3,"probe":"hadamard","sketch":"symmetric"}},"#,
        r#""dtype":"f32","seed":1}"#
    );
    let old: Description = serde_json::from_str(OLD).unwrap();
    let Divergence::HutchPp { basis: 2, probes: 3, probe: Block::Hadamard, renewal, .. } = old.divergence
    else {
        panic!("{old:?}")
    };
    assert_eq!((renewal, old.refresh), (Renewal::PerSolve, Refresh::Always));
    assert_eq!(serde_json::to_string(&old).unwrap(), OLD);
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let message = |result: Result<Model, ModelError>| result.unwrap_err().to_string();
    assert!(message(Model::read(&path)).contains("m.safetensors: cannot be read (No such file"));
    fs::write(&path, "no model").unwrap();
    assert!(message(Model::read(&path)).contains("m.safetensors: this is no whole safetensors file"));
    assert!(
        model().write(folder.path().join("no/folder")).unwrap_err().to_string().contains("cannot be written")
    );
    let mut broken = model();
    broken.parameters.arrays_mut().for_each(|a| a.data[1] = f64::NAN);
    let error = broken.write(&path).unwrap_err().to_string();
    assert!(error.contains("element 1 of the tensor `net.0.b` is NaN"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"no model", "what cannot be read back is not written");
}

proptest! {
    /// Every bit counts: with one of them turned the file is refused, or it is still the same model.
    #[test]
    fn a_turned_bit_is_found(position: prop::sample::Index, bit in 0u8..8) {
        let model = model();
        let mut bytes = model.to_bytes().unwrap();
        let position = position.index(bytes.len());
        bytes[position] ^= 1 << bit;
        if let Ok(other) = Model::from_bytes(&bytes) {
            prop_assert_eq!(bits(&other), bits(&model));
            prop_assert_eq!(other, model);
        }
    }

    #[test]
    fn a_cut_file_is_found(length: prop::sample::Index) {
        let bytes = model().to_bytes().unwrap();
        prop_assert!(Model::from_bytes(&bytes[..length.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_end_in_a_model_or_an_error(text in "\\PC{0,80}", header in 0u64..90) {
        let bytes = [&header.to_le_bytes()[..], text.as_bytes()].concat();
        prop_assert!(Model::from_bytes(&bytes).is_err());
    }
}

/// A safetensors file of this header text and these data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A file in order but for what `change` does to the description and `tensors` puts in place of the tensors: the entries
/// of the header, and the data.
fn forged(change: impl Fn(&mut Value), version: u64, tensors: &str, data: &[u8]) -> Vec<u8> {
    let mut description = serde_json::to_value(model().description).unwrap();
    change(&mut description);
    let crc32 = crc32([description.to_string().as_bytes(), data]);
    let envelope = json!({ "format_version": version, "crc32": crc32, "model": description });
    let metadata = json!({ "flows": envelope.to_string() });
    file(&format!("{{\"__metadata__\":{metadata}{tensors}}}"), data)
}

/// One tensor of the header.
fn tensor(name: &str, dtype: &str, shape: &str, start: usize, end: usize) -> String {
    format!(",\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}")
}

#[test]
fn forged_files_are_refused_by_name() {
    let same = |_: &mut Value| {};
    let numbers = model().parameters.count() * 8;
    let zeros = vec![0; numbers];
    let whole = |name: &str, dtype: &str, shape: &str| tensor(name, dtype, shape, 0, numbers);
    let nan = f64::NAN.to_le_bytes().repeat(numbers / 8);
    for (bytes, message) in [
        (file("{}", &[]), "it has no metadata `flows`"),
        (file("{\"__metadata__\":{\"flows\":\"7\"}}", &[]), "the model's metadata are damaged"),
        (forged(same, 2, "", &[]), "format version 2, and this program reads version 1"),
        (forged(same, 1, "", &[]), "the model has 0 numbers, and its architecture 20."),
        (
            forged(same, 1, &whole("w", "F64", "[20]"), &zeros),
            "`w` is given, and the field does not declare it",
        ),
        (forged(same, 1, &whole("w", "F32", "[40]"), &zeros), "`w` has elements of type F32"),
        (forged(same, 1, &whole("w", "F64", "[20]"), &nan), "element 0 of the tensor `w` is NaN"),
        (
            forged(same, 1, &(whole("w", "F64", "[20]") + &whole("w", "F64", "[4,5]")), &zeros),
            "the model has two tensors `w`",
        ),
        (
            forged(
                same,
                1,
                &(whole("w", "F64", "[20]") + &tensor("v", "F64", "[0,18446744073709551615,2]", 160, 160)),
                &zeros,
            ),
            "the model does not fit together",
        ),
        (
            forged(|d| d["architecture"]["hidden"] = json!([1u64 << 62]), 1, "", &[]),
            "its architecture far more.",
        ),
        (forged(|d| d["architecture"]["dims"] = json!(3), 1, "", &[]), "3 dimensions, its data 2 columns"),
        (forged(|d| d["columns"] = json!(["a"]), 1, "", &[]), "its data 1 columns and its standardisation 2"),
        (
            forged(|d| d["standardisation"]["scale"][0] = json!(0), 1, "", &[]),
            "the model's metadata are damaged",
        ),
        (forged(|d| d["seed"] = json!(-1), 1, "", &[]), "the model's metadata are damaged"),
    ] {
        assert!(refusal(&bytes).contains(message), "{message}: {}", refusal(&bytes));
    }
    let mut damaged = model().to_bytes().unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(refusal(&damaged).starts_with("the model is damaged: its checksum is "), "{}", refusal(&damaged));
}

/// The count that guards against absurd sizes is that of the field.
#[test]
fn parameters_are_counted_without_the_field() {
    for (dims, context, hidden) in [(1, 0, vec![]), (2, 0, vec![64, 64]), (6, 3, vec![5, 1, 7])] {
        let architecture = Architecture::Mlp { dims, context, hidden, activation: Activation::Sin };
        let field = architecture.field().unwrap();
        let count = Parameters::init(field.declarations(), 0).count();
        assert_eq!(architecture.parameter_count(), Some(count));
    }
}

/// Densities and samples are in the units of the data: a flow that stands still is the standardised normal.
#[test]
fn a_flow_is_in_the_units_of_the_data() {
    let mut model = model();
    model.parameters.arrays_mut().for_each(|a| a.data.fill(0.0));
    let (mean, scale) = (
        model.description.standardisation.mean().to_vec(),
        model.description.standardisation.scale().to_vec(),
    );
    let flow = Flow::new(model).unwrap();
    let samples = flow.sample(50, 3).unwrap();
    let normal = |x: f64, k: usize| {
        -0.5 * ((x - mean[k]) / scale[k]).powi(2) - scale[k].ln() - 0.5 * std::f64::consts::TAU.ln()
    };
    for (row, log_p) in samples.chunks(2).zip(flow.log_prob(&samples).unwrap()) {
        assert!((log_p - normal(row[0], 0) - normal(row[1], 1)).abs() < 1e-9);
    }
    let path = flow.path(50, 3, 6).unwrap();
    assert_eq!(path.iter().map(|(t, _)| *t).collect::<Vec<_>>(), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert!(path.iter().all(|(_, points)| points == &samples));
    assert!(flow.log_prob(&samples[..3]).is_err());
}

/// The path ends where the samples are.
#[test]
fn the_path_leads_to_the_samples() {
    let mut model = model();
    model.parameters.arrays_mut().for_each(|a| a.data.iter_mut().for_each(|x| *x = x.clamp(-1.0, 1.0)));
    let flow = Flow::new(model).unwrap();
    let (samples, path) = (flow.sample(20, 8).unwrap(), flow.path(20, 8, 4).unwrap());
    let scale = flow.model().description.standardisation.scale().iter().cycle();
    for ((end, sample), scale) in path[3].1.iter().zip(&samples).zip(scale) {
        assert!((end - sample).abs() < 1e-4 * scale, "{end} {sample}");
    }
    assert_ne!(path[0].1, path[3].1);
}
