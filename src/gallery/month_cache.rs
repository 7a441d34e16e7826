//! A cache of the months that publish has counted.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::catalogue::CatalogueError;
use crate::catalogue::published::{PublishTable, PublishedMonth};

/// A cache of the published months. Clones share their contents.
#[derive(Clone)]
pub(super) struct MonthCache {
    published: PublishTable,
    cached: Arc<Mutex<Option<CachedMonths>>>,
}

struct CachedMonths {
    /// The version of the table from which the months were read. Months of a later version may be
    /// among them.
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

    /// Returns all months of the table, in order.
    ///
    /// Costs one request for the version of the table. If the version is newer than the cached one,
    /// the months are read again, once for all requests that wait for them.
    pub(super) async fn load_months(&self) -> Result<Arc<Vec<PublishedMonth>>, CatalogueError> {
        // The version is read before the months. A month that is written in between is then read
        // twice, and never missed.
        let Some(version) = self.published.counts_version().await? else {
            return Ok(Arc::new(self.published.months().await?));
        };
        let mut cached = self.cached.lock().await;
        match &*cached {
            Some(cached) if cached.version >= version => Ok(Arc::clone(&cached.months)),
            _ => {
                let months = Arc::new(self.published.months().await?);
                *cached = Some(CachedMonths {
                    version,
                    months: Arc::clone(&months),
                });
                Ok(months)
            }
        }
    }
}
