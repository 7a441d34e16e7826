//! Reads the metadata of a file range by range.

use std::ops::Range;

use bytes::Bytes;

use super::context::FileContext;
use super::extraction::{Extraction, ReadTotals, TOO_MUCH_WORK, UnsupportedFormat, read_metadata};
use super::limits;
use super::sparse::Sparse;

/// The length in bytes of the first range that an [`Extractor`] asks for. For 99 % of JPEG files,
/// this range contains all metadata.
pub const BEGINNING_BYTES: u64 = 64 * 1024;

/// The next step of an extraction: a read that the caller must do, or the result.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one of them lives at a time, and it is moved out at once"
)]
pub enum ExtractionStep {
    /// The caller must read this range and pass its bytes to [`Extractor::feed`]. The range is
    /// inside the file. The extractor asks for no range twice.
    Need(Range<u64>),
    /// The extraction is finished. This is its result.
    Done(Result<Extraction, UnsupportedFormat>),
}

/// The reason why [`Extractor::run`] returns no metadata. `E` is the type of the errors of the
/// caller's reads.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError<E> {
    /// A read failed.
    #[error(transparent)]
    Read(E),
    /// The file is not a photo.
    #[error(transparent)]
    UnsupportedFormat(UnsupportedFormat),
}

/// A reader of the metadata of one file, range by range.
///
/// The extractor does no I/O. The caller reads each range that [`step`](Self::step) asks for, and
/// passes the bytes to [`feed`](Self::feed). [`run`](Self::run) does this in a loop with blocking
/// reads.
///
/// ```
/// use bytes::Bytes;
/// use chrono::NaiveDateTime;
/// use photo_metadata::{ExtractionStep, Extractor, FileContext, PhotoFormat};
///
/// let file: &[u8] = include_bytes!("../../../examples/photos/phone/IMG_0412.JPG");
/// let context = FileContext {
///     file_name: "IMG_0412.JPG".to_owned(),
///     latest_credible_time: NaiveDateTime::MAX,
/// };
/// let mut extractor = Extractor::new(file.len() as u64, context);
/// let extraction = loop {
///     match extractor.step() {
///         ExtractionStep::Need(range) => {
///             // An object store would be asked for this range.
///             let bytes = &file[range.start as usize..range.end as usize];
///             extractor.feed(range.start, Bytes::copy_from_slice(bytes));
///         }
///         ExtractionStep::Done(result) => break result?,
///     }
/// };
/// assert_eq!(extraction.format, PhotoFormat::Jpeg);
/// assert_eq!(extraction.reads.count, 1);
/// # Ok::<(), photo_metadata::UnsupportedFormat>(())
/// ```
#[derive(Debug)]
pub struct Extractor {
    pub(crate) file: Sparse<'static>,
    context: FileContext,
    reads: ReadTotals,
    /// The range of the latest [`ExtractionStep::Need`].
    requested: Range<u64>,
    /// The work of all passes so far, in the units of `limits::MAX_WORK`.
    pub(crate) work: u64,
}

impl Extractor {
    /// Creates an extractor for a file of `size_bytes` bytes. Nothing is read yet.
    pub fn new(size_bytes: u64, context: FileContext) -> Self {
        Extractor {
            file: Sparse::new(size_bytes),
            context,
            reads: ReadTotals::default(),
            requested: 0..0,
            work: 0,
        }
    }

    /// Parses the bytes that are available. Returns the next range that the caller must read, or
    /// the result.
    ///
    /// An extractor asks for at most 6 ranges and 8 MiB in total. If a file needs more, the result
    /// contains the metadata that were found until then, and a warning.
    ///
    /// ```
    /// use chrono::NaiveDateTime;
    /// use photo_metadata::{ExtractionStep, Extractor, FileContext, BEGINNING_BYTES};
    ///
    /// let context = FileContext {
    ///     file_name: String::new(),
    ///     latest_credible_time: NaiveDateTime::MAX,
    /// };
    /// let mut extractor = Extractor::new(8_000_000, context);
    /// let ExtractionStep::Need(range) = extractor.step() else { unreachable!() };
    /// assert_eq!(range, 0..BEGINNING_BYTES);
    /// ```
    pub fn step(&mut self) -> ExtractionStep {
        if self.reads.count == 0 && self.file.size() > 0 {
            return self.request(0..self.file.size().min(BEGINNING_BYTES));
        }
        self.file.renew_budget();
        let outcome = read_metadata(&self.file, &self.context);
        let is_cut = self.file.budget().is_used_up();
        self.work = self.work.saturating_add(self.file.budget().spent());
        let wants = self.file.take_wants();
        // If the work budget ended this pass, it would end another pass at the same place.
        let may_read_again = !is_cut && self.work < limits::MAX_WORK;
        if may_read_again && let Some(range) = self.plan_range(&wants) {
            return self.request(range);
        }
        ExtractionStep::Done(match outcome {
            Ok(mut extraction) => {
                if !wants.is_empty() && !is_cut {
                    let reason = if may_read_again {
                        "the metadata lie too far apart: some were not read"
                    } else {
                        TOO_MUCH_WORK
                    };
                    extraction.labels.add_gap(reason);
                    extraction.warnings.push(reason.to_owned());
                }
                Ok(Extraction {
                    reads: self.reads,
                    ..extraction
                })
            }
            Err(reason) => Err(UnsupportedFormat {
                reason: reason.to_owned(),
                reads: self.reads,
            }),
        })
    }

    /// Adds the bytes of the range that [`step`](Self::step) asked for. `offset` is the start of
    /// the range. If the caller passes fewer bytes than requested, the extractor assumes that the
    /// file ends after them.
    pub fn feed(&mut self, offset: u64, bytes: Bytes) {
        let length = bytes.len() as u64;
        self.reads.bytes = self.reads.bytes.saturating_add(length);
        let end = offset.saturating_add(length);
        if offset == self.requested.start && end < self.requested.end {
            self.file.end_at(end);
        }
        self.file.add(offset, bytes);
    }

    /// Runs the extraction to its end. `read` returns the bytes of a range. If `read` returns fewer
    /// bytes than requested, the extractor assumes that the file ends after them.
    ///
    /// # Errors
    /// Returns the first error of `read`, or [`ExtractError::UnsupportedFormat`] if the file is not
    /// a photo.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use bytes::Bytes;
    /// use chrono::NaiveDateTime;
    /// use photo_metadata::{ExtractError, Extractor, FileContext};
    ///
    /// let file = b"hello";
    /// let context = FileContext {
    ///     file_name: "hello.txt".to_owned(),
    ///     latest_credible_time: NaiveDateTime::MAX,
    /// };
    /// let outcome = Extractor::new(5, context)
    ///     .run(|range| Ok::<_, Infallible>(Bytes::from_static(&file[range.start as usize..])));
    /// assert!(matches!(outcome, Err(ExtractError::UnsupportedFormat(_))));
    /// ```
    pub fn run<E>(
        mut self,
        mut read: impl FnMut(Range<u64>) -> Result<Bytes, E>,
    ) -> Result<Extraction, ExtractError<E>> {
        loop {
            match self.step() {
                ExtractionStep::Need(range) => {
                    let start = range.start;
                    self.feed(start, read(range).map_err(ExtractError::Read)?);
                }
                ExtractionStep::Done(result) => {
                    return result.map_err(ExtractError::UnsupportedFormat);
                }
            }
        }
    }

    fn request(&mut self, range: Range<u64>) -> ExtractionStep {
        self.reads.count += 1;
        self.requested = range.clone();
        ExtractionStep::Need(range)
    }

    /// Returns the next range to read. The range covers the first wanted range that fits into the
    /// limits, and other wanted ranges near it. The result is longer than these ranges, so that it
    /// probably also contains the bytes that are needed next. Returns `None` if nothing is wanted,
    /// or if a limit is reached.
    fn plan_range(&self, wants: &[Range<u64>]) -> Option<Range<u64>> {
        const NEAR: u64 = 64 << 10;
        const MOST: u64 = 1 << 20;
        const LEAST: u64 = 32 << 10;
        let left = limits::MAX_READ_BYTES.saturating_sub(self.reads.bytes);
        if self.reads.count >= limits::MAX_READS {
            return None;
        }
        let fits = |want: &&Range<u64>| want.end - want.start <= left;
        let mut range = wants.iter().find(fits)?.clone();
        for want in wants.iter().filter(fits) {
            let joined = range.start.min(want.start)..range.end.max(want.end);
            let near = want.start <= range.end.saturating_add(NEAR)
                && range.start <= want.end.saturating_add(NEAR);
            if near && joined.end - joined.start <= MOST.min(left) {
                range = joined;
            }
        }
        // In a chain of segments, each read only shows the place of the next segment. So each read
        // asks for twice as much as the one before.
        let walks = self.file.follows_chunk(range.start, NEAR);
        let least = if walks {
            BEGINNING_BYTES << self.reads.count
        } else {
            LEAST
        };
        let end = range
            .end
            .max(range.start.saturating_add(least))
            .min(self.file.size());
        // Near the end of the file, the range is extended to the bytes before it instead.
        let start = range.start.min(end.saturating_sub(LEAST));
        let missing = self.file.missing(start..end);
        let range = if missing.start <= range.start && range.end <= missing.end {
            missing
        } else {
            range
        };
        Some(range.start..range.end.min(range.start.saturating_add(left)))
    }
}
