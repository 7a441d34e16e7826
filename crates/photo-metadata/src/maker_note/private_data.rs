//! Finds a maker note in the tag `DNGPrivateData` of a DNG. Adobe's converter copies the note of
//! the camera there, and records the place from which it was copied. Some cameras of Pentax,
//! Samsung and Ricoh write their note there.

use super::directory::NoteBlock;
use super::pentax;
use crate::limits;
use crate::tag;
use crate::tiff::{ByteOrder, Ifd, IfdFields};

/// The first bytes of Adobe's private data. Blocks follow: a name of four letters, a length, and
/// the content.
const ADOBE_HEADER: &[u8] = b"Adobe\0";
/// The length of the name and the length of a block in bytes.
const BLOCK_HEADER_BYTES: u64 = 8;
/// The name of a block with a maker note.
const MAKER_NOTE_BLOCK: &[u8; 4] = b"MakN";
/// The length in bytes of the byte order and the original offset before the note.
const NOTE_HEADER_BYTES: u64 = 6;

/// Returns the maker note in the private data. Returns `None` if there is none.
pub(super) fn find_maker_note<'s>(fields: &IfdFields<'s>) -> Option<NoteBlock<'s>> {
    let field = fields.get(Ifd::Main(0), tag::DNG_PRIVATE_DATA)?;
    let data = NoteBlock::of_field(field);
    let head = data.head(16);
    if pentax::is_note(head) {
        return Some(data);
    }
    if !head.starts_with(ADOBE_HEADER) {
        return None;
    }
    let mut at = ADOBE_HEADER.len() as u64;
    for _ in 0..limits::MAX_PRIVATE_BLOCKS {
        let block = data.view_from(at);
        let name = block.array::<4>(0)?;
        let length = u64::from(block.be32(4)?);
        at += BLOCK_HEADER_BYTES;
        if name == *MAKER_NOTE_BLOCK {
            return copied_note(&data, at, length);
        }
        // The length is even.
        at = at.checked_add(length)?.checked_next_multiple_of(2)?;
    }
    None
}

/// Returns the note in a block: the byte order, the offset from which the note was copied, and the
/// note.
fn copied_note<'s>(data: &NoteBlock<'s>, start: u64, length: u64) -> Option<NoteBlock<'s>> {
    let block = data.view_from(start);
    let order = match &block.array::<2>(0)? {
        b"II" => ByteOrder::Little,
        b"MM" => ByteOrder::Big,
        _ => return None,
    };
    let original = i64::from(block.be32(2)?);
    let start = data
        .start
        .checked_add(start)?
        .checked_add(NOTE_HEADER_BYTES)?;
    let displacement = i64::try_from(start).ok()?.checked_sub(original)?;
    Some(NoteBlock {
        view: data.view,
        start,
        size: length.checked_sub(NOTE_HEADER_BYTES)?.min(data.size),
        order,
        displacement,
    })
}
