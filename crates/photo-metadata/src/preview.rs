//! Finds the JPEG embedded in a RAW file.

use super::field_value::whole_number;
use super::jpeg;
use super::raw_format::SENSOR_DATA;
use super::record::{EmbeddedPreview, PictureData};
use super::sparse::ByteView;
use super::tag;
use super::tiff::{Ifd, IfdField, IfdFields};

/// The value of the tag Compression for a picture without compression (TIFF 6.0, section 8).
const NO_COMPRESSION: u32 = 1;
/// The maximum number of strips or tiles that are added up.
pub(crate) const MAX_STRIPS: usize = 4096;

/// Returns the largest JPEG that is embedded in a RAW file. `found` are the previews that the
/// container reader found. Tags may point to more previews. A preview must begin with the first
/// bytes of a JPEG.
pub(crate) fn largest_preview(
    file: ByteView<'_>,
    fields: &IfdFields<'_>,
    found: &[EmbeddedPreview],
) -> Option<EmbeddedPreview> {
    let mut candidates = tagged_previews(fields);
    candidates.splice(0..0, found.iter().copied());
    candidates.retain(|c| {
        c.length > 4
            && c.offset
                .checked_add(c.length)
                .is_some_and(|end| end <= file.len())
    });
    candidates.sort_by_key(|c| std::cmp::Reverse(c.length));
    candidates.into_iter().take(3).find_map(|candidate| {
        let picture = file.part(candidate.offset, candidate.length);
        let is_jpeg = picture.array::<2>(0)? == [0xff, 0xd8];
        let size = jpeg::frame_size_of(picture);
        is_jpeg.then_some(EmbeddedPreview {
            width: size.map(|s| s.0),
            height: size.map(|s| s.1),
            ..candidate
        })
    })
}

/// Returns the place of the largest compressed picture in a TIFF structure: its strips or tiles.
/// Returns `None` if their offsets or lengths are not in the bytes that were read. A picture
/// without compression does not count: all scans of one size have the same length, and may begin
/// with the same white border.
pub(crate) fn largest_picture(fields: &IfdFields<'_>) -> Option<PictureData> {
    let pictures = fields.list.iter().filter_map(|offsets| {
        let lengths = match offsets.tag {
            tag::STRIP_OFFSETS => tag::STRIP_BYTE_COUNTS,
            tag::TILE_OFFSETS => tag::TILE_BYTE_COUNTS,
            _ => return None,
        };
        let lengths = fields.get(offsets.ifd, lengths)?;
        let compression = fields.get(offsets.ifd, tag::COMPRESSION);
        let compression = compression.and_then(|field| whole_number(field, 0));
        if compression.is_none_or(|compression| compression == NO_COMPRESSION) {
            return None;
        }
        let count = usize::try_from(lengths.count).ok()?.min(MAX_STRIPS);
        let mut lengths = (0..count).map(|index| file_position(lengths, index));
        let length = lengths.try_fold(0_u64, |sum, length| sum.checked_add(length?))?;
        let start = file_position(offsets, 0)?;
        Some(PictureData {
            offset: offsets.view.base().saturating_add(start),
            length,
        })
        .filter(|_| offsets.view.is_in_file())
    });
    pictures.max_by_key(|picture| (picture.length, std::cmp::Reverse(picture.offset)))
}

/// Returns the offset or the length at `index` in a field, in bytes. In a BigTIFF, it may have 64
/// bits.
fn file_position(field: &IfdField<'_>, index: usize) -> Option<u64> {
    let position = field.unsigned(index);
    position.or_else(|| whole_number(field, index).map(u64::from))
}

/// Returns the previews to which tags point. Does not check whether they are JPEGs.
fn tagged_previews(fields: &IfdFields<'_>) -> Vec<EmbeddedPreview> {
    let mut candidates = Vec::new();
    let mut add = |view: ByteView<'_>, offset: Option<u64>, length: Option<u64>| {
        if let (Some(offset), Some(length), true) = (offset, length, view.is_in_file()) {
            candidates.push(EmbeddedPreview {
                offset: view.base().saturating_add(offset),
                length,
                width: None,
                height: None,
            });
        }
    };
    for field in &fields.list {
        let in_same = |tag| fields.get(field.ifd, tag);
        let number = |tag| in_same(tag).and_then(|f| whole_number(f, 0));
        let position = |tag| in_same(tag).and_then(|f| file_position(f, 0));
        match field.tag {
            tag::THUMBNAIL_OFFSET => add(
                field.view,
                file_position(field, 0),
                position(tag::THUMBNAIL_LENGTH),
            ),
            // A preview is one strip of baseline JPEG. Lossless JPEG of sensor data (colour filter
            // array, linear raw) is not a preview.
            tag::STRIP_OFFSETS
                if field.count == 1 && matches!(number(tag::COMPRESSION), Some(6 | 7)) =>
            {
                let photometric = number(tag::PHOTOMETRIC_INTERPRETATION);
                let sensor_data = photometric.is_some_and(|kind| SENSOR_DATA.contains(&kind));
                if !sensor_data && (field.ifd == Ifd::Main(0) || photometric.is_some()) {
                    add(
                        field.view,
                        file_position(field, 0),
                        position(tag::STRIP_BYTE_COUNTS),
                    );
                }
            }
            // JpgFromRaw of a Panasonic RW2: the value is the JPEG.
            tag::JPG_FROM_RAW if field.ifd == Ifd::Main(0) => {
                add(field.view, Some(field.offset), Some(field.size));
            }
            _ => {}
        }
    }
    candidates
}
