//! The results of ingest: what happened to a key, its report, and the errors.

use std::fmt;
use std::time::Duration;

use crate::archive::ArchiveKey;
use crate::catalogue::CatalogueError;
use crate::object::ObjectRef;
use crate::storage::StorageError;
use crate::telemetry::WorkCost;

use super::MAX_ROUNDS;

/// The result of ingest for one key. Every final result for some bytes is written to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The source was copied to this archive key.
    Archived(ArchiveKey),
    /// The source was copied to this archive key under `undated/`. It has no credible date.
    Undated(ArchiveKey),
    /// These bytes were processed before.
    Unchanged,
    /// The bytes are not a photo, with the reason. The object stays in the source.
    Skipped(String),
    /// The catalogue now matches the copy.
    Indexed,
    /// The copy is gone, and the catalogue records its removal.
    Removed,
    /// No object exists under this key.
    Gone,
    /// The key is under neither prefix.
    Outside,
}

impl Outcome {
    /// Returns one word for logs and counts.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Archived(_) => "archived",
            Outcome::Undated(_) => "undated",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped(_) => "skipped",
            Outcome::Indexed => "indexed",
            Outcome::Removed => "removed",
            Outcome::Gone => "gone",
            Outcome::Outside => "outside",
        }
    }

    /// Returns the outcome of a copy that was written to this key.
    pub(super) fn of_copy(key: ArchiveKey) -> Self {
        if key.is_undated() {
            Outcome::Undated(key)
        } else {
            Outcome::Archived(key)
        }
    }

    /// Returns the archive key if this outcome wrote a copy.
    pub fn archive_key(&self) -> Option<&ArchiveKey> {
        match self {
            Outcome::Archived(key) | Outcome::Undated(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Archived(key) | Outcome::Undated(key) => {
                write!(f, "{}: {}", self.name(), key.as_str())
            }
            Outcome::Skipped(reason) => write!(f, "{}: {reason}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

/// The finished work on one key.
#[derive(Debug)]
pub struct KeyReport<'a> {
    /// The object.
    pub object: &'a ObjectRef,
    /// The outcome, or the error that makes a retry necessary.
    pub result: Result<&'a Outcome, &'a IngestError>,
    /// Wall-clock duration.
    pub duration: Duration,
    /// Requests and bytes read.
    pub cost: WorkCost,
}

impl KeyReport<'_> {
    /// Writes one log line. It contains no metadata of the photo: more people read the log than the
    /// catalogue.
    pub(super) fn log(&self) {
        let (outcome, reason) = match self.result {
            Ok(Outcome::Skipped(reason)) => ("skipped", Some(reason)),
            Ok(outcome) => (outcome.name(), None),
            Err(_) => ("retried", None),
        };
        let milliseconds = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let WorkCost {
            requests,
            reads,
            bytes_read,
        } = self.cost;
        let (bucket, key) = (self.object.bucket.as_str(), &self.object.key);
        macro_rules! line {
            ($level:ident, $($more:tt)*) => {
                tracing::$level!(
                    s3.bucket = bucket,
                    s3.key = key,
                    outcome,
                    milliseconds,
                    requests,
                    reads,
                    bytes_read,
                    $($more)*
                )
            };
        }
        match self.result {
            Ok(_) => line!(info, reason),
            Err(error) => line!(warn, %error, "failed; will be retried"),
        }
    }
}

/// A failure that makes a retry of the key necessary. Nothing is lost: the event is delivered
/// again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The table failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Other writers kept changing the same object or item.
    #[error("{object} changed {MAX_ROUNDS} times while it was being read")]
    Contended {
        /// The object.
        object: ObjectRef,
    },
    /// Other writers kept changing the item that a person wants to change.
    #[error("photo {id} was changed {MAX_ROUNDS} times by others; try again")]
    Busy {
        /// The photo's id.
        id: String,
    },
    /// Other owners hold every archive name that the photo may use.
    #[error(
        "every archive name of {object} is taken; the last one is {}",
        archive_key.as_str()
    )]
    NoFreeName {
        /// The source object.
        object: ObjectRef,
        /// The last name that was tried.
        archive_key: ArchiveKey,
    },
}

impl IngestError {
    /// Returns `true` if a repeat may succeed without any change by a person.
    pub fn is_retryable(&self) -> bool {
        match self {
            IngestError::Storage(error) => error.is_retryable(),
            IngestError::Catalogue(error) => matches!(error, CatalogueError::Request { .. }),
            IngestError::Contended { .. } | IngestError::Busy { .. } => true,
            IngestError::NoFreeName { .. } => false,
        }
    }
}

/// A setting that the store cannot honour. Ingest must not start. The text is one line that names
/// the setting.
#[derive(Debug, thiserror::Error)]
pub enum StoreCapabilityError {
    /// The store would delete an upload that changed after it was read.
    #[error(
        "SOURCE_AFTER is \"delete\", but this store ignores the condition of a delete and would \
         delete a changed upload; set \"keep\""
    )]
    DeleteIfMatch,
    /// The store ignores the storage class or replaces it.
    #[error("this store does not keep the storage class of ARCHIVE_STORAGE_CLASS")]
    StorageClass,
    /// The test of the store failed.
    #[error("cannot test the capabilities of the store: {0}")]
    Storage(#[from] StorageError),
}
