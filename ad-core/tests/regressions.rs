//! Replays what the fuzz targets have found, and their seeds, without cargo-fuzz.

use std::fs;
use std::path::PathBuf;

use ad_core::{Array, check};

/// Runs a law on every file of a fuzz target; returns how many there were.
fn replay(target: &str, law: impl Fn(&[u8]) -> ad_core::Result<()>) -> usize {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folders = ["seeds", "regressions"].map(|kind| fuzz.join(kind).join(target));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut count = 0;
    for path in files.map(|file| file.path()) {
        let bytes = fs::read(&path).expect("a file that was just listed");
        law(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    count
}

#[test]
fn tape_text() {
    let count = replay("tape_text", |bytes| std::str::from_utf8(bytes).map_or(Ok(()), check::text));
    assert!(count > 0, "fuzz/seeds/tape_text is empty");
}

#[test]
fn programs() {
    let count = replay("programs", check::bytes);
    assert!(count > 0, "fuzz/seeds/programs is empty");
}

#[test]
fn lines() {
    let count = replay("lines", check::lines);
    assert!(count > 0, "fuzz/seeds/lines is empty");
}

#[test]
fn the_seed_with_every_kind_of_line_is_read_and_printed_as_it_stands() {
    let text = include_str!("../../fuzz/seeds/tape_text/everything");
    let lines: String = text.lines().filter(|l| !l.starts_with('#')).flat_map(|l| [l, "\n"]).collect();
    let tape: ad_core::Tape = lines.parse().unwrap();
    assert_eq!(tape.to_string(), lines);
    let array = |shape: &[usize]| {
        let numbers = (0..shape.iter().product::<usize>()).map(|k| 0.3 + 0.1 * k as f64);
        Array::new(shape, numbers.collect()).unwrap()
    };
    check::program(&tape, 2, &[array(&[2, 3]), array(&[3, 4]), array(&[])], 1e-12).unwrap();
}
