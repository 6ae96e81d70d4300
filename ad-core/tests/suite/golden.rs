//! Transforms as text: `tests/golden/*.tape`. `UPDATE_GOLDEN=1 cargo test -p ad-core --test suite golden` writes them anew.

use std::fs;
use std::path::PathBuf;

use ad_core::{Elementary, Tape};

/// Compares a tape with its file, or writes the file.
fn assert_golden(name: &str, tape: &Tape) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.tape"));
    let text = tape.to_string();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(golden, text, "{name}: run with UPDATE_GOLDEN=1 and read the difference");
    assert_eq!(golden.parse::<Tape>().as_ref(), Ok(tape), "{name} does not read back");
}

/// `x W1 + b1`, tanh, `W2 + b2`.
fn field() -> Tape {
    Tape::record(|t| {
        let x = t.example("x", &[3]);
        let (w1, b1) = (t.shared("w1", &[3, 4]), t.shared("b1", &[4]));
        let (w2, b2) = (t.shared("w2", &[4, 3]), t.shared("b2", &[3]));
        [("y", (x.matmul(&w1) + b1).tanh().matmul(&w2) + b2)]
    })
    .unwrap()
}

#[test]
fn a_field() {
    assert_golden("field", &field());
}

#[test]
fn its_jvp() {
    assert_golden("field_jvp", &field().jvp(&["x"]).unwrap());
}

#[test]
fn its_vjp() {
    assert_golden("field_vjp", &field().vjp(&["x", "w1", "b1", "w2", "b2"]).unwrap());
}

#[test]
fn its_divergence() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let parameters: Vec<_> = [("w1", &[3, 4][..]), ("b1", &[4]), ("w2", &[4, 3]), ("b2", &[3])]
            .map(|(n, s)| t.shared(n, s))
            .into();
        let inputs: Vec<_> = std::iter::once(&x).chain(&parameters).collect();
        let y = t.inline(&field(), &inputs).remove(0);
        let divergence = t.push_forward(&[(&x, &t.identity(3))], &[&y]).remove(0).trace();
        [("y", y), ("divergence", divergence)]
    });
    assert_golden("field_divergence", &tape.unwrap());
}

#[test]
fn a_batch_mean_and_its_vjp() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[2]);
        [("y", &x - x.mean_examples())]
    });
    assert_golden("batch_mean_vjp", &tape.unwrap().vjp(&["x"]).unwrap());
}

#[test]
fn structural_operations_and_their_transposes() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[2, 3]);
        let y = x.slice(1, 1..3).pad(0, 1, 4).gather(0, &[2, 1, 1]).reshape(&[6]);
        [("y", t.constant(&[1.0, 0.0, 0.0, 1.0, 1.0, 0.0], &[6]).select(&y, &y.stop_gradient()))]
    });
    assert_golden("structural_vjp", &tape.unwrap().vjp(&["x"]).unwrap());
}
