//! A parsed XMP packet: the paths of its properties, and their values.
//!
//! A path is the list of the names of a property and of the structures around it. The elements of
//! RDF (lists, list items, descriptions) are not part of a path. A property that is written as an
//! attribute is the same as one that is written as an element.

use std::cell::OnceCell;

use super::limits;
use super::xmp_names::{PathStep, XmpNamespace, find_prefix};
use super::xmp_namespaces::NamespaceId;
use super::xmp_tables::NAMESPACES;

/// The index of a path or a value that means "none".
pub(crate) const NONE: u32 = u32::MAX;

/// A parsed packet.
#[derive(Debug, Default)]
pub(crate) struct XmpPacket {
    /// The text of the packet, then the values that differ from it, because they have an entity or
    /// consist of several pieces.
    pub(super) text: String,
    pub(super) paths: Vec<XmpPath>,
    pub(super) values: Vec<XmpValue>,
    /// The prefixes of the unknown namespaces.
    pub(super) prefixes: Vec<String>,
    /// For each namespace, the paths whose outermost property is in it.
    pub(super) chains: Vec<PathChain>,
}

/// The paths whose outermost property is in the same namespace: the first one, the last one, and
/// their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathChain {
    first: u32,
    last: u32,
    count: usize,
}

/// The paths of a namespace that has none.
const NO_PATHS: PathChain = PathChain {
    first: NONE,
    last: NONE,
    count: 0,
};

/// A property of a packet, identified by its path.
#[derive(Debug)]
pub(crate) struct XmpPath {
    pub(super) namespace: NamespaceId,
    pub(super) name: TextSpan,
    /// The namespace of the outermost property.
    pub(super) outermost: NamespaceId,
    /// The path of the structure around the property, or `NONE`.
    pub(super) parent: u32,
    /// The next path whose outermost property is in the same namespace, or `NONE`.
    pub(super) next: u32,
    pub(super) first_value: u32,
    pub(super) last_value: u32,
    /// The number of the list that has the last values, and the first of these values. If a
    /// property is written twice, the last one counts.
    pub(super) list: u32,
    pub(super) first_of_list: u32,
    /// The values as texts. They are made at the first use.
    pub(super) texts: OnceCell<Vec<String>>,
}

/// A value of a property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct XmpValue {
    pub(super) text: TextSpan,
    /// The language, if the value is a translation. Else it is empty.
    pub(super) language: TextSpan,
    /// The number of the innermost list item around the value. It is 0 if there is none.
    pub(super) item: u32,
    /// `true` if the property has one value in each language.
    pub(super) is_single: bool,
    /// The next value of the property, or `NONE`.
    pub(super) next: u32,
}

/// A range of `XmpPacket::text`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TextSpan {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl XmpPath {
    /// Returns a property without values.
    pub(super) fn new(
        namespace: NamespaceId,
        name: TextSpan,
        parent: u32,
        outermost: NamespaceId,
    ) -> Self {
        XmpPath {
            namespace,
            name,
            outermost,
            parent,
            next: NONE,
            first_value: NONE,
            last_value: NONE,
            list: NONE,
            first_of_list: NONE,
            texts: OnceCell::new(),
        }
    }
}

impl XmpValue {
    /// Returns a value that is in no list and has no language.
    pub(super) fn new(text: TextSpan) -> Self {
        XmpValue {
            text,
            language: TextSpan::default(),
            item: 0,
            is_single: false,
            next: NONE,
        }
    }
}

/// The properties of a packet whose outermost property is in the same namespace.
#[derive(Debug)]
pub(crate) struct PathGroup<'p> {
    /// The namespace, or the prefix of an unknown one.
    pub(crate) namespace: Result<&'static XmpNamespace, &'p str>,
    first: u32,
    /// The number of properties.
    pub(crate) count: usize,
}

/// A value of a property with its texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueText<'p> {
    pub(crate) text: &'p str,
    /// The language, if the value is a translation. Else it is empty.
    pub(crate) language: &'p str,
    pub(crate) item: u32,
    /// `true` if the property has one value in each language.
    pub(crate) is_single: bool,
}

impl XmpPacket {
    fn slice(&self, span: TextSpan) -> &str {
        let start = span.start as usize;
        self.text
            .get(start..start + span.length as usize)
            .unwrap_or_default()
    }

    /// Adds the last path to the chain of the paths whose outermost property is in the same
    /// namespace. `index` is the index of this path.
    pub(super) fn link_last_path(&mut self, index: u32) {
        let Some(path) = self.paths.last() else {
            return;
        };
        let place = path.outermost.index();
        if self.chains.len() <= place {
            let known = NAMESPACES.len().max(place + 1);
            self.chains.resize(known, NO_PATHS);
        }
        if let Some(chain) = self.chains.get_mut(place) {
            match self.paths.get_mut(chain.last as usize) {
                Some(before) => before.next = index,
                None => chain.first = index,
            }
            chain.last = index;
            chain.count += 1;
        }
    }

    /// Adds a value to the property with this index. `list` is the number of the list with the
    /// value.
    pub(super) fn push_value(&mut self, path: u32, list: u32, value: XmpValue) {
        let index = u32::try_from(self.values.len()).unwrap_or(NONE);
        let Some(path) = self.paths.get_mut(path as usize) else {
            return;
        };
        match self.values.get_mut(path.last_value as usize) {
            Some(before) => before.next = index,
            None => path.first_value = index,
        }
        path.last_value = index;
        if path.list != list || path.first_of_list == NONE {
            (path.list, path.first_of_list) = (list, index);
        }
        self.values.push(value);
    }

    /// Returns the groups of properties whose outermost property is in the same namespace.
    pub(crate) fn groups(&self) -> impl Iterator<Item = PathGroup<'_>> {
        let chains = self.chains.iter().enumerate();
        chains
            .filter(|(_, chain)| chain.count > 0)
            .filter_map(|(id, chain)| {
                let namespace = match NAMESPACES.get(id) {
                    Some(known) => Ok(known),
                    None => Err(self.prefixes.get(id - NAMESPACES.len())?.as_str()),
                };
                Some(PathGroup {
                    namespace,
                    first: chain.first,
                    count: chain.count,
                })
            })
    }

    /// Returns the properties of a group.
    pub(crate) fn paths_of(&self, group: &PathGroup<'_>) -> impl Iterator<Item = &XmpPath> {
        self.chain(group.first).map(|(_, path)| path)
    }

    /// Returns the paths from the one with the index `first` to the last one whose outermost
    /// property is in the same namespace, with their indexes.
    fn chain(&self, first: u32) -> impl Iterator<Item = (u32, &XmpPath)> {
        let indexed = |index: u32| Some((index, self.paths.get(index as usize)?));
        std::iter::successors(indexed(first), move |(_, path)| indexed(path.next))
    }

    /// Writes the steps of a path to `steps`, the outermost first.
    pub(crate) fn write_steps<'p>(&'p self, path: &'p XmpPath, steps: &mut Vec<PathStep<'p>>) {
        steps.clear();
        let mut at = Some(path);
        while let Some(path) = at {
            steps.push(PathStep {
                namespace: NAMESPACES.get(path.namespace.index()),
                name: self.slice(path.name),
            });
            at = self.paths.get(path.parent as usize);
        }
        steps.reverse();
    }

    /// Returns all values of a property.
    pub(crate) fn all_values(&self, path: &XmpPath) -> impl Iterator<Item = ValueText<'_>> {
        self.values_from(path.first_value)
    }

    /// Returns the values of the last list of a property. If a property is written more than once,
    /// these are the values of the last one.
    pub(crate) fn last_values(&self, path: &XmpPath) -> impl Iterator<Item = ValueText<'_>> {
        self.values_from(path.first_of_list)
    }

    fn values_from(&self, first: u32) -> impl Iterator<Item = ValueText<'_>> {
        let value = |index: u32| self.values.get(index as usize);
        let values = std::iter::successors(value(first), move |last| value(last.next));
        values.map(|value| ValueText {
            text: self.slice(value.text),
            language: self.slice(value.language),
            item: value.item,
            is_single: value.is_single,
        })
    }

    /// Returns all values of a property as texts, each cleaned by `clean`. The value in the default
    /// language is the first one. At most [`limits::MAX_KEYWORDS`] values are returned.
    pub(crate) fn texts<'p>(
        &'p self,
        path: &'p XmpPath,
        clean: impl Fn(&str) -> Option<String>,
    ) -> &'p [String] {
        path.texts.get_or_init(|| {
            let mut texts = Vec::new();
            for value in self.all_values(path) {
                if texts.len() >= limits::MAX_KEYWORDS {
                    break;
                }
                match clean(value.text) {
                    Some(text) if value.language == "x-default" => texts.insert(0, text),
                    Some(text) => texts.push(text),
                    None => {}
                }
            }
            texts
        })
    }

    /// Returns the property with this path: `dc:title`, or
    /// `Iptc4xmpExt:LocationCreated/Iptc4xmpExt:City`.
    /// `first` is the first path of the namespace of its outermost property.
    fn find(&self, path: &str, first: u32) -> Option<&XmpPath> {
        let mut parent = NONE;
        let mut found = None;
        for step in path.split('/') {
            let (namespace, name) = step.split_once(':')?;
            let namespace = NamespaceId::known(find_prefix(namespace)?);
            let mut chain = self.chain(first);
            let (index, property) = chain.find(|(_, property)| {
                property.parent == parent
                    && property.namespace == namespace
                    && self.slice(property.name) == name
            })?;
            (parent, found) = (index, Some(property));
        }
        found
    }

    /// Returns the property with this path, as [`XmpPacket::find`] does. A property inside
    /// structures of its own namespace is also found by its name alone, if there is no other of
    /// this name.
    pub(crate) fn find_anywhere(&self, path: &str) -> Option<&XmpPath> {
        let (prefix, name) = path.split_once(':')?;
        let namespace = NamespaceId::known(find_prefix(prefix)?);
        let first = self.chains.get(namespace.index())?.first;
        // Most packets have properties of only a few namespaces.
        if first == NONE {
            return None;
        }
        self.find(path, first)
            .or_else(|| self.find_inside(namespace, name, first))
    }

    /// Returns the first property with this name that is inside structures of its own namespace.
    /// `first` is the first path of the namespace.
    fn find_inside(&self, namespace: NamespaceId, name: &str, first: u32) -> Option<&XmpPath> {
        let mut chain = self.chain(first).map(|(_, property)| property);
        chain.find(|property| {
            let mut around = Some(*property);
            property.namespace == namespace
                && self.slice(property.name) == name
                && std::iter::from_fn(|| {
                    around = self.paths.get(around?.parent as usize);
                    around
                })
                .all(|structure| structure.namespace == namespace)
        })
    }
}
