//! Photoshop image resources (Adobe Photoshop file format, "Image Resources Section"). They are in
//! APP13 of a JPEG, in a tag of a TIFF, and in a PSD. Only IPTC, EXIF and XMP are read.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::limits;
use super::sparse::{ByteView, Sparse};
use super::tag;
use super::work_budget::{Work, WorkBudget};

/// The reason why keywords or a rating may be missing if a block of image resources cannot be read
/// to its end.
const BROKEN: &str = "Photoshop resources are broken or cut short";

/// Finds the size and the metadata blocks of a PSD (a Photoshop document), and adds them to
/// `blocks`.
pub(crate) fn read_psd(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let (Some(height), Some(width)) = (view.be32(14), view.be32(18)) else {
        return blocks.warn("PSD cut short");
    };
    blocks.size = Some((width, height));
    let Some(start) = view
        .be32(26)
        .and_then(|colours| 30_u64.checked_add(u64::from(colours)))
    else {
        return blocks.warn("PSD cut short");
    };
    match view.be32(start) {
        Some(length) => read_resources(
            view.part(start.saturating_add(4), u64::from(length)),
            blocks,
        ),
        None => blocks.warn("PSD cut short"),
    }
}

/// Finds the metadata blocks in a view that contains Photoshop's image resources, and adds them to
/// `blocks`.
pub(crate) fn read_resources(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let mut at = 0_u64;
    for _ in 0..limits::MAX_SEGMENTS {
        if view.len().saturating_sub(at) < 12 {
            return;
        }
        let Some(signature) = view.array::<4>(at) else {
            return;
        };
        if !matches!(&signature, b"8BIM" | b"PHUT" | b"AgHg" | b"DCSR" | b"MeSa") {
            // Zeros are padding.
            if signature != [0; 4] {
                blocks.labels.add_gap(BROKEN);
            }
            return;
        }
        let (Some(id), Some([name])) = (view.be16(at + 4), view.array::<1>(at + 6)) else {
            return blocks.labels.add_gap(BROKEN);
        };
        // The name is a Pascal string. With its length byte, it is padded to an even number of
        // bytes.
        let name = (u64::from(name) + 2) & !1;
        let Some(length) = view.be32(at + 6 + name).map(u64::from) else {
            return blocks.labels.add_gap(BROKEN);
        };
        let body = view.part(at + 10 + name, length);
        if body.len() < length {
            blocks.labels.add_gap(BROKEN);
        }
        match id {
            tag::photoshop::IPTC => blocks.iptc.push(MetadataBlock::of_view(body)),
            tag::photoshop::EXIF => blocks.tiffs.push(MetadataBlock::of_view(body)),
            tag::photoshop::XMP => blocks.xmp.push(MetadataBlock::of_view(body)),
            _ => {}
        }
        at = at.saturating_add(10 + name + length + (length & 1));
    }
    blocks.labels.add_gap(BROKEN);
}

/// Finds the metadata blocks in image resources that are given as bytes, not as a range of the
/// file. Adds copies of these blocks to `blocks`.
pub(crate) fn read_copied_resources(
    bytes: &[u8],
    budget: &WorkBudget,
    blocks: &mut MetadataBlocks,
) {
    let block = Sparse::memory(bytes, budget);
    let mut inner = MetadataBlocks::default();
    read_resources(block.view(), &mut inner);
    let mut room = blocks.memory_left();
    let mut is_complete = true;
    let mut copied = |part: MetadataBlock| match part {
        MetadataBlock::File { start, len } => {
            let fitting = room.checked_sub(len);
            is_complete &= fitting.is_some();
            room = fitting?;
            budget.pay(Work::Bytes, len)?;
            Some(MetadataBlock::Memory(block.get(start, len)?.to_vec()))
        }
        memory => Some(memory),
    };
    blocks
        .iptc
        .extend(inner.iptc.into_iter().filter_map(&mut copied));
    blocks
        .tiffs
        .extend(inner.tiffs.into_iter().filter_map(&mut copied));
    blocks
        .xmp
        .extend(inner.xmp.into_iter().filter_map(&mut copied));
    blocks.memory = limits::MAX_UNPACKED_BYTES - room;
    blocks.labels.append(&inner.labels);
    if !is_complete {
        blocks.labels.add_gap("metadata that is too large");
    }
}
