//! Finds unfinished work: multipart uploads that are neither completed nor aborted, and changes that
//! ingest could not process. These are no faults of the catalogue, and no command repairs them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use s3_folder::DeadLetter;
use serde::Serialize;

use super::output::escape_control;
use super::session::Session;
use crate::archive::Layout;
use crate::storage::UnfinishedUpload;

/// The time without a new part after which an open upload is reported as unfinished: one day.
const UPLOAD_PAUSE: TimeDelta = TimeDelta::days(1);

/// One piece of unfinished work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub(super) enum UnfinishedWork {
    /// A multipart upload that got no part for a day.
    UnfinishedUpload {
        /// The key that the object would have.
        of: String,
        bucket: String,
        /// The size of the parts that have arrived.
        bytes: u64,
        /// The time at which the upload was begun, or `None` if the store does not return it.
        #[serde(skip_serializing_if = "Option::is_none")]
        begun: Option<String>,
    },
    /// A change that ingest could not process in 20 attempts.
    DeadLetter {
        /// The key of the object that changed.
        of: String,
        bucket: String,
        attempts: u64,
    },
    /// A bucket whose unfinished uploads cannot be listed, for example because the store does not
    /// support it.
    UploadsNotListed { bucket: String, error: String },
}

/// Returns the unfinished work of the stores: the uploads under the source and the archive prefix,
/// and the dead letters of the embedded S3 store. If a store cannot list its uploads, the result
/// has [`UnfinishedWork::UploadsNotListed`] instead.
///
/// # Errors
/// Fails if the database of the embedded store cannot be read.
pub(super) async fn find_unfinished_work(
    session: &Session,
    layout: &Layout,
) -> anyhow::Result<Vec<UnfinishedWork>> {
    let before = Utc::now() - UPLOAD_PAUSE;
    let mut work = Vec::new();
    for (bucket, prefix) in [
        (layout.source_bucket(), layout.source_prefix()),
        (layout.archive_bucket(), layout.archive_prefix()),
    ] {
        let uploads = session
            .storage
            .list_unfinished_uploads(bucket, prefix.as_str(), before);
        match uploads.await {
            Ok(uploads) => {
                let is_left =
                    |upload: &UnfinishedUpload| upload.last_activity.is_none_or(|at| at < before);
                work.extend(
                    uploads
                        .into_iter()
                        .filter(is_left)
                        .map(UnfinishedWork::from),
                );
            }
            Err(error) => work.push(UnfinishedWork::UploadsNotListed {
                bucket: bucket.to_string(),
                error: error.to_string(),
            }),
        }
    }
    work.extend(
        session
            .dead_letters()?
            .into_iter()
            .map(UnfinishedWork::from),
    );
    Ok(work)
}

/// Returns the unfinished work in one phrase, such as `1 unfinished upload (1024 bytes)`. Returns
/// `None` if there is none.
pub(super) fn unfinished_summary(work: &[UnfinishedWork]) -> Option<String> {
    let (mut uploads, mut total_bytes, mut dead_letters) = (0_u64, 0, 0_u64);
    for found in work {
        match found {
            UnfinishedWork::UnfinishedUpload { bytes, .. } => {
                uploads += 1;
                total_bytes += bytes;
            }
            UnfinishedWork::DeadLetter { .. } => dead_letters += 1,
            UnfinishedWork::UploadsNotListed { .. } => {}
        }
    }
    let mut phrases = Vec::new();
    if uploads > 0 {
        phrases.push(format!(
            "{uploads} × unfinished upload ({total_bytes} bytes)"
        ));
    }
    if dead_letters > 0 {
        phrases.push(format!(
            "{dead_letters} × change that could not be processed"
        ));
    }
    (!phrases.is_empty()).then(|| phrases.join(", "))
}

impl UnfinishedWork {
    /// Returns the line that describes this work to a person. `is_embedded` is `true` if the stores
    /// are in a data folder.
    pub(super) fn text(&self, is_embedded: bool) -> String {
        match self {
            UnfinishedWork::UnfinishedUpload {
                of, bytes, begun, ..
            } => {
                let begun = begun.as_deref().unwrap_or("an unknown time");
                let remedy = if is_embedded {
                    "`photos serve` aborts it 7 days after its last part"
                } else {
                    "abort it, or give the bucket a lifecycle rule"
                };
                let of = escape_control(of);
                format!("{of}: unfinished upload of {bytes} bytes, begun {begun}: {remedy}")
            }
            UnfinishedWork::DeadLetter { of, attempts, .. } => format!(
                "{}: change that could not be processed in {attempts} attempts: `photos serve` tries \
                 it again when it starts and every hour",
                escape_control(of)
            ),
            UnfinishedWork::UploadsNotListed { bucket, error } => format!(
                "{bucket}: cannot list the unfinished uploads: {}",
                escape_control(error)
            ),
        }
    }
}

impl From<UnfinishedUpload> for UnfinishedWork {
    fn from(upload: UnfinishedUpload) -> Self {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        UnfinishedWork::UnfinishedUpload {
            of: upload.object.key,
            bucket: upload.object.bucket.to_string(),
            bytes: upload.size_bytes,
            begun: upload.begun.map(text),
        }
    }
}

impl From<DeadLetter> for UnfinishedWork {
    fn from(letter: DeadLetter) -> Self {
        UnfinishedWork::DeadLetter {
            of: letter.object.key,
            bucket: letter.object.bucket,
            attempts: letter.attempts,
        }
    }
}
