//! Decodes HEIC with `heifer`.
//!
//! A photo is a grid of tiles. One row of tiles is decoded at a time, so that memory stays small.
//! Pictures with alpha, a crop or several layers are decoded as a whole by `heifer`.

use heifer::heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};
use heifer::heifer_hevc_dec::recon::Frame;
use heifer::heifer_isobmff::ItemId;

use crate::colour::ColourConversion;
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::heif_items::{HeifItems, TileLayout, padded_pixels};
use crate::orientation::PictureOrientation;
use crate::picture::{EncodedPicture, PictureFormat};
use crate::size::PixelSize;
use crate::yuv::{ChromaLocation, ChromaRow, RgbSample, YuvMatrix, YuvPicture, YuvPlane};

const FORMAT: PictureFormat = PictureFormat::Heic;
/// The number of rows that are converted at a time.
const ROWS_AT_ONCE: usize = 32;
/// The estimated memory of a decoded tile in bytes per pixel: planes of 16 bits, and the state of the
/// decoder.
const TILE_BYTES_PER_PIXEL: u64 = 8;
/// The estimated memory of a picture that `heifer` decodes as a whole, in bytes per pixel.
const WHOLE_BYTES_PER_PIXEL: u64 = 32;

/// Decodes a HEIC and reduces it to the size of its largest rendition.
pub(crate) fn decode_heic(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let items = HeifItems::parse(picture.bytes, FORMAT)?;
    match heic_tiles(&items)? {
        Some(tiles) => decode_tiles(&items, &tiles, plan),
        None => decode_whole(picture.bytes, &items, plan),
    }
}

/// The tiles of the primary picture, and how they are turned.
struct HeicTiles {
    layout: TileLayout,
    orientation: PictureOrientation,
}

/// Returns the tiles of the primary picture. Returns `None` if `heifer` must decode it as a whole.
fn heic_tiles(items: &HeifItems<'_>) -> Result<Option<HeicTiles>, RenderError> {
    let id = items.file.primary_id;
    let has_layers = items.alpha_items().contains_key(&id);
    let transforms = items.transforms(id)?;
    let Some(transforms) = transforms.filter(|t| t.crop.is_none() && !has_layers) else {
        return Ok(None);
    };
    let layout = items.tiles(id, b"hvc1")?;
    Ok(layout.map(|layout| HeicTiles {
        layout,
        orientation: transforms.orientation,
    }))
}

/// Decodes the tiles, one row of them at a time.
fn decode_tiles(
    items: &HeifItems<'_>,
    tiles: &HeicTiles,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let layout = &tiles.layout;
    plan.limits.check_pixels(layout.size)?;
    plan.limits.check_pixels(layout.tile)?;
    let target = plan.largest_size(layout.size);
    let area = DecodedArea::whole(layout.size);
    let row_pixels = layout.tile.pixels().saturating_mul(layout.columns as u64);
    let memory = row_pixels.saturating_mul(TILE_BYTES_PER_PIXEL);
    let memory = memory.saturating_add(BandDownscaler::memory(area, target));
    plan.check_memory(memory, target)?;

    let config = items.file.hevc_config(layout.tiles[0]);
    let config = config.map_err(|e| items.error(e))?;
    let is_deep = config.is_some_and(|config| config.bit_depth_luma > 8);
    let mut downscaler = BandDownscaler::new(area, target);
    let conversion = if is_deep {
        reduce_tiles::<u16>(items, layout, &mut downscaler)?
    } else {
        reduce_tiles::<u8>(items, layout, &mut downscaler)?
    };
    Ok(DecodedPicture {
        stored_size: layout.size,
        image: downscaler.finish(),
        conversion,
        container_orientation: Some(tiles.orientation),
    })
}

/// Decodes and reduces all tiles. `S` is the sample in which colours are converted.
fn reduce_tiles<S: RgbSample>(
    items: &HeifItems<'_>,
    layout: &TileLayout,
    downscaler: &mut BandDownscaler,
) -> Result<ColourConversion, RenderError> {
    let mut converter = items.row_converter::<S>(items.picture_nclx(layout.tiles[0])?)?;
    let options = DecodeOptions {
        max_pixels: padded_pixels(layout.tile),
        ..DecodeOptions::default()
    };
    let (width, height) = (layout.size.width as usize, layout.size.height as usize);
    let (tile_width, tile_height) = (layout.tile.width as usize, layout.tile.height as usize);
    let mut scratch = ChromaRow::default();
    let mut samples = Vec::new();
    for (row, tiles) in layout.tiles.chunks(layout.columns).enumerate() {
        let top = row * tile_height;
        if top >= height {
            break;
        }
        let decode = |id: &ItemId| {
            let stream = items.file.hevc_bitstream(*id);
            let stream = stream.map_err(|e| items.error(e))?;
            decode_picture(&stream, options).map_err(|error| stream_error(&error))
        };
        let tiles = &tiles[..layout.visible_columns()];
        let frames: Vec<Frame> = tiles.iter().map(decode).collect::<Result<_, _>>()?;
        let planes = frames.iter().zip(tiles);
        let planes = planes.map(|(frame, id)| frame_planes(items, *id, frame, layout.tile));
        let planes: Vec<YuvPicture<'_, u16>> = planes.collect::<Result<_, _>>()?;
        let rows = tile_height.min(height - top);
        for y in 0..rows {
            for (column, tile) in planes.iter().enumerate() {
                let visible = width.saturating_sub(column * tile_width).min(tile_width);
                tile.append_row(y, visible, &mut scratch, &mut samples);
            }
            if (y + 1) % ROWS_AT_ONCE == 0 || y + 1 == rows {
                converter.append(&samples, downscaler.buffer());
                downscaler.reduce();
                samples.clear();
            }
        }
    }
    Ok(converter.conversion())
}

/// Returns the planes of a decoded tile. Fails if it is smaller than the container states.
fn frame_planes<'a>(
    items: &HeifItems<'_>,
    id: ItemId,
    frame: &'a Frame,
    size: PixelSize,
) -> Result<YuvPicture<'a, u16>, RenderError> {
    if frame.widths[0] < size.width || frame.heights[0] < size.height {
        return Err(RenderError::corrupt(FORMAT, "a tile is too small"));
    }
    if frame.bit_depth[0] != frame.bit_depth[1] && frame.widths[1] > 0 {
        return Err(RenderError::unsupported(
            FORMAT,
            "luma and chroma of different depths",
        ));
    }
    let plane = |index: usize| {
        let (width, height) = (frame.widths[index] as usize, frame.heights[index] as usize);
        YuvPlane {
            samples: &frame.planes[index][..],
            stride: width,
            width,
            height,
        }
    };
    let (matrix, has_full_range) = match items.nclx(id)? {
        Some(nclx) => (nclx.matrix, nclx.has_full_range),
        None => (frame.matrix_coeffs.into(), frame.full_range),
    };
    let matrix = YuvMatrix::from_code(matrix).ok_or_else(|| {
        RenderError::unsupported(FORMAT, &format!("matrix coefficients {matrix}"))
    })?;
    Ok(YuvPicture {
        luma: plane(0),
        chroma: (frame.widths[1] > 0).then(|| [plane(1), plane(2)]),
        // Chroma location type 0, which is that of HEVC if it states none.
        chroma_location: ChromaLocation::Left,
        bits: frame.bit_depth[0].into(),
        matrix,
        has_full_range,
    })
}

/// Decodes a picture as a whole. `heifer` turns it upright and applies its alpha.
fn decode_whole(
    bytes: &[u8],
    items: &HeifItems<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let primary = items.file.primary_id;
    let stated = items.size(primary)?;
    plan.limits.check_pixels(stated)?;
    let memory = stated.pixels().saturating_mul(WHOLE_BYTES_PER_PIXEL);
    plan.check_memory(memory, plan.largest_size(stated))?;
    let options = heifer::Options {
        max_threads: 1,
        max_pixels: padded_pixels(stated),
    };
    let image = heifer::decode_rgba8(bytes, &options).map_err(|error| decoder_error(&error))?;
    let size = PixelSize {
        width: image.width,
        height: image.height,
    };
    if size.pixels() == 0 {
        return Err(RenderError::corrupt(FORMAT, "it has no pixels"));
    }
    let target = plan.largest_size(size);
    let mut downscaler = BandDownscaler::new(DecodedArea::whole(size), target);
    let mut converter = items.row_converter::<u8>(items.picture_nclx(primary)?)?;
    for rows in image.data.chunks(size.width as usize * 4 * ROWS_AT_ONCE) {
        let mut samples = rows.to_vec();
        crate::alpha::compose_over_white::<u8, 4>(&mut samples);
        converter.append(&samples, downscaler.buffer());
        downscaler.reduce();
    }
    Ok(DecodedPicture {
        stored_size: size,
        image: downscaler.finish(),
        conversion: converter.conversion(),
        container_orientation: Some(PictureOrientation::Upright),
    })
}

/// Returns the outcome for an error of a coded picture.
fn stream_error(error: &heifer::heifer_hevc_dec::Error) -> RenderError {
    match error {
        heifer::heifer_hevc_dec::Error::Unimplemented(kind) => {
            RenderError::unsupported(FORMAT, kind)
        }
        _ => RenderError::corrupt(FORMAT, &error.to_string()),
    }
}

/// Returns the outcome for an error of a whole picture.
fn decoder_error(error: &heifer::Error) -> RenderError {
    match error {
        heifer::Error::Unsupported(kind) => RenderError::unsupported(FORMAT, kind),
        heifer::Error::Hevc(error) => stream_error(error),
        _ => RenderError::corrupt(FORMAT, &error.to_string()),
    }
}
