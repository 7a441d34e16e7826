//! The result of a scan: the ranges of a file that are served unchanged, and the new bytes that are
//! added.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

/// The maximum number of spans in an edit list. Only a malicious file needs more.
pub(super) const MAX_SPANS: usize = 4096;

/// One piece of a stripped picture. The pieces are served one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Span {
    /// New bytes, which are not in the file.
    Made(Bytes),
    /// A range of the file, in byte offsets, that is served unmodified.
    Kept(Range<u64>),
}

impl Span {
    /// Returns the length of the span in bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Span::Made(bytes) => bytes.len() as u64,
            Span::Kept(range) => range.end - range.start,
        }
    }
}

/// An edit list: the spans that are served in place of a file, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EditList {
    spans: Vec<Span>,
    size_bytes: u64,
}

impl EditList {
    /// Builds an edit list from its spans.
    pub(super) fn new(spans: Vec<Span>) -> Self {
        let size_bytes = spans.iter().map(Span::len).sum();
        EditList { spans, size_bytes }
    }

    /// Returns the memory that the edit list takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let made = self.spans.iter().map(|span| match span {
            Span::Made(bytes) => bytes.len(),
            Span::Kept(_) => 0,
        });
        made.sum::<usize>() + self.spans.len() * size_of::<Span>()
    }

    /// Returns the total size of the spans, in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the spans that make up a range of the served bytes. The range is in offsets of the
    /// served bytes, not of the file.
    pub(crate) fn slice(&self, range: Range<u64>) -> Vec<Span> {
        let mut slice = Vec::new();
        let mut start = 0;
        for span in &self.spans {
            let end = start + span.len();
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                let (from, to) = (from - start, to - start);
                slice.push(match span {
                    // New bytes are in memory, so their offsets fit into a `usize`.
                    Span::Made(bytes) => Span::Made(bytes.slice(from as usize..to as usize)),
                    Span::Kept(kept) => Span::Kept(kept.start + from..kept.start + to),
                });
            }
            start = end;
        }
        slice
    }
}

/// Cuts spans out of one range of a file that contains them all. So a picture of many spans is
/// served with one read of its file.
#[derive(Debug)]
pub(crate) struct SpanCutter {
    spans: VecDeque<Span>,
    /// The offset in the file of the next byte that arrives.
    offset: u64,
}

impl SpanCutter {
    /// Builds a cutter for these spans, which must be in the order of the file.
    pub(crate) fn new(spans: Vec<Span>) -> Self {
        let mut cutter = SpanCutter {
            spans: spans.into(),
            offset: 0,
        };
        cutter.offset = cutter.file_range().map_or(0, |range| range.start);
        cutter
    }

    /// Returns the smallest range of the file that contains all spans that are not cut yet. Returns
    /// `None` if no byte of the file is needed.
    pub(crate) fn file_range(&self) -> Option<Range<u64>> {
        let mut ranges = self.spans.iter().filter_map(|span| match span {
            Span::Kept(range) => Some(range),
            Span::Made(_) => None,
        });
        let first = ranges.next()?;
        Some(first.start..ranges.next_back().unwrap_or(first).end)
    }

    /// Returns the bytes to serve that can be made from `bytes`, which are the next bytes of the
    /// file. The first call must begin at the start of [`SpanCutter::file_range`]. A call may pass
    /// no bytes.
    pub(crate) fn cut(&mut self, mut bytes: Bytes) -> Vec<Bytes> {
        let mut served = Vec::new();
        while let Some(span) = self.spans.front_mut() {
            let range = match span {
                Span::Made(made) => {
                    served.push(std::mem::take(made));
                    self.spans.pop_front();
                    continue;
                }
                Span::Kept(range) => range,
            };
            let gap = range.start.saturating_sub(self.offset);
            let skipped = usize::try_from(gap).unwrap_or(usize::MAX).min(bytes.len());
            drop(bytes.split_to(skipped));
            self.offset += skipped as u64;
            if bytes.is_empty() {
                break;
            }
            let wanted = range.end - range.start;
            let taken = usize::try_from(wanted)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            served.push(bytes.split_to(taken));
            self.offset += taken as u64;
            range.start += taken as u64;
            if range.is_empty() {
                self.spans.pop_front();
            }
        }
        served
    }

    /// Returns `true` if all spans have been cut.
    pub(crate) fn is_done(&self) -> bool {
        self.spans.is_empty()
    }
}

/// The error of a file that cannot be stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is not a picture that can be stripped")]
pub(crate) struct NotStrippable;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cut_spans_are_the_spans_of_the_file(
            lengths in proptest::collection::vec((0_u64..20, 1_u64..20, any::<bool>()), 0..20),
            step in 1_usize..50,
        ) {
            let file: Vec<u8> = (0..1000_u32).map(|at| (at % 251) as u8).collect();
            let (mut spans, mut expected, mut at) = (Vec::new(), Vec::<u8>::new(), 7_u64);
            for (gap, length, made) in lengths {
                if made {
                    spans.push(Span::Made(Bytes::from_static(b"made")));
                    expected.extend(b"made");
                }
                let range = at + gap..at + gap + length;
                expected.extend(&file[range.start as usize..range.end as usize]);
                at = range.end;
                spans.push(Span::Kept(range));
            }
            spans.push(Span::Made(Bytes::from_static(b"end")));
            expected.extend(b"end");
            let mut cutter = SpanCutter::new(spans);
            let range = cutter.file_range().unwrap_or(0..0);
            let mut served = cutter.cut(Bytes::new());
            for chunk in file[range.start as usize..range.end as usize].chunks(step) {
                served.extend(cutter.cut(Bytes::copy_from_slice(chunk)));
            }
            prop_assert!(cutter.is_done());
            prop_assert_eq!(served.concat(), expected);
        }
    }
}
