//! Tests of maker notes, with notes that are made here. This file has the builder of the notes, and
//! the tests of their places: moved, cut, far away, and copied by another program.

mod makers;
mod other_makers;
mod values;

use super::builders::{
    TestField, ascii, crw, ifd, ifd_with_values, longs, media_box, shorts, tiff,
};
use super::{has_warning, ranged, read};
use crate::limits;
use crate::{Extraction, OffsetSource, PhotoMetadata};

/// The offset at which a fixture has its note.
const NOTE_START: u32 = 256;

/// A photo with a maker note. The byte order is little-endian.
struct NotePhoto {
    make: &'static str,
    model: &'static str,
    note: Vec<u8>,
    /// More entries of the Exif IFD. Each value has four bytes.
    exif: Vec<(u16, u16, u32)>,
}

impl NotePhoto {
    fn new(make: &'static str, model: &'static str, note: Vec<u8>) -> Self {
        NotePhoto {
            make,
            model,
            note,
            exif: Vec::new(),
        }
    }

    /// Makes a TIFF: IFD0 at 8, Make at 64, Model at 96, the Exif IFD at 160, the date at 236, and
    /// the note at `NOTE_START`.
    fn bytes(&self) -> Vec<u8> {
        let length = |text: &str| u32::try_from(text.len() + 1).expect("short");
        let mut bytes = tiff(&ifd(
            &[
                (0x010f, 2, length(self.make), 64),
                (0x0110, 2, length(self.model), 96),
                (0x8769, 4, 1, 160),
            ],
            0,
        ));
        let note_length = u32::try_from(self.note.len()).expect("short");
        let mut entries = vec![(0x9003, 2, 20, 236), (0x927c, 7, note_length, NOTE_START)];
        let more = self.exif.iter().map(|&(tag, kind, value)| {
            let count = if kind == 2 { 4 } else { 1 };
            (tag, kind, count, value)
        });
        entries.extend(more);
        let exif = ifd(&entries, 0);
        let mut put = |start: usize, part: &[u8]| {
            let end = bytes.len().max(start + part.len());
            bytes.resize(end, 0);
            bytes[start..start + part.len()].copy_from_slice(part);
        };
        put(64, &ascii(self.make));
        put(96, &ascii(self.model));
        put(160, &exif);
        put(236, b"2018:02:01 09:41:07\0");
        put(NOTE_START as usize, &self.note);
        bytes
    }

    fn photo(&self) -> PhotoMetadata {
        read(&self.bytes()).photo
    }
}

/// Makes a little-endian directory. `start` is its offset from the place from which the offsets of
/// its values count.
fn note_directory(start: u32, entries: &[TestField]) -> Vec<u8> {
    ifd_with_values(start, entries, 0)
}

/// Makes a directory whose offsets count from the start of the file. It is `header` bytes after the
/// start of the note.
fn absolute_directory(header: u32, entries: &[TestField]) -> Vec<u8> {
    note_directory(NOTE_START + header, entries)
}

/// Makes Canon's list of settings with these numbers at these places.
fn canon_settings(numbers: &[(usize, u16)]) -> TestField {
    let mut list = vec![0_u16; 49];
    list[0] = 98;
    for &(index, number) in numbers {
        list[index] = number;
    }
    (0x0001, 3, shorts(&list))
}

/// Makes the entries of a note of Canon with a fact of each kind.
fn canon_entries() -> Vec<TestField> {
    let mut processing = vec![0_u16; 14];
    (processing[0], processing[10]) = (28, 0x83);
    vec![
        canon_settings(&[
            (5, 5),
            (16, 0x4000 | 640),
            (22, 237),
            (23, 105),
            (24, 24),
            (25, 1),
        ]),
        (0x000c, 4, longs(&[560_018_150])),
        (0x0035, 9, longs(&[16, 120, 19, 60])),
        (0x00a0, 3, shorts(&processing)),
    ]
}

fn canon_photo(note: Vec<u8>) -> NotePhoto {
    NotePhoto::new("Canon", "Canon EOS 40D", note)
}

fn lens_of(photo: &PhotoMetadata) -> Option<&str> {
    photo.record.lens.as_ref().map(|lens| lens.name.as_str())
}

/// Checks that all facts of `canon_entries` are there.
fn assert_canon_facts(photo: &PhotoMetadata) {
    let record = &photo.record;
    assert_eq!(
        (
            record
                .capture
                .offset
                .map(|offset| offset.to_string())
                .as_deref(),
            photo.body_serial.as_deref(),
            record.exposure.iso,
            lens_of(photo),
            record.film_simulation.as_deref(),
            record.drive_mode.as_deref(),
        ),
        (
            Some("+02:00"),
            Some("0560018150"),
            Some(640),
            Some("Canon EF 24-105mm f/4L IS USM"),
            Some("Landscape"),
            Some("Continuous, High"),
        )
    );
    assert_eq!(record.capture.offset_source, Some(OffsetSource::MakerNote));
}

#[test]
fn a_maker_note_fills_all_gaps() {
    assert_canon_facts(&canon_photo(absolute_directory(0, &canon_entries())).photo());
}

#[test]
fn exif_counts_before_the_maker_note() {
    let mut photo = canon_photo(absolute_directory(0, &canon_entries()));
    photo.exif = vec![
        (0x8827, 3, 200),
        (0xa431, 2, u32::from_le_bytes(*b"123\0")),
        (0xa434, 2, u32::from_le_bytes(*b"EF1\0")),
    ];
    let photo = photo.photo();
    assert_eq!(
        (
            photo.body_serial.as_deref(),
            photo.record.exposure.iso,
            lens_of(&photo)
        ),
        (Some("123"), Some(200), Some("EF1"))
    );
}

#[test]
fn a_moved_note_is_found_by_its_layout_or_its_footer() {
    let entries = canon_entries();
    let footer = |start: u32| [&b"II*\0"[..], &start.to_le_bytes()].concat();
    // A program moved the note without changing the offsets.
    for written_at in [0, NOTE_START - 100, 5_000, 1 << 30] {
        assert_canon_facts(&canon_photo(note_directory(written_at, &entries)).photo());
        let note = [note_directory(written_at, &entries), footer(written_at)].concat();
        assert_canon_facts(&canon_photo(note).photo());
    }
    // After a small move, some offsets still point into the note. Only the footer shows the move.
    let written_at = NOTE_START + 12;
    let note = [note_directory(written_at, &entries), footer(written_at)].concat();
    assert_canon_facts(&canon_photo(note).photo());
    // A footer with another byte order is ignored.
    let note = [
        note_directory(NOTE_START, &entries),
        b"MM\0*\0\0\0\x63".to_vec(),
    ]
    .concat();
    assert_canon_facts(&canon_photo(note).photo());
}

#[test]
fn values_outside_a_note_are_not_read() {
    // The offsets point to bytes before the note, and the length of the note does not fit the
    // offsets.
    let note = [note_directory(5_000, &canon_entries()), vec![0; 100]].concat();
    let photo = canon_photo(note).photo();
    assert_eq!(photo.record.capture.offset, None);
    assert_eq!(
        (photo.record.drive_mode.as_deref(), lens_of(&photo)),
        (None, None)
    );
    // A value inside its entry is read.
    assert_eq!(photo.body_serial.as_deref(), Some("0560018150"));
}

#[test]
fn the_byte_order_of_a_note_may_differ_from_that_of_the_file() {
    // One big-endian entry: the tag SerialNumber of Canon.
    let note = [
        &[0, 1, 0, 0x0c, 0, 4, 0, 0, 0, 1][..],
        &7_u32.to_be_bytes(),
        &[0; 4],
    ]
    .concat();
    assert_eq!(
        canon_photo(note).photo().body_serial.as_deref(),
        Some("0000000007")
    );
}

#[test]
fn a_separate_note_of_a_cr3_is_read() {
    let date = [
        tiff(&ifd(&[(0x9003, 2, 20, 26)], 0)),
        ascii("2018:02:01 09:41:07"),
    ];
    let note = tiff(&note_directory(8, &canon_entries()));
    let canon = [
        b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48".to_vec(),
        media_box(b"CMT2", &date.concat()),
        media_box(b"CMT3", &note),
    ];
    let file = [
        media_box(b"ftyp", b"crx \0\0\0\x01crx isom"),
        media_box(b"moov", &media_box(b"uuid", &canon.concat())),
        media_box(b"mdat", &[0; 16]),
    ];
    assert_canon_facts(&read(&file.concat()).photo);
}

/// Makes a DNG with private data of Adobe's converter. The blocks have a name and a content.
fn adobe_dng(blocks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut private = b"Adobe\0".to_vec();
    for (name, content) in blocks {
        private.extend(*name);
        private.extend(u32::try_from(content.len()).expect("short").to_be_bytes());
        private.extend(content);
        private.resize(private.len().next_multiple_of(2), 0);
    }
    let length = u32::try_from(private.len()).expect("short");
    let entries = [
        (0x010f, 2, 6, 100),
        (0x0110, 2, 14, 110),
        (0x8769, 4, 1, 130),
        (0xc612, 1, 4, 0x0401),
        (0xc634, 1, length, 200),
    ];
    let mut bytes = tiff(&ifd(&entries, 0));
    bytes.resize(200, 0);
    bytes[100..106].copy_from_slice(b"Canon\0");
    bytes[110..124].copy_from_slice(b"Canon EOS 40D\0");
    let exif = ifd(&[(0x9003, 2, 20, 160)], 0);
    bytes[130..130 + exif.len()].copy_from_slice(&exif);
    bytes[160..180].copy_from_slice(b"2018:02:01 09:41:07\0");
    [bytes, private].concat()
}

/// Makes the content of a block with a copied note: byte order, original offset, and the note.
fn copied_note(written_at: u32) -> Vec<u8> {
    let note = note_directory(written_at, &canon_entries());
    [&b"II"[..], &written_at.to_be_bytes(), &note].concat()
}

#[test]
fn a_note_that_adobe_copied_is_read() {
    for written_at in [0, 900, 1 << 20] {
        let file = adobe_dng(&[(b"CRW ", vec![1; 5]), (b"MakN", copied_note(written_at))]);
        assert_canon_facts(&read(&file).photo);
    }
    // Without the recorded offset, this note could not be read: its layout does not show the place.
    let padded = [copied_note(900), vec![0; 100]].concat();
    assert_canon_facts(&read(&adobe_dng(&[(b"MakN", padded)])).photo);
    let most = limits::MAX_PRIVATE_BLOCKS;
    let serial = |before: usize| {
        let mut blocks = vec![(b"CRW ", vec![1; 4]); before];
        blocks.push((b"MakN", copied_note(900)));
        read(&adobe_dng(&blocks)).photo.body_serial
    };
    assert!(serial(most - 1).is_some());
    assert_eq!(serial(most), None);
}

#[test]
fn a_note_in_a_raw_file_takes_at_most_two_more_reads() {
    let mut bytes = adobe_dng(&[(b"CRW ", vec![1; 1 << 20]), (b"MakN", copied_note(900))]);
    bytes.resize(bytes.len() + (1 << 20), 0);
    let (result, asked) = ranged(&bytes);
    let photo = result.expect("a photo").photo;
    assert_canon_facts(&photo);
    assert_eq!(photo, read(&bytes).photo);
    assert!(asked.len() <= 3, "{asked:?}");
}

#[test]
fn entries_of_a_note_have_a_limit() {
    let serial = |before: u64| {
        let filler = (0x4000, 4, longs(&[1]));
        let mut entries = vec![filler; usize::try_from(before).expect("few")];
        entries.push((0x000c, 4, longs(&[7])));
        canon_photo(absolute_directory(0, &entries))
            .photo()
            .body_serial
    };
    assert!(serial(limits::MAX_NOTE_ENTRIES - 1).is_some());
    assert_eq!(serial(limits::MAX_NOTE_ENTRIES), None);
}

/// Returns photos with a note of each maker.
fn photos_of_all_makers() -> Vec<NotePhoto> {
    let mut photos = makers::photos();
    photos.push(canon_photo(absolute_directory(0, &canon_entries())));
    photos
}

#[test]
fn broken_notes_never_panic() {
    let check = |bytes: &[u8]| {
        let extraction: Extraction = read(bytes);
        assert!(!has_warning(&extraction, "too much work"));
    };
    let mut random = fastrand::Rng::with_seed(18);
    for photo in photos_of_all_makers() {
        let bytes = photo.bytes();
        for end in NOTE_START as usize..bytes.len() {
            check(&bytes[..end]);
            // The same, with a length in EXIF that fits.
            let note = photo.note[..end - NOTE_START as usize].to_vec();
            check(&NotePhoto::new(photo.make, photo.model, note).bytes());
        }
        for _ in 0..500 {
            let mut bytes = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(NOTE_START as usize..bytes.len());
                let any = random.u8(..);
                bytes[at] = *random.choice(&[0, 1, 0x7f, 0x80, 0xff, any]).expect("some");
            }
            check(&bytes);
        }
    }
}

#[test]
fn the_records_of_a_crw_are_read_like_a_note() {
    let (_, _, settings) = canon_settings(&[(5, 1), (22, 149)]);
    let records = |model: &str, zone: [i32; 2]| {
        // 2018-02-01 09:41:07 by the camera's clock.
        let time = longs(&[1_517_478_067, zone[0], zone[1]]);
        let names = [ascii("Canon"), ascii(model)].concat();
        crw(&[
            (0x080a, names),
            (0x102d, settings.clone()),
            (0x180b, longs(&[560_018_150])),
            (0x180e, time),
        ])
    };
    let photo = read(&records("Canon EOS 300D", [3_600, i32::MIN])).photo;
    let capture = photo.record.capture;
    assert_eq!(capture.local_text().as_deref(), Some("2018-02-01T09:41:07"));
    assert_eq!(
        capture.offset.map(|offset| offset.to_string()).as_deref(),
        Some("+01:00")
    );
    assert_eq!(
        (
            photo.body_serial.as_deref(),
            lens_of(&photo),
            photo.record.drive_mode.as_deref()
        ),
        (
            Some("0560018150"),
            Some("Canon EF 100mm f/2 USM"),
            Some("Continuous")
        )
    );
    // Without the mark, the second number is not a time zone. A PowerShot has another number there.
    let photo = read(&records("Canon PowerShot G3", [3_600, 0])).photo;
    assert_eq!(
        (photo.record.capture.offset, photo.body_serial),
        (None, None)
    );
}
