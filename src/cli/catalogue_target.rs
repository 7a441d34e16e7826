//! The catalogue that a command reads. It is in a data folder or in tables elsewhere. A data folder
//! is *served* if a `photos serve` runs on it, and otherwise *at rest*.

use anyhow::bail;
use clap::Args;

use super::data_dir::{self, DataDirLock, LockOutcome};
use super::engine_client;
use super::engines::{
    check_folder_version, check_table_versions, open_catalogue, open_catalogue_to_read,
};
use super::flags::{DataFlags, TableEndpointFlags, TableFlags};
use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;
use crate::clients::{self, Endpoints};
use crate::config::Settings;
use crate::ingest::ItemRules;
use crate::privacy::Privacy;
use crate::services::Services;

/// The flags that name a catalogue.
#[derive(Debug, Args)]
pub(super) struct CatalogueTarget {
    #[command(flatten)]
    data: DataFlags,
    #[command(flatten)]
    tables: TableFlags,
    /// Work on AWS, with the region and credentials that AWS's own tools use.
    #[arg(long)]
    aws: bool,
    #[command(flatten)]
    endpoint: TableEndpointFlags,
}

/// The purpose for which a command connects to a catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CatalogueAccess {
    /// The command changes nothing.
    Read,
    /// The command may change the catalogue.
    Write,
}

/// A connection to a catalogue. If the catalogue is in a data folder on which no `photos serve`
/// runs, the folder is locked until this value is dropped.
pub(super) struct CatalogueHandle {
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
    pub(super) services: Services,
    _lock: Option<DataDirLock>,
}

impl CatalogueTarget {
    /// Connects to the catalogue to change it. If the catalogue is in a data folder on which no
    /// `photos serve` runs, opens the embedded DynamoDB of the folder in this process.
    ///
    /// # Errors
    /// Fails if the data folder has no catalogue, if the folder is in use by a process that is not
    /// a running `photos serve`, or if a newer version of this program wrote the catalogue.
    pub(super) async fn connect(&self) -> anyhow::Result<CatalogueHandle> {
        self.connect_for(CatalogueAccess::Write).await
    }

    /// Connects to the catalogue to read it, as [`CatalogueTarget::connect`] does. Writes nothing
    /// in a data folder, so the folder may be read-only.
    ///
    /// # Errors
    /// Those of [`CatalogueTarget::connect`].
    pub(super) async fn connect_to_read(&self) -> anyhow::Result<CatalogueHandle> {
        self.connect_for(CatalogueAccess::Read).await
    }

    async fn connect_for(&self, access: CatalogueAccess) -> anyhow::Result<CatalogueHandle> {
        let handle = self.open(access).await?;
        check_table_versions(&handle.catalogue, &handle.published).await?;
        Ok(handle)
    }

    async fn open(&self, access: CatalogueAccess) -> anyhow::Result<CatalogueHandle> {
        if self.is_elsewhere() {
            let endpoints = Endpoints {
                dynamodb: self.endpoint.dynamodb_endpoint.clone(),
                ..Endpoints::default()
            };
            return self.handle(&clients::from_environment().await, endpoints, None);
        }
        let folder = &self.data.data;
        let data = folder.display();
        if !data_dir::has_catalogue(folder) {
            bail!(
                "there is no catalogue in {data}; name the data folder of `photos serve` with --data"
            );
        }
        // A newer version may have stored a setting that hides photos.
        data_dir::check_privacy_version(folder)?;
        let lock = match access {
            CatalogueAccess::Read => data_dir::lock_to_read(folder)?,
            CatalogueAccess::Write => data_dir::lock(folder)?,
        };
        let ((sdk, endpoints), lock) = match lock {
            LockOutcome::InUse(Some(running)) => (engine_client::of_running_serve(&running), None),
            LockOutcome::InUse(None) => {
                bail!("{data} is in use by a process that is starting or stopping; try again")
            }
            LockOutcome::Acquired(lock) => {
                let engine = match access {
                    CatalogueAccess::Read => open_catalogue_to_read(folder)?,
                    CatalogueAccess::Write => {
                        check_folder_version(folder)?;
                        open_catalogue(folder)?
                    }
                };
                (engine_client::dynamodb_in_process(engine)?, Some(lock))
            }
        };
        let is_at_rest = lock.is_some();
        let handle = self.handle(&sdk, endpoints, lock)?;
        if is_at_rest && access == CatalogueAccess::Write {
            // The data folder may have been created by a version of the program without the publish
            // table.
            handle.published.create_table().await?;
        }
        Ok(handle)
    }

    /// Reports whether the catalogue is in tables outside a data folder: on AWS, or behind the URL
    /// of another server.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.aws || self.endpoint.dynamodb_endpoint.is_some()
    }

    /// Reports whether the catalogue is behind the URL of another server. No process then reads the
    /// stream of the photos table, which is the log of its changes. A command that changes a photo
    /// must therefore mark the month of the photo as dirty itself, so that publish rebuilds the
    /// month.
    pub(super) fn is_without_stream(&self) -> bool {
        self.endpoint.dynamodb_endpoint.is_some()
    }

    /// Returns the privacy rules from the `given` settings. A setting that is missing in `given`
    /// has the value that is stored in the data folder.
    ///
    /// # Errors
    /// Fails if a setting is wrong, or if the data folder's settings cannot be read.
    pub(super) fn privacy(&self, given: Settings) -> anyhow::Result<Privacy> {
        let mut settings = self.kept_privacy()?;
        settings.extend_unless_empty(given);
        Ok(settings.privacy()?)
    }

    /// Returns the rules by which items are derived, as [`CatalogueTarget::privacy`] does.
    ///
    /// # Errors
    /// Those of [`CatalogueTarget::privacy`].
    pub(super) fn item_rules(&self, given: Settings) -> anyhow::Result<ItemRules> {
        let mut settings = self.kept_privacy()?;
        settings.extend_unless_empty(given);
        Ok(settings.item_rules()?)
    }

    /// Returns the privacy settings that are stored in the data folder. Returns empty settings if
    /// none are stored, or if the catalogue is not in a data folder.
    ///
    /// # Errors
    /// Fails if the data folder's settings cannot be read.
    pub(super) fn kept_privacy(&self) -> anyhow::Result<Settings> {
        if self.is_elsewhere() {
            return Ok(Settings::default());
        }
        data_dir::privacy(&self.data.data)
    }

    fn handle(
        &self,
        sdk: &aws_config::SdkConfig,
        endpoints: Endpoints,
        lock: Option<DataDirLock>,
    ) -> anyhow::Result<CatalogueHandle> {
        let services = Services::connect(&self.tables.settings(), sdk, &endpoints)?;
        Ok(CatalogueHandle {
            catalogue: services.catalogue.clone(),
            published: services.published()?,
            services,
            _lock: lock,
        })
    }
}
