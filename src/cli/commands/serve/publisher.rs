//! The schedule of publish in `photos serve`.

use std::time::Duration;

use chrono::Utc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::shutdown::ServiceTasks;
use crate::publish::Publisher;

/// How often publish looks for dirty months. A look without any takes two queries.
const TICK: Duration = Duration::from_secs(5);
/// How long one cycle may work.
const CYCLE_LIMIT: Duration = Duration::from_secs(120);
/// How long a cycle may still work after the shutdown began.
const LAST_CYCLE_LIMIT: Duration = Duration::from_secs(3);

/// Starts the cycles of publish.
pub(super) fn start(tasks: &ServiceTasks, publish: Publisher) {
    tasks.spawn("publish", |shutdown| async move {
        run(&publish, &shutdown).await;
        Ok(())
    });
}

/// Runs cycles until `shutdown`. A cycle that the shutdown breaks off is made up for by the next
/// start, which need not wait: the lease is released.
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
