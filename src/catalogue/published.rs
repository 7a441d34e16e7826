//! The publish table: the counts and files of each month, the dirty months, and the state of
//! publish and of the build hook.
//!
//! Any program may mark a month dirty at any time. The lease gives one process the right to publish
//! alone until a certain time. Only the process that has the lease writes the months, the files and
//! the hook.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::item_size::{PUBLISH_KEYS, check_item_size};
use super::published_albums::ALBUMS;
use super::published_lists::{LIST_CHECK, LISTS, PendingLists, TEXT, TextShards};
use crate::newer_version::NewerVersionError;

use super::{
    CatalogueError, from_attributes, is_failed_condition, request_error, text, to_attributes,
};

/// The version of the format of the counts and the static files. When it is increased, publish
/// rebuilds all months, and earlier versions of this program refuse the table.
pub const PUBLISH_FORMAT_VERSION: u32 = 8;

/// The partition key of the items that describe published months.
const MONTH: &str = "month";
/// The partition key of the items that mark dirty months.
const DIRTY: &str = "dirty";
/// The partition key of the items that contain the state of publish.
pub(super) const STATE: &str = "state";
/// The sort key of the item that contains the lease, in the partition `state`.
const LEASE: &str = "lease";
/// The sort key of the item that contains the state of `index.json` and `changes.json`, in the
/// partition `state`.
const FILES: &str = "files";
/// The sort key of the item that contains the state of the build hook, in the partition `state`.
const HOOK: &str = "hook";
/// The sort key of the item that contains the position in the photos table's stream, in the
/// partition `state`.
const STREAM: &str = "stream";
/// The sort key of the item that contains the version of the counts, in the partition `state`.
const COUNTS: &str = "counts";
/// The sort key of the item that contains the delay of the build hook during an import, in the
/// partition `state`.
const IMPORT: &str = "import";
/// The sort key of the item that contains the months in which photos wait for their pictures, in
/// the partition `state`.
const WAITING: &str = "waiting";

/// A client of the publish table: the DynamoDB table with the published months, the dirty months
/// and the state of publish.
#[derive(Debug, Clone)]
pub struct PublishTable {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) table: String,
}

/// The published state of one month: the exact counts of its public photos, and the files that list
/// them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublishedMonth {
    /// The month, such as `2018-02`, or `undated`.
    pub month: String,
    /// The number of public photos in the month.
    pub photos: u64,
    /// The number of public photos of each day, by day of the month, such as `01`. A day without
    /// photos is absent.
    pub days: BTreeMap<String, u64>,
    /// The number of public photos of each camera, by the slug of the camera.
    pub cameras: BTreeMap<String, FacetCount>,
    /// The number of public photos of each lens, by the slug of the lens.
    pub lenses: BTreeMap<String, FacetCount>,
    /// The number of public photos of each keyword and of each parent of a hierarchical keyword, by
    /// the slug. Only the most frequent keywords of the month are here.
    pub keywords: BTreeMap<String, FacetCount>,
    /// The number of public photos of each country, region and city, by the slug of the place. Only
    /// the most frequent places of the month are here.
    pub places: BTreeMap<String, FacetCount>,
    /// The number of public photos of each rating, from `1` to `5`. A rating without photos is
    /// absent.
    pub ratings: BTreeMap<String, u64>,
    /// The sum of the aspect ratios (width divided by height) of the public photos. A page can
    /// compute the height of the month from it, without the photos themselves.
    pub aspects: f64,
    /// The number of public photos in each geohash cell, and their mean position, by the name of
    /// the cell. All cell names of a month have the same length.
    pub cells: BTreeMap<String, CellCount>,
    /// A text that identifies the location policy under which the cells were counted.
    pub positions: String,
    /// A text that identifies the privacy rules under which the term index was built.
    pub privacy: String,
    /// The keys of the parts of the term index, in the order of the photos. See
    /// [`PublishTable::index_parts`].
    pub index: Vec<String>,
    /// The static files that list the photos of the month, in the order of the photos.
    pub files: Vec<PublishedFile>,
}

/// The name of one camera, lens, keyword or place, and its number of photos in one month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacetCount {
    /// The name of the camera, lens, keyword or place, as the newest photo spells it.
    pub name: String,
    /// The number of photos.
    pub photos: u64,
}

/// The name of one camera or lens, and its number of photos in all months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetSum<'a> {
    /// The slug of the camera or lens.
    pub slug: &'a str,
    /// The name of the camera or lens, as the newest photo spells it.
    pub name: &'a str,
    /// The number of photos.
    pub photos: u64,
}

/// Adds up the number of photos of each camera or lens over these months. `of` selects the cameras
/// or the lenses of a month. Returns one sum for each camera or lens, the highest number first. The
/// name in a sum comes from the last month that contains it, so the caller must pass the months
/// from the oldest to the newest.
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

/// The photos of one geohash cell: their number and their mean position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CellCount {
    /// The number of photos.
    pub photos: u64,
    /// The mean latitude, in degrees.
    pub lat: f64,
    /// The mean longitude, in degrees.
    pub lon: f64,
}

impl CellCount {
    /// Adds the photos of another cell to this one. The mean position becomes the mean over all
    /// photos of both cells.
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

/// A file that publish wrote to the static gallery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedFile {
    /// The path relative to `index.json`, such as `2018-02.json` or `2018-02.2.json`.
    pub path: String,
    /// The number of photos in the file.
    pub photos: u64,
    /// The first 32 hexadecimal characters of the SHA-256 of the file's JSON.
    pub digest: String,
    /// The ETag that the store returned, without quotes.
    pub etag: String,
    /// The size of the stored file, in bytes.
    pub bytes: u64,
}

/// A dirty month: its counts and files must be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirtyMonth {
    /// The month, such as `2018-02`, or `undated`.
    #[serde(rename = "sk")]
    pub month: String,
    /// The number of times that the month was marked dirty since it became dirty.
    pub generation: u64,
    /// The time at which the month became dirty.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub since: DateTime<Utc>,
    /// The time at which the month was last marked dirty.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last: DateTime<Utc>,
}

/// The state of publish: everything in the partition `state` of the publish table. It does not
/// contain the months. One query reads it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishState {
    /// The state of `index.json` and `changes.json`.
    pub files: FilesState,
    /// The state of the build hook, as it was last written. `None` if it was never written.
    pub hook: Option<serde_json::Value>,
    /// The position up to which `photos serve` has read the photos table's stream. `None` if
    /// `photos serve` has never read a stream record. On AWS, Lambda reads the stream.
    pub stream: Option<StreamPosition>,
    /// The time at which the lease ends. `None` if there is no lease.
    pub leased_until: Option<DateTime<Utc>>,
    /// The time until which an import delays the calls of the build hook. `None` if there was no
    /// import.
    pub held_until: Option<DateTime<Utc>>,
    /// The months in which photos wait for their pictures.
    pub waiting: WaitingMonths,
    /// The list files that a cycle has begun to change, or that must be checked.
    pub lists: PendingLists,
    /// The shards of the text index that are stored.
    pub text: TextShards,
    /// The time at which a check of all list files was requested. `None` if none is requested.
    pub list_check: Option<DateTime<Utc>>,
    /// The number of requests to update the files of the albums since they were last updated.
    /// `None` if there is none.
    pub album_update: Option<u64>,
}

/// The months in which photos wait for their pictures: a map from the month to the time, in
/// milliseconds since 1970, at which it must be rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitingMonths {
    months: BTreeMap<String, i64>,
}

impl WaitingMonths {
    /// Returns the months that must be rebuilt at the time `now`.
    pub fn due(&self, now: DateTime<Utc>) -> impl Iterator<Item = &String> {
        let now = now.timestamp_millis();
        let due = self.months.iter().filter(move |(_, until)| **until <= now);
        due.map(|(month, _)| month)
    }

    /// Sets the time at which a month must be rebuilt. `None` means that no photo of it waits.
    pub fn set(&mut self, month: &str, until: Option<DateTime<Utc>>) {
        match until {
            Some(until) => self
                .months
                .insert(month.to_owned(), until.timestamp_millis()),
            None => self.months.remove(month),
        };
    }
}

/// A position in a stream: the last stream record that was processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// The ARN of the stream.
    pub stream: String,
    /// The id of the shard.
    pub shard: String,
    /// The sequence number of the last processed stream record.
    pub sequence: String,
}

/// The state of `index.json` and `changes.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilesState {
    /// The number of the latest state of the static files. Each new state has a higher number.
    pub generation: u64,
    /// A text that identifies the public view: the rules for what the public sees. Each month was
    /// published under this view, or is dirty.
    pub view: String,
    /// The generation number after which `changes.json` lists changes. Changes up to this
    /// generation are not in the file, because they were published under another view.
    pub changes_since: u64,
    /// The format of the static files and of the counts. See [`PUBLISH_FORMAT_VERSION`]. 0 if they
    /// were written before this number was stored.
    pub format: u32,
    /// The version of the gallery page whose files are stored. Empty if they were never written.
    pub page: String,
}

impl PublishTable {
    /// Builds a client of the publish table with this name. Sends no request.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> Self {
        PublishTable {
            client,
            table: table.to_owned(),
        }
    }

    /// Marks a month dirty at the time `now`. A repeat is safe: publish then rebuilds the month
    /// once more.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn mark_dirty(&self, month: &str, now: DateTime<Utc>) -> Result<(), CatalogueError> {
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
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("mark", month, error)),
        }
    }

    /// Returns the dirty months.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn dirty_months(&self) -> Result<Vec<DirtyMonth>, CatalogueError> {
        self.read_partition(DIRTY).await
    }

    /// Deletes the mark of a dirty month. `mark` is the mark as the caller has read it. If the
    /// month was marked dirty again since then, changes nothing. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
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
            Err(error) => Err(request_error("clear mark of", &mark.month, error)),
        }
    }

    /// Sets new times in the mark of a dirty month, because its stored times are in the future.
    /// `mark` is the mark as the caller has read it. If the month was marked dirty again since
    /// then, changes nothing. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn correct_mark(
        &self,
        mark: &DirtyMonth,
        since: DateTime<Utc>,
        last: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        let generation = AttributeValue::N(mark.generation.to_string());
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(DIRTY))
            .key("sk", text(&mark.month))
            .update_expression("SET #last = :last, #since = :since")
            .condition_expression("generation = :read")
            .expression_attribute_names("#last", "last")
            .expression_attribute_names("#since", "since")
            .expression_attribute_values(":last", millis(last))
            .expression_attribute_values(":since", millis(since))
            .expression_attribute_values(":read", generation);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("correct mark of", &mark.month, error)),
        }
    }

    /// Returns all published months, from the oldest to the newest. The month `undated` is the
    /// last. Sends one query for each 1 MB.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, or if an item cannot be read.
    pub async fn months(&self) -> Result<Vec<PublishedMonth>, CatalogueError> {
        self.read_partition(MONTH).await
    }

    /// Writes the state of a month. Deletes the state if the month has no photos and no files. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
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
                Err(error) => Err(request_error("delete", &month.month, error)),
            };
        }
        self.put_value(MONTH, &month.month, month).await
    }

    /// Increases the version of the counts by one. After that, a process that keeps the months in
    /// memory must read them again.
    ///
    /// Publish calls this after [`PublishTable::put_month`] and before
    /// [`PublishTable::clear_dirty`]. If a crash comes in between, the month is still dirty, and
    /// the next cycle calls this again. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
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
            Err(error) => Err(request_error("count", COUNTS, error)),
        }
    }

    /// Returns the version of the counts: a number that grows each time months are written. The
    /// read is strongly consistent. Returns `None` if no month was written yet.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
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
            Err(error) => return Err(request_error("query", COUNTS, error)),
        };
        let version = found.first().and_then(|item| item.get("version"));
        let version = version.and_then(|version| version.as_n().ok());
        Ok(version.and_then(|version| version.parse().ok()))
    }

    /// Reads the state of publish. The read is strongly consistent.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails, if an item cannot be read, or if a newer
    /// version of this program wrote the state.
    pub async fn state(&self) -> Result<PublishState, CatalogueError> {
        let mut state = PublishState::default();
        for item in self.read_partition::<serde_json::Value>(STATE).await? {
            let shape = |error: serde_json::Error| CatalogueError::Shape {
                pk: STATE.to_owned(),
                cause: error.into(),
            };
            match item.get("sk").and_then(serde_json::Value::as_str) {
                Some(FILES) => {
                    state.files = serde_json::from_value(item).map_err(shape)?;
                    let (found, supported) = (state.files.format, PUBLISH_FORMAT_VERSION);
                    NewerVersionError::check(found.into(), supported.into(), || {
                        format!("the table {}", self.table)
                    })?;
                }
                Some(HOOK) => state.hook = Some(item),
                Some(STREAM) => state.stream = Some(serde_json::from_value(item).map_err(shape)?),
                Some(LEASE) => state.leased_until = parse_until(&item),
                Some(IMPORT) => state.held_until = parse_until(&item),
                Some(WAITING) => state.waiting = serde_json::from_value(item).map_err(shape)?,
                Some(LISTS) => state.lists = serde_json::from_value(item).map_err(shape)?,
                Some(TEXT) => state.text = serde_json::from_value(item).map_err(shape)?,
                Some(LIST_CHECK) => state.list_check = parse_until(&item),
                Some(ALBUMS) => {
                    let generation = item.get("generation");
                    state.album_update = generation.and_then(serde_json::Value::as_u64);
                }
                _ => {}
            }
        }
        Ok(state)
    }

    /// Writes the state of `index.json` and `changes.json`. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_files(&self, files: &FilesState) -> Result<(), CatalogueError> {
        self.put_value(STATE, FILES, files).await
    }

    /// Writes the state of the build hook. `hook` must serialize to a map. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_hook<T: Serialize>(&self, hook: &T) -> Result<(), CatalogueError> {
        self.put_value(STATE, HOOK, hook).await
    }

    /// Writes the months in which photos wait for their pictures. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_waiting(&self, waiting: &WaitingMonths) -> Result<(), CatalogueError> {
        self.put_value(STATE, WAITING, waiting).await
    }

    /// Writes the position in the stream. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn put_stream(&self, position: &StreamPosition) -> Result<(), CatalogueError> {
        self.put_value(STATE, STREAM, position).await
    }

    /// Acquires the lease for the process `holder` until the time `until`. The lease lets one
    /// process publish alone. Succeeds if there is no lease, or if the present lease ended at or
    /// before `now`. Returns `false` if another process has the lease.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn lease(
        &self,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, CatalogueError> {
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
            Err(error) => Err(request_error("lease", LEASE, error)),
        }
    }

    /// Shortens the present lease, so that it ends at the time `until`. Its holder keeps it until
    /// then. `from` is the end of the lease as the caller has read it. If the lease has another end
    /// now, changes nothing. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn shorten_lease(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.set_until(LEASE, from, until).await
    }

    /// Releases the lease, if the process `holder` has it. Changes nothing if another process or no
    /// process has the lease. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
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
            Err(error) => Err(request_error("release", LEASE, error)),
        }
    }

    /// Delays all calls of the build hook until the time `until`. Does not shorten an existing
    /// delay. The delay ends by itself, so a killed import does not block the hook for ever. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn hold_hook(&self, until: DateTime<Utc>) -> Result<(), CatalogueError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(STATE))
            .item("sk", text(IMPORT))
            .item("until", millis(until))
            .condition_expression("attribute_not_exists(pk) OR #until < :until")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":until", millis(until));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("hold", IMPORT, error)),
        }
    }

    /// Shortens the delay of the build hook, so that it ends at the time `until`. `from` is the end
    /// of the delay as the caller has read it. If the delay has another end now, changes nothing. A
    /// repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn shorten_hook_hold(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.set_until(IMPORT, from, until).await
    }

    /// Sets the field `until` of an item of the partition `state`, if it is still `from`.
    async fn set_until(
        &self,
        sk: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(STATE))
            .key("sk", text(sk))
            .update_expression("SET #until = :until")
            .condition_expression("#until = :from")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":from", millis(from));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_failed_condition(&error) => Ok(()),
            Err(error) => Err(request_error("shorten", sk, error)),
        }
    }

    /// Reads all items of a partition. The reads are strongly consistent. Sends one query for each
    /// 1 MB.
    pub(super) async fn read_partition<T: DeserializeOwned>(
        &self,
        pk: &str,
    ) -> Result<Vec<T>, CatalogueError> {
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk));
        let mut found = Vec::new();
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| request_error("query", pk, error))?;
            for item in page.items.unwrap_or_default() {
                found.push(from_attributes(pk, item)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn put_value<T: Serialize>(
        &self,
        pk: &str,
        sk: &str,
        value: &T,
    ) -> Result<(), CatalogueError> {
        let mut item = to_attributes(pk, value)?;
        item.insert("pk".to_owned(), text(pk));
        item.insert("sk".to_owned(), text(sk));
        check_item_size(&item, PUBLISH_KEYS).map_err(|cause| CatalogueError::TooLarge {
            pk: sk.to_owned(),
            cause,
        })?;
        let request = self.client.put_item().table_name(&self.table);
        match request.set_item(Some(item)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("put", sk, error)),
        }
    }
}

/// Returns a time as an attribute: the number of milliseconds since 1970.
pub(super) fn millis(time: DateTime<Utc>) -> AttributeValue {
    AttributeValue::N(time.timestamp_millis().to_string())
}

/// Parses the field `until` of an item. The field is a time in milliseconds since 1970.
fn parse_until(item: &serde_json::Value) -> Option<DateTime<Utc>> {
    let millis = item.get("until").and_then(serde_json::Value::as_i64);
    millis.and_then(DateTime::from_timestamp_millis)
}
