//! Reads an XMP sidecar: an XMP packet in a file of its own.

use std::collections::HashSet;

use chrono::NaiveDateTime;

use super::blocks::MetadataBlocks;
use super::context::FileContext;
use super::extraction::TOO_MUCH_WORK;
use super::format::PhotoFormat;
use super::iptc::IptcRecords;
use super::labels::{FileLabels, collect_labels};
use super::maker_note::MakerNoteFacts;
use super::normalise::normalise_metadata;
use super::record::{PhotoRecord, Tags};
use super::sources::MetadataSources;
use super::tag_collector::TagCollector;
use super::tiff::IfdFields;
use super::work_budget::WorkBudget;
use super::xmp::XmpProperties;
use super::xmp_tags::collect_xmp_tags;

/// The namespaces of the elements around all properties. Every XMP sidecar has at least one of
/// them.
const OUTER_NAMESPACES: [&str; 2] = [
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "adobe:ns:meta/",
];
/// The beginning of the keywords with which darktable records its own work.
const DARKTABLE_PATH: &str = "darktable|";
/// The label with which Lightroom and others write that there is none.
const NO_LABEL: &str = "none";

/// Reads the record and the labels of an XMP sidecar. Adds a warning for each problem. If the XMP
/// is broken, the properties before that point are kept.
pub(crate) fn read_xmp_sidecar(
    bytes: &[u8],
    latest_credible_time: NaiveDateTime,
    warnings: &mut Vec<String>,
) -> (PhotoRecord, FileLabels) {
    let budget = new_budget();
    let mut xmp = XmpProperties::default();
    warnings.extend(xmp.read_packet(bytes, &budget).err());
    let gap = match xmp.packets.first().map(|packet| packet.text.as_str()) {
        _ if budget.is_used_up() => Some(TOO_MUCH_WORK),
        Some(text) if is_blank(text) => Some("sidecar that is empty"),
        Some(text) if !is_xmp(text) => {
            xmp = XmpProperties::default();
            Some("sidecar that is not XMP")
        }
        _ => None,
    };
    // The record is made from XMP alone. The other sources are empty, and so is the name of the
    // file, because a date in it is a worse source than the photo itself.
    let sources = MetadataSources {
        format: PhotoFormat::Jpeg,
        fields: &IfdFields::default(),
        xmp: &xmp,
        iptc: &IptcRecords::default(),
        blocks: &MetadataBlocks::default(),
        size: None,
        maker_note: MakerNoteFacts::default(),
    };
    let context = FileContext {
        file_name: String::new(),
        latest_credible_time,
    };
    let mut record = normalise_metadata(&sources, &context, warnings).record;
    let mut labels = collect_labels(&sources, record.rating);
    if let Some(gap) = gap {
        labels.gap = Some(gap.to_owned());
        warnings.insert(0, gap.to_owned());
    }
    remove_darktable_keywords(&mut record.keywords);
    let is_label = |label: &String| !label.eq_ignore_ascii_case(NO_LABEL);
    record.label = record.label.filter(is_label);
    record.exposure.iso = record.exposure.iso.filter(|&iso| iso > 0);
    (record, labels)
}

/// Reads the tags of an XMP sidecar.
pub(crate) fn read_xmp_tags(bytes: &[u8]) -> Tags {
    let mut xmp = XmpProperties::default();
    // The warning is one of `read_xmp_sidecar`. The tags before an error are kept.
    let _ = xmp.read_packet(bytes, &new_budget());
    let mut collector = TagCollector::default();
    collect_xmp_tags(&xmp.packets, &mut collector);
    collector.tags
}

/// Returns a budget for a file that has no container: all its work is parsing.
fn new_budget() -> WorkBudget {
    let budget = WorkBudget::default();
    budget.begin_parsing();
    budget
}

fn is_blank(text: &str) -> bool {
    let is_visible = |c: char| !c.is_whitespace() && !matches!(c, '\0' | '\u{feff}');
    !text.contains(is_visible)
}

fn is_xmp(text: &str) -> bool {
    let mut namespaces = OUTER_NAMESPACES.iter();
    namespaces.any(|namespace| text.contains(namespace))
}

/// Removes the keywords with which darktable records its own work, such as `darktable|exported` and
/// `darktable|format|nef`. Old versions also write each part of such a path as a flat keyword,
/// `darktable` first.
fn remove_darktable_keywords(keywords: &mut Vec<String>) {
    let paths = keywords
        .iter()
        .filter_map(|keyword| keyword.strip_prefix(DARKTABLE_PATH));
    let parts: HashSet<String> = paths
        .flat_map(|path| path.split('|'))
        .map(str::to_owned)
        .collect();
    if parts.is_empty() {
        return;
    }
    let are_parts_flat = keywords.iter().any(|keyword| keyword == "darktable");
    keywords.retain(|keyword| {
        let is_part = keyword == "darktable" || are_parts_flat && parts.contains(keyword);
        !is_part && !keyword.starts_with(DARKTABLE_PATH)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_of_darktable_itself_are_removed() {
        let kept = |keywords: &[&str]| {
            let mut keywords: Vec<String> = keywords.iter().map(|k| (*k).to_owned()).collect();
            remove_darktable_keywords(&mut keywords);
            keywords
        };
        assert_eq!(
            kept(&["Kyoto", "darktable|exported", "darktable|format|nef"]),
            ["Kyoto"]
        );
        let old = ["darktable", "exported", "Kyoto", "darktable|exported"];
        assert_eq!(kept(&old), ["Kyoto"]);
        // A person wrote these.
        assert_eq!(kept(&["darktable", "exported"]), ["darktable", "exported"]);
        assert_eq!(
            kept(&["Portrait", "darktable|style|Portrait"]),
            ["Portrait"]
        );
    }
}
