//! Encodes renditions with `mozjpeg`.

use std::io;

use mozjpeg::{ColorSpace, Compress, Marker};

use crate::linear::LinearImage;
use crate::orientation::PictureOrientation;

/// The number of rows that are converted at a time.
const ROWS_AT_ONCE: u32 = 16;

/// Returns the upright picture as a progressive JPEG with 4:2:0 chroma. `xmp` is the content of its
/// only segment of metadata.
///
/// The JPEG has no ICC profile. Browsers read a JPEG without one as sRGB. The smallest
/// profile of sRGB would be a twentieth of a small rendition.
///
/// The scans are optimised, although that is a quarter of the CPU time of a JPEG of 24 megapixels
/// (0.46 instead of 0.34 seconds for four renditions). Without it, those renditions are 7.5 % larger,
/// and larger than those of sharp. With quality 73 instead of 76 they would be as small again, but
/// would lose about 3 points of SSIMULACRA 2 at 2048 pixels and 4 at 640. One point was allowed. The
/// renditions of 31 real photos are 0.8 to 1.6 % larger without it. `bench/src/bin/renditions.rs`
/// measures this.
///
/// May panic, which is how `mozjpeg` reports errors.
pub(crate) fn encode_jpeg(
    image: &LinearImage,
    orientation: PictureOrientation,
    quality: u8,
    xmp: Option<&[u8]>,
) -> io::Result<Vec<u8>> {
    let size = orientation.upright_size(image.size);
    let mut encoder = Compress::new(ColorSpace::JCS_RGB);
    encoder.set_size(size.width as usize, size.height as usize);
    encoder.set_color_space(ColorSpace::JCS_YCbCr);
    encoder.set_quality(f32::from(quality));
    encoder.set_progressive_mode();
    encoder.set_optimize_coding(true);
    encoder.set_chroma_sampling_pixel_sizes((2, 2), (2, 2));
    let mut rows = encoder.start_compress(Vec::new())?;
    if let Some(xmp) = xmp {
        rows.write_marker(Marker::APP(1), xmp);
    }
    let mut first = 0;
    while first < size.height {
        let end = (first + ROWS_AT_ONCE).min(size.height);
        rows.write_scanlines(&image.upright_srgb_rows(orientation, first..end))?;
        first = end;
    }
    rows.finish()
}
