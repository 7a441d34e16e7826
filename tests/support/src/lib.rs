//! Helpers that the tests and the measurements share.

pub mod example_photos;
pub mod hostile_files;
pub mod requirements;
