//! Tests of the capture time over whole files: the order of the sources, dates that are known in
//! part, dead clocks, and offsets from UTC.

use serde_json::{Value, json};

use super::builders::{TestTiff, iptc_block, iptc_field, rationals, text_field, xmp, xmp_field};
use super::context;
use crate::{FileContext, extract};

const RATIONAL: u16 = 5;

/// A TIFF with some tags, and its name.
#[derive(Default)]
struct DatedFile {
    name: &'static str,
    file: TestTiff,
}

impl DatedFile {
    fn named(name: &'static str) -> Self {
        DatedFile {
            name,
            ..Self::default()
        }
    }

    fn original(mut self, text: &str) -> Self {
        self.file.exif.push(text_field(0x9003, text));
        self
    }

    fn digitized(mut self, text: &str) -> Self {
        self.file.exif.push(text_field(0x9004, text));
        self
    }

    fn modified(mut self, text: &str) -> Self {
        self.file.ifd0.push(text_field(0x0132, text));
        self
    }

    /// Adds an ASCII tag to the Exif IFD.
    fn exif_text(mut self, tag: u16, text: &str) -> Self {
        self.file.exif.push(text_field(tag, text));
        self
    }

    /// Adds an XMP packet with one property.
    fn xmp(mut self, name: &str, value: &str) -> Self {
        let packet = xmp("", &format!("<{name}>{value}</{name}>"));
        self.file.ifd0.push(xmp_field(&packet));
        self
    }

    /// Adds IPTC with the datasets 2:55 (date) and 2:60 (time).
    fn iptc(mut self, date: &str, time: &str) -> Self {
        let block = iptc_block(&[(2, 55, date), (2, 60, time)]);
        self.file.ifd0.push(iptc_field(&block));
        self
    }

    /// Adds the day and the time of the GPS receiver.
    fn gps_time(mut self, day: &str, time: [i32; 3]) -> Self {
        self.file.gps.push((7, RATIONAL, rationals(&time)));
        self.file.gps.push(text_field(29, day));
        self
    }

    /// Adds a position in whole degrees north and east.
    fn position(mut self, lat: i32, lon: i32) -> Self {
        self.file.gps.extend([
            text_field(1, "N"),
            (2, RATIONAL, rationals(&[lat, 0, 0])),
            text_field(3, "E"),
            (4, RATIONAL, rationals(&[lon, 0, 0])),
        ]);
        self
    }

    /// Returns the fields of the capture time with these names.
    fn read<const N: usize>(&self, fields: [&str; N]) -> [Value; N] {
        let context = FileContext {
            file_name: self.name.to_owned(),
            ..context()
        };
        let extraction = extract(&self.file.to_bytes(), context).expect("a TIFF");
        let json = serde_json::to_value(extraction.photo.record.capture).expect("JSON");
        fields.map(|field| json[field].clone())
    }

    /// Checks the capture time and its source.
    fn expect(&self, taken: &str, source: &str) {
        let read = self.read(["takenAtLocal", "dateSource"]);
        assert_eq!(read, [json!(taken), json!(source)]);
    }
}

fn file() -> DatedFile {
    DatedFile::named("DSC_0001.JPG")
}

#[test]
fn date_of_the_photo_is_before_the_date_of_its_scan() {
    let scan = || {
        file()
            .digitized("2020:03:04 10:00:00")
            .modified("2021:05:06 10:00:00")
    };
    scan().expect("2020-03-04T10:00:00", "DateTimeDigitized");
    for (name, text, taken) in [
        (
            "exif:DateTimeOriginal",
            "1985-06-01T09:00:00",
            "1985-06-01T09:00:00",
        ),
        ("photoshop:DateCreated", "1985-06-01", "1985-06-01"),
    ] {
        scan().xmp(name, text).expect(taken, name);
    }
    let digitized = scan().xmp("xmp:CreateDate", "2019-01-01T00:00:01");
    digitized.expect("2020-03-04T10:00:00", "DateTimeDigitized");
    scan()
        .iptc("19850601", "090000+0000")
        .expect("1985-06-01T09:00:00", "IPTC:DateCreated");
    let original = scan()
        .original("1985:06:01 09:00:00")
        .xmp("photoshop:DateCreated", "1999");
    original.expect("1985-06-01T09:00:00", "DateTimeOriginal");
}

#[test]
fn impossible_day_of_iptc_leaves_the_month() {
    for (text, taken) in [
        ("20180230", "2018-02"),
        ("20180200", "2018-02"),
        ("20180000", "2018"),
    ] {
        let file = file().iptc(text, "").modified("2021:05:06 10:00:00");
        file.expect(taken, "IPTC:DateCreated");
    }
    // Zeros stand for an unknown date, and hide no other one.
    let unknown = file().original("0000:00:00 00:00:00");
    let unknown = unknown.xmp("exif:DateTimeOriginal", "2011-11-11T11:11:11");
    unknown.expect("2011-11-11T11:11:11", "exif:DateTimeOriginal");
}

#[test]
fn part_of_the_original_date_is_better_than_the_day_of_an_edit() {
    let edited = || {
        file()
            .modified("2020:03:04 10:00:00")
            .digitized("2020:03:04 10:00:00")
    };
    for (text, precision) in [
        ("1985", "year"),
        ("1985-06", "month"),
        ("1985-06-14", "day"),
    ] {
        let read = edited()
            .xmp("photoshop:DateCreated", text)
            .read(["takenAtLocal", "datePrecision"]);
        assert_eq!(read, [json!(text), json!(precision)]);
    }
    edited()
        .iptc("19850000", "")
        .expect("1985", "IPTC:DateCreated");
    edited()
        .original("1985:06:00 00:00:00")
        .expect("1985-06", "DateTimeOriginal");
}

#[test]
fn impossible_part_is_replaced_by_a_sound_date_of_the_same_period() {
    let broken = || {
        file()
            .original("2018:02:30 10:00:00")
            .modified("2023:05:05 10:00:00")
    };
    broken().expect("2018-02", "DateTimeOriginal");
    let sound = broken().digitized("2018:02:28 10:00:00");
    sound.expect("2018-02-28T10:00:00", "DateTimeDigitized");
    let other_year = broken().digitized("2019:02:28 10:00:00");
    other_year.expect("2018-02", "DateTimeOriginal");
    // An unknown part is not a broken one: the scan of a photo of 2018 may be of the same year.
    let unknown = file()
        .original("2018:00:00 00:00:00")
        .digitized("2018:12:30 10:00:00");
    unknown.expect("2018", "DateTimeOriginal");
    let odd = file()
        .original("2019:01:01 24:04:20")
        .modified("2023:05:05 10:00:00");
    odd.expect("2019-01-01T00:04:20", "DateTimeOriginal");
}

#[test]
fn day_of_the_gps_receiver_is_better_than_the_day_of_an_edit() {
    let read = file()
        .gps_time("2020:01:31", [16, 30, 0])
        .modified("2024:05:05 10:00:00")
        .read([
            "takenAtLocal",
            "date",
            "dateSource",
            "datePrecision",
            "takenAt",
        ]);
    let day = json!("2020-01-31");
    assert_eq!(
        read,
        [
            day.clone(),
            day,
            json!("GPSDateStamp"),
            json!("day"),
            Value::Null
        ]
    );
    let named = DatedFile::named("IMG_20200131_180000.jpg").gps_time("2020:01:31", [16, 30, 0]);
    named.expect("2020-01-31", "GPSDateStamp");
    let epoch = file()
        .gps_time("1980:01:06", [0, 0, 0])
        .modified("2024:05:05 10:00:00");
    epoch.expect("2024-05-05T10:00:00", "DateTime");
    file()
        .xmp("exif:GPSTimeStamp", "2020-01-31T16:30:00Z")
        .expect("2020-01-31", "GPSDateStamp");
}

#[test]
fn date_of_a_dead_clock_is_used_only_without_a_better_date() {
    let dead = |name| {
        let text = "2002:12:08 12:00:00";
        DatedFile::named(name)
            .original(text)
            .digitized(text)
            .modified("2013:07:14 10:00:00")
    };
    dead("IMG_20130712_165427.jpg").expect("2013-07-12T16:54:27", "FileName");
    dead("DSC_0001.JPG").expect("2002-12-08T12:00:00", "DateTimeOriginal");
    let dated = dead("DSC_0001.JPG").xmp("photoshop:DateCreated", "2013-07-12");
    dated.expect("2013-07-12", "photoshop:DateCreated");
    // Every other time of this day is used.
    let believed = DatedFile::named("IMG_20130712_165427.jpg").original("2002:12:08 12:00:01");
    believed.expect("2002-12-08T12:00:01", "DateTimeOriginal");
}

#[test]
fn fraction_of_a_second_is_counted_once() {
    let twice = file()
        .original("2018:05:25 07:13:09.978")
        .exif_text(0x9291, "977");
    twice.expect("2018-05-25T07:13:09.978", "DateTimeOriginal");
    let once = file()
        .original("2018:05:25 07:13:09")
        .exif_text(0x9291, "977");
    once.expect("2018-05-25T07:13:09.977", "DateTimeOriginal");
    let none = file()
        .original("2018:05:25 07:13:09")
        .read(["datePrecision"]);
    assert_eq!(none, [json!("second")]);
}

#[test]
fn offset_from_gps_must_exist_at_the_longitude() {
    let offset = |file: DatedFile| file.original("2023:09:23 10:20:00").read(["offset"]);
    let berlin = |time| file().gps_time("2023:09:23", time).position(52, 13);
    assert_eq!(offset(berlin([8, 20, 0])), [json!("+02:00")]);
    for old_fix in [[7, 50, 0], [7, 20, 0], [6, 20, 0], [23, 20, 0]] {
        assert_eq!(offset(berlin(old_fix)), [Value::Null], "{old_fix:?}");
    }
    let delhi = file().gps_time("2023:09:23", [4, 50, 0]).position(28, 77);
    assert_eq!(offset(delhi), [json!("+05:30")]);
    // Without a position, it is unknown whether the fix is old.
    assert_eq!(
        offset(file().gps_time("2023:09:23", [8, 20, 0])),
        [Value::Null]
    );
    let mut void = berlin([8, 20, 0]);
    void.file.gps.push(text_field(9, "V"));
    assert_eq!(offset(void), [Value::Null]);
}

#[test]
fn offset_belongs_to_its_date() {
    let read = |file: DatedFile| file.read(["offset", "offsetSource"]);
    let tagged = |tag| {
        file()
            .original("2018:02:01 09:41:07")
            .exif_text(tag, "+01:00")
    };
    assert_eq!(
        read(tagged(0x9011)),
        [json!("+01:00"), json!("OffsetTimeOriginal")]
    );
    assert_eq!(read(tagged(0x9010)), [Value::Null, Value::Null]);
    let unedited = tagged(0x9010).modified("2018:02:01 09:41:07");
    assert_eq!(read(unedited), [json!("+01:00"), json!("OffsetTime")]);
    let edited = tagged(0x9010).modified("2018:02:03 09:41:07");
    assert_eq!(read(edited), [Value::Null, Value::Null]);
    let own = file().xmp("photoshop:DateCreated", "2018-02-01T09:41:07-05:00");
    let own = own.exif_text(0x9011, "+01:00");
    assert_eq!(read(own), [json!("-05:00"), json!("photoshop:DateCreated")]);
    let day = file()
        .xmp("photoshop:DateCreated", "2018-02-01")
        .exif_text(0x9011, "+01:00");
    assert_eq!(read(day), [Value::Null, Value::Null]);
}

#[test]
fn dates_in_the_future_are_ignored() {
    let future = file()
        .original("2099:01:01 10:00:00")
        .modified("2020:05:05 10:00:00");
    future.expect("2020-05-05T10:00:00", "DateTime");
    file()
        .original("1000:01:01 10:00:00")
        .modified("2020:05:05 10:00:00")
        .expect("2020-05-05T10:00:00", "DateTime");
    let none = file()
        .original("0000:00:00 00:00:00")
        .read(["takenAtLocal", "datePrecision"]);
    assert_eq!(none, [Value::Null, Value::Null]);
}

#[test]
fn date_of_digitisation_has_its_own_offset() {
    let scan = DatedFile::default()
        .digitized("2020:03:04 10:00:00")
        .exif_text(0x9011, "+09:00")
        .exif_text(0x9012, "+01:00");
    let read = scan.read(["takenAtLocal", "offset", "offsetSource"]);
    let expected = ["2020-03-04T10:00:00", "+01:00", "OffsetTimeDigitized"];
    assert_eq!(read, expected.map(|text| json!(text)));
}
