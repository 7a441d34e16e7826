//! Everything that one file contains about its photo, before it is normalised.

use super::blocks::MetadataBlocks;
use super::format::PhotoFormat;
use super::iptc::IptcRecords;
use super::maker_note::MakerNoteFacts;
use super::tiff::IfdFields;
use super::xmp::XmpProperties;

/// The parsed metadata of one file: its EXIF fields, XMP and IPTC, and the facts in its container.
pub(crate) struct MetadataSources<'a, 's> {
    pub(crate) format: PhotoFormat,
    pub(crate) fields: &'a IfdFields<'s>,
    pub(crate) xmp: &'a XmpProperties,
    pub(crate) iptc: &'a IptcRecords,
    pub(crate) blocks: &'a MetadataBlocks,
    /// The width and height in pixels that the container itself states, before orientation.
    pub(crate) size: Option<(u32, u32)>,
    /// The facts in the maker note, which is data in the camera maker's own format.
    pub(crate) maker_note: MakerNoteFacts,
}
