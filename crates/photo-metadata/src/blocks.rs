//! The result of a container reader: the places of the metadata blocks in a file.

use super::capture_time::DateSource;
use super::limits;
use super::record::EmbeddedPreview;
use super::sparse::{ByteView, Sparse};
use super::tiff::Ifd;

/// The metadata blocks of one file, in file order.
#[derive(Debug, Default)]
pub(crate) struct MetadataBlocks {
    /// TIFF structures with EXIF.
    pub(crate) tiffs: Vec<MetadataBlock>,
    /// TIFF structures of a single IFD each, with this IFD. Only a CR3 has them.
    pub(crate) single_ifds: Vec<(MetadataBlock, Ifd)>,
    pub(crate) xmp: Vec<MetadataBlock>,
    pub(crate) iptc: Vec<MetadataBlock>,
    /// The width and height of the picture in pixels, before orientation.
    pub(crate) size: Option<(u32, u32)>,
    /// `true` if the container itself turns the picture by 90 or 270 degrees (HEIF `irot`), `false`
    /// if it does not. `None` if the EXIF orientation applies.
    pub(crate) quarter_turned: Option<bool>,
    /// The source and the text of a date in the container itself.
    pub(crate) date: Option<(DateSource, String)>,
    /// The names and values of properties of the container itself: PNG keywords, CIFF records and
    /// X3F properties. The names are those of XMP. These properties have the lowest priority.
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) previews: Vec<EmbeddedPreview>,
    pub(crate) warnings: Vec<String>,
    /// The number of bytes of memory used for blocks that are not ranges of the file.
    pub(crate) memory: u64,
}

impl MetadataBlocks {
    /// Returns the number of bytes that may still be decompressed or joined.
    pub(crate) fn memory_left(&self) -> u64 {
        limits::MAX_UNPACKED_BYTES.saturating_sub(self.memory)
    }

    /// Adds a warning, unless there are too many already.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        if self.warnings.len() < limits::MAX_WARNINGS {
            self.warnings.push(warning.into());
        }
    }

    /// Returns the blocks that are not ranges of the file, in the order in which they are read.
    pub(crate) fn in_memory(&self) -> Vec<Sparse<'_>> {
        let single_ifds = self.single_ifds.iter().map(|(block, _)| block);
        let tiffs = self.tiffs.iter().chain(single_ifds);
        let all = tiffs.chain(&self.xmp).chain(&self.iptc);
        all.filter_map(|block| match block {
            MetadataBlock::Memory(bytes) => Some(Sparse::memory(bytes)),
            MetadataBlock::File { .. } => None,
        })
        .collect()
    }

    /// Returns the size in bytes of a maker note that is a block of its own, as in a CR3.
    pub(crate) fn maker_note_bytes(&self) -> Option<u64> {
        let mut notes = self.single_ifds.iter();
        match notes.find(|(_, ifd)| *ifd == Ifd::MakerNote)? {
            (MetadataBlock::File { len, .. }, _) => Some(*len),
            (MetadataBlock::Memory(_), _) => None,
        }
    }
}

/// A block of bytes: a range of the file in bytes, or bytes that were decompressed or joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetadataBlock {
    File { start: u64, len: u64 },
    Memory(Vec<u8>),
}

impl MetadataBlock {
    /// Returns the block that a view covers. The view must be a range of the file.
    pub(crate) fn of_view(view: ByteView<'_>) -> Self {
        MetadataBlock::File {
            start: view.base(),
            len: view.len(),
        }
    }
}

/// Returns the bytes of blocks, which must be asked for in the order of
/// [`MetadataBlocks::in_memory`].
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

    /// Returns the bytes of a block. Blocks in memory must be asked for in order.
    pub(crate) fn next_view(&mut self, block: &MetadataBlock) -> Option<ByteView<'s>> {
        match block {
            MetadataBlock::File { start, len } => Some(self.file.part(*start, *len)),
            MetadataBlock::Memory(_) => self.memory.next().map(Sparse::view),
        }
    }
}
