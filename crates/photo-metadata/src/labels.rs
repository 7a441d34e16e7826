//! Labels: the keywords and the rating that people give a photo, from every source in its file.
//!
//! Rules that hide a photo use the labels. So labels are collected before any list or text is cut.
//! If some of them may be missing, the reason is recorded; it is called a gap. XMP, IPTC and EXIF
//! are the usual sources.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::keywords::is_unassigned;
use super::limits;
use super::rating::{PERCENT_RATING, stars_of_percent};
use super::sources::MetadataSources;
use super::tag;
use super::text::clean_whole_text;
use super::tiff::{FieldNumber, IfdField, IfdFields, may_have_labels};

/// The XMP properties that contain keywords.
const KEYWORD_PROPERTIES: [&str; 12] = [
    "acdsee:keywords",
    "dc:subject",
    "digiKam:TagsList",
    "expressionmedia:CatalogSets",
    "lr:hierarchicalSubject",
    "lr:weightedFlatSubject",
    "mediapro:CatalogSets",
    "MicrosoftPhoto:LastKeywordIPTC",
    "MicrosoftPhoto:LastKeywordXMP",
    "pdf:Keywords",
    "photoshop:Category",
    "photoshop:SupplementalCategories",
];
/// Reports whether the XMP property with this prefix and this name contains keywords or a rating.
pub(crate) fn is_label_property(prefix: &str, name: &str) -> bool {
    let others = [
        ACDSEE_CATEGORIES,
        PERCENT_RATING,
        "xmp:Rating",
        REJECT_FLAGS[0].0,
        REJECT_FLAGS[1].0,
    ];
    let mut all = KEYWORD_PROPERTIES.iter().chain(&others);
    all.any(|property| property.split_once(':') == Some((prefix, name)))
}

/// The XMP properties with which programs reject a photo without a rating, each with its value:
/// Lightroom (XMP Specification Part 2, `xmpDM:pick`) and digiKam.
const REJECT_FLAGS: [(&str, &str); 2] = [("digiKam:PickLabel", "1"), ("xmpDM:pick", "-1")];
/// The XMP property in which ACDSee writes its categories, as XML inside a text.
const ACDSEE_CATEGORIES: &str = "acdsee:categories";
/// The rating of a rejected photo (XMP `xmp:Rating`).
pub(crate) const REJECTED: i8 = -1;
/// The gap of the labels if keywords were left out.
const MORE_KEYWORDS: &str = "more keywords than are kept";

/// The labels of a file: the keywords and the rating that people give a photo, from every source in
/// the file.
///
/// They are more than the keywords of a [`PhotoRecord`](crate::PhotoRecord): a record has at most
/// 256 keywords, and no hierarchical ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileLabels {
    /// The keywords of all sources, each once and not cut. A hierarchical keyword is one text, in
    /// the form in which its program writes it: `Family|Anna`, `Family/Anna`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// The lowest rating of all sources in stars: 0 to 5, or -1 if any source rejects the photo. A 0
    /// in XMP is a rating. A 0 in EXIF means that EXIF has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<i8>,
    /// The first reason why keywords or a rating may be missing: metadata that is cut, broken or
    /// unread. `None` if all of them were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
}

impl FileLabels {
    /// Adds the labels of another file of the same photo. The result has the keywords of both
    /// files, the lower rating, and the first reason in `gap`.
    ///
    /// ```
    /// use photo_metadata::FileLabels;
    ///
    /// let mut labels = FileLabels { rating: Some(4), ..FileLabels::default() };
    /// labels.merge(&FileLabels { rating: Some(-1), ..FileLabels::default() });
    /// labels.merge(&FileLabels { keywords: vec!["Anna".to_owned()], ..FileLabels::default() });
    /// assert_eq!((labels.rating, labels.keywords.as_slice()), (Some(-1), &["Anna".to_owned()][..]));
    /// ```
    pub fn merge(&mut self, other: &FileLabels) {
        let FileLabels {
            keywords,
            rating,
            gap,
        } = other;
        let known: HashSet<&String> = self.keywords.iter().collect();
        let new: Vec<String> = keywords
            .iter()
            .filter(|keyword| !known.contains(keyword))
            .cloned()
            .collect();
        self.keywords.extend(new);
        self.rating = self.rating.into_iter().chain(*rating).min();
        self.gap = self.gap.take().or_else(|| gap.clone());
    }

    /// Records a gap: the reason why keywords or a rating may be missing. Keeps the first one.
    pub fn add_gap(&mut self, reason: &str) {
        self.gap.get_or_insert_with(|| reason.to_owned());
    }

    /// Removes the last keywords until the others have at most this number of bytes. If any was
    /// removed, records the reason in `gap`.
    pub fn limit_bytes(&mut self, max_bytes: usize) {
        let mut bytes = 0_usize;
        let fitting = self.keywords.iter().take_while(|keyword| {
            bytes = bytes.saturating_add(keyword.len());
            bytes <= max_bytes
        });
        let fitting = fitting.count();
        if fitting < self.keywords.len() {
            self.keywords.truncate(fitting);
            self.add_gap(MORE_KEYWORDS);
        }
    }
}

/// Collects the labels of one source, such as the XMP of a file.
#[derive(Debug, Default)]
pub(crate) struct LabelCollector {
    keywords: Vec<String>,
    known: HashSet<String>,
    bytes: usize,
    /// The number of bytes of all paths that were joined, also of those that are no new keywords.
    path_bytes: usize,
    is_rejected: bool,
    /// The lowest number of stars in any source.
    stars: Option<i8>,
    gap: Option<String>,
}

impl LabelCollector {
    /// Adds a keyword, if it is new and not blank. If there are too many keywords, does not add it,
    /// and records that keywords are missing.
    pub(crate) fn add_keyword(&mut self, text: &str) {
        let Some(keyword) = clean_whole_text(text) else {
            return;
        };
        if self.bytes.saturating_add(keyword.len()) > limits::MAX_LABEL_BYTES {
            return self.add_gap(MORE_KEYWORDS);
        }
        if self.known.insert(keyword.clone()) {
            self.bytes += keyword.len();
            self.keywords.push(keyword);
        }
    }

    /// Adds the value of an XMP property, if the property contains keywords or a rating.
    pub(crate) fn add_xmp_value(&mut self, name: &str, value: &str) {
        if name == ACDSEE_CATEGORIES {
            self.add_categories(value);
        } else if name == PERCENT_RATING {
            let percent = value.trim().parse::<f64>().ok();
            if let Some(stars) = percent.and_then(stars_of_percent) {
                self.add_stars(stars);
            }
        } else if name == "xmp:Rating" {
            let rating = value.trim();
            match rating.parse::<f64>() {
                Ok(rating) if rating < 0.0 => self.is_rejected = true,
                Ok(rating) if rating <= 5.0 => self.add_stars(rating.round() as i8),
                Ok(_) => {}
                // The text may mean that the photo is rejected.
                Err(_) if !rating.is_empty() => self.add_gap("a rating that is no number"),
                Err(_) => {}
            }
        } else if REJECT_FLAGS.contains(&(name, value.trim())) {
            self.is_rejected = true;
        } else if KEYWORD_PROPERTIES.contains(&name) {
            self.add_keyword(value);
        }
    }

    /// Adds the categories of ACDSee, as XML:
    /// `<Categories><Category Assigned="1">Family</Category></Categories>`. A category that is assigned
    /// to the photo is a path, with the categories around it: `Family|Anna`. The others are no keywords:
    /// a rule for public keywords must not find them.
    fn add_categories(&mut self, xml: &str) {
        let mut open: Vec<String> = Vec::new();
        for piece in xml.split('<') {
            let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
            let text = text.trim();
            if tag == "/Category" {
                open.pop();
            }
            let is_category = tag.starts_with("Category");
            if !is_category {
                if !text.is_empty() {
                    self.add_gap("categories that cannot be read");
                }
                continue;
            }
            if tag.ends_with('/') {
                continue;
            }
            let name = quick_xml::escape::unescape(text);
            open.push(name.map_or_else(|_| text.to_owned(), Cow::into_owned));
            if !is_unassigned(tag) {
                self.add_path(&open);
            }
        }
    }

    /// Adds a path of keywords: `Family|Anna`. If the paths of the file are too long, adds none, and
    /// records that keywords are missing.
    pub(crate) fn add_path(&mut self, parts: &[String]) {
        if self.path_bytes <= limits::MAX_PATH_BYTES {
            let length: usize = parts.iter().map(|part| part.len() + 1).sum();
            self.path_bytes = self.path_bytes.saturating_add(length);
        }
        if self.path_bytes > limits::MAX_PATH_BYTES {
            return self.add_gap(MORE_KEYWORDS);
        }
        self.add_keyword(&parts.join("|"));
    }

    /// Records a number of stars. Keeps the lowest one.
    fn add_stars(&mut self, stars: i8) {
        self.stars = self.stars.into_iter().chain([stars]).min();
    }

    /// Records a gap: the reason why labels may be missing. Keeps the first one.
    pub(crate) fn add_gap(&mut self, reason: impl Into<String>) {
        self.gap.get_or_insert_with(|| reason.into());
    }

    /// Adds everything that another collector has.
    pub(crate) fn append(&mut self, other: &LabelCollector) {
        for keyword in &other.keywords {
            self.add_keyword(keyword);
        }
        self.is_rejected |= other.is_rejected;
        if let Some(stars) = other.stars {
            self.add_stars(stars);
        }
        if let Some(gap) = &other.gap {
            self.add_gap(gap);
        }
    }
}

/// Returns the labels of a file. `rating` is the rating in its record.
pub(crate) fn collect_labels(sources: &MetadataSources<'_, '_>, rating: Option<i8>) -> FileLabels {
    let mut all = LabelCollector::default();
    all.append(&sources.blocks.labels);
    all.append(&sources.xmp.labels);
    all.append(&sources.iptc.labels);
    add_exif_labels(sources.fields, &mut all);
    FileLabels {
        keywords: all.keywords,
        rating: if all.is_rejected {
            Some(REJECTED)
        } else {
            rating.into_iter().chain(all.stars).min()
        },
        gap: all.gap,
    }
}

/// Adds the keywords of Windows Explorer and the rating in the EXIF fields.
fn add_exif_labels(fields: &IfdFields<'_>, labels: &mut LabelCollector) {
    if let Some(gap) = &fields.label_gap {
        labels.add_gap(gap);
    }
    for field in fields
        .list
        .iter()
        .filter(|field| may_have_labels(field.ifd))
    {
        match field.tag {
            tag::XP_KEYWORDS => add_explorer_keywords(field, labels),
            // -1 in a field of 16 bits without a sign is 65535.
            tag::RATING => {
                match field.number(0) {
                    Some(FieldNumber::Integer(i64::MIN..=-1 | 65_535)) => labels.is_rejected = true,
                    // 0 means that the photo has no rating in this source.
                    Some(FieldNumber::Integer(stars @ 1..=5)) => labels.add_stars(stars as i8),
                    Some(_) => {}
                    None => labels.add_gap("a rating that is no number"),
                }
            }
            tag::RATING_PERCENT => {
                let percent = field.number(0).and_then(FieldNumber::value);
                if let Some(stars) = percent.and_then(stars_of_percent) {
                    labels.add_stars(stars);
                }
            }
            // These fields contain XMP and IPTC.
            tag::APPLICATION_NOTES | tag::IPTC_NAA | tag::PHOTOSHOP_SETTINGS
                if field.bytes.is_none() =>
            {
                labels.add_gap("metadata that is too large");
            }
            _ => {}
        }
    }
}

/// Adds the keywords of Windows Explorer: a text in little-endian UTF-16, with semicolons between
/// the keywords.
fn add_explorer_keywords(field: &IfdField<'_>, labels: &mut LabelCollector) {
    match field.bytes {
        Some(bytes) => {
            let text = encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0;
            text.split([';', '\0'])
                .for_each(|keyword| labels.add_keyword(keyword));
        }
        None => labels.add_gap("metadata that is too large"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::builders::{
        iptc_block, jpeg, photoshop_segment, png, resources, segment, xmp_segment,
    };
    use crate::{FileContext, extract};

    #[test]
    fn every_source_of_xmp_gives_keywords() {
        let mut labels = LabelCollector::default();
        for name in KEYWORD_PROPERTIES {
            labels.add_xmp_value(name, name);
        }
        labels.add_xmp_value("dc:title", "no keyword");
        let nested = r#"<Categories><Category Assigned="0">Family<Category Assigned="1">Anna</Category></Category></Categories>"#;
        labels.add_xmp_value(ACDSEE_CATEGORIES, nested);
        let mut expected = KEYWORD_PROPERTIES.to_vec();
        expected.push("Family|Anna");
        assert_eq!(labels.keywords, expected);
        assert!(!labels.is_rejected && labels.gap.is_none());
    }

    #[test]
    fn every_source_of_xmp_is_read_from_a_packet() {
        for name in KEYWORD_PROPERTIES {
            // Without a declaration, a prefix has its usual namespace.
            let packet = xmp(&format!("<{name}><rdf:li>Private</rdf:li></{name}>"));
            let labels = read(&jpeg(&[xmp_segment(&packet)]));
            assert_eq!(labels.keywords, ["Private"], "{name}");
        }
    }

    #[test]
    fn categories_of_acdsee_have_their_characters_and_their_paths() {
        let mut labels = LabelCollector::default();
        let xml = r#"<Categories><Category Assigned="0">Family<Category Assigned="1">Tom &amp; Anna</Category></Category><Category Assigned="1">Home</Category></Categories>"#;
        labels.add_xmp_value(ACDSEE_CATEGORIES, xml);
        assert_eq!(labels.keywords, ["Family|Tom & Anna", "Home"]);
        assert_eq!(labels.gap, None);
        let mut other = LabelCollector::default();
        other.add_xmp_value(ACDSEE_CATEGORIES, "Family, Anna");
        assert!(other.gap.is_some());
        let long =
            "<Category>".to_owned() + &"x".repeat(9_000) + &"<Category>y</Category>".repeat(1_000);
        labels.add_xmp_value(ACDSEE_CATEGORIES, &long);
        assert!(labels.gap.is_some() && labels.path_bytes > limits::MAX_PATH_BYTES);
    }

    #[test]
    fn rating_that_is_no_number_is_a_gap() {
        for (value, has_gap) in [
            ("Rejected", true),
            ("\u{2212}1", true),
            ("-1,0", true),
            ("-1/1", true),
            (" ", false),
            ("-1", false),
            ("3", false),
            ("99", false),
        ] {
            let mut labels = LabelCollector::default();
            labels.add_xmp_value("xmp:Rating", value);
            assert_eq!(labels.gap.is_some(), has_gap, "{value}");
        }
        // A TIFF whose field Rating is the text -1.
        let tiff = b"II*\0\x08\0\0\0\x01\0\x46\x47\x02\0\x03\0\0\0-1\0\0\0\0\0\0";
        assert!(read(tiff).gap.is_some());
    }

    fn read(file: &[u8]) -> FileLabels {
        let context = FileContext {
            file_name: String::new(),
            latest_credible_time: chrono::NaiveDateTime::MAX,
        };
        extract(file, context).expect("a photo").labels
    }

    fn xmp(property: &str) -> Vec<u8> {
        format!(
            r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
            xmlns:dc="http://purl.org/dc/elements/1.1/">{property}</x:xmpmeta>"#
        )
        .into_bytes()
    }

    /// Returns a JPEG with a packet of extended XMP in two pieces. The packet contains one keyword.
    fn jpeg_with_extended_xmp(change: impl Fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let packet = xmp("<dc:subject><rdf:Bag><rdf:li>Private</rdf:li></rdf:Bag></dc:subject>");
        let total = u32::try_from(packet.len()).expect("short").to_be_bytes();
        let (first, second) = packet.split_at(100);
        let piece = |offset: u32, body: &[u8]| {
            let identifier = b"http://ns.adobe.com/xmp/extension/\0";
            [
                &identifier[..],
                &[b'0'; 32],
                &total,
                &offset.to_be_bytes(),
                body,
            ]
            .concat()
        };
        // The pieces may be in any order.
        let mut pieces = vec![piece(100, second), piece(0, first)];
        change(&mut pieces);
        let segments = pieces.iter().map(|piece| segment(0xe1, piece));
        jpeg(&segments.collect::<Vec<_>>())
    }

    #[test]
    fn extended_xmp_is_read_or_is_a_gap() {
        let whole = read(&jpeg_with_extended_xmp(|_| {}));
        assert_eq!(
            (whole.keywords, whole.gap),
            (vec!["Private".to_owned()], None)
        );
        let changes: [fn(&mut Vec<Vec<u8>>); 4] = [
            |pieces| drop(pieces.pop()),
            |pieces| drop(pieces.remove(0)),
            |pieces| pieces[0].truncate(60),
            |pieces| pieces[1][67] = 0xff,
        ];
        for change in changes {
            let broken = read(&jpeg_with_extended_xmp(change));
            assert!(
                broken.gap.is_some() && broken.keywords.is_empty(),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn all_keywords_of_windows_explorer_are_read() {
        // A TIFF with the field XPKeywords. The value of the field is longer than the tags of a
        // record may be.
        let mut keywords: Vec<String> = (0..300).map(|n| format!("keyword{n}")).collect();
        keywords.push("Private".to_owned());
        let text: Vec<u8> = keywords
            .join(";")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let size = u32::try_from(text.len()).expect("short");
        let mut tiff = b"II*\0\x08\0\0\0\x01\0\x9e\x9c\x01\0".to_vec();
        tiff.extend(size.to_le_bytes());
        tiff.extend(26_u32.to_le_bytes());
        tiff.extend([0; 4]);
        tiff.extend(&text);
        assert_eq!(read(&tiff).keywords, keywords);
        tiff.truncate(tiff.len() - 1);
        let cut = read(&tiff);
        assert!(cut.keywords.is_empty() && cut.gap.is_some(), "{cut:?}");
    }

    #[test]
    fn keywords_of_iptc_are_not_limited_in_number() {
        let names: Vec<String> = (0..301).map(|n| format!("k{n}")).collect();
        let datasets = names.iter().map(|name| (2, 25, name));
        let iptc = iptc_block(&datasets.collect::<Vec<_>>());
        let file = |iptc: &[u8]| {
            let resources = resources(&[iptc.to_vec()]);
            read(&jpeg(&[photoshop_segment(&resources)]))
        };
        let whole = file(&iptc);
        assert_eq!((whole.keywords, whole.gap), (names, None));
        let cut = file(&iptc[..iptc.len() - 1]);
        assert_eq!(cut.gap.as_deref(), Some("IPTC is broken or cut short"));
        assert_eq!(cut.keywords.len(), 300);
    }

    #[test]
    fn reject_flag_of_a_program_rejects_the_photo() {
        let rating = |properties: &str| {
            let packet = xmp(&format!(
                r#"<rdf:Description xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
                   xmlns:digiKam="http://www.digikam.org/ns/1.0/" {properties}/>"#
            ));
            read(&jpeg(&[xmp_segment(&packet)])).rating
        };
        for (properties, expected) in [
            (r#"xmpDM:pick="-1""#, Some(REJECTED)),
            (r#"digiKam:PickLabel="1""#, Some(REJECTED)),
            (r#"digiKam:PickLabel="3" xmpDM:pick="1""#, None),
        ] {
            assert_eq!(rating(properties), expected, "{properties}");
        }
    }

    #[test]
    fn broken_xmp_is_a_gap() {
        let file = |packet: &[u8]| read(&jpeg(&[xmp_segment(packet)])).gap;
        let sound = xmp(r#"<rdf:Description dc:subject="a &amp; b"/>"#);
        assert_eq!(file(&sound), None);
        for cut in 1..sound.len() {
            assert!(file(&sound[..cut]).is_some(), "{cut}");
        }
        for broken in [
            r#"<rdf:Description dc:subject="a &unknown; b"/>"#,
            "<dc:subject>a &unknown; b</dc:subject>",
            "<dc:subject>a</dc:subject",
            "<rdf:Description dc:subject=unquoted/>",
            "<dc:subject>Private<rdf:Bag><rdf:li>b</rdf:li></rdf:Bag></dc:subject>",
            "<dc:subject><rdf:Bag><rdf:li>Private<b/></rdf:li></rdf:Bag></dc:subject>",
        ] {
            assert!(file(&xmp(broken)).is_some(), "{broken}");
        }
        let indented = "<dc:subject>\n <rdf:Bag>\n <rdf:li>a</rdf:li>\n </rdf:Bag>\n</dc:subject>";
        assert_eq!(file(&xmp(indented)), None);
        assert!(file(b"compressed").is_some());
        assert_eq!(file(b""), None);
    }

    #[test]
    fn keyword_in_a_misspelled_namespace_is_a_gap() {
        let gap = |properties: &str| {
            let packet = xmp(properties);
            read(&jpeg(&[xmp_segment(&packet)])).gap
        };
        for (uri, name, has_gap) in [
            ("https://purl.org/dc/elements/1.1/", "subject", true),
            ("http://purl.org/dc/", "subject", true),
            ("http://purl.org/dc/", "title", false),
            ("http://purl.org/dc/elements/1.1/", "subject", false),
        ] {
            let element = format!("<dc:{name} xmlns:dc='{uri}'>a</dc:{name}>");
            let attribute = format!("<rdf:Description xmlns:dc='{uri}' dc:{name}='a'/>");
            for properties in [element, attribute] {
                assert_eq!(gap(&properties).is_some(), has_gap, "{properties}");
            }
        }
        assert_eq!(
            gap("<a:subject xmlns:a='http://example.org/'>a</a:subject>"),
            None
        );
    }

    #[test]
    fn text_of_a_png_and_a_gif_give_keywords_or_a_gap() {
        let with_text = |keyword: &str| {
            let text = format!("{keyword}\0Family; Private");
            read(&png(&[(b"tEXt", text.as_bytes())]))
        };
        assert_eq!(with_text("keywords").keywords, ["Family; Private"]);
        assert_eq!(with_text("Comment"), FileLabels::default());
        assert!(read(b"GIF89a\x01\0\x01\0\0\0\0;").gap.is_some());
    }

    #[test]
    fn negative_rating_rejects() {
        for (value, rejected) in [
            ("-1", true),
            (" -1.0 ", true),
            ("0", false),
            ("5", false),
            ("x", false),
        ] {
            let mut labels = LabelCollector::default();
            labels.add_xmp_value("xmp:Rating", value);
            assert_eq!(labels.is_rejected, rejected, "{value}");
        }
    }

    #[test]
    fn rating_in_percent_is_a_number_of_stars() {
        let mut labels = LabelCollector::default();
        labels.add_xmp_value(PERCENT_RATING, "75");
        assert_eq!(labels.stars, Some(4));
        labels.add_xmp_value(PERCENT_RATING, "0");
        assert_eq!(labels.stars, Some(4));
        // A TIFF with the field RatingPercent.
        let tiff = b"II*\0\x08\0\0\0\x01\0\x49\x47\x03\0\x01\0\0\0\x32\0\0\0\0\0\0\0";
        assert_eq!(read(tiff).rating, Some(3));
    }

    #[test]
    fn lowest_rating_of_all_packets_counts() {
        let mut all = LabelCollector::default();
        for rating in ["5", "2", "4", "6", "x"] {
            let mut packet = LabelCollector::default();
            packet.add_xmp_value("xmp:Rating", rating);
            all.append(&packet);
        }
        assert_eq!(all.stars, Some(2));
    }

    #[test]
    fn keywords_that_do_not_fit_are_a_gap() {
        let mut labels = LabelCollector::default();
        labels.add_keyword(&"x".repeat(limits::MAX_LABEL_BYTES));
        labels.add_keyword(&"x".repeat(limits::MAX_LABEL_BYTES));
        assert_eq!(
            (labels.keywords.len(), labels.gap.as_deref()),
            (1, Some("more keywords than are kept"))
        );

        let mut stored = FileLabels {
            keywords: vec!["a".repeat(10), "b".repeat(10)],
            ..FileLabels::default()
        };
        stored.limit_bytes(20);
        assert_eq!((stored.keywords.len(), stored.gap.as_deref()), (2, None));
        stored.limit_bytes(19);
        assert_eq!(stored.keywords, ["a".repeat(10)]);
        assert!(stored.gap.is_some());
    }
}
