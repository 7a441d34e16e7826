//! The settings of the gallery, and the state that its handlers share.

use std::sync::Arc;

use local_http::AllowedOrigins;

use super::album_photos::AlbumCache;
use super::cursor::CursorKey;
use super::index_cache::{IndexCache, IndexedMonth};
use super::month_cache::MonthCache;
use super::problem::Problem;
use super::static_files::StaticGallery;
use crate::background::BackgroundSlots;
use crate::catalogue::Catalogue;
use crate::catalogue::album_folders::AlbumFolders;
use crate::clock::Clock;
use crate::object::Bucket;
use crate::privacy::Privacy;
use crate::storage::Storage;
use crate::view::PublicView;

/// The settings of the gallery.
#[derive(Clone)]
pub struct GallerySettings {
    /// The rules about what is hidden from the public.
    pub privacy: Privacy,
    /// The URL of the static gallery files. The URLs of the pictures begin with it. If it is
    /// `None`, no picture is listed.
    pub gallery_url: Option<String>,
    /// The folders of uploads that are albums.
    pub album_folders: AlbumFolders,
    /// The key that encrypts cursors. The key for the ETags of pictures is derived from it.
    pub cursor_key: CursorKey,
    /// The other origins whose pages may read the responses.
    pub cors_origins: AllowedOrigins,
    /// The static files that the router serves, or `None` if a CDN serves them.
    pub static_files: Option<StaticGallery>,
    /// The archive from which the router serves files to their owner, or `None` if it serves none.
    pub originals: Option<PictureArchive>,
    /// The clock that decides when a cursor expires, and which photos still wait for their
    /// pictures.
    pub now: Clock,
}

/// The archive bucket, and the store that contains it.
#[derive(Clone)]
pub struct PictureArchive {
    /// The store that contains the bucket.
    pub storage: Storage,
    /// The archive bucket.
    pub bucket: Bucket,
    /// The slots in which colour profiles are rewritten.
    pub background: BackgroundSlots,
}

impl GallerySettings {
    /// Returns the public view that these settings describe.
    pub fn public_view(&self) -> PublicView {
        PublicView::new(self.privacy.clone(), self.gallery_url.clone())
    }
}

/// The state that all handlers share.
#[derive(Clone)]
pub(super) struct GalleryState {
    pub(super) catalogue: Catalogue,
    pub(super) months: MonthCache,
    pub(super) index: IndexCache,
    pub(super) albums: AlbumCache,
    pub(super) settings: Arc<GallerySettings>,
    pub(super) view: Arc<PublicView>,
}

impl GalleryState {
    /// Returns the term index of all months. See [`IndexCache::load_index`].
    pub(super) async fn load_index(&self) -> Result<Arc<Vec<IndexedMonth>>, Problem> {
        self.index
            .load_index(&self.view.privacy_fingerprint())
            .await
    }
}
