//! Sets a configuration name for each optional input of the tests that is present. The macros in
//! `requirements.rs` use these names.
//!
//! A test whose input is absent is compiled as ignored, with the reason. `cargo test` then reports
//! it as ignored and not as passed.

use std::path::{Path, PathBuf};

/// The optional inputs of the tests. Each is a configuration name, and the environment variable
/// that is set if the input is present.
const SERVERS: [(&str, &str); 5] = [
    ("has_moto", "CONFORMANCE_MOTO"),
    ("has_swift", "CONFORMANCE_SWIFT"),
    ("has_garage", "CONFORMANCE_GARAGE"),
    ("has_dynamodb_local", "CONFORMANCE_DYNAMODB_LOCAL"),
    ("has_emulator", "LAMBDA_RIE"),
];

fn main() {
    for (name, variable) in SERVERS {
        println!("cargo::rerun-if-env-changed={variable}");
        set(name, std::env::var_os(variable).is_some());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    println!("cargo::rerun-if-env-changed=PHOTO_CORPUS");
    let corpus = std::env::var_os("PHOTO_CORPUS").map_or(beside, PathBuf::from);
    let oracle = corpus.join("oracle.json");
    // Cargo reruns this program on every build while a watched file is absent.
    println!("cargo::rerun-if-changed={}", oracle.display());
    set("has_corpus", oracle.is_file());
}

fn set(name: &str, is_present: bool) {
    println!("cargo::rustc-check-cfg=cfg({name})");
    if is_present {
        println!("cargo::rustc-cfg={name}");
    }
}
