//! Any text: reading it does not panic, and what is read prints, reads back, and transforms.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = ad_core::check::text(text) {
        panic!("{error}");
    }
});
