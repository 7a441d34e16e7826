//! Compares archive, source, items and ledger with each other, and reports the differences. This
//! module does no I/O. The caller provides a scan of the table and two listings. No object is read.
//!
//! The caller must scan the table before it lists the buckets. A file that arrives between the two
//! is then only in a listing, and its Last-Modified shows that it is new.
//!
//! ```
//! use std::collections::BTreeSet;
//! use chrono::{DateTime, Utc};
//! use photo_catalogue::archive::Layout;
//! use photo_catalogue::ingest::reconcile::{FaultKind, Reconciliation};
//! use photo_catalogue::ingest::survey::ListedObject;
//! use photo_catalogue::skipped_names::SkippedNames;
//!
//! let layout = Layout::new("inbox", "", "archive", "")?;
//! let names = SkippedNames::default();
//! let settled = DateTime::<Utc>::MAX_UTC;
//! let reconciliation = Reconciliation::new(&layout, &names, settled, BTreeSet::new());
//! let upload = ListedObject {
//!     key: "foobar.jpg".to_owned(),
//!     etag: "d41d8cd9".to_owned(),
//!     size_bytes: 1,
//!     last_modified: None,
//! };
//! // No ledger entry lists these bytes.
//! let faults = reconciliation.into_faults(&[upload], &[]);
//! assert_eq!(faults[0].kind, FaultKind::Unarchived);
//! assert_eq!(faults[0].subject, "foobar.jpg");
//! # Ok::<(), photo_catalogue::archive::LayoutError>(())
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use photo_metadata::EXTRACTOR_VERSION;
use serde::Serialize;

use super::survey::ListedObject;
use crate::archive::{Layout, SidecarKind};
use crate::catalogue::date_partition::DatePartition;
use crate::catalogue::item::{LedgerEntry, PartSource, PhotoItemHeader};
use crate::identity::{ContentId, EvidenceState};
use crate::object::{ObjectRef, ObjectVersion};
use crate::skipped_names::SkippedNames;

/// The kind of a fault: a difference between uploads, archive, ledger, items and counts. The
/// variants are in the order in which faults are repaired: first the archive and the ledger, then
/// the items, then the pictures, then the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// An upload whose bytes ingest has not processed.
    Unarchived,
    /// An upload whose copy is lost. The ledger lists the copy, but the copy does not exist, and
    /// nothing shows that a person removed it.
    Uncopied,
    /// A copy that was made from older bytes than the upload has now.
    Superseded,
    /// A ledger entry whose object is gone. Neither the archive nor the catalogue has a copy of
    /// this object.
    Orphaned,
    /// A file in the archive that the catalogue does not list.
    Unindexed,
    /// An item that describes other bytes than the file in the archive has now.
    Outdated,
    /// A file that an item lists, but whose name is never a photo's, or that is the copy of an upload
    /// with such a name.
    SkippedName,
    /// A file that an item lists, but that is gone from the archive.
    Missing,
    /// An item that has files but is in no date partition, so no list shows it.
    Unlisted,
    /// A date partition, such as a year or `undated`, that has photos but is not registered. The
    /// gallery does not list it.
    #[serde(rename = "unknown-year")]
    UnregisteredPartition,
    /// A claimed stem without a file in the archive.
    Stub,
    /// A public photo whose pictures are missing or overdue.
    Unpictured,
    /// A photo that must have no pictures, but has some.
    UnwantedPictures,
    /// Pictures that no item names.
    StrayPictures,
    /// A month with wrong counts.
    Miscounted,
}

impl FaultKind {
    /// All kinds, in the order of their repairs.
    pub const ALL: [FaultKind; 15] = [
        FaultKind::Unarchived,
        FaultKind::Uncopied,
        FaultKind::Superseded,
        FaultKind::Orphaned,
        FaultKind::Unindexed,
        FaultKind::Outdated,
        FaultKind::SkippedName,
        FaultKind::Missing,
        FaultKind::Unlisted,
        FaultKind::UnregisteredPartition,
        FaultKind::Stub,
        FaultKind::Unpictured,
        FaultKind::UnwantedPictures,
        FaultKind::StrayPictures,
        FaultKind::Miscounted,
    ];

    /// Returns a description of the fault for a person.
    pub fn description(self) -> &'static str {
        match self {
            FaultKind::Unarchived => "upload that is not archived",
            FaultKind::Uncopied => "upload whose copy is lost",
            FaultKind::Superseded => "copy of older bytes than its upload",
            FaultKind::Orphaned => "ledger entry that leads nowhere",
            FaultKind::Unindexed => "file of the archive that is not in the catalogue",
            FaultKind::Outdated => "photo whose file has changed",
            FaultKind::SkippedName => {
                "photo whose file or upload has a name that is never a photo's"
            }
            FaultKind::Missing => "photo whose file is gone",
            FaultKind::Unlisted => "photo that is in no list",
            FaultKind::UnregisteredPartition => "year that the gallery does not list",
            FaultKind::Stub => "claimed name without a file",
            FaultKind::Unpictured => "photo whose pictures are missing",
            FaultKind::UnwantedPictures => "photo that must have no pictures",
            FaultKind::StrayPictures => "pictures of no photo",
            FaultKind::Miscounted => "month with wrong counts",
        }
    }

    /// Returns a description of the repair for a person.
    pub fn remedy(self) -> &'static str {
        match self {
            FaultKind::Unarchived | FaultKind::Superseded => "archive it",
            FaultKind::Uncopied => "archive it again",
            FaultKind::Orphaned => "forget it",
            FaultKind::Unindexed | FaultKind::Outdated => "read it and write its record",
            FaultKind::SkippedName => "take it out of the catalogue; the file stays",
            FaultKind::Missing => "record that it was removed; `photos restore` brings it back",
            FaultKind::Unlisted => "list it",
            FaultKind::UnregisteredPartition => "register it",
            FaultKind::Stub => "record that no file came; the name stays claimed",
            FaultKind::Unpictured => "make them",
            FaultKind::UnwantedPictures | FaultKind::StrayPictures => "delete them",
            FaultKind::Miscounted => "count it again",
        }
    }
}

/// A fault that a comparison found: a difference between uploads, archive, ledger, items and
/// counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReconcileFault {
    /// The kind of the fault.
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// The key, stem, date partition or month that is wrong. The kind of the fault decides which of
    /// these it is.
    #[serde(rename = "of")]
    pub subject: String,
    /// The bucket, if `subject` is a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
}

/// The fields of a part (one file of an item) that the comparison needs.
struct RecordedPart {
    /// The version of the file (ETag and Last-Modified). `None` for a tombstone.
    version: Option<ObjectVersion>,
    /// `true` if the part describes a file that must be in the archive.
    describes_file: bool,
    source: Option<PartSource>,
    content: Option<ContentId>,
}

/// The fields of a ledger entry that the comparison needs.
struct RecordedVerdict {
    version: ObjectVersion,
    archive_key: Option<String>,
    content: Option<ContentId>,
    extractor_version: u32,
}

impl RecordedVerdict {
    /// Reports whether the present extractor skipped this version of an object.
    fn is_current_skip(&self, listed: &ListedObject) -> bool {
        self.archive_key.is_none()
            && self.extractor_version >= EXTRACTOR_VERSION
            && listed.has_version(&self.version)
    }
}

/// A comparison of the catalogue with the listings of source and archive. The caller adds all items
/// and ledger entries, and then calls [`Reconciliation::into_faults`] with the listings. A
/// comparison needs about 500 bytes of memory for each photo.
pub struct Reconciliation {
    layout: Layout,
    skipped_names: SkippedNames,
    /// The latest Last-Modified of the files that are compared. Later files are ignored, because
    /// ingest may still work on them.
    settled: DateTime<Utc>,
    date_partitions: BTreeSet<DatePartition>,
    /// The parts of all items, by archive key.
    parts: HashMap<String, RecordedPart>,
    /// The stems with the bytes that index has seen there.
    seen: HashSet<(String, ContentId)>,
    stubs: BTreeSet<String>,
    ledger: HashMap<ObjectRef, RecordedVerdict>,
    /// The archive keys of the copies of uploads whose names are never a photo's. These copies were
    /// made before the names were skipped.
    copies_of_skipped: HashSet<String>,
    faults: Vec<ReconcileFault>,
}

impl Reconciliation {
    /// Starts a comparison without items and ledger entries. `skipped_names` are the names that are
    /// never a photo's. The comparison ignores files that were written after `settled`.
    /// `date_partitions` are the date partitions that the catalogue has
    /// registered.
    pub fn new(
        layout: &Layout,
        skipped_names: &SkippedNames,
        settled: DateTime<Utc>,
        date_partitions: BTreeSet<DatePartition>,
    ) -> Self {
        Reconciliation {
            layout: layout.clone(),
            skipped_names: skipped_names.clone(),
            settled,
            date_partitions,
            parts: HashMap::new(),
            seen: HashSet::new(),
            stubs: BTreeSet::new(),
            ledger: HashMap::new(),
            copies_of_skipped: HashSet::new(),
            faults: Vec::new(),
        }
    }

    /// Adds an item to the comparison.
    pub fn add_photo(&mut self, item: PhotoItemHeader) {
        let seen = item
            .evidence
            .iter()
            .filter(|entry| entry.state == EvidenceState::Seen);
        let seen = seen.map(|entry| (item.stem.clone(), entry.content.clone()));
        self.seen.extend(seen);
        // A sidecar has no evidence. Its part shows that index has seen it.
        let sidecars = item.parts.iter();
        let sidecars = sidecars.filter(|(name, _)| SidecarKind::of_part(name).is_some());
        let contents = sidecars.filter_map(|(_, part)| part.content.clone());
        self.seen
            .extend(contents.map(|content| (item.stem.clone(), content)));
        if item.parts.is_empty() {
            self.stubs.insert(item.stem);
            return;
        }
        match item.date_partition {
            None if item.has_live_photo() => {
                self.add_fault(FaultKind::Unlisted, item.stem);
            }
            // A partition is reported once, not once for each of its photos.
            Some(partition) if !self.date_partitions.contains(&partition) => {
                self.add_fault(FaultKind::UnregisteredPartition, partition.to_string());
                self.date_partitions.insert(partition);
            }
            _ => {}
        }
        for part in item.parts.into_values() {
            let recorded = RecordedPart {
                version: part.version(),
                describes_file: part.describes_present_file(),
                source: part.source,
                content: part.content,
            };
            self.parts.insert(part.key, recorded);
        }
    }

    /// Adds a ledger entry to the comparison. Ignores an entry whose object is under neither
    /// prefix, because no listing contains that object.
    pub fn add_ledger_entry(&mut self, entry: LedgerEntry) {
        if self.layout.place(&entry.object).is_some() {
            if self.has_skipped_name(&entry.object) {
                self.copies_of_skipped.extend(entry.archive_key.clone());
            }
            let verdict = RecordedVerdict {
                archive_key: entry.copied_to().map(str::to_owned),
                version: entry.version,
                content: entry.content,
                extractor_version: entry.extractor_version,
            };
            self.ledger.insert(entry.object, verdict);
        }
    }

    /// Compares the added items and ledger entries with the listings of source and archive. Returns
    /// the faults in the order of their repairs.
    pub fn into_faults(
        mut self,
        source: &[ListedObject],
        archive: &[ListedObject],
    ) -> Vec<ReconcileFault> {
        let copies: HashSet<&str> = archive.iter().map(|copy| copy.key.as_str()).collect();
        for upload in source {
            self.check_upload(upload, &copies);
        }
        for copy in archive {
            self.check_copy(copy);
        }
        self.check_missing_files(&copies);
        self.check_orphans(source, &copies);
        let stems: HashSet<String> = archive
            .iter()
            .filter_map(|copy| Some(self.layout.archive_key(&copy.key)?.stem().to_owned()))
            .collect();
        // If the archive has a file with this stem, the file is reported as unindexed, not as a
        // stub.
        for stem in std::mem::take(&mut self.stubs) {
            if !stems.contains(&stem) {
                self.add_fault(FaultKind::Stub, stem);
            }
        }
        self.faults.sort();
        self.faults
    }

    fn check_upload(&mut self, upload: &ListedObject, copies: &HashSet<&str>) {
        let object = self.layout.source_bucket().object(&upload.key);
        if self.is_recent(upload) || self.layout.place(&object).is_none() {
            return;
        }
        if self.has_skipped_name(&object) {
            return;
        }
        let verdict = self.ledger.get(&object);
        let kind = match verdict.filter(|verdict| upload.has_version(&verdict.version)) {
            None => FaultKind::Unarchived,
            Some(verdict) => {
                let Some(archive_key) = &verdict.archive_key else {
                    if !verdict.is_current_skip(upload) {
                        self.add_object_fault(FaultKind::Unarchived, object);
                    }
                    return;
                };
                let part = self.parts.get(archive_key);
                let from = part.and_then(|part| part.source.as_ref());
                // A store may give equal bytes another ETag.
                let content = part.and_then(|part| part.content.as_ref());
                let is_equal = content.is_some() && content == verdict.content.as_ref();
                let is_older = from.is_some_and(|from| {
                    from.object == object && from.etag != verdict.version.etag && !is_equal
                });
                match (part, copies.contains(archive_key.as_str())) {
                    (None, false) => FaultKind::Uncopied,
                    // A removed file was seen before. This one never was.
                    (Some(part), false) if !part.describes_file && self.is_unseen(verdict) => {
                        FaultKind::Uncopied
                    }
                    (Some(_), true) if is_older => FaultKind::Superseded,
                    _ => return,
                }
            }
        };
        self.add_object_fault(kind, object);
    }

    fn check_copy(&mut self, copy: &ListedObject) {
        if self.is_recent(copy) {
            return;
        }
        let object = self.layout.archive_bucket().object(&copy.key);
        let part = self.parts.get(&copy.key);
        let version = part.and_then(|part| part.version.as_ref());
        let source = part.and_then(|part| part.source.as_ref());
        let has_skipped_source = self.copies_of_skipped.contains(&copy.key)
            || source.is_some_and(|source| self.has_skipped_name(&source.object));
        if has_skipped_source || self.has_skipped_name(&object) {
            if version.is_some() {
                self.add_object_fault(FaultKind::SkippedName, object);
            }
            return;
        }
        let kind = match version {
            Some(version) if copy.has_version(version) => return,
            Some(_) => FaultKind::Outdated,
            None => {
                let verdict = self.ledger.get(&object);
                if verdict.is_some_and(|verdict| verdict.is_current_skip(copy)) {
                    return;
                }
                FaultKind::Unindexed
            }
        };
        self.add_object_fault(kind, object);
    }

    fn check_missing_files(&mut self, copies: &HashSet<&str>) {
        let described = self.parts.iter().filter(|(_, part)| part.describes_file);
        let missing: Vec<ObjectRef> = described
            .filter(|(key, _)| !copies.contains(key.as_str()))
            .map(|(key, _)| self.layout.archive_bucket().object(key))
            .collect();
        for object in missing {
            self.add_object_fault(FaultKind::Missing, object);
        }
    }

    fn check_orphans(&mut self, source: &[ListedObject], copies: &HashSet<&str>) {
        let uploads: HashSet<&str> = source.iter().map(|upload| upload.key.as_str()).collect();
        let is_there = |object: &ObjectRef| {
            let key = object.key.as_str();
            if object.bucket == *self.layout.source_bucket()
                && self.layout.source_prefix().strip(key).is_some()
            {
                uploads.contains(key)
            } else {
                copies.contains(key)
            }
        };
        let has_copy = |verdict: &RecordedVerdict| {
            verdict.archive_key.as_ref().is_some_and(|archive_key| {
                copies.contains(archive_key.as_str()) || self.parts.contains_key(archive_key)
            })
        };
        let orphans: Vec<ObjectRef> = self
            .ledger
            .iter()
            .filter(|(object, verdict)| !is_there(object) && !has_copy(verdict))
            .map(|(object, _)| object.clone())
            .collect();
        for object in orphans {
            self.add_object_fault(FaultKind::Orphaned, object);
        }
    }

    /// Reports whether index has never seen the bytes of a ledger entry under their stem. Returns
    /// `false` if an older version of this program wrote the entry.
    fn is_unseen(&self, verdict: &RecordedVerdict) -> bool {
        let key = verdict.archive_key.as_deref();
        let key = key.and_then(|key| self.layout.archive_key(key));
        match (key, &verdict.content) {
            (Some(key), Some(content)) => {
                let seen = (key.stem().to_owned(), content.clone());
                !self.seen.contains(&seen)
            }
            _ => false,
        }
    }

    fn has_skipped_name(&self, object: &ObjectRef) -> bool {
        let reason = self.skipped_names.reason_for_object(&self.layout, object);
        reason.is_some()
    }

    fn is_recent(&self, listed: &ListedObject) -> bool {
        listed.last_modified.is_some_and(|time| time > self.settled)
    }

    fn add_fault(&mut self, kind: FaultKind, subject: String) {
        self.faults.push(ReconcileFault {
            kind,
            subject,
            bucket: None,
        });
    }

    fn add_object_fault(&mut self, kind: FaultKind, object: ObjectRef) {
        self.faults.push(ReconcileFault {
            kind,
            subject: object.key,
            bucket: Some(object.bucket.to_string()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::item::{LedgerOutcome, PhotoPart};

    const KEY: &str = "2018-02-01/foobar.NEF";

    fn listed() -> ListedObject {
        ListedObject {
            key: KEY.to_owned(),
            etag: "1".to_owned(),
            size_bytes: 1,
            last_modified: None,
        }
    }

    /// Compares one file of the archive, which an extractor of this version skipped, with a listing
    /// of the archive. Returns the kinds of the faults.
    fn compare_skipped(extractor_version: u32, archive: &[ListedObject]) -> Vec<FaultKind> {
        let layout = Layout::new("inbox", "", "archive", "").expect("two buckets");
        let names = SkippedNames::default();
        let partitions = BTreeSet::new();
        let mut books = Reconciliation::new(&layout, &names, DateTime::<Utc>::MAX_UTC, partitions);
        let object = layout.archive_bucket().object(KEY);
        let tombstone = PhotoPart::skipped(KEY, None, "cut short");
        books.add_photo(PhotoItemHeader {
            stem: "2018-02-01/foobar".to_owned(),
            parts: [("NEF".to_owned(), tombstone)].into(),
            ..PhotoItemHeader::default()
        });
        books.add_ledger_entry(LedgerEntry {
            pk: LedgerEntry::pk(&object),
            object,
            version: ObjectVersion {
                etag: "1".to_owned(),
                last_modified: "2018-02-01T08:41:07Z".to_owned(),
            },
            outcome: LedgerOutcome::Skipped,
            reason: Some("cut short".to_owned()),
            archive_key: None,
            content: None,
            extractor_version,
        });
        let faults = books.into_faults(&[], archive).into_iter();
        faults.map(|fault| fault.kind).collect()
    }

    #[test]
    fn file_that_an_older_extractor_skipped_is_read_again() {
        assert_eq!(compare_skipped(EXTRACTOR_VERSION, &[listed()]), []);
        let older = compare_skipped(EXTRACTOR_VERSION - 1, &[listed()]);
        assert_eq!(older, [FaultKind::Unindexed]);
    }

    #[test]
    fn gap_of_a_file_that_is_gone_is_reported() {
        let gone = compare_skipped(EXTRACTOR_VERSION, &[]);
        assert!(gone.contains(&FaultKind::Missing), "{gone:?}");
    }
}
