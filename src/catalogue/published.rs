//! The publish table: what is counted and published of each month, which months have changed since, and the state of
//! the build hook.
//!
//! Marking may happen at any time from anywhere. Everything else is written by whoever holds the lease.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{CatalogueError, attributes, failed, from_attributes};

/// Partitions of the table.
const MONTH: &str = "month";
const DIRTY: &str = "dirty";
const STATE: &str = "state";
/// Items of the partition `state`.
const LEASE: &str = "lease";
const FILES: &str = "files";
const HOOK: &str = "hook";
const STREAM: &str = "stream";
const COUNTS: &str = "counts";
const IMPORT: &str = "import";

/// The publish table's client.
#[derive(Debug, Clone)]
pub struct PublishTable {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// What is published of one month: exact counts of its public photos, and the files that list them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishedMonth {
    /// `2018-02`, or `undated`.
    pub month: String,
    /// Photos.
    pub photos: u64,
    /// Photos of each day that has any, by day of the month: `01`.
    pub days: BTreeMap<String, u64>,
    /// Photos of each camera, by slug.
    pub cameras: BTreeMap<String, FacetCount>,
    /// Photos of each lens, by slug.
    pub lenses: BTreeMap<String, FacetCount>,
    /// Photos of each geohash cell, by published position; all cells of a month have names of one length.
    pub cells: BTreeMap<String, CellCount>,
    /// Names what was published of positions when the cells were counted.
    pub positions: String,
    /// The files that list the photos, in order.
    pub files: Vec<PublishedFile>,
}

/// Photos of one camera or lens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// Its name, as the newest of the photos has it.
    pub name: String,
    /// Photos.
    pub photos: u64,
}

/// Photos of one camera or lens in all months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetSum<'a> {
    /// Slug.
    pub slug: &'a str,
    /// Its name, as the newest of the photos has it.
    pub name: &'a str,
    /// Photos.
    pub photos: u64,
}

/// Sums the facets of months, which come in order; by number of photos, the most first.
pub fn sum_facets<'a>(
    months: impl IntoIterator<Item = &'a PublishedMonth>,
    of: impl Fn(&'a PublishedMonth) -> &'a BTreeMap<String, FacetCount>,
) -> Vec<FacetSum<'a>> {
    let mut sums: BTreeMap<&str, FacetSum<'_>> = BTreeMap::new();
    for (slug, facet) in months.into_iter().flat_map(of) {
        let sum = sums.entry(slug).or_insert(FacetSum {
            slug,
            name: &facet.name,
            photos: 0,
        });
        sum.photos += facet.photos;
        sum.name = &facet.name;
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by(|a, b| b.photos.cmp(&a.photos).then(a.slug.cmp(b.slug)));
    sums
}

/// Photos of one geohash cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CellCount {
    /// Photos.
    pub photos: u64,
    /// Mean of their latitudes.
    pub lat: f64,
    /// Mean of their longitudes.
    pub lon: f64,
}

impl CellCount {
    /// Adds the photos of another cell.
    pub fn add(&mut self, other: &CellCount) {
        let photos = self.photos + other.photos;
        let mean = |ours: f64, theirs: f64| {
            (ours * self.photos as f64 + theirs * other.photos as f64) / photos as f64
        };
        if photos > 0 {
            (self.lat, self.lon) = (mean(self.lat, other.lat), mean(self.lon, other.lon));
        }
        self.photos = photos;
    }
}

/// A published file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedFile {
    /// Beside `index.json`: `2018-02.json`, `2018-02.2.json`.
    pub path: String,
    /// Photos that it lists.
    pub photos: u64,
    /// SHA-256 of its JSON, hexadecimal, 32 characters of it.
    pub digest: String,
    /// As the store answered, without quotes.
    pub etag: String,
    /// Size as stored.
    pub bytes: u64,
}

/// A month that has changed since it was published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirtyMonth {
    /// `2018-02`, or `undated`.
    #[serde(rename = "sk")]
    pub month: String,
    /// Counts the marks.
    pub generation: u64,
    /// When it was first marked.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub since: DateTime<Utc>,
    /// When it was last marked.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last: DateTime<Utc>,
}

/// The state of everything, from one query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishState {
    /// The files beside the months' own.
    pub files: FilesState,
    /// The build hook, as it was last written.
    pub hook: Option<serde_json::Value>,
    /// How far the stream was read, where this program reads it itself.
    pub stream: Option<StreamPosition>,
    /// Until when somebody is at work.
    pub leased_until: Option<DateTime<Utc>>,
    /// Until when an import holds the build hook back.
    pub held_until: Option<DateTime<Utc>>,
}

/// The last record of a stream that was worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// The stream's ARN.
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    /// The record's sequence number.
    pub sequence: String,
}

/// What is known of `index.json` and `changes.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilesState {
    /// The last generation that was given out.
    pub generation: u64,
    /// Fingerprint of the view under which all months are published, or are marked to be.
    pub view: String,
    /// Changes up to this generation were shown under another view, and are no longer told.
    pub changes_since: u64,
}

impl PublishTable {
    /// What is published, in this table.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> Self {
        PublishTable {
            client,
            table: table.to_owned(),
        }
    }

    /// Says that a month has changed. Safe to repeat: it is looked at once more, and found as it is.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn mark_dirty(&self, month: &str, now: DateTime<Utc>) -> Result<(), CatalogueError> {
        let now = AttributeValue::N(now.timestamp_millis().to_string());
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(DIRTY))
            .key("sk", text(month))
            .update_expression(
                "SET #last = :now, #since = if_not_exists(#since, :now) ADD generation :one",
            )
            .expression_attribute_names("#last", "last")
            .expression_attribute_names("#since", "since")
            .expression_attribute_values(":now", now)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("mark", month, &error)),
        }
    }

    /// The months that are marked.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn dirty_months(&self) -> Result<Vec<DirtyMonth>, CatalogueError> {
        self.partition(DIRTY).await
    }

    /// Takes a mark back, IF the month was not marked again meanwhile.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn clear_dirty(&self, mark: &DirtyMonth) -> Result<(), CatalogueError> {
        let generation = AttributeValue::N(mark.generation.to_string());
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(DIRTY))
            .key("sk", text(&mark.month))
            .condition_expression("generation = :read")
            .expression_attribute_values(":read", generation);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(failed("unmark", &mark.month, &error)),
        }
    }

    /// Every month that is published, in order; one query, by the page of 1 MB.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn months(&self) -> Result<Vec<PublishedMonth>, CatalogueError> {
        self.partition(MONTH).await
    }

    /// Writes what is published of a month; of one without photos, nothing is kept.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_month(&self, month: &PublishedMonth) -> Result<(), CatalogueError> {
        if month.photos == 0 && month.files.is_empty() {
            let request = self
                .client
                .delete_item()
                .table_name(&self.table)
                .key("pk", text(MONTH))
                .key("sk", text(&month.month));
            return match request.send().await {
                Ok(_) => Ok(()),
                Err(error) => Err(failed("delete", &month.month, &error)),
            };
        }
        self.put(MONTH, &month.month, month).await
    }

    /// Says that months were, or may have been, written: who keeps them in memory reads them anew. Between
    /// [`PublishTable::put_month`] and [`PublishTable::unmark`], so that it is said also by the tick after a crash. Safe to
    /// repeat.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn bump_counts_version(&self) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(STATE))
            .key("sk", text(COUNTS))
            .update_expression("ADD version :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("count", COUNTS, &error)),
        }
    }

    /// A number that grows after months were written; `None` before the first time. Strongly consistent.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn counts_version(&self) -> Result<Option<u64>, CatalogueError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk = :sk")
            .expression_attribute_values(":pk", text(STATE))
            .expression_attribute_values(":sk", text(COUNTS));
        let found = match request.send().await {
            Ok(found) => found.items.unwrap_or_default(),
            Err(error) => return Err(failed("query", COUNTS, &error)),
        };
        let version = found.first().and_then(|item| item.get("version"));
        let version = version.and_then(|version| version.as_n().ok());
        Ok(version.and_then(|version| version.parse().ok()))
    }

    /// The state, by a strongly consistent query.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn state(&self) -> Result<PublishState, CatalogueError> {
        let mut state = PublishState::default();
        for item in self.partition::<serde_json::Value>(STATE).await? {
            let shape = |error: serde_json::Error| CatalogueError::Shape {
                pk: STATE.to_owned(),
                cause: error.to_string(),
            };
            match item.get("sk").and_then(serde_json::Value::as_str) {
                Some(FILES) => state.files = serde_json::from_value(item).map_err(shape)?,
                Some(HOOK) => state.hook = Some(item),
                Some(STREAM) => state.stream = Some(serde_json::from_value(item).map_err(shape)?),
                Some(LEASE) => state.leased_until = until(&item),
                Some(IMPORT) => state.held_until = until(&item),
                _ => {}
            }
        }
        Ok(state)
    }

    /// Writes what is known of the files.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_files(&self, files: &FilesState) -> Result<(), CatalogueError> {
        self.put(STATE, FILES, files).await
    }

    /// Writes the build hook's state, which is a map.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_hook<T: Serialize>(&self, hook: &T) -> Result<(), CatalogueError> {
        self.put(STATE, HOOK, hook).await
    }

    /// Writes how far the stream was read.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn put_stream(&self, position: &StreamPosition) -> Result<(), CatalogueError> {
        self.put(STATE, STREAM, position).await
    }

    /// Takes the lease for `holder`, IF nobody has it or his time is up. `false`: somebody else is at work.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn lease(
        &self,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, CatalogueError> {
        let millis = |time: DateTime<Utc>| AttributeValue::N(time.timestamp_millis().to_string());
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(STATE))
            .item("sk", text(LEASE))
            .item("holder", text(holder))
            .item("until", millis(until))
            .condition_expression("attribute_not_exists(pk) OR #until <= :now")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", millis(now));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_failed_condition(&error) => Ok(false),
            Err(error) => Err(failed("lease", LEASE, &error)),
        }
    }

    /// Gives the lease back, IF it is still this holder's.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn release(&self, holder: &str) -> Result<(), CatalogueError> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(STATE))
            .key("sk", text(LEASE))
            .condition_expression("holder = :us")
            .expression_attribute_values(":us", text(holder));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(failed("release", LEASE, &error)),
        }
    }

    /// Holds the build hook back until then, or longer where somebody else does. It ends by itself, so that an import
    /// that was killed holds nothing up. Safe to repeat.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn hold_hook(&self, until: DateTime<Utc>) -> Result<(), CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(STATE))
            .item("sk", text(IMPORT))
            .item(
                "until",
                AttributeValue::N(until.timestamp_millis().to_string()),
            )
            .condition_expression("attribute_not_exists(pk) OR #until < :until")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(
                ":until",
                AttributeValue::N(until.timestamp_millis().to_string()),
            );
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(failed("hold", IMPORT, &error)),
        }
    }

    async fn partition<T: DeserializeOwned>(&self, pk: &str) -> Result<Vec<T>, CatalogueError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk))
                .set_exclusive_start_key(start);
            let page = request
                .send()
                .await
                .map_err(|error| failed("query", pk, &error))?;
            for item in page.items.unwrap_or_default() {
                found.push(from_attributes(pk, item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    async fn put<T: Serialize>(&self, pk: &str, sk: &str, value: &T) -> Result<(), CatalogueError> {
        let mut item = attributes(pk, value)?;
        item.insert("pk".to_owned(), text(pk));
        item.insert("sk".to_owned(), text(sk));
        let request = self.client.put_item().table_name(&self.table);
        match request.set_item(Some(item)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("put", sk, &error)),
        }
    }
}

/// The field `until` of an item, a time in milliseconds.
fn until(item: &serde_json::Value) -> Option<DateTime<Utc>> {
    let millis = item.get("until").and_then(serde_json::Value::as_i64);
    millis.and_then(DateTime::from_timestamp_millis)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn is_failed_condition(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}
