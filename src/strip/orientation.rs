//! The orientation of a picture: the Exif value 1 to 8 that defines how to rotate or mirror it. It
//! is the only metadata that stripping writes back.

/// The bytes before the Exif data in the Exif segment of a JPEG. The Exif chunk of some WebP files
/// also begins with them. Exif data has the structure of a TIFF file.
pub(super) const EXIF_HEADER: &[u8] = b"Exif\0\0";
/// The number of the tag Orientation in the first IFD. An IFD is a table of tags in a TIFF
/// structure. [Exif 3.0, 4.6.5.1.6]
const ORIENTATION_TAG: u16 = 0x0112;

/// Builds a TIFF structure that contains only the orientation: one IFD (table of tags) with one
/// number of two bytes [Exif 3.0, 4.6.5.1.6].
pub(super) fn orientation_tiff(orientation: u8) -> [u8; 26] {
    let mut tiff = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0";
    tiff[18] = orientation;
    tiff
}

/// Returns the orientation in the first IFD of Exif data: 1 to 8, or `None` if there is none. The
/// data may begin with [`EXIF_HEADER`].
pub(super) fn parse_orientation(exif: &[u8]) -> Option<u8> {
    let tiff = exif.strip_prefix(EXIF_HEADER).unwrap_or(exif);
    let little_endian = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little_endian {
            u16::from_le_bytes(*bytes)
        } else {
            u16::from_be_bytes(*bytes)
        })
    };
    let ifd = tiff.get(4..)?.first_chunk::<4>()?;
    let ifd = if little_endian {
        u32::from_le_bytes(*ifd)
    } else {
        u32::from_be_bytes(*ifd)
    } as usize;
    let entries = ifd.checked_add(2)?;
    (0..usize::from(u16_at(ifd)?))
        .map_while(|index| entries.checked_add(index * 12))
        .find(|at| u16_at(*at) == Some(ORIENTATION_TAG))
        .and_then(|at| u16_at(at.checked_add(8)?))
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=8).contains(value))
}
