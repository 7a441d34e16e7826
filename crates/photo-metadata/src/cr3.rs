//! Canon CR3 (ISO base media boxes; the layout is Canon's own, publicly described by L. Clévy): Canon's box in `moov`
//! holds a TIFF structure for each IFD; the first track is the full-size JPEG.

use super::bmff::{boxes, first};
use super::found::{Found, Part};
use super::jxl::XMP_UUID;
use super::sparse::View;
use super::tiff::Ifd;
use crate::record::EmbeddedPreview;

const CANON_UUID: &[u8] = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const PREVIEW_UUID: &[u8] = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";

/// What the CR3 holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let mut seen = false;
    for top in boxes(view) {
        match &top.kind {
            b"moov" => {
                seen = true;
                movie(top.body, found);
            }
            b"uuid" if top.body.up_to(0, 16) == Some(XMP_UUID) => {
                found.xmp.push(Part::of(top.body.from(16)))
            }
            b"uuid" if top.body.up_to(0, 16) == Some(PREVIEW_UUID) => {
                preview(top.body.from(24), found)
            }
            // What follows is the picture.
            b"mdat" => break,
            _ => {}
        }
    }
    if !seen {
        found.warn("CR3 without its moov box, or cut short before it");
    }
}

fn movie(moov: View<'_>, found: &mut Found) {
    for inner in boxes(moov) {
        match &inner.kind {
            b"uuid" if inner.body.up_to(0, 16) == Some(CANON_UUID) => {
                for part in boxes(inner.body.from(16)) {
                    let ifd = match &part.kind {
                        b"CMT1" => Ifd::Main(0),
                        b"CMT2" => Ifd::Exif,
                        b"CMT3" => Ifd::MakerNote,
                        b"CMT4" => Ifd::Gps,
                        _ => continue,
                    };
                    found.single_ifds.push((Part::of(part.body), ifd));
                }
            }
            b"trak" => found.previews.extend(jpeg_track(inner.body)),
            _ => {}
        }
    }
}

/// The one sample of a track that says it is a JPEG.
fn jpeg_track(trak: View<'_>) -> Option<EmbeddedPreview> {
    let stbl = first(first(first(trak, b"mdia")?, b"minf")?, b"stbl")?;
    let stsd = first(stbl, b"stsd")?;
    if !stsd.up_to(0, 512)?.windows(4).any(|w| w == b"JPEG") {
        return None;
    }
    let sizes = first(stbl, b"stsz")?;
    let length = match sizes.be32(4)? {
        0 => sizes.be32(12)?,
        fixed => fixed,
    };
    let offset = match first(stbl, b"co64") {
        Some(offsets) => offsets.be64(8)?,
        None => u64::from(first(stbl, b"stco")?.be32(8)?),
    };
    Some(EmbeddedPreview {
        offset,
        length: u64::from(length),
        width: None,
        height: None,
    })
}

fn preview(view: View<'_>, found: &mut Found) {
    let Some(body) = first(view, b"PRVW") else {
        return;
    };
    if let (Some(width), Some(height), Some(length)) = (body.be16(6), body.be16(8), body.be32(12)) {
        let (width, height) = (Some(u32::from(width)), Some(u32::from(height)));
        let offset = body.base().saturating_add(16);
        found.previews.push(EmbeddedPreview {
            offset,
            length: u64::from(length),
            width,
            height,
        });
    }
}
