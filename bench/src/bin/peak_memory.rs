//! Measures the peak memory of reading a large RAW file, in a process of its own:
//! `cargo run --release -p bench --bin peak_memory`. Fails above 16 MiB (Linux).
//!
//! The program creates the file. It is a sparse file of 100 MB in Nikon's layout. An IFD (image
//! file directory) is a table of tags. IFD0 is at the start of the file, the SubIFDs are at three
//! quarters, the Exif IFD with a maker note of 300 kB is after the sensor data, and the preview is
//! near the end.

#![expect(clippy::print_stdout, reason = "the report is its output")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bench::{BenchResult, ProcessMemory, extract_file};

const FILE_BYTES: u64 = 100_000_000;
const MAX_BYTES: u64 = 16 << 20;
/// The offset in bytes of the first SubIFD in the example RAW file. An IFD is a table of tags.
const SUB_IFDS: u32 = 75_000_000;
/// The offset in bytes of the Exif IFD in the example RAW file. An IFD is a table of tags.
const EXIF_IFD: u32 = 90_000_000;
/// The offset in bytes of the preview (an embedded JPEG) in the example RAW file.
const PREVIEW: u32 = 99_000_000;

/// The code of the TIFF type for text.
const ASCII: u16 = 2;
/// The code of the TIFF type for 16-bit numbers.
const SHORT: u16 = 3;
/// The code of the TIFF type for 32-bit numbers.
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

fn main() -> BenchResult<()> {
    let file = tempfile::tempfile()?;
    write_raw(&file)?;
    let before = ProcessMemory::of_this_process()?.peak;
    let extraction = extract_file(&file, "DSC_0001.NEF")?;
    let peak = ProcessMemory::of_this_process()?.peak;
    println!(
        "{} of {FILE_BYTES} bytes: {} reads, {} bytes; date {:?}, {:?} x {:?}, preview {:?}",
        extraction.format.name(),
        extraction.reads.count,
        extraction.reads.bytes,
        extraction.photo.record.capture.day(),
        extraction.photo.record.width,
        extraction.photo.record.height,
        extraction.preview.map(|preview| preview.length),
    );
    println!(
        "peak {} KiB resident, {} KiB of them before reading",
        peak / 1024,
        before / 1024
    );
    if peak < MAX_BYTES {
        Ok(())
    } else {
        Err("more than 16 MiB".into())
    }
}

/// Returns the bytes of an IFD, a table of tags. Each entry is a tag, a type, a count, and a value
/// or the offset of the value.
fn ifd(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    // There is no further IFD.
    bytes.extend([0; 4]);
    bytes
}

fn write_raw(file: &File) -> io::Result<()> {
    file.set_len(FILE_BYTES)?;
    let ifd0 = ifd(&[
        (tag::MAKE, ASCII, 18, 200),
        (tag::MODEL, ASCII, 10, 220),
        (tag::ORIENTATION, SHORT, 1, 1),
        (tag::SUB_IFDS, LONG, 2, 240),
        (tag::EXIF_IFD, LONG, 1, EXIF_IFD),
    ]);
    file.write_all_at(&[b"II*\0\x08\0\0\0", &ifd0[..]].concat(), 0)?;
    file.write_all_at(b"NIKON CORPORATION\0", 200)?;
    file.write_all_at(b"NIKON Z 9\0", 220)?;
    file.write_all_at(&SUB_IFDS.to_le_bytes(), 240)?;
    file.write_all_at(&(SUB_IFDS + 1_000).to_le_bytes(), 244)?;
    let preview = ifd(&[
        (tag::JPEG_OFFSET, LONG, 1, PREVIEW),
        (tag::JPEG_LENGTH, LONG, 1, 900_000),
    ]);
    file.write_all_at(&preview, u64::from(SUB_IFDS))?;
    let sensor = ifd(&[
        (tag::IMAGE_WIDTH, LONG, 1, 8_256),
        (tag::IMAGE_LENGTH, LONG, 1, 5_504),
        (tag::COMPRESSION, SHORT, 1, 34_713),
        (tag::PHOTOMETRIC, SHORT, 1, 32_803),
    ]);
    file.write_all_at(&sensor, u64::from(SUB_IFDS) + 1_000)?;
    let exif = ifd(&[
        (tag::DATE_TIME_ORIGINAL, ASCII, 20, EXIF_IFD + 400),
        (tag::MAKER_NOTE, UNDEFINED, 300_000, EXIF_IFD + 1_000),
    ]);
    file.write_all_at(&exif, u64::from(EXIF_IFD))?;
    file.write_all_at(b"2018:02:01 09:41:07\0", u64::from(EXIF_IFD) + 400)?;
    // The start of a JPEG of 1920 by 1080 pixels.
    file.write_all_at(
        b"\xff\xd8\xff\xc0\0\x0b\x08\x04\x38\x07\x80\x01\x01\x11\0\xff\xda",
        u64::from(PREVIEW),
    )
}

/// Tag numbers of TIFF 6.0 and EXIF.
mod tag {
    pub(super) const IMAGE_WIDTH: u16 = 0x0100;
    pub(super) const IMAGE_LENGTH: u16 = 0x0101;
    pub(super) const COMPRESSION: u16 = 0x0103;
    pub(super) const PHOTOMETRIC: u16 = 0x0106;
    pub(super) const MAKE: u16 = 0x010f;
    pub(super) const MODEL: u16 = 0x0110;
    pub(super) const ORIENTATION: u16 = 0x0112;
    pub(super) const SUB_IFDS: u16 = 0x014a;
    pub(super) const JPEG_OFFSET: u16 = 0x0201;
    pub(super) const JPEG_LENGTH: u16 = 0x0202;
    pub(super) const EXIF_IFD: u16 = 0x8769;
    pub(super) const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub(super) const MAKER_NOTE: u16 = 0x927c;
}
