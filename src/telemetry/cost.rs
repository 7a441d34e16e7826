//! The cost of one piece of work: the requests and reads of its task. Other tasks may run at the same
//! time.

use std::cell::Cell;

/// Requests and reads of one piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCost {
    /// Number of requests sent to S3 and DynamoDB, including retries.
    pub requests: u64,
    /// Number of reads of objects.
    pub reads: u64,
    /// Number of bytes that these reads returned.
    pub bytes_read: u64,
}

tokio::task_local! {
    static COST: Cell<WorkCost>;
}

/// Runs the work and returns its result and its cost. Tasks that the work spawns are not counted.
pub async fn measure_cost<T>(work: impl Future<Output = T>) -> (T, WorkCost) {
    let counted = async {
        let result = work.await;
        (result, COST.with(Cell::get))
    };
    COST.scope(Cell::default(), counted).await
}

/// Counts a request that was sent.
pub(super) fn count_request() {
    add_to_cost(|cost| cost.requests += 1);
}

/// Counts a read of an object that returned these bytes.
pub(crate) fn count_read(bytes: usize) {
    add_to_cost(|cost| {
        cost.reads += 1;
        cost.bytes_read += bytes as u64;
    });
}

/// Changes the cost of the present work. Does nothing outside of [`measure_cost`].
fn add_to_cost(change: impl FnOnce(&mut WorkCost)) {
    let changed = COST.try_with(|counted| {
        let mut cost = counted.get();
        change(&mut cost);
        counted.set(cost);
    });
    changed.ok();
}
