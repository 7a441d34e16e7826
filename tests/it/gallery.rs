//! Tests of the gallery over HTTP, with the real router, the real SDK and an embedded DynamoDB
//! server. The tests write the items as ingest stores them.

pub(crate) mod fixture;
mod http;
mod lists;
mod model;
mod paging;
mod picture_secrets;
mod pictures;
pub(crate) mod schema;
