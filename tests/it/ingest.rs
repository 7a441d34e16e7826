//! Ingest over HTTP against the embedded engines: real uploads, real notifications, and afterwards the archive's tree
//! and the catalogue's items. Every photo is made by the tests.

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
