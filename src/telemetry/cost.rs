//! What one piece of work costs, also where others go on at the same time: counted by the task that does it.

use std::cell::Cell;

/// Requests and reads of one piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkCost {
    /// Requests sent to S3 and DynamoDB, retries included.
    pub requests: u64,
    /// Reads of objects' bytes.
    pub reads: u64,
    /// Bytes of objects that these brought.
    pub bytes_read: u64,
}

tokio::task_local! {
    static COST: Cell<WorkCost>;
}

/// Does the work and says what it cost. What it spawns is not counted.
pub async fn measure_cost<T>(work: impl Future<Output = T>) -> (T, WorkCost) {
    let counted = async {
        let done = work.await;
        (done, COST.with(Cell::get))
    };
    COST.scope(Cell::default(), counted).await
}

/// A request was sent.
pub(super) fn count_request() {
    add(|cost| cost.requests += 1);
}

/// Bytes of an object were read.
pub(crate) fn count_read(bytes: usize) {
    add(|cost| {
        cost.reads += 1;
        cost.bytes_read += bytes as u64;
    });
}

/// Nothing where nobody asked for the cost.
fn add(change: impl FnOnce(&mut WorkCost)) {
    let counted = COST.try_with(|counted| {
        let mut cost = counted.get();
        change(&mut cost);
        counted.set(cost);
    });
    counted.ok();
}
