//! Replays what the fuzz targets have found, and their seeds, without cargo-fuzz.

use std::fs;
use std::path::PathBuf;

#[path = "../../fuzz/laws/csv.rs"]
#[expect(unreachable_pub, reason = "fuzz targets and this test share it")]
mod csv;
#[path = "../../fuzz/laws/model.rs"]
#[expect(unreachable_pub, reason = "fuzz targets and this test share it")]
mod model;
#[path = "../../fuzz/laws/schedule.rs"]
#[expect(unreachable_pub, reason = "fuzz targets and this test share it")]
mod schedule;

/// Holds the law of a fuzz target against every file that it has.
fn replay(target: &str, law: impl Fn(&[u8]) -> Result<(), String>) {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folders = ["seeds", "regressions"].map(|kind| fuzz.join(kind).join(target));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
    assert!(!paths.is_empty(), "fuzz/seeds/{target} is empty");
    for path in paths {
        let bytes = fs::read(&path).expect("a file that was just listed");
        law(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn csv_files() {
    replay("csv", csv::law);
}

#[test]
fn model_files() {
    replay("model", model::law);
}

#[test]
fn checkpoint_schedules() {
    replay("schedule", schedule::law);
}
