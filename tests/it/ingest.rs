//! Tests of ingest over HTTP, with the embedded engines, real uploads and real notifications. They
//! check the keys of the archive and the items of the catalogue. The tests make all their photos
//! themselves.

mod archive;
mod events;
mod faults;
pub(crate) mod fixture;
mod identity;
pub(crate) mod moving;
mod names;
pub(crate) mod photos;
pub(crate) mod proxy;
mod sidecars;
mod sizes;
mod source_after;
mod telemetry;
mod upload;
