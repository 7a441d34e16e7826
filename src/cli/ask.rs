//! Reaches the catalogue that a command asks: that of a data folder, served or at rest, or one on AWS.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tokio::net::TcpListener;

use super::data::{self, ACCESS_KEY, Held, Holder, SECRET_KEY};
use crate::catalogue::Catalogue;
use crate::catalogue::published::PublishTable;
use crate::clients::{self, Endpoints};
use crate::config;
use crate::dynamodb_engine::DynamoDbEngine;
use crate::privacy::Privacy;

/// Which catalogue.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// The data folder of `photos serve`, running or not.
    #[arg(
        long,
        value_name = "DIR",
        env = "PHOTOS_DATA",
        default_value = "photos-data"
    )]
    data: PathBuf,
    /// The catalogue's table.
    #[arg(long, env = config::TABLE, default_value = "photos")]
    table: String,
    /// The table of what is published.
    #[arg(long, env = config::PUBLISH_TABLE, default_value = "publish")]
    publish_table: String,
    /// Ask the table on AWS, with the region and credentials that AWS's own tools use.
    #[arg(long)]
    aws: bool,
    /// Ask the table of this DynamoDB-compatible store.
    #[arg(long, value_name = "URL", env = config::DYNAMODB_ENDPOINT)]
    dynamodb_endpoint: Option<String>,
}

/// A catalogue, and what must live as long as it is asked.
pub(super) struct Asked {
    pub(super) catalogue: Catalogue,
    pub(super) published: PublishTable,
    _held: Option<Held>,
}

impl Where {
    /// Connects. A data folder at rest is opened and held until the answer is dropped.
    pub(super) async fn connect(&self) -> anyhow::Result<Asked> {
        if self.is_elsewhere() {
            let config = clients::from_environment().await;
            let endpoints = Endpoints {
                dynamodb: self.dynamodb_endpoint.clone(),
                ..Endpoints::default()
            };
            let client = clients::connect(&config, &endpoints).dynamodb;
            return Ok(self.asked(client, None));
        }
        let data = self.data.display();
        if !self.data.join(".engine/dynamodb.sqlite").is_file() {
            bail!(
                "there is no catalogue in {data}; --data names the folder that `photos serve` keeps it in"
            );
        }
        let (endpoint, held) = match data::take(&self.data)? {
            Holder::Other(Some(running)) => (running.dynamodb, None),
            Holder::Other(None) => {
                bail!("{data} is in use by a process that is starting or stopping; try again")
            }
            Holder::Us(held) => {
                let engine = DynamoDbEngine::open(&self.data)?;
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                let endpoint = format!("http://{}", listener.local_addr()?);
                tokio::spawn(engine.serve(listener, std::future::pending()));
                (endpoint, Some(held))
            }
        };
        let endpoints = Endpoints {
            dynamodb: Some(endpoint),
            ..Endpoints::default()
        };
        let config = clients::with_key_pair(ACCESS_KEY, SECRET_KEY);
        let client = clients::connect(&config, &endpoints).dynamodb;
        let asked = self.asked(client, held);
        if asked._held.is_some() {
            // A folder of before there was such a table.
            asked.published.create_table().await?;
        }
        Ok(asked)
    }

    /// Whether the catalogue is not in a data folder.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.aws || self.dynamodb_endpoint.is_some()
    }

    /// Whether it is a table that no stream tells of: whoever changes a photo there has to mark its month.
    pub(super) fn is_without_stream(&self) -> bool {
        self.dynamodb_endpoint.is_some()
    }

    /// What is kept from the public there: what `given` says, by variables; else, of a data folder, what its
    /// `photos serve` was told.
    pub(super) fn privacy(&self, given: BTreeMap<String, String>) -> anyhow::Result<Privacy> {
        let mut told = if self.is_elsewhere() {
            BTreeMap::new()
        } else {
            data::privacy(&self.data)?
        };
        told.extend(given);
        Ok(config::privacy(|name| told.get(name).cloned())?)
    }

    fn asked(&self, client: aws_sdk_dynamodb::Client, held: Option<Held>) -> Asked {
        Asked {
            catalogue: Catalogue::new(client.clone(), &self.table),
            published: PublishTable::new(client, &self.publish_table),
            _held: held,
        }
    }
}
