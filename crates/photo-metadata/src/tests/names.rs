//! Tests of the names of cameras and lenses: blank values and placeholders do not hide a good value
//! in another place.

use super::builders::{TestTiff, text_field, xmp, xmp_field};
use super::read;
use crate::record::{Lens, PhotoRecord};

/// A text entry of an IFD (image file directory, which is a table of tags): a tag and a text.
type TextEntry<'a> = (u16, &'a str);

/// Makes a TIFF with these texts in IFD0 and in the Exif IFD, and with these XMP attributes, and
/// returns its record.
fn record(ifd0: &[TextEntry<'_>], exif: &[TextEntry<'_>], attributes: &str) -> PhotoRecord {
    let fields = |texts: &[TextEntry<'_>]| {
        let fields = texts.iter().map(|(tag, text)| text_field(*tag, text));
        fields.collect::<Vec<_>>()
    };
    let mut file = TestTiff {
        ifd0: fields(ifd0),
        exif: fields(exif),
        ..TestTiff::default()
    };
    file.ifd0.push(xmp_field(&xmp(attributes, "")));
    read(&file.to_bytes()).photo.record
}

const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const LENS_MAKE: u16 = 0xa433;
const LENS_MODEL: u16 = 0xa434;

fn camera_name(ifd0: &[TextEntry<'_>], exif: &[TextEntry<'_>], xmp: &str) -> Option<String> {
    record(ifd0, exif, xmp).camera.map(|camera| camera.name)
}

#[test]
fn blank_maker_does_not_hide_another_one() {
    let wanted = Some("HTC One_M8".to_owned());
    let good = [(MAKE, "HTC"), (MODEL, "HTC One_M8")];
    let in_xmp = r#"tiff:Make="HTC" tiff:Model="HTC One_M8""#;
    for blank in [
        "",
        " ",
        "   ",
        "\0\0\0",
        "\n\t ",
        "Unknown",
        "<unknown>",
        "null",
        "N/A",
    ] {
        let blank = [(MAKE, blank), (MODEL, blank)];
        assert_eq!(camera_name(&blank, &good, ""), wanted);
        assert_eq!(camera_name(&good, &blank, ""), wanted);
        assert_eq!(camera_name(&blank, &[], in_xmp), wanted);
        assert_eq!(camera_name(&blank, &blank, in_xmp), wanted);
        // Two tags of one name: the last good one counts.
        let twice = [good[0], good[1], blank[0], blank[1]];
        assert_eq!(camera_name(&twice, &[], ""), wanted);
        assert_eq!(camera_name(&blank, &[], ""), None);
    }
}

#[test]
fn placeholder_in_one_tag_keeps_the_other() {
    let name = |make, model| camera_name(&[(MAKE, make), (MODEL, model)], &[], "");
    assert_eq!(name("Canon", "Unknown").as_deref(), Some("Canon"));
    assert_eq!(name("Unknown", "EOS R6").as_deref(), Some("EOS R6"));
    assert_eq!(name("Nothing", "A063").as_deref(), Some("Nothing A063"));
    let camera = record(&[(MAKE, "Canon"), (MODEL, "<unknown>")], &[], "").camera;
    assert_eq!(camera.and_then(|camera| camera.model), None);
}

fn lens(exif: &[TextEntry<'_>], xmp: &str) -> Option<Lens> {
    record(&[], exif, xmp).lens
}

#[test]
fn placeholder_does_not_hide_the_lens() {
    let placeholders = [
        "",
        "  ",
        "----",
        "0.0 mm f/0.0",
        "Unknown",
        "N/A",
        "None",
        "No Lens",
    ];
    for placeholder in placeholders {
        assert_eq!(
            lens(&[(LENS_MODEL, placeholder)], ""),
            None,
            "{placeholder}"
        );
        let in_xmp = format!("exifEX:LensModel=\"{placeholder}\" aux:Lens=\"{placeholder}\"");
        assert_eq!(lens(&[], &in_xmp), None, "{placeholder}");
        let name = |lens: Option<Lens>| lens.map(|lens| lens.name);
        let wanted = Some("RF 50mm".to_owned());
        let in_exif = [(LENS_MODEL, placeholder)];
        let aux = format!("exifEX:LensModel=\"{placeholder}\" aux:Lens=\"RF 50mm\"");
        assert_eq!(name(lens(&in_exif, &aux)), wanted);
        let in_ifd0 = [(LENS_MODEL, "RF 50mm")];
        assert_eq!(name(record(&in_ifd0, &in_exif, "").lens), wanted);
    }
    let made_by = |make| {
        let lens = lens(&[(LENS_MAKE, make), (LENS_MODEL, "RF 50mm")], "");
        lens.and_then(|lens| lens.make)
    };
    assert_eq!(made_by("Canon").as_deref(), Some("Canon"));
    assert_eq!(made_by("Unknown"), None);
}

#[test]
fn blank_texts_do_not_hide_others() {
    let good = [(0x013b, "Zoë"), (0x8298, "© Zoë"), (0xa431, "123")];
    let blank = [(0x013b, "  "), (0x8298, " "), (0xa431, "\0\0")];
    for (ifd0, exif) in [(&good, &blank), (&blank, &good)] {
        let record = record(ifd0, exif, "");
        assert_eq!(record.artist.as_deref(), Some("Zoë"));
        assert_eq!(record.copyright.as_deref(), Some("© Zoë"));
    }
}
