//! The open elements of an XMP packet: the properties and the lists around a place of the packet.

use super::xmp_namespaces::{NamespaceId, NamespaceKind};
use super::xmp_packet::{NONE, TextSpan};

/// An element whose end was not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenElement<'t> {
    /// The innermost property: the element itself, or an element around it.
    pub(crate) property: Option<OpenProperty<'t>>,
    /// The path of this property. It is `NONE` if there is no property, or if it is not kept.
    pub(crate) path: u32,
    /// The number of the outermost list around the element. If there is none, the number of the
    /// element itself.
    pub(crate) list: u32,
    pub(crate) lists: ListPlace,
    /// `true` if the nearest list around the element is a list of alternatives (`rdf:Alt`), such as
    /// translations, and no property is in between.
    pub(crate) is_alternative: bool,
    /// The number of the innermost list item: the element itself, or an element around it. It is 0
    /// if there is none.
    pub(crate) item: u32,
    /// The language, or an empty text.
    pub(crate) language: TextSpan,
    /// The value of an attribute `rdf:resource`, `rdf:value` or `rdf:about`: the value of a
    /// property whose element is empty.
    pub(crate) reference: Option<TextSpan>,
    /// `true` if `reference` is an attribute `rdf:value`: the value of a property whose other attributes
    /// qualify it (RDF/XML 2.11).
    pub(crate) has_qualified_value: bool,
    /// `true` if an attribute of the element is a property.
    pub(crate) has_members: bool,
    /// `true` if there are elements inside.
    pub(crate) has_elements: bool,
    /// `true` if the element is the type of a structure (`rdf:type`), which is not a value.
    pub(crate) is_type: bool,
    /// The number of declared prefixes before the element.
    pub(crate) bindings: usize,
}

impl<'t> OpenElement<'t> {
    /// Returns an element inside `parent`, without attributes. The caller sets the property that
    /// the element is. `number` is the number of the element.
    pub(crate) fn new(
        parent: Option<&OpenElement<'t>>,
        number: u32,
        kind: NamespaceKind,
        name: &str,
    ) -> Self {
        let is_rdf = kind == NamespaceKind::Rdf;
        let around = parent.map_or(ListPlace::Outside, |parent| parent.lists);
        let (lists, is_alternative) = match (name, around) {
            ("Alt", ListPlace::Outside) if is_rdf => (ListPlace::Alternatives, true),
            ("Bag" | "Seq", ListPlace::Outside) if is_rdf => (ListPlace::Values, false),
            ("Alt" | "Bag" | "Seq", lists) if is_rdf => (lists, name == "Alt"),
            (_, lists) => {
                let is_alternative = is_rdf && parent.is_some_and(|parent| parent.is_alternative);
                (lists, is_alternative)
            }
        };
        let item = if is_rdf && name == "li" {
            number
        } else {
            parent.map_or(0, |parent| parent.item)
        };
        let in_list = parent.filter(|parent| parent.lists != ListPlace::Outside);
        OpenElement {
            property: parent.and_then(|parent| parent.property),
            path: parent.map_or(NONE, |parent| parent.path),
            list: in_list.map_or(number, |parent| parent.list),
            lists,
            is_alternative,
            item,
            language: TextSpan::default(),
            reference: None,
            has_qualified_value: false,
            has_members: false,
            has_elements: false,
            is_type: is_rdf && name == "type",
            bindings: 0,
        }
    }
}

/// The outermost list around an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListPlace {
    /// There is none.
    Outside,
    /// A list of alternatives (`rdf:Alt`).
    Alternatives,
    /// Another list.
    Values,
}

/// A property around a place of a packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenProperty<'t> {
    pub(crate) namespace: NamespaceId,
    kind: NamespaceKind,
    pub(crate) name: &'t str,
    /// `true` if the property is inside a structure in which properties may have another meaning.
    is_in_other: bool,
}

impl<'t> OpenProperty<'t> {
    /// Returns a property. `around` is the property of the structure around it.
    pub(crate) fn new(
        around: Option<OpenProperty<'t>>,
        namespace: NamespaceId,
        kind: NamespaceKind,
        name: &'t str,
    ) -> Self {
        OpenProperty {
            namespace,
            kind,
            name,
            is_in_other: around.is_some_and(|around| !around.has_labels()),
        }
    }

    /// Reports whether labels are read from the property.
    pub(crate) fn has_labels(self) -> bool {
        self.kind == NamespaceKind::Common && !self.is_in_other
    }
}
