//! Work that keeps a processor busy, outside the async workers.
//!
//! A hostile file can need a tenth of a second of work. Requests that are answered by the async
//! workers must not wait for it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// The slots for work outside the async workers: half of the processors, and at least one. The
/// other processors stay free for requests. Clones share the slots.
#[derive(Debug, Clone)]
pub struct BackgroundSlots {
    free: Arc<Semaphore>,
    count: usize,
}

impl Default for BackgroundSlots {
    fn default() -> Self {
        Self::new(processors() / 2)
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

impl BackgroundSlots {
    fn new(slots: usize) -> Self {
        let count = slots.max(1);
        BackgroundSlots {
            free: Arc::new(Semaphore::new(count)),
            count,
        }
    }

    /// Returns slots for all processors but one, and at least one slot.
    pub fn leaving_one_processor() -> Self {
        Self::new(processors().saturating_sub(1))
    }

    /// Returns the number of slots.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Waits for a free slot, runs `work` on a thread of its own, and returns its result. If the
    /// caller is cancelled, the work still ends, and its result is dropped. If the work panics, the
    /// caller panics too.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        // The permit moves to the thread, so it is returned only when the work has ended.
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and this task is cancelled too.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[tokio::test]
    async fn work_runs_on_other_threads_and_in_limited_number() {
        let slots = BackgroundSlots::default();
        let most = slots.free.available_permits();
        let worker = std::thread::current().id();
        let running = Arc::new(AtomicUsize::new(0));
        let works = (0..4 * most).map(|number| {
            let (slots, running) = (slots.clone(), Arc::clone(&running));
            tokio::spawn(async move {
                let work = move || {
                    assert!(running.fetch_add(1, SeqCst) < most);
                    assert_ne!(std::thread::current().id(), worker);
                    std::thread::yield_now();
                    running.fetch_sub(1, SeqCst);
                    number
                };
                slots.run(work).await
            })
        });
        let results = futures::future::join_all(works).await;
        let results: Vec<usize> = results
            .into_iter()
            .map(|done| done.expect("done"))
            .collect();
        assert_eq!(results, (0..4 * most).collect::<Vec<_>>());
        assert_eq!(slots.free.available_permits(), most);
    }

    #[tokio::test]
    #[should_panic(expected = "a fault")]
    async fn panic_of_the_work_reaches_the_caller() {
        BackgroundSlots::default().run(|| panic!("a fault")).await;
    }
}
