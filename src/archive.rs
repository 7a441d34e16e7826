//! The layout of the archive: the keys under which the copies of photos are stored.
//!
//! This module does no I/O. It computes keys from a [`Layout`] and the metadata of a photo. A
//! [`SourceKey`] is never under the archive prefix, and an [`ArchiveKey`] always is. So ingest
//! never mistakes a copy for an upload.

mod file_names;
mod sidecar_name;

pub use file_names::{ArchivePlan, NameNumber, plan_names};
pub(crate) use file_names::{is_visible, split_extension};
pub use sidecar_name::{SidecarKind, SidecarName, UploadName, described_part};

use crate::identity::Slot;
use crate::object::{Bucket, ObjectRef, Prefix, file_name};
use crate::variables::{ARCHIVE_BUCKET, ARCHIVE_PREFIX, SOURCE_BUCKET, SOURCE_PREFIX};
use photo_metadata::{DatePrecision, PartialDateTime};

/// The text `undated`. It is the name of the archive folder, of the date partition and of the month
/// for photos without a credible date.
pub const UNDATED: &str = "undated";
/// The first characters of a probe object's file name. A probe object is a small object that the
/// program writes to test what a store supports.
const PROBE: &str = ".photo-catalogue-probe-";
/// The text `(none)`: the name of a part (one file of a photo) that has no extension. Any other
/// part is named after its extension.
pub const NO_EXTENSION: &str = "(none)";

/// The buckets and prefixes of the source (the uploads) and of the archive (the copies).
/// [`Layout::new`] checks that no key can belong to both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    source_bucket: Bucket,
    source_prefix: Prefix,
    archive_bucket: Bucket,
    archive_prefix: Prefix,
}

/// The reason why a layout is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The name of a bucket is empty. The fields are the role of the bucket (`source` or `archive`)
    /// and the environment variable that sets its name.
    #[error("the {0} bucket has no name; set {1}")]
    NoBucket(&'static str, &'static str),
    /// Source and archive share a bucket, and at least one of the prefixes is empty.
    #[error(
        "source and archive are one bucket ({bucket}), so both need a prefix: {SOURCE_PREFIX} is \
         \"{source_prefix}\", {ARCHIVE_PREFIX} is \"{archive_prefix}\""
    )]
    EmptyPrefix {
        /// The shared bucket.
        bucket: Bucket,
        /// The source prefix.
        source_prefix: Prefix,
        /// The archive prefix.
        archive_prefix: Prefix,
    },
    /// Source and archive share a bucket, and one prefix begins with the other.
    #[error(
        "source and archive are one bucket ({bucket}) and their prefixes overlap: {SOURCE_PREFIX} \
         \"{source_prefix}\", {ARCHIVE_PREFIX} \"{archive_prefix}\"; neither may begin with the other"
    )]
    Overlap {
        /// The shared bucket.
        bucket: Bucket,
        /// The source prefix.
        source_prefix: Prefix,
        /// The archive prefix.
        archive_prefix: Prefix,
    },
    /// A prefix does not end in `/`, or is longer than 512 bytes.
    #[error(
        "{variable} is \"{prefix}\"; a prefix is empty or ends in / and leaves room for a key (at \
         most 512 bytes)"
    )]
    NotAFolder {
        /// The environment variable that sets the prefix.
        variable: &'static str,
        /// The prefix.
        prefix: String,
    },
}

impl Layout {
    /// Checks the buckets and prefixes, and builds a layout.
    ///
    /// Each bucket must have a name. A prefix must be empty, or end in `/` and have at most 512
    /// bytes. If source and archive share a bucket, both must have a prefix, and neither prefix may
    /// begin with the other.
    ///
    /// ```
    /// use photo_catalogue::archive::Layout;
    ///
    /// let layout = Layout::new("photos", "inbox/", "photos", "archive/")?;
    /// let key = layout.archive_key("archive/2018-02-01/foobar.jpg").expect("an archive key");
    /// assert_eq!(key.stem(), "2018-02-01/foobar");
    ///
    /// let error = Layout::new("photos", "", "photos", "archive/").unwrap_err();
    /// assert!(error.to_string().contains("both need a prefix"));
    /// # Ok::<(), photo_catalogue::archive::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// Returns a [`LayoutError`] if a bucket or prefix breaks these rules. The message is one line
    /// and contains the names of the variables to change.
    pub fn new(
        source_bucket: &str,
        source_prefix: &str,
        archive_bucket: &str,
        archive_prefix: &str,
    ) -> Result<Self, LayoutError> {
        let bucket = |name, role, variable| {
            Bucket::new(name).map_err(|_| LayoutError::NoBucket(role, variable))
        };
        let folder = |prefix: &str, variable| {
            Prefix::new(prefix).map_err(|_| LayoutError::NotAFolder {
                variable,
                prefix: prefix.to_owned(),
            })
        };
        let layout = Layout {
            source_bucket: bucket(source_bucket, "source", SOURCE_BUCKET)?,
            archive_bucket: bucket(archive_bucket, "archive", ARCHIVE_BUCKET)?,
            source_prefix: folder(source_prefix, SOURCE_PREFIX)?,
            archive_prefix: folder(archive_prefix, ARCHIVE_PREFIX)?,
        };
        layout.check_disjoint()?;
        Ok(layout)
    }

    fn check_disjoint(&self) -> Result<(), LayoutError> {
        if self.source_bucket != self.archive_bucket {
            return Ok(());
        }
        let bucket = self.source_bucket.clone();
        let source_prefix = self.source_prefix.clone();
        let archive_prefix = self.archive_prefix.clone();
        if source_prefix.is_empty() || archive_prefix.is_empty() {
            return Err(LayoutError::EmptyPrefix {
                bucket,
                source_prefix,
                archive_prefix,
            });
        }
        if source_prefix.contains(&archive_prefix) || archive_prefix.contains(&source_prefix) {
            return Err(LayoutError::Overlap {
                bucket,
                source_prefix,
                archive_prefix,
            });
        }
        Ok(())
    }

    /// Returns the bucket and key of a probe object: a small object that the program writes to test
    /// the store. `tail` is the end of the file name. Two tests at the same time must use different
    /// values of `tail`. The object is under the source prefix, but ingest ignores it.
    pub fn probe_object(&self, tail: &str) -> ObjectRef {
        self.source_bucket
            .object(self.source_prefix.join(&format!("{PROBE}{tail}")))
    }

    /// Finds out whether an object is under the source prefix or under the archive prefix. Returns
    /// `None` if the object is under neither, or if it is a probe object.
    pub fn place(&self, object: &ObjectRef) -> Option<KeyPlace> {
        if object.bucket == self.source_bucket
            && let Some(below) = self.source_prefix.strip(&object.key)
        {
            if below.starts_with(PROBE) {
                return None;
            }
            return Some(KeyPlace::Source(SourceKey {
                object: object.clone(),
            }));
        }
        if object.bucket == self.archive_bucket {
            return self.archive_key(&object.key).map(KeyPlace::Archive);
        }
        None
    }

    /// Parses a key of the archive bucket. Returns `None` if the key is not under the archive
    /// prefix. With the prefix `photos/`, the key `photos/2018-02-01/foobar.jpg` has the stem
    /// `2018-02-01/foobar` and the extension `jpg`. A sidecar has the stem of its photo: the key
    /// `photos/2018-02-01/foobar.NEF.xmp` has the same stem and the extension `NEF.xmp`.
    pub fn archive_key(&self, key: &str) -> Option<ArchiveKey> {
        let below = self.archive_prefix.strip(key)?;
        let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
        let (base, extension) = split_file_name(name);
        let stem = if folder.is_empty() && !below.starts_with('/') {
            base.to_owned()
        } else {
            format!("{folder}/{base}")
        };
        Some(ArchiveKey {
            object: self.archive_bucket.object(key),
            stem,
            extension: extension.map(str::to_owned),
        })
    }

    /// Returns the bucket of the source.
    pub fn source_bucket(&self) -> &Bucket {
        &self.source_bucket
    }

    /// Returns the prefix of the source keys.
    pub fn source_prefix(&self) -> &Prefix {
        &self.source_prefix
    }

    /// Returns the bucket of the archive.
    pub fn archive_bucket(&self) -> &Bucket {
        &self.archive_bucket
    }

    /// Returns the prefix of the archive keys.
    pub fn archive_prefix(&self) -> &Prefix {
        &self.archive_prefix
    }
}

/// The place of a key: under the source prefix or under the archive prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// The key is under the source prefix. The step organise copies its object to the archive.
    Source(SourceKey),
    /// The key is under the archive prefix. The step index writes the catalogue item of its photo.
    Archive(ArchiveKey),
}

/// A key under the source prefix. It is never under the archive prefix: a [`Layout`] refuses
/// prefixes that overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceKey {
    object: ObjectRef,
}

impl SourceKey {
    /// Returns the source object.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// Returns the whole key, including the prefix.
    pub fn as_str(&self) -> &str {
        &self.object.key
    }

    /// Returns the file name: the text after the key's last slash.
    pub fn file_name(&self) -> &str {
        self.object.file_name()
    }
}

/// A key under the archive prefix, which is split into stem and extension. Only
/// [`Layout::archive_key`] and [`ArchivePlan::archive_key`] build one.
///
/// ```
/// use photo_catalogue::archive::Layout;
///
/// let layout = Layout::new("inbox", "", "archive", "photos/")?;
/// let key = layout.archive_key("photos/2018-02-01/foobar.NEF").expect("an archive key");
/// assert_eq!((key.stem(), key.part()), ("2018-02-01/foobar", "NEF"));
/// assert_eq!(key.object().to_string(), "s3://archive/photos/2018-02-01/foobar.NEF");
/// assert_eq!(key.with_part("jpg").as_str(), "photos/2018-02-01/foobar.jpg");
/// assert_eq!(layout.archive_key("elsewhere/foobar.NEF"), None);
/// # Ok::<(), photo_catalogue::archive::LayoutError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveKey {
    object: ObjectRef,
    stem: String,
    extension: Option<String>,
}

impl ArchiveKey {
    /// Returns the archived object.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// Returns the whole key, including the prefix.
    pub fn as_str(&self) -> &str {
        &self.object.key
    }

    /// Returns the stem: the key without its prefix and extension, such as `2018-02-01/foobar`.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// Returns `true` if the key is in the folder `undated/`.
    pub fn is_undated(&self) -> bool {
        is_undated_stem(&self.stem)
    }

    /// Returns this key with the extension of a part of its photo. For example,
    /// `2018-02-01/foobar.jpg` with the part `NEF` is `2018-02-01/foobar.NEF`.
    #[must_use]
    pub fn with_part(&self, part: &str) -> ArchiveKey {
        let key = self.as_str();
        let own_tail = self.extension.as_ref().map_or(0, |own| own.len() + 1);
        let bare = &key[..key.len() - own_tail];
        let extension = Some(part).filter(|part| *part != NO_EXTENSION);
        let tail = extension.map(|extension| format!(".{extension}"));
        ArchiveKey {
            object: self
                .object
                .bucket
                .object(format!("{bare}{}", tail.unwrap_or_default())),
            stem: self.stem.clone(),
            extension: extension.map(str::to_owned),
        }
    }

    /// Returns the name of this file in the list of its photo's parts. The name is the file's
    /// extension in its original case, such as `NEF`, or [`NO_EXTENSION`].
    pub fn part(&self) -> &str {
        self.extension().unwrap_or(NO_EXTENSION)
    }

    /// Returns the extension in its original case, such as `NEF`, if the key has one.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Returns the kind of the sidecar under this key, or `None` if the file is a photo.
    pub fn sidecar_kind(&self) -> Option<SidecarKind> {
        SidecarKind::of_part(self.extension()?)
    }

    /// Returns the slot of this file in its item: its format.
    pub fn slot(&self) -> Slot {
        Slot::of_extension(self.extension())
    }

    /// Returns the file name: the text after the key's last slash.
    pub fn file_name(&self) -> &str {
        self.object.file_name()
    }
}

/// Splits the name of an archived file into the name of its photo and the name of its part. The name
/// of a part is an extension, or that of a sidecar: `CR2.xmp`. Returns `None` in its place if the file
/// has no extension.
pub(crate) fn split_file_name(name: &str) -> (&str, Option<&str>) {
    match sidecar_name::split_archived_name(name) {
        Some((base, part)) => (base, Some(part)),
        None => split_extension(name),
    }
}

/// Returns `true` if the photo with this stem is in the wrong folder. `date` is the capture time of
/// the photo, as far as it is known. The folder is wrong if it is named after another day, month or
/// year, or if it is `undated/` although the date is known. Returns `false` if `date` is `None`, or
/// if the folder is neither a date nor `undated/`.
///
/// A folder of a year or a month counts only directly under the archive prefix. Deeper folders with
/// such names are made by people, and can mean anything.
///
/// ```
/// use photo_catalogue::archive::is_misfiled;
///
/// let date = Some("1985-06".parse()?);
/// assert!(is_misfiled("1985-06-01/foobar", date) && is_misfiled("1985/foobar", date));
/// assert!(!is_misfiled("1985-06/foobar", date) && !is_misfiled("holidays/foobar", date));
/// # Ok::<(), photo_metadata::InvalidPartialDate>(())
/// ```
pub fn is_misfiled(stem: &str, date: Option<PartialDateTime>) -> bool {
    let Some((folders, _)) = stem.rsplit_once('/') else {
        return false;
    };
    let folder = file_name(folders);
    let named_after: Option<PartialDateTime> = folder.parse().ok();
    let is_date_folder = named_after.is_some_and(|named_after| match named_after.precision() {
        DatePrecision::Day => folder.len() == 10,
        DatePrecision::Year | DatePrecision::Month => folders == folder && folder.len() <= 7,
        DatePrecision::Second | DatePrecision::Subsecond => false,
    });
    date.is_some_and(|date| date.period() != folder) && (is_date_folder || folders == UNDATED)
}

/// Returns `true` if the folder of a stem is named after a year or a month. People make such folders
/// too.
///
/// ```
/// use photo_catalogue::archive::is_in_year_or_month_folder;
///
/// assert!(is_in_year_or_month_folder("1985/foobar") && is_in_year_or_month_folder("1985-06/foobar"));
/// assert!(!is_in_year_or_month_folder("1985-06-03/foobar"));
/// ```
pub fn is_in_year_or_month_folder(stem: &str) -> bool {
    let folders = stem.rsplit_once('/').map(|(folders, _)| folders);
    let named_after = folders.and_then(|folders| folders.parse::<PartialDateTime>().ok());
    named_after.is_some_and(|named_after| named_after.precision() < DatePrecision::Day)
}

/// Returns `true` if a stem is in the folder `undated/`.
pub fn is_undated_stem(stem: &str) -> bool {
    let below = stem.strip_prefix(UNDATED);
    below.is_some_and(|below| below.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new("inbox", "", "archive", "").expect("two buckets")
    }

    fn object(text: &str) -> ObjectRef {
        text.parse().expect("a bucket and a key")
    }

    #[test]
    fn leading_slash_of_older_tools_stays_in_the_stem() {
        let key = layout()
            .archive_key("/2018-02-01/x.jpg")
            .expect("an archive key");
        assert_eq!((key.stem(), key.part()), ("/2018-02-01/x", "jpg"));
    }

    #[test]
    fn shared_bucket_needs_disjoint_prefixes() {
        assert!(Layout::new("one", "inbox/", "one", "archive/").is_ok());
        for (source, archive) in [
            ("", ""),
            ("", "archive/"),
            ("inbox/", ""),
            ("a/", "a/"),
            ("a/", "a/b/"),
            ("a/b/", "a/"),
        ] {
            let error = Layout::new("one", source, "one", archive).expect_err("refused");
            assert!(error.to_string().contains("one bucket (one)"), "{error}");
        }
        assert!(
            Layout::new("one", "inbox", "one", "archive/").is_err(),
            "a prefix ends in a slash"
        );
    }

    #[test]
    fn key_of_a_shared_bucket_is_source_archive_or_neither() {
        let layout = Layout::new("one", "inbox/", "one", "archive/").expect("disjoint");
        assert!(matches!(
            layout.place(&object("s3://one/inbox/a.jpg")),
            Some(KeyPlace::Source(_))
        ));
        assert!(matches!(
            layout.place(&object("s3://one/archive/2018-02-01/a.jpg")),
            Some(KeyPlace::Archive(_))
        ));
        assert_eq!(layout.place(&object("s3://one/gallery/index.json")), None);
        assert_eq!(layout.place(&object("s3://two/inbox/a.jpg")), None);
        assert_eq!(layout.place(&layout.probe_object("1")), None);
    }
}
