//! The law of `laws/model.rs` for any bytes.
#![no_main]

#[path = "../laws/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = model::law(bytes) {
        panic!("{error}");
    }
});
