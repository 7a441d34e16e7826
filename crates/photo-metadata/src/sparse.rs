//! A file of which only some ranges are at hand. Reading never fails half-way and never blocks: a range that is not there
//! yet reads as absent and is noted, so that one pass over the file finds out everything it lacks.

use std::cell::RefCell;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// The ranges at hand of one file, and the ranges that were looked for in vain.
#[derive(Debug)]
pub(crate) struct Sparse<'a> {
    size: u64,
    in_memory: bool,
    chunks: Vec<Chunk<'a>>,
    wants: RefCell<Vec<Range<u64>>>,
}

#[derive(Debug)]
struct Chunk<'a> {
    start: u64,
    bytes: Held<'a>,
}

#[derive(Debug)]
enum Held<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

impl Chunk<'_> {
    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Held::Borrowed(bytes) => bytes,
            Held::Owned(bytes) => bytes,
        }
    }

    fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes().len() as u64)
    }
}

impl<'a> Sparse<'a> {
    /// A file of `size` bytes of which nothing is at hand.
    pub(crate) fn new(size: u64) -> Self {
        Sparse {
            size,
            in_memory: false,
            chunks: Vec::new(),
            wants: RefCell::new(Vec::new()),
        }
    }

    /// A file that is all there.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        let chunks = vec![Chunk {
            start: 0,
            bytes: Held::Borrowed(bytes),
        }];
        Sparse {
            size: bytes.len() as u64,
            in_memory: false,
            chunks,
            wants: RefCell::new(Vec::new()),
        }
    }

    /// Bytes that are no range of any file: inflated, or put together.
    pub(crate) fn memory(bytes: &'a [u8]) -> Self {
        Sparse {
            in_memory: true,
            ..Sparse::whole(bytes)
        }
    }

    /// Bytes in the whole file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes note that the file ends here.
    pub(crate) fn ends_at(&mut self, size: u64) {
        self.size = self.size.min(size);
    }

    /// Adds a range. Ranges that touch become one, so that whatever lies inside is one slice.
    pub(crate) fn add(&mut self, start: u64, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut added = Chunk {
            start,
            bytes: Held::Owned(bytes),
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
            added = Chunk {
                start: first.start,
                bytes: Held::Owned(joined.freeze()),
            };
        }
        self.chunks.push(added);
    }

    /// `len` bytes from `start`; `None` beyond the end of the file, and where they are not at hand: then the range is
    /// noted as wanted.
    pub(crate) fn get(&self, start: u64, len: u64) -> Option<&[u8]> {
        if len == 0 {
            return Some(&[]);
        }
        let end = start.checked_add(len).filter(|&end| end <= self.size)?;
        let found = self.held(start, len);
        if found.is_none() {
            self.wants.borrow_mut().push(start..end);
        }
        found
    }

    fn held(&self, start: u64, len: u64) -> Option<&[u8]> {
        self.chunks.iter().find_map(|chunk| {
            let from = usize::try_from(start.checked_sub(chunk.start)?).ok()?;
            chunk
                .bytes()
                .get(from..from.checked_add(usize::try_from(len).ok()?)?)
        })
    }

    /// The ranges looked for in vain since the last call, in the order they were looked for.
    pub(crate) fn take_wants(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.wants.borrow_mut())
    }

    /// The part of a range that is not at hand: without the chunk that covers its start, and the one that covers its end.
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

    /// Where the chunk ends that holds the byte before `start` (or lies at most `gap` bytes before it).
    pub(crate) fn follows(&self, start: u64, gap: u64) -> bool {
        self.chunks
            .iter()
            .any(|chunk| chunk.end() <= start && start - chunk.end() <= gap)
    }

    /// The whole file as a view.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            source: self,
            base: 0,
            len: self.size,
        }
    }
}

/// A range of a file, addressed from its own start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'s> {
    source: &'s Sparse<'s>,
    base: u64,
    len: u64,
}

impl<'s> View<'s> {
    /// Bytes in the view.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the view is a range of the file.
    pub(crate) fn is_in_file(&self) -> bool {
        !self.source.in_memory
    }

    /// Where the view starts in its file.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// `len` bytes from `start`; `None` beyond the end of the view, and where they are not at hand.
    pub(crate) fn get(&self, start: u64, len: u64) -> Option<&'s [u8]> {
        start.checked_add(len).filter(|&end| end <= self.len)?;
        self.source.get(self.base.checked_add(start)?, len)
    }

    /// As [`View::get`], cut at the end of the view.
    pub(crate) fn up_to(&self, start: u64, len: u64) -> Option<&'s [u8]> {
        self.get(start, len.min(self.len.saturating_sub(start)))
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&self, start: u64) -> Option<[u8; N]> {
        self.get(start, N as u64)?.try_into().ok()
    }

    /// A big-endian 16-bit number.
    pub(crate) fn be16(&self, start: u64) -> Option<u16> {
        self.array(start).map(u16::from_be_bytes)
    }

    /// A big-endian 32-bit number.
    pub(crate) fn be32(&self, start: u64) -> Option<u32> {
        self.array(start).map(u32::from_be_bytes)
    }

    /// A big-endian 64-bit number.
    pub(crate) fn be64(&self, start: u64) -> Option<u64> {
        self.array(start).map(u64::from_be_bytes)
    }

    /// A little-endian 16-bit number.
    pub(crate) fn le16(&self, start: u64) -> Option<u16> {
        self.array(start).map(u16::from_le_bytes)
    }

    /// A little-endian 32-bit number.
    pub(crate) fn le32(&self, start: u64) -> Option<u32> {
        self.array(start).map(u32::from_le_bytes)
    }

    /// The view of a range, cut at the end of this view.
    pub(crate) fn part(&self, start: u64, len: u64) -> View<'s> {
        let start = start.min(self.len);
        View {
            source: self.source,
            base: self.base.saturating_add(start),
            len: len.min(self.len - start),
        }
    }

    /// The view from `start` to this view's end.
    pub(crate) fn from(&self, start: u64) -> View<'s> {
        self.part(start, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_noted_and_what_lies_beyond_the_end_is_not() {
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
