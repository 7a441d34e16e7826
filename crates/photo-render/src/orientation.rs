//! The eight orientations of EXIF.

use crate::size::PixelSize;

/// How the stored picture must be turned or mirrored to be upright, as the tag Orientation of EXIF
/// defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PictureOrientation {
    /// 1: the stored picture is upright.
    #[default]
    Upright,
    /// 2: mirror left and right.
    MirrorHorizontal,
    /// 3: turn by 180 degrees.
    Rotate180,
    /// 4: mirror top and bottom.
    MirrorVertical,
    /// 5: exchange rows and columns.
    Transpose,
    /// 6: turn by 90 degrees clockwise.
    Rotate90,
    /// 7: exchange rows and columns, and turn by 180 degrees.
    Transverse,
    /// 8: turn by 270 degrees clockwise.
    Rotate270,
}

impl PictureOrientation {
    /// Returns the orientation for a value of the EXIF tag. Returns `None` if the value is not 1 to
    /// 8.
    #[must_use]
    pub fn from_exif(value: u16) -> Option<Self> {
        Some(match value {
            1 => Self::Upright,
            2 => Self::MirrorHorizontal,
            3 => Self::Rotate180,
            4 => Self::MirrorVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => return None,
        })
    }

    /// Returns the orientation of a picture that is turned first and mirrored then: top and bottom,
    /// or left and right. Returns `None` if this orientation mirrors already.
    #[cfg(feature = "more-formats")]
    pub(crate) fn mirrored(self, top_and_bottom: bool) -> Option<Self> {
        Some(match (self, top_and_bottom) {
            (Self::Upright, false) | (Self::Rotate180, true) => Self::MirrorHorizontal,
            (Self::Upright, true) | (Self::Rotate180, false) => Self::MirrorVertical,
            (Self::Rotate90, false) | (Self::Rotate270, true) => Self::Transpose,
            (Self::Rotate90, true) | (Self::Rotate270, false) => Self::Transverse,
            _ => return None,
        })
    }

    /// Returns the size of the upright picture for the size of the stored picture.
    pub(crate) fn upright_size(self, stored: PixelSize) -> PixelSize {
        match self {
            Self::Upright | Self::MirrorHorizontal | Self::Rotate180 | Self::MirrorVertical => {
                stored
            }
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270 => {
                stored.transposed()
            }
        }
    }

    /// Returns how the pixels of the upright picture lie in the stored picture.
    pub(crate) fn pixel_path(self, stored: PixelSize) -> PixelPath {
        let width = stored.width as isize;
        let height = stored.height as isize;
        let last = width * height - 1;
        let last_row = width * (height - 1);
        let (start, step_x, step_y) = match self {
            Self::Upright => (0, 1, width),
            Self::MirrorHorizontal => (width - 1, -1, width),
            Self::Rotate180 => (last, -1, -width),
            Self::MirrorVertical => (last_row, 1, -width),
            Self::Transpose => (0, width, 1),
            Self::Rotate90 => (last_row, -width, 1),
            Self::Transverse => (last, -width, -1),
            Self::Rotate270 => (width - 1, width, -1),
        };
        PixelPath {
            start,
            step_x,
            step_y,
        }
    }
}

/// The way through the stored pixels that visits the upright picture row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PixelPath {
    start: isize,
    step_x: isize,
    step_y: isize,
}

impl PixelPath {
    /// Returns the indexes of the stored pixels of one upright row, from left to right.
    pub(crate) fn row(self, y: u32, width: u32) -> impl Iterator<Item = usize> {
        let first = self.start + y as isize * self.step_y;
        (0..width as isize).map(move |x| (first + x * self.step_x) as usize)
    }
}

#[cfg(all(test, feature = "more-formats"))]
mod tests {
    use super::*;

    /// Returns the stored pixels of an upright picture in an orientation.
    fn upright_pixels(orientation: PictureOrientation, stored: PixelSize) -> Vec<Vec<usize>> {
        let size = orientation.upright_size(stored);
        let path = orientation.pixel_path(stored);
        let rows = (0..size.height).map(|y| path.row(y, size.width).collect());
        rows.collect()
    }

    #[test]
    fn mirrored_orientations_are_those_of_exif() {
        let stored = PixelSize {
            width: 3,
            height: 2,
        };
        for turned in [
            PictureOrientation::Upright,
            PictureOrientation::Rotate90,
            PictureOrientation::Rotate180,
            PictureOrientation::Rotate270,
        ] {
            for top_and_bottom in [false, true] {
                let mut expected = upright_pixels(turned, stored);
                match top_and_bottom {
                    true => expected.reverse(),
                    false => expected.iter_mut().for_each(|row| row.reverse()),
                }
                let mirrored = turned.mirrored(top_and_bottom).expect("it is not mirrored");
                assert_eq!(upright_pixels(mirrored, stored), expected);
                assert_eq!(mirrored.mirrored(false), None);
            }
        }
    }
}
