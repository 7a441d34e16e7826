//! Every limit for hostile input, in one place.
//!
//! If a file reaches a limit, the metadata before it are kept and a warning is added. No limit
//! affects a photo that a camera really writes.

/// Ranged reads of one extraction.
pub(crate) const READS: u32 = 6;
/// Bytes of one extraction, all reads together.
pub(crate) const BYTES: u64 = 8 << 20;
/// IFDs of one TIFF structure, of every kind.
pub(crate) const IFDS: usize = 64;
/// IFDs of the main chain (IFD0, IFD1, ...). Later pages of a scanned document are not read.
pub(crate) const CHAIN: u8 = 8;
/// Sub-IFDs inside sub-IFDs.
pub(crate) const DEPTH: u8 = 4;
/// Directory entries of one file, all IFDs together. Looking up a field for each field takes
/// quadratic time.
pub(crate) const ENTRIES: usize = 2_048;
/// Broken entries of one IFD. A directory with more is nonsense, and would fill the warnings
/// (ExifTool's limit too).
pub(crate) const BROKEN_ENTRIES: usize = 10;
/// Bytes of one value in the tags. Larger values are listed with their size.
pub(crate) const VALUE: u64 = 2_048;
/// Bytes of all values in the tags together.
pub(crate) const VALUES: u64 = 256 << 10;
/// Bytes of binary data (UNDEFINED without text) that go into the tags as numbers.
pub(crate) const BINARY: usize = 64;
/// Bytes of one text of the record.
pub(crate) const TEXT: usize = 1_024;
/// Keywords of one photo.
pub(crate) const KEYWORDS: usize = 256;
/// Bytes of one XMP packet, IPTC block or Photoshop resource block.
pub(crate) const PACKET: u64 = 4 << 20;
/// Blocks of one kind (EXIF, XMP, IPTC) of one file.
pub(crate) const BLOCKS: usize = 64;
/// Bytes of one file that are decompressed or joined, all blocks together.
pub(crate) const MEMORY: u64 = 8 << 20;
/// Bytes of all XMP packets of one file together.
pub(crate) const PACKETS: u64 = 8 << 20;
/// Segments, chunks or boxes of one container.
pub(crate) const SEGMENTS: usize = 4_096;
/// Items in the item tables of a HEIF, and extents of all items together.
pub(crate) const ITEMS: usize = 16_384;
/// Records in the directories of a CRW, a RAF and an X3F, and properties of an X3F.
pub(crate) const RECORDS: usize = 512;
/// JPEGs inside an X3F that are read.
pub(crate) const PICTURES: usize = 4;
/// The last bytes of a PNG that are searched for metadata after the image data.
pub(crate) const PNG_TAIL: u64 = 64 << 10;
/// Chunks in those bytes whose check sum is computed.
pub(crate) const PNG_TAIL_CHUNKS: usize = 256;
/// XML elements inside elements.
pub(crate) const XML_DEPTH: usize = 32;
/// XML elements of one file. The list of ancestors in a Photoshop file may have more; the
/// properties before it are kept.
pub(crate) const XML_ELEMENTS: usize = 65_536;
/// Namespace declarations of one XML element.
pub(crate) const XML_NAMESPACES: usize = 64;
/// Attributes of one XML element.
pub(crate) const XML_ATTRIBUTES: usize = 1_024;
/// Properties of one XMP packet.
pub(crate) const PROPERTIES: usize = 1_024;
/// Warnings of one photo.
pub(crate) const WARNINGS: usize = 32;
