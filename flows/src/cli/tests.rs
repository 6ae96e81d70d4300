//! The program as its user meets it: arguments in, exit code, messages and files out.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ad_ops::hutch_pp::Refresh;

use super::*;
use crate::data::{Table, read_points, write_csv};
use crate::model::Model;

/// What was printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Runs the program in words separated by spaces; returns exit code, output and error output.
fn flows(words: &str) -> (u8, String, String) {
    let (out, err) = (Printed::default(), Printed::default());
    let mut console = Console::new(out.clone(), err.clone(), Arc::default());
    let code = run(std::iter::once("flows").chain(words.split_whitespace()), &mut console);
    (code, out.text(), err.text())
}

/// Options that make a training quick.
const QUICK: &str = "--rows 200 --epochs 2 --hidden 8 --batch-size 64";

fn fit(data: &str, out: &Path, more: &str) -> String {
    let (code, printed, errors) = flows(&format!("fit {data} --out {} {more}", out.display()));
    assert_eq!((code, &errors[..]), (0, ""), "{printed}");
    printed
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn metrics(run: &Path) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(&fs::read_to_string(run.join("metrics.json")).unwrap()).unwrap()
}

/// A table of two correlated columns.
fn wave(rows: usize) -> Table {
    let row = |k: usize| [(k as f64 * 0.7).sin(), (k as f64 * 0.7).sin() + (k as f64 * 2.3).cos()];
    Table::new(vec!["a".into(), "b".into()], (0..rows).flat_map(row).collect()).unwrap()
}

#[test]
fn help_is_no_failure() {
    for (words, word) in
        [("help", "moons"), ("--help", "log-prob"), ("help fit", "Ctrl-C"), ("--version", "flows 0")]
    {
        let (code, out, err) = flows(words);
        assert!(code == 0 && out.contains(word) && err.is_empty(), "{words}: {out}{err}");
    }
}

#[test]
fn wrong_arguments_end_with_2_and_name_themselves() {
    for (words, word) in [
        ("", "fit"),
        ("fit moons", "--out <DIR>"),
        ("fit moons --out r --epochs 0", "--epochs"),
        ("fit moons --out r --hidden 64,x", "--hidden"),
        ("fit moons --out r --hidden 64,0", "--hidden"),
        ("fit moons --out r --rtol 1e-9", "f64"),
        ("fit moons --out r --lr nan", "a number above 0"),
        ("fit moons --out r --rtol -1", "--rtol"),
        ("fit moons --out r --solver euler", "no tableau 'euler'; known: tsit5"),
        ("fit moons --out r --divergence none", "hutchinson, hutch++"),
        ("fit moons --out r --probes 2", "--probes is for --divergence hutchinson or hutch++, not for exact"),
        (
            "fit moons --out r --divergence directions --probe haar",
            "--probe is for --divergence hutchinson or",
        ),
        (
            "fit moons --out r --divergence hutchinson --basis 1",
            "--basis is for --divergence hutch++, not for hu",
        ),
        (
            "fit moons --out r --renewal step",
            "--renewal is for --divergence hutchinson or hutch++, not for exact",
        ),
        ("fit moons --out r --products 2", "--products is for --divergence auto, not for exact"),
        ("fit moons --out r --divergence auto --probe haar", "hutchinson or hutch++, not for auto"),
        ("fit moons --out r --refresh 2", "--refresh is for --divergence hutch++, not for exact"),
        ("fit moons --out r --sketch shifted", "--sketch is for --divergence hutch++, not for exact"),
        ("fit moons --out r --divergence hutchinson --probes 0", "--probes"),
        ("fit moons --out r --divergence hutch++ --basis 3", "--basis 3 is more than there are columns, 2"),
        (
            "fit moons --out r --divergence hutch++ --refresh 0",
            "give always, adaptive, or a number from 1 on",
        ),
        (
            "fit warp6 --out r --divergence hutchinson --probe hadamard",
            "built in for 6 columns; haar takes any",
        ),
        ("fit moons --out r --dtype f16", "f32"),
        ("fit moons --out r --threads 0", "--threads"),
        ("fit moons --out r --rows 9", "--rows"),
        ("fit moons --out r --steps 4 --rtol 1e-3", "--steps"),
        ("fit moons --out r --solver rk4", "tableau rk4 estimates no error: use constant steps"),
        ("sample", "<RUN>"),
    ] {
        let (code, out, err) = flows(words);
        assert!(code == 2 && out.is_empty() && err.contains(word), "{words}: {code} {out}{err}");
    }
    assert!(!Path::new("r").exists());
}

/// The message on bad data is one line that names the place, and nothing is written.
#[test]
fn bad_data_end_with_2_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let rows = |n: usize| (0..n).fold("a,b\n".to_owned(), |text, k| text + &format!("{k},{}\n", k * k % 7));
    let constant = (0..20).fold("a,b\n".to_owned(), |text, k| text + &format!("{k},5\n"));
    let huge = (0..20)
        .fold("a\n".to_owned(), |text, k| text + &format!("{}1e308\n", if k % 2 == 0 { "" } else { "-" }));
    for (text, message) in [
        (rows(12) + "1,two\n", "t.csv, line 14, column 2 (b): `two` is no number"),
        (rows(12) + "NaN,2\n", "t.csv, line 14, column 1 (a): `NaN` is not finite"),
        (rows(12) + "1,2,3\n", "t.csv, line 14: this row has 3 cells"),
        (rows(9), "t.csv: too few rows to train on, 9; give at least 10"),
        (constant, "t.csv, column 2 (b): every row has the value 5.0"),
        (huge, "t.csv: column 1 (a) has the deviation"),
        (String::new(), "t.csv: there is no row of numbers"),
    ] {
        fs::write(&path, text).unwrap();
        let out = folder.path().join("run");
        let (code, printed, errors) = flows(&format!("fit {} --out {}", path.display(), out.display()));
        assert!(code == 2 && printed.is_empty() && errors.contains(message), "{message}: {printed}{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert_eq!(names_in(folder.path()), ["t.csv"]);
    }
    for (data, message) in [
        ("moon", "`moon` is no built-in set; give one of moons, 8gaussians"),
        ("no/such.csv", "no/such.csv: cannot be read (No such file"),
        ("such.csv", "such.csv: cannot be read (No such file"),
    ] {
        let (code, _, errors) = flows(&format!("fit {data} --out {}", folder.path().join("run").display()));
        assert!(code == 2 && errors.contains(message), "{errors}");
    }
    fs::write(&path, rows(12)).unwrap();
    let (code, _, errors) = flows(&format!("fit {0} --out {0}2 --rows 50", path.display()));
    assert!(code == 2 && errors.contains("--rows is for built-in sets"), "{errors}");
    let (code, _, errors) = flows(&format!("fit {0} --out {0}", path.display()));
    assert!(code == 2 && errors.contains("t.csv: cannot be used as a folder"), "{errors}");
    assert_eq!(names_in(folder.path()), ["t.csv"]);
}

#[test]
fn a_run_from_fit_to_sample_to_log_prob() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let run = path("run/moons");
    let printed = fit("moons", &run, QUICK);
    assert!(printed.contains("epoch 2/2  NLL train ") && printed.contains("NLL test "), "{printed}");
    assert_eq!(names_in(&run), ["metrics.json", "model.safetensors", "report.html"]);
    let metrics = metrics(&run);
    let keys: Vec<_> = metrics.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "nll_train",
            "nll_valid",
            "nll_test",
            "entropy_floor",
            "epochs",
            "seconds",
            "nfe_mean",
            "steps_mean",
            "rejected_mean",
            "parameters"
        ]
    );
    assert_eq!(metrics["parameters"], 8 * 4 + 2 * 9);
    let html = fs::read_to_string(run.join("report.html")).unwrap();
    let figures: Vec<_> = html.split("<h2>").skip(1).filter_map(|part| part.split('<').next()).collect();
    assert_eq!(figures, ["Metrics", "Loss", "Density", "Samples", "Path of the flow"]);

    let (samples, log_p) = (path("s.csv"), path("p.csv"));
    let (code, _, errors) = flows(&format!("sample {} -n 40 --out {}", run.display(), samples.display()));
    assert_eq!((code, &errors[..]), (0, ""));
    assert_eq!(read_points(&samples).unwrap().rows(), 40);
    let model = run.join("model.safetensors");
    let words = format!("log-prob {} {} --out {}", model.display(), samples.display(), log_p.display());
    assert_eq!(flows(&words).0, 0);
    assert_eq!(read_points(&log_p).unwrap().names(), ["log_p"]);
    assert_eq!(read_points(&log_p).unwrap().rows(), 40);

    // The built-in name gives the rows that judged the run: the same mean.
    assert_eq!(flows(&format!("log-prob {} moons --out {}", run.display(), log_p.display())).0, 0);
    let judged = read_points(&log_p).unwrap().into_values();
    let mean = -judged.iter().sum::<f64>() / judged.len() as f64;
    assert_eq!((judged.len(), metrics["nll_test"]["mean"].as_f64()), (10_000, Some(mean)));
}

#[test]
fn log_prob_wants_the_columns_of_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("d.csv"), folder.path().join("run"));
    write_csv(&data, &wave(60)).unwrap();
    fit(&data.display().to_string(), &run, "--epochs 1 --hidden 4");
    assert!(!metrics(&run).contains_key("entropy_floor"));
    let log_prob = |names: &[&str], values: &[f64]| {
        let table = Table::new(names.iter().map(|&n| n.to_owned()).collect(), values.to_vec()).unwrap();
        write_csv(&data, &table).unwrap();
        flows(&format!("log-prob {} {} --out {}/p.csv", run.display(), data.display(), run.display()))
    };
    assert_eq!(log_prob(&["a", "b"], &[0.1, 0.2]).0, 0);
    assert_eq!(log_prob(&["x1", "x2"], &[0.1, 0.2]).0, 0);
    for names in [&["b", "a"][..], &["a", "b", "c"], &["a"]] {
        let (code, _, errors) = log_prob(names, &vec![0.5; names.len()]);
        assert!(code == 2 && errors.contains("the model was trained on a, b"), "{errors}");
    }
}

/// The seed says it all: not the threads, nor a second run.
#[test]
fn the_same_seed_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let results = |name: &str, more: &str| {
        let run = folder.path().join(name);
        fit("8gaussians", &run, &format!("{QUICK} {more}"));
        let mut metrics = metrics(&run);
        metrics.remove("seconds");
        (fs::read(run.join("model.safetensors")).unwrap(), metrics)
    };
    for method in [
        "",
        " --divergence hutchinson",
        " --divergence hutchinson --renewal step",
        " --divergence hutch++ --refresh adaptive",
        " --solver rk4 --steps 4 --dtype f64",
    ] {
        let method = method.to_owned();
        let one = results("one", &format!("--seed 3 --threads 1{method}"));
        assert_eq!(one, results("two", &format!("--seed 3 --threads 2{method}")));
        assert_ne!(one.0, results("other", &format!("--seed 4 --threads 2{method}")).0);
    }
}

/// Probes that are orthogonal, one a column, and bases of all directions, new or old, leave nothing to chance: they train
/// as the exact divergence does. What is left to chance does not.
#[test]
fn every_divergence_trains_and_those_without_error_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut nll = |divergence: &str| {
        number += 1;
        let run = folder.path().join(number.to_string());
        let words = format!("{QUICK} --dtype f64 --solver rk4 --steps 4 --divergence {divergence}");
        let printed = fit("circles", &run, &words);
        (metrics(&run)["nll_test"]["mean"].as_f64().unwrap(), printed)
    };
    let (exact, _) = nll("exact");
    for (divergence, words) in [
        ("directions", "divergence exact, by directions; f64"),
        ("hutchinson --probes 2 --probe haar", "Hutchinson with 2 orthogonal (Haar) probes an example; f64"),
        ("hutchinson --probes 2 --probe hadamard", "2 orthogonal (Hadamard) probes an example"),
        ("hutchinson --probes 2 --probe haar --renewal step", "probes an example, new at each step; f64"),
        ("hutch++ --basis 2", "Hutch++ with a basis of 2 and 1 Rademacher probe an example; f64"),
        (
            "hutch++ --basis 2 --refresh 100 --sketch symmetric",
            "of the symmetric part and 1 Rademacher probe",
        ),
        ("hutch++ --basis 2 --refresh adaptive --sketch shifted", "bases kept while they are worth it"),
    ] {
        let (found, printed) = nll(divergence);
        assert!((found - exact).abs() < 1e-9, "{divergence}: {found}, exactly {exact}");
        assert!(printed.contains(words), "{divergence}: {printed}");
    }
    let mut chance = [
        "hutch++",
        "hutch++ --renewal step",
        "hutch++ --refresh 2",
        "hutch++ --probe sphere",
        "hutchinson",
        "hutchinson --renewal step",
    ]
    .map(|d| nll(d).0);
    assert_eq!(chance[0], nll("hutch++ --refresh 1").0);
    assert!(chance.iter().all(|found| (found - exact).abs() > 1e-9), "{chance:?}, exactly {exact}");
    chance.sort_by(f64::total_cmp);
    assert!(chance.windows(2).all(|pair| pair[0] != pair[1]), "{chance:?}");
}

/// A model file says how the bases were kept, and the report too.
#[test]
fn a_run_says_when_it_made_bases_anew() {
    let folder = tempfile::tempdir().unwrap();
    for (words, refresh, printed) in [
        ("", Refresh::Always, "1 Rademacher probe an example; f32"),
        ("--refresh 3", Refresh::Every(3), "probe an example, each basis taken 3 times"),
        ("--refresh adaptive", Refresh::Adaptive, "probe an example, bases kept while they are worth it"),
    ] {
        let said = fit("circles", folder.path(), &format!("{QUICK} --steps 2 --divergence hutch++ {words}"));
        assert!(said.contains(printed), "{words}: {said}");
        let model = Model::read(folder.path().join("model.safetensors")).unwrap();
        assert_eq!(model.description.refresh, refresh);
        let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(html.contains(printed.trim_end_matches("; f32")), "{words}");
    }
}

/// What auto chooses is what the model has, and all that follows, as if it had been typed, on any number of threads. Only metrics and
/// console tell of the choice.
#[test]
fn an_automatic_choice_is_as_if_it_were_typed() {
    let folder = tempfile::tempdir().unwrap();
    let results = |words: &str| {
        let options = "--rows 200 --epochs 1 --batch-size 64 --steps 2";
        let (data, more) = words.split_once(' ').unwrap();
        let printed = fit(data, folder.path(), &format!("{options} {more}"));
        let mut metrics = metrics(folder.path());
        metrics.remove("seconds");
        let auto = metrics.remove("auto");
        (fs::read(folder.path().join("model.safetensors")).unwrap(), metrics, auto, printed)
    };
    for (words, typed, why) in [
        ("circles --hidden 8", "exact", "divergence exact, for a trace in 2 dimensions by 2 products\n"),
        (
            "warp6 --hidden 12,12,12 --products 1",
            "hutchinson",
            "divergence Hutchinson, 1 independent Rademacher probe, for a trace in 6 dimensions by 1 product\n",
        ),
    ] {
        let (model, metrics, auto, printed) = results(&format!("{words} --divergence auto --threads 1"));
        assert!(printed.contains(why) && printed.contains("\n             "), "{printed}");
        let auto = auto.unwrap();
        assert!(auto["exact_cost"].as_f64().unwrap() > 0.0, "{auto}");
        assert_eq!(
            auto["considered"][0]["method"],
            why.split(", for").next().unwrap()["divergence ".len()..]
        );
        let words = words.split(" --products").next().unwrap();
        let (as_typed, metrics_typed, none, _) =
            results(&format!("{words} --divergence {typed} --threads 2"));
        assert_eq!((model, metrics), (as_typed, metrics_typed));
        assert_eq!(none, None);
    }
}

/// Writes what is printed into nothing, and presses Ctrl-C once a first epoch is reported.
struct Presses(Arc<Interrupt>);

impl Write for Presses {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(b"epoch 1/") {
            assert!(!self.0.press(), "the first press only asks");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_interrupted_run_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let interrupt = Arc::<Interrupt>::default();
    assert!(interrupt.press(), "before a training a press ends the program");
    let mut console = Console::new(Presses(Arc::clone(&interrupt)), io::sink(), Arc::clone(&interrupt));
    let words = format!("flows fit circles --out {} {QUICK} --epochs 50", folder.path().display());
    let words = words.replace("--epochs 2 ", "");
    assert_eq!(run(words.split(' '), &mut console), INTERRUPTED);
    assert!(interrupt.press(), "after it, too");
    assert_eq!(names_in(folder.path()), ["metrics.json", "model.safetensors", "report.html"]);
    assert_eq!(metrics(folder.path())["epochs"], 1);
    assert!(Model::read(folder.path().join("model.safetensors")).is_ok());
}

#[test]
fn only_runs_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    fs::write(out.join("notes.txt"), "keep").unwrap();
    fs::write(out.join("report.html"), "mine").unwrap();
    let (code, _, errors) = flows(&format!("fit moons --out {}", out.display()));
    assert!(code == 2 && errors.contains("there is a report.html that is not of a run"), "{errors}");
    fs::remove_file(out.join("report.html")).unwrap();
    fit("moons", out, &format!("{QUICK} --seed 1"));
    let first = fs::read(out.join("model.safetensors")).unwrap();
    fit("moons", out, &format!("{QUICK} --seed 2"));
    assert_ne!(first, fs::read(out.join("model.safetensors")).unwrap());
    assert_eq!(names_in(out), ["metrics.json", "model.safetensors", "notes.txt", "report.html"]);
}

#[test]
fn what_is_no_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out: PathBuf = folder.path().join("s.csv");
    fs::write(folder.path().join("model.safetensors"), "short").unwrap();
    for (run, message) in
        [("no-run", "no-run: cannot be read"), (".", "model.safetensors: this is no whole safetensors file")]
    {
        let run = folder.path().join(run);
        let (code, _, errors) = flows(&format!("sample {} --out {}", run.display(), out.display()));
        assert!(code == 2 && errors.contains(message), "{errors}");
        assert!(!out.exists());
    }
}
