//! The law of `laws/csv.rs` for any bytes.
#![no_main]

#[path = "../laws/csv.rs"]
mod csv;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = csv::law(bytes) {
        panic!("{error}");
    }
});
