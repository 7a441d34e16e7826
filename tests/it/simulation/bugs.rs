//! Injected bugs: deliberate mistakes that the simulation must find. Each leaves out one step of
//! docs/ingest-protocol.md, without a change of the program. The network responds as if the step
//! had not run, or writes what the program would write without the step.

use std::collections::{BTreeMap, BTreeSet};

use photo_catalogue::archive::Layout;
use photo_catalogue::photo_id::PhotoId;
use serde_json::{Value, json};

use super::act_kind::ActKind;
use super::mirror::written_key;
use super::wire::{WireRequest, WireResponse, operation, response};
use super::world::{PERSON, TABLE};

/// An injected bug, named after the step of docs/ingest-protocol.md that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InjectedBug {
    /// Organise, step 4: every claim succeeds, even if the stem has another photo.
    Claim,
    /// Organise, step 4: a newcomer that may be a hidden photo gets a name of its own, but is not
    /// held.
    HeldBeside,
    /// Organise, step 4: a claim counts as seen.
    SeenFlag,
    /// Organise, step 4b: the HEAD of the source that has the slot always finds no object.
    TakenSlot,
    /// Organise, step 5: the HEAD of the archive key always finds no object.
    ArchiveHead,
    /// Organise, step 5: the HEAD of the archive key does not find files by hand.
    ByHandCheck,
    /// Organise, step 2: the read of the ledger always finds no entry.
    Ledger,
    /// Organise, step 6: the ledger is written without the condition on the entry that was read.
    LedgerCondition,
    /// Index, step 2b: a copy by hand does not become kin.
    CopyKin,
    /// Index, step 2b, and m2: the item of the other stem does not get the new kin.
    KinList,
    /// Index, step 3: items are written without the condition on their revision.
    Revision,
    /// Index, step 3 for a copy that is gone: the part is removed from its item, without a
    /// tombstone, and the revision stays the same.
    Tombstone,
    /// Index, step 4: the HEAD of the file always finds the object version that index has read.
    FileCheck,
    /// Index, step 5: the HEAD of the source always finds no object.
    SourceCheck,
    /// Index, step 6: a photo in the folder of another day stays there.
    Move,
    /// A photo moves, step m1: the claim does not carry what a person has set.
    MoveCarry,
    /// A photo moves, step m4: the ledger keeps the old key.
    MoveLedger,
    /// Hide: only the named photo is hidden, not its kin.
    HideKin,
    /// Organise of a photo does not find the sidecars that wait.
    WaitingSidecars,
    /// Organise of a sidecar finds its photo neither in the listing nor in the ledger.
    SidecarPhoto,
}

impl InjectedBug {
    pub(super) const ALL: [InjectedBug; 20] = [
        InjectedBug::Claim,
        InjectedBug::HeldBeside,
        InjectedBug::SeenFlag,
        InjectedBug::TakenSlot,
        InjectedBug::ArchiveHead,
        InjectedBug::ByHandCheck,
        InjectedBug::Ledger,
        InjectedBug::LedgerCondition,
        InjectedBug::CopyKin,
        InjectedBug::KinList,
        InjectedBug::Revision,
        InjectedBug::Tombstone,
        InjectedBug::FileCheck,
        InjectedBug::SourceCheck,
        InjectedBug::Move,
        InjectedBug::MoveCarry,
        InjectedBug::MoveLedger,
        InjectedBug::HideKin,
        InjectedBug::WaitingSidecars,
        InjectedBug::SidecarPhoto,
    ];

    /// Returns a seed that found the bug. It is tried first, because a search takes long. If a change of
    /// the program has made it useless, the search finds another one.
    pub(super) fn known_seed(self) -> u64 {
        match self {
            InjectedBug::Ledger => 0,
            InjectedBug::Claim | InjectedBug::SidecarPhoto => 1,
            InjectedBug::SeenFlag => 2,
            InjectedBug::HeldBeside | InjectedBug::KinList | InjectedBug::HideKin => 6,
            InjectedBug::WaitingSidecars => 7,
            InjectedBug::MoveLedger => 9,
            InjectedBug::Move => 11,
            InjectedBug::CopyKin => 13,
            InjectedBug::ArchiveHead | InjectedBug::ByHandCheck => 15,
            InjectedBug::LedgerCondition => 79,
            InjectedBug::Tombstone => 106,
            InjectedBug::FileCheck => 109,
            InjectedBug::SourceCheck => 111,
            InjectedBug::Revision => 169,
            InjectedBug::TakenSlot => 206,
            InjectedBug::MoveCarry => 220,
        }
    }

    /// Returns the kind of act that the person does most often in the search for the bug, so that
    /// few seeds find it. Returns `None` if the act is random.
    pub(super) fn favourite_act(self) -> Option<ActKind> {
        match self {
            InjectedBug::TakenSlot | InjectedBug::SourceCheck => Some(ActKind::PutUnderSecondKey),
            InjectedBug::HeldBeside | InjectedBug::MoveCarry => Some(ActKind::Hide),
            InjectedBug::LedgerCondition | InjectedBug::Move => Some(ActKind::Put),
            InjectedBug::Tombstone => Some(ActKind::RemoveFromArchive),
            InjectedBug::WaitingSidecars | InjectedBug::SidecarPhoto => Some(ActKind::PutSidecar),
            InjectedBug::CopyKin | InjectedBug::KinList | InjectedBug::HideKin => {
                Some(ActKind::CopyInArchive)
            }
            InjectedBug::FileCheck => Some(ActKind::CopyToAnyName),
            _ => None,
        }
    }
}

/// The response to a listing that finds no object.
const EMPTY_LISTING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

/// The step to which a HEAD of an archive key belongs.
enum HeadStep {
    /// Organise, step 5.
    Organise,
    /// A step of a move, or index after it wrote nothing.
    Other,
}

/// The injector of one bug. It changes requests and responses, and stores what it needs for that.
pub(super) struct BugInjector {
    bug: Option<InjectedBug>,
    layout: Layout,
    /// The items that a task has claimed or tried to claim, until the next HEAD of the task for the
    /// item. The key is the name of the task and the key of the
    /// item.
    claimed: BTreeSet<(String, String)>,
    /// The tasks whose last request was the HEAD of step 5 of index.
    followed: BTreeSet<String>,
    /// The tasks whose last request was a put of an item.
    has_put: BTreeSet<String>,
    /// The last response to a GET of an archive key. The key is the name of the task and the
    /// archive key.
    read_files: BTreeMap<(String, String), WireResponse>,
    /// The first stem that the person has hidden in the present command, as the key of its item.
    first_hidden: Option<String>,
}

/// The result of applying a bug to a request.
pub(super) enum InjectedRequest {
    /// The network sends this request, which the bug may have changed.
    WireRequest(WireRequest),
    /// The network sends no request. The program gets this response.
    Nothing(WireResponse),
}

impl BugInjector {
    pub(super) fn new(bug: Option<InjectedBug>, layout: Layout) -> Self {
        BugInjector {
            bug,
            layout,
            claimed: BTreeSet::new(),
            followed: BTreeSet::new(),
            has_put: BTreeSet::new(),
            read_files: BTreeMap::new(),
            first_hidden: None,
        }
    }

    /// Records that a person begins to hide a photo.
    pub(super) fn begin_to_hide(&mut self, id: &PhotoId) {
        self.first_hidden = Some(format!("photo#{id}"));
    }

    /// Applies the bug to a request of a task, before the network sends the request.
    pub(super) fn apply_to_request(&mut self, task: &str, request: WireRequest) -> InjectedRequest {
        let Some(bug) = self.bug else {
            return InjectedRequest::WireRequest(request);
        };
        let has_followed = self.followed.remove(task);
        let has_put = self.has_put.remove(task);
        let Some(operation) = operation(&request) else {
            let is_list = request
                .uri()
                .query()
                .is_some_and(|query| query.contains("list-type"));
            return match (request.method(), bug) {
                (&http::Method::HEAD, _) => self.apply_to_head(bug, task, request, has_put),
                (_, InjectedBug::SidecarPhoto) if is_list => {
                    InjectedRequest::Nothing(response(200, EMPTY_LISTING))
                }
                _ => InjectedRequest::WireRequest(request),
            };
        };
        let pk = written_key(&request).unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let is_photo = pk.starts_with("photo#");
        if operation == "PutItem" && is_photo {
            self.has_put.insert(task.to_owned());
        }
        let changed = match (operation.as_str(), bug) {
            ("BatchGetItem", InjectedBug::Ledger) => {
                let nothing = json!({ "Responses": { (TABLE): [] }, "UnprocessedKeys": {} });
                return InjectedRequest::Nothing(response(200, nothing.to_string()));
            }
            ("BatchGetItem", InjectedBug::WaitingSidecars) => Some(without_waiting_sidecars(body)),
            ("BatchGetItem", InjectedBug::SidecarPhoto) if reads_only_ledger(&body) => {
                let nothing = json!({ "Responses": { (TABLE): [] }, "UnprocessedKeys": {} });
                return InjectedRequest::Nothing(response(200, nothing.to_string()));
            }
            // The first request of a move reads the item.
            ("GetItem", InjectedBug::Move) if is_photo && has_followed => None,
            ("PutItem", InjectedBug::HideKin)
                if task == PERSON && self.first_hidden.as_ref() != Some(&pk) =>
            {
                None
            }
            ("PutItem", _) if is_photo => Some(change_item_put(bug, body)),
            ("PutItem", _) => {
                // The put of the ledger ends the search for a name.
                self.claimed.retain(|(claimer, _)| claimer != task);
                change_ledger_put(bug, body)
            }
            ("UpdateItem", _) if is_photo => {
                if is_claim(&body) {
                    self.claimed.retain(|(claimer, _)| claimer != task);
                    self.claimed.insert((task.to_owned(), pk));
                }
                Some(change_update(bug, body))
            }
            _ => Some(body),
        };
        match changed {
            Some(body) => {
                let sent = request.map(|_| body.to_string().into());
                InjectedRequest::WireRequest(sent)
            }
            None => InjectedRequest::Nothing(response(200, "{}")),
        }
    }

    fn apply_to_head(
        &mut self,
        bug: InjectedBug,
        task: &str,
        request: WireRequest,
        has_put: bool,
    ) -> InjectedRequest {
        let nothing = InjectedRequest::Nothing(response(404, ""));
        let (bucket, key) = place(&request);
        if bucket == self.layout.source_bucket().as_str() {
            // The HEAD of step 4b comes between the claim and the HEAD of step 5.
            let is_of_organise = self.claimed.iter().any(|(claimer, _)| claimer == task);
            if !is_of_organise {
                self.followed.insert(task.to_owned());
            }
            return match (is_of_organise, bug) {
                (true, InjectedBug::TakenSlot) | (false, InjectedBug::SourceCheck) => nothing,
                _ => InjectedRequest::WireRequest(request),
            };
        }
        match (self.take_head_step(task, &request), bug) {
            (HeadStep::Organise, InjectedBug::ArchiveHead) => nothing,
            (HeadStep::Organise, InjectedBug::ByHandCheck) => {
                InjectedRequest::WireRequest(mark_step(request))
            }
            // Directly after the put of an item, index looks at the file once more.
            (HeadStep::Other, InjectedBug::FileCheck) if has_put => {
                let read = self.read_files.get(&(task.to_owned(), key));
                InjectedRequest::Nothing(read.cloned().unwrap_or_else(|| response(404, "")))
            }
            _ => InjectedRequest::WireRequest(request),
        }
    }

    /// Finds out to which step a HEAD of an archive key belongs.
    fn take_head_step(&mut self, task: &str, request: &WireRequest) -> HeadStep {
        let (_, key) = place(request);
        let key = self.layout.archive_key(&key).unwrap();
        let pk = format!("photo#{}", PhotoId::from_stem(key.stem()));
        let of_task = (task.to_owned(), pk);
        match self.claimed.remove(&of_task) {
            true => HeadStep::Organise,
            false => HeadStep::Other,
        }
    }

    /// Applies the bug to the response to a request, and returns the changed response. `request` is
    /// the request as it was sent.
    pub(super) fn apply_to_response(
        &mut self,
        task: &str,
        request: &WireRequest,
        mut answer: WireResponse,
    ) -> WireResponse {
        if operation(request).is_some() {
            return answer;
        }
        let (bucket, key) = place(request);
        if bucket != self.layout.archive_bucket().as_str() {
            return answer;
        }
        if request.method() == http::Method::GET {
            let read = (task.to_owned(), key.clone());
            self.read_files.insert(read, head_response(&answer));
        }
        let target = answer.headers().get("x-amz-meta-photo-target");
        let is_own = target.is_some_and(|target| target.to_str().ok() == Some(&key));
        match self.bug {
            Some(InjectedBug::ByHandCheck) if is_marked(request) && !is_own => response(404, ""),
            // Without its metadata, a copy by hand has nothing to do with another item.
            Some(InjectedBug::CopyKin) if request.method() == http::Method::GET && !is_own => {
                for name in ["source", "source-etag", "content", "target"] {
                    let name = format!("x-amz-meta-photo-{name}");
                    answer.headers_mut().remove(name.as_str());
                }
                answer
            }
            _ => answer,
        }
    }
}

/// Builds the response to a HEAD from the response to a ranged GET of the same object version.
fn head_response(read: &WireResponse) -> WireResponse {
    let status = match read.status().as_u16() {
        206 => 200,
        status => status,
    };
    let mut head = response(status, "");
    *head.headers_mut() = read.headers().clone();
    let headers = head.headers_mut();
    let range = headers.remove(http::header::CONTENT_RANGE);
    let bytes = range.and_then(|range| {
        let (_, bytes) = range.to_str().ok()?.rsplit_once('/')?;
        http::HeaderValue::from_str(bytes).ok()
    });
    if let Some(bytes) = bytes {
        headers.insert(http::header::CONTENT_LENGTH, bytes);
    }
    head
}

/// Marks the HEAD of step 5 of organise for [`BugInjector::apply_to_response`].
fn mark_step(mut request: WireRequest) -> WireRequest {
    let headers = request.headers_mut();
    headers.insert("x-simulated-step", http::HeaderValue::from_static("5"));
    request
}

fn is_marked(request: &WireRequest) -> bool {
    request.headers().contains_key("x-simulated-step")
}

/// Returns the bucket and the key of a request to the store.
fn place(request: &WireRequest) -> (String, String) {
    let path = request.uri().path().trim_start_matches('/');
    // In these keys, only `~` and `/` can be written in two ways in a URL.
    let path = path.replace("%7E", "~");
    let (bucket, key) = path.split_once('/').unwrap();
    (bucket.to_owned(), key.to_owned())
}

/// Removes the entry of the waiting sidecars from a request for several items.
fn without_waiting_sidecars(mut body: Value) -> Value {
    let keys = body["RequestItems"][TABLE]["Keys"].as_array_mut();
    if let Some(keys) = keys {
        keys.retain(|key| {
            let pk = key["pk"]["S"].as_str().unwrap_or_default();
            !pk.starts_with("sidecars#")
        });
    }
    body
}

/// Reports whether a request for several items reads only ledger entries, as organise of a sidecar does.
fn reads_only_ledger(body: &Value) -> bool {
    let keys = body["RequestItems"][TABLE]["Keys"].as_array();
    let is_ledger = |key: &Value| {
        let pk = key["pk"]["S"].as_str().unwrap_or_default();
        pk.starts_with("ledger#")
    };
    keys.is_some_and(|keys| keys.iter().all(is_ledger))
}

fn is_claim(body: &Value) -> bool {
    body["ExpressionAttributeValues"].get(":evidence").is_some()
}

fn remove_condition(body: &mut Value) {
    let body = body.as_object_mut().unwrap();
    body.remove("ConditionExpression");
    body.remove("ExpressionAttributeValues");
}

/// Applies a bug to a put of an item.
fn change_item_put(bug: InjectedBug, mut body: Value) -> Value {
    let is_replaced = body["ExpressionAttributeValues"].get(":read").is_some();
    match bug {
        InjectedBug::Revision if is_replaced => remove_condition(&mut body),
        InjectedBug::Tombstone => drop_tombstones(&mut body),
        InjectedBug::SeenFlag => set_all_seen(&mut body["Item"]["evidence"]),
        // Only the claim of a move creates an item with kin and without parts.
        InjectedBug::MoveCarry
            if !is_replaced
                && body["Item"]["kin"]["L"].is_array()
                && body["Item"]["parts"]["M"] == json!({}) =>
        {
            let item = body["Item"].as_object_mut().unwrap();
            item.remove("overrides");
            item.remove("heldFor");
        }
        _ => {}
    }
    body
}

/// Applies a bug to a put of a ledger entry. Returns `None` if nothing is written.
fn change_ledger_put(bug: InjectedBug, mut body: Value) -> Option<Value> {
    let condition = body["ConditionExpression"].as_str().unwrap_or_default();
    // The put of a move has a condition on the version alone.
    let is_of_move = !condition.is_empty()
        && !condition.contains("archiveKey")
        && !condition.contains("attribute_not_exists");
    match bug {
        InjectedBug::MoveLedger if is_of_move => return None,
        // Without the read, the condition on the entry would always fail.
        InjectedBug::Ledger | InjectedBug::LedgerCondition if !is_of_move => {
            remove_condition(&mut body);
        }
        _ => {}
    }
    Some(body)
}

/// Applies a bug to an update of an item: a claim, or a new kin.
fn change_update(bug: InjectedBug, mut body: Value) -> Value {
    let is_claim = is_claim(&body);
    match bug {
        InjectedBug::Claim if is_claim => {
            body["ConditionExpression"] = Value::Null;
            let body = body.as_object_mut().unwrap();
            body.remove("ConditionExpression");
            let values = body["ExpressionAttributeValues"].as_object_mut().unwrap();
            for name in [":from", ":to", ":slot"] {
                values.remove(name);
            }
        }
        InjectedBug::HeldBeside if is_claim => {
            let update = body["UpdateExpression"].as_str().unwrap_or_default();
            let update = update.replace(", heldFor = :held", "");
            body["UpdateExpression"] = json!(update);
            let values = body["ExpressionAttributeValues"].as_object_mut().unwrap();
            values.remove(":held");
        }
        InjectedBug::SeenFlag if is_claim => {
            set_all_seen(&mut body["ExpressionAttributeValues"][":evidence"]);
        }
        InjectedBug::KinList if !is_claim => {
            body["UpdateExpression"] = json!("SET revision = revision + :one");
            body["ConditionExpression"] = json!("attribute_exists(pk)");
            let one = body["ExpressionAttributeValues"][":one"].clone();
            body["ExpressionAttributeValues"] = json!({ ":one": one });
        }
        _ => {}
    }
    body
}

fn set_all_seen(evidence: &mut Value) {
    for entry in evidence["L"].as_array_mut().into_iter().flatten() {
        entry["M"]["seen"] = json!({ "BOOL": true });
    }
}

/// Removes the tombstones from the item in a request. If there was one, also lowers the revision by
/// one, to the revision that the task has read.
fn drop_tombstones(body: &mut Value) {
    let Some(parts) = body["Item"]["parts"]["M"].as_object_mut() else {
        return;
    };
    let before = parts.len();
    parts.retain(|_, part| part["M"]["removed"]["BOOL"] != json!(true));
    if parts.len() < before {
        let revision = body["Item"]["revision"]["N"].as_str().unwrap();
        let revision: u64 = revision.parse().unwrap();
        body["Item"]["revision"]["N"] = json!((revision - 1).to_string());
    }
}
