//! libFuzzer over sidecars of both formats: `cargo +nightly fuzz run sidecar --features libfuzzer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    extraction::check_sidecar(bytes);
});
