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

/// A sample of a plane.
pub(crate) trait PlaneSample: Copy {
    /// Returns the value of the sample.
    fn value(self) -> f32;
}

impl PlaneSample for u8 {
    fn value(self) -> f32 {
        self.into()
    }
}

impl PlaneSample for u16 {
    fn value(self) -> f32 {
        self.into()
    }
}

/// A sample of 16 bits in the byte order of the machine, in a plane of bytes.
impl PlaneSample for [u8; 2] {
    fn value(self) -> f32 {
        u16::from_ne_bytes(self).into()
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
    pub(crate) chroma_location: ChromaLocation,
    pub(crate) bits: u32,
    pub(crate) matrix: YuvMatrix,
    pub(crate) has_full_range: bool,
}

/// At which luma samples the chroma samples of a smaller plane are (ITU-T H.273, chroma location types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChromaLocation {
    /// Type 0: on every second column, between two rows.
    Left,
    /// Type 1: between two columns and two rows, as in a JPEG.
    Centre,
    /// Type 2: on every second column and row.
    TopLeft,
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

impl<P: PlaneSample> YuvPicture<'_, P> {
    /// Appends the first luma samples of a row.
    pub(crate) fn append_luma<S: RgbSample>(&self, y: usize, width: usize, grey: &mut Vec<S>) {
        grey.extend(self.luma_row::<S>(y, width).map(S::from_f32));
    }

    /// Returns the first luma samples of a row, with the black and white of `S`.
    fn luma_row<S: RgbSample>(&self, y: usize, width: usize) -> impl Iterator<Item = f32> {
        let ranges = self.ranges();
        let scale = S::WHITE / ranges.luma;
        let samples = self.luma.row(y)[..width].iter();
        samples.map(move |sample| (sample.value() - ranges.black) * scale)
    }

    /// Returns the values between which samples are.
    fn ranges(&self) -> SampleRanges {
        let steps = ((1_u32 << self.bits) - 1) as f32;
        let unit = (1_u32 << (self.bits - 8)) as f32;
        let (black, luma, chroma) = match self.has_full_range {
            true => (0.0, steps, steps),
            false => (16.0 * unit, 219.0 * unit, 224.0 * unit),
        };
        SampleRanges {
            black,
            luma,
            chroma,
            middle: 128.0 * unit,
        }
    }

    /// Appends the first pixels of a row as RGB.
    pub(crate) fn append_row<S: RgbSample>(
        &self,
        y: usize,
        width: usize,
        scratch: &mut ChromaRow,
        rgb: &mut Vec<S>,
    ) {
        let ranges = self.ranges();
        let luma = self.luma_row::<S>(y, width);
        let Some([blue, red]) = &self.chroma else {
            rgb.extend(luma.flat_map(|light| [S::from_f32(light); 3]));
            return;
        };
        self.spread(blue, y, &mut scratch.narrow, &mut scratch.blue);
        self.spread(red, y, &mut scratch.narrow, &mut scratch.red);
        let chroma = scratch.blue.iter().zip(&scratch.red);
        match self.matrix {
            YuvMatrix::Identity => {
                let scale = S::WHITE / ranges.luma;
                let light = |sample: f32| S::from_f32((sample - ranges.black) * scale);
                rgb.extend(luma.zip(chroma).flat_map(|(green, (blue, red))| {
                    [light(*red), S::from_f32(green), light(*blue)]
                }));
            }
            YuvMatrix::Weights { red: kr, blue: kb } => {
                let middle = ranges.middle;
                let scale = S::WHITE / ranges.chroma;
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

    /// Writes a row of a chroma plane at the width of luma.
    fn spread(
        &self,
        plane: &YuvPlane<'_, P>,
        y: usize,
        narrow: &mut Vec<f32>,
        wide: &mut Vec<f32>,
    ) {
        narrow.clear();
        if plane.height < self.luma.height {
            let nearest = y / 2;
            let (other, share) = match (self.chroma_location, y % 2) {
                (ChromaLocation::TopLeft, 0) => (nearest, 0.0),
                (ChromaLocation::TopLeft, _) => (nearest + 1, 0.5),
                (_, 0) => (nearest.saturating_sub(1), 0.25),
                (_, _) => (nearest + 1, 0.25),
            };
            let rows = plane.row(nearest).iter().zip(plane.row(other));
            narrow.extend(rows.map(|(a, b)| mixed(a.value(), b.value(), share)));
        } else {
            narrow.extend(plane.row(y).iter().map(|sample| sample.value()));
        }
        wide.clear();
        if plane.width < self.luma.width {
            let next = narrow.iter().skip(1).chain(narrow.last());
            let samples = narrow.iter().zip(next);
            if self.chroma_location == ChromaLocation::Centre {
                let previous = narrow.first().into_iter().chain(narrow.iter());
                wide.extend(
                    previous
                        .zip(samples)
                        .flat_map(|(previous, (sample, next))| {
                            [*previous, *next].map(|other| mixed(*sample, other, 0.25))
                        }),
                );
            } else {
                wide.extend(
                    samples.flat_map(|(sample, next)| [*sample, mixed(*sample, *next, 0.5)]),
                );
            }
        } else {
            wide.extend_from_slice(narrow);
        }
        // At odd sizes, some decoders round the width of chroma down.
        let last = wide.last().copied().unwrap_or_default();
        wide.resize(self.luma.width, last);
    }
}

/// The values between which the samples of a picture are.
#[derive(Clone, Copy)]
struct SampleRanges {
    black: f32,
    luma: f32,
    chroma: f32,
    /// The chroma of grey.
    middle: f32,
}

/// Returns a value that is moved towards another one by a share of their difference.
fn mixed(value: f32, other: f32, share: f32) -> f32 {
    value * (1.0 - share) + other * share
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
            chroma_location: ChromaLocation::Left,
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
            chroma_location: ChromaLocation::Left,
            bits: 8,
            matrix: YuvMatrix::Identity,
            has_full_range: false,
        };
        let mut rgb: Vec<u8> = Vec::new();
        picture.append_row(0, 2, &mut ChromaRow::default(), &mut rgb);
        assert_eq!(rgb, [0, 0, 0, 255, 255, 255]);
    }
}
