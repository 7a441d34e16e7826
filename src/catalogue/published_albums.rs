//! The albums in the publish table: the files of each album, and the request to update them.
//!
//! An album changes only by a command of its owner. The stream of the photos table does not show it
//! to publish, so the command leaves a request in the partition that each cycle reads.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::published::{PublishTable, PublishedFile, STATE};
use super::{CatalogueError, is_failed_condition, request_error, text};

/// The partition key of the items that describe published albums.
const ALBUM: &str = "album";
/// The sort key of the item that requests an update of the albums, in the partition `state`.
pub(super) const ALBUMS: &str = "albums";

/// The published state of a public album with at least one photo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishedAlbum {
    /// The slug. It is the sort key.
    #[serde(rename = "sk", skip_serializing)]
    pub slug: String,
    /// The title.
    pub title: String,
    /// The description, if there is one.
    pub description: Option<String>,
    /// The number of photos.
    pub photos: u64,
    /// The day of the oldest photo, such as `2018-02-01`. `None` if no photo has a date.
    pub from: Option<String>,
    /// The day of the newest photo. `None` if no photo has a date.
    pub to: Option<String>,
    /// A digest of everything that the files are made of: the definition of the album, its photos
    /// in their order, and the files of their months. Empty if the files must be made again.
    pub source: String,
    /// The files, in the order of the photos. Empty if the slug is too long for a file.
    pub files: Vec<PublishedFile>,
}

impl PublishedAlbum {
    /// Reports whether the public sees the same in both.
    pub fn is_same_content(&self, other: &PublishedAlbum) -> bool {
        let content = |album: &PublishedAlbum| PublishedAlbum {
            source: String::new(),
            files: Vec::new(),
            ..album.clone()
        };
        let files = |album: &PublishedAlbum| -> Vec<(String, String)> {
            let files = album.files.iter();
            files
                .map(|file| (file.path.clone(), file.digest.clone()))
                .collect()
        };
        content(self) == content(other) && files(self) == files(other)
    }
}

impl PublishTable {
    /// Returns all published albums, by slug. Sends one query for each 1 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn published_albums(&self) -> Result<Vec<PublishedAlbum>, CatalogueError> {
        self.read_partition(ALBUM).await
    }

    /// Writes the state of an album. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_published_album(&self, album: &PublishedAlbum) -> Result<(), CatalogueError> {
        self.put_value(ALBUM, &album.slug, album).await
    }

    /// Deletes the state of an album. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn delete_published_album(&self, slug: &str) -> Result<(), CatalogueError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(ALBUM))
            .key("sk", text(slug));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("delete", slug, error)),
        }
    }

    /// Requests that the next cycle updates the files of the albums. Call it after each change of
    /// an album. Does nothing if there is no publish table: then no file of an album exists. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn request_album_update(&self) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(STATE))
            .key("sk", text(ALBUMS))
            .update_expression("ADD generation :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match request.send().await {
            Ok(_) => Ok(()),
            // The tables were created by a version of the program without publish.
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Err(error) => Err(request_error("mark", ALBUMS, error)),
        }
    }

    /// Removes the request to update the albums, if none came after the one with this `generation`.
    /// A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn clear_album_update(&self, generation: u64) -> Result<(), CatalogueError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(STATE))
            .key("sk", text(ALBUMS))
            .condition_expression("generation = :read")
            .expression_attribute_values(":read", AttributeValue::N(generation.to_string()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("clear", ALBUMS, error)),
        }
    }
}
