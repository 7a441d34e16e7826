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
mod tests;
