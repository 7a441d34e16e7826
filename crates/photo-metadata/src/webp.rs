//! WebP (RFC 9649): the RIFF chunks EXIF and XMP, usually behind the picture, which is stepped over.

use super::found::{Found, Part};
use super::limits;
use super::sparse::View;

/// What the WebP holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let mut at = 12_u64;
    let mut promised = 0_u8;
    for _ in 0..limits::SEGMENTS {
        // A file's padding byte may be missing at its very end.
        if at.saturating_add(8) > view.len() {
            if promised != 0 {
                found.warn("WebP cut short before its metadata");
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
                found.size = size(4).zip(size(7));
            }
            b"VP8 " => found.size = found.size.or_else(|| lossy_size(body)),
            b"VP8L" => found.size = found.size.or_else(|| lossless_size(body)),
            b"EXIF" => {
                promised &= !0b1000;
                let prefixed = body.len() >= 6 && body.get(0, 6) == Some(b"Exif\0\0");
                found
                    .tiffs
                    .push(Part::of(if prefixed { body.from(6) } else { body }));
            }
            b"XMP " => {
                promised &= !0b0100;
                found.xmp.push(Part::of(body));
            }
            _ => {}
        }
        // A simple file is its picture and nothing else; an extended one says what it holds, and may hold more.
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length & 1);
    }
    found.warn("WebP with too many chunks");
}

/// RFC 6386 section 9.1: 14 bits each, after the start code.
fn lossy_size(body: View<'_>) -> Option<(u32, u32)> {
    let ([0x9d, 0x01, 0x2a], width, height) = (body.array::<3>(3)?, body.le16(6)?, body.le16(8)?)
    else {
        return None;
    };
    Some((u32::from(width & 0x3fff), u32::from(height & 0x3fff)))
}

/// RFC 9649 section 3.4: two times 14 bits after the signature, each less one.
fn lossless_size(body: View<'_>) -> Option<(u32, u32)> {
    let bits = body
        .le32(1)
        .filter(|_| body.array::<1>(0) == Some([0x2f]))?;
    Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;

    #[test]
    fn exif_is_found_behind_the_picture_with_and_without_its_prefix() {
        let mut bytes =
            b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x02\0\0\x01\0\0VP8 \x01\0\0\0x\0".to_vec();
        bytes.extend(b"EXIF\x0a\0\0\0Exif\0\0MM\0*EXIF\x04\0\0\0II*\0");
        let file = Sparse::whole(&bytes);
        let mut found = Found::default();
        read(file.view(), &mut found);
        assert_eq!(found.size, Some((3, 2)));
        assert_eq!(
            found.tiffs,
            [
                Part::File { start: 54, len: 4 },
                Part::File { start: 66, len: 4 }
            ]
        );
        assert_eq!(found.warnings, Vec::<String>::new());
    }
}
