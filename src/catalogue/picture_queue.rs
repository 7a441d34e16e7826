//! The queue of photos whose pictures need work, for programs outside AWS. It is a partition of the
//! publish table, so it outlives a crash. On AWS, Lambda calls render for each change of the table.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use serde::Deserialize;

use super::published::PublishTable;
use super::{CatalogueError, from_attributes, is_failed_condition, request_error, text};
use crate::photo_id::PhotoId;

/// The partition key of the jobs.
const PICTURES: &str = "pictures";

/// The urgency of a job. Urgent jobs are done first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobUrgency {
    /// Pictures must be deleted.
    Remove,
    /// Pictures must be made.
    Make,
}

impl JobUrgency {
    /// Returns the first characters of the sort keys of these jobs.
    fn prefix(self) -> &'static str {
        match self {
            JobUrgency::Remove => "1#",
            JobUrgency::Make => "2#",
        }
    }
}

/// A job: the pictures of one photo may need work.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PictureJob {
    /// The sort key of the job: the urgency and the id of the photo.
    sk: String,
    /// The tokens of pictures that must be deleted if the item does not name them.
    #[serde(default)]
    pub tokens: BTreeSet<String>,
    /// The number of times that the job was added.
    generation: u64,
}

impl PictureJob {
    /// Returns the id of the photo, or `None` if the job is malformed.
    pub fn photo_id(&self) -> Option<PhotoId> {
        PhotoId::parse(self.sk.split_once('#')?.1)
    }
}

impl PublishTable {
    /// Adds a job. If the queue has a job of this photo and urgency, adds the tokens to it. A repeat is
    /// safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn add_picture_job(
        &self,
        id: &PhotoId,
        urgency: JobUrgency,
        tokens: BTreeSet<String>,
    ) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(PICTURES))
            .key("sk", text(&format!("{}{id}", urgency.prefix())))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        let request = match tokens.is_empty() {
            true => request.update_expression("ADD generation :one"),
            false => request
                .update_expression("ADD generation :one, tokens :tokens")
                .expression_attribute_values(
                    ":tokens",
                    AttributeValue::Ss(tokens.into_iter().collect()),
                ),
        };
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("add pictures of", id.as_str(), error)),
        }
    }

    /// Returns at most `limit` jobs of this urgency, in the order of the ids of their photos. `after`
    /// is the job after which the list begins.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if a job cannot be read.
    pub async fn picture_jobs(
        &self,
        urgency: JobUrgency,
        after: Option<&PictureJob>,
        limit: i32,
    ) -> Result<Vec<PictureJob>, CatalogueError> {
        let start = after.map(|job| {
            let key = [("pk", PICTURES), ("sk", &job.sk)];
            let key = key.map(|(name, value)| (name.to_owned(), text(value)));
            BTreeMap::from(key).into_iter().collect()
        });
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(PICTURES))
            .expression_attribute_values(":prefix", text(urgency.prefix()))
            .set_exclusive_start_key(start)
            .limit(limit);
        let found = request.send().await;
        let found = found.map_err(|error| request_error("query", PICTURES, error))?;
        let jobs = found.items.unwrap_or_default().into_iter();
        jobs.map(|job| from_attributes(PICTURES, job)).collect()
    }

    /// Returns the number of jobs of both kinds. Sends one query for each 1 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn count_picture_jobs(&self) -> Result<u64, CatalogueError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .select(Select::Count)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(PICTURES));
        let mut pages = request.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| request_error("query", PICTURES, error))?;
            count += u64::try_from(page.count).unwrap_or_default();
        }
        Ok(count)
    }

    /// Deletes a job that is done. If it was added again since it was read, changes nothing. A repeat
    /// is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn finish_picture_job(&self, job: &PictureJob) -> Result<(), CatalogueError> {
        let generation = AttributeValue::N(job.generation.to_string());
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(PICTURES))
            .key("sk", text(&job.sk))
            .condition_expression("generation = :read")
            .expression_attribute_values(":read", generation);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("finish pictures of", &job.sk, error)),
        }
    }
}
