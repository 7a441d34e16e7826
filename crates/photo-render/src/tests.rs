//! Tests of the whole crate with pictures that are made here.

mod builders;
mod colours;
mod damage;
mod formats;
#[cfg(feature = "more-formats")]
mod heic;
#[cfg(feature = "more-formats")]
mod jxl;
mod limits;
mod renditions;
mod shapes;
