//! JPEG (ITU-T T.81 annex B): the segments before the picture. Exif in any APP1, XMP beside it, IPTC in APP13's Photoshop
//! resources; the size from the frame header. The entropy-coded picture is never looked at.

use super::found::{Found, Part};
use super::sparse::View;
use super::{limits, photoshop};

const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// What the JPEG that starts where the view does holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let mut resources: Vec<View<'_>> = Vec::new();
    for segment in segments(view) {
        let Segment { marker, body } = match segment {
            Ok(segment) => segment,
            Err(why) => {
                found.warn(why);
                break;
            }
        };
        match marker {
            0xe1 => app1(body, found),
            0xed if starts_with(body, PHOTOSHOP) => {
                resources.push(body.from(PHOTOSHOP.len() as u64))
            }
            _ if is_frame(marker) => found.size = found.size.or_else(|| frame_size(body)),
            _ => {}
        }
    }
    match resources.as_slice() {
        [] => {}
        [one] => photoshop::read(*one, found),
        // One block cut into segments of 64 KiB.
        many => {
            let whole: Option<Vec<&[u8]>> =
                many.iter().map(|part| part.get(0, part.len())).collect();
            if let Some(parts) = whole {
                photoshop::read_bytes(&parts.concat(), found);
            }
        }
    }
}

/// Width and height from the frame header, where that much is at hand.
pub(crate) fn size(view: View<'_>) -> Option<(u32, u32)> {
    segments(view)
        .map_while(Result::ok)
        .find(|segment| is_frame(segment.marker))
        .and_then(|s| frame_size(s.body))
}

fn app1(body: View<'_>, found: &mut Found) {
    // Some writers put a few bytes before the identifier (ExifTool allows for four).
    if let Some(skipped) = (0..=4).find(|&skip| starts_with(body.from(skip), EXIF)) {
        found
            .tiffs
            .push(Part::of(body.from(skipped + EXIF.len() as u64 + 1)));
    } else if starts_with(body, XMP) {
        found.xmp.push(Part::of(body.from(XMP.len() as u64)));
    } else if matches!(
        body.array::<4>(6),
        Some([b'I', b'I', b'*', 0] | [b'M', b'M', 0, b'*'])
    ) {
        // A broken identifier before a sound TIFF header.
        found.tiffs.push(Part::of(body.from(6)));
    }
}

fn starts_with(view: View<'_>, what: &[u8]) -> bool {
    view.len() >= what.len() as u64 && view.get(0, what.len() as u64) == Some(what)
}

fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

fn frame_size(body: View<'_>) -> Option<(u32, u32)> {
    let (height, width) = (body.be16(1)?, body.be16(3)?);
    Some((u32::from(width), u32::from(height)))
}

struct Segment<'s> {
    marker: u8,
    body: View<'s>,
}

/// The segments up to the first scan. The last item says why, where they end before it.
fn segments(view: View<'_>) -> impl Iterator<Item = Result<Segment<'_>, String>> {
    let mut at = 2;
    let mut left = limits::SEGMENTS;
    let mut over = false;
    std::iter::from_fn(move || {
        while !over {
            left = left.saturating_sub(1);
            over = left == 0;
            let Some([prefix, marker]) = view.array(at) else {
                over = true;
                return Some(Err("JPEG cut short before its picture".to_owned()));
            };
            match (prefix, marker) {
                (0xff, 0xff) => at += 1,
                (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
                (0xff, 0xd9 | 0xda) => over = true,
                (0xff, _) => {
                    let Some(length) = view
                        .be16(at + 2)
                        .map(u64::from)
                        .filter(|&length| length >= 2)
                    else {
                        over = true;
                        return Some(Err("JPEG with a broken segment".to_owned()));
                    };
                    let body = view.part(at + 4, length - 2);
                    at = at.saturating_add(2).saturating_add(length);
                    return Some(Ok(Segment { marker, body }));
                }
                _ => {
                    over = true;
                    return Some(Err(
                        "JPEG with something else between its segments".to_owned()
                    ));
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;

    fn read_bytes(bytes: &[u8]) -> Found {
        let file = Sparse::whole(bytes);
        let mut found = Found::default();
        read(file.view(), &mut found);
        found
    }

    #[test]
    fn exif_is_found_in_any_app1_and_the_size_in_the_frame() {
        let bytes = b"\xff\xd8\xff\xe1\0\x06abcd\xff\xff\xe1\0\x0cExif\0\0II*\0\xff\xc0\0\x07\x08\0\x02\0\x03\xff\xd9";
        let found = read_bytes(bytes);
        assert_eq!(found.size, Some((3, 2)));
        assert_eq!(found.tiffs, vec![Part::File { start: 21, len: 4 }]);
        assert_eq!(found.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_cut_jpeg_says_so() {
        assert_eq!(
            read_bytes(b"\xff\xd8\xff\xe1").warnings,
            vec!["JPEG with a broken segment"]
        );
        assert_eq!(
            read_bytes(b"\xff\xd8").warnings,
            vec!["JPEG cut short before its picture"]
        );
    }
}
