//! Tests of sidecars, in the manner of the programs that write them.

use serde_json::{Value, json};

use super::builders::{self, alternative, bag, list};
use super::context;
use crate::{
    Camera, CaptureTime, DateSource, MAX_SIDECAR_BYTES, PhotoRecord, SidecarExtraction,
    SidecarFormat, SidecarMetadata, extract_sidecar, extract_sidecar_tags,
};

fn read_xmp(bytes: &[u8]) -> SidecarExtraction {
    extract_sidecar(bytes, SidecarFormat::Xmp, context().latest_credible_time)
}

fn read_takeout(json: &str) -> SidecarExtraction {
    let latest = context().latest_credible_time;
    extract_sidecar(json.as_bytes(), SidecarFormat::Takeout, latest)
}

/// Returns an XMP sidecar with these attributes and elements of its description.
fn xmp(attributes: &str, elements: &str) -> String {
    let packet = builders::xmp(attributes, elements);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{packet}\n")
}

/// The record of a photo, as its file gives it.
fn photo() -> PhotoRecord {
    let record = json!({
        "takenAtLocal": "2018-02-01T09:41:07.670", "dateSource": "DateTimeOriginal",
        "datePrecision": "subsecond", "offset": "+01:00", "offsetSource": "OffsetTimeOriginal",
        "width": 6000, "height": 4000,
        "camera": {"slug": "nikon-d750", "name": "Nikon D750", "make": "NIKON CORPORATION", "model": "NIKON D750"},
        "lens": {"slug": "50mm", "name": "50mm", "model": "50mm"},
        "exposure": {"time": "1/250", "seconds": 0.004, "iso": 100, "fNumber": 2.8},
        "location": {"lat": 50.0, "lon": 10.0, "alt": 31.0, "precision": "exact"},
        "place": {"city": "Kyoto", "country": "Japan"},
        "title": "Of the file", "caption": "Of the file", "keywords": ["one", "two"],
        "people": ["Anna"], "rating": 2, "label": "Red", "copyright": "(c) me",
        "filmSimulation": "Provia", "driveMode": "Single",
    });
    serde_json::from_value(record).expect("a record")
}

/// Returns the record of the photo after the sidecar was applied.
fn applied(sidecar: &SidecarExtraction) -> PhotoRecord {
    let mut record = photo();
    sidecar.metadata.apply_to(&mut record);
    let mut again = record.clone();
    sidecar.metadata.apply_to(&mut again);
    assert_eq!(again, record);
    record
}

/// Returns the wall-clock time and the source of a capture time.
fn date(capture: &CaptureTime) -> (Option<String>, Option<DateSource>) {
    (capture.local_text(), capture.date_source)
}

fn gap(sidecar: &SidecarExtraction) -> Option<&str> {
    sidecar.labels.gap.as_deref()
}

#[test]
fn sidecar_of_lightroom_replaces_the_fields_that_it_has() {
    let sidecar = xmp(
        r#"tiff:Make="NIKON CORPORATION" tiff:Model="NIKON D750" tiff:ImageWidth="99" tiff:Orientation="8"
        exif:ExposureTime="1/125" exif:FNumber="40/10" exif:DateTimeOriginal="2018-02-01T09:41:07.67"
        exif:PixelXDimension="99" aux:SerialNumber="123" aux:Lens="24.0-70.0 mm f/2.8"
        xmp:Rating="5" xmp:Label="Blau" xmp:ModifyDate="2024-01-02T03:04:05+02:00" xmp:CreateDate="2018-02-01T09:41:07.67"
        xmp:MetadataDate="2024-01-02T03:04:05+02:00" photoshop:DateCreated="2018-02-01T09:41:07.67"
        photoshop:City="Nara" crs:RawFileName="IMG.NEF" crs:HasSettings="True""#,
        &[
            alternative("dc:title", "Nacht"),
            alternative("dc:description", "Line one\nLine two"),
            bag("dc:subject", &["Kyoto", "Places"]),
            bag("lr:hierarchicalSubject", &["Places|Japan|Kyoto"]),
            list("dc:creator", "Seq", &["Mia"]),
            alternative("dc:rights", "© Mia"),
        ]
        .concat(),
    );
    let sidecar = read_xmp(sidecar.as_bytes());
    assert_eq!(
        (gap(&sidecar), sidecar.warnings.as_slice()),
        (None, &[][..])
    );
    assert_eq!(
        sidecar.labels.keywords,
        ["Kyoto", "Places", "Places|Japan|Kyoto"]
    );
    assert_eq!(sidecar.labels.rating, Some(5));
    let record = applied(&sidecar);
    assert_eq!(
        (record.title.as_deref(), record.caption.as_deref()),
        (Some("Nacht"), Some("Line one\nLine two"))
    );
    assert_eq!(record.keywords, ["Kyoto", "Places", "Places|Japan|Kyoto"]);
    assert_eq!(
        (
            record.rating,
            record.label.as_deref(),
            record.artist.as_deref()
        ),
        (Some(5), Some("Blau"), Some("Mia"))
    );
    assert_eq!(record.copyright.as_deref(), Some("© Mia"));
    let exposure = &record.exposure;
    assert_eq!(
        (exposure.time.as_deref(), exposure.f_number, exposure.iso),
        (Some("1/125"), Some(4.0), Some(100))
    );
    let lens = record.lens.map(|lens| lens.name);
    assert_eq!(lens.as_deref(), Some("24.0-70.0 mm f/2.8"));
    // The place is replaced as a whole, so the country of the file is gone.
    let place = record.place.expect("a place");
    assert_eq!((place.city.as_deref(), place.country), (Some("Nara"), None));
    // The rest is that of the file.
    assert_eq!((record.width, record.height), (Some(6000), Some(4000)));
    assert_eq!(
        (record.people, record.capture),
        (photo().people, photo().capture)
    );
    assert_eq!(record.location, photo().location);
    assert_eq!(record.film_simulation.as_deref(), Some("Provia"));
}

#[test]
fn sidecar_of_darktable_keeps_the_exact_time() {
    let sidecar = xmp(
        r#"exif:DateTimeOriginal="2018:02:01 09:41:07" xmp:Rating="3" darktable:xmp_version="5"
        darktable:import_timestamp="63849" darktable:raw_params="0" exif:GPSLatitude="50,0.000000N"
        exif:GPSLongitude="10,0.000000E""#,
        &[
            list(
                "dc:subject",
                "Seq",
                &["darktable", "exported", "format", "nef", "Nara"],
            ),
            list(
                "lr:hierarchicalSubject",
                "Seq",
                &["darktable|exported", "darktable|format|nef", "Places|Nara"],
            ),
            list("darktable:colorlabels", "Seq", &["1"]),
            r#"<darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="flip"
            darktable:params="ffffffff" darktable:multi_name=""/></rdf:Seq></darktable:history>"#
                .to_owned(),
        ]
        .concat(),
    );
    let sidecar = read_xmp(sidecar.as_bytes());
    assert_eq!(gap(&sidecar), None);
    assert!(
        sidecar
            .labels
            .keywords
            .contains(&"darktable|exported".to_owned())
    );
    let record = applied(&sidecar);
    assert_eq!(record.capture, photo().capture);
    assert_eq!(record.keywords, ["Nara", "Places|Nara"]);
    assert_eq!(
        (record.rating, record.location),
        (Some(3), photo().location)
    );
    assert_eq!(record.camera, photo().camera);
}

#[test]
fn sidecar_of_capture_one_has_other_prefixes() {
    let sidecar = r#"<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Public XMP Toolkit Core 3.5"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xap="http://ns.adobe.com/xap/1.0/"><xap:Rating>4</xap:Rating><xap:Label>Green</xap:Label></rdf:Description>
<rdf:Description rdf:about="" xmlns:lightroom="http://ns.adobe.com/lightroom/1.0/"><lightroom:hierarchicalSubject>
<rdf:Bag><rdf:li>Event|Wedding</rdf:li></rdf:Bag></lightroom:hierarchicalSubject></rdf:Description>
<rdf:Description rdf:about="" xmlns:core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"><core:Location>Gion</core:Location></rdf:Description>
</rdf:RDF></x:xmpmeta>"#;
    let sidecar = read_xmp(sidecar.as_bytes());
    assert_eq!(gap(&sidecar), None);
    let record = applied(&sidecar);
    assert_eq!(
        (record.rating, record.label.as_deref()),
        (Some(4), Some("Green"))
    );
    assert_eq!(record.keywords, ["Event|Wedding"]);
    assert_eq!(record.capture, photo().capture);
}

#[test]
fn sidecar_of_digikam_has_tags_and_people() {
    let sidecar = xmp(
        r#"xmp:Rating="-1" digiKam:PickLabel="1" digiKam:ColorLabel="2" xmp:CreateDate="2018-02-01T09:41:07""#,
        &[
            list("digiKam:TagsList", "Seq", &["Places/Japan", "People/Ben"]),
            bag("Iptc4xmpExt:PersonInImage", &["Ben"]),
        ]
        .concat(),
    );
    let sidecar = read_xmp(sidecar.as_bytes());
    assert_eq!(sidecar.labels.rating, Some(-1));
    let record = applied(&sidecar);
    assert_eq!(
        (record.rating, record.people),
        (Some(-1), vec!["Ben".to_owned()])
    );
    assert_eq!(record.keywords, ["Places|Japan", "People|Ben"]);
    // The date of the digitisation is worse than that of the original.
    assert_eq!(record.capture, photo().capture);
}

#[test]
fn edited_date_replaces_that_of_the_file() {
    let after = |attributes: &str| {
        let sidecar = xmp(attributes, "");
        date(&applied(&read_xmp(sidecar.as_bytes())).capture)
    };
    let kept = (
        Some("2018-02-01T09:41:07.670".to_owned()),
        Some(DateSource::DateTimeOriginal),
    );
    let original = Some(DateSource::XmpDateTimeOriginal);
    for (attributes, expected) in [
        (
            r#"exif:DateTimeOriginal="2018-02-01T10:41:07""#,
            (Some("2018-02-01T10:41:07".to_owned()), original),
        ),
        (
            r#"exif:DateTimeOriginal="1985-06""#,
            (Some("1985-06".to_owned()), original),
        ),
        (r#"exif:DateTimeOriginal="2018-02""#, kept.clone()),
        (
            r#"exif:DateTimeOriginal="0000:00:00 00:00:00""#,
            kept.clone(),
        ),
        (
            r#"exif:DateTimeOriginal="2002:12:08 12:00:00""#,
            kept.clone(),
        ),
        // This is after the latest credible time.
        (
            r#"exif:DateTimeOriginal="2031:01:01 00:00:00""#,
            kept.clone(),
        ),
        (r#"xmp:CreateDate="2024-05-05T05:05:05""#, kept.clone()),
        (r#"exif:GPSTimeStamp="2024-05-05T05:05:05Z""#, kept.clone()),
        (r#"xmp:ModifyDate="2024-05-05T05:05:05""#, kept),
    ] {
        assert_eq!(after(attributes), expected, "{attributes}");
    }
}

#[test]
fn date_of_the_sidecar_needs_no_date_in_the_file() {
    let sidecar = xmp(r#"exif:DateTimeOriginal="2018-02-01T09:41:07+01:00""#, "");
    let mut record = PhotoRecord::default();
    read_xmp(sidecar.as_bytes()).metadata.apply_to(&mut record);
    let expected = json!({"dateSource": "exif:DateTimeOriginal", "offset": "+01:00",
        "offsetSource": "exif:DateTimeOriginal", "takenAt": "2018-02-01T08:41:07Z"});
    let stored = serde_json::to_value(record.capture).expect("JSON");
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&stored[name], value);
    }
    // The name of a sidecar is not known here, so no date comes from it.
    let undated = read_xmp(xmp(r#"xmp:Rating="1""#, "").as_bytes());
    assert_eq!(undated.metadata.record.capture, CaptureTime::default());
}

#[test]
fn placeholders_and_boilerplates_replace_nothing() {
    let sidecar = xmp(
        r#"tiff:Make="Unknown" tiff:Model="N/A" aux:Lens="----" xmp:Label="None" xmp:Rating="7"
        exif:FNumber="0/1" exif:ISOSpeedRatings="0" exif:GPSLatitude="0,0.0N" exif:GPSLongitude="0,0.0E""#,
        &[
            alternative("dc:title", "NIKON D750"),
            alternative("dc:description", "OLYMPUS DIGITAL CAMERA"),
            bag("dc:subject", &[" "]),
        ]
        .concat(),
    );
    let sidecar = read_xmp(sidecar.as_bytes());
    assert_eq!(applied(&sidecar), photo());
}

#[test]
fn stored_sidecar_has_no_empty_values() {
    fn has_empty_value(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(values) => values.is_empty() || values.iter().any(has_empty_value),
            Value::Object(fields) => fields.is_empty() || fields.values().any(has_empty_value),
            _ => false,
        }
    }
    let empty = read_xmp(xmp("", "").as_bytes()).metadata;
    assert_eq!(
        serde_json::to_value(&empty).expect("JSON"),
        json!({"format": "xmp"})
    );
    let full = SidecarMetadata {
        format: SidecarFormat::Takeout,
        record: photo(),
    };
    for metadata in [empty, full] {
        let stored = serde_json::to_value(&metadata).expect("JSON");
        assert!(!has_empty_value(&stored), "{stored}");
        let read: SidecarMetadata = serde_json::from_value(stored).expect("metadata");
        assert_eq!(read, metadata);
    }
    let rated = read_xmp(xmp(r#"xmp:Rating="4""#, "").as_bytes()).metadata;
    assert_eq!(
        serde_json::to_value(&rated).expect("JSON"),
        json!({"format": "xmp", "record": {"rating": 4}})
    );
}

#[test]
fn every_encoding_is_read() {
    let sidecar = xmp("", &alternative("dc:title", "Zürich 東京"));
    let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{sidecar}")
            .encode_utf16()
            .flat_map(unit)
            .collect()
    };
    for bytes in [
        sidecar.as_bytes().to_vec(),
        format!("\u{feff}{sidecar}").into_bytes(),
        utf16(u16::to_be_bytes),
        utf16(u16::to_le_bytes),
    ] {
        let read = read_xmp(&bytes);
        assert_eq!(read.metadata.record.title.as_deref(), Some("Zürich 東京"));
        assert_eq!(gap(&read), None);
    }
    let json = "\u{feff}{\"title\": \"a.jpg\", \"description\": \"Zürich\"}";
    let json16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [json.as_bytes(), &json16] {
        let latest = context().latest_credible_time;
        let read = extract_sidecar(bytes, SidecarFormat::Takeout, latest);
        assert_eq!(read.metadata.record.caption.as_deref(), Some("Zürich"));
    }
}

#[test]
fn broken_sidecar_has_a_gap_and_a_warning() {
    let sound = xmp(r#"xmp:Rating="4""#, &bag("dc:subject", &["Private"]));
    let end = sound.find("</x:xmpmeta>").expect("the end");
    for cut in 0..end {
        let broken = read_xmp(sound.get(..cut).unwrap_or_default().as_bytes());
        assert!(gap(&broken).is_some(), "{cut}");
        assert!(!broken.warnings.is_empty(), "{cut}");
    }
    let after_rating = sound.find("<dc:subject>").expect("keywords");
    let kept = read_xmp(sound.get(..after_rating).expect("text").as_bytes());
    assert_eq!(kept.metadata.record.rating, Some(4));
    for (bytes, reason) in [
        (&b""[..], "sidecar that is empty"),
        (b" \r\n\0", "sidecar that is empty"),
        (b"\xef\xbb\xbf", "sidecar that is empty"),
        (b"{}", "sidecar that is not XMP"),
        (b"\xff\xd8\xff\xe1", "sidecar that is not XMP"),
        (
            b"<svg xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>x</dc:title></svg>",
            "sidecar that is not XMP",
        ),
    ] {
        let read = read_xmp(bytes);
        assert_eq!(gap(&read), Some(reason));
        assert_eq!(read.warnings[0], reason);
        assert_eq!(read.metadata.record, PhotoRecord::default());
    }
}

#[test]
fn larger_sidecar_than_the_maximum_has_a_gap() {
    let max = MAX_SIDECAR_BYTES as usize;
    let mut sidecar = xmp(r#"xmp:Rating="4""#, "").into_bytes();
    sidecar.resize(max, b' ');
    let whole = read_xmp(&sidecar);
    assert_eq!((gap(&whole), whole.labels.rating), (None, Some(4)));
    sidecar.push(b' ');
    let larger = read_xmp(&sidecar);
    assert_eq!(gap(&larger), Some("sidecar that is too large"));
    assert_eq!(larger.labels.rating, Some(4));
    let takeout = format!(r#"{{"title": "{}"}}"#, "x".repeat(256 << 10));
    let larger = read_takeout(&takeout);
    assert_eq!(gap(&larger), Some("sidecar that is too large"));
}

#[test]
fn sidecar_that_needs_too_much_work_has_a_gap() {
    let many = xmp("", &"<x:a/>".repeat(500_000));
    let read = read_xmp(many.as_bytes());
    assert!(gap(&read).is_some() && !read.warnings.is_empty());
    let attributes: String = (0..20_000).map(|n| format!(r#" crs:a{n}="1""#)).collect();
    let read = read_xmp(xmp(&attributes, "").as_bytes());
    assert!(gap(&read).is_some());
}

#[test]
fn any_bytes_are_read() {
    let mut random = fastrand::Rng::with_seed(7);
    let seeds = [
        xmp(r#"xmp:Rating="4" exif:DateTimeOriginal="2018:02:01 09:41:07""#, &alternative("dc:title", "a")),
        r#"{"title": "a", "photoTakenTime": {"timestamp": "1517474467"}, "people": [{"name": "Anna"}]}"#
            .to_owned(),
    ];
    let latest = context().latest_credible_time;
    for _ in 0..2_000 {
        let mut bytes = random.choice(&seeds).expect("a seed").clone().into_bytes();
        if random.bool() {
            bytes.truncate(random.usize(..bytes.len()));
        }
        for _ in 0..random.usize(..8) {
            if !bytes.is_empty() {
                let place = random.usize(..bytes.len());
                bytes[place] = random.u8(..);
            }
        }
        for format in [SidecarFormat::Xmp, SidecarFormat::Takeout] {
            let read = extract_sidecar(&bytes, format, latest);
            read.metadata.apply_to(&mut photo());
            assert!(gap(&read).is_none() || !read.warnings.is_empty());
        }
    }
}

#[test]
fn sidecar_of_takeout_adds_what_is_missing() {
    let sidecar = read_takeout(
        r#"{"title": "IMG_20190101_1.jpg", "description": "At\r\nnight", "imageViews": "3",
        "creationTime": {"timestamp": "1700000000", "formatted": "…"},
        "photoTakenTime": {"timestamp": "1517527800", "formatted": "Feb 1, 2018, 11:30:00 PM UTC"},
        "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0, "latitudeSpan": 0.0, "longitudeSpan": 0.0},
        "geoDataExif": {"latitude": 35.0, "longitude": 135.75, "altitude": 0.0, "latitudeSpan": 0.0, "longitudeSpan": 0.0},
        "people": [{"name": "Anna"}, {"name": "Ben"}, {"name": "Anna"}, {}, 7], "favorited": true,
        "url": "https://photos.google.com/photo/x", "googlePhotosOrigin": {"mobileUpload": {}}}"#,
    );
    assert_eq!((gap(&sidecar), sidecar.warnings.len()), (None, 0));
    assert_eq!(sidecar.labels, crate::FileLabels::default());
    assert_eq!(applied(&sidecar), photo());
    let mut empty = PhotoRecord::default();
    sidecar.metadata.apply_to(&mut empty);
    let stored = serde_json::to_value(&sidecar.metadata).expect("JSON");
    assert_eq!(
        stored,
        json!({"format": "takeout", "record": {
            "date": "2018-02-01", "takenAtLocal": "2018-02-01", "dateSource": "TakeoutUTC",
            "datePrecision": "day", "caption": "At\nnight", "people": ["Anna", "Ben"],
            "location": {"lat": 35.0, "lon": 135.75, "precision": "exact"},
        }})
    );
    assert_eq!(empty, sidecar.metadata.record);
}

#[test]
fn position_of_takeout_is_that_of_a_person_first() {
    let location = |places: Value| {
        let json = json!({"title": "a.jpg", "geoData": places[0], "geoDataExif": places[1]});
        let location = read_takeout(&json.to_string()).metadata.record.location?;
        Some((location.lat, location.lon, location.alt))
    };
    let place =
        |lat: f64, lon: f64, alt: f64| json!({"latitude": lat, "longitude": lon, "altitude": alt});
    let none = place(0.0, 0.0, 0.0);
    for (places, expected) in [
        (
            json!([place(1.0, 2.0, 3.0), place(4.0, 5.0, 6.0)]),
            Some((1.0, 2.0, Some(3.0))),
        ),
        (json!([none, place(4.0, 5.0, 0.0)]), Some((4.0, 5.0, None))),
        (json!([none, none]), None),
        (
            json!([place(91.0, 2.0, 3.0), place(0.0, 5.0, 0.0)]),
            Some((0.0, 5.0, None)),
        ),
        (json!([{"latitude": "1"}, 7]), None),
    ] {
        assert_eq!(location(places.clone()), expected, "{places}");
    }
}

#[test]
fn timestamp_of_takeout_is_a_day_in_utc() {
    let day = |timestamp: Value| {
        let json = json!({"photoTakenTime": {"timestamp": timestamp}});
        read_takeout(&json.to_string())
            .metadata
            .record
            .capture
            .local_text()
    };
    for (timestamp, expected) in [
        (json!("1517529600"), Some("2018-02-02")),
        (json!("1517529599"), Some("2018-02-01")),
        (json!(1_517_529_599), Some("2018-02-01")),
        (json!(1_517_529_599.5), Some("2018-02-01")),
        (json!("-86400"), Some("1969-12-31")),
        (json!("0"), None),
        (json!("-9999999999999"), None),
        (json!("9223372036854775807"), None),
        (json!(1e300), None),
        (json!("4000000000"), None),
        (json!("soon"), None),
        (json!(null), None),
    ] {
        assert_eq!(day(timestamp.clone()).as_deref(), expected, "{timestamp}");
    }
}

#[test]
fn caption_of_takeout_is_cleaned() {
    let read = |description: &str| {
        read_takeout(&json!({"title": "a.jpg", "description": description}).to_string())
    };
    assert_eq!(read("").metadata.record.caption, None);
    assert_eq!(read("OLYMPUS DIGITAL CAMERA").metadata.record.caption, None);
    let hidden = read("a\u{202e}b\u{7}").metadata.record.caption;
    assert_eq!(hidden.as_deref(), Some("ab"));
    let long = read(&"é".repeat(5_000));
    let caption = long.metadata.record.caption.expect("a caption");
    assert_eq!((caption.chars().count(), long.warnings.len()), (4_000, 1));
    // Google Photos copies the description of a file, which may be the name of its camera.
    let mut record = PhotoRecord {
        camera: Some(Camera {
            model: Some("NIKON D750".to_owned()),
            ..Camera::default()
        }),
        ..PhotoRecord::default()
    };
    read("NIKON D750").metadata.apply_to(&mut record);
    assert_eq!(record.caption, None);
}

#[test]
fn json_that_is_not_of_takeout_has_a_gap() {
    for json in [
        "{}",
        "[]",
        "null",
        r#"{"description": "x", "people": [{"name": "Anna"}]}"#,
        r#"{"photoTakenTime": 7, "title": null}"#,
    ] {
        let read = read_takeout(json);
        let reason = "sidecar that is not a JSON of Google Takeout";
        assert_eq!(
            (gap(&read), read.warnings[0].as_str()),
            (Some(reason), reason)
        );
        assert_eq!(read.metadata.record, PhotoRecord::default());
    }
    let deep = "[".repeat(100_000);
    for broken in ["", " ", "{", r#"{"title": "a.jpg""#, "<x/>", deep.as_str()] {
        let read = read_takeout(broken);
        assert!(
            gap(&read).is_some() && !read.warnings.is_empty(),
            "{broken:.9}"
        );
    }
}

#[test]
fn order_of_two_sidecars_does_not_matter() {
    let takeout = read_takeout(
        r#"{"title": "a.jpg", "description": "of Google", "photoTakenTime": {"timestamp": "1517474467"}}"#,
    );
    let xmp = read_xmp(
        xmp(
            r#"xmp:CreateDate="2018-03-03T10:00:00""#,
            &alternative("dc:description", "mine"),
        )
        .as_bytes(),
    );
    let after = |sidecars: [&SidecarExtraction; 2]| {
        let mut record = PhotoRecord::default();
        for sidecar in sidecars {
            sidecar.metadata.apply_to(&mut record);
        }
        record
    };
    let record = after([&takeout, &xmp]);
    assert_eq!(record, after([&xmp, &takeout]));
    assert_eq!(record.caption.as_deref(), Some("mine"));
    assert_eq!(date(&record.capture).1, Some(DateSource::XmpCreateDate));
}

#[test]
fn tags_of_a_sidecar_have_the_names_of_exiftool() {
    let sidecar = xmp(r#"xmp:Rating="4""#, &bag("dc:subject", &["a", "b"]));
    let tags = extract_sidecar_tags(sidecar.as_bytes(), SidecarFormat::Xmp);
    let tags = serde_json::to_value(tags).expect("JSON");
    assert_eq!(tags["XMP-dc"]["Subject"], json!(["a", "b"]));
    assert_eq!(tags["XMP-xmp"]["Rating"], "4");
    assert!(extract_sidecar_tags(b"{}", SidecarFormat::Takeout).is_empty());
}
