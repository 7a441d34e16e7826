//! The settings of the gallery, and the state that its handlers share.

use std::sync::Arc;

use local_http::AllowedOrigins;

use super::cursor::CursorKey;
use super::month_cache::MonthCache;
use crate::background::BackgroundSlots;
use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::object::Bucket;
use crate::privacy::Privacy;
use crate::storage::Storage;
use crate::view::{PictureHosting, PublicView};

/// The settings of the gallery.
#[derive(Clone)]
pub struct GallerySettings {
    /// The rules about what is hidden from the public.
    pub privacy: Privacy,
    /// The base URL of the pictures, such as `https://photos.example.org`. The URL of a picture is
    /// this URL, followed by the archive key of its file without the archive prefix.
    ///
    /// If [`GallerySettings::pictures`] is set, this is the public URL of the router's own
    /// `/photos`; `None` then gives URLs that are relative to the host. If `pictures` is not set,
    /// `None` means that no pictures are listed.
    pub photo_base_url: Option<String>,
    /// `true` if no file at `photo_base_url` contains metadata that the public may not see, and
    /// `false` if a file may contain some. If it is `false`, no pictures at this URL are listed.
    pub photo_base_url_stripped: bool,
    /// The key that encrypts cursors. The key for the ETags of pictures is derived from it.
    pub cursor_key: CursorKey,
    /// The other origins whose pages may read the responses.
    pub cors_origins: AllowedOrigins,
    /// The archive from which the router serves pictures, or `None` if it serves no pictures.
    pub pictures: Option<PictureArchive>,
    /// The clock that decides when a cursor expires.
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
        PublicView::new(
            self.privacy.clone(),
            PictureHosting {
                base_url: self.photo_base_url.clone(),
                stripped: self.photo_base_url_stripped,
                served_here: self.pictures.is_some(),
            },
        )
    }
}

/// The state that all handlers share.
#[derive(Clone)]
pub(super) struct GalleryState {
    pub(super) catalogue: Catalogue,
    pub(super) months: MonthCache,
    pub(super) settings: Arc<GallerySettings>,
    pub(super) view: Arc<PublicView>,
}
