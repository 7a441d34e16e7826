//! The maker note of Phase One and Leaf. Its directory has entries of 16 bytes: tag, type, size in
//! bytes, and the value or its offset. Offsets count from the start of the note.

use super::directory::NoteBlock;
use super::{MakerNoteFacts, iso_speed, lens_name, serial_number};
use crate::sparse::ByteView;
use crate::tag::maker_note::phase_one as tag;
use crate::text::{clean_text, decode_text, until_nul};
use crate::tiff::{ByteOrder, read_byte_order};
use crate::work_budget::Work;

/// The size of an entry in bytes.
const ENTRY_BYTES: u64 = 16;
/// The largest number of entries of a directory, as ExifTool has it.
const MAX_ENTRIES: u32 = 300;
/// The largest length of a text in bytes.
const MAX_TEXT_BYTES: u64 = 256;

/// A directory of Phase One.
struct WideDirectory<'s> {
    note: ByteView<'s>,
    order: ByteOrder,
    entries: &'s [u8],
}

/// Reports whether a note has this form.
pub(super) fn is_note(head: &[u8]) -> bool {
    match head.get(..8) {
        Some([b'I', b'I', b'I', b'I', _, b'w', b'a', b'R']) => true,
        Some(start) => start.starts_with(b"MMMMRaw"),
        None => false,
    }
}

/// Reads a note.
pub(super) fn read(block: &NoteBlock<'_>, head: &[u8]) -> Option<MakerNoteFacts> {
    debug_assert!(is_note(head), "the caller has checked the form");
    let directory = WideDirectory::read(block.view_from(0))?;
    Some(MakerNoteFacts {
        body_serial: directory.text(tag::SERIAL_NUMBER).and_then(serial_number),
        iso: directory.number(tag::ISO).and_then(iso_speed),
        lens: directory.text(tag::LENS_MODEL).and_then(lens_name),
        ..MakerNoteFacts::default()
    })
}

impl<'s> WideDirectory<'s> {
    fn read(note: ByteView<'s>) -> Option<Self> {
        let order = read_byte_order(note)?;
        let start = u64::from(order.u32(note.array(8)?));
        let count = order.u32(note.array(start)?);
        if count > MAX_ENTRIES {
            return None;
        }
        let length = u64::from(count) * ENTRY_BYTES;
        Some(WideDirectory {
            note,
            order,
            entries: note.get(start.checked_add(8)?, length)?,
        })
    }

    /// Returns the size of the value of a tag, and the last four bytes of its entry: the value or
    /// its offset.
    fn find(&self, tag: u32) -> Option<(u64, u32)> {
        let length = self.entries.len() as u64;
        self.note.budget().pay(Work::Bytes, length)?;
        let (entries, _) = self.entries.as_chunks::<16>();
        let part = |entry: &[u8; 16], at: usize| {
            let bytes = entry.get(at..at + 4)?.try_into().ok()?;
            Some(self.order.u32(bytes))
        };
        let entry = entries.iter().find(|entry| part(entry, 0) == Some(tag))?;
        Some((u64::from(part(entry, 8)?), part(entry, 12)?))
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let (size, value) = self.find(tag)?;
        (size <= 4).then_some(value)
    }

    fn text(&self, tag: u32) -> Option<String> {
        let (size, offset) = self.find(tag)?;
        // A text of up to four characters is inside its entry. The texts that are read here are
        // longer.
        if size <= 4 {
            return None;
        }
        let bytes = self.note.get(u64::from(offset), size.min(MAX_TEXT_BYTES))?;
        clean_text(&decode_text(until_nul(bytes)))
    }
}
