//! Photoshop image resource blocks (Adobe Photoshop file format, "Image Resources Section"), in a JPEG's APP13, a TIFF's
//! tag 0x8649 and a PSD. Only IPTC, EXIF and XMP are taken out.

use super::found::{Found, Part};
use super::limits;
use super::sparse::{Sparse, View};

/// A PSD file: its size and its resources.
pub(crate) fn read_psd(view: View<'_>, found: &mut Found) {
    let (Some(height), Some(width)) = (view.be32(14), view.be32(18)) else {
        return found.warn("PSD cut short");
    };
    found.size = Some((width, height));
    let Some(start) = view
        .be32(26)
        .and_then(|colours| 30_u64.checked_add(u64::from(colours)))
    else {
        return found.warn("PSD cut short");
    };
    match view.be32(start) {
        Some(length) => read(view.part(start.saturating_add(4), u64::from(length)), found),
        None => found.warn("PSD cut short"),
    }
}

/// The resources of a block.
pub(crate) fn read(view: View<'_>, found: &mut Found) {
    let mut at = 0_u64;
    for _ in 0..limits::SEGMENTS {
        if view.len().saturating_sub(at) < 12 {
            return;
        }
        let Some(signature) = view.array::<4>(at) else {
            return;
        };
        if !matches!(&signature, b"8BIM" | b"PHUT" | b"AgHg" | b"DCSR" | b"MeSa") {
            return;
        }
        let (Some(id), Some([name])) = (view.be16(at + 4), view.array::<1>(at + 6)) else {
            return;
        };
        // A Pascal string, its length byte counted, padded to an even number.
        let name = (u64::from(name) + 2) & !1;
        let Some(length) = view.be32(at + 6 + name).map(u64::from) else {
            return;
        };
        let body = view.part(at + 10 + name, length);
        match id {
            0x0404 => found.iptc.push(Part::of(body)),
            0x0422 => found.tiffs.push(Part::of(body)),
            0x0424 => found.xmp.push(Part::of(body)),
            _ => {}
        }
        at = at.saturating_add(10 + name + length + (length & 1));
    }
}

/// As [`read`], over bytes that are no range of the file.
pub(crate) fn read_bytes(bytes: &[u8], found: &mut Found) {
    let block = Sparse::whole(bytes);
    let mut inner = Found::default();
    read(block.view(), &mut inner);
    let mut room = found.room();
    let mut copied = |part: Part| match part {
        Part::File { start, len } => {
            room = room.checked_sub(len)?;
            Some(Part::Memory(block.get(start, len)?.to_vec()))
        }
        memory => Some(memory),
    };
    found
        .iptc
        .extend(inner.iptc.into_iter().filter_map(&mut copied));
    found
        .tiffs
        .extend(inner.tiffs.into_iter().filter_map(&mut copied));
    found
        .xmp
        .extend(inner.xmp.into_iter().filter_map(&mut copied));
    found.memory = limits::MEMORY - room;
}
