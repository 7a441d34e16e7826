//! The work budget of one pass over a file. It bounds the time of the pass for any input, without a
//! clock: each step of a reader has a price in units of work, and the budget has a fixed number of
//! units. One unit takes about a nanosecond.
//!
//! A limit on the output is not enough. A file of 150 KB can contain thousands of compressed boxes
//! that inflate to nothing. Each of them can need a decoder with 16 MiB of memory.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::limits;

/// The units of one read of bytes from a file or from a block. Every loop of a reader reads bytes,
/// so this price bounds all loops.
const READ_UNITS: u64 = 8;
/// The units of the creation of a decoder: its memory is allocated and cleared.
const DECODER_UNITS: u64 = 32 << 10;
/// The number of bytes of a decoder's window that cost one unit.
const WINDOW_BYTES_PER_UNIT: u64 = 8;
/// The units of one compressed byte. A few compressed bytes can describe new code tables without
/// any output, so they cost more than decompressed bytes.
const COMPRESSED_BYTE_UNITS: u64 = 64;
/// The units of one event of an XML parser (the start or the end of an element, a text, an entity),
/// and of one attribute.
const XML_EVENT_UNITS: u64 = 64;
/// The units of one byte of an XML tag. The parser reads a tag several times.
const XML_TAG_BYTE_UNITS: u64 = 8;
/// The units of one dataset of an IPTC block.
const DATASET_UNITS: u64 = 128;

/// A kind of work. The tests count the work by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Reads of bytes from a file or from a block.
    Reads,
    /// New decoders of compressed data.
    Decoders,
    /// Bytes of the windows of decoders.
    WindowBytes,
    /// Compressed bytes.
    CompressedBytes,
    /// Bytes that are decompressed, joined, copied, decoded as text, or compared.
    Bytes,
    /// Events and attributes of an XML parser.
    XmlEvents,
    /// Bytes of XML tags.
    XmlTagBytes,
    /// Datasets of IPTC blocks.
    Datasets,
}

impl Work {
    /// Returns the price of `count` pieces of this work, in units.
    fn units(self, count: u64) -> u64 {
        match self {
            Work::Reads => count.saturating_mul(READ_UNITS),
            Work::Decoders => count.saturating_mul(DECODER_UNITS),
            Work::WindowBytes => count / WINDOW_BYTES_PER_UNIT,
            Work::CompressedBytes => count.saturating_mul(COMPRESSED_BYTE_UNITS),
            Work::Bytes => count,
            Work::XmlEvents => count.saturating_mul(XML_EVENT_UNITS),
            Work::XmlTagBytes => count.saturating_mul(XML_TAG_BYTE_UNITS),
            Work::Datasets => count.saturating_mul(DATASET_UNITS),
        }
    }
}

/// The units of work that a pass may still spend. A part of them is reserved for parsing the
/// metadata blocks. So the blocks that were found are read, even if the container used up the other
/// part.
#[derive(Debug)]
pub(crate) struct WorkBudget {
    /// One thread uses the budget at a time. The number is atomic only so that an extractor can
    /// move to another thread.
    left: AtomicU64,
    /// The units that [`WorkBudget::begin_parsing`] adds to `left`.
    reserved: AtomicU64,
    is_used_up: AtomicBool,
    /// The work that was paid for, by kind.
    #[cfg(test)]
    pub(crate) counts: std::cell::RefCell<std::collections::BTreeMap<Work, u64>>,
}

impl Default for WorkBudget {
    fn default() -> Self {
        WorkBudget {
            left: AtomicU64::new(limits::MAX_CONTAINER_WORK),
            reserved: AtomicU64::new(limits::MAX_PASS_WORK - limits::MAX_CONTAINER_WORK),
            is_used_up: AtomicBool::new(false),
            #[cfg(test)]
            counts: std::cell::RefCell::default(),
        }
    }
}

impl WorkBudget {
    /// Pays for `count` pieces of work. Returns `None` if the budget does not suffice. The budget
    /// is then used up, so that every later payment until [`WorkBudget::begin_parsing`] fails too,
    /// and the caller must not do the work.
    pub(crate) fn pay(&self, work: Work, count: u64) -> Option<()> {
        let left = self.left.load(Relaxed).checked_sub(work.units(count));
        self.left.store(left.unwrap_or(0), Relaxed);
        if left.is_none() {
            self.is_used_up.store(true, Relaxed);
        }
        left?;
        #[cfg(test)]
        {
            *self.counts.borrow_mut().entry(work).or_default() += count;
        }
        Some(())
    }

    /// Adds the units that are reserved for parsing the metadata blocks. The caller calls this when
    /// the container was read.
    pub(crate) fn begin_parsing(&self) {
        self.left.fetch_add(self.reserved.swap(0, Relaxed), Relaxed);
    }

    /// Returns the number of units that were spent.
    pub(crate) fn spent(&self) -> u64 {
        limits::MAX_PASS_WORK - self.left.load(Relaxed) - self.reserved.load(Relaxed)
    }

    /// Reports whether a payment failed.
    pub(crate) fn is_used_up(&self) -> bool {
        self.is_used_up.load(Relaxed)
    }
}

/// A reader of compressed bytes that pays for each byte. It fails when the budget is used up.
pub(crate) struct PaidReader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) budget: &'a WorkBudget,
}

impl Read for PaidReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Short reads, so that the last payment that succeeds is close to the end of the budget.
        let length = buffer.len().min(self.bytes.len()).min(1_024);
        let (now, later) = self.bytes.split_at(length);
        self.budget
            .pay(Work::CompressedBytes, length as u64)
            .ok_or_else(|| io::Error::other("too much work"))?;
        if let Some(buffer) = buffer.get_mut(..length) {
            buffer.copy_from_slice(now);
        }
        self.bytes = later;
        Ok(length)
    }
}

/// Decompresses from `decoder` at most `room` bytes, and pays for them. Returns the bytes, and
/// whether the data ended without an error before the limit.
pub(crate) fn inflate_within(
    decoder: impl Read,
    room: u64,
    budget: &WorkBudget,
) -> (Vec<u8>, InflateResult) {
    let mut content = Vec::new();
    let inflated = decoder
        .take(room.saturating_add(1))
        .read_to_end(&mut content);
    let length = content.len() as u64;
    let paid = budget.pay(Work::Bytes, length);
    let result = match inflated {
        _ if length > room => InflateResult::TooLong,
        Ok(_) if paid.is_some() => InflateResult::Whole,
        _ => InflateResult::Broken,
    };
    (content, result)
}

/// Decompresses zlib data (RFC 1950) to at most `room` bytes, and pays for the work. Returns the
/// bytes, and whether the data ended without an error before the limit.
pub(crate) fn inflate_zlib_within(
    bytes: &[u8],
    room: u64,
    budget: &WorkBudget,
) -> (Vec<u8>, InflateResult) {
    if budget.pay(Work::Decoders, 1).is_none() {
        return (Vec::new(), InflateResult::Broken);
    }
    let input = PaidReader { bytes, budget };
    let decoder = flate2::read::ZlibDecoder::new_with_buf(input, vec![0; 1_024]);
    inflate_within(decoder, room, budget)
}

/// Decompresses zlib data (RFC 1950), such as the colour profile of a PNG. The work is limited like
/// that of one pass over a file, so a call takes about 50 ms at most for any input.
///
/// Returns `None` if the data are broken, if they have more than `max_bytes` bytes, or if they need
/// too much work.
///
/// ```
/// use photo_metadata::inflate_zlib;
///
/// let compressed = [0x78, 0x9c, 0x4b, 0x04, 0x00, 0x00, 0x62, 0x00, 0x62];
/// assert_eq!(inflate_zlib(&compressed, 10).as_deref(), Some(&b"a"[..]));
/// assert_eq!(inflate_zlib(&compressed, 0), None);
/// ```
pub fn inflate_zlib(bytes: &[u8], max_bytes: u64) -> Option<Vec<u8>> {
    let budget = WorkBudget::default();
    // Nothing else uses this budget, so the units for parsing are free too.
    budget.begin_parsing();
    let (content, result) = inflate_zlib_within(bytes, max_bytes, &budget);
    (result == InflateResult::Whole).then_some(content)
}

/// The result of a decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InflateResult {
    /// All bytes were decompressed.
    Whole,
    /// There are more bytes than the limit allows.
    TooLong,
    /// The compressed data are broken, or the work budget is used up.
    Broken,
}
