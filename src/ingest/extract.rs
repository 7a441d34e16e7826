//! Reads the metadata of a photo with ranged GET requests.
//!
//! The steps of an extraction run outside the async workers. A hostile file can keep a step busy for
//! a tenth of a second (`crates/photo-metadata/src/limits.rs`), and requests to the gallery must not
//! wait for it.

use bytes::Bytes;
use chrono::TimeDelta;

use photo_metadata::{
    Extraction, ExtractionStep, Extractor, FileContext, PictureState, UnsupportedFormat,
};

use crate::object::ObjectRef;
use crate::storage::ObjectProperties;

use super::{Ingest, IngestError};

/// The result of an attempt to read the metadata of an object.
#[expect(
    clippy::large_enum_variant,
    reason = "only one value exists at a time, and the caller takes it apart at once"
)]
pub(super) enum MetadataRead {
    /// The object was changed or deleted between two reads.
    Changed,
    /// The extraction is finished: with the metadata, or with the reason why the file is not
    /// supported.
    Done(Result<Extraction, UnsupportedFormat>),
}

impl Ingest {
    /// Extracts the metadata of the object `from`, which has the properties `object`. `head` is the
    /// beginning of its bytes, which the caller has read already. Reads further ranges if they are
    /// necessary. Returns [`MetadataRead::Changed`] if one of these reads finds another ETag.
    pub(super) async fn extract(
        &self,
        from: &ObjectRef,
        object: &ObjectProperties,
        head: Bytes,
    ) -> Result<MetadataRead, IngestError> {
        // A photo is not taken in the future. One more day is allowed, because local time may be
        // ahead of UTC. Last-Modified is no bound: for a file that was in the archive before, it is
        // the modification time of the file, which many programs and disks set wrongly.
        let context = FileContext {
            file_name: from.file_name().to_owned(),
            latest_credible_time: (self.clock)().naive_utc() + TimeDelta::days(1),
        };
        let mut extractor = Extractor::new(object.size_bytes, context);
        loop {
            let step;
            (extractor, step) = self.step_in_background(extractor, head.clone()).await;
            match step {
                ExtractionStep::Need(range) => {
                    let start = range.start;
                    match self.storage.read_range(from, range, &object.etag).await? {
                        Some(bytes) => extractor.feed(start, bytes),
                        None => return Ok(MetadataRead::Changed),
                    }
                }
                ExtractionStep::Done(result) => {
                    return Ok(MetadataRead::Done(result.and_then(refuse_cut_file)));
                }
            }
        }
    }

    /// Runs the next step of the extractor on a thread of its own, and feeds it with `head` if it
    /// asks for these bytes. If the caller is cancelled, the step still ends, and its result is
    /// dropped.
    async fn step_in_background(
        &self,
        mut extractor: Extractor,
        head: Bytes,
    ) -> (Extractor, ExtractionStep) {
        let step = move || {
            let mut step = extractor.step();
            if let ExtractionStep::Need(range) = &step
                && range.start == 0
                && range.end <= head.len() as u64
            {
                extractor.feed(0, head);
                step = extractor.step();
            }
            (extractor, step)
        };
        self.extractions.run(step).await
    }
}

/// Returns the extraction, or an error if the file is cut before its picture. Its metadata may be
/// complete, but it is the rest of a broken transfer, and must not replace a photo.
fn refuse_cut_file(extraction: Extraction) -> Result<Extraction, UnsupportedFormat> {
    match extraction.picture_state {
        PictureState::Present => Ok(extraction),
        PictureState::Missing => Err(UnsupportedFormat {
            reason: "a JPEG that is cut short before its picture".to_owned(),
            reads: extraction.reads,
        }),
    }
}
