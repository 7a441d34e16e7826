//! Tests of the whole crate with pictures that are made here.

#[cfg(feature = "more-formats")]
mod avif;
#[cfg(feature = "more-formats")]
mod avif_files;
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
