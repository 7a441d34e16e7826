//! Names of XMP: finds namespaces, and the names that ExifTool gives to tags.
//!
//! The name of a tag is made from its path: the names of the properties from the outermost one to
//! the tag itself, each with a capital as its first letter (ExifTool, `GetXMPTagID` in XMP.pm). For
//! example, `stRef:documentID` inside `xmpMM:DerivedFrom` is `DerivedFromDocumentID`. The table
//! [`NAMESPACES`] contains the exceptions.

use std::borrow::Cow;

use super::xmp_tables::NAMESPACES;

/// A namespace of XMP, and the names of its tags that differ from their path.
///
/// A tag is identified by the names of its path. The first name is unchanged. The first letter of
/// each other name is made a capital.
#[derive(Debug)]
pub(crate) struct XmpNamespace {
    /// The URI of the namespace. It is empty if ExifTool identifies the namespace by its prefix.
    pub(crate) uri: &'static str,
    /// The usual prefix.
    pub(crate) prefix: &'static str,
    /// ExifTool's group of the tags, family 1: `XMP-dc`.
    pub(crate) group: &'static str,
    /// The tags with another name than their path, and their names.
    pub(crate) names: &'static [(&'static str, &'static str)],
    /// The structures whose members' names begin with another text than the name of the structure,
    /// and this text.
    pub(crate) structures: &'static [(&'static str, &'static str)],
    /// The members of structures that contribute another text than their own name to the name of a
    /// tag, and this text.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// The structures that contain properties of any namespace, with the names of that namespace.
    pub(crate) open: &'static [&'static str],
    /// The tags whose value is a fraction.
    pub(crate) rationals: &'static [&'static str],
    /// The tags whose value is binary data in base64, or too long to be shown.
    pub(crate) binary: &'static [&'static str],
    /// The properties whose name has no small letter. Their names are kept unchanged.
    pub(crate) capitals: &'static [&'static str],
}

/// A namespace without exceptions.
pub(crate) const NO_TAGS: XmpNamespace = XmpNamespace {
    uri: "",
    prefix: "",
    group: "XMP",
    names: &[],
    structures: &[],
    fields: &[],
    open: &[],
    rationals: &[],
    binary: &[],
    capitals: &[],
};

/// Older URIs of namespaces, and the prefixes of these namespaces.
const OTHER_URIS: [(&str, &str); 1] = [("http://web.resource.org/cc/", "cc")];

/// Returns the index in [`NAMESPACES`] of the namespace with this URI. As ExifTool does, accepts a
/// URI that differs by a slash at its end, or by its version number. Returns `None` if the
/// namespace is unknown.
pub(crate) fn find_namespace(uri: &str) -> Option<usize> {
    let by_uri = |uri: &str| {
        let mut known = NAMESPACES.iter();
        known.position(|known| known.uri == uri && !uri.is_empty())
    };
    let by_other_uri = || find_prefix(OTHER_URIS.iter().find(|other| other.0 == uri)?.1);
    by_uri(uri)
        .or_else(by_other_uri)
        .or_else(|| match uri.strip_suffix('/') {
            Some(shorter) => by_uri(shorter),
            None => by_uri(&format!("{uri}/")),
        })
        .or_else(|| {
            let (before, after) = split_at_version(uri)?;
            let mut known = NAMESPACES.iter();
            known.position(|known| {
                known.uri.starts_with(before)
                    && known.uri.ends_with(after)
                    && split_at_version(known.uri) == Some((before, after))
            })
        })
}

/// Returns the index in [`NAMESPACES`] of the namespace with this prefix.
pub(crate) fn find_prefix(prefix: &str) -> Option<usize> {
    NAMESPACES
        .binary_search_by_key(&prefix, |known| known.prefix)
        .ok()
}

/// Returns the parts of a URI before and after its first version number: a number such as `1.0`
/// between two slashes, or after the last one.
fn split_at_version(uri: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for part in uri.split('/') {
        let end = start + part.len();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if start > 0
            && part
                .split_once('.')
                .is_some_and(|(major, minor)| is_number(major) && is_number(minor))
        {
            return Some((uri.get(..start)?, uri.get(end..)?));
        }
        start = end + 1;
    }
    None
}

/// One step of a path: a property. `namespace` is `None` if it is unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathStep<'a> {
    pub(crate) namespace: Option<&'static XmpNamespace>,
    pub(crate) name: &'a str,
}

/// The name of a tag, and what is known about the tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct XmpTagName {
    pub(crate) name: String,
    /// `true` if the value of the tag may be a fraction.
    pub(crate) is_rational: bool,
    /// `true` if the value of the tag is not shown.
    pub(crate) is_binary: bool,
}

/// Returns ExifTool's name of the tag with this path. The path begins with the outermost property.
pub(crate) fn xmp_tag_name(path: &[PathStep<'_>]) -> XmpTagName {
    let (outermost, inner) = match path {
        [] => return XmpTagName::default(),
        [outermost, inner @ ..] => (outermost, inner),
    };
    let table = outermost.namespace.unwrap_or(&NO_TAGS);
    let own = match (table.prefix, outermost.name) {
        // The name of this attribute in packets before 2004.
        ("x", "xaptk") => Cow::Borrowed("xmptk"),
        _ => capitalised_words(outermost),
    };
    if inner.is_empty() {
        let mut name = own.clone().into_owned();
        capitalise(&mut name, 0);
        return table.tag(&own, name, outermost.namespace.is_none());
    }
    let (mut id, mut name) = (own.clone().into_owned(), own.into_owned());
    capitalise(&mut name, 0);
    for (level, step) in inner.iter().enumerate() {
        if let Some(start) = find(table.structures, &id) {
            name.clear();
            name.push_str(start);
        }
        let is_foreign = step.namespace.is_none_or(|own| own.prefix != table.prefix);
        if is_foreign && table.open.contains(&id.as_str()) {
            let inner = xmp_tag_name(inner.get(level..).unwrap_or_default());
            name.push_str(&inner.name);
            return XmpTagName { name, ..inner };
        }
        let own = capitalised_words(step);
        let start = name.len();
        name.push_str(find(table.fields, step.name).unwrap_or(&own));
        capitalise(&mut name, start);
        let start = id.len();
        id.push_str(&own);
        capitalise(&mut id, start);
    }
    table.tag(&id, name, outermost.namespace.is_none())
}

impl XmpNamespace {
    /// Returns the tag with this identifier. `name` is the name that its path gives.
    fn tag(&self, id: &str, mut name: String, is_unknown: bool) -> XmpTagName {
        match find(self.names, id) {
            Some(exception) => exception.clone_into(&mut name),
            None => make_valid(&mut name),
        }
        let is_in = |list: &[&str]| list.contains(&id);
        XmpTagName {
            name,
            is_rational: is_unknown || is_in(self.rationals),
            is_binary: is_in(self.binary),
        }
    }
}

/// Returns the text for an entry of a list. The lists are short, and most entries differ in length,
/// so a search from the start is faster than one by halves.
fn find(list: &'static [(&str, &'static str)], id: &str) -> Option<&'static str> {
    list.iter().find(|entry| entry.0 == id).map(|entry| entry.1)
}

/// Makes the letter at `index` a capital, if it is an ASCII letter.
fn capitalise(text: &mut str, index: usize) {
    if let Some(first) = text.get_mut(index..).and_then(|rest| rest.get_mut(..1)) {
        first.make_ascii_uppercase();
    }
}

/// Returns the name of a property as a part of a tag name. A name of capitals such as `LENS_MODEL`
/// becomes `lensModel`, unless ExifTool has a tag with this name.
fn capitalised_words<'a>(step: &PathStep<'a>) -> Cow<'a, str> {
    let known = step.namespace.unwrap_or(&NO_TAGS).capitals;
    if step.name.bytes().any(|b| b.is_ascii_lowercase()) || known.contains(&step.name) {
        return Cow::Borrowed(step.name);
    }
    let mut words = String::with_capacity(step.name.len());
    let mut letters = step.name.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek() {
            Some(next) if letter == '_' && next.is_ascii_alphabetic() => {
                words.push(next.to_ascii_uppercase());
                letters.next();
            }
            _ => words.push(letter.to_ascii_lowercase()),
        }
    }
    Cow::Owned(words)
}

/// Makes a text a valid tag name (ExifTool, `AddTagToTable`): removes characters that are not
/// allowed, and adds `Tag` before a name that is too short or does not begin with a letter.
fn make_valid(name: &mut String) {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !name.bytes().all(is_allowed) {
        name.retain(|c| c.is_ascii() && is_allowed(c as u8));
    }
    capitalise(name, 0);
    if name.len() < 2 || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "Tag");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the name of the tag with a path such as `xmpMM:DerivedFrom/stRef:documentID`. A
    /// prefix that is not in the table belongs to an unknown namespace.
    fn name(path: &str) -> String {
        let steps: Vec<PathStep<'_>> = path
            .split('/')
            .map(|step| {
                let (prefix, name) = step.split_once(':').expect("a prefix");
                let namespace = find_prefix(prefix).map(|index| &NAMESPACES[index]);
                PathStep { namespace, name }
            })
            .collect();
        xmp_tag_name(&steps).name
    }

    #[test]
    fn name_is_the_path_unless_the_table_has_another() {
        for (path, expected) in [
            ("dc:title", "Title"),
            ("exif:ISOSpeedRatings", "ISO"),
            ("exif:Flash/exif:Fired", "FlashFired"),
            (
                "xmpMM:DerivedFrom/stRef:documentID",
                "DerivedFromDocumentID",
            ),
            ("xmpMM:History/stEvt:action", "HistoryAction"),
            ("mwg-rs:Regions", "RegionInfo"),
            ("mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Name", "RegionName"),
            (
                "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Area/stArea:x",
                "RegionAreaX",
            ),
            (
                "mwg-rs:Regions/mwg-rs:AppliedToDimensions/stDim:w",
                "RegionAppliedToDimensionsW",
            ),
            (
                "MP:RegionInfo/MPRI:Regions/MPReg:PersonDisplayName",
                "RegionPersonDisplayName",
            ),
            (
                "Iptc4xmpCore:CreatorContactInfo/Iptc4xmpCore:CiEmailWork",
                "CreatorWorkEmail",
            ),
            (
                "Iptc4xmpExt:LocationCreated/Iptc4xmpExt:City",
                "LocationCreatedCity",
            ),
            (
                "Iptc4xmpExt:ArtworkOrObject/Iptc4xmpExt:AOTitle",
                "ArtworkTitle",
            ),
            ("plus:Licensor/plus:LicensorName", "LicensorName"),
            ("crs:Temperature", "ColorTemperature"),
            ("crd:Temperature", "ColorTemperature"),
            (
                "crs:GradientBasedCorrections/crs:CorrectionMasks/crs:MaskValue",
                "GradientBasedCorrMaskValue",
            ),
            (
                "crs:PaintBasedCorrections/crs:LocalExposure2012",
                "PaintCorrectionExposure2012",
            ),
            (
                "mwg-kw:Keywords/mwg-kw:Hierarchy/mwg-kw:Children/mwg-kw:Keyword",
                "HierarchicalKeywords2",
            ),
            // A structure for properties of any namespace.
            ("xmpMM:Pantry/exif:PixelXDimension", "PantryExifImageWidth"),
            (
                "Iptc4xmpExt:ImageRegion/Iptc4xmpExt:RegionBoundary/Iptc4xmpExt:rbX",
                "ImageRegionBoundaryX",
            ),
            (
                "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Extensions/Iptc4xmpExt:PersonInImage",
                "RegionExtensionsPersonInImage",
            ),
        ] {
            assert_eq!(name(path), expected, "{path}");
        }
    }

    #[test]
    fn unknown_names_become_valid_tag_names() {
        for (path, expected) in [
            ("my:lensName", "LensName"),
            ("my:LENS_MODEL", "LensModel"),
            ("my:a.b", "Ab"),
            ("my:x", "TagX"),
            ("my:2nd", "Tag2nd"),
            ("my:é", "Tag"),
            ("crs:UUID", "UUID"),
        ] {
            assert_eq!(name(path), expected, "{path}");
        }
    }

    #[test]
    fn namespace_is_found_by_its_uri_with_another_version_or_slash() {
        let prefix = |uri| find_namespace(uri).map(|index| NAMESPACES[index].prefix);
        for (uri, expected) in [
            ("http://purl.org/dc/elements/1.1/", Some("dc")),
            ("http://purl.org/dc/elements/1.0/", Some("dc")),
            ("http://ns.microsoft.com/photo/1.0/", Some("MicrosoftPhoto")),
            ("http://ns.microsoft.com/photo/1.0", Some("MicrosoftPhoto")),
            ("http://ns.adobe.com/xap/1.0/mm", Some("xmpMM")),
            ("http://ns.adobe.com/lightroom/2.10/", Some("lr")),
            ("http://example.org/1.0/", None),
            ("", None),
        ] {
            assert_eq!(prefix(uri), expected, "{uri}");
        }
        assert_eq!(
            find_prefix("crs").map(|index| NAMESPACES[index].prefix),
            Some("crs")
        );
        assert_eq!(find_prefix("unknown"), None);
    }
}
