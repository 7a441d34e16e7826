//! The only metadata of a rendition.

use crate::limits::MAX_RIGHTS_BYTES;

/// The header of a JPEG segment that contains XMP.
const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The rights of a photo. They are the only metadata that a rendition contains.
///
/// They are written as XMP and not as EXIF, because EXIF has no field for a credit line and for a
/// licence. Search engines read these four fields from XMP. Each text is cut after 2,048 bytes.
/// Control characters are removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RightsNotice {
    /// The copyright notice, `dc:rights`.
    pub copyright: Option<String>,
    /// The photographer, `dc:creator`.
    pub creator: Option<String>,
    /// The credit line, `photoshop:Credit`.
    pub credit: Option<String>,
    /// The URL of the licence, `xmpRights:WebStatement`.
    pub license_url: Option<String>,
}

impl RightsNotice {
    /// Returns the content of the JPEG segment with these rights, or `None` if there are none.
    pub(crate) fn xmp_segment(&self) -> Option<Vec<u8>> {
        let copyright = escaped_text(self.copyright.as_deref());
        let creator = escaped_text(self.creator.as_deref());
        let credit = escaped_text(self.credit.as_deref());
        let license_url = escaped_text(self.license_url.as_deref());
        let mut properties = String::new();
        if let Some(text) = copyright {
            properties += &format!(
                "<dc:rights><rdf:Alt><rdf:li xml:lang=\"x-default\">{text}</rdf:li></rdf:Alt></dc:rights>"
            );
        }
        if let Some(text) = creator {
            properties +=
                &format!("<dc:creator><rdf:Seq><rdf:li>{text}</rdf:li></rdf:Seq></dc:creator>");
        }
        if let Some(text) = credit {
            properties += &format!("<photoshop:Credit>{text}</photoshop:Credit>");
        }
        if let Some(text) = license_url {
            properties += &format!("<xmpRights:WebStatement>{text}</xmpRights:WebStatement>");
        }
        if properties.is_empty() {
            return None;
        }
        let packet = format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
             <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
             xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\" \
             xmlns:xmpRights=\"http://ns.adobe.com/xap/1.0/rights/\">{properties}\
             </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>"
        );
        Some([XMP_HEADER, packet.as_bytes()].concat())
    }
}

/// Returns a text for XML, cut to its maximum size. Returns `None` if nothing visible is in it.
fn escaped_text(text: Option<&str>) -> Option<String> {
    let text = text?.trim();
    let text = &text[..text.floor_char_boundary(MAX_RIGHTS_BYTES)];
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 does not allow them, not even escaped.
            '\u{fffe}' | '\u{ffff}' => {}
            _ if c.is_control() => {}
            _ => escaped.push(c),
        }
    }
    (!escaped.trim().is_empty()).then_some(escaped)
}
