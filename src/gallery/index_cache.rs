//! A cache of the term index of all months.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use flate2::read::GzDecoder;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Mutex;

use super::index_counts::{TermCount, count_terms, sort_counts};
use super::month_cache::MonthCache;
use super::problem::Problem;
use crate::catalogue::published::{PublishTable, PublishedMonth};
use crate::term_index::{IndexPart, IndexQuery, InvalidIndexPart, TermKind};

/// The number of parts that one request to the table reads.
const PARTS_PER_REQUEST: usize = 24;
/// The maximum number of requests that read parts at the same time.
const CONCURRENT_REQUESTS: usize = 4;
/// The maximum size of the JSON of a part, in bytes. Publish never writes a larger one.
const MAX_PART_BYTES: u64 = 16 << 20;

/// The term index of one month.
#[derive(Debug, Clone)]
pub(super) struct IndexedMonth {
    /// The month, such as `2018-02`, or `undated`.
    pub(super) month: String,
    /// The parts, in the order of the photos.
    pub(super) parts: Vec<Arc<IndexPart>>,
}

/// A cache of the term index. All clones share one cache.
#[derive(Clone)]
pub(super) struct IndexCache {
    published: PublishTable,
    months: MonthCache,
    loaded: Arc<Mutex<LoadedIndex>>,
    counts: Arc<SyncMutex<HashMap<TermKind, AllCounts>>>,
}

/// The counts of all terms of a kind, the most frequent first.
type SortedCounts = Arc<Vec<(String, TermCount)>>;

/// The counts of all terms of a kind, and the index in which they were counted.
struct AllCounts {
    index: Arc<Vec<IndexedMonth>>,
    counts: SortedCounts,
}

/// The parts that have been read, and the index that was made of them.
#[derive(Default)]
struct LoadedIndex {
    parts: HashMap<String, Arc<IndexPart>>,
    /// The months of which the index was made.
    source: Option<Arc<Vec<PublishedMonth>>>,
    index: Arc<Vec<IndexedMonth>>,
}

impl IndexCache {
    pub(super) fn new(published: PublishTable, months: MonthCache) -> Self {
        IndexCache {
            published,
            months,
            loaded: Arc::default(),
            counts: Arc::default(),
        }
    }

    /// Returns the counts of all terms of a kind over all photos, the most frequent first. Counts once
    /// for each version of the index.
    pub(super) fn count_all(&self, index: &Arc<Vec<IndexedMonth>>, kind: TermKind) -> SortedCounts {
        let mut cached = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cached.get(&kind)
            && Arc::ptr_eq(&known.index, index)
        {
            return Arc::clone(&known.counts);
        }
        let counts = count_terms(index, &IndexQuery::default(), kind);
        let counts = Arc::new(sort_counts(counts));
        let known = AllCounts {
            index: Arc::clone(index),
            counts: Arc::clone(&counts),
        };
        cached.insert(kind, known);
        counts
    }

    /// Returns the term index of all months, in the order of their names. `privacy` identifies the
    /// present privacy rules.
    ///
    /// Each call reads the present version of the counts with one request. Only the parts that are
    /// new since the last call are read.
    ///
    /// # Errors
    /// Returns the problem that the gallery is unavailable if a month was indexed under other
    /// privacy rules. It could reveal what the present rules hide, and without it, lists would lack
    /// photos. Publish indexes it again. Fails also if a request fails, if a part cannot be read,
    /// or if the months change again and again while they are read.
    pub(super) async fn load_index(
        &self,
        privacy: &str,
    ) -> Result<Arc<Vec<IndexedMonth>>, Problem> {
        // Publish deletes a part only after it has changed the item of the month and the version of
        // the counts. So if a part is gone, the second attempt reads newer months.
        for _ in 0..2 {
            let months = self.months.load_months().await?;
            let mut loaded = self.loaded.lock().await;
            if let Some(month) = months.iter().find(|month| month.privacy != privacy) {
                let month = &month.month;
                tracing::warn!(month, "not indexed under the present privacy rules yet");
                return Err(Problem::unavailable());
            }
            let is_same = |source: &Arc<Vec<PublishedMonth>>| Arc::ptr_eq(source, &months);
            if loaded.source.as_ref().is_some_and(is_same) {
                return Ok(Arc::clone(&loaded.index));
            }
            self.read_missing_parts(&months, &mut loaded.parts).await?;
            if let Some(index) = build_index(&months, &loaded.parts) {
                loaded.index = Arc::new(index);
                loaded.source = Some(months);
                return Ok(Arc::clone(&loaded.index));
            }
        }
        Err(Problem::unavailable())
    }

    /// Reads the parts of these months that are not in `parts`, and adds them. Removes the parts of
    /// other months.
    async fn read_missing_parts(
        &self,
        months: &[PublishedMonth],
        parts: &mut HashMap<String, Arc<IndexPart>>,
    ) -> Result<(), Problem> {
        let keys = || months.iter().flat_map(|month| &month.index);
        let known: std::collections::HashSet<&String> = keys().collect();
        parts.retain(|key, _| known.contains(key));
        let missing: Vec<String> = keys()
            .filter(|key| !parts.contains_key(*key))
            .cloned()
            .collect();
        let requests: Vec<Vec<String>> = missing
            .chunks(PARTS_PER_REQUEST)
            .map(<[String]>::to_vec)
            .collect();
        let read: Vec<HashMap<String, Vec<u8>>> = stream::iter(requests)
            .map(|keys| async move { self.published.index_parts(&keys).await })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .try_collect()
            .await?;
        let read: Vec<(String, Vec<u8>)> = read.into_iter().flatten().collect();
        if read.is_empty() {
            return Ok(());
        }
        // A large gallery has many megabytes of index.
        let parsed = tokio::task::spawn_blocking(move || parse_parts(read)).await;
        let parsed = parsed.map_err(|_| Problem::internal())?;
        parts.extend(parsed.map_err(|error| {
            tracing::error!(%error, "unreadable term index; `photos recount` builds it again");
            Problem::internal()
        })?);
        Ok(())
    }
}

/// Returns the index of these months. Returns `None` if a part is missing.
fn build_index(
    months: &[PublishedMonth],
    parts: &HashMap<String, Arc<IndexPart>>,
) -> Option<Vec<IndexedMonth>> {
    let index = months.iter().map(|month| {
        let parts = month.index.iter().map(|key| parts.get(key).cloned());
        Some(IndexedMonth {
            month: month.month.clone(),
            parts: parts.collect::<Option<_>>()?,
        })
    });
    index.collect()
}

/// Parses parts that are compressed by gzip.
fn parse_parts(
    read: Vec<(String, Vec<u8>)>,
) -> Result<Vec<(String, Arc<IndexPart>)>, InvalidIndexPart> {
    let parse = |(key, compressed): (String, Vec<u8>)| {
        let mut json = Vec::new();
        // Damaged data gives an incomplete JSON, which the parser refuses.
        let _ = GzDecoder::new(compressed.as_slice())
            .take(MAX_PART_BYTES)
            .read_to_end(&mut json);
        Ok((key, Arc::new(IndexPart::parse(&json)?)))
    };
    read.into_iter().map(parse).collect()
}
