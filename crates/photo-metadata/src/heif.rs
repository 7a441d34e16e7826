//! HEIF and AVIF (ISO/IEC 23008-12). The box `meta` describes the items of the file: pictures, Exif
//! and XMP. Inside `meta`, the box `iinf` has the kinds of the items, `iloc` has their locations,
//! and `iprp` has their properties, such as size and rotation. An extent is a range of bytes, and
//! an item has one or more. Compressed pictures are not read.

mod properties;

use self::properties::read_size;
use super::blocks::{MetadataBlock, MetadataBlocks};
use super::bmff::{BROKEN_BOXES, find_box, iter_boxes};
use super::limits;
use super::record::PictureData;
use super::sparse::ByteView;
use super::work_budget::Work;

/// Finds the metadata blocks of a HEIF or AVIF, and adds them to `blocks`.
pub(crate) fn read_heif(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    // Samsung's phones write `meta` after the pictures, so the search goes over all boxes.
    let Some(meta) = iter_boxes(view).find(|b| &b.kind == b"meta") else {
        return blocks.warn("HEIF without a meta box, or cut short before it");
    };
    // The box is read as a whole if it is not too large. So only one range is asked for.
    if meta.body.len() <= limits::MAX_PACKET_BYTES && meta.body.get(0, meta.body.len()).is_none() {
        return blocks.warn("HEIF cut short in its meta box");
    }
    let body = meta.body.from(4);
    read_size(body, blocks);
    let mut items = metadata_items(body, blocks);
    items.sort_by_key(|item| item.0);
    if items.len() > limits::MAX_BLOCKS {
        blocks.warn("HEIF with more metadata items than any photo has");
        items.truncate(limits::MAX_BLOCKS);
    }
    let locations = item_locations(body);
    blocks.picture = largest_extent(view, &locations);
    let others = describing_others(body, primary_item(body));
    let mut exif = None;
    let mut room = blocks.memory_left();
    for (id, kind) in items.into_iter().filter(|item| !others.contains(&item.0)) {
        let location = locations.iter().find(|location| location.id == id);
        if location.is_some_and(|location| location.is_cut_short(view, body)) {
            blocks.warn("HEIF with an item that is cut short");
        }
        let mut place = || location.and_then(|location| location.block(view, body, &mut room));
        match kind {
            // If several Exif items describe the primary item, the last counts (ExifTool's choice).
            MetadataItem::Exif => match place() {
                Some(part) => {
                    if exif.replace(part).is_some() {
                        blocks.labels.add_gap("HEIF with several Exif items");
                    }
                }
                None => blocks.warn("HEIF with an Exif item that lies nowhere"),
            },
            MetadataItem::Xmp => match place() {
                Some(part) => blocks.xmp.push(part),
                None => blocks.warn("HEIF with an XMP item that lies nowhere"),
            },
        }
    }
    if let Some(part) = exif {
        match strip_exif_prefix(view, part) {
            Some(part) => blocks.tiffs.push(part),
            None => blocks.warn("HEIF with a broken Exif item"),
        }
    }
}

/// Returns the largest extent of an item in the file. It is the picture, or the largest tile of it:
/// metadata and thumbnails are smaller.
fn largest_extent(view: ByteView<'_>, locations: &[ItemLocation]) -> Option<PictureData> {
    let in_file = locations.iter().filter(|location| location.method == 0);
    let extents = in_file.flat_map(|location| {
        let extents = location.extents.iter();
        extents.map(|(offset, length)| PictureData {
            offset: location.base.saturating_add(*offset),
            length: *length,
        })
    });
    let whole = extents.filter(|data| data.offset.saturating_add(data.length) <= view.len());
    whole.max_by_key(|data| (data.length, std::cmp::Reverse(data.offset)))
}

/// Reads the box `pitm`. Returns the id of the primary item, which is the main picture.
fn primary_item(meta: ByteView<'_>) -> Option<u32> {
    let pitm = find_box(meta, b"pitm")?;
    if pitm.array::<1>(0) == Some([0]) {
        pitm.be16(4).map(u32::from)
    } else {
        pitm.be32(4)
    }
}

/// Reads the box `iref` (ISO/IEC 14496-12 8.11.12). Returns the ids of the items that describe only
/// pictures other than the primary one. A reference of the type `cdsc` means "describes". For
/// example, in a spatial photo such an item describes the picture for the other eye.
fn describing_others(meta: ByteView<'_>, primary: Option<u32>) -> Vec<u32> {
    let (Some(iref), Some(primary)) = (find_box(meta, b"iref"), primary) else {
        return Vec::new();
    };
    let size = if iref.array::<1>(0) == Some([0]) {
        2
    } else {
        4
    };
    let mut others = Vec::new();
    for reference in iter_boxes(iref.from(4)).filter(|b| &b.kind == b"cdsc") {
        let mut at = FieldCursor {
            view: reference.body,
            at: 0,
        };
        let (Some(from), Some(count)) = (at.number(size), at.number(2)) else {
            continue;
        };
        let to: Vec<u64> = (0..count).map_while(|_| at.number(size)).collect();
        if !to.is_empty() && !to.contains(&u64::from(primary)) {
            others.extend(u32::try_from(from));
        }
    }
    others
}

/// Removes the bytes before the TIFF header of an Exif item. The first four bytes of the item are a
/// number: how many other bytes are before the header. These are usually the six bytes `Exif\0\0`
/// (ISO/IEC 23008-12 A.2.1). Some programs write a wrong number or no number, so this function
/// searches for the header itself. Returns `None` if there is no header.
fn strip_exif_prefix(view: ByteView<'_>, part: MetadataBlock) -> Option<MetadataBlock> {
    let MetadataBlock::File { start, len } = part else {
        let MetadataBlock::Memory(mut bytes) = part else {
            return None;
        };
        let head: Vec<u8> = bytes.iter().copied().take(64).collect();
        bytes.drain(..find_tiff_header(&head)?);
        return Some(MetadataBlock::Memory(bytes));
    };
    let head = view.get(start, len.min(64))?;
    let skipped = find_tiff_header(head)? as u64;
    Some(MetadataBlock::File {
        start: start + skipped,
        len: len - skipped,
    })
}

/// Returns the offset of the TIFF header in `head`. The first four bytes of `head` are a number:
/// how many bytes are between these four bytes and the header. If there is no header at this place,
/// returns the offset of the first header in `head`.
pub(crate) fn find_tiff_header(head: &[u8]) -> Option<usize> {
    let is_header = |at: usize| {
        head.get(at..)
            .is_some_and(|rest| rest.starts_with(b"II*\0") || rest.starts_with(b"MM\0*"))
    };
    let counted = head
        .get(..4)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_be_bytes)?;
    let counted = usize::try_from(counted).ok()?.saturating_add(4);
    if is_header(counted) {
        return Some(counted);
    }
    (0..head.len()).find(|&at| is_header(at))
}

/// A metadata item of a HEIF, by the format of its content.
enum MetadataItem {
    Exif,
    Xmp,
}

/// Reads the box `iinf`. Returns the id and the format of each metadata item. If an entry cannot be
/// read or is missing, adds a warning to `blocks`: the item may contain metadata.
fn metadata_items(meta: ByteView<'_>, blocks: &mut MetadataBlocks) -> Vec<(u32, MetadataItem)> {
    let Some(iinf) = find_box(meta, b"iinf") else {
        blocks.warn("HEIF without a list of items");
        return Vec::new();
    };
    let (start, count) = if iinf.array::<1>(0) == Some([0]) {
        (6, iinf.be16(4).map(u32::from))
    } else {
        (8, iinf.be32(4))
    };
    let mut boxes = iter_boxes(iinf.from(start));
    let (mut items, mut entries, mut is_complete) = (Vec::new(), 0_u32, true);
    for entry in (&mut boxes).filter(|b| &b.kind == b"infe") {
        entries = entries.saturating_add(1);
        match read_item_entry(entry.body) {
            Some((id, Some(item))) => items.push((id, item)),
            Some((_, None)) => {}
            None => is_complete = false,
        }
        is_complete &= !entry.exceeds_parent;
    }
    if boxes.are_incomplete() {
        blocks.warn(BROKEN_BOXES);
    } else if !is_complete || count.is_none_or(|count| count > entries) {
        blocks.warn("HEIF with a broken list of items");
    }
    items
}

/// Reads an entry of the list of items. Returns the id of the item, and its format if it is a
/// metadata item. Returns `None` if the entry is broken.
fn read_item_entry(entry: ByteView<'_>) -> Option<(u32, Option<MetadataItem>)> {
    let [version] = entry.array(0)?;
    let (id, at) = match version {
        2 => (u32::from(entry.be16(4)?), 6),
        3.. => (entry.be32(4)?, 8),
        // HEIF requires version 2 or 3 (ISO/IEC 23008-12 10.2.1).
        _ => return None,
    };
    let item = match &entry.array::<4>(at + 2)? {
        b"Exif" => Some(MetadataItem::Exif),
        b"mime" => {
            // item_name and content_type follow, each with its NUL.
            let strings = entry.up_to(at + 6, 512)?;
            let mut strings = strings.split_inclusive(|&b| b == 0);
            let content = strings.nth(1)?.strip_suffix(&[0])?;
            (content == b"application/rdf+xml").then_some(MetadataItem::Xmp)
        }
        _ => None,
    };
    Some((id, item))
}

/// The location of one item: an entry of the box `iloc`.
struct ItemLocation {
    id: u32,
    /// 0 if the offsets of the item count from the start of the file, 1 if they count from the
    /// start of the box `idat`.
    method: u16,
    base: u64,
    extents: Vec<(u64, u64)>,
}

impl ItemLocation {
    /// Returns the bytes in which the offsets of the item count.
    fn source<'s>(&self, file: ByteView<'s>, meta: ByteView<'s>) -> Option<ByteView<'s>> {
        match self.method {
            0 => Some(file),
            1 => find_box(meta, b"idat"),
            _ => None,
        }
    }

    /// Reports whether an extent of the item ends after the end of the file.
    fn is_cut_short(&self, file: ByteView<'_>, meta: ByteView<'_>) -> bool {
        self.source(file, meta).is_some_and(|source| {
            self.extents.iter().any(|&(offset, length)| {
                let start = self.base.saturating_add(offset);
                start.saturating_add(length) > source.len()
            })
        })
    }

    /// Returns the bytes of the item as a block. If the item has more than one extent (range of
    /// bytes), joins the extents and subtracts their size from `room`, the number of bytes that may
    /// still be joined. Returns `None` if an extent lies outside the file, or if too many bytes
    /// would be joined. If an extent is cut short, its bytes end there, see
    /// [`ItemLocation::is_cut_short`].
    fn block(
        &self,
        file: ByteView<'_>,
        meta: ByteView<'_>,
        room: &mut u64,
    ) -> Option<MetadataBlock> {
        let source = self.source(file, meta)?;
        let extents: Option<Vec<ByteView<'_>>> = self
            .extents
            .iter()
            .map(|&(offset, length)| {
                let start = self
                    .base
                    .checked_add(offset)
                    .filter(|&start| start < source.len())?;
                // A length of 0 means everything up to the end.
                let length = if length == 0 {
                    source.len() - start
                } else {
                    length
                };
                Some(source.part(start, length))
            })
            .collect();
        match extents?.as_slice() {
            [] => None,
            [one] => Some(MetadataBlock::of_view(*one)),
            many => {
                let mut whole = Vec::new();
                for extent in many {
                    *room = room.checked_sub(extent.len())?;
                    file.budget().pay(Work::Bytes, extent.len())?;
                    whole.extend_from_slice(extent.get(0, extent.len())?);
                }
                Some(MetadataBlock::Memory(whole))
            }
        }
    }
}

/// Reads the box `iloc` (ISO/IEC 14496-12 8.11.3), versions 0 to 2. Returns the locations of the
/// items.
fn item_locations(meta: ByteView<'_>) -> Vec<ItemLocation> {
    let mut locations = Vec::new();
    let Some(iloc) = find_box(meta, b"iloc") else {
        return locations;
    };
    let (Some([version]), Some([sizes, base_and_index])) = (iloc.array::<1>(0), iloc.array::<2>(4))
    else {
        return locations;
    };
    let (offset_size, length_size) = (sizes >> 4, sizes & 15);
    let (base_size, index_size) = (
        base_and_index >> 4,
        if version == 0 { 0 } else { base_and_index & 15 },
    );
    let mut at = FieldCursor { view: iloc, at: 6 };
    let id_size = if version < 2 { 2 } else { 4 };
    let Some(count) = at.number(id_size) else {
        return locations;
    };
    let mut left = limits::MAX_ITEMS;
    for _ in 0..count.min(limits::MAX_ITEMS as u64) {
        let mut one = || {
            let id = u32::try_from(at.number(id_size)?).ok()?;
            let method = if version == 0 { 0 } else { at.number(2)? & 15 };
            at.number(2)?;
            let base = at.number(base_size)?;
            let mut extents = Vec::new();
            for _ in 0..at.number(2)? {
                at.number(index_size)?;
                // An extent without offset and length takes no bytes in the box. So the size of the
                // box does not limit the number of extents.
                left = left.checked_sub(1)?;
                extents.push((at.number(offset_size)?, at.number(length_size)?));
            }
            Some(ItemLocation {
                id,
                method: u16::try_from(method).ok()?,
                base,
                extents,
            })
        };
        match one() {
            Some(location) => locations.push(location),
            None => break,
        }
    }
    locations
}

/// A reader of numbers of different widths, which follow each other in a view.
struct FieldCursor<'s> {
    view: ByteView<'s>,
    at: u64,
}

impl FieldCursor<'_> {
    /// Reads a big-endian number of `size` bytes, and moves the position to its end. `size` must be
    /// 0, 1, 2, 4 or 8. A number of 0 bytes is 0.
    fn number(&mut self, size: u8) -> Option<u64> {
        let at = self.at;
        self.at = at.checked_add(u64::from(size))?;
        match size {
            0 => Some(0),
            1 => self.view.array::<1>(at).map(|[b]| u64::from(b)),
            2 => self.view.be16(at).map(u64::from),
            4 => self.view.be32(at).map(u64::from),
            8 => self.view.be64(at),
            _ => None,
        }
    }
}
