//! Detects the RAW format of a TIFF from its tags. Many RAW formats are TIFF files. An IFD (image
//! file directory) is a table of tags.

use super::field_value::whole_number;
use super::format::PhotoFormat;
use super::tag;
use super::text::field_text;
use super::tiff::{Ifd, IfdFields};

/// The value of the tag PhotometricInterpretation that means sensor data: a colour filter array
/// (TIFF/EP).
const COLOR_FILTER_ARRAY: u32 = 32_803;

/// Returns the exact format of a file that was detected as `format`. Many RAW formats are TIFF
/// files, and RWL files are detected as RW2. Returns `format` if no other format fits.
///
/// A TIFF with the tag DNGVersion is a DNG, or a GPR of GoPro. The format of any other TIFF follows
/// from the maker, and from tags that only the RAW files of this maker have.
pub(crate) fn refine_format(format: PhotoFormat, fields: &IfdFields<'_>) -> PhotoFormat {
    let make = lower_case_text(fields, tag::MAKE);
    match format {
        PhotoFormat::Rw2 if make.starts_with("leica") => PhotoFormat::Rwl,
        PhotoFormat::Tiff if fields.get(Ifd::Main(0), tag::DNG_VERSION).is_some() => {
            if make.starts_with("gopro") {
                PhotoFormat::Gpr
            } else {
                PhotoFormat::Dng
            }
        }
        PhotoFormat::Tiff => format_of_maker(&make, fields).unwrap_or(format),
        _ => format,
    }
}

fn lower_case_text(fields: &IfdFields<'_>, tag: u16) -> String {
    fields
        .get(Ifd::Main(0), tag)
        .and_then(field_text)
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn format_of_maker(make: &str, fields: &IfdFields<'_>) -> Option<PhotoFormat> {
    let is = |start: &str| make.starts_with(start);
    let compression = |wanted: &[u32]| has_compression(fields, wanted);
    let sensor = has_sensor_data(fields);
    let sub_ifd = fields.list.iter().any(|f| matches!(f.ifd, Ifd::Sub(_)));
    if is("nikon") && (compression(&[34_713]) || sensor || sub_ifd) {
        let is_coolpix = lower_case_text(fields, tag::MODEL).contains("coolpix");
        return Some(if is_coolpix {
            PhotoFormat::Nrw
        } else {
            PhotoFormat::Nef
        });
    }
    let sony = || {
        let private_data = fields.get(Ifd::Main(0), tag::DNG_PRIVATE_DATA);
        compression(&[32_767]) || private_data.is_some() || sensor
    };
    let samsung = || compression(&[32_769, 32_770, 32_772, 32_773]) || sensor || sub_ifd;
    let maker_note = || fields.get(Ifd::Exif, tag::MAKER_NOTE).is_some();
    let kodak = is("kodak") || is("eastman kodak");
    let rules = [
        (is("sony") && sony(), PhotoFormat::Arw),
        (
            (is("pentax") || is("ricoh")) && (compression(&[65_535]) || sensor || sub_ifd),
            PhotoFormat::Pef,
        ),
        (is("samsung") && samsung(), PhotoFormat::Srw),
        (
            (is("phase one") || is("leaf")) && maker_note(),
            PhotoFormat::Iiq,
        ),
        (is("hasselblad"), PhotoFormat::ThreeFr),
        (kodak && compression(&[65_000]), PhotoFormat::Dcr),
        (kodak && (sensor || sub_ifd), PhotoFormat::Kdc),
        (is("mamiya") && sensor, PhotoFormat::Mef),
        (is("leaf") && sensor, PhotoFormat::Mos),
        (
            (is("epson") || is("seiko epson")) && sensor,
            PhotoFormat::Erf,
        ),
    ];
    let rule = rules.into_iter().find(|(fits, _)| *fits);
    rule.map(|(_, format)| format)
}

/// Returns the IFDs that describe an image: those with the tag Compression.
fn image_ifds<'f>(fields: &'f IfdFields<'_>) -> impl Iterator<Item = Ifd> + 'f {
    let with_compression = fields.list.iter().filter(|f| f.tag == tag::COMPRESSION);
    with_compression.map(|f| f.ifd)
}

fn number_in(fields: &IfdFields<'_>, ifd: Ifd, tag: u16) -> Option<u32> {
    fields.get(ifd, tag).and_then(|f| whole_number(f, 0))
}

fn has_compression(fields: &IfdFields<'_>, wanted: &[u32]) -> bool {
    let mut compressions =
        image_ifds(fields).filter_map(|ifd| number_in(fields, ifd, tag::COMPRESSION));
    compressions.any(|compression| wanted.contains(&compression))
}

fn has_sensor_data(fields: &IfdFields<'_>) -> bool {
    image_ifds(fields).any(|ifd| {
        number_in(fields, ifd, tag::PHOTOMETRIC_INTERPRETATION) == Some(COLOR_FILTER_ARRAY)
    }) || fields
        .list
        .iter()
        .any(|f| f.tag == tag::CFA_REPEAT_PATTERN_DIM)
}
