//! Decodes AVIF with `re_rav1d`, a fork of `rav1d` whose functions are not unsafe.
//!
//! A picture is one coded picture or a grid of tiles. One row of tiles is decoded at a time. Alpha is
//! a second picture, which is read in step with the first.
//!
//! This decoder can abort the process, or wait without an end: a panic of `rav1d` does not reach
//! `catch_decoder_panic`. If it happens in a function of its C interface, Rust aborts. If it happens
//! in one of its threads, the caller waits for this thread. One such panic is known: with one frame
//! context, every decode error panics (memorysafety/rav1d issue 1497). So there are always two frame
//! contexts. 23,000 changed files had no such outcome (README.md, "Guarantees").

use std::ops::Range;

use heifer::heifer_isobmff::boxes::{FileType, Property};
use heifer::heifer_isobmff::{BoxIter, ItemId};
use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout as PlaneLayout, PlanarImageComponent, Plane, Settings,
};

use crate::alpha::{AlphaSample, show_over_white};
use crate::av1_header::Av1Header;
use crate::colour::{ColourConversion, PixelLayout, RowConverter};
use crate::decoded::{DecodedPicture, RenderPlan};
use crate::downscale::{BandDownscaler, DecodedArea};
use crate::error::RenderError;
use crate::heif_items::{HeifItems, NclxNumbers, TileLayout, padded_pixels};
use crate::picture::{EncodedPicture, PictureFormat, UntaggedColour};
use crate::size::PixelSize;
use crate::yuv::{ChromaRow, PlaneSample, RgbSample, YuvMatrix, YuvPicture, YuvPlane};

const FORMAT: PictureFormat = PictureFormat::Avif;
/// The number of rows that are converted at a time.
const ROWS_AT_ONCE: usize = 32;
/// The number of threads of the decoder, and of its frame contexts. It must not be 1.
const FRAME_CONTEXTS: u32 = 2;
/// The estimated memory of the decoder's state in bytes per pixel, without planes and coefficients. It
/// was 3 to 3.8 bytes for pictures of 17 megapixels.
const STATE_BYTES_PER_PIXEL: u64 = 4;

/// Decodes an AVIF and reduces it to the size of its largest rendition.
pub(crate) fn decode_avif(
    picture: &EncodedPicture<'_>,
    plan: &RenderPlan<'_>,
) -> Result<DecodedPicture, RenderError> {
    let items = read_items(picture.bytes)?;
    let id = items.file.primary_id;
    let transforms = items
        .transforms(id)?
        .ok_or_else(|| RenderError::unsupported(FORMAT, "a crop or turn after another one"))?;
    let colour = coded_layout(&items, id)?;
    let alpha = alpha_layout(&items, &colour)?;
    let (columns, rows) = match transforms.crop {
        Some(crop) => crop
            .area(colour.size)
            .ok_or_else(|| RenderError::corrupt(FORMAT, "the crop is not inside the picture"))?,
        None => (0..colour.size.width, 0..colour.size.height),
    };
    let size = PixelSize {
        width: columns.len() as u32,
        height: rows.len() as u32,
    };
    let area = DecodedArea::whole(size);
    let target = plan.largest_size(size);
    let mut memory = BandDownscaler::memory(area, target);
    let mut headers = Vec::new();
    for layout in std::iter::once(&colour).chain(&alpha) {
        plan.limits.check_pixels(layout.size)?;
        plan.limits.check_pixels(layout.tile)?;
        let header = Av1Header::read(&item_bytes(&items, layout.tiles[0])?)?;
        memory = memory.saturating_add(decoder_memory(layout, header));
        headers.push(header);
    }
    plan.check_memory(memory, target)?;

    let mut source = AvifRows {
        numbers: colour_numbers(&items, &colour, headers[0])?,
        colour: TileRows::new(&items, &colour, headers[0])?,
        alpha: match &alpha {
            Some(layout) => Some(TileRows::new(&items, layout, headers[1])?),
            None => None,
        },
        is_premultiplied: !items.file.referenced_items(id, b"prem").is_empty(),
        columns,
    };
    let mut downscaler = BandDownscaler::new(area, target);
    let conversion = match headers[0].bits {
        8 => source.reduce::<u8>(rows, &mut downscaler)?,
        _ => source.reduce::<u16>(rows, &mut downscaler)?,
    };
    Ok(DecodedPicture {
        stored_size: size,
        image: downscaler.finish(),
        conversion,
        container_orientation: Some(transforms.orientation),
    })
}

/// Reads the boxes of a file.
fn read_items(bytes: &[u8]) -> Result<HeifItems<'_>, RenderError> {
    let boxes = |content| BoxIter::new(content).map_while(Result::ok);
    let content_of = |content, kind: &[u8; 4]| {
        let mut found = boxes(content).filter(|found| found.header.box_type.0 == *kind);
        found.next().map(|found| found.content)
    };
    let file_type = content_of(bytes, b"ftyp").and_then(|content| FileType::parse(content).ok());
    let is_sequence = file_type.is_some_and(|file_type| file_type.has_brand(b"avis"));
    let meta = content_of(bytes, b"meta").and_then(|meta| meta.get(4..));
    let has_primary = meta.is_some_and(|meta| content_of(meta, b"pitm").is_some());
    // In a file that is cut off, the box may be in the missing part.
    let is_whole = BoxIter::new(bytes).all(|found| found.is_ok());
    if is_sequence && is_whole && !has_primary {
        return Err(RenderError::unsupported(
            FORMAT,
            "a sequence without a primary picture",
        ));
    }
    HeifItems::parse(bytes, FORMAT)
}

/// Returns the tiles of a picture that is coded with AV1.
fn coded_layout(items: &HeifItems<'_>, id: ItemId) -> Result<TileLayout, RenderError> {
    let layout = items.tiles(id, b"av01")?.ok_or_else(|| {
        let kind = items.file.item(id).map(|item| item.item_type.to_string());
        let kind = kind.unwrap_or_default();
        RenderError::unsupported(FORMAT, &format!("a picture of the kind {kind}"))
    })?;
    for tile in &layout.tiles {
        let mut properties = items
            .file
            .item_properties(*tile)
            .map_err(|e| items.error(e))?;
        // By default, all layers are decoded and the best one is shown.
        let chooses_layer = properties.any(|property| match property {
            Property::Unknown(kind, value) => match &kind.0 {
                b"a1op" => value.as_slice() != [0],
                b"lsel" => value.as_slice() != [0xff, 0xff],
                _ => false,
            },
            _ => false,
        });
        if chooses_layer {
            return Err(RenderError::unsupported(FORMAT, "one layer of several"));
        }
    }
    Ok(layout)
}

/// Returns the tiles of the alpha of a picture, if it has alpha. A grid has alpha as a whole, or each
/// of its tiles has.
fn alpha_layout(
    items: &HeifItems<'_>,
    colour: &TileLayout,
) -> Result<Option<TileLayout>, RenderError> {
    let alpha = items.alpha_items();
    if let Some(id) = alpha.get(&items.file.primary_id) {
        let layout = coded_layout(items, *id)?;
        if layout.size != colour.size {
            return Err(RenderError::unsupported(FORMAT, "alpha of another size"));
        }
        return Ok(Some(layout));
    }
    let tiles = colour.tiles.iter().map(|id| alpha.get(id).copied());
    let Some(tiles) = tiles.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    for id in &tiles {
        if coded_layout(items, *id)?.tiles != [*id] || items.size(*id)? != colour.tile {
            return Err(RenderError::unsupported(FORMAT, "alpha of another size"));
        }
    }
    Ok(Some(TileLayout {
        tiles,
        ..colour.clone()
    }))
}

/// Returns the bytes of an item.
fn item_bytes(items: &HeifItems<'_>, id: ItemId) -> Result<Vec<u8>, RenderError> {
    let bytes = items.file.item_data(id).map_err(|e| items.error(e))?;
    Ok(bytes.into_owned())
}

/// Returns the estimated memory of decoding a picture: the planes of a row of tiles, and the decoder.
fn decoder_memory(layout: &TileLayout, header: Av1Header) -> u64 {
    let sample_bytes = if header.bits > 8 { 2 } else { 1 };
    let samples = u64::from(4 + header.chroma_samples);
    let planes = |pixels: u64| pixels.saturating_mul(samples * sample_bytes) / 4;
    let tile = padded_pixels(layout.tile);
    // The decoder stores all coefficients of a frame, which are twice as wide as samples.
    let coefficients = planes(tile).saturating_mul(2);
    let state = tile.saturating_mul(STATE_BYTES_PER_PIXEL);
    // Frames that are not shown, and one with film grain.
    let frames = planes(tile).saturating_mul(u64::from(header.frames));
    planes(tile.saturating_mul(layout.visible_columns() as u64))
        .saturating_add(coefficients)
        .saturating_add(state)
        .saturating_add(frames)
}

/// Returns the numbers of the colour space: those of the container, or else those of AV1.
fn colour_numbers(
    items: &HeifItems<'_>,
    layout: &TileLayout,
    header: Av1Header,
) -> Result<NclxNumbers, RenderError> {
    let numbers = items.picture_nclx(layout.tiles[0])?;
    Ok(numbers.unwrap_or(NclxNumbers {
        primaries: header.primaries,
        transfer: header.transfer,
        matrix: header.matrix,
        has_full_range: header.has_full_range,
    }))
}

/// The rows of a picture with its alpha.
struct AvifRows<'a> {
    numbers: NclxNumbers,
    colour: TileRows<'a>,
    alpha: Option<TileRows<'a>>,
    is_premultiplied: bool,
    /// The columns that a crop leaves.
    columns: Range<u32>,
}

impl AvifRows<'_> {
    /// Decodes and reduces rows. `S` is the sample in which colours are converted.
    fn reduce<S: RgbSample + AlphaSample>(
        &mut self,
        rows: Range<u32>,
        downscaler: &mut BandDownscaler,
    ) -> Result<ColourConversion, RenderError> {
        let items = self.colour.items;
        self.colour.set_colours(self.numbers)?;
        let icc = items.icc_profile()?.unwrap_or_default();
        // The colour space of a profile is at byte 16 (ICC.1, 7.2).
        let has_grey_profile = icc.get(16..20) == Some(b"GRAY");
        let layout = match self.colour.header.chroma_samples {
            0 if has_grey_profile => PixelLayout::Grey,
            _ => PixelLayout::Rgb,
        };
        let mut converter = match layout {
            PixelLayout::Grey => RowConverter::new(layout, Some(icc), UntaggedColour::Srgb),
            _ => items.row_converter::<S>(Some(self.numbers))?,
        };
        let columns = self.columns.start as usize..self.columns.end as usize;
        let channels = layout.samples();
        let (mut row, mut alpha_row, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        for y in rows.clone() {
            row.clear();
            self.colour.append_row::<S>(y, layout, &mut row)?;
            if let Some(alpha) = &mut self.alpha {
                alpha_row.clear();
                alpha.append_row::<S>(y, PixelLayout::Grey, &mut alpha_row)?;
                match layout {
                    PixelLayout::Grey => {
                        show_over_white::<S, 1>(&mut row, &alpha_row, self.is_premultiplied);
                    }
                    _ => show_over_white::<S, 3>(&mut row, &alpha_row, self.is_premultiplied),
                }
            }
            samples.extend_from_slice(&row[columns.start * channels..columns.end * channels]);
            let count = (y - rows.start) as usize + 1;
            if count.is_multiple_of(ROWS_AT_ONCE) || y + 1 == rows.end {
                converter.append(&samples, downscaler.buffer());
                downscaler.reduce();
                samples.clear();
            }
        }
        Ok(converter.conversion())
    }
}

/// The rows of a picture of tiles. They must be read from top to bottom.
struct TileRows<'a> {
    items: &'a HeifItems<'a>,
    layout: &'a TileLayout,
    header: Av1Header,
    matrix: YuvMatrix,
    has_full_range: bool,
    /// The number of the decoded row of tiles.
    decoded_row: Option<usize>,
    frames: Vec<TileFrame>,
    scratch: ChromaRow,
    decoder: Av1Decoder,
}

impl<'a> TileRows<'a> {
    /// Returns the rows of a picture. `header` is that of its first tile.
    fn new(
        items: &'a HeifItems<'a>,
        layout: &'a TileLayout,
        header: Av1Header,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            items,
            layout,
            header,
            matrix: YuvMatrix::Identity,
            has_full_range: header.has_full_range,
            decoded_row: None,
            frames: Vec::new(),
            scratch: ChromaRow::default(),
            decoder: Av1Decoder::new(padded_pixels(layout.tile))?,
        })
    }

    /// Sets what the samples of a picture in colour mean. Fails if the matrix is not known.
    fn set_colours(&mut self, numbers: NclxNumbers) -> Result<(), RenderError> {
        self.has_full_range = numbers.has_full_range;
        if self.header.chroma_samples == 0 {
            return Ok(());
        }
        let matrix = numbers.matrix;
        self.matrix = YuvMatrix::from_code(matrix).ok_or_else(|| {
            RenderError::unsupported(FORMAT, &format!("matrix coefficients {matrix}"))
        })?;
        Ok(())
    }

    /// Appends a row, as RGB or grey.
    fn append_row<S: RgbSample>(
        &mut self,
        y: u32,
        layout: PixelLayout,
        samples: &mut Vec<S>,
    ) -> Result<(), RenderError> {
        let tile = self.layout.tile;
        let row = (y / tile.height) as usize;
        if self.decoded_row != Some(row) {
            self.frames.clear();
            self.frames = self.decode_row(row)?;
            self.decoded_row = Some(row);
        }
        let y = (y % tile.height) as usize;
        let mut left = self.layout.size.width;
        for frame in &self.frames {
            let width = left.min(tile.width) as usize;
            left -= width as u32;
            match frame.bits {
                8 => {
                    let picture = frame.picture(self.matrix, self.has_full_range, 1, |bytes| bytes);
                    append_picture_row(&picture, y, width, layout, &mut self.scratch, samples);
                }
                _ => {
                    let picture = frame.picture(self.matrix, self.has_full_range, 2, |bytes| {
                        bytes.as_chunks::<2>().0
                    });
                    append_picture_row(&picture, y, width, layout, &mut self.scratch, samples);
                }
            }
        }
        Ok(())
    }

    /// Decodes a row of tiles.
    fn decode_row(&mut self, row: usize) -> Result<Vec<TileFrame>, RenderError> {
        let first = row * self.layout.columns;
        let tiles = &self.layout.tiles[first..first + self.layout.visible_columns()];
        let mut frames = Vec::new();
        for id in tiles {
            let bytes = item_bytes(self.items, *id)?;
            if Av1Header::read(&bytes)? != self.header {
                return Err(RenderError::unsupported(FORMAT, "tiles of different kinds"));
            }
            let picture = self.decoder.decode(bytes)?;
            frames.push(TileFrame::new(&picture, self.header, self.layout.tile)?);
        }
        Ok(frames)
    }
}

/// Appends a row of a decoded tile, as RGB or grey.
fn append_picture_row<P: PlaneSample, S: RgbSample>(
    picture: &YuvPicture<'_, P>,
    y: usize,
    width: usize,
    layout: PixelLayout,
    scratch: &mut ChromaRow,
    samples: &mut Vec<S>,
) {
    match layout {
        PixelLayout::Grey => picture.append_luma(y, width, samples),
        _ => picture.append_row(y, width, scratch, samples),
    }
}

/// The planes of a decoded tile.
struct TileFrame {
    bits: u32,
    header: Av1Header,
    luma: FramePlane,
    /// Blue and red difference.
    chroma: Option<[FramePlane; 2]>,
}

/// A plane of a decoded tile.
struct FramePlane {
    bytes: Plane,
    stride_bytes: usize,
    width: usize,
    height: usize,
}

impl TileFrame {
    /// Returns the planes of a decoded tile. Fails if it is smaller than the container states.
    fn new(picture: &Picture, header: Av1Header, tile: PixelSize) -> Result<Self, RenderError> {
        if picture.width() < tile.width || picture.height() < tile.height {
            return Err(RenderError::corrupt(FORMAT, "a tile is too small"));
        }
        let plane = |component, halves_width: bool, halves_height: bool| {
            let half = |edge: u32, halves: bool| if halves { edge.div_ceil(2) } else { edge };
            FramePlane {
                bytes: picture.plane(component),
                stride_bytes: picture.stride(component) as usize,
                width: half(picture.width(), halves_width) as usize,
                height: half(picture.height(), halves_height) as usize,
            }
        };
        let layout = picture.pixel_layout();
        let halves_width = matches!(layout, PlaneLayout::I420 | PlaneLayout::I422);
        let halves_height = layout == PlaneLayout::I420;
        let chroma = [PlanarImageComponent::U, PlanarImageComponent::V];
        Ok(Self {
            bits: picture.bit_depth() as u32,
            header,
            luma: plane(PlanarImageComponent::Y, false, false),
            chroma: (layout != PlaneLayout::I400)
                .then(|| chroma.map(|component| plane(component, halves_width, halves_height))),
        })
    }

    /// Returns the planes as samples of `sample_bytes` bytes.
    fn picture<'a, P>(
        &'a self,
        matrix: YuvMatrix,
        has_full_range: bool,
        sample_bytes: usize,
        samples: impl Fn(&'a [u8]) -> &'a [P],
    ) -> YuvPicture<'a, P> {
        let plane = |plane: &'a FramePlane| YuvPlane {
            samples: samples(&plane.bytes),
            stride: plane.stride_bytes / sample_bytes,
            width: plane.width,
            height: plane.height,
        };
        YuvPicture {
            luma: plane(&self.luma),
            chroma: self
                .chroma
                .as_ref()
                .map(|[blue, red]| [plane(blue), plane(red)]),
            chroma_location: self.header.chroma_location,
            bits: self.bits,
            matrix,
            has_full_range,
        }
    }
}

/// A decoder of AV1 for the tiles of one picture.
struct Av1Decoder(Decoder);

impl Av1Decoder {
    /// Returns a decoder that fails for a frame of more than `max_pixels`.
    fn new(max_pixels: u64) -> Result<Self, RenderError> {
        let mut settings = Settings::new();
        settings.set_n_threads(FRAME_CONTEXTS);
        settings.set_max_frame_delay(FRAME_CONTEXTS);
        // A signed number, and 0 is no limit.
        let limit = max_pixels.clamp(1, i32::MAX as u64);
        settings.set_frame_size_limit(limit as u32);
        settings.set_all_layers(false);
        let decoder = Decoder::with_settings(&settings).map_err(decoder_error)?;
        Ok(Self(decoder))
    }

    /// Decodes a picture. If it has several frames, returns the first one that is shown.
    fn decode(&mut self, bytes: Vec<u8>) -> Result<Picture, RenderError> {
        let mut is_pending = match self.0.send_data(bytes, None, None, None) {
            Ok(()) => false,
            Err(Error::Again) => true,
            Err(error) => return Err(decoder_error(error)),
        };
        let mut first = None;
        let mut waits = 0;
        // The first call after new bytes does not wait for a frame. So the frames end after two calls
        // without one.
        while waits < 2 {
            match self.0.get_picture() {
                Ok(picture) => {
                    first.get_or_insert(picture);
                    waits = 0;
                }
                Err(Error::Again) => waits += 1,
                Err(error) => return Err(decoder_error(error)),
            }
            if is_pending {
                match self.0.send_pending_data() {
                    Ok(()) => (is_pending, waits) = (false, 0),
                    Err(Error::Again) => {}
                    Err(error) => return Err(decoder_error(error)),
                }
            }
        }
        first.ok_or_else(|| RenderError::corrupt(FORMAT, "it has no frame that is shown"))
    }
}

/// Returns the outcome for an error of the decoder.
fn decoder_error(error: Error) -> RenderError {
    match error {
        Error::UnsupportedBitstream => RenderError::unsupported(FORMAT, "this kind of AV1"),
        Error::InvalidArgument => RenderError::corrupt(FORMAT, "its AV1 data are invalid"),
        // ERANGE: a frame is larger than the container states.
        Error::UnknownError(code) => RenderError::corrupt(FORMAT, &format!("{code:?} of AV1")),
        _ => RenderError::corrupt(FORMAT, &error.to_string()),
    }
}
