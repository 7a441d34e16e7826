//! XMP (ISO 16684-1): the properties of a file's XMP packets, by namespace and name.
//!
//! A property inside a structure has the names of the structures before its own:
//! `Iptc4xmpExt:LocationCreated/Iptc4xmpExt:City`.

use std::collections::HashSet;

use super::description::is_long_text;
use super::labels::LabelCollector;
use super::limits;
use super::text::{clean_lines, clean_text};
use super::work_budget::WorkBudget;
use super::xmp_packet::{XmpPacket, XmpPath};
use super::xmp_parser::{ParsedPacket, XmpCounts, parse_packet};

/// The properties of a file's XMP packets, such as `dc:title`. Each name has the usual prefix of its
/// namespace (`xmp_tables.rs`). The prefix in the packet may be another one.
///
/// If several packets have a property, the values in the last one count, as in ExifTool.
#[derive(Debug, Default)]
pub(crate) struct XmpProperties {
    pub(crate) packets: Vec<XmpPacket>,
    /// The properties that are in no packet, but in the container itself.
    added: Vec<(String, Vec<String>)>,
    /// The names of the regions of the type `Face` (Metadata Working Group, "Guidelines for
    /// Handling Image Metadata" 2.0, 5.9), each with its person's name.
    pub(crate) face_names: Vec<String>,
    /// The paths of the keywords in the tree of the Metadata Working Group ("Guidelines for Handling
    /// Image Metadata" 2.0, 5.8), each with the keywords above it.
    pub(crate) keyword_tree: Vec<Vec<String>>,
    /// The keywords and ratings of all packets.
    pub(crate) labels: LabelCollector,
    counts: XmpCounts,
}

/// The list of the keywords at the top of the tree.
const KEYWORD_LIST: &str = "mwg-kw:Keywords/mwg-kw:Hierarchy";
/// The name of a region: that of a person, if the region is a face.
const REGION_NAME: &str = "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Name";
/// The type of a region: `Face`, `Pet`, `Focus` or `BarCode`.
const REGION_TYPE: &str = "mwg-rs:Regions/mwg-rs:RegionList/mwg-rs:Type";

impl XmpProperties {
    /// Returns the first value of a property, or `None` if there is no such property. If the
    /// property has values in several languages, its first value is the one in the default
    /// language.
    ///
    /// `name` is the name of the property with those of the structures around it, the outermost
    /// first, with slashes between them. A property inside structures of its own namespace, such as
    /// `exif:Fired` in `exif:Flash`, is also found by its name alone.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Returns all values of a property, for example all keywords in `dc:subject`. `name` is that of
    /// [`XmpProperties::get`].
    pub(crate) fn all(&self, name: &str) -> &[String] {
        for packet in self.packets.iter().rev() {
            let texts = packet.find_anywhere(name).map_or(&[][..], |path| {
                packet.texts(path, |text| clean_value(name, text))
            });
            if !texts.is_empty() {
                return texts;
            }
        }
        let mut added = self.added.iter();
        added
            .find(|property| property.0 == name)
            .map_or(&[], |property| &property.1)
    }

    /// Adds a property with one value. Does nothing if the property exists already.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.all(name).is_empty() {
            return;
        }
        if let Some(value) = clean_value(name, value) {
            self.added.push((name.to_owned(), vec![value]));
        }
    }

    /// Adds the properties of a packet.
    ///
    /// # Errors
    /// Returns a warning if the packet is not well-formed XML, or if a limit is reached. The
    /// properties before the error are kept.
    pub(crate) fn read_packet(&mut self, bytes: &[u8], budget: &WorkBudget) -> Result<(), String> {
        let ParsedPacket { packet, warning } =
            parse_packet(bytes, budget, &mut self.counts, &mut self.labels);
        let names = find_face_names(&packet);
        if !names.is_empty() {
            self.face_names = names;
        }
        let tree = find_keyword_tree(&packet);
        for path in &tree.paths {
            self.labels.add_path(path);
        }
        if tree.is_cut {
            self.labels.add_gap("a tree with too many keywords");
        }
        if !tree.paths.is_empty() {
            self.keyword_tree = tree.paths;
        }
        self.packets.push(packet);
        warning.map_or(Ok(()), Err)
    }
}

/// Cleans the value of a property. A long text keeps its line breaks and is not cut.
fn clean_value(name: &str, value: &str) -> Option<String> {
    if is_long_text(name) {
        clean_lines(value)
    } else {
        clean_text(value)
    }
}

/// The keywords in `mwg-kw:Keywords`.
#[derive(Default)]
struct KeywordTree {
    /// The paths of the keywords that have no keywords below them.
    paths: Vec<Vec<String>>,
    /// `true` if there are more keywords or more levels than are read.
    is_cut: bool,
}

/// Finds the keywords in `mwg-kw:Keywords`. A keyword that only has others below it is no keyword of the
/// photo, but it is in their paths.
fn find_keyword_tree(packet: &XmpPacket) -> KeywordTree {
    let mut tree = KeywordTree::default();
    // The keywords of the level above: the list item of each, and its path.
    let mut above: Vec<(u32, Vec<String>)> = Vec::new();
    let mut place = KEYWORD_LIST.to_owned();
    for depth in 0..=limits::MAX_KEYWORD_LEVELS {
        let name = format!("{place}/mwg-kw:Keyword");
        let values = packet
            .find_anywhere(&name)
            .map(|path| packet.all_values(path));
        let mut values = values.into_iter().flatten().peekable();
        if depth == limits::MAX_KEYWORD_LEVELS {
            tree.is_cut |= values.peek().is_some();
            break;
        }
        let mut level: Vec<(u32, Vec<String>)> = Vec::new();
        let mut parents = HashSet::new();
        for value in values.by_ref().take(limits::MAX_KEYWORDS) {
            // The list item of a keyword begins after that of the keyword above it, and before the next
            // item of that level.
            let parent = above
                .partition_point(|(item, _)| *item < value.item)
                .checked_sub(1);
            let parent = parent.and_then(|index| Some((index, above.get(index)?)));
            let mut path = parent.map_or_else(Vec::new, |(_, (_, path))| path.clone());
            parents.extend(parent.map(|(index, _)| index));
            // A path is copied for each keyword below it, so its length is limited.
            tree.is_cut |= value.text.len() > limits::MAX_TEXT_BYTES;
            path.extend(clean_text(value.text));
            level.push((value.item, path));
        }
        tree.is_cut |= values.peek().is_some();
        let leaves = std::mem::replace(&mut above, level).into_iter().enumerate();
        let leaves = leaves.filter(|(index, _)| !parents.contains(index));
        tree.paths.extend(leaves.map(|(_, (_, path))| path));
        if above.is_empty() {
            break;
        }
        place.push_str("/mwg-kw:Children");
    }
    tree.paths.extend(above.into_iter().map(|(_, path)| path));
    tree.paths.retain(|path| !path.is_empty());
    tree
}

/// Returns the names of the regions that are faces.
fn find_face_names(packet: &XmpPacket) -> Vec<String> {
    let values = |path: &str| {
        let path: Option<&XmpPath> = packet.find_anywhere(path);
        path.into_iter().flat_map(|path| packet.all_values(path))
    };
    let faces: HashSet<u32> = values(REGION_TYPE)
        .filter(|kind| kind.text.trim().eq_ignore_ascii_case("Face"))
        .map(|kind| kind.item)
        .collect();
    values(REGION_NAME)
        .take(limits::MAX_KEYWORDS)
        .filter(|name| faces.contains(&name.item))
        .filter_map(|name| clean_value(REGION_NAME, name.text))
        .collect()
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
    fn property_of_a_structure_is_found_by_its_path() {
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
        assert_eq!(xmp.get("exif:Fired"), Some("True"));
        assert_eq!(xmp.get("exif:GPSLatitude"), None);
        assert_eq!(xmp.get("Iptc4xmpExt:LocationShown"), None);
    }

    #[test]
    fn properties_of_other_files_are_no_properties() {
        let xmp = packet(
            r#"<m:Pantry xmlns:m="http://ns.adobe.com/xap/1.0/mm/"><rdf:Bag><rdf:li rdf:parseType="Resource">
            <d:title>other</d:title><d:subject>Private</d:subject></rdf:li></rdf:Bag></m:Pantry>
            <u:part xmlns:u="http://example.org/"><d:title>other</d:title><d:subject>Private</d:subject></u:part>"#,
        );
        assert_eq!((xmp.get("dc:title"), xmp.get("dc:subject")), (None, None));
        let mut expected = LabelCollector::default();
        expected.add_xmp_value("xmp:Rating", "4");
        assert_eq!(format!("{:?}", xmp.labels), format!("{expected:?}"));
        assert_eq!(xmp.get("xmpMM:Pantry/dc:title"), Some("other"));
    }

    #[test]
    fn last_packet_with_a_property_counts() {
        let mut xmp = XmpProperties::default();
        let packet = |inside: &str| {
            format!(
                r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:d="http://purl.org/dc/elements/1.1/">{inside}</x:xmpmeta>"#
            )
        };
        for inside in [
            "<d:title>one</d:title><d:source>one</d:source>",
            "<d:title>two</d:title><d:subject/>",
            "<d:title> </d:title>",
        ] {
            let budget = WorkBudget::default();
            assert_eq!(xmp.read_packet(packet(inside).as_bytes(), &budget), Ok(()));
        }
        xmp.add("dc:title", "of the container");
        xmp.add("dc:subject", "of the container");
        assert_eq!(xmp.get("dc:title"), Some("two"));
        assert_eq!(xmp.get("dc:source"), Some("one"));
        assert_eq!(xmp.get("dc:subject"), Some("of the container"));
    }

    #[test]
    fn slash_at_the_end_of_a_namespace_does_not_matter() {
        for uri in [
            "http://ns.microsoft.com/photo/1.0",
            "http://ns.microsoft.com/photo/1.0/",
        ] {
            let xmp = packet(&format!(
                "<m:LastKeywordXMP xmlns:m='{uri}'><rdf:Bag><rdf:li>Family/Anna</rdf:li></rdf:Bag></m:LastKeywordXMP>"
            ));
            let keywords = xmp.all("MicrosoftPhoto:LastKeywordXMP");
            assert_eq!(keywords, ["Family/Anna"], "{uri}");
            let labels = format!("{:?}", xmp.labels);
            assert!(labels.contains("Family/Anna"), "{labels}");
        }
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
    fn keywords_of_a_tree_have_the_keywords_above_them() {
        let item = |name: &str, children: &str| {
            let children = match children {
                "" => String::new(),
                _ => format!("<k:Children><rdf:Bag>{children}</rdf:Bag></k:Children>"),
            };
            format!(
                r#"<rdf:li rdf:parseType="Resource"><k:Keyword>{name}</k:Keyword>{children}</rdf:li>"#
            )
        };
        let people = item("Family", &(item("Anna", "") + &item("Ben", "")));
        let places = item("Asia", &item("Japan", &item("Kyoto", "")));
        let tree = item("People", &people) + &item("Beach", "") + &item("Places", &places);
        let xmp = packet(&format!(
            r#"<k:Keywords xmlns:k="http://www.metadataworkinggroup.com/schemas/keywords/" rdf:parseType="Resource">
            <k:Hierarchy><rdf:Bag>{tree}</rdf:Bag></k:Hierarchy></k:Keywords>"#
        ));
        let mut paths: Vec<String> = xmp.keyword_tree.iter().map(|path| path.join("|")).collect();
        paths.sort();
        let expected = [
            "Beach",
            "People|Family|Anna",
            "People|Family|Ben",
            "Places|Asia|Japan|Kyoto",
        ];
        assert_eq!(paths, expected);
        let labels = format!("{:?}", xmp.labels);
        for label in expected {
            assert!(labels.contains(&format!("{label:?}")), "{label}: {labels}");
        }
        // A rule for public keywords must not find a keyword that only has others below it.
        assert!(!labels.contains("\"People\""), "{labels}");

        let deep =
            (0..=limits::MAX_KEYWORD_LEVELS).fold(String::new(), |inner, _| item("x", &inner));
        let wide = item("y", "").repeat(limits::MAX_KEYWORDS + 1);
        let long = item(&"z".repeat(limits::MAX_TEXT_BYTES + 1), "");
        for cut in [deep, wide, long] {
            let xmp = packet(&format!(
                r#"<k:Keywords xmlns:k="http://www.metadataworkinggroup.com/schemas/keywords/" rdf:parseType="Resource">
                <k:Hierarchy><rdf:Bag>{cut}</rdf:Bag></k:Hierarchy></k:Keywords>"#
            ));
            assert!(!format!("{:?}", xmp.labels).ends_with("gap: None }"));
        }
    }

    #[test]
    fn value_may_have_qualifiers() {
        for item in [
            r#"<rdf:li rdf:value="Private" q:of="x"/>"#,
            r#"<rdf:li q:of="x" rdf:value="Private"></rdf:li>"#,
            r#"<rdf:li><rdf:Description rdf:value="Private" q:of="x"/></rdf:li>"#,
            r#"<rdf:li rdf:parseType="Resource"><rdf:value>Private</rdf:value><q:of>x</q:of></rdf:li>"#,
        ] {
            let xmp = packet(&format!(
                r#"<d:subject xmlns:q="http://example.org/q/"><rdf:Bag>{item}</rdf:Bag></d:subject>"#
            ));
            assert_eq!(xmp.all("dc:subject"), ["Private"], "{item}");
            assert!(format!("{:?}", xmp.labels).contains("Private"), "{item}");
        }
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
