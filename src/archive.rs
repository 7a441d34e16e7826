//! Where a photo goes: its owner, its date folder, its name, the collision suffix and the loop guard.
//!
//! Pure: a [`Layout`] and a photo go in, keys come out. A [`SourceKey`] under the archive prefix and an [`ArchiveKey`]
//! outside it cannot be constructed, so the loop (organise writes, organise wakes) cannot be written.

use crate::photo_id::short_digest;
use chrono::NaiveDate;
use photo_metadata::{PhotoMetadata, is_bidi_control};

/// Longest object key, bytes (S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;
/// Longest file name that ordinary file systems hold, bytes.
const MAX_NAME_BYTES: usize = 255;
/// An extension longer than this is part of the name.
const MAX_EXTENSION_BYTES: usize = 16;
/// The folder of photos without a believable date.
pub const UNDATED: &str = "undated";
/// How the name of what a store is tried with begins.
const PROBE: &str = ".photo-catalogue-probe-";
/// How a part without an extension is listed in a photo's parts.
pub const NO_EXTENSION: &str = "(none)";

/// The buckets and prefixes of source and archive, checked to be disjoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    source_bucket: String,
    source_prefix: String,
    archive_bucket: String,
    archive_prefix: String,
}

/// Why a layout was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A bucket name is empty.
    #[error("the {0} bucket has no name; set {1}")]
    NoBucket(&'static str, &'static str),
    /// One bucket, and a prefix is empty.
    #[error(
        "source and archive are one bucket ({bucket}), so both need a prefix: SOURCE_PREFIX is \"{source_prefix}\", \
         ARCHIVE_PREFIX is \"{archive_prefix}\""
    )]
    EmptyPrefix {
        /// The bucket.
        bucket: String,
        /// The source prefix.
        source_prefix: String,
        /// The archive prefix.
        archive_prefix: String,
    },
    /// One bucket, and one prefix begins with the other.
    #[error(
        "source and archive are one bucket ({bucket}) and their prefixes overlap: SOURCE_PREFIX \"{source_prefix}\", \
         ARCHIVE_PREFIX \"{archive_prefix}\"; neither may begin with the other"
    )]
    Overlap {
        /// The bucket.
        bucket: String,
        /// The source prefix.
        source_prefix: String,
        /// The archive prefix.
        archive_prefix: String,
    },
    /// A prefix that is not a folder's.
    #[error(
        "{variable} is \"{prefix}\"; a prefix is empty or ends in / and leaves room for a key (at most 512 bytes)"
    )]
    NotAFolder {
        /// Its variable.
        variable: &'static str,
        /// Its value.
        prefix: String,
    },
}

impl Layout {
    /// Checks buckets and prefixes. A prefix is empty or ends in `/`; in one bucket both are set and neither begins
    /// with the other.
    ///
    /// # Errors
    /// What is wrong, with the values, in one line.
    pub fn new(
        source_bucket: &str,
        source_prefix: &str,
        archive_bucket: &str,
        archive_prefix: &str,
    ) -> Result<Self, LayoutError> {
        if source_bucket.is_empty() {
            return Err(LayoutError::NoBucket("source", "SOURCE_BUCKET"));
        }
        if archive_bucket.is_empty() {
            return Err(LayoutError::NoBucket("archive", "ARCHIVE_BUCKET"));
        }
        for (variable, prefix) in [
            ("SOURCE_PREFIX", source_prefix),
            ("ARCHIVE_PREFIX", archive_prefix),
        ] {
            if !prefix.is_empty() && (!prefix.ends_with('/') || prefix.len() > MAX_KEY_BYTES / 2) {
                return Err(LayoutError::NotAFolder {
                    variable,
                    prefix: prefix.to_owned(),
                });
            }
        }
        if source_bucket == archive_bucket {
            let bucket = source_bucket.to_owned();
            let (source_prefix, archive_prefix) =
                (source_prefix.to_owned(), archive_prefix.to_owned());
            if source_prefix.is_empty() || archive_prefix.is_empty() {
                return Err(LayoutError::EmptyPrefix {
                    bucket,
                    source_prefix,
                    archive_prefix,
                });
            }
            if source_prefix.starts_with(&archive_prefix)
                || archive_prefix.starts_with(&source_prefix)
            {
                return Err(LayoutError::Overlap {
                    bucket,
                    source_prefix,
                    archive_prefix,
                });
            }
        }
        Ok(Layout {
            source_bucket: source_bucket.to_owned(),
            source_prefix: source_prefix.to_owned(),
            archive_bucket: archive_bucket.to_owned(),
            archive_prefix: archive_prefix.to_owned(),
        })
    }

    /// Where the store's abilities are tried: a key under the source prefix that is never organised. `tail` makes it one's
    /// own.
    pub fn probe_key(&self, tail: &str) -> String {
        format!("{}{PROBE}{tail}", self.source_prefix)
    }

    /// Which step a changed key wakes; `None` for a key under neither prefix.
    pub fn place(&self, bucket: &str, key: &str) -> Option<KeyPlace> {
        if bucket == self.source_bucket
            && let Some(below) = key.strip_prefix(&self.source_prefix)
        {
            if below.starts_with(PROBE) {
                return None;
            }
            return Some(KeyPlace::Source(SourceKey {
                key: key.to_owned(),
            }));
        }
        if bucket == self.archive_bucket {
            return self.archive_key(key).map(KeyPlace::Archive);
        }
        None
    }

    /// A key under the archive prefix, taken apart; `None` for any other key.
    pub fn archive_key(&self, key: &str) -> Option<ArchiveKey> {
        let below = key.strip_prefix(&self.archive_prefix)?;
        let (folder, name) = below
            .rsplit_once('/')
            .map_or(("", below), |(folder, name)| (folder, name));
        let (base, extension) = split_extension(name);
        let stem = if folder.is_empty() && !below.starts_with('/') {
            base.to_owned()
        } else {
            format!("{folder}/{base}")
        };
        Some(ArchiveKey {
            key: key.to_owned(),
            stem,
            extension: extension.map(str::to_owned),
        })
    }

    /// Where the source photos are.
    pub fn source_bucket(&self) -> &str {
        &self.source_bucket
    }

    /// The prefix of the source keys; empty or ending in `/`.
    pub fn source_prefix(&self) -> &str {
        &self.source_prefix
    }

    /// Where the archive is.
    pub fn archive_bucket(&self) -> &str {
        &self.archive_bucket
    }

    /// The prefix of the archive keys; empty or ending in `/`.
    pub fn archive_prefix(&self) -> &str {
        &self.archive_prefix
    }
}

/// What a key is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// To be organised.
    Source(SourceKey),
    /// To be indexed.
    Archive(ArchiveKey),
}

/// A key under the source prefix, and so never under the archive prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceKey {
    key: String,
}

impl SourceKey {
    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        file_name(&self.key)
    }
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// A key under the archive prefix. Only [`Layout::archive_key`] and [`ArchivePlan::archive_key`] make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveKey {
    key: String,
    stem: String,
    extension: Option<String>,
}

impl ArchiveKey {
    /// The whole key, prefix included.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// The photo's name: the key below the prefix without its extension, `2018-02-01/foobar`.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// The key beside it that has another key's extension.
    #[must_use]
    pub fn with_extension_of(&self, other: &ArchiveKey) -> ArchiveKey {
        let tail = |key: &ArchiveKey| key.extension.as_ref().map_or(0, |e| e.len() + 1);
        let bare = &self.key[..self.key.len() - tail(self)];
        let dotted = other.extension.as_ref().map(|e| format!(".{e}"));
        ArchiveKey {
            key: format!("{bare}{}", dotted.unwrap_or_default()),
            stem: self.stem.clone(),
            extension: other.extension.clone(),
        }
    }

    /// The name of this file among its photo's parts: its extension as it is spelt, or [`NO_EXTENSION`].
    pub fn part(&self) -> &str {
        self.extension.as_deref().unwrap_or(NO_EXTENSION)
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        file_name(&self.key)
    }
}

/// Whose a name in the archive is: 26 characters that all files of one shot agree on, or [`Owner::FOREIGN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// The owner of files that are not ours: dropped into the archive by hand, or there before us.
    pub const FOREIGN: &'static str = "foreign";

    /// An owner as it was stored.
    pub fn stored(text: &str) -> Self {
        Owner(text.to_owned())
    }

    /// The text that is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Cameras reuse names, so a dated shot is owned by its folder, its name without extension, its second and its
    /// camera: the same for an edit in place and for the RAW beside the JPEG, another when the name comes round again.
    /// Undated, only the very bytes of the key identify it.
    fn of(bucket: &str, key: &str, etag: &str, photo: &PhotoMetadata) -> Self {
        let base = split_extension(file_name(key)).0;
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
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
            None => ["undated", bucket, key, etag].join("\0"),
        };
        Owner(short_digest(fields.as_bytes()))
    }

    fn suffix(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

/// Where a source photo goes: its owner and the names that it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivePlan {
    /// Whose the names are.
    pub owner: Owner,
    folder: String,
    base: String,
    extension: Option<String>,
    prefix: String,
}

/// Which of a plan's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveNameVariant {
    /// The source's own, `foobar`.
    Plain,
    /// With 8 characters of the owner, `foobar~1a2b3c4d`: another owner has the plain one.
    ShortSuffix,
    /// With the whole owner: even the suffixed name is another's.
    FullSuffix,
}

impl ArchiveNameVariant {
    /// In the order in which they are tried.
    pub const IN_ORDER: [ArchiveNameVariant; 3] = [
        ArchiveNameVariant::Plain,
        ArchiveNameVariant::ShortSuffix,
        ArchiveNameVariant::FullSuffix,
    ];
}

/// Plans where the source object with these bytes goes. Pure, so the same photo always gets the same plan.
pub fn plan_copy(
    layout: &Layout,
    source: &SourceKey,
    etag: &str,
    photo: &PhotoMetadata,
) -> ArchivePlan {
    plan_for(
        layout,
        (&layout.source_bucket, source.as_str()),
        etag,
        photo,
    )
}

/// Plans where an archived file goes that is filed under another day than its photo's. `from` is what it was copied from,
/// bucket and key, or itself where nothing says: so what [`plan_copy`] says of that source today is what this says.
pub fn plan_move(
    layout: &Layout,
    from: (&str, &str),
    etag: &str,
    photo: &PhotoMetadata,
) -> ArchivePlan {
    plan_for(layout, from, etag, photo)
}

/// Whether a stem's folder says another day than this one: a folder that is named as a day is, or the one of undated
/// photos. Of a photo without a day, whatever its folder says stands.
pub fn is_misfiled(stem: &str, day: Option<NaiveDate>) -> bool {
    let Some((folders, _)) = stem.rsplit_once('/') else {
        return false;
    };
    let is_day = |name: &str| {
        name.len() == 10 && chrono::NaiveDate::parse_from_str(name, "%Y-%m-%d").is_ok()
    };
    let folder = file_name(folders);
    day.is_some_and(|day| day.to_string() != folder) && (is_day(folder) || folders == UNDATED)
}

fn plan_for(layout: &Layout, from: (&str, &str), etag: &str, photo: &PhotoMetadata) -> ArchivePlan {
    let (bucket, key) = from;
    let name = clean_name(file_name(key));
    let (base, extension) = match split_extension(&name) {
        (base, Some(extension)) => (base.to_owned(), Some(extension.to_owned())),
        // Cut or suffixed, what follows a dot would be read back as an extension.
        (base, None) => (base.replace('.', "_"), None),
    };
    ArchivePlan {
        owner: Owner::of(bucket, key, etag, photo),
        folder: photo
            .record
            .capture
            .day()
            .map_or_else(|| UNDATED.to_owned(), |day| day.to_string()),
        base,
        extension,
        prefix: layout.archive_prefix.clone(),
    }
}

impl ArchivePlan {
    /// The archive key under one of the plan's names.
    pub fn archive_key(&self, name: ArchiveNameVariant) -> ArchiveKey {
        let suffix = match name {
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
        let stem = format!("{}/{}{suffix}", self.folder, cut(&self.base, room));
        ArchiveKey {
            key: format!("{}{stem}{extension}", self.prefix),
            stem,
            extension: self.extension.clone(),
        }
    }
}

/// `foobar.JPG` is `foobar` and `JPG`; `.hidden`, `a.` and names with an over-long last part have no extension.
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

/// A base name that is safe on any disk and in any URL path: no control or bidirectional characters, no slashes of
/// either kind, no leading dot (which would hide it, or be `..`).
fn clean_name(name: &str) -> String {
    let mut clean: String = name
        .chars()
        .filter(|c| !c.is_control() && !is_bidi_control(*c))
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

fn cut(text: &str, room: usize) -> &str {
    let mut end = text.len().min(room);
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

    fn source(key: &str) -> SourceKey {
        match layout().place("inbox", key) {
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
    fn a_dated_photo_goes_to_its_day_and_keeps_its_name() {
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
    fn an_undated_photo_goes_to_the_undated_folder() {
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
    fn raw_and_jpeg_of_a_shot_and_an_edit_in_place_have_one_owner() {
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
    fn a_reused_name_another_folder_another_body_are_other_owners() {
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
    fn undated_photos_are_owned_by_their_very_bytes() {
        let owner = |k: &str, etag: &str| {
            plan_copy(&layout(), &source(k), etag, &PhotoMetadata::default()).owner
        };
        assert_eq!(owner("a.jpg", "1"), owner("a.jpg", "1"));
        assert_ne!(owner("a.jpg", "1"), owner("a.jpg", "2"));
        assert_ne!(owner("a.jpg", "1"), owner("b.jpg", "1"));
    }

    #[test]
    fn hostile_and_odd_names_become_plain_ones() {
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
    fn a_name_never_passes_255_bytes_nor_cuts_a_character() {
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
    fn planned_keys_are_read_back_as_the_same_archive_key() {
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
    fn a_leading_slash_of_an_older_tool_stays_in_the_stem() {
        let key = layout()
            .archive_key("/2018-02-01/x.jpg")
            .expect("an archive key");
        assert_eq!((key.stem(), key.part()), ("/2018-02-01/x", "jpg"));
    }

    #[test]
    fn one_bucket_needs_disjoint_prefixes() {
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
    fn in_one_bucket_a_key_is_source_or_archive_or_neither() {
        let layout = Layout::new("one", "inbox/", "one", "archive/").expect("disjoint");
        assert!(matches!(
            layout.place("one", "inbox/a.jpg"),
            Some(KeyPlace::Source(_))
        ));
        assert!(matches!(
            layout.place("one", "archive/2018-02-01/a.jpg"),
            Some(KeyPlace::Archive(_))
        ));
        assert_eq!(layout.place("one", "gallery/index.json"), None);
        assert_eq!(layout.place("two", "inbox/a.jpg"), None);
        assert_eq!(layout.place("one", &layout.probe_key("1")), None);
    }
}
