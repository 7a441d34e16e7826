//! Decodes HEIC with `heifer`.
//!
//! A photo is a grid of tiles. One row of tiles is decoded at a time, so that memory stays small.
//! Pictures with alpha, a crop or several layers are decoded as a whole by `heifer`.

use heifer::heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};
use heifer::heifer_hevc_dec::recon::Frame;
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{self, HeifFile, ItemId};

use crate::colour::{ColourConversion, PictureSample, PixelLayout, RowConverter};
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::nclx::named_profile;
use crate::orientation::PictureOrientation;
use crate::picture::{EncodedPicture, PictureFormat, UntaggedColour};
use crate::size::PixelSize;
use crate::yuv::{ChromaRow, RgbSample, YuvMatrix, YuvPicture, YuvPlane};

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
    let file = HeifFile::parse(picture.bytes).map_err(container_error)?;
    match tile_layout(&file)? {
        Some(tiles) => decode_tiles(&file, &tiles, plan),
        None => decode_whole(picture.bytes, &file, plan),
    }
}

/// The tiles of a picture. A picture without a grid is one tile.
struct TileLayout {
    size: PixelSize,
    tile: PixelSize,
    columns: usize,
    tiles: Vec<ItemId>,
    orientation: PictureOrientation,
}

/// Returns the tiles of the primary picture. Returns `None` if `heifer` must decode it as a whole.
fn tile_layout(file: &HeifFile<'_>) -> Result<Option<TileLayout>, RenderError> {
    let id = file.primary_id;
    let item = file.item(id).map_err(container_error)?;
    let has_layers = !file.referencing_items(id, b"auxl").is_empty() && has_alpha(file, id);
    let Some(orientation) = container_orientation(file, id)?.filter(|_| !has_layers) else {
        return Ok(None);
    };
    let (size, columns, tiles) = match &item.item_type.0 {
        b"hvc1" => (item_size(file, id)?, 1, vec![id]),
        b"grid" => {
            let grid = file.grid(id).map_err(container_error)?;
            let tiles = file.referenced_items(id, b"dimg").to_vec();
            let (columns, rows) = (usize::from(grid.columns), usize::from(grid.rows));
            if tiles.len() != columns * rows {
                return Err(RenderError::corrupt(FORMAT, "tiles are missing"));
            }
            let size = PixelSize {
                width: grid.output_width,
                height: grid.output_height,
            };
            (size, columns, tiles)
        }
        _ => return Ok(None),
    };
    let is_plain = |tile: &ItemId| {
        let is_coded = file
            .item(*tile)
            .is_ok_and(|item| &item.item_type.0 == b"hvc1");
        let orientation = container_orientation(file, *tile);
        is_coded && matches!(orientation, Ok(Some(PictureOrientation::Upright)))
    };
    if tiles != [id] && !tiles.iter().all(is_plain) {
        return Ok(None);
    }
    let tile = item_size(file, tiles[0])?;
    let rows = tiles.len() / columns;
    let covers =
        |edge: u32, count: usize, tile: u32| u64::from(tile) * count as u64 >= u64::from(edge);
    if size.pixels() == 0
        || !covers(size.width, columns, tile.width)
        || !covers(size.height, rows, tile.height)
    {
        return Err(RenderError::corrupt(
            FORMAT,
            "the tiles do not cover the picture",
        ));
    }
    Ok(Some(TileLayout {
        size,
        tile,
        columns,
        tiles,
        orientation,
    }))
}

/// Returns the size of an item.
fn item_size(file: &HeifFile<'_>, id: ItemId) -> Result<PixelSize, RenderError> {
    let size = file.image_size(id).map_err(container_error)?;
    let (width, height) = size.ok_or_else(|| RenderError::corrupt(FORMAT, "a size is missing"))?;
    Ok(PixelSize { width, height })
}

/// Returns the maximum number of pixels of a coded picture. Coded pictures are padded to whole blocks,
/// which have at most 64 × 64 pixels. A picture that is much larger than stated would need more memory
/// than estimated.
fn padded_pixels(size: PixelSize) -> u64 {
    (u64::from(size.width) + 64) * (u64::from(size.height) + 64)
}

/// Reports whether an item has a plane of alpha. Depth and gain maps are other auxiliary pictures.
fn has_alpha(file: &HeifFile<'_>, id: ItemId) -> bool {
    let auxiliary = file.referencing_items(id, b"auxl");
    let mut properties = auxiliary
        .iter()
        .filter_map(|id| file.item_properties(*id).ok())
        .flatten();
    properties.any(|property| {
        matches!(property, Property::AuxiliaryType(kind)
            if kind == "urn:mpeg:hevc:2015:auxid:1" || kind.ends_with("auxiliary:alpha"))
    })
}

/// Returns how the properties of an item turn it. Returns `None` if they also crop it, or are in an
/// unusual order.
fn container_orientation(
    file: &HeifFile<'_>,
    id: ItemId,
) -> Result<Option<PictureOrientation>, RenderError> {
    let mut orientation = PictureOrientation::Upright;
    for property in file.item_properties(id).map_err(container_error)? {
        orientation = match (property, orientation) {
            (Property::CleanAperture { .. }, _) => return Ok(None),
            (Property::Rotation(quarters), PictureOrientation::Upright) => {
                match quarters {
                    // Anticlockwise.
                    0 => PictureOrientation::Upright,
                    1 => PictureOrientation::Rotate270,
                    2 => PictureOrientation::Rotate180,
                    _ => PictureOrientation::Rotate90,
                }
            }
            (Property::Mirror(top_and_bottom), turned) => match turned.mirrored(*top_and_bottom) {
                Some(mirrored) => mirrored,
                None => return Ok(None),
            },
            (Property::Rotation(_), _) => return Ok(None),
            (_, orientation) => orientation,
        };
    }
    Ok(Some(orientation))
}

/// Decodes the tiles, one row of them at a time.
fn decode_tiles(
    file: &HeifFile<'_>,
    layout: &TileLayout,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    plan.limits.check_pixels(layout.size)?;
    plan.limits.check_pixels(layout.tile)?;
    let target = plan.largest_size(layout.size);
    let area = DecodedArea::whole(layout.size);
    let row_pixels = layout.tile.pixels().saturating_mul(layout.columns as u64);
    let memory = row_pixels.saturating_mul(TILE_BYTES_PER_PIXEL);
    let memory = memory.saturating_add(BandDownscaler::memory(area, target));
    plan.check_memory(memory, target)?;

    let config = file.hevc_config(layout.tiles[0]).map_err(container_error)?;
    let is_deep = config.is_some_and(|config| config.bit_depth_luma > 8);
    let mut downscaler = BandDownscaler::new(area, target);
    let conversion = if is_deep {
        reduce_tiles::<u16>(file, layout, &mut downscaler)?
    } else {
        reduce_tiles::<u8>(file, layout, &mut downscaler)?
    };
    Ok(DecodedPicture {
        stored_size: layout.size,
        image: downscaler.finish(),
        conversion,
        container_orientation: Some(layout.orientation),
    })
}

/// Decodes and reduces all tiles. `S` is the sample in which colours are converted.
fn reduce_tiles<S: RgbSample>(
    file: &HeifFile<'_>,
    layout: &TileLayout,
    downscaler: &mut BandDownscaler,
) -> Result<ColourConversion, RenderError> {
    let mut converter = row_converter::<S>(file, layout.tiles[0])?;
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
            let stream = file.hevc_bitstream(*id).map_err(container_error)?;
            decode_picture(&stream, options).map_err(|error| stream_error(&error))
        };
        let frames: Vec<Frame> = tiles.iter().map(decode).collect::<Result<_, _>>()?;
        let planes = frames.iter().zip(tiles);
        let planes = planes.map(|(frame, id)| frame_planes(file, *id, frame, layout.tile));
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
    file: &HeifFile<'_>,
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
    let stated = file
        .item_properties(id)
        .map_err(container_error)?
        .find_map(nclx_numbers);
    let (matrix, has_full_range) = match stated {
        Some(nclx) => (nclx.matrix, nclx.has_full_range),
        None => (frame.matrix_coeffs.into(), frame.full_range),
    };
    let matrix = YuvMatrix::from_code(matrix).ok_or_else(|| {
        RenderError::unsupported(FORMAT, &format!("matrix coefficients {matrix}"))
    })?;
    Ok(YuvPicture {
        luma: plane(0),
        chroma: (frame.widths[1] > 0).then(|| [plane(1), plane(2)]),
        bits: frame.bit_depth[0].into(),
        matrix,
        has_full_range,
    })
}

/// The numbers of a colour space.
struct NclxNumbers {
    primaries: u16,
    transfer: u16,
    matrix: u16,
    has_full_range: bool,
}

/// Returns the numbers of a colour space, if a property has them.
fn nclx_numbers(property: &Property) -> Option<NclxNumbers> {
    match *property {
        Property::Color(ColorInfo::Nclx {
            primaries,
            transfer,
            matrix,
            full_range,
        }) => Some(NclxNumbers {
            primaries,
            transfer,
            matrix,
            has_full_range: full_range,
        }),
        _ => None,
    }
}

/// Returns the converter for the colours of the picture.
fn row_converter<S: PictureSample>(
    file: &HeifFile<'_>,
    first_tile: ItemId,
) -> Result<RowConverter<S>, RenderError> {
    let icc = file.icc_profile(file.primary_id).map_err(container_error)?;
    if icc.is_some() {
        return Ok(RowConverter::new(
            PixelLayout::Rgb,
            icc,
            UntaggedColour::Srgb,
        ));
    }
    let numbers_of = |id| -> Result<Option<NclxNumbers>, RenderError> {
        Ok(file
            .item_properties(id)
            .map_err(container_error)?
            .find_map(nclx_numbers))
    };
    let numbers = match numbers_of(file.primary_id)? {
        Some(numbers) => Some(numbers),
        None => numbers_of(first_tile)?,
    };
    let profile = match numbers {
        Some(numbers) => named_profile(FORMAT, numbers.primaries, numbers.transfer)?,
        None => None,
    };
    Ok(RowConverter::from_named_space(profile.as_ref()))
}

/// Decodes a picture as a whole. `heifer` turns it upright and applies its alpha.
fn decode_whole(
    bytes: &[u8],
    file: &HeifFile<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let stated = item_size(file, file.primary_id)?;
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
    let mut converter = row_converter::<u8>(file, file.primary_id)?;
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

/// Returns the outcome for an error of the container.
fn container_error(error: heifer_isobmff::Error) -> RenderError {
    match error {
        heifer_isobmff::Error::UnexpectedEof => RenderError::Truncated(FORMAT),
        heifer_isobmff::Error::Unimplemented(kind) => RenderError::unsupported(FORMAT, kind),
        _ => RenderError::corrupt(FORMAT, &error.to_string()),
    }
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
