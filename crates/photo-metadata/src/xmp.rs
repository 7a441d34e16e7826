//! XMP (ISO 16684-1): a packet's simple properties and arrays, by namespace and name. Structures are flattened to their
//! leaves' names and nothing is validated; no entity is ever fetched or expanded.

use std::collections::HashMap;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::{limits, text};

/// The properties of a file's XMP packets: `dc:title`, with our prefixes whatever the packet's are.
#[derive(Debug, Default)]
pub(crate) struct Xmp {
    properties: Vec<(String, Vec<String>)>,
    elements: usize,
}

#[rustfmt::skip]
static NAMESPACES: &[(&str, &str)] = &[
    ("http://purl.org/dc/elements/1.1/", "dc"), ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"), ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://cipa.jp/exif/1.0/", "exifEX"), ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"), ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto"), ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://www.w3.org/XML/1998/namespace", "xml"), ("adobe:ns:meta/", "x"), ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"),
];

impl Xmp {
    /// The property's first value (of a language alternative: the default's).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// All values of an array.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.properties
            .iter()
            .find(|property| property.0 == name)
            .map_or(&[], |property| &property.1)
    }

    /// Adds a property where no packet has it.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if let Some(value) = text::clean(value).filter(|_| self.all(name).is_empty()) {
            self.properties.push((name.to_owned(), vec![value]));
        }
    }

    /// Adds a packet's properties; of two packets, the first counts.
    ///
    /// # Errors
    /// The packet is no well-formed XML from some point on; what came before it is kept.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let decoded = decode(bytes);
        let mut reader =
            NsReader::from_str(decoded.trim_start_matches(['\u{feff}', '\0', ' ', '\n', '\r']));
        reader.config_mut().check_end_names = false;
        reader
            .resolver_mut()
            .set_max_declarations_per_element(limits::XML_NAMESPACES);
        let mut packet = Packet::default();
        let outcome = loop {
            match reader.read_event() {
                Ok(Event::Start(_) | Event::Empty(_)) if self.elements >= limits::XML_ELEMENTS => {
                    break Err("XMP with too many elements".to_owned());
                }
                Ok(Event::Start(start)) => {
                    self.elements += 1;
                    let name = name(&reader, start.name());
                    if packet.path.len() >= limits::XML_DEPTH {
                        break Err("XMP nested too deep".to_owned());
                    }
                    packet.open(name, &start, &reader);
                }
                Ok(Event::Empty(start)) => {
                    self.elements += 1;
                    let name = name(&reader, start.name());
                    packet.open(name, &start, &reader);
                    packet.close();
                }
                Ok(Event::End(_)) => packet.close(),
                Ok(Event::Text(text)) => packet
                    .text
                    .push_str(&text.xml10_content().unwrap_or_default()),
                Ok(Event::CData(text)) => packet
                    .text
                    .push_str(&text.xml10_content().unwrap_or_default()),
                Ok(Event::GeneralRef(entity)) => packet.entity(&entity),
                Ok(Event::Eof) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(format!("XMP is broken: {error}")),
            }
        };
        for (name, values) in packet.found {
            if self.properties.len() < limits::PROPERTIES && self.all(&name).is_empty() {
                self.properties.push((name, values));
            }
        }
        outcome
    }
}

/// The elements open around a text, and what was found so far.
#[derive(Default)]
struct Packet {
    path: Vec<(Option<String>, bool)>,
    text: String,
    found: Vec<(String, Vec<String>)>,
    /// Where in `found` a name is.
    places: HashMap<String, usize>,
}

impl Packet {
    fn open(&mut self, name: Option<String>, start: &BytesStart<'_>, reader: &NsReader<&[u8]>) {
        self.text.clear();
        let mut default_language = false;
        // Inside a structure of some other vocabulary (an ingredient's own metadata, say) names mean something else.
        let foreign = name.is_none() || self.path.iter().any(|(name, _)| name.is_none());
        // Unchecked: looking for attributes that stand twice takes the square of their number.
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        for attribute in attributes.flatten().take(limits::XML_ATTRIBUTES) {
            let Some(key) = attribute_name(reader, attribute.key) else {
                continue;
            };
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .unwrap_or_default();
            match key.as_str() {
                "xml:lang" => default_language = value == "x-default",
                "rdf:resource" => self.text.push_str(&value),
                key if key.starts_with("rdf:") || key.starts_with("xml:") => {}
                _ if foreign => {}
                _ => self.add(key, &value, false),
            }
        }
        self.path.push((name, default_language));
    }

    fn close(&mut self) {
        let Some((name, default_language)) = self.path.pop() else {
            return;
        };
        let text = std::mem::take(&mut self.text);
        if name.is_none() || self.path.iter().any(|(name, _)| name.is_none()) {
            return;
        }
        let structural = name.as_deref().is_some_and(|n| n.starts_with("rdf:"));
        let property = if structural {
            // rdf:li, rdf:value: the nearest element that is no RDF has the name.
            self.path.iter().rev().find_map(|(n, _)| {
                n.clone()
                    .filter(|n| !n.starts_with("rdf:") && !n.starts_with("x:"))
            })
        } else {
            name
        };
        if let Some(property) = property {
            self.add(property, &text, default_language);
        }
    }

    fn add(&mut self, name: String, value: &str, first: bool) {
        let Some(value) = text::clean(value) else {
            return;
        };
        let full = self.found.len() >= limits::PROPERTIES;
        let place = self.places.get(&name).copied();
        match place.and_then(|place| self.found.get_mut(place)) {
            Some((_, values)) if values.len() >= limits::KEYWORDS => {}
            Some((_, values)) if first => values.insert(0, value),
            Some((_, values)) => values.push(value),
            None if !full => {
                self.places.insert(name.clone(), self.found.len());
                self.found.push((name, vec![value]));
            }
            None => {}
        }
    }

    fn entity(&mut self, entity: &quick_xml::events::BytesRef<'_>) {
        if let Ok(Some(c)) = entity.resolve_char_ref() {
            self.text.push(c);
        } else if let Some(text) = entity
            .decode()
            .ok()
            .and_then(|name| resolve_predefined_entity(&name))
        {
            self.text.push_str(text);
        }
    }
}

fn name(reader: &NsReader<&[u8]>, name: QName<'_>) -> Option<String> {
    let (namespace, local) = reader.resolver().resolve_element(name);
    canonical(&namespace, local.as_ref())
}

fn attribute_name(reader: &NsReader<&[u8]>, name: QName<'_>) -> Option<String> {
    let (namespace, local) = reader.resolver().resolve_attribute(name);
    canonical(&namespace, local.as_ref())
}

fn canonical(namespace: &ResolveResult<'_>, local: &[u8]) -> Option<String> {
    let ResolveResult::Bound(Namespace(uri)) = namespace else {
        return None;
    };
    let prefix = NAMESPACES
        .iter()
        .find(|(known, _)| known.as_bytes() == *uri)?
        .1;
    Some(format!("{prefix}:{}", std::str::from_utf8(local).ok()?))
}

/// UTF-8, or UTF-16 by its byte order mark or its zeros.
fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, ..] | [0, b'<', ..] => encoding_rs::UTF_16BE.decode(bytes).0.into_owned(),
        [0xff, 0xfe, ..] | [b'<', 0, ..] => encoding_rs::UTF_16LE.decode(bytes).0.into_owned(),
        _ => text::decode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(inner: &str) -> Xmp {
        let mut xmp = Xmp::default();
        let outcome = xmp.read(
            format!(
                r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
                <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
                xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">
                {inner}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#
            )
            .as_bytes(),
        );
        assert_eq!(outcome, Ok(()));
        xmp
    }

    #[test]
    fn attributes_elements_and_arrays_are_properties() {
        let xmp = packet(
            "<d:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b &amp; c</rdf:li></rdf:Bag></d:subject>\
             <xmp:CreateDate>2018-02-01</xmp:CreateDate>",
        );
        assert_eq!(xmp.get("xmp:Rating"), Some("4"));
        assert_eq!(xmp.get("xmp:CreateDate"), Some("2018-02-01"));
        assert_eq!(xmp.all("dc:subject"), ["a", "b & c"]);
    }

    #[test]
    fn the_default_language_leads() {
        let xmp = packet(
            r#"<d:title><rdf:Alt><rdf:li xml:lang="fr">Nuit</rdf:li><rdf:li xml:lang="x-default">Night</rdf:li></rdf:Alt></d:title>"#,
        );
        assert_eq!(xmp.get("dc:title"), Some("Night"));
    }

    #[test]
    fn broken_xml_keeps_what_came_before() {
        let mut xmp = Xmp::default();
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:d="http://purl.org/dc/elements/1.1/"><d:source>x</d:source><d:"#;
        assert!(xmp.read(packet.as_bytes()).is_err());
        assert_eq!(xmp.get("dc:source"), Some("x"));
    }
}
