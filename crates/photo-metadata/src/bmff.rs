//! ISO base media boxes (ISO/IEC 14496-12 4.2), as HEIF, AVIF, CR3, JPEG XL and JPEG 2000 use them.
//! A box has a length, a type of four letters, and a content.

use super::limits;
use super::sparse::ByteView;

/// The identifier of a `uuid` box that contains XMP (XMP specification, part 3).
pub(crate) const XMP_UUID: &[u8] =
    b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac";

/// One box: its type and its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaBox<'s> {
    pub(crate) kind: [u8; 4],
    pub(crate) body: ByteView<'s>,
    /// `true` if the box is longer than the rest of the bytes around it, so that its content is cut
    /// short.
    pub(crate) exceeds_parent: bool,
}

/// Returns the boxes in the view, one after the other from its start. Stops at a box whose header
/// is missing or broken.
pub(crate) fn iter_boxes(view: ByteView<'_>) -> impl Iterator<Item = MediaBox<'_>> {
    let mut at = 0_u64;
    let mut left = limits::MAX_SEGMENTS;
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        if at.saturating_add(8) > view.len() {
            return None;
        }
        let (length, kind) = (view.be32(at)?, view.array::<4>(at + 4)?);
        let (header, length) = match length {
            0 => (8, view.len() - at),
            1 => (16, view.be64(at + 8)?),
            length => (8, u64::from(length)),
        };
        let body = length.checked_sub(header)?;
        let start = at.checked_add(header)?;
        at = at.checked_add(length)?;
        Some(MediaBox {
            kind,
            body: view.part(start, body),
            exceeds_parent: at > view.len(),
        })
    })
}

/// Returns the content of the first box of this type. Returns `None` if there is no such box.
pub(crate) fn find_box<'s>(view: ByteView<'s>, kind: &[u8; 4]) -> Option<ByteView<'s>> {
    iter_boxes(view).find(|b| &b.kind == kind).map(|b| b.body)
}
