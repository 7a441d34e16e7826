//! Trims an item until it fits into the table. This module does no I/O.
//!
//! Data is removed in a fixed order, so the same photo always gives the same item: tags (the
//! largest first), the list of omitted tags, warnings, the keywords in the summary, and the tags
//! that are left. The record itself keeps all keywords, because the privacy rules need them. If
//! keywords are removed from the summary, the field `gap` of its labels contains the reason.
//!
//! An item that is still too large has too many files. Index then records the file as skipped.

use crate::catalogue::item::PhotoItem;
use crate::catalogue::item_size::{stored_item_size, stored_value_size};

/// The size in bytes to which an item is trimmed. The rest up to DynamoDB's limit is left for later
/// changes: overrides, and more parts.
pub(super) const TRIMMED_BYTES: usize = 350_000;
/// The warning in the record if tags are missing because of the size of the item.
pub(super) const FEWER_TAGS: &str = "the item is too large: some tags are not stored";
/// The warning in the record if the summary lacks keywords because of the size of the item.
pub(super) const FEWER_KEYWORDS: &str = "the item is too large: lists show only some keywords";

/// Removes data from the item until it has at most [`TRIMMED_BYTES`] bytes, or until nothing can be
/// removed. Adds a warning to the record for what was removed. The caller must pass an item with a
/// new summary, which has all keywords.
pub(super) fn trim_item(item: &mut PhotoItem) {
    item.exif_warnings
        .retain(|warning| warning != FEWER_KEYWORDS);
    if excess_bytes(item) == 0 {
        return;
    }
    trim_tags(item);
    trim_omitted_tags(item);
    trim_warnings(item);
    trim_summary_keywords(item);
    if excess_bytes(item) > 0 && !item.exif.is_empty() {
        item.exif.clear();
        add_warning(item, FEWER_TAGS);
    }
}

/// Returns by how many bytes the item is larger than [`TRIMMED_BYTES`].
fn excess_bytes(item: &PhotoItem) -> usize {
    stored_item_size(item).saturating_sub(TRIMMED_BYTES)
}

/// Removes the largest tags, until the item is small enough. Lists each removed tag with its size
/// in `exif_omitted`. A tag that is smaller than its entry in this list stays.
fn trim_tags(item: &mut PhotoItem) {
    let mut tags: Vec<(usize, String, String)> = Vec::new();
    for (ifd, group) in &item.exif {
        for (tag, value) in group {
            tags.push((stored_value_size(value), ifd.clone(), tag.clone()));
        }
    }
    tags.sort_by(|a, b| b.cmp(a));
    let mut excess = excess_bytes(item);
    for (bytes, ifd, tag) in tags {
        // The name of the tag moves to the list. What is added is the name of the IFD, a dot, and
        // the size of the tag as a number.
        let freed = bytes.saturating_sub(ifd.len() + 1 + stored_value_size(&bytes));
        if excess == 0 || freed == 0 {
            break;
        }
        if let Some(group) = item.exif.get_mut(&ifd) {
            group.remove(&tag);
        }
        item.exif_omitted
            .insert(format!("{ifd}.{tag}"), bytes as u64);
        add_warning(item, FEWER_TAGS);
        excess = excess.saturating_sub(freed);
    }
}

/// Removes entries from the end of the list of omitted tags, until the item is small enough.
fn trim_omitted_tags(item: &mut PhotoItem) {
    let mut excess = excess_bytes(item);
    while excess > 0
        && let Some((name, bytes)) = item.exif_omitted.pop_last()
    {
        excess = excess.saturating_sub(name.len() + 1 + stored_value_size(&bytes));
    }
}

/// Removes warnings from the end of the list, until the item is small enough. The warnings of this
/// module stay.
fn trim_warnings(item: &mut PhotoItem) {
    let mut excess = excess_bytes(item);
    while excess > 0
        && let Some(last) = item
            .exif_warnings
            .iter()
            .rposition(|warning| warning != FEWER_TAGS)
    {
        let removed = item.exif_warnings.remove(last);
        excess = excess.saturating_sub(1 + removed.len());
    }
}

/// Removes keywords from the end of the summary's list, until the item is small enough.
fn trim_summary_keywords(item: &mut PhotoItem) {
    let has_keywords = |item: &PhotoItem| {
        let summary = item.summary.as_ref();
        summary.is_some_and(|summary| !summary.record.keywords.is_empty())
    };
    if excess_bytes(item) == 0 || !has_keywords(item) {
        return;
    }
    add_warning(item, FEWER_KEYWORDS);
    if let Some(summary) = &mut item.summary {
        summary
            .labels
            .get_or_insert_default()
            .add_gap(FEWER_KEYWORDS);
    }
    let mut excess = excess_bytes(item);
    if let Some(summary) = &mut item.summary {
        while excess > 0
            && let Some(keyword) = summary.record.keywords.pop()
        {
            excess = excess.saturating_sub(1 + keyword.len());
        }
    }
}

fn add_warning(item: &mut PhotoItem, warning: &str) {
    if !item.exif_warnings.iter().any(|known| known == warning) {
        item.exif_warnings.push(warning.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::item::{DerivedFrom, PartSource, PhotoPart};
    use crate::catalogue::item_size::{MAX_ITEM_BYTES, MAX_SORT_KEY_BYTES};
    use crate::ingest::ItemRules;
    use crate::ingest::record::derive_summary_and_keys;
    use crate::pictures::PictureRecipe;
    use crate::privacy::{LocationPolicy, Privacy, Visibility, VisibilityRules};
    use chrono::DateTime;
    use photo_metadata::{FileLabels, Place, TagValue};

    fn derive(item: &mut PhotoItem, privacy: &Privacy) {
        let rules = ItemRules::from(privacy.clone());
        derive_summary_and_keys(item, &rules, DateTime::UNIX_EPOCH);
    }

    fn privacy() -> Privacy {
        LocationPolicy::Exact.into()
    }

    /// Returns `true` if DynamoDB accepts the item.
    fn fits(item: &PhotoItem) -> bool {
        let sort = item.index.date_sort.as_ref();
        stored_item_size(item) <= MAX_ITEM_BYTES
            && sort.is_none_or(|sort| sort.len() <= MAX_SORT_KEY_BYTES)
    }

    fn item_with_keywords(count: usize, length: usize) -> PhotoItem {
        let mut item = PhotoItem::stub("2018-02-01/foobar");
        let part = PhotoPart {
            key: "2018-02-01/foobar.JPG".to_owned(),
            labels: Some(FileLabels::default()),
            ..PhotoPart::default()
        };
        item.parts.insert("JPG".to_owned(), part);
        item.photo.record.keywords = (0..count).map(|n| format!("{n:0length$}")).collect();
        item
    }

    #[test]
    fn keywords_of_the_summary_are_cut_and_those_of_the_record_stay() {
        let mut item = item_with_keywords(256, 1_000);
        derive(&mut item, &privacy());
        assert!(fits(&item));
        assert_eq!(item.photo.record.keywords.len(), 256);
        let summary = item.summary.clone().expect("a summary");
        let labels = summary.labels.clone().expect("labels");
        assert!(labels.gap.is_some() && summary.record.keywords.len() < 256);
        assert_eq!(item.exif_warnings, [FEWER_KEYWORDS]);
        let before = item.clone();
        derive(&mut item, &privacy());
        assert_eq!(item, before);
    }

    #[test]
    fn cut_keywords_make_a_photo_private_if_a_rule_needs_them() {
        let privacy = Privacy {
            visibility: VisibilityRules {
                private_keywords: vec!["family".to_owned()],
                ..VisibilityRules::default()
            },
            ..privacy()
        };
        let mut item = item_with_keywords(200, 10);
        derive(&mut item, &privacy);
        assert!(item.is_public());
        let mut item = item_with_keywords(256, 1_000);
        item.derived_from = Some(DerivedFrom {
            part: "JPG".to_owned(),
            etag: String::new(),
        });
        let rules = ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..ItemRules::from(privacy.clone())
        };
        derive_summary_and_keys(&mut item, &rules, DateTime::UNIX_EPOCH);
        assert!(!item.is_public());
        // The plan stays the same, so the photo is not written again and again.
        assert_eq!(item.picture_plan, None);
        let summary = item.summary.clone().expect("a summary");
        let reason = summary.decide_visibility(&privacy.visibility);
        assert_eq!(reason.visibility(), Visibility::Private);
        assert!(summary.private_reason.is_some());
        item.overrides.visibility = Some(Visibility::Public);
        derive(&mut item, &privacy);
        assert!(item.is_public());
    }

    #[test]
    fn large_lists_of_small_numbers_are_trimmed() {
        // In JSON, the number 0 in a list has the size that DynamoDB charges for it. Larger numbers
        // have fewer bytes in DynamoDB than digits.
        let mut item = item_with_keywords(0, 0);
        let list = TagValue::List(vec![TagValue::Integer(0); 2_048]);
        let tags = (0..120).map(|n| (format!("Tag{n:03}"), list.clone()));
        item.exif.insert("IFD0".to_owned(), tags.collect());
        derive(&mut item, &privacy());
        assert!(fits(&item));
        assert!(
            item.exif_warnings
                .iter()
                .any(|warning| warning == FEWER_TAGS)
        );
        assert_eq!(item.exif["IFD0"].len() + item.exif_omitted.len(), 120);
    }

    fn arbitrary_tag() -> impl Strategy<Value = TagValue> {
        prop_oneof![
            any::<i64>().prop_map(TagValue::Integer),
            (0..2_049_usize).prop_map(|length| TagValue::Text("é".repeat(length / 2))),
            (0..2_049_usize, any::<i16>())
                .prop_map(|(count, n)| TagValue::List(vec![TagValue::Integer(n.into()); count])),
        ]
    }

    fn arbitrary_part() -> impl Strategy<Value = PhotoPart> {
        (0..1_000_usize, 0..1_000_usize).prop_map(|(key, source)| PhotoPart {
            key: "k".repeat(key),
            etag: "e".repeat(40),
            source: Some(PartSource {
                object: format!("s3://inbox/s{}", "s".repeat(source))
                    .parse()
                    .expect("an object"),
                etag: "e".repeat(40),
            }),
            ..PhotoPart::default()
        })
    }

    prop_compose! {
        fn arbitrary_item()(
            parts in btree_map("[A-Z]{3}", arbitrary_part(), 1..8),
            keywords in vec(0..1_025_usize, 0..257),
            texts in vec(0..1_025_usize, 12),
            long_texts in vec(0..16_001_usize, 3),
            people in vec(0..257_usize, 0..65),
            by_older_version in any::<bool>(),
            tags in btree_map("[A-Za-z]{1,40}", arbitrary_tag(), 0..400),
            omitted in btree_map("ExifIFD[.][A-Za-z]{1,40}", any::<u64>(), 0..2_048),
            warnings in vec(0..1_025_usize, 0..33),
            name in 1..900_usize,
        ) -> PhotoItem {
            let text = |length: usize| Some("t".repeat(length));
            let mut item = PhotoItem::stub(&format!("undated/{}", "n".repeat(name)));
            item.parts = parts;
            let record = &mut item.photo.record;
            let mut bytes = 0;
            // A record of an older version has more bytes of keywords, and no other long fields.
            let most = if by_older_version { 256 << 10 } else { 64 << 10 };
            let fitting = keywords.into_iter().take_while(|length| {
                bytes += length;
                bytes <= most
            });
            record.keywords = fitting.map(|length| "k".repeat(length)).collect();
            record.title = text(texts[0]);
            record.caption = text(texts[1]);
            record.artist = text(texts[2]);
            record.copyright = text(texts[3]);
            if !by_older_version {
                record.caption = text(long_texts[0]);
                record.extended_description = text(long_texts[1]);
                record.people = people.into_iter().map(|length| "p".repeat(length)).collect();
                record.headline = text(texts[6]);
                record.alt_text = text(texts[7]);
                record.event = text(texts[8]);
                record.credit = text(texts[9]);
                record.license_url = text(texts[10]);
                record.usage_terms = text(texts[11]);
                record.place = Some(Place {
                    city: text(texts[6]),
                    region: text(texts[7]),
                    ..Place::default()
                });
            }
            item.overrides.title = text(texts[4]);
            item.overrides.alt_text = text(texts[5]);
            item.overrides.added_keywords = texts.iter().map(|length| "a".repeat(*length)).collect();
            item.overrides.caption = text(if by_older_version { texts[5] } else { long_texts[2] });
            item.exif.insert("ExifIFD".to_owned(), tags);
            item.exif_omitted = omitted;
            item.exif_warnings = warnings.into_iter().map(|length| "w".repeat(length)).collect();
            item
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn every_record_fits_after_trimming(mut item in arbitrary_item()) {
            let keywords = item.photo.record.keywords.clone();
            derive(&mut item, &privacy());
            prop_assert!(fits(&item));
            prop_assert_eq!(&item.photo.record.keywords, &keywords);
            let again = item.clone();
            derive(&mut item, &privacy());
            prop_assert_eq!(item, again);
        }
    }
}
