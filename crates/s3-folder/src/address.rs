//! The address of an object: its bucket and its key.

use std::fmt;

/// The address of an object. It is displayed as `bucket/key`.
///
/// ```
/// use s3_folder::ObjectAddress;
///
/// let address = ObjectAddress::new("documents", "2024/letter.pdf");
/// assert_eq!(address.to_string(), "documents/2024/letter.pdf");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectAddress {
    /// The name of the bucket.
    pub bucket: String,
    /// The key in the bucket.
    pub key: String,
}

impl ObjectAddress {
    /// Returns the address of the object `key` in `bucket`. Does not check either name.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        ObjectAddress {
            bucket: bucket.into(),
            key: key.into(),
        }
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)
    }
}
