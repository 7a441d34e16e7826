//! The cost of one piece of work: the requests that its task sends, and the objects that it reads.
//! The requests of other tasks, which may run at the same time, are not counted.

use std::cell::Cell;

/// The cost of one piece of work, as [`measure_cost`] measures it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCost {
    /// The number of requests that were sent to S3 and DynamoDB, including retries.
    pub requests: u64,
    /// The number of times that an object, or a range of an object, was read.
    pub reads: u64,
    /// The number of bytes that these reads returned.
    pub bytes_read: u64,
}

tokio::task_local! {
    static COST: Cell<WorkCost>;
}

/// Runs the work and returns its result and its cost. The cost of tasks that the work spawns is not
/// included.
pub async fn measure_cost<T>(work: impl Future<Output = T>) -> (T, WorkCost) {
    let counted = async {
        let result = work.await;
        (result, COST.with(Cell::get))
    };
    COST.scope(Cell::default(), counted).await
}

/// Adds one sent request to the cost that [`measure_cost`] measures in this task. Does nothing
/// outside of [`measure_cost`].
pub(super) fn count_request() {
    add_to_cost(|cost| cost.requests += 1);
}

/// Adds one read of an object to the cost that [`measure_cost`] measures in this task. `bytes` is
/// the number of bytes that the read returned. Does nothing outside of [`measure_cost`].
pub(crate) fn count_read(bytes: usize) {
    add_to_cost(|cost| {
        cost.reads += 1;
        cost.bytes_read += bytes as u64;
    });
}

/// Changes the cost that [`measure_cost`] measures in this task. Does nothing outside of
/// [`measure_cost`].
fn add_to_cost(change: impl FnOnce(&mut WorkCost)) {
    let changed = COST.try_with(|counted| {
        let mut cost = counted.get();
        change(&mut cost);
        counted.set(cost);
    });
    changed.ok();
}
