//! photo-catalogue copies the photos of a bucket into folders by the day they were taken,
//! catalogues them with their full EXIF, and serves them as gallery JSON.
//!
//! The library has three main modules. [`ingest`] copies photos to the archive and indexes them.
//! [`publish`] keeps counts and static files up to date. [`gallery`] answers requests. Each program
//! uses [`services`] to create these three. ARCHITECTURE.md describes all modules.

pub mod archive;
pub mod background;
pub mod catalogue;
#[cfg(feature = "lambda")]
pub mod cdn;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clients;
pub mod clock;
pub mod config;
pub mod extract_report;
pub mod gallery;
pub mod identity;
pub mod ingest;
mod list_changes;
pub mod map_tiles;
pub mod newer_version;
pub mod object;
pub mod paging;
pub mod photo_id;
pub mod pictures;
pub mod privacy;
#[cfg(feature = "cli")]
pub mod private_files;
pub mod publish;
pub mod render;
pub mod request_failure;
pub mod retry;
#[cfg(feature = "lambda")]
pub mod secrets;
pub mod services;
mod site_albums;
pub mod skipped_names;
pub mod storage;
mod strip;
pub mod summary;
pub mod telemetry;
pub mod term_index;
pub mod variables;
pub mod view;
