//! The items of a HEIF file: pictures, their tiles, properties and colours. HEIC and AVIF share it.

use std::collections::HashMap;
use std::ops::Range;

use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::heifer_isobmff::{self, BoxIter, HeifFile, ItemId};

use crate::colour::{PictureSample, PixelLayout, RowConverter};
use crate::error::RenderError;
use crate::limits::{MAX_HEIF_ITEMS, MAX_HEIF_SEARCH_BYTES};
use crate::nclx::named_profile;
use crate::orientation::PictureOrientation;
use crate::picture::{PictureFormat, UntaggedColour};
use crate::size::PixelSize;

/// The maximum depth at which the ICC profile of a part of a picture is found.
const MAX_NESTED_PICTURES: u32 = 4;

/// A parsed HEIF file of one format.
pub(crate) struct HeifItems<'a> {
    pub(crate) file: HeifFile<'a>,
    pub(crate) format: PictureFormat,
}

/// The tiles of a picture. A picture without a grid is one tile.
#[derive(Debug, Clone)]
pub(crate) struct TileLayout {
    pub(crate) size: PixelSize,
    pub(crate) tile: PixelSize,
    pub(crate) columns: usize,
    pub(crate) tiles: Vec<ItemId>,
}

impl TileLayout {
    /// Returns the number of tiles in a row that are not completely outside of the picture.
    pub(crate) fn visible_columns(&self) -> usize {
        let columns = self.size.width.div_ceil(self.tile.width);
        self.columns.min(columns as usize)
    }
}

/// How the properties of an item change its picture. The crop is first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemTransforms {
    pub(crate) crop: Option<CleanAperture>,
    pub(crate) orientation: PictureOrientation,
}

/// The crop of a picture (ISO/IEC 14496-12, 12.1.4): its size, and the distance of its middle from
/// that of the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CleanAperture {
    size: (f64, f64),
    offset: (f64, f64),
}

impl CleanAperture {
    /// Returns the columns and rows of the crop. Returns `None` if it is empty, or if a part of it is
    /// outside of the picture.
    pub(crate) fn area(self, picture: PixelSize) -> Option<(Range<u32>, Range<u32>)> {
        let columns = crop_range(picture.width, self.size.0, self.offset.0)?;
        let rows = crop_range(picture.height, self.size.1, self.offset.1)?;
        Some((columns, rows))
    }
}

/// Returns the pixels of a crop along one edge of a picture.
fn crop_range(edge: u32, size: f64, offset: f64) -> Option<Range<u32>> {
    let size = size.round();
    let start = (offset + (f64::from(edge) - size) / 2.0).floor();
    // A division by zero gives a number that fails here.
    let is_inside = size >= 1.0 && start >= 0.0 && start + size <= f64::from(edge);
    is_inside.then_some(start as u32..(start + size) as u32)
}

/// The numbers of a colour space (ITU-T H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NclxNumbers {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) has_full_range: bool,
}

impl<'a> HeifItems<'a> {
    /// Reads the boxes of a file.
    pub(crate) fn parse(bytes: &'a [u8], format: PictureFormat) -> Result<Self, RenderError> {
        check_item_count(bytes, format)?;
        let file = HeifFile::parse(bytes).map_err(|error| container_error(format, error))?;
        Ok(Self { file, format })
    }

    /// Returns the outcome for an error of the container.
    pub(crate) fn error(&self, error: heifer_isobmff::Error) -> RenderError {
        container_error(self.format, error)
    }

    /// Returns the size of an item.
    pub(crate) fn size(&self, id: ItemId) -> Result<PixelSize, RenderError> {
        let size = self.file.image_size(id).map_err(|e| self.error(e))?;
        let (width, height) =
            size.ok_or_else(|| RenderError::corrupt(self.format, "a size is missing"))?;
        Ok(PixelSize { width, height })
    }

    /// Returns the tiles of an item, whose codec is `coded`. Returns `None` if the item, or one of its
    /// tiles, is of another kind.
    pub(crate) fn tiles(
        &self,
        id: ItemId,
        coded: &[u8; 4],
    ) -> Result<Option<TileLayout>, RenderError> {
        let item = self.file.item(id).map_err(|e| self.error(e))?;
        let (size, columns, tiles) = match &item.item_type.0 {
            kind if kind == coded => (self.size(id)?, 1, vec![id]),
            b"grid" => {
                let grid = self.file.grid(id).map_err(|e| self.error(e))?;
                let tiles = self.file.referenced_items(id, b"dimg").to_vec();
                let (columns, rows) = (usize::from(grid.columns), usize::from(grid.rows));
                if tiles.len() > MAX_HEIF_ITEMS {
                    return Err(RenderError::unsupported(self.format, "too many tiles"));
                }
                if tiles.len() != columns * rows {
                    return Err(RenderError::corrupt(self.format, "tiles are missing"));
                }
                let size = PixelSize {
                    width: grid.output_width,
                    height: grid.output_height,
                };
                (size, columns, tiles)
            }
            _ => return Ok(None),
        };
        let upright = ItemTransforms {
            crop: None,
            orientation: PictureOrientation::Upright,
        };
        let is_plain = |tile: &ItemId| {
            let item = self.file.item(*tile);
            let is_coded = item.is_ok_and(|item| item.item_type.0 == *coded);
            is_coded && self.transforms(*tile).ok().flatten().as_ref() == Some(&upright)
        };
        if tiles != [id] && !tiles.iter().all(is_plain) {
            return Ok(None);
        }
        let tile = self.size(tiles[0])?;
        let rows = tiles.len() / columns;
        let covers =
            |edge: u32, count: usize, tile: u32| u64::from(tile) * count as u64 >= u64::from(edge);
        if size.pixels() == 0
            || !covers(size.width, columns, tile.width)
            || !covers(size.height, rows, tile.height)
        {
            return Err(RenderError::corrupt(
                self.format,
                "the tiles do not cover the picture",
            ));
        }
        Ok(Some(TileLayout {
            size,
            tile,
            columns,
            tiles,
        }))
    }

    /// Returns the item with the alpha of each picture that has one. Depth and gain maps are other
    /// auxiliary pictures.
    pub(crate) fn alpha_items(&self) -> HashMap<ItemId, ItemId> {
        let is_alpha = |id: ItemId| {
            let properties = self.file.item_properties(id);
            properties.is_ok_and(|mut properties| {
                properties.any(|property| {
                    matches!(property, Property::AuxiliaryType(kind)
                        if kind == "urn:mpeg:hevc:2015:auxid:1" || kind.ends_with("auxiliary:alpha"))
                })
            })
        };
        let references = self.file.references.iter();
        let auxiliary = references.filter(|reference| reference.ref_type.0 == *b"auxl");
        let alpha = auxiliary.filter(|reference| is_alpha(reference.from));
        alpha
            .flat_map(|reference| reference.to.iter().map(|id| (*id, reference.from)))
            .collect()
    }

    /// Returns how the properties of an item crop and turn it. Returns `None` if they are in an
    /// unusual order.
    pub(crate) fn transforms(&self, id: ItemId) -> Result<Option<ItemTransforms>, RenderError> {
        let mut crop = None;
        let mut orientation = PictureOrientation::Upright;
        for property in self.file.item_properties(id).map_err(|e| self.error(e))? {
            orientation = match (property, orientation) {
                (
                    Property::CleanAperture {
                        width,
                        height,
                        horiz_offset,
                        vert_offset,
                    },
                    PictureOrientation::Upright,
                ) if crop.is_none() => {
                    let number = |(top, bottom): (u32, u32)| f64::from(top) / f64::from(bottom);
                    let signed = |(top, bottom): (i32, u32)| f64::from(top) / f64::from(bottom);
                    crop = Some(CleanAperture {
                        size: (number(*width), number(*height)),
                        offset: (signed(*horiz_offset), signed(*vert_offset)),
                    });
                    orientation
                }
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
                (Property::Mirror(top_and_bottom), turned) => {
                    match turned.mirrored(*top_and_bottom) {
                        Some(mirrored) => mirrored,
                        None => return Ok(None),
                    }
                }
                (Property::Rotation(_), _) => return Ok(None),
                (_, orientation) => orientation,
            };
        }
        Ok(Some(ItemTransforms { crop, orientation }))
    }

    /// Returns the numbers of an item's colour space, if it has them.
    pub(crate) fn nclx(&self, id: ItemId) -> Result<Option<NclxNumbers>, RenderError> {
        let mut properties = self.file.item_properties(id).map_err(|e| self.error(e))?;
        Ok(properties.find_map(|property| match *property {
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
        }))
    }

    /// Returns the numbers of the colour space of the primary picture, or else of its first tile.
    pub(crate) fn picture_nclx(
        &self,
        first_tile: ItemId,
    ) -> Result<Option<NclxNumbers>, RenderError> {
        match self.nclx(self.file.primary_id)? {
            Some(numbers) => Ok(Some(numbers)),
            None => self.nclx(first_tile),
        }
    }

    /// Returns the ICC profile of the primary picture, or else of its first part.
    pub(crate) fn icc_profile(&self) -> Result<Option<&[u8]>, RenderError> {
        let mut id = self.file.primary_id;
        // `HeifFile::icc_profile` never ends if two items are parts of each other.
        for _ in 0..MAX_NESTED_PICTURES {
            let mut properties = self.file.item_properties(id).map_err(|e| self.error(e))?;
            let icc = properties.find_map(|property| match property {
                Property::Color(ColorInfo::Icc(icc)) if !icc.is_empty() => Some(icc.as_slice()),
                _ => None,
            });
            let part = self.file.referenced_items(id, b"dimg").first();
            match (icc, part) {
                (Some(_), _) | (None, None) => return Ok(icc),
                (None, Some(part)) => id = *part,
            }
        }
        Ok(None)
    }

    /// Returns the converter for RGB of the primary picture. `numbers` has an effect if there is no ICC
    /// profile.
    pub(crate) fn row_converter<S: PictureSample>(
        &self,
        numbers: Option<NclxNumbers>,
    ) -> Result<RowConverter<S>, RenderError> {
        let icc = self.icc_profile()?;
        if icc.is_some() {
            return Ok(RowConverter::new(
                PixelLayout::Rgb,
                icc,
                UntaggedColour::Srgb,
            ));
        }
        let profile = match numbers {
            Some(numbers) => named_profile(self.format, numbers.primaries, numbers.transfer)?,
            None => None,
        };
        Ok(RowConverter::from_named_space(profile.as_ref()))
    }
}

/// Returns the maximum number of pixels of a coded picture. Coded pictures are padded to whole blocks,
/// which have at most 64 × 64 pixels. A picture that is much larger than stated would need more memory
/// than estimated.
pub(crate) fn padded_pixels(size: PixelSize) -> u64 {
    (u64::from(size.width) + 64) * (u64::from(size.height) + 64)
}

/// Fails if a file has so many items that `HeifFile::parse` would take long. For each item, it searches
/// the lists of locations and properties from their start.
fn check_item_count(bytes: &[u8], format: PictureFormat) -> Result<(), RenderError> {
    let boxes = |content| BoxIter::new(content).map_while(Result::ok);
    let metas = boxes(bytes).filter(|meta| meta.header.box_type.0 == *b"meta");
    for meta in metas {
        let (mut items, mut list_bytes) = (0, 0);
        for list in boxes(meta.content.get(4..).unwrap_or_default()) {
            match &list.header.box_type.0 {
                b"iinf" => {
                    // Version and flags, and a count of 2 or 4 bytes.
                    let start = if list.content.first() == Some(&0) {
                        6
                    } else {
                        8
                    };
                    items += boxes(list.content.get(start..).unwrap_or_default()).count();
                }
                b"iloc" | b"iref" => list_bytes += list.content.len(),
                b"iprp" => {
                    let lists = boxes(list.content);
                    let lists = lists.filter(|list| list.header.box_type.0 == *b"ipma");
                    list_bytes += lists.map(|list| list.content.len()).sum::<usize>();
                }
                _ => {}
            }
        }
        if items > MAX_HEIF_ITEMS || items.saturating_mul(list_bytes) > MAX_HEIF_SEARCH_BYTES {
            return Err(RenderError::unsupported(format, "too many items"));
        }
    }
    Ok(())
}

/// Returns the outcome for an error of the container.
fn container_error(format: PictureFormat, error: heifer_isobmff::Error) -> RenderError {
    match error {
        heifer_isobmff::Error::UnexpectedEof => RenderError::Truncated(format),
        heifer_isobmff::Error::Unimplemented(kind) => RenderError::unsupported(format, kind),
        _ => RenderError::corrupt(format, &error.to_string()),
    }
}
