//! Random programs: compiled, they give what the evaluator gives.
#![no_main]

use ad_core::check::{self, Case};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let checked = Case::from_bytes(bytes)
        .and_then(|case| check::program(&case.tape, case.examples, &case.inputs, check::PROGRAM_TOLERANCE));
    if let Err(error) = checked {
        panic!("{error}");
    }
});
