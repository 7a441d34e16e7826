//! What is stored and served: the photo, its capture time, camera, lens, exposure, place and tags.
//!
//! Plain data with one serialised form (the JSON names), the same in `photos extract`, in DynamoDB and, through the
//! gallery's public view, on the web. This module knows no I/O, no clock and no environment.

use std::collections::BTreeMap;

use chrono::{FixedOffset, NaiveDateTime, TimeDelta, Timelike};
use serde::{Deserialize, Serialize};

/// The normalised metadata of one file: what its EXIF, XMP and IPTC say, cleaned and in stated units.
///
/// Text is UTF-8 without control or bidirectional-override characters, at most 1 KB a field. What a file does not say,
/// or says impossibly, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Photo {
    /// When it was taken; flattened into the photo's own fields.
    #[serde(flatten)]
    pub capture: CaptureTime,
    /// Pixels across, after orientation; of the full image of a RAW.
    pub width: Option<u32>,
    /// Pixels down, after orientation.
    pub height: Option<u32>,
    /// EXIF orientation, 1 to 8 (EXIF 3.0, 4.6.5.1.6).
    pub orientation: Option<u8>,
    /// The camera.
    pub camera: Option<Camera>,
    /// The camera body's serial number. Private: never served, but part of a photo's owner.
    pub body_serial: Option<String>,
    /// The lens.
    pub lens: Option<Lens>,
    /// Shutter, aperture, sensitivity, focal length.
    pub exposure: Exposure,
    /// Where it was taken, exactly as the file says it. Private until the gallery's location policy has been applied.
    pub location: Option<Location>,
    /// A short title.
    pub title: Option<String>,
    /// A description.
    pub caption: Option<String>,
    /// Keywords in file order, each once.
    pub keywords: Vec<String>,
    /// Stars: 0 to 5, -1 for rejected (XMP `xmp:Rating`).
    pub rating: Option<i8>,
    /// Who took it.
    pub artist: Option<String>,
    /// The copyright notice.
    pub copyright: Option<String>,
}

/// The offset's source where it is the difference between the clock and the GPS's.
pub(crate) const GPS_CLOCK: &str = "GPSTimeStamp";

/// When a photo was taken. The wall clock at the place of capture leads; UTC is known only with an offset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CaptureTime {
    /// Wall-clock day, `2018-02-01`. Never a UTC day.
    pub date: Option<String>,
    /// Wall-clock time, `2018-02-01T09:41:07`, with `.670` where milliseconds are recorded.
    pub taken_at_local: Option<String>,
    /// Offset from UTC, `+01:00`.
    pub offset: Option<String>,
    /// The instant in UTC, `2018-02-01T08:41:07.670Z`; absent where the offset is unknown.
    pub taken_at: Option<String>,
    /// Name of the tag (or `FileName`) that the date came from.
    pub date_source: Option<String>,
    /// Name of the tag that the offset came from.
    pub offset_source: Option<String>,
}

impl CaptureTime {
    /// A capture time from its wall clock and, where known, its offset; each with the name of its source.
    /// Sub-second digits are kept to the millisecond where there are any.
    pub fn new(local: NaiveDateTime, source: &str, offset: Option<(FixedOffset, &str)>) -> Self {
        let pattern = if local.nanosecond() / 1_000_000 == 0 {
            "%Y-%m-%dT%H:%M:%S"
        } else {
            "%Y-%m-%dT%H:%M:%S%.3f"
        };
        let utc = offset.and_then(|(offset, _)| {
            local.checked_sub_signed(TimeDelta::seconds(i64::from(offset.local_minus_utc())))
        });
        CaptureTime {
            date: Some(local.format("%Y-%m-%d").to_string()),
            taken_at_local: Some(local.format(pattern).to_string()),
            offset: offset.map(|(offset, _)| offset.to_string()),
            taken_at: utc.map(|utc| utc.format(pattern).to_string() + "Z"),
            date_source: Some(source.to_owned()),
            offset_source: offset.map(|(_, source)| source.to_owned()),
        }
    }

    /// The same shot by a clock that was set right by so many seconds. Where the offset was told by comparing the clock
    /// with the GPS's, the instant stays and the offset follows; else the offset stays. A time that this would put out of
    /// the calendar stays as it is, and so does an undated one.
    #[must_use]
    pub fn shifted(&self, seconds: i64) -> Self {
        let pattern = "%Y-%m-%dT%H:%M:%S%.f";
        let local = self
            .taken_at_local
            .as_deref()
            .and_then(|local| NaiveDateTime::parse_from_str(local, pattern).ok());
        let shift = TimeDelta::try_seconds(seconds);
        let Some(local) = local.and_then(|local| local.checked_add_signed(shift?)) else {
            return self.clone();
        };
        let offset: Option<FixedOffset> = self.offset.as_deref().and_then(|text| text.parse().ok());
        let offset = match (&self.offset_source, offset) {
            (Some(source), Some(offset)) if source == GPS_CLOCK => {
                let seconds = i64::from(offset.local_minus_utc()) + seconds;
                i32::try_from(seconds).ok().and_then(FixedOffset::east_opt)
            }
            (_, offset) => offset,
        };
        let sources = (&self.date_source, self.offset_source.as_deref());
        let (date_source, offset_source) = (sources.0.as_deref(), sources.1);
        let named = offset.map(|offset| (offset, offset_source.unwrap_or_default()));
        CaptureTime::new(local, date_source.unwrap_or_default(), named)
    }

    /// The wall clock to the second, `2018-02-01T09:41:07`: what two files of one shot agree on.
    pub fn to_the_second(&self) -> Option<&str> {
        self.taken_at_local
            .as_deref()
            .map(|local| local.get(..19).unwrap_or(local))
    }
}

/// A camera: a name for people, a slug for queries and the two strings as recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Camera {
    /// `nikon-d750`: lower-case ASCII letters, digits and hyphens.
    pub slug: String,
    /// `Nikon D750`.
    pub name: String,
    /// `Make` as recorded.
    pub make: Option<String>,
    /// `Model` as recorded.
    pub model: Option<String>,
}

/// A lens; the same shape as [`Camera`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lens {
    /// `ef24-105mm-f-4l-is-usm`.
    pub slug: String,
    /// The name to show.
    pub name: String,
    /// `LensMake` as recorded.
    pub make: Option<String>,
    /// `LensModel` as recorded, else one made of `LensSpecification` (`18-55mm f/3.5-5.6`), else the maker note's name.
    pub model: Option<String>,
}

/// How the picture was exposed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exposure {
    /// For a caption: `1/250`, `2.5`.
    pub time: Option<String>,
    /// Seconds.
    pub seconds: Option<f64>,
    /// The f-number.
    pub f_number: Option<f64>,
    /// ISO speed.
    pub iso: Option<u32>,
    /// Millimetres.
    pub focal_length: Option<f64>,
    /// Millimetres, 35 mm equivalent.
    pub focal_length35: Option<f64>,
    /// Exposure compensation, EV.
    pub bias: Option<f64>,
    /// Whether the flash fired.
    pub flash: Option<bool>,
}

/// Where a photo was taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Location {
    /// Degrees north, WGS 84.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
    /// Metres above sea level, negative below.
    pub alt: Option<f64>,
    /// `exact` as recorded; `round:N` after the public view has rounded to N decimals.
    pub precision: String,
    /// Direction of view, degrees clockwise from north (`GPSImgDirection`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<f64>,
    /// Speed, km/h (`GPSSpeed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// The GPS receiver's own time, UTC, `2018-02-01T08:41:07Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

impl Location {
    /// The geohash of the position, of 1 to 12 characters; `None` where it is not on the globe. Of a published position
    /// its first 4 characters are its partition in by-place.
    ///
    /// The poles and the antimeridian lie in the cells that touch them.
    pub fn geohash(&self, chars: usize) -> Option<String> {
        // geohash::encode takes its upper bounds for its lower ones; a tenth of a millimetre keeps clear of them.
        let below = |degrees: f64, most: f64| degrees.min(most - 1e-9);
        if !self.is_on_globe() {
            return None;
        }
        let place = geohash::Coord {
            x: below(self.lon, 180.0),
            y: below(self.lat, 90.0),
        };
        geohash::encode(place, chars).ok()
    }

    /// Returns `true` if both coordinates are in their range.
    pub fn is_on_globe(&self) -> bool {
        (-90.0..=90.0).contains(&self.lat) && (-180.0..=180.0).contains(&self.lon)
    }
}

/// Every tag, by IFD then by name, named as ExifTool names them: `tags["ExifIFD"]["FNumber"]`.
pub type Tags = BTreeMap<String, BTreeMap<String, TagValue>>;

/// One tag's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TagValue {
    /// BYTE, SHORT, LONG and their signed kinds.
    Integer(i64),
    /// FLOAT and DOUBLE; see [`number`].
    Real(f64),
    /// ASCII and UTF-8 text; dates as ISO 8601 wall-clock times.
    Text(String),
    /// RATIONAL and SRATIONAL, with the fraction as recorded, `1/250`.
    Rational {
        /// The quotient.
        value: f64,
        /// Numerator and denominator.
        fraction: String,
    },
    /// More than one value.
    List(Vec<TagValue>),
}

/// A number as records hold it: finite, and zero or of a magnitude from 1e-130 to 1e125, which is what a DynamoDB
/// number can be (DynamoDB Developer Guide, "Data types"). No camera measures anything beyond.
pub fn number(value: f64) -> Option<f64> {
    (value == 0.0 || (1e-130..1e125).contains(&value.abs())).then_some(value)
}

/// A JPEG inside a RAW file that a browser can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Length, bytes.
    pub length: u64,
    /// Pixels across, as stored.
    pub width: Option<u32>,
    /// Pixels down, as stored.
    pub height: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn at(milliseconds: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2018, 2, 1)
            .and_then(|d| d.and_hms_milli_opt(0, 41, 7, milliseconds))
            .expect("valid")
    }

    #[test]
    fn a_clock_that_was_slow_moves_the_instant_but_where_the_gps_told_it() {
        let shifted = |source, seconds| {
            let offset = FixedOffset::east_opt(0).expect("valid");
            let capture = CaptureTime::new(at(670), "DateTimeOriginal", Some((offset, source)));
            let shifted = capture.shifted(seconds);
            assert_eq!(shifted.shifted(-seconds), capture);
            (
                shifted.taken_at_local.unwrap_or_default(),
                shifted.offset.unwrap_or_default(),
                shifted.taken_at.unwrap_or_default(),
            )
        };
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            shifted("OffsetTimeOriginal", -3600),
            text(
                "2018-01-31T23:41:07.670",
                "+00:00",
                "2018-01-31T23:41:07.670Z"
            )
        );
        assert_eq!(
            shifted(GPS_CLOCK, 3600),
            text(
                "2018-02-01T01:41:07.670",
                "+01:00",
                "2018-02-01T00:41:07.670Z"
            )
        );
        let undated = CaptureTime::default();
        assert_eq!(undated.shifted(60), undated);
        let known = CaptureTime::new(at(0), "FileName", None);
        assert_eq!(known.shifted(i64::MAX), known);
    }

    #[test]
    fn the_day_is_the_wall_clock_day_and_not_the_utc_day() {
        let offset = FixedOffset::east_opt(3600).expect("valid");
        let time = CaptureTime::new(
            at(670),
            "DateTimeOriginal",
            Some((offset, "OffsetTimeOriginal")),
        );
        assert_eq!(time.date.as_deref(), Some("2018-02-01"));
        assert_eq!(
            time.taken_at_local.as_deref(),
            Some("2018-02-01T00:41:07.670")
        );
        assert_eq!(time.taken_at.as_deref(), Some("2018-01-31T23:41:07.670Z"));
        assert_eq!(time.offset.as_deref(), Some("+01:00"));
        assert_eq!(time.to_the_second(), Some("2018-02-01T00:41:07"));
    }

    #[test]
    fn without_an_offset_there_is_no_instant() {
        let time = CaptureTime::new(at(0), "DateTimeOriginal", None);
        assert_eq!(time.taken_at_local.as_deref(), Some("2018-02-01T00:41:07"));
        assert_eq!((time.taken_at, time.offset), (None, None));
    }

    #[test]
    fn a_number_that_no_store_holds_is_none() {
        for value in [0.0, -0.0, 1.0, -2.5, 1e-130, 9.9e124, -1e-100] {
            assert_eq!(number(value), Some(value));
        }
        for value in [
            f64::NAN,
            f64::INFINITY,
            1e125,
            -1e300,
            9e-131,
            f64::MIN_POSITIVE,
        ] {
            assert_eq!(number(value), None, "{value}");
        }
    }
}
