//! The names and versions of objects: bucket, prefix, key and ETag.
//!
//! This module does no I/O. A [`Bucket`] and a [`Prefix`] are checked when they are built. Other
//! code never checks them again.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The maximum length of an object key, in bytes (S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;
/// The maximum length of a prefix, in bytes. It leaves half of the key for the text after the
/// prefix.
const MAX_PREFIX_BYTES: usize = MAX_KEY_BYTES / 2;

/// The smallest difference of two Last-Modified times that makes their order certain. Times are
/// rounded to the second, and the clocks of a store's servers may differ.
const CERTAIN_DISTANCE: TimeDelta = TimeDelta::seconds(3);

/// The name of a bucket. It is not empty. A clone is cheap.
///
/// The allowed characters differ between stores, so nothing else is checked.
///
/// ```
/// use photo_catalogue::object::Bucket;
///
/// let bucket = Bucket::new("inbox")?;
/// assert_eq!(bucket.object("card/foobar.jpg").to_string(), "s3://inbox/card/foobar.jpg");
/// assert!(Bucket::new("").is_err());
/// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bucket(Arc<str>);

/// A prefix: the text with which all keys of the source, of the archive or of the gallery begin. It
/// is empty, or ends in `/` and has at most 512 bytes.
///
/// ```
/// use photo_catalogue::object::Prefix;
///
/// assert_eq!(Prefix::new("photos/")?.as_str(), "photos/");
/// assert!(Prefix::new("")?.is_empty());
/// assert!(Prefix::new("photos").is_err());
/// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(String);

/// The name of an object: its bucket and its key.
///
/// ```
/// use photo_catalogue::object::ObjectRef;
///
/// let object: ObjectRef = "s3://inbox/card/foobar.jpg".parse()?;
/// assert_eq!(object.bucket.as_str(), "inbox");
/// assert_eq!(object.key, "card/foobar.jpg");
/// assert_eq!(object.file_name(), "foobar.jpg");
/// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: Bucket,
    /// The key, without URL encoding.
    pub key: String,
}

/// The version of an object: its ETag and Last-Modified, which identify its bytes at one time.
///
/// Two writes of one key have different versions, unless they write equal bytes within one second.
/// In that case the difference does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectVersion {
    /// The ETag, without quotes.
    pub etag: String,
    /// Last-Modified in UTC, to the second, such as `2018-02-01T08:41:07Z`.
    pub last_modified: String,
}

/// The reason why a text is not the name of a bucket, a prefix or an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectNameError {
    /// The bucket's name is empty.
    #[error("a bucket name is empty")]
    EmptyBucket,
    /// The prefix does not end in `/`, or is longer than 512 bytes.
    #[error("the prefix \"{0}\" is not empty, and does not end in / or is longer than 512 bytes")]
    InvalidPrefix(String),
    /// The text does not have the form `s3://bucket/key`.
    #[error("\"{0}\" does not have the form s3://bucket/key")]
    InvalidObject(String),
}

impl Bucket {
    /// Builds a bucket from its name, and checks the name.
    ///
    /// # Errors
    /// Returns [`ObjectNameError::EmptyBucket`] if the name is empty.
    pub fn new(name: &str) -> Result<Self, ObjectNameError> {
        if name.is_empty() {
            return Err(ObjectNameError::EmptyBucket);
        }
        Ok(Bucket(name.into()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the reference to the object with this key in this bucket.
    pub fn object(&self, key: impl Into<String>) -> ObjectRef {
        ObjectRef {
            bucket: self.clone(),
            key: key.into(),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Bucket {
    type Err = ObjectNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Bucket::new(name)
    }
}

impl TryFrom<String> for Bucket {
    type Error = ObjectNameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Bucket::new(&name)
    }
}

impl From<Bucket> for String {
    fn from(bucket: Bucket) -> Self {
        bucket.as_str().to_owned()
    }
}

impl PartialEq<str> for Bucket {
    fn eq(&self, name: &str) -> bool {
        self.as_str() == name
    }
}

impl PartialEq<&str> for Bucket {
    fn eq(&self, name: &&str) -> bool {
        self.as_str() == *name
    }
}

impl Prefix {
    /// Builds a prefix from a text, and checks the text.
    ///
    /// # Errors
    /// Returns [`ObjectNameError::InvalidPrefix`] if the prefix is longer than 512 bytes, or if it
    /// is not empty and does not end in `/`.
    pub fn new(prefix: &str) -> Result<Self, ObjectNameError> {
        if !prefix.is_empty() && (!prefix.ends_with('/') || prefix.len() > MAX_PREFIX_BYTES) {
            return Err(ObjectNameError::InvalidPrefix(prefix.to_owned()));
        }
        Ok(Prefix(prefix.to_owned()))
    }

    /// Returns the text of the prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if the prefix is the empty text, with which every key begins.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns this prefix followed by `rest`.
    pub fn join(&self, rest: &str) -> String {
        format!("{}{rest}", self.0)
    }

    /// Removes this prefix from a key. Returns `None` if the key does not begin with this prefix.
    pub fn strip<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.0)
    }

    /// Returns `true` if every key under `other` is also under this prefix.
    pub fn contains(&self, other: &Prefix) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = ObjectNameError;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        Prefix::new(prefix)
    }
}

impl ObjectRef {
    /// Returns the file name: the text after the key's last slash.
    pub fn file_name(&self) -> &str {
        file_name(&self.key)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl FromStr for ObjectRef {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("s3://");
        let (bucket, key) = path
            .and_then(|path| path.split_once('/'))
            .ok_or_else(|| ObjectNameError::InvalidObject(text.to_owned()))?;
        Ok(Bucket::new(bucket)?.object(key))
    }
}

impl ObjectVersion {
    /// Builds a version from the headers of a store's response. Cuts the time to the second,
    /// because some responses have no fraction of a second.
    pub fn new(etag: &str, last_modified: DateTime<Utc>) -> Self {
        ObjectVersion {
            etag: etag.trim_matches('"').to_owned(),
            last_modified: last_modified.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }

    /// Returns `true` if this version is certainly older than `other`: its Last-Modified is at least
    /// three seconds earlier. An object that has the version `other` then cannot get this version
    /// again, even if the same bytes are written to it once more.
    ///
    /// ```
    /// use photo_catalogue::object::ObjectVersion;
    ///
    /// let version = |time: &str| ObjectVersion::new("e", time.parse().unwrap());
    /// let first = version("2018-02-01T09:41:07Z");
    /// assert!(first.is_older_than(&version("2018-02-01T09:41:10Z")));
    /// assert!(!first.is_older_than(&version("2018-02-01T09:41:09Z")));
    /// ```
    pub fn is_older_than(&self, other: &ObjectVersion) -> bool {
        let times =
            [self, other].map(|version| DateTime::parse_from_rfc3339(&version.last_modified).ok());
        match times {
            [Some(time), Some(later)] => later - time >= CERTAIN_DISTANCE,
            _ => false,
        }
    }

    /// Returns `true` if a listing entry with this ETag and this time describes this version.
    ///
    /// The two times may differ by one second, because a store may round the time differently in a
    /// listing and in the response to HEAD. For example, Swift rounds up in only one of them.
    pub fn matches_listing(&self, etag: &str, last_modified: DateTime<Utc>) -> bool {
        let recorded = DateTime::parse_from_rfc3339(&self.last_modified);
        self.etag == etag
            && recorded
                .is_ok_and(|recorded| (recorded.timestamp() - last_modified.timestamp()).abs() <= 1)
    }
}

/// Returns the file name: the text after the key's last slash.
pub(crate) fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}
