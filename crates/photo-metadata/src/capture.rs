//! When a photo was taken: dates as cameras and programs write them, and the chain of sources, best first. An impossible
//! date is passed over, never clamped; a clock is never asked.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::FileContext;
use super::iptc::Iptc;
use super::text;
use super::tiff::{Field, Fields, Ifd};
use super::xmp::Xmp;
use crate::capture_time::{CaptureTime, DateSource, OffsetSource};

/// The year of the oldest photograph that is known.
const FIRST_YEAR: i32 = 1826;
/// In a file's name, four digits are a year only from the time of digital cameras on.
const FIRST_YEAR_IN_A_NAME: i32 = 1980;

/// A date as written: a wall clock, and an offset where one stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) local: NaiveDateTime,
    pub(crate) offset: Option<FixedOffset>,
    has_time: bool,
}

/// Where the date may come from besides the fields.
pub(crate) struct Sources<'a> {
    pub(crate) fields: &'a Fields<'a>,
    pub(crate) xmp: &'a Xmp,
    pub(crate) iptc: &'a Iptc,
    /// A date that the container itself holds (PNG `Creation Time`, CRW, X3F), with the name of its source.
    pub(crate) container: Option<(DateSource, String)>,
    pub(crate) context: &'a FileContext,
}

/// The capture time: DateTimeOriginal, DateTimeDigitized, XMP and IPTC, the container's own, the file's name, DateTime.
pub(crate) fn time(from: &Sources<'_>) -> CaptureTime {
    let fields = from.fields;
    let Some((written, source)) = candidates(from).find(|(written, _)| {
        use chrono::Datelike;
        written.local.year() >= FIRST_YEAR && written.local <= from.context.latest_credible_time
    }) else {
        return CaptureTime::default();
    };
    let offset = offset_field(fields, 0x9011)
        .map(|offset| (offset, OffsetSource::OffsetTimeOriginal))
        .or_else(|| {
            let digitized = (source == DateSource::DateTimeDigitized)
                .then(|| offset_field(fields, 0x9012))
                .flatten();
            digitized.map(|offset| (offset, OffsetSource::OffsetTimeDigitized))
        })
        .or_else(|| {
            written
                .offset
                .map(|offset| (offset, OffsetSource::Date(source)))
        })
        .or_else(|| {
            gps_offset(fields, written.local).map(|offset| (offset, OffsetSource::GpsTimeStamp))
        });
    CaptureTime::new(written.local, source, offset)
}

/// One place to look for a date, looked at only when the ones before it had none.
type Source<'a> = Box<dyn Fn() -> Option<(Written, DateSource)> + 'a>;

fn candidates<'a>(from: &'a Sources<'_>) -> impl Iterator<Item = (Written, DateSource)> + 'a {
    let (fields, xmp, iptc) = (from.fields, from.xmp, from.iptc);
    let in_xmp = |source: DateSource| move || Some((written(xmp.get(source.name())?)?, source));
    let steps: [Source<'a>; 11] = [
        Box::new(move || field(fields, 0x9003, 0x9291).map(|w| (w, DateSource::DateTimeOriginal))),
        Box::new(move || field(fields, 0x9004, 0x9292).map(|w| (w, DateSource::DateTimeDigitized))),
        Box::new(in_xmp(DateSource::XmpDateTimeOriginal)),
        Box::new(in_xmp(DateSource::XmpDateCreated)),
        Box::new(in_xmp(DateSource::XmpDateTimeDigitized)),
        Box::new(in_xmp(DateSource::XmpCreateDate)),
        Box::new(move || iptc.created().map(|w| (w, DateSource::IptcDateCreated))),
        Box::new(move || {
            iptc.digitized()
                .map(|w| (w, DateSource::IptcDigitalCreationDate))
        }),
        Box::new(move || {
            from.container
                .as_ref()
                .and_then(|(source, text)| Some((written(text)?, *source)))
        }),
        Box::new(move || {
            let local = in_file_name(&from.context.file_name)?;
            Some((
                Written {
                    local,
                    offset: None,
                    has_time: true,
                },
                DateSource::FileName,
            ))
        }),
        Box::new(move || field(fields, 0x0132, 0x9290).map(|w| (w, DateSource::DateTime))),
    ];
    steps.into_iter().filter_map(|step| step())
}

/// A date field with its sub-second field; in whichever IFD it stands, the first that holds a date.
fn field(fields: &Fields<'_>, tag: u16, fraction: u16) -> Option<Written> {
    let groups = if tag == 0x0132 {
        [Ifd::Main(0), Ifd::Exif]
    } else {
        [Ifd::Exif, Ifd::Main(0)]
    };
    let mut found = groups
        .iter()
        .filter_map(|&ifd| fields.get(ifd, tag))
        .find_map(|f| written(&text::of(f)?))?;
    if let Some(digits) = fields.exif(fraction).and_then(text::of) {
        let fraction = milliseconds(&digits).unwrap_or(0);
        found.local = found
            .local
            .checked_add_signed(TimeDelta::milliseconds(fraction))
            .unwrap_or(found.local);
    }
    Some(found)
}

/// "67" of a second is 670 ms (EXIF 3.0 4.6.6.5: digits after the point).
fn milliseconds(digits: &str) -> Option<i64> {
    let digits = digits.trim();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<3}").get(..3)?.parse().ok()
}

/// A date as EXIF (`2018:02:01 09:41:07`), XMP (ISO 8601, any precision from the day on) or a careless program writes it.
pub(crate) fn written(text: &str) -> Option<Written> {
    let mut rest = text.trim();
    let year = number(&mut rest, 4, 4)?;
    separator(&mut rest, ":-/.")?;
    let month = number(&mut rest, 1, 2)?;
    separator(&mut rest, ":-/.")?;
    let day = number(&mut rest, 1, 2)?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    let Some(()) = separator(&mut rest, " T:") else {
        let local = date.and_time(NaiveTime::MIN);
        return rest.is_empty().then_some(Written {
            local,
            offset: None,
            has_time: false,
        });
    };
    rest = rest.trim_start();
    let hour = number(&mut rest, 1, 2)?;
    separator(&mut rest, ":.")?;
    let minute = number(&mut rest, 1, 2)?;
    let second = if separator(&mut rest, ":.").is_some() {
        number(&mut rest, 1, 2)?
    } else {
        0
    };
    let mut time = NaiveTime::from_hms_opt(hour, minute, second)?;
    if separator(&mut rest, ".").is_some() {
        let digits: usize = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = rest.split_at(digits);
        let fraction = milliseconds(fraction).unwrap_or(0);
        time = time
            .overflowing_add_signed(TimeDelta::milliseconds(fraction))
            .0;
        rest = after;
    }
    Some(Written {
        local: date.and_time(time),
        offset: offset(rest),
        has_time: true,
    })
}

/// The ISO 8601 form of an EXIF date, where it is one.
pub(crate) fn iso(text: &str) -> Option<String> {
    let written = written(text)?;
    let format = if written.has_time {
        "%Y-%m-%dT%H:%M:%S%.f"
    } else {
        "%Y-%m-%d"
    };
    let offset = written
        .offset
        .map(|offset| offset.to_string())
        .unwrap_or_default();
    Some(written.local.format(format).to_string() + &offset)
}

/// The day of `2018:02:01`, as ISO 8601.
pub(crate) fn iso_date(text: &str) -> Option<String> {
    written(text).map(|written| written.local.format("%Y-%m-%d").to_string())
}

/// `+01:00`, `-0330`, `Z`; nothing that no place on earth has.
pub(crate) fn offset(text: &str) -> Option<FixedOffset> {
    let mut rest = text.trim();
    if rest.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let sign = if separator(&mut rest, "-").is_some() {
        -1
    } else {
        separator(&mut rest, "+")?;
        1
    };
    let hours = number(&mut rest, 1, 2)?;
    separator(&mut rest, ":");
    let minutes = if rest.is_empty() {
        0
    } else {
        number(&mut rest, 2, 2)?
    };
    let seconds = i32::try_from(
        hours
            .checked_mul(3600)?
            .checked_add(minutes.checked_mul(60)?)?,
    )
    .ok()?
    .checked_mul(sign)?;
    let on_earth = minutes < 60 && (-12 * 3600..=14 * 3600).contains(&seconds) && rest.is_empty();
    if on_earth {
        FixedOffset::east_opt(seconds)
    } else {
        None
    }
}

fn offset_field(fields: &Fields<'_>, tag: u16) -> Option<FixedOffset> {
    offset(&text::of(fields.exif(tag)?)?)
}

/// The wall clock less the GPS receiver's UTC, rounded to 15 minutes; only where that is an offset some place has, since
/// a receiver may repeat a stamp that is minutes or days old.
fn gps_offset(fields: &Fields<'_>, local: NaiveDateTime) -> Option<FixedOffset> {
    let utc = gps_stamp(fields)?;
    let seconds = local.signed_duration_since(utc).num_seconds();
    let quarters = seconds.checked_add(if seconds < 0 { -450 } else { 450 })? / 900;
    // Quarter hours in use: Nepal, Eucla and the Chatham Islands.
    let used = quarters % 2 == 0 || matches!(quarters, 23 | 35 | 51 | 55);
    let seconds = i32::try_from(quarters.checked_mul(900)?).ok()?;
    if used && (-12 * 3600..=14 * 3600).contains(&seconds) {
        FixedOffset::east_opt(seconds)
    } else {
        None
    }
}

/// GPSDateStamp and GPSTimeStamp together, UTC.
pub(crate) fn gps_stamp(fields: &Fields<'_>) -> Option<NaiveDateTime> {
    let date = written(&text::of(fields.get(Ifd::Gps, 0x1d)?)?)?
        .local
        .date();
    let time = gps_time(fields.get(Ifd::Gps, 0x07)?)?;
    Some(date.and_time(time))
}

/// GPSTimeStamp: hours, minutes and seconds as three rationals (text, against the standard, in some files).
pub(crate) fn gps_time(field: &Field<'_>) -> Option<NaiveTime> {
    if let Some(text) = text::of(field).filter(|_| field.number(0).is_none()) {
        return written(&format!("2000:01:01 {text}")).map(|written| written.local.time());
    }
    let part = |index| {
        field
            .number(index)?
            .value()
            .filter(|v| (0.0..60.0).contains(v))
    };
    let seconds = part(0)? * 3600.0 + part(1)? * 60.0 + part(2)?;
    let milliseconds = (seconds * 1000.0).round();
    if !(0.0..86_400_000.0).contains(&milliseconds) {
        return None;
    }
    let milliseconds = milliseconds as u32;
    NaiveTime::from_num_seconds_from_midnight_opt(
        milliseconds / 1000,
        milliseconds % 1000 * 1_000_000,
    )
}

/// A date in a file's name: `IMG_20180201_094107`, `2018-02-01 09.41.07`, `Screenshot_2018-02-01-09-41-07`,
/// `IMG-20180201-WA0001` (a day: midnight). Not `PXL_...`: that one is UTC.
pub(crate) fn in_file_name(name: &str) -> Option<NaiveDateTime> {
    if name.starts_with("PXL_") {
        return None;
    }
    (0..name.len()).find_map(|start| {
        let before = name.get(..start)?;
        if before.ends_with(|c: char| c.is_ascii_digit()) {
            None
        } else {
            date_at(name.get(start..)?)
        }
    })
}

fn date_at(mut rest: &str) -> Option<NaiveDateTime> {
    let year = number(&mut rest, 4, 4).and_then(|year| i32::try_from(year).ok())?;
    let between = separated(&mut rest);
    let month = number(&mut rest, 2, 2)?;
    if separated(&mut rest) != between {
        return None;
    }
    let day = number(&mut rest, 2, 2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)
        .filter(|_| (FIRST_YEAR_IN_A_NAME..=2100).contains(&year))?;
    let time = time_at(rest);
    let boundary = !rest.starts_with(|c: char| c.is_ascii_digit());
    match time {
        Some(time) => Some(date.and_time(time)),
        None => boundary.then(|| date.and_time(NaiveTime::MIN)),
    }
}

fn time_at(mut rest: &str) -> Option<NaiveTime> {
    rest = rest
        .strip_prefix(" at ")
        .unwrap_or_else(|| rest.trim_start_matches(['_', '-', ' ', 'T']));
    let hour = number(&mut rest, 1, 2)?;
    let between = separated(&mut rest);
    let minute = number(&mut rest, 2, 2)?;
    if separated(&mut rest) != between {
        return None;
    }
    let second = number(&mut rest, 2, 2)?;
    // Three more digits are milliseconds; more than that, and it was no time.
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 3 {
        return None;
    }
    let afternoon = rest.trim_start().get(..2).map(str::to_ascii_uppercase);
    let hour = match (afternoon.as_deref(), hour) {
        (Some("PM"), 1..=11) => hour + 12,
        (Some("AM"), 12) => 0,
        _ => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, second)
}

fn separated(rest: &mut &str) -> Option<char> {
    let first = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '.' | '_' | ':'))?;
    *rest = rest.get(first.len_utf8()..).unwrap_or_default();
    Some(first)
}

fn separator(rest: &mut &str, of: &str) -> Option<()> {
    let first = rest.chars().next().filter(|&c| of.contains(c))?;
    *rest = rest.get(first.len_utf8()..)?;
    Some(())
}

fn number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let digits = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits < least {
        return None;
    }
    let (number, after) = rest.split_at(digits);
    *rest = after;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Option<String> {
        written(text).map(|w| w.local.format("%FT%T%.f").to_string())
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        assert_eq!(
            local("2018:02:01 09:41:07").as_deref(),
            Some("2018-02-01T09:41:07")
        );
        assert_eq!(
            local("2018-02-01T09:41:07.67+01:00").as_deref(),
            Some("2018-02-01T09:41:07.670")
        );
        assert_eq!(
            written("2018-02-01T09:41:07+01:00").and_then(|w| w.offset),
            FixedOffset::east_opt(3600)
        );
        assert_eq!(
            local("2018-02-01T09:41").as_deref(),
            Some("2018-02-01T09:41:00")
        );
        assert_eq!(local("2018-02-01").as_deref(), Some("2018-02-01T00:00:00"));
    }

    #[test]
    fn impossible_dates_are_none() {
        for text in [
            "0000:00:00 00:00:00",
            "2018:103:01 00:00:00",
            "2018:02:30 00:00:00",
            "2018:02:01 25:00:00",
            "",
            "2018",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_are_places_on_earth() {
        assert_eq!(offset("+05:45"), FixedOffset::east_opt(20_700));
        assert_eq!(offset("-0330"), FixedOffset::west_opt(12_600));
        assert_eq!(offset("Z"), FixedOffset::east_opt(0));
        assert_eq!(
            (offset("+15:00"), offset("+01:75"), offset("    :  ")),
            (None, None, None)
        );
    }

    #[test]
    fn file_names_hold_dates() {
        let name = |name| in_file_name(name).map(|at| at.format("%F %T").to_string());
        assert_eq!(
            name("IMG_20180201_094107.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("IMG_20180201_094107_1.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("2018-02-01 09.41.07.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("Screenshot_2018-02-01-09-41-07.png").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("Screen Shot 2018-02-01 at 9.41.07 PM.png").as_deref(),
            Some("2018-02-01 21:41:07")
        );
        assert_eq!(
            name("20180201094107123.jpg").as_deref(),
            Some("2018-02-01 09:41:07")
        );
        assert_eq!(
            name("IMG-20180201-WA0001.jpg").as_deref(),
            Some("2018-02-01 00:00:00")
        );
        for other in [
            "DSC_0001.JPG",
            "120180201.jpg",
            "201802011.jpg",
            "20181301.jpg",
            "PXL_20210101_123456789.jpg",
            "1920-1080.png",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
