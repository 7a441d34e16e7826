//! Reads TIFF structures (TIFF 6.0 section 2, BigTIFF, EXIF 3.0 4.6), even if some of their bytes
//! are not available yet. An IFD (image file directory) is a table of entries. An entry is a field:
//! a tag number, a type and a value. All IFDs of a structure are read.
//!
//! The fields are not interpreted. The reader never fails: it skips broken entries and IFDs with a
//! warning, as ExifTool does. kamadak-exif is not used here, because it needs the whole structure
//! in one buffer, and the IFDs of a RAW file may be anywhere in the file. It also lacks IFD-typed
//! pointers, SubIFDs, BigTIFF and the other magic numbers.

mod walk;

use super::limits;
use super::record::storable_number;
use super::sparse::ByteView;
use super::tag;

/// The kind of an IFD (image file directory), which is a table of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The first problem because of which a keyword or a rating may be missing: in IFD0, or in an entry
    /// of another IFD whose tag may contain them.
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

    /// Returns the fields with this tag in the Exif IFD, and then those in IFD0. In each IFD, the
    /// last field is the first one that is returned.
    pub(crate) fn in_exif_first(&self, tag: u16) -> impl Iterator<Item = &IfdField<'s>> {
        self.all(Ifd::Exif, tag).chain(self.all(Ifd::Main(0), tag))
    }

    /// Returns the fields with this tag in IFD0, and then those in the Exif IFD, in which some
    /// programs write tags of IFD0. In each IFD, the last field is the first one that is returned.
    pub(crate) fn in_ifd0_first(&self, tag: u16) -> impl Iterator<Item = &IfdField<'s>> {
        self.all(Ifd::Main(0), tag).chain(self.all(Ifd::Exif, tag))
    }

    /// Returns the fields with this tag in this IFD. The last one comes first, as in
    /// [`IfdFields::get`].
    pub(crate) fn all(&self, ifd: Ifd, tag: u16) -> impl Iterator<Item = &IfdField<'s>> {
        let key = field_key(ifd, tag);
        let mut end = self.keys.len();
        std::iter::from_fn(move || {
            end = self.keys.get(..end)?.iter().rposition(|&k| k == key)?;
            self.list.get(end)
        })
    }

    /// Returns the kind of the next SubIFD. SubIFDs are numbered in the order in which they are
    /// found.
    fn number_sub_ifd(&mut self) -> Ifd {
        let ifd = Ifd::Sub(self.subs);
        self.subs = self.subs.saturating_add(1);
        ifd
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
        if is_label_tag(tag) && may_have_labels(ifd) {
            self.label_gap.get_or_insert_with(|| warning.clone());
        }
        self.warn(warning);
    }

    fn push(&mut self, field: IfdField<'s>) {
        self.keys.push(field_key(field.ifd, field.tag));
        self.list.push(field);
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

/// Reports whether a tag contains keywords or a rating, or a block of metadata that may
/// contain them.
fn is_label_tag(tag: u16) -> bool {
    matches!(
        tag,
        tag::APPLICATION_NOTES
            | tag::IPTC_NAA
            | tag::PHOTOSHOP_SETTINGS
            | tag::RATING
            | tag::RATING_PERCENT
            | tag::XP_KEYWORDS
    )
}

/// Reports whether an IFD may contain keywords or a rating. The tags of the others have other meanings.
pub(crate) fn may_have_labels(ifd: Ifd) -> bool {
    match ifd {
        Ifd::Main(_) | Ifd::Exif | Ifd::Sub(_) => true,
        Ifd::Gps | Ifd::Interop | Ifd::MakerNote => false,
    }
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
