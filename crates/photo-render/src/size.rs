//! Sizes in pixels.

/// Width and height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelSize {
    /// The number of pixels of a row.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

impl PixelSize {
    /// Returns the larger of width and height.
    #[must_use]
    pub fn long_edge(self) -> u32 {
        self.width.max(self.height)
    }

    /// Returns the number of pixels.
    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Returns the size with the given long edge and the same shape. Each edge has at least one
    /// pixel.
    pub(crate) fn with_long_edge(self, long_edge: u32) -> Self {
        let scaled = |edge: u32| {
            let exact = u64::from(edge) * u64::from(long_edge);
            let long = u64::from(self.long_edge()).max(1);
            let rounded = (2 * exact + long) / (2 * long);
            u32::try_from(rounded).unwrap_or(long_edge).max(1)
        };
        Self {
            width: scaled(self.width),
            height: scaled(self.height),
        }
    }

    /// Returns the size with width and height exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            width: self.height,
            height: self.width,
        }
    }
}
