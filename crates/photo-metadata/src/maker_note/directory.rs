//! Reads the directories of maker notes. A directory is a table of tags in the form of an IFD
//! (image file directory, TIFF 6.0 section 2): each entry has a tag, a type, a count, and the value
//! or the offset of the value.
//!
//! The place from which these offsets count differs between makers, and programs move notes without
//! changing the offsets. So the caller passes the place. If no value is inside the note, the place
//! is found from the layout, or the values are not read.

use crate::limits;
use crate::sparse::ByteView;
use crate::tiff::{ByteOrder, FieldType, Ifd, IfdField};
use crate::work_budget::Work;

/// The size in bytes of an entry.
const ENTRY_BYTES: u64 = 12;
/// The possible numbers of bytes between the table of a directory and its first value. Most makers
/// write four zeros, which stand for the offset of the next directory.
const GAPS: [i64; 6] = [4, 0, 6, 2, 16, 28];

/// A maker note: a range of a TIFF structure.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoteBlock<'s> {
    /// The TIFF structure that contains the note.
    pub(super) view: ByteView<'s>,
    /// The offset of the note in the TIFF structure, in bytes.
    pub(super) start: u64,
    /// The length of the note in bytes.
    pub(super) size: u64,
    /// The byte order of the TIFF structure.
    pub(super) order: ByteOrder,
    /// The number of bytes by which a program moved the note, if the program recorded this. It is
    /// added to each offset that counts from the start of the TIFF structure.
    pub(super) displacement: i64,
}

/// The place from which the offsets of a directory count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetOrigin {
    /// The start of the TIFF structure that contains the note.
    Tiff,
    /// The start of the TIFF structure, or another place. It differs between the models of the
    /// maker, and is found from the first value.
    Layout,
    /// This byte of the note.
    Note(u64),
}

impl<'s> NoteBlock<'s> {
    /// Returns the first `length` bytes of the note, or fewer if the note is shorter.
    pub(super) fn head(&self, length: u64) -> &'s [u8] {
        let length = length.min(self.size);
        self.view.get(self.start, length).unwrap_or_default()
    }

    /// Returns a view of the note from its byte `start` to its end.
    pub(super) fn view_from(&self, start: u64) -> ByteView<'s> {
        let left = self.size.saturating_sub(start);
        self.view.part(self.start.saturating_add(start), left)
    }

    /// Reads the directory at the byte `start` of the note.
    pub(super) fn directory(&self, start: u64, origin: OffsetOrigin) -> Option<NoteDirectory<'s>> {
        self.directory_in(start, origin, self.order)
    }

    /// Reads the directory at the byte `start` of the note. `order` is its byte order. If the
    /// number of entries makes no sense in this order, the other order is used, as ExifTool does:
    /// some programs change the order of everything but the note.
    pub(super) fn directory_in(
        &self,
        start: u64,
        origin: OffsetOrigin,
        order: ByteOrder,
    ) -> Option<NoteDirectory<'s>> {
        let start = self.start.checked_add(start)?;
        let base = match origin {
            OffsetOrigin::Tiff | OffsetOrigin::Layout => self.displacement,
            OffsetOrigin::Note(byte) => i64::try_from(self.start.checked_add(byte)?).ok()?,
        };
        let mut directory = NoteDirectory::read(self.view, start, order, base)?;
        let end = self.start.checked_add(self.size)?;
        match origin {
            OffsetOrigin::Tiff => directory.check_base(start, end),
            OffsetOrigin::Layout => directory.find_base(end),
            OffsetOrigin::Note(_) => {}
        }
        Some(directory)
    }
}

/// A directory of a maker note.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoteDirectory<'s> {
    view: ByteView<'s>,
    order: ByteOrder,
    /// The offset of the first entry in the view.
    entries_start: u64,
    entries: &'s [u8],
    /// The number that is added to the offset of a value, so that it counts from the start of the
    /// view. `None` if the place of the values is unknown.
    base: Option<i64>,
}

/// The range of the values that are outside the entries of a directory, as their offsets give it.
#[derive(Debug, Clone, Copy)]
struct ValueSpan {
    first: i64,
    end: i64,
}

impl<'s> NoteDirectory<'s> {
    /// Reads the table of the directory at the offset `start` of the view. Returns `None` if it is
    /// not there, or if its first entry is not valid.
    fn read(view: ByteView<'s>, start: u64, order: ByteOrder, base: i64) -> Option<Self> {
        let count = view.array::<2>(start)?;
        let order = match (order.u16(count), order.u16([count[1], count[0]])) {
            (count, swapped) if count >> 8 > swapped >> 8 => order.swapped(),
            _ => order,
        };
        let entries_start = start.checked_add(2)?;
        let fitting = view.len().saturating_sub(entries_start) / ENTRY_BYTES;
        let count = u64::from(order.u16(count))
            .min(fitting)
            .min(limits::MAX_NOTE_ENTRIES);
        let entries = view.get(entries_start, count * ENTRY_BYTES)?;
        let directory = NoteDirectory {
            view,
            order,
            entries_start,
            entries,
            base: Some(base),
        };
        let (_, first) = directory.entries().next()?;
        directory.value_size(first).map(|_| directory)
    }

    /// Returns the byte order of the directory.
    pub(super) fn order(&self) -> ByteOrder {
        self.order
    }

    /// Reads the directory at the offset `start`, which counts from the same place as the offsets
    /// of this directory.
    pub(super) fn directory_at_offset(&self, start: u64) -> Option<NoteDirectory<'s>> {
        let base = self.base?;
        let start = u64::try_from(base.checked_add(i64::try_from(start).ok()?)?).ok()?;
        NoteDirectory::read(self.view, start, self.order, base)
    }

    /// Reads the directory that is the value of a field, or to which the value points.
    pub(super) fn subdirectory(&self, tag: u16) -> Option<NoteDirectory<'s>> {
        let field = self.field(tag)?;
        if field.kind == FieldType::Long && field.size == 4 {
            return self.directory_at_offset(field.unsigned(0)?);
        }
        NoteDirectory::read(self.view, field.offset, self.order, self.base?)
    }

    /// Returns the field with this tag. If there are several, returns the last one. Of a large
    /// value, only the first [`limits::MAX_VALUE_BYTES`] bytes are read.
    pub(super) fn field(&self, tag: u16) -> Option<IfdField<'s>> {
        // Each lookup compares the tags of all entries.
        let length = self.entries.len() as u64;
        self.view.budget().pay(Work::Bytes, length)?;
        let wanted = |entry: &[u8; 12]| self.order.u16([entry[0], entry[1]]) == tag;
        let (index, entry) = self.entries().filter(|(_, entry)| wanted(entry)).last()?;
        let (kind, count, size) = self.value_size(entry)?;
        let offset = if size <= 4 {
            self.entries_start + index * ENTRY_BYTES + 8
        } else {
            let offset = i64::from(self.order.u32(value_bytes(entry)));
            u64::try_from(self.base?.checked_add(offset)?).ok()?
        };
        let bytes = self.view.get(offset, size.min(limits::MAX_VALUE_BYTES))?;
        Some(IfdField {
            ifd: Ifd::MakerNote,
            tag,
            kind,
            count,
            order: self.order,
            bytes: Some(bytes),
            size,
            offset,
            view: self.view,
        })
    }

    fn entries(&self) -> impl Iterator<Item = (u64, &'s [u8; 12])> {
        let (entries, _) = self.entries.as_chunks::<12>();
        (0_u64..).zip(entries)
    }

    /// Returns the type of an entry's value, the number of values, and their size in bytes.
    fn value_size(&self, entry: &[u8; 12]) -> Option<(FieldType, u64, u64)> {
        let kind = FieldType::from_code(self.order.u16([entry[2], entry[3]]))?;
        let count = self.order.u32([entry[4], entry[5], entry[6], entry[7]]);
        let size = u64::from(count).checked_mul(kind.size())?;
        Some((kind, u64::from(count), size))
    }

    /// Returns the ranges of the values outside the entries: the start and the end of each, as the
    /// offsets give them. Leaves out values that are longer than `most`. Also leaves out values
    /// with an offset below 12, which some cameras write for empty values.
    fn value_ranges(&self, most: i64) -> impl Iterator<Item = (i64, i64)> {
        self.entries().filter_map(move |(_, entry)| {
            let (_, _, size) = self.value_size(entry)?;
            let size = i64::try_from(size).ok().filter(|size| *size <= most)?;
            let offset = i64::from(self.order.u32(value_bytes(entry)));
            (size > 4 && offset >= 12).then_some((offset, offset.saturating_add(size)))
        })
    }

    fn value_span(&self, most: i64) -> Option<ValueSpan> {
        let ranges = || self.value_ranges(most);
        Some(ValueSpan {
            first: ranges().map(|range| range.0).min()?,
            end: ranges().map(|range| range.1).max()?,
        })
    }

    /// Returns the offset of the end of the table in the view.
    fn table_end(&self) -> Option<i64> {
        let length = self.entries.len() as u64;
        i64::try_from(self.entries_start.checked_add(length)?).ok()
    }

    /// Checks whether the offsets point into the note, which begins at `start` and ends at `end` of
    /// the view. If they do not fit, a program moved the note. The place of the values is then
    /// found from the layout: they follow the table and end at the end of the note. If no value is
    /// in the note and the layout does not show the place, it is unknown.
    fn check_base(&mut self, start: u64, end: u64) {
        let (Some(base), Some(table_end)) = (self.base, self.table_end()) else {
            return;
        };
        let Ok(end) = i64::try_from(end) else {
            return;
        };
        let most = end.saturating_sub(i64::try_from(start).unwrap_or(end));
        let Some(span) = self.value_span(most) else {
            return;
        };
        let gap = span.first.saturating_add(base).saturating_sub(table_end);
        if GAPS.contains(&gap) {
            return;
        }
        let is_inside = |(from, to): (i64, i64)| {
            from.saturating_add(base) >= table_end && to.saturating_add(base) <= end
        };
        let fitting = GAPS.into_iter().find_map(|gap| {
            let base = table_end.checked_add(gap)?.checked_sub(span.first)?;
            // A byte may follow that makes the length even. Canon's notes may have a footer.
            let fits = match end.checked_sub(span.end.checked_add(base)?)? {
                0 | 1 => true,
                8 | 9 => has_footer(self.view, end),
                _ => false,
            };
            fits.then_some(base)
        });
        self.base = fitting.or_else(|| self.value_ranges(most).any(is_inside).then_some(base));
    }

    /// Finds the place from which the offsets count by the first value, which is directly after the
    /// table or four bytes later. This is ExifTool's rule for makers whose models use different
    /// places. The note ends at `end` of the view.
    fn find_base(&mut self, end: u64) {
        let (Some(base), Some(table_end)) = (self.base, self.table_end()) else {
            return;
        };
        let most = i64::try_from(end)
            .unwrap_or(i64::MAX)
            .saturating_sub(table_end);
        let Some(span) = self.value_span(most) else {
            return;
        };
        let gap = span.first.saturating_add(base).saturating_sub(table_end);
        if !matches!(gap, 0 | 2 | 4 | 16) {
            self.base = table_end
                .checked_add(4)
                .and_then(|at| at.checked_sub(span.first));
        }
    }

    /// Adds `shift` to the offsets of the values.
    pub(super) fn shifted(self, shift: i64) -> Self {
        NoteDirectory {
            base: self.base.and_then(|base| base.checked_add(shift)),
            ..self
        }
    }

    /// Returns the number of bytes between the table and the first value.
    pub(super) fn first_gap(&self) -> Option<i64> {
        let span = self.value_span(i64::from(u32::MAX))?;
        span.first
            .checked_add(self.base?)?
            .checked_sub(self.table_end()?)
    }
}

/// Reports whether a note that ends at `end` of the view has a footer: a TIFF header.
fn has_footer(view: ByteView<'_>, end: i64) -> bool {
    let start = end
        .checked_sub(8)
        .and_then(|start| u64::try_from(start).ok());
    let footer = start.and_then(|start| view.array::<4>(start));
    footer.is_some_and(|footer| footer == *b"II*\0" || footer == *b"MM\0*")
}

/// Returns the last four bytes of an entry: its value, or the offset of its value.
fn value_bytes(entry: &[u8; 12]) -> [u8; 4] {
    [entry[8], entry[9], entry[10], entry[11]]
}
