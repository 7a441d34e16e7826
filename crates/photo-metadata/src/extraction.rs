//! One pass over a file: reads the metadata from the bytes that are available. An IFD (image file
//! directory) is a table of tags.

use std::collections::BTreeMap;
use std::fmt;

use super::blocks::{BlockReader, MetadataBlock, MetadataBlocks};
use super::container::read_container;
use super::context::FileContext;
use super::format::{PhotoFormat, detect_format};
use super::iptc::IptcRecords;
use super::iptc_tags::IptcTags;
use super::labels::{FileLabels, LabelCollector, collect_labels};
use super::maker_note::{NoteSources, read_maker_note};
use super::normalise::normalise_metadata;
use super::preview::{largest_picture, largest_preview};
use super::raw_format::refine_format;
use super::record::{EmbeddedPreview, PhotoMetadata, PictureData, Tags};
use super::sources::MetadataSources;
use super::sparse::Sparse;
use super::tag_collector::TagCollector;
use super::tag_values::collect_field_tags;
use super::tiff::{Ifd, IfdField, IfdFields, may_have_labels};
use super::work_budget::WorkBudget;
use super::xmp::XmpProperties;
use super::xmp_tags::collect_xmp_tags;
use super::{limits, photoshop, raw, tag};

/// The metadata of one photo, and how much of the file was read for them.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// The format, detected from the bytes of the file.
    pub format: PhotoFormat,
    /// The normalised metadata.
    pub photo: PhotoMetadata,
    /// The keywords and the rating from all sources in the file, before any limit of the record.
    pub labels: FileLabels,
    /// The values of the tags of all IFDs (image file directories, which are tables of tags), of XMP
    /// and of IPTC. The map has ExifTool's names: first the name of the group (the IFD, `XMP-dc`,
    /// `IPTC`), then the name of the tag.
    pub tags: Tags,
    /// The sizes in bytes of the tags that are binary or too large for `tags`. The key consists of
    /// the names of the group and of the tag: `ExifIFD.MakerNote`.
    pub omitted: BTreeMap<String, u64>,
    /// One line of text for each problem, for example a piece of the file that is broken or
    /// missing.
    pub warnings: Vec<String>,
    /// The largest embedded JPEG, if the file is a RAW file. Browsers cannot show the RAW file
    /// itself.
    pub preview: Option<EmbeddedPreview>,
    /// The place of the picture data in the file. `None` if it is unknown.
    pub picture: Option<PictureData>,
    /// Whether the file contains its picture.
    pub picture_state: PictureState,
    /// The numbers of reads and of bytes that the extraction needed.
    pub reads: ReadTotals,
}

/// Whether a file contains its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureState {
    /// The picture is there, or nothing shows that it is missing.
    Present,
    /// The file is a JPEG that ends before its picture: the rest of a broken transfer.
    Missing,
}

/// The numbers of reads and of bytes that an extraction needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadTotals {
    /// The number of ranges that were read.
    pub count: u32,
    /// The number of bytes in these ranges.
    pub bytes: u64,
}

/// The error if a file is not a photo, or is a photo in an unsupported format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedFormat {
    /// A description of the file for people: `empty`, `a QuickTime video`.
    pub reason: String,
    /// The numbers of reads and of bytes until the format was known to be unsupported.
    pub reads: ReadTotals,
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for UnsupportedFormat {}

/// Reads the metadata of a file that is in memory.
///
/// # Errors
/// Returns [`UnsupportedFormat`] if the bytes are not a photo. A broken photo is not an error:
/// [`Extraction::warnings`] contains what could not be read.
///
/// ```
/// use chrono::NaiveDateTime;
/// use photo_metadata::{FileContext, extract};
///
/// let context = FileContext {
///     file_name: "DSC_0001.JPG".to_owned(),
///     latest_credible_time: NaiveDateTime::MAX,
/// };
/// let file = include_bytes!("../../../examples/photos/card1/DSC_0001.JPG");
/// let extraction = extract(file, context)?;
/// let record = extraction.photo.record;
/// assert_eq!(record.capture.local_text().as_deref(), Some("2018-02-01T09:41:07.670"));
/// assert_eq!(record.camera.map(|camera| camera.name).as_deref(), Some("Nikon D750"));
/// # Ok::<(), photo_metadata::UnsupportedFormat>(())
/// ```
pub fn extract(bytes: &[u8], context: FileContext) -> Result<Extraction, UnsupportedFormat> {
    let reads = ReadTotals {
        count: 1,
        bytes: bytes.len() as u64,
    };
    match read_metadata(&Sparse::whole(bytes), &context) {
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

/// The warning if the work budget of a file is used up.
pub(crate) const TOO_MUCH_WORK: &str =
    "the metadata need too much work to read: some were not read";

/// Parses the bytes of the file that are available, in one pass. Returns the metadata in them.
/// Afterwards, [`Sparse::take_wants`] returns the ranges that are missing.
///
/// # Errors
/// Returns a description of the file for people, if the file is not a photo.
pub(crate) fn read_metadata(
    file: &Sparse<'_>,
    context: &FileContext,
) -> Result<Extraction, &'static str> {
    let view = file.view();
    let format = detect_format(view.up_to(0, 512).unwrap_or_default())?;
    let mut blocks = MetadataBlocks::default();
    read_container(format, view, &mut blocks);
    file.budget().begin_parsing();
    let mut warnings = std::mem::take(&mut blocks.warnings);
    truncate_blocks(&mut blocks, &mut warnings);
    let copies = blocks.in_memory(file.budget());
    let mut reader = BlockReader::new(view, &copies);
    let mut parsed = ParsedBlocks {
        size: blocks.size,
        ..ParsedBlocks::new(format)
    };
    parsed.read_blocks(&blocks, &mut reader, &mut warnings);
    if format == PhotoFormat::Rw2 {
        parsed.read_rw2_jpeg(&mut reader);
    }
    parsed.read_blocks_in_tiff(file.budget(), &mut warnings);
    parsed.xmp.labels.append(&parsed.gaps);
    for (name, value) in &blocks.properties {
        parsed.xmp.add(name, value);
    }
    let format = refine_format(format, &parsed.fields);
    let sources = MetadataSources {
        format,
        fields: &parsed.fields,
        xmp: &parsed.xmp,
        iptc: &parsed.iptc,
        blocks: &blocks,
        size: parsed.size,
        maker_note: read_maker_note(&NoteSources {
            fields: &parsed.fields,
            canon_note: &parsed.canon_note,
            crw_records: &blocks.crw_records,
            xmp: &parsed.xmp,
            file: view,
        }),
    };
    let photo = normalise_metadata(&sources, context, &mut warnings);
    let mut labels = collect_labels(&sources, photo.record.rating);
    let mut collector = TagCollector::default();
    collect_field_tags(&parsed.fields, format, &mut collector);
    if let Some(length) = blocks.maker_note_bytes() {
        collector.add("ExifIFD", "MakerNote", length, None);
    }
    collect_xmp_tags(&parsed.xmp.packets, &mut collector);
    std::mem::take(&mut parsed.iptc_tags).collect(&mut collector);
    warnings.extend(collector.warning.map(str::to_owned));
    let preview = if format.is_raw() {
        largest_preview(view, &parsed.fields, &blocks.previews)
    } else {
        None
    };
    warnings.append(&mut parsed.fields.warnings);
    if file.budget().is_used_up() {
        labels.add_gap(TOO_MUCH_WORK);
        warnings.insert(0, TOO_MUCH_WORK.to_owned());
    }
    limit_warnings(&mut warnings);
    Ok(Extraction {
        format,
        photo,
        labels,
        tags: collector.tags,
        omitted: collector.omitted,
        warnings,
        preview,
        picture: find_picture(format, &blocks, &parsed.fields),
        picture_state: match format == PhotoFormat::Jpeg && blocks.ends_before_picture {
            true => PictureState::Missing,
            false => PictureState::Present,
        },
        reads: ReadTotals::default(),
    })
}

/// Cuts the list of warnings, and each of them, to its maximum length.
pub(crate) fn limit_warnings(warnings: &mut Vec<String>) {
    warnings.truncate(limits::MAX_WARNINGS);
    for warning in warnings {
        warning.truncate(warning.floor_char_boundary(limits::MAX_TEXT_BYTES));
    }
}

/// The place of an IPTC block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IptcPlace {
    /// In the container itself, or in Photoshop's resources in it.
    Container,
    /// The tag IPTC-NAA of a TIFF structure.
    TiffTag,
    /// Photoshop's resources in a tag of a TIFF structure.
    TiffResources,
    Trailer,
}

/// Reports whether a place of IPTC is the standard one of a format. In a format without a standard
/// place, every place is (ExifTool, `IsStandardIPTC` in IPTC.pm).
fn is_standard_place(format: PhotoFormat, place: IptcPlace) -> bool {
    use PhotoFormat::{Avif, Cr3, Crw, Gif, Heic, Heif, Jp2, Jxl, Mrw, Png, Raf, WebP, X3f};
    match format {
        PhotoFormat::Jpeg | PhotoFormat::Psd => place == IptcPlace::Container,
        Avif | Cr3 | Crw | Gif | Heic | Heif | Jp2 | Jxl | Mrw | Png | Raf | WebP | X3f => true,
        _ => place == IptcPlace::TiffTag,
    }
}

/// Returns the place of the picture data. The container shows it, or the tags of a TIFF structure.
fn find_picture(
    format: PhotoFormat,
    blocks: &MetadataBlocks,
    fields: &IfdFields<'_>,
) -> Option<PictureData> {
    match format {
        PhotoFormat::Raf | PhotoFormat::Mrw | PhotoFormat::X3f | PhotoFormat::Cr3 => None,
        _ => blocks.picture.or_else(|| largest_picture(fields)),
    }
}

fn truncate_blocks(blocks: &mut MetadataBlocks, warnings: &mut Vec<String>) {
    let mut is_cut = blocks.single_ifds.len() > limits::MAX_BLOCKS;
    blocks.single_ifds.truncate(limits::MAX_BLOCKS);
    for list in [&mut blocks.tiffs, &mut blocks.xmp, &mut blocks.iptc] {
        is_cut |= list.len() > limits::MAX_BLOCKS;
        list.truncate(limits::MAX_BLOCKS);
    }
    if is_cut {
        let warning = "more metadata blocks than any photo has";
        blocks.labels.add_gap(warning);
        warnings.push(warning.to_owned());
    }
}

/// The parsed contents of a file's metadata blocks.
struct ParsedBlocks<'s> {
    format: PhotoFormat,
    fields: IfdFields<'s>,
    xmp: XmpProperties,
    iptc: IptcRecords,
    iptc_tags: IptcTags,
    /// The maker note of a Canon CR3, which is a separate TIFF structure.
    canon_note: IfdFields<'s>,
    size: Option<(u32, u32)>,
    /// The reasons why labels (keywords and the rating) may be missing, except those that the
    /// parser of a block records itself.
    gaps: LabelCollector,
}

impl<'s> ParsedBlocks<'s> {
    fn new(format: PhotoFormat) -> Self {
        ParsedBlocks {
            format,
            fields: IfdFields::default(),
            xmp: XmpProperties::default(),
            iptc: IptcRecords::default(),
            iptc_tags: IptcTags::default(),
            canon_note: IfdFields::default(),
            size: None,
            gaps: LabelCollector::default(),
        }
    }

    /// Reads an IPTC block.
    fn read_iptc(&mut self, bytes: &[u8], place: IptcPlace, budget: &WorkBudget) {
        self.iptc.read_block(bytes, budget);
        let is_standard = is_standard_place(self.format, place);
        self.iptc_tags.read_block(bytes, is_standard, budget);
    }

    fn read_blocks(
        &mut self,
        blocks: &MetadataBlocks,
        reader: &mut BlockReader<'s>,
        warnings: &mut Vec<String>,
    ) {
        for block in &blocks.tiffs {
            if let Some(view) = reader.next_view(block) {
                self.fields.read_tiff(view, Ifd::Main(0));
            }
        }
        for (block, ifd) in &blocks.single_ifds {
            let Some(view) = reader.next_view(block) else {
                continue;
            };
            match ifd {
                Ifd::MakerNote => self.canon_note.read_tiff(view, *ifd),
                _ => self.fields.read_tiff(view, *ifd),
            }
        }
        let mut room = limits::MAX_ALL_PACKETS_BYTES;
        for block in &blocks.xmp {
            let view = reader.next_view(block);
            let bytes = view.and_then(|view| view.up_to(0, limits::MAX_PACKET_BYTES.min(room)));
            let read = bytes.map_or(0, |bytes| bytes.len() as u64);
            room -= read;
            if view.is_none_or(|view| view.len() > read) {
                self.gaps.add_gap("XMP that was not read completely");
            }
            if let Some(Err(reason)) =
                bytes.map(|bytes| self.xmp.read_packet(bytes, reader.budget()))
            {
                warnings.push(reason);
            }
        }
        let in_container = blocks
            .iptc
            .iter()
            .map(|block| (block, IptcPlace::Container));
        let trailing = &blocks.trailing_iptc;
        let trailing = trailing.iter().map(|block| (block, IptcPlace::Trailer));
        for (block, place) in in_container.chain(trailing) {
            let view = reader.next_view(block);
            let bytes = view.and_then(|view| view.up_to(0, limits::MAX_PACKET_BYTES));
            if let Some(bytes) = bytes {
                self.read_iptc(bytes, place, reader.budget());
            }
            let read = bytes.map_or(0, |bytes| bytes.len() as u64);
            if view.is_none_or(|view| view.len() > read) {
                self.gaps.add_gap("IPTC that was not read completely");
            }
        }
    }

    /// Reads the EXIF in the JPEG that a Panasonic RW2 contains, and adds its fields to those of
    /// the RW2.
    fn read_rw2_jpeg(&mut self, reader: &mut BlockReader<'s>) {
        let mut inner = MetadataBlocks::default();
        raw::read_rw2_jpeg(&self.fields, &mut inner);
        self.size = inner.size;
        for block in &inner.tiffs {
            if let Some(view) = reader.next_view(block) {
                self.fields.read_tiff(view, Ifd::Main(0));
            }
        }
    }

    /// Reads the XMP, the IPTC and the Photoshop resources that are values of tags in a TIFF
    /// structure.
    fn read_blocks_in_tiff(&mut self, budget: &WorkBudget, warnings: &mut Vec<String>) {
        let fields = &self.fields;
        let bytes_of = |tag| {
            let field = fields.get(Ifd::Main(0), tag);
            field.and_then(|field| field.bytes)
        };
        read_other_labels(fields, budget, &mut self.gaps);
        let packet = bytes_of(tag::APPLICATION_NOTES);
        let block = bytes_of(tag::IPTC_NAA);
        let resources = bytes_of(tag::PHOTOSHOP_SETTINGS);
        if let Some(packet) = packet
            && let Err(reason) = self.xmp.read_packet(packet, budget)
        {
            warnings.push(reason);
        }
        if let Some(block) = block {
            self.read_iptc(block, IptcPlace::TiffTag, budget);
        }
        if let Some(resources) = resources {
            let mut inner = MetadataBlocks::default();
            photoshop::read_copied_resources(resources, budget, &mut inner);
            self.gaps.append(&inner.labels);
            for block in inner.iptc {
                if let MetadataBlock::Memory(bytes) = block {
                    self.read_iptc(&bytes, IptcPlace::TiffResources, budget);
                }
            }
            for block in inner.xmp {
                if let MetadataBlock::Memory(bytes) = block
                    && let Err(reason) = self.xmp.read_packet(&bytes, budget)
                {
                    warnings.push(reason);
                }
            }
        }
    }
}

/// Reads the labels of the XMP, the IPTC and the Photoshop resources that only their labels are read of:
/// those in other IFDs than IFD0, such as the later pages of a TIFF, and those that another entry of
/// IFD0 replaces. They describe a part of the file, so they do not count for its record.
fn read_other_labels(fields: &IfdFields<'_>, budget: &WorkBudget, labels: &mut LabelCollector) {
    let mut xmp = XmpProperties::default();
    let mut iptc = IptcRecords::default();
    let has_block = |field: &&IfdField<'_>| {
        let blocks = [
            tag::APPLICATION_NOTES,
            tag::IPTC_NAA,
            tag::PHOTOSHOP_SETTINGS,
        ];
        blocks.contains(&field.tag) && may_have_labels(field.ifd)
    };
    for field in fields.list.iter().filter(has_block) {
        let main = fields.get(Ifd::Main(0), field.tag);
        let is_read = main.is_some_and(|main| std::ptr::eq(main, field));
        let Some(bytes) = field.bytes.filter(|_| !is_read) else {
            continue;
        };
        match field.tag {
            tag::APPLICATION_NOTES => {
                // The labels have the reason, if the packet cannot be read.
                let _ = xmp.read_packet(bytes, budget);
            }
            tag::IPTC_NAA => iptc.read_block(bytes, budget),
            tag::PHOTOSHOP_SETTINGS => {
                let mut inner = MetadataBlocks::default();
                photoshop::read_copied_resources(bytes, budget, &mut inner);
                labels.append(&inner.labels);
                for block in inner.iptc {
                    if let MetadataBlock::Memory(bytes) = block {
                        iptc.read_block(&bytes, budget);
                    }
                }
                for block in inner.xmp {
                    if let MetadataBlock::Memory(bytes) = block {
                        let _ = xmp.read_packet(&bytes, budget);
                    }
                }
            }
            _ => {}
        }
    }
    labels.append(&xmp.labels);
    labels.append(&iptc.labels);
}
