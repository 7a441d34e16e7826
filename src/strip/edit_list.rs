//! The result of a scan: the ranges of a file that are served unchanged, and the new bytes that are
//! added.

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

    /// Builds an edit list that serves a range of the file unmodified.
    pub(crate) fn unmodified(range: Range<u64>) -> Self {
        EditList::new(vec![Span::Kept(range)])
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
                    // A span of new bytes is short, so its offsets fit into a `usize`.
                    Span::Made(bytes) => Span::Made(bytes.slice(from as usize..to as usize)),
                    Span::Kept(kept) => Span::Kept(kept.start + from..kept.start + to),
                });
            }
            start = end;
        }
        slice
    }
}

/// The error of a file that cannot be stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is not a picture that can be stripped")]
pub(crate) struct NotStrippable;
