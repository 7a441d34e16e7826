//! GIF (GIF89a specification): reads the size, and XMP in an application extension.
//!
//! The pictures of a GIF are chains of blocks of at most 255 bytes. A reader must read all of them
//! to find the data between them. So XMP is searched only at the start and at the end of the file.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::limits;
use super::sparse::ByteView;
use super::work_budget::Work;

/// The start of the application extension that contains XMP (XMP part 3, 1.1.2): the introducer,
/// the label, the size of the identifier, and the identifier.
const XMP_EXTENSION: &[u8] = b"!\xff\x0bXMP DataXMP";
/// The end of the packet begins with this text. The bytes after the packet are not XMP: they lead a
/// reader that passes over blocks to the end of the extension.
const PACKET_END: &[u8] = b"<?xpacket end=";

/// Finds the size and the XMP of a GIF, and adds them to `blocks`.
pub(crate) fn read_gif(view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    let size = view.le16(6).zip(view.le16(8));
    blocks.size = size.map(|(width, height)| (u32::from(width), u32::from(height)));
    // Comments may contain keywords, and XMP may be in a part that is not searched.
    blocks.labels.add_gap("the keywords of a GIF are not read");
    let end = limits::GIF_SEARCH_BYTES.min(view.len());
    let tail = view.len().saturating_sub(limits::GIF_SEARCH_BYTES).max(end);
    if let Some(packet) = find_packet(view, 0).or_else(|| find_packet(view, tail)) {
        blocks.xmp.push(packet);
    }
}

/// Returns the XMP packet whose extension begins in the part of the file that is searched from
/// `start`.
fn find_packet(view: ByteView<'_>, start: u64) -> Option<MetadataBlock> {
    let part = view.part(start, limits::GIF_SEARCH_BYTES);
    let bytes = part.up_to(0, part.len())?;
    view.budget().pay(Work::Bytes, part.len())?;
    let mut windows = bytes.windows(XMP_EXTENSION.len());
    let at = windows.position(|window| window == XMP_EXTENSION)? + XMP_EXTENSION.len();
    let packet = view.from(start + at as u64);
    let packet = packet.up_to(0, limits::MAX_PACKET_BYTES.min(packet.len()))?;
    view.budget().pay(Work::Bytes, packet.len() as u64)?;
    let mut windows = packet.windows(PACKET_END.len());
    let end = match windows.position(|window| window == PACKET_END) {
        // `<?xpacket end="w"?>` has five bytes more.
        Some(end) => end + PACKET_END.len() + 5,
        None => packet.iter().position(|&b| b == 0)?,
    };
    Some(MetadataBlock::File {
        start: view.base() + start + at as u64,
        len: end.min(packet.len()) as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Sparse;

    fn gif(parts: &[&[u8]]) -> MetadataBlocks {
        let file = [&b"GIF89a\x03\0\x02\0\0\0\0"[..], &parts.concat(), b";"].concat();
        let file = Sparse::whole(&file);
        let mut blocks = MetadataBlocks::default();
        read_gif(file.view(), &mut blocks);
        blocks
    }

    /// Returns the extension with XMP, as the XMP specification defines it.
    fn extension(packet: &[u8]) -> Vec<u8> {
        let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).collect();
        [XMP_EXTENSION, packet, &trailer, &[0]].concat()
    }

    #[test]
    fn xmp_is_found_at_the_start_and_at_the_end() {
        let packet = b"<?xpacket begin=''?><x:xmpmeta/><?xpacket end='w'?>";
        let found = |start: u64| {
            let len = packet.len() as u64;
            vec![MetadataBlock::File { start, len }]
        };
        let at_start = gif(&[&extension(packet)]);
        assert_eq!(at_start.xmp, found(13 + 14));
        assert_eq!(at_start.size, Some((3, 2)));
        let picture = vec![0; 200_000];
        let at_end = gif(&[&picture, &extension(packet)]);
        assert_eq!(at_end.xmp, found(13 + 200_000 + 14));
        let in_the_middle = gif(&[&picture, &extension(packet), &picture]);
        assert_eq!(in_the_middle.xmp, []);
        assert_eq!(gif(&[&extension(b"<x:xmpmeta/>")]).xmp.len(), 1);
    }
}
