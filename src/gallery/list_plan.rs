//! Decides which index partitions answer a list request, and in which order. Pure.
//!
//! The photos of a box come from the index by-place: cell by cell, and in each cell from the
//! sub-cells that the box touches. Without a box, the photos of a camera come from by-camera, the
//! photos of a lens from by-lens, and all others from by-date, year by year. An index query cannot
//! apply all filters. The remaining filters are applied to the photos that the query returns. If a
//! request has a camera and a lens, the lens remains. If a request has a box, all filters and the
//! exact edges of the box remain.
//!
//! Photos without a date are in a segment of their own, which is always the last segment. If the
//! request has a box or a date range, there is no such segment.

use std::collections::BTreeSet;

use crate::archive::UNDATED;
use crate::catalogue::date_partition::DatePartition;
use crate::catalogue::query::{PhotoEntry, PhotoIndex, Segment, UNDATED_SORT_PREFIX, date_sort};
use crate::privacy::Visibility;
use photo_metadata::Location;

use super::bounding_box::CellRange;
use super::cursor::ListPosition;
use super::list_request::{ListFilters, ListOrder};

/// A text that sorts before the sort keys of all photos with a date.
const FIRST_DATE: &str = "0";
/// A text that sorts after the sort keys of all photos with a date.
const LAST_DATE: &str = "9~";

/// Returns the year that contains the whole date range of a request. Returns `None` if the range
/// touches several years, or if it has no start or no end.
fn single_year(filters: &ListFilters) -> Option<&str> {
    let from = year_of_sort_key(filters.from.as_ref()?)?;
    (year_of_sort_key(filters.to.as_ref()?)? == from).then_some(from)
}

/// Reports whether [`plan_segments`] needs `partitions`, the list of the years that have photos.
pub(crate) fn needs_partitions(filters: &ListFilters) -> bool {
    filters.camera.is_none()
        && filters.lens.is_none()
        && filters.bbox.is_none()
        && single_year(filters).is_none()
}

/// Returns the segments that contain the photos of a list, in the order of the list. A segment is a
/// range of one index partition.
///
/// The location by which a photo is indexed may differ from the location that is published.
/// `max_rounding_degrees` is the largest difference between the two, in degrees. The segments of a
/// box also contain the locations that are at most this far from the box.
pub(crate) fn plan_segments(
    filters: &ListFilters,
    partitions: &BTreeSet<DatePartition>,
    max_rounding_degrees: f64,
) -> Vec<Segment> {
    if let Some(bounds) = filters.bbox {
        return bounds
            .cell_ranges(max_rounding_degrees)
            .into_iter()
            .map(cell_range_segment)
            .collect();
    }
    let (index, partition) = match (&filters.camera, &filters.lens) {
        (Some(camera), _) => (PhotoIndex::ByCamera, camera),
        (None, Some(lens)) => (PhotoIndex::ByLens, lens),
        (None, None) => return plan_by_date(filters, partitions),
    };
    let mut segments = vec![dated_segment(
        filters,
        index,
        partition,
        Some(
            filters
                .from
                .clone()
                .unwrap_or_else(|| FIRST_DATE.to_owned()),
        ),
        Some(filters.to.clone().unwrap_or_else(|| LAST_DATE.to_owned())),
    )];
    if !has_range(filters) {
        segments.push(undated_segment(index, partition));
    }
    segments
}

/// Returns the segments that must still be read for the rest of a list that begins at a position.
/// Also returns the sort key after which the first of these segments must be read, or `None` if
/// that segment must be read from its start.
pub(crate) fn resume_segments(
    segments: Vec<Segment>,
    position: Option<ListPosition>,
) -> (Vec<Segment>, Option<String>) {
    let Some(position) = position else {
        return (segments, None);
    };
    // Partitions are compared by their order. The partition of the position need not be among the
    // segments, because a year may have appeared or disappeared.
    let rest: Vec<Segment> = segments
        .into_iter()
        .filter(|segment| match (is_undated(segment), position.undated) {
            (true, _) => true,
            (false, true) => false,
            (false, false) if segment.descending => segment.partition <= position.partition,
            (false, false) if segment.partition == position.partition => {
                !is_over(segment, &position)
            }
            (false, false) => segment.partition > position.partition,
        })
        .collect();
    let here = rest.first().is_some_and(|segment| {
        segment.partition == position.partition && is_undated(segment) == position.undated
    });
    let after = position
        .after
        .filter(|after| here && is_within(&rest[0], after));
    (rest, after)
}

/// Returns the position after the sort key `after` in a segment. If `after` is `None`, returns the
/// position at the start of the segment.
pub(crate) fn position_in_segment(segment: &Segment, after: Option<String>) -> ListPosition {
    // A cell may have several segments. Each begins after the end of the segment before.
    let start = || {
        segment
            .from
            .clone()
            .filter(|_| segment.index == PhotoIndex::ByPlace)
    };
    ListPosition {
        partition: segment.partition.clone(),
        undated: is_undated(segment),
        after: after.or_else(start),
    }
}

/// Reports whether a segment of the index by-place ends before a position in the same cell. Such a
/// segment need not be read any more.
fn is_over(segment: &Segment, position: &ListPosition) -> bool {
    let after = position.after.as_ref();
    let ends = segment.to.as_ref().zip(after);
    segment.index == PhotoIndex::ByPlace && ends.is_some_and(|(to, after)| to <= after)
}

/// Reports whether a sort key is after the start of a segment. Returns `true` for every segment
/// that is not of the index by-place.
fn is_within(segment: &Segment, after: &str) -> bool {
    segment.index != PhotoIndex::ByPlace || segment.from.as_deref().is_none_or(|from| from < after)
}

/// Reports whether the photos that an index query returns must still be filtered. This is so if the
/// request has a box, or a camera and a lens, because one query cannot apply all these filters.
pub(crate) fn filters_after_query(filters: &ListFilters) -> bool {
    filters.bbox.is_some() || (filters.camera.is_some() && filters.lens.is_some())
}

/// Reports whether a photo from an index query matches the filters that the query could not apply.
/// `published` is the published location of the photo.
///
/// Only the published location is compared with the box. A comparison with the exact location would
/// reveal the exact location.
pub(crate) fn matches_filters(
    filters: &ListFilters,
    entry: &PhotoEntry,
    published: Option<&Location>,
) -> bool {
    let summary = &entry.summary;
    let lens = || summary.record.lens.as_ref().map(|lens| lens.slug.as_str());
    let lens_matches = filters.lens.is_none() || lens() == filters.lens.as_deref();
    let Some(bounds) = filters.bbox else {
        return !filters_after_query(filters) || lens_matches;
    };
    let camera = || {
        summary
            .record
            .camera
            .as_ref()
            .map(|camera| camera.slug.as_str())
    };
    let camera_matches = filters.camera.is_none() || camera() == filters.camera.as_deref();
    let sort = date_sort(&summary.record.capture, &summary.name, &summary.id);
    let range_matches = !has_range(filters)
        || (summary.record.capture.local.is_some()
            && filters.from.as_ref().is_none_or(|from| *from <= sort)
            && filters.to.as_ref().is_none_or(|to| sort <= *to));
    let box_matches = published.is_some_and(|location| bounds.contains(location));
    lens_matches && camera_matches && range_matches && box_matches
}

/// Returns the segments of a list in the index by-date. With a date range, there is one segment for
/// each year of the range, but years without photos may be left out. Without a date range, there is
/// one segment for each year that has photos, and then one for the photos without a date, if there
/// are any.
fn plan_by_date(filters: &ListFilters, partitions: &BTreeSet<DatePartition>) -> Vec<Segment> {
    let one = single_year(filters).map(str::to_owned);
    let first = filters
        .from
        .as_deref()
        .and_then(year_of_sort_key)
        .unwrap_or("0000");
    let last = filters
        .to
        .as_deref()
        .and_then(year_of_sort_key)
        .unwrap_or("9999");
    let public = partitions
        .iter()
        .filter(|partition| partition.visibility == Visibility::Public);
    let mut within: Vec<String> = match one {
        Some(year) => vec![year],
        None => public
            .clone()
            .filter(|partition| !partition.is_undated())
            .map(DatePartition::period)
            .filter(|year| (first..=last).contains(&year.as_str()))
            .collect(),
    };
    if filters.order() == ListOrder::Newest {
        within.reverse();
    }
    let mut segments: Vec<Segment> = within
        .into_iter()
        .map(|partition| {
            // Only the first and the last year of a range are limited.
            let from = filters
                .from
                .clone()
                .filter(|from| year_of_sort_key(from) == Some(partition.as_str()));
            let to = filters
                .to
                .clone()
                .filter(|to| year_of_sort_key(to) == Some(partition.as_str()));
            dated_segment(filters, PhotoIndex::ByDate, &partition, from, to)
        })
        .collect();
    let has_undated = public.clone().any(DatePartition::is_undated);
    if !has_range(filters) && has_undated {
        segments.push(undated_segment(PhotoIndex::ByDate, UNDATED));
    }
    segments
}

/// Returns the segment for a range of sort keys of the index by-place.
fn cell_range_segment(range: CellRange) -> Segment {
    let (from, to) = range.keys.unzip();
    Segment {
        index: PhotoIndex::ByPlace,
        partition: range.cell,
        from,
        to,
        descending: false,
    }
}

/// Returns a segment of the photos with a date, from sort key `from` to sort key `to`.
fn dated_segment(
    filters: &ListFilters,
    index: PhotoIndex,
    partition: &str,
    from: Option<String>,
    to: Option<String>,
) -> Segment {
    let descending = filters.order() == ListOrder::Newest;
    Segment {
        index,
        partition: partition.to_owned(),
        from,
        to,
        descending,
    }
}

/// Returns the segment of the photos without a date. They are always in the order of their names,
/// even if the list begins with the newest photo.
fn undated_segment(index: PhotoIndex, partition: &str) -> Segment {
    Segment {
        index,
        partition: partition.to_owned(),
        from: Some(UNDATED_SORT_PREFIX.to_owned()),
        to: None,
        descending: false,
    }
}

fn is_undated(segment: &Segment) -> bool {
    segment.from.as_deref() == Some(UNDATED_SORT_PREFIX)
}

fn has_range(filters: &ListFilters) -> bool {
    filters.from.is_some() || filters.to.is_some()
}

fn year_of_sort_key(sort: &str) -> Option<&str> {
    sort.get(..4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::list_request::ListRequest;

    fn plan(query: &str, years: &[&str]) -> Vec<String> {
        let filters = ListRequest::parse(Some(query)).expect("valid").filters;
        let years = years
            .iter()
            .map(|year| year.parse().expect("valid"))
            .collect();
        plan_segments(&filters, &years, 0.0)
            .iter()
            .map(show)
            .collect()
    }

    fn show(segment: &Segment) -> String {
        let end = |end: &Option<String>| end.clone().unwrap_or_default();
        let (from, to) = (end(&segment.from), end(&segment.to));
        let order = if segment.descending { "down" } else { "up" };
        format!(
            "{} {} {from}..{to} {order}",
            segment.index.name(),
            segment.partition
        )
    }

    #[test]
    fn all_photos_are_read_by_year_and_undated_ones_last() {
        let years = ["2017", "2018", "undated"];
        assert_eq!(
            plan("", &years),
            [
                "by-date 2018 .. down",
                "by-date 2017 .. down",
                "by-date undated undated#.. up"
            ]
        );
        assert_eq!(
            plan("order=oldest", &years),
            [
                "by-date 2017 .. up",
                "by-date 2018 .. up",
                "by-date undated undated#.. up"
            ]
        );
    }

    #[test]
    fn range_within_a_year_is_one_segment_and_needs_no_years() {
        let segments = plan("from=2018-02-01&to=2018-02-28", &[]);
        assert_eq!(segments, ["by-date 2018 2018-02-01..2018-02-28~ down"]);
        let filters = ListRequest::parse(Some("from=2018-02-01&to=2018-02-01"))
            .expect("valid")
            .filters;
        assert!(!needs_partitions(&filters));
    }

    #[test]
    fn range_limits_only_its_first_and_last_year() {
        assert_eq!(
            plan(
                "from=2016-05-01&to=2018-02-01",
                &["2015", "2016", "2017", "2018", "2019", "undated"]
            ),
            [
                "by-date 2018 ..2018-02-01~ down",
                "by-date 2017 .. down",
                "by-date 2016 2016-05-01.. down"
            ]
        );
        assert_eq!(
            plan("from=2018-02-01", &["2017", "2018"]),
            ["by-date 2018 2018-02-01.. down"]
        );
        assert_eq!(
            plan("from=0001-01-01&to=9999-12-31", &["2018"]),
            ["by-date 2018 .. down"]
        );
    }

    #[test]
    fn box_is_read_by_cell_and_needs_no_years() {
        let query = "bbox=-73.6,45.4,-73.5,45.6&from=2018-02-01&camera=nikon-d750";
        let segments = plan(query, &[]);
        let cells = ["by-place f25d ", "by-place f25e "];
        for cell in cells {
            assert!(
                segments.iter().any(|segment| segment.starts_with(cell)),
                "{segments:?}"
            );
        }
        let is_of_them = |segment: &String| cells.iter().any(|cell| segment.starts_with(cell));
        assert!(segments.iter().all(is_of_them), "{segments:?}");
        let filters = ListRequest::parse(Some(query)).expect("valid").filters;
        assert!(!needs_partitions(&filters) && filters_after_query(&filters));
    }

    #[test]
    fn list_of_a_box_resumes_in_the_same_part() {
        let filters = ListRequest::parse(Some("bbox=-73.59,45.49,-73.55,45.53"))
            .expect("valid")
            .filters;
        let all = plan_segments(&filters, &BTreeSet::new(), 0.0);
        for (at, segment) in all.iter().enumerate() {
            let start = resume_segments(all.clone(), Some(position_in_segment(segment, None)));
            assert_eq!(start, (all[at..].to_vec(), None));
            let key = format!("{}zzz#id", segment.from.as_deref().unwrap_or("f"));
            let within = resume_segments(
                all.clone(),
                Some(position_in_segment(segment, Some(key.clone()))),
            );
            assert_eq!(within, (all[at..].to_vec(), Some(key)));
        }
    }

    #[test]
    fn private_partitions_are_never_read() {
        assert_eq!(
            plan("", &["private#2018", "private#undated", "2018"]),
            ["by-date 2018 .. down"]
        );
    }

    #[test]
    fn camera_and_lens_have_their_own_index() {
        assert_eq!(
            plan("camera=nikon-d750&from=2018-02-01", &[]),
            ["by-camera nikon-d750 2018-02-01..9~ down"]
        );
        assert_eq!(
            plan("lens=50mm&order=oldest", &[]),
            ["by-lens 50mm 0..9~ up", "by-lens 50mm undated#.. up"]
        );
        assert_eq!(
            plan("lens=50mm&camera=nikon-d750&to=2018-02-01", &[]).len(),
            1
        );
    }

    #[test]
    fn list_resumes_after_its_position_even_if_the_year_is_gone() {
        let years = |years: &[&str]| {
            years
                .iter()
                .map(|year| year.parse().expect("valid"))
                .collect()
        };
        let at = |partition: &str, undated| ListPosition {
            partition: partition.to_owned(),
            undated,
            after: Some("x".to_owned()),
        };
        let filters = ListFilters::default();
        let all = plan_segments(&filters, &years(&["2016", "2018", "2019", "undated"]), 0.0);
        let rest = |position| {
            let (rest, after) = resume_segments(all.clone(), Some(position));
            (
                rest.into_iter()
                    .map(|segment| segment.partition)
                    .collect::<Vec<_>>()
                    .join(" "),
                after,
            )
        };
        assert_eq!(
            rest(at("2018", false)),
            ("2018 2016 undated".to_owned(), Some("x".to_owned()))
        );
        assert_eq!(rest(at("2017", false)), ("2016 undated".to_owned(), None));
        assert_eq!(
            rest(at("undated", true)),
            ("undated".to_owned(), Some("x".to_owned()))
        );
        assert_eq!(resume_segments(all.clone(), None).0, all);
    }
}
