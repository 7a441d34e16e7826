//! Bytes in, tags out: the metadata of one photo, read from as few of its bytes as possible.
//!
//! This module never does I/O and knows no clock. An [`Extractor`] parses straight ahead over the bytes that it holds;
//! where some are missing it asks for a range ([`ExtractionStep::Need`]) and, once fed, starts again. So the same code reads an S3
//! object by ranged GETs, a local file and a slice. Pixels are never decoded.

mod bmff;
mod camera;
mod capture;
mod capture_time;
mod cr3;
mod crw;
mod format;
mod found;
mod heif;
mod iptc;
mod jpeg;
mod jxl;
mod lens_ids;
mod limits;
mod location;
mod maker_note;
mod names;
mod normalise;
mod photoshop;
mod place;
mod png;
mod printed;
mod raw;
mod record;
mod size;
mod sparse;
mod tags;
mod text;
mod tiff;
mod webp;
mod x3f;
mod xmp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use chrono::NaiveDateTime;

pub use self::capture_time::{CaptureTime, DateSource, OffsetSource};
pub use self::format::Format;
use self::found::{Found, Part};
use self::iptc::Iptc;
pub use self::location::{Location, LocationPrecision};
use self::normalise::Said;
pub use self::printed::describe_value;
pub use self::record::{
    Camera, EmbeddedPreview, Exposure, Lens, PhotoMetadata, PhotoRecord, TagValue, Tags,
    storable_number,
};
use self::sparse::{Sparse, View};
pub use self::text::is_bidi_control;
use self::tiff::{Fields, Ifd};
use self::xmp::Xmp;

/// Bumped whenever the same bytes would give another record, so that old records can be derived anew.
pub const EXTRACTOR_VERSION: u32 = 1;

/// Bytes asked for first: enough for 99 % of JPEG files.
pub const HEAD_BYTES: u64 = 64 * 1024;

/// What is known of a file besides its bytes.
#[derive(Debug, Clone)]
pub struct FileContext {
    /// The base name of the file, for a date in it.
    pub file_name: String,
    /// A capture time later than this is impossible: Last-Modified and a day.
    pub latest_credible_time: NaiveDateTime,
}

/// What an [`Extractor`] wants next.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one of them lives at a time, and it is moved out at once"
)]
pub enum ExtractionStep {
    /// These bytes of the file; they lie inside it, and are never asked for twice.
    Need(Range<u64>),
    /// It is done.
    Done(Result<Extraction, UnsupportedFormat>),
}

/// The metadata of one photo.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// The format, by the file's bytes.
    pub format: Format,
    /// The normalised record.
    pub photo: PhotoMetadata,
    /// Every tag of every IFD, as ExifTool names and groups them.
    pub tags: Tags,
    /// `ExifIFD.MakerNote` and its size in bytes: what is too large for `tags`.
    pub omitted: BTreeMap<String, u64>,
    /// What could not be read, one line each.
    pub warnings: Vec<String>,
    /// The largest embedded JPEG of a file that a browser cannot show.
    pub preview: Option<EmbeddedPreview>,
    /// What it took.
    pub reads: Reads,
}

/// The bill of an extraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Ranges asked for.
    pub count: u32,
    /// Bytes received.
    pub bytes: u64,
}

/// A file that is no photo, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedFormat {
    /// What it is instead, for people: `empty`, `a QuickTime video`.
    pub reason: String,
    /// What it took to find out.
    pub reads: Reads,
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for UnsupportedFormat {}

/// The reasons why [`Extractor::run`] gives no metadata. `E` is the error of the caller's reads.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError<E> {
    /// A read failed.
    #[error(transparent)]
    Read(E),
    /// The file is not a photo.
    #[error(transparent)]
    UnsupportedFormat(UnsupportedFormat),
}

/// Reads the metadata of one file, range by range.
#[derive(Debug)]
pub struct Extractor {
    file: Sparse<'static>,
    context: FileContext,
    reads: Reads,
    asked: Range<u64>,
}

impl Extractor {
    /// An extractor for a file of that many bytes, with nothing read yet.
    pub fn new(size_bytes: u64, context: FileContext) -> Self {
        Extractor {
            file: Sparse::new(size_bytes),
            context,
            reads: Reads::default(),
            asked: 0..0,
        }
    }

    /// Parses what is there: the bytes still wanting, or the result. At most 6 ranges and 8 MiB are asked for; a file
    /// that would take more gives what was found by then, with a warning.
    pub fn step(&mut self) -> ExtractionStep {
        if self.reads.count == 0 && self.file.size() > 0 {
            return self.need(0..self.file.size().min(HEAD_BYTES));
        }
        let outcome = read(&self.file, &self.context);
        let wants = self.file.take_wants();
        if let Some(range) = self.plan(&wants) {
            return self.need(range);
        }
        ExtractionStep::Done(match outcome {
            Ok(mut extraction) => {
                if !wants.is_empty() {
                    extraction
                        .warnings
                        .push("the metadata lie too far apart: some were not read".to_owned());
                }
                Ok(Extraction {
                    reads: self.reads,
                    ..extraction
                })
            }
            Err(reason) => Err(UnsupportedFormat {
                reason: reason.to_owned(),
                reads: self.reads,
            }),
        })
    }

    /// Gives the bytes asked for. Fewer than asked for means that the file ends there.
    pub fn feed(&mut self, offset: u64, bytes: Bytes) {
        let length = bytes.len() as u64;
        self.reads.bytes = self.reads.bytes.saturating_add(length);
        let end = offset.saturating_add(length);
        if offset == self.asked.start && end < self.asked.end {
            self.file.ends_at(end);
        }
        self.file.add(offset, bytes);
    }

    /// Runs the extraction to its end. `read` returns the bytes of a range. If it returns fewer bytes than asked for, the
    /// file ends there.
    ///
    /// # Errors
    /// Returns the first error of `read`, or [`ExtractError::UnsupportedFormat`] if the file is not a photo.
    pub fn run<E>(
        mut self,
        mut read: impl FnMut(Range<u64>) -> Result<Bytes, E>,
    ) -> Result<Extraction, ExtractError<E>> {
        loop {
            match self.step() {
                ExtractionStep::Need(range) => {
                    let start = range.start;
                    self.feed(start, read(range).map_err(ExtractError::Read)?);
                }
                ExtractionStep::Done(result) => {
                    return result.map_err(ExtractError::UnsupportedFormat);
                }
            }
        }
    }

    fn need(&mut self, range: Range<u64>) -> ExtractionStep {
        self.reads.count += 1;
        self.asked = range.clone();
        ExtractionStep::Need(range)
    }

    /// One range for as many of the wants as lie together, rounded up so that what is wanted next is likely in it.
    fn plan(&self, wants: &[Range<u64>]) -> Option<Range<u64>> {
        const TOGETHER: u64 = 64 << 10;
        const MOST: u64 = 1 << 20;
        const LEAST: u64 = 32 << 10;
        let left = limits::BYTES.saturating_sub(self.reads.bytes);
        if self.reads.count >= limits::READS {
            return None;
        }
        let fits = |want: &&Range<u64>| want.end - want.start <= left;
        let mut range = wants.iter().find(fits)?.clone();
        for want in wants.iter().filter(fits) {
            let joined = range.start.min(want.start)..range.end.max(want.end);
            let near = want.start <= range.end.saturating_add(TOGETHER)
                && range.start <= want.end.saturating_add(TOGETHER);
            if near && joined.end - joined.start <= MOST.min(left) {
                range = joined;
            }
        }
        // A walk from segment to segment learns one place with each read: it asks for twice as much each time.
        let walks = self.file.follows(range.start, TOGETHER);
        let least = if walks {
            HEAD_BYTES << self.reads.count
        } else {
            LEAST
        };
        let end = range
            .end
            .max(range.start.saturating_add(least))
            .min(self.file.size());
        // Near the end of the file the room is better spent on what comes before.
        let start = range.start.min(end.saturating_sub(LEAST));
        let missing = self.file.missing(start..end);
        let range = if missing.start <= range.start && range.end <= missing.end {
            missing
        } else {
            range
        };
        Some(range.start..range.end.min(range.start.saturating_add(left)))
    }
}

/// The metadata of a file that is all there.
///
/// # Errors
/// It is no photo. A broken one is no error: see [`Extraction::warnings`].
pub fn extract(bytes: &[u8], context: FileContext) -> Result<Extraction, UnsupportedFormat> {
    let reads = Reads {
        count: 1,
        bytes: bytes.len() as u64,
    };
    match read(&Sparse::whole(bytes), &context) {
        Ok(extraction) => Ok(Extraction {
            reads,
            ..extraction
        }),
        Err(reason) => Err(UnsupportedFormat {
            reason: reason.to_owned(),
            reads,
        }),
    }
}

/// One pass over what is at hand.
fn read(file: &Sparse<'_>, context: &FileContext) -> Result<Extraction, &'static str> {
    let view = file.view();
    let format = format::detect(view.up_to(0, 512).unwrap_or_default())?;
    let mut found = Found::default();
    container(format, view, &mut found);
    let mut warnings = std::mem::take(&mut found.warnings);
    let mut found_size = found.size;
    found.single_ifds.truncate(limits::BLOCKS);
    for blocks in [&mut found.tiffs, &mut found.xmp, &mut found.iptc] {
        if blocks.len() > limits::BLOCKS {
            blocks.truncate(limits::BLOCKS);
            warnings.push("more metadata blocks than any photo has".to_owned());
        }
    }
    let memory = in_memory(&found);
    let mut fields = Fields::default();
    let mut xmp = Xmp::default();
    let mut iptc = Iptc::default();
    let mut blocks = Blocks {
        file: view,
        memory: memory.iter(),
    };
    for part in &found.tiffs {
        if let Some(block) = blocks.next(part) {
            fields.read(block, Ifd::Main(0));
        }
    }
    let mut canon_note = Fields::default();
    for (part, ifd) in &found.single_ifds {
        let Some(block) = blocks.next(part) else {
            continue;
        };
        match ifd {
            Ifd::MakerNote => canon_note.read(block, *ifd),
            _ => fields.read(block, *ifd),
        }
    }
    let mut room = limits::PACKETS;
    for part in &found.xmp {
        let bytes = blocks
            .next(part)
            .and_then(|block| block.up_to(0, limits::PACKET.min(room)));
        room -= bytes.map_or(0, |bytes| bytes.len() as u64);
        if let Some(Err(why)) = bytes.map(|bytes| xmp.read(bytes)) {
            warnings.push(why);
        }
    }
    for part in &found.iptc {
        if let Some(bytes) = blocks
            .next(part)
            .and_then(|block| block.up_to(0, limits::PACKET))
        {
            iptc.read(bytes);
        }
    }
    if format == Format::Rw2 {
        let mut inner = Found::default();
        raw::read_rw2(&fields, &mut inner);
        found_size = inner.size;
        for part in &inner.tiffs {
            if let Some(block) = blocks.next(part) {
                fields.read(block, Ifd::Main(0));
            }
        }
    }
    in_tiff(&fields, &mut xmp, &mut iptc, &mut warnings);
    for (name, value) in &found.properties {
        xmp.add(name, value);
    }
    let format = tiff_format(format, &fields);
    let said = Said {
        format,
        fields: &fields,
        xmp: &xmp,
        iptc: &iptc,
        found: &found,
        size: found_size,
        canon_note: &canon_note,
    };
    let photo = normalise::photo(&said, context);
    let (tags, mut omitted) = tags::all(&fields, matches!(format, Format::Rw2 | Format::Rwl));
    let note = found
        .single_ifds
        .iter()
        .find(|single| single.1 == Ifd::MakerNote);
    if let Some((Part::File { len, .. }, _)) = note {
        omitted.insert("ExifIFD.MakerNote".to_owned(), *len);
    }
    let preview = if format.is_raw() {
        size::preview(view, &fields, &found.previews)
    } else {
        None
    };
    warnings.append(&mut fields.warnings);
    warnings.truncate(limits::WARNINGS);
    Ok(Extraction {
        format,
        photo,
        tags,
        omitted,
        warnings,
        preview,
        reads: Reads::default(),
    })
}

fn container(format: Format, view: View<'_>, found: &mut Found) {
    match format {
        Format::Jpeg => jpeg::read(view, found),
        Format::Png => png::read(view, found),
        Format::WebP => webp::read(view, found),
        Format::Heic | Format::Heif | Format::Avif => heif::read(view, found),
        Format::Psd => photoshop::read_psd(view, found),
        Format::Jxl | Format::Jp2 => jxl::read(view, found),
        Format::Cr3 => cr3::read(view, found),
        Format::Crw => crw::read(view, found),
        Format::Raf => raw::read_raf(view, found),
        Format::Mrw => raw::read_mrw(view, found),
        Format::X3f => x3f::read(view, found),
        Format::Gif => {
            found.size = view
                .le16(6)
                .zip(view.le16(8))
                .map(|(w, h)| (u32::from(w), u32::from(h)))
        }
        _ => found.tiffs.push(Part::of(view)),
    }
}

/// The blocks that are no ranges of the file, in the order in which they are read.
fn in_memory(found: &Found) -> Vec<Sparse<'_>> {
    let parts = found
        .tiffs
        .iter()
        .chain(found.single_ifds.iter().map(|single| &single.0));
    let parts = parts.chain(&found.xmp).chain(&found.iptc);
    parts
        .filter_map(|part| match part {
            Part::Memory(bytes) => Some(Sparse::memory(bytes)),
            Part::File { .. } => None,
        })
        .collect()
}

struct Blocks<'s> {
    file: View<'s>,
    memory: std::slice::Iter<'s, Sparse<'s>>,
}

impl<'s> Blocks<'s> {
    fn next(&mut self, part: &Part) -> Option<View<'s>> {
        match part {
            Part::File { start, len } => Some(self.file.part(*start, *len)),
            Part::Memory(_) => self.memory.next().map(Sparse::view),
        }
    }
}

/// XMP and IPTC that stand in a TIFF's own tags.
fn in_tiff(fields: &Fields<'_>, xmp: &mut Xmp, iptc: &mut Iptc, warnings: &mut Vec<String>) {
    let bytes = |tag| fields.get(Ifd::Main(0), tag).and_then(|field| field.bytes);
    if let Some(Err(why)) = bytes(tiff::XMP).map(|packet| xmp.read(packet)) {
        warnings.push(why);
    }
    if let Some(block) = bytes(tiff::IPTC) {
        iptc.read(block);
    }
    if let Some(block) = bytes(tiff::PHOTOSHOP) {
        let mut inner = Found::default();
        photoshop::read_bytes(block, &mut inner);
        for part in inner.iptc {
            if let Part::Memory(bytes) = part {
                iptc.read(&bytes);
            }
        }
    }
}

/// Which RAW format a TIFF is: by DNGVersion, then by the maker and what only that maker's RAW files have.
fn tiff_format(format: Format, fields: &Fields<'_>) -> Format {
    let text = |tag| {
        fields
            .get(Ifd::Main(0), tag)
            .and_then(text::of)
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if format == Format::Rw2 {
        return if text(0x010f).starts_with("leica") {
            Format::Rwl
        } else {
            format
        };
    }
    if format != Format::Tiff {
        return format;
    }
    if fields.get(Ifd::Main(0), 0xc612).is_some() {
        return if text(0x010f).starts_with("gopro") {
            Format::Gpr
        } else {
            Format::Dng
        };
    }
    let number = |ifd, tag| fields.get(ifd, tag).and_then(|f| normalise::whole(f, 0));
    let ifds = || {
        fields
            .list
            .iter()
            .filter(|f| f.tag == 0x0103)
            .map(|f| f.ifd)
    };
    let compression =
        |wanted: &[u32]| ifds().any(|ifd| number(ifd, 0x0103).is_some_and(|c| wanted.contains(&c)));
    let sensor = ifds().any(|ifd| number(ifd, 0x0106) == Some(32_803))
        || fields.list.iter().any(|f| f.tag == 0x828d);
    let has_sub = fields.list.iter().any(|f| matches!(f.ifd, Ifd::Sub(_)));
    let make = text(0x010f);
    let is = |start: &str| make.starts_with(start);
    match () {
        () if is("nikon") && (compression(&[34_713]) || sensor || has_sub) => {
            if text(0x0110).contains("coolpix") {
                Format::Nrw
            } else {
                Format::Nef
            }
        }
        () if is("sony")
            && (compression(&[32_767]) || fields.get(Ifd::Main(0), 0xc634).is_some() || sensor) =>
        {
            Format::Arw
        }
        () if (is("pentax") || is("ricoh")) && (compression(&[65_535]) || sensor || has_sub) => {
            Format::Pef
        }
        () if is("samsung")
            && (compression(&[32_769, 32_770, 32_772, 32_773]) || sensor || has_sub) =>
        {
            Format::Srw
        }
        () if (is("phase one") || is("leaf"))
            && fields.get(Ifd::Exif, tiff::MAKER_NOTE).is_some() =>
        {
            Format::Iiq
        }
        () if is("hasselblad") => Format::ThreeFr,
        () if (is("kodak") || is("eastman kodak")) && compression(&[65_000]) => Format::Dcr,
        () if (is("kodak") || is("eastman kodak")) && (sensor || has_sub) => Format::Kdc,
        () if is("mamiya") && sensor => Format::Mef,
        () if is("leaf") && sensor => Format::Mos,
        () if (is("epson") || is("seiko epson")) && sensor => Format::Erf,
        () => format,
    }
}
