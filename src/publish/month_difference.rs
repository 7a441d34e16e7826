//! The difference between two versions of the files of a month. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

/// The photos that differ between two versions of a month.
#[derive(Debug, Default, PartialEq)]
pub(super) struct MonthDifference {
    /// The new and the changed photos.
    pub(super) set: Vec<PhotoLine>,
    /// The ids of the removed photos.
    pub(super) removed: Vec<String>,
    /// The number of new, changed and removed photos.
    pub(super) photos: u64,
    /// The earliest day of the photos that differ, such as `2018-02-01`. `None` if all are undated.
    pub(super) from: Option<String>,
    /// The latest day of the photos that differ. `None` if all are undated.
    pub(super) to: Option<String>,
}

/// The JSON of one photo, with exactly the bytes of its line in the file of its month. It is not
/// parsed, because a number may be written with other digits after it was parsed.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Box<RawValue>")]
pub(super) struct PhotoLine {
    id: String,
    json: Box<RawValue>,
}

impl PhotoLine {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<Box<RawValue>> for PhotoLine {
    type Error = serde_json::Error;

    fn try_from(json: Box<RawValue>) -> serde_json::Result<Self> {
        let PhotoHead { id, .. } = serde_json::from_str(json.get())?;
        Ok(PhotoLine { id, json })
    }
}

impl Serialize for PhotoLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl PartialEq for PhotoLine {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

/// Returns the photos that differ between two versions of a month, and `true` if their JSON has at
/// most `max_bytes` bytes. New and changed photos beyond this size are counted but not listed.
/// `before` contains the JSON of the files that only the old version has. `after` contains the JSON
/// of the files that only the new version has.
///
/// # Errors
/// Fails if a line of a file is not the JSON of a photo.
pub(super) fn compare_versions(
    before: &[Vec<u8>],
    after: &[Vec<u8>],
    max_bytes: usize,
) -> serde_json::Result<(MonthDifference, bool)> {
    let mut removed: BTreeMap<String, (Option<String>, &[u8])> = BTreeMap::new();
    for line in before.iter().flat_map(|json| photo_lines(json)) {
        let head: PhotoHead = serde_json::from_slice(line)?;
        removed.insert(head.id, (head.date, line));
    }
    let mut difference = MonthDifference::default();
    let mut bytes = 0;
    let mut is_complete = true;
    for line in after.iter().flat_map(|json| photo_lines(json)) {
        let head: PhotoHead = serde_json::from_slice(line)?;
        let old = removed.remove(&head.id);
        if old.as_ref().is_some_and(|(_, old)| *old == line) {
            continue;
        }
        difference.count_photo(head.date);
        bytes += line.len();
        if bytes <= max_bytes {
            difference.set.push(serde_json::from_slice(line)?);
        } else {
            is_complete = false;
        }
    }
    for (id, (date, _)) in removed {
        difference.count_photo(date);
        // In the JSON, an id has two quotes and a comma.
        bytes += id.len() + 3;
        is_complete &= bytes <= max_bytes;
        difference.removed.push(id);
    }
    Ok((difference, is_complete))
}

impl MonthDifference {
    fn count_photo(&mut self, date: Option<String>) {
        self.photos += 1;
        self.from = [self.from.take(), date.clone()].into_iter().flatten().min();
        self.to = self.to.take().max(date);
    }
}

/// The id and the day of a photo, read from the JSON of the photo.
#[derive(Deserialize)]
struct PhotoHead {
    id: String,
    date: Option<String>,
}

/// Returns the lines of a month's file that contain photos. Each line is the JSON of one photo,
/// without the comma at its end.
pub(super) fn photo_lines(json: &[u8]) -> impl Iterator<Item = &[u8]> {
    json.split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"{\"id\""))
        .map(|line| line.strip_suffix(b",").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(photos: &[(&str, &str, &str)]) -> Vec<Vec<u8>> {
        let line = |(id, date, title): &(&str, &str, &str)| {
            format!(r#"{{"id":"{id}","date":"{date}","title":"{title}"}}"#)
        };
        let lines: Vec<String> = photos.iter().map(line).collect();
        let json = format!(
            "{{\"month\":\"2018-02\",\"items\":[\n{}\n]}}\n",
            lines.join(",\n")
        );
        vec![json.into_bytes()]
    }

    #[test]
    fn new_changed_and_removed_photos_are_listed() {
        let before = version(&[
            ("id1", "2018-02-02", "a"),
            ("id2", "2018-02-03", "a"),
            ("id3", "2018-02-04", "a"),
        ]);
        let after = version(&[
            ("id1", "2018-02-02", "a"),
            ("id2", "2018-02-03", "new"),
            ("id4", "2018-02-05", "a"),
        ]);
        let (found, is_complete) = compare_versions(&before, &after, 10_000).expect("JSON");
        let ids: Vec<_> = found.set.iter().map(PhotoLine::id).collect();
        assert_eq!(ids, ["id2", "id4"]);
        assert_eq!(found.removed, ["id3"]);
        assert_eq!((found.photos, is_complete), (3, true));
        assert_eq!(
            (found.from.as_deref(), found.to.as_deref()),
            (Some("2018-02-03"), Some("2018-02-05"))
        );
        let (found, is_complete) = compare_versions(&before, &after, 10).expect("JSON");
        assert_eq!((found.photos, is_complete), (3, false));
    }
    #[test]
    fn a_photo_keeps_the_bytes_of_its_line() {
        // A reader of JSON that is not exact returns 0.016666666666666668 for this number.
        let line = r#"{"id":"a","seconds":0.016666666666666666,"big":1e400,"escape":"\u00e9"}"#;
        let photo: PhotoLine = serde_json::from_str(line).expect("a photo");
        assert_eq!(photo.id(), "a");
        assert_eq!(
            serde_json::to_string(&[photo]).expect("JSON"),
            format!("[{line}]")
        );
        assert!(serde_json::from_str::<PhotoLine>(r#"{"title":"no id"}"#).is_err());
    }
}
