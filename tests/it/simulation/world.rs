//! One run: workers, their events, a person who writes by hand, and the schedule that a seed chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use photo_catalogue::archive::Layout;
use photo_catalogue::catalogue::Catalogue;
use photo_catalogue::clients::Clients;
use photo_catalogue::ingest::Ingest;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::storage::Storage;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::bugs::{Bug, Injected, Sent};
use super::history::{ARCHIVE, History, SOURCE};
use super::objects::{Name, Object};
use super::wire::{Answer, Call, Request, Response, Services, Wire, broken, operation, response};

pub(super) const TABLE: &str = "photos";
const WORKERS: usize = 3;
/// The most events of one invocation.
const BATCH: usize = 3;
/// The most often that one event is delivered, failures aside.
const DELIVERIES: usize = 5;
/// Every history ends long before; a run that does not is one that never comes to rest.
const MOST_STEPS: usize = 30_000;
/// What an invocation has, virtual time.
const INVOCATION: Duration = Duration::from_secs(30);

/// A copy whose condition was checked and that is not there yet, and who waits for it.
struct Landing {
    name: Name,
    object: Object,
    waiting: Option<(Call, Response)>,
}

struct Worker {
    name: String,
    events: Vec<Name>,
    running: JoinHandle<Value>,
}

/// One run.
pub(super) struct World {
    random: Rng,
    pub(super) services: Services,
    wire: Wire,
    clients: Clients,
    bugs: Injected,
    pub(super) history: History,
    workers: [Option<Worker>; WORKERS],
    pending: Vec<Call>,
    /// Never answered; kept so that nobody hears of it.
    stalled: Vec<Call>,
    landing: Vec<Landing>,
    queue: Vec<Name>,
    /// Every event so far: any of them may come again.
    told: Vec<Name>,
    faults_left: usize,
    repeats_left: usize,
    started: usize,
    pub(super) trace: Vec<String>,
}

/// What the schedule may choose.
#[derive(Clone, Copy)]
enum Move {
    ByHand,
    Start(usize),
    Answer(usize),
    Land(usize),
    Crash(usize),
    Repeat,
}

impl World {
    /// Runs a seed to its end, and then its oracle: what is wrong, if anything is, and the trace.
    pub(super) async fn run(seed: u64, bug: Option<Bug>) -> (Result<(), String>, Vec<String>) {
        let layout = Layout::new(SOURCE, "", ARCHIVE, "").unwrap();
        let mut random = Rng::with_seed(seed);
        let wire = Wire::default();
        let mut world = World {
            services: Services::new(),
            clients: wire.clients(),
            wire,
            bugs: Injected::new(bug, layout),
            history: History::new(4 + random.usize(..10)),
            workers: [const { None }; WORKERS],
            pending: Vec::new(),
            stalled: Vec::new(),
            landing: Vec::new(),
            queue: Vec::new(),
            told: Vec::new(),
            faults_left: random.usize(..14),
            repeats_left: random.usize(..12),
            started: 0,
            trace: Vec::new(),
            random,
        };
        let result = world.go().await;
        (result, world.trace)
    }

    async fn go(&mut self) -> Result<(), String> {
        let catalogue = Catalogue::new(self.clients.dynamodb.clone(), TABLE);
        self.at_once(async { catalogue.create_table().await })
            .await
            .unwrap();
        if self.random.usize(..4) == 0 {
            let mut objects = self.services.store.0.lock().unwrap();
            self.trace
                .push(self.history.before_us(&mut self.random, &mut objects));
        }
        for _ in 0..MOST_STEPS {
            // The clock is paused: it goes on only when every task waits, which is for an answer or for a later time.
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.pending.extend(self.wire.take());
            self.collect().await;
            self.tell();
            let moves = self.moves();
            let sum: usize = moves.iter().map(|(weight, _)| weight).sum();
            if sum == 0 {
                if self.is_quiet() {
                    return self.judge().await;
                }
                // A stalled worker waits for its deadline.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            let mut at = self.random.usize(..sum);
            for (weight, choices) in moves {
                if at < weight {
                    let choice = choices[self.random.usize(..choices.len())];
                    self.make(choice).await;
                    break;
                }
                at -= weight;
            }
        }
        Err(format!("not at rest after {MOST_STEPS} steps"))
    }

    fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self.landing.is_empty()
            && self.pending.is_empty()
            && self.workers.iter().all(Option::is_none)
    }

    /// What may happen next: a weight for each kind, and the moves of that kind.
    fn moves(&self) -> Vec<(usize, Vec<Move>)> {
        let workers =
            |idle: bool| (0..WORKERS).filter(move |&worker| self.workers[worker].is_none() == idle);
        let only = |allowed: bool, what: Move| if allowed { vec![what] } else { Vec::new() };
        let start = if self.queue.is_empty() {
            Vec::new()
        } else {
            workers(true).map(Move::Start).collect()
        };
        let crash = if self.faults_left == 0 {
            Vec::new()
        } else {
            workers(false).map(Move::Crash).collect()
        };
        let kinds = vec![
            (40, (0..self.pending.len()).map(Move::Answer).collect()),
            (8, start),
            (
                5,
                only(self.history.may_go_on(self.is_quiet()), Move::ByHand),
            ),
            (4, (0..self.landing.len()).map(Move::Land).collect()),
            // Days late: also when all the rest is done.
            (
                2,
                only(self.repeats_left > 0 && !self.told.is_empty(), Move::Repeat),
            ),
            (1, crash),
        ];
        kinds
            .into_iter()
            .filter(|(_, moves): &(usize, Vec<Move>)| !moves.is_empty())
            .collect()
    }

    async fn make(&mut self, choice: Move) {
        match choice {
            Move::ByHand => {
                let quiet = self.is_quiet();
                let mut objects = self.services.store.0.lock().unwrap();
                let line = self.history.act(&mut self.random, &mut objects, quiet);
                self.trace.push(line);
            }
            Move::Start(worker) => self.start(worker),
            Move::Answer(call) => {
                let call = self.pending.swap_remove(call);
                self.answer(call).await;
            }
            Move::Land(copy) => {
                let landing = self.landing.swap_remove(copy);
                self.trace.push(format!("landed {}", landing.name.1));
                self.land(landing.name, landing.object);
                if let Some((call, answer)) = landing.waiting {
                    let _ = call.answer.send(Ok(answer));
                }
            }
            Move::Crash(worker) => {
                self.faults_left -= 1;
                if let Some(died) = self.workers[worker].take() {
                    self.trace.push(format!("{} dies", died.name));
                    died.running.abort();
                    self.queue.extend(died.events);
                }
            }
            Move::Repeat => {
                self.repeats_left -= 1;
                let again = self.told[self.random.usize(..self.told.len())].clone();
                self.trace
                    .push(format!("told again of {}/{}", again.0, again.1));
                self.queue.push(again);
            }
        }
    }

    fn land(&mut self, name: Name, object: Object) {
        self.history.copied(&object, &name);
        self.services.store.0.lock().unwrap().land(name, object);
    }

    /// Queues what the store tells, each change several times.
    fn tell(&mut self) {
        let changes = self.services.store.0.lock().unwrap().take_changes();
        for change in changes {
            // Mostly once or twice.
            let deliveries = 1 + self
                .random
                .usize(..DELIVERIES)
                .min(self.random.usize(..DELIVERIES));
            self.queue
                .extend(std::iter::repeat_n(change.clone(), deliveries));
            self.told.push(change);
        }
    }

    fn start(&mut self, worker: usize) {
        let count = (1 + self.random.usize(..BATCH)).min(self.queue.len());
        let events: Vec<Name> = (0..count)
            .map(|_| {
                self.queue
                    .swap_remove(self.random.usize(..self.queue.len()))
            })
            .collect();
        let messages = events.iter().enumerate().map(|(number, (bucket, key))| {
            let told = json!({ "Records": [{
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": { "bucket": { "name": bucket }, "object": { "key": key } },
            }] });
            json!({ "messageId": number.to_string(), "eventSource": "aws:sqs", "body": told.to_string() })
        });
        let event = json!({ "Records": messages.collect::<Vec<_>>() });
        let clients = self.clients.clone();
        let ingest = Ingest::new(
            Storage::new(clients.s3),
            Catalogue::new(clients.dynamodb, TABLE),
            Layout::new(SOURCE, "", ARCHIVE, "").unwrap(),
            LocationPolicy::Exact,
        );
        self.started += 1;
        let name = format!("worker {}", self.started);
        let names: Vec<String> = events
            .iter()
            .map(|(bucket, key)| format!("{bucket}/{key}"))
            .collect();
        self.trace
            .push(format!("{name} begins {}", names.join(", ")));
        self.workers[worker] = Some(Worker {
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

    /// Takes the answers of the workers that are done; what they give back is queued again.
    async fn collect(&mut self) {
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
                    .push(format!("{} ends, {} given back", done.name, failed.len()));
                for (number, event) in done.events.into_iter().enumerate() {
                    if failed.contains(number.to_string().as_str()) {
                        self.queue.push(event);
                    }
                }
            }
        }
    }

    async fn answer(&mut self, call: Call) {
        let sender = self
            .workers
            .iter()
            .flatten()
            .find(|worker| Some(worker.running.id()) == call.task);
        let sender = sender.map_or_else(|| "nobody".to_owned(), |worker| worker.name.clone());
        let what = describe(&call.request);
        let unheard = call.answer.is_closed();
        // What a dead worker had sent arrives or does not.
        let arrives = !unheard || self.random.bool();
        let fault = (!unheard && self.faults_left > 0 && self.random.usize(..12) == 0)
            .then(|| self.random.usize(..6));
        self.faults_left -= usize::from(fault.is_some());
        let note =
            |trace: &mut Vec<String>, how: &str| trace.push(format!("  {sender}: {what}{how}"));
        if !arrives {
            return;
        }
        match fault {
            Some(0) => {
                note(&mut self.trace, ", not sent");
                let _ = call.answer.send(Err(broken()));
                return;
            }
            Some(1) => {
                note(&mut self.trace, ", throttled");
                let _ = call.answer.send(Ok(throttled(&call.request)));
                return;
            }
            _ => {}
        }
        let is_copy = call.request.headers().contains_key("x-amz-copy-source");
        let held = is_copy && (fault == Some(5) || self.random.bool());
        self.services.store.0.lock().unwrap().hold_copy = held;
        let answer = self.perform(&sender, &call.request).await;
        let landing = {
            let mut objects = self.services.store.0.lock().unwrap();
            objects.hold_copy = false;
            objects.landing.take()
        };
        note(
            &mut self.trace,
            &format!(
                " -> {}{}",
                answer.status().as_u16(),
                if landing.is_some() {
                    ", to land later"
                } else {
                    ""
                }
            ),
        );
        if is_copy && !held && answer.status() == 200 {
            self.note_copy(&call.request);
        }
        let answer: Answer = match fault {
            Some(2) => {
                note(&mut self.trace, ", answer lost");
                Err(broken())
            }
            Some(3) => {
                note(&mut self.trace, ", stalled");
                if let Some((name, object)) = landing {
                    self.landing.push(Landing {
                        name,
                        object,
                        waiting: None,
                    });
                }
                self.stalled.push(call);
                return;
            }
            Some(4) if is_copy => {
                note(&mut self.trace, ", 200 with an error");
                Ok(response(200, ERROR_IN_BODY))
            }
            Some(5) if is_copy => Err(broken()),
            _ => Ok(answer),
        };
        match (landing, answer) {
            (Some((name, object)), Ok(answer)) if answer.body() != ERROR_IN_BODY => {
                self.landing.push(Landing {
                    name,
                    object,
                    waiting: Some((call, answer)),
                });
            }
            (landing, answer) => {
                if let Some((name, object)) = landing {
                    self.landing.push(Landing {
                        name,
                        object,
                        waiting: None,
                    });
                }
                let _ = call.answer.send(answer);
            }
        }
    }

    /// A copy that landed at once.
    fn note_copy(&mut self, request: &Request) {
        let path = request
            .uri()
            .path()
            .trim_start_matches('/')
            .replace("%7E", "~");
        let (bucket, key) = path.split_once('/').unwrap();
        let name = (bucket.to_owned(), key.to_owned());
        let copy = self.services.store.0.lock().unwrap().there[&name].clone();
        self.history.copied(&copy, &name);
    }

    async fn perform(&mut self, sender: &str, request: &Request) -> Response {
        match self.bugs.send(sender, request.clone()) {
            Sent::Nothing(answer) => answer,
            Sent::Request(sent) => {
                let answer = self.services.answer(sent).await;
                self.bugs.receive(request, answer)
            }
        }
    }

    /// Runs something with a wire that answers at once and honestly.
    async fn at_once<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_millis(1)) => {
                    for call in self.wire.take() {
                        let answer = self.services.answer(call.request).await;
                        let _ = call.answer.send(Ok(answer));
                    }
                }
            }
        }
    }

    async fn judge(&self) -> Result<(), String> {
        let dynamodb = self.clients.dynamodb.clone();
        let scan = self
            .at_once(async { dynamodb.scan().table_name(TABLE).send().await })
            .await
            .unwrap();
        let mut items = BTreeMap::new();
        for item in scan.items.unwrap_or_default() {
            let pk = item["pk"].as_s().unwrap().clone();
            items.insert(pk, item);
        }
        let objects = self.services.store.0.lock().unwrap();
        self.history.judge(&objects, &items)
    }
}

const ERROR_IN_BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InternalError</Code>\
    <Message>We encountered an internal error. Please try again.</Message></Error>";

fn throttled(request: &Request) -> Response {
    if operation(request).is_some() {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"#;
        return response(400, body);
    }
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    response(
        503,
        if request.method() == http::Method::HEAD {
            ""
        } else {
            body
        },
    )
}

fn describe(request: &Request) -> String {
    if let Some(operation) = operation(request) {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let pk = body["Key"]["pk"]["S"]
            .as_str()
            .or(body["Item"]["pk"]["S"].as_str());
        let revision = body["Item"]["revision"]["N"].as_str();
        let revision = revision
            .map(|revision| format!(" revision {revision}"))
            .unwrap_or_default();
        return format!("{operation} {}{revision}", pk.unwrap_or_default());
    }
    let copy = request
        .headers()
        .get("x-amz-copy-source")
        .map(|from| format!(" from {}", from.to_str().unwrap()));
    format!(
        "{} {}{}",
        request.method(),
        request.uri().path(),
        copy.unwrap_or_default()
    )
}
