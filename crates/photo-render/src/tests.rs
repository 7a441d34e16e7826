//! Tests of the whole crate with pictures that are made here.

mod builders;
mod colours;
mod damage;
mod formats;
mod limits;
mod renditions;
mod shapes;
