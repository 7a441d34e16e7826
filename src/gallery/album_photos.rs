//! The photos of an album, as a query of the term index.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::index_cache::IndexedMonth;
use super::index_list::{IndexList, IndexOrder};
use super::index_query::rule_query;
use super::list_request::ListOrder;
use super::problem::Problem;
use super::state::GalleryState;
use crate::catalogue::album::{Album, AlbumContent, AlbumOrder, AlbumRule, add_folder_albums};
use crate::privacy::Visibility;
use crate::term_index::{IndexQuery, TermKind};

/// The photos of an album.
pub(super) struct AlbumPhotos {
    /// The query of the term index that finds them.
    query: IndexQuery,
    /// The order that the owner has chosen.
    order: IndexOrder,
}

impl AlbumPhotos {
    /// Returns the query that finds the photos of the album.
    pub(super) fn query(&self) -> &IndexQuery {
        &self.query
    }

    /// Returns the query for the photos of the album that also match `query`, and their order. It is the
    /// order of the album if the request has none.
    pub(super) fn restrict(
        self,
        query: IndexQuery,
        order: Option<ListOrder>,
    ) -> (IndexQuery, IndexOrder) {
        let order = order.map_or(self.order, IndexOrder::Sorted);
        (query.and(self.query), order)
    }
}

/// Finds a public album by its slug: an album of the owner, or a folder of uploads. Returns `None` if there
/// is none, and if the album is private.
pub(super) async fn find_public_album(
    gallery: &GalleryState,
    index: &[IndexedMonth],
    slug: &str,
) -> Result<Option<Album>, Problem> {
    if let Some(stored) = gallery.catalogue.album(slug).await? {
        let is_public = stored.album.visibility == Visibility::Public;
        return Ok(Some(stored.album).filter(|_| is_public));
    }
    let names = folder_names(index);
    let albums = add_folder_albums(Vec::new(), names.iter().map(String::as_str));
    Ok(albums.into_iter().find(|album| album.slug == slug))
}

/// Returns the public albums: those of the owner, and the folders of uploads. They are sorted by title.
pub(super) async fn find_public_albums(
    gallery: &GalleryState,
    index: &[IndexedMonth],
) -> Result<Vec<Album>, Problem> {
    let owned = gallery.catalogue.albums().await?;
    let names = folder_names(index);
    let mut albums = add_folder_albums(owned, names.iter().map(String::as_str));
    albums.retain(|album| album.visibility == Visibility::Public);
    Ok(albums)
}

/// Returns the names of all folders of uploads that are albums.
fn folder_names(index: &[IndexedMonth]) -> BTreeSet<String> {
    let parts = index.iter().flat_map(|month| &month.parts);
    let names = parts.flat_map(|part| part.named_terms(TermKind::Folder));
    names.map(|(_, name, _)| name.to_owned()).collect()
}

/// Returns the query and the order of the photos of an album. If photos of a list were moved, reads the
/// items of these photos.
pub(super) async fn find_album_photos(
    gallery: &GalleryState,
    index: &Arc<Vec<IndexedMonth>>,
    album: &Album,
) -> Result<AlbumPhotos, Problem> {
    let by_time = match album.order {
        AlbumOrder::Newest => Some(ListOrder::Newest),
        AlbumOrder::Oldest => Some(ListOrder::Oldest),
        AlbumOrder::Added => Some(ListOrder::Added),
        AlbumOrder::Listed => None,
    };
    match &album.content {
        AlbumContent::Rule(rule) => Ok(rule_photos(rule, by_time.unwrap_or_default())),
        AlbumContent::List(stems) => {
            let stems = present_stems(gallery, index, stems).await?;
            let query = IndexQuery {
                stems: Some(stems.iter().cloned().collect()),
                ..IndexQuery::default()
            };
            let order = by_time.map_or(IndexOrder::Listed(stems), IndexOrder::Sorted);
            Ok(AlbumPhotos { query, order })
        }
    }
}

fn rule_photos(rule: &AlbumRule, order: ListOrder) -> AlbumPhotos {
    AlbumPhotos {
        // A valid album has valid times. If they are not, no photo matches.
        query: rule_query(rule).unwrap_or_else(IndexQuery::nothing),
        order: IndexOrder::Sorted(order),
    }
}

/// Returns the present stems of a list. Most of them are in the index. Only for the others, which are
/// private, removed or moved, the items are read.
async fn present_stems(
    gallery: &GalleryState,
    index: &Arc<Vec<IndexedMonth>>,
    stems: &[String],
) -> Result<Vec<String>, Problem> {
    let query = IndexQuery {
        stems: Some(stems.iter().cloned().collect()),
        ..IndexQuery::default()
    };
    let order = IndexOrder::Sorted(ListOrder::Newest);
    let list = IndexList::new(Arc::clone(index), query, order);
    let known: BTreeSet<&str> = list.all_stems().into_iter().collect();
    let is_unknown = |stem: &&String| !known.contains(stem.as_str());
    let unknown: Vec<String> = stems.iter().filter(is_unknown).cloned().collect();
    let mut found = gallery.catalogue.present_stems(&unknown).await?.into_iter();
    let mut shown = BTreeSet::new();
    let mut present = Vec::with_capacity(stems.len());
    for stem in stems {
        let stem = match known.contains(stem.as_str()) {
            true => Some(stem.clone()),
            false => found.next().flatten(),
        };
        present.extend(stem.filter(|stem| shown.insert(stem.clone())));
    }
    Ok(present)
}
