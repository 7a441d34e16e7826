//! HEIF and AVIF (ISO/IEC 23008-12): the Exif and XMP items of the `meta` box, by `iinf` and `iloc`; the primary item's
//! size and rotation by `iprp`. Coded pictures are never looked at.

use super::bmff::{boxes, first};
use super::found::{Found, Part};
use super::limits;
use super::sparse::View;

/// What the HEIF holds.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    // Samsung's phones put `meta` behind the pictures: the boxes are stepped over, wherever they end.
    let Some(meta) = boxes(view).find(|b| &b.kind == b"meta") else {
        return found.warn("HEIF without a meta box, or cut short before it");
    };
    // One range to ask for, where it is not too large.
    if meta.body.len() <= limits::PACKET && meta.body.get(0, meta.body.len()).is_none() {
        return found.warn("HEIF cut short in its meta box");
    }
    let body = meta.body.from(4);
    read_size(body, found);
    let mut items = infos(body);
    items.sort_by_key(|item| item.0);
    items.truncate(limits::BLOCKS);
    let locations = locations(body);
    let others = describing_others(body, primary(body));
    let mut exif = None;
    let mut room = found.room();
    for (id, kind) in items.into_iter().filter(|item| !others.contains(&item.0)) {
        let mut place = || {
            let location = locations.iter().find(|location| location.id == id);
            location.and_then(|location| location.part(view, body, &mut room))
        };
        match kind {
            // Of several that describe the primary item, the last (ExifTool's choice).
            Item::Exif => match place() {
                Some(part) => exif = Some(part),
                None => found.warn("HEIF with an Exif item that lies nowhere"),
            },
            Item::Xmp => match place() {
                Some(part) => found.xmp.push(part),
                None => found.warn("HEIF with an XMP item that lies nowhere"),
            },
        }
    }
    if let Some(part) = exif {
        match without_header(view, part) {
            Some(part) => found.tiffs.push(part),
            None => found.warn("HEIF with a broken Exif item"),
        }
    }
}

/// `pitm`: the item that is the picture.
fn primary(meta: View<'_>) -> Option<u32> {
    let pitm = first(meta, b"pitm")?;
    if pitm.array::<1>(0) == Some([0]) {
        pitm.be16(4).map(u32::from)
    } else {
        pitm.be32(4)
    }
}

/// `iref` (ISO/IEC 14496-12 8.11.12): the items that say of themselves, by `cdsc`, that they describe other items than
/// the primary one (the other eye's picture of a spatial photo, say).
fn describing_others(meta: View<'_>, primary: Option<u32>) -> Vec<u32> {
    let (Some(iref), Some(primary)) = (first(meta, b"iref"), primary) else {
        return Vec::new();
    };
    let size = if iref.array::<1>(0) == Some([0]) {
        2
    } else {
        4
    };
    let mut others = Vec::new();
    for reference in boxes(iref.from(4)).filter(|b| &b.kind == b"cdsc") {
        let mut at = Cursor {
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

/// ISO/IEC 23008-12 A.2.1: four bytes say how many more precede the TIFF header (`Exif\0\0`, usually). Some writers count
/// wrongly or leave them out, so that the header itself decides.
fn without_header(view: View<'_>, part: Part) -> Option<Part> {
    let Part::File { start, len } = part else {
        let Part::Memory(mut bytes) = part else {
            return None;
        };
        let head: Vec<u8> = bytes.iter().copied().take(64).collect();
        bytes.drain(..tiff_start(&head)?);
        return Some(Part::Memory(bytes));
    };
    let head = view.get(start, len.min(64))?;
    let skipped = tiff_start(head)? as u64;
    Some(Part::File {
        start: start + skipped,
        len: len - skipped,
    })
}

pub(crate) fn tiff_start(head: &[u8]) -> Option<usize> {
    let is_header = |at: usize| {
        head.get(at..)
            .is_some_and(|rest| rest.starts_with(b"II*\0") || rest.starts_with(b"MM\0*"))
    };
    let said = head
        .get(..4)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_be_bytes)?;
    let said = usize::try_from(said).ok()?.saturating_add(4);
    if is_header(said) {
        return Some(said);
    }
    (0..head.len()).find(|&at| is_header(at))
}

enum Item {
    Exif,
    Xmp,
}

/// `iinf`: the items that are metadata.
fn infos(meta: View<'_>) -> Vec<(u32, Item)> {
    let Some(iinf) = first(meta, b"iinf") else {
        return Vec::new();
    };
    let start = if iinf.array::<1>(0) == Some([0]) {
        6
    } else {
        8
    };
    let entries = boxes(iinf.from(start)).filter(|b| &b.kind == b"infe");
    entries.filter_map(|entry| info(entry.body)).collect()
}

fn info(entry: View<'_>) -> Option<(u32, Item)> {
    let [version] = entry.array(0)?;
    let (id, at) = match version {
        2 => (u32::from(entry.be16(4)?), 6),
        3.. => (entry.be32(4)?, 8),
        _ => return None,
    };
    match &entry.array::<4>(at + 2)? {
        b"Exif" => Some((id, Item::Exif)),
        b"mime" => {
            // item_name, then content_type, each with its NUL.
            let strings = entry.up_to(at + 6, 512)?;
            let content = strings.split(|&b| b == 0).nth(1)?;
            (content == b"application/rdf+xml").then_some((id, Item::Xmp))
        }
        _ => None,
    }
}

/// One item of `iloc`.
struct Location {
    id: u32,
    /// 0: offsets in the file; 1: offsets in `idat`.
    method: u16,
    base: u64,
    extents: Vec<(u64, u64)>,
}

impl Location {
    fn part(&self, file: View<'_>, meta: View<'_>, room: &mut u64) -> Option<Part> {
        let source = match self.method {
            0 => file,
            1 => first(meta, b"idat")?,
            _ => return None,
        };
        let extents: Option<Vec<View<'_>>> = self
            .extents
            .iter()
            .map(|&(offset, length)| {
                let start = self
                    .base
                    .checked_add(offset)
                    .filter(|&start| start < source.len())?;
                // A length of 0 is everything.
                let length = if length == 0 {
                    source.len() - start
                } else {
                    length
                };
                Some(source.part(start, length.min(limits::PACKET)))
            })
            .collect();
        match extents?.as_slice() {
            [] => None,
            [one] => Some(Part::of(*one)),
            many => {
                let mut whole = Vec::new();
                for extent in many {
                    *room = room.checked_sub(extent.len())?;
                    whole.extend_from_slice(extent.get(0, extent.len())?);
                }
                Some(Part::Memory(whole))
            }
        }
    }
}

/// `iloc` (ISO/IEC 14496-12 8.11.3), versions 0 to 2.
fn locations(meta: View<'_>) -> Vec<Location> {
    let mut found = Vec::new();
    let Some(iloc) = first(meta, b"iloc") else {
        return found;
    };
    let (Some([version]), Some([sizes, base_and_index])) = (iloc.array::<1>(0), iloc.array::<2>(4))
    else {
        return found;
    };
    let (offset_size, length_size) = (sizes >> 4, sizes & 15);
    let (base_size, index_size) = (
        base_and_index >> 4,
        if version == 0 { 0 } else { base_and_index & 15 },
    );
    let mut at = Cursor { view: iloc, at: 6 };
    let id_size = if version < 2 { 2 } else { 4 };
    let Some(count) = at.number(id_size) else {
        return found;
    };
    let mut left = limits::ITEMS;
    for _ in 0..count.min(limits::ITEMS as u64) {
        let mut one = || {
            let id = u32::try_from(at.number(id_size)?).ok()?;
            let method = if version == 0 { 0 } else { at.number(2)? & 15 };
            at.number(2)?;
            let base = at.number(base_size)?;
            let mut extents = Vec::new();
            for _ in 0..at.number(2)? {
                at.number(index_size)?;
                // Without offsets and lengths an extent takes no bytes: their number alone limits nothing.
                left = left.checked_sub(1)?;
                extents.push((at.number(offset_size)?, at.number(length_size)?));
            }
            Some(Location {
                id,
                method: u16::try_from(method).ok()?,
                base,
                extents,
            })
        };
        match one() {
            Some(location) => found.push(location),
            None => break,
        }
    }
    found
}

struct Cursor<'s> {
    view: View<'s>,
    at: u64,
}

impl Cursor<'_> {
    /// A number of 0, 1, 2, 4 or 8 bytes.
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

/// The primary item's `ispe` and `irot`.
fn read_size(meta: View<'_>, found: &mut Found) {
    let Some(iprp) = first(meta, b"iprp") else {
        return;
    };
    let Some(ipco) = first(iprp, b"ipco") else {
        return;
    };
    let Some(primary) = primary(meta) else { return };
    let properties: Vec<_> = boxes(ipco).collect();
    found.quarter_turned = Some(false);
    for index in associations(iprp, primary) {
        // Numbered from 1.
        let Some(property) = index.checked_sub(1).and_then(|index| properties.get(index)) else {
            continue;
        };
        match &property.kind {
            b"ispe" => found.size = property.body.be32(4).zip(property.body.be32(8)),
            b"irot" => {
                found.quarter_turned = property.body.array::<1>(0).map(|[turns]| turns & 1 == 1);
            }
            _ => {}
        }
    }
}

/// `ipma`: which properties an item has.
fn associations(iprp: View<'_>, item: u32) -> Vec<usize> {
    for ipma in boxes(iprp).filter(|b| &b.kind == b"ipma").map(|b| b.body) {
        let (Some([version]), Some([wide])) = (ipma.array::<1>(0), ipma.array::<1>(3)) else {
            continue;
        };
        let (id_size, index_size) = (
            if version == 0 { 2 } else { 4 },
            if wide & 1 == 1 { 2 } else { 1 },
        );
        let mut at = Cursor { view: ipma, at: 4 };
        let Some(count) = at.number(4) else { continue };
        for _ in 0..count.min(limits::ITEMS as u64) {
            let (Some(id), Some(properties)) = (at.number(id_size), at.number(1)) else {
                break;
            };
            let indices: Option<Vec<u64>> =
                (0..properties).map(|_| at.number(index_size)).collect();
            let Some(indices) = indices else { break };
            if id == u64::from(item) {
                let mask = if index_size == 2 { 0x7fff } else { 0x7f };
                return indices
                    .iter()
                    .filter_map(|&index| usize::try_from(index & mask).ok())
                    .collect();
            }
        }
    }
    Vec::new()
}
