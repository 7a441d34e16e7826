//! libFuzzer over the rendering of pictures: `cargo +nightly fuzz run render --features libfuzzer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    extraction::rendering::check_rendering(bytes);
});
