//! The law of `laws/schedule.rs` for any bytes.
#![no_main]

#[path = "../laws/schedule.rs"]
mod schedule;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = schedule::law(bytes) {
        panic!("{error}");
    }
});
