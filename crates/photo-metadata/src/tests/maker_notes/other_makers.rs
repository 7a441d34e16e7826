//! Notes of the makers with few facts, and the facts in them.

use super::makers::{MakerCase, absolute_note, relative_note};
use super::{absolute_directory, note_directory};
use crate::tests::builders::{ascii, longs, shorts};

/// Returns all cases of these makers.
pub(super) fn cases() -> Vec<MakerCase> {
    [directory_cases(), samsung_cases(), fixed_layout_cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Returns notes of Samsung. The place from which offsets count differs between its models.
fn samsung_cases() -> Vec<MakerCase> {
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
    vec![
        samsung_case(absolute_directory(0, &samsung)),
        samsung_case(note_directory(0, &samsung)),
    ]
}

fn directory_cases() -> Vec<MakerCase> {
    let big_longs = |numbers: &[u32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    };
    let mut minolta = vec![0_u32; 56];
    (minolta[6], minolta[8]) = (2, 56);
    let sigma = [
        (0x0002, 2, ascii("02001234")),
        (0x0003, 2, ascii("SINGLE")),
        (0x0027, 2, ascii("145")),
        (0x002c, 4, longs(&[4])),
        (0x0086, 3, shorts(&[200])),
    ];
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
        phase_one_case(),
    ]
}

/// Returns notes in which each fact has a fixed place.
fn fixed_layout_cases() -> Vec<MakerCase> {
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
