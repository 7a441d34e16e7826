//! Resolves the namespace prefixes of an XMP packet, as ExifTool does it (`ParseXMPElement` in
//! XMP.pm).

use super::labels::is_label_property;
use super::work_budget::{Work, WorkBudget};
use super::xmp_names::{find_namespace, find_prefix};
use super::xmp_tables::NAMESPACES;

/// A namespace of a packet: its index in [`NAMESPACES`], or a number after these for an unknown
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NamespaceId(u32);

/// The namespace `xml`, which every packet has.
const XML: NamespaceId = NamespaceId(u32::MAX);

impl NamespaceId {
    /// Returns the namespace with this index in [`NAMESPACES`].
    pub(crate) fn known(index: usize) -> Self {
        NamespaceId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Returns the index of the namespace: in [`NAMESPACES`], or after these.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a namespace means for the reader of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamespaceKind {
    /// RDF: lists, list items and descriptions.
    Rdf,
    /// The wrapper of a packet (`x:xmpmeta`).
    Wrapper,
    /// `xml:lang`.
    Xml,
    /// A namespace whose elements are not part of the names of tags.
    Ignored,
    /// A namespace of properties. Inside its structures, a property of another namespace has the
    /// meaning that it has outside.
    Common,
    /// A namespace of properties, in whose structures properties may have another meaning. For
    /// example, they may describe another file.
    Other,
}

/// The namespaces whose structures do not change the meaning of properties inside.
const COMMON_PREFIXES: [&str; 18] = [
    "Iptc4xmpCore",
    "MicrosoftPhoto",
    "acdsee",
    "aux",
    "dc",
    "digiKam",
    "exif",
    "exifEX",
    "expressionmedia",
    "lr",
    "mediapro",
    "mwg-kw",
    "pdf",
    "photoshop",
    "tiff",
    "xmp",
    "xmpDM",
    "xmpRights",
];

/// Returns what a namespace means.
fn kind_of_prefix(prefix: &str) -> NamespaceKind {
    match prefix {
        "rdf" => NamespaceKind::Rdf,
        "x" => NamespaceKind::Wrapper,
        "svg" | "office" => NamespaceKind::Ignored,
        _ if COMMON_PREFIXES.binary_search(&prefix).is_ok() => NamespaceKind::Common,
        _ => NamespaceKind::Other,
    }
}

/// A namespace that is not in [`NAMESPACES`].
#[derive(Debug)]
struct UnknownNamespace<'t> {
    uri: &'t str,
    prefix: String,
}

/// The number of prefixes in the cache of [`NamespaceBindings`].
const CACHE_SLOTS: usize = 16;

/// Returns the place of a prefix in the cache of [`NamespaceBindings`].
fn cache_slot(prefix: &str) -> usize {
    let first = prefix.bytes().next().unwrap_or_default();
    (usize::from(first) + 4 * prefix.len()) % CACHE_SLOTS
}

/// The prefixes that are declared at a place of a packet.
#[derive(Debug, Default)]
pub(crate) struct NamespaceBindings<'t> {
    bindings: Vec<(&'t str, NamespaceId)>,
    unknown: Vec<UnknownNamespace<'t>>,
    /// The number of unknown namespaces that have a prefix of their own here.
    renamed: u32,
    /// `true` if a prefix of [`COMMON_PREFIXES`] was declared for an unknown namespace.
    has_common_prefix_of_unknown: bool,
    /// The last prefixes that were resolved, with their namespaces and meanings. The place of a
    /// prefix is its `cache_slot`.
    cache: [Option<(&'t str, NamespaceId, NamespaceKind)>; CACHE_SLOTS],
}

impl<'t> NamespaceBindings<'t> {
    /// Returns the number of declarations that are in effect.
    pub(crate) fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Removes the declarations after the first `length`: those of an element that ends.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.bindings.len() {
            self.bindings.truncate(length);
            self.cache = [None; CACHE_SLOTS];
        }
    }

    /// Reports whether a property has the name of one with labels, but is in an unknown namespace: the
    /// URI of its namespace is misspelled.
    pub(crate) fn may_hide_labels(&self, prefix: &str, name: &str, kind: NamespaceKind) -> bool {
        self.has_common_prefix_of_unknown
            && kind == NamespaceKind::Other
            && is_label_property(prefix, name)
    }

    /// Declares a prefix. If the work budget is used up, does nothing.
    pub(crate) fn declare(&mut self, prefix: &'t str, uri: &'t str, budget: &WorkBudget) {
        // The look-up compares the URI with those of all namespaces, up to three times.
        let compared = (3 * NAMESPACES.len() + self.unknown.len()) as u64;
        let length = uri.len() as u64;
        if budget.pay(Work::Bytes, 4 * compared + 4 * length).is_none() {
            return;
        }
        let by_prefix = || find_prefix(prefix).filter(|&index| !has_uri(index));
        let id = match find_namespace(uri).or_else(by_prefix) {
            Some(index) => NamespaceId::known(index),
            None => {
                self.has_common_prefix_of_unknown |= COMMON_PREFIXES.contains(&prefix);
                self.unknown_with_uri(prefix, uri)
            }
        };
        self.bindings.push((prefix, id));
        self.cache = [None; CACHE_SLOTS];
    }

    /// Returns the namespace of a prefix, and what the namespace means. A prefix that is not
    /// declared has the namespace that usually has this prefix.
    pub(crate) fn resolve(
        &mut self,
        prefix: &'t str,
        budget: &WorkBudget,
    ) -> (NamespaceId, NamespaceKind) {
        let slot = cache_slot(prefix);
        if let Some(&Some((cached, id, kind))) = self.cache.get(slot)
            && cached == prefix
        {
            return (id, kind);
        }
        if prefix == "xml" {
            return (XML, NamespaceKind::Xml);
        }
        let compared = self.bindings.len() + self.unknown.len();
        // If the payment fails, the next event is not read.
        let _ = budget.pay(Work::Reads, compared as u64);
        let declared = self.bindings.iter().rev().find(|bound| bound.0 == prefix);
        let id = match declared {
            Some(bound) => bound.1,
            None => match find_prefix(prefix) {
                Some(index) => NamespaceId::known(index),
                None => self.unknown_with_uri(prefix, ""),
            },
        };
        let kind = kind_of_prefix(self.prefix(id));
        if let Some(place) = self.cache.get_mut(slot) {
            *place = Some((prefix, id, kind));
        }
        (id, kind)
    }

    /// Returns the usual prefix of a namespace.
    pub(crate) fn prefix(&self, id: NamespaceId) -> &str {
        match NAMESPACES.get(id.index()) {
            Some(known) => known.prefix,
            None => (id.index().checked_sub(NAMESPACES.len()))
                .and_then(|index| self.unknown.get(index))
                .map_or("", |unknown| &unknown.prefix),
        }
    }

    /// Returns the prefixes of the unknown namespaces.
    pub(crate) fn into_unknown_prefixes(self) -> Vec<String> {
        self.unknown.into_iter().map(|known| known.prefix).collect()
    }

    /// Returns the unknown namespace with this URI. If the prefix belongs to another namespace, the
    /// namespace has a prefix such as `tmp0`, as in ExifTool.
    fn unknown_with_uri(&mut self, prefix: &'t str, uri: &'t str) -> NamespaceId {
        let same = |known: &UnknownNamespace<'_>| match uri {
            "" => known.prefix == prefix,
            _ => known.uri == uri,
        };
        let index = self.unknown.iter().position(same).unwrap_or_else(|| {
            let mut prefix = prefix.to_owned();
            if !uri.is_empty() && self.is_taken(&prefix) {
                prefix = format!("tmp{}", self.renamed);
                self.renamed += 1;
            }
            self.unknown.push(UnknownNamespace { uri, prefix });
            self.unknown.len() - 1
        });
        NamespaceId::known(NAMESPACES.len() + index)
    }
    /// Reports whether a prefix belongs to another namespace.
    fn is_taken(&self, prefix: &str) -> bool {
        find_prefix(prefix).is_some_and(has_uri)
            || self.unknown.iter().any(|known| known.prefix == prefix)
    }
}

/// Reports whether the namespace with this index in [`NAMESPACES`] is identified by its URI.
fn has_uri(index: usize) -> bool {
    NAMESPACES
        .get(index)
        .is_some_and(|known| !known.uri.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_has_the_namespace_of_the_innermost_declaration() {
        let budget = WorkBudget::default();
        let mut bindings = NamespaceBindings::default();
        let prefix = |bindings: &mut NamespaceBindings<'static>, prefix| {
            let (id, kind) = bindings.resolve(prefix, &budget);
            (bindings.prefix(id).to_owned(), kind)
        };
        let other = |name: &str| (name.to_owned(), NamespaceKind::Other);
        let common = |name: &str| (name.to_owned(), NamespaceKind::Common);
        // Without a declaration, a prefix has its usual namespace.
        assert_eq!(prefix(&mut bindings, "dc"), common("dc"));
        assert_eq!(prefix(&mut bindings, "a"), other("a"));
        bindings.declare("a", "http://purl.org/dc/elements/1.1/", &budget);
        assert_eq!(prefix(&mut bindings, "a"), common("dc"));
        let outer = bindings.len();
        bindings.declare("a", "http://example.org/", &budget);
        bindings.declare("dc", "http://example.org/other/", &budget);
        assert_eq!(prefix(&mut bindings, "a"), other("tmp0"));
        assert_eq!(prefix(&mut bindings, "dc"), other("tmp1"));
        bindings.truncate(outer);
        assert_eq!(prefix(&mut bindings, "a"), common("dc"));
        assert_eq!(prefix(&mut bindings, "dc"), common("dc"));
        // The same namespace has the same prefix.
        bindings.declare("b", "http://example.org/", &budget);
        assert_eq!(prefix(&mut bindings, "b"), other("tmp0"));
        assert_eq!(prefix(&mut bindings, "xml").1, NamespaceKind::Xml);
        assert_eq!(prefix(&mut bindings, "rdf").1, NamespaceKind::Rdf);
    }

    #[test]
    fn namespace_of_google_is_known_by_its_prefix() {
        let budget = WorkBudget::default();
        let mut bindings = NamespaceBindings::default();
        let uri = "http://ns.google.com/photos/dd/1.0/device/";
        bindings.declare("Device", uri, &budget);
        let (id, _) = bindings.resolve("Device", &budget);
        assert!(id.index() < NAMESPACES.len());
    }
}
