//! The one owner that the store names in its responses. The store has no accounts.

use s3s::dto::{Initiator, Owner};

/// The id and the display name of the owner.
const LOCAL: &str = "local";

/// Returns the owner of every bucket and object.
pub(crate) fn local_owner() -> Owner {
    Owner {
        display_name: Some(LOCAL.to_owned()),
        id: Some(LOCAL.to_owned()),
    }
}

/// Returns the initiator of every multipart upload, who is the owner.
pub(crate) fn local_initiator() -> Initiator {
    Initiator {
        display_name: Some(LOCAL.to_owned()),
        id: Some(LOCAL.to_owned()),
    }
}
