//! The keywords of a photo, from every source. A hierarchical keyword is a path: the keywords above
//! it come first, with `|` between them. An example is `Places|Japan|Kyoto`.
//!
//! Programs write the separator of a path in different ways. Here each path has the same form, so a
//! path that a program wrote in five properties is one keyword. If a program wrote a path and also
//! its last part as a flat keyword, both are kept, because a reader may search for either.

use std::collections::HashSet;

use super::limits;
use super::sources::MetadataSources;
use super::tag;
use super::text::{clean_text, decode_whole_utf16};
use super::tiff::{ByteOrder, Ifd};

/// The separator of a path.
const SEPARATOR: &str = "|";
/// The XMP properties whose values are flat keywords, apart from `dc:subject`.
const FLAT_PROPERTIES: [&str; 4] = [
    "lr:weightedFlatSubject",
    "acdsee:keywords",
    "MicrosoftPhoto:LastKeywordIPTC",
    "photoshop:SupplementalCategories",
];
/// The XMP properties whose values are paths, each with the separator that its program writes.
const PATH_PROPERTIES: [(&str, char); 5] = [
    ("lr:hierarchicalSubject", '|'),
    ("digiKam:TagsList", '/'),
    ("MicrosoftPhoto:LastKeywordXMP", '/'),
    ("mediapro:CatalogSets", '|'),
    ("expressionmedia:CatalogSets", '|'),
];
/// The XMP property in which ACDSee writes its categories, as XML inside a text.
pub(crate) const ACDSEE_CATEGORIES: &str = "acdsee:categories";
/// The XMP property with keywords in one text. The text Keywords of a PNG has the same form.
pub(crate) const KEYWORD_TEXT: &str = "pdf:Keywords";

/// Returns the keywords of the photo, each once: first those of `dc:subject`, of IPTC and of
/// Windows Explorer, then those of other properties. If there are too many, leaves out the last
/// ones and adds a warning.
pub(crate) fn collect_keywords(
    sources: &MetadataSources<'_, '_>,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let xmp = sources.xmp;
    let mut list = KeywordList::default();
    for keyword in xmp.all("dc:subject").iter().chain(&sources.iptc.keywords) {
        list.add(keyword);
    }
    let explorer = sources.fields.all(Ifd::Main(0), tag::XP_KEYWORDS);
    for bytes in explorer.filter_map(|field| field.bytes) {
        let text = decode_whole_utf16(bytes, ByteOrder::Little);
        text.split(';').for_each(|keyword| list.add(keyword));
    }
    for keyword in FLAT_PROPERTIES.iter().flat_map(|name| xmp.all(name)) {
        list.add(keyword);
    }
    for (name, separator) in PATH_PROPERTIES {
        for keyword in xmp.all(name) {
            list.add(&join_path(keyword.split(separator)));
        }
    }
    for path in &xmp.keyword_tree {
        list.add(&join_path(path.iter().map(String::as_str)));
    }
    if let Some(categories) = xmp.get(ACDSEE_CATEGORIES) {
        parse_categories(categories, &mut list);
    }
    if let Some(text) = xmp.get(KEYWORD_TEXT) {
        let separator = if text.contains(';') { ';' } else { ',' };
        text.split(separator).for_each(|keyword| list.add(keyword));
    }
    if list.is_cut {
        warnings.push("more keywords than a record contains: the last ones are missing".to_owned());
    }
    list.keywords
}

/// Joins the parts of a path. Trims the parts, and leaves out empty ones.
fn join_path<'t>(parts: impl Iterator<Item = &'t str>) -> String {
    let parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(SEPARATOR)
}

/// Parses the categories of ACDSee, and adds a path for each category that is assigned to the
/// photo. The path `Places|Japan` is written as
/// `<Category Assigned="0">Places<Category Assigned="1">Japan</Category></Category>`.
fn parse_categories(xml: &str, list: &mut KeywordList) {
    // The length of the text and the number of paths are limited. So the work is limited too.
    let end = xml.floor_char_boundary(limits::MAX_KEYWORD_BYTES);
    let mut open: Vec<String> = Vec::new();
    for piece in xml.get(..end).unwrap_or_default().split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else {
            continue;
        };
        if tag == "/Category" {
            open.pop();
        } else if tag.starts_with("Category") && !tag.ends_with('/') {
            if open.len() >= limits::MAX_XML_DEPTH || list.is_cut {
                return;
            }
            let name = quick_xml::escape::unescape(text);
            open.push(name.map_or_else(|_| text.to_owned(), |name| name.into_owned()));
            if !is_unassigned(tag) {
                list.add(&join_path(open.iter().map(String::as_str)));
            }
        }
    }
}

/// Reports whether the tag of a category of ACDSee marks it as not assigned to the photo.
pub(crate) fn is_unassigned(tag: &str) -> bool {
    tag.contains("Assigned=\"0\"") || tag.contains("Assigned='0'")
}

/// The keywords that were found so far.
#[derive(Default)]
struct KeywordList {
    keywords: Vec<String>,
    known: HashSet<String>,
    bytes: usize,
    /// `true` if there were more keywords than a record contains.
    is_cut: bool,
}

impl KeywordList {
    /// Adds a keyword, if it is new and not blank. Does nothing after the first keyword that did not fit,
    /// so that a text of a million keywords takes no work.
    fn add(&mut self, text: &str) {
        if self.is_cut {
            return;
        }
        let Some(keyword) = clean_text(text).filter(|keyword| !self.known.contains(keyword)) else {
            return;
        };
        let bytes = self.bytes.saturating_add(keyword.len());
        if self.keywords.len() >= limits::MAX_KEYWORDS || bytes > limits::MAX_KEYWORD_BYTES {
            self.is_cut = true;
            return;
        }
        self.bytes = bytes;
        self.known.insert(keyword.clone());
        self.keywords.push(keyword);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_has_one_form() {
        let path = |text: &str, separator| join_path(text.split(separator));
        assert_eq!(path("Places|Japan|Kyoto", '|'), "Places|Japan|Kyoto");
        assert_eq!(path("/Places / Japan/", '/'), "Places|Japan");
        assert_eq!(path("Kyoto", '/'), "Kyoto");
        assert_eq!(path("//", '/'), "");
    }

    #[test]
    fn assigned_categories_of_acdsee_are_paths() {
        let mut list = KeywordList::default();
        parse_categories(
            r#"<Categories><Category Assigned="0">Places<Category Assigned="0">Japan<Category Assigned="1">Kyoto &amp; Nara</Category></Category></Category><Category Assigned="1">Temples</Category><Category Assigned="0">Unused</Category></Categories>"#,
            &mut list,
        );
        assert_eq!(list.keywords, ["Places|Japan|Kyoto & Nara", "Temples"]);
        let deep = "<Category>x".repeat(1_000);
        parse_categories(&deep, &mut list);
        assert_eq!(list.keywords.len(), 2 + limits::MAX_XML_DEPTH);
    }

    #[test]
    fn keywords_are_limited_in_number_and_in_bytes() {
        let mut list = KeywordList::default();
        for n in 0..=limits::MAX_KEYWORDS {
            list.add(&format!("k{}", n % limits::MAX_KEYWORDS));
        }
        assert!(!list.is_cut && list.keywords.len() == limits::MAX_KEYWORDS);
        list.add("one more");
        list.add("and another");
        assert!(list.is_cut && list.keywords.len() == limits::MAX_KEYWORDS);

        let mut long = KeywordList::default();
        for n in 0..100 {
            long.add(&format!("{n:0>1000}"));
        }
        assert!(long.is_cut && long.bytes <= limits::MAX_KEYWORD_BYTES);
        assert_eq!(long.keywords.len(), limits::MAX_KEYWORD_BYTES / 1_000);
    }
}
