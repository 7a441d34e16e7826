//! photo-catalogue: photos dropped into a bucket are filed by the day they were taken, catalogued with their full
//! EXIF, and served as gallery JSON.
//!
//! Three verbs, one library: [`ingest`] organises and indexes, `publish` (to come) keeps counts and static files,
//! [`gallery`] answers. See ARCHITECTURE.md for the map.

pub mod exif;
pub mod photo;
