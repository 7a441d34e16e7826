//! ISO base media boxes (ISO/IEC 14496-12 4.2), as HEIF, AVIF, CR3, JPEG XL and JPEG 2000 use them.

use super::limits;
use super::sparse::View;

/// One box.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Box<'s> {
    pub(crate) kind: [u8; 4],
    pub(crate) body: View<'s>,
    /// Whether the box claims to go on beyond what is around it.
    pub(crate) cut: bool,
}

/// The boxes that follow each other from the start of the view. Ends where a header is not at hand or broken.
pub(crate) fn boxes(view: View<'_>) -> impl Iterator<Item = Box<'_>> {
    let mut at = 0_u64;
    let mut left = limits::SEGMENTS;
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
        Some(Box {
            kind,
            body: view.part(start, body),
            cut: at > view.len(),
        })
    })
}

/// The first box of a kind.
pub(crate) fn first<'s>(view: View<'s>, kind: &[u8; 4]) -> Option<View<'s>> {
    boxes(view).find(|b| &b.kind == kind).map(|b| b.body)
}
