//! Converts decoded planes of luma and chroma to RGB (ITU-T H.273), row by row.

use crate::colour::PictureSample;

/// A sample that is computed from luma and chroma.
pub(crate) trait RgbSample: PictureSample {
    /// The value of white.
    const WHITE: f32;

    /// Returns the nearest value from black to white.
    fn from_f32(value: f32) -> Self;
}

impl RgbSample for u8 {
    const WHITE: f32 = 255.0;

    fn from_f32(value: f32) -> Self {
        // The conversion to an integer cuts off what is below black and above white.
        (value + 0.5) as u8
    }
}

impl RgbSample for u16 {
    const WHITE: f32 = 65_535.0;

    fn from_f32(value: f32) -> Self {
        (value + 0.5) as u16
    }
}

/// One plane of a decoded picture.
#[derive(Clone, Copy)]
pub(crate) struct YuvPlane<'a, P> {
    pub(crate) samples: &'a [P],
    /// The number of samples from one row to the next.
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl<'a, P> YuvPlane<'a, P> {
    /// Returns a row. Rows after the last one are the same as the last one.
    fn row(&self, y: usize) -> &'a [P] {
        let start = y.min(self.height - 1) * self.stride;
        &self.samples[start..start + self.width]
    }
}

/// The planes of a decoded picture or tile, and what their samples mean.
pub(crate) struct YuvPicture<'a, P> {
    pub(crate) luma: YuvPlane<'a, P>,
    /// Blue and red difference. `None` for a grey picture. Each side is that of luma or half of it.
    pub(crate) chroma: Option<[YuvPlane<'a, P>; 2]>,
    pub(crate) bits: u32,
    pub(crate) matrix: YuvMatrix,
    pub(crate) has_full_range: bool,
}

/// How luma and chroma are computed from RGB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum YuvMatrix {
    /// The planes are green, blue and red.
    Identity,
    /// The shares of red and blue in luma.
    Weights { red: f32, blue: f32 },
}

impl YuvMatrix {
    /// Returns the matrix for the matrix coefficients of H.273. Returns `None` if they are not known
    /// here.
    pub(crate) fn from_code(code: u16) -> Option<Self> {
        let (red, blue) = match code {
            0 => return Some(Self::Identity),
            1 => (0.2126, 0.0722),
            // Unspecified: pictures are made like JPEG.
            2 | 5 | 6 => (0.299, 0.114),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ => return None,
        };
        Some(Self::Weights { red, blue })
    }
}

/// The chroma of one row, at the width of luma.
#[derive(Default)]
pub(crate) struct ChromaRow {
    /// At the width of the chroma plane.
    narrow: Vec<f32>,
    blue: Vec<f32>,
    red: Vec<f32>,
}

impl<P: Copy + Into<f32>> YuvPicture<'_, P> {
    /// Appends the first pixels of a row as RGB.
    pub(crate) fn append_row<S: RgbSample>(
        &self,
        y: usize,
        width: usize,
        scratch: &mut ChromaRow,
        rgb: &mut Vec<S>,
    ) {
        let white = S::WHITE;
        let steps = ((1_u32 << self.bits) - 1) as f32;
        let unit = (1_u32 << (self.bits - 8)) as f32;
        let (black, luma_range, chroma_range) = match self.has_full_range {
            true => (0.0, steps, steps),
            false => (16.0 * unit, 219.0 * unit, 224.0 * unit),
        };
        let luma_scale = white / luma_range;
        let luma = self.luma.row(y)[..width].iter();
        let luma = luma.map(|sample| ((*sample).into() - black) * luma_scale);
        let Some([blue, red]) = &self.chroma else {
            rgb.extend(luma.flat_map(|light| [S::from_f32(light); 3]));
            return;
        };
        self.spread(blue, y, &mut scratch.narrow, &mut scratch.blue);
        self.spread(red, y, &mut scratch.narrow, &mut scratch.red);
        let chroma = scratch.blue.iter().zip(&scratch.red);
        match self.matrix {
            YuvMatrix::Identity => {
                let light = |sample: f32| S::from_f32((sample - black) * luma_scale);
                rgb.extend(luma.zip(chroma).flat_map(|(green, (blue, red))| {
                    [light(*red), S::from_f32(green), light(*blue)]
                }));
            }
            YuvMatrix::Weights { red: kr, blue: kb } => {
                let middle = 128.0 * unit;
                let scale = white / chroma_range;
                let (to_red, to_blue) = (2.0 * (1.0 - kr) * scale, 2.0 * (1.0 - kb) * scale);
                let kg = 1.0 - kr - kb;
                rgb.extend(luma.zip(chroma).flat_map(|(light, (blue, red))| {
                    let red = (red - middle) * to_red;
                    let blue = (blue - middle) * to_blue;
                    let green = (kr * red + kb * blue) / kg;
                    [light + red, light - green, light + blue].map(S::from_f32)
                }));
            }
        }
    }

    /// Writes a row of a chroma plane at the width of luma. At half the height, a chroma sample is
    /// between two rows of luma. At half the width, it is on every second pixel (chroma location
    /// type 0, which is that of HEVC and AV1 if they state none).
    fn spread(
        &self,
        plane: &YuvPlane<'_, P>,
        y: usize,
        narrow: &mut Vec<f32>,
        wide: &mut Vec<f32>,
    ) {
        narrow.clear();
        if plane.height < self.luma.height {
            let (near, far) = match y % 2 {
                0 => (y / 2, (y / 2).saturating_sub(1)),
                _ => (y / 2, y / 2 + 1),
            };
            let rows = plane.row(near).iter().zip(plane.row(far));
            narrow.extend(rows.map(|(near, far)| (*near).into() * 0.75 + (*far).into() * 0.25));
        } else {
            narrow.extend(plane.row(y).iter().map(|sample| (*sample).into()));
        }
        wide.clear();
        if plane.width < self.luma.width {
            let next = narrow.iter().skip(1).chain(narrow.last());
            let pairs = narrow.iter().zip(next);
            wide.extend(pairs.flat_map(|(sample, next)| [*sample, (sample + next) / 2.0]));
        } else {
            wide.extend_from_slice(narrow);
        }
        // At odd sizes, some decoders round the width of chroma down.
        let last = wide.last().copied().unwrap_or_default();
        wide.resize(self.luma.width, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the RGB of a picture with one value in each plane.
    fn rgb_of(yuv: [u16; 3], bits: u32, matrix: u16, has_full_range: bool, size: usize) -> [u8; 3] {
        let half = size.div_ceil(2);
        let planes = [
            vec![yuv[0]; size * size],
            vec![yuv[1]; half * half],
            vec![yuv[2]; half * half],
        ];
        let plane = |index: usize, size| YuvPlane {
            samples: &planes[index][..],
            stride: size,
            width: size,
            height: size,
        };
        let picture = YuvPicture {
            luma: plane(0, size),
            chroma: Some([plane(1, half), plane(2, half)]),
            bits,
            matrix: YuvMatrix::from_code(matrix).expect("a known matrix"),
            has_full_range,
        };
        let mut rgb = Vec::new();
        for y in 0..size {
            picture.append_row(y, size, &mut ChromaRow::default(), &mut rgb);
        }
        assert_eq!(rgb.len(), size * size * 3);
        assert!(
            rgb.as_chunks::<3>()
                .0
                .iter()
                .all(|pixel| *pixel == rgb[..3])
        );
        [rgb[0], rgb[1], rgb[2]]
    }

    #[test]
    fn known_colours_are_converted() {
        // Odd sizes have a last chroma sample for one pixel.
        for size in [1, 2, 3, 7] {
            assert_eq!(rgb_of([128, 128, 128], 8, 6, true, size), [128; 3]);
            assert_eq!(rgb_of([76, 85, 255], 8, 6, true, size), [254, 0, 0]);
            assert_eq!(rgb_of([16, 128, 128], 8, 1, false, size), [0; 3]);
            assert_eq!(rgb_of([235, 128, 128], 8, 1, false, size), [255; 3]);
            assert_eq!(rgb_of([940, 512, 512], 10, 9, false, size), [255; 3]);
            assert_eq!(rgb_of([10, 20, 30], 8, 0, true, size), [30, 10, 20]);
        }
        assert_eq!(YuvMatrix::from_code(8), None);
        assert_eq!(YuvMatrix::from_code(14), None);
    }

    #[test]
    fn limited_grey_is_expanded() {
        let samples = [16_u16, 235];
        let luma = YuvPlane {
            samples: &samples,
            stride: 2,
            width: 2,
            height: 1,
        };
        let picture = YuvPicture {
            luma,
            chroma: None,
            bits: 8,
            matrix: YuvMatrix::Identity,
            has_full_range: false,
        };
        let mut rgb: Vec<u8> = Vec::new();
        picture.append_row(0, 2, &mut ChromaRow::default(), &mut rgb);
        assert_eq!(rgb, [0, 0, 0, 255, 255, 255]);
    }
}
