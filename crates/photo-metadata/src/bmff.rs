//! ISO base media boxes (ISO/IEC 14496-12 4.2), as HEIF, AVIF, CR3, JPEG XL and JPEG 2000 use them.
//! A box has a length, a type of four letters, and a content.

use super::limits;
use super::sparse::ByteView;

/// The identifier of a `uuid` box that contains XMP (XMP specification, part 3).
pub(crate) const XMP_UUID: &[u8] =
    b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// The warning if boxes were not read.
pub(crate) const BROKEN_BOXES: &str = "a broken box, or more boxes than any photo has";

/// One box: its type and its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaBox<'s> {
    pub(crate) kind: [u8; 4],
    pub(crate) body: ByteView<'s>,
    /// `true` if the box is longer than the rest of the bytes around it, so that its content is cut
    /// short.
    pub(crate) exceeds_parent: bool,
}

/// The boxes in a view, one after the other from its start.
///
/// The iterator ends early after `limits::MAX_SEGMENTS` boxes, and at a box whose header is broken.
/// Then [`MediaBoxes::are_incomplete`] returns `true`: metadata in the other boxes are missing.
#[derive(Debug)]
pub(crate) struct MediaBoxes<'s> {
    view: ByteView<'s>,
    at: u64,
    left: usize,
    incomplete: bool,
}

impl<'s> MediaBoxes<'s> {
    /// Reports whether the iterator ended before the end of the view. Up to seven bytes at the end
    /// do not count, because no box fits into them.
    pub(crate) fn are_incomplete(&self) -> bool {
        self.incomplete
    }

    fn read_box(&self) -> Option<(MediaBox<'s>, u64)> {
        let (view, at) = (self.view, self.at);
        let (length, kind) = (view.be32(at)?, view.array::<4>(at + 4)?);
        let (header, length) = match length {
            0 => (8, view.len() - at),
            1 => (16, view.be64(at + 8)?),
            length => (8, u64::from(length)),
        };
        let body = length.checked_sub(header)?;
        let start = at.checked_add(header)?;
        let end = at.checked_add(length)?;
        let found = MediaBox {
            kind,
            body: view.part(start, body),
            exceeds_parent: end > view.len(),
        };
        Some((found, end))
    }
}

impl<'s> Iterator for MediaBoxes<'s> {
    type Item = MediaBox<'s>;

    fn next(&mut self) -> Option<MediaBox<'s>> {
        // No box fits into fewer than eight bytes.
        if self.incomplete || self.at.saturating_add(8) > self.view.len() {
            return None;
        }
        let next = self.left.checked_sub(1);
        let Some((left, (found, end))) = next.zip(self.read_box()) else {
            self.incomplete = true;
            return None;
        };
        (self.left, self.at) = (left, end);
        Some(found)
    }
}

/// Returns the boxes in the view.
pub(crate) fn iter_boxes(view: ByteView<'_>) -> MediaBoxes<'_> {
    MediaBoxes {
        view,
        at: 0,
        left: limits::MAX_SEGMENTS,
        incomplete: false,
    }
}

/// Returns the content of the first box of this type. Returns `None` if there is no such box.
pub(crate) fn find_box<'s>(view: ByteView<'s>, kind: &[u8; 4]) -> Option<ByteView<'s>> {
    iter_boxes(view).find(|b| &b.kind == kind).map(|b| b.body)
}
