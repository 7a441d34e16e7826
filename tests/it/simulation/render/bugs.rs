//! Injected bugs of render: deliberate mistakes that the simulation must find. Each leaves out a step
//! or a protection, without a change of the program. The network responds as if the step had not run,
//! or writes what the program would write without the protection.
//!
//! These steps have two protections each, so no bug leaves them out:
//!
//! - The GET of the source has a condition on the ETag. Without the condition, the ETag of the response
//!   is checked. [`RenderBug::SourceEtag`] leaves out both.
//! - The read before step 7. With an older version of the item, step 7 may leave pictures. Whoever
//!   changed the item since then has written an event for these pictures. Step 7 deletes none too
//!   many, because a name that was not wanted once is never wanted again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::oracle::token_of_key;
use super::world::SITE;
use crate::simulation::bugs::InjectedRequest;
use crate::simulation::history::ARCHIVE;
use crate::simulation::mirror::written_key;
use crate::simulation::wire::{WireRequest, WireResponse, operation, response};

/// An injected bug, named after what is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RenderBug {
    /// The read of step 1 returns the version of the item before the present one.
    StaleRead,
    /// The GET of the source returns the present bytes, and the ETag that was requested.
    SourceEtag,
    /// The PUT of a picture is acknowledged, but not done.
    LostPut,
    /// The item is written without the condition on its revision.
    ItemCondition,
    /// The pictures of a public photo are not deleted.
    ReplacedDelete,
    /// The pictures of a photo that is not public are not deleted.
    HiddenDelete,
    /// A listing of pictures returns nothing.
    Listing,
    /// The event of a crashed worker is lost.
    LostEvent,
    /// An event does not contain the token that the item named.
    StoredToken,
    /// An event makes the pictures of a later plan.
    LaterPlan,
    /// The same pictures get the same epoch again.
    Epoch,
    /// Pictures from before the photo was hidden are shown.
    ShownFrom,
    /// A photo does not wait for its pictures.
    Wait,
}

impl RenderBug {
    pub(super) const ALL: [RenderBug; 13] = [
        RenderBug::StaleRead,
        RenderBug::SourceEtag,
        RenderBug::LostPut,
        RenderBug::ItemCondition,
        RenderBug::ReplacedDelete,
        RenderBug::HiddenDelete,
        RenderBug::Listing,
        RenderBug::LostEvent,
        RenderBug::StoredToken,
        RenderBug::LaterPlan,
        RenderBug::Epoch,
        RenderBug::ShownFrom,
        RenderBug::Wait,
    ];

    /// Returns a seed that found the bug. It is tried first, because a search takes long.
    pub(super) fn known_seed(self) -> u64 {
        match self {
            RenderBug::ItemCondition | RenderBug::Wait => 0,
            RenderBug::LostPut => 1,
            RenderBug::StaleRead | RenderBug::ReplacedDelete | RenderBug::Listing => 2,
            RenderBug::HiddenDelete => 3,
            RenderBug::SourceEtag => 8,
            RenderBug::ShownFrom => 11,
            RenderBug::Epoch => 17,
            RenderBug::LostEvent => 22,
            RenderBug::StoredToken => 96,
            RenderBug::LaterPlan => 347,
        }
    }
}

/// The injector of one bug. It changes requests and responses, and stores what it needs for that.
pub(super) struct RenderBugInjector {
    bug: Option<RenderBug>,
    /// The tasks that have read an item.
    readers: BTreeSet<String>,
    /// The last two versions of each item, the newest last.
    versions: BTreeMap<String, Vec<Value>>,
    /// The epoch of the first plan that wanted these pictures, by the key of the item and the
    /// pictures.
    epochs: BTreeMap<String, Value>,
}

impl RenderBugInjector {
    pub(super) fn new(bug: Option<RenderBug>) -> Self {
        RenderBugInjector {
            bug,
            readers: BTreeSet::new(),
            versions: BTreeMap::new(),
            epochs: BTreeMap::new(),
        }
    }

    pub(super) fn is_injected(&self, bug: RenderBug) -> bool {
        self.bug == Some(bug)
    }

    /// Records the new version of an item.
    pub(super) fn record_item(&mut self, pk: &str, item: &Value) {
        let versions = self.versions.entry(pk.to_owned()).or_default();
        versions.push(item.clone());
        if versions.len() > 2 {
            versions.remove(0);
        }
    }

    /// Applies the bug to a request of a task. `is_public` reports whether the photo with a token is
    /// public.
    pub(super) fn apply_to_request(
        &mut self,
        task: &str,
        request: WireRequest,
        is_public: impl Fn(&str) -> bool,
    ) -> InjectedRequest {
        let Some(bug) = self.bug else {
            return InjectedRequest::WireRequest(request);
        };
        match operation(&request) {
            Some(operation) => self.apply_to_table(bug, task, &operation, request),
            None => apply_to_store(bug, request, is_public),
        }
    }

    fn apply_to_table(
        &mut self,
        bug: RenderBug,
        task: &str,
        operation: &str,
        request: WireRequest,
    ) -> InjectedRequest {
        let pk = written_key(&request).unwrap_or_default();
        if !pk.starts_with("photo#") {
            return InjectedRequest::WireRequest(request);
        }
        let is_render = is_render_task(task);
        match operation {
            "GetItem" if is_render => match self.forge_read(bug, task, &pk) {
                Some(item) => {
                    InjectedRequest::Nothing(response(200, json!({ "Item": item }).to_string()))
                }
                None => InjectedRequest::WireRequest(request),
            },
            "PutItem" => {
                let mut body: Value = serde_json::from_slice(request.body()).unwrap();
                self.change_item(bug, is_render, &pk, &mut body);
                InjectedRequest::WireRequest(request.map(|_| body.to_string().into()))
            }
            _ => InjectedRequest::WireRequest(request),
        }
    }

    /// Returns the item that a read returns if the bug affects it.
    fn forge_read(&mut self, bug: RenderBug, task: &str, pk: &str) -> Option<Value> {
        let is_first = self.readers.insert(task.to_owned());
        let versions = self.versions.get(pk)?;
        let is_forged = bug == RenderBug::StaleRead && is_first && versions.len() == 2;
        is_forged.then(|| versions[0].clone())
    }

    fn change_item(&mut self, bug: RenderBug, is_render: bool, pk: &str, body: &mut Value) {
        let item = &mut body["Item"];
        match bug {
            RenderBug::ItemCondition if is_render => {
                let body = body.as_object_mut().unwrap();
                body.remove("ConditionExpression");
                body.remove("ExpressionAttributeValues");
            }
            RenderBug::Epoch if item["picturePlan"]["M"]["wanted"].is_object() => {
                let plan = &mut item["picturePlan"]["M"];
                let wanted = &plan["wanted"]["M"];
                let wanted = format!("{pk} {} {}", wanted["etag"], wanted["rights"]);
                let epoch = self.epochs.entry(wanted);
                plan["epoch"] = epoch.or_insert(plan["epoch"].clone()).clone();
            }
            RenderBug::ShownFrom if item["picturePlan"].is_object() => {
                item["picturePlan"]["M"]["shownFrom"] = json!({ "N": "0" });
            }
            RenderBug::Wait if item["picturePlan"].is_object() => {
                for map in ["picturePlan", "summary"] {
                    if let Some(map) = item[map]["M"].as_object_mut() {
                        map.remove("awaitedUntil");
                    }
                }
            }
            _ => {}
        }
    }
}

/// Applies a bug to a request to the store.
fn apply_to_store(
    bug: RenderBug,
    mut request: WireRequest,
    is_public: impl Fn(&str) -> bool,
) -> InjectedRequest {
    let query = request.uri().query().unwrap_or_default();
    let is_listing = query.contains("list-type");
    let path = request.uri().path().trim_start_matches('/');
    let key = path
        .strip_prefix(SITE)
        .map(|key| key.trim_start_matches('/'));
    let token = key.and_then(token_of_key).map(str::to_owned);
    let is_listing = is_listing && key.is_some();
    match (bug, request.method().as_str(), token) {
        (RenderBug::Listing, "GET", _) if is_listing => {
            InjectedRequest::Nothing(response(200, EMPTY_LISTING))
        }
        (RenderBug::LostPut, "PUT", Some(_)) => InjectedRequest::Nothing(response(200, "")),
        (RenderBug::ReplacedDelete, "DELETE", Some(token)) if is_public(&token) => {
            InjectedRequest::Nothing(response(204, ""))
        }
        (RenderBug::HiddenDelete, "DELETE", Some(token)) if !is_public(&token) => {
            InjectedRequest::Nothing(response(204, ""))
        }
        (RenderBug::SourceEtag, "GET", None) if path.starts_with(ARCHIVE) => {
            request.headers_mut().remove(http::header::IF_MATCH);
            InjectedRequest::WireRequest(request)
        }
        _ => InjectedRequest::WireRequest(request),
    }
}

/// Changes the response to a GET of a source: its ETag becomes the one in the condition of `request`.
pub(super) fn with_requested_etag(request: &WireRequest, mut answer: WireResponse) -> WireResponse {
    if let Some(etag) = request.headers().get(http::header::IF_MATCH) {
        let headers = answer.headers_mut();
        headers.insert(http::header::ETAG, etag.clone());
    }
    answer
}

/// Reports whether a task with this name is a worker of render.
fn is_render_task(task: &str) -> bool {
    task.starts_with("render")
}

/// The response to a listing that finds no object.
const EMPTY_LISTING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
