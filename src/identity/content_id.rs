//! The content id: a short text that is equal for equal bytes.

use serde::{Deserialize, Serialize};

use crate::object::{ObjectRef, ObjectVersion};
use crate::photo_id::short_digest;

/// The content id of an object. If two content ids are equal, the objects have the same bytes. If
/// they are not equal, the bytes may still be the same: for example, if the same bytes were
/// uploaded whole and in parts, a store may give them different ETags.
///
/// ```
/// use photo_catalogue::identity::ContentId;
///
/// let id = ContentId::of_md5(4096, "d41d8cd98f00b204e9800998ecf8427e");
/// assert_eq!(id.as_str(), "4096:md5:d41d8cd98f00b204e9800998ecf8427e");
/// assert_ne!(id, ContentId::of_crc64nvme(4096, "AAAAAAAAAAA="));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentId(String);

impl ContentId {
    /// Builds the content id of an object whose ETag is an MD5: of the bytes, or of the MD5s of its
    /// parts.
    pub fn of_md5(bytes: u64, etag: &str) -> Self {
        ContentId(format!("{bytes}:md5:{etag}"))
    }

    /// Builds the content id of an object from its CRC64NVME, as S3 returns it in base64.
    pub fn of_crc64nvme(bytes: u64, crc64nvme: &str) -> Self {
        ContentId(format!("{bytes}:crc64nvme:{crc64nvme}"))
    }

    /// Builds the content id of an object of which only its version (ETag and Last-Modified) is
    /// known. It is equal only to that of the same version of the same object.
    pub fn of_version(bytes: u64, object: &ObjectRef, version: &ObjectVersion) -> Self {
        let ObjectVersion {
            etag,
            last_modified,
        } = version;
        let fields = [object.bucket.as_str(), &object.key, etag, last_modified];
        let digest = short_digest(fields.join("\0").as_bytes());
        ContentId(format!("{bytes}:version:{digest}"))
    }

    /// Builds a content id from its stored text, which comes from the user metadata of a copy. Does
    /// not check the text.
    pub fn stored(text: &str) -> Self {
        ContentId(text.to_owned())
    }

    /// Returns the text of the content id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_another_object_or_time_has_another_id() {
        let id = |object: &str, etag: &str, modified: &str| {
            let version = ObjectVersion {
                etag: etag.to_owned(),
                last_modified: modified.to_owned(),
            };
            ContentId::of_version(1, &object.parse().expect("an object"), &version)
        };
        let first = id("s3://inbox/a.jpg", "e", "2018-02-01T00:00:00Z");
        assert_eq!(first, id("s3://inbox/a.jpg", "e", "2018-02-01T00:00:00Z"));
        assert_ne!(first, id("s3://inbox/b.jpg", "e", "2018-02-01T00:00:00Z"));
        assert_ne!(first, id("s3://inbox/a.jpg", "f", "2018-02-01T00:00:00Z"));
        assert_ne!(first, id("s3://inbox/a.jpg", "e", "2018-02-01T00:00:01Z"));
    }
}
