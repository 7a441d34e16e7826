//! Compares how long this crate, kamadak-exif alone and nom-exif take to read all fields of a JPEG
//! in memory.
//!
//! `cargo bench -p photo-metadata --bench extract`. The variable `PHOTO_BENCH` names the file.
//! Without it, a small photo is made here.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads its settings and its file"
)]
use std::hint::black_box;

use chrono::NaiveDateTime;
use photo_metadata::{FileContext, extract};

fn main() {
    divan::main();
}

/// Returns the bytes of the file whose path is in the variable `PHOTO_BENCH`. Without this
/// variable, returns a JPEG with 20 tags, as a camera writes them.
fn bench_photo() -> Vec<u8> {
    if let Some(bytes) = std::env::var_os("PHOTO_BENCH").and_then(|path| std::fs::read(path).ok()) {
        return bytes;
    }
    let mut values = Vec::new();
    let mut directory = |start: u32, entries: &[(u16, u16, &[u8])]| {
        let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
        let data = start + 2 + 12 * entries.len() as u32 + 4;
        values.clear();
        for (tag, kind, value) in entries {
            let size = [0, 1, 1, 2, 4, 8][usize::from(*kind)];
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((value.len() as u32 / size).to_le_bytes());
            if value.len() <= 4 {
                bytes.extend([*value, &[0; 4]].concat().iter().take(4));
            } else {
                bytes.extend((data + values.len() as u32).to_le_bytes());
                values.extend(*value);
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(&values);
        bytes
    };
    let half = &[1, 0, 0, 0, 250, 0, 0, 0][..];
    let date = &b"2018:02:01 09:41:07\0"[..];
    let exif = [
        (0x829a, 5, half),
        (0x829d, 5, half),
        (0x8822, 3, &[2, 0]),
        (0x8827, 3, &[100, 0]),
        (0x9003, 2, date),
        (0x9004, 2, date),
        (0x9204, 5, half),
        (0x9207, 3, &[5, 0]),
        (0x9209, 3, &[16, 0]),
        (0x920a, 5, half),
        (0xa001, 3, &[1, 0]),
        (0xa002, 4, &[0, 8, 0, 0]),
        (0xa003, 4, &[0, 8, 0, 0]),
        (0xa405, 3, &[75, 0]),
        (0xa434, 2, b"NIKKOR Z 24-70mm f/4 S\0"),
    ];
    let at = 8 + directory(
        8,
        &[
            (0x010f, 2, b"NIKON CORPORATION\0"),
            (0x0110, 2, b"NIKON Z 6\0"),
            (0x0112, 3, &[1, 0]),
            (0x0132, 2, date),
            (0x8769, 4, &[0; 4]),
        ],
    )
    .len() as u32;
    let ifd0 = directory(
        8,
        &[
            (0x010f, 2, b"NIKON CORPORATION\0"),
            (0x0110, 2, b"NIKON Z 6\0"),
            (0x0112, 3, &[1, 0]),
            (0x0132, 2, date),
            (0x8769, 4, &at.to_le_bytes()),
        ],
    );
    let tiff = [
        b"Exif\0\0II*\0\x08\0\0\0",
        ifd0.as_slice(),
        &directory(at, &exif),
    ]
    .concat();
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    [
        b"\xff\xd8\xff\xe1",
        &length[..],
        &tiff,
        b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\xff\xd9",
    ]
    .concat()
}

#[divan::bench]
fn photo_metadata(bencher: divan::Bencher<'_, '_>) {
    let bytes = bench_photo();
    let latest_credible_time = NaiveDateTime::MAX;
    bencher.bench(|| {
        extract(
            black_box(&bytes),
            FileContext {
                file_name: String::new(),
                latest_credible_time,
            },
        )
    });
}

#[divan::bench]
fn kamadak_exif_alone(bencher: divan::Bencher<'_, '_>) {
    let bytes = bench_photo();
    bencher.bench(|| {
        let exif = exif::Reader::new()
            .read_from_container(&mut std::io::Cursor::new(black_box(&bytes)))
            .ok();
        exif.map(|exif| {
            exif.fields()
                .map(|field| field.display_value().to_string().len())
                .sum::<usize>()
        })
    });
}

#[divan::bench]
fn nom_exif(bencher: divan::Bencher<'_, '_>) {
    let bytes = bench_photo();
    bencher.bench(|| {
        let source = nom_exif::MediaSource::from_memory(black_box(&bytes).clone()).ok()?;
        nom_exif::MediaParser::new()
            .parse_exif(source)
            .ok()
            .map(|exif| exif.into_iter().count())
    });
}
