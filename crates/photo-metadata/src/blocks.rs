//! The result of a container reader: the metadata blocks of a file. A block is a piece of metadata
//! in one format (EXIF, XMP or IPTC). It is a range of the file, or bytes that were decompressed or
//! joined.
//!
//! An IFD (image file directory) is a table of tags in a TIFF structure. A maker note is data in
//! the camera maker's own format.

use super::capture_time::DateSource;
use super::labels::LabelCollector;
use super::limits;
use super::record::{EmbeddedPreview, PictureData};
use super::sparse::{ByteView, Sparse};
use super::text::{decode_text, until_nul};
use super::tiff::Ifd;
use super::work_budget::WorkBudget;

/// The metadata blocks of one file, and the facts about the picture that are in the container
/// itself.
#[derive(Debug, Default)]
pub(crate) struct MetadataBlocks {
    /// The TIFF structures that contain EXIF.
    pub(crate) tiffs: Vec<MetadataBlock>,
    /// TIFF structures that contain only one IFD each, and the kind of this IFD. Only the format
    /// CR3 has them.
    pub(crate) single_ifds: Vec<(MetadataBlock, Ifd)>,
    pub(crate) xmp: Vec<MetadataBlock>,
    pub(crate) iptc: Vec<MetadataBlock>,
    /// The IPTC blocks in trailers, after the picture. They are ranges of the file.
    pub(crate) trailing_iptc: Vec<MetadataBlock>,
    /// The width and height of the picture in pixels, before orientation.
    pub(crate) size: Option<(u32, u32)>,
    /// `true` if the container itself turns the picture by 90 or 270 degrees (HEIF `irot`), `false`
    /// if it does not. `None` if the container has no rotation, so that the orientation applies.
    pub(crate) quarter_turned: Option<bool>,
    /// The orientation in the container itself, 1 to 8 as in EXIF. It has priority over the one in
    /// EXIF. Only JPEG XL has it.
    pub(crate) orientation: Option<u8>,
    /// A date that is in the container itself, outside EXIF, XMP and IPTC: its source and its text.
    pub(crate) date: Option<(DateSource, String)>,
    /// Names and values that are in the container itself: PNG keywords, records of a CRW and
    /// properties of an X3F. Each name is the name of the XMP property with the same meaning. A
    /// value is used only if no XMP packet has this property.
    pub(crate) properties: Vec<(&'static str, String)>,
    /// Records of a CRW that other Canon files have in their maker note: the number of each record,
    /// and its place.
    pub(crate) crw_records: Vec<(u16, MetadataBlock)>,
    /// The comments in the container itself: JPEG comment segments and PNG texts named Comment.
    /// They are not cleaned.
    pub(crate) comments: Vec<String>,
    /// The keywords in the container itself, and the reasons why labels may be missing.
    pub(crate) labels: LabelCollector,
    pub(crate) previews: Vec<EmbeddedPreview>,
    /// The place of the picture data, if the container shows it.
    pub(crate) picture: Option<PictureData>,
    /// `true` if the file ends before its picture begins. Such a file is the rest of a broken
    /// transfer.
    pub(crate) ends_before_picture: bool,
    pub(crate) warnings: Vec<String>,
    /// The number of bytes of memory that are used for decompressed or joined blocks.
    pub(crate) memory: u64,
}

impl MetadataBlocks {
    /// Returns the number of bytes that may still be decompressed or joined.
    pub(crate) fn memory_left(&self) -> u64 {
        limits::MAX_UNPACKED_BYTES.saturating_sub(self.memory)
    }

    /// Adds a warning, unless the maximum number of warnings is reached. Metadata in the broken
    /// part of the file may be missing, so the labels get the warning as the reason why they may be
    /// incomplete.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        self.labels.add_gap(warning.as_str());
        if self.warnings.len() < limits::MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// Adds a comment, unless there are too many.
    pub(crate) fn add_comment(&mut self, comment: &[u8]) {
        if self.comments.len() < limits::MAX_COMMENTS {
            self.comments.push(decode_text(until_nul(comment)));
        }
    }

    /// Returns the blocks that were decompressed or joined, for [`BlockReader::new`]. The caller
    /// must then ask the reader for these blocks in the same order. `budget` is the work budget of
    /// the file.
    pub(crate) fn in_memory<'s>(&'s self, budget: &'s WorkBudget) -> Vec<Sparse<'s>> {
        let single_ifds = self.single_ifds.iter().map(|(block, _)| block);
        let tiffs = self.tiffs.iter().chain(single_ifds);
        let all = tiffs.chain(&self.xmp).chain(&self.iptc);
        all.filter_map(|block| match block {
            MetadataBlock::Memory(bytes) => Some(Sparse::memory(bytes, budget)),
            MetadataBlock::File { .. } => None,
        })
        .collect()
    }

    /// Returns the size in bytes of a maker note that is a separate block. Only a CR3 has such a
    /// note. Returns `None` if there is none.
    pub(crate) fn maker_note_bytes(&self) -> Option<u64> {
        let mut notes = self.single_ifds.iter();
        match notes.find(|(_, ifd)| *ifd == Ifd::MakerNote)? {
            (MetadataBlock::File { len, .. }, _) => Some(*len),
            (MetadataBlock::Memory(_), _) => None,
        }
    }
}

/// A block: a range of the file in bytes, or bytes that were decompressed or joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetadataBlock {
    File { start: u64, len: u64 },
    Memory(Vec<u8>),
}

impl MetadataBlock {
    /// Returns the block that a view covers. The caller must pass a view of the file, not of
    /// decompressed or joined bytes.
    pub(crate) fn of_view(view: ByteView<'_>) -> Self {
        MetadataBlock::File {
            start: view.base(),
            len: view.len(),
        }
    }
}

/// A reader that returns the bytes of blocks. The caller must ask for decompressed and joined
/// blocks in the order of [`MetadataBlocks::in_memory`], because the reader does not compare them.
pub(crate) struct BlockReader<'s> {
    file: ByteView<'s>,
    memory: std::slice::Iter<'s, Sparse<'s>>,
}

impl<'s> BlockReader<'s> {
    pub(crate) fn new(file: ByteView<'s>, in_memory: &'s [Sparse<'s>]) -> Self {
        BlockReader {
            file,
            memory: in_memory.iter(),
        }
    }

    /// Returns the work budget of the present pass over the file.
    pub(crate) fn budget(&self) -> &'s WorkBudget {
        self.file.budget()
    }

    /// Returns a view of the bytes of a block. For a decompressed or joined block, returns the next
    /// one of [`MetadataBlocks::in_memory`]. So the caller must ask for these blocks in that order.
    pub(crate) fn next_view(&mut self, block: &MetadataBlock) -> Option<ByteView<'s>> {
        match block {
            MetadataBlock::File { start, len } => Some(self.file.part(*start, *len)),
            MetadataBlock::Memory(_) => self.memory.next().map(Sparse::view),
        }
    }
}
