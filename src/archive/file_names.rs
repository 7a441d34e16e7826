//! The file names of copies: safe names, and the numbers that make them different. This module does
//! no I/O.

use photo_metadata::{PartialDateTime, is_bidi_control};

use super::{ArchiveKey, Layout, UNDATED};
use crate::object::{Bucket, ObjectRef, Prefix};
use crate::photo_id::compose_letters;

/// The maximum length of a file name in the archive, in bytes. Common file systems accept names of
/// this length.
const MAX_NAME_BYTES: usize = 255;
/// The maximum length of an extension, in bytes. If the text after the last dot is longer, the file
/// has no extension, and the text belongs to the name.
const MAX_EXTENSION_BYTES: usize = 16;

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

/// Plans the names of the copy of an object: the folder of the date on which the photo was taken, and
/// the name of the object. The folder is the day, or the year or month if only these are known.
/// `origin` is the source object. If it is unknown, the caller passes the archived file itself. The
/// same arguments always give the same plan.
pub fn plan_names(
    layout: &Layout,
    origin: &ObjectRef,
    date: Option<PartialDateTime>,
) -> ArchivePlan {
    let name = clean_name(origin.file_name());
    let (base, extension) = match split_extension(&name) {
        (base, Some(extension)) => (base.to_owned(), Some(extension.to_owned())),
        // If the name is cut or gets a number, the text after its last dot can become short enough
        // to count as an extension. So the dots are replaced.
        (base, None) => (base.replace('.', "_"), None),
    };
    let base = shot_name(&base).to_owned();
    ArchivePlan {
        folder: date.map_or_else(|| UNDATED.to_owned(), PartialDateTime::period),
        base,
        extension,
        bucket: layout.archive_bucket.clone(),
        prefix: layout.archive_prefix.clone(),
    }
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
    let mut clean: String = compose_letters(name)
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
    use crate::archive::{KeyPlace, SourceKey};

    fn layout() -> Layout {
        Layout::new("inbox", "", "archive", "").expect("two buckets")
    }

    fn source(key: &str) -> SourceKey {
        let object: ObjectRef = format!("s3://inbox/{key}").parse().expect("an object");
        match layout().place(&object) {
            Some(KeyPlace::Source(source)) => source,
            other => panic!("{key}: {other:?}"),
        }
    }

    fn key(source_key: &str, date: Option<&str>, number: NameNumber) -> String {
        let date = date.map(|date| date.parse().expect("a date"));
        let plan = plan_names(&layout(), source(source_key).object(), date);
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
    fn photo_with_a_partial_date_goes_to_the_folder_of_its_year_or_month() {
        for (date, folder) in [
            ("1985", "1985"),
            ("1985-06", "1985-06"),
            ("1985-06-14", "1985-06-14"),
            ("1985-06-14T10:00:00", "1985-06-14"),
        ] {
            let key = key("foobar.jpg", Some(date), NameNumber::FIRST);
            assert_eq!(key, format!("{folder}/foobar.jpg"));
        }
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
}
