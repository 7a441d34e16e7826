//! Parses an XMP packet (ISO 16684-1). XMP is not validated. XML entities are not fetched or
//! expanded, except the five of XML itself.
//!
//! The rules are those of ExifTool (`ParseXMPElement` and `FoundXMP` in XMP.pm): each element
//! without elements inside is a value, and so is each attribute of a namespace of properties.

use memchr::memchr;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::labels::LabelCollector;
use super::limits;
use super::work_budget::{Work, WorkBudget};
use super::xmp_attributes::TagAttributes;
use super::xmp_element::{ListPlace, OpenElement, OpenProperty};
use super::xmp_encoding::{decode_packet, inflate_packet};
use super::xmp_namespaces::{NamespaceBindings, NamespaceId, NamespaceKind};
use super::xmp_packet::{NONE, TextSpan, XmpPacket, XmpPath, XmpValue};
use super::xmp_path_table::{PathKey, PathPlace, PathTable};
use super::xmp_text::{push_entity, push_text, span_in, split_name, text_in};

/// The warning if the work budget is used up in a packet.
const TOO_LONG: &str = "XMP takes too much work to read";
/// The warning if a packet has more properties or values than are kept.
const TOO_MANY_VALUES: &str = "XMP with too many properties";
/// The reason why keywords or a rating may be missing if a text or an attribute of a packet cannot
/// be decoded.
const BROKEN_TEXT: &str = "XMP with a text that cannot be decoded";
/// The reason if a keyword or a rating is in a namespace whose URI is misspelled.
const WRONG_NAMESPACE: &str = "XMP with keywords in an unknown namespace";

/// The number of bytes of a packet for each of its properties, as a guess of the memory that it
/// takes.
const BYTES_PER_PROPERTY: usize = 96;
/// The number of attributes of an element for which there is room from the start.
const MANY_ATTRIBUTES: usize = 256;

/// The numbers of what was parsed so far, in all packets of a file. They have limits.
#[derive(Debug, Default)]
pub(crate) struct XmpCounts {
    elements: usize,
    paths: usize,
    values: usize,
    /// The number of bytes of packets that were decompressed.
    inflated_bytes: u64,
}

/// A parsed packet, and a warning if it was not parsed completely.
pub(crate) struct ParsedPacket {
    pub(crate) packet: XmpPacket,
    pub(crate) warning: Option<String>,
}

/// Parses a packet. Adds its keywords and its rating to `labels`, and what was parsed to `counts`.
/// If the packet is broken, or if a limit is reached, the properties before that point are kept.
pub(crate) fn parse_packet(
    bytes: &[u8],
    budget: &WorkBudget,
    counts: &mut XmpCounts,
    labels: &mut LabelCollector,
) -> ParsedPacket {
    if budget.pay(Work::Bytes, bytes.len() as u64).is_none() {
        return ParsedPacket {
            packet: XmpPacket::default(),
            warning: Some(TOO_LONG.to_owned()),
        };
    }
    let inflated = inflate_packet(bytes, budget, &mut counts.inflated_bytes, labels);
    let text = decode_packet(inflated.as_deref().unwrap_or(bytes));
    let elements_before = counts.elements;
    let mut parser = PacketParser::new(&text, budget, counts, labels);
    let mut warning = parser.read_events().err();
    if parser.is_full {
        warning.get_or_insert_with(|| TOO_MANY_VALUES.to_owned());
    }
    let mut packet = parser.packet;
    packet.prefixes = parser.bindings.into_unknown_prefixes();
    if counts.elements == elements_before && !text.trim_matches(['\0', ' ']).is_empty() {
        // These bytes are not XML. For example, they may be compressed.
        labels.add_gap("XMP without any element");
    }
    if let Some(reason) = &warning {
        labels.add_gap(reason.as_str());
    }
    let added = std::mem::replace(&mut packet.text, text.into_owned());
    packet.text.push_str(&added);
    ParsedPacket { packet, warning }
}

/// The text of the innermost open element.
#[derive(Debug, Default)]
struct ElementText {
    /// A piece of the packet.
    span: TextSpan,
    /// The whole text, if it is not a single piece of the packet.
    joined: String,
}

/// The state of parsing a packet.
struct PacketParser<'t, 'l> {
    text: &'t str,
    budget: &'l WorkBudget,
    counts: &'l mut XmpCounts,
    labels: &'l mut LabelCollector,
    packet: XmpPacket,
    bindings: NamespaceBindings<'t>,
    open: Vec<OpenElement<'t>>,
    current: ElementText,
    /// The attributes of the present element: names and values.
    attributes: Vec<(&'t str, TextSpan)>,
    /// `true` if the present tag may have entities in its attributes.
    has_entities: bool,
    places: PathTable<'t>,
    /// The last path that was found.
    last_path: u32,
    label_name: String,
    /// `true` if properties or values were left out.
    is_full: bool,
}

impl<'t, 'l> PacketParser<'t, 'l> {
    fn new(
        text: &'t str,
        budget: &'l WorkBudget,
        counts: &'l mut XmpCounts,
        labels: &'l mut LabelCollector,
    ) -> Self {
        let properties = (text.len() / BYTES_PER_PROPERTY).min(limits::MAX_PROPERTIES);
        PacketParser {
            text,
            budget,
            counts,
            labels,
            packet: XmpPacket {
                paths: Vec::with_capacity(properties),
                values: Vec::with_capacity(2 * properties),
                ..XmpPacket::default()
            },
            bindings: NamespaceBindings::default(),
            open: Vec::new(),
            current: ElementText::default(),
            attributes: Vec::with_capacity(properties.min(MANY_ATTRIBUTES)),
            has_entities: false,
            places: PathTable::with_capacity(properties),
            last_path: NONE,
            label_name: String::new(),
            is_full: false,
        }
    }

    /// Reads the packet to its end. Returns a warning if it is not well-formed XML, or if a limit
    /// is reached.
    fn read_events(&mut self) -> Result<(), String> {
        let start = ['\u{feff}', '\0', ' ', '\n', '\r'];
        let mut reader = Reader::from_str(self.text.trim_start_matches(start));
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        loop {
            if self.budget.pay(Work::XmlEvents, 1).is_none() {
                return Err(TOO_LONG.to_owned());
            }
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    self.count_element()?;
                    if self.open.len() >= limits::MAX_XML_DEPTH {
                        return Err("XMP nested too deep".to_owned());
                    }
                    self.open_element(&start)?;
                }
                Ok(Event::Empty(start)) => {
                    self.count_element()?;
                    self.open_element(&start)?;
                    self.close_element();
                }
                Ok(Event::End(_)) => self.close_element(),
                Ok(Event::Text(text)) => {
                    // An ampersand here is not the start of an entity.
                    if text.contains(&b'&') {
                        self.labels.add_gap(BROKEN_TEXT);
                    }
                    self.add_text(&text);
                }
                Ok(Event::CData(text)) => self.add_text(&text),
                Ok(Event::GeneralRef(entity)) => self.add_entity(&entity),
                Ok(Event::Eof) => {
                    if !self.open.is_empty() {
                        self.labels.add_gap("XMP is cut short");
                    }
                    return Ok(());
                }
                Ok(_) => {}
                Err(error) => return Err(format!("XMP is broken: {error}")),
            }
        }
    }

    fn count_element(&mut self) -> Result<(), String> {
        if self.counts.elements >= limits::MAX_XML_ELEMENTS {
            return Err("XMP with too many elements".to_owned());
        }
        self.counts.elements += 1;
        Ok(())
    }

    fn open_element(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        self.drop_text();
        let bindings = self.bindings.len();
        // If this fails, the next event is not read.
        let _ = self.budget.pay(Work::XmlTagBytes, start.len() as u64);
        let tag = self.slice(self.span_of(start));
        let (name, rest) = tag
            .split_at_checked(start.name().as_ref().len())
            .unwrap_or((tag, ""));
        self.has_entities = memchr(b'&', rest.as_bytes()).is_some();
        self.read_attributes(rest)?;
        let (prefix, name) = split_name(name);
        let (namespace, kind) = self.bindings.resolve(prefix, self.budget);
        if let Some(parent) = self.open.last_mut() {
            parent.has_elements = true;
        }
        let number = u32::try_from(self.counts.elements).unwrap_or(NONE);
        let mut element = OpenElement::new(self.open.last(), number, kind, name);
        element.bindings = bindings;
        if self.bindings.may_hide_labels(prefix, name, kind) {
            self.labels.add_gap(WRONG_NAMESPACE);
        }
        if is_property(kind) {
            let around = element.property;
            element.property = Some(OpenProperty::new(around, namespace, kind, name));
            element.path = self.find_path(element.path, around.is_some(), namespace, name);
        }
        for index in 0..self.attributes.len() {
            if let Some(&(key, value)) = self.attributes.get(index) {
                self.read_attribute(&mut element, (namespace, kind), key, value);
            }
        }
        self.open.push(element);
        Ok(())
    }

    /// Reads the attributes in the rest of a tag into `self.attributes`, except the declarations of
    /// namespaces. These come into effect.
    fn read_attributes(&mut self, rest: &'t str) -> Result<(), String> {
        self.attributes.clear();
        let declared_before = self.bindings.len();
        for (index, attribute) in TagAttributes::new(rest).enumerate() {
            if index >= limits::MAX_XML_ATTRIBUTES {
                self.labels.add_gap("XMP with too many attributes");
                break;
            }
            if self.budget.pay(Work::XmlEvents, 1).is_none() {
                break;
            }
            let Ok((key, value)) = attribute else {
                self.labels.add_gap(BROKEN_TEXT);
                break;
            };
            let declared = match key.strip_prefix("xmlns") {
                Some("") => Some(""),
                Some(prefix) => prefix.strip_prefix(':'),
                None => None,
            };
            match declared {
                Some(prefix) => {
                    if self.bindings.len() - declared_before >= limits::MAX_XML_NAMESPACES {
                        return Err("XMP with too many namespaces".to_owned());
                    }
                    self.bindings.declare(prefix, value, self.budget);
                }
                None => self
                    .attributes
                    .push((key, span_in(self.text, value.as_bytes()))),
            }
        }
        Ok(())
    }

    /// Reads an attribute. An attribute without a prefix is in the namespace of its element.
    fn read_attribute(
        &mut self,
        element: &mut OpenElement<'t>,
        own: (NamespaceId, NamespaceKind),
        key: &'t str,
        value: TextSpan,
    ) {
        let (prefix, name) = split_name(key);
        let (namespace, kind) = match prefix {
            "" => own,
            _ => self.bindings.resolve(prefix, self.budget),
        };
        if self.bindings.may_hide_labels(prefix, name, kind) {
            self.labels.add_gap(WRONG_NAMESPACE);
        }
        match kind {
            NamespaceKind::Xml if name == "lang" => element.language = value,
            NamespaceKind::Rdf => match name {
                "about" if element.property.is_none() && value.length > 0 => {
                    self.add_packet_property(namespace, name, value);
                }
                // If there is more than one, the reference is more important.
                "about" => element.reference = element.reference.or(Some(value)),
                "resource" | "value" => {
                    element.reference = Some(value);
                    element.has_qualified_value |= name == "value";
                }
                _ => {}
            },
            NamespaceKind::Wrapper if matches!(name, "xmptk" | "xaptk") && value.length > 0 => {
                self.add_packet_property(namespace, name, value);
            }
            _ if is_property(kind) => self.add_member(element, (namespace, kind), name, value),
            _ => {}
        }
    }

    /// Adds a property of the packet itself, from an attribute: `rdf:about` or `x:xmptk`.
    fn add_packet_property(&mut self, namespace: NamespaceId, name: &'t str, value: TextSpan) {
        let path = self.find_path(NONE, false, namespace, name);
        let value = self.unescape(value, true);
        let element = u32::try_from(self.counts.elements).unwrap_or(NONE);
        self.add_value(path, element, XmpValue::new(value));
    }

    /// Adds a property that is written as an attribute of `element`.
    fn add_member(
        &mut self,
        element: &mut OpenElement<'t>,
        (namespace, kind): (NamespaceId, NamespaceKind),
        name: &'t str,
        value: TextSpan,
    ) {
        let around = element.property;
        let property = OpenProperty::new(around, namespace, kind, name);
        element.has_members = true;
        let value = self.unescape(value, kind == NamespaceKind::Common);
        self.add_labels(property, value);
        let path = self.find_path(element.path, around.is_some(), namespace, name);
        let value = XmpValue {
            item: element.item,
            ..XmpValue::new(value)
        };
        self.add_value(path, element.list, value);
    }

    fn close_element(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        self.bindings.truncate(element.bindings);
        let mut value = self.take_text();
        let is_blank = text_in(self.text, &self.packet.text, value)
            .trim()
            .is_empty();
        let Some(property) = element.property.filter(|_| !element.is_type) else {
            return;
        };
        let is_structure = element.has_members && !element.has_qualified_value;
        if is_blank && (element.has_elements || is_structure) {
            return;
        }
        if value.length == 0
            && let Some(reference) = element.reference
        {
            self.has_entities = true;
            value = self.unescape(reference, true);
        }
        self.add_labels(property, value);
        let parent = self.open.last();
        let list = match (element.lists, parent) {
            (ListPlace::Outside, Some(parent)) => parent.list,
            _ => element.list,
        };
        let is_translation = element.is_alternative && element.language.length > 0;
        let value = XmpValue {
            language: match is_translation {
                true => element.language,
                false => TextSpan::default(),
            },
            item: element.item,
            is_single: is_translation && element.lists == ListPlace::Alternatives,
            ..XmpValue::new(value)
        };
        self.add_value(element.path, list, value);
    }

    /// Adds the keyword or the rating in a value to the labels, if the property has one.
    fn add_labels(&mut self, property: OpenProperty<'t>, value: TextSpan) {
        // No property with labels has a name of this length.
        if !property.has_labels() || property.name.len() > limits::MAX_TAG_NAME_BYTES {
            return;
        }
        let mut name = std::mem::take(&mut self.label_name);
        name.clear();
        name.push_str(self.bindings.prefix(property.namespace));
        name.push(':');
        name.push_str(property.name);
        let text = text_in(self.text, &self.packet.text, value);
        self.labels.add_xmp_value(&name, text);
        self.label_name = name;
    }

    /// Returns the path of a property. `is_inside` is `true` if the property is inside another one,
    /// whose path is `parent`. Returns `NONE` if the path is new and there are too many.
    fn find_path(
        &mut self,
        parent: u32,
        is_inside: bool,
        namespace: NamespaceId,
        name: &'t str,
    ) -> u32 {
        if is_inside && parent == NONE {
            // The path of the property around is not kept.
            return NONE;
        }
        let key = PathKey {
            parent,
            namespace,
            name,
        };
        // The members of the items of a list have the same order in each item. So the next path is
        // often the one after the last one.
        let guess = self.last_path.wrapping_add(1);
        if self.places.key(guess) == Some(key) {
            self.last_path = guess;
            return guess;
        }
        let slot = match self.places.find(key, self.budget) {
            Some(PathPlace::Free(slot)) => slot,
            Some(PathPlace::Known(path)) => {
                self.last_path = path;
                return path;
            }
            None => return NONE,
        };
        if self.counts.paths >= limits::MAX_PROPERTIES {
            self.is_full = true;
            return NONE;
        }
        self.counts.paths += 1;
        let paths = &mut self.packet.paths;
        let outermost = match paths.get(parent as usize) {
            Some(parent) => parent.outermost,
            None => namespace,
        };
        let name = span_in(self.text, name.as_bytes());
        paths.push(XmpPath::new(namespace, name, parent, outermost));
        self.last_path = self.places.insert(key, slot);
        self.packet.link_last_path(self.last_path);
        self.last_path
    }

    /// Adds a value to the path with this index. Does nothing if there are too many values.
    fn add_value(&mut self, path: u32, list: u32, value: XmpValue) {
        if path == NONE {
            return;
        }
        if self.counts.values >= limits::MAX_XMP_VALUES {
            self.is_full = true;
            return;
        }
        self.counts.values += 1;
        self.packet.push_value(path, list, value);
    }

    fn slice(&self, span: TextSpan) -> &'t str {
        let start = span.start as usize;
        self.text
            .get(start..start + span.length as usize)
            .unwrap_or_default()
    }

    fn span_of(&self, part: &[u8]) -> TextSpan {
        span_in(self.text, part)
    }
    /// Adds a piece of text to the innermost open element.
    fn add_text(&mut self, part: &[u8]) {
        let span = self.span_of(part);
        let current = &mut self.current;
        if current.joined.is_empty() && current.span.length == 0 {
            current.span = span;
        } else {
            let part = self.slice(span);
            self.text_so_far().push_str(part);
        }
    }

    /// Adds the character that an entity stands for to the innermost open element. An unknown
    /// entity is kept unchanged.
    fn add_entity(&mut self, entity: &BytesRef<'_>) {
        let name = self.slice(self.span_of(entity));
        let is_known = push_entity(self.text_so_far(), name);
        if !is_known {
            self.labels.add_gap(BROKEN_TEXT);
        }
    }

    /// Returns the text of the innermost open element as one string, so that it can be continued.
    fn text_so_far(&mut self) -> &mut String {
        let start = self.slice(self.current.span);
        let current = &mut self.current;
        if current.joined.is_empty() {
            current.joined.push_str(start);
        }
        &mut current.joined
    }

    /// Forgets the text before an element. XMP has no such text, except blanks between elements. If the
    /// text may be a keyword, records that labels may be missing.
    fn drop_text(&mut self) {
        let current = &self.current;
        let text = match current.joined.is_empty() {
            true => self.slice(current.span),
            false => &current.joined,
        };
        let property = self.open.last().and_then(|element| element.property);
        if property.is_some_and(OpenProperty::has_labels) && !text.trim_ascii().is_empty() {
            self.labels.add_gap("XMP with text beside elements");
        }
        self.current.clear();
    }

    /// Returns the text of the element that ends, and removes it from the state.
    fn take_text(&mut self) -> TextSpan {
        let current = &mut self.current;
        let span = match current.joined.is_empty() {
            true => current.span,
            false => push_text(self.text, &mut self.packet.text, &current.joined),
        };
        current.clear();
        span
    }

    /// Replaces the entities in the value of an attribute. If an entity is unknown, keeps it, and,
    /// if `is_label` is `true`, records that labels may be missing.
    fn unescape(&mut self, span: TextSpan, is_label: bool) -> TextSpan {
        if !self.has_entities {
            return span;
        }
        let raw = self.slice(span);
        if memchr(b'&', raw.as_bytes()).is_none() {
            return span;
        }
        let mut pieces = raw.split('&');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            if self.budget.pay(Work::Reads, 1).is_none() {
                // The next event is not read.
                break;
            }
            let is_known = match piece.split_once(';') {
                Some((name, rest)) => {
                    let is_known = push_entity(&mut text, name);
                    text.push_str(rest);
                    is_known
                }
                None => {
                    text.push('&');
                    text.push_str(piece);
                    false
                }
            };
            if !is_known && is_label {
                self.labels.add_gap(BROKEN_TEXT);
            }
        }
        push_text(self.text, &mut self.packet.text, &text)
    }
}

impl ElementText {
    fn clear(&mut self) {
        self.span = TextSpan::default();
        self.joined.clear();
    }
}

/// Reports whether the elements of a namespace are properties.
fn is_property(kind: NamespaceKind) -> bool {
    matches!(kind, NamespaceKind::Common | NamespaceKind::Other)
}
