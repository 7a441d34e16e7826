//! The photos of an album, as a query of the term index.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::index_cache::IndexedMonth;
use super::index_counts::{MatchSummary, summarise_matches};
use super::index_list::IndexOrder;
use super::list_request::ListOrder;
use super::problem::Problem;
use super::state::GalleryState;
use crate::catalogue::album::{Album, AlbumOrder, add_folder_albums};
use crate::privacy::Visibility;
use crate::site_albums::{find_album_query, find_folder_names, select_public_albums};
use crate::term_index::{IndexPart, IndexQuery};

/// The photos of an album.
#[derive(Clone)]
pub(super) struct AlbumPhotos {
    /// The query of the term index that finds them.
    query: IndexQuery,
    /// The order that the owner has chosen.
    order: IndexOrder,
    /// The photos in short, once they were counted.
    summary: Arc<OnceLock<MatchSummary>>,
}

impl AlbumPhotos {
    /// Counts the photos of the album, and finds the oldest and the newest of them. `index` must be the
    /// index with which they were found.
    pub(super) fn summarise(&self, index: &[IndexedMonth]) -> &MatchSummary {
        self.summary
            .get_or_init(|| summarise_matches(index, &self.query))
    }

    /// Returns the query for the photos of the album that also match `query`, and their order. It
    /// is the order of the album if the request has none.
    pub(super) fn restrict(
        self,
        query: IndexQuery,
        order: Option<ListOrder>,
    ) -> (IndexQuery, IndexOrder) {
        let order = order.map_or(self.order, IndexOrder::Sorted);
        (query.and(self.query), order)
    }
}

/// Finds a public album by its slug: an album of the owner, or a folder of uploads. Returns `None`
/// if there is none, and if the album is private.
pub(super) async fn find_public_album(
    gallery: &GalleryState,
    index: &[IndexedMonth],
    slug: &str,
) -> Result<Option<Album>, Problem> {
    if let Some(stored) = gallery.catalogue.album(slug).await? {
        let is_public = stored.album.visibility == Visibility::Public;
        return Ok(Some(stored.album).filter(|_| is_public));
    }
    let names = folder_names(gallery, index);
    let albums = add_folder_albums(Vec::new(), names.iter().map(String::as_str));
    Ok(albums.into_iter().find(|album| album.slug == slug))
}

/// Returns the public albums: those of the owner, and the folders of uploads. They are sorted by
/// title.
pub(super) async fn find_public_albums(
    gallery: &GalleryState,
    index: &[IndexedMonth],
) -> Result<Vec<Album>, Problem> {
    let owned = gallery.catalogue.albums().await?;
    Ok(select_public_albums(owned, &folder_names(gallery, index)))
}

/// Returns the names of all folders of uploads that are albums.
fn folder_names(gallery: &GalleryState, index: &[IndexedMonth]) -> BTreeSet<String> {
    find_folder_names(&gallery.settings.album_folders, all_parts(index))
}

/// Returns the query and the order of the photos of an album. If photos of a list were moved, reads
/// the items of these photos, once for each version of the album and of the index.
pub(super) async fn find_album_photos(
    gallery: &GalleryState,
    index: &Arc<Vec<IndexedMonth>>,
    album: &Album,
) -> Result<AlbumPhotos, Problem> {
    if let Some(photos) = gallery.albums.find(album, index) {
        return Ok(photos);
    }
    let parts: Vec<&IndexPart> = all_parts(index).collect();
    let found = find_album_query(&gallery.catalogue, &parts, album).await?;
    let by_time = match album.order {
        AlbumOrder::Newest => Some(ListOrder::Newest),
        AlbumOrder::Oldest => Some(ListOrder::Oldest),
        AlbumOrder::Added => Some(ListOrder::Added),
        AlbumOrder::Listed => None,
    };
    let listed = found.listed.map(IndexOrder::Listed);
    let by_time = by_time.map(IndexOrder::Sorted);
    let photos = AlbumPhotos {
        query: found.query,
        order: listed
            .or(by_time)
            .unwrap_or(IndexOrder::Sorted(ListOrder::default())),
        summary: Arc::default(),
    };
    gallery.albums.keep(album, index, &photos);
    Ok(photos)
}

/// A cache of the photos of albums. All clones share one cache.
#[derive(Clone, Default)]
pub(super) struct AlbumCache {
    /// The albums by slug.
    albums: Arc<Mutex<HashMap<String, CachedAlbum>>>,
}

/// An album, the index with which its photos were found, and its photos.
struct CachedAlbum {
    album: Album,
    index: Arc<Vec<IndexedMonth>>,
    photos: AlbumPhotos,
}

impl AlbumCache {
    /// Returns the photos of this version of an album in this version of the index, if they are
    /// cached.
    fn find(&self, album: &Album, index: &Arc<Vec<IndexedMonth>>) -> Option<AlbumPhotos> {
        let albums = self.albums.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = albums.get(&album.slug)?;
        let is_same = cached.album == *album && Arc::ptr_eq(&cached.index, index);
        is_same.then(|| cached.photos.clone())
    }

    /// Caches the photos of an album. Drops all that belong to another version of the index.
    fn keep(&self, album: &Album, index: &Arc<Vec<IndexedMonth>>, photos: &AlbumPhotos) {
        let mut albums = self.albums.lock().unwrap_or_else(PoisonError::into_inner);
        albums.retain(|_, cached| Arc::ptr_eq(&cached.index, index));
        let cached = CachedAlbum {
            album: album.clone(),
            index: Arc::clone(index),
            photos: photos.clone(),
        };
        albums.insert(album.slug.clone(), cached);
    }
}

/// Returns the parts of the index of all months.
fn all_parts(index: &[IndexedMonth]) -> impl Iterator<Item = &IndexPart> {
    let parts = index.iter().flat_map(|month| &month.parts);
    parts.map(|part| &**part)
}
