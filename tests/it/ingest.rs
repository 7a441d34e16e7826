//! Ingest over HTTP against the embedded engines, with real uploads and real notifications. The
//! tests check the keys of the archive and the items of the catalogue. They make every photo
//! themselves.

mod archive;
mod events;
mod faults;
pub(crate) mod fixture;
pub(crate) mod moving;
pub(crate) mod photos;
pub(crate) mod proxy;
mod source_after;
mod telemetry;
mod upload;
