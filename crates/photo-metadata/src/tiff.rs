//! The one TIFF reader (TIFF 6.0 section 2, BigTIFF, EXIF 3.0 4.6): walks every IFD of a structure over sparse bytes.
//!
//! It yields fields, not meanings, and never fails: what is broken is skipped with a warning, as ExifTool does. Our own
//! and not kamadak-exif's, because that one wants the whole structure in one buffer, while a RAW file's IFDs lie
//! anywhere in it; adapting would also have to make good its IFD-typed pointers, SubIFDs, BigTIFF and other magics.

use std::ops::Range;

use super::limits;
use super::sparse::View;

/// Which directory a field stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ifd {
    /// IFD0, IFD1, ... of the main chain.
    Main(u8),
    /// EXIF 3.0 4.6.3.1.1.
    Exif,
    /// EXIF 3.0 4.6.3.1.2.
    Gps,
    /// EXIF 3.0 4.6.3.1.3.
    Interop,
    /// Canon's maker note in a CR3, where it is an IFD of its own.
    MakerNote,
    /// TIFF technical note 1: trees of IFDs, numbered as they are met.
    Sub(u8),
}

impl Ifd {
    /// ExifTool's name of the group.
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

/// Byte order of a TIFF structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Big,
    Little,
}

impl Order {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Big => u64::from_be_bytes(bytes),
            Order::Little => u64::from_le_bytes(bytes),
        }
    }
}

/// How a value is stored (TIFF 6.0 section 2; 129 is EXIF 3.0's UTF-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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

impl Kind {
    fn of(code: u16) -> Option<Self> {
        Some(match code {
            1 => Kind::Byte,
            2 | 129 => Kind::Ascii,
            3 => Kind::Short,
            4 | 13 => Kind::Long,
            5 => Kind::Rational,
            6 => Kind::SByte,
            7 => Kind::Undefined,
            8 => Kind::SShort,
            9 => Kind::SLong,
            10 => Kind::SRational,
            11 => Kind::Float,
            12 => Kind::Double,
            16 | 18 => Kind::Long8,
            17 => Kind::SLong8,
            _ => return None,
        })
    }

    /// Bytes of one value.
    pub(crate) fn size(self) -> u64 {
        match self {
            Kind::Byte | Kind::Ascii | Kind::SByte | Kind::Undefined => 1,
            Kind::Short | Kind::SShort => 2,
            Kind::Long | Kind::SLong | Kind::Float => 4,
            Kind::Rational | Kind::SRational | Kind::Double | Kind::Long8 | Kind::SLong8 => 8,
        }
    }
}

/// One directory entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'s> {
    pub(crate) ifd: Ifd,
    pub(crate) tag: u16,
    pub(crate) kind: Kind,
    pub(crate) count: u64,
    pub(crate) order: Order,
    /// The value's bytes; `None` where it is too large to be kept.
    pub(crate) bytes: Option<&'s [u8]>,
    /// The value's size, bytes.
    pub(crate) size: u64,
    /// Where the value lies in the TIFF structure.
    pub(crate) offset: u64,
    /// The TIFF structure that it comes from.
    pub(crate) view: View<'s>,
}

/// A number as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Fraction(i64, i64),
    Real(f64),
}

impl Number {
    /// The number, where it is one that records hold: 0/0 and 1/0 are none.
    pub(crate) fn value(self) -> Option<f64> {
        let value = match self {
            Number::Integer(n) => n as f64,
            Number::Fraction(n, d) => n as f64 / d as f64,
            Number::Real(r) => r,
        };
        crate::record::storable_number(value)
    }
}

impl Field<'_> {
    /// The `index`-th number of the value; `None` for text, and beyond the value's end.
    pub(crate) fn number(&self, index: usize) -> Option<Number> {
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
            Kind::Ascii => return None,
            Kind::Byte | Kind::Undefined => Number::Integer(i64::from(*bytes.first()?)),
            Kind::SByte => Number::Integer(i64::from(bytes.first()?.cast_signed())),
            Kind::Short => Number::Integer(i64::from(self.order.u16(bytes.try_into().ok()?))),
            Kind::SShort => Number::Integer(i64::from(
                self.order.u16(bytes.try_into().ok()?).cast_signed(),
            )),
            Kind::Long => Number::Integer(i64::from(four(0)?)),
            Kind::SLong => Number::Integer(i64::from(four(0)?.cast_signed())),
            Kind::Rational => Number::Fraction(i64::from(four(0)?), i64::from(four(4)?)),
            Kind::SRational => Number::Fraction(
                i64::from(four(0)?.cast_signed()),
                i64::from(four(4)?.cast_signed()),
            ),
            Kind::Float => Number::Real(f64::from(f32::from_bits(four(0)?))),
            Kind::Double => Number::Real(f64::from_bits(self.order.u64(bytes.try_into().ok()?))),
            Kind::Long8 => {
                Number::Integer(i64::try_from(self.order.u64(bytes.try_into().ok()?)).ok()?)
            }
            Kind::SLong8 => Number::Integer(self.order.u64(bytes.try_into().ok()?).cast_signed()),
        })
    }

    /// The `index`-th number where it is a whole one that is not negative.
    pub(crate) fn unsigned(&self, index: usize) -> Option<u64> {
        match self.number(index)? {
            Number::Integer(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }
}

/// The fields of one file, in the order they were met.
#[derive(Debug, Default)]
pub(crate) struct Fields<'s> {
    pub(crate) list: Vec<Field<'s>>,
    pub(crate) warnings: Vec<String>,
    keys: Vec<u32>,
    ifds: usize,
    subs: u8,
    entries: usize,
}

impl<'s> Fields<'s> {
    /// The field of that number in that IFD; of several, the last (ExifTool's choice).
    pub(crate) fn get(&self, ifd: Ifd, tag: u16) -> Option<&Field<'s>> {
        let key = key(ifd, tag);
        self.list.get(self.keys.iter().rposition(|&k| k == key)?)
    }

    /// The field where EXIF has it (the Exif IFD), else where some writers leave it (IFD0).
    pub(crate) fn exif(&self, tag: u16) -> Option<&Field<'s>> {
        self.get(Ifd::Exif, tag)
            .or_else(|| self.get(Ifd::Main(0), tag))
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < limits::WARNINGS {
            self.warnings.push(warning);
        }
    }

    fn push(&mut self, field: Field<'s>) {
        self.keys.push(key(field.ifd, field.tag));
        self.list.push(field);
    }

    /// Reads a TIFF structure whose first byte is the view's. `first` is the name of its first IFD: `Main(0)`, but in a
    /// CR3 every IFD is a structure of its own.
    pub(crate) fn read(&mut self, view: View<'s>, first: Ifd) {
        let Some(order) = order(view) else {
            return self.warn("EXIF data do not start with a TIFF header".to_owned());
        };
        let mut walk = Walk {
            fields: self,
            view,
            order,
            big: false,
            seen: Vec::new(),
        };
        let Some(magic) = walk.u16(2) else {
            return walk.fields.warn("TIFF header cut short".to_owned());
        };
        walk.big = magic == 43;
        let start = if walk.big {
            walk.u64(8)
        } else {
            walk.u32(4).map(u64::from)
        };
        match start {
            Some(start) if start > 0 && start < view.len() => walk.chain(start, first),
            Some(_) => walk
                .fields
                .warn("the first IFD lies outside the file".to_owned()),
            None => walk.fields.warn("TIFF header cut short".to_owned()),
        }
    }
}

/// The byte order that a TIFF header says.
pub(crate) fn order(view: View<'_>) -> Option<Order> {
    match &view.array::<2>(0)? {
        b"II" => Some(Order::Little),
        b"MM" => Some(Order::Big),
        _ => None,
    }
}

/// The fields of the one directory at `start`, without those below it: for the directories of maker notes.
pub(crate) fn directory_fields<'s>(view: View<'s>, start: u64, order: Order) -> Vec<Field<'s>> {
    let mut fields = Fields::default();
    let mut walk = Walk {
        fields: &mut fields,
        view,
        order,
        big: false,
        seen: Vec::new(),
    };
    walk.directory(start, Ifd::MakerNote, 0);
    fields.list
}

fn key(ifd: Ifd, tag: u16) -> u32 {
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

/// XMP and IPTC and Photoshop's resources in a TIFF: large, and read all the same.
pub(crate) const XMP: u16 = 0x02bc;
pub(crate) const IPTC: u16 = 0x83bb;
pub(crate) const PHOTOSHOP: u16 = 0x8649;
pub(crate) const MAKER_NOTE: u16 = 0x927c;
const SUB_IFDS: u16 = 0x014a;
const EXIF_IFD: u16 = 0x8769;
const GPS_IFD: u16 = 0x8825;
const INTEROP_IFD: u16 = 0xa005;

struct Walk<'w, 's> {
    fields: &'w mut Fields<'s>,
    view: View<'s>,
    order: Order,
    big: bool,
    seen: Vec<u64>,
}

impl<'s> Walk<'_, 's> {
    fn u16(&self, at: u64) -> Option<u16> {
        self.view.array(at).map(|b| self.order.u16(b))
    }

    fn u32(&self, at: u64) -> Option<u32> {
        self.view.array(at).map(|b| self.order.u32(b))
    }

    fn u64(&self, at: u64) -> Option<u64> {
        self.view.array(at).map(|b| self.order.u64(b))
    }

    fn chain(&mut self, start: u64, first: Ifd) {
        let mut next = self.directory(start, first, 0);
        if first != Ifd::Main(0) {
            return;
        }
        for page in 1..limits::CHAIN {
            match next {
                Some(offset) if offset != 0 => next = self.directory(offset, Ifd::Main(page), 0),
                _ => return,
            }
        }
    }

    /// Reads one IFD and those below it; the offset of the next one in its chain.
    fn directory(&mut self, start: u64, ifd: Ifd, depth: u8) -> Option<u64> {
        let name = || ifd.name();
        if self.seen.contains(&start) {
            self.fields
                .warn(format!("{} repeats an IFD already read", name()));
            return None;
        }
        if self.fields.ifds >= limits::IFDS || depth > limits::DEPTH {
            self.fields
                .warn(format!("{}: too many IFDs, or nested too deep", name()));
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
            self.fields
                .warn(format!("{} lies outside the file", name()));
            return None;
        };
        let room = limits::ENTRIES.saturating_sub(self.fields.entries) as u64;
        let fitting = self.view.len().saturating_sub(entries) / size;
        if count > fitting {
            self.fields.warn(format!("{} is cut short", name()));
        } else if count > room {
            self.fields.warn(format!("{}: too many entries", name()));
        }
        let kept = count.min(fitting).min(room);
        // Whole or not at all: one range to ask for.
        let table = self.view.get(entries, kept.checked_mul(size)?)?;
        self.fields.entries = self
            .fields
            .entries
            .saturating_add(usize::try_from(kept).unwrap_or(usize::MAX));
        let mut below = Vec::new();
        let mut broken = 0;
        for (index, entry) in table.chunks_exact(usize::try_from(size).ok()?).enumerate() {
            let at = entries.checked_add((index as u64).checked_mul(size)?)?;
            match self.entry(entry, at, ifd) {
                Ok(Some(field)) => self.take(field, &mut below),
                Ok(None) => {}
                // A directory whose first entry is nonsense is none (ExifTool's rule too).
                Err(()) if index == 0 => {
                    self.fields.warn(format!("{} is no directory", name()));
                    return None;
                }
                Err(()) => {
                    broken += 1;
                    if broken >= limits::BROKEN_ENTRIES {
                        self.fields
                            .warn(format!("{}: too many broken entries", name()));
                        break;
                    }
                }
            }
        }
        for (offset, ifd) in below {
            self.directory(offset, ifd, depth.saturating_add(1));
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

    /// One entry; `Ok(None)` where its value cannot be had, `Err` where it is no entry at all.
    fn entry(&mut self, entry: &'s [u8], at: u64, ifd: Ifd) -> Result<Option<Field<'s>>, ()> {
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
        let Some(kind) = Kind::of(code) else {
            if code != 0 || tag != 0 {
                self.fields.warn(format!(
                    "{}: tag 0x{tag:04x} has the unknown type {code}",
                    ifd.name()
                ));
            }
            return Err(());
        };
        // Leica's M8 and others write these two, which may be negative, as unsigned (ExifTool's remedy, too).
        let signed = matches!(tag, 0x9201 | 0x9204) && kind == Kind::Rational && ifd != Ifd::Gps;
        let kind = if signed { Kind::SRational } else { kind };
        let (count, inline, slot) = if self.big {
            (eight(4), 8, 12)
        } else {
            (four(4).map(u64::from), 4, 8)
        };
        let Some((count, size)) =
            count.and_then(|count| Some((count, count.checked_mul(kind.size())?)))
        else {
            self.fields.warn(format!(
                "{}: tag 0x{tag:04x} has an impossible size",
                ifd.name()
            ));
            return Ok(None);
        };
        let offset = match size {
            size if size <= inline => at.saturating_add(slot as u64),
            _ if self.big => eight(slot).unwrap_or(u64::MAX),
            _ => four(slot).map_or(u64::MAX, u64::from),
        };
        let view = self.view;
        let field = |bytes, size| Field {
            ifd,
            tag,
            kind,
            count,
            order: self.order,
            bytes,
            size,
            offset,
            view,
        };
        if size <= inline {
            let bytes = usize::try_from(size)
                .ok()
                .and_then(|size| entry.get(slot..slot + size));
            return Ok(Some(field(bytes, size)));
        }
        let large = matches!(tag, XMP | IPTC | PHOTOSHOP) && size <= limits::PACKET;
        if offset
            .checked_add(size)
            .is_none_or(|end| end > self.view.len())
        {
            self.fields.warn(format!(
                "{}: the value of tag 0x{tag:04x} lies outside the file",
                ifd.name()
            ));
            // ExifTool reads a text that is cut short by the end of the file; numbers it leaves.
            return Ok(None);
        }
        // Of a text that is too large for the tags, the start is enough for the photo.
        if kind == Kind::Ascii && size > limits::VALUE && !large {
            return Ok(self
                .view
                .get(offset, limits::VALUE)
                .map(|bytes| field(Some(bytes), size)));
        }
        if (tag == MAKER_NOTE && ifd != Ifd::MakerNote) || (size > limits::VALUE && !large) {
            return Ok(Some(field(None, size)));
        }
        Ok(self
            .view
            .get(offset, size)
            .map(|bytes| field(Some(bytes), size)))
    }

    fn take(&mut self, field: Field<'s>, below: &mut Vec<(u64, Ifd)>) {
        let ifd = match field.tag {
            _ if field.ifd == Ifd::MakerNote => return self.fields.push(field),
            EXIF_IFD => Ifd::Exif,
            GPS_IFD => Ifd::Gps,
            INTEROP_IFD if field.ifd != Ifd::Gps => Ifd::Interop,
            SUB_IFDS if field.ifd != Ifd::Gps => {
                let pointers: Range<usize> =
                    0..usize::try_from(field.count).unwrap_or(0).min(limits::IFDS);
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
