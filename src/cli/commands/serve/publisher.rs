//! Runs the cycles of publish in `photos serve`.

use std::time::Duration;

use chrono::Utc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::shutdown::ServiceTasks;
use crate::publish::Publisher;

/// The pause between two cycles of publish. If no month is dirty, a cycle costs two queries.
const TICK: Duration = Duration::from_secs(5);
/// The time that a cycle of publish should take at most. After two thirds of this time, a cycle
/// starts no more batches of months.
const CYCLE_LIMIT: Duration = Duration::from_secs(120);
/// The maximum time that a running cycle may take after the shutdown has begun.
const LAST_CYCLE_LIMIT: Duration = Duration::from_secs(3);

/// Starts a task that runs the cycles of publish.
pub(super) fn start(tasks: &ServiceTasks, publish: Publisher) {
    tasks.spawn("publish", |shutdown| async move {
        run(&publish, &shutdown).await;
        Ok(())
    });
}

/// Runs cycles of publish until `shutdown` is cancelled. If the shutdown interrupts a cycle,
/// releases the publish lease, so that the first cycle after the next start need not wait until the
/// lease ends. That cycle then finishes the interrupted work.
async fn run(publish: &Publisher, shutdown: &CancellationToken) {
    loop {
        let mut cycle = std::pin::pin!(publish.run_cycle(Utc::now(), CYCLE_LIMIT));
        let ended = tokio::select! {
            ended = &mut cycle => ended.map(|_| ()),
            () = shutdown.cancelled() => {
                if timeout(LAST_CYCLE_LIMIT, cycle).await.is_err()
                    && let Err(error) = publish.release_lease().await
                {
                    tracing::warn!(%error, "cannot release the publish lease; the next cycle waits for its end");
                }
                return;
            }
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "publish failed; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
