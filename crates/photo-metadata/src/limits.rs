//! All limits for hostile input, in one place.
//!
//! If a file reaches a limit, the metadata before the limit are kept. Most limits add a warning. No
//! limit affects a photo that a camera really writes. An IFD (image file directory) is a table of
//! entries, and each entry is a tag with its value.

/// The maximum number of ranges that one extraction reads.
pub(crate) const MAX_READS: u32 = 6;
/// The maximum number of bytes that one extraction reads, all ranges together.
pub(crate) const MAX_READ_BYTES: u64 = 8 << 20;
/// The maximum work of one pass over the bytes of a file, in units of about a nanosecond
/// (`work_budget.rs` has the prices). A pass ends there with a warning.
pub(crate) const MAX_PASS_WORK: u64 = 48 << 20;
/// The part of `MAX_PASS_WORK` that may be spent on the container, before the metadata blocks in it
/// are parsed.
pub(crate) const MAX_CONTAINER_WORK: u64 = 16 << 20;
/// The maximum work of all passes before the last one. After a pass, the file is read again with
/// more bytes only if all passes so far took less work than this. So all passes together take less
/// than `MAX_WORK` plus `MAX_PASS_WORK`.
pub(crate) const MAX_WORK: u64 = 48 << 20;
/// The maximum number of IFDs of one file, of all kinds together.
pub(crate) const MAX_IFDS: usize = 64;
/// The maximum number of IFDs in the main chain (IFD0, IFD1, ...), and in the chain after a SubIFD.
/// In a scanned document, each IFD of the main chain is a page. The tags of later pages are not
/// read.
pub(crate) const MAX_CHAINED_IFDS: u8 = 32;
/// The maximum depth of IFDs inside IFDs, and of heaps inside heaps in a CRW.
pub(crate) const MAX_SUB_IFD_DEPTH: u8 = 4;
/// The maximum number of entries in all IFDs of one file together. With more entries, the lookups
/// would take too long: their time grows with the square of the number of entries.
pub(crate) const MAX_ENTRIES: usize = 2_048;
/// The maximum number of entries that are read of one directory in a maker note. Later entries are
/// ignored. No camera writes that many.
pub(crate) const MAX_NOTE_ENTRIES: u64 = 1_000;
/// The maximum number of blocks in the private data of an Adobe DNG in which a maker note is
/// searched.
pub(crate) const MAX_PRIVATE_BLOCKS: usize = 16;
/// The number of broken entries in one IFD after which its other entries are skipped. A table with
/// so many broken entries is not an IFD, and would fill the list of warnings. ExifTool has the same
/// limit.
pub(crate) const MAX_BROKEN_ENTRIES: usize = 10;
/// The maximum size in bytes of the value of an EXIF tag in `Extraction::tags`. A larger value is
/// omitted, and only its size is recorded.
pub(crate) const MAX_VALUE_BYTES: u64 = 2_048;
/// The maximum size in bytes of a value that may be a caption. If a text is longer, only its start
/// is read. The longest caption takes 16,000 bytes.
pub(crate) const MAX_LONG_VALUE_BYTES: u64 = 64 << 10;
/// The maximum size in bytes of the value of a tag of XMP or IPTC in `Extraction::tags`. A larger
/// value is omitted. The limit is higher than for EXIF, because captions and the history of a
/// document are long.
pub(crate) const MAX_TEXT_VALUE_BYTES: u64 = 16 << 10;
/// The maximum number of tags that are listed as omitted. Later ones are not listed, with a
/// warning.
pub(crate) const MAX_OMITTED_TAGS: usize = 4_096;
/// The maximum number of values of one tag of XMP or IPTC. A longer list is omitted. Also the
/// maximum number of languages of a property. Later languages are left out, with a warning.
pub(crate) const MAX_LIST_VALUES: usize = 1_024;
/// The maximum length in bytes of the names of an XMP property and of the structures around it,
/// together. A tag with longer names is left out.
pub(crate) const MAX_XMP_PATH_BYTES: usize = 1_024;
/// The maximum length in bytes of the name of a tag, and of a group, of XMP. Tags with a longer
/// name are left out.
pub(crate) const MAX_TAG_NAME_BYTES: usize = 256;
/// The maximum size in bytes of all values in `Extraction::tags` together.
pub(crate) const MAX_ALL_VALUES_BYTES: u64 = 256 << 10;
/// The maximum size in bytes of binary data that `Extraction::tags` contains as numbers. Binary
/// data are a value of the type UNDEFINED that is not text.
pub(crate) const MAX_BINARY_BYTES: usize = 64;
/// The maximum length in bytes of the slug of a camera or a lens. A longer slug is cut.
pub(crate) const MAX_SLUG_BYTES: usize = 512;
/// The maximum length in bytes of one text of the record, except of a long text.
pub(crate) const MAX_TEXT_BYTES: usize = 1_024;
/// The maximum length in characters of a long text of the record: a caption, or an extended
/// description. A longer one is cut, with a warning.
pub(crate) const MAX_LONG_TEXT_CHARS: usize = 4_000;
/// The maximum number of keywords of one photo. Also the maximum number of values of one XMP
/// property.
pub(crate) const MAX_KEYWORDS: usize = 256;
/// The maximum number of levels of a tree of keywords. ExifTool writes six.
pub(crate) const MAX_KEYWORD_LEVELS: usize = 8;
/// The maximum number of bytes of all keywords in the record of one photo. The labels have a lower
/// limit, `MAX_LABEL_BYTES`. So if keywords are left out here, the labels contain the reason.
pub(crate) const MAX_KEYWORD_BYTES: usize = 64 << 10;
/// The maximum number of people in the record of one photo.
pub(crate) const MAX_PEOPLE: usize = 64;
/// The maximum length in bytes of the name of a person. A longer name is cut.
pub(crate) const MAX_PERSON_BYTES: usize = 256;
/// The maximum number of comments in the container of one file: JPEG comment segments, PNG texts.
/// Later comments are not read.
pub(crate) const MAX_COMMENTS: usize = 16;
/// The maximum number of bytes of all keywords in the labels of one file. If a file has more, the
/// rest is left out, and the labels contain the reason (`gap`).
pub(crate) const MAX_LABEL_BYTES: usize = 16 << 10;
/// The maximum number of bytes of the paths of keywords that are joined for the labels of one file. If
/// a file has more, the labels contain the reason.
pub(crate) const MAX_PATH_BYTES: usize = 256 << 10;
/// The maximum size in bytes of one XMP packet, IPTC block or Photoshop resource block.
pub(crate) const MAX_PACKET_BYTES: u64 = 4 << 20;
/// The maximum size in bytes of a sidecar of Google Takeout. A usual one has 1 KB. It is lower than
/// that of other sidecars, because parsed JSON takes up to 16 times as much memory as its text.
pub(crate) const MAX_TAKEOUT_BYTES: u64 = 256 << 10;
/// The maximum number of blocks of one kind (EXIF, XMP, IPTC) in one file.
pub(crate) const MAX_BLOCKS: usize = 64;
/// The maximum number of bytes of one file that are decompressed or joined, all blocks together.
pub(crate) const MAX_UNPACKED_BYTES: u64 = 8 << 20;
/// The maximum size in bytes of all XMP packets of one file together.
pub(crate) const MAX_ALL_PACKETS_BYTES: u64 = 8 << 20;
/// The maximum number of trailers of each kind that are read.
pub(crate) const MAX_TRAILERS: usize = 8;
/// The maximum number of segments, chunks or boxes of one container.
pub(crate) const MAX_SEGMENTS: usize = 4_096;
/// The maximum number of bytes between two segments of a JPEG that are skipped.
pub(crate) const MAX_SKIPPED_BYTES: u64 = 64 << 10;
/// The maximum number of items in each item table of a HEIF. Also the maximum number of extents
/// (ranges of bytes) of all items of a HEIF together.
pub(crate) const MAX_ITEMS: usize = 16_384;
/// The maximum number of records of a CRW, in all its heaps, and of a RAF or an X3F, in their
/// directory. Also the maximum number of properties of an X3F.
pub(crate) const MAX_RECORDS: usize = 512;
/// The maximum number of JPEGs inside an X3F that are read.
pub(crate) const MAX_X3F_PICTURES: usize = 4;
/// The number of bytes at the start and at the end of a GIF in which XMP is searched.
pub(crate) const GIF_SEARCH_BYTES: u64 = 64 << 10;
/// The number of bytes at the end of a PNG in which metadata chunks are searched.
pub(crate) const PNG_TAIL_BYTES: u64 = 64 << 10;
/// The maximum number of possible chunks at the end of a PNG that are tried. For each, a check sum
/// is computed, which takes time.
pub(crate) const MAX_PNG_TAIL_CHUNKS: usize = 256;
/// The maximum depth of XML elements inside each other.
pub(crate) const MAX_XML_DEPTH: usize = 32;
/// The maximum number of XML elements of one file. A Photoshop file that lists many earlier
/// documents may have more. The properties before the limit are kept.
pub(crate) const MAX_XML_ELEMENTS: usize = 65_536;
/// The maximum number of namespace declarations of one XML element.
pub(crate) const MAX_XML_NAMESPACES: usize = 64;
/// The maximum number of attributes of one XML element.
pub(crate) const MAX_XML_ATTRIBUTES: usize = 1_024;
/// The maximum number of XMP properties of one file, all packets together. The members of
/// structures count.
pub(crate) const MAX_PROPERTIES: usize = 4_096;
/// The maximum number of values of XMP properties of one file, all packets together.
pub(crate) const MAX_XMP_VALUES: usize = 128 << 10;
/// The number of bytes at the start of an APP1 segment of a JPEG in which the start of XMP is
/// searched, if the segment has no known header.
pub(crate) const MAX_XMP_HEADER_BYTES: u64 = 128;
/// The maximum number of warnings of one photo.
pub(crate) const MAX_WARNINGS: usize = 32;
