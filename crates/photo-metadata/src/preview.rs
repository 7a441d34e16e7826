//! Finds the JPEG embedded in a RAW file.

use super::field_value::whole_number;
use super::jpeg;
use super::record::EmbeddedPreview;
use super::sparse::ByteView;
use super::tag;
use super::tiff::{Ifd, IfdFields};

/// The values of the tag PhotometricInterpretation that mean sensor data: a colour filter array
/// (TIFF/EP), and linear raw (DNG).
const SENSOR_DATA: [u32; 2] = [32_803, 34_892];

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

/// Returns the previews to which tags point. Does not check whether they are JPEGs.
fn tagged_previews(fields: &IfdFields<'_>) -> Vec<EmbeddedPreview> {
    let mut candidates = Vec::new();
    let mut add = |view: ByteView<'_>, offset: Option<u32>, length: Option<u32>| {
        if let (Some(offset), Some(length), true) = (offset, length, view.is_in_file()) {
            let offset = view.base().saturating_add(u64::from(offset));
            candidates.push(EmbeddedPreview {
                offset,
                length: u64::from(length),
                width: None,
                height: None,
            });
        }
    };
    for field in &fields.list {
        let in_same = |tag| fields.get(field.ifd, tag);
        let number = |tag| in_same(tag).and_then(|f| whole_number(f, 0));
        match field.tag {
            tag::THUMBNAIL_OFFSET => add(
                field.view,
                whole_number(field, 0),
                number(tag::THUMBNAIL_LENGTH),
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
                        whole_number(field, 0),
                        number(tag::STRIP_BYTE_COUNTS),
                    );
                }
            }
            // JpgFromRaw of a Panasonic RW2: the value is the JPEG.
            tag::JPG_FROM_RAW if field.ifd == Ifd::Main(0) => add(
                field.view,
                u32::try_from(field.offset).ok(),
                u32::try_from(field.size).ok(),
            ),
            _ => {}
        }
    }
    candidates
}
