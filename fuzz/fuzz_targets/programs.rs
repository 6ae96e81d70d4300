//! Random programs: compiled, they give what the evaluator gives.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = ad_core::check::bytes(bytes) {
        panic!("{error}");
    }
});
