//! The layout of the archive: the keys under which the copies of photos are stored.
//!
//! This module does no I/O. It computes keys from a [`Layout`] and the metadata of a photo. A
//! [`SourceKey`] is never under the archive prefix, and an [`ArchiveKey`] always is. So ingest
//! never mistakes a copy for an upload.

use crate::object::{Bucket, ObjectRef, Prefix, file_name};
use crate::photo_id::short_digest;
use crate::variables::{ARCHIVE_BUCKET, ARCHIVE_PREFIX, SOURCE_BUCKET, SOURCE_PREFIX};
use chrono::NaiveDate;
use photo_metadata::{PhotoMetadata, is_bidi_control};

/// The maximum length of a file name in the archive, in bytes. Common file systems accept names of
/// this length.
const MAX_NAME_BYTES: usize = 255;
/// The maximum length of an extension, in bytes. If the text after the last dot is longer, the file
/// has no extension, and the text belongs to the name.
const MAX_EXTENSION_BYTES: usize = 16;
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
    /// `2018-02-01/foobar` and the extension `jpg`.
    pub fn archive_key(&self, key: &str) -> Option<ArchiveKey> {
        let below = self.archive_prefix.strip(key)?;
        let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
        let (base, extension) = split_extension(name);
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

    /// Returns this key with the extension of `other`. For example, `2018-02-01/foobar.jpg` with
    /// the extension of `2017-01-01/other.NEF` is `2018-02-01/foobar.NEF`.
    #[must_use]
    pub fn with_extension_of(&self, other: &ArchiveKey) -> ArchiveKey {
        let key = self.as_str();
        let own_tail = self.extension.as_ref().map_or(0, |own| own.len() + 1);
        let bare = &key[..key.len() - own_tail];
        let tail = other.extension.as_ref().map(|other| format!(".{other}"));
        ArchiveKey {
            object: self
                .object
                .bucket
                .object(format!("{bare}{}", tail.unwrap_or_default())),
            stem: self.stem.clone(),
            extension: other.extension.clone(),
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

    /// Returns the file name: the text after the key's last slash.
    pub fn file_name(&self) -> &str {
        self.object.file_name()
    }
}

/// The owner of a stem: a text that identifies the shot whose files may use the stem. All files of
/// one shot have the same owner, a hash of 26 characters. A foreign file has the owner
/// [`Owner::FOREIGN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// The owner of every foreign file. A foreign file is a file in the archive that ingest did not
    /// copy. A person or another program put it there.
    pub const FOREIGN: &'static str = "foreign";

    /// Builds an owner from its stored text, which comes from the catalogue or from the user
    /// metadata of a copy. Does not check the text.
    pub fn stored(text: &str) -> Self {
        Owner(text.to_owned())
    }

    /// Returns the text of the owner, as the catalogue stores it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives the owner of a source object.
    ///
    /// Cameras use the same file name for different shots. Therefore the owner of a dated shot
    /// depends on the bucket, the folder, the file name without the extension, the capture time to
    /// the second, and the camera body. A JPEG, the RAW of the same shot, and later edits of both
    /// have the same owner. Another shot with the same file name has another owner.
    ///
    /// An undated photo has no capture time. The owner of an undated photo depends on the bucket,
    /// the key and the ETag of the source object.
    fn of_source(source: &ObjectRef, etag: &str, photo: &PhotoMetadata) -> Self {
        let (bucket, key) = (source.bucket.as_str(), source.key.as_str());
        let base = split_extension(source.file_name()).0;
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        // Owners are stored. If this text changed, all photos would get new owners and be archived
        // again.
        let fields = match photo.record.capture.local_to_second() {
            Some(second) => {
                let second = second.format("%Y-%m-%dT%H:%M:%S").to_string();
                let model = photo
                    .record
                    .camera
                    .as_ref()
                    .and_then(|camera| camera.model.as_deref())
                    .unwrap_or_default();
                let serial = photo.body_serial.as_deref().unwrap_or_default();
                ["dated", bucket, folder, base, &second, model, serial].join("\0")
            }
            None => [UNDATED, bucket, key, etag].join("\0"),
        };
        Owner(short_digest(fields.as_bytes()))
    }

    fn suffix(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

/// A plan for the copy of a source object: the owner of the copy, and the folder, the name and the
/// extension from which [`ArchivePlan::archive_key`] builds the possible archive keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePlan {
    /// The owner of the copy. The copy may use a key only if this owner can claim the stem of the
    /// key.
    pub owner: Owner,
    folder: String,
    base: String,
    extension: Option<String>,
    bucket: Bucket,
    prefix: Prefix,
}

/// A variant of the file name that a copy may get in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveNameVariant {
    /// The name of the source file without its extension: `foobar`.
    Plain,
    /// The name with the first 8 characters of the owner: `foobar~2a3b4c5d`. It is used if the
    /// plain name belongs to another owner.
    ShortSuffix,
    /// The name with all 26 characters of the owner. It is used if the plain name and the name with
    /// the short suffix belong to other owners.
    FullSuffix,
}

impl ArchiveNameVariant {
    /// All variants, in the order in which organise tries them.
    pub const IN_ORDER: [ArchiveNameVariant; 3] = [
        ArchiveNameVariant::Plain,
        ArchiveNameVariant::ShortSuffix,
        ArchiveNameVariant::FullSuffix,
    ];
}

/// Plans the copy of a source object: its owner and its possible archive keys. The same arguments
/// always give the same plan.
pub fn plan_copy(
    layout: &Layout,
    source: &SourceKey,
    etag: &str,
    photo: &PhotoMetadata,
) -> ArchivePlan {
    plan_from(layout, source.object(), etag, photo)
}

/// Plans the new archive keys of an archived file that is in the folder of the wrong day.
///
/// `origin` is the source object that the file was copied from. If the source is unknown, the
/// caller passes the archived file itself. The result is the plan that [`plan_copy`] would make for
/// `origin`.
pub fn plan_move(
    layout: &Layout,
    origin: &ObjectRef,
    etag: &str,
    photo: &PhotoMetadata,
) -> ArchivePlan {
    plan_from(layout, origin, etag, photo)
}

/// Returns `true` if the photo with this stem is in the wrong folder. `day` is the day on which the
/// photo was taken. The folder is wrong if it is named after another day, or if it is `undated/`
/// although `day` is known. Returns `false` if `day` is `None`, or if the folder is neither a day
/// nor `undated/`.
pub fn is_misfiled(stem: &str, day: Option<NaiveDate>) -> bool {
    let Some((folders, _)) = stem.rsplit_once('/') else {
        return false;
    };
    let is_day =
        |name: &str| name.len() == 10 && NaiveDate::parse_from_str(name, "%Y-%m-%d").is_ok();
    let folder = file_name(folders);
    day.is_some_and(|day| day.to_string() != folder) && (is_day(folder) || folders == UNDATED)
}

/// Returns `true` if a stem is in the folder `undated/`.
pub fn is_undated_stem(stem: &str) -> bool {
    let below = stem.strip_prefix(UNDATED);
    below.is_some_and(|below| below.starts_with('/'))
}

fn plan_from(
    layout: &Layout,
    origin: &ObjectRef,
    etag: &str,
    photo: &PhotoMetadata,
) -> ArchivePlan {
    let name = clean_name(origin.file_name());
    let (base, extension) = match split_extension(&name) {
        (base, Some(extension)) => (base.to_owned(), Some(extension.to_owned())),
        // If the name is cut or gets a suffix, the text after its last dot can become short enough
        // to count as an extension. So the dots are replaced.
        (base, None) => (base.replace('.', "_"), None),
    };
    ArchivePlan {
        owner: Owner::of_source(origin, etag, photo),
        folder: photo
            .record
            .capture
            .day()
            .map_or_else(|| UNDATED.to_owned(), |day| day.to_string()),
        base,
        extension,
        bucket: layout.archive_bucket.clone(),
        prefix: layout.archive_prefix.clone(),
    }
}

impl ArchivePlan {
    /// Returns the archive key for this variant of the file name. A file name has at most 255
    /// bytes. If the source name is too long, its end is cut, and suffix and extension stay.
    pub fn archive_key(&self, variant: ArchiveNameVariant) -> ArchiveKey {
        let suffix = match variant {
            ArchiveNameVariant::Plain => String::new(),
            ArchiveNameVariant::ShortSuffix => format!("~{}", self.owner.suffix()),
            ArchiveNameVariant::FullSuffix => format!("~{}", self.owner.as_str()),
        };
        let extension = self
            .extension
            .as_ref()
            .map(|extension| format!(".{extension}"))
            .unwrap_or_default();
        let room = MAX_NAME_BYTES - suffix.len() - extension.len();
        let base = cut_to_bytes(&self.base, room);
        let stem = format!("{}/{base}{suffix}", self.folder);
        ArchiveKey {
            object: self
                .bucket
                .object(self.prefix.join(&format!("{stem}{extension}"))),
            stem,
            extension: self.extension.clone(),
        }
    }
}

/// Splits a file name into name and extension: `foobar.JPG` gives `foobar` and `JPG`. The names
/// `.hidden` and `a.` have no extension. If the text after the last dot is longer than
/// [`MAX_EXTENSION_BYTES`], the name has no extension either.
pub(crate) fn split_extension(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((base, extension))
            if !base.is_empty()
                && !extension.is_empty()
                && extension.len() <= MAX_EXTENSION_BYTES =>
        {
            (base, Some(extension))
        }
        _ => (name, None),
    }
}

/// Returns a file name that is safe on any disk and in any URL path. Removes control characters,
/// and characters that change the direction of text. Replaces slashes, backslashes and a leading
/// dot with `_`, because a leading dot hides a file: `.hidden.jpg` gives `_hidden.jpg`. If nothing
/// is left, returns `unnamed`.
fn clean_name(name: &str) -> String {
    let mut clean: String = name
        .chars()
        .filter(|c| is_visible(*c))
        .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
        .collect();
    if clean.starts_with('.') {
        clean.replace_range(..1, "_");
    }
    if clean.is_empty() {
        clean.push_str("unnamed");
    }
    clean
}

/// Reports whether a character stays in the names of the archive. Control characters, and characters
/// that change the direction of text, do not.
pub(crate) fn is_visible(c: char) -> bool {
    !c.is_control() && !is_bidi_control(c)
}

/// Returns the beginning of a text: as many whole characters as fit into `max_bytes` bytes.
fn cut_to_bytes(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use photo_metadata::{Camera, CaptureTime, PhotoRecord};

    fn layout() -> Layout {
        Layout::new("inbox", "", "archive", "").expect("two buckets")
    }

    fn object(text: &str) -> ObjectRef {
        text.parse().expect("a bucket and a key")
    }

    fn source(key: &str) -> SourceKey {
        match layout().place(&object(&format!("s3://inbox/{key}"))) {
            Some(KeyPlace::Source(source)) => source,
            other => panic!("{key}: {other:?}"),
        }
    }

    fn shot(second: &str) -> PhotoMetadata {
        PhotoMetadata {
            record: PhotoRecord {
                capture: CaptureTime {
                    local: Some(second.parse().expect("a local time")),
                    ..CaptureTime::default()
                },
                camera: Some(Camera {
                    model: Some("NIKON D750".to_owned()),
                    ..Camera::default()
                }),
                ..PhotoRecord::default()
            },
            ..PhotoMetadata::default()
        }
    }

    fn key(source_key: &str, photo: &PhotoMetadata, name: ArchiveNameVariant) -> String {
        plan_copy(&layout(), &source(source_key), "etag", photo)
            .archive_key(name)
            .as_str()
            .to_owned()
    }

    #[test]
    fn dated_photo_goes_to_its_day_with_its_name() {
        let photo = shot("2018-02-01T00:41:07.670");
        assert_eq!(
            key("card/DCIM/foobar.JPG", &photo, ArchiveNameVariant::Plain),
            "2018-02-01/foobar.JPG"
        );
        let suffixed = key(
            "card/DCIM/foobar.JPG",
            &photo,
            ArchiveNameVariant::ShortSuffix,
        );
        assert!(
            suffixed.starts_with("2018-02-01/foobar~") && suffixed.ends_with(".JPG"),
            "{suffixed}"
        );
    }

    #[test]
    fn undated_photo_goes_to_the_undated_folder() {
        assert_eq!(
            key(
                "foobar.jpg",
                &PhotoMetadata::default(),
                ArchiveNameVariant::Plain
            ),
            "undated/foobar.jpg"
        );
    }

    #[test]
    fn raw_jpeg_and_edit_in_place_have_one_owner() {
        let owner = |k: &str, etag: &str, p: &PhotoMetadata| {
            plan_copy(&layout(), &source(k), etag, p).owner
        };
        let first = owner("a/DSC_1.JPG", "1", &shot("2018-02-01T09:41:07.100"));
        assert_eq!(
            first,
            owner("a/DSC_1.NEF", "2", &shot("2018-02-01T09:41:07.100"))
        );
        assert_eq!(
            first,
            owner("a/DSC_1.JPG", "3", &shot("2018-02-01T09:41:07"))
        );
    }

    #[test]
    fn reused_name_folder_or_body_gives_another_owner() {
        let owner = |k: &str, p: &PhotoMetadata| plan_copy(&layout(), &source(k), "1", p).owner;
        let first = owner("a/DSC_1.JPG", &shot("2018-02-01T09:41:07"));
        assert_ne!(first, owner("a/DSC_1.JPG", &shot("2018-02-01T09:41:08")));
        assert_ne!(first, owner("b/DSC_1.JPG", &shot("2018-02-01T09:41:07")));
        let other_body = PhotoMetadata {
            body_serial: Some("2".to_owned()),
            ..shot("2018-02-01T09:41:07")
        };
        assert_ne!(first, owner("a/DSC_1.JPG", &other_body));
    }

    #[test]
    fn owner_of_undated_photo_depends_on_key_and_bytes() {
        let owner = |k: &str, etag: &str| {
            plan_copy(&layout(), &source(k), etag, &PhotoMetadata::default()).owner
        };
        assert_eq!(owner("a.jpg", "1"), owner("a.jpg", "1"));
        assert_ne!(owner("a.jpg", "1"), owner("a.jpg", "2"));
        assert_ne!(owner("a.jpg", "1"), owner("b.jpg", "1"));
    }

    #[test]
    fn unsafe_names_become_safe() {
        let undated = PhotoMetadata::default();
        assert_eq!(
            key("../../etc/passwd", &undated, ArchiveNameVariant::Plain),
            "undated/passwd"
        );
        assert_eq!(
            key("x/..", &undated, ArchiveNameVariant::Plain),
            "undated/__"
        );
        assert_eq!(
            key("x/", &undated, ArchiveNameVariant::Plain),
            "undated/unnamed"
        );
        assert_eq!(
            key(".hidden.jpg", &undated, ArchiveNameVariant::Plain),
            "undated/_hidden.jpg"
        );
        assert_eq!(
            key("a\\b\u{202e}gpj\n.jpg", &undated, ArchiveNameVariant::Plain),
            "undated/a_bgpj.jpg"
        );
        assert_eq!(
            key("été + 50%20.jpg", &undated, ArchiveNameVariant::Plain),
            "undated/été + 50%20.jpg"
        );
    }

    #[test]
    fn name_has_at_most_255_bytes_and_whole_characters() {
        let long = "é".repeat(500) + ".jpg";
        for name in ArchiveNameVariant::IN_ORDER {
            let key = key(&long, &PhotoMetadata::default(), name);
            let file = key.rsplit('/').next().expect("a name");
            assert!(
                file.len() <= 255 && file.ends_with(".jpg") && file.starts_with('é'),
                "{file}"
            );
        }
    }

    #[test]
    fn planned_key_parses_to_the_same_archive_key() {
        let over_long = format!("{}.{}", "x".repeat(245), "y".repeat(17));
        for name in [
            "foobar.JPG",
            "noextension",
            "a.b.c.tiff",
            "..",
            "été.heic",
            "a.",
            &over_long,
        ] {
            for which in ArchiveNameVariant::IN_ORDER {
                let planned = plan_copy(&layout(), &source(name), "1", &PhotoMetadata::default())
                    .archive_key(which);
                assert_eq!(layout().archive_key(planned.as_str()), Some(planned));
            }
        }
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
