//! photo-catalogue
pub mod catalogue;
pub mod exif;
pub mod gallery;
pub mod photo;
pub mod storage;
