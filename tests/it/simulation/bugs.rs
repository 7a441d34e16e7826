//! Injected bugs: deliberate mistakes that the simulation must find. Each leaves out one step of
//! docs/ingest-protocol.md, without a change of the program. The network responds as if the step
//! had not run, or writes what the program would write without the step.

use std::collections::BTreeMap;

use photo_catalogue::archive::Layout;
use photo_catalogue::photo_id::PhotoId;
use serde_json::{Value, json};

use super::wire::{WireRequest, WireResponse, operation, response};

/// An injected bug, named after the step of docs/ingest-protocol.md that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InjectedBug {
    /// Organise, step 2b: every claim succeeds, even if another owner has the stem.
    Claim,
    /// Index, step 3: items are written without the condition on their revision.
    Revision,
    /// Organise, step 3: the HEAD of the archive key always finds no object.
    ArchiveHead,
    /// Organise, step 3: the HEAD of the archive key does not find foreign files.
    ForeignCheck,
    /// Index, step 4: the HEAD of the copy always finds the version that the item lists.
    Verify,
    /// Index, step 5: the HEAD of the source always finds no object.
    SourceHead,
    /// Organise, step 2a: the read of the ledger always finds no entry.
    Ledger,
    /// Index, step 3 for a copy that is gone: the part is removed from its item, without a
    /// tombstone, and the revision stays the same.
    Tombstone,
}

impl InjectedBug {
    pub(super) const ALL: [InjectedBug; 8] = [
        InjectedBug::Claim,
        InjectedBug::Revision,
        InjectedBug::ArchiveHead,
        InjectedBug::ForeignCheck,
        InjectedBug::Verify,
        InjectedBug::SourceHead,
        InjectedBug::Ledger,
        InjectedBug::Tombstone,
    ];

    /// Returns the seed at which the search for the bug starts. The search for a rare bug starts
    /// shortly before the first seed that finds it today, which saves minutes. The test fails only
    /// after it has tried all seeds.
    pub(super) fn first_seed(self) -> u64 {
        match self {
            InjectedBug::SourceHead => 1_000,
            InjectedBug::Ledger => 240,
            _ => 0,
        }
    }
}

/// The injector of one bug. It changes requests and responses, and stores what it needs for that.
pub(super) struct BugInjector {
    bug: Option<InjectedBug>,
    layout: Layout,
    /// The parts of the items that a task wrote in step 3 of index, until the task reads the item
    /// again. The key is the name of the task and the key of the item.
    written: BTreeMap<(String, String), Value>,
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
            written: BTreeMap::new(),
        }
    }

    /// Applies the bug to a request of a task, before the network sends the request.
    pub(super) fn apply_to_request(&mut self, task: &str, request: WireRequest) -> InjectedRequest {
        let Some(bug) = self.bug else {
            return InjectedRequest::WireRequest(request);
        };
        match operation(&request).as_deref() {
            Some("PutItem") => {
                let mut body: Value = serde_json::from_slice(request.body()).unwrap();
                let pk = body["Item"]["pk"]["S"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let revision = body["Item"]["revision"]["N"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                if !pk.starts_with("photo#") || revision == "0" {
                    return InjectedRequest::WireRequest(request);
                }
                self.written
                    .insert((task.to_owned(), pk), body["Item"]["parts"]["M"].clone());
                match bug {
                    InjectedBug::Revision => {
                        let body = body.as_object_mut().unwrap();
                        body.remove("ConditionExpression");
                        body.remove("ExpressionAttributeValues");
                    }
                    InjectedBug::Tombstone => drop_tombstones(&mut body),
                    _ => return InjectedRequest::WireRequest(request),
                }
                InjectedRequest::WireRequest(request.map(|_| body.to_string().into()))
            }
            Some("GetItem") if bug == InjectedBug::Ledger => {
                let body = String::from_utf8_lossy(request.body());
                if body.contains("\"ledger#") {
                    InjectedRequest::Nothing(response(200, "{}"))
                } else {
                    InjectedRequest::WireRequest(request)
                }
            }
            Some(_) => InjectedRequest::WireRequest(request),
            None if request.method() == http::Method::HEAD => {
                self.apply_to_head(bug, task, request)
            }
            None => InjectedRequest::WireRequest(request),
        }
    }

    fn apply_to_head(
        &mut self,
        bug: InjectedBug,
        task: &str,
        request: WireRequest,
    ) -> InjectedRequest {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let (bucket, key) = path.split_once('/').unwrap();
        if bucket == self.layout.source_bucket().as_str() {
            return match bug {
                InjectedBug::SourceHead => InjectedRequest::Nothing(response(404, "")),
                _ => InjectedRequest::WireRequest(request),
            };
        }
        // In these keys, only `~` and `/` can be written in two ways in a URL.
        let key = self.layout.archive_key(&key.replace("%7E", "~")).unwrap();
        let pk = format!("photo#{}", PhotoId::from_stem(key.stem()));
        // After step 3 of index, the next HEAD of the task belongs to step 4 of index. Any other
        // HEAD belongs to step 3 of organise.
        match (self.written.remove(&(task.to_owned(), pk)), bug) {
            (Some(parts), InjectedBug::Verify) => {
                let part = &parts[key.part()]["M"];
                let text = |name: &str| part[name]["S"].as_str().unwrap_or_default();
                if part["removed"]["BOOL"] == json!(true) {
                    return InjectedRequest::Nothing(response(404, ""));
                }
                let modified = chrono::DateTime::parse_from_rfc3339(text("lastModified")).unwrap();
                let modified = modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                // Only step 2 of index reads the user metadata, so this response has none.
                let mut answer = response(200, "");
                let headers = answer.headers_mut();
                headers.insert("etag", format!("\"{}\"", text("etag")).parse().unwrap());
                headers.insert("last-modified", modified.parse().unwrap());
                InjectedRequest::Nothing(answer)
            }
            (None, InjectedBug::ArchiveHead) => InjectedRequest::Nothing(response(404, "")),
            _ => InjectedRequest::WireRequest(request),
        }
    }

    /// Applies the bug to the response to a request, and returns the changed response.
    pub(super) fn apply_to_response(
        &self,
        request: &WireRequest,
        answer: WireResponse,
    ) -> WireResponse {
        let head = request.method() == http::Method::HEAD;
        let ours = answer.headers().contains_key("x-amz-meta-photo-owner");
        let archive = format!("/{}/", self.layout.archive_bucket());
        match self.bug {
            Some(InjectedBug::Claim)
                if answer.status() == 400
                    && operation(request).as_deref() == Some("PutItem")
                    && puts_stub(request) =>
            {
                response(200, "{}")
            }
            Some(InjectedBug::ForeignCheck)
                if head && !ours && request.uri().path().starts_with(&archive) =>
            {
                response(404, "")
            }
            _ => answer,
        }
    }
}

fn puts_stub(request: &WireRequest) -> bool {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    body["Item"]["revision"]["N"] == json!("0")
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
        let revision: u64 = body["Item"]["revision"]["N"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        body["Item"]["revision"]["N"] = json!((revision - 1).to_string());
    }
}
