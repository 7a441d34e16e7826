//! A note of each maker, and the facts in it.

use super::other_makers;
use super::{NotePhoto, absolute_directory, lens_of, note_directory};
use crate::tests::builders::{TestField, ascii, longs, shorts};

/// A maker, and the facts of its note: the serial number, the ISO speed, the lens, the film
/// simulation and the drive mode.
pub(super) struct MakerCase {
    pub(super) photo: NotePhoto,
    pub(super) serial: Option<&'static str>,
    pub(super) iso: Option<u32>,
    pub(super) lens: Option<&'static str>,
    pub(super) film: Option<&'static str>,
    pub(super) drive: Option<&'static str>,
}

impl MakerCase {
    pub(super) fn new(make: &'static str, model: &'static str, note: Vec<u8>) -> Self {
        MakerCase {
            photo: NotePhoto::new(make, model, note),
            serial: None,
            iso: None,
            lens: None,
            film: None,
            drive: None,
        }
    }
}

/// Returns the photos of all cases.
pub(super) fn photos() -> Vec<NotePhoto> {
    let photos = all_cases().into_iter().map(|case| case.photo);
    photos.collect()
}

fn all_cases() -> Vec<MakerCase> {
    [
        nikon_cases(),
        japanese_cases(),
        olympus_cases(),
        leica_cases(),
        other_makers::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Makes a note with a header and a directory whose offsets count from the start of the note.
pub(super) fn relative_note(header: &[u8], entries: &[TestField]) -> Vec<u8> {
    let start = u32::try_from(header.len()).expect("short");
    [header, &note_directory(start, entries)].concat()
}

/// Makes a note with a header and a directory whose offsets count from the start of the file.
pub(super) fn absolute_note(header: &[u8], entries: &[TestField]) -> Vec<u8> {
    let start = u32::try_from(header.len()).expect("short");
    [header, &absolute_directory(start, entries)].concat()
}

fn nikon_entries() -> Vec<TestField> {
    let lens = [18, 1, 70, 1, 35, 10, 45, 10];
    vec![
        (0x0002, 3, shorts(&[0, 200])),
        (0x001d, 2, ascii("NO= 20025585        ")),
        (
            0x0023,
            7,
            [&b"0100"[..], b"DEEP TONE\0\0\0\0\0\0\0\0\0\0\0", &[0; 44]].concat(),
        ),
        (0x0084, 5, longs(&lens)),
        (0x0089, 3, shorts(&[0x21])),
    ]
}

fn nikon_cases() -> Vec<MakerCase> {
    let header = b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0";
    let newest = [&header[..], &note_directory(8, &nikon_entries())].concat();
    let case = |model, note| MakerCase {
        serial: Some("20025585"),
        iso: Some(200),
        lens: Some("18-70mm f/3.5-4.5"),
        film: Some("Deep Tone"),
        drive: Some("Continuous, Auto ISO"),
        ..MakerCase::new("NIKON CORPORATION", model, note)
    };
    // The identity of a lens that is not encrypted.
    let identity = [
        &b"0101\0\0\0\0\0\0\0"[..],
        &[0x7f, 0x40, 0x2d, 0x5c, 0x2c, 0x34, 0x84],
    ];
    let identified = [(0x0083, 1, vec![6]), (0x0098, 7, identity.concat())];
    let encrypted = [
        &b"0204\0\0\0\0\0\0\0"[..],
        &[0x7f, 0x40, 0x2d, 0x5c, 0x2c, 0x34, 0x84],
    ];
    let encrypted = [(0x0083, 1, vec![6]), (0x0098, 7, encrypted.concat())];
    vec![
        case("NIKON D300", newest),
        // The D1 and the early Coolpix cameras have no header.
        case("NIKON D1", absolute_directory(0, &nikon_entries())),
        MakerCase {
            lens: Some("AF-S DX Zoom-Nikkor 18-70mm f/3.5-4.5G IF-ED"),
            ..MakerCase::new(
                "NIKON CORPORATION",
                "NIKON D70",
                absolute_directory(0, &identified),
            )
        },
        MakerCase::new(
            "NIKON CORPORATION",
            "NIKON D90",
            absolute_directory(0, &encrypted),
        ),
        // The short form has none of the facts.
        MakerCase::new(
            "NIKON",
            "E950",
            [
                b"Nikon\0\x01\0",
                &absolute_directory(8, &nikon_entries())[..],
            ]
            .concat(),
        ),
    ]
}

fn japanese_cases() -> Vec<MakerCase> {
    let fuji = |entries: &[TestField]| relative_note(b"FUJIFILM\x0c\0\0\0", entries);
    let panasonic = [
        (0x002a, 3, shorts(&[0])),
        (0x002e, 3, shorts(&[3])),
        (0x0051, 2, ascii("LUMIX G VARIO 14-45/F3.5-5.6")),
        (0x0089, 3, shorts(&[2])),
    ];
    let pentax = [
        (0x0014, 3, shorts(&[9])),
        (0x0034, 1, vec![1, 0, 2, 0]),
        (0x003f, 1, vec![4, 19]),
        (0x004f, 3, shorts(&[8])),
        (0x0229, 2, ascii("1234567")),
    ];
    let pentax_case = |make, note| MakerCase {
        serial: Some("1234567"),
        iso: Some(200),
        lens: Some("Tamron SP AF 90mm F2.8 (172E)"),
        film: Some("Bleach Bypass"),
        drive: Some("Continuous, Remote Control"),
        ..MakerCase::new(make, "K-5", note)
    };
    let sony = [
        (0x200e, 3, shorts(&[2])),
        (0x2031, 2, ascii("12345607")),
        (0xb020, 2, ascii("Vivid")),
        (0xb027, 4, longs(&[59])),
        (0xb049, 3, shorts(&[2])),
    ];
    let sony_case = |note| MakerCase {
        serial: Some("07563412"),
        lens: Some("Sony 28-75mm F2.8 SAM (SAL2875)"),
        film: Some("Pop Color"),
        drive: Some("Continuous"),
        ..MakerCase::new("SONY", "SLT-A77V", note)
    };
    vec![
        MakerCase {
            film: Some("Classic Chrome"),
            drive: Some("Continuous High"),
            ..MakerCase::new(
                "FUJIFILM",
                "X-T3",
                fuji(&[
                    (0x1103, 4, longs(&[0x0b00_0002])),
                    (0x1401, 3, shorts(&[0x600])),
                ]),
            )
        },
        MakerCase {
            film: Some("Acros+R Filter"),
            ..MakerCase::new(
                "FUJIFILM",
                "X-Pro2",
                fuji(&[(0x1003, 3, shorts(&[0x501])), (0x1401, 3, shorts(&[0]))]),
            )
        },
        MakerCase {
            lens: Some("LUMIX G VARIO 14-45/F3.5-5.6"),
            film: Some("Vivid"),
            drive: Some("Self-timer"),
            ..MakerCase::new(
                "Panasonic",
                "DC-G9",
                absolute_note(b"Panasonic\0\0\0", &panasonic),
            )
        },
        pentax_case("PENTAX", absolute_note(b"AOC\0II", &pentax)),
        // In some cameras, the offsets count from another place.
        pentax_case("PENTAX", relative_note(b"AOC\0II", &pentax)),
        pentax_case("PENTAX", relative_note(b"PENTAX \0II", &pentax)),
        pentax_case(
            "RICOH IMAGING COMPANY, LTD.",
            relative_note(b"RICOH\0II", &pentax),
        ),
        sony_case(absolute_note(b"SONY DSC \0\0\0", &sony)),
        sony_case(absolute_directory(0, &sony)),
    ]
}

fn olympus_cases() -> Vec<MakerCase> {
    // The two directories follow the main one.
    let note = |header: &[u8], base: u32, pointers: u16| {
        let start = base + u32::try_from(header.len()).expect("short");
        let equipment_start = start + 30;
        let equipment = note_directory(
            equipment_start,
            &[
                (0x0101, 2, ascii("BHP123456")),
                (0x0203, 2, ascii("OLYMPUS M.12-40mm F2.8")),
            ],
        );
        let settings_start = equipment_start + u32::try_from(equipment.len()).expect("short");
        let settings = note_directory(
            settings_start,
            &[
                (0x0520, 3, shorts(&[3, 1])),
                (0x0600, 3, shorts(&[1, 4, 0, 0, 0, 0x42])),
            ],
        );
        let pointer = |start: u32| start.to_le_bytes().to_vec();
        let main = note_directory(
            start,
            &[
                (0x2010, pointers, pointer(equipment_start)),
                (0x2020, pointers, pointer(settings_start)),
            ],
        );
        [header, &main, &equipment, &settings].concat()
    };
    let case = |note| MakerCase {
        serial: Some("BHP123456"),
        lens: Some("OLYMPUS M.12-40mm F2.8"),
        film: Some("Muted"),
        drive: Some("ProCap L"),
        ..MakerCase::new("OLYMPUS CORPORATION", "E-M1", note)
    };
    vec![
        case(note(b"OLYMPUS\0II\x03\0", 0, 13)),
        case(note(b"OM SYSTEM\0\0\0II\x04\0", 0, 4)),
        case(note(b"OLYMP\0\x01\0", super::NOTE_START, 4)),
        MakerCase {
            serial: Some("C90500055"),
            ..MakerCase::new(
                "OLYMPUS IMAGING CORP.",
                "u760",
                absolute_note(b"OLYMP\0\x01\0", &[(0x0404, 2, ascii("C90500055      "))]),
            )
        },
    ]
}

fn leica_cases() -> Vec<MakerCase> {
    let code = longs(&[6 << 2 | 1]);
    // The two directories of the M9 are values. Their own values are inside the entries.
    let m9 = [
        (
            0x3100,
            7,
            note_directory(0, &[(0x3103, 2, b"ABC\0".to_vec())]),
        ),
        (0x3400, 7, note_directory(0, &[(0x3405, 4, code.clone())])),
    ];
    let x = [
        (0x0303, 2, ascii("SUMMICRON-T 1:2 23 ASPH.")),
        (0x0305, 4, longs(&[4_212_345])),
        (0x0412, 2, ascii("Vivid")),
    ];
    let summicron = Some("Summicron-M 35mm f/2 (IV)");
    let text_lens = Some("SUMMICRON-T 1:2 23 ASPH.");
    let x_case = |model, note| MakerCase {
        serial: Some("4212345"),
        lens: text_lens,
        film: Some("Vivid"),
        ..MakerCase::new("LEICA CAMERA AG", model, note)
    };
    vec![
        MakerCase {
            serial: Some("3001234"),
            lens: summicron,
            ..MakerCase::new(
                "Leica Camera AG",
                "M8 Digital Camera",
                absolute_note(
                    b"LEICA\0\0\0",
                    &[(0x0303, 4, longs(&[3_001_234])), (0x0310, 4, code)],
                ),
            )
        },
        MakerCase {
            serial: Some("ABC"),
            lens: summicron,
            ..MakerCase::new(
                "Leica Camera AG",
                "M9 Digital Camera",
                relative_note(b"LEICA0\x03\0", &m9),
            )
        },
        x_case("LEICA T", relative_note(b"LEICA\0\x06\0", &x)),
        x_case("LEICA Q", absolute_note(b"LEICA\0\x08\0", &x)),
        MakerCase {
            lens: text_lens,
            ..MakerCase::new(
                "Leica Camera AG",
                "LEICA M (Typ 240)",
                absolute_note(b"LEICA\0\x02\xff", &x[..1]),
            )
        },
        MakerCase {
            serial: Some("12345678"),
            ..MakerCase::new(
                "Leica Camera AG",
                "R9 - Digital Back DMR",
                absolute_directory(0, &[(0x000b, 7, b"\0\0\0\x0012345678\0\0\0\0".to_vec())]),
            )
        },
        MakerCase {
            lens: Some("LUMIX G 20/F1.7"),
            ..MakerCase::new(
                "LEICA",
                "D-LUX 3",
                absolute_note(b"LEICA\0\0\0", &[(0x0051, 2, ascii("LUMIX G 20/F1.7"))]),
            )
        },
    ]
}

#[test]
fn the_facts_of_each_maker_are_read() {
    for case in all_cases() {
        let photo = case.photo.photo();
        let record = &photo.record;
        assert_eq!(
            (
                photo.body_serial.as_deref(),
                record.exposure.iso,
                lens_of(&photo),
                record.film_simulation.as_deref(),
                record.drive_mode.as_deref(),
            ),
            (case.serial, case.iso, case.lens, case.film, case.drive),
            "{} {}",
            case.photo.make,
            case.photo.model
        );
    }
}
