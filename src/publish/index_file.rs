//! `index.json`: the list of all other static files (docs/static-gallery.md). Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::list_key::{ListKind, list_path};
use super::month_name::UNDATED;
use crate::catalogue::published::{FacetCount, FacetSum, PublishedMonth, sum_facets};

/// The name of the file that lists all other files.
pub(super) const INDEX_FILE: &str = "index.json";

/// The contents of `index.json`.
#[derive(Debug, Serialize)]
pub(super) struct GalleryIndex<'a> {
    /// The generation of the listed files: the number of their state. It increases by one with each
    /// change of a month or of the albums.
    generation: u64,
    /// The time at which this file was written.
    generated: String,
    /// The number of photos in all months.
    photos: u64,
    /// The number of photos in `map.json`. If it is 0, a page needs no map.
    positions: u64,
    /// The months that have photos: the newest first, `undated` last.
    months: Vec<MonthEntry<'a>>,
    /// The cameras with their numbers of photos. The camera with the most photos comes first.
    cameras: Vec<ListedFacet<'a>>,
    /// The lenses with their numbers of photos. The lens with the most photos comes first.
    lenses: Vec<ListedFacet<'a>>,
}

#[derive(Debug, Serialize)]
struct MonthEntry<'a> {
    month: &'a str,
    photos: u64,
    /// The sum of the aspect ratios of the photos, so that a page can compute the height of the
    /// month before it reads the photos.
    aspects: f64,
    files: Vec<FileEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct FileEntry<'a> {
    path: &'a str,
    photos: u64,
    etag: &'a str,
    bytes: u64,
}

impl<'a> GalleryIndex<'a> {
    /// Returns the contents of `index.json` for these months. Months without photos are left out.
    /// `positions` is the number of photos in `map.json`.
    pub(super) fn new(
        generation: u64,
        now: DateTime<Utc>,
        positions: u64,
        months: &'a BTreeMap<String, PublishedMonth>,
    ) -> Self {
        let listed = months.values().rev().filter(|month| month.photos > 0);
        // `undated` sorts after every date. In the index it follows the oldest month.
        let (undated, dated): (Vec<_>, Vec<_>) = listed.partition(|month| month.month == UNDATED);
        GalleryIndex {
            generation,
            generated: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            photos: months.values().map(|month| month.photos).sum(),
            positions,
            months: dated
                .into_iter()
                .chain(undated)
                .map(MonthEntry::new)
                .collect(),
            cameras: listed_facets(months, ListKind::Camera, |month| &month.cameras),
            lenses: listed_facets(months, ListKind::Lens, |month| &month.lenses),
        }
    }
}

/// A camera, a lens or a keyword with its number of photos in all months.
#[derive(Debug, Serialize)]
pub(super) struct ListedFacet<'a> {
    #[serde(flatten)]
    pub(super) sum: FacetSum<'a>,
    /// The path of the file with its photos. `None` if there is no such file, because the slug is
    /// too long.
    pub(super) list: Option<String>,
}

/// Returns the cameras, lenses or keywords of the months, the one with the most photos first. `of`
/// selects which of them, and `kind` is the kind of their lists.
pub(super) fn listed_facets<'a>(
    months: &'a BTreeMap<String, PublishedMonth>,
    kind: ListKind,
    of: impl Fn(&'a PublishedMonth) -> &'a BTreeMap<String, FacetCount>,
) -> Vec<ListedFacet<'a>> {
    let sums = sum_facets(months.values(), of).into_iter();
    sums.map(|sum| ListedFacet {
        list: list_path(kind, sum.slug),
        sum,
    })
    .collect()
}

impl<'a> MonthEntry<'a> {
    fn new(month: &'a PublishedMonth) -> Self {
        let files = month.files.iter().map(|file| FileEntry {
            path: &file.path,
            photos: file.photos,
            etag: &file.etag,
            bytes: file.bytes,
        });
        MonthEntry {
            month: &month.month,
            photos: month.photos,
            aspects: month.aspects,
            files: files.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::published::FacetCount;

    #[test]
    fn months_are_listed_newest_first_and_facets_are_summed() {
        let month = |name: &str, photos| PublishedMonth {
            month: name.to_owned(),
            photos,
            aspects: 3.167,
            cameras: BTreeMap::from([(
                "nikon-d750".to_owned(),
                FacetCount {
                    name: format!("Nikon D750 in {name}"),
                    photos,
                },
            )]),
            ..PublishedMonth::default()
        };
        let months =
            ["2018-02", "2017-12", "undated"].map(|name| (name.to_owned(), month(name, 2)));
        let months = BTreeMap::from(months);
        let index = GalleryIndex::new(7, DateTime::UNIX_EPOCH, 5, &months);
        let json = serde_json::to_value(&index).expect("JSON");
        let names: Vec<_> = index.months.iter().map(|month| month.month).collect();
        assert_eq!(names, ["2018-02", "2017-12", "undated"]);
        assert_eq!(
            (json["photos"].as_u64(), json["generation"].as_u64()),
            (Some(6), Some(7))
        );
        assert_eq!(json["positions"], 5);
        assert_eq!(json["cameras"][0]["photos"], 6);
        assert_eq!(json["months"][0]["aspects"], 3.167);
    }
}
