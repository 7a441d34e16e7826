//! The months that publish counts, kept in memory for as long as they are the table's.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::catalogue::CatalogueError;
use crate::catalogue::published::{PublishTable, PublishedMonth};

/// The published months. Clones share what they keep.
#[derive(Clone)]
pub(super) struct Months {
    published: PublishTable,
    kept: Arc<Mutex<Option<Kept>>>,
}

struct Kept {
    /// At the least: months that were written since may be among them.
    version: u64,
    months: Arc<Vec<PublishedMonth>>,
}

impl Months {
    pub(super) fn new(published: PublishTable) -> Self {
        Months {
            published,
            kept: Arc::default(),
        }
    }

    /// Every month as it is in the table, in order. One request for its version; where that has grown, the months are
    /// read anew, once for all who wait for them.
    pub(super) async fn all(&self) -> Result<Arc<Vec<PublishedMonth>>, CatalogueError> {
        // Read before the months: what is written in between is read once more, and never missed.
        let Some(version) = self.published.counts_version().await? else {
            return Ok(Arc::new(self.published.months().await?));
        };
        let mut kept = self.kept.lock().await;
        match &*kept {
            Some(kept) if kept.version >= version => Ok(Arc::clone(&kept.months)),
            _ => {
                let months = Arc::new(self.published.months().await?);
                *kept = Some(Kept {
                    version,
                    months: Arc::clone(&months),
                });
                Ok(months)
            }
        }
    }
}
