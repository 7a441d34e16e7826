//! The names of sidecars: files beside a photo that belong to it. This module does no I/O.

use std::fmt;

use photo_metadata::{SidecarFormat, is_photo_extension};

use super::split_extension;
use crate::object::{Bucket, ObjectRef};
use crate::photo_id::compose_letters;

/// The kind of a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarKind {
    /// An XMP packet, as Lightroom, Capture One, darktable and digiKam write it.
    Xmp,
    /// The JSON that Google Takeout writes beside each photo.
    TakeoutJson,
    /// A file that only belongs to its photo: an edit list of Apple (`.AAE`), or a thumbnail of a camera
    /// (`.THM`). Its content is not read.
    Companion,
}

/// The name of a sidecar: the name of the photo to which it belongs, and its part.
///
/// ```
/// use photo_catalogue::archive::{SidecarKind, SidecarName};
///
/// let name = SidecarName::parse("DSC_0001.NEF.xmp").expect("a sidecar");
/// assert_eq!(name.kind, SidecarKind::Xmp);
/// assert_eq!((name.base.as_str(), name.photo_extension.as_deref()), ("DSC_0001", Some("NEF")));
/// assert_eq!(name.part, "NEF.xmp");
/// assert_eq!(SidecarName::parse("DSC_0001.NEF"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidecarName {
    /// The kind.
    pub kind: SidecarKind,
    /// The name of the photo's files, without an extension.
    pub base: String,
    /// The extension of the one file that the sidecar describes. `None` if it describes all files with
    /// this base name.
    pub photo_extension: Option<String>,
    /// The name of the sidecar's part in its photo, which is also the end of its archive key: `xmp`,
    /// `NEF.xmp`, `jpg.supplemental-metadata.json`.
    pub part: String,
}

impl SidecarKind {
    /// Returns the kind of the part with this name, or `None` if the part is a photo.
    ///
    /// ```
    /// use photo_catalogue::archive::SidecarKind;
    ///
    /// assert_eq!(SidecarKind::of_part("CR2.xmp"), Some(SidecarKind::Xmp));
    /// assert_eq!(SidecarKind::of_part("CR2"), None);
    /// ```
    pub fn of_part(part: &str) -> Option<Self> {
        let (photo_extension, extension) = match part.split_once('.') {
            Some((photo_extension, extension)) => (Some(photo_extension), extension),
            None => (None, part),
        };
        let is_photo = photo_extension.is_none_or(is_photo_extension);
        match extension.to_ascii_lowercase().as_str() {
            "xmp" if is_photo => Some(SidecarKind::Xmp),
            "aae" | "thm" if photo_extension.is_none() => Some(SidecarKind::Companion),
            "json" if is_photo && photo_extension.is_some() => Some(SidecarKind::TakeoutJson),
            other => {
                let word = other.strip_suffix(".json")?;
                let is_takeout = is_photo && photo_extension.is_some() && is_takeout_word(word);
                is_takeout.then_some(SidecarKind::TakeoutJson)
            }
        }
    }

    /// Returns the format of the metadata in files of this kind, or `None` if they are not read.
    pub fn format(self) -> Option<SidecarFormat> {
        match self {
            SidecarKind::Xmp => Some(SidecarFormat::Xmp),
            SidecarKind::TakeoutJson => Some(SidecarFormat::Takeout),
            SidecarKind::Companion => None,
        }
    }

    /// Returns the media type of the files of this kind that have this extension.
    pub fn mime(self, extension: &str) -> &'static str {
        match self {
            SidecarKind::Xmp => "application/rdf+xml",
            SidecarKind::TakeoutJson => "application/json",
            SidecarKind::Companion if extension.eq_ignore_ascii_case("thm") => "image/jpeg",
            SidecarKind::Companion => "application/xml",
        }
    }
}

/// Returns the photo file after which the sidecar with this part name is named. Returns `None` if it is
/// named after the photo as a whole.
///
/// ```
/// use photo_catalogue::archive::described_part;
///
/// assert_eq!(described_part("NEF.xmp"), Some("NEF"));
/// assert_eq!(described_part("xmp"), None);
/// ```
pub fn described_part(sidecar_part: &str) -> Option<&str> {
    sidecar_part.split_once('.').map(|(part, _)| part)
}

/// The name that the uploads of one photo share: the bucket, the folder, and the file name without an
/// extension, in the Unicode form NFC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadName {
    bucket: Bucket,
    path: String,
}

impl UploadName {
    /// Returns the name of a photo file.
    ///
    /// ```
    /// use photo_catalogue::archive::UploadName;
    ///
    /// let name = UploadName::of_photo(&"s3://inbox/trip/DSC_1.NEF".parse()?);
    /// assert_eq!(name.to_string(), "inbox/trip/DSC_1");
    /// # Ok::<(), photo_catalogue::object::ObjectNameError>(())
    /// ```
    pub fn of_photo(object: &ObjectRef) -> Self {
        let (base, _) = split_extension(object.file_name());
        UploadName::beside(object, base)
    }

    /// Returns the name of the photo to which a sidecar belongs.
    pub fn of_sidecar(object: &ObjectRef, name: &SidecarName) -> Self {
        UploadName::beside(object, &name.base)
    }

    /// Returns the name of the photo files with this base name, in the folder of `object`.
    fn beside(object: &ObjectRef, base: &str) -> Self {
        let folder = &object.key[..object.key.len() - object.file_name().len()];
        UploadName {
            bucket: object.bucket.clone(),
            path: compose_letters(&format!("{folder}{base}")).into_owned(),
        }
    }
}

impl fmt::Display for UploadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.path)
    }
}

/// Splits the name of an archived sidecar into the name of its photo and the name of its part. Both
/// together, with a dot between them, are the file name. Returns `None` for any other file.
pub(super) fn split_archived_name(file_name: &str) -> Option<(&str, &str)> {
    let dots = file_name.match_indices('.').map(|(at, _)| at);
    let splits = dots.map(|at| (&file_name[..at], &file_name[at + 1..]));
    let mut named = splits.filter(|(base, _)| !base.is_empty());
    named.find(|(_, part)| SidecarKind::of_part(part).is_some())
}

/// The text that Google Takeout puts before `.json`. If the whole name is longer than 51 characters,
/// it is cut.
const TAKEOUT_WORD: &str = "supplemental-metadata";
/// The end of the archive keys of Takeout's files.
const TAKEOUT_PART: &str = "supplemental-metadata.json";

impl SidecarName {
    /// Parses a file name. Returns `None` if it is not the name of a sidecar. Case does not matter.
    ///
    /// A JSON file counts only if it is named after a photo. Takeout writes `IMG_1.jpg.json` or
    /// `IMG_1.jpg.supplemental-metadata.json`. For a second photo of one name, it writes the number of
    /// the photo `IMG_1(1).jpg` at the end: `IMG_1.jpg(1).json`.
    pub fn parse(file_name: &str) -> Option<Self> {
        let (name, extension) = split_extension(file_name);
        let extension = extension?;
        match extension.to_ascii_lowercase().as_str() {
            "xmp" => {
                let (base, photo_extension) = split_photo_extension(name);
                let part = match photo_extension {
                    Some(photo) => format!("{photo}.{extension}"),
                    None => extension.to_owned(),
                };
                Some(SidecarName {
                    kind: SidecarKind::Xmp,
                    base: base.to_owned(),
                    photo_extension: photo_extension.map(str::to_owned),
                    part,
                })
            }
            "aae" | "thm" => Some(SidecarName {
                kind: SidecarKind::Companion,
                base: name.to_owned(),
                photo_extension: None,
                part: extension.to_owned(),
            }),
            "json" => parse_takeout_name(name),
            _ => None,
        }
    }

    /// Reports whether the photo file with this name can be described by the sidecar. A sidecar that is
    /// named after one file, such as `DSC_1.NEF.xmp`, describes no other file.
    pub fn describes(&self, photo_file_name: &str) -> bool {
        let (_, extension) = split_extension(photo_file_name);
        let named = self.photo_extension.as_deref();
        named.is_none_or(|named| extension.is_some_and(|own| own.eq_ignore_ascii_case(named)))
    }

    /// Returns the extension of the sidecar itself, such as `xmp`.
    pub fn extension(&self) -> &str {
        self.part.rsplit('.').next().unwrap_or(&self.part)
    }
}

/// Parses the name of a Takeout JSON, without `.json`.
fn parse_takeout_name(name: &str) -> Option<SidecarName> {
    let (name, number) = split_number(name);
    let name = match name.rsplit_once('.') {
        Some((photo, word)) if is_takeout_word(word) => photo,
        _ => name,
    };
    let (base, photo_extension) = split_photo_extension(name);
    let photo_extension = photo_extension?;
    Some(SidecarName {
        kind: SidecarKind::TakeoutJson,
        base: format!("{base}{number}"),
        photo_extension: Some(photo_extension.to_owned()),
        part: format!("{photo_extension}.{TAKEOUT_PART}"),
    })
}

/// Reports whether a text is the one that Google Takeout puts before `.json`, or its beginning.
fn is_takeout_word(word: &str) -> bool {
    !word.is_empty() && TAKEOUT_WORD.starts_with(word)
}

/// Splits the number of a second file off a name: `IMG_1.jpg(1)` gives `IMG_1.jpg` and `(1)`.
fn split_number(name: &str) -> (&str, &str) {
    let number = name
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('));
    match number {
        Some((before, digits))
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (before, &name[before.len()..])
        }
        _ => (name, ""),
    }
}

/// Splits the extension of a photo off a name: `IMG_1.CR2` gives `IMG_1` and `CR2`. A name without
/// the extension of a photo is returned whole.
fn split_photo_extension(name: &str) -> (&str, Option<&str>) {
    match split_extension(name) {
        (base, Some(extension)) if is_photo_extension(extension) => (base, Some(extension)),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecar_is_named_after_its_photo() {
        use SidecarKind::{Companion, TakeoutJson, Xmp};
        for (file_name, kind, base, photo_extension, part) in [
            ("IMG_1.xmp", Xmp, "IMG_1", None, "xmp"),
            ("IMG_1.XMP", Xmp, "IMG_1", None, "XMP"),
            ("IMG_1.CR2.xmp", Xmp, "IMG_1", Some("CR2"), "CR2.xmp"),
            ("trip.2018.xmp", Xmp, "trip.2018", None, "xmp"),
            ("IMG_1.AAE", Companion, "IMG_1", None, "AAE"),
            ("IMG_1.thm", Companion, "IMG_1", None, "thm"),
            (
                "IMG_1.jpg.json",
                TakeoutJson,
                "IMG_1",
                Some("jpg"),
                "jpg.supplemental-metadata.json",
            ),
            (
                "IMG_1.jpg.supplemental-metadata.json",
                TakeoutJson,
                "IMG_1",
                Some("jpg"),
                "jpg.supplemental-metadata.json",
            ),
            (
                "IMG_1.HEIC.supplemental-meta.json",
                TakeoutJson,
                "IMG_1",
                Some("HEIC"),
                "HEIC.supplemental-metadata.json",
            ),
            (
                "IMG_1.jpg(2).json",
                TakeoutJson,
                "IMG_1(2)",
                Some("jpg"),
                "jpg.supplemental-metadata.json",
            ),
            (
                "IMG_1.jpg.supplemental-metadata(2).json",
                TakeoutJson,
                "IMG_1(2)",
                Some("jpg"),
                "jpg.supplemental-metadata.json",
            ),
        ] {
            let expected = SidecarName {
                kind,
                base: base.to_owned(),
                photo_extension: photo_extension.map(str::to_owned),
                part: part.to_owned(),
            };
            assert_eq!(SidecarName::parse(file_name), Some(expected), "{file_name}");
        }
    }

    #[test]
    fn other_files_are_no_sidecars() {
        for file_name in [
            "IMG_1.jpg",
            "metadata.json",
            "print-subscriptions.json",
            "IMG_1.mov.json",
            ".xmp",
            "IMG_1",
            "xmp",
            "",
        ] {
            assert_eq!(SidecarName::parse(file_name), None, "{file_name}");
        }
    }

    #[test]
    fn archived_sidecar_has_the_stem_of_its_photo() {
        for (file_name, split) in [
            ("DSC_1.xmp", Some(("DSC_1", "xmp"))),
            ("DSC_1.NEF.xmp", Some(("DSC_1", "NEF.xmp"))),
            ("trip.2018.xmp", Some(("trip.2018", "xmp"))),
            ("trip.2018.NEF.XMP", Some(("trip.2018", "NEF.XMP"))),
            ("IMG_1.jpg.json", Some(("IMG_1", "jpg.json"))),
            (
                "IMG_1(2).jpg.supplemental-metadata.json",
                Some(("IMG_1(2)", "jpg.supplemental-metadata.json")),
            ),
            ("IMG_1.AAE", Some(("IMG_1", "AAE"))),
            ("IMG_1.jpg", None),
            ("metadata.json", None),
            ("IMG_1.jpg(2).json", None),
            (".xmp", None),
            ("xmp", None),
        ] {
            assert_eq!(split_archived_name(file_name), split, "{file_name}");
        }
    }

    #[test]
    fn part_of_an_upload_is_a_sidecar_in_the_archive() {
        for file_name in [
            "a.xmp",
            "a.CR2.xmp",
            "a.jpg.json",
            "a.jpg(1).json",
            "a.AAE",
            "a.THM",
        ] {
            let name = SidecarName::parse(file_name).expect(file_name);
            assert_eq!(
                SidecarKind::of_part(&name.part),
                Some(name.kind),
                "{file_name}"
            );
        }
    }
}
