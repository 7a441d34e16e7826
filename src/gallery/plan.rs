//! Which partitions of which index answer a list request, and in which order. Pure; no request is made here.
//!
//! The photos of a box come from by-place, cell by cell and in each from the parts that the box touches; else a camera's
//! from by-camera, a lens's from by-lens; all others from by-date, year by year. What an index does not answer (the lens
//! of a camera's photos, anything but the parts of a box's) is a filter after the query. Undated photos are a segment of
//! their own, always the last, and not of any date range.

use std::collections::BTreeSet;

use crate::catalogue::query::{PhotoEntry, PhotoIndex, Segment, UNDATED_SORT_PREFIX, date_sort};
use photo_metadata::Location;

use super::bounds::Strip;
use super::cursor::Position;
use super::parameters::{Filters, Order};

/// The partition of the undated photos in by-date.
const UNDATED: &str = "undated";
/// Not above the sort key of a dated photo, and not below.
const FIRST_DATE: &str = "0";
const LAST_DATE: &str = "9~";

/// The one year that a request is about, where its range says so. For any other by-date request the years that hold
/// photos must be known.
pub(crate) fn one_year(filters: &Filters) -> Option<&str> {
    let from = year(filters.from.as_ref()?)?;
    (year(filters.to.as_ref()?)? == from).then_some(from)
}

/// Whether [`segments`] needs the years that hold photos.
pub(crate) fn needs_years(filters: &Filters) -> bool {
    filters.camera.is_none()
        && filters.lens.is_none()
        && filters.bbox.is_none()
        && one_year(filters).is_none()
}

/// The segments that answer a request, in the order in which they are shown. Positions are published not more than `moved`
/// degrees from where they may be indexed.
pub(crate) fn segments(filters: &Filters, years: &BTreeSet<String>, moved: f64) -> Vec<Segment> {
    if let Some(bounds) = filters.bbox {
        return bounds.strips(moved).into_iter().map(of_strip).collect();
    }
    let (index, partition) = match (&filters.camera, &filters.lens) {
        (Some(camera), _) => (PhotoIndex::ByCamera, camera),
        (None, Some(lens)) => (PhotoIndex::ByLens, lens),
        (None, None) => return by_date(filters, years),
    };
    let mut segments = vec![dated(
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
        segments.push(undated(index, partition));
    }
    segments
}

/// What is left of the segments from a position on, and the sort key to go on after in the first of them.
pub(crate) fn resume(
    segments: Vec<Segment>,
    position: Option<Position>,
) -> (Vec<Segment>, Option<String>) {
    let Some(position) = position else {
        return (segments, None);
    };
    // Compared, not looked up: a year may have come or gone since.
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

/// The position after a sort key of a segment; at its start where there is none.
pub(crate) fn position(segment: &Segment, after: Option<String>) -> Position {
    // Of several segments of a cell, the start of one is after the others.
    let start = || {
        segment
            .from
            .clone()
            .filter(|_| segment.index == PhotoIndex::ByPlace)
    };
    Position {
        partition: segment.partition.clone(),
        undated: is_undated(segment),
        after: after.or_else(start),
    }
}

/// Whether a segment of a cell ends before a position in that cell.
fn is_over(segment: &Segment, position: &Position) -> bool {
    let after = position.after.as_ref();
    let ends = segment.to.as_ref().zip(after);
    segment.index == PhotoIndex::ByPlace && ends.is_some_and(|(to, after)| to <= after)
}

/// Whether a sort key is one of a photo that the segment may hold, and not its start.
fn is_within(segment: &Segment, after: &str) -> bool {
    segment.index != PhotoIndex::ByPlace || segment.from.as_deref().is_none_or(|from| from < after)
}

/// Whether the request asks for more than its index answers, so that photos are left out after the query.
pub(crate) fn narrows(filters: &Filters) -> bool {
    filters.bbox.is_some() || (filters.camera.is_some() && filters.lens.is_some())
}

/// Whether a photo that a segment gave is one that was asked for: by its published position alone, wherever it is indexed,
/// since a list that went by more would tell more.
pub(crate) fn admits(filters: &Filters, entry: &PhotoEntry, published: Option<&Location>) -> bool {
    let summary = &entry.summary;
    let lens = || summary.record.lens.as_ref().map(|lens| lens.slug.as_str());
    let of_lens = filters.lens.is_none() || lens() == filters.lens.as_deref();
    let Some(bounds) = filters.bbox else {
        return !narrows(filters) || of_lens;
    };
    let camera = || {
        summary
            .record
            .camera
            .as_ref()
            .map(|camera| camera.slug.as_str())
    };
    let of_camera = filters.camera.is_none() || camera() == filters.camera.as_deref();
    let sort = date_sort(&summary.record.capture, &summary.name, &summary.id);
    let in_range = !has_range(filters)
        || (summary.record.capture.local.is_some()
            && filters.from.as_ref().is_none_or(|from| *from <= sort)
            && filters.to.as_ref().is_none_or(|to| sort <= *to));
    let of_place = published.is_some_and(|location| bounds.contains(location));
    of_lens && of_camera && in_range && of_place
}

fn by_date(filters: &Filters, years: &BTreeSet<String>) -> Vec<Segment> {
    let one = one_year(filters).map(str::to_owned);
    let first = filters.from.as_deref().and_then(year).unwrap_or("0000");
    let last = filters.to.as_deref().and_then(year).unwrap_or("9999");
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut within: Vec<&str> = match &one {
        Some(year) => vec![year],
        None => years
            .iter()
            .map(String::as_str)
            .filter(|year| is_year(year) && (first..=last).contains(year))
            .collect(),
    };
    if filters.order == Order::Newest {
        within.reverse();
    }
    let mut segments: Vec<Segment> = within
        .into_iter()
        .map(|partition| {
            // Only the years at the ends of a range are cut.
            let from = filters
                .from
                .clone()
                .filter(|from| year(from) == Some(partition));
            let to = filters.to.clone().filter(|to| year(to) == Some(partition));
            dated(filters, PhotoIndex::ByDate, partition, from, to)
        })
        .collect();
    if !has_range(filters) && years.contains(UNDATED) {
        segments.push(undated(PhotoIndex::ByDate, UNDATED));
    }
    segments
}

fn of_strip(strip: Strip) -> Segment {
    let (from, to) = strip.keys.unzip();
    Segment {
        index: PhotoIndex::ByPlace,
        partition: strip.cell,
        from,
        to,
        descending: false,
    }
}

fn dated(
    filters: &Filters,
    index: PhotoIndex,
    partition: &str,
    from: Option<String>,
    to: Option<String>,
) -> Segment {
    let descending = filters.order == Order::Newest;
    Segment {
        index,
        partition: partition.to_owned(),
        from,
        to,
        descending,
    }
}

/// By name, in both orders: there is nothing else to order them by.
fn undated(index: PhotoIndex, partition: &str) -> Segment {
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

fn has_range(filters: &Filters) -> bool {
    filters.from.is_some() || filters.to.is_some()
}

fn year(sort: &str) -> Option<&str> {
    sort.get(..4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::parameters::Listing;

    fn plan(query: &str, years: &[&str]) -> Vec<String> {
        let filters = Listing::parse(Some(query)).expect("valid").filters;
        let years = years.iter().map(|year| (*year).to_owned()).collect();
        segments(&filters, &years, 0.0).iter().map(show).collect()
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
    fn everything_is_read_year_by_year_and_undated_last_in_both_orders() {
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
    fn a_day_and_a_month_are_one_segment_and_need_no_years() {
        let segments = plan("from=2018-02-01&to=2018-02-28", &[]);
        assert_eq!(segments, ["by-date 2018 2018-02-01..2018-02-28~ down"]);
        let filters = Listing::parse(Some("from=2018-02-01&to=2018-02-01"))
            .expect("valid")
            .filters;
        assert!(!needs_years(&filters));
    }

    #[test]
    fn a_range_of_years_cuts_the_years_at_its_ends_only() {
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
    fn a_box_is_read_cell_by_cell_and_needs_no_years() {
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
        let filters = Listing::parse(Some(query)).expect("valid").filters;
        assert!(!needs_years(&filters) && narrows(&filters));
    }

    #[test]
    fn a_box_goes_on_in_the_part_where_it_was() {
        let filters = Listing::parse(Some("bbox=-73.59,45.49,-73.55,45.53"))
            .expect("valid")
            .filters;
        let all = segments(&filters, &BTreeSet::new(), 0.0);
        for (at, segment) in all.iter().enumerate() {
            let start = resume(all.clone(), Some(position(segment, None)));
            assert_eq!(start, (all[at..].to_vec(), None));
            let key = format!("{}zzz#id", segment.from.as_deref().unwrap_or("f"));
            let within = resume(all.clone(), Some(position(segment, Some(key.clone()))));
            assert_eq!(within, (all[at..].to_vec(), Some(key)));
        }
    }

    #[test]
    fn private_partitions_are_never_asked_for() {
        assert_eq!(
            plan("", &["private#2018", "private#undated", "2018"]),
            ["by-date 2018 .. down"]
        );
    }

    #[test]
    fn a_camera_and_a_lens_have_their_own_index() {
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
    fn a_position_leaves_what_follows_it_though_its_year_is_gone() {
        let years = |years: &[&str]| years.iter().map(|year| (*year).to_owned()).collect();
        let at = |partition: &str, undated| Position {
            partition: partition.to_owned(),
            undated,
            after: Some("x".to_owned()),
        };
        let filters = Filters::default();
        let all = segments(&filters, &years(&["2016", "2018", "2019", "undated"]), 0.0);
        let rest = |position| {
            let (rest, after) = resume(all.clone(), Some(position));
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
        assert_eq!(resume(all.clone(), None).0, all);
    }
}
