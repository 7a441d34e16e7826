//! A deterministic simulation of render. It works as that of ingest: a seed decides the order of the
//! requests, their failures, the crashes of workers, the acts of the owner, and the number and order of
//! the events.
//!
//! The owner writes photos and sidecars to the archive, edits them, also back to earlier bytes, removes
//! them, and hides and shows photos. Some files are truncated. Index and render run as workers. Each
//! write of an item whose pictures need work produces an event of render, which comes at least once,
//! late and in any order. The wall clock is simulated too, so the wait of a new photo for its pictures
//! may end before render.
//!
//! The oracle checks after each request that lists show only stored pictures, and no photo before its
//! pictures; that private photos show none; that each picture has the pixels and the credit of its
//! plan; and that no name is used again. When no work is left, it checks that exactly the right
//! pictures are stored.
//!
//! A picture of a dead worker may arrive after its event was processed again. This happens in a quarter
//! of the runs. Only a comparison finds such a picture (docs/guarantees.md), so these runs end with
//! one, and with its repair.
//!
//! Run a failing seed again and print every request:
//!
//! ```sh
//! SIMULATION_SEED=17 cargo test --test it simulation::render::one_seed -- --ignored --nocapture
//! ```

mod bugs;
mod files;
mod oracle;
mod owner;
mod tasks;
mod world;

use std::ops::Range;

use super::seeds;
use bugs::RenderBug;
use world::RenderSimulation;

/// The number of seeds that an ordinary `cargo test` runs. RENDER_SEEDS sets another number.
/// `.ci/run` sets 300.
const SEEDS: u64 = 100;
/// The maximum number of seeds that are run to find an injected bug. If no seed finds the bug, the
/// test fails.
const SEEDS_TO_FIND_A_BUG: u64 = 4000;

fn run_seed(seed: u64, bug: Option<RenderBug>) -> (Result<(), String>, Vec<String>) {
    seeds::run_on_paused_clock(RenderSimulation::run(seed, bug))
}

/// Runs the simulation with these seeds, and looks for failures. `bug` is injected in each run.
fn find_failures(seeds: Range<u64>, bug: Option<RenderBug>) -> Vec<(u64, String)> {
    seeds::find_failures(seeds, |seed| {
        let wrong = run_seed(seed, bug).0.err()?;
        // A seed that also fails without the bug does not count.
        let counts = bug.is_none() || run_seed(seed, None).0.is_ok();
        counts.then_some(wrong)
    })
}

#[test]
fn every_seed_satisfies_the_oracle() {
    let seeds = std::env::var("RENDER_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let failures = find_failures(0..seeds, None);
    let failures: String = failures
        .iter()
        .map(|(seed, wrong)| {
            format!(
                "{wrong}\nSIMULATION_SEED={seed} cargo test --test it simulation::render::one_seed -- --ignored --nocapture\n"
            )
        })
        .collect();
    assert!(failures.is_empty(), "{failures}");
}

#[test]
#[expect(clippy::print_stdout, reason = "prints what each bug breaks")]
fn every_injected_bug_makes_a_seed_fail() {
    let requested = requested_bug();
    let mut survived = Vec::new();
    for bug in RenderBug::ALL {
        if requested.is_some_and(|requested| requested != bug) {
            continue;
        }
        let known = bug.known_seed();
        let mut failures = find_failures(known..known + 1, Some(bug));
        if failures.is_empty() {
            println!("{bug:?}: seed {known} does not find it any more");
            failures = find_failures(0..SEEDS_TO_FIND_A_BUG, Some(bug));
        }
        match failures.first() {
            Some((seed, wrong)) => println!("{bug:?} left out: seed {seed}: {wrong}"),
            None => survived.push(bug),
        }
    }
    assert!(survived.is_empty(), "not found: {survived:?}");
}

#[test]
fn seed_gives_the_same_run_every_time() {
    for seed in 0..5 {
        let run = || run_seed(seed, None);
        assert_eq!(run(), run(), "seed {seed}");
    }
}

/// Runs the seeds in SIMULATION_RANGE, such as `0..100`, and prints every seed that fails.
#[test]
#[ignore = "prints all failing seeds for a person"]
fn all_failing_seeds() {
    seeds::print_failures(|seed| run_seed(seed, None).0.err());
}

/// Runs the seed in SIMULATION_SEED, and prints every request. If RENDER_BUG is set, for example to
/// `Listing`, this bug is injected.
#[test]
#[ignore = "prints one seed for a person"]
#[expect(clippy::print_stdout, reason = "prints one seed for a person")]
fn one_seed() {
    let seed = std::env::var("SIMULATION_SEED").map_or(0, |seed| seed.parse().unwrap());
    let (result, trace) = run_seed(seed, requested_bug());
    println!("{}", trace.join("\n"));
    if let Err(wrong) = result {
        panic!("{wrong}");
    }
}

/// Returns the bug in RENDER_BUG, if it is set.
fn requested_bug() -> Option<RenderBug> {
    let name = std::env::var("RENDER_BUG").ok()?;
    let mut bugs = RenderBug::ALL.into_iter();
    let bug = bugs.find(|bug| format!("{bug:?}") == name);
    Some(bug.unwrap_or_else(|| panic!("no bug has the name {name}")))
}
