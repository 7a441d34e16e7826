//! What the lists need of a rebuilt month: the JSON of its photos, and its term index. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;

use super::list_file::ListMonth;
use super::list_key::{ListKey, ListKind};
use super::month_difference::photo_lines;
use crate::term_index::IndexPart;

/// The photos of a rebuilt month and its term index.
#[derive(Debug, Default)]
pub(super) struct MonthContents {
    /// The JSON of each photo, in the order of the month.
    lines: Vec<Bytes>,
    /// The parts of the term index. Their rows are the lines, in the same order.
    index: Vec<IndexPart>,
    bytes: usize,
}

/// The rows of each list in a month. A row is the number of a photo, in the order of the month.
pub(super) type ListRows = BTreeMap<ListKey, Vec<u32>>;

impl MonthContents {
    /// Creates the contents from the JSON of the files of a month and the parts of its term index.
    ///
    /// # Errors
    /// Fails if the index does not have a row for each photo, which does not happen if both were
    /// built together.
    pub(super) fn new(files: Vec<Vec<u8>>, index: Vec<IndexPart>) -> io::Result<Self> {
        let mut contents = MonthContents {
            index,
            ..MonthContents::default()
        };
        for file in files {
            contents.bytes += file.len();
            let file = Bytes::from(file);
            let lines = photo_lines(&file).map(|line| file.slice_ref(line));
            contents.lines.extend(lines);
        }
        let rows: usize = contents.index.iter().map(IndexPart::len).sum();
        if rows == contents.lines.len() {
            Ok(contents)
        } else {
            Err(io::Error::other("the term index has other photos"))
        }
    }

    /// Returns the size of the JSON, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the rows of each list.
    pub(super) fn list_rows(&self) -> ListRows {
        list_rows(&self.index)
    }

    /// Returns the photos with these rows, the newest first.
    pub(super) fn photos(&self, month: &str, rows: &[u32]) -> ListMonth {
        let photos = rows.iter().rev();
        let photos = photos.filter_map(|row| self.lines.get(*row as usize).cloned());
        ListMonth {
            month: month.to_owned(),
            photos: photos.collect(),
        }
    }

    /// Returns the lists that differ from those of the earlier index `before`: those that have
    /// other photos, and those of a photo whose id is in `changed`.
    pub(super) fn changed_lists(
        &self,
        rows: &ListRows,
        before: &[IndexPart],
        changed: &BTreeSet<&str>,
    ) -> BTreeSet<ListKey> {
        let is_changed = |row: &u32| {
            let line = self.lines.get(*row as usize);
            line.and_then(|line| line_id(line))
                .is_none_or(|id| changed.contains(id))
        };
        let before_rows = list_rows(before);
        let keys: BTreeSet<&ListKey> = rows.keys().chain(before_rows.keys()).collect();
        let differs = |key: &&ListKey| {
            let (Some(now), Some(old)) = (rows.get(key), before_rows.get(key)) else {
                return true;
            };
            let stems = now.iter().map(|row| stem(&self.index, *row));
            let old = old.iter().map(|row| stem(before, *row));
            !stems.eq(old) || now.iter().any(is_changed)
        };
        keys.into_iter().filter(differs).cloned().collect()
    }
}

/// Returns the rows of each list in these parts of a term index.
pub(super) fn list_rows(index: &[IndexPart]) -> ListRows {
    let mut found = ListRows::new();
    let mut start = 0;
    for part in index {
        for kind in ListKind::ALL {
            for (slug, _, rows) in part.named_terms(kind.term_kind()) {
                if let Some(key) = ListKey::new(kind, slug) {
                    let rows = rows.iter().map(|row| row + start);
                    found.entry(key).or_default().extend(rows);
                }
            }
        }
        start += part.len() as u32;
    }
    found
}

/// Returns the stem of the photo with this row.
fn stem(index: &[IndexPart], row: u32) -> &str {
    let mut row = row as usize;
    for part in index {
        if row < part.len() {
            return part.row(row as u32).stem;
        }
        row -= part.len();
    }
    ""
}

/// Returns the id at the start of the JSON of a photo.
fn line_id(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(br#"{"id":""#)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term_index::{IndexPartBuilder, IndexedPhoto};
    use photo_metadata::PhotoRecord;

    /// Builds a part of photos: a name and keywords.
    fn part(photos: &[(&str, &[&str])]) -> IndexPart {
        let mut builder = IndexPartBuilder::default();
        for (name, keywords) in photos {
            let record = PhotoRecord {
                keywords: keywords.iter().map(ToString::to_string).collect(),
                ..PhotoRecord::default()
            };
            builder.add_photo(&IndexedPhoto {
                stem: &format!("undated/{name}"),
                record: &record,
                location: None,
                added: 0,
                folders: &[],
            });
        }
        IndexPart::parse(&builder.finish().expect("JSON")).expect("a part")
    }

    fn file(names: &[&str]) -> Vec<u8> {
        let lines: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"id":"id-{name}"}}"#))
            .collect();
        format!(
            "{{\"month\":\"undated\",\"items\":[\n{}\n]}}\n",
            lines.join(",\n")
        )
        .into_bytes()
    }

    fn slugs<'a>(keys: impl IntoIterator<Item = &'a ListKey>) -> Vec<&'a str> {
        keys.into_iter().map(ListKey::slug).collect()
    }

    #[test]
    fn rows_count_over_all_parts_and_photos_are_newest_first() {
        let index = vec![
            part(&[("a", &["Kyoto"]), ("b", &["Places|Kyoto"])]),
            part(&[("c", &["Kyoto", "Cat"])]),
        ];
        let contents =
            MonthContents::new(vec![file(&["a"]), file(&["b", "c"])], index).expect("contents");
        let rows = contents.list_rows();
        assert_eq!(
            slugs(rows.keys()),
            ["cat", "kyoto", "places", "places-kyoto"]
        );
        let kyoto = ListKey::new(ListKind::Keyword, "kyoto").expect("a list");
        assert_eq!(rows[&kyoto], [0, 2]);
        let photos = contents.photos("undated", &rows[&kyoto]).photos;
        assert_eq!(photos, [r#"{"id":"id-c"}"#, r#"{"id":"id-a"}"#]);
        assert!(MonthContents::new(vec![file(&["a"])], Vec::new()).is_err());
    }

    #[test]
    fn only_lists_of_changed_photos_differ() {
        let before = [part(&[
            ("a", &["Cat", "Old"]),
            ("b", &["Dog"]),
            ("c", &["Sea"]),
        ])];
        let index = vec![part(&[
            ("a", &["Cat", "New"]),
            ("b", &["Dog"]),
            ("d", &["Sea"]),
        ])];
        let contents = MonthContents::new(vec![file(&["a", "b", "d"])], index).expect("contents");
        let rows = contents.list_rows();
        let changed = |ids: &[&'static str]| {
            let ids = ids.iter().copied().collect();
            let lists = contents.changed_lists(&rows, &before, &ids);
            slugs(&lists)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(changed(&[]), ["new", "old", "sea"]);
        assert_eq!(changed(&["id-b"]), ["dog", "new", "old", "sea"]);
    }
}
