//! The neighbours of a photo: the photos before and after it in a list.

use serde::Serialize;

use super::cursor::ListPosition;
use super::index_list::{Direction, IndexList};
use super::index_page::{IndexPages, open_list};
use super::index_query::needs_term_index;
use super::list_plan::plan_segments;
use super::list_request::ListFilters;
use super::problem::Problem;
use super::state::GalleryState;
use crate::catalogue::item::PhotoItem;
use crate::catalogue::query::Segment;
use crate::view::{PhotoDetails, PhotoLink};

/// The number of photos that are read at once on each side. Most of the time, the first of them is
/// public.
const CANDIDATES: usize = 3;
/// The maximum number of index queries for one neighbour.
const MAX_QUERIES: u32 = 16;

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

/// Finds the neighbours of a photo in the list with these filters. The photo itself need not match
/// the filters: its neighbours are then those of its place in the order of the list.
pub(super) async fn find_neighbours(
    gallery: &GalleryState,
    item: &PhotoItem,
    filters: &ListFilters,
) -> Result<Neighbours, Problem> {
    if !needs_term_index(filters) && filters.is_empty() {
        return find_in_table(gallery, item, filters).await;
    }
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

/// Finds the neighbours of a photo in the list of all photos, in the index by-date. Most requests
/// ask for these, so they must not depend on the term index.
async fn find_in_table(
    gallery: &GalleryState,
    item: &PhotoItem,
    filters: &ListFilters,
) -> Result<Neighbours, Problem> {
    let (Some(partition), Some(sort)) = (item.index.date_partition, &item.index.date_sort) else {
        return Ok(Neighbours::default());
    };
    let partitions = gallery.catalogue.date_partitions().await?;
    let forward = plan_segments(filters, &partitions, 0.0);
    let reversed = forward.iter().rev().cloned().map(|mut segment| {
        segment.descending = !segment.descending;
        segment
    });
    let backward: Vec<Segment> = reversed.collect();
    let find = |segments| find_in_segments(gallery, segments, partition.period(), sort);
    let (previous, next) = futures::try_join!(find(backward), find(forward))?;
    Ok(Neighbours { previous, next })
}

/// Returns the first public photo of these segments after a sort key. The segments before
/// `partition` are not read.
async fn find_in_segments(
    gallery: &GalleryState,
    segments: Vec<Segment>,
    partition: String,
    sort: &str,
) -> Result<Option<PhotoLink>, Problem> {
    let now = (gallery.settings.now)();
    let mut after = Some(sort.to_owned());
    let mut queries = 0;
    let rest = segments.into_iter();
    for segment in rest.skip_while(|segment| segment.partition != partition) {
        loop {
            if queries == MAX_QUERIES {
                return Ok(None);
            }
            queries += 1;
            let start = after.take();
            let page = gallery
                .catalogue
                .query_segment(&segment, CANDIDATES as u32, start.as_deref())
                .await?;
            let mut shown = page
                .entries
                .iter()
                .filter_map(|entry| gallery.view.show_in_list(&entry.summary, now));
            if let Some(photo) = shown.next() {
                return Ok(Some(photo.into()));
            }
            after = page.next_after;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(None)
}
