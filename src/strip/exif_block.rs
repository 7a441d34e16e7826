//! The Exif data of a stripped picture. It is the only metadata that stripping writes: the
//! orientation of the picture, and the published position of the photo.
//!
//! Exif data has the structure of a TIFF file. An IFD is a table of tags in that structure.

use photo_metadata::Location;

/// The bytes before the Exif data in the Exif segment of a JPEG. The Exif chunk of some WebP files
/// also begins with them.
pub(super) const EXIF_HEADER: &[u8] = b"Exif\0\0";

/// The bytes at which a TIFF structure in little-endian order begins: the mark of the byte order,
/// and the offset of the first IFD.
const TIFF_HEADER: &[u8; 8] = b"II*\0\x08\0\0\0";

/// Numbers of tags [Exif 3.0, 4.6.5.1.6, 4.6.3 and 4.6.7].
mod tag {
    pub(super) const ORIENTATION: u16 = 0x0112;
    /// The offset of the GPS IFD.
    pub(super) const GPS_INFO: u16 = 0x8825;
    pub(super) const GPS_VERSION_ID: u16 = 0;
    pub(super) const GPS_LATITUDE_REF: u16 = 1;
    pub(super) const GPS_LATITUDE: u16 = 2;
    pub(super) const GPS_LONGITUDE_REF: u16 = 3;
    pub(super) const GPS_LONGITUDE: u16 = 4;
    pub(super) const GPS_ALTITUDE_REF: u16 = 5;
    pub(super) const GPS_ALTITUDE: u16 = 6;
}

/// Numbers of the types of values [TIFF 6.0, 2].
mod value_type {
    pub(super) const BYTE: u16 = 1;
    pub(super) const ASCII: u16 = 2;
    pub(super) const SHORT: u16 = 3;
    pub(super) const LONG: u16 = 4;
    pub(super) const RATIONAL: u16 = 5;
}

/// The metadata that a stripped picture gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AddedMetadata {
    /// The Exif orientation of the picture, if the picture itself has none.
    pub(crate) orientation: Option<u8>,
    /// The published position of the photo. Its latitude, longitude and altitude are written.
    pub(crate) position: Option<Location>,
}

impl AddedMetadata {
    /// Builds the Exif data, as a TIFF structure. `own_orientation` is the orientation in the
    /// picture itself, which is preferred. Returns `None` if there is nothing to write: no
    /// position, and an upright picture. The length of the data is even.
    pub(super) fn build_tiff(&self, own_orientation: Option<u8>) -> Option<Vec<u8>> {
        let mut entries = Vec::new();
        if let Some(value @ 2..=8) = own_orientation.or(self.orientation) {
            let value = u16::from(value).to_le_bytes().to_vec();
            entries.push(IfdEntry::new(tag::ORIENTATION, value_type::SHORT, 1, value));
        }
        let gps = self.position.as_ref().and_then(gps_entries);
        if gps.is_some() {
            let offset = TIFF_HEADER.len() + ifd_bytes(entries.len() + 1);
            let offset = (offset as u32).to_le_bytes().to_vec();
            entries.push(IfdEntry::new(tag::GPS_INFO, value_type::LONG, 1, offset));
        }
        if entries.is_empty() {
            return None;
        }
        let mut tiff = TIFF_HEADER.to_vec();
        append_ifd(&mut tiff, &entries);
        if let Some(gps) = gps {
            append_ifd(&mut tiff, &gps);
        }
        Some(tiff)
    }
}

/// One tag of an IFD with its value, in little-endian order.
#[derive(Debug)]
struct IfdEntry {
    tag: u16,
    value_type: u16,
    count: u32,
    value: Vec<u8>,
}

impl IfdEntry {
    fn new(tag: u16, value_type: u16, count: u32, value: Vec<u8>) -> Self {
        IfdEntry {
            tag,
            value_type,
            count,
            value,
        }
    }
}

/// Returns the length of an IFD with this number of tags, without the values after it.
fn ifd_bytes(tags: usize) -> usize {
    2 + tags * 12 + 4
}

/// Appends an IFD to a TIFF structure. A value of more than four bytes comes after the IFD.
fn append_ifd(tiff: &mut Vec<u8>, entries: &[IfdEntry]) {
    let mut values: Vec<u8> = Vec::new();
    let values_at = tiff.len() + ifd_bytes(entries.len());
    tiff.extend((entries.len() as u16).to_le_bytes());
    for entry in entries {
        tiff.extend(entry.tag.to_le_bytes());
        tiff.extend(entry.value_type.to_le_bytes());
        tiff.extend(entry.count.to_le_bytes());
        if entry.value.len() <= 4 {
            tiff.extend(&entry.value);
            tiff.extend(&[0; 4][entry.value.len()..]);
        } else {
            tiff.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(&entry.value);
        }
    }
    tiff.extend([0; 4]);
    tiff.extend(values);
}

/// Returns the tags of the GPS IFD for a position. Returns `None` if the position is not on the
/// globe.
fn gps_entries(position: &Location) -> Option<Vec<IfdEntry>> {
    let (lat, lon) = (position.lat, position.lon);
    if !(lat.abs() <= 90.0 && lon.abs() <= 180.0) {
        return None;
    }
    let letter = |negative: bool, letters: [u8; 2]| vec![letters[usize::from(negative)], 0];
    let mut entries = vec![
        IfdEntry::new(tag::GPS_VERSION_ID, value_type::BYTE, 4, vec![2, 3, 0, 0]),
        IfdEntry::new(
            tag::GPS_LATITUDE_REF,
            value_type::ASCII,
            2,
            letter(lat < 0.0, *b"NS"),
        ),
        IfdEntry::new(tag::GPS_LATITUDE, value_type::RATIONAL, 3, degrees(lat)),
        IfdEntry::new(
            tag::GPS_LONGITUDE_REF,
            value_type::ASCII,
            2,
            letter(lon < 0.0, *b"EW"),
        ),
        IfdEntry::new(tag::GPS_LONGITUDE, value_type::RATIONAL, 3, degrees(lon)),
    ];
    // Altitudes in metres, to the millimetre. Larger ones do not fit into a rational.
    if let Some(alt) = position.alt.filter(|alt| alt.abs() < 4_000_000.0) {
        let millimetres = (alt.abs() * 1000.0).round() as u32;
        let value = rational(millimetres, 1000);
        let below_sea = vec![u8::from(alt < 0.0)];
        entries.push(IfdEntry::new(
            tag::GPS_ALTITUDE_REF,
            value_type::BYTE,
            1,
            below_sea,
        ));
        entries.push(IfdEntry::new(
            tag::GPS_ALTITUDE,
            value_type::RATIONAL,
            1,
            value,
        ));
    }
    Some(entries)
}

/// Returns an angle as three rationals: whole degrees, whole minutes, and seconds to six decimals.
fn degrees(angle: f64) -> Vec<u8> {
    const MICROSECONDS_PER_MINUTE: u64 = 60_000_000;
    let microseconds = (angle.abs() * 3600.0 * 1_000_000.0).round() as u64;
    let minutes = microseconds / MICROSECONDS_PER_MINUTE;
    [
        rational((minutes / 60) as u32, 1),
        rational((minutes % 60) as u32, 1),
        rational((microseconds % MICROSECONDS_PER_MINUTE) as u32, 1_000_000),
    ]
    .concat()
}

fn rational(numerator: u32, denominator: u32) -> Vec<u8> {
    [numerator.to_le_bytes(), denominator.to_le_bytes()].concat()
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
        .find(|at| u16_at(*at) == Some(tag::ORIENTATION))
        .and_then(|at| u16_at(at.checked_add(8)?))
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=8).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the latitude, longitude and altitude that an Exif reader finds.
    fn read_position(tiff: &[u8]) -> (f64, f64, Option<f64>) {
        let exif = exif::Reader::new()
            .read_raw(tiff.to_vec())
            .expect("readable Exif");
        let numbers = |tag| match &exif.get_field(tag, exif::In::PRIMARY)?.value {
            exif::Value::Rational(values) => Some(
                values
                    .iter()
                    .map(|value| value.to_f64())
                    .collect::<Vec<_>>(),
            ),
            _ => None,
        };
        let letter = |tag| {
            let field = exif.get_field(tag, exif::In::PRIMARY).expect("a reference");
            field.display_value().to_string()
        };
        let angle = |tag, reference, negative: &str| {
            let parts = numbers(tag).expect("an angle");
            let value = parts[0] + parts[1] / 60.0 + parts[2] / 3600.0;
            if letter(reference) == negative {
                -value
            } else {
                value
            }
        };
        let alt = numbers(exif::Tag::GPSAltitude).map(|values| {
            let below = exif
                .get_field(exif::Tag::GPSAltitudeRef, exif::In::PRIMARY)
                .and_then(|field| field.value.get_uint(0));
            if below == Some(1) {
                -values[0]
            } else {
                values[0]
            }
        });
        (
            angle(exif::Tag::GPSLatitude, exif::Tag::GPSLatitudeRef, "S"),
            angle(exif::Tag::GPSLongitude, exif::Tag::GPSLongitudeRef, "W"),
            alt,
        )
    }

    #[test]
    fn upright_picture_without_position_gets_no_exif() {
        let added = AddedMetadata::default();
        assert_eq!(added.build_tiff(None), None);
        assert_eq!(added.build_tiff(Some(1)), None);
        assert_eq!(added.build_tiff(Some(9)), None);
        assert_eq!(
            added
                .build_tiff(Some(6))
                .and_then(|tiff| parse_orientation(&tiff)),
            Some(6)
        );
    }

    #[test]
    fn position_outside_the_globe_is_not_written() {
        for (lat, lon) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0)] {
            let position = Some(Location {
                lat,
                lon,
                ..Location::default()
            });
            let added = AddedMetadata {
                orientation: None,
                position,
            };
            assert_eq!(added.build_tiff(None), None);
        }
    }

    proptest! {
        #[test]
        fn written_position_is_the_given_one(
            lat in -90.0..=90.0_f64,
            lon in -180.0..=180.0_f64,
            alt in proptest::option::of(-500.0..9000.0_f64),
            orientation in proptest::option::of(1..=8_u8),
        ) {
            let position = Some(Location { lat, lon, alt, ..Location::default() });
            let tiff = AddedMetadata { orientation, position }.build_tiff(None).expect("Exif");
            let (read_lat, read_lon, read_alt) = read_position(&tiff);
            prop_assert!((read_lat - lat).abs() < 1e-9 && (read_lon - lon).abs() < 1e-9);
            prop_assert_eq!(read_alt.is_some(), alt.is_some());
            prop_assert!((read_alt.unwrap_or(0.0) - alt.unwrap_or(0.0)).abs() <= 0.0005001);
            prop_assert_eq!(parse_orientation(&tiff), orientation.filter(|value| *value > 1));
            prop_assert_eq!(tiff.len() % 2, 0);
        }
    }
}
