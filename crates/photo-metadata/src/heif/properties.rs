//! The properties of the main picture of a HEIF that give its size: the boxes `ispe` (size), `clap`
//! (crop) and `irot` (rotation). The boxes `ipco` and `ipma` in `iprp` have the properties and the
//! items to which they belong.

use super::{FieldCursor, primary_item};
use crate::blocks::MetadataBlocks;
use crate::bmff::{find_box, iter_boxes};
use crate::limits;
use crate::sparse::ByteView;

/// Reads the width and height of the primary item, which is the main picture, and whether it is
/// turned. Stores them in `blocks`.
///
/// The crop and the rotation are applied in the order in which `ipma` lists them (ISO/IEC 23008-12
/// 6.5.1). So a crop after a rotation is a crop of the turned picture.
pub(super) fn read_size(meta: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let Some(iprp) = find_box(meta, b"iprp") else {
        return;
    };
    let Some(ipco) = find_box(iprp, b"ipco") else {
        return;
    };
    let Some(primary) = primary_item(meta) else {
        return;
    };
    let all: Vec<_> = iter_boxes(ipco).collect();
    // Properties are numbered from 1.
    let properties: Vec<_> = property_indices(iprp, primary)
        .into_iter()
        .filter_map(|index| all.get(index.checked_sub(1)?))
        .collect();
    let mut from_the_end = properties.iter().rev();
    let mut size = from_the_end
        .find(|property| &property.kind == b"ispe")
        .and_then(|ispe| ispe.body.be32(4).zip(ispe.body.be32(8)));
    let mut is_turned = false;
    for property in properties {
        match &property.kind {
            b"clap" => size = size.map(|size| crop(size, property.body).unwrap_or(size)),
            b"irot" if is_quarter_turn(property.body) => {
                size = size.map(swap);
                is_turned = !is_turned;
            }
            _ => {}
        }
    }
    // The blocks have the size before the rotation.
    blocks.size = if is_turned { size.map(swap) } else { size };
    blocks.quarter_turned = Some(is_turned);
}

fn swap((width, height): (u32, u32)) -> (u32, u32) {
    (height, width)
}

/// Reports whether a box `irot` turns the picture by 90 or 270 degrees.
fn is_quarter_turn(irot: ByteView<'_>) -> bool {
    irot.array::<1>(0).is_some_and(|[turns]| turns & 1 == 1)
}

/// Returns the size in pixels after the crop in a box `clap`: the clean aperture (ISO/IEC 14496-12
/// 12.1.4). Returns `None` if the box is broken, or if the clean aperture is empty or extends
/// beyond the picture. Decoders ignore such a box.
fn crop((width, height): (u32, u32), clap: ByteView<'_>) -> Option<(u32, u32)> {
    Some((crop_side(width, clap, 0)?, crop_side(height, clap, 8)?))
}

/// Returns the length of one side after the crop. `full` is its length before. `at` is the offset
/// in the box of the numerator of the new length. The denominator follows, and the offset of the
/// middle of the clean aperture from the middle of the picture is 16 bytes later.
fn crop_side(full: u32, clap: ByteView<'_>, at: u64) -> Option<u32> {
    let (length, divisor) = (i128::from(clap.be32(at)?), i128::from(clap.be32(at + 4)?));
    let shift = i128::from(clap.be32(at + 16)?.cast_signed());
    let shift_divisor = i128::from(clap.be32(at + 20)?);
    if divisor == 0 || shift_divisor == 0 {
        return None;
    }
    // A length that is not an integer is rounded, and the first pixel is rounded down, as libheif
    // does it.
    let rounded = (2 * length + divisor).div_euclid(2 * divisor);
    let full = i128::from(full);
    // The first pixel is shift + (full - length) / 2.
    let numerator = 2 * shift * divisor + (full * divisor - length) * shift_divisor;
    let first = numerator.div_euclid(2 * divisor * shift_divisor);
    let fits = rounded > 0 && first >= 0 && first + rounded <= full;
    fits.then(|| u32::try_from(rounded).ok())?
}

/// Reads the box `ipma`. Returns the indices of an item's properties. The first property in the
/// file has the index 1.
fn property_indices(iprp: ByteView<'_>, item: u32) -> Vec<usize> {
    for ipma in iter_boxes(iprp)
        .filter(|b| &b.kind == b"ipma")
        .map(|b| b.body)
    {
        let (Some([version]), Some([wide])) = (ipma.array::<1>(0), ipma.array::<1>(3)) else {
            continue;
        };
        let (id_size, index_size) = (
            if version == 0 { 2 } else { 4 },
            if wide & 1 == 1 { 2 } else { 1 },
        );
        let mut at = FieldCursor { view: ipma, at: 4 };
        let Some(count) = at.number(4) else { continue };
        for _ in 0..count.min(limits::MAX_ITEMS as u64) {
            let (Some(id), Some(properties)) = (at.number(id_size), at.number(1)) else {
                break;
            };
            let indices: Option<Vec<u64>> =
                (0..properties).map(|_| at.number(index_size)).collect();
            let Some(indices) = indices else { break };
            if id == u64::from(item) {
                // The highest bit marks a property as essential.
                let mask = (1_u64 << (8 * index_size - 1)) - 1;
                return indices
                    .iter()
                    .filter_map(|&index| usize::try_from(index & mask).ok())
                    .collect();
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;

    /// Returns the size of a picture of 64 by 100 pixels after the crop with these eight numbers:
    /// the numerators and denominators of width, height, and the two offsets.
    fn cropped(clap: [i32; 8]) -> Option<(u32, u32)> {
        let bytes = clap.map(i32::to_be_bytes).concat();
        crop((64, 100), Sparse::whole(&bytes).view())
    }

    #[test]
    fn clean_aperture_is_the_size() {
        assert_eq!(cropped([29, 1, 100, 1, -35, 2, 0, 2]), Some((29, 100)));
        assert_eq!(cropped([50, 1, 30, 1, -14, 2, -70, 2]), Some((50, 30)));
        // Any fraction with the same value is allowed.
        assert_eq!(cropped([58, 2, 300, 3, -70, 4, 0, 1]), Some((29, 100)));
        // Lengths that are not integers are rounded.
        assert_eq!(cropped([101, 2, 199, 4, 0, 1, 0, 1]), Some((51, 50)));
        assert_eq!(cropped([64, 1, 100, 1, 0, 1, 0, 1]), Some((64, 100)));
    }

    #[test]
    fn impossible_clean_aperture_is_ignored() {
        for clap in [
            [29, 0, 100, 1, 0, 1, 0, 1],
            [29, 1, 100, 1, 0, 0, 0, 1],
            [0, 1, 100, 1, 0, 1, 0, 1],
            [65, 1, 100, 1, 0, 1, 0, 1],
            [29, 1, 101, 1, 0, 1, 0, 1],
            // The clean aperture lies partly outside the picture.
            [29, 1, 100, 1, -37, 2, 0, 1],
            [29, 1, 100, 1, 37, 2, 0, 1],
            [-1, 1, -1, 1, i32::MIN, -1, i32::MAX, -1],
            [i32::MIN, i32::MIN, -1, -1, i32::MIN, 1, 0, 1],
        ] {
            assert_eq!(cropped(clap), None, "{clap:?}");
        }
        let short = Sparse::whole(&[0; 31]);
        assert_eq!(crop((64, 100), short.view()), None);
    }
}
