//! The order in which a list shows the photos that the term index finds. Pure.
//!
//! A list is read in pieces. Each photo has a position, and the next piece begins after a position.
//! The photo of the position may have left the list in the meantime.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::cursor::ListPosition;
use super::index_cache::IndexedMonth;
use super::list_request::ListOrder;
use crate::archive::UNDATED;
use crate::term_index::{IndexPart, IndexQuery};

/// The order of the photos of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IndexOrder {
    /// By capture time, or by the time at which they became public.
    Sorted(ListOrder),
    /// As the owner has listed them. These are the stems.
    Listed(Vec<String>),
}

/// A direction in which a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the first photo to the last.
    Forward,
    /// From the last photo to the first.
    Backward,
}

/// A photo that the index finds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexMatch {
    pub(super) stem: String,
    /// The month in whose index the photo is.
    pub(super) month: String,
    pub(super) position: ListPosition,
}

/// A list of the photos that match a query.
pub(super) struct IndexList {
    index: Arc<Vec<IndexedMonth>>,
    query: IndexQuery,
    order: IndexOrder,
}

impl IndexList {
    pub(super) fn new(index: Arc<Vec<IndexedMonth>>, query: IndexQuery, order: IndexOrder) -> Self {
        IndexList {
            index,
            query,
            order,
        }
    }

    /// Returns the index of all months.
    pub(super) fn index(&self) -> &[IndexedMonth] {
        &self.index
    }

    /// Returns the query.
    pub(super) fn query(&self) -> &IndexQuery {
        &self.query
    }

    /// Returns the position of a photo in the list. It does not matter whether the photo is in it.
    /// `sort` is its sort key in the index by-date, and `added` the time at which it became public,
    /// in seconds since 1970.
    pub(super) fn position_of(&self, stem: &str, sort: &str, added: i64) -> ListPosition {
        match &self.order {
            IndexOrder::Sorted(ListOrder::Newest | ListOrder::Oldest) => {
                let is_undated = sort.starts_with(UNDATED);
                let month = if is_undated {
                    Some(UNDATED)
                } else {
                    sort.get(..7)
                };
                position_by_time(month.unwrap_or_default(), sort.to_owned())
            }
            IndexOrder::Sorted(ListOrder::Added) => position_by_addition(added, stem),
            // A photo that is not in the list has no place in it, and so no neighbours.
            IndexOrder::Listed(stems) => match stems.iter().position(|listed| listed == stem) {
                Some(number) => position_in_list(number, stem),
                None => ListPosition {
                    partition: String::new(),
                    undated: false,
                    after: None,
                },
            },
        }
    }

    /// Returns the next photos after a position, at most `wanted`. Without a position, returns the
    /// first photos. There are no more photos if fewer than `wanted` are returned.
    pub(super) fn next_matches(
        &self,
        after: Option<&ListPosition>,
        wanted: usize,
        direction: Direction,
    ) -> Vec<IndexMatch> {
        match &self.order {
            IndexOrder::Sorted(ListOrder::Newest) => {
                self.next_by_time(true, after, wanted, direction)
            }
            IndexOrder::Sorted(ListOrder::Oldest) => {
                self.next_by_time(false, after, wanted, direction)
            }
            IndexOrder::Sorted(ListOrder::Added) => self.next_by_addition(after, wanted, direction),
            IndexOrder::Listed(stems) => self.next_in_list(stems, after, wanted, direction),
        }
    }

    /// Returns the stems of all photos that match, in no particular order. A photo that was moved
    /// may occur twice, until publish has indexed both months again.
    pub(super) fn all_stems(&self) -> Vec<&str> {
        self.stems_and_months().map(|(stem, _)| stem).collect()
    }

    fn stems_and_months(&self) -> impl Iterator<Item = (&str, &str)> {
        let months = self.months_in_range();
        let parts = months.flat_map(|month| month.parts.iter().map(|part| (part, &month.month)));
        parts.flat_map(|(part, month)| {
            let rows = self.query.matching_rows(part).into_iter();
            rows.map(|row| (part.row(row).stem, month.as_str()))
        })
    }

    fn months_in_range(&self) -> impl Iterator<Item = &IndexedMonth> {
        let range = &self.query.range;
        self.index
            .iter()
            .filter(|month| range.touches_month(&month.month))
    }

    /// Returns the next photos of a list by capture time. Undated photos are at the end of the
    /// list, and always in ascending order.
    fn next_by_time(
        &self,
        newest_first: bool,
        after: Option<&ListPosition>,
        wanted: usize,
        direction: Direction,
    ) -> Vec<IndexMatch> {
        let forward = direction == Direction::Forward;
        let mut months: Vec<&IndexedMonth> = self.months_in_range().collect();
        let compare = |a: &str, b: &str| compare_months(a, b, newest_first);
        months.sort_by(|a, b| compare(&a.month, &b.month));
        if !forward {
            months.reverse();
        }
        let mut found = Vec::new();
        for month in months {
            let past = after.map(|after| compare(&month.month, &after.partition));
            let past = if forward {
                past
            } else {
                past.map(Ordering::reverse)
            };
            if past == Some(Ordering::Less) {
                continue;
            }
            let limit = after.filter(|_| past == Some(Ordering::Equal));
            let limit = limit.and_then(|after| after.after.as_deref());
            // Undated photos ascend in both orders.
            let ascending = (!newest_first || month.month == UNDATED) == forward;
            let mut parts: Vec<&Arc<IndexPart>> = month.parts.iter().collect();
            if !ascending {
                parts.reverse();
            }
            for part in parts {
                for row in self.rows_of_part(part, limit, ascending) {
                    let row = part.row(row);
                    found.push(IndexMatch {
                        stem: row.stem.to_owned(),
                        month: month.month.clone(),
                        position: position_by_time(&month.month, row.sort_key()),
                    });
                    if found.len() == wanted {
                        return found;
                    }
                }
            }
        }
        found
    }

    /// Returns the matching rows of a part after the sort key `limit`, in the given order.
    fn rows_of_part(&self, part: &IndexPart, limit: Option<&str>, ascending: bool) -> Vec<u32> {
        let mut rows = self.query.matching_rows(part);
        match limit {
            Some(limit) if ascending => {
                let first = part.rows_up_to(limit, true);
                rows.retain(|row| *row >= first);
            }
            Some(limit) => {
                let end = part.rows_up_to(limit, false);
                rows.retain(|row| *row < end);
            }
            None => {}
        }
        if !ascending {
            rows.reverse();
        }
        rows
    }

    /// Returns the next photos of a list by the time at which they became public, the last first.
    fn next_by_addition(
        &self,
        after: Option<&ListPosition>,
        wanted: usize,
        direction: Direction,
    ) -> Vec<IndexMatch> {
        let compare = |one: &(i64, &str), other: &(i64, &str)| match direction {
            Direction::Forward => other.cmp(one),
            Direction::Backward => one.cmp(other),
        };
        let by_place = |one: &Added<'_>, other: &Added<'_>| compare(&one.0, &other.0);
        let limit = after.and_then(|after| {
            let added: i64 = after.partition.parse().ok()?;
            Some((added, after.after.as_deref()?))
        });
        let mut found: Vec<Added<'_>> = Vec::new();
        for month in self.months_in_range() {
            for part in &month.parts {
                let rows = self.query.matching_rows(part).into_iter();
                let rows = rows.map(|row| part.row(row));
                let rows = rows.map(|row| ((row.added, row.stem), month.month.as_str()));
                found.extend(rows.filter(|(row, _)| {
                    limit.is_none_or(|limit| compare(&limit, row) == Ordering::Less)
                }));
            }
        }
        if found.len() > wanted {
            found.select_nth_unstable_by(wanted, by_place);
            found.truncate(wanted);
        }
        found.sort_unstable_by(by_place);
        let matches = found.into_iter().map(|((added, stem), month)| IndexMatch {
            stem: stem.to_owned(),
            month: month.to_owned(),
            position: position_by_addition(added, stem),
        });
        matches.collect()
    }

    /// Returns the next photos of a list in the order of its owner. If the photo of the position is
    /// not in the list any more, the list continues at its former place.
    fn next_in_list(
        &self,
        stems: &[String],
        after: Option<&ListPosition>,
        wanted: usize,
        direction: Direction,
    ) -> Vec<IndexMatch> {
        let found: BTreeMap<&str, &str> = self.stems_and_months().collect();
        let forward = direction == Direction::Forward;
        let range = match after {
            None => 0..stems.len(),
            Some(after) => {
                let limit = after.after.as_deref().unwrap_or_default();
                let place = stems.iter().position(|stem| stem == limit);
                // The places from `first` to before `next` are those of the photo itself.
                let (first, next) = match (place, after.partition.parse::<usize>()) {
                    (Some(place), _) => (place, place + 1),
                    (None, Ok(former)) => (former.min(stems.len()), former.min(stems.len())),
                    (None, Err(_)) => return Vec::new(),
                };
                if forward { next..stems.len() } else { 0..first }
            }
        };
        let start = range.start;
        let rest = stems.get(range).unwrap_or_default().iter().enumerate();
        let matches = rest.filter_map(|(number, stem)| {
            Some(IndexMatch {
                stem: stem.clone(),
                month: (*found.get(stem.as_str())?).to_owned(),
                position: position_in_list(start + number, stem),
            })
        });
        let mut matches: Vec<IndexMatch> = matches.collect();
        if !forward {
            matches.reverse();
        }
        matches.truncate(wanted);
        matches
    }
}

/// A photo in the order of addition, and the month in whose index it is. The time is in seconds
/// since 1970.
type Added<'a> = ((i64, &'a str), &'a str);

/// Compares two months by their place in a list. Undated photos are at its end.
fn compare_months(one: &str, other: &str, newest_first: bool) -> Ordering {
    let by_date = (one == UNDATED).cmp(&(other == UNDATED));
    let by_name = if newest_first {
        other.cmp(one)
    } else {
        one.cmp(other)
    };
    by_date.then(by_name)
}

fn position_by_time(month: &str, sort: String) -> ListPosition {
    ListPosition {
        partition: month.to_owned(),
        undated: month == UNDATED,
        after: Some(sort),
    }
}

fn position_by_addition(added: i64, stem: &str) -> ListPosition {
    ListPosition {
        partition: added.to_string(),
        undated: false,
        after: Some(stem.to_owned()),
    }
}

/// Returns the position of a photo in the list of an owner. `number` is its place.
fn position_in_list(number: usize, stem: &str) -> ListPosition {
    ListPosition {
        partition: number.to_string(),
        undated: false,
        after: Some(stem.to_owned()),
    }
}
