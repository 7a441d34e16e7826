//! The neighbours of a photo: the photos before and after it in a list.

use serde::Serialize;

use super::cursor::ListPosition;
use super::index_list::{Direction, IndexList};
use super::index_page::{IndexPages, open_list};
use super::list_request::ListFilters;
use super::problem::Problem;
use super::state::GalleryState;
use crate::catalogue::item::PhotoItem;
use crate::view::{PhotoDetails, PhotoLink};

/// The number of photos that are read at once on each side. Most of the time, the first of them is
/// public.
const CANDIDATES: usize = 3;

/// The details of a photo with its neighbours, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct PhotoWithNeighbours {
    #[serde(flatten)]
    pub(super) details: PhotoDetails,
    #[serde(flatten)]
    pub(super) neighbours: Neighbours,
}

/// The neighbours of a photo in a list.
#[derive(Debug, Default, Serialize)]
pub(super) struct Neighbours {
    /// The photo before this one. `None` if this one is the first.
    previous: Option<PhotoLink>,
    /// The photo after this one. `None` if this one is the last.
    next: Option<PhotoLink>,
}

/// Finds the neighbours of a photo in the list with these filters. The photo itself need not match the
/// filters: its neighbours are then those of its place in the order of the list.
pub(super) async fn find_neighbours(
    gallery: &GalleryState,
    item: &PhotoItem,
    filters: &ListFilters,
) -> Result<Neighbours, Problem> {
    let Some(list) = open_list(gallery, filters).await? else {
        return Ok(Neighbours::default());
    };
    let sort = item.index.date_sort.as_deref().unwrap_or_default();
    let added = item.added_at.map_or(0, |added| added.timestamp());
    let position = list.position_of(&item.stem, sort, added);
    let find = |direction| find_neighbour(gallery, &list, position.clone(), direction);
    let (previous, next) = futures::try_join!(find(Direction::Backward), find(Direction::Forward))?;
    Ok(Neighbours { previous, next })
}

/// Returns the next photo of a list after a position.
async fn find_neighbour(
    gallery: &GalleryState,
    list: &IndexList,
    position: ListPosition,
    direction: Direction,
) -> Result<Option<PhotoLink>, Problem> {
    let mut pages = IndexPages::new(gallery, list, Some(position), direction);
    while !pages.is_finished() {
        let found = pages.read(CANDIDATES).await?;
        if let Some(placed) = found.into_iter().next() {
            return Ok(Some(placed.photo.into()));
        }
    }
    Ok(None)
}
