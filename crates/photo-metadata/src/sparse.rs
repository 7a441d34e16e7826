//! A file of which only some ranges are available, because the others were not read yet.
//!
//! A read never blocks. If a range is missing, the read returns nothing, and the range is added to
//! the wanted ranges. So one pass over the file finds all ranges that are missing.

use std::cell::RefCell;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::work_budget::{Work, WorkBudget};

/// The bytes of a file that are available. They may be only some ranges of the file. Also contains
/// the list of wanted ranges, which were asked for but are not available.
#[derive(Debug)]
pub(crate) struct Sparse<'a> {
    size: u64,
    in_memory: bool,
    chunks: Vec<FileChunk<'a>>,
    wants: RefCell<Vec<Range<u64>>>,
    budget: BudgetSource<'a>,
}

/// The work budget that the reads of a [`Sparse`] use.
#[derive(Debug)]
enum BudgetSource<'a> {
    /// The budget of the file.
    Own(WorkBudget),
    /// The budget of the file that these bytes come from.
    OfFile(&'a WorkBudget),
}

#[derive(Debug)]
struct FileChunk<'a> {
    start: u64,
    bytes: ChunkBytes<'a>,
}

#[derive(Debug)]
enum ChunkBytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

impl FileChunk<'_> {
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            ChunkBytes::Borrowed(bytes) => bytes,
            ChunkBytes::Owned(bytes) => bytes,
        }
    }

    fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes().len() as u64)
    }
}

impl<'a> Sparse<'a> {
    /// Returns the value for a file of `size` bytes of which no range is available yet.
    pub(crate) fn new(size: u64) -> Self {
        Sparse {
            size,
            in_memory: false,
            chunks: Vec::new(),
            wants: RefCell::new(Vec::new()),
            budget: BudgetSource::Own(WorkBudget::default()),
        }
    }

    /// Returns the value for a file whose bytes are all available.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        let chunks = vec![FileChunk {
            start: 0,
            bytes: ChunkBytes::Borrowed(bytes),
        }];
        Sparse {
            size: bytes.len() as u64,
            in_memory: false,
            chunks,
            wants: RefCell::new(Vec::new()),
            budget: BudgetSource::Own(WorkBudget::default()),
        }
    }

    /// Returns the value for bytes that were decompressed or joined, so that they can be read like
    /// the bytes of a file. All of them are available. Reads use the work budget of the file.
    pub(crate) fn memory(bytes: &'a [u8], budget: &'a WorkBudget) -> Self {
        Sparse {
            in_memory: true,
            budget: BudgetSource::OfFile(budget),
            ..Sparse::whole(bytes)
        }
    }

    /// Returns the work budget of the present pass.
    pub(crate) fn budget(&self) -> &WorkBudget {
        match &self.budget {
            BudgetSource::Own(budget) => budget,
            BudgetSource::OfFile(budget) => budget,
        }
    }

    /// Gives the next pass a full work budget.
    pub(crate) fn renew_budget(&mut self) {
        self.budget = BudgetSource::Own(WorkBudget::default());
    }

    /// Returns the number of bytes in the whole file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Sets the size of the file to `size` bytes, if the file is larger.
    pub(crate) fn end_at(&mut self, size: u64) {
        self.size = self.size.min(size);
    }

    /// Adds the bytes of a range that begins at `start`. Joins ranges that touch or overlap, so
    /// that any range inside them is one slice.
    pub(crate) fn add(&mut self, start: u64, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut added = FileChunk {
            start,
            bytes: ChunkBytes::Owned(bytes),
        };
        while let Some(index) = self
            .chunks
            .iter()
            .position(|c| c.start <= added.end() && added.start <= c.end())
        {
            let other = self.chunks.swap_remove(index);
            let (first, second) = if other.start <= added.start {
                (other, added)
            } else {
                (added, other)
            };
            let overlap =
                usize::try_from(first.end().saturating_sub(second.start)).unwrap_or(usize::MAX);
            let mut joined = BytesMut::from(first.bytes());
            joined.extend_from_slice(second.bytes().get(overlap..).unwrap_or_default());
            added = FileChunk {
                start: first.start,
                bytes: ChunkBytes::Owned(joined.freeze()),
            };
        }
        self.chunks.push(added);
    }

    /// Returns `len` bytes from `start`. Returns `None` if they go beyond the end of the file, or
    /// if the work budget is used up. If some of the bytes are not available yet, returns `None`
    /// and adds the range to the wanted ranges.
    pub(crate) fn get(&self, start: u64, len: u64) -> Option<&[u8]> {
        if len == 0 {
            return Some(&[]);
        }
        let end = start.checked_add(len).filter(|&end| end <= self.size)?;
        self.budget().pay(Work::Reads, 1)?;
        let found = self.available(start, len);
        if found.is_none() {
            self.wants.borrow_mut().push(start..end);
        }
        found
    }

    fn available(&self, start: u64, len: u64) -> Option<&[u8]> {
        self.chunks.iter().find_map(|chunk| {
            let from = usize::try_from(start.checked_sub(chunk.start)?).ok()?;
            chunk
                .bytes()
                .get(from..from.checked_add(usize::try_from(len).ok()?)?)
        })
    }

    /// Returns the wanted ranges since the last call of this function, in the order in which they
    /// were asked for.
    pub(crate) fn take_wants(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.wants.borrow_mut())
    }

    /// Returns `range` without the available bytes at its start and at its end. Available bytes in
    /// its middle stay in the result.
    pub(crate) fn missing(&self, range: Range<u64>) -> Range<u64> {
        let Range { mut start, mut end } = range;
        for chunk in &self.chunks {
            if chunk.start <= start && start < chunk.end() {
                start = chunk.end();
            }
            if chunk.start < end && end <= chunk.end() {
                end = chunk.start;
            }
        }
        start..end.max(start)
    }

    /// Reports whether an available range ends at `start`, or at most `gap` bytes before `start`.
    pub(crate) fn follows_chunk(&self, start: u64, gap: u64) -> bool {
        self.chunks
            .iter()
            .any(|chunk| chunk.end() <= start && start - chunk.end() <= gap)
    }

    /// Returns a view of the whole file.
    pub(crate) fn view(&self) -> ByteView<'_> {
        ByteView {
            source: self,
            base: 0,
            len: self.size,
        }
    }
}

/// A range of a file. All offsets count from the start of the view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteView<'s> {
    source: &'s Sparse<'s>,
    base: u64,
    len: u64,
}

impl<'s> ByteView<'s> {
    /// Returns the work budget of the present pass over the file.
    pub(crate) fn budget(&self) -> &'s WorkBudget {
        self.source.budget()
    }

    /// Returns the number of bytes in the view.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reports whether the view is a range of the real file. Returns `false` if its bytes were
    /// decompressed or joined.
    pub(crate) fn is_in_file(&self) -> bool {
        !self.source.in_memory
    }

    /// Returns the offset of the start of the view in its file.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// Returns `len` bytes from `start`. Returns `None` if they go beyond the end of the view, or
    /// if some of them are not available yet.
    pub(crate) fn get(&self, start: u64, len: u64) -> Option<&'s [u8]> {
        start.checked_add(len).filter(|&end| end <= self.len)?;
        self.source.get(self.base.checked_add(start)?, len)
    }

    /// Returns `len` bytes from `start`, or fewer at the end of the view. Returns `None` if some of
    /// them are not available yet.
    pub(crate) fn up_to(&self, start: u64, len: u64) -> Option<&'s [u8]> {
        self.get(start, len.min(self.len.saturating_sub(start)))
    }

    /// Returns the `N` bytes from `start`. Returns `None` if they go beyond the end of the view, or
    /// if some of them are not available yet.
    pub(crate) fn array<const N: usize>(&self, start: u64) -> Option<[u8; N]> {
        self.get(start, N as u64)?.try_into().ok()
    }

    /// Returns the big-endian 16-bit number at `start`.
    pub(crate) fn be16(&self, start: u64) -> Option<u16> {
        self.array(start).map(u16::from_be_bytes)
    }

    /// Returns the big-endian 32-bit number at `start`.
    pub(crate) fn be32(&self, start: u64) -> Option<u32> {
        self.array(start).map(u32::from_be_bytes)
    }

    /// Returns the big-endian 64-bit number at `start`.
    pub(crate) fn be64(&self, start: u64) -> Option<u64> {
        self.array(start).map(u64::from_be_bytes)
    }

    /// Returns the little-endian 16-bit number at `start`.
    pub(crate) fn le16(&self, start: u64) -> Option<u16> {
        self.array(start).map(u16::from_le_bytes)
    }

    /// Returns the little-endian 32-bit number at `start`.
    pub(crate) fn le32(&self, start: u64) -> Option<u32> {
        self.array(start).map(u32::from_le_bytes)
    }

    /// Returns a view of `len` bytes from `start`, or of fewer bytes at the end of this view.
    pub(crate) fn part(&self, start: u64, len: u64) -> ByteView<'s> {
        let start = start.min(self.len);
        ByteView {
            source: self.source,
            base: self.base.saturating_add(start),
            len: len.min(self.len - start),
        }
    }

    /// Returns a view from `start` to the end of this view.
    pub(crate) fn from(&self, start: u64) -> ByteView<'s> {
        self.part(start, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_ranges_inside_the_file_are_noted() {
        let mut file = Sparse::new(100);
        file.add(0, Bytes::from_static(&[1; 10]));
        assert_eq!(file.get(4, 6), Some(&[1_u8; 6][..]));
        assert_eq!(file.get(8, 4), None);
        assert_eq!(file.get(98, 4), None);
        assert_eq!(file.get(u64::MAX, 4), None);
        assert_eq!(file.take_wants(), vec![8..12]);
    }

    #[test]
    fn ranges_that_touch_or_overlap_become_one_slice() {
        let mut file = Sparse::new(12);
        file.add(8, Bytes::from_static(&[3; 4]));
        file.add(0, Bytes::from_static(&[1; 4]));
        file.add(2, Bytes::from_static(&[2; 7]));
        assert_eq!(
            file.get(0, 12),
            Some(&[1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3][..])
        );
        assert_eq!(file.missing(4..20), 12..20);
    }

    #[test]
    fn a_view_never_reads_outside_itself() {
        let file = Sparse::whole(&[0, 1, 2, 3, 4, 5]);
        let view = file.view().part(2, 3);
        assert_eq!(view.get(0, 3), Some(&[2, 3, 4][..]));
        assert_eq!(view.get(1, 3), None);
        assert_eq!(view.up_to(1, 30), Some(&[3, 4][..]));
        assert_eq!(view.from(9).len(), 0);
    }
}
