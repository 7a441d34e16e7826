//! photo-catalogue: photos dropped into a bucket are filed by the day they were taken, catalogued with their full
//! EXIF, and served as gallery JSON.
//!
//! Three verbs, one library: [`ingest`] organises and indexes, [`publish`] keeps counts and static files,
//! [`gallery`] answers. See ARCHITECTURE.md for the map.

pub mod archive;
pub mod catalogue;
#[cfg(all(feature = "cli", feature = "local"))]
pub mod cli;
pub mod clients;
pub mod config;
pub mod exif;
pub mod gallery;
pub mod ingest;
#[cfg(feature = "local")]
pub mod local;
pub mod photo;
pub mod publish;
#[cfg(feature = "lambda")]
pub mod secrets;
pub mod storage;
pub mod telemetry;
