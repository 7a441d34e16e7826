//! Builds the clients and the services of every program from its settings and endpoints.
//!
//! `photos serve`, the other commands and the Lambda functions all build their services here. So a
//! setting has the same effect in each program. Each service has its own method. A program needs
//! only the variables of the services that it builds, and a function links only these services.

#![allow(
    clippy::disallowed_methods,
    reason = "this module hands the clock to the services"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::SdkConfig;
use axum::Router;
use chrono::Utc;
use local_http::AllowedOrigins;

use crate::archive::Layout;
use crate::background::BackgroundSlots;
use crate::catalogue::published::PublishTable;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::clients::{self, Clients, Endpoints};
use crate::config::{self, Settings, SettingsError};
use crate::gallery::{self, CursorKey, GallerySettings, PictureArchive, StaticGallery};
use crate::ingest::Ingest;
use crate::map_tiles::source_origin;
use crate::publish::{self, Publisher};
use crate::render::{CdnInvalidator, InvalidPictureKey, PictureKey, Render, RenderSettings};
use crate::storage::Storage;
use crate::view::PublicView;

/// The clients of a program, and the settings from which it builds its services (ingest, publish
/// and gallery).
#[derive(Debug, Clone)]
pub struct Services {
    /// The S3 and DynamoDB clients.
    pub clients: Clients,
    /// The client for objects in buckets.
    pub storage: Storage,
    /// The client for the photos table.
    pub catalogue: Catalogue,
    settings: Settings,
    /// The slots that ingest and gallery share, so that both together leave processors free.
    background: BackgroundSlots,
}

/// The error of [`Services::render`].
#[derive(Debug, thiserror::Error)]
pub enum RenderSetupError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The picture secret cannot be read or stored.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The picture secret in the catalogue is damaged, or none can be made.
    #[error(transparent)]
    Key(#[from] InvalidPictureKey),
}

/// Who may read files of the archive through the gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginalAccess {
    /// The gallery serves no file of the archive.
    Nobody,
    /// Only the owner of the photos can reach the gallery. It serves the files of public photos,
    /// without their metadata.
    Owner,
}

/// The environment in which gallery and publish run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// The Lambda functions. A CDN serves the pictures and the static files. The static files are
    /// compressed. The build hook must be on a known host.
    Functions,
    /// `photos serve`. The gallery itself serves the static files and the pictures. The build hook
    /// is allowed to be on this machine.
    Local,
}

impl Services {
    /// Builds the clients. Sends no request.
    ///
    /// # Errors
    /// Returns an error if the name of the photos table is not set.
    pub fn connect(
        settings: &Settings,
        sdk: &SdkConfig,
        endpoints: &Endpoints,
    ) -> Result<Self, SettingsError> {
        let clients = clients::connect(sdk, endpoints);
        Ok(Services {
            storage: Storage::new(clients.s3.clone()),
            catalogue: Catalogue::new(clients.dynamodb.clone(), settings.require(config::TABLE)?),
            clients,
            settings: settings.clone(),
            background: BackgroundSlots::default(),
        })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Replaces the settings. Keeps the clients.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Services { settings, ..self }
    }

    /// Builds a client of the publish table.
    ///
    /// # Errors
    /// Returns an error if the name of the publish table is not set.
    pub fn published(&self) -> Result<PublishTable, SettingsError> {
        let table = self.settings.require(config::PUBLISH_TABLE)?;
        Ok(PublishTable::new(self.clients.dynamodb.clone(), table))
    }

    /// Builds an [`Ingest`] that reads from the configured source and writes to the configured
    /// archive.
    ///
    /// # Errors
    /// Returns an error if a setting of ingest is missing or wrong.
    pub fn ingest(&self) -> Result<Ingest, SettingsError> {
        self.ingest_between(self.settings.layout()?)
    }

    /// Builds an [`Ingest`] that reads from the source of `layout` and writes to its archive. The
    /// storage class, SOURCE_AFTER, SKIP_NAMES, SIBLING_FOLDERS and the privacy rules come from the
    /// settings.
    ///
    /// # Errors
    /// Returns an error if a setting of ingest is missing or wrong.
    pub fn ingest_between(&self, layout: Layout) -> Result<Ingest, SettingsError> {
        let own = self.settings.ingest()?;
        let storage = self.storage.clone().with_copy_settings(own.copying);
        let rules = self.settings.item_rules()?;
        let (catalogue, clock) = (self.catalogue.clone(), Arc::new(Utc::now));
        let ingest = Ingest::new(storage, catalogue, layout, rules, clock);
        let ingest = ingest.with_source_after(own.source_after);
        let ingest = ingest.with_background(self.background.clone());
        let ingest = ingest.with_sibling_folders(own.siblings);
        Ok(ingest.with_skipped_names(own.skipped_names))
    }

    /// Builds a [`Publisher`], which writes the static gallery files and calls the build hook.
    ///
    /// # Errors
    /// Returns an error if a setting of publish is missing or wrong.
    pub fn publish(&self, deployment: Deployment) -> Result<Publisher, SettingsError> {
        let is_local = deployment == Deployment::Local;
        let settings = publish::PublishSettings {
            bucket: self.settings.gallery_bucket()?,
            prefix: self.settings.gallery_prefix().to_owned(),
            view: self.view()?,
            album_folders: self.settings.album_folders()?,
            map_tiles: self.settings.map_tiles()?,
            // The owner's own disk does not need smaller files.
            compress: !is_local,
            hook: self.settings.hook(is_local)?,
            rules: self.settings.hook_rules()?,
        };
        Ok(Publisher::new(
            self.catalogue.clone(),
            self.published()?,
            self.storage.clone(),
            settings,
        ))
    }

    /// Builds the service that makes pictures. `cdn` makes the CDN forget deleted pictures. Reads
    /// the picture secret from the catalogue, and stores a new one if there is none.
    ///
    /// # Errors
    /// Returns an error if a setting of render is missing or wrong, or if the catalogue cannot be
    /// read.
    pub async fn render(&self, cdn: Option<CdnInvalidator>) -> Result<Render, RenderSetupError> {
        let new_secret = PictureKey::random_text()?;
        let key = self.catalogue.picture_secret(&new_secret).await?.parse()?;
        let settings = RenderSettings {
            archive: self.settings.layout()?.archive_bucket().clone(),
            gallery: self.settings.gallery_bucket()?,
            prefix: self.settings.gallery_prefix().to_owned(),
            key,
            rules: self.settings.item_rules()?,
            cdn,
        };
        Ok(Render::new(
            self.catalogue.clone(),
            self.storage.clone(),
            settings,
            // Extraction has slots of its own, so no upload waits for a picture.
            BackgroundSlots::leaving_one_processor(),
            Arc::new(Utc::now),
        ))
    }

    /// Builds the HTTP routes of the gallery. The gallery seals its cursors with `cursor_key`.
    /// `originals` decides whether it serves files of the archive.
    ///
    /// # Errors
    /// Returns an error if a setting of the gallery is missing or wrong.
    pub fn router(
        &self,
        deployment: Deployment,
        originals: OriginalAccess,
        cursor_key: CursorKey,
    ) -> Result<Router, SettingsError> {
        let settings = &self.settings;
        let originals = match originals {
            OriginalAccess::Nobody => None,
            OriginalAccess::Owner => Some(PictureArchive {
                storage: self.storage.clone(),
                bucket: settings.layout()?.archive_bucket().clone(),
                background: self.background.clone(),
            }),
        };
        let static_files = match deployment {
            Deployment::Functions => None,
            Deployment::Local => Some(StaticGallery {
                storage: self.storage.clone(),
                bucket: settings.gallery_bucket()?,
                prefix: settings.gallery_prefix().to_owned(),
                picture_origins: picture_origins(settings)?,
            }),
        };
        let gallery_settings = GallerySettings {
            album_folders: settings.album_folders()?,
            privacy: settings.privacy()?,
            gallery_url: settings.gallery_url().map(str::to_owned),
            cursor_key,
            cors_origins: self.cors_origins(deployment),
            static_files,
            originals,
            now: Arc::new(Utc::now),
        };
        let (catalogue, published) = (self.catalogue.clone(), self.published()?);
        Ok(gallery::router(catalogue, published, gallery_settings))
    }

    /// Returns the origins whose pages may read the gallery. If they are not set, these are the
    /// origins of this machine in `photos serve`, and none for the functions.
    pub fn cors_origins(&self, deployment: Deployment) -> AllowedOrigins {
        let default = match deployment {
            Deployment::Functions => AllowedOrigins::OwnOnly,
            Deployment::Local => AllowedOrigins::ThisMachine,
        };
        self.settings.cors_origins().unwrap_or(default)
    }

    /// Returns the public view that publish uses. The gallery builds the same view from the same
    /// settings.
    fn view(&self) -> Result<PublicView, SettingsError> {
        let url = self.settings.gallery_url().map(str::to_owned);
        Ok(PublicView::new(self.settings.privacy()?, url))
    }
}

/// Returns the other origins from which the gallery page loads pictures: that of GALLERY_URL and
/// that of the map tiles, if they are set.
fn picture_origins(settings: &Settings) -> Result<BTreeSet<String>, SettingsError> {
    let gallery = settings.gallery_url().and_then(source_origin);
    let tiles = settings.map_tiles()?.map(|tiles| tiles.origin().to_owned());
    Ok(gallery.into_iter().chain(tiles).collect())
}
