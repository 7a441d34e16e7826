//! Values of maker notes: time zones, serial numbers, ISO speeds and the names of modes.

use chrono::FixedOffset;

use super::{NotePhoto, absolute_directory, canon_photo, canon_settings, lens_of, note_directory};
use crate::OffsetSource;
use crate::tests::builders::{TestField, ascii, longs, shorts};

fn canon_with(entry: TestField) -> NotePhoto {
    canon_photo(absolute_directory(0, &[entry]))
}

fn nikon_with(entry: TestField) -> NotePhoto {
    let note = absolute_directory(0, &[entry]);
    NotePhoto::new("NIKON CORPORATION", "NIKON D300", note)
}

fn offset_text(photo: &NotePhoto) -> Option<String> {
    photo
        .photo()
        .record
        .capture
        .offset
        .map(|offset| offset.to_string())
}

#[test]
fn the_zone_of_canon_contains_daylight_saving_time() {
    let zone = |minutes, city, daylight| {
        offset_text(&canon_with((
            0x0035,
            9,
            longs(&[16, minutes, city, daylight]),
        )))
    };
    assert_eq!(zone(60, 19, 0).as_deref(), Some("+01:00"));
    assert_eq!(zone(120, 19, 60).as_deref(), Some("+02:00"));
    assert_eq!(zone(-420, 30, 60).as_deref(), Some("-07:00"));
    assert_eq!(zone(765, 1, 0).as_deref(), Some("+12:45"));
    assert_eq!(zone(0, 0, 0).as_deref(), Some("+00:00"));
    // The city was never set.
    assert_eq!(zone(0, 32_766, 0), None);
    // No place has these offsets.
    for minutes in [70, 900, -780, i32::MIN, i32::MAX] {
        assert_eq!(zone(minutes, 19, 0), None, "{minutes}");
    }
    // The size in the list is wrong.
    assert_eq!(
        offset_text(&canon_with((0x0035, 9, longs(&[20, 60, 19, 0])))),
        None
    );
}

#[test]
fn the_zone_of_nikon_lacks_daylight_saving_time() {
    let zone = |minutes: i16, daylight: u8| {
        let value = [&minutes.to_le_bytes()[..], &[daylight, 0]].concat();
        offset_text(&nikon_with((0x0024, 7, value)))
    };
    assert_eq!(zone(60, 0).as_deref(), Some("+01:00"));
    assert_eq!(zone(60, 1).as_deref(), Some("+02:00"));
    assert_eq!(zone(720, 1).as_deref(), Some("+13:00"));
    assert_eq!(zone(-480, 1).as_deref(), Some("-07:00"));
    assert_eq!(zone(0, 0).as_deref(), Some("+00:00"));
    assert_eq!(zone(60, 2), None);
    assert_eq!(zone(840, 1), None);
    assert_eq!(zone(77, 0), None);
    // Nikon's editor writes the bytes in the order of the camera.
    assert_eq!(zone(60_i16.swap_bytes(), 0).as_deref(), Some("+01:00"));
}

#[test]
fn the_zone_of_a_ricoh_theta_is_a_text() {
    let theta_start = super::NOTE_START + 8 + 18;
    let zone = |text: &str| {
        let main = absolute_directory(8, &[(0x4001, 4, theta_start.to_le_bytes().to_vec())]);
        let theta = note_directory(theta_start, &[(0x000a, 2, ascii(text))]);
        let note = [&b"Ricoh\0\0\0"[..], &main, &theta].concat();
        offset_text(&NotePhoto::new("RICOH", "RICOH THETA S", note))
    };
    assert_eq!(zone("+09:00").as_deref(), Some("+09:00"));
    assert_eq!(zone("-0330").as_deref(), Some("-03:30"));
    assert_eq!(zone("+25:00"), None);
}

#[test]
fn an_offset_in_exif_counts_before_the_zone_of_the_note() {
    let mut photo = canon_with((0x0035, 9, longs(&[16, 120, 19, 60])));
    assert_eq!(
        photo.photo().record.capture.offset_source,
        Some(OffsetSource::MakerNote)
    );
    photo.exif = vec![(0x9011, 2, u32::from_le_bytes(*b"+09\0"))];
    let capture = photo.photo().record.capture;
    assert_eq!(
        (capture.offset, capture.offset_source),
        (
            FixedOffset::east_opt(9 * 3600),
            Some(OffsetSource::OffsetTimeOriginal)
        )
    );
}

#[test]
fn the_zone_of_a_clock_that_was_not_set_is_not_used() {
    let bytes = canon_with((0x0035, 9, longs(&[16, 0, 0, 0]))).bytes();
    let date = b"2018:02:01 09:41:07";
    let at = bytes.windows(date.len()).position(|part| part == date);
    let at = at.expect("a date");
    let mut bytes = bytes;
    bytes[at..at + date.len()].copy_from_slice(b"0000:00:00 00:00:00");
    let context = crate::FileContext {
        file_name: "IMG_20180201_094107.tif".to_owned(),
        ..super::super::context()
    };
    let capture = crate::extract(&bytes, context)
        .expect("a photo")
        .photo
        .record
        .capture;
    assert_eq!(capture.local_text().as_deref(), Some("2018-02-01T09:41:07"));
    assert_eq!(capture.offset, None);
}

#[test]
fn serial_numbers_of_canon_are_those_on_the_plate() {
    let serial = |model, number: i32| {
        let note = absolute_directory(0, &[(0x000c, 4, longs(&[number]))]);
        NotePhoto::new("Canon", model, note).photo().body_serial
    };
    assert_eq!(
        serial("Canon EOS D30", 0x0064_0123).as_deref(),
        Some("006400291")
    );
    assert_eq!(
        serial("Canon EOS-1Ds Mark II", 1_234).as_deref(),
        Some("001234")
    );
    assert_eq!(
        serial("Canon EOS 5D", 560_018_150).as_deref(),
        Some("0560018150")
    );
    assert_eq!(serial("Canon EOS 5D", -1).as_deref(), Some("4294967295"));
    assert_eq!(serial("Canon EOS 5D", 0), None);
}

#[test]
fn serial_numbers_without_digits_are_absent() {
    let serial = |text: &str| nikon_with((0x001d, 2, ascii(text))).photo().body_serial;
    assert_eq!(serial("3001006").as_deref(), Some("3001006"));
    assert_eq!(serial("No= 6118c3f0").as_deref(), Some("6118c3f0"));
    for text in ["0", "0000000000", "     ", "----", "NO= "] {
        assert_eq!(serial(text), None, "{text}");
    }
}

#[test]
fn iso_speeds_are_decoded() {
    let iso = |photo: NotePhoto| photo.photo().record.exposure.iso;
    let canon = |code: u16| iso(canon_with(canon_settings(&[(16, code)])));
    assert_eq!((canon(17), canon(0x4000 | 3_200)), (Some(100), Some(3_200)));
    assert_eq!((canon(0), canon(15), canon(0x7fff)), (None, None, None));
    let shot = |gain: u16, base: u16| {
        let mut list = vec![0_u16; 33];
        (list[0], list[1], list[2]) = (66, gain, base);
        iso(canon_with((0x0004, 3, shorts(&list))))
    };
    assert_eq!(
        (shot(0, 160), shot(32, 160), shot(0, 0)),
        (Some(100), Some(200), None)
    );
    let nikon = |value: Vec<u8>, tag| iso(nikon_with((tag, if tag == 2 { 3 } else { 7 }, value)));
    assert_eq!(nikon(shorts(&[1, 6_400]), 2), Some(6_400));
    assert_eq!(nikon(shorts(&[0, 0]), 2), None);
    assert_eq!(nikon([72, 1, 12, 0, 0, 0].to_vec(), 0x25), Some(200));
    assert_eq!(nikon([0; 6].to_vec(), 0x25), None);
    let pentax = |code: u16| {
        let note = [
            &b"AOC\0II"[..],
            &absolute_directory(6, &[(0x0014, 3, shorts(&[code]))]),
        ];
        iso(NotePhoto::new("PENTAX", "K-5", note.concat()))
    };
    assert_eq!(
        (pentax(3), pentax(45), pentax(400)),
        (Some(50), Some(819_200), Some(400))
    );
    assert_eq!((pentax(258), pentax(286)), (Some(50), Some(819_200)));
    assert_eq!(
        (pentax(2), pentax(46), pentax(287), pentax(65_535)),
        (None, None, None, None)
    );
}

#[test]
fn a_shared_lens_number_of_canon_needs_the_focal_lengths() {
    let lens = |numbers: &[(usize, u16)]| {
        lens_of(&canon_with(canon_settings(numbers)).photo()).map(str::to_owned)
    };
    // Only 300 mm fits, in tenths of a millimetre.
    let found = lens(&[(22, 152), (23, 3_000), (24, 3_000), (25, 10)]);
    assert_eq!(found.as_deref(), Some("Canon EF 300mm f/4L IS USM"));
    assert_eq!(lens(&[(22, 152)]), None);
    assert_eq!(lens(&[(22, 65_535), (23, 55), (24, 18), (25, 1)]), None);
    assert_eq!(
        lens(&[(22, 149)]).as_deref(),
        Some("Canon EF 100mm f/2 USM")
    );
    // The text in the note has priority over the number.
    let entries = [
        canon_settings(&[(22, 149)]),
        (0x0095, 2, ascii("EF100mm f/2 USM")),
    ];
    let photo = canon_photo(absolute_directory(0, &entries)).photo();
    assert_eq!(lens_of(&photo), Some("EF100mm f/2 USM"));
    // An RF lens has a number of its own.
    let mut file_info = vec![0_u16; 64];
    (file_info[0], file_info[61]) = (128, 258);
    let entries = [
        canon_settings(&[(22, 61_182)]),
        (0x0093, 3, shorts(&file_info)),
    ];
    let photo = canon_photo(absolute_directory(0, &entries)).photo();
    assert_eq!(lens_of(&photo), Some("Canon RF 24-105mm F4L IS USM"));
}

#[test]
fn drive_modes_have_names() {
    let drive = |photo: NotePhoto| photo.photo().record.drive_mode;
    let canon = |timer, mode| drive(canon_with(canon_settings(&[(2, timer), (5, mode)])));
    assert_eq!(canon(0, 0).as_deref(), Some("Single"));
    assert_eq!(canon(100, 0).as_deref(), Some("Self-timer"));
    assert_eq!(canon(0, 4).as_deref(), Some("Continuous, Low"));
    assert_eq!(canon(0, 7), None);
    let nikon = |bits| drive(nikon_with((0x0089, 3, shorts(&[bits]))));
    assert_eq!(nikon(0).as_deref(), Some("Single-Frame"));
    assert_eq!(nikon(0x20).as_deref(), Some("Single-Frame, Auto ISO"));
    assert_eq!(nikon(0x12).as_deref(), Some("Delay, Exposure Bracketing"));
    let olympus = |numbers: &[u16]| {
        let settings = note_directory(30, &[(0x0600, 3, shorts(numbers))]);
        let main = note_directory(12, &[(0x2020, 4, longs(&[30]))]);
        let note = [&b"OLYMPUS\0II\x03\0"[..], &main, &settings].concat();
        drive(NotePhoto::new("OLYMPUS CORPORATION", "E-M1", note))
    };
    assert_eq!(olympus(&[0, 0]).as_deref(), Some("Single Shot"));
    assert_eq!(
        olympus(&[5, 2, 0x41]).as_deref(),
        Some("AE+Focus Bracketing")
    );
    assert_eq!(olympus(&[5, 2, 0]), None);
    assert_eq!(
        olympus(&[0, 0, 0, 0, 4, 0x30]).as_deref(),
        Some("HighRes Shot")
    );
}

#[test]
fn lenses_of_sony_are_found_by_number_and_specification() {
    let lens = |number, specification: &[u8; 8]| {
        let entries = [
            (0xb027, 4, longs(&[number])),
            (0xb02a, 1, specification.to_vec()),
        ];
        let note = [&b"SONY DSC \0\0\0"[..], &absolute_directory(12, &entries)].concat();
        let photo = NotePhoto::new("SONY", "NEX-5", note).photo();
        lens_of(&photo).map(str::to_owned)
    };
    let zoom = b"\x83\0\x18\0\x55\x35\x56\0";
    assert_eq!(
        lens(65_535, zoom).as_deref(),
        Some("E 18-55mm F3.5-5.6 OSS")
    );
    let prime = b"\x03\0\x16\0\0\x28\0\x0c";
    assert_eq!(lens(65_535, prime).as_deref(), Some("E 16mm F2.8"));
    assert_eq!(lens(65_535, &[0; 8]), None);
    assert_eq!(lens(65_535, b"\x03\xff\xff\0\0\x28\0\0"), None);
    // Many lenses share this number.
    let sigma = b"\0\0\x10\0\x20\x35\0\0";
    assert_eq!(
        lens(128, sigma).as_deref(),
        Some("Sigma 10-20mm F3.5 EX DC HSM")
    );
    assert_eq!(lens(128, &[0; 8]), None);
}
