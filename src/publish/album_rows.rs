//! The photos of an album in its order, found in the term indexes of all months. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::month_name::UNDATED;
use crate::catalogue::album::AlbumOrder;
use crate::site_albums::AlbumQuery;
use crate::term_index::IndexPart;

/// The term index of one published month.
#[derive(Debug)]
pub(super) struct MonthIndex {
    /// The month, such as `2018-02`, or `undated`.
    pub(super) month: String,
    /// The parts, in the order of the photos.
    pub(super) parts: Vec<IndexPart>,
}

/// A photo of an album.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AlbumRow<'a> {
    pub(super) month: &'a str,
    /// The position of the photo in the files of its month, counted from 0.
    pub(super) row: usize,
    pub(super) stem: &'a str,
    /// The day of the photo. `None` if it has no date.
    pub(super) day: Option<&'a str>,
    /// The time at which it became public, in seconds since 1970.
    added: i64,
}

/// Returns the photos of an album in its order. It is the order in which the gallery lists them.
pub(super) fn find_album_rows<'a>(
    index: &'a [MonthIndex],
    found: &AlbumQuery,
    order: AlbumOrder,
) -> Vec<AlbumRow<'a>> {
    let mut rows: Vec<AlbumRow<'a>> = index
        .iter()
        .filter(|month| found.query.range.touches_month(&month.month))
        .flat_map(|month| month_rows(month, found))
        .collect();
    // Undated photos are at the end of the orders by time, and always ascend.
    let is_undated = |row: &AlbumRow<'_>| row.month == UNDATED;
    match (order, &found.listed) {
        (AlbumOrder::Listed, Some(stems)) => {
            let places = stems.iter().enumerate();
            let places: HashMap<&str, usize> =
                places.map(|(at, stem)| (stem.as_str(), at)).collect();
            rows.sort_by_key(|row| places.get(row.stem).copied());
        }
        (AlbumOrder::Newest, _) => {
            let undated = rows.partition_point(|row| !is_undated(row));
            if let Some(dated) = rows.get_mut(..undated) {
                dated.reverse();
            }
        }
        (AlbumOrder::Added, _) => rows.sort_by_key(|row| Reverse((row.added, row.stem))),
        (AlbumOrder::Oldest | AlbumOrder::Listed, _) => {}
    }
    rows
}

/// Returns the matching photos of a month, the oldest first.
fn month_rows<'a>(month: &'a MonthIndex, found: &AlbumQuery) -> Vec<AlbumRow<'a>> {
    let mut rows = Vec::new();
    let mut start = 0;
    for part in &month.parts {
        let matching = found.query.matching_rows(part);
        rows.extend(matching.into_iter().map(|at| {
            let row = part.row(at);
            AlbumRow {
                month: &month.month,
                row: start + at as usize,
                stem: row.stem,
                day: row.time.get(.."2018-02-01".len()),
                added: row.added,
            }
        }));
        start += part.len();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term_index::{IndexPartBuilder, IndexQuery, IndexedPhoto};
    use photo_metadata::{CaptureTime, PhotoRecord};

    fn month(name: &str, photos: &[(&str, Option<&str>, i64)]) -> MonthIndex {
        let mut builder = IndexPartBuilder::default();
        for (stem, time, added) in photos {
            let local = time.map(|time| time.parse().expect("a time"));
            let record = PhotoRecord {
                capture: CaptureTime {
                    local,
                    ..CaptureTime::default()
                },
                ..PhotoRecord::default()
            };
            builder.add_photo(&IndexedPhoto {
                stem,
                record: &record,
                location: None,
                added: *added,
                folders: &[],
            });
        }
        let part = IndexPart::parse(&builder.finish().expect("JSON")).expect("a part");
        MonthIndex {
            month: name.to_owned(),
            parts: vec![part],
        }
    }

    #[test]
    fn photos_have_the_order_of_the_album() {
        let index = [
            month("2018-01", &[("2018-01-01/a", Some("2018-01-01"), 5)]),
            month(
                "2018-02",
                &[
                    ("2018-02-01/b", Some("2018-02-01"), 9),
                    ("2018-02-02/c", Some("2018-02-02"), 1),
                ],
            ),
            month("undated", &[("undated/d", None, 1), ("undated/e", None, 7)]),
        ];
        let names = |order, listed: Option<&[&str]>| {
            let listed = listed.map(|stems| stems.iter().map(ToString::to_string).collect());
            let query = IndexQuery {
                stems: listed
                    .as_ref()
                    .map(|stems: &Vec<String>| stems.iter().cloned().collect()),
                ..IndexQuery::default()
            };
            let rows = find_album_rows(&index, &AlbumQuery { query, listed }, order);
            rows.iter()
                .map(|row| row.stem.rsplit('/').next().unwrap_or_default())
                .collect::<String>()
        };
        assert_eq!(names(AlbumOrder::Oldest, None), "abcde");
        assert_eq!(names(AlbumOrder::Newest, None), "cbade");
        assert_eq!(names(AlbumOrder::Added, None), "beadc");
        let listed: &[&str] = &["undated/e", "2018-02-02/c", "gone/x", "2018-01-01/a"];
        assert_eq!(names(AlbumOrder::Listed, Some(listed)), "eca");
    }
}
