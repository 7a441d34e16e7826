//! Archive, source, items and ledger held against each other, in every direction. Pure: a scan of the table and two
//! listings go in, what does not fit comes out. No object is looked at.
//!
//! What is scanned is to be older than what is listed: then a file that came meanwhile is one that is listed only, and
//! its age tells it.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::survey::ListedObject;
use crate::archive::Layout;
use crate::catalogue::item::{LedgerEntry, ObjectVersion, PartSource, PhotoItemHeader};

/// What does not fit. The order is that in which it is mended: what an upload still brings comes before what is left of
/// an upload that will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// An upload whose bytes nobody has dealt with.
    Unarchived,
    /// An upload that the ledger says is archived, and there is no copy, and no sign that it was removed by hand.
    Uncopied,
    /// A copy of older bytes than its upload holds.
    Superseded,
    /// A ledger entry of an upload that is gone, whose copy nobody knows of.
    Orphaned,
    /// A copy without an item.
    Unindexed,
    /// An item that speaks of other bytes than its copy holds.
    Outdated,
    /// An item's file that is not there.
    Missing,
    /// An item with files that no listing shows.
    Unlisted,
    /// A year, or `undated`, that holds photos and that the gallery does not know of.
    UnknownYear,
    /// A name that was claimed, with nothing under it.
    Stub,
    /// A month whose counts are off.
    Miscounted,
}

impl FaultKind {
    /// All of them, in order.
    pub const ALL: [FaultKind; 11] = [
        FaultKind::Unarchived,
        FaultKind::Uncopied,
        FaultKind::Superseded,
        FaultKind::Orphaned,
        FaultKind::Unindexed,
        FaultKind::Outdated,
        FaultKind::Missing,
        FaultKind::Unlisted,
        FaultKind::UnknownYear,
        FaultKind::Stub,
        FaultKind::Miscounted,
    ];

    /// What it is, for a person.
    pub fn description(self) -> &'static str {
        match self {
            FaultKind::Unarchived => "upload that is not archived",
            FaultKind::Uncopied => "upload whose copy is lost",
            FaultKind::Superseded => "copy of older bytes than its upload",
            FaultKind::Orphaned => "ledger entry that leads nowhere",
            FaultKind::Unindexed => "file of the archive that is not in the catalogue",
            FaultKind::Outdated => "photo whose file has changed",
            FaultKind::Missing => "photo whose file is gone",
            FaultKind::Unlisted => "photo that no listing shows",
            FaultKind::UnknownYear => "year that the gallery does not know of",
            FaultKind::Stub => "name claimed by nothing",
            FaultKind::Miscounted => "month whose counts are off",
        }
    }

    /// What mends it, for a person.
    pub fn remedy(self) -> &'static str {
        match self {
            FaultKind::Unarchived | FaultKind::Superseded => "archive it",
            FaultKind::Uncopied => "forget the ledger entry, and archive it anew",
            FaultKind::Orphaned => "forget it",
            FaultKind::Unindexed | FaultKind::Outdated => "read it and write its record",
            FaultKind::Missing => "record that it was removed; `photos restore` brings it back",
            FaultKind::Unlisted => "list it",
            FaultKind::UnknownYear => "make it known",
            FaultKind::Stub => "record that nothing came; the name stays its owner's",
            FaultKind::Miscounted => "have it counted anew",
        }
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReconcileFault {
    /// What.
    pub fault: FaultKind,
    /// A key, a stem, a date partition or a month, by its kind.
    pub of: String,
    /// The bucket of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
}

/// What was seen of a part, in short.
struct RecordedPart {
    /// Absent for a tombstone.
    version: Option<ObjectVersion>,
    source: Option<PartSource>,
}

/// What the ledger says of bytes, in short.
struct LedgerRecord {
    bucket: String,
    version: ObjectVersion,
    archive_key: Option<String>,
}

/// Gathers, and then tells. Holds some 500 bytes a photo.
pub struct Reconciliation {
    layout: Layout,
    /// Files that are younger are left out: somebody may be at work on them.
    settled: DateTime<Utc>,
    years: BTreeSet<String>,
    /// By archive key.
    parts: HashMap<String, RecordedPart>,
    stubs: BTreeSet<String>,
    /// By bucket and key.
    ledger: HashMap<String, LedgerRecord>,
    faults: Vec<ReconcileFault>,
}

impl Reconciliation {
    /// Over this layout. `years` are the date partitions that the catalogue knows of.
    pub fn new(layout: &Layout, settled: DateTime<Utc>, years: BTreeSet<String>) -> Self {
        Reconciliation {
            layout: layout.clone(),
            settled,
            years,
            parts: HashMap::new(),
            stubs: BTreeSet::new(),
            ledger: HashMap::new(),
            faults: Vec::new(),
        }
    }

    /// Takes an item.
    pub fn add_photo(&mut self, item: PhotoItemHeader) {
        if item.parts.is_empty() {
            self.stubs.insert(item.stem);
            return;
        }
        match item.date_partition {
            None if item.parts.values().any(|part| !part.removed) => {
                self.fault(FaultKind::Unlisted, item.stem);
            }
            // One fault, however many photos.
            Some(partition) if !self.years.contains(&partition) => {
                self.fault(FaultKind::UnknownYear, partition.clone());
                self.years.insert(partition);
            }
            _ => {}
        }
        for part in item.parts.into_values() {
            let recorded = RecordedPart {
                version: part.version(),
                source: part.source,
            };
            self.parts.insert(part.key, recorded);
        }
    }

    /// Takes a ledger entry. Those of other buckets than the layout's lead nowhere that is seen here, and are left out.
    pub fn add_ledger_entry(&mut self, entry: LedgerEntry) {
        if self.layout.place(&entry.bucket, &entry.key).is_some() {
            let noted = LedgerRecord {
                bucket: entry.bucket,
                version: entry.version,
                archive_key: entry.archive_key,
            };
            self.ledger
                .insert(format!("{}/{}", noted.bucket, entry.key), noted);
        }
    }

    /// What does not fit, in the order in which it is mended.
    pub fn into_faults(
        mut self,
        source: &[ListedObject],
        archive: &[ListedObject],
    ) -> Vec<ReconcileFault> {
        let copies: HashSet<&str> = archive.iter().map(|copy| copy.key.as_str()).collect();
        for upload in source {
            self.upload(upload, &copies);
        }
        for copy in archive {
            self.copy(copy);
        }
        let live = self.parts.iter().filter(|(_, part)| part.version.is_some());
        let missing: Vec<String> = live
            .filter(|(key, _)| !copies.contains(key.as_str()))
            .map(|(key, _)| key.clone())
            .collect();
        for key in missing {
            self.fault_in(
                FaultKind::Missing,
                self.layout.archive_bucket().to_owned(),
                key,
            );
        }
        self.orphans(source, &copies);
        let stems: HashSet<String> = archive
            .iter()
            .filter_map(|copy| Some(self.layout.archive_key(&copy.key)?.stem().to_owned()))
            .collect();
        // What lies under a claimed name is a copy without an item.
        for stem in std::mem::take(&mut self.stubs) {
            if !stems.contains(&stem) {
                self.fault(FaultKind::Stub, stem);
            }
        }
        self.faults.sort();
        self.faults
    }

    fn upload(&mut self, upload: &ListedObject, copies: &HashSet<&str>) {
        let bucket = self.layout.source_bucket().to_owned();
        if self.is_young(upload) || self.layout.place(&bucket, &upload.key).is_none() {
            return;
        }
        let noted = self.ledger.get(&format!("{bucket}/{}", upload.key));
        let kind = match noted.filter(|noted| upload.is(&noted.version)) {
            None => FaultKind::Unarchived,
            Some(noted) => {
                let Some(archive_key) = &noted.archive_key else {
                    return;
                };
                let part = self.parts.get(archive_key);
                let from = part.and_then(|part| part.source.as_ref());
                let is_older = from.is_some_and(|from| {
                    from.bucket == bucket
                        && from.key == upload.key
                        && from.etag != noted.version.etag
                });
                match (part, copies.contains(archive_key.as_str())) {
                    (None, false) => FaultKind::Uncopied,
                    (Some(_), true) if is_older => FaultKind::Superseded,
                    _ => return,
                }
            }
        };
        self.fault_in(kind, bucket, upload.key.clone());
    }

    fn copy(&mut self, copy: &ListedObject) {
        if self.is_young(copy) {
            return;
        }
        let bucket = self.layout.archive_bucket().to_owned();
        let part = self.parts.get(&copy.key);
        let kind = match part.and_then(|part| part.version.as_ref()) {
            Some(version) if copy.is(version) => return,
            Some(_) => FaultKind::Outdated,
            None => {
                let noted = self.ledger.get(&format!("{bucket}/{}", copy.key));
                let is_no_photo = noted
                    .is_some_and(|noted| noted.archive_key.is_none() && copy.is(&noted.version));
                if is_no_photo {
                    return;
                }
                FaultKind::Unindexed
            }
        };
        self.fault_in(kind, bucket, copy.key.clone());
    }

    fn orphans(&mut self, source: &[ListedObject], copies: &HashSet<&str>) {
        let uploads: HashSet<&str> = source.iter().map(|upload| upload.key.as_str()).collect();
        let mut orphans = Vec::new();
        for (name, noted) in &self.ledger {
            let Some(key) = name.get(noted.bucket.len() + 1..) else {
                continue;
            };
            let is_there = if noted.bucket == self.layout.source_bucket()
                && key.starts_with(self.layout.source_prefix())
            {
                uploads.contains(key)
            } else {
                copies.contains(key)
            };
            let leads_somewhere = noted.archive_key.as_ref().is_some_and(|archive_key| {
                copies.contains(archive_key.as_str()) || self.parts.contains_key(archive_key)
            });
            if !is_there && !leads_somewhere {
                orphans.push((noted.bucket.clone(), key.to_owned()));
            }
        }
        for (bucket, key) in orphans {
            self.fault_in(FaultKind::Orphaned, bucket, key);
        }
    }

    fn is_young(&self, seen: &ListedObject) -> bool {
        seen.last_modified.is_some_and(|time| time > self.settled)
    }

    fn fault(&mut self, fault: FaultKind, of: String) {
        self.faults.push(ReconcileFault {
            fault,
            of,
            bucket: None,
        });
    }

    fn fault_in(&mut self, fault: FaultKind, bucket: String, of: String) {
        self.faults.push(ReconcileFault {
            fault,
            of,
            bucket: Some(bucket),
        });
    }
}
