//! A note of each maker, and the facts in it.

use super::{
    NoteEntry, NotePhoto, absolute_directory, ascii, lens_of, longs, note_directory, shorts,
};

/// A maker, and the facts of its note: the serial number, the ISO speed, the lens, the film
/// simulation and the drive mode.
struct MakerCase {
    photo: NotePhoto,
    serial: Option<&'static str>,
    iso: Option<u32>,
    lens: Option<&'static str>,
    film: Option<&'static str>,
    drive: Option<&'static str>,
}

impl MakerCase {
    fn new(make: &'static str, model: &'static str, note: Vec<u8>) -> Self {
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
        other_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Makes a note with a header and a directory whose offsets count from the start of the note.
fn relative_note(header: &[u8], entries: &[NoteEntry]) -> Vec<u8> {
    let start = u32::try_from(header.len()).expect("short");
    [header, &note_directory(start, entries)].concat()
}

/// Makes a note with a header and a directory whose offsets count from the start of the file.
fn absolute_note(header: &[u8], entries: &[NoteEntry]) -> Vec<u8> {
    let start = u32::try_from(header.len()).expect("short");
    [header, &absolute_directory(start, entries)].concat()
}

fn nikon_entries() -> Vec<NoteEntry> {
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
    let fuji = |entries: &[NoteEntry]| relative_note(b"FUJIFILM\x0c\0\0\0", entries);
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
        MakerCase {
            serial: Some("4212345"),
            lens: text_lens,
            film: Some("Vivid"),
            ..MakerCase::new(
                "LEICA CAMERA AG",
                "LEICA T",
                relative_note(b"LEICA\0\x06\0", &x),
            )
        },
        MakerCase {
            serial: Some("4212345"),
            lens: text_lens,
            film: Some("Vivid"),
            ..MakerCase::new(
                "LEICA CAMERA AG",
                "LEICA Q",
                absolute_note(b"LEICA\0\x08\0", &x),
            )
        },
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

fn other_cases() -> Vec<MakerCase> {
    let big_longs = |numbers: &[u32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    };
    let mut minolta = vec![0_u32; 56];
    (minolta[6], minolta[8]) = (2, 56);
    let samsung = [
        (0x0001, 7, b"0100".to_vec()),
        (0xa002, 2, ascii("A1B2C3D4E5F6")),
        (0xa003, 3, shorts(&[2])),
        (0xa014, 4, longs(&[400])),
    ];
    let samsung_case = |note| MakerCase {
        serial: Some("A1B2C3D4E5F6"),
        iso: Some(400),
        lens: Some("Samsung NX 18-55mm F3.5-5.6 OIS"),
        ..MakerCase::new("SAMSUNG", "NX300", note)
    };
    let sigma = [
        (0x0002, 2, ascii("02001234")),
        (0x0003, 2, ascii("SINGLE")),
        (0x0027, 2, ascii("145")),
        (0x002c, 4, longs(&[4])),
        (0x0086, 3, shorts(&[200])),
    ];
    let mut kodak = b"KDK INFO".to_vec();
    kodak.resize(180, 0);
    kodak[18] = 1;
    kodak[104..106].copy_from_slice(&108_u16.to_be_bytes());
    let mut hp = b"IIII\x06\0".to_vec();
    hp.resize(120, 0);
    hp[52] = 200;
    hp[88..112].copy_from_slice(b"SERIAL NUMBER:CN12345678");
    let mut reconyx = b"\x01\xf1\x03\0".to_vec();
    reconyx.resize(42, 0);
    reconyx.extend("H500EE06130468".encode_utf16().flat_map(u16::to_le_bytes));
    reconyx.resize(100, 0);
    vec![
        MakerCase {
            iso: Some(200),
            drive: Some("Self-timer"),
            ..MakerCase::new(
                "Minolta Co., Ltd.",
                "DiMAGE A1",
                absolute_directory(0, &[(0x0003, 7, big_longs(&minolta))]),
            )
        },
        samsung_case(absolute_directory(0, &samsung)),
        samsung_case(note_directory(0, &samsung)),
        MakerCase {
            iso: Some(64),
            drive: Some("Continuous (5 fps)"),
            ..MakerCase::new(
                "CASIO COMPUTER CO.,LTD",
                "EX-F1",
                absolute_note(
                    b"QVC\0\0\0",
                    &[(0x3014, 3, shorts(&[64])), (0x3103, 3, shorts(&[5]))],
                ),
            )
        },
        MakerCase {
            serial: Some("LF00 00012345678"),
            drive: Some("AF-priority Continuous"),
            ..MakerCase::new(
                "RICOH",
                "GXR",
                absolute_note(
                    b"Ricoh\0\0\0",
                    &[
                        (0x0005, 7, b"LF00 00012345678".to_vec()),
                        (0x1002, 3, shorts(&[8])),
                    ],
                ),
            )
        },
        MakerCase {
            drive: Some("Self-timer"),
            ..MakerCase::new(
                "SANYO Electric Co.,Ltd.",
                "VPC-MZ3",
                absolute_note(
                    b"SANYO\0\x01\0",
                    &[(0x020e, 3, shorts(&[0])), (0x0214, 3, shorts(&[1]))],
                ),
            )
        },
        MakerCase {
            serial: Some("02001234"),
            iso: Some(200),
            film: Some("Vivid"),
            drive: Some("Single Shot"),
            ..MakerCase::new(
                "SIGMA",
                "SIGMA SD1",
                absolute_note(b"SIGMA\0\0\0\x01\x04", &sigma),
            )
        },
        MakerCase {
            serial: Some("ZY2238TJ4V"),
            drive: Some("burst"),
            ..MakerCase::new(
                "Motorola",
                "XT1575",
                relative_note(
                    b"MOT\0II*\0",
                    &[
                        (0x5501, 2, ascii("ZY2238TJ4V")),
                        (0x64d0, 2, ascii("burst")),
                    ],
                ),
            )
        },
        MakerCase {
            iso: Some(108),
            drive: Some("Continuous"),
            ..MakerCase::new("EASTMAN KODAK COMPANY", "KODAK DX4900", kodak)
        },
        MakerCase {
            serial: Some("KCXFH43500123"),
            ..MakerCase::new(
                "EASTMAN KODAK COMPANY",
                "KODAK C433",
                b"KCXFH43500123\0\0\0\0\0\0\0".to_vec(),
            )
        },
        MakerCase {
            serial: Some("CN12345678"),
            iso: Some(200),
            ..MakerCase::new("Hewlett-Packard", "HP PhotoSmart M425", hp)
        },
        MakerCase {
            serial: Some("H500EE06130468"),
            ..MakerCase::new("RECONYX", "HC500", reconyx)
        },
        phase_one_case(),
    ]
}

fn phase_one_case() -> MakerCase {
    let mut note = b"IIIICwaR\x0c\0\0\0".to_vec();
    let texts = [(0x0102_u32, "LD001055"), (0x0412, "Mamiya LS 80mm f/2.8 D")];
    note.extend(
        [3_u32, 0, 0x0105, 4, 4, 100]
            .iter()
            .flat_map(|n| n.to_le_bytes()),
    );
    let mut place = 68_u32;
    for (tag, text) in texts {
        let length = u32::try_from(text.len() + 1).expect("short");
        note.extend([tag, 1, length, place].iter().flat_map(|n| n.to_le_bytes()));
        place += length;
    }
    for (_, text) in texts {
        note.extend(ascii(text));
    }
    MakerCase {
        serial: Some("LD001055"),
        iso: Some(100),
        lens: Some("Mamiya LS 80mm f/2.8 D"),
        ..MakerCase::new("Leaf", "Credo 40", note)
    }
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
