//! Reads TIFF structures (TIFF 6.0 section 2, BigTIFF, EXIF 3.0 4.6), even if some of their bytes
//! are not available yet. An IFD (image file directory) is a table of entries. An entry is a field:
//! a tag number, a type and a value. All IFDs of a structure are read.
//!
//! The fields are not interpreted. The reader never fails: it skips broken entries and IFDs with a
//! warning, as ExifTool does. kamadak-exif is not used here, because it needs the whole structure
//! in one buffer, and the IFDs of a RAW file may be anywhere in the file. It also lacks IFD-typed
//! pointers, SubIFDs, BigTIFF and the other magic numbers.

use std::ops::Range;

use super::limits;
use super::record::storable_number;
use super::sparse::ByteView;
use super::tag;

/// The kind of an IFD (image file directory), which is a table of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ifd {
    /// An IFD of the main chain, with its number in the chain: IFD0, IFD1, ...
    Main(u8),
    /// The Exif IFD (EXIF 3.0 4.6.3.1.1).
    Exif,
    /// The GPS IFD, with the position (EXIF 3.0 4.6.3.1.2).
    Gps,
    /// The interoperability IFD (EXIF 3.0 4.6.3.1.3).
    Interop,
    /// The IFD of a maker note, which is data in the camera maker's own format. In a Canon CR3 it
    /// is a TIFF structure of its own.
    MakerNote,
    /// A SubIFD (TIFF technical note 1). Its number is its place in the order of reading.
    Sub(u8),
}

impl Ifd {
    /// Returns ExifTool's name of the IFD.
    pub(crate) fn name(self) -> String {
        match self {
            Ifd::Main(n) => format!("IFD{n}"),
            Ifd::Exif => "ExifIFD".to_owned(),
            Ifd::Gps => "GPS".to_owned(),
            Ifd::Interop => "InteropIFD".to_owned(),
            Ifd::MakerNote => "MakerNote".to_owned(),
            Ifd::Sub(0) => "SubIFD".to_owned(),
            Ifd::Sub(n) => format!("SubIFD{n}"),
        }
    }
}

/// The byte order of a TIFF structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    /// Returns the other byte order.
    pub(crate) fn swapped(self) -> Self {
        match self {
            ByteOrder::Big => ByteOrder::Little,
            ByteOrder::Little => ByteOrder::Big,
        }
    }

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Big => u16::from_be_bytes(bytes),
            ByteOrder::Little => u16::from_le_bytes(bytes),
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Big => u32::from_be_bytes(bytes),
            ByteOrder::Little => u32::from_le_bytes(bytes),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            ByteOrder::Big => u64::from_be_bytes(bytes),
            ByteOrder::Little => u64::from_le_bytes(bytes),
        }
    }
}

/// The type of a field's values (TIFF 6.0 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldType {
    Byte,
    Ascii,
    Short,
    Long,
    Rational,
    SByte,
    Undefined,
    SShort,
    SLong,
    SRational,
    Float,
    Double,
    Long8,
    SLong8,
}

impl FieldType {
    /// Returns the type with this code, or `None` if the code is unknown. Code 129 is the UTF-8
    /// type of EXIF 3.0, which is read like ASCII.
    pub(crate) fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => FieldType::Byte,
            2 | 129 => FieldType::Ascii,
            3 => FieldType::Short,
            4 | 13 => FieldType::Long,
            5 => FieldType::Rational,
            6 => FieldType::SByte,
            7 => FieldType::Undefined,
            8 => FieldType::SShort,
            9 => FieldType::SLong,
            10 => FieldType::SRational,
            11 => FieldType::Float,
            12 => FieldType::Double,
            16 | 18 => FieldType::Long8,
            17 => FieldType::SLong8,
            _ => return None,
        })
    }

    /// Returns the size of one value of this type, in bytes.
    pub(crate) fn size(self) -> u64 {
        match self {
            FieldType::Byte | FieldType::Ascii | FieldType::SByte | FieldType::Undefined => 1,
            FieldType::Short | FieldType::SShort => 2,
            FieldType::Long | FieldType::SLong | FieldType::Float => 4,
            FieldType::Rational
            | FieldType::SRational
            | FieldType::Double
            | FieldType::Long8
            | FieldType::SLong8 => 8,
        }
    }
}

/// A field: one entry of an IFD.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfdField<'s> {
    pub(crate) ifd: Ifd,
    pub(crate) tag: u16,
    pub(crate) kind: FieldType,
    pub(crate) count: u64,
    pub(crate) order: ByteOrder,
    /// The bytes of the value. `None` if the value was not read, because it is too large or a maker
    /// note.
    pub(crate) bytes: Option<&'s [u8]>,
    /// The size of the value in bytes.
    pub(crate) size: u64,
    /// The offset of the value in the TIFF structure, in bytes.
    pub(crate) offset: u64,
    /// The TIFF structure that contains the field.
    pub(crate) view: ByteView<'s>,
}

/// A number of a field, in the form in which the file stores it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FieldNumber {
    Integer(i64),
    Fraction(i64, i64),
    Real(f64),
}

impl FieldNumber {
    /// Returns the number as an `f64`. Returns `None` if a record cannot store it, for example 0/0
    /// or 1/0.
    pub(crate) fn value(self) -> Option<f64> {
        let value = match self {
            FieldNumber::Integer(n) => n as f64,
            FieldNumber::Fraction(n, d) => n as f64 / d as f64,
            FieldNumber::Real(r) => r,
        };
        storable_number(value)
    }
}

impl IfdField<'_> {
    /// Returns the number at `index` in the value. The first number has the index 0. Returns `None`
    /// for text, or if `index` is beyond the end.
    pub(crate) fn number(&self, index: usize) -> Option<FieldNumber> {
        let size = usize::try_from(self.kind.size()).ok()?;
        let start = index.checked_mul(size)?;
        let bytes = self.bytes?.get(start..start.checked_add(size)?)?;
        let four = |at: usize| {
            bytes
                .get(at..at + 4)?
                .try_into()
                .ok()
                .map(|b| self.order.u32(b))
        };
        Some(match self.kind {
            FieldType::Ascii => return None,
            FieldType::Byte | FieldType::Undefined => {
                FieldNumber::Integer(i64::from(*bytes.first()?))
            }
            FieldType::SByte => FieldNumber::Integer(i64::from(bytes.first()?.cast_signed())),
            FieldType::Short => {
                FieldNumber::Integer(i64::from(self.order.u16(bytes.try_into().ok()?)))
            }
            FieldType::SShort => FieldNumber::Integer(i64::from(
                self.order.u16(bytes.try_into().ok()?).cast_signed(),
            )),
            FieldType::Long => FieldNumber::Integer(i64::from(four(0)?)),
            FieldType::SLong => FieldNumber::Integer(i64::from(four(0)?.cast_signed())),
            FieldType::Rational => FieldNumber::Fraction(i64::from(four(0)?), i64::from(four(4)?)),
            FieldType::SRational => FieldNumber::Fraction(
                i64::from(four(0)?.cast_signed()),
                i64::from(four(4)?.cast_signed()),
            ),
            FieldType::Float => FieldNumber::Real(f64::from(f32::from_bits(four(0)?))),
            FieldType::Double => {
                FieldNumber::Real(f64::from_bits(self.order.u64(bytes.try_into().ok()?)))
            }
            FieldType::Long8 => {
                FieldNumber::Integer(i64::try_from(self.order.u64(bytes.try_into().ok()?)).ok()?)
            }
            FieldType::SLong8 => {
                FieldNumber::Integer(self.order.u64(bytes.try_into().ok()?).cast_signed())
            }
        })
    }

    /// Returns the number at `index` in the value. Returns `None` if it is negative or not an
    /// integer, or if `index` is beyond the end.
    pub(crate) fn unsigned(&self, index: usize) -> Option<u64> {
        match self.number(index)? {
            FieldNumber::Integer(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }
}

/// The fields of all IFDs of a file, in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct IfdFields<'s> {
    pub(crate) list: Vec<IfdField<'s>>,
    pub(crate) warnings: Vec<String>,
    /// The first problem in IFD0 because of which a keyword or a rating may be missing. Other IFDs
    /// contain neither keywords nor ratings.
    pub(crate) label_gap: Option<String>,
    keys: Vec<u32>,
    ifds: usize,
    subs: u8,
    entries: usize,
}

impl<'s> IfdFields<'s> {
    /// Returns the field with this tag in this IFD. If there are several, returns the last one, as
    /// ExifTool does.
    pub(crate) fn get(&self, ifd: Ifd, tag: u16) -> Option<&IfdField<'s>> {
        let key = field_key(ifd, tag);
        self.list.get(self.keys.iter().rposition(|&k| k == key)?)
    }

    /// Returns the field with this tag in the Exif IFD. If it is not there, returns the field in
    /// IFD0, because some programs write it there.
    pub(crate) fn exif(&self, tag: u16) -> Option<&IfdField<'s>> {
        self.get(Ifd::Exif, tag)
            .or_else(|| self.get(Ifd::Main(0), tag))
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < limits::MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// Adds a warning about a whole structure or IFD. If it may contain keywords or a rating, the
    /// warning is also stored in `label_gap`.
    fn warn_of_structure(&mut self, ifd: Ifd, warning: String) {
        if ifd == Ifd::Main(0) {
            self.label_gap.get_or_insert_with(|| warning.clone());
        }
        self.warn(warning);
    }

    /// Adds a warning about an entry with this tag. If the tag may contain keywords or a rating,
    /// the warning is also stored in `label_gap`.
    fn warn_of_entry(&mut self, ifd: Ifd, tag: u16, warning: String) {
        if is_label_tag(tag) {
            return self.warn_of_structure(ifd, warning);
        }
        self.warn(warning);
    }

    fn push(&mut self, field: IfdField<'s>) {
        self.keys.push(field_key(field.ifd, field.tag));
        self.list.push(field);
    }

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

/// Reads the byte order in a TIFF header. Returns `None` if there is no such header.
pub(crate) fn read_byte_order(view: ByteView<'_>) -> Option<ByteOrder> {
    match &view.array::<2>(0)? {
        b"II" => Some(ByteOrder::Little),
        b"MM" => Some(ByteOrder::Big),
        _ => None,
    }
}

/// Reports whether a tag of IFD0 contains keywords or a rating, or a block of metadata that may
/// contain them.
fn is_label_tag(tag: u16) -> bool {
    matches!(
        tag,
        tag::APPLICATION_NOTES
            | tag::IPTC_NAA
            | tag::PHOTOSHOP_SETTINGS
            | tag::RATING
            | tag::XP_KEYWORDS
    )
}

/// Returns one number that identifies an IFD and a tag together. Such numbers are compared quickly.
fn field_key(ifd: Ifd, tag: u16) -> u32 {
    let group = match ifd {
        Ifd::Main(n) => u32::from(n),
        Ifd::Exif => 0x100,
        Ifd::Gps => 0x101,
        Ifd::Interop => 0x102,
        Ifd::MakerNote => 0x103,
        Ifd::Sub(n) => 0x200 + u32::from(n),
    };
    group << 16 | u32::from(tag)
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
    }

    /// Reads the IFD at the offset `start`, and the IFDs to which its fields point. Returns the
    /// offset of the next IFD in the main chain, if there is one.
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
        let (count, entries, size) = if self.big {
            (self.u64(start), start.checked_add(8)?, 20_u64)
        } else {
            (
                self.u16(start).map(u64::from),
                start.checked_add(2)?,
                12_u64,
            )
        };
        let Some(count) = count else {
            let warning = format!("{} lies outside the file", name());
            self.fields.warn_of_structure(ifd, warning);
            return None;
        };
        let room = limits::MAX_ENTRIES.saturating_sub(self.fields.entries) as u64;
        let fitting = self.view.len().saturating_sub(entries) / size;
        if count > fitting {
            let warning = format!("{} is cut short", name());
            self.fields.warn_of_structure(ifd, warning);
        } else if count > room {
            let warning = format!("{}: too many entries", name());
            self.fields.warn_of_structure(ifd, warning);
        }
        let kept = count.min(fitting).min(room);
        // The table is read as a whole. So only one range is asked for.
        let table = self.view.get(entries, kept.checked_mul(size)?)?;
        self.fields.entries = self
            .fields
            .entries
            .saturating_add(usize::try_from(kept).unwrap_or(usize::MAX));
        let mut below = Vec::new();
        let mut broken = 0;
        for (index, entry) in table.chunks_exact(usize::try_from(size).ok()?).enumerate() {
            let at = entries.checked_add((index as u64).checked_mul(size)?)?;
            match self.read_entry(entry, at, ifd) {
                Ok(Some(field)) => self.add_field(field, &mut below),
                Ok(None) => {}
                // If the first entry is nonsense, this is not a directory (ExifTool's rule too).
                Err(()) if index == 0 => {
                    let warning = format!("{} is no directory", name());
                    self.fields.warn_of_structure(ifd, warning);
                    return None;
                }
                Err(()) => {
                    broken += 1;
                    if broken >= limits::MAX_BROKEN_ENTRIES {
                        let warning = format!("{}: too many broken entries", name());
                        self.fields.warn_of_structure(ifd, warning);
                        break;
                    }
                }
            }
        }
        for (offset, ifd) in below {
            self.read_directory(offset, ifd, depth.saturating_add(1));
        }
        let end = entries.checked_add(count.checked_mul(size)?)?;
        if !matches!(ifd, Ifd::Main(_)) || end >= self.view.len() {
            return None;
        }
        if self.big {
            self.u64(end)
        } else {
            self.u32(end).map(u64::from)
        }
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
        // Leica's M8 and others write these two as unsigned, though they may be negative. ExifTool
        // corrects this too.
        let signed = matches!(tag, tag::SHUTTER_SPEED_VALUE | tag::EXPOSURE_COMPENSATION)
            && kind == FieldType::Rational
            && ifd != Ifd::Gps;
        let kind = if signed { FieldType::SRational } else { kind };
        let (count, inline, slot) = if self.big {
            (eight(4), 8, 12)
        } else {
            (four(4).map(u64::from), 4, 8)
        };
        let Some((count, size)) =
            count.and_then(|count| Some((count, count.checked_mul(kind.size())?)))
        else {
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
        let is_too_large = size > limits::MAX_VALUE_BYTES && !is_packet;
        // If a text is too large for the tags, its start is enough for the record.
        let length = match kind {
            FieldType::Ascii if is_too_large => limits::MAX_VALUE_BYTES,
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

    /// Adds a field to the fields of the file. If the field points to IFDs, adds their offsets and
    /// kinds to `below` instead.
    fn add_field(&mut self, field: IfdField<'s>, below: &mut Vec<(u64, Ifd)>) {
        let ifd = match field.tag {
            _ if field.ifd == Ifd::MakerNote => return self.fields.push(field),
            tag::EXIF_OFFSET => Ifd::Exif,
            tag::GPS_INFO => Ifd::Gps,
            tag::INTEROP_OFFSET if field.ifd != Ifd::Gps => Ifd::Interop,
            tag::SUB_IFD if field.ifd != Ifd::Gps => {
                let pointers: Range<usize> = 0..usize::try_from(field.count)
                    .unwrap_or(0)
                    .min(limits::MAX_IFDS);
                for offset in pointers.filter_map(|index| field.unsigned(index)) {
                    below.push((offset, Ifd::Sub(self.fields.subs)));
                    self.fields.subs = self.fields.subs.saturating_add(1);
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
            Some(offset) if field.ifd != Ifd::Gps => below.push((offset, ifd)),
            _ => self.fields.warn(format!(
                "{}: the pointer to {} is no number",
                field.ifd.name(),
                ifd.name()
            )),
        }
    }
}
