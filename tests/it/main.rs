//! Integration tests: one target, a module for each subject.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod examples;
mod exif_corpus;
mod gallery;
mod layers;
mod local_s3;
mod serve;
