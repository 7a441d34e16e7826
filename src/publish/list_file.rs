//! The files of lists: their JSON, which contains each photo on a line of its own. Pure.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::list_key::ListKey;
use super::month_name::UNDATED;

/// The photos of a list in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListMonth {
    pub(super) month: String,
    /// The JSON of the photos, the newest first. Each has the bytes of its line in the month's
    /// file.
    pub(super) photos: Vec<Bytes>,
}

/// The contents of one file of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListFile {
    /// The photos by month, the newest month first.
    pub(super) months: Vec<ListMonth>,
    /// The path of the file with the older photos.
    pub(super) next: Option<String>,
}

/// The fields that only the first file of a list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListHead {
    pub(super) name: String,
    /// The number of photos in all files of the list.
    pub(super) photos: u64,
}

/// The fields before the photos.
#[derive(Deserialize)]
struct ListIntroduction {
    kind: String,
    slug: String,
}

/// The fields after the photos.
#[derive(Deserialize)]
struct ListEnd {
    next: Option<String>,
}

/// The field of a photo that gives its month.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhotoTime {
    taken_at_local: Option<String>,
}

/// Returns a value that orders months by time. `undated` is older than every date.
pub(super) fn month_age(month: &str) -> (bool, &str) {
    (month != UNDATED, month)
}

impl ListFile {
    /// Returns the JSON of the file. `head` is `None` if it is not the first file of the list.
    pub(super) fn to_json(&self, key: &ListKey, head: Option<&ListHead>) -> Vec<u8> {
        let mut introduction = format!(
            r#"{{"kind":"{}","slug":"{}""#,
            key.kind().as_str(),
            key.slug()
        );
        if let Some(ListHead { name, photos }) = head {
            introduction.push_str(&format!(r#","name":{},"photos":{photos}"#, json!(name)));
        }
        let mut text = introduction.into_bytes();
        text.extend_from_slice(br#","items":["#);
        let photos = self.months.iter().flat_map(|month| &month.photos);
        for (at, photo) in photos.enumerate() {
            text.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
            text.extend_from_slice(photo);
        }
        // The path in the file is relative to the folder of the file.
        let next = self
            .next
            .as_deref()
            .and_then(|path| path.rsplit('/').next());
        text.extend_from_slice(format!("\n],\"next\":{}}}\n", json!(next)).as_bytes());
        text
    }

    /// Parses the JSON of a file. Returns `None` if it is not a file of this list.
    pub(super) fn parse(json: &Bytes, key: &ListKey) -> Option<Self> {
        let mut lines = json.split(|byte| *byte == b'\n');
        let introduction = [lines.next()?, b"]}"].concat();
        let introduction: ListIntroduction = serde_json::from_slice(&introduction).ok()?;
        if introduction.kind != key.kind().as_str() || introduction.slug != key.slug() {
            return None;
        }
        let mut file = ListFile::default();
        for line in lines {
            if line.starts_with(b"]") {
                let end = [br#"{"items":["#, line].concat();
                let ListEnd { next } = serde_json::from_slice(&end).ok()?;
                let next = next.map(|name| format!("{}/{name}", key.kind().as_str()));
                let is_own = |path: &String| ListKey::of_path(path).as_ref() == Some(key);
                if next.as_ref().is_some_and(|path| !is_own(path)) {
                    return None;
                }
                file.next = next;
                return Some(file);
            }
            let photo = line.strip_suffix(b",").unwrap_or(line);
            file.push(&month_of_photo(photo)?, json.slice_ref(photo));
        }
        None
    }

    /// Returns the number of photos in the file.
    pub(super) fn photos(&self) -> u64 {
        self.months
            .iter()
            .map(|month| month.photos.len() as u64)
            .sum()
    }

    /// Adds a photo at the end.
    pub(super) fn push(&mut self, month: &str, photo: Bytes) {
        match self.months.last_mut() {
            Some(last) if last.month == month => last.photos.push(photo),
            _ => self.months.push(ListMonth {
                month: month.to_owned(),
                photos: vec![photo],
            }),
        }
    }
}

/// Returns the month of a photo from its JSON: `2018-02`, or `undated`.
fn month_of_photo(photo: &[u8]) -> Option<String> {
    let PhotoTime { taken_at_local } = serde_json::from_slice(photo).ok()?;
    let Some(taken) = taken_at_local else {
        return Some(UNDATED.to_owned());
    };
    // A photo of which only the year is known is in January.
    format!("{taken}-01")
        .get(.."2018-02".len())
        .map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::list_key::ListKind;
    use super::*;

    /// Returns the key of a list of a keyword.
    pub(in super::super) fn keyword(slug: &str) -> ListKey {
        ListKey::new(ListKind::Keyword, slug).expect("a list")
    }

    /// Returns the JSON of a photo.
    pub(in super::super) fn photo(id: &str, taken: Option<&str>) -> Bytes {
        let keywords = ["Kyoto"];
        let json = json!({ "takenAtLocal": taken, "keywords": keywords }).to_string();
        Bytes::from(format!(r#"{{"id":"{id}",{}"#, &json[1..]))
    }

    fn file() -> ListFile {
        let mut file = ListFile::default();
        for (id, month, taken) in [
            ("a", "2018-02", Some("2018-02-01T09:41:07")),
            ("b", "2018-02", Some("2018-02")),
            ("c", "1985-01", Some("1985")),
            ("d", "undated", None),
        ] {
            file.push(month, photo(id, taken));
        }
        file
    }

    #[test]
    fn written_file_is_read_again() {
        let key = keyword("kyoto");
        let head = ListHead {
            name: "Kyo\"to".to_owned(),
            photos: 9,
        };
        for next in [None, Some("keyword/kyoto.2.json".to_owned())] {
            let written = ListFile { next, ..file() };
            for head in [None, Some(&head)] {
                let json = written.to_json(&key, head);
                let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
                assert_eq!(value["items"].as_array().map(Vec::len), Some(4));
                assert_eq!(value["photos"].as_u64(), head.map(|_| 9));
                assert_eq!(value["name"].as_str(), head.map(|_| "Kyo\"to"));
                let relative = written.next.as_ref().map(|_| "kyoto.2.json");
                assert_eq!(value["next"].as_str(), relative);
                let read = ListFile::parse(&Bytes::from(json), &key);
                assert_eq!(read.as_ref(), Some(&written));
            }
        }
        let empty = ListFile::default();
        let json = empty.to_json(&key, None);
        assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
        assert_eq!(written_photos(&file()), 4);
    }

    fn written_photos(file: &ListFile) -> u64 {
        file.photos()
    }

    #[test]
    fn damaged_file_is_refused() {
        let key = keyword("kyoto");
        let json = file().to_json(&key, None);
        for end in 0..json.len() - 1 {
            let cut = Bytes::copy_from_slice(&json[..end]);
            assert_eq!(ListFile::parse(&cut, &key), None, "{end}");
        }
        let whole = Bytes::from(json);
        assert_eq!(ListFile::parse(&whole, &keyword("osaka")), None);
        let foreign = String::from_utf8_lossy(&whole).replace("null}\n", "\"osaka.json\"}\n");
        assert_eq!(ListFile::parse(&Bytes::from(foreign), &key), None);
    }

    #[test]
    fn undated_is_older_than_every_month() {
        let mut months = ["2018-02", "undated", "1985-01"];
        months.sort_by_key(|month| std::cmp::Reverse(month_age(month)));
        assert_eq!(months, ["2018-02", "1985-01", "undated"]);
    }
}
