//! Reads the JSON that Google Takeout writes for each photo of Google Photos.
//!
//! The JSON has what Google Photos knows of a photo, and what a person wrote there. Much of it is
//! copied from the file, or guessed. So it only adds what the file lacks.

use chrono::{DateTime, Datelike, NaiveDateTime};
use encoding_rs::UTF_8;
use serde_json::Value;

use super::boilerplate::{CameraNames, is_boilerplate};
use super::capture::{FIRST_YEAR, is_dead_clock};
use super::capture_time::{CaptureTime, DateSource};
use super::date_kind::apply_takeout_date;
use super::description::cut_long_text;
use super::labels::FileLabels;
use super::location::Location;
use super::people::limit_people;
use super::position::is_possible;
use super::record::{PhotoRecord, storable_number};
use super::sidecar_fields::camera_names;
use super::text::clean_lines;

/// The gap of a JSON that is not from Google Takeout.
const NOT_TAKEOUT: &str = "sidecar that is not a JSON of Google Takeout";

/// Reads the record of a sidecar of Google Takeout. Adds a warning for each problem. The labels
/// have a gap if the sidecar could not be read. Takeout has no keywords, and its `favorited` is no
/// rating.
pub(crate) fn read_takeout_sidecar(
    bytes: &[u8],
    latest_credible_time: NaiveDateTime,
    warnings: &mut Vec<String>,
) -> (PhotoRecord, FileLabels) {
    let unread = |reason: String| {
        let labels = FileLabels {
            gap: Some(reason),
            ..FileLabels::default()
        };
        (PhotoRecord::default(), labels)
    };
    // A byte order mark decides about the encoding. Without one, it is UTF-8.
    let (text, _, _) = UTF_8.decode(bytes);
    if text.trim().is_empty() {
        return unread("sidecar that is empty".to_owned());
    }
    // serde_json refuses values that are nested deeper than 128.
    let json: Value = match serde_json::from_str(&text) {
        Ok(json) => json,
        Err(error) => return unread(format!("JSON is broken: {error}")),
    };
    let is_takeout = json["photoTakenTime"].is_object() || json["title"].is_string();
    if !is_takeout {
        return unread(NOT_TAKEOUT.to_owned());
    }
    let places = [&json["geoData"], &json["geoDataExif"]];
    let people = json["people"].as_array().into_iter().flatten();
    let record = PhotoRecord {
        capture: read_day(&json["photoTakenTime"]["timestamp"], latest_credible_time)
            .unwrap_or_default(),
        location: places.into_iter().find_map(read_location),
        caption: read_caption(&json["description"], warnings),
        people: limit_people(people.filter_map(|one| one["name"].as_str()), warnings),
        ..PhotoRecord::default()
    };
    (record, FileLabels::default())
}

/// Returns the day in UTC of an instant: seconds since 1970, as a text or a number. The wall clock
/// at the place of the photo is not known, so the time of day is not used.
///
/// Returns `None` for a day that is not possible, and for the start of a dead clock: Google Photos
/// reads the time of a camera as UTC if it knows no time zone.
fn read_day(timestamp: &Value, latest_credible_time: NaiveDateTime) -> Option<CaptureTime> {
    let seconds = match timestamp {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_i64().or_else(|| Some(number.as_f64()? as i64))?,
    };
    let time = DateTime::from_timestamp(seconds, 0)?.naive_utc();
    let is_credible =
        time.year() >= FIRST_YEAR && time <= latest_credible_time && !is_dead_clock(time.into());
    is_credible.then(|| CaptureTime::new(time.date(), DateSource::TakeoutUtc, None))
}

/// Returns a position. Google Photos writes 0 for each number that it does not know. So the
/// position 0, 0 is none, and the altitude 0 is none.
fn read_location(place: &Value) -> Option<Location> {
    let number = |name: &str| place[name].as_f64().and_then(storable_number);
    let (lat, lon) = (number("latitude")?, number("longitude")?);
    is_possible((lat, lon)).then(|| Location {
        lat,
        lon,
        alt: number("altitude").filter(|&altitude| altitude != 0.0),
        ..Location::default()
    })
}

fn read_caption(description: &Value, warnings: &mut Vec<String>) -> Option<String> {
    let caption = clean_lines(description.as_str()?);
    let caption = caption.filter(|text| !is_boilerplate(text, CameraNames::default()));
    cut_long_text(caption, "caption", warnings)
}

/// Applies the record of a sidecar of Google Takeout: adds the fields that the photo lacks.
pub(crate) fn apply_takeout_record(sidecar: &PhotoRecord, record: &mut PhotoRecord) {
    apply_takeout_date(&mut record.capture, &sidecar.capture);
    if record.location.is_none() {
        record.location.clone_from(&sidecar.location);
    }
    if record.caption.is_none() {
        let names = camera_names(record.camera.as_ref());
        let caption = sidecar.caption.as_ref();
        record.caption = caption.filter(|text| !is_boilerplate(text, names)).cloned();
    }
    if record.people.is_empty() {
        record.people.clone_from(&sidecar.people);
    }
}
