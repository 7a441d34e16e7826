//! photo-catalogue files the photos of a bucket by the day they were taken, catalogues them with
//! their full EXIF, and serves them as gallery JSON.
//!
//! The library has three parts: [`ingest`] files and indexes photos, [`publish`] keeps counts and
//! static files, and [`gallery`] answers requests. [`services`] puts them together for each
//! program. ARCHITECTURE.md has the map.

pub mod archive;
pub mod catalogue;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clients;
pub mod config;
#[cfg(feature = "cli")]
pub mod dynamodb_engine;
pub mod extract_report;
pub mod gallery;
pub mod ingest;
pub mod object;
pub mod paging;
pub mod photo_id;
pub mod privacy;
pub mod publish;
pub mod request_failure;
pub mod retry;
#[cfg(feature = "lambda")]
pub mod secrets;
pub mod services;
pub mod storage;
mod strip;
pub mod summary;
pub mod telemetry;
pub mod view;
