//! The lease: the right of one process to write the months, the files and the state of the hook
//! alone, until a certain time.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use ring::rand::SecureRandom;

use super::error::PublishError;
use super::schedule::{LEASE_DURATION, LeaseDecision, decide_lease};
use crate::catalogue::published::PublishTable;

/// Acquires and releases the lease for this process.
#[derive(Debug, Clone)]
pub(super) struct PublishLease {
    table: PublishTable,
    /// A random text that identifies this process when it has the lease.
    holder: String,
}

impl PublishLease {
    /// Creates the holder of a lease. Sends no request.
    pub(super) fn new(table: PublishTable) -> Self {
        let mut holder = [0; 12];
        // Without randomness, two processes would share a lease. ring has a source of randomness on
        // every platform that it supports, so this cannot fail in practice.
        let _ = ring::rand::SystemRandom::new().fill(&mut holder);
        PublishLease {
            table,
            holder: HEXLOWER.encode(&holder),
        }
    }

    /// Tries once to acquire the lease. `leased_until` is the end of the present lease, as the
    /// caller has read it. Returns `false` if another process has the lease.
    ///
    /// If the lease ends later than any lease can end, the clock was set back. The lease is then
    /// shortened, so that it ends [`LEASE_DURATION`] from now. It does not end at once, because the
    /// process that has it may still be at work.
    ///
    /// # Errors
    /// Fails if a request to the table failed.
    pub(super) async fn acquire(
        &self,
        leased_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<bool, PublishError> {
        let end = now + LEASE_DURATION;
        match decide_lease(leased_until, now) {
            LeaseDecision::Acquire => Ok(self.table.lease(&self.holder, now, end).await?),
            LeaseDecision::Wait => Ok(false),
            LeaseDecision::Shorten { from } => {
                tracing::warn!("the clock was set back; the publish lease is shortened");
                self.table.shorten_lease(from, end).await?;
                Ok(false)
            }
        }
    }

    /// Releases the lease. Does nothing if this process does not have it. A repeat is safe.
    ///
    /// # Errors
    /// Fails if the request to the table failed. The lease then ends by itself.
    pub(super) async fn release(&self) -> Result<(), PublishError> {
        Ok(self.table.release(&self.holder).await?)
    }
}
