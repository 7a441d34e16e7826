//! XMP (ISO 16684-1): reads the simple properties and arrays of a packet, by namespace and name.
//!
//! A property inside a structure has the name of the structure before its own:
//! `Iptc4xmpExt:LocationCreated/Iptc4xmpExt:City`. XMP is not validated. XML entities are not fetched or expanded, except the five of XML itself.

use std::collections::HashMap;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::description::is_long_text;
use super::labels::LabelCollector;
use super::limits;
use super::text::{clean_lines, clean_text, decode_text};
use super::work_budget::{Work, WorkBudget};

/// The properties of a file's XMP packets, such as `dc:title`. Each name has the prefix that
/// `NAMESPACES` has for its namespace. The prefix in the packet may be another one.
#[derive(Debug, Default)]
pub(crate) struct XmpProperties {
    properties: Vec<(String, Vec<String>)>,
    /// The names of the regions of the type `Face` (Metadata Working Group, "Guidelines for
    /// Handling Image Metadata" 2.0, 5.9), each with its person's name.
    pub(crate) face_names: Vec<String>,
    /// The keywords and ratings of all packets.
    pub(crate) labels: LabelCollector,
    elements: usize,
}

/// The warning if the work budget is used up in a packet.
const TOO_LONG: &str = "XMP takes too much work to read";
/// The reason why keywords or a rating may be missing if a text or an attribute of a packet cannot
/// be decoded.
const BROKEN_TEXT: &str = "XMP with a text that cannot be decoded";

#[rustfmt::skip]
static NAMESPACES: &[(&str, &str)] = &[
    ("http://purl.org/dc/elements/1.1/", "dc"), ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"), ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://cipa.jp/exif/1.0/", "exifEX"), ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"), ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto"), ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://www.w3.org/XML/1998/namespace", "xml"), ("adobe:ns:meta/", "x"), ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"),
    ("http://ns.adobe.com/lightroom/1.0/", "lr"), ("http://www.digikam.org/ns/1.0/", "digiKam"),
    ("http://ns.iview-multimedia.com/mediapro/1.0/", "mediapro"), ("http://ns.acdsee.com/iptc/1.0/", "acdsee"),
    ("http://ns.adobe.com/pdf/1.3/", "pdf"), ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"),
    ("http://www.metadataworkinggroup.com/schemas/regions/", "mwg-rs"), ("http://ns.microsoft.com/photo/1.2/", "MP"),
    ("http://ns.microsoft.com/photo/1.2/t/RegionInfo#", "MPRI"), ("http://ns.microsoft.com/photo/1.2/t/Region#", "MPReg"),
    ("http://creativecommons.org/ns#", "cc"), ("http://web.resource.org/cc/", "cc"),
    ("http://ns.microsoft.com/expressionmedia/1.0/", "expressionmedia"),
];

/// The list of regions of a picture. Each of its items is a region.
const REGION_LIST: &str = "mwg-rs:Regions/mwg-rs:RegionList";
/// The name of a region: that of a person, if the region is a face.
const REGION_NAME: &str = "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Name";
/// The type of a region: `Face`, `Pet`, `Focus` or `BarCode`.
const REGION_TYPE: &str = "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Type";

impl XmpProperties {
    /// Returns the first value of a property, or `None` if there is no such property. If the
    /// property has values in several languages, its first value is the one in the default
    /// language.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Returns all values of a property, for example all keywords in `dc:subject`.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.properties
            .iter()
            .find(|property| property.0 == name)
            .map_or(&[], |property| &property.1)
    }

    /// Adds a property with one value. Does nothing if the property exists already.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.all(name).is_empty() {
            return;
        }
        if let Some(value) = clean_value(name, value) {
            self.properties.push((name.to_owned(), vec![value]));
        }
    }

    /// Adds the properties of a packet. If two packets have the same property, the values in the
    /// first packet are kept.
    ///
    /// # Errors
    /// Returns a warning if the packet is not well-formed XML, or if the work budget is used up. The
    /// properties before the error are kept.
    pub(crate) fn read_packet(&mut self, bytes: &[u8], budget: &WorkBudget) -> Result<(), String> {
        budget
            .pay(Work::Bytes, bytes.len() as u64)
            .ok_or(TOO_LONG)?;
        let decoded = decode_packet(bytes);
        let mut reader =
            NsReader::from_str(decoded.trim_start_matches(['\u{feff}', '\0', ' ', '\n', '\r']));
        reader.config_mut().check_end_names = false;
        reader
            .resolver_mut()
            .set_max_declarations_per_element(limits::MAX_XML_NAMESPACES);
        let mut packet = PacketParser::default();
        let elements_before = self.elements;
        let outcome = loop {
            if budget.pay(Work::XmlEvents, 1).is_none() {
                break Err(TOO_LONG.to_owned());
            }
            match reader.read_event() {
                Ok(Event::Start(_) | Event::Empty(_))
                    if self.elements >= limits::MAX_XML_ELEMENTS =>
                {
                    break Err("XMP with too many elements".to_owned());
                }
                Ok(Event::Start(start)) => {
                    self.elements += 1;
                    let name = element_name(&reader, start.name());
                    if packet.path.len() >= limits::MAX_XML_DEPTH {
                        break Err("XMP nested too deep".to_owned());
                    }
                    packet.open_element(name, &start, &reader, budget);
                }
                Ok(Event::Empty(start)) => {
                    self.elements += 1;
                    let name = element_name(&reader, start.name());
                    packet.open_element(name, &start, &reader, budget);
                    packet.close_element(budget);
                }
                Ok(Event::End(_)) => packet.close_element(budget),
                Ok(Event::Text(text)) => packet.add_text(text.xml10_content().ok().as_deref()),
                Ok(Event::CData(text)) => packet.add_text(text.xml10_content().ok().as_deref()),
                Ok(Event::GeneralRef(entity)) => packet.add_entity(&entity),
                Ok(Event::Eof) => {
                    if !packet.path.is_empty() {
                        packet.labels.add_gap("XMP is cut short");
                    }
                    break Ok(());
                }
                Ok(_) => {}
                Err(error) => break Err(format!("XMP is broken: {error}")),
            }
        };
        self.labels.append(&packet.labels);
        if self.elements == elements_before && !decoded.trim_matches(['\0', ' ']).is_empty() {
            // These bytes are not XML. For example, they may be compressed.
            self.labels.add_gap("XMP without any element");
        }
        if let Err(reason) = &outcome {
            self.labels.add_gap(reason.as_str());
        }
        if self.face_names.is_empty() {
            self.face_names = packet.face_names;
        }
        for (name, values) in packet.found {
            // The look-up compares the name with the names of all properties.
            let compared = self.properties.len() as u64;
            budget.pay(Work::Bytes, 4 * compared).ok_or(TOO_LONG)?;
            if self.properties.len() < limits::MAX_PROPERTIES && self.all(&name).is_empty() {
                self.properties.push((name, values));
            }
        }
        outcome
    }
}

/// The state of parsing a packet: the open elements and their text, and the properties found so
/// far.
#[derive(Default)]
struct PacketParser {
    path: Vec<(Option<String>, bool)>,
    text: String,
    found: Vec<(String, Vec<String>)>,
    /// The index of each property in `found`, by the name of the property.
    places: HashMap<String, usize>,
    /// The keywords and ratings, before any limit.
    labels: LabelCollector,
    /// The name of the region that is read now, and whether it is a face.
    region: (Option<String>, bool),
    face_names: Vec<String>,
}

impl PacketParser {
    fn open_element(
        &mut self,
        name: Option<String>,
        start: &BytesStart<'_>,
        reader: &NsReader<&[u8]>,
        budget: &WorkBudget,
    ) {
        self.text.clear();
        // If this fails, the next event is not read.
        let _ = budget.pay(Work::XmlTagBytes, start.len() as u64);
        let mut default_language = false;
        // Inside a structure of an unknown vocabulary, names have another meaning, for example in
        // the metadata of an ingredient.
        let foreign = name.is_none() || self.path.iter().any(|(name, _)| name.is_none());
        // The check for repeated attributes would take quadratic time.
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        for (index, attribute) in attributes.enumerate() {
            if index >= limits::MAX_XML_ATTRIBUTES {
                self.labels.add_gap("XMP with too many attributes");
                break;
            }
            if budget.pay(Work::XmlEvents, 1).is_none() {
                break;
            }
            let Ok(attribute) = attribute else {
                self.labels.add_gap(BROKEN_TEXT);
                continue;
            };
            let Some(key) = attribute_name(reader, attribute.key) else {
                continue;
            };
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            if value.is_err() {
                self.labels.add_gap(BROKEN_TEXT);
            }
            let value = value.unwrap_or_default();
            match key.as_str() {
                "xml:lang" => default_language = value == "x-default",
                "rdf:resource" => self.text.push_str(&value),
                key if key.starts_with("rdf:") || key.starts_with("xml:") => {}
                _ if foreign => {}
                _ => {
                    let outer = name.as_deref().filter(|name| is_property(name));
                    if let Some(path) = self.property_path([outer, Some(&key)], budget) {
                        self.add_value(path, &value, false);
                    }
                }
            }
        }
        self.path.push((name, default_language));
    }

    /// Returns the name of a property with the names of the structures around it, the outermost
    /// first: the names of the open elements that are properties, and then `inner`. Returns `None`
    /// if there is no name, or if the work budget is used up.
    fn property_path(&self, inner: [Option<&str>; 2], budget: &WorkBudget) -> Option<String> {
        let open = self.path.iter().filter_map(|(name, _)| name.as_deref());
        let names = open
            .filter(|name| is_property(name))
            .chain(inner.into_iter().flatten());
        let mut path = String::new();
        for name in names {
            budget.pay(Work::Bytes, name.len() as u64)?;
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
        }
        (!path.is_empty()).then_some(path)
    }

    fn close_element(&mut self, budget: &WorkBudget) {
        let Some((name, default_language)) = self.path.pop() else {
            return;
        };
        let text = std::mem::take(&mut self.text);
        if name.is_none() || self.path.iter().any(|(name, _)| name.is_none()) {
            return;
        }
        // For rdf:li and rdf:value, the nearest element outside RDF has the name.
        let own = name.as_deref().filter(|name| is_property(name));
        if let Some(path) = self.property_path([own, None], budget) {
            if name.as_deref() == Some("rdf:li") && path == REGION_LIST {
                self.close_region();
            }
            self.add_value(path, &text, default_language);
        }
    }

    /// Keeps the name of the region that ends here, if the region is a face.
    fn close_region(&mut self) {
        let (name, is_face) = std::mem::take(&mut self.region);
        let is_full = self.face_names.len() >= limits::MAX_KEYWORDS;
        self.face_names.extend(name.filter(|_| is_face && !is_full));
    }

    /// Adds a value of a property. `path` is its name, after the names of the structures around it.
    fn add_value(&mut self, path: String, value: &str, first: bool) {
        let name = path.rsplit('/').next().unwrap_or_default();
        self.labels.add_xmp_value(name, value);
        let Some(value) = clean_value(&path, value) else {
            return;
        };
        match path.as_str() {
            REGION_NAME => self.region.0 = Some(value.clone()),
            REGION_TYPE => self.region.1 = value.eq_ignore_ascii_case("Face"),
            _ => {}
        }
        let full = self.found.len() >= limits::MAX_PROPERTIES;
        let place = self.places.get(&path).copied();
        match place.and_then(|place| self.found.get_mut(place)) {
            Some((_, values)) if values.len() >= limits::MAX_KEYWORDS => {}
            Some((_, values)) if first => values.insert(0, value),
            Some((_, values)) => values.push(value),
            None if !full => {
                self.places.insert(path.clone(), self.found.len());
                self.found.push((path, vec![value]));
            }
            None => {}
        }
    }

    /// Adds text to the open element. `None` is a text that cannot be decoded.
    fn add_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text.push_str(text),
            None => self.labels.add_gap(BROKEN_TEXT),
        }
    }

    fn add_entity(&mut self, entity: &quick_xml::events::BytesRef<'_>) {
        if let Ok(Some(c)) = entity.resolve_char_ref() {
            self.text.push(c);
        } else if let Some(text) = entity
            .decode()
            .ok()
            .and_then(|name| resolve_predefined_entity(&name))
        {
            self.text.push_str(text);
        } else {
            self.labels.add_gap(BROKEN_TEXT);
        }
    }
}

/// Reports whether an element is a property. The elements of RDF and of the packet are not.
fn is_property(name: &str) -> bool {
    !name.starts_with("rdf:") && !name.starts_with("x:")
}

/// Cleans the value of a property. A long text keeps its line breaks and is not cut.
fn clean_value(name: &str, value: &str) -> Option<String> {
    if is_long_text(name) {
        clean_lines(value)
    } else {
        clean_text(value)
    }
}

fn element_name(reader: &NsReader<&[u8]>, name: QName<'_>) -> Option<String> {
    let (namespace, local) = reader.resolver().resolve_element(name);
    canonical_name(&namespace, local.as_ref())
}

fn attribute_name(reader: &NsReader<&[u8]>, name: QName<'_>) -> Option<String> {
    let (namespace, local) = reader.resolver().resolve_attribute(name);
    canonical_name(&namespace, local.as_ref())
}

/// Returns the name of an element or an attribute with the prefix in `NAMESPACES`: `dc:title`.
/// Returns `None` if the namespace is unknown.
fn canonical_name(namespace: &ResolveResult<'_>, local: &[u8]) -> Option<String> {
    let ResolveResult::Bound(Namespace(uri)) = namespace else {
        return None;
    };
    let prefix = NAMESPACES
        .iter()
        .find(|(known, _)| known.as_bytes() == *uri)?
        .1;
    Some(format!("{prefix}:{}", std::str::from_utf8(local).ok()?))
}

/// Decodes a packet. Decodes it as UTF-16 if it begins with a byte order mark of UTF-16, or if one
/// of its first two bytes is zero. Decodes every other packet as UTF-8.
fn decode_packet(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, ..] | [0, b'<', ..] => encoding_rs::UTF_16BE.decode(bytes).0.into_owned(),
        [0xff, 0xfe, ..] | [b'<', 0, ..] => encoding_rs::UTF_16LE.decode(bytes).0.into_owned(),
        _ => decode_text(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(inner: &str) -> XmpProperties {
        let mut xmp = XmpProperties::default();
        let outcome = xmp.read_packet(
            format!(
                r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
                <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
                xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">
                {inner}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#
            )
            .as_bytes(),
            &WorkBudget::default(),
        );
        assert_eq!(outcome, Ok(()));
        xmp
    }

    #[test]
    fn attributes_elements_and_arrays_become_properties() {
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
    fn property_of_a_structure_has_its_name_too() {
        let xmp = packet(
            r#"<e:LocationCreated xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag><rdf:li>
            <rdf:Description e:City="Kyoto"><e:CountryName>Japan</e:CountryName></rdf:Description></rdf:li></rdf:Bag>
            </e:LocationCreated><e:LocationShown xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag>
            <rdf:li e:City="Nara" xmlns:x1="http://ns.adobe.com/exif/1.0/" x1:GPSLatitude="34,41.0N"/></rdf:Bag></e:LocationShown>
            <f:Flash xmlns:f="http://ns.adobe.com/exif/1.0/" f:Fired="True"/>"#,
        );
        let created = |name| xmp.get(&format!("Iptc4xmpExt:LocationCreated/Iptc4xmpExt:{name}"));
        assert_eq!(
            (created("City"), created("CountryName")),
            (Some("Kyoto"), Some("Japan"))
        );
        assert_eq!(
            xmp.get("Iptc4xmpExt:LocationShown/Iptc4xmpExt:City"),
            Some("Nara")
        );
        assert_eq!(xmp.get("exif:Flash/exif:Fired"), Some("True"));
        assert_eq!(
            (xmp.get("Iptc4xmpExt:City"), xmp.get("exif:GPSLatitude")),
            (None, None)
        );
    }

    #[test]
    fn only_regions_with_a_face_have_a_person() {
        let xmp = packet(
            r#"<m:Regions xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/" rdf:parseType="Resource"><m:RegionList><rdf:Bag>
            <rdf:li><rdf:Description m:Name="Anna" m:Type="Face"/></rdf:li>
            <rdf:li><rdf:Description m:Name="Rex" m:Type="Pet"/></rdf:li>
            <rdf:li><rdf:Description m:Type="Focus"/></rdf:li>
            <rdf:li rdf:parseType="Resource"><m:Type>face</m:Type><m:Name>Ben</m:Name></rdf:li>
            <rdf:li m:Name="Nobody"/><rdf:li m:Type="Face"/>
            </rdf:Bag></m:RegionList></m:Regions>"#,
        );
        assert_eq!(xmp.face_names, ["Anna", "Ben"]);
    }

    #[test]
    fn properties_before_an_error_are_kept() {
        let mut xmp = XmpProperties::default();
        let packet = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:d="http://purl.org/dc/elements/1.1/"><d:source>x</d:source><d:"#;
        assert!(
            xmp.read_packet(packet.as_bytes(), &WorkBudget::default())
                .is_err()
        );
        assert_eq!(xmp.get("dc:source"), Some("x"));
    }
}
