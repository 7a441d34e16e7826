//! The integration tests. They are one test binary, with a module for each subject.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests read files, the clock and variables"
)]

mod conformance;
mod engines;
mod examples;
mod exif_corpus;
mod gallery;
mod golden;
mod ingest;
mod item_size;
mod lambda;
mod layers;
mod publish;
mod render;
mod serve;
mod simulation;

/// Builds an HTTP client. reqwest is compiled without a TLS provider here, but needs one even for
/// plain HTTP, so one is installed.
fn http_client() -> reqwest::Client {
    // This fails if another test has installed the provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The tests send no requests over TLS. Without this, each client would read all certificates of
    // the system.
    let builder = reqwest::Client::builder().tls_certs_only([]);
    // Tests of redirects look at the response itself.
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    builder.build().unwrap()
}
