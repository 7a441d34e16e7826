//! Integration tests: one target, a module for each subject.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conformance;
mod examples;
mod exif_corpus;
mod gallery;
mod golden;
mod ingest;
mod lambda;
mod layers;
mod publish;
mod serve;
mod simulation;

/// An HTTP client. reqwest has no TLS provider of its own here, and asks for one even where nothing is encrypted.
fn http_client() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
