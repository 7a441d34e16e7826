//! Derives the record of a photo, its summary and its index keys. This module does no I/O.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::item_rules::ItemRules;
use super::item_trim::trim_item;
use super::public_times::{PublicPast, set_times_of_older_item};
use crate::catalogue::date_partition::DatePartition;
use crate::catalogue::item::{
    ClaimKeys, DerivedFrom, IndexKeys, MAX_LABEL_BYTES, PhotoItem, SCHEMA_VERSION, part_slot,
};
use crate::catalogue::query::date_sort;
use crate::identity::Evidence;
use crate::pictures::{WantedPictures, rights_digest};
use crate::privacy::{Privacy, Visibility, VisibilityReason};
use crate::summary::Summary;
use photo_metadata::{EXTRACTOR_VERSION, Extraction, FileLabels, PhotoMetadata, PhotoRecord};

/// The number of geohash characters in the partition key of the index by-place. A cell of this
/// length is about 39 by 20 km.
const PLACE_CELL_CHARS: usize = 4;
/// The number of geohash characters in the sort key of the index by-place. A cell of this length is
/// about 5 by 5 m.
const PLACE_SORT_CHARS: usize = 9;
/// The maximum size of the keywords in the labels (keywords and rating) of all parts together, in
/// bytes. One file has at most 16 KB.
const MAX_PART_LABEL_BYTES: usize = 48 << 10;
/// The maximum number of folders in the summary of a photo. Every index contains a copy of them.
const MAX_FOLDERS: usize = 8;

/// Returns the name of the primary part: the live photo file whose format browsers support best.
/// The order in which the parts arrived does not matter. Returns `None` if no photo file is live.
pub(super) fn primary_part(item: &PhotoItem) -> Option<String> {
    let live = item.live_photo_parts();
    live.min_by_key(|(name, part)| (browser_rank(&part.mime), (*name).clone()))
        .map(|(name, _)| name.clone())
}

/// Returns `true` if the record is up to date: it was derived from the present bytes of this part,
/// by the present version of the extractor.
pub(super) fn is_derived_from(item: &PhotoItem, part: &str) -> bool {
    item.extractor_version >= EXTRACTOR_VERSION
        && item.derived_from.as_ref().is_some_and(|from| {
            from.part == part
                && item
                    .parts
                    .get(part)
                    .is_some_and(|part| part.etag == from.etag)
        })
}

/// Sets the record of an item to the metadata that was extracted from this part.
pub(super) fn derive_record(item: &mut PhotoItem, part: &str, extraction: Extraction) {
    let etag = item
        .parts
        .get(part)
        .map(|part| part.etag.clone())
        .unwrap_or_default();
    item.derived_from = Some(DerivedFrom {
        part: part.to_owned(),
        etag,
    });
    item.photo = extraction.photo;
    item.exif = extraction.tags;
    item.exif_omitted = extraction.omitted;
    item.exif_warnings = extraction.warnings;
}

/// Clears the record of an item that has no live photo file.
pub(super) fn clear_record(item: &mut PhotoItem) {
    item.derived_from = None;
    item.photo = PhotoMetadata::default();
    item.exif.clear();
    item.exif_omitted.clear();
    item.exif_warnings.clear();
}

/// Derives the summary, the index keys and the picture plan of an item from its parts, record and
/// overrides. Also sets the extractor and schema versions. Trims the item if it is too large.
///
/// `now` is the present time. A new photo waits for its pictures from then on.
pub(super) fn derive_summary_and_keys(item: &mut PhotoItem, rules: &ItemRules, now: DateTime<Utc>) {
    let privacy = &rules.privacy;
    set_times_of_older_item(item, now);
    item.extractor_version = EXTRACTOR_VERSION;
    item.schema_version = SCHEMA_VERSION;
    let past = PublicPast::of_item(item, now);
    let was_listed = item.is_listed(now);
    let plan_before = item.picture_plan.clone();
    let before = item.summary.take();
    item.index = IndexKeys::default();
    limit_part_labels(item);
    derive_claim_keys(item);
    if item.has_live_photo() {
        let mut summary = build_summary(item);
        summary.folders = album_folder_names(item, rules);
        let visibility = decide_visibility(item, &summary, privacy).visibility();
        let wanted = wanted_pictures(item, &summary.record, visibility, rules);
        item.update_picture_plan(wanted, was_listed, now);
        add_pictures(&mut summary, item);
        // Only the size of the keys counts here: `trim_item` measures the whole item.
        item.index = derive_index_keys(&summary, visibility, privacy);
        item.summary = Some(summary);
    } else {
        item.update_picture_plan(None, was_listed, now);
    }
    past.reserve_times(item, now);
    trim_item(item);
    if let Some(mut summary) = item.summary.take() {
        // Applies the rules again, because the gallery applies them to the trimmed summary.
        let reason = decide_visibility(item, &summary, privacy);
        if reason.visibility() == Visibility::Private {
            // The plan of the item as it was read, because each change increases the epoch.
            item.picture_plan = plan_before;
            item.update_picture_plan(None, was_listed, now);
            (summary.pictures, summary.awaited_until) = (None, None);
        }
        item.index = derive_index_keys(&summary, reason.visibility(), privacy);
        let is_private = reason.visibility() == Visibility::Private;
        summary.private_reason = is_private.then(|| reason.to_string());
        past.set_times(item, &mut summary, !is_private, privacy, now);
        keep_version(&mut summary, before);
        item.summary = Some(summary);
    }
}

/// Builds the summary of a photo from its record and overrides, without pictures and times.
fn build_summary(item: &PhotoItem) -> Summary {
    let mut shown = item.described_record();
    item.overrides.apply_to(&mut shown);
    let mut summary = Summary::new(&item.id, &item.stem, item.revision, shown);
    summary.visibility = item.overrides.visibility;
    summary.held_for.clone_from(&item.held_for);
    summary.labels = Some(summary_labels(item, &summary.record));
    let removed = &item.overrides.removed_keywords;
    summary.removed_keywords.clone_from(removed);
    summary
}

/// Derives the attributes that a claim of the stem compares with a new file. The newest evidence of
/// a live part counts first, because an edit may have corrected the date.
pub(super) fn derive_claim_keys(item: &mut PhotoItem) {
    let evidence = item.known_evidence();
    let is_live = |entry: &&Evidence| {
        let mut live = item.live_in_slot(&entry.slot);
        live.any(|part| part.content_id().as_ref() == Some(&entry.content))
    };
    let live = evidence.iter().rev().filter(is_live);
    let in_order: Vec<&Evidence> = live.chain(evidence.iter().rev()).collect();
    let of_parts = item.parts.keys().map(|name| part_slot(name));
    let of_evidence = evidence.iter().map(|entry| entry.slot.clone());
    // An item of an older version has no evidence of its own yet. A claim must not add the first
    // entry, because its parts would not count as evidence any more. So the claim is refused. The
    // same is true if an upload has passed the stem: its shot must be compared first.
    let has_evidence = !item.evidence.is_empty() && item.passed.is_empty();
    let second = in_order.iter().find_map(|entry| entry.taken);
    item.claim = ClaimKeys {
        slots: of_parts.chain(of_evidence).collect(),
        shot_second: second.filter(|_| has_evidence),
        shot_model: in_order.iter().find_map(|entry| entry.model.clone()),
        shot_serial: in_order.iter().find_map(|entry| entry.serial.clone()),
    };
}

/// Applies the rules to the item, and then to its summary, which may lack keywords. Returns the
/// rule that decides.
fn decide_visibility(item: &PhotoItem, summary: &Summary, privacy: &Privacy) -> VisibilityReason {
    let of_item = item.decide_visibility(&privacy.visibility);
    match of_item.visibility() {
        Visibility::Private => of_item,
        Visibility::Public => summary.decide_visibility(&privacy.visibility),
    }
}

/// Returns the pictures that a photo with this record should have. They are made of the part that
/// the record comes from, because its orientation and colours are known. Returns `None` if the
/// photo is private, or if no pictures are made.
fn wanted_pictures(
    item: &PhotoItem,
    record: &PhotoRecord,
    visibility: Visibility,
    rules: &ItemRules,
) -> Option<WantedPictures> {
    let recipe = rules.recipe.clone()?;
    let from = item.derived_from.as_ref()?;
    let part = item.parts.get(&from.part);
    let mime = part.map_or("", |part| part.mime.as_str());
    let recipe = recipe.for_media_type(mime);
    (visibility == Visibility::Public).then(|| WantedPictures {
        part: from.part.clone(),
        etag: from.etag.clone(),
        recipe,
        rights: rights_digest(record),
    })
}

/// Adds the pictures of an item to its summary. The size of the photo is then that of its picture.
fn add_pictures(summary: &mut Summary, item: &PhotoItem) {
    let plan = item.picture_plan.as_ref();
    summary.awaited_until = plan.and_then(|plan| plan.awaited_until);
    summary.pictures = item.shown_pictures().cloned().map(Box::new);
    if let Some(pictures) = &summary.pictures {
        summary.record.width = Some(pictures.width);
        summary.record.height = Some(pictures.height);
    }
}

/// Keeps the version of the summary `before` if the content of the summary is the same. The version
/// of a summary identifies its published content, so it does not change with other fields of the
/// item.
fn keep_version(summary: &mut Summary, before: Option<Summary>) {
    if let Some(mut before) = before {
        before.visibility = summary.visibility;
        before.held_for.clone_from(&summary.held_for);
        before.labels.clone_from(&summary.labels);
        before.folders.clone_from(&summary.folders);
        before
            .removed_keywords
            .clone_from(&summary.removed_keywords);
        before.awaited_until = summary.awaited_until;
        before.private_reason.clone_from(&summary.private_reason);
        let version = std::mem::replace(&mut summary.version, before.version.clone());
        if *summary != before {
            summary.version = version;
        }
    }
}

/// Limits the size of the labels of all parts together. If keywords of a part are removed,
/// [`FileLabels::gap`] of its labels contains the reason. The photo is then private if any rule
/// could make it private.
fn limit_part_labels(item: &mut PhotoItem) {
    let mut left = MAX_PART_LABEL_BYTES;
    for labels in item
        .parts
        .values_mut()
        .filter_map(|part| part.labels.as_mut())
    {
        labels.limit_bytes(left);
        left -= labels.keywords.iter().map(String::len).sum::<usize>();
    }
}

/// Returns the labels of all parts for a summary with this record, without the keywords in the
/// record. They contain the keywords that a person has removed from the record.
fn summary_labels(item: &PhotoItem, record: &PhotoRecord) -> FileLabels {
    let mut labels = item.labels();
    let recorded = item.photo.record.keywords.iter();
    let removed = recorded.filter(|keyword| item.overrides.removes_keyword(keyword));
    labels.merge(&FileLabels {
        keywords: removed.cloned().collect(),
        ..FileLabels::default()
    });
    labels.limit_bytes(MAX_LABEL_BYTES);
    labels
        .keywords
        .retain(|keyword| !record.keywords.contains(keyword));
    labels
}

/// Returns the names of the folders that are albums and have a file of the photo, sorted. A folder
/// of uploads that are private gives no name, even if a person has made the photo public.
fn album_folder_names(item: &PhotoItem, rules: &ItemRules) -> Vec<String> {
    let private = &rules.privacy.visibility.private_sources;
    let is_private = |key: &str| private.iter().any(|prefix| key.starts_with(prefix));
    let live = item.parts.values().filter(|part| part.is_live());
    let keys = live
        .filter_map(|part| Some(part.source.as_ref()?.object.key.as_str()))
        .filter(|key| !is_private(key));
    let names: BTreeSet<String> = keys
        .filter_map(|key| rules.album_folders.folder_name(key))
        .collect();
    names.into_iter().take(MAX_FOLDERS).collect()
}

fn derive_index_keys(summary: &Summary, visibility: Visibility, privacy: &Privacy) -> IndexKeys {
    let capture = &summary.record.capture;
    let date_partition = Some(DatePartition::of_time(visibility, capture.start()));
    let date_sort = Some(date_sort(capture, &summary.name, &summary.id));
    if visibility == Visibility::Private {
        return IndexKeys {
            date_partition,
            date_sort,
            ..IndexKeys::default()
        };
    }
    let published = summary
        .record
        .location
        .as_ref()
        .and_then(|location| privacy.redact_location(location));
    let cell = |chars| {
        published
            .as_ref()
            .and_then(|location| location.geohash(chars))
    };
    IndexKeys {
        date_partition,
        date_sort,
        camera_partition: summary
            .record
            .camera
            .as_ref()
            .map(|camera| camera.slug.clone())
            .filter(|slug| !slug.is_empty()),
        lens_partition: summary
            .record
            .lens
            .as_ref()
            .map(|lens| lens.slug.clone())
            .filter(|slug| !slug.is_empty()),
        place_partition: cell(PLACE_CELL_CHARS),
        place_sort: cell(PLACE_SORT_CHARS).map(|geohash| format!("{geohash}#{}", summary.id)),
    }
}

/// Returns the rank of a media type, such as 0 for `image/jpeg`. The lower the rank, the more
/// browsers can show the type. RAW formats have the highest rank.
fn browser_rank(mime: &str) -> usize {
    [
        "image/jpeg",
        "image/webp",
        "image/avif",
        "image/png",
        "image/heic",
        "image/heif",
        "image/tiff",
    ]
    .iter()
    .position(|known| *known == mime)
    .unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::item::{PartSource, PartState, PhotoPart};
    use crate::ingest::item_trim::TRIMMED_BYTES;
    use crate::pictures::PictureRecipe;
    use crate::privacy::{LocationPolicy, VisibilityRules};
    use photo_metadata::{Camera, CaptureTime, Location, TagValue};

    fn derive(item: &mut PhotoItem, privacy: impl Into<Privacy>) {
        let rules = ItemRules::from(privacy.into());
        derive_summary_and_keys(item, &rules, DateTime::UNIX_EPOCH);
    }

    fn item(parts: &[(&str, &str)]) -> PhotoItem {
        let mut item = PhotoItem::stub("2018-02-01/foobar");
        for (extension, mime) in parts {
            let part = PhotoPart {
                key: format!("2018-02-01/foobar.{extension}"),
                mime: (*mime).to_owned(),
                labels: Some(FileLabels::default()),
                ..PhotoPart::default()
            };
            item.parts.insert((*extension).to_owned(), part);
        }
        item.photo.record.capture = CaptureTime {
            local: Some("2018-02-01T09:41:07".parse().expect("a local time")),
            ..CaptureTime::default()
        };
        item.photo.record.camera = Some(Camera {
            slug: "nikon-d750".to_owned(),
            ..Camera::default()
        });
        item.photo.record.location = Some(Location {
            lat: 45.5,
            lon: -73.6,
            ..Location::default()
        });
        item
    }

    #[test]
    fn primary_part_is_the_one_that_browsers_show() {
        assert_eq!(
            primary_part(&item(&[
                ("NEF", "image/x-nikon-nef"),
                ("JPG", "image/jpeg")
            ]))
            .as_deref(),
            Some("JPG")
        );
        assert_eq!(
            primary_part(&item(&[("NEF", "image/x-nikon-nef")])).as_deref(),
            Some("NEF")
        );
        let mut removed = item(&[("JPG", "image/jpeg"), ("NEF", "image/x-nikon-nef")]);
        removed.parts.get_mut("JPG").expect("a part").state = PartState::Tombstone;
        assert_eq!(primary_part(&removed).as_deref(), Some("NEF"));
        assert_eq!(primary_part(&PhotoItem::stub("2018-02-01/foobar")), None);
    }

    #[test]
    fn pictures_of_formats_that_could_not_be_decoded_are_outdated() {
        let rules = ItemRules {
            recipe: Some(PictureRecipe::default()),
            ..ItemRules::from(Privacy::default())
        };
        for (mime, is_outdated) in [("image/jpeg", false), ("image/avif", true)] {
            let mut item = item(&[("x", mime)]);
            item.derived_from = Some(DerivedFrom {
                part: "x".to_owned(),
                etag: String::new(),
            });
            derive_summary_and_keys(&mut item, &rules, DateTime::UNIX_EPOCH);
            let plan = item.picture_plan.as_mut().expect("a plan");
            let epoch = plan.epoch;
            // The plan of a build that could not decode AVIF.
            plan.wanted.as_mut().expect("wanted pictures").recipe = PictureRecipe::default();
            derive_summary_and_keys(&mut item, &rules, DateTime::UNIX_EPOCH);
            let renewed = item.picture_plan.expect("a plan").epoch;
            assert_eq!(renewed > epoch, is_outdated, "{mime}");
        }
    }

    #[test]
    fn public_photo_is_in_every_index() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        derive(&mut item, LocationPolicy::Exact);
        assert_eq!(partition_text(&item), "2018");
        assert_eq!(
            item.index.date_sort,
            Some(format!("2018-02-01T09:41:07#foobar#{}", item.id))
        );
        assert_eq!(item.index.camera_partition.as_deref(), Some("nikon-d750"));
        assert_eq!(item.index.lens_partition, None);
        assert_eq!(item.index.place_partition.as_deref(), Some("f25d"));
    }

    #[test]
    fn hidden_position_is_in_no_key() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        derive(&mut item, LocationPolicy::Hide);
        assert_eq!(
            (item.index.place_partition, item.index.place_sort),
            (None, None)
        );
    }

    #[test]
    fn version_changes_only_with_visible_content() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        item.revision = 1;
        derive(&mut item, LocationPolicy::Exact);
        let version =
            |item: &PhotoItem| item.summary.as_ref().map(|summary| summary.version.clone());
        item.revision = 2;
        item.exif_warnings.push("not shown".to_owned());
        derive(&mut item, LocationPolicy::Exact);
        assert_eq!(version(&item).as_deref(), Some("1"));
        item.revision = 3;
        item.overrides.title = Some("shown".to_owned());
        derive(&mut item, LocationPolicy::Exact);
        assert_eq!(version(&item).as_deref(), Some("3"));
    }

    fn partition_text(item: &PhotoItem) -> String {
        let partition = item.index.date_partition;
        partition.map(String::from).unwrap_or_default()
    }

    #[test]
    fn folders_of_live_uploads_are_in_the_summary() {
        let mut item = item(&[
            ("JPG", "image/jpeg"),
            ("NEF", "image/x-nikon-nef"),
            ("DNG", "a"),
        ]);
        for (name, key) in [
            ("JPG", "albums/Japan 2026/DSC_1.JPG"),
            ("NEF", "albums/Alps/RAW/DSC_1.NEF"),
            ("DNG", "albums/Removed/DSC_1.DNG"),
        ] {
            let part = item.parts.get_mut(name).expect("a part");
            part.source = Some(PartSource {
                object: format!("s3://inbox/{key}").parse().expect("an object"),
                etag: "e".to_owned(),
            });
        }
        item.parts.get_mut("DNG").expect("a part").state = PartState::Tombstone;
        let folders = |item: &PhotoItem, albums: &str, private: &str| {
            let visibility = VisibilityRules {
                private_sources: vec![private.to_owned()],
                ..VisibilityRules::default()
            };
            let rules = ItemRules {
                album_folders: albums.parse().expect("prefixes"),
                ..ItemRules::from(Privacy {
                    visibility,
                    ..Privacy::default()
                })
            };
            let mut item = item.clone();
            derive_summary_and_keys(&mut item, &rules, DateTime::UNIX_EPOCH);
            item.summary.expect("a summary").folders
        };
        assert_eq!(
            folders(&item, "albums/", "private/"),
            ["Alps", "Japan 2026"]
        );
        assert!(folders(&item, "", "private/").is_empty());
        // A folder that hides its photos is no album, even if a person has shown the photo.
        item.overrides.visibility = Some(Visibility::Public);
        assert_eq!(folders(&item, "albums/", "albums/Alps/"), ["Japan 2026"]);
        assert!(folders(&item, "albums/", "albums/").is_empty());
    }

    #[test]
    fn private_photo_is_only_in_a_private_date_partition() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        item.overrides.visibility = Some(Visibility::Private);
        derive(&mut item, LocationPolicy::Exact);
        assert_eq!(partition_text(&item), "private#2018");
        assert_eq!(
            (item.index.camera_partition, item.index.place_partition),
            (None, None)
        );
    }

    #[test]
    fn rules_make_a_photo_private_unless_an_override_is_set() {
        let rules = VisibilityRules {
            private_keywords: vec!["family".to_owned()],
            private_sources: vec!["private/".to_owned()],
            ..VisibilityRules::default()
        };
        let privacy = Privacy {
            visibility: rules,
            ..LocationPolicy::Exact.into()
        };
        let partition = |change: &dyn Fn(&mut PhotoItem)| {
            let mut item = item(&[("JPG", "image/jpeg")]);
            change(&mut item);
            derive(&mut item, privacy.clone());
            (item.is_public(), partition_text(&item))
        };
        let private = (false, "private#2018".to_owned());
        let public = (true, "2018".to_owned());
        assert_eq!(partition(&|_| {}), public);
        assert_eq!(
            partition(&|item| item.photo.record.keywords = vec!["Family".to_owned()]),
            private
        );
        let from_private = |item: &mut PhotoItem| {
            item.parts.get_mut("JPG").expect("a part").source = Some(PartSource {
                object: "s3://inbox/private/foobar.jpg".parse().expect("an object"),
                etag: "e".to_owned(),
            });
        };
        assert_eq!(partition(&from_private), private);
        let set = |item: &mut PhotoItem| {
            from_private(item);
            item.overrides.visibility = Some(Visibility::Public);
        };
        assert_eq!(partition(&set), public);
    }

    #[test]
    fn keywords_set_by_hand_go_through_the_rules() {
        let privacy = Privacy {
            visibility: VisibilityRules {
                private_keywords: vec!["family".to_owned()],
                ..VisibilityRules::default()
            },
            ..LocationPolicy::Exact.into()
        };
        let derived = |change: &dyn Fn(&mut PhotoItem)| {
            let mut item = item(&[("JPG", "image/jpeg")]);
            item.photo.record.keywords = vec!["sea".to_owned(), "Boat".to_owned()];
            change(&mut item);
            derive(&mut item, privacy.clone());
            let summary = item.summary.clone().expect("a summary");
            // The gallery applies the rules to the summary alone.
            let listed = summary.decide_visibility(&privacy.visibility).visibility();
            assert_eq!(listed == Visibility::Public, item.is_public());
            (summary.record.keywords.join(", "), item.is_public())
        };
        let shown = |keywords: &str, is_public| (keywords.to_owned(), is_public);
        assert_eq!(derived(&|_| {}), shown("sea, Boat", true));
        let add = |item: &mut PhotoItem, keyword: &str| item.overrides.add_keyword(keyword);
        let remove = |item: &mut PhotoItem, keyword: &str| item.overrides.remove_keyword(keyword);
        let changed = derived(&|item| {
            add(item, "SEA");
            add(item, "red");
            remove(item, "boat");
        });
        assert_eq!(changed, shown("sea, red", true));
        let private = derived(&|item| add(item, "People|Family"));
        assert_eq!(private, shown("sea, Boat, People|Family", false));
        let taken_back = derived(&|item| {
            add(item, "family");
            remove(item, "family");
        });
        assert_eq!(taken_back, shown("sea, Boat", true));
        // A keyword of a file hides the photo, also if a person removed it from the list.
        let removed = derived(&|item| {
            item.photo.record.keywords.push("family".to_owned());
            remove(item, "Family");
        });
        assert_eq!(removed, shown("sea, Boat", false));
        let added_again = derived(&|item| {
            remove(item, "sea");
            add(item, "Sea");
        });
        assert_eq!(added_again, shown("sea, Boat", true));
    }

    #[test]
    fn keywords_of_kin_are_merged_so_that_none_is_lost() {
        let overrides = |added: &[&str], removed: &[&str]| {
            let mut overrides = crate::catalogue::item::Overrides::default();
            for keyword in removed {
                overrides.remove_keyword(keyword);
            }
            for keyword in added {
                overrides.add_keyword(keyword);
            }
            overrides
        };
        let one = overrides(&["a", "b"], &["x", "y"]);
        let other = overrides(&["B", "c", "X"], &["a", "z"]);
        let merged = one.clone().or(other.clone());
        assert_eq!(merged.added_keywords, ["a", "b", "c", "X"]);
        assert_eq!(merged.removed_keywords, ["y", "z"]);
        assert_eq!(merged.clone().or(other), merged);
        assert_eq!(merged.clone().or(one), merged);
    }

    #[test]
    fn labels_of_every_live_part_decide() {
        let privacy = Privacy {
            visibility: VisibilityRules {
                private_keywords: vec!["family".to_owned()],
                ..VisibilityRules::default()
            },
            ..LocationPolicy::Exact.into()
        };
        let derived = |change: &dyn Fn(&mut PhotoPart)| {
            let mut item = item(&[("JPG", "image/jpeg"), ("DNG", "image/x-adobe-dng")]);
            change(item.parts.get_mut("DNG").expect("a part"));
            derive(&mut item, privacy.clone());
            let summary = item.summary.as_ref().expect("a summary");
            let reason = summary.private_reason.clone();
            assert_eq!(reason.is_none(), item.is_public());
            let listed = summary.decide_visibility(&privacy.visibility).visibility();
            assert_eq!(listed == Visibility::Public, item.is_public());
            reason
        };
        let label = |part: &mut PhotoPart, change: &dyn Fn(&mut FileLabels)| {
            change(part.labels.as_mut().expect("labels"));
        };
        let family = |part: &mut PhotoPart| {
            label(part, &|labels| {
                labels.keywords = vec!["People|Family".to_owned()]
            });
        };
        assert_eq!(derived(&|_| {}), None);
        assert_eq!(derived(&family).as_deref(), Some("keyword People|Family"));
        let rejected = |part: &mut PhotoPart| label(part, &|labels| labels.rating = Some(-1));
        assert_eq!(derived(&rejected).as_deref(), Some("rejected"));
        let gap = |part: &mut PhotoPart| label(part, &|labels| labels.add_gap("cut short"));
        let reason = "metadata not read completely: cut short";
        assert_eq!(derived(&gap).as_deref(), Some(reason));
        let unread = |part: &mut PhotoPart| part.labels = None;
        assert!(derived(&unread).is_some());
        let removed = |part: &mut PhotoPart| *part = PhotoPart::removed(&part.key, Some(part));
        assert_eq!(derived(&removed), None);
        // The labels of a removed file stay, also if the event of its removal comes again.
        let removed_twice = |part: &mut PhotoPart| {
            family(part);
            removed(part);
            removed(part);
        };
        let reason = derived(&removed_twice);
        assert_eq!(reason.as_deref(), Some("keyword People|Family"));
        let unreadable =
            |part: &mut PhotoPart| *part = PhotoPart::unreadable(&part.key, Some(part), "empty");
        let reason = "metadata not read completely: a file is not a photo any more: empty";
        assert_eq!(derived(&unreadable).as_deref(), Some(reason));
        let unreadable_and_removed = |part: &mut PhotoPart| {
            unreadable(part);
            removed(part);
        };
        assert_eq!(derived(&unreadable_and_removed), None);
        let skipped = |part: &mut PhotoPart| {
            *part = PhotoPart::skipped(&part.key, Some(part), "empty");
        };
        let reason = "metadata not read completely: a file of the photo was skipped: empty";
        assert_eq!(derived(&skipped).as_deref(), Some(reason));
        let skipped_and_removed = |part: &mut PhotoPart| {
            skipped(part);
            removed(part);
        };
        assert_eq!(derived(&skipped_and_removed), None);
        // The keywords that the file had before it was skipped stay.
        let labelled_and_skipped = |part: &mut PhotoPart| {
            family(part);
            removed(part);
            skipped_and_removed(part);
        };
        let reason = derived(&labelled_and_skipped);
        assert_eq!(reason.as_deref(), Some("keyword People|Family"));
        let labelled_and_unreadable = |part: &mut PhotoPart| {
            family(part);
            unreadable_and_removed(part);
        };
        let reason = derived(&labelled_and_unreadable);
        assert_eq!(reason.as_deref(), Some("keyword People|Family"));
    }

    #[test]
    fn labels_that_do_not_fit_into_an_item_are_a_gap() {
        let mut item = item(&[
            ("a", "image/jpeg"),
            ("b", "image/png"),
            ("c", "image/tiff"),
            ("d", "image/heic"),
        ]);
        for (name, part) in &mut item.parts {
            let keywords = (0..15).map(|n| format!("{name}{n:02}{}", "x".repeat(1_000)));
            part.labels.as_mut().expect("labels").keywords = keywords.collect();
        }
        derive(&mut item, LocationPolicy::Exact);
        assert!(item.is_public(), "no rule exists");
        let summary = item.summary.as_ref().expect("a summary");
        let labels = summary.labels.as_ref().expect("labels");
        assert!(labels.gap.is_some() && labels.keywords.len() == 16);
        let kept = |name: &str| {
            item.parts[name]
                .labels
                .as_ref()
                .expect("labels")
                .keywords
                .len()
        };
        assert_eq!(
            (kept("a"), kept("b"), kept("c"), kept("d")),
            (15, 15, 15, 4)
        );
        let rules = VisibilityRules {
            private_keywords: vec!["family".to_owned()],
            ..VisibilityRules::default()
        };
        assert_eq!(
            item.decide_visibility(&rules).visibility(),
            Visibility::Private
        );
        assert_eq!(
            summary.decide_visibility(&rules).visibility(),
            Visibility::Private
        );
    }

    #[test]
    fn photo_in_a_home_zone_has_no_place_key() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        let privacy = Privacy {
            home_zones: "f25".parse().expect("zones"),
            ..LocationPolicy::Exact.into()
        };
        derive(&mut item, privacy.clone());
        assert_eq!(
            (item.index.place_partition, item.index.place_sort),
            (None, None)
        );
        assert!(item.index.camera_partition.is_some());
    }

    #[test]
    fn photo_without_live_parts_is_in_no_index() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        item.parts.get_mut("JPG").expect("a part").state = PartState::Tombstone;
        derive(&mut item, LocationPolicy::Exact);
        assert_eq!((item.summary, item.index), (None, IndexKeys::default()));
    }

    #[test]
    fn oversized_item_omits_and_lists_its_largest_tags() {
        let mut item = item(&[("JPG", "image/jpeg")]);
        let tags = (0..300)
            .map(|n| (format!("Tag{n:03}"), TagValue::Text("x".repeat(1000 + n))))
            .collect();
        item.exif.insert("IFD0".to_owned(), tags);
        derive(&mut item, LocationPolicy::Exact);
        let size = crate::catalogue::item_size::stored_item_size(&item);
        assert!(size <= TRIMMED_BYTES + 100, "{size}");
        assert!(item.exif_omitted.is_empty() == item.exif["IFD0"].contains_key("Tag299"));
        assert_eq!(item.exif_omitted.len() + item.exif["IFD0"].len(), 300);
    }
}
