//! Canon CR3: ISO base media boxes in Canon's own layout, which L. Clévy described publicly.
//!
//! Canon's box in `moov` contains a TIFF structure for each IFD (image file directory, a table of
//! tags). The first track is the full-size JPEG.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::bmff::{BROKEN_BOXES, XMP_UUID, find_box, iter_boxes};
use super::sparse::ByteView;
use super::tiff::Ifd;
use crate::record::EmbeddedPreview;

const CANON_UUID: &[u8] = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const PREVIEW_UUID: &[u8] = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";

/// Finds the metadata blocks of a CR3, and adds them to `blocks`.
pub(crate) fn read_cr3(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let (mut has_movie, mut has_picture) = (false, false);
    let mut boxes = iter_boxes(view);
    for top in &mut boxes {
        match &top.kind {
            b"moov" => {
                has_movie = true;
                read_movie_box(top.body, blocks);
            }
            b"uuid" if top.body.up_to(0, 16) == Some(XMP_UUID) => {
                blocks.xmp.push(MetadataBlock::of_view(top.body.from(16)))
            }
            b"uuid" if top.body.up_to(0, 16) == Some(PREVIEW_UUID) => {
                read_preview_box(top.body.from(24), blocks)
            }
            // The rest of the file is the picture.
            b"mdat" => {
                has_picture = true;
                break;
            }
            _ => {}
        }
    }
    if boxes.are_incomplete() {
        blocks.warn(BROKEN_BOXES);
    }
    if !has_movie {
        blocks.warn("CR3 without its moov box, or cut short before it");
    } else if !has_picture {
        // The XMP lies between the two.
        blocks.warn("CR3 cut short before its picture");
    }
}

fn read_movie_box(moov: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut boxes = iter_boxes(moov);
    for inner in &mut boxes {
        match &inner.kind {
            b"uuid" if inner.body.up_to(0, 16) == Some(CANON_UUID) => {
                read_canon_box(inner.body.from(16), blocks);
            }
            b"trak" => blocks.previews.extend(jpeg_track(inner.body)),
            _ => {}
        }
    }
    if boxes.are_incomplete() {
        blocks.warn(BROKEN_BOXES);
    }
}

/// Reads Canon's box in `moov`: one TIFF structure for each IFD.
fn read_canon_box(canon: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut boxes = iter_boxes(canon);
    for part in &mut boxes {
        let ifd = match &part.kind {
            b"CMT1" => Ifd::Main(0),
            b"CMT2" => Ifd::Exif,
            b"CMT3" => Ifd::MakerNote,
            b"CMT4" => Ifd::Gps,
            _ => continue,
        };
        if part.exceeds_parent {
            blocks.warn("CR3 with a table of tags that is cut short");
        }
        blocks
            .single_ifds
            .push((MetadataBlock::of_view(part.body), ifd));
    }
    if boxes.are_incomplete() {
        blocks.warn(BROKEN_BOXES);
    }
}

/// Returns the offset and the length of the JPEG in a track (a box `trak`). Returns `None` if the
/// track is not a JPEG.
fn jpeg_track(trak: ByteView<'_>) -> Option<EmbeddedPreview> {
    let stbl = find_box(find_box(find_box(trak, b"mdia")?, b"minf")?, b"stbl")?;
    let stsd = find_box(stbl, b"stsd")?;
    if !stsd.up_to(0, 512)?.windows(4).any(|w| w == b"JPEG") {
        return None;
    }
    let sizes = find_box(stbl, b"stsz")?;
    let length = match sizes.be32(4)? {
        0 => sizes.be32(12)?,
        fixed => fixed,
    };
    let offset = match find_box(stbl, b"co64") {
        Some(offsets) => offsets.be64(8)?,
        None => u64::from(find_box(stbl, b"stco")?.be32(8)?),
    };
    Some(EmbeddedPreview {
        offset,
        length: u64::from(length),
        width: None,
        height: None,
    })
}

fn read_preview_box(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let Some(body) = find_box(view, b"PRVW") else {
        return;
    };
    if let (Some(width), Some(height), Some(length)) = (body.be16(6), body.be16(8), body.be32(12)) {
        let (width, height) = (Some(u32::from(width)), Some(u32::from(height)));
        let offset = body.base().saturating_add(16);
        blocks.previews.push(EmbeddedPreview {
            offset,
            length: u64::from(length),
            width,
            height,
        });
    }
}
