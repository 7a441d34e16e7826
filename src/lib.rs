//! photo-catalogue: photos dropped into a bucket are filed by the day they were taken, catalogued with their full
//! EXIF, and served as gallery JSON.
//!
//! Three verbs, one library: [`ingest`] organises and indexes, [`publish`] keeps counts and static files,
//! [`gallery`] answers. See ARCHITECTURE.md for the map.

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
pub mod photo_id;
pub mod privacy;
pub mod publish;
pub mod retry;
#[cfg(feature = "lambda")]
pub mod secrets;
pub mod storage;
mod strip;
pub mod summary;
pub mod telemetry;
pub mod view;
