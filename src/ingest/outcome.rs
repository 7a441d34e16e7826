//! The results of ingest: the outcome of a key, its report, and the errors.

use std::fmt;
use std::time::Duration;

use crate::archive::ArchiveKey;
use crate::catalogue::CatalogueError;
use crate::object::ObjectRef;
use crate::storage::StorageError;
use crate::telemetry::WorkCost;

use super::MAX_ROUNDS;

/// The outcome of ingest for one key. [`Outcome::Archived`], [`Outcome::Undated`] and
/// [`Outcome::Skipped`] are also written to the ledger, but not a skip by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The source now has a copy under this archive key, in the folder of the day on which the
    /// photo was taken.
    Archived(ArchiveKey),
    /// The source now has a copy under this archive key, in the folder `undated/`. The photo has no
    /// credible date.
    Undated(ArchiveKey),
    /// The archive has, or had, these bytes under this archive key, from another upload. Nothing was
    /// copied.
    Duplicate(ArchiveKey),
    /// There was nothing to do: these bytes were processed before.
    Unchanged,
    /// The bytes are not a photo, or the name is never a photo's. The text is the reason. The object
    /// is not moved or deleted.
    Skipped(String),
    /// The step index wrote the catalogue item of the photo, which now matches the archived file.
    Indexed,
    /// The archived file is gone. The catalogue now records its removal.
    Removed,
    /// No object exists under this key, and there was nothing to do.
    Gone,
    /// The key is neither under the source prefix nor under the archive prefix.
    Outside,
}

impl Outcome {
    /// Returns the outcome as one word, for logs and counts.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Archived(_) => "archived",
            Outcome::Undated(_) => "undated",
            Outcome::Duplicate(_) => "duplicate",
            Outcome::Unchanged => "unchanged",
            Outcome::Skipped(_) => "skipped",
            Outcome::Indexed => "indexed",
            Outcome::Removed => "removed",
            Outcome::Gone => "gone",
            Outcome::Outside => "outside",
        }
    }

    /// Returns the outcome of organise for a copy under this key: [`Outcome::Undated`] if the key
    /// is in the folder `undated/`, and [`Outcome::Archived`] for any other key.
    pub(super) fn of_copy(key: ArchiveKey) -> Self {
        if key.is_undated() {
            Outcome::Undated(key)
        } else {
            Outcome::Archived(key)
        }
    }

    /// Returns the archive key of the copy that organise made. Returns `None` for any other
    /// outcome.
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
            Outcome::Archived(key) | Outcome::Undated(key) | Outcome::Duplicate(key) => {
                write!(f, "{}: {}", self.name(), key.as_str())
            }
            Outcome::Skipped(reason) => write!(f, "{}: {reason}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

/// A report about the finished work on one key.
#[derive(Debug)]
pub struct KeyReport<'a> {
    /// The object that was processed.
    pub object: &'a ObjectRef,
    /// The outcome, or the error after which the key must be processed again.
    pub result: Result<&'a Outcome, &'a IngestError>,
    /// The wall-clock duration of the work.
    pub duration: Duration,
    /// The cost of the work: the number of requests, the number of reads, and the number of bytes
    /// read.
    pub cost: WorkCost,
}

impl KeyReport<'_> {
    /// Writes one log line about the key. It contains no metadata of the photo, because more people
    /// can read the log than the catalogue.
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

/// The error of a key that could not be processed. Nothing is lost, because the event is delivered
/// again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A request to the store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A request to the table failed, or an item cannot be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The object could not be processed: the object or its item changed during every attempt.
    #[error("{object} changed {MAX_ROUNDS} times while it was being read")]
    Contended {
        /// The object that was processed.
        object: ObjectRef,
    },
    /// A command could not change the item: other writers changed the item during every attempt.
    #[error("photo {id} was changed {MAX_ROUNDS} times by others; try again")]
    Busy {
        /// The id of the photo.
        id: String,
    },
    /// The photo could not be archived: other photos have every archive name that the photo may use.
    #[error(
        "every archive name of {object} is taken; the last one is {}; rename the upload",
        archive_key.as_str()
    )]
    NoFreeName {
        /// The source object.
        object: ObjectRef,
        /// The last archive key that was tried.
        archive_key: ArchiveKey,
    },
}

impl IngestError {
    /// Returns `true` if the same work may succeed later, without any action by a person.
    pub fn is_retryable(&self) -> bool {
        match self {
            IngestError::Storage(error) => error.is_retryable(),
            IngestError::Catalogue(error) => matches!(error, CatalogueError::Request { .. }),
            IngestError::Contended { .. } | IngestError::Busy { .. } => true,
            IngestError::NoFreeName { .. } => false,
        }
    }
}

/// The error of a setting that the store does not support. The caller must not start ingest in that
/// case. The text is one line and names the setting.
#[derive(Debug, thiserror::Error)]
pub enum StoreCapabilityError {
    /// The store ignores the condition of a delete. It would delete an upload that changed after it
    /// was read.
    #[error(
        "SOURCE_AFTER is \"delete\", but this store ignores the condition of a delete and would \
         delete a changed upload; set \"keep\""
    )]
    DeleteIfMatch,
    /// The store ignores the storage class, or replaces it.
    #[error("this store does not keep the storage class of ARCHIVE_STORAGE_CLASS")]
    StorageClass,
    /// The test of the store failed.
    #[error("cannot test the capabilities of the store: {0}")]
    Storage(#[from] StorageError),
}
