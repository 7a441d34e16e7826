//! The albums in the photos table: one item for each album, and one item with the slugs of all
//! albums.
//!
//! An album is written after its slug, and deleted before its slug. So a crash between the two
//! writes leaves a slug without an album, which readers ignore, and never an album that readers do
//! not find.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use photo_metadata::make_slug;
use serde::{Deserialize, Serialize};

use super::album::{Album, sort_albums};
use super::batch::MAX_BATCH_KEYS;
use super::item::SCHEMA_VERSION;
use super::{
    Catalogue, CatalogueError, NO_ITEM, PK, WriteOutcome, is_failed_condition, photo_attributes,
    request_error, text,
};

/// The first characters of the key of every album.
const ALBUM_PREFIX: &str = "album#";
/// The key of the item that lists the slugs of all albums. The attribute with the list has the same
/// name.
const ALBUMS: &str = "albums";

/// An album as it is stored, with the revision of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlbum {
    /// The album.
    pub album: Album,
    /// The revision of its item. Each write increases it by one.
    pub revision: u64,
}

/// What [`Catalogue::put_album`] does with an album that is stored under the same slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlbumWrite {
    /// There must be none.
    Create,
    /// It must have this revision. It is replaced.
    Replace {
        /// The revision that the caller has read.
        revision: u64,
    },
}

/// The item of an album.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlbumItem {
    pk: String,
    revision: u64,
    schema_version: u32,
    #[serde(flatten)]
    album: Album,
}

impl AlbumItem {
    /// Returns the album of a stored item.
    fn into_stored(self) -> Result<StoredAlbum, CatalogueError> {
        let AlbumItem {
            pk,
            revision,
            album,
            ..
        } = self;
        let cause = match album.validate() {
            Ok(()) if album_pk(&album.slug) == pk => return Ok(StoredAlbum { album, revision }),
            Ok(()) => "the key and the slug differ".into(),
            Err(invalid) => invalid.into(),
        };
        Err(CatalogueError::Shape { pk, cause })
    }
}

impl Catalogue {
    /// Returns all albums, also the private ones, sorted by title and then by slug. The reads are
    /// strongly consistent. Sends one request for the slugs, and one for each 100 albums; more if
    /// DynamoDB leaves some keys unprocessed.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an album cannot be read. An album
    /// that cannot be read is not left out, because it may be a private album that replaces the
    /// album of a folder.
    pub async fn albums(&self) -> Result<Vec<Album>, CatalogueError> {
        let slugs = self.album_slugs().await?;
        let mut albums = Vec::with_capacity(slugs.len());
        for slugs in slugs.chunks(MAX_BATCH_KEYS) {
            let pks = slugs.iter().map(|slug| album_pk(slug));
            for item in self.get_items::<AlbumItem>(pks.collect(), &[]).await? {
                albums.push(item.into_stored()?.album);
            }
        }
        sort_albums(&mut albums);
        Ok(albums)
    }

    /// Reads an album and its revision. The read is strongly consistent. Returns `None` if there is
    /// no such album. Sends no request if the text is not a slug.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if the album cannot be read.
    pub async fn album(&self, slug: &str) -> Result<Option<StoredAlbum>, CatalogueError> {
        if make_slug(slug) != slug {
            return Ok(None);
        }
        let item: Option<AlbumItem> = self.get_item(&album_pk(slug)).await?;
        item.map(AlbumItem::into_stored).transpose()
    }

    /// Writes an album. Returns [`WriteOutcome::Stale`] and changes no album if the stored one is
    /// not as `write` requires. After an error, a repeat is safe, but it may return
    /// [`WriteOutcome::Stale`] because the first write succeeded.
    ///
    /// # Errors
    /// Returns [`CatalogueError::InvalidAlbum`] if the album is not valid, and
    /// [`CatalogueError::TooLarge`] if its list does not fit into an item. In both cases, no
    /// request is sent. Returns another [`CatalogueError`] if a request fails.
    pub async fn put_album(
        &self,
        album: &Album,
        write: AlbumWrite,
    ) -> Result<WriteOutcome, CatalogueError> {
        let pk = album_pk(&album.slug);
        if let Err(cause) = album.validate() {
            return Err(CatalogueError::InvalidAlbum { pk, cause });
        }
        let read = match write {
            AlbumWrite::Create => 0,
            AlbumWrite::Replace { revision } => revision,
        };
        let item = AlbumItem {
            pk: pk.clone(),
            revision: read + 1,
            schema_version: SCHEMA_VERSION,
            album: album.clone(),
        };
        let attributes = photo_attributes(&pk, &item)?;
        // A replaced album has its slug in the list already, unless it was deleted and added at the
        // same time. Then, this write finds it again.
        self.change_album_slugs("ADD #albums :slug", &album.slug)
            .await?;
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes));
        let request = match write {
            AlbumWrite::Create => request.condition_expression(NO_ITEM),
            AlbumWrite::Replace { revision } => request
                .condition_expression("revision = :read")
                .expression_attribute_values(":read", AttributeValue::N(revision.to_string())),
        };
        match request.send().await {
            Ok(_) => Ok(WriteOutcome::Written),
            Err(error) if is_failed_condition(&error) => Ok(WriteOutcome::Stale),
            Err(error) => Err(request_error("put", &pk, error)),
        }
    }

    /// Deletes an album. Its photos stay. Returns `false` if there is no such album. A repeat is
    /// safe. Also deletes an album that cannot be read.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn delete_album(&self, slug: &str) -> Result<bool, CatalogueError> {
        let pk = album_pk(slug);
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(PK, text(&pk))
            .return_values(ReturnValue::AllOld);
        let response = request.send().await;
        let response = response.map_err(|error| request_error("delete", &pk, error))?;
        self.change_album_slugs("DELETE #albums :slug", slug)
            .await?;
        Ok(response.attributes.is_some())
    }

    /// Returns the slugs of all albums. An album that is being added or was deleted may be missing.
    async fn album_slugs(&self) -> Result<Vec<String>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(ALBUMS))
            .consistent_read(true);
        let response = request.send().await;
        let response = response.map_err(|error| request_error("get", ALBUMS, error))?;
        let slugs = response.item.and_then(|mut item| item.remove(ALBUMS));
        Ok(match slugs {
            Some(AttributeValue::Ss(slugs)) => slugs,
            _ => Vec::new(),
        })
    }

    /// Changes the list of slugs. `update` uses the list `#albums` and the set `:slug`.
    async fn change_album_slugs(&self, update: &str, slug: &str) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, text(ALBUMS))
            .update_expression(update)
            .expression_attribute_names("#albums", ALBUMS)
            .expression_attribute_values(":slug", AttributeValue::Ss(vec![slug.to_owned()]));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("update", ALBUMS, error)),
        }
    }
}

/// Returns the key of the item of an album.
fn album_pk(slug: &str) -> String {
    format!("{ALBUM_PREFIX}{slug}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::album::AlbumContent;
    use crate::catalogue::item_size::{MAX_ITEM_BYTES, item_size};

    fn item_with_stems(count: usize) -> AlbumItem {
        let stems = (0..count).map(|number| format!("2018-02-01/DSC_{:04}", number % 10_000));
        AlbumItem {
            pk: album_pk("best"),
            revision: 1,
            schema_version: SCHEMA_VERSION,
            album: Album {
                content: AlbumContent::List(stems.collect()),
                ..Album::new("Best", AlbumContent::List(vec![])).expect("an album")
            },
        }
    }

    #[test]
    fn list_has_room_for_the_documented_number_of_photos() {
        let bytes = |count| {
            let item = item_with_stems(count);
            item_size(&photo_attributes("", &item).expect("it fits"))
        };
        let room = 20_000;
        assert!(bytes(room) <= MAX_ITEM_BYTES);
        assert!(photo_attributes("", &item_with_stems(room + 1_000)).is_err());
    }

    #[test]
    fn stored_album_must_be_valid_and_have_its_own_key() {
        assert!(item_with_stems(1).into_stored().is_ok());
        let mut other_key = item_with_stems(1);
        other_key.pk = album_pk("other");
        assert!(other_key.into_stored().is_err());
        let mut untitled = item_with_stems(1);
        untitled.album.title.clear();
        assert!(untitled.into_stored().is_err());
    }
}
