//! Chooses the reader for the container format of a file.

use super::blocks::{MetadataBlock, MetadataBlocks};
use super::format::PhotoFormat;
use super::sparse::ByteView;
use super::{cr3, crw, gif, heif, jpeg, jxl, photoshop, png, raw, trailer, webp, x3f};

/// Finds the metadata blocks of a file of this format, and adds them to `blocks`.
pub(crate) fn read_container(format: PhotoFormat, view: ByteView<'_>, blocks: &mut MetadataBlocks) {
    match format {
        PhotoFormat::Jpeg => {
            jpeg::read_jpeg(view, blocks);
            trailer::read_trailers(view, blocks);
        }
        PhotoFormat::Png => png::read_png(view, blocks),
        PhotoFormat::WebP => webp::read_webp(view, blocks),
        PhotoFormat::Heic | PhotoFormat::Heif | PhotoFormat::Avif => heif::read_heif(view, blocks),
        PhotoFormat::Psd => photoshop::read_psd(view, blocks),
        PhotoFormat::Jxl | PhotoFormat::Jp2 => jxl::read_jxl(view, blocks),
        PhotoFormat::Cr3 => cr3::read_cr3(view, blocks),
        PhotoFormat::Crw => crw::read_crw(view, blocks),
        PhotoFormat::Raf => raw::read_raf(view, blocks),
        PhotoFormat::Mrw => raw::read_mrw(view, blocks),
        PhotoFormat::X3f => x3f::read_x3f(view, blocks),
        PhotoFormat::Gif => gif::read_gif(view, blocks),
        // The other formats are TIFF structures.
        _ => blocks.tiffs.push(MetadataBlock::of_view(view)),
    }
}
