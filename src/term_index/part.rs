//! A part of the term index: the rows and terms of some photos of one month.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use photo_metadata::{CaptureTime, Location, PhotoRecord};
use serde::{Deserialize, Serialize};

use super::photo_terms::{Term, TermKind, photo_terms, photo_words};
use super::text_list::TextList;
use crate::catalogue::query::date_sort;
use crate::photo_id::PhotoId;

/// The number by which a stored position is multiplied. A published position has at most 7
/// decimals, so the stored one is exact.
const UNITS_PER_DEGREE: f64 = 1e7;
/// The stored latitude of a photo without a published position.
const NO_POSITION: i32 = i32::MAX;

/// The size of the JSON of a part, in bytes, after which no more photos are added to it.
const MAX_JSON_BYTES: usize = 480_000;
/// The bytes of a row in the JSON beside its stem, as an estimate: the numbers and the time.
const ROW_BYTES: usize = 60;
/// The bytes of a term or a name in the JSON beside its text: quotes, brackets and commas.
const TERM_BYTES: usize = 6;
/// The bytes of a number in the JSON, as an estimate.
const NUMBER_BYTES: usize = 3;

/// A part of the term index. It contains at least one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexPart {
    /// The stems of the photos.
    stems: TextList,
    /// The beginnings of the sort keys: the time to which a photo is sorted, or `undated`.
    times: TextList,
    /// The time at which each photo first became public, in seconds since 1970.
    added: Vec<i64>,
    /// The published positions, in units of 0.0000001 degrees: latitude and longitude.
    positions: Vec<(i32, i32)>,
    /// All terms, sorted.
    terms: TextList,
    /// The end of the rows of each term in `rows`.
    row_ends: Vec<u32>,
    /// The rows of all terms, one term after the other. The rows of a term are in ascending order.
    rows: Vec<u32>,
    /// The names of cameras, lenses, folders, keywords and places, by their terms.
    names: BTreeMap<String, String>,
}

/// A row of a part: what the index contains of one photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexRow<'a> {
    /// The stem of the photo.
    pub stem: &'a str,
    /// The time to which the photo is sorted: `2018-02-01T09:41:07`, or `undated`.
    pub time: &'a str,
    /// The time at which the photo first became public, in seconds since 1970.
    pub added: i64,
}

impl IndexRow<'_> {
    /// Returns the sort key of the photo in the index by-date.
    pub fn sort_key(&self) -> String {
        let name = self.stem.rsplit('/').next().unwrap_or(self.stem);
        let id = PhotoId::from_stem(self.stem);
        let capture = CaptureTime {
            local: self.time.parse().ok(),
            ..CaptureTime::default()
        };
        date_sort(&capture, name, id.as_str())
    }
}

/// The stored form of a part. It is JSON, which the publish table stores compressed.
#[derive(Debug, Default, Serialize, Deserialize)]
struct StoredPart {
    stems: Vec<String>,
    times: Vec<String>,
    added: Vec<i64>,
    lat: Vec<i32>,
    lon: Vec<i32>,
    /// The rows of each term. The first number is a row, and each other number is the difference to
    /// the row before.
    terms: BTreeMap<String, Vec<u32>>,
    names: BTreeMap<String, String>,
}

/// The error of bytes that are not a part of a term index.
#[derive(Debug, thiserror::Error)]
pub enum InvalidIndexPart {
    /// The bytes are not the JSON of a part.
    #[error("a part of the term index is not readable")]
    Json(#[from] serde_json::Error),
    /// The lists have different lengths, or a term has a row that does not exist.
    #[error("a part of the term index is not consistent")]
    Inconsistent,
}

impl IndexPart {
    /// Reads a part from its stored form.
    ///
    /// # Errors
    /// Fails if the bytes are not a part.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidIndexPart> {
        let stored: StoredPart = serde_json::from_slice(json)?;
        let mut part = IndexPart {
            stems: stored.stems.iter().map(String::as_str).collect(),
            times: stored.times.iter().map(String::as_str).collect(),
            added: stored.added,
            positions: stored
                .lat
                .iter()
                .copied()
                .zip(stored.lon.iter().copied())
                .collect(),
            terms: stored.terms.keys().map(String::as_str).collect(),
            names: stored.names,
            ..IndexPart::default()
        };
        let len = part.len();
        let lengths = [
            part.times.len(),
            part.added.len(),
            stored.lat.len(),
            stored.lon.len(),
        ];
        if lengths.iter().any(|other| *other != len) {
            return Err(InvalidIndexPart::Inconsistent);
        }
        for differences in stored.terms.values() {
            let mut row = 0_u32;
            for difference in differences {
                row = row
                    .checked_add(*difference)
                    .ok_or(InvalidIndexPart::Inconsistent)?;
                if row as usize >= len {
                    return Err(InvalidIndexPart::Inconsistent);
                }
                part.rows.push(row);
            }
            let end = u32::try_from(part.rows.len());
            part.row_ends
                .push(end.map_err(|_| InvalidIndexPart::Inconsistent)?);
        }
        Ok(part)
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.stems.len()
    }

    /// Reports whether the part has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the memory that the part uses, in bytes, as an estimate.
    pub fn memory(&self) -> usize {
        let names: usize = self
            .names
            .iter()
            .map(|(term, name)| term.len() + name.len() + 64)
            .sum();
        self.stems.memory()
            + self.times.memory()
            + self.terms.memory()
            + 16 * self.len()
            + 4 * (self.rows.len() + self.row_ends.len())
            + names
    }

    /// Returns a row. The texts are empty if the number of the row is too large.
    pub fn row(&self, row: u32) -> IndexRow<'_> {
        let at = row as usize;
        IndexRow {
            stem: self.stems.get(at),
            time: self.times.get(at),
            added: self.added.get(at).copied().unwrap_or_default(),
        }
    }

    /// Returns the number of the first rows whose sort keys are below `sort`, or also equal to it
    /// if `is_included` is `true`.
    pub fn rows_up_to(&self, sort: &str, is_included: bool) -> u32 {
        let (mut low, mut high) = (0, u32::try_from(self.len()).unwrap_or(u32::MAX));
        while low < high {
            let middle = low + (high - low) / 2;
            let key = self.row(middle).sort_key();
            if key.as_str() < sort || (is_included && key == sort) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Returns the rows of a term, in ascending order.
    pub fn rows_of(&self, term: &Term) -> &[u32] {
        let at = self.terms.partition_point(|other| other < term.as_str());
        match self.terms.get(at) == term.as_str() {
            true => self.rows_at(at),
            false => &[],
        }
    }

    /// Returns the terms that begin with the text of `start`, each with its rows.
    pub fn terms_from<'a>(
        &'a self,
        start: &Term,
    ) -> impl Iterator<Item = (&'a str, &'a [u32])> + use<'a> {
        self.term_range(start)
            .map(|at| (self.terms.get(at), self.rows_at(at)))
    }

    /// Returns the slug, the name and the rows of each camera, lens, folder, keyword or place.
    pub fn named_terms(&self, kind: TermKind) -> impl Iterator<Item = (&str, &str, &[u32])> {
        let start = Term::new(kind, "");
        let skipped = start.as_str().len();
        self.terms_from(&start).map(move |(term, rows)| {
            let name = self.names.get(term).map(String::as_str);
            (&term[skipped..], name.unwrap_or_default(), rows)
        })
    }

    /// Returns the published position of a photo in degrees: latitude and longitude. Returns `None`
    /// if no position is published.
    pub fn position(&self, row: u32) -> Option<(f64, f64)> {
        let (lat, lon) = *self.positions.get(row as usize)?;
        let degrees = |units: i32| f64::from(units) / UNITS_PER_DEGREE;
        (lat != NO_POSITION).then(|| (degrees(lat), degrees(lon)))
    }

    fn term_range(&self, start: &Term) -> Range<usize> {
        let start = start.as_str();
        let first = self.terms.partition_point(|term| term < start);
        let last = self
            .terms
            .partition_point(|term| term < start || term.starts_with(start));
        first..last
    }

    fn rows_at(&self, at: usize) -> &[u32] {
        let end = |at: usize| self.row_ends.get(at).map(|end| *end as usize);
        let start = if at == 0 { Some(0) } else { end(at - 1) };
        let range = start.zip(end(at));
        range
            .and_then(|(start, end)| self.rows.get(start..end))
            .unwrap_or_default()
    }
}

/// Builds a part from photos.
#[derive(Debug, Default)]
pub struct IndexPartBuilder {
    stems: Vec<String>,
    times: Vec<String>,
    added: Vec<i64>,
    positions: Vec<(i32, i32)>,
    rows: BTreeMap<String, Vec<u32>>,
    names: BTreeMap<String, String>,
    bytes: usize,
}

/// A photo that is added to a part.
#[derive(Debug, Clone, Copy)]
pub struct IndexedPhoto<'a> {
    /// The stem.
    pub stem: &'a str,
    /// The public record.
    pub record: &'a PhotoRecord,
    /// The published position, if there is one.
    pub location: Option<&'a Location>,
    /// The time at which the photo first became public, in seconds since 1970.
    pub added: i64,
    /// The names of the folders of uploads to which the photo belongs.
    pub folders: &'a [String],
}

impl IndexPartBuilder {
    /// Adds a photo. The caller must add the photos in the order of the index by-date.
    pub fn add_photo(&mut self, photo: &IndexedPhoto<'_>) {
        let Ok(row) = u32::try_from(self.stems.len()) else {
            return;
        };
        let time = match photo.record.capture.start() {
            Some(start) => photo_metadata::PartialDateTime::from(start).to_string(),
            None => crate::archive::UNDATED.to_owned(),
        };
        self.bytes += photo.stem.len() + ROW_BYTES;
        self.stems.push(photo.stem.to_owned());
        self.times.push(time);
        self.added.push(photo.added);
        let units = |degrees: f64| (degrees * UNITS_PER_DEGREE).round() as i32;
        self.positions.push(match photo.location {
            Some(location) => (units(location.lat), units(location.lon)),
            None => (NO_POSITION, NO_POSITION),
        });
        let (terms, names) = photo_terms(photo.record, photo.folders);
        let words = photo_words(photo.record);
        let words: BTreeSet<Term> = words
            .iter()
            .map(|word| Term::new(TermKind::Word, word))
            .collect();
        for term in terms.iter().chain(&words) {
            let rows = self.rows.entry(term.as_str().to_owned()).or_default();
            if rows.is_empty() {
                self.bytes += term.as_str().len() + TERM_BYTES;
            }
            self.bytes += NUMBER_BYTES;
            rows.push(row);
        }
        for (term, name) in names {
            self.bytes += term.as_str().len() + name.len() + TERM_BYTES;
            self.names.insert(term.as_str().to_owned(), name);
        }
    }

    /// Reports whether the part is full: one more photo could make it too large for an item of
    /// DynamoDB. The JSON has about half a megabyte then, and at most two thirds of it compressed.
    pub fn is_full(&self) -> bool {
        self.bytes >= MAX_JSON_BYTES
    }

    /// Returns the number of photos that were added.
    pub fn len(&self) -> usize {
        self.stems.len()
    }

    /// Reports whether no photo was added.
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }

    /// Returns the stored form of the part: JSON.
    ///
    /// # Errors
    /// Fails if the part cannot be serialised, which does not happen with these types.
    pub fn finish(self) -> Result<Vec<u8>, serde_json::Error> {
        let differences = |rows: Vec<u32>| {
            let mut before = 0;
            rows.into_iter()
                .map(|row| row - std::mem::replace(&mut before, row))
                .collect()
        };
        let terms = self.rows.into_iter();
        let stored = StoredPart {
            stems: self.stems,
            times: self.times,
            added: self.added,
            lat: self.positions.iter().map(|(lat, _)| *lat).collect(),
            lon: self.positions.iter().map(|(_, lon)| *lon).collect(),
            terms: terms
                .map(|(term, rows)| (term, differences(rows)))
                .collect(),
            names: self.names,
        };
        serde_json::to_vec(&stored)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use photo_metadata::Camera;

    /// Returns the public record of a photo that was taken at `local`, or of an undated photo.
    pub(in super::super) fn record(local: Option<&str>, title: &str, keyword: &str) -> PhotoRecord {
        PhotoRecord {
            capture: CaptureTime {
                local: local.map(|local| local.parse().expect("a time")),
                ..CaptureTime::default()
            },
            camera: Some(Camera {
                slug: "nikon-d750".to_owned(),
                name: "Nikon D750".to_owned(),
                ..Camera::default()
            }),
            title: Some(title.to_owned()),
            keywords: vec![keyword.to_owned()],
            ..PhotoRecord::default()
        }
    }

    /// Builds a part of these photos: stem and record.
    pub(in super::super) fn build_part(photos: &[(&str, PhotoRecord)]) -> IndexPart {
        let mut builder = IndexPartBuilder::default();
        for (stem, record) in photos {
            builder.add_photo(&IndexedPhoto {
                stem,
                record,
                location: record.location.as_ref(),
                added: 0,
                folders: &[],
            });
        }
        IndexPart::parse(&builder.finish().expect("JSON")).expect("a part")
    }

    #[test]
    fn stored_part_has_the_rows_of_each_term() {
        let part = build_part(&[
            (
                "2018-02-01/a",
                record(Some("2018-02-01T09:41:07"), "Night", "Japan"),
            ),
            (
                "2018-02-01/b",
                record(Some("2018-02-01T09:41:08"), "Day", "Japan|Kyoto"),
            ),
            (
                "2018-02-03/c\n",
                record(Some("2018-02-03"), "Night train", "Train"),
            ),
        ]);
        assert_eq!(part.len(), 3);
        let rows = |kind, text| part.rows_of(&Term::new(kind, text)).to_vec();
        assert_eq!(rows(TermKind::Keyword, "japan"), [0, 1]);
        assert_eq!(rows(TermKind::Keyword, "japan-kyoto"), [1]);
        assert_eq!(rows(TermKind::Camera, "nikon-d750"), [0, 1, 2]);
        assert_eq!(rows(TermKind::Word, "night"), [0, 2]);
        assert!(rows(TermKind::Word, "nigh").is_empty());
        let start = Term::new(TermKind::Word, "tr");
        let found: Vec<_> = part.terms_from(&start).collect();
        assert_eq!(found, [("w:train", &[2][..])]);
        let names: Vec<_> = part.named_terms(TermKind::Keyword).collect();
        assert_eq!(names[1], ("japan-kyoto", "Japan|Kyoto", &[1][..]));
        let row = part.row(2);
        assert_eq!(
            (row.stem, row.time),
            ("2018-02-03/c\n", "2018-02-03T00:00:00")
        );
    }

    #[test]
    fn rows_are_found_by_their_sort_keys() {
        let part = build_part(&[
            ("2018-02-01/a", record(Some("2018-02-01T09:41:07"), "", "")),
            ("2018-02-01/b", record(Some("2018-02-01T09:41:07"), "", "")),
            (
                "2018-02-03/c",
                record(Some("2018-02-03T10:00:00.5"), "", ""),
            ),
        ]);
        let capture = record(Some("2018-02-01T09:41:07"), "", "").capture;
        let id = PhotoId::from_stem("2018-02-01/b");
        let sort = date_sort(&capture, "b", id.as_str());
        assert_eq!(part.row(1).sort_key(), sort);
        assert_eq!(
            (part.rows_up_to(&sort, true), part.rows_up_to(&sort, false)),
            (2, 1)
        );
        assert_eq!(part.rows_up_to("2018-02-01T09:41:07#a~", true), 1);
        assert_eq!(
            (part.rows_up_to("0", true), part.rows_up_to("~", true)),
            (0, 3)
        );
        let undated = build_part(&[("undated/x", record(None, "", ""))]);
        assert!(undated.row(0).sort_key().starts_with("undated#x#"));
    }

    #[test]
    fn damaged_part_is_refused() {
        let damaged = [
            r#"{"stems":["a"],"times":[],"added":[0],"lat":[0],"lon":[0],"terms":{},"names":{}}"#,
            r#"{"stems":["a"],"times":["t"],"added":[0],"lat":[0],"lon":[0],"terms":{"k:x":[1]},"names":{}}"#,
            r#"{"stems":["a"],"times":["t"],"added":[0],"lat":[0],"lon":[],"terms":{},"names":{}}"#,
            "[]",
            "",
        ];
        for json in damaged {
            assert!(IndexPart::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
