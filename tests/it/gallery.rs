//! The gallery over HTTP: the real router, the real SDK, an embedded DynamoDB behind it. Items are written as they are
//! stored; nothing of ours is faked.

pub(crate) mod fixture;
mod http;
mod lists;
mod model;
mod paging;
mod pictures;
pub(crate) mod schema;
