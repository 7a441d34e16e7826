//! Tests of the gallery over HTTP, with the real router, the real SDK and an embedded DynamoDB. Items are
//! written in their stored form.

pub(crate) mod fixture;
mod http;
mod lists;
mod model;
mod paging;
mod pictures;
pub(crate) mod schema;
