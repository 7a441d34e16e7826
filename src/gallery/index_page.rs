//! Reads the photos of a list that the term index answers.
//!
//! The index contains stems. The summaries are read from the photos table, up to a hundred with one
//! request, and each photo is checked again: it must be public now and match the filters now. So a
//! photo that was hidden or changed since the last cycle of publish is not in the list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::album_photos::{find_album_photos, find_public_album};
use super::cursor::ListPosition;
use super::index_list::{Direction, IndexList, IndexMatch, IndexOrder};
use super::index_query::index_query;
use super::list_request::ListFilters;
use super::problem::Problem;
use super::state::GalleryState;
use crate::archive::UNDATED;
use crate::summary::Summary;
use crate::term_index::{IndexQuery, IndexedPhoto};
use crate::view::{ListedPhoto, PublicView};
use photo_metadata::CaptureTime;

/// The number of photos that one request to the table reads.
const PHOTOS_PER_REQUEST: usize = 100;
/// The maximum number of requests for one page.
const MAX_REQUESTS: u32 = 16;

/// The photos of a list, read piece by piece.
pub(super) struct IndexPages<'a> {
    gallery: &'a GalleryState,
    list: &'a IndexList,
    direction: Direction,
    /// The position after which the list continues.
    position: Option<ListPosition>,
    requests: u32,
    is_at_end: bool,
}

/// A photo of a list, and its position.
pub(super) struct PlacedPhoto {
    pub(super) photo: ListedPhoto,
    pub(super) position: ListPosition,
}

/// Opens the list for these filters. Returns `None` if the list is empty because the gallery does
/// not publish positions, or because there is no such public album.
pub(super) async fn open_list(
    gallery: &GalleryState,
    filters: &ListFilters,
) -> Result<Option<IndexList>, Problem> {
    if filters.bbox.is_some() && !gallery.view.publishes_locations() {
        return Ok(None);
    }
    let query = index_query(filters);
    let index = gallery.load_index().await?;
    let Some(slug) = &filters.album else {
        let order = IndexOrder::Sorted(filters.order());
        return Ok(Some(IndexList::new(index, query, order)));
    };
    let Some(album) = find_public_album(gallery, &index, slug).await? else {
        return Ok(None);
    };
    let photos = find_album_photos(gallery, &index, &album).await?;
    let (query, order) = photos.restrict(query, filters.order);
    Ok(Some(IndexList::new(index, query, order)))
}

impl<'a> IndexPages<'a> {
    /// Starts to read a list after a position, or from its start.
    pub(super) fn new(
        gallery: &'a GalleryState,
        list: &'a IndexList,
        position: Option<ListPosition>,
        direction: Direction,
    ) -> Self {
        IndexPages {
            gallery,
            list,
            direction,
            position,
            requests: 0,
            is_at_end: false,
        }
    }

    /// Returns the position after which the list continues.
    pub(super) fn position(&self) -> Option<&ListPosition> {
        self.position.as_ref()
    }

    /// Reports whether nothing more will be read: the list is at its end, or too many requests were
    /// needed.
    pub(super) fn is_finished(&self) -> bool {
        self.is_at_end || self.requests >= MAX_REQUESTS
    }

    /// Reports whether the index has a photo after the position.
    pub(super) fn has_more(&self) -> bool {
        let after = self.position.as_ref();
        !self.is_at_end && !self.list.next_matches(after, 1, self.direction).is_empty()
    }

    /// Reads the next photos of the list, at most `wanted`. Sends one request to the table. The
    /// result may have fewer photos, because some are not public any more or do not match any more.
    pub(super) async fn read(&mut self, wanted: usize) -> Result<Vec<PlacedPhoto>, Problem> {
        let wanted = wanted.clamp(1, PHOTOS_PER_REQUEST);
        let after = self.position.as_ref();
        let matches = self.list.next_matches(after, wanted, self.direction);
        self.is_at_end = matches.len() < wanted;
        if let Some(last) = matches.last() {
            self.position = Some(last.position.clone());
        } else {
            return Ok(Vec::new());
        }
        self.requests += 1;
        let now = (self.gallery.settings.now)();
        let summaries = read_summaries(self.gallery, &matches).await?;
        let view = &self.gallery.view;
        let placed = matches.into_iter().filter_map(|found| {
            // A photo that was moved may be in the indexes of two months. It is listed in its
            // present one.
            let summary = summaries.get(&found.stem)?;
            if month_of_photo(&summary.record.capture) != found.month {
                return None;
            }
            let photo = show_if_matching(view, summary, self.list.query(), now)?;
            let position = found.position;
            Some(PlacedPhoto { photo, position })
        });
        Ok(placed.collect())
    }
}

/// Returns the month in whose index a photo is.
fn month_of_photo(capture: &CaptureTime) -> String {
    let start = capture.start();
    start.map_or_else(
        || UNDATED.to_owned(),
        |start| start.format("%Y-%m").to_string(),
    )
}

/// Reads the summaries of these photos from the table, by their stems.
async fn read_summaries(
    gallery: &GalleryState,
    matches: &[IndexMatch],
) -> Result<HashMap<String, Summary>, Problem> {
    let stems: Vec<&str> = matches.iter().map(|found| found.stem.as_str()).collect();
    Ok(gallery.catalogue.public_summaries(&stems).await?)
}

/// Returns a photo as lists show it, if it is public and matches the query now.
pub(super) fn show_if_matching(
    view: &PublicView,
    summary: &Summary,
    query: &IndexQuery,
    now: DateTime<Utc>,
) -> Option<ListedPhoto> {
    let listed = view.show_in_list(summary, now)?;
    // The published position is compared. The exact one would reveal more than is published.
    let location = view.published_location(summary);
    let matches = query.matches_photo(&IndexedPhoto {
        stem: &summary.stem,
        record: listed.record(),
        location: location.as_ref(),
        added: summary.added_at.map_or(0, |added| added.timestamp()),
        folders: &summary.folders,
    });
    matches.then_some(listed)
}
