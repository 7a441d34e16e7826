//! The capture time of a photo: the wall clock at the place of capture, the offset from UTC, and
//! their sources.

use std::fmt;

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};
use serde::{Deserialize, Serialize};

use crate::partial_date_time::{DatePrecision, PartialDateTime};

/// The capture time of a photo: the wall-clock time at the place of capture. The instant in UTC is
/// known only if the offset is known.
///
/// In JSON and in DynamoDB, a capture time is seven texts: `date`, `takenAtLocal`, `offset`,
/// `takenAt`, `dateSource`, `offsetSource` and `datePrecision`. They are direct fields of the
/// [`PhotoRecord`](crate::PhotoRecord). `date` and `takenAt` are computed from the others when a
/// capture time is written, and are ignored when it is read. A stored text that cannot be parsed is
/// read as absent, so that one damaged item does not make a whole list unreadable.
///
/// If only the year or the month is known, `takenAtLocal` is `1985` or `1985-06`, and `date` is
/// null. If only the day is known, both are the day.
///
/// ```
/// use chrono::{FixedOffset, NaiveDate};
/// use photo_metadata::{CaptureTime, DateSource, OffsetSource};
///
/// let local = NaiveDate::from_ymd_opt(2018, 2, 1).and_then(|day| day.and_hms_opt(0, 41, 7));
/// let offset = FixedOffset::east_opt(3600).map(|offset| (offset, OffsetSource::OffsetTimeOriginal));
/// let capture = CaptureTime::new(local.unwrap(), DateSource::DateTimeOriginal, offset);
///
/// assert_eq!(capture.day(), NaiveDate::from_ymd_opt(2018, 2, 1));
/// assert_eq!(capture.local_text().as_deref(), Some("2018-02-01T00:41:07"));
/// assert_eq!(capture.instant().unwrap().to_rfc3339(), "2018-01-31T23:41:07+00:00");
/// assert_eq!(serde_json::to_value(capture).unwrap()["takenAt"], "2018-01-31T23:41:07Z");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "CaptureTimeTexts", into = "CaptureTimeTexts")]
pub struct CaptureTime {
    /// The wall-clock time, or the part of it that is known. `None` if the photo has no date.
    pub local: Option<PartialDateTime>,
    /// The difference of the wall clock from UTC, if it is known.
    pub offset: Option<FixedOffset>,
    /// The source of the wall-clock time.
    pub date_source: Option<DateSource>,
    /// The source of the offset.
    pub offset_source: Option<OffsetSource>,
}

impl CaptureTime {
    /// Creates a capture time from a wall-clock time and, if known, its offset, each with its
    /// source.
    pub fn new(
        local: impl Into<PartialDateTime>,
        source: DateSource,
        offset: Option<(FixedOffset, OffsetSource)>,
    ) -> Self {
        CaptureTime {
            local: Some(local.into()),
            offset: offset.map(|(offset, _)| offset),
            date_source: Some(source),
            offset_source: offset.map(|(_, source)| source),
        }
    }

    /// Returns the day of the wall-clock time. The day in UTC may be another one. Returns `None` if
    /// the photo has no date, or if only its year or month is known.
    pub fn day(&self) -> Option<NaiveDate> {
        self.local?.day()
    }

    /// Returns the time by which photos are sorted: the wall-clock time. If the time is not known,
    /// this is the start of the day, the month or the year. Returns `None` if the photo has no
    /// date.
    pub fn start(&self) -> Option<NaiveDateTime> {
        self.local.map(PartialDateTime::start)
    }

    /// Returns the precision of the wall-clock time. Returns `None` if the photo has no date.
    pub fn precision(&self) -> Option<DatePrecision> {
        self.local.map(PartialDateTime::precision)
    }

    /// Returns the wall-clock time to the second, if it comes from the metadata of the camera or of
    /// an editor. Returns `None` if it comes from the name of the file, from Google Takeout or from a
    /// text of a PNG, and if the time of day is not known.
    ///
    /// Midnight counts as unknown, because many programs write midnight if they know only the day.
    /// All files of one shot have the same second, even if only some of them record milliseconds.
    pub fn metadata_second(&self) -> Option<NaiveDateTime> {
        let is_metadata = !matches!(
            self.date_source,
            Some(
                DateSource::FileName
                    | DateSource::FileNameUtc
                    | DateSource::TakeoutUtc
                    | DateSource::PngCreationTime
            )
        );
        let second = self.local?.time()?.with_nanosecond(0)?;
        let is_midnight = second.time() == NaiveTime::MIN;
        (is_metadata && !is_midnight).then_some(second)
    }

    /// Returns the wall-clock time as the text that is stored: `2018-02-01T09:41:07`, or
    /// `2018-02-01T09:41:07.670` if the file records milliseconds. Unknown parts are left out:
    /// `2018-02-01`, `2018-02`, `2018`.
    pub fn local_text(&self) -> Option<String> {
        self.local.map(|local| local.to_string())
    }

    /// Returns the instant of capture in UTC. Returns `None` if the time or the offset is unknown.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        let seconds = i64::from(self.offset?.local_minus_utc());
        let local = self.local?.time()?;
        let utc = local.checked_sub_signed(TimeDelta::seconds(seconds))?;
        Some(utc.and_utc())
    }

    /// Returns the capture time with a corrected clock: the wall-clock time is `seconds` later, or
    /// earlier if `seconds` is negative.
    ///
    /// The offset stays the same, and the instant in UTC changes. But if the offset was derived
    /// from the GPS time, the instant stays the same and the offset changes. A photo is returned
    /// unchanged if it has no date, if only its year or month is known, or if its corrected time
    /// would be outside the calendar. A day without a time is corrected only by whole days.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use photo_metadata::{CaptureTime, DateSource};
    ///
    /// let local = NaiveDate::from_ymd_opt(2018, 2, 1).and_then(|day| day.and_hms_opt(9, 41, 7));
    /// let capture = CaptureTime::new(local.unwrap(), DateSource::DateTimeOriginal, None);
    /// let corrected = capture.shifted(3600);
    /// assert_eq!(corrected.local_text().as_deref(), Some("2018-02-01T10:41:07"));
    /// ```
    #[must_use]
    pub fn shifted(&self, seconds: i64) -> Self {
        let shift = TimeDelta::try_seconds(seconds);
        let shifted = self.local.zip(shift);
        let Some(local) = shifted
            .map(|(local, shift)| local.shifted(shift))
            .filter(|local| Some(*local) != self.local)
        else {
            return *self;
        };
        let offset = match self.offset_source {
            Some(OffsetSource::GpsTimeStamp) => self.offset.and_then(|offset| {
                let seconds = i64::from(offset.local_minus_utc()) + seconds;
                i32::try_from(seconds).ok().and_then(FixedOffset::east_opt)
            }),
            _ => self.offset,
        };
        CaptureTime {
            local: Some(local),
            offset,
            offset_source: self.offset_source.filter(|_| offset.is_some()),
            ..*self
        }
    }
}

/// The stored form of a [`CaptureTime`]: its texts.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CaptureTimeTexts {
    /// The wall-clock day: `2018-02-01`.
    date: Option<String>,
    /// The wall-clock time, or the part of it that is known: `2018-02-01T09:41:07.670`.
    taken_at_local: Option<String>,
    /// The offset from UTC: `+01:00`.
    offset: Option<String>,
    /// The instant in UTC: `2018-02-01T08:41:07.670Z`.
    taken_at: Option<String>,
    /// The name of the source of the wall-clock time. See [`DateSource::name`].
    date_source: Option<String>,
    /// The name of the source of the offset. See [`OffsetSource::name`].
    offset_source: Option<String>,
    /// The precision of the wall-clock time.
    date_precision: Option<DatePrecision>,
}

impl From<CaptureTime> for CaptureTimeTexts {
    fn from(capture: CaptureTime) -> Self {
        let utc = capture.instant().map(|instant| instant.naive_utc());
        CaptureTimeTexts {
            date: capture.day().map(|day| day.to_string()),
            taken_at_local: capture.local_text(),
            offset: capture.offset.map(|offset| offset.to_string()),
            taken_at: utc.map(|utc| format!("{}Z", PartialDateTime::from(utc))),
            date_source: capture.date_source.map(|source| source.name().to_owned()),
            offset_source: capture.offset_source.map(|source| source.name().to_owned()),
            date_precision: capture.precision(),
        }
    }
}

impl From<CaptureTimeTexts> for CaptureTime {
    fn from(texts: CaptureTimeTexts) -> Self {
        let local = texts.taken_at_local.as_deref();
        let local: Option<PartialDateTime> = local.and_then(|text| text.parse().ok());
        // Older versions wrote two values: the start of the period as a time, and the precision.
        let local = local.map(|local| match texts.date_precision {
            Some(precision) => local.limited_to(precision),
            None => local,
        });
        let dated = |text: Option<String>| text.filter(|_| local.is_some());
        let offset = dated(texts.offset).as_deref().and_then(parse_stored_offset);
        let offset_source = texts.offset_source.filter(|_| offset.is_some());
        CaptureTime {
            local,
            offset,
            date_source: dated(texts.date_source)
                .as_deref()
                .and_then(DateSource::from_name),
            offset_source: offset_source.as_deref().and_then(OffsetSource::from_name),
        }
    }
}

/// Parses an offset in the form in which [`FixedOffset`] prints it: `+01:00`, or `+01:00:30` after
/// a correction of the clock by seconds. The parser of chrono would drop the seconds.
fn parse_stored_offset(text: &str) -> Option<FixedOffset> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let mut parts = digits.split(':').map(|part| {
        let is_pair = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i32>().ok().filter(|_| is_pair)
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// The source of a capture date: a tag, a field of the container, the name of the file, or a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSource {
    /// EXIF `DateTimeOriginal` (0x9003 in the EXIF IFD).
    DateTimeOriginal,
    /// EXIF `DateTimeDigitized`, which ExifTool calls `CreateDate`.
    DateTimeDigitized,
    /// EXIF `DateTime`, which ExifTool calls `ModifyDate`.
    DateTime,
    /// XMP `exif:DateTimeOriginal`.
    XmpDateTimeOriginal,
    /// XMP `exif:DateTimeDigitized`.
    XmpDateTimeDigitized,
    /// XMP `photoshop:DateCreated`.
    XmpDateCreated,
    /// XMP `xmp:CreateDate`.
    XmpCreateDate,
    /// IPTC `DateCreated` with `TimeCreated`.
    IptcDateCreated,
    /// IPTC `DigitalCreationDate` with `DigitalCreationTime`.
    IptcDigitalCreationDate,
    /// The text chunk `Creation Time` of a PNG.
    PngCreationTime,
    /// The time stamp of a Canon CRW.
    CrwTimeStamp,
    /// The property `TIME` of a Sigma X3F.
    X3fTime,
    /// The day in `GPSDateStamp`. It is a day in UTC.
    GpsDateStamp,
    /// The name of the file.
    FileName,
    /// An instant in the name of the file. Its day is a day in UTC.
    FileNameUtc,
    /// The field `photoTakenTime` in a JSON file of Google Takeout. Its day is a day in UTC.
    TakeoutUtc,
    /// A person set the date.
    SetByHand,
}

impl DateSource {
    /// All date sources.
    const ALL: [DateSource; 17] = [
        DateSource::DateTimeOriginal,
        DateSource::DateTimeDigitized,
        DateSource::DateTime,
        DateSource::XmpDateTimeOriginal,
        DateSource::XmpDateTimeDigitized,
        DateSource::XmpDateCreated,
        DateSource::XmpCreateDate,
        DateSource::IptcDateCreated,
        DateSource::IptcDigitalCreationDate,
        DateSource::PngCreationTime,
        DateSource::CrwTimeStamp,
        DateSource::X3fTime,
        DateSource::GpsDateStamp,
        DateSource::FileName,
        DateSource::FileNameUtc,
        DateSource::TakeoutUtc,
        DateSource::SetByHand,
    ];

    /// Returns the name of the source in JSON.
    pub fn name(self) -> &'static str {
        match self {
            DateSource::DateTimeOriginal => "DateTimeOriginal",
            DateSource::DateTimeDigitized => "DateTimeDigitized",
            DateSource::DateTime => "DateTime",
            DateSource::XmpDateTimeOriginal => "exif:DateTimeOriginal",
            DateSource::XmpDateTimeDigitized => "exif:DateTimeDigitized",
            DateSource::XmpDateCreated => "photoshop:DateCreated",
            DateSource::XmpCreateDate => "xmp:CreateDate",
            DateSource::IptcDateCreated => "IPTC:DateCreated",
            DateSource::IptcDigitalCreationDate => "IPTC:DigitalCreationDate",
            DateSource::PngCreationTime => "PNG:CreationTime",
            DateSource::CrwTimeStamp => "CRW:TimeStamp",
            DateSource::X3fTime => "X3F:TIME",
            DateSource::GpsDateStamp => "GPSDateStamp",
            DateSource::FileName => "FileName",
            DateSource::FileNameUtc => "FileNameUTC",
            DateSource::TakeoutUtc => "TakeoutUTC",
            DateSource::SetByHand => "SetByHand",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

impl fmt::Display for DateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The source of a capture time's offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSource {
    /// EXIF `OffsetTimeOriginal`.
    OffsetTimeOriginal,
    /// EXIF `OffsetTimeDigitized`.
    OffsetTimeDigitized,
    /// EXIF `OffsetTime`, which belongs to `DateTime`.
    OffsetTime,
    /// The time zone in the maker note, which is data in the camera maker's own format.
    MakerNote,
    /// The GPS time. The offset is the difference between the wall-clock time and the GPS time.
    GpsTimeStamp,
    /// The text of the date itself, which contains an offset: `2018-02-01T09:41:07+01:00`.
    Date(DateSource),
}

impl OffsetSource {
    /// Returns the name of the source in JSON.
    pub fn name(self) -> &'static str {
        match self {
            OffsetSource::OffsetTimeOriginal => "OffsetTimeOriginal",
            OffsetSource::OffsetTimeDigitized => "OffsetTimeDigitized",
            OffsetSource::OffsetTime => "OffsetTime",
            OffsetSource::MakerNote => "MakerNote",
            OffsetSource::GpsTimeStamp => "GPSTimeStamp",
            OffsetSource::Date(source) => source.name(),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "OffsetTimeOriginal" => Some(OffsetSource::OffsetTimeOriginal),
            "OffsetTimeDigitized" => Some(OffsetSource::OffsetTimeDigitized),
            "OffsetTime" => Some(OffsetSource::OffsetTime),
            "MakerNote" => Some(OffsetSource::MakerNote),
            "GPSTimeStamp" => Some(OffsetSource::GpsTimeStamp),
            other => DateSource::from_name(other).map(OffsetSource::Date),
        }
    }
}

impl fmt::Display for OffsetSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn local_time(milliseconds: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2018, 2, 1)
            .and_then(|day| day.and_hms_milli_opt(0, 41, 7, milliseconds))
            .expect("valid")
    }

    fn capture_time(milliseconds: u32, offset: Option<(i32, OffsetSource)>) -> CaptureTime {
        let offset = offset.and_then(|(seconds, source)| {
            FixedOffset::east_opt(seconds).map(|offset| (offset, source))
        });
        CaptureTime::new(
            local_time(milliseconds),
            DateSource::DateTimeOriginal,
            offset,
        )
    }

    fn to_json(capture: CaptureTime) -> Value {
        serde_json::to_value(capture).expect("JSON")
    }

    fn from_json(json: Value) -> CaptureTime {
        serde_json::from_value(json).expect("a capture time")
    }

    #[test]
    fn correction_moves_the_instant_unless_the_offset_is_from_gps() {
        let shifted = |source, seconds| {
            let capture = capture_time(670, Some((0, source)));
            let shifted = capture.shifted(seconds);
            assert_eq!(shifted.shifted(-seconds), capture);
            let json = to_json(shifted);
            json!([json["takenAtLocal"], json["offset"], json["takenAt"]])
        };
        assert_eq!(
            shifted(OffsetSource::OffsetTimeOriginal, -3600),
            json!([
                "2018-01-31T23:41:07.670",
                "+00:00",
                "2018-01-31T23:41:07.670Z"
            ])
        );
        assert_eq!(
            shifted(OffsetSource::GpsTimeStamp, 3600),
            json!([
                "2018-02-01T01:41:07.670",
                "+01:00",
                "2018-02-01T00:41:07.670Z"
            ])
        );
    }

    #[test]
    fn impossible_corrections_change_nothing() {
        let undated = CaptureTime::default();
        assert_eq!(undated.shifted(60), undated);
        let dated = capture_time(0, None);
        assert_eq!(dated.shifted(i64::MAX), dated);
    }

    #[test]
    fn an_offset_that_is_corrected_off_the_globe_is_dropped_with_its_source() {
        let capture = capture_time(0, Some((0, OffsetSource::GpsTimeStamp)));
        let shifted = capture.shifted(3 * 86_400);
        assert_eq!((shifted.offset, shifted.offset_source), (None, None));
    }

    #[test]
    fn the_day_is_the_wall_clock_day() {
        let capture = capture_time(670, Some((3600, OffsetSource::OffsetTimeOriginal)));
        let json = json!({
            "date": "2018-02-01",
            "takenAtLocal": "2018-02-01T00:41:07.670",
            "offset": "+01:00",
            "takenAt": "2018-01-31T23:41:07.670Z",
            "dateSource": "DateTimeOriginal",
            "offsetSource": "OffsetTimeOriginal",
            "datePrecision": "subsecond",
        });
        assert_eq!(to_json(capture).to_string(), json.to_string());
        assert_eq!(from_json(json), capture);
        assert_eq!(capture.metadata_second(), Some(local_time(0)));
    }

    #[test]
    fn without_an_offset_there_is_no_instant() {
        let capture = capture_time(0, None);
        assert_eq!(capture.local_text().as_deref(), Some("2018-02-01T00:41:07"));
        assert_eq!(capture.instant(), None);
        let json = to_json(capture);
        assert_eq!(
            (&json["offset"], &json["takenAt"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn every_capture_time_is_read_back() {
        let mut all = vec![CaptureTime::default()];
        for source in DateSource::ALL {
            let date = OffsetSource::Date(source);
            for offset in [
                date,
                OffsetSource::GpsTimeStamp,
                OffsetSource::OffsetTimeDigitized,
            ] {
                for seconds in [0, 20_700, -12_600, 3630, -1] {
                    all.push(CaptureTime {
                        date_source: Some(source),
                        ..capture_time(7, Some((seconds, offset)))
                    });
                }
            }
        }
        let far = NaiveDate::from_ymd_opt(10_000, 1, 1).map(|day| day.and_time(Default::default()));
        let first = NaiveDate::from_ymd_opt(-5, 1, 1).map(|day| day.and_time(Default::default()));
        for local in [far, first] {
            all.push(CaptureTime {
                local: local.map(PartialDateTime::from),
                ..CaptureTime::default()
            });
        }
        for capture in all {
            assert_eq!(from_json(to_json(capture)), capture);
        }
    }

    #[test]
    fn unknown_parts_of_a_date_have_no_text() {
        for (local, date, precision) in [
            ("1985", Value::Null, "year"),
            ("1985-06", Value::Null, "month"),
            ("1985-06-14", json!("1985-06-14"), "day"),
            ("1985-06-14T00:00:00", json!("1985-06-14"), "second"),
        ] {
            let capture = from_json(json!({ "takenAtLocal": local, "offset": "+01:00" }));
            assert_eq!(capture.instant().is_some(), precision == "second");
            assert_eq!(capture.metadata_second(), None);
            let json = to_json(capture);
            assert_eq!(
                (&json["takenAtLocal"], &json["date"], &json["datePrecision"]),
                (&json!(local), &date, &json!(precision))
            );
        }
    }

    #[test]
    fn start_of_a_period_with_a_stored_precision_is_the_period() {
        for (precision, text) in [
            ("year", "1985"),
            ("month", "1985-06"),
            ("day", "1985-06-01"),
        ] {
            let capture = from_json(json!({
                "takenAtLocal": "1985-06-01T00:00:00", "datePrecision": precision,
            }));
            assert_eq!(capture.local_text().as_deref(), Some(text));
        }
    }

    #[test]
    fn bad_stored_texts_read_as_absent() {
        let undated = from_json(json!({
            "date": "2018-02-01", "takenAtLocal": "yesterday", "offset": "+01:00", "dateSource": "FileName",
        }));
        assert_eq!(undated, CaptureTime::default());
        for offset in [
            "",
            "+",
            "01:00",
            "+1:00",
            "+01:60",
            "+99:00",
            "+01:00:00:00",
            "Z",
            "é",
        ] {
            let capture = from_json(json!({
                "takenAtLocal": "2018-02-01T00:41:07", "offset": offset,
                "dateSource": "NoSuchTag", "offsetSource": "GPSTimeStamp",
            }));
            let local = Some(local_time(0).into());
            assert_eq!(
                capture,
                CaptureTime {
                    local,
                    ..CaptureTime::default()
                },
                "{offset}"
            );
        }
    }
}
