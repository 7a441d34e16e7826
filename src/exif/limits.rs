//! Every limit that hostile input can run into, in one place. A file that reaches one keeps what was read before it and
//! carries a warning; nothing here ever makes a photo of an honest camera incomplete.

/// Ranged reads of one extraction.
pub(crate) const READS: u32 = 6;
/// Bytes of one extraction, all reads together.
pub(crate) const BYTES: u64 = 8 << 20;
/// IFDs of one TIFF structure, of every kind.
pub(crate) const IFDS: usize = 64;
/// IFDs of the main chain (IFD0, IFD1, ...): the pages of a scanned document beyond these are not read.
pub(crate) const CHAIN: u8 = 8;
/// Sub-IFDs inside sub-IFDs.
pub(crate) const DEPTH: u8 = 4;
/// Directory entries of one file, all IFDs together.
pub(crate) const ENTRIES: usize = 4_096;
/// Broken entries of one IFD: what has more is no directory, and would fill the warnings (ExifTool's limit, too).
pub(crate) const BROKEN_ENTRIES: usize = 10;
/// Bytes of one value that goes into the tags; larger ones are listed with their size.
pub(crate) const VALUE: u64 = 2_048;
/// Bytes of all values together that go into the tags.
pub(crate) const VALUES: u64 = 256 << 10;
/// Bytes of binary data (UNDEFINED that is no text) that go into the tags as numbers.
pub(crate) const BINARY: usize = 64;
/// Bytes of one text of the normalised photo.
pub(crate) const TEXT: usize = 1_024;
/// Keywords of one photo.
pub(crate) const KEYWORDS: usize = 256;
/// Bytes of one XMP packet, IPTC block or Photoshop resource block.
pub(crate) const PACKET: u64 = 4 << 20;
/// Bytes that a compressed chunk may inflate to.
pub(crate) const INFLATED: u64 = 4 << 20;
/// Segments, chunks or boxes of one container.
pub(crate) const SEGMENTS: usize = 4_096;
/// Items of a HEIF file's item tables.
pub(crate) const ITEMS: usize = 16_384;
/// XML elements inside elements, and XMP properties.
pub(crate) const XML_DEPTH: usize = 64;
/// Properties kept of one XMP packet.
pub(crate) const PROPERTIES: usize = 1_024;
/// Warnings of one photo.
pub(crate) const WARNINGS: usize = 32;
