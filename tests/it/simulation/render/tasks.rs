//! The tasks of a run: workers that process events, and the command of the owner. Their requests wait
//! for the schedule, which may break them.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use photo_catalogue::catalogue::item::{PhotoItem, PhotoItemHeader};
use photo_catalogue::ingest::update_overrides;
use photo_catalogue::object::Bucket;
use photo_catalogue::photo_id::PhotoId;
use photo_catalogue::privacy::Visibility;
use photo_catalogue::render::{PictureComparison, PictureEvent, PictureFault, picture_events};
use serde_json::json;
use tokio::task::JoinHandle;

use super::bugs::{RenderBug, with_requested_etag};
use super::oracle::token_of_key;
use super::owner::VisibilityChange;
use super::world::{RenderSimulation, SITE};
use crate::simulation::bugs::InjectedRequest;
use crate::simulation::history::ARCHIVE;
use crate::simulation::objects::ObjectName;
use crate::simulation::wire::{
    PendingCall, WireRequest, WireResponse, broken_connection, describe_request, throttled_response,
};

/// The time limit of a task, on the paused clock.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// The maximum number of times that an event is queued at first. After a failure, or as a late repeat,
/// the event may be queued again.
const DELIVERIES: usize = 4;

/// An event that starts a worker.
#[derive(Debug, Clone)]
pub(super) enum WorkEvent {
    /// A file of the archive has changed.
    Archive(ObjectName),
    /// The pictures of a photo may need work.
    Pictures(PictureEvent),
}

impl fmt::Display for WorkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkEvent::Archive((_, key)) => write!(f, "index {key}"),
            WorkEvent::Pictures(event) => {
                let epoch = event.planned.as_ref().map(|(epoch, _)| epoch);
                write!(f, "render {} of epoch {epoch:?}", event.id)
            }
        }
    }
}

/// A worker that processes one event.
pub(super) struct PhotoWorker {
    name: String,
    event: WorkEvent,
    /// The result is the report of the work, or the error after which the event comes again.
    running: JoinHandle<Result<String, String>>,
    /// The number of requests after which the worker becomes slow: its next responses come late.
    quick_requests: usize,
}

/// A command of the owner that hides or shows a photo. It is repeated until it succeeds.
pub(super) struct OwnerCommand {
    pub(super) change: VisibilityChange,
    /// The result is `None` after an error. It is `false` if there was no photo.
    pub(super) running: JoinHandle<Option<bool>>,
}

/// A fault of the network or of a service, which affects one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestFault {
    /// The request is not sent, because the connection breaks.
    NotSent,
    /// The service refuses the request, because there are too many requests.
    Throttled,
    /// The service carries out the request, but the response is lost.
    ResponseLost,
    /// The service carries out the request, but never responds.
    Stalled,
    /// The service carries out the request, but the response is lost. The SDK sends the request again,
    /// and the program gets the second response.
    Repeated,
}

impl RequestFault {
    const ALL: [RequestFault; 5] = [
        RequestFault::NotSent,
        RequestFault::Throttled,
        RequestFault::ResponseLost,
        RequestFault::Stalled,
        RequestFault::Repeated,
    ];
}

impl RenderSimulation {
    /// Adds an event to the queue for each archive file that has changed.
    pub(super) fn queue_changes(&mut self) {
        let changes = self.services.store.0.lock().unwrap().take_changes();
        for name in changes.into_iter().filter(|(bucket, _)| bucket == ARCHIVE) {
            self.queue_event(WorkEvent::Archive(name));
        }
    }

    /// Adds an event to the queue, once or a few times.
    fn queue_event(&mut self, event: WorkEvent) {
        // The smallest of three random numbers is small in most cases.
        let numbers = [(); 3].map(|()| self.random.usize(..DELIVERIES));
        let deliveries = 1 + numbers.into_iter().min().unwrap_or_default();
        let copies = std::iter::repeat_n(event.clone(), deliveries);
        self.queue.extend(copies);
        self.delivered.push(event);
    }

    /// Starts a worker with an event of the queue.
    pub(super) fn start_worker(&mut self, worker: usize) {
        let at = self.random.usize(..self.queue.len());
        let event = self.queue.swap_remove(at);
        self.started += 1;
        let running = match &event {
            WorkEvent::Archive((_, key)) => {
                let ingest = self.ingest.clone();
                let object = Bucket::new(ARCHIVE).unwrap().object(key);
                tokio::spawn(with_time_limit(async move {
                    let outcome = ingest.process_object(&object).await;
                    text_of(outcome)
                }))
            }
            WorkEvent::Pictures(event) => {
                let (render, id) = (self.render.clone(), event.id.clone());
                let tokens = self.tokens_of_event(event);
                tokio::spawn(with_time_limit(async move {
                    let report = render.process(&id, tokens).await;
                    text_of(report)
                }))
            }
        };
        let name = match &event {
            WorkEvent::Archive(_) => format!("index {}", self.started),
            WorkEvent::Pictures(_) => format!("render {}", self.started),
        };
        self.trace.push(format!("{name} starts: {event}"));
        let is_slow = self.random.usize(..self.slow_workers) == 0;
        self.workers[worker] = Some(PhotoWorker {
            name,
            event,
            running,
            quick_requests: match is_slow {
                true => self.random.usize(1..8),
                false => usize::MAX,
            },
        });
    }

    /// Returns the tokens that a worker gets with an event.
    fn tokens_of_event(&self, event: &PictureEvent) -> BTreeSet<String> {
        let mut event = event.clone();
        if self.bugs.is_injected(RenderBug::StoredToken) {
            event.stored_token = None;
        }
        let mut tokens = self.render.tokens(&event);
        if self.bugs.is_injected(RenderBug::LaterPlan) {
            let mut items = self.mirror.items.values();
            let item = items.find(|item| item.id == event.id.as_str());
            let later = item.and_then(PictureEvent::of_item);
            tokens.extend(later.iter().flat_map(|later| self.render.tokens(later)));
        }
        tokens
    }

    /// Ends a worker in the middle of its work. Its event comes again.
    pub(super) fn crash_worker(&mut self, worker: usize) {
        let Some(died) = self.workers[worker].take() else {
            return;
        };
        self.trace.push(format!("{} dies", died.name));
        died.running.abort();
        if !self.bugs.is_injected(RenderBug::LostEvent) {
            self.queue.push(died.event);
        }
    }

    /// Starts to hide or show a photo, as the command `photos set` does.
    pub(super) fn start_command(&mut self, change: VisibilityChange) {
        self.trace.push(format!("the owner begins: {change:?}"));
        let (catalogue, rules) = (self.catalogue.clone(), self.rules.clone());
        let now = self.clock.now();
        let set = async move {
            let visibility = match change.hides {
                true => Visibility::Private,
                false => Visibility::Public,
            };
            let id = PhotoId::from_stem(change.stem);
            let set = |item: &mut PhotoItem| item.overrides.visibility = Some(visibility);
            let changed = update_overrides(&catalogue, &rules, now, &id, set);
            let changed = tokio::time::timeout(TIME_LIMIT, changed).await.ok()?.ok()?;
            Some(!changed.is_empty())
        };
        self.command = Some(OwnerCommand {
            change,
            running: tokio::spawn(set),
        });
    }

    /// Collects the results of the workers and of the command that have ended. A failed event comes
    /// again, and a failed command is repeated.
    pub(super) async fn collect_finished(&mut self) {
        for worker in &mut self.workers {
            let is_finished = |worker: &mut PhotoWorker| worker.running.is_finished();
            let Some(done) = worker.take_if(is_finished) else {
                continue;
            };
            let result = done.running.await.unwrap();
            self.trace.push(format!("{} ends: {result:?}", done.name));
            if result.is_err() {
                self.queue.push(done.event);
            }
        }
        let is_finished = |command: &mut OwnerCommand| command.running.is_finished();
        if let Some(done) = self.command.take_if(is_finished) {
            match done.running.await.unwrap() {
                Some(had_effect) => {
                    self.trace.push(format!("the owner ends: {had_effect}"));
                    self.owner.record_change(done.change, had_effect);
                }
                None => self.start_command(done.change),
            }
        }
    }

    /// Decides what happens to the pictures that dead workers have sent: each arrives now or never. In
    /// some runs, they may also arrive at any later time.
    pub(super) async fn settle_abandoned_pictures(&mut self) {
        let is_abandoned =
            |call: &PendingCall| call.answer.is_closed() && stored_picture(&call.request).is_some();
        while !self.has_late_pictures
            && let Some(at) = self.pending.iter().position(is_abandoned)
        {
            let call = self.pending.swap_remove(at);
            self.answer_call(call).await;
        }
    }

    /// Responds to a request, with or without a fault.
    pub(super) async fn answer_call(&mut self, call: PendingCall) {
        let sender = self.sender(&call);
        for worker in self.workers.iter_mut().flatten() {
            if Some(worker.running.id()) == call.task {
                worker.quick_requests = worker.quick_requests.saturating_sub(1);
            }
        }
        let is_abandoned = call.answer.is_closed();
        // The request of a dead worker may still arrive, or not.
        if is_abandoned && self.random.bool() {
            return;
        }
        let fault = self.draw_fault(is_abandoned);
        let what = describe_request(&call.request);
        let answer = match fault {
            Some(RequestFault::NotSent) => Err(broken_connection()),
            Some(RequestFault::Throttled) => Ok(throttled_response(&call.request)),
            Some(RequestFault::Repeated) => {
                self.perform_request(&sender, &call.request).await;
                Ok(self.perform_request(&sender, &call.request).await)
            }
            _ => Ok(self.perform_request(&sender, &call.request).await),
        };
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let fault_name = fault.map_or(String::new(), |fault| format!(", {fault:?}"));
        self.trace
            .push(format!("  {sender}: {what} -> {status}{fault_name}"));
        if is_abandoned
            && self.has_late_pictures
            && let Some(name) = stored_picture(&call.request)
        {
            self.oracle.record_late_picture(&name);
        }
        self.check_lists();
        match fault {
            Some(RequestFault::Stalled) => self.stalled.push(call),
            Some(RequestFault::ResponseLost) => {
                let _ = call.answer.send(Err(broken_connection()));
            }
            _ => {
                let _ = call.answer.send(answer);
            }
        }
    }

    /// Reports whether the response to a request comes late.
    pub(super) fn is_slow(&self, call: &PendingCall) -> bool {
        let mut workers = self.workers.iter().flatten();
        let worker = workers.find(|worker| Some(worker.running.id()) == call.task);
        worker.is_some_and(|worker| worker.quick_requests == 0)
    }

    /// Returns the name of the task that has sent a request.
    fn sender(&self, call: &PendingCall) -> String {
        let mut workers = self.workers.iter().flatten();
        let command = self.command.as_ref();
        if let Some(worker) = workers.find(|worker| Some(worker.running.id()) == call.task) {
            return worker.name.clone();
        }
        match command.is_some_and(|command| Some(command.running.id()) == call.task) {
            true => "owner".to_owned(),
            false => "no task".to_owned(),
        }
    }

    /// Decides at random whether a request has a fault, and which one. A request of a dead worker has
    /// none.
    fn draw_fault(&mut self, is_abandoned: bool) -> Option<RequestFault> {
        let is_faulty = !is_abandoned && self.faults_left > 0 && self.random.usize(..12) == 0;
        is_faulty.then(|| {
            self.faults_left -= 1;
            RequestFault::ALL[self.random.usize(..RequestFault::ALL.len())]
        })
    }

    async fn perform_request(&mut self, sender: &str, request: &WireRequest) -> WireResponse {
        let items = &self.mirror.items;
        let is_public = |token: &str| {
            let owner = self.oracle.stem_of_token(token);
            let item = owner.and_then(|stem| items.get(stem));
            item.is_some_and(PhotoItem::is_public)
        };
        let sent = self
            .bugs
            .apply_to_request(sender, request.clone(), is_public);
        let answer = match sent {
            InjectedRequest::Nothing(answer) => answer,
            InjectedRequest::WireRequest(sent) => {
                let answer = self.services.answer(sent).await;
                let checked = self.observe_request(request);
                self.violation = self.violation.take().or(checked.err());
                answer
            }
        };
        match self.bugs.is_injected(RenderBug::SourceEtag) {
            true => with_requested_etag(request, answer),
            false => answer,
        }
    }

    /// Checks what a request has written, and queues the event of a photo whose pictures need work.
    fn observe_request(&mut self, request: &WireRequest) -> Result<(), String> {
        if let Some(name) = stored_picture(request) {
            return self
                .oracle
                .check_picture(&name, request.body(), &self.owner.files);
        }
        let before = self.mirror.items.clone();
        let Some(stem) = self.mirror.read_again(&self.services, request) else {
            return Ok(());
        };
        let item = self.mirror.items[&stem].clone();
        // If the condition of a write fails, there is no event.
        if before.get(&stem) == Some(&item) {
            return Ok(());
        }
        let attributes = self.services.read_attributes(&item.pk).unwrap_or_default();
        self.bugs.record_item(&item.pk, &attributes);
        let event = PictureEvent::of_item(&item);
        let record = json!({ "Records": [{ "dynamodb": { "NewImage": attributes } }] });
        if picture_events(&record).pop() != event {
            return Err(format!(
                "the record of {stem} has another event than the item"
            ));
        }
        if let Some(event) = event {
            self.queue_event(WorkEvent::Pictures(event));
        }
        let now = self.clock.now();
        self.oracle.check_item(&item, &self.render, now)
    }

    /// Checks what lists show now.
    pub(super) fn check_lists(&mut self) {
        let objects = self.services.store.0.lock().unwrap();
        let now = self.clock.now();
        let checked = self.oracle.check_lists(&self.mirror, &objects, now);
        self.violation = self.violation.take().or(checked.err());
    }

    /// Compares the stored pictures with the items, as `photos reconcile` does.
    pub(super) fn compare_pictures(&self) -> Vec<PictureFault> {
        let mut comparison = PictureComparison::default();
        let objects = self.services.store.0.lock().unwrap();
        for (bucket, key) in objects.there.keys() {
            if let Some(path) = key.strip_prefix("gallery/").filter(|_| bucket == SITE) {
                comparison.add_stored(path, None);
            }
        }
        for item in self.mirror.items.values() {
            let header = self.services.read_item(&item.pk).unwrap();
            let header: PhotoItemHeader = serde_dynamo::from_item(header).unwrap();
            comparison.add_photo(&header, self.clock.now());
        }
        comparison.into_faults(DateTime::<Utc>::MAX_UTC)
    }
}

/// Stops work that takes too long.
async fn with_time_limit(
    work: impl Future<Output = Result<String, String>>,
) -> Result<String, String> {
    let done = tokio::time::timeout(TIME_LIMIT, work).await;
    done.unwrap_or_else(|_| Err("out of time".to_owned()))
}

fn text_of<T: fmt::Debug>(result: Result<T, impl fmt::Display>) -> Result<String, String> {
    let result = result.map(|done| format!("{done:?}"));
    result.map_err(|error| error.to_string())
}

/// Returns the name of the picture that a request stores. Returns `None` for any other request.
fn stored_picture(request: &WireRequest) -> Option<ObjectName> {
    let path = request.uri().path().trim_start_matches('/');
    let key = path.strip_prefix(SITE)?.strip_prefix('/')?;
    token_of_key(key).filter(|_| request.method() == http::Method::PUT)?;
    Some((SITE.to_owned(), key.to_owned()))
}
