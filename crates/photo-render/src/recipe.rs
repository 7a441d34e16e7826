//! Which renditions are made.

use crate::limits::{MAX_LONG_EDGE, MAX_LONG_EDGES};
use crate::picture::PictureFormat;
use crate::size::PixelSize;

/// The version of the code that makes renditions. Increase it if the same arguments give other
/// pictures, and these are so much better that existing renditions should be made again. See also
/// [`PictureFormat::render_version`].
pub const RENDER_VERSION: u32 = 1;

impl PictureFormat {
    /// Returns the version of the code that makes renditions of this format. It is larger than
    /// [`RENDER_VERSION`] if an older version could not decode the format, so that only such pictures
    /// are tried again.
    #[must_use]
    pub const fn render_version(self) -> u32 {
        match self {
            Self::Avif => RENDER_VERSION + 1,
            _ => RENDER_VERSION,
        }
    }
}

/// Which renditions are made, and how well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderRecipe {
    /// In ascending order, without repetitions, at least one.
    long_edges: Vec<u32>,
    quality: u8,
}

/// The reason why a recipe is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The list of long edges is empty or too long.
    #[error("a recipe needs 1 to {max} long edges, not {count}")]
    EdgeCount {
        /// The number of long edges.
        count: usize,
        /// The maximum.
        max: usize,
    },
    /// A long edge is 0 or too large.
    #[error("the long edge of a rendition must be 1 to {max} pixels, not {long_edge}")]
    EdgeSize {
        /// The long edge in pixels.
        long_edge: u32,
        /// The maximum in pixels.
        max: u32,
    },
    /// The quality is not 1 to 100.
    #[error("the quality of a JPEG must be 1 to 100, not {0}")]
    Quality(u8),
}

impl Default for RenderRecipe {
    /// Returns long edges of 320, 640, 1280 and 2048 pixels and JPEG quality 76.
    fn default() -> Self {
        Self {
            long_edges: vec![320, 640, 1_280, 2_048],
            quality: 76,
        }
    }
}

impl RenderRecipe {
    /// Returns a recipe with these long edges in pixels, in any order, and this JPEG quality from 1
    /// to 100.
    ///
    /// # Errors
    ///
    /// Fails if there is no long edge, if there are more than 16, if one is not 1 to 8,192, or if
    /// the quality is not 1 to 100.
    pub fn new(long_edges: &[u32], quality: u8) -> Result<Self, RecipeError> {
        let count = long_edges.len();
        if count == 0 || count > MAX_LONG_EDGES {
            let max = MAX_LONG_EDGES;
            return Err(RecipeError::EdgeCount { count, max });
        }
        let is_valid = |edge: u32| (1..=MAX_LONG_EDGE).contains(&edge);
        if let Some(&long_edge) = long_edges.iter().find(|edge| !is_valid(**edge)) {
            let max = MAX_LONG_EDGE;
            return Err(RecipeError::EdgeSize { long_edge, max });
        }
        if !(1..=100).contains(&quality) {
            return Err(RecipeError::Quality(quality));
        }
        let mut long_edges = long_edges.to_vec();
        long_edges.sort_unstable();
        long_edges.dedup();
        Ok(Self {
            long_edges,
            quality,
        })
    }

    /// Returns the long edges in pixels, in ascending order.
    #[must_use]
    pub fn long_edges(&self) -> &[u32] {
        &self.long_edges
    }

    /// Returns the JPEG quality, 1 to 100.
    #[must_use]
    pub fn quality(&self) -> u8 {
        self.quality
    }

    /// Returns the sizes of the renditions of a picture, largest first. There is at least one, and
    /// none is larger than the picture.
    ///
    /// Each long edge up to that of the picture gives one rendition. If the picture is smaller than
    /// the largest long edge, one more rendition has the size of the picture, so that a large screen
    /// gets all its pixels. It is left out if it would be less than an eighth larger than the next
    /// one: a browser gains nothing by such a choice.
    #[must_use]
    pub fn rendition_sizes(&self, picture: PixelSize) -> Vec<PixelSize> {
        let own = picture.long_edge();
        let fitting = self.long_edges.iter().filter(|edge| **edge <= own);
        let mut edges: Vec<u32> = fitting.copied().collect();
        let is_below_largest = self.long_edges.last().is_some_and(|edge| own < *edge);
        let is_worth_it = edges
            .last()
            .is_none_or(|largest| u64::from(own) * 8 >= u64::from(*largest) * 9);
        if is_below_largest && is_worth_it {
            edges.push(own);
        }
        let sizes = edges.into_iter().rev();
        sizes.map(|edge| picture.with_long_edge(edge)).collect()
    }
}
