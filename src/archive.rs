//! The layout of the archive: the keys under which the copies of photos are stored.
//!
//! This module does no I/O. It computes keys from a [`Layout`] and the metadata of a photo. A
//! [`SourceKey`] is never under the archive prefix, and an [`ArchiveKey`] always is. So ingest
//! never mistakes a copy for an upload.

use crate::identity::Slot;
use crate::object::{Bucket, ObjectRef, Prefix, file_name};
use crate::variables::{ARCHIVE_BUCKET, ARCHIVE_PREFIX, SOURCE_BUCKET, SOURCE_PREFIX};
use chrono::NaiveDate;
use icu_normalizer::ComposingNormalizerBorrowed;
use photo_metadata::is_bidi_control;

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

    /// Returns the slot of this file in its item: its format.
    pub fn slot(&self) -> Slot {
        Slot::of_extension(self.extension())
    }

    /// Returns the file name: the text after the key's last slash.
    pub fn file_name(&self) -> &str {
        self.object.file_name()
    }
}

/// A plan for the names of a copy: the folder, the name and the extension from which
/// [`ArchivePlan::archive_key`] builds the possible archive keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePlan {
    folder: String,
    base: String,
    extension: Option<String>,
    bucket: Bucket,
    prefix: Prefix,
}

/// The number of a name: 1 for `foobar`, 2 for `foobar~2`. Organise tries the names in the order of
/// their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameNumber(u32);

impl NameNumber {
    /// The number of the plain name.
    pub const FIRST: NameNumber = NameNumber(1);
    /// The last number that is tried. It bounds the work for one photo.
    pub const LAST: NameNumber = NameNumber(9_999);

    /// Returns the next number, or `None` after the last one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (self < Self::LAST).then_some(NameNumber(self.0 + 1))
    }
}

/// Plans the names of the copy of an object: the folder of the day on which the photo was taken, and
/// the name of the object. `origin` is the source object. If it is unknown, the caller passes the
/// archived file itself. The same arguments always give the same plan.
pub fn plan_names(layout: &Layout, origin: &ObjectRef, day: Option<NaiveDate>) -> ArchivePlan {
    let name = clean_name(origin.file_name());
    let (base, extension) = match split_extension(&name) {
        (base, Some(extension)) => (base.to_owned(), Some(extension.to_owned())),
        // If the name is cut or gets a number, the text after its last dot can become short enough
        // to count as an extension. So the dots are replaced.
        (base, None) => (base.replace('.', "_"), None),
    };
    let base = shot_name(&base).to_owned();
    ArchivePlan {
        folder: day.map_or_else(|| UNDATED.to_owned(), |day| day.to_string()),
        base,
        extension,
        bucket: layout.archive_bucket.clone(),
        prefix: layout.archive_prefix.clone(),
    }
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

/// Returns the part of a file name that names the shot. Google's camera application writes
/// `PXL_1.RAW-01.COVER.jpg` and `PXL_1.RAW-02.ORIGINAL.dng` for one shot, which is `PXL_1`. Returns
/// any other name unchanged.
fn shot_name(base: &str) -> &str {
    let Some((name, kind)) = base.rsplit_once(".RAW-") else {
        return base;
    };
    let is_part = |kind: &str| {
        let number = kind.split_once('.');
        number.is_some_and(|(number, kind)| {
            let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
            is_number && matches!(kind, "COVER" | "ORIGINAL" | "MP.COVER")
        })
    };
    match is_part(kind) && !name.is_empty() {
        true => name,
        false => base,
    }
}

impl ArchivePlan {
    /// Returns the archive key with this number. A file name has at most 255 bytes. If the source
    /// name is too long, its end is cut, and number and extension stay.
    pub fn archive_key(&self, number: NameNumber) -> ArchiveKey {
        let suffix = match number {
            NameNumber::FIRST => String::new(),
            NameNumber(number) => format!("~{number}"),
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

/// Returns a file name that is safe on any disk and in any URL path, in the Unicode form NFC. macOS
/// writes an accented letter as two characters, and both forms are one name. Removes control
/// characters, and characters that change the direction of text. Replaces slashes, backslashes and a
/// leading dot with `_`, because a leading dot hides a file: `.hidden.jpg` gives `_hidden.jpg`. If
/// nothing is left, returns `unnamed`.
fn clean_name(name: &str) -> String {
    let normalizer = const { ComposingNormalizerBorrowed::new_nfc() };
    let mut clean: String = normalizer
        .normalize(name)
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

    fn key(source_key: &str, day: Option<&str>, number: NameNumber) -> String {
        let day = day.map(|day| day.parse().expect("a day"));
        let plan = plan_names(&layout(), source(source_key).object(), day);
        plan.archive_key(number).as_str().to_owned()
    }

    fn undated(source_key: &str) -> String {
        key(source_key, None, NameNumber::FIRST)
    }

    fn numbers() -> [NameNumber; 3] {
        let second = NameNumber::FIRST.next().expect("a second name");
        [NameNumber::FIRST, second, NameNumber::LAST]
    }

    #[test]
    fn dated_photo_goes_to_its_day_with_its_name() {
        let keys = numbers().map(|number| key("card/DCIM/foobar.JPG", Some("2018-02-01"), number));
        let names = ["foobar.JPG", "foobar~2.JPG", "foobar~9999.JPG"];
        assert_eq!(keys, names.map(|name| format!("2018-02-01/{name}")));
        assert_eq!(NameNumber::LAST.next(), None);
    }

    #[test]
    fn undated_photo_goes_to_the_undated_folder() {
        assert_eq!(undated("foobar.jpg"), "undated/foobar.jpg");
    }

    #[test]
    fn unsafe_names_become_safe() {
        for (name, clean) in [
            ("../../etc/passwd", "passwd"),
            ("x/..", "__"),
            ("x/", "unnamed"),
            (".hidden.jpg", "_hidden.jpg"),
            ("a\\b\u{202e}gpj\n.jpg", "a_bgpj.jpg"),
            ("été + 50%20.jpg", "été + 50%20.jpg"),
            ("e\u{301}te\u{301}.jpg", "été.jpg"),
            ("PXL_1.RAW-01.COVER.jpg", "PXL_1.jpg"),
            ("PXL_1.RAW-02.ORIGINAL.dng", "PXL_1.dng"),
            ("a.RAW-1.jpg", "a.RAW-1.jpg"),
        ] {
            assert_eq!(undated(name), format!("undated/{clean}"));
        }
    }

    #[test]
    fn name_has_at_most_255_bytes_and_whole_characters() {
        let long = "é".repeat(500) + ".jpg";
        for number in numbers() {
            let key = key(&long, None, number);
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
            let plan = plan_names(&layout(), source(name).object(), None);
            for number in numbers() {
                let planned = plan.archive_key(number);
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
