//! One run of the simulation of render: its services, its workers, and the schedule of a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use photo_catalogue::archive::Layout;
use photo_catalogue::background::BackgroundSlots;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clock::Clock;
use photo_catalogue::ingest::{Ingest, ItemRules};
use photo_catalogue::object::Bucket;
use photo_catalogue::pictures::{OriginalCopies, PictureRecipe};
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::render::{PictureKey, Render, RenderSettings};
use photo_catalogue::storage::Storage;

use super::bugs::{RenderBug, RenderBugInjector};
use super::oracle::PictureOracle;
use super::owner::{OwnerAct, PhotoOwner};
use super::tasks::{OwnerCommand, PhotoWorker, WorkEvent};
use crate::simulation::history::{ARCHIVE, SOURCE};
use crate::simulation::mirror::CatalogueMirror;
use crate::simulation::wire::{PendingCall, SimulatedNetwork, SimulatedServices};
use crate::simulation::world::TABLE;

/// The bucket of the static gallery files.
pub(super) const SITE: &str = "site";
/// The prefix of all pictures.
pub(super) const PICTURES: &str = "gallery/r/";
const WORKERS: usize = 4;
/// The numbers of workers of which one is slow. Each run has one of these numbers.
const SLOW_WORKERS: [usize; 3] = [2, 5, 20];
/// The maximum number of steps of a run. Every correct run ends much earlier.
const MAX_STEPS: usize = 20_000;
/// The start of the simulated clock.
const START: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).unwrap();

/// The simulated wall clock, in seconds after [`START`].
#[derive(Clone, Default)]
pub(super) struct WallClock(Arc<AtomicI64>);

impl WallClock {
    pub(super) fn now(&self) -> DateTime<Utc> {
        START + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn as_clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// One run of the simulation.
pub(super) struct RenderSimulation {
    pub(super) random: Rng,
    pub(super) clock: WallClock,
    pub(super) services: SimulatedServices,
    wire: SimulatedNetwork,
    pub(super) catalogue: Catalogue,
    pub(super) rules: ItemRules,
    pub(super) ingest: Ingest,
    pub(super) render: Render,
    pub(super) bugs: RenderBugInjector,
    pub(super) owner: PhotoOwner,
    pub(super) oracle: PictureOracle,
    pub(super) mirror: CatalogueMirror,
    pub(super) command: Option<OwnerCommand>,
    pub(super) workers: [Option<PhotoWorker>; WORKERS],
    pub(super) pending: Vec<PendingCall>,
    /// The requests that never get a response. They are kept, because a drop would close their
    /// channel, and the client would notice it.
    pub(super) stalled: Vec<PendingCall>,
    pub(super) queue: Vec<WorkEvent>,
    /// All events so far. The schedule may deliver each of them again.
    pub(super) delivered: Vec<WorkEvent>,
    /// `true` if pictures of a dead worker may arrive long after its death.
    pub(super) has_late_pictures: bool,
    /// One of so many workers is slow. While it waits for a response, others do much.
    pub(super) slow_workers: usize,
    pub(super) faults_left: usize,
    repeats_left: usize,
    /// The number of times that much time passes at once.
    pauses_left: usize,
    pub(super) started: usize,
    /// The first violation that the oracle found.
    pub(super) violation: Option<String>,
    pub(super) trace: Vec<String>,
}

/// One step of a run, which the schedule chooses at random.
#[derive(Clone, Copy)]
enum RenderMove {
    Act,
    Start(usize),
    Respond(usize),
    Crash(usize),
    /// The command of the owner is interrupted, and begins again.
    Interrupt,
    Repeat,
    /// Some minutes pass.
    Pause,
}

impl RenderSimulation {
    /// Runs the simulation with this seed to its end, and then checks the final state with the oracle.
    /// Returns the result of the oracle, and the trace (the log of the run).
    pub(super) async fn run(
        seed: u64,
        bug: Option<RenderBug>,
    ) -> (Result<(), String>, Vec<String>) {
        let mut world = Self::new(seed, bug);
        let result = world.run_to_rest().await;
        (result, world.trace)
    }

    fn new(seed: u64, bug: Option<RenderBug>) -> Self {
        let mut random = Rng::with_seed(seed);
        let (wire, clock) = (SimulatedNetwork::default(), WallClock::default());
        let clients = wire.clients();
        let storage = Storage::new(clients.s3);
        let catalogue = Catalogue::new(clients.dynamodb, TABLE);
        let originals = match random.usize(..3) {
            0 => OriginalCopies::Jpeg,
            _ => OriginalCopies::None,
        };
        let rules = ItemRules {
            recipe: Some(PictureRecipe::new("12,24", originals).unwrap()),
            ..ItemRules::from(LocationPolicy::Exact)
        };
        RenderSimulation {
            services: SimulatedServices::new(),
            ingest: Ingest::new(
                storage.clone(),
                catalogue.clone(),
                Layout::new(SOURCE, "", ARCHIVE, "").unwrap(),
                rules.clone(),
                clock.as_clock(),
            ),
            render: Render::new(
                catalogue.clone(),
                storage,
                render_settings(&rules),
                BackgroundSlots::default(),
                clock.as_clock(),
            ),
            wire,
            clock,
            catalogue,
            rules,
            bugs: RenderBugInjector::new(bug),
            owner: PhotoOwner::new(&mut random),
            oracle: PictureOracle::default(),
            mirror: CatalogueMirror::default(),
            command: None,
            workers: [const { None }; WORKERS],
            pending: Vec::new(),
            stalled: Vec::new(),
            queue: Vec::new(),
            delivered: Vec::new(),
            has_late_pictures: random.usize(..4) == 0,
            slow_workers: SLOW_WORKERS[random.usize(..SLOW_WORKERS.len())],
            faults_left: random.usize(..12),
            repeats_left: random.usize(..6),
            pauses_left: random.usize(..4),
            started: 0,
            violation: None,
            trace: Vec::new(),
            random,
        }
    }

    async fn run_to_rest(&mut self) -> Result<(), String> {
        let created = self.catalogue.create_table();
        self.wire
            .run_at_once(&self.services, created)
            .await
            .unwrap();
        for _ in 0..MAX_STEPS {
            // The paused clock advances only when every task waits: for a response, or for a later
            // time.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.pending.extend(self.wire.take());
            self.settle_abandoned_pictures().await;
            self.collect_finished().await;
            self.queue_changes();
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
            let moves = self.possible_moves();
            if moves.is_empty() {
                if self.is_quiet() {
                    return self.check_final_state().await;
                }
                // A stalled worker waits for its deadline, so the clock must advance.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let choice = self.choose(&moves);
            self.make_move(choice).await;
        }
        Err(format!("not at rest after {MAX_STEPS} steps"))
    }

    fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self.pending.is_empty()
            && self.command.is_none()
            && self.workers.iter().all(Option::is_none)
    }

    /// Returns the steps that are possible now, grouped by kind. The higher the weight of a group, the
    /// more often the schedule chooses one of its steps.
    fn possible_moves(&self) -> Vec<(usize, Vec<RenderMove>)> {
        let workers = |is_idle: bool| {
            let all = 0..WORKERS;
            all.filter(move |&worker| self.workers[worker].is_none() == is_idle)
        };
        let only = |is_possible: bool, step: RenderMove| match is_possible {
            true => vec![step],
            false => Vec::new(),
        };
        let has_faults = self.faults_left > 0;
        let (slow, quick): (Vec<usize>, Vec<usize>) =
            (0..self.pending.len()).partition(|&call| self.is_slow(&self.pending[call]));
        let respond = |calls: Vec<usize>| calls.into_iter().map(RenderMove::Respond).collect();
        let starts = workers(true).filter(|_| !self.queue.is_empty());
        let crashes = workers(false).filter(|_| has_faults);
        let can_repeat = self.repeats_left > 0 && !self.delivered.is_empty();
        let can_interrupt = has_faults && self.command.is_some();
        let kinds = [
            (40, respond(quick)),
            (1, respond(slow)),
            (8, starts.map(RenderMove::Start).collect()),
            (4, only(self.owner.can_act(), RenderMove::Act)),
            (2, only(can_repeat, RenderMove::Repeat)),
            (1, crashes.map(RenderMove::Crash).collect()),
            (1, only(can_interrupt, RenderMove::Interrupt)),
            (1, only(self.pauses_left > 0, RenderMove::Pause)),
        ];
        let kinds = kinds.into_iter();
        kinds
            .filter(|(_, moves): &(usize, Vec<RenderMove>)| !moves.is_empty())
            .collect()
    }

    fn choose(&mut self, moves: &[(usize, Vec<RenderMove>)]) -> RenderMove {
        let sum: usize = moves.iter().map(|(weight, _)| weight).sum();
        let mut at = self.random.usize(..sum);
        let kind = moves.iter().find(|(weight, _)| {
            let is_chosen = at < *weight;
            at = at.saturating_sub(*weight);
            is_chosen
        });
        let (_, choices) = kind.expect("a kind of step");
        choices[self.random.usize(..choices.len())]
    }

    async fn make_move(&mut self, choice: RenderMove) {
        match choice {
            RenderMove::Act => self.act(),
            RenderMove::Start(worker) => self.start_worker(worker),
            RenderMove::Respond(call) => {
                let call = self.pending.swap_remove(call);
                self.answer_call(call).await;
            }
            RenderMove::Crash(worker) => {
                self.faults_left -= 1;
                self.crash_worker(worker);
            }
            RenderMove::Interrupt => {
                self.faults_left -= 1;
                if let Some(command) = self.command.take() {
                    self.trace.push("the owner is interrupted".to_owned());
                    command.running.abort();
                    self.start_command(command.change);
                }
            }
            RenderMove::Repeat => {
                self.repeats_left -= 1;
                let event = self.delivered[self.random.usize(..self.delivered.len())].clone();
                self.trace.push(format!("delivered again: {event}"));
                self.queue.push(event);
            }
            RenderMove::Pause => {
                self.pauses_left -= 1;
                let minutes = self.random.i64(1..20);
                self.clock.advance(60 * minutes);
                self.trace.push(format!("{minutes} minutes pass"));
                self.check_lists();
            }
        }
    }

    fn act(&mut self) {
        let act = {
            let mut objects = self.services.store.0.lock().unwrap();
            let can_change = self.command.is_none();
            let random = &mut self.random;
            self.owner
                .act(random, &mut objects, &self.mirror, can_change)
        };
        match act {
            OwnerAct::File(line) => self.trace.push(line),
            OwnerAct::Visibility(change) => self.start_command(change),
        }
    }

    /// Checks the final state. If pictures arrived late, also checks that a comparison finds exactly
    /// these, and that its repair deletes them.
    async fn check_final_state(&mut self) -> Result<(), String> {
        let unnamed = {
            let objects = self.services.store.0.lock().unwrap();
            self.oracle
                .check_final_state(&self.mirror, &objects, &self.owner)?
        };
        let faults = self.compare_pictures();
        if faults.len() != unnamed.len() {
            return Err(format!("{faults:?} were found, and not {unnamed:?}"));
        }
        for fault in faults {
            let repaired = self.render.repair(&fault);
            let repaired = self.wire.run_at_once(&self.services, repaired).await;
            repaired.map_err(|error| format!("{fault:?} is not repaired: {error}"))?;
        }
        match self.compare_pictures().as_slice() {
            [] => Ok(()),
            faults => Err(format!("{faults:?} are left after the repair")),
        }
    }
}

fn render_settings(rules: &ItemRules) -> RenderSettings {
    RenderSettings {
        archive: Bucket::new(ARCHIVE).unwrap(),
        gallery: Bucket::new(SITE).unwrap(),
        prefix: "gallery/".to_owned(),
        key: PictureKey::new([7; 32]),
        rules: rules.clone(),
        cdn: None,
    }
}
