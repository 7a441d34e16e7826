//! The evidence of an item: what it records of each file that was ever claimed or seen under its
//! stem.

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::content_id::ContentId;
use super::same_shot::ShotFacts;
use crate::object::ObjectRef;

/// The maximum number of entries of one list that keep all fields. An older entry keeps only its
/// content id, its source key, its slot, and whether it is claimed or seen.
const MAX_FULL_ENTRIES: usize = 32;
/// The maximum size of all entries together, in bytes. If they are larger, the oldest are removed.
/// An item of DynamoDB has at most 400 KB, and most of it is needed for the record.
const MAX_BYTES: usize = 64 << 10;
/// The size of an entry without its texts, in bytes: the names of its fields.
const ENTRY_BYTES: usize = 48;

/// A slot of an item: one format of its shot. An item has at most one archived file in each slot.
///
/// The slot is the extension in lower case, and the extensions of one format have one slot.
///
/// ```
/// use photo_catalogue::identity::Slot;
///
/// assert_eq!(Slot::of_extension(Some("JPEG")), Slot::of_extension(Some("jpg")));
/// assert_ne!(Slot::of_extension(Some("nef")), Slot::of_extension(None));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(String);

impl Slot {
    /// Returns the slot of a file with this extension.
    pub fn of_extension(extension: Option<&str>) -> Self {
        let extension = extension.unwrap_or_default().to_lowercase();
        let slot = match extension.as_str() {
            "jpeg" | "jpe" | "jfif" => "jpg",
            "tiff" => "tif",
            "heif" | "hif" => "heic",
            other => other,
        };
        Slot(slot.to_owned())
    }

    /// Returns the text of the slot, such as `jpg`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The evidence of one file: an entry of an [`EvidenceList`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// The content id of the file.
    pub content: ContentId,
    /// The source object of the file. `None` if a person or another program put the file into the
    /// archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ObjectRef>,
    /// The format of the file.
    pub slot: Slot,
    /// The capture time to the second, from the file's metadata. `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<NaiveDateTime>,
    /// The camera model. `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The serial number of the camera body. `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// How far ingest has processed the file. It is stored as the attribute `seen`.
    #[serde(rename = "seen")]
    pub state: EvidenceState,
}

/// How far ingest has processed the file of an entry. It is stored as the boolean `seen`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum EvidenceState {
    /// Organise has claimed the stem for the file. Its copy may be in the archive, or not yet.
    #[default]
    Claimed,
    /// Index has seen the file in the archive under this stem. It may be gone by now.
    Seen,
}

impl From<bool> for EvidenceState {
    fn from(seen: bool) -> Self {
        match seen {
            true => EvidenceState::Seen,
            false => EvidenceState::Claimed,
        }
    }
}

impl From<EvidenceState> for bool {
    fn from(state: EvidenceState) -> Self {
        state == EvidenceState::Seen
    }
}

impl Evidence {
    /// Returns what the entry records of the shot.
    pub fn facts(&self) -> ShotFacts<'_> {
        ShotFacts {
            slot: &self.slot,
            taken: self.taken,
            model: self.model.as_deref(),
            serial: self.serial.as_deref(),
        }
    }

    fn is_of_same_file(&self, other: &Evidence) -> bool {
        self.content == other.content && self.source == other.source && self.slot == other.slot
    }

    fn size(&self) -> usize {
        let source = self.source.as_ref();
        let source = source.map_or(0, |source| source.key.len() + source.bucket.as_str().len());
        let texts = [self.model.as_ref(), self.serial.as_ref()];
        let texts: usize = texts.into_iter().flatten().map(String::len).sum();
        ENTRY_BYTES + self.content.as_str().len() + source + texts
    }
}

/// The evidence of an item, from the oldest entry to the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceList(Vec<Evidence>);

impl EvidenceList {
    /// Returns `true` if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns all entries, from the oldest to the newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.0.iter()
    }

    /// Returns the entries of a slot, from the oldest to the newest.
    pub fn in_slot<'a>(&'a self, slot: &'a Slot) -> impl DoubleEndedIterator<Item = &'a Evidence> {
        self.0.iter().filter(move |entry| entry.slot == *slot)
    }

    /// Returns the newest entry of a file with these bytes, or `None` if there is none.
    pub fn of_content(&self, content: &ContentId) -> Option<&Evidence> {
        self.0.iter().rfind(|entry| entry.content == *content)
    }

    /// Reports whether index has seen a file with these bytes under the stem.
    pub fn has_seen(&self, content: &ContentId) -> bool {
        let mut entries = self.0.iter();
        entries.any(|entry| entry.content == *content && entry.state == EvidenceState::Seen)
    }

    /// Reports whether a file with these bytes was claimed or seen under the stem.
    pub fn has(&self, content: &ContentId) -> bool {
        self.of_content(content).is_some()
    }

    /// Returns the source object that claimed these bytes first. Returns `None` if the bytes are not
    /// known, or if no entry of them has a source.
    pub fn claimant(&self, content: &ContentId) -> Option<&ObjectRef> {
        let mut entries = self.0.iter().filter(|entry| entry.content == *content);
        entries.find_map(|entry| entry.source.as_ref())
    }

    /// Returns the content ids of all files that are known in a slot.
    pub fn contents_in(&self, slot: &Slot) -> BTreeSet<ContentId> {
        self.in_slot(slot)
            .map(|entry| entry.content.clone())
            .collect()
    }

    /// Adds an entry as the newest one, and removes the earlier entry of the same file. Then limits
    /// the list: only the newest 32 entries keep all fields, and the oldest entries are removed if
    /// the list has more than 64 KB.
    pub fn add(&mut self, entry: Evidence) {
        self.0.retain(|known| !known.is_of_same_file(&entry));
        self.0.push(entry);
        let oldest = self.0.len().saturating_sub(MAX_FULL_ENTRIES);
        for entry in &mut self.0[..oldest] {
            (entry.taken, entry.model, entry.serial) = (None, None, None);
        }
        let mut size = self.0.iter().map(Evidence::size).sum::<usize>();
        while size > MAX_BYTES && self.0.len() > 1 {
            size -= self.0.remove(0).size();
        }
    }

    /// Removes the claim of these bytes by `source`. An entry that was seen stays.
    pub fn remove_claim(&mut self, content: &ContentId, source: Option<&ObjectRef>) {
        self.0.retain(|entry| {
            entry.state == EvidenceState::Seen
                || entry.content != *content
                || entry.source.as_ref() != source
        });
    }

    /// Replaces all entries of these bytes by one entry of `source`, which is claimed and not seen. A
    /// copy of the bytes may then be made again, although a person removed an earlier one.
    pub fn forget_sighting(&mut self, content: &ContentId, source: &ObjectRef) {
        let Some(known) = self.of_content(content).cloned() else {
            return;
        };
        self.0.retain(|entry| entry.content != *content);
        self.add(Evidence {
            source: Some(source.clone()),
            state: EvidenceState::Claimed,
            ..known
        });
    }
}

impl FromIterator<Evidence> for EvidenceList {
    fn from_iter<T: IntoIterator<Item = Evidence>>(entries: T) -> Self {
        let mut list = EvidenceList::default();
        entries.into_iter().for_each(|entry| list.add(entry));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, state: EvidenceState) -> Evidence {
        Evidence {
            content: ContentId::of_md5(1, &number.to_string()),
            source: Some("s3://inbox/a.jpg".parse().expect("an object")),
            slot: Slot::of_extension(Some("jpg")),
            model: Some("NIKON D750".to_owned()),
            state,
            ..Evidence::default()
        }
    }

    #[test]
    fn claimed_bytes_become_seen_ones() {
        let mut list = EvidenceList::from_iter([entry(1, EvidenceState::Claimed)]);
        let content = ContentId::of_md5(1, "1");
        assert!(list.has(&content) && !list.has_seen(&content));
        list.add(entry(1, EvidenceState::Seen));
        assert!(list.has_seen(&content) && list.iter().count() == 1);
        list.remove_claim(&content, entry(1, EvidenceState::Seen).source.as_ref());
        assert!(list.has_seen(&content));
        let second = "s3://inbox/b.jpg".parse().expect("an object");
        list.forget_sighting(&content, &second);
        assert!(list.has(&content) && !list.has_seen(&content));
        assert_eq!(list.claimant(&content), Some(&second));
        list.remove_claim(&content, Some(&second));
        assert!(list.is_empty());
    }

    #[test]
    fn old_entries_lose_their_facts_and_then_go() {
        let list: EvidenceList = (0..100).map(|n| entry(n, EvidenceState::Seen)).collect();
        assert_eq!(list.iter().count(), 100);
        let full = list.iter().filter(|entry| entry.model.is_some());
        assert_eq!(full.count(), MAX_FULL_ENTRIES);
        assert!(
            list.iter()
                .next_back()
                .is_some_and(|last| last.model.is_some())
        );
        let list: EvidenceList = (0..5_000).map(|n| entry(n, EvidenceState::Seen)).collect();
        let size: usize = list.iter().map(Evidence::size).sum();
        assert!(size <= MAX_BYTES && size > MAX_BYTES - 200, "{size}");
        assert!(list.has_seen(&ContentId::of_md5(1, "4999")));
        assert!(!list.has(&ContentId::of_md5(1, "0")));
    }
}
