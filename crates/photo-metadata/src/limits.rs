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
/// Directory entries of one file, all IFDs together. (What looks a field up for each field takes the square of it.)
pub(crate) const ENTRIES: usize = 2_048;
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
/// Blocks of one kind (EXIF, XMP, IPTC) of one file.
pub(crate) const BLOCKS: usize = 64;
/// Bytes of one file that are inflated, or put together from pieces, all blocks together.
pub(crate) const MEMORY: u64 = 8 << 20;
/// Bytes of one file's XMP packets that are read, all together.
pub(crate) const PACKETS: u64 = 8 << 20;
/// Segments, chunks or boxes of one container.
pub(crate) const SEGMENTS: usize = 4_096;
/// Items of a HEIF file's item tables, and the extents of all items together.
pub(crate) const ITEMS: usize = 16_384;
/// Records of the directories of a CRW, a RAF and an X3F, and properties of an X3F.
pub(crate) const RECORDS: usize = 512;
/// JPEGs inside an X3F that are read.
pub(crate) const PICTURES: usize = 4;
/// The last bytes of a PNG in which metadata behind the image data are looked for.
pub(crate) const PNG_TAIL: u64 = 64 << 10;
/// Chunks in those bytes whose check sum is worked out.
pub(crate) const PNG_TAIL_CHUNKS: usize = 256;
/// XML elements inside elements.
pub(crate) const XML_DEPTH: usize = 32;
/// XML elements of one file. (A Photoshop file's list of ancestors may have more; what comes before them is kept.)
pub(crate) const XML_ELEMENTS: usize = 65_536;
/// Namespaces that one XML element declares.
pub(crate) const XML_NAMESPACES: usize = 64;
/// Attributes of one XML element.
pub(crate) const XML_ATTRIBUTES: usize = 1_024;
/// Properties kept of one XMP packet.
pub(crate) const PROPERTIES: usize = 1_024;
/// Warnings of one photo.
pub(crate) const WARNINGS: usize = 32;
