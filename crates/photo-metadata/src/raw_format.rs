//! Detects the RAW format of a TIFF from its tags. Many RAW formats are TIFF files. An IFD (image
//! file directory) is a table of tags.
//!
//! A TIFF is a RAW file only if it contains sensor data or is a DNG. The maker, the model and the
//! Exif IFD do not show this, because a program that exports a photo as TIFF keeps them. SubIFDs do
//! not show it either, because the program may write smaller copies of the picture there.

use super::field_value::whole_number;
use super::format::PhotoFormat;
use super::preview::MAX_STRIPS;
use super::tag;
use super::text::field_text;
use super::tiff::{Ifd, IfdFields};

/// The values of the tag PhotometricInterpretation that mean sensor data: a colour filter array
/// (TIFF/EP), and linear raw (DNG).
pub(crate) const SENSOR_DATA: [u32; 2] = [32_803, 34_892];

/// The value of the tag Compression for baseline JPEG in the old style (TIFF 6.0, section 22).
const OLD_JPEG: u32 = 6;

/// Returns the exact format of a file that was detected as `format`. Many RAW formats are TIFF
/// files, and RWL files are detected as RW2. Returns `format` if no other format fits.
///
/// A TIFF or BigTIFF with the tag DNGVersion is a DNG, or a GPR of GoPro. Any other TIFF is a RAW
/// file only if it contains sensor data. Its format follows from the maker.
pub(crate) fn refine_format(format: PhotoFormat, fields: &IfdFields<'_>) -> PhotoFormat {
    let make = lower_case_text(fields, tag::MAKE);
    match format {
        PhotoFormat::Rw2 if make.starts_with("leica") => PhotoFormat::Rwl,
        PhotoFormat::Tiff | PhotoFormat::BigTiff
            if fields.get(Ifd::Main(0), tag::DNG_VERSION).is_some() =>
        {
            if make.starts_with("gopro") {
                PhotoFormat::Gpr
            } else {
                PhotoFormat::Dng
            }
        }
        PhotoFormat::Tiff | PhotoFormat::BigTiff => {
            format_of_maker(&make, fields).unwrap_or(format)
        }
        _ => format,
    }
}

/// Returns the text of a tag in lower case. It is in IFD0, or else in the Exif IFD.
fn lower_case_text(fields: &IfdFields<'_>, tag: u16) -> String {
    let text = fields.in_ifd0_first(tag).find_map(field_text);
    text.unwrap_or_default().to_ascii_lowercase()
}

/// Returns the RAW format of a TIFF of this maker. `make` is in lower case. Returns `None` if the
/// TIFF has no sensor data.
fn format_of_maker(make: &str, fields: &IfdFields<'_>) -> Option<PhotoFormat> {
    let is = |start: &str| make.starts_with(start);
    let has = |compressions: &[u32]| has_compression(fields, compressions);
    let sensor = has_sensor_data(fields);
    if is("nikon") && (sensor || has(&[34_713])) {
        let is_coolpix = lower_case_text(fields, tag::MODEL).contains("coolpix");
        return Some(if is_coolpix {
            PhotoFormat::Nrw
        } else {
            PhotoFormat::Nef
        });
    }
    let pentax = is("pentax") || is("ricoh");
    let kodak = is("kodak") || is("eastman kodak");
    // The compressions of RAW files are in ExifTool's table Exif::Main. PackBits (32773) is not
    // among them, though Samsung has used this number for RAW files too.
    let rules = [
        (
            is("sony") && (sensor || has(&[32_767]) || is_first_sony_raw(fields)),
            PhotoFormat::Arw,
        ),
        (pentax && (sensor || has(&[65_535])), PhotoFormat::Pef),
        (
            is("samsung") && (sensor || has(&[32_770, 32_772])),
            PhotoFormat::Srw,
        ),
        (
            (is("phase one") || is("leaf")) && has_phase_one_data(fields),
            PhotoFormat::Iiq,
        ),
        (
            is("hasselblad") && (sensor || has_hasselblad_data(fields)),
            PhotoFormat::ThreeFr,
        ),
        (is("imacon") && sensor, PhotoFormat::Fff),
        (kodak && has(&[65_000]), PhotoFormat::Dcr),
        (
            kodak && (sensor || has(&[262, 32_867, 32_947])),
            PhotoFormat::Kdc,
        ),
        (is("mamiya") && sensor, PhotoFormat::Mef),
        (is("leaf") && sensor, PhotoFormat::Mos),
        (
            (is("epson") || is("seiko epson")) && sensor,
            PhotoFormat::Erf,
        ),
        (is("phase one") && sensor, PhotoFormat::Iiq),
    ];
    let rule = rules.into_iter().find(|(fits, _)| *fits);
    rule.map(|(_, format)| format)
}

/// Returns the IFDs of the file that describe an image: those with the tag Compression or
/// PhotometricInterpretation.
fn image_ifds<'f>(fields: &'f IfdFields<'_>) -> impl Iterator<Item = Ifd> + 'f {
    let described = fields.list.iter().filter(|f| {
        matches!(
            f.tag,
            tag::COMPRESSION | tag::PHOTOMETRIC_INTERPRETATION | tag::CFA_REPEAT_PATTERN_DIM
        )
    });
    let images = described.filter(|f| matches!(f.ifd, Ifd::Main(_) | Ifd::Sub(_)));
    images.map(|f| f.ifd)
}

fn number_in(fields: &IfdFields<'_>, ifd: Ifd, tag: u16) -> Option<u32> {
    fields.get(ifd, tag).and_then(|f| whole_number(f, 0))
}

fn has_compression(fields: &IfdFields<'_>, wanted: &[u32]) -> bool {
    let mut compressions =
        image_ifds(fields).filter_map(|ifd| number_in(fields, ifd, tag::COMPRESSION));
    compressions.any(|compression| wanted.contains(&compression))
}

/// Reports whether an image of the file consists of sensor data. If the image has no tag
/// PhotometricInterpretation, the tag CFARepeatPatternDim shows this (TIFF/EP).
fn has_sensor_data(fields: &IfdFields<'_>) -> bool {
    image_ifds(fields).any(
        |ifd| match number_in(fields, ifd, tag::PHOTOMETRIC_INTERPRETATION) {
            Some(kind) => SENSOR_DATA.contains(&kind),
            None => fields.get(ifd, tag::CFA_REPEAT_PATTERN_DIM).is_some(),
        },
    )
}

/// Reports whether the file is an ARW of the DSLR-A100, the first one. Its sensor data are not in
/// an IFD. IFD0 has a JPEG preview, and the tag DNGPrivateData points to Sony's own data (ExifTool:
/// `SetARW` in Sony.pm).
fn is_first_sony_raw(fields: &IfdFields<'_>) -> bool {
    let number = |tag| number_in(fields, Ifd::Main(0), tag);
    fields.get(Ifd::Main(0), tag::DNG_PRIVATE_DATA).is_some()
        && number(tag::COMPRESSION) == Some(OLD_JPEG)
        && number(tag::SUBFILE_TYPE) == Some(1)
}

/// Reports whether the file has Hasselblad's tag for sensor data, or the layout of a 3FR: IFD0 is a
/// small copy, and the full picture has one sample per pixel.
fn has_hasselblad_data(fields: &IfdFields<'_>) -> bool {
    let subfile_type = |ifd| number_in(fields, ifd, tag::SUBFILE_TYPE);
    let samples = |ifd| number_in(fields, ifd, tag::SAMPLES_PER_PIXEL);
    let is_full = |ifd| subfile_type(ifd) == Some(0) && samples(ifd) == Some(1);
    let has_layout = subfile_type(Ifd::Main(0)) == Some(1) && image_ifds(fields).any(is_full);
    let mut tags = fields.list.iter().map(|f| f.tag);
    has_layout || tags.any(|tag| tag == tag::HASSELBLAD_RAW_IMAGE)
}

/// Reports whether the maker note is that of an IIQ. Such a note contains the sensor data
/// (ExifTool: `MakerNotePhaseOne` in MakerNotes.pm). So it is longer than all pictures of the file
/// together. An export may have a copy of the note, but its picture is longer.
fn has_phase_one_data(fields: &IfdFields<'_>) -> bool {
    let lengths = fields.list.iter().filter(|f| {
        let has_lengths = matches!(f.tag, tag::STRIP_BYTE_COUNTS | tag::TILE_BYTE_COUNTS);
        has_lengths && matches!(f.ifd, Ifd::Main(_) | Ifd::Sub(_))
    });
    let pictures = lengths.flat_map(|f| (0..MAX_STRIPS).map_while(|n| f.unsigned(n)));
    let pictures = pictures.fold(0, u64::saturating_add);
    let mut notes = fields.in_exif_first(tag::MAKER_NOTE);
    notes.any(|note| {
        let start = note.view.part(note.offset, note.size).array::<7>(0);
        let is_phase_one = start.is_some_and(|start| {
            matches!(&start, [b'I', b'I', b'I', b'I', _, b'w', b'a'] | b"MMMMRaw")
        });
        is_phase_one && note.size > pictures
    })
}
