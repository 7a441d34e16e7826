//! The texts that describe a photo: title, headline, caption, alternative texts, event and label.
//!
//! Cameras and programs write their own texts into the same fields. Such a text is boilerplate. It
//! is skipped, and the next source is used.

use super::boilerplate::{CameraNames, is_boilerplate, is_machine_data};
use super::keywords::{ACDSEE_CATEGORIES, KEYWORD_TEXT};
use super::limits;
use super::private_comment::is_private_comment;
use super::sources::MetadataSources;
use super::tag;
use super::text::{
    clean_lines, clean_text, cut_after, decode_field, decode_user_comment, decode_whole_utf16,
};
use super::tiff::{ByteOrder, Ifd};

/// The XMP property with the alternative text (IPTC Photo Metadata Standard 2021.1, "Alt Text
/// (Accessibility)").
const ALT_TEXT: &str = "Iptc4xmpCore:AltTextAccessibility";
/// The XMP property with the extended description (IPTC Photo Metadata Standard 2021.1, "Extended
/// Description (Accessibility)").
const EXTENDED_DESCRIPTION: &str = "Iptc4xmpCore:ExtDescrAccessibility";

/// Reports whether the value of an XMP property is a long text. Such a value keeps its line breaks,
/// and is not cut when it is read. All other values are one line of at most 1 KB.
pub(crate) fn is_long_text(property: &str) -> bool {
    matches!(
        property,
        "dc:description"
            | "tiff:ImageDescription"
            | "exif:UserComment"
            | "acdsee:notes"
            | EXTENDED_DESCRIPTION
            | ACDSEE_CATEGORIES
            | KEYWORD_TEXT
    )
}

/// Finds the texts that describe a photo.
pub(crate) struct TextFinder<'a, 's> {
    pub(crate) sources: &'a MetadataSources<'a, 's>,
    /// The camera in the file. A text that is only its name is not a description.
    pub(crate) camera: CameraNames<'a>,
}

impl TextFinder<'_, '_> {
    /// Returns the title.
    pub(crate) fn find_title(&self) -> Option<String> {
        self.first_written(&[
            &|| self.xmp_line("dc:title"),
            &|| clean_text(self.container_text("dc:title")?),
            &|| self.sources.iptc.title.clone(),
            &|| {
                self.exif(tag::IMAGE_TITLE)
                    .and_then(|text| clean_text(&text))
            },
            &|| {
                self.explorer(tag::XP_TITLE)
                    .and_then(|text| clean_text(&text))
            },
            &|| self.xmp_line("exifEX:ImageTitle"),
            &|| self.xmp_line("acdsee:caption"),
        ])
    }

    /// Returns the headline.
    pub(crate) fn find_headline(&self) -> Option<String> {
        self.first_written(&[&|| self.xmp_line("photoshop:Headline"), &|| {
            self.sources.iptc.headline.clone()
        }])
    }

    /// Returns the caption, with its line breaks. The last sources are comments. Cameras and
    /// programs store data in them, so a comment is used only if it looks like the text of a
    /// person.
    pub(crate) fn find_caption(&self, warnings: &mut Vec<String>) -> Option<String> {
        let caption = self.first_written(&[
            &|| self.xmp_lines("dc:description"),
            &|| clean_lines(self.container_text("dc:description")?),
            &|| self.sources.iptc.caption.clone(),
            &|| {
                self.exif(tag::IMAGE_DESCRIPTION)
                    .and_then(|text| clean_lines(&text))
            },
            &|| {
                self.explorer(tag::XP_COMMENT)
                    .and_then(|text| clean_lines(&text))
            },
            &|| self.xmp_lines("tiff:ImageDescription"),
            &|| self.xmp_lines("acdsee:notes"),
            &|| self.user_comment(),
            &|| comment_text(self.sources.xmp.get("exif:UserComment")?),
            &|| self.container_comment(),
        ]);
        cut_long_text(caption, "caption", warnings)
    }

    /// Returns the alternative text: a description in place of the picture, for people who do not
    /// see it.
    pub(crate) fn find_alt_text(&self) -> Option<String> {
        self.first_written(&[&|| self.xmp_line(ALT_TEXT)])
    }

    /// Returns the extended description, which may be longer than the alternative text.
    pub(crate) fn find_extended_description(&self, warnings: &mut Vec<String>) -> Option<String> {
        let text = self.first_written(&[&|| self.xmp_lines(EXTENDED_DESCRIPTION)]);
        cut_long_text(text, "extended description", warnings)
    }

    /// Returns the event at which the photo was taken.
    pub(crate) fn find_event(&self) -> Option<String> {
        self.sources
            .xmp
            .get("Iptc4xmpExt:Event")
            .and_then(clean_text)
    }

    /// Returns the label that a person gave the photo, such as the name of a colour.
    pub(crate) fn find_label(&self) -> Option<String> {
        self.sources.xmp.get("xmp:Label").and_then(clean_text)
    }

    /// Returns the first text that is not boilerplate.
    fn first_written(&self, sources: &[&dyn Fn() -> Option<String>]) -> Option<String> {
        let mut texts = sources.iter().filter_map(|read| read());
        texts.find(|text| !is_boilerplate(text, self.camera))
    }

    /// Returns the first value of an XMP property that is not boilerplate, as one line. Other
    /// values than the first are in other languages.
    fn xmp_line(&self, name: &str) -> Option<String> {
        self.first_xmp_value(name, clean_text)
    }

    /// Returns the first value of an XMP property that is not boilerplate, with its line breaks.
    fn xmp_lines(&self, name: &str) -> Option<String> {
        self.first_xmp_value(name, clean_lines)
    }

    fn first_xmp_value(&self, name: &str, clean: fn(&str) -> Option<String>) -> Option<String> {
        let values = self.sources.xmp.all(name).iter();
        let mut texts = values.filter_map(|value| clean(value));
        texts.find(|text| !is_boilerplate(text, self.camera))
    }

    /// Returns the text of the container, for example of a PNG, with the meaning of an XMP
    /// property. This text is needed only if an XMP packet has boilerplate in the property. If no
    /// packet has the property, the text is already its value.
    fn container_text(&self, name: &str) -> Option<&str> {
        let mut properties = self.sources.blocks.properties.iter();
        let found = properties.find(|(property, _)| *property == name);
        found.map(|(_, text)| text.as_str())
    }

    fn exif(&self, tag: u16) -> Option<String> {
        let fields = self.sources.fields.in_ifd0_first(tag);
        let mut texts = fields.filter_map(decode_field);
        // A blank text does not hide another one.
        texts.find(|text| clean_text(text).is_some())
    }

    /// Decodes a text that Windows Explorer wrote: little-endian UTF-16 in a field of the type
    /// BYTE.
    fn explorer(&self, tag: u16) -> Option<String> {
        let fields = self.sources.fields.all(Ifd::Main(0), tag);
        let decode = |bytes| decode_whole_utf16(bytes, ByteOrder::Little);
        let mut texts = fields.filter_map(|field| field.bytes.map(decode));
        texts.find(|text| clean_text(text).is_some())
    }

    fn user_comment(&self) -> Option<String> {
        let fields = self.sources.fields.in_exif_first(tag::USER_COMMENT);
        let mut texts = fields.filter_map(|field| comment_text(&decode_user_comment(field)?));
        texts.next()
    }

    /// Returns the first comment in the container itself that is the text of a person.
    fn container_comment(&self) -> Option<String> {
        let comments = self.sources.blocks.comments.iter();
        let mut texts = comments.filter_map(|comment| comment_text(comment));
        texts.find(|text| !is_boilerplate(text, self.camera))
    }
}

/// Cleans a comment. Returns `None` if nothing is left, if the comment is data of a camera or a
/// program, or if it contains a position or the number of a device.
fn comment_text(raw: &str) -> Option<String> {
    clean_lines(raw).filter(|text| !is_machine_data(raw, text) && !is_private_comment(text))
}

/// Cuts a long text, and adds a warning if it was cut.
pub(crate) fn cut_long_text(
    text: Option<String>,
    name: &str,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let mut text = text?;
    if cut_after(&mut text, limits::MAX_LONG_TEXT_CHARS) {
        let max = limits::MAX_LONG_TEXT_CHARS;
        warnings.push(format!(
            "the {name} has more than {max} characters: the rest is missing"
        ));
    }
    Some(text)
}
