//! Peak memory of reading a large RAW file, in a process of its own: `cargo run --release -p bench --bin peak_memory`.
//!
//! The file is a sparse one, made here: 100 MB of Nikon's layout, with IFD0 in front, the SubIFDs at three quarters, the
//! Exif IFD with a maker note of 300 kB behind the sensor's data and the preview near the end. (Linux: VmHWM.)

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use chrono::NaiveDateTime;
use photo_metadata::{Extractor, FileContext};

const SIZE: u64 = 100_000_000;
const SUB: u32 = 75_000_000;
const EXIF: u32 = 90_000_000;
const PREVIEW: u32 = 99_000_000;

fn main() -> io::Result<()> {
    let file = tempfile::tempfile()?;
    write_raw(&file)?;
    let before = peak_kib()?;
    let context = FileContext {
        file_name: "DSC_0001.NEF".to_owned(),
        latest_credible_time: NaiveDateTime::MAX,
    };
    let read = |range: std::ops::Range<u64>| {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok::<_, io::Error>(bytes.into())
    };
    let extraction = Extractor::new(SIZE, context)
        .run(read)
        .map_err(io::Error::other)?;
    let peak = peak_kib()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} of {SIZE} bytes: {} reads, {} bytes; date {:?}, {:?} x {:?}, preview {:?}",
        extraction.format.name(),
        extraction.reads.count,
        extraction.reads.bytes,
        extraction.photo.record.capture.day(),
        extraction.photo.record.width,
        extraction.photo.record.height,
        extraction.preview.map(|preview| preview.length),
    )?;
    writeln!(
        out,
        "peak {peak} KiB resident, {before} KiB of them before reading"
    )?;
    if peak < 16 << 10 {
        Ok(())
    } else {
        Err(io::Error::other("more than 16 MiB"))
    }
}

fn peak_kib() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other("no VmHWM in /proc/self/status"))
}

fn write_raw(file: &File) -> io::Result<()> {
    file.set_len(SIZE)?;
    let directory = |entries: &[(u16, u16, u32, u32)]| {
        let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend([0; 4]);
        bytes
    };
    let ifd0 = directory(&[
        (0x010f, 2, 18, 200),
        (0x0110, 2, 10, 220),
        (0x0112, 3, 1, 1),
        (0x014a, 4, 2, 240),
        (0x8769, 4, 1, EXIF),
    ]);
    file.write_all_at(&[b"II*\0\x08\0\0\0", &ifd0[..]].concat(), 0)?;
    file.write_all_at(b"NIKON CORPORATION\0", 200)?;
    file.write_all_at(b"NIKON Z 9\0", 220)?;
    file.write_all_at(&SUB.to_le_bytes(), 240)?;
    file.write_all_at(&(SUB + 1_000).to_le_bytes(), 244)?;
    let preview = directory(&[(0x0201, 4, 1, PREVIEW), (0x0202, 4, 1, 900_000)]);
    file.write_all_at(&preview, u64::from(SUB))?;
    let sensor = directory(&[
        (0x0100, 4, 1, 8_256),
        (0x0101, 4, 1, 5_504),
        (0x0103, 3, 1, 34_713),
        (0x0106, 3, 1, 32_803),
    ]);
    file.write_all_at(&sensor, u64::from(SUB) + 1_000)?;
    let exif = directory(&[
        (0x9003, 2, 20, EXIF + 400),
        (0x927c, 7, 300_000, EXIF + 1_000),
    ]);
    file.write_all_at(&exif, u64::from(EXIF))?;
    file.write_all_at(b"2018:02:01 09:41:07\0", u64::from(EXIF) + 400)?;
    file.write_all_at(
        b"\xff\xd8\xff\xc0\0\x0b\x08\x04\x38\x07\x80\x01\x01\x11\0\xff\xda",
        u64::from(PREVIEW),
    )
}
