//! Finds the capture time of a photo. The sources are tried in a fixed order, best first.
//!
//! The order is that of the Metadata Working Group (MWG Guidelines 2.0, 5.4): first the dates of the
//! original photo, then the dates of its digitisation. So a scan has the date of its photo. The
//! current time is never read. An IFD (image file directory) is a table of tags.

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, Timelike};

use super::capture_time::{CaptureTime, DateSource, OffsetSource};
use super::context::FileContext;
use super::date_time::{
    ParsedDateTime, gps_date_time, gps_day, parse_date_time, parse_milliseconds,
};
use super::file_name_date::find_date_in_file_name;
use super::location::Location;
use super::partial_date_time::PartialDateTime;
use super::sources::MetadataSources;
use super::tag;
use super::text::field_text;
use super::tiff::{Ifd, IfdFields};
use super::utc_offset::{offset_at_longitude, parse_offset};

/// The first possible year of a capture time: the year of the oldest known photograph.
pub(crate) const FIRST_YEAR: i32 = 1826;
/// The day on which GPS time begins (IS-GPS-200, 3.3.4). A receiver without a fix may record it.
const GPS_EPOCH: Option<NaiveDate> = NaiveDate::from_ymd_opt(1980, 1, 6);

/// The sources of dates, best first.
const SOURCE_ORDER: [DateSource; 13] = [
    // The original photo.
    DateSource::DateTimeOriginal,
    DateSource::XmpDateTimeOriginal,
    DateSource::XmpDateCreated,
    DateSource::IptcDateCreated,
    // This one entry is for the date in a PNG, a CRW or an X3F. A file is only one of these.
    DateSource::PngCreationTime,
    // Its digitisation.
    DateSource::DateTimeDigitized,
    DateSource::XmpDateTimeDigitized,
    DateSource::XmpCreateDate,
    DateSource::IptcDigitalCreationDate,
    // Other sources.
    DateSource::GpsDateStamp,
    DateSource::FileName,
    // A clock that was not set. See `is_dead_clock`.
    DEAD_CLOCK,
    DateSource::DateTime,
];
/// The place of dates of a dead clock in [`SOURCE_ORDER`]. No file has a date of this source.
const DEAD_CLOCK: DateSource = DateSource::SetByHand;

/// A date in a file, and its source.
type DateCandidate = (ParsedDateTime, DateSource);

/// Finds the capture time. Returns an empty capture time if no source has a possible date.
///
/// A date that is known only in part counts: the year 1985 of the original is better than the day of
/// its scan. If a part of a date is impossible, a sound date of the same period replaces it, from
/// any source. The date that a dead clock records is used only if there is no better one.
pub(crate) fn find_capture_time(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
    location: Option<&Location>,
) -> CaptureTime {
    let mut candidates = date_candidates(sources, context);
    let Some(first) = candidates.next() else {
        return CaptureTime::default();
    };
    let better = match first.0.is_sound {
        true => None,
        false => candidates.find(|(date, _)| date.is_sound && first.0.local.contains(date.local)),
    };
    let (date, source) = better.unwrap_or(first);
    let offset = date
        .local
        .time()
        .and_then(|time| find_offset(sources, (time, date.offset, source), location));
    CaptureTime::new(date.local, source, offset)
}

/// Returns the possible dates in a file with their sources, best source first. The iterator reads a
/// source only when its date is needed.
fn date_candidates<'a>(
    sources: &'a MetadataSources<'_, '_>,
    context: &'a FileContext,
) -> impl Iterator<Item = DateCandidate> + 'a {
    let is_possible = |(date, _): &DateCandidate| {
        let start = date.local.start();
        start.year() >= FIRST_YEAR && start <= context.latest_credible_time
    };
    let mut dead_clock: Option<DateCandidate> = None;
    SOURCE_ORDER.into_iter().filter_map(move |source| {
        if source == DEAD_CLOCK {
            return dead_clock.take();
        }
        let candidate = read_date(sources, context, source).filter(is_possible)?;
        if source != DateSource::DateTime && is_dead_clock(candidate.0.local) {
            dead_clock.get_or_insert(candidate);
            return None;
        }
        Some(candidate)
    })
}

/// Reports whether a date is the one with which the clock of many cameras and phones starts if it was
/// never set or lost its battery: 8 December 2002 at noon, or 1 January 1970, 1980 or 2000 at
/// midnight.
pub(crate) fn is_dead_clock(date: PartialDateTime) -> bool {
    let Some(time) = date.time() else {
        return false;
    };
    let day = (time.year(), time.month(), time.day());
    match day {
        (2002, 12, 8) => (time.hour(), time.minute(), time.second()) == (12, 0, 0),
        (1970 | 1980 | 2000, 1, 1) => time.num_seconds_from_midnight() == 0,
        _ => false,
    }
}

fn read_date(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
    source: DateSource,
) -> Option<DateCandidate> {
    let field = |tag, fraction| date_field(sources.fields, tag, fraction);
    let date = match source {
        DateSource::DateTimeOriginal => field(tag::DATE_TIME_ORIGINAL, tag::SUB_SEC_TIME_ORIGINAL),
        DateSource::DateTimeDigitized => field(tag::CREATE_DATE, tag::SUB_SEC_TIME_DIGITIZED),
        DateSource::DateTime => field(tag::MODIFY_DATE, tag::SUB_SEC_TIME),
        DateSource::XmpDateTimeOriginal
        | DateSource::XmpDateTimeDigitized
        | DateSource::XmpDateCreated
        | DateSource::XmpCreateDate => parse_date_time(sources.xmp.get(source.name())?),
        DateSource::IptcDateCreated => sources.iptc.created(),
        DateSource::IptcDigitalCreationDate => sources.iptc.digitized(),
        DateSource::GpsDateStamp => find_gps_day(sources).map(ParsedDateTime::from_local),
        DateSource::FileName | DateSource::FileNameUtc => {
            let (date, source) = find_date_in_file_name(&context.file_name)?;
            return Some((ParsedDateTime::from_local(date), source));
        }
        DateSource::PngCreationTime | DateSource::CrwTimeStamp | DateSource::X3fTime => {
            let (source, text) = sources.blocks.date.as_ref()?;
            return Some((parse_date_time(text)?, *source));
        }
        // No file has a date of these sources.
        DateSource::TakeoutUtc | DateSource::SetByHand => None,
    };
    Some((date?, source))
}

/// Reads the date in the field `tag`, and adds the milliseconds in the field `fraction`. The date
/// may be in the Exif IFD or in IFD0. The first date that can be parsed is used.
fn date_field(fields: &IfdFields<'_>, tag: u16, fraction: u16) -> Option<ParsedDateTime> {
    let ifds = if tag == tag::MODIFY_DATE {
        [Ifd::Main(0), Ifd::Exif]
    } else {
        [Ifd::Exif, Ifd::Main(0)]
    };
    let date = ifds
        .iter()
        .filter_map(|&ifd| fields.get(ifd, tag))
        .find_map(|f| parse_date_time(&field_text(f)?))?;
    let milliseconds = fields
        .exif(fraction)
        .and_then(field_text)
        .and_then(|digits| parse_milliseconds(&digits));
    Some(date.plus_milliseconds(milliseconds.unwrap_or(0)))
}

/// Returns the day of the GPS receiver in UTC, from EXIF or XMP. Returns `None` for a day before GPS
/// existed.
fn find_gps_day(sources: &MetadataSources<'_, '_>) -> Option<NaiveDate> {
    let in_xmp = || {
        parse_date_time(sources.xmp.get("exif:GPSTimeStamp")?)?
            .local
            .day()
    };
    let day = gps_day(sources.fields).or_else(in_xmp);
    day.filter(|day| Some(*day) > GPS_EPOCH)
}

/// Returns the offset from UTC of the wall-clock time `date.0`. `date` also has the offset in the
/// text of the date, and the source of the date.
///
/// For a date in EXIF, the EXIF tags with offsets are tried first. A date elsewhere may have an
/// offset of its own, which is better than the tags, because they belong to another date.
fn find_offset(
    sources: &MetadataSources<'_, '_>,
    date: (NaiveDateTime, Option<FixedOffset>, DateSource),
    location: Option<&Location>,
) -> Option<(FixedOffset, OffsetSource)> {
    let (local, own, source) = date;
    let fields = sources.fields;
    let own = own.map(|offset| (offset, OffsetSource::Date(source)));
    let tagged = |tag, source| offset_field(fields, tag).map(|offset| (offset, source));
    let original = || tagged(tag::OFFSET_TIME_ORIGINAL, OffsetSource::OffsetTimeOriginal);
    let digitized = || {
        tagged(
            tag::OFFSET_TIME_DIGITIZED,
            OffsetSource::OffsetTimeDigitized,
        )
    };
    let modified = || tagged(tag::OFFSET_TIME, OffsetSource::OffsetTime);
    // A file that was not edited has one time in all its dates.
    let is_unedited = || {
        let edited = date_field(fields, tag::MODIFY_DATE, tag::SUB_SEC_TIME);
        let edited = edited.and_then(|edited| edited.local.time()?.with_nanosecond(0));
        edited.is_some() && edited == local.with_nanosecond(0)
    };
    match source {
        DateSource::DateTimeOriginal => original().or(own),
        DateSource::DateTimeDigitized => digitized().or_else(original).or(own),
        DateSource::DateTime => modified().or_else(original).or(own),
        DateSource::XmpDateTimeDigitized
        | DateSource::XmpCreateDate
        | DateSource::IptcDigitalCreationDate => own.or_else(digitized).or_else(original),
        _ => own.or_else(original),
    }
    .or_else(|| modified().filter(|_| is_unedited()))
    .or_else(|| Some((camera_zone(sources, source)?, OffsetSource::MakerNote)))
    .or_else(|| {
        Some((
            gps_offset(fields, local, location?)?,
            OffsetSource::GpsTimeStamp,
        ))
    })
}

/// Returns the time zone of the camera's clock, if a date is from this clock. If the date of the
/// camera is missing or impossible, its clock was not set, so its zone does not count either.
fn camera_zone(sources: &MetadataSources<'_, '_>, source: DateSource) -> Option<FixedOffset> {
    let is_by_camera = matches!(
        source,
        DateSource::DateTimeOriginal | DateSource::DateTimeDigitized | DateSource::DateTime
    );
    sources.maker_note.time_zone.filter(|_| is_by_camera)
}

fn offset_field(fields: &IfdFields<'_>, tag: u16) -> Option<FixedOffset> {
    parse_offset(&field_text(fields.exif(tag)?)?)
}

/// Returns the offset from UTC: the wall-clock time `local` minus the GPS time, rounded to 15
/// minutes.
///
/// A GPS receiver may repeat the time of an old fix, which is minutes or days late. So returns `None`
/// if no place at the longitude of the photo has this offset, or if the receiver marks its data as
/// void (GPSStatus `V`).
fn gps_offset(
    fields: &IfdFields<'_>,
    local: NaiveDateTime,
    location: &Location,
) -> Option<FixedOffset> {
    let status = fields.get(Ifd::Gps, tag::GPS_STATUS).and_then(field_text);
    if status.is_some_and(|status| status.eq_ignore_ascii_case("V")) {
        return None;
    }
    let utc = gps_date_time(fields)?;
    let seconds = local.signed_duration_since(utc).num_seconds();
    let quarters = seconds.checked_add(if seconds < 0 { -450 } else { 450 })? / 900;
    offset_at_longitude(quarters, location.lon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_clocks_are_known_by_their_exact_time() {
        for (text, is_dead) in [
            ("2002:12:08 12:00:00", true),
            ("2000:01:01 00:00:00", true),
            ("1980-01-01T00:00:00", true),
            ("1970:01:01 00:00:00", true),
            ("2000:01:01 00:00:00.25", true),
            ("2002:12:08 12:00:01", false),
            ("2000:01:01 00:03:00", false),
            ("2001:01:01 00:00:00", false),
            ("2000:01:01", false),
        ] {
            let date = parse_date_time(text).expect(text);
            assert_eq!(is_dead_clock(date.local), is_dead, "{text}");
        }
    }
}
