//! Finds the capture time of a photo. The sources are tried in a fixed order, best first.
//!
//! The first date that is possible is used. An impossible date is skipped. The current time is
//! never read. An IFD (image file directory) is a table of tags.

use chrono::{Datelike, FixedOffset, NaiveDateTime};

use super::capture_time::{CaptureTime, DateSource, OffsetSource};
use super::context::FileContext;
use super::date_time::{
    ParsedDateTime, find_date_in_file_name, gps_date_time, parse_date_time, parse_milliseconds,
    parse_offset,
};
use super::sources::MetadataSources;
use super::tag;
use super::text::field_text;
use super::tiff::{Ifd, IfdFields};

/// The first possible year of a capture time: the year of the oldest known photograph.
const FIRST_YEAR: i32 = 1826;
/// The offsets from UTC, in quarters of an hour, that are in use although they are odd numbers:
/// +5:45 in Nepal, +8:45 in Eucla, and +12:45 and +13:45 on the Chatham Islands.
const ODD_QUARTERS: [i64; 4] = [23, 35, 51, 55];

/// Finds the capture time. Tries DateTimeOriginal, DateTimeDigitized, XMP, IPTC, the container, the
/// name of the file and DateTime, in this order. Returns an empty capture time if no source has a
/// possible date.
pub(crate) fn find_capture_time(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
) -> CaptureTime {
    let fields = sources.fields;
    let Some((date, source)) = date_candidates(sources, context).find(|(date, _)| {
        date.local.year() >= FIRST_YEAR && date.local <= context.latest_credible_time
    }) else {
        return CaptureTime::default();
    };
    let digitized = || {
        (source == DateSource::DateTimeDigitized)
            .then(|| offset_field(fields, tag::OFFSET_TIME_DIGITIZED))
            .flatten()
    };
    let offset = offset_field(fields, tag::OFFSET_TIME_ORIGINAL)
        .map(|offset| (offset, OffsetSource::OffsetTimeOriginal))
        .or_else(|| Some((digitized()?, OffsetSource::OffsetTimeDigitized)))
        .or_else(|| Some((date.offset?, OffsetSource::Date(source))))
        .or_else(|| Some((gps_offset(fields, date.local)?, OffsetSource::GpsTimeStamp)));
    CaptureTime::new(date.local, source, offset)
}

/// Returns the dates in a file with their sources, best source first. The iterator reads a source
/// only when its date is needed.
fn date_candidates<'a>(
    sources: &'a MetadataSources<'_, '_>,
    context: &'a FileContext,
) -> impl Iterator<Item = (ParsedDateTime, DateSource)> + 'a {
    const ORDER: [DateSource; 11] = [
        DateSource::DateTimeOriginal,
        DateSource::DateTimeDigitized,
        DateSource::XmpDateTimeOriginal,
        DateSource::XmpDateCreated,
        DateSource::XmpDateTimeDigitized,
        DateSource::XmpCreateDate,
        DateSource::IptcDateCreated,
        DateSource::IptcDigitalCreationDate,
        // This one entry is for the date in a PNG, a CRW or an X3F. A file is only one of these.
        DateSource::PngCreationTime,
        DateSource::FileName,
        DateSource::DateTime,
    ];
    ORDER.into_iter().filter_map(move |source| match source {
        DateSource::PngCreationTime | DateSource::CrwTimeStamp | DateSource::X3fTime => {
            let (source, text) = sources.blocks.date.as_ref()?;
            Some((parse_date_time(text)?, *source))
        }
        _ => Some((read_date(sources, context, source)?, source)),
    })
}

fn read_date(
    sources: &MetadataSources<'_, '_>,
    context: &FileContext,
    source: DateSource,
) -> Option<ParsedDateTime> {
    let field = |tag, fraction| date_field(sources.fields, tag, fraction);
    match source {
        DateSource::DateTimeOriginal => field(tag::DATE_TIME_ORIGINAL, tag::SUB_SEC_TIME_ORIGINAL),
        DateSource::DateTimeDigitized => field(tag::CREATE_DATE, tag::SUB_SEC_TIME_DIGITIZED),
        DateSource::DateTime => field(tag::MODIFY_DATE, tag::SUB_SEC_TIME),
        DateSource::XmpDateTimeOriginal
        | DateSource::XmpDateTimeDigitized
        | DateSource::XmpDateCreated
        | DateSource::XmpCreateDate => parse_date_time(sources.xmp.get(source.name())?),
        DateSource::IptcDateCreated => sources.iptc.created(),
        DateSource::IptcDigitalCreationDate => sources.iptc.digitized(),
        DateSource::FileName => {
            find_date_in_file_name(&context.file_name).map(ParsedDateTime::from_local)
        }
        DateSource::PngCreationTime
        | DateSource::CrwTimeStamp
        | DateSource::X3fTime
        | DateSource::SetByHand => None,
    }
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

fn offset_field(fields: &IfdFields<'_>, tag: u16) -> Option<FixedOffset> {
    parse_offset(&field_text(fields.exif(tag)?)?)
}

/// Returns the offset from UTC: the wall-clock time `local` minus the GPS time, rounded to 15
/// minutes. Returns `None` if no place has this offset. This happens because a GPS receiver may
/// repeat a time that is minutes or days old.
fn gps_offset(fields: &IfdFields<'_>, local: NaiveDateTime) -> Option<FixedOffset> {
    let utc = gps_date_time(fields)?;
    let seconds = local.signed_duration_since(utc).num_seconds();
    let quarters = seconds.checked_add(if seconds < 0 { -450 } else { 450 })? / 900;
    let is_used = quarters % 2 == 0 || ODD_QUARTERS.contains(&quarters);
    let seconds = i32::try_from(quarters.checked_mul(900)?).ok()?;
    if is_used && (-12 * 3600..=14 * 3600).contains(&seconds) {
        FixedOffset::east_opt(seconds)
    } else {
        None
    }
}
