//! One run of the simulation: workers, their events, a person who writes, and the schedule of a
//! seed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use fastrand::Rng;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::clients::Clients;
use photo_catalogue::ingest::{ChangedItem, Ingest, ItemRules, update_overrides};
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::{LocationPolicy, Visibility};
use photo_catalogue::storage::Storage;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::act_kind::{ACTS, ActKind, SIDECAR_ACTS};
use super::bugs::{BugInjector, InjectedBug, InjectedRequest};
use super::history::{ARCHIVE, ManualAct, ManualHistory, SOURCE};
use super::mirror::CatalogueMirror;
use super::objects::{ObjectName, SimulatedObject};
use super::wire::{
    PendingCall, SimulatedNetwork, SimulatedServices, WireRequest, WireResponse, WireResult,
    broken_connection, describe_request, response, throttled_response,
};

pub(super) const TABLE: &str = "photos";
const WORKERS: usize = 3;
/// The maximum number of events in one invocation.
const BATCH: usize = 3;
/// The maximum number of times that the event of one change is queued. After a failure, or as a
/// late repeat, the event may be queued again.
const DELIVERIES: usize = 5;
/// The maximum number of steps of a run. Every correct run ends much earlier.
const MAX_STEPS: usize = 30_000;
/// The time limit of an invocation, on the simulated clock.
const INVOCATION: Duration = Duration::from_secs(30);

/// A copy in flight: the store has checked the condition of the copy, but has not written the copy
/// yet.
struct LandingCopy {
    name: ObjectName,
    object: SimulatedObject,
    /// The request that waits for the copy, and the response that it will get.
    waiting: Option<(PendingCall, WireResponse)>,
}

struct SimulatedWorker {
    name: String,
    events: Vec<ObjectName>,
    running: JoinHandle<Value>,
}

/// A person who hides a photo. Its requests wait for the schedule, like those of the workers.
struct HidingPerson {
    stem: String,
    running: JoinHandle<Option<Vec<ChangedItem>>>,
}

/// The name of the task of a person in the trace.
pub(super) const PERSON: &str = "person";

/// One run of the simulation.
pub(super) struct SimulatedWorld {
    random: Rng,
    pub(super) services: SimulatedServices,
    wire: SimulatedNetwork,
    clients: Clients,
    bugs: BugInjector,
    pub(super) history: ManualHistory,
    mirror: CatalogueMirror,
    hiding: Option<HidingPerson>,
    /// The first violation that the oracle found after a request.
    violation: Option<String>,
    workers: [Option<SimulatedWorker>; WORKERS],
    pending: Vec<PendingCall>,
    /// The requests that never get a response. They are kept, because a drop would close their
    /// channel, and the client would notice it.
    stalled: Vec<PendingCall>,
    landing: Vec<LandingCopy>,
    queue: Vec<ObjectName>,
    /// The events of all changes so far. The schedule may deliver each of them again.
    delivered: Vec<ObjectName>,
    faults_left: usize,
    repeats_left: usize,
    started: usize,
    pub(super) trace: Vec<String>,
}

/// A fault of the network or of a service, which affects one request.
#[derive(Clone, Copy, PartialEq)]
enum NetworkFault {
    /// The request is not sent, because the connection breaks.
    NotSent,
    /// The service refuses the request, because there are too many requests.
    Throttled,
    /// The service carries out the request, but the response is lost.
    ResponseLost,
    /// The service carries out the request, but never responds.
    Stalled,
    /// The response to a copy has status 200 and an error in its body, as if the copy had failed.
    /// This fault has no effect on other kinds of requests.
    CopyErrorInBody,
    /// The connection breaks during a copy, and the store writes the copy later. This fault has no
    /// effect on other kinds of requests.
    BrokenCopy,
}

impl NetworkFault {
    const ALL: [NetworkFault; 6] = [
        NetworkFault::NotSent,
        NetworkFault::Throttled,
        NetworkFault::ResponseLost,
        NetworkFault::Stalled,
        NetworkFault::CopyErrorInBody,
        NetworkFault::BrokenCopy,
    ];
}

/// One step of a run, which the schedule chooses at random.
#[derive(Clone, Copy)]
enum ScheduledMove {
    ByHand,
    Start(usize),
    WireResult(usize),
    Land(usize),
    Crash(usize),
    /// The person who hides a photo is interrupted, and begins again.
    Interrupt,
    Repeat,
}

impl SimulatedWorld {
    /// Runs the simulation with this seed to its end, and then checks the final state with the
    /// oracle. `favourite` is the kind of act that the person does most often; see
    /// [`ManualHistory::new`]. Returns the result of the oracle, and the trace (the log of the
    /// run).
    pub(super) async fn run(
        seed: u64,
        bug: Option<InjectedBug>,
        favourite: Option<ActKind>,
    ) -> (Result<(), String>, Vec<String>) {
        let layout = Layout::new(SOURCE, "", ARCHIVE, "").unwrap();
        let mut random = Rng::with_seed(seed);
        let wire = SimulatedNetwork::default();
        let mut world = SimulatedWorld {
            services: SimulatedServices::new(),
            clients: wire.clients(),
            wire,
            bugs: BugInjector::new(bug, layout),
            history: ManualHistory::new(&mut random, favourite, acts_for(bug)),
            mirror: CatalogueMirror::default(),
            hiding: None,
            violation: None,
            workers: [const { None }; WORKERS],
            pending: Vec::new(),
            stalled: Vec::new(),
            landing: Vec::new(),
            queue: Vec::new(),
            delivered: Vec::new(),
            faults_left: random.usize(..14),
            repeats_left: random.usize(..12),
            started: 0,
            trace: Vec::new(),
            random,
        };
        let result = world.run_to_rest().await;
        (result, world.trace)
    }

    async fn run_to_rest(&mut self) -> Result<(), String> {
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), TABLE);
        let created = async { catalogue.create_table().await };
        self.wire
            .run_at_once(&self.services, created)
            .await
            .unwrap();
        if self.random.usize(..4) == 0 {
            let mut objects = self.services.store.0.lock().unwrap();
            self.trace.push(
                self.history
                    .drop_before_notifications(&mut self.random, &mut objects),
            );
        }
        for _ in 0..MAX_STEPS {
            // The paused clock advances only when every task waits: for a response, or for a later
            // time.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.pending.extend(self.wire.take());
            self.collect_finished().await;
            self.collect_hidden().await;
            self.queue_changes();
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
            let moves = self.possible_moves();
            let sum: usize = moves.iter().map(|(weight, _)| weight).sum();
            if sum == 0 {
                if self.is_quiet() {
                    return self.check_final_state();
                }
                // A stalled worker waits for its deadline, so the clock must advance.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let mut at = self.random.usize(..sum);
            for (weight, choices) in moves {
                if at < weight {
                    let choice = choices[self.random.usize(..choices.len())];
                    self.make_move(choice).await;
                    break;
                }
                at -= weight;
            }
        }
        Err(format!("not at rest after {MAX_STEPS} steps"))
    }

    fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self.landing.is_empty()
            && self.pending.is_empty()
            && self.hiding.is_none()
            && !self.history.is_acting()
            && self.workers.iter().all(Option::is_none)
    }

    /// Returns the steps that are possible now, grouped by kind. Each group has a weight: the
    /// higher the weight, the more often the schedule chooses a step of this kind.
    fn possible_moves(&self) -> Vec<(usize, Vec<ScheduledMove>)> {
        let workers =
            |idle: bool| (0..WORKERS).filter(move |&worker| self.workers[worker].is_none() == idle);
        let only =
            |allowed: bool, what: ScheduledMove| if allowed { vec![what] } else { Vec::new() };
        let start = if self.queue.is_empty() {
            Vec::new()
        } else {
            workers(true).map(ScheduledMove::Start).collect()
        };
        let crash = if self.faults_left == 0 {
            Vec::new()
        } else {
            workers(false).map(ScheduledMove::Crash).collect()
        };
        let kinds = vec![
            (
                40,
                (0..self.pending.len())
                    .map(ScheduledMove::WireResult)
                    .collect(),
            ),
            (8, start),
            (
                5,
                only(self.history.can_act(self.is_quiet()), ScheduledMove::ByHand),
            ),
            (
                4,
                (0..self.landing.len()).map(ScheduledMove::Land).collect(),
            ),
            // An event may be delivered again days later, even when no other work is left.
            (
                2,
                only(
                    self.repeats_left > 0 && !self.delivered.is_empty(),
                    ScheduledMove::Repeat,
                ),
            ),
            (1, crash),
            (
                1,
                only(
                    self.faults_left > 0 && self.hiding.is_some(),
                    ScheduledMove::Interrupt,
                ),
            ),
        ];
        kinds
            .into_iter()
            .filter(|(_, moves): &(usize, Vec<ScheduledMove>)| !moves.is_empty())
            .collect()
    }

    async fn make_move(&mut self, choice: ScheduledMove) {
        match choice {
            ScheduledMove::ByHand => {
                let (quiet, can_hide) = (self.is_quiet(), self.hiding.is_none());
                let act = {
                    let mut objects = self.services.store.0.lock().unwrap();
                    let (random, mirror) = (&mut self.random, &self.mirror);
                    self.history
                        .act(random, &mut objects, mirror, quiet, can_hide)
                };
                match act {
                    ManualAct::Objects(line) => self.trace.push(line),
                    ManualAct::Hide(stem) => self.start_hiding(stem),
                }
            }
            ScheduledMove::Start(worker) => self.start_worker(worker),
            ScheduledMove::WireResult(call) => {
                let call = self.pending.swap_remove(call);
                self.answer_call(call).await;
            }
            ScheduledMove::Land(copy) => {
                let landing = self.landing.swap_remove(copy);
                let is_late = landing
                    .waiting
                    .as_ref()
                    .is_none_or(|(call, _)| call.answer.is_closed());
                let late = if is_late { ", late" } else { "" };
                self.trace.push(format!("landed {}{late}", landing.name.1));
                if is_late {
                    self.history.record_late_copy(&landing.object);
                }
                self.land(landing.name, landing.object);
                if let Some((call, answer)) = landing.waiting {
                    let _ = call.answer.send(Ok(answer));
                }
            }
            ScheduledMove::Crash(worker) => {
                self.faults_left -= 1;
                if let Some(died) = self.workers[worker].take() {
                    self.trace.push(format!("{} dies", died.name));
                    died.running.abort();
                    self.queue.extend(died.events);
                }
            }
            ScheduledMove::Interrupt => {
                self.faults_left -= 1;
                if let Some(hiding) = self.hiding.take() {
                    self.trace.push(format!("{PERSON} is interrupted"));
                    hiding.running.abort();
                    self.start_hiding(hiding.stem);
                }
            }
            ScheduledMove::Repeat => {
                self.repeats_left -= 1;
                let again = self.delivered[self.random.usize(..self.delivered.len())].clone();
                self.trace
                    .push(format!("delivered again: {}/{}", again.0, again.1));
                self.queue.push(again);
            }
        }
    }

    fn land(&mut self, name: ObjectName, object: SimulatedObject) {
        self.history.record_copy(&object);
        self.services.store.0.lock().unwrap().land(name, object);
    }

    /// Starts to hide a photo, as the command `photos set` does.
    fn start_hiding(&mut self, stem: String) {
        self.trace.push(format!("{PERSON} hides {stem}"));
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), TABLE);
        let id = PhotoId::from_stem(&stem);
        self.bugs.begin_to_hide(&id);
        let hide = async move {
            let rules = ItemRules::from(LocationPolicy::Exact);
            let private = |item: &mut PhotoItem| {
                item.overrides.visibility = Some(Visibility::Private);
            };
            let changed = update_overrides(&catalogue, &rules, Utc::now(), &id, private);
            // A person repeats a command that does not end.
            tokio::time::timeout(INVOCATION, changed).await.ok()?.ok()
        };
        self.hiding = Some(HidingPerson {
            stem,
            running: tokio::spawn(hide),
        });
    }

    /// Collects the result of the person who hides a photo. After an error, the person begins
    /// again.
    async fn collect_hidden(&mut self) {
        let is_finished = |hiding: &HidingPerson| hiding.running.is_finished();
        let Some(done) = self.hiding.take_if(|hiding| is_finished(hiding)) else {
            return;
        };
        match done.running.await.unwrap() {
            Some(changed) => {
                self.history.record_hidden(&changed);
                let stems: Vec<&str> = changed.iter().map(|c| c.after.stem.as_str()).collect();
                self.trace
                    .push(format!("{PERSON} has hidden {}", stems.join(", ")));
                self.violation = self.history.check_items(&self.mirror).err();
            }
            None => self.start_hiding(done.stem),
        }
    }

    /// Adds one or more events to the queue for each object that has changed.
    fn queue_changes(&mut self) {
        let changes = self.services.store.0.lock().unwrap().take_changes();
        for change in changes {
            // The smaller of two random numbers is small in most cases.
            let deliveries = 1 + self
                .random
                .usize(..DELIVERIES)
                .min(self.random.usize(..DELIVERIES));
            self.queue
                .extend(std::iter::repeat_n(change.clone(), deliveries));
            self.delivered.push(change);
        }
    }

    fn start_worker(&mut self, worker: usize) {
        let count = (1 + self.random.usize(..BATCH)).min(self.queue.len());
        let events: Vec<ObjectName> = (0..count)
            .map(|_| {
                self.queue
                    .swap_remove(self.random.usize(..self.queue.len()))
            })
            .collect();
        let messages = events.iter().enumerate().map(|(number, (bucket, key))| {
            let notification = json!({ "Records": [{
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": { "bucket": { "name": bucket }, "object": { "key": key } },
            }] });
            json!({ "messageId": number.to_string(), "eventSource": "aws:sqs", "body": notification.to_string() })
        });
        let event = json!({ "Records": messages.collect::<Vec<_>>() });
        let clients = self.clients.clone();
        let ingest = Ingest::new(
            Storage::new(clients.s3),
            Catalogue::new(clients.dynamodb, TABLE),
            Layout::new(SOURCE, "", ARCHIVE, "").unwrap(),
            LocationPolicy::Exact,
            Arc::new(Utc::now),
        );
        self.started += 1;
        let name = format!("worker {}", self.started);
        let names: Vec<String> = events
            .iter()
            .map(|(bucket, key)| format!("{bucket}/{key}"))
            .collect();
        self.trace
            .push(format!("{name} starts {}", names.join(", ")));
        self.workers[worker] = Some(SimulatedWorker {
            name,
            events,
            running: tokio::spawn(async move {
                ingest
                    .handle_event_within(&event, INVOCATION)
                    .await
                    .unwrap()
            }),
        });
    }

    /// Collects the results of the workers that have finished. Adds their failed events to the
    /// queue again.
    async fn collect_finished(&mut self) {
        for worker in &mut self.workers {
            if worker
                .as_ref()
                .is_some_and(|worker| worker.running.is_finished())
                && let Some(done) = worker.take()
            {
                let answer = done.running.await.unwrap();
                let failures = answer["batchItemFailures"].as_array().unwrap();
                let failed: BTreeSet<&str> = failures
                    .iter()
                    .map(|failure| failure["itemIdentifier"].as_str().unwrap())
                    .collect();
                self.trace
                    .push(format!("{} ends, {} returned", done.name, failed.len()));
                for (number, event) in done.events.into_iter().enumerate() {
                    if failed.contains(number.to_string().as_str()) {
                        self.queue.push(event);
                    }
                }
            }
        }
    }

    async fn answer_call(&mut self, call: PendingCall) {
        let sender = self
            .workers
            .iter()
            .flatten()
            .find(|worker| Some(worker.running.id()) == call.task);
        let person = self.hiding.as_ref();
        let is_person = person.is_some_and(|person| Some(person.running.id()) == call.task);
        let sender = match sender {
            Some(worker) => worker.name.clone(),
            None if is_person => PERSON.to_owned(),
            None => "no worker".to_owned(),
        };
        let what = describe_request(&call.request);
        let is_abandoned = call.answer.is_closed();
        // The request of a dead worker may still arrive, or not.
        let arrives = !is_abandoned || self.random.bool();
        let fault = self.draw_fault(is_abandoned);
        let note =
            |trace: &mut Vec<String>, how: &str| trace.push(format!("  {sender}: {what}{how}"));
        if !arrives {
            return;
        }
        match fault {
            Some(NetworkFault::NotSent) => {
                note(&mut self.trace, ", not sent");
                let _ = call.answer.send(Err(broken_connection()));
                return;
            }
            Some(NetworkFault::Throttled) => {
                note(&mut self.trace, ", throttled");
                let _ = call.answer.send(Ok(throttled_response(&call.request)));
                return;
            }
            _ => {}
        }
        let is_copy = call.request.headers().contains_key("x-amz-copy-source");
        let held = is_copy && (fault == Some(NetworkFault::BrokenCopy) || self.random.bool());
        self.services.store.0.lock().unwrap().hold_copy = held;
        let answer = self.perform_request(&sender, &call.request).await;
        let landing = {
            let mut objects = self.services.store.0.lock().unwrap();
            objects.hold_copy = false;
            objects.landing.take()
        };
        let status = answer.status().as_u16();
        let lands_later = landing.as_ref().map_or("", |_| ", to land later");
        note(&mut self.trace, &format!(" -> {status}{lands_later}"));
        if is_copy && !held && status == 200 {
            self.record_landed_copy(&call.request, is_abandoned);
        }
        let answer: WireResult = match fault {
            Some(NetworkFault::ResponseLost) => {
                note(&mut self.trace, ", response lost");
                Err(broken_connection())
            }
            Some(NetworkFault::Stalled) => {
                note(&mut self.trace, ", stalled");
                self.keep_landing(landing, None);
                self.stalled.push(call);
                return;
            }
            Some(NetworkFault::CopyErrorInBody) if is_copy => {
                note(&mut self.trace, ", 200 with an error");
                Ok(response(200, ERROR_IN_BODY))
            }
            Some(NetworkFault::BrokenCopy) if is_copy => Err(broken_connection()),
            _ => Ok(answer),
        };
        match (landing, answer) {
            (Some(landing), Ok(answer)) if answer.body() != ERROR_IN_BODY => {
                self.keep_landing(Some(landing), Some((call, answer)));
            }
            (landing, answer) => {
                self.keep_landing(landing, None);
                let _ = call.answer.send(answer);
            }
        }
    }

    /// Decides at random whether a request has a fault, and which one. A request of a crashed
    /// worker has none.
    fn draw_fault(&mut self, is_abandoned: bool) -> Option<NetworkFault> {
        let is_faulty = !is_abandoned && self.faults_left > 0 && self.random.usize(..12) == 0;
        is_faulty.then(|| {
            self.faults_left -= 1;
            NetworkFault::ALL[self.random.usize(..NetworkFault::ALL.len())]
        })
    }

    /// Stores a copy that is in flight, together with the request that waits for it.
    fn keep_landing(
        &mut self,
        landing: Option<(ObjectName, SimulatedObject)>,
        waiting: Option<(PendingCall, WireResponse)>,
    ) {
        if let Some((name, object)) = landing {
            self.landing.push(LandingCopy {
                name,
                object,
                waiting,
            });
        }
    }

    /// Records the copy that a request has just written.
    fn record_landed_copy(&mut self, request: &WireRequest, is_late: bool) {
        let path = request
            .uri()
            .path()
            .trim_start_matches('/')
            .replace("%7E", "~");
        let (bucket, key) = path.split_once('/').unwrap();
        let name = (bucket.to_owned(), key.to_owned());
        let copy = self.services.store.0.lock().unwrap().there[&name].clone();
        if is_late {
            self.history.record_late_copy(&copy);
        }
        self.history.record_copy(&copy);
    }

    async fn perform_request(&mut self, sender: &str, request: &WireRequest) -> WireResponse {
        match self.bugs.apply_to_request(sender, request.clone()) {
            InjectedRequest::Nothing(answer) => answer,
            InjectedRequest::WireRequest(sent) => {
                let answer = self.services.answer(sent.clone()).await;
                if let Some(stem) = self.mirror.read_again(&self.services, request) {
                    let checked = self.history.check_item(&self.mirror.items[&stem]);
                    self.violation = self.violation.take().or(checked.err());
                }
                self.bugs.apply_to_response(sender, &sent, answer)
            }
        }
    }

    fn check_final_state(&self) -> Result<(), String> {
        let objects = self.services.store.0.lock().unwrap();
        self.history.check_final_state(&objects, &self.mirror)
    }
}

/// Returns the kinds of acts of a run. Sidecars are left out in the search for a bug that has nothing to
/// do with them, so that few seeds find it.
fn acts_for(bug: Option<InjectedBug>) -> &'static [ActKind] {
    match bug {
        None | Some(InjectedBug::WaitingSidecars | InjectedBug::SidecarPhoto) => &ACTS,
        Some(_) => &ACTS[SIDECAR_ACTS..],
    }
}

const ERROR_IN_BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InternalError</Code>\
    <Message>We encountered an internal error. Please try again.</Message></Error>";
