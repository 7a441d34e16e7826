//! The kinds of dates, and how the date of a sidecar is applied to the record of a photo.

use chrono::{NaiveDateTime, NaiveTime, Timelike};

use super::capture::is_dead_clock;
use super::capture_time::{CaptureTime, DateSource};
use super::partial_date_time::{DatePrecision, PartialDateTime};

/// A kind of date, best first. A date of a better kind replaces one of a worse kind, and never the
/// other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DateKind {
    /// A person set the date in the catalogue.
    SetByHand,
    /// The date of the original photo.
    Original,
    /// The date of its digitisation.
    Digitized,
    /// The day of the GPS receiver.
    GpsDay,
    /// The date in the name of the file.
    FileName,
    /// The date of a clock that was not set.
    DeadClock,
    /// The day in Google Takeout.
    Takeout,
    /// The date of the last change of the file, and a date of an unknown source.
    Modified,
}

impl DateKind {
    /// Returns the kind of a date.
    fn of(local: PartialDateTime, source: Option<DateSource>) -> Self {
        let kind = match source {
            Some(DateSource::SetByHand) => return DateKind::SetByHand,
            Some(
                DateSource::DateTimeOriginal
                | DateSource::XmpDateTimeOriginal
                | DateSource::XmpDateCreated
                | DateSource::IptcDateCreated
                | DateSource::PngCreationTime
                | DateSource::CrwTimeStamp
                | DateSource::X3fTime,
            ) => DateKind::Original,
            Some(
                DateSource::DateTimeDigitized
                | DateSource::XmpDateTimeDigitized
                | DateSource::XmpCreateDate
                | DateSource::IptcDigitalCreationDate,
            ) => DateKind::Digitized,
            Some(DateSource::GpsDateStamp) => DateKind::GpsDay,
            Some(DateSource::FileName | DateSource::FileNameUtc) => DateKind::FileName,
            Some(DateSource::TakeoutUtc) => DateKind::Takeout,
            Some(DateSource::DateTime) | None => return DateKind::Modified,
        };
        match is_dead_clock(local) {
            true => DateKind::DeadClock,
            false => kind,
        }
    }
}

/// Applies the date of an XMP sidecar to the capture time of a photo.
///
/// If both are in the same second, the time of the photo stays, because a sidecar often lacks its
/// milliseconds and its offset. An offset that the sidecar states is used. A date that is known
/// only in part does not replace a finer one of the same period and of the same kind.
///
/// Every other date replaces that of the photo if its kind is not worse. The offset of the photo is
/// then dropped, because it belongs to the former time.
pub(crate) fn apply_xmp_date(capture: &mut CaptureTime, sidecar: &CaptureTime) {
    let Some(new) = sidecar.local else {
        return;
    };
    let Some(known) = capture.local else {
        *capture = *sidecar;
        return;
    };
    let new_kind = DateKind::of(new, sidecar.date_source);
    let known_kind = DateKind::of(known, capture.date_source);
    if whole_second(new).is_some() && whole_second(new) == whole_second(known) {
        if new_kind <= known_kind && known.precision() < new.precision() {
            capture.local = Some(new);
        }
        if new_kind < known_kind {
            capture.date_source = sidecar.date_source;
        }
        let is_better = capture.offset.is_none() || new_kind <= known_kind;
        if sidecar.offset.is_some() && sidecar.offset != capture.offset && is_better {
            capture.offset = sidecar.offset;
            capture.offset_source = sidecar.offset_source;
        }
        return;
    }
    let agrees = new == known || without_midnight(new).contains(known);
    if new_kind < known_kind || (new_kind == known_kind && !agrees) {
        *capture = *sidecar;
    }
}

/// Applies the day in Google Takeout to the capture time of a photo: only if the photo has no date,
/// or the date of its last change, which is on another day.
pub(crate) fn apply_takeout_date(capture: &mut CaptureTime, sidecar: &CaptureTime) {
    let Some(new) = sidecar.local else {
        return;
    };
    let is_replaced = capture.local.is_none_or(|known| {
        DateKind::of(known, capture.date_source) > DateKind::Takeout && !new.contains(known)
    });
    if is_replaced {
        *capture = *sidecar;
    }
}

/// Returns the time without its milliseconds, or `None` if the time of day is not known.
fn whole_second(date: PartialDateTime) -> Option<NaiveDateTime> {
    date.time()?.with_nanosecond(0)
}

/// Returns only the day of a date at midnight. Many programs write midnight if they know only the
/// day.
fn without_midnight(date: PartialDateTime) -> PartialDateTime {
    match date.time() {
        Some(time) if time.time() == NaiveTime::MIN => date.limited_to(DatePrecision::Day),
        _ => date,
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;
    use crate::OffsetSource;

    const ORIGINAL: DateSource = DateSource::DateTimeOriginal;
    const IN_XMP: DateSource = DateSource::XmpDateTimeOriginal;

    fn capture(text: &str, source: DateSource, hours: Option<i32>) -> CaptureTime {
        let local: PartialDateTime = text.parse().expect(text);
        let offset = hours.and_then(|hours| FixedOffset::east_opt(hours * 3600));
        CaptureTime::new(
            local,
            source,
            offset.map(|offset| (offset, OffsetSource::Date(source))),
        )
    }

    /// Returns the date of the photo after the date of an XMP sidecar was applied: its text, its
    /// source, and its offset in hours.
    fn applied(photo: CaptureTime, sidecar: CaptureTime) -> (String, DateSource, Option<i32>) {
        let mut result = photo;
        apply_xmp_date(&mut result, &sidecar);
        (
            result.local_text().expect("a date"),
            result.date_source.expect("a source"),
            result.offset.map(|offset| offset.local_minus_utc() / 3600),
        )
    }

    #[test]
    fn date_of_the_same_kind_is_replaced_without_its_offset() {
        let photo = capture("2018-02-01T09:41:07.670", ORIGINAL, Some(1));
        for text in ["2018-02-01T10:41:07", "1985", "1985-06-14", "2018-02-02"] {
            let new = capture(text, IN_XMP, None);
            assert_eq!(applied(photo, new), (text.to_owned(), IN_XMP, None));
        }
    }

    #[test]
    fn date_that_agrees_is_kept_with_its_offset() {
        let photo = capture("2018-02-01T09:41:07.670", ORIGINAL, Some(1));
        let kept = ("2018-02-01T09:41:07.670".to_owned(), ORIGINAL, Some(1));
        for text in [
            "2018-02-01T09:41:07",
            "2018-02-01T09:41:07.600",
            "2018-02-01T00:00:00",
            "2018-02-01",
            "2018-02",
            "2018",
        ] {
            assert_eq!(applied(photo, capture(text, IN_XMP, None)), kept, "{text}");
        }
        let same = capture("2018-02-01T09:41:07", IN_XMP, Some(1));
        let mut result = photo;
        apply_xmp_date(&mut result, &same);
        assert_eq!(result, photo);
    }

    #[test]
    fn offset_that_the_sidecar_states_counts() {
        let second = "2018-02-01T09:41:07";
        for (known, stated, source, expected) in [
            (None, Some(9), IN_XMP, Some(9)),
            (Some(1), Some(9), IN_XMP, Some(9)),
            (Some(1), None, IN_XMP, Some(1)),
            // A worse date adds an offset, and does not change one.
            (None, Some(9), DateSource::XmpCreateDate, Some(9)),
            (Some(1), Some(9), DateSource::XmpCreateDate, Some(1)),
        ] {
            let photo = capture(second, ORIGINAL, known);
            let (_, kept, offset) = applied(photo, capture(second, source, stated));
            assert_eq!((kept, offset), (ORIGINAL, expected));
        }
    }

    #[test]
    fn milliseconds_of_the_sidecar_are_added() {
        let photo = capture("2018-02-01T09:41:07", ORIGINAL, Some(1));
        let finer = "2018-02-01T09:41:07.670";
        assert_eq!(
            applied(photo, capture(finer, IN_XMP, None)),
            (finer.to_owned(), ORIGINAL, Some(1))
        );
        let worse = capture(finer, DateSource::XmpCreateDate, None);
        assert_eq!(applied(photo, worse).0, "2018-02-01T09:41:07");
    }

    #[test]
    fn worse_kind_never_replaces_a_better_one() {
        // One source of each kind, best first.
        let kinds = [
            DateSource::SetByHand,
            DateSource::IptcDateCreated,
            DateSource::XmpCreateDate,
            DateSource::GpsDateStamp,
            DateSource::FileNameUtc,
            DateSource::TakeoutUtc,
            DateSource::DateTime,
        ];
        for (known_rank, known) in kinds.into_iter().enumerate() {
            for (new_rank, new) in kinds.into_iter().enumerate() {
                let photo = capture("2018-02-01", known, None);
                let source = applied(photo, capture("2019-03-04", new, None)).1;
                let expected = if new_rank <= known_rank { new } else { known };
                assert_eq!(source, expected, "{known:?} {new:?}");
            }
        }
    }

    #[test]
    fn better_kind_replaces_a_finer_date_of_the_same_period() {
        let photo = capture("2018-02-01T09:41:07", DateSource::DateTime, Some(1));
        assert_eq!(
            applied(photo, capture("2018", IN_XMP, None)),
            ("2018".to_owned(), IN_XMP, None)
        );
        // The same second is the same time. Only its kind is better known.
        let same = capture("2018-02-01T09:41:07", IN_XMP, None);
        let expected = ("2018-02-01T09:41:07".to_owned(), IN_XMP, Some(1));
        assert_eq!(applied(photo, same), expected);
    }

    #[test]
    fn dead_clock_yields_to_every_date_except_the_last_change() {
        let dead = |source| capture("2002-12-08T12:00:00", source, None);
        let named = capture("2018-02-01", DateSource::FileName, None);
        assert_eq!(applied(named, dead(IN_XMP)).0, "2018-02-01");
        assert_eq!(applied(dead(ORIGINAL), named).0, "2018-02-01");
        let modified = capture("2018-02-01", DateSource::DateTime, None);
        assert_eq!(applied(modified, dead(IN_XMP)).0, "2002-12-08T12:00:00");
    }

    #[test]
    fn day_of_takeout_replaces_only_the_date_of_the_last_change() {
        let day = capture("2018-02-01", DateSource::TakeoutUtc, None);
        let after = |photo: CaptureTime| {
            let mut result = photo;
            apply_takeout_date(&mut result, &day);
            result
        };
        assert_eq!(after(CaptureTime::default()), day);
        let edited = capture("2020-05-05T10:00:00", DateSource::DateTime, None);
        assert_eq!(after(edited), day);
        for kept in [
            // The same day, with its time.
            capture("2018-02-01T09:41:07", DateSource::DateTime, None),
            capture("1985", ORIGINAL, None),
            capture("2017-01-01", DateSource::FileNameUtc, None),
            capture("2017-01-01", DateSource::GpsDateStamp, None),
        ] {
            assert_eq!(after(kept), kept);
        }
    }
}
