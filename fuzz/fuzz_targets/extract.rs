//! libFuzzer over the whole extraction: `cargo +nightly fuzz run extract --features libfuzzer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    extraction::check_extraction(bytes);
});
