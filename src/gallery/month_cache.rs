//! A cache of the months in the publish table, with their counts.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::catalogue::CatalogueError;
use crate::catalogue::published::{PublishTable, PublishedMonth};

/// A cache of the published months. All clones share one cache.
#[derive(Clone)]
pub(super) struct MonthCache {
    published: PublishTable,
    cached: Arc<Mutex<Option<CachedMonths>>>,
}

/// The cached months, and the version of the publish table's counts when they were read.
struct CachedMonths {
    /// The version of the counts just before the months were read. Some of the months may be newer.
    /// Publish increases the version after each change of the counts.
    version: u64,
    months: Arc<Vec<PublishedMonth>>,
}

impl MonthCache {
    pub(super) fn new(published: PublishTable) -> Self {
        MonthCache {
            published,
            cached: Arc::default(),
        }
    }

    /// Returns all months of the publish table, in the order of their names.
    ///
    /// Each call reads the present version of the counts with one request. If that version is newer
    /// than the cached one, the months are read again. Calls that wait for the months share one
    /// read.
    pub(super) async fn load_months(&self) -> Result<Arc<Vec<PublishedMonth>>, CatalogueError> {
        // The version is read before the months. If a month is written between the two reads, the
        // next call reads the months again, so no change is missed.
        let Some(version) = self.published.counts_version().await? else {
            return Ok(Arc::new(self.published.months().await?));
        };
        let mut cached = self.cached.lock().await;
        match &*cached {
            Some(cached) if cached.version >= version => Ok(Arc::clone(&cached.months)),
            _ => {
                let mut months = self.published.months().await?;
                // No route needs the keywords and the places. They would take most of the memory.
                for month in &mut months {
                    month.keywords.clear();
                    month.places.clear();
                }
                let months = Arc::new(months);
                *cached = Some(CachedMonths {
                    version,
                    months: Arc::clone(&months),
                });
                Ok(months)
            }
        }
    }
}
