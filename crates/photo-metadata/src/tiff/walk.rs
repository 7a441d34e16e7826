//! Reads the IFDs of a TIFF structure, one after another. An IFD (image file directory) is a table
//! of entries.
//!
//! Four kinds of links lead from one IFD to others: to the next IFD of the main chain, from the
//! tags ExifOffset, GPSInfo and InteropOffset, from the tag SubIFDs (TIFF technical note 1), and
//! from a SubIFD to the next one.

use std::ops::Range;

use super::{ByteOrder, FieldType, Ifd, IfdField, IfdFields, read_byte_order};
use crate::sparse::ByteView;
use crate::{limits, tag};

impl<'s> IfdFields<'s> {
    /// Reads the TIFF structure at the start of the view, and adds its fields. `first` is the kind
    /// of its first IFD. It is `Main(0)`, except in a CR3, in which every IFD is a TIFF structure
    /// of its own.
    pub(crate) fn read_tiff(&mut self, view: ByteView<'s>, first: Ifd) {
        let Some(order) = read_byte_order(view) else {
            let warning = "EXIF data do not start with a TIFF header".to_owned();
            return self.warn_of_structure(first, warning);
        };
        let mut walk = IfdWalk {
            fields: self,
            view,
            order,
            big: false,
            seen: Vec::new(),
        };
        let Some(magic) = walk.u16(2) else {
            let warning = "TIFF header cut short".to_owned();
            return walk.fields.warn_of_structure(first, warning);
        };
        walk.big = magic == 43;
        let start = if walk.big {
            walk.u64(8)
        } else {
            walk.u32(4).map(u64::from)
        };
        match start {
            Some(start) if start > 0 && start < view.len() => walk.read_chain(start, first),
            Some(_) => walk
                .fields
                .warn_of_structure(first, "the first IFD lies outside the file".to_owned()),
            None => walk
                .fields
                .warn_of_structure(first, "TIFF header cut short".to_owned()),
        }
    }
}

/// The number of entries of an IFD, and the offset of the first entry.
struct IfdTable {
    count: u64,
    entries: u64,
}

/// A field that points to an IFD: the offset of this IFD, and its kind.
struct IfdPointer {
    offset: u64,
    ifd: Ifd,
    /// `true` for the first offset of a tag SubIFDs. Other SubIFDs may follow this SubIFD, as
    /// IFD1 follows IFD0.
    is_first_sub_ifd: bool,
}

/// The state of reading the IFDs of one TIFF structure.
struct IfdWalk<'w, 's> {
    fields: &'w mut IfdFields<'s>,
    view: ByteView<'s>,
    order: ByteOrder,
    big: bool,
    seen: Vec<u64>,
}

impl<'s> IfdWalk<'_, 's> {
    fn u16(&self, at: u64) -> Option<u16> {
        self.view.array(at).map(|b| self.order.u16(b))
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.view.array(at).map(|b| self.order.u32(b))
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.view.array(at).map(|b| self.order.u64(b))
    }

    /// Reads the IFD at the offset `start`, and the IFDs that follow it in the main chain. In a
    /// CR3, `first` is not `Main(0)`, and only one IFD is read.
    fn read_chain(&mut self, start: u64, first: Ifd) {
        let mut next = self.read_directory(start, first, 0);
        if first != Ifd::Main(0) {
            return;
        }
        for page in 1..limits::MAX_CHAINED_IFDS {
            match next {
                Some(offset) if offset != 0 => {
                    next = self.read_directory(offset, Ifd::Main(page), 0)
                }
                _ => return,
            }
        }
        if next.is_some_and(|offset| offset != 0) {
            let limit = limits::MAX_CHAINED_IFDS;
            let warning = format!("more than {limit} pages: the others were not read");
            self.fields.warn_of_structure(Ifd::Main(0), warning);
        }
    }

    /// Reads the SubIFDs that follow a SubIFD. `next` is the offset of the first of them. Many RAW
    /// files have a random number here instead of an offset. So the bytes there must be an IFD
    /// without any fault (ExifTool's rule too).
    fn read_sub_chain(&mut self, mut next: Option<u64>, depth: u8) {
        for _ in 1..limits::MAX_CHAINED_IFDS {
            let Some(offset) = next else { return };
            if offset == 0 || self.seen.contains(&offset) || !self.is_sound_directory(offset) {
                return;
            }
            let ifd = self.fields.number_sub_ifd();
            next = self.read_directory(offset, ifd, depth);
        }
    }

    /// Reports whether the bytes at the offset `start` are an IFD of 2 to 63 entries that are in
    /// order and have known types.
    fn is_sound_directory(&self, start: u64) -> bool {
        let size = self.entry_size();
        let table = self
            .table_at(start)
            .filter(|table| (2..64).contains(&table.count));
        let bytes = table.and_then(|table| self.view.get(table.entries, table.count * size));
        let Some(bytes) = bytes else { return false };
        let number = |entry: &[u8], at: usize| {
            let bytes = entry.get(at..at + 2)?.try_into().ok()?;
            Some(self.order.u16(bytes))
        };
        let mut last = None;
        bytes
            .chunks_exact(usize::try_from(size).unwrap_or(1))
            .all(|entry| {
                let (tag, code) = (number(entry, 0), number(entry, 2));
                let follows = tag > last;
                last = tag;
                follows && code.and_then(FieldType::from_code).is_some()
            })
    }

    /// Returns the size of one entry of an IFD, in bytes.
    fn entry_size(&self) -> u64 {
        if self.big { 20 } else { 12 }
    }

    /// Reads the number of entries of the IFD at the offset `start`.
    fn table_at(&self, start: u64) -> Option<IfdTable> {
        let (count, width) = if self.big {
            (self.u64(start)?, 8)
        } else {
            (u64::from(self.u16(start)?), 2)
        };
        Some(IfdTable {
            count,
            entries: start.checked_add(width)?,
        })
    }

    /// Reads the IFD at the offset `start`, and the IFDs to which its fields point. Returns the
    /// offset of the next IFD in the main chain or after a SubIFD, if there is one.
    fn read_directory(&mut self, start: u64, ifd: Ifd, depth: u8) -> Option<u64> {
        let name = || ifd.name();
        if self.seen.contains(&start) {
            self.fields
                .warn(format!("{} repeats an IFD already read", name()));
            return None;
        }
        if self.fields.ifds >= limits::MAX_IFDS || depth > limits::MAX_SUB_IFD_DEPTH {
            let warning = format!("{}: too many IFDs, or nested too deep", name());
            self.fields.warn_of_structure(ifd, warning);
            return None;
        }
        self.seen.push(start);
        self.fields.ifds += 1;
        let Some(table) = self.table_at(start) else {
            let warning = format!("{} lies outside the file", name());
            self.fields.warn_of_structure(ifd, warning);
            return None;
        };
        let size = self.entry_size();
        let room = limits::MAX_ENTRIES.saturating_sub(self.fields.entries) as u64;
        let fitting = self.view.len().saturating_sub(table.entries) / size;
        if table.count > fitting {
            let warning = format!("{} is cut short", name());
            self.fields.warn_of_structure(ifd, warning);
        } else if table.count > room {
            let warning = format!("{}: too many entries", name());
            self.fields.warn_of_structure(ifd, warning);
        }
        let kept = table.count.min(fitting).min(room);
        // The table is read as a whole. So only one range is asked for.
        let bytes = self.view.get(table.entries, kept.checked_mul(size)?)?;
        self.fields.entries = self
            .fields
            .entries
            .saturating_add(usize::try_from(kept).unwrap_or(usize::MAX));
        let below = depth.saturating_add(1);
        let mut sub_chain = None;
        for pointer in self.read_entries(bytes, table.entries, ifd)? {
            let next = self.read_directory(pointer.offset, pointer.ifd, below);
            if pointer.is_first_sub_ifd {
                sub_chain = next;
            }
        }
        self.read_sub_chain(sub_chain, below);
        let end = table.entries.checked_add(table.count.checked_mul(size)?)?;
        let may_have_next = matches!(ifd, Ifd::Main(_) | Ifd::Sub(_));
        if !may_have_next || end >= self.view.len() {
            return None;
        }
        if self.big {
            self.u64(end)
        } else {
            self.u32(end).map(u64::from)
        }
    }

    /// Reads the entries of an IFD and adds their fields. `at` is the offset of the first entry.
    /// Returns the pointers to other IFDs, or `None` if the bytes are not an IFD.
    fn read_entries(&mut self, table: &'s [u8], at: u64, ifd: Ifd) -> Option<Vec<IfdPointer>> {
        let size = self.entry_size();
        let mut below = Vec::new();
        let mut broken = 0;
        for (index, entry) in table.chunks_exact(usize::try_from(size).ok()?).enumerate() {
            let at = at.checked_add((index as u64).checked_mul(size)?)?;
            match self.read_entry(entry, at, ifd) {
                Ok(Some(field)) => self.add_field(field, &mut below),
                Ok(None) => {}
                // If the first entry is nonsense, this is not a directory (ExifTool's rule too).
                Err(()) if index == 0 => {
                    let warning = format!("{} is no directory", ifd.name());
                    self.fields.warn_of_structure(ifd, warning);
                    return None;
                }
                Err(()) => {
                    broken += 1;
                    if broken >= limits::MAX_BROKEN_ENTRIES {
                        let warning = format!("{}: too many broken entries", ifd.name());
                        self.fields.warn_of_structure(ifd, warning);
                        break;
                    }
                }
            }
        }
        Some(below)
    }

    /// Reads one entry of an IFD. `at` is the offset of the entry in the TIFF structure. Returns
    /// `Ok(None)` if the value is outside the file or not available yet.
    ///
    /// # Errors
    /// The bytes cannot be an entry.
    fn read_entry(
        &mut self,
        entry: &'s [u8],
        at: u64,
        ifd: Ifd,
    ) -> Result<Option<IfdField<'s>>, ()> {
        let two = |at: usize| {
            entry
                .get(at..at + 2)
                .and_then(|b| b.try_into().ok())
                .map(|b| self.order.u16(b))
        };
        let four = |at: usize| {
            entry
                .get(at..at + 4)
                .and_then(|b| b.try_into().ok())
                .map(|b| self.order.u32(b))
        };
        let eight = |at: usize| {
            entry
                .get(at..at + 8)
                .and_then(|b| b.try_into().ok())
                .map(|b| self.order.u64(b))
        };
        let (Some(tag), Some(code)) = (two(0), two(2)) else {
            return Err(());
        };
        let Some(kind) = FieldType::from_code(code) else {
            if code != 0 || tag != 0 {
                let warning = format!(
                    "{}: tag 0x{tag:04x} has the unknown type {code}",
                    ifd.name()
                );
                self.fields.warn_of_entry(ifd, tag, warning);
            }
            return Err(());
        };
        let (count, inline, slot) = if self.big {
            (eight(4), 8, 12)
        } else {
            (four(4).map(u64::from), 4, 8)
        };
        let corrected = count.map(|count| corrected_type(ifd, tag, kind, count));
        let sized = corrected
            .and_then(|(kind, count)| Some((kind, count, count.checked_mul(kind.size())?)));
        let Some((kind, count, size)) = sized else {
            let warning = format!("{}: tag 0x{tag:04x} has an impossible size", ifd.name());
            self.fields.warn_of_entry(ifd, tag, warning);
            return Ok(None);
        };
        let offset = match size {
            size if size <= inline => at.saturating_add(slot as u64),
            _ if self.big => eight(slot).unwrap_or(u64::MAX),
            _ => four(slot).map_or(u64::MAX, u64::from),
        };
        let field = IfdField {
            ifd,
            tag,
            kind,
            count,
            order: self.order,
            bytes: None,
            size,
            offset,
            view: self.view,
        };
        if size <= inline {
            let length = usize::try_from(size).ok();
            let bytes = length.and_then(|length| entry.get(slot..slot + length));
            return Ok(Some(IfdField { bytes, ..field }));
        }
        Ok(self.read_value(field))
    }

    /// Reads the value of a field that is outside its entry. If the value is too large or a maker
    /// note, returns the field without the value. Returns `None` if the value is outside the file
    /// or not available yet.
    fn read_value(&mut self, field: IfdField<'s>) -> Option<IfdField<'s>> {
        let IfdField {
            ifd,
            tag,
            kind,
            size,
            offset,
            ..
        } = field;
        let is_packet = matches!(
            tag,
            tag::APPLICATION_NOTES | tag::IPTC_NAA | tag::PHOTOSHOP_SETTINGS | tag::XP_KEYWORDS
        ) && size <= limits::MAX_PACKET_BYTES;
        let end = offset.checked_add(size);
        if end.is_none_or(|end| end > self.view.len()) {
            let warning = format!(
                "{}: the value of tag 0x{tag:04x} lies outside the file",
                ifd.name()
            );
            self.fields.warn_of_entry(ifd, tag, warning);
            // ExifTool reads a text that is cut off by the end of the file. Here it is ignored,
            // like a number.
            return None;
        }
        let may_be_caption = matches!(
            tag,
            tag::IMAGE_DESCRIPTION | tag::USER_COMMENT | tag::XP_COMMENT
        );
        let max_size = match may_be_caption {
            true => limits::MAX_LONG_VALUE_BYTES,
            false => limits::MAX_VALUE_BYTES,
        };
        let is_too_large = size > max_size && !is_packet;
        // If a text is too large for the tags, its start is enough for the record.
        let length = match kind {
            FieldType::Ascii if is_too_large => max_size,
            _ if is_too_large => return Some(field),
            _ if tag == tag::MAKER_NOTE && ifd != Ifd::MakerNote => return Some(field),
            _ => size,
        };
        let bytes = self.view.get(offset, length)?;
        Some(IfdField {
            bytes: Some(bytes),
            ..field
        })
    }

    /// Adds a field to the fields of the file. If the field points to IFDs, adds the pointers to
    /// `below` instead.
    fn add_field(&mut self, field: IfdField<'s>, below: &mut Vec<IfdPointer>) {
        let ifd = match field.tag {
            _ if field.ifd == Ifd::MakerNote => return self.fields.push(field),
            tag::EXIF_OFFSET => Ifd::Exif,
            tag::GPS_INFO => Ifd::Gps,
            tag::INTEROP_OFFSET if field.ifd != Ifd::Gps => Ifd::Interop,
            tag::SUB_IFD if field.ifd != Ifd::Gps => {
                let pointers: Range<usize> = 0..usize::try_from(field.count)
                    .unwrap_or(0)
                    .min(limits::MAX_IFDS);
                for index in pointers {
                    let Some(offset) = field.unsigned(index) else {
                        continue;
                    };
                    below.push(IfdPointer {
                        offset,
                        ifd: self.fields.number_sub_ifd(),
                        is_first_sub_ifd: index == 0,
                    });
                }
                return;
            }
            _ => return self.fields.push(field),
        };
        match field.unsigned(0) {
            Some(0) => self.fields.warn(format!(
                "{}: the pointer to {} is zero",
                field.ifd.name(),
                ifd.name()
            )),
            Some(offset) if field.ifd != Ifd::Gps => below.push(IfdPointer {
                offset,
                ifd,
                is_first_sub_ifd: false,
            }),
            _ => self.fields.warn(format!(
                "{}: the pointer to {} is no number",
                field.ifd.name(),
                ifd.name()
            )),
        }
    }
}

/// Returns the type and the number of values of an entry, corrected as ExifTool does it (`Format`
/// in its table Exif::Main). The two tags ShutterSpeedValue and ExposureCompensation are one
/// SRATIONAL, but Leica's M8 writes a RATIONAL, and other programs write four SHORTs or eight
/// BYTEs. These have the same eight bytes.
fn corrected_type(ifd: Ifd, tag: u16, kind: FieldType, count: u64) -> (FieldType, u64) {
    let is_signed_fraction = matches!(tag, tag::SHUTTER_SPEED_VALUE | tag::EXPOSURE_COMPENSATION);
    let has_other_bytes = matches!(
        kind,
        FieldType::Ascii
            | FieldType::Float
            | FieldType::Double
            | FieldType::Long8
            | FieldType::SLong8
    );
    let has_eight_bytes = count.checked_mul(kind.size()) == Some(8);
    if is_signed_fraction && ifd != Ifd::Gps && !has_other_bytes && has_eight_bytes {
        (FieldType::SRational, 1)
    } else {
        (kind, count)
    }
}
