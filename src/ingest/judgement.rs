//! Decides whether an upload belongs to an item: whether both are one shot. This module does no I/O.
//!
//! [`crate::identity::compare_shots`] compares two files. This module chooses which files of an item
//! are compared.

use crate::catalogue::item::{PhotoItem, PhotoPart};
use crate::identity::{
    BytesRelation, ContentId, Evidence, EvidenceList, FolderRelation, KeyRelation, PictureRelation,
    ShotRelation, ShotVerdict, SiblingFolders, compare_shots, needs_picture_data,
};
use crate::object::ObjectRef;

/// An upload that looks for its item.
pub(super) struct Newcomer<'a> {
    /// The evidence of the upload. It has a source.
    pub evidence: &'a Evidence,
    /// What the ledger records of the source key at the stem of the item.
    pub ledger: LedgerRelation<'a>,
    /// Whether the picture data of the upload are those of the live part in its slot.
    pub pictures: PictureRelation,
}

/// What the ledger records of a source key at the stem of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LedgerRelation<'a> {
    /// The ledger records earlier bytes of the source key at this stem. Their content id may be
    /// unknown.
    Here(Option<&'a ContentId>),
    /// The ledger records nothing of the source key, or another stem.
    Elsewhere,
}

/// The answer to the question whether an upload belongs to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemJudgement {
    /// The evidence decides.
    Decided(ShotVerdict),
    /// The picture data of the upload and of the live part in its slot must be compared.
    ComparePictures,
}

/// Decides whether an upload and an item are one shot. The first of these that applies decides:
///
/// 1. Index has seen these bytes under the stem: Same.
/// 2. The upload, or another file of its shot, has passed this stem and has a later name: Undecided.
///    Another file does not count if the slot has a live copy of the source key of the upload.
/// 3. The slot has a live part: it decides. If these bytes are claimed here, the upload counts as
///    one of the same source key. If a person put the file there, Same becomes Undecided. If
///    point 6 gives Same or Undecided, Different becomes Undecided.
/// 4. These bytes are claimed here: Same.
/// 5. There is evidence of the same source key, or its ledger entry names this stem: it decides.
/// 6. The other files of the item decide: its live files, or all files of its evidence if there is none
///    or a person has hidden the photo. If the slot was ever claimed, Same becomes Undecided.
pub(super) fn judge_item(
    item: &PhotoItem,
    newcomer: &Newcomer<'_>,
    siblings: &SiblingFolders,
) -> ItemJudgement {
    let known = item.known_evidence();
    let Newcomer { evidence, .. } = newcomer;
    if known.has_seen(&evidence.content) || is_unused(item, &known) {
        return ItemJudgement::Decided(ShotVerdict::Same);
    }
    if has_passed(item, evidence, siblings) {
        return ItemJudgement::Decided(ShotVerdict::Undecided);
    }
    if let Some(part) = item.live_in_slot(&evidence.slot).next() {
        return judge_by_live_part(item, &known, part, newcomer, siblings);
    }
    if known.has(&evidence.content) {
        return ItemJudgement::Decided(ShotVerdict::Same);
    }
    ItemJudgement::Decided(
        judge_by_same_key(&known, newcomer)
            .unwrap_or_else(|| judge_by_other_formats(item, &known, evidence, siblings)),
    )
}

/// Reports whether the stem of an item was never used by a photo: an older version of this program
/// claimed it and no file came, or only a sidecar is there.
fn is_unused(item: &PhotoItem, known: &EvidenceList) -> bool {
    let has_evidence = !known.is_empty() || !item.passed.is_empty();
    !has_evidence && !item.has_photo_parts() && item.kin.is_empty()
}

/// Reports whether the upload, or another file of its shot, claimed the stem of an item and then took a
/// later name. If the slot has a live copy of the same source key, the upload may be an edit of it, so
/// other files do not count.
fn has_passed(item: &PhotoItem, evidence: &Evidence, siblings: &SiblingFolders) -> bool {
    let live = item.live_in_slot(&evidence.slot).next();
    let live_source = live
        .and_then(PhotoPart::copied_from)
        .map(|from| &from.object);
    let has_own_copy = live_source.is_some() && live_source == evidence.source.as_ref();
    let mut passed = item.passed.iter();
    passed.any(|entry| {
        let is_own = entry.source == evidence.source || entry.content == evidence.content;
        if has_own_copy && !is_own {
            return false;
        }
        let relation = ShotRelation {
            key: match entry.source == evidence.source {
                true => KeyRelation::Same,
                false => KeyRelation::Other,
            },
            bytes: match entry.content == evidence.content {
                true => BytesRelation::Equal,
                false => BytesRelation::Other,
            },
            pictures: PictureRelation::Unknown,
            folders: relate_folders(entry.source.as_ref(), evidence, siblings),
        };
        let verdict = compare_shots(&entry.facts(), &evidence.facts(), relation);
        verdict != ShotVerdict::Different
    })
}

fn judge_by_live_part(
    item: &PhotoItem,
    known: &EvidenceList,
    part: &PhotoPart,
    newcomer: &Newcomer<'_>,
    siblings: &SiblingFolders,
) -> ItemJudgement {
    let Newcomer {
        evidence,
        ledger,
        pictures,
    } = newcomer;
    let is_of_key = |entry: &Evidence| entry.source == evidence.source;
    let is_same_key = *ledger != LedgerRelation::Elsewhere
        || known.in_slot(&evidence.slot).any(is_of_key)
        || known.has(&evidence.content);
    let key = match is_same_key {
        true => KeyRelation::Same,
        false => KeyRelation::Other,
    };
    let content = part.content_id();
    let live = content.and_then(|content| known.of_content(&content).cloned());
    // The part may be of an older version of this program, or its evidence was too old to be kept.
    let live = live.unwrap_or_else(|| Evidence {
        slot: evidence.slot.clone(),
        ..item.photo_evidence()
    });
    let source = part.source.as_ref().map(|from| &from.object);
    let relation = ShotRelation {
        key,
        bytes: BytesRelation::Other,
        pictures: *pictures,
        folders: relate_folders(source, evidence, siblings),
    };
    let is_by_hand = part.copied_from().is_none();
    let verdict = match compare_shots(&live.facts(), &evidence.facts(), relation) {
        ShotVerdict::Same if is_by_hand => ShotVerdict::Undecided,
        verdict => verdict,
    };
    let may_be_edit =
        !is_by_hand && key == KeyRelation::Same && *pictures == PictureRelation::Unknown;
    if may_be_edit && needs_picture_data(&live.facts(), &evidence.facts()) {
        return ItemJudgement::ComparePictures;
    }
    let by_other_formats = judge_by_other_formats(item, known, evidence, siblings);
    ItemJudgement::Decided(verdict.max(by_other_formats.min(ShotVerdict::Undecided)))
}

/// Decides by the evidence of the same source key, and of the bytes in its ledger entry. Returns
/// `None` if there is neither evidence nor a ledger entry of this stem.
fn judge_by_same_key(known: &EvidenceList, newcomer: &Newcomer<'_>) -> Option<ShotVerdict> {
    let Newcomer {
        evidence, ledger, ..
    } = newcomer;
    let relation = ShotRelation {
        key: KeyRelation::Same,
        bytes: BytesRelation::Other,
        pictures: PictureRelation::Unknown,
        folders: FolderRelation::Related,
    };
    let of_key = known.iter().filter(|entry| entry.source == evidence.source);
    let of_ledger = match ledger {
        LedgerRelation::Here(content) => content.and_then(|content| known.of_content(content)),
        LedgerRelation::Elsewhere => None,
    };
    let verdicts = of_key
        .chain(of_ledger)
        .map(|entry| compare_shots(&entry.facts(), &evidence.facts(), relation));
    let is_of_ledger = *ledger != LedgerRelation::Elsewhere;
    // The item has no evidence of the bytes in the ledger entry: undecided.
    verdicts
        .max()
        .or(is_of_ledger.then_some(ShotVerdict::Undecided))
}

fn judge_by_other_formats(
    item: &PhotoItem,
    known: &EvidenceList,
    evidence: &Evidence,
    siblings: &SiblingFolders,
) -> ShotVerdict {
    let live = item.live_photo_parts();
    let live: Vec<ContentId> = live.filter_map(|(_, part)| part.content_id()).collect();
    // A hidden photo may have other bytes now, such as an edit of another day. What its older files show
    // is still hidden.
    let counts_all = live.is_empty() || item.is_hidden_by_hand();
    let is_shown = |entry: &&Evidence| counts_all || live.contains(&entry.content);
    let mut best = ShotVerdict::Different;
    for entry in known.iter().filter(is_shown) {
        let relation = ShotRelation {
            key: KeyRelation::Other,
            bytes: BytesRelation::Other,
            pictures: PictureRelation::Unknown,
            folders: relate_folders(entry.source.as_ref(), evidence, siblings),
        };
        best = best.max(compare_shots(&entry.facts(), &evidence.facts(), relation));
    }
    let is_free = known.in_slot(&evidence.slot).next().is_none();
    match is_free {
        true => best,
        false => best.min(ShotVerdict::Undecided),
    }
}

fn relate_folders(
    source: Option<&ObjectRef>,
    evidence: &Evidence,
    siblings: &SiblingFolders,
) -> FolderRelation {
    match (source, &evidence.source) {
        (Some(a), Some(b)) if a.bucket == b.bucket => siblings.relate(&a.key, &b.key),
        _ => FolderRelation::Unrelated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::item::{PartPlacement, PartSource, PartState};
    use crate::identity::{EvidenceState, Slot};
    use crate::privacy::Visibility;

    const SECOND: &str = "2018-02-01T09:41:07";
    const LATER: &str = "2018-02-01T12:00:00";

    fn entry(content: &str, source: &str, taken: Option<&str>, state: EvidenceState) -> Evidence {
        let extension = source.rsplit_once('.').map(|(_, extension)| extension);
        Evidence {
            content: ContentId::of_md5(1, content),
            source: Some(format!("s3://inbox/{source}").parse().expect("an object")),
            slot: Slot::of_extension(extension),
            taken: taken.map(|taken| taken.parse().expect("a time")),
            state,
            ..Evidence::default()
        }
    }

    /// Builds an item with these entries. The seen ones are live parts.
    fn item(entries: &[Evidence]) -> PhotoItem {
        let mut item = PhotoItem::stub("2018-02-01/a");
        for entry in entries {
            item.evidence.add(entry.clone());
            if entry.state == EvidenceState::Seen {
                let part = PhotoPart {
                    content: Some(entry.content.clone()),
                    source: entry.source.clone().map(|object| PartSource {
                        object,
                        etag: "e".to_owned(),
                    }),
                    ..PhotoPart::default()
                };
                item.parts.insert(entry.slot.as_str().to_owned(), part);
            }
        }
        item
    }

    fn judge(item: &PhotoItem, evidence: &Evidence) -> ItemJudgement {
        judge_with(item, evidence, LedgerRelation::Elsewhere)
    }

    fn judge_with(
        item: &PhotoItem,
        evidence: &Evidence,
        ledger: LedgerRelation<'_>,
    ) -> ItemJudgement {
        let newcomer = Newcomer {
            evidence,
            ledger,
            pictures: PictureRelation::Unknown,
        };
        judge_item(item, &newcomer, &SiblingFolders::default())
    }

    const SAME: ItemJudgement = ItemJudgement::Decided(ShotVerdict::Same);
    const UNDECIDED: ItemJudgement = ItemJudgement::Decided(ShotVerdict::Undecided);
    const DIFFERENT: ItemJudgement = ItemJudgement::Decided(ShotVerdict::Different);
    use EvidenceState::{Claimed, Seen};

    #[test]
    fn bytes_that_were_seen_are_the_same_even_if_they_are_gone() {
        let first = entry("1", "t/a.jpg", Some(SECOND), Seen);
        let mut item = item(std::slice::from_ref(&first));
        item.parts.get_mut("jpg").expect("a part").state = PartState::Tombstone;
        assert_eq!(judge(&item, &entry("1", "u/a.jpg", None, Claimed)), SAME);
    }

    #[test]
    fn live_part_of_the_slot_decides() {
        let item = item(&[entry("1", "t/a.jpg", Some(SECOND), Seen)]);
        let edit = entry("2", "t/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &edit), SAME);
        let later = entry("2", "t/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge(&item, &later), ItemJudgement::ComparePictures);
        let other_folder = entry("2", "u/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &other_folder), UNDECIDED);
        let other_shot = entry("2", "u/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge(&item, &other_shot), DIFFERENT);
        // The ledger counts as the same key.
        let here = LedgerRelation::Here(None);
        assert_eq!(judge_with(&item, &other_folder, here), SAME);
    }

    #[test]
    fn file_by_hand_is_never_the_same() {
        let mut item = item(&[entry("1", "t/a.jpg", Some(SECOND), Seen)]);
        item.parts.get_mut("jpg").expect("a part").placement = PartPlacement::ByHand;
        let edit = entry("2", "t/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &edit), UNDECIDED);
        let bare = entry("2", "t/a.jpg", None, Claimed);
        assert_eq!(judge(&item, &bare), UNDECIDED);
    }

    #[test]
    fn other_format_of_the_shot_makes_it_undecided_beside_a_foreign_file() {
        let foreign = entry("1", "t/a.jpg", Some(LATER), Seen);
        let raw = entry("2", "t/a.nef", Some(SECOND), Seen);
        let mut item = item(&[foreign, raw]);
        let jpeg = entry("3", "u/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &jpeg), UNDECIDED);
        item.parts.get_mut("jpg").expect("a part").placement = PartPlacement::ByHand;
        assert_eq!(judge(&item, &jpeg), UNDECIDED);
        item.parts.remove("nef");
        assert_eq!(judge(&item, &jpeg), DIFFERENT);
    }

    #[test]
    fn claimed_bytes_and_the_same_key_decide_without_a_live_part() {
        let item = item(&[entry("1", "t/a.jpg", Some(SECOND), Claimed)]);
        assert_eq!(judge(&item, &entry("1", "u/a.jpg", None, Claimed)), SAME);
        let edit = entry("2", "t/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &edit), SAME);
        let later = entry("2", "t/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge(&item, &later), UNDECIDED);
        let here = LedgerRelation::Here(None);
        let unknown = entry("2", "u/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge_with(&item, &unknown, here), UNDECIDED);
    }

    #[test]
    fn other_format_joins_if_its_slot_is_free() {
        let jpeg = entry("1", "t/a.jpg", Some(SECOND), Seen);
        let raw = entry("2", "u/a.nef", Some(SECOND), Claimed);
        assert_eq!(judge(&item(std::slice::from_ref(&jpeg)), &raw), SAME);
        let undated = entry("2", "t/RAW/a.nef", None, Claimed);
        assert_eq!(judge(&item(std::slice::from_ref(&jpeg)), &undated), SAME);
        let elsewhere = entry("2", "u/a.nef", None, Claimed);
        assert_eq!(
            judge(&item(std::slice::from_ref(&jpeg)), &elsewhere),
            DIFFERENT
        );
        let other_raw = entry("3", "v/a.nef", Some(SECOND), Claimed);
        assert_eq!(judge(&item(&[jpeg, other_raw]), &raw), UNDECIDED);
    }

    #[test]
    fn shot_that_has_passed_a_stem_does_not_come_back() {
        let passed = entry("1", "t/a.jpg", Some(SECOND), Claimed);
        let mut item = PhotoItem::stub("2018-02-01/a");
        item.passed.add(passed);
        assert_eq!(
            judge(&item, &entry("1", "u/a.jpg", None, Claimed)),
            UNDECIDED
        );
        let raw = entry("2", "t/a.nef", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &raw), UNDECIDED);
        let other_shot = entry("3", "u/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge(&item, &other_shot), DIFFERENT);
    }

    #[test]
    fn edit_stays_with_its_live_copy_although_its_shot_has_passed() {
        let mut item = item(&[entry("1", "t/a.nef", Some(SECOND), Seen)]);
        let passed = entry("2", "u/a.jpg", Some(SECOND), Claimed);
        item.passed.add(passed);
        let edit = entry("3", "t/a.nef", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &edit), SAME);
        let other_key = entry("3", "v/a.nef", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &other_key), UNDECIDED);
        item.passed.add(edit.clone());
        assert_eq!(judge(&item, &edit), UNDECIDED);
    }

    #[test]
    fn older_files_of_a_hidden_photo_count() {
        let older = entry("1", "t/a.jpg", Some(SECOND), Claimed);
        let corrected = entry("2", "t/a.jpg", Some(LATER), Seen);
        let mut item = item(&[older, corrected]);
        let copy = entry("3", "u/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &copy), DIFFERENT);
        item.overrides.visibility = Some(Visibility::Private);
        assert_eq!(judge(&item, &copy), UNDECIDED);
    }

    #[test]
    fn item_of_an_older_version_is_judged_by_its_parts_and_record() {
        let mut item = item(&[entry("1", "t/a.jpg", Some(SECOND), Seen)]);
        item.evidence = EvidenceList::default();
        item.photo.record.capture.local = SECOND.parse().ok();
        let edit = entry("2", "t/a.jpg", Some(SECOND), Claimed);
        assert_eq!(judge(&item, &edit), SAME);
        let other_shot = entry("2", "u/a.jpg", Some(LATER), Claimed);
        assert_eq!(judge(&item, &other_shot), DIFFERENT);
        let stub = PhotoItem::stub("2018-02-01/a");
        assert_eq!(judge(&stub, &other_shot), SAME);
    }
}
