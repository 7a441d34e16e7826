//! `index.json` and `changes.json`: what a reader of the static files begins with (docs/static-gallery.md). Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::month::Difference;
use crate::catalogue::published::{FacetSum, PublishedMonth, sum_facets};

/// Name of the file that lists the others.
pub(super) const INDEX: &str = "index.json";
/// Name of the file with the last changes.
pub(super) const CHANGES: &str = "changes.json";
/// Most changes that are told.
const MAX_CHANGES: usize = 200;
/// Most bytes of JSON of all of them.
const MAX_CHANGES_BYTES: usize = 1_000_000;
/// Most bytes of JSON of one; a larger one says only that its month has changed.
pub(super) const MAX_CHANGE_BYTES: usize = 64_000;

/// `changes.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes {
    /// That of the last change.
    pub(super) generation: u64,
    /// Who has seen an earlier generation than this must read everything anew.
    pub(super) since: u64,
    /// In order of their generations, each above `since`.
    pub(super) changes: Vec<Change>,
}

/// A change of one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    /// Counts up by one from change to change.
    pub(super) generation: u64,
    /// The month.
    pub(super) month: String,
    /// The month's files are to be read anew: there is too much to tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) reload: bool,
    /// Photos that are in this month from here on, as they are now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) set: Vec<Value>,
    /// Ids of photos that are not in this month any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) removed: Vec<String>,
}

impl Change {
    /// What to tell of a month's new version; `None` for the difference where it is not known or too long.
    pub(super) fn new(generation: u64, month: &str, difference: Option<Difference>) -> Self {
        let (reload, Difference { set, removed, .. }) = match difference {
            Some(difference) => (false, difference),
            None => (true, Difference::default()),
        };
        Change {
            generation,
            month: month.to_owned(),
            reload,
            set,
            removed,
        }
    }
}

impl Changes {
    /// Adds changes, and forgets the earliest where there are too many. What was there before is forgotten where it is
    /// of another view (up to `since`) or does not lead up to the first of the new ones.
    pub(super) fn add(self, since: u64, new: Vec<Change>) -> Self {
        let Some(first) = new.first().map(|change| change.generation) else {
            return self;
        };
        let last = new.last().map_or(first, |change| change.generation);
        let mut changes: Vec<Change> = Vec::new();
        let mut from = first.saturating_sub(1);
        if self.generation == from && self.since >= since {
            from = self.since;
            changes = self.changes;
        }
        changes.extend(new);
        let bytes = |change: &Change| serde_json::to_vec(change).map_or(0, |json| json.len());
        let sizes: Vec<usize> = changes.iter().map(bytes).collect();
        let mut total: usize = sizes.iter().sum();
        let mut forgotten = 0;
        for size in sizes {
            if total <= MAX_CHANGES_BYTES && changes.len() - forgotten <= MAX_CHANGES {
                break;
            }
            total -= size;
            forgotten += 1;
        }
        if let Some(dropped) = forgotten.checked_sub(1) {
            from = changes[dropped].generation;
            changes.drain(..forgotten);
        }
        Changes {
            generation: last,
            since: from,
            changes,
        }
    }
}

/// `index.json`.
#[derive(Debug, Serialize)]
pub(super) struct Index<'a> {
    /// That of the last change that the listed files hold.
    generation: u64,
    /// When it was written.
    generated: String,
    /// Photos in all.
    photos: u64,
    /// Months that have photos, newest first, `undated` last.
    months: Vec<IndexMonth<'a>>,
    /// Cameras by number of photos.
    cameras: Vec<FacetSum<'a>>,
    /// Lenses likewise.
    lenses: Vec<FacetSum<'a>>,
}

#[derive(Debug, Serialize)]
struct IndexMonth<'a> {
    month: &'a str,
    photos: u64,
    files: Vec<IndexFile<'a>>,
}

#[derive(Debug, Serialize)]
struct IndexFile<'a> {
    path: &'a str,
    photos: u64,
    etag: &'a str,
    bytes: u64,
}

/// The index of these months, which come in order.
pub(super) fn index(
    generation: u64,
    now: DateTime<Utc>,
    months: &BTreeMap<String, PublishedMonth>,
) -> Index<'_> {
    let listed = months.values().rev().filter(|month| month.photos > 0);
    // `undated` sorts after every date, and belongs behind the oldest.
    let (undated, dated): (Vec<_>, Vec<_>) =
        listed.partition(|month| month.month == super::month::UNDATED);
    Index {
        generation,
        generated: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        photos: months.values().map(|month| month.photos).sum(),
        months: dated
            .into_iter()
            .chain(undated)
            .map(|month| IndexMonth {
                month: &month.month,
                photos: month.photos,
                files: month
                    .files
                    .iter()
                    .map(|file| IndexFile {
                        path: &file.path,
                        photos: file.photos,
                        etag: &file.etag,
                        bytes: file.bytes,
                    })
                    .collect(),
            })
            .collect(),
        cameras: sum_facets(months.values(), |month| &month.cameras),
        lenses: sum_facets(months.values(), |month| &month.lenses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::published::FacetCount;

    fn change(generation: u64) -> Change {
        Change::new(generation, "2018-02", Some(Difference::default()))
    }

    #[test]
    fn changes_follow_one_another_and_the_earliest_are_forgotten() {
        let changes = Changes::default().add(0, vec![change(1), change(2)]);
        assert_eq!((changes.since, changes.generation), (0, 2));
        let changes = changes.add(0, (3..=300).map(change).collect());
        assert_eq!(
            (changes.since, changes.generation, changes.changes.len()),
            (100, 300, 200)
        );
        assert_eq!(changes.changes[0].generation, 101);
    }

    #[test]
    fn changes_that_are_too_large_are_forgotten_too() {
        let large = |generation| Change {
            set: vec![Value::String("x".repeat(MAX_CHANGE_BYTES))],
            ..change(generation)
        };
        let changes = Changes::default().add(0, (1..=40).map(large).collect());
        assert!(serde_json::to_vec(&changes).expect("JSON").len() < MAX_CHANGES_BYTES + 1000);
        assert_eq!(changes.generation, 40);
        assert_eq!(changes.changes[0].generation, changes.since + 1);
    }

    #[test]
    fn changes_of_another_view_and_a_gap_make_readers_begin_anew() {
        let before = Changes::default().add(0, vec![change(1), change(2)]);
        let other_view = before.clone().add(2, vec![change(3)]);
        assert_eq!((other_view.since, other_view.changes.len()), (2, 1));
        let gap = before.add(0, vec![change(5)]);
        assert_eq!((gap.since, gap.changes.len()), (4, 1));
    }

    #[test]
    fn the_index_lists_months_newest_first_and_sums_facets() {
        let month = |name: &str, photos| PublishedMonth {
            month: name.to_owned(),
            photos,
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
        let index = index(7, DateTime::UNIX_EPOCH, &months);
        let json = serde_json::to_value(&index).expect("JSON");
        let names: Vec<_> = index.months.iter().map(|month| month.month).collect();
        assert_eq!(names, ["2018-02", "2017-12", "undated"]);
        assert_eq!(
            (json["photos"].as_u64(), json["generation"].as_u64()),
            (Some(6), Some(7))
        );
        assert_eq!(json["cameras"][0]["photos"], 6);
    }
}
