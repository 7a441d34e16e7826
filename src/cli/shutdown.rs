//! Stops a long command when a signal arrives, and ends its tasks.

use std::future::Future;
use std::io;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::progress::eprint_message;

/// The exit status of a process that ends at once because of a second signal.
const INTERRUPTED: i32 = 130;

/// Returns a token that is cancelled at the first SIGINT or SIGTERM. `notice` is printed at that
/// signal. The program may also cancel the token. The next signal after the cancellation ends the
/// process at once.
///
/// # Errors
/// Fails if the process cannot receive these signals.
pub(super) fn shutdown_signal(notice: &'static str) -> io::Result<CancellationToken> {
    let mut signals = StopSignals::new()?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = signals.next() => {
                eprint_message(notice);
                token.cancel();
            }
            () = token.cancelled() => {}
        }
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    Ok(shutdown)
}

/// Receives the signals that ask a process to stop: SIGINT and SIGTERM, or Ctrl-C on a system
/// without them.
struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(StopSignals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(StopSignals {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Tasks that run at the same time and are stopped together.
pub(super) struct ServiceTasks {
    shutdown: CancellationToken,
    tracker: TaskTracker,
    failed: mpsc::UnboundedSender<TaskFailure>,
    failures: mpsc::UnboundedReceiver<TaskFailure>,
}

/// The failure of a task that ended before it was stopped.
#[derive(Debug, thiserror::Error)]
#[error("{name} stopped working: {cause}")]
pub(super) struct TaskFailure {
    name: &'static str,
    cause: String,
}

impl ServiceTasks {
    pub(super) fn new() -> Self {
        let (failed, failures) = mpsc::unbounded_channel();
        ServiceTasks {
            shutdown: CancellationToken::new(),
            tracker: TaskTracker::new(),
            failed,
            failures,
        }
    }

    /// Starts a task. `start` receives a token and returns the future that the task runs. The
    /// future must end when the token is cancelled. `name` is used in error messages.
    pub(super) fn spawn<F>(&self, name: &'static str, start: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let task = tokio::spawn(start(self.shutdown.clone()));
        let (shutdown, failed) = (self.shutdown.clone(), self.failed.clone());
        self.tracker.spawn(async move {
            let cause = match task.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                // The task panicked.
                Err(error) => Some(error.to_string()),
            };
            if shutdown.is_cancelled() {
                if let Some(cause) = cause {
                    eprint_message(&format!("{name}: {cause}"));
                }
                return;
            }
            let cause = cause.unwrap_or_else(|| "it ended without an error".to_owned());
            // The receiver no longer exists only if the process ends.
            let _ = failed.send(TaskFailure { name, cause });
        });
    }

    /// Waits until a task ends before it is stopped. Returns the failure of that task.
    pub(super) async fn first_failure(&mut self) -> TaskFailure {
        match self.failures.recv().await {
            Some(failure) => failure,
            // `failed` is a sender, so the channel is never closed.
            None => std::future::pending().await,
        }
    }

    /// Stops all tasks and waits until they have ended. Prints the failures that
    /// [`ServiceTasks::first_failure`] did not return. A second call returns at once.
    pub(super) async fn stop(&mut self) {
        self.shutdown.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        while let Ok(failure) = self.failures.try_recv() {
            eprint_message(&failure.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_early_is_a_failure() {
        let mut tasks = ServiceTasks::new();
        tasks.spawn("a server", |shutdown| async move {
            shutdown.cancelled().await;
            Ok(())
        });
        tasks.spawn("ingest", |_| async { Err(io::Error::other("no disk")) });
        let failure = tasks.first_failure().await;
        assert_eq!(failure.to_string(), "ingest stopped working: no disk");
        tasks.stop().await;
    }
}
