//! WebP (RFC 9649): reads the RIFF chunks EXIF and XMP. They are usually after the picture, which
//! is skipped.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::limits;
use super::record::PictureData;
use super::sparse::ByteView;

/// The mask of the 14 bits of a width or a height.
const SIZE_BITS: u32 = 0x3fff;

/// Finds the metadata blocks of a WebP, and adds them to `blocks`.
pub(crate) fn read_webp(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut at = 12_u64;
    let mut promised = 0_u8;
    for _ in 0..limits::MAX_SEGMENTS {
        // The padding byte at the end of the file may be missing.
        if at.saturating_add(8) > view.len() {
            if promised != 0 {
                blocks.warn("WebP cut short before its metadata");
            }
            return;
        }
        let (Some(kind), Some(length)) = (view.array::<4>(at), view.le32(at + 4)) else {
            return;
        };
        let length = u64::from(length);
        let body = view.part(at + 8, length);
        match &kind {
            b"VP8X" => {
                promised = body.array::<1>(0).map_or(0, |[flags]| flags & 0b1100);
                let size = |at| {
                    body.array::<3>(at)
                        .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]).saturating_add(1))
                };
                blocks.size = size(4).zip(size(7));
            }
            b"VP8 " | b"VP8L" => {
                let size = match &kind {
                    b"VP8 " => lossy_size(body),
                    _ => lossless_size(body),
                };
                blocks.size = blocks.size.or(size);
                blocks.picture = Some(PictureData {
                    offset: body.base(),
                    length: body.len(),
                });
            }
            b"EXIF" => {
                promised &= !0b1000;
                let prefixed = body.len() >= 6 && body.get(0, 6) == Some(b"Exif\0\0");
                blocks.tiffs.push(MetadataBlock::of_view(if prefixed {
                    body.from(6)
                } else {
                    body
                }));
            }
            b"XMP " => {
                promised &= !0b0100;
                blocks.xmp.push(MetadataBlock::of_view(body));
            }
            _ => {}
        }
        // The header of an extended file announces its metadata chunks, but the file may have more.
        // So the search goes on.
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length & 1);
    }
    blocks.warn("WebP with too many chunks");
}

/// Returns the width and height of a lossy picture. Each has 14 bits, after the start code (RFC
/// 6386 section 9.1).
fn lossy_size(body: ByteView<'_>) -> Option<(u32, u32)> {
    let ([0x9d, 0x01, 0x2a], width, height) = (body.array::<3>(3)?, body.le16(6)?, body.le16(8)?)
    else {
        return None;
    };
    Some((u32::from(width) & SIZE_BITS, u32::from(height) & SIZE_BITS))
}

/// Returns the width and height of a lossless picture. Each has 14 bits, after the signature, and
/// is stored minus one (RFC 9649 section 3.4).
fn lossless_size(body: ByteView<'_>) -> Option<(u32, u32)> {
    let bits = body
        .le32(1)
        .filter(|_| body.array::<1>(0) == Some([0x2f]))?;
    Some(((bits & SIZE_BITS) + 1, (bits >> 14 & SIZE_BITS) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;

    #[test]
    fn exif_after_the_picture_is_found() {
        let mut bytes =
            b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x02\0\0\x01\0\0VP8 \x01\0\0\0x\0".to_vec();
        bytes.extend(b"EXIF\x0a\0\0\0Exif\0\0MM\0*EXIF\x04\0\0\0II*\0");
        let file = Sparse::whole(&bytes);
        let mut blocks = MetadataBlocks::default();
        read_webp(file.view(), &mut blocks);
        assert_eq!(blocks.size, Some((3, 2)));
        assert_eq!(
            blocks.tiffs,
            [
                MetadataBlock::File { start: 54, len: 4 },
                MetadataBlock::File { start: 66, len: 4 }
            ]
        );
        assert_eq!(blocks.warnings, Vec::<String>::new());
    }
}
