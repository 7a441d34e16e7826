//! All limits for hostile input, in one place.
//!
//! If a file reaches a limit, the metadata before it are kept and a warning is added. No limit
//! affects a photo that a camera really writes.

/// The maximum number of ranges that one extraction reads.
pub(crate) const MAX_READS: u32 = 6;
/// The maximum number of bytes that one extraction reads, all ranges together.
pub(crate) const MAX_READ_BYTES: u64 = 8 << 20;
/// The maximum number of IFDs of every kind in one TIFF structure.
pub(crate) const MAX_IFDS: usize = 64;
/// The maximum number of IFDs in the main chain (IFD0, IFD1, ...). Later pages of a scanned
/// document are not read.
pub(crate) const MAX_CHAINED_IFDS: u8 = 8;
/// The maximum depth of sub-IFDs inside sub-IFDs.
pub(crate) const MAX_SUB_IFD_DEPTH: u8 = 4;
/// The maximum number of directory entries of one file, all IFDs together. More would take too
/// long, because looking up a field for each field takes quadratic time.
pub(crate) const MAX_ENTRIES: usize = 2_048;
/// The number of broken entries in one IFD after which the rest is skipped. A directory with so
/// many is nonsense, and would fill the list of warnings. ExifTool has the same limit.
pub(crate) const MAX_BROKEN_ENTRIES: usize = 10;
/// The maximum size in bytes of one value in the tags. Larger values are listed with their size.
pub(crate) const MAX_VALUE_BYTES: u64 = 2_048;
/// The maximum size in bytes of all values in the tags together.
pub(crate) const MAX_ALL_VALUES_BYTES: u64 = 256 << 10;
/// The maximum size in bytes of binary data (UNDEFINED without text) that go into the tags as
/// numbers.
pub(crate) const MAX_BINARY_BYTES: usize = 64;
/// The maximum length in bytes of one text of the record.
pub(crate) const MAX_TEXT_BYTES: usize = 1_024;
/// The maximum number of keywords of one photo.
pub(crate) const MAX_KEYWORDS: usize = 256;
/// The maximum size in bytes of one XMP packet, IPTC block or Photoshop resource block.
pub(crate) const MAX_PACKET_BYTES: u64 = 4 << 20;
/// The maximum number of blocks of one kind (EXIF, XMP, IPTC) in one file.
pub(crate) const MAX_BLOCKS: usize = 64;
/// The maximum number of bytes of one file that are decompressed or joined, all blocks together.
pub(crate) const MAX_UNPACKED_BYTES: u64 = 8 << 20;
/// The maximum size in bytes of all XMP packets of one file together.
pub(crate) const MAX_ALL_PACKETS_BYTES: u64 = 8 << 20;
/// The maximum number of segments, chunks or boxes of one container.
pub(crate) const MAX_SEGMENTS: usize = 4_096;
/// The maximum number of items in the item tables of a HEIF, and of extents of all items together.
pub(crate) const MAX_ITEMS: usize = 16_384;
/// The maximum number of records in the directories of a CRW, a RAF and an X3F, and of properties
/// of an X3F.
pub(crate) const MAX_RECORDS: usize = 512;
/// The maximum number of JPEGs inside an X3F that are read.
pub(crate) const MAX_X3F_PICTURES: usize = 4;
/// The number of last bytes of a PNG that are searched for metadata after the image data.
pub(crate) const PNG_TAIL_BYTES: u64 = 64 << 10;
/// The maximum number of chunks in the last bytes of a PNG whose check sum is computed.
pub(crate) const MAX_PNG_TAIL_CHUNKS: usize = 256;
/// The maximum depth of XML elements inside elements.
pub(crate) const MAX_XML_DEPTH: usize = 32;
/// The maximum number of XML elements of one file. The list of ancestors in a Photoshop file may
/// have more. The properties before it are kept.
pub(crate) const MAX_XML_ELEMENTS: usize = 65_536;
/// The maximum number of namespace declarations of one XML element.
pub(crate) const MAX_XML_NAMESPACES: usize = 64;
/// The maximum number of attributes of one XML element.
pub(crate) const MAX_XML_ATTRIBUTES: usize = 1_024;
/// The maximum number of properties of one XMP packet.
pub(crate) const MAX_PROPERTIES: usize = 1_024;
/// The maximum number of warnings of one photo.
pub(crate) const MAX_WARNINGS: usize = 32;
