//! Lines as no recording leaves them: what the builder makes of them, and both compiled and differentiated, is the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = ad_core::check::lines(bytes) {
        panic!("{error}");
    }
});
