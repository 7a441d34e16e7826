//! Runs a simulation with many seeds.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs a simulation on one thread with a paused clock.
pub(super) fn run_on_paused_clock<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run)
}

/// Runs a simulation with these seeds, on all cores, until one fails. `run` returns the error of a
/// seed that fails. Returns at most one failing seed and its error for each core.
pub(super) fn find_failures(
    seeds: Range<u64>,
    run: impl Fn(u64) -> Option<String> + Sync,
) -> Vec<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let search = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return None;
            }
            if let Some(wrong) = run(seed) {
                next.store(seeds.end, Ordering::Relaxed);
                return Some((seed, wrong));
            }
        }
    };
    std::thread::scope(|scope| {
        let searches: Vec<_> = (0..cores()).map(|_| scope.spawn(search)).collect();
        searches
            .into_iter()
            .filter_map(|search| search.join().unwrap())
            .collect()
    })
}

/// Runs a simulation with the seeds in SIMULATION_RANGE, such as `0..100`, on all cores. Prints each
/// seed that fails, with the error that `run` returns.
#[expect(clippy::print_stdout, reason = "prints all failing seeds for a person")]
pub(super) fn print_failures(run: impl Fn(u64) -> Option<String> + Sync) {
    let range = std::env::var("SIMULATION_RANGE").unwrap_or_else(|_| "0..100".to_owned());
    let (from, to) = range.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let next = AtomicU64::new(from);
    let search = || {
        while let seed @ 0.. = next.fetch_add(1, Ordering::Relaxed)
            && seed < to
        {
            if let Some(wrong) = run(seed) {
                println!("seed {seed}: {wrong}");
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(search);
        }
    });
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
