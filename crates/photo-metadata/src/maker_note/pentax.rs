//! Pentax's maker note, which some cameras of Ricoh and Samsung write too. It has several headers.

use super::directory::{NoteBlock, NoteDirectory, OffsetOrigin};
use super::{MakerNoteFacts, NoteContext, iso_speed, serial_text, unsigned_at, value_name};
use crate::lens_ids::{LensTraits, pentax_lens_name};
use crate::tag::maker_note::pentax as tag;
use crate::tiff::{ByteOrder, IfdField};

/// The codes of the tag `ISO` in steps of a third: 3 stands for ISO 50.
const ISO_BY_THIRDS: &[u32] = &[
    50, 64, 80, 100, 125, 160, 200, 250, 320, 400, 500, 640, 800, 1_000, 1_250, 1_600, 2_000,
    2_500, 3_200, 4_000, 5_000, 6_400, 8_000, 10_000, 12_800, 16_000, 20_000, 25_600, 32_000,
    40_000, 51_200, 64_000, 80_000, 102_400, 128_000, 160_000, 204_800, 256_000, 320_000, 409_600,
    512_000, 640_000, 819_200,
];
/// The first code of `ISO_BY_THIRDS`.
const FIRST_THIRD: usize = 3;
/// The codes of the tag `ISO` in steps of a half: 258 stands for ISO 50.
const ISO_BY_HALVES: &[u32] = &[
    50, 70, 100, 140, 200, 280, 400, 560, 800, 1_100, 1_600, 2_200, 3_200, 4_500, 6_400, 9_000,
    12_800, 18_000, 25_600, 36_000, 51_200, 72_000, 102_400, 144_000, 204_800, 288_000, 409_600,
    576_000, 819_200,
];
/// The first code of `ISO_BY_HALVES`.
const FIRST_HALF: usize = 258;
/// The codes of the tag `ISO` that are the speed itself.
const PLAIN_ISO: [u32; 7] = [50, 100, 200, 400, 800, 1_600, 3_200];

/// The values of `ImageTone`.
const IMAGE_TONES: &[(u32, &str)] = &[
    (0, "Natural"),
    (1, "Bright"),
    (2, "Portrait"),
    (3, "Landscape"),
    (4, "Vibrant"),
    (5, "Monochrome"),
    (6, "Muted"),
    (7, "Reversal Film"),
    (8, "Bleach Bypass"),
    (9, "Radiant"),
    (10, "Cross Processing"),
    (11, "Flat"),
    (256, "Standard"),
    (257, "Vivid"),
    (258, "Monotone"),
    (259, "Soft Monotone"),
    (260, "Hard Monotone"),
    (261, "Hi-contrast B&W"),
    (262, "Positive Film"),
    (263, "Bleach Bypass 2"),
    (264, "Retro"),
    (265, "HDR Tone"),
    (266, "Cross Processing 2"),
    (267, "Negative Film"),
    (32_768, "Standard"),
    (32_769, "Hard"),
    (32_770, "Soft"),
    (33_024, "Monochrome"),
];

/// The values of the first byte of `DriveMode`.
const DRIVE_MODES: &[(u32, &str)] = &[
    (0, "Single-frame"),
    (1, "Continuous"),
    (2, "Continuous (Lo)"),
    (3, "Burst"),
    (4, "Continuous (Medium)"),
    (5, "Continuous (Low)"),
    (255, "Video"),
];
/// The values of the other bytes of `DriveMode` that show an unusual release: the timer, the remote
/// control, and several exposures in one picture.
const RELEASES: [&[(u32, &str)]; 3] = [
    &[
        (1, "Self-timer (12 s)"),
        (2, "Self-timer (2 s)"),
        (16, "Mirror Lock-up"),
    ],
    &[
        (1, "Remote Control (3 s delay)"),
        (2, "Remote Control"),
        (4, "Remote Continuous Shooting"),
    ],
    &[
        (0x01, "Multiple Exposure"),
        (0x02, "Composite Average"),
        (0x03, "Composite Additive"),
        (0x04, "Composite Bright"),
        (0x08, "Interval Shooting"),
        (0x0a, "Interval Composite Average"),
        (0x0b, "Interval Composite Additive"),
        (0x0c, "Interval Composite Bright"),
        (0x0f, "Interval Movie"),
        (0x10, "HDR"),
        (0x20, "HDR Strong 1"),
        (0x30, "HDR Strong 2"),
        (0x40, "HDR Strong 3"),
        (0x50, "HDR Manual"),
        (0xe0, "HDR Auto"),
    ],
];

/// A header of the note, and the place of the directory after it.
struct NoteHeader {
    start: &'static [u8],
    directory: u64,
    origin: OffsetOrigin,
}

const HEADERS: [NoteHeader; 7] = [
    NoteHeader {
        start: b"AOC\0",
        directory: 6,
        origin: OffsetOrigin::Layout,
    },
    NoteHeader {
        start: b"PENTAX \0",
        directory: 10,
        origin: OffsetOrigin::Note(0),
    },
    NoteHeader {
        start: b"SAMSUNG\0",
        directory: 10,
        origin: OffsetOrigin::Note(0),
    },
    NoteHeader {
        start: b"RICOH\0II",
        directory: 8,
        origin: OffsetOrigin::Note(0),
    },
    NoteHeader {
        start: b"RICOH\0MM",
        directory: 8,
        origin: OffsetOrigin::Note(0),
    },
    NoteHeader {
        start: b"S1\0\0\0\0\0\0\x0c\0\0\0",
        directory: 12,
        origin: OffsetOrigin::Note(0),
    },
    NoteHeader {
        start: b"S1\0\0\0\0\0\0\0\0\0\x0c",
        directory: 12,
        origin: OffsetOrigin::Note(0),
    },
];

/// Reports whether a note has one of the headers of this form.
pub(super) fn is_note(head: &[u8]) -> bool {
    find_header(head).is_some()
}

fn find_header(head: &[u8]) -> Option<&'static NoteHeader> {
    HEADERS.iter().find(|header| head.starts_with(header.start))
}

/// Reads a note.
pub(super) fn read(
    block: &NoteBlock<'_>,
    head: &[u8],
    context: &NoteContext<'_>,
) -> Option<MakerNoteFacts> {
    let header = find_header(head)?;
    // The two bytes before the directory may be the byte order.
    let at = usize::try_from(header.directory).ok()?;
    let order = match head.get(at - 2..at)? {
        b"II" => ByteOrder::Little,
        b"MM" => ByteOrder::Big,
        _ => block.order,
    };
    let directory = block.directory_in(header.directory, header.origin, order)?;
    Some(read_directory(&directory, &context.traits))
}

fn read_directory(directory: &NoteDirectory<'_>, traits: &LensTraits) -> MakerNoteFacts {
    let number = |tag| unsigned_at(&directory.field(tag)?, 0);
    let lens = directory.field(tag::LENS_TYPE);
    MakerNoteFacts {
        body_serial: directory
            .field(tag::SERIAL_NUMBER)
            .and_then(|f| serial_text(&f)),
        iso: number(tag::ISO).and_then(decode_iso),
        lens: lens.and_then(|f| pentax_lens_name(f.unsigned(0)?, f.unsigned(1)?, traits)),
        film_simulation: number(tag::IMAGE_TONE).and_then(|tone| value_name(IMAGE_TONES, tone)),
        drive_mode: directory
            .field(tag::DRIVE_MODE)
            .and_then(|f| drive_mode(&f)),
        ..MakerNoteFacts::default()
    }
}

/// Returns the ISO speed for a code.
fn decode_iso(code: u32) -> Option<u32> {
    if PLAIN_ISO.contains(&code) {
        return Some(code);
    }
    let index = usize::try_from(code).ok()?;
    let by_thirds = index
        .checked_sub(FIRST_THIRD)
        .and_then(|index| ISO_BY_THIRDS.get(index));
    let by_halves = || ISO_BY_HALVES.get(index.checked_sub(FIRST_HALF)?);
    iso_speed(*by_thirds.or_else(by_halves)?)
}

/// Returns the drive mode. An unusual release is named after the mode: `Continuous, Remote
/// Control`.
fn drive_mode(field: &IfdField<'_>) -> Option<String> {
    let mut mode = value_name(DRIVE_MODES, unsigned_at(field, 0)?)?;
    for (index, names) in (1..).zip(RELEASES) {
        let release = unsigned_at(field, index).and_then(|value| value_name(names, value));
        if let Some(release) = release {
            mode.push_str(", ");
            mode.push_str(&release);
        }
    }
    Some(mode)
}
