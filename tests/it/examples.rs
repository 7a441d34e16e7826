//! Tests of the committed photos in `examples/photos`: their metadata and their archive keys. They
//! also check that the generator still makes the same bytes.

use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};
use photo_catalogue::archive::{self, ArchiveKey, KeyPlace, Layout, NameNumber};
use photo_catalogue::identity::{
    BytesRelation, KeyRelation, PictureRelation, ShotFacts, ShotRelation, ShotVerdict,
    SiblingFolders, compare_shots,
};
use photo_metadata::{Extraction, FileContext};

use test_support::example_photos as make_photos;

/// One photo and what the tests expect of it: file name, wall-clock time, offset, camera, lens, and
/// position.
type ExampleRow = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<(f64, f64)>,
);

#[rustfmt::skip]
const EXPECTED: [ExampleRow; 14] = [
    ("card1/DSC_0001.JPG", Some("2018-02-01T09:41:07.670"), None, Some("Nikon D750"), Some("24.0-120.0 mm f/4.0"), None),
    ("card2/DSC_0001.JPG", Some("2018-02-01T17:20:31.120"), None, Some("Nikon D750"), Some("50.0 mm f/1.8"), None),
    ("exports/P1020384.png", Some("2019-08-24T13:05:50"), None, Some("Panasonic DC-GX9"), Some("LUMIX G 20/F1.7 II"), None),
    ("fuji/DSCF2210.JPG", Some("2020-10-18T11:32:09"), None, Some("Fujifilm X-T4"), Some("XF16-55mmF2.8 R LM WR"), None),
    ("canon/IMG_2041.JPG", Some("2021-06-12T18:05:44.080"), Some("+02:00"), Some("Canon EOS R6"), Some("RF24-105mm F4 L IS USM"), None),
    ("sony/DSC04711.JPG", Some("2021-11-20T10:15:02"), Some("-03:00"), Some("Sony ILCE-7M3"), Some("FE 24-70mm F2.8 GM"), Some((-23.5874, -46.6576))),
    ("phone/IMG_0412.JPG", Some("2022-07-16T00:12:31.421"), Some("+02:00"), Some("Apple iPhone 12"), Some("iPhone 12 back dual wide camera 4.2mm f/1.6"), Some((52.5145, 13.3501))),
    ("phone/IMG_0977.JPG", Some("2023-04-09T12:48:19.903"), Some("+09:00"), Some("Apple iPhone 12"), Some("iPhone 12 back dual wide camera 4.2mm f/1.6"), Some((35.7148, 139.7737))),
    ("leica/L1000123.DNG", Some("2023-12-27T15:04:36.250"), None, Some("Leica Q2"), Some("SUMMILUX 1:1.7/28 ASPH."), None),
    ("leica/L1000123.JPG", Some("2023-12-27T15:04:36.250"), None, Some("Leica Q2"), Some("SUMMILUX 1:1.7/28 ASPH."), None),
    ("olympus/P6050077.JPG", Some("2024-06-05T19:59:59"), None, Some("Olympus E-M1MarkII"), Some("OLYMPUS M.12-40mm F2.8"), None),
    ("nikon/DSC_8210.JPG", Some("2024-08-12T07:30:55.350"), Some("-07:00"), Some("Nikon Z 6"), Some("NIKKOR Z 14-30mm f/4 S"), Some((37.7694, -122.4862))),
    ("received/20240229_121530.jpg", Some("2024-02-29T12:15:30"), None, None, None, None),
    ("received/from-a-friend.jpg", None, None, None, None, None),
];

fn committed(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/photos")
        .join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn latest_credible_time() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2025, 1, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .unwrap()
}

fn extract(file: &str) -> Extraction {
    let context = FileContext {
        file_name: file.rsplit('/').next().unwrap_or(file).to_owned(),
        latest_credible_time: latest_credible_time(),
    };
    photo_metadata::extract(&committed(file), context)
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Plans the first name of one file in the folder of examples.
fn planned(file: &str) -> ArchiveKey {
    let layout = Layout::new("inbox", "", "archive", "").unwrap();
    let Some(KeyPlace::Source(source)) = layout.place(&layout.source_bucket().object(file)) else {
        panic!("{file} is no source key");
    };
    let date = extract(file).photo.record.capture.local;
    archive::plan_names(&layout, source.object(), date).archive_key(NameNumber::FIRST)
}

#[test]
fn every_example_matches_the_table() {
    for (file, local, offset, camera, lens, place) in EXPECTED {
        let Extraction {
            photo, warnings, ..
        } = extract(file);
        let photo = photo.record;
        let capture = &photo.capture;
        assert_eq!(capture.local_text().as_deref(), local, "{file}");
        assert_eq!(
            capture.offset.map(|offset| offset.to_string()).as_deref(),
            offset,
            "{file}"
        );
        assert_eq!(
            photo.camera.as_ref().map(|c| c.name.as_str()),
            camera,
            "{file}"
        );
        assert_eq!(photo.lens.as_ref().map(|l| l.name.as_str()), lens, "{file}");
        let found = photo.location.as_ref().map(|l| (l.lat, l.lon));
        match (found, place) {
            (Some(found), Some(place)) => assert!(
                (found.0 - place.0).abs() < 1e-6 && (found.1 - place.1).abs() < 1e-6,
                "{file}: {found:?}"
            ),
            (found, place) => assert_eq!(found, place, "{file}"),
        }
        assert_eq!(warnings, [""; 0], "{file}");
    }
}

#[test]
fn every_committed_file_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    let mut found = Vec::new();
    let mut total_bytes = 0;
    for folder in std::fs::read_dir(&root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap();
            total_bytes += file.metadata().unwrap().len();
            let path = file.path();
            found.push(path.strip_prefix(&root).unwrap().display().to_string());
        }
    }
    let mut expected: Vec<_> = EXPECTED.iter().map(|row| row.0.to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(total_bytes < 300_000, "{total_bytes} bytes");
}

#[test]
fn a_shot_after_midnight_is_filed_under_the_local_day() {
    let capture = extract("phone/IMG_0412.JPG").photo.record.capture;
    assert_eq!(
        capture
            .instant()
            .map(|instant| instant.to_rfc3339())
            .as_deref(),
        Some("2022-07-15T22:12:31.421+00:00")
    );
    let key = planned("phone/IMG_0412.JPG");
    assert_eq!(key.as_str(), "2022-07-16/IMG_0412.JPG");
}

#[test]
fn one_name_on_one_day_is_two_photos() {
    let files = ["card1/DSC_0001.JPG", "card2/DSC_0001.JPG"];
    assert_eq!(planned(files[0]), planned(files[1]));
    assert_eq!(compared(files), ShotVerdict::Different);
}

/// Compares two files in the folder of examples: are they files of one shot?
fn compared(files: [&str; 2]) -> ShotVerdict {
    let photos = files.map(|file| extract(file).photo);
    let slots = files.map(|file| planned(file).slot());
    let facts = |index: usize| {
        let photo = &photos[index];
        let camera = photo.record.camera.as_ref();
        ShotFacts {
            slot: &slots[index],
            taken: photo.record.capture.metadata_second(),
            model: camera.and_then(|camera| camera.model.as_deref()),
            serial: photo.body_serial.as_deref(),
        }
    };
    let relation = ShotRelation {
        key: KeyRelation::Other,
        bytes: BytesRelation::Other,
        pictures: PictureRelation::Unknown,
        folders: SiblingFolders::default().relate(files[0], files[1]),
    };
    compare_shots(&facts(0), &facts(1), relation)
}

#[test]
fn a_raw_and_its_jpeg_are_one_photo_with_two_parts() {
    let (raw, jpeg) = (planned("leica/L1000123.DNG"), planned("leica/L1000123.JPG"));
    assert_eq!(raw.stem(), jpeg.stem());
    let files = ["leica/L1000123.DNG", "leica/L1000123.JPG"];
    assert_eq!(compared(files), ShotVerdict::Same);
    assert_eq!((raw.part(), jpeg.part()), ("DNG", "JPG"));
    assert_eq!(extract("leica/L1000123.DNG").format.name(), "DNG");
}

#[test]
fn a_date_in_the_file_name_counts() {
    let key = |file| planned(file).as_str().to_owned();
    assert_eq!(
        key("received/from-a-friend.jpg"),
        "undated/from-a-friend.jpg"
    );
    assert_eq!(
        key("received/20240229_121530.jpg"),
        "2024-02-29/20240229_121530.jpg"
    );
}

#[test]
fn width_and_height_follow_the_orientation() {
    let bytes = committed("phone/IMG_0977.JPG");
    let photo = extract("phone/IMG_0977.JPG").photo;
    let pixels = image::load_from_memory(&bytes).unwrap();
    assert_eq!(photo.orientation, Some(6));
    assert_eq!(
        (photo.record.width, photo.record.height),
        (Some(320), Some(480))
    );
    assert_eq!((pixels.width(), pixels.height()), (480, 320));
}

#[test]
fn texts_of_an_editor_are_read() {
    let photo = extract("fuji/DSCF2210.JPG").photo.record;
    assert_eq!(photo.title.as_deref(), Some("Beech wood in October"));
    assert_eq!(photo.keywords, ["autumn", "forest", "Buchenwald & Söhne"]);
    assert_eq!(photo.rating, Some(4));
}

#[test]
fn the_generator_makes_the_committed_files() {
    for shot in &make_photos::SHOTS {
        let made = make_photos::file(shot).unwrap();
        assert!(
            made == committed(shot.file),
            "{} differs: run cargo run --example make_photos and look at the change",
            shot.file
        );
    }
    assert_eq!(make_photos::SHOTS.len(), EXPECTED.len());
}
