//! What a container's reader finds: where the metadata lie, not what they say.

use super::limits;
use super::sparse::View;
use super::tiff::Ifd;
use crate::capture_time::DateSource;
use crate::record::EmbeddedPreview;

/// The metadata blocks of one file, in file order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// TIFF structures that hold EXIF.
    pub(crate) tiffs: Vec<Part>,
    /// TIFF structures of a single IFD each (CR3), with that IFD's name.
    pub(crate) single_ifds: Vec<(Part, Ifd)>,
    pub(crate) xmp: Vec<Part>,
    pub(crate) iptc: Vec<Part>,
    /// Width and height as stored.
    pub(crate) size: Option<(u32, u32)>,
    /// Whether the container itself turns the picture by a quarter (HEIF `irot`); `None` where EXIF orientation does.
    pub(crate) quarter_turned: Option<bool>,
    /// A date of the container's own, with the name of its source.
    pub(crate) date: Option<(DateSource, String)>,
    /// What the container itself says (PNG keywords, CIFF, X3F properties), by XMP's names; it counts last.
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) previews: Vec<EmbeddedPreview>,
    pub(crate) warnings: Vec<String>,
    /// Bytes of memory taken for blocks that are no ranges of the file.
    pub(crate) memory: u64,
}

impl Found {
    /// How many more bytes may be inflated or put together.
    pub(crate) fn room(&self) -> u64 {
        limits::MEMORY.saturating_sub(self.memory)
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        if self.warnings.len() < limits::WARNINGS {
            self.warnings.push(warning.into());
        }
    }
}

/// A block of bytes: a range of the file, or what had to be inflated or put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    File { start: u64, len: u64 },
    Memory(Vec<u8>),
}

impl Part {
    pub(crate) fn of(view: View<'_>) -> Self {
        Part::File {
            start: view.base(),
            len: view.len(),
        }
    }
}
