//! Steps of the protocol left out, one at a time, without a line of the program being changed: the wire answers as though the
//! step had never asked, or writes what would have been written without it.

use std::collections::BTreeMap;

use photo_catalogue::archive::Layout;
use photo_catalogue::photo_id::PhotoId;
use serde_json::{Value, json};

use super::wire::{Request, Response, operation, response};

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Organise 2: every claim succeeds.
    Claim,
    /// Index 3: items are written whatever their revision.
    Revision,
    /// Organise 3: there is never anything under the archive key.
    ArchiveHead,
    /// Organise 3: what is not ours is not seen.
    ForeignLook,
    /// Index 4: the copy is always as it was written down.
    Verify,
    /// Index 5: the source is never looked at.
    SourceHead,
    /// The ledger knows nothing.
    Ledger,
    /// Index 3: a part that is gone is dropped from its item, which is written only if that leaves anything to say.
    Tombstone,
}

impl Bug {
    pub(super) const ALL: [Bug; 8] = [
        Bug::Claim,
        Bug::Revision,
        Bug::ArchiveHead,
        Bug::ForeignLook,
        Bug::Verify,
        Bug::SourceHead,
        Bug::Ledger,
        Bug::Tombstone,
    ];
}

/// What is injected, and what it has to remember.
pub(super) struct Injected {
    bug: Option<Bug>,
    layout: Layout,
    /// Items that a task wrote by index 3 and has not looked at since: their parts as written.
    written: BTreeMap<(String, String), Value>,
}

/// A request as the bug has it.
pub(super) enum Sent {
    /// Send this.
    Request(Request),
    /// Nothing is sent, and this is the answer.
    Nothing(Response),
}

impl Injected {
    pub(super) fn new(bug: Option<Bug>, layout: Layout) -> Self {
        Injected {
            bug,
            layout,
            written: BTreeMap::new(),
        }
    }

    /// What becomes of a request before it is sent.
    pub(super) fn send(&mut self, task: &str, request: Request) -> Sent {
        let Some(bug) = self.bug else {
            return Sent::Request(request);
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
                    return Sent::Request(request);
                }
                self.written
                    .insert((task.to_owned(), pk), body["Item"]["parts"]["M"].clone());
                match bug {
                    Bug::Revision => {
                        let body = body.as_object_mut().unwrap();
                        body.remove("ConditionExpression");
                        body.remove("ExpressionAttributeValues");
                    }
                    Bug::Tombstone => forget_the_removed(&mut body),
                    _ => return Sent::Request(request),
                }
                Sent::Request(request.map(|_| body.to_string().into()))
            }
            Some("GetItem") if bug == Bug::Ledger => {
                let body = String::from_utf8_lossy(request.body());
                if body.contains("\"ledger#") {
                    Sent::Nothing(response(200, "{}"))
                } else {
                    Sent::Request(request)
                }
            }
            Some(_) => Sent::Request(request),
            None if request.method() == http::Method::HEAD => self.head(bug, task, request),
            None => Sent::Request(request),
        }
    }

    fn head(&mut self, bug: Bug, task: &str, request: Request) -> Sent {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let (bucket, key) = path.split_once('/').unwrap();
        if bucket == self.layout.source_bucket() {
            return match bug {
                Bug::SourceHead => Sent::Nothing(response(404, "")),
                _ => Sent::Request(request),
            };
        }
        // `~` and `/` are all that these keys have of characters that could be spelt in two ways.
        let key = self.layout.archive_key(&key.replace("%7E", "~")).unwrap();
        let pk = format!("photo#{}", PhotoId::from_stem(key.stem()));
        // After index 3, the next HEAD of its task is that of index 4; any other is that of organise 3.
        match (self.written.remove(&(task.to_owned(), pk)), bug) {
            (Some(parts), Bug::Verify) => {
                let part = &parts[key.part()]["M"];
                let text = |name: &str| part[name]["S"].as_str().unwrap_or_default();
                if part["removed"]["BOOL"] == json!(true) {
                    return Sent::Nothing(response(404, ""));
                }
                let modified = chrono::DateTime::parse_from_rfc3339(text("lastModified")).unwrap();
                let modified = modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                // The metadata are looked at only in what index 2 read.
                let mut answer = response(200, "");
                let headers = answer.headers_mut();
                headers.insert("etag", format!("\"{}\"", text("etag")).parse().unwrap());
                headers.insert("last-modified", modified.parse().unwrap());
                Sent::Nothing(answer)
            }
            (None, Bug::ArchiveHead) => Sent::Nothing(response(404, "")),
            _ => Sent::Request(request),
        }
    }

    /// What becomes of an answer: `foreign` tells that the object is not a copy of ours.
    pub(super) fn receive(&self, request: &Request, answer: Response) -> Response {
        let head = request.method() == http::Method::HEAD;
        let ours = answer.headers().contains_key("x-amz-meta-photo-owner");
        let archive = format!("/{}/", self.layout.archive_bucket());
        match self.bug {
            Some(Bug::Claim)
                if answer.status() == 400
                    && operation(request).as_deref() == Some("PutItem")
                    && is_stub(request) =>
            {
                response(200, "{}")
            }
            Some(Bug::ForeignLook)
                if head && !ours && request.uri().path().starts_with(&archive) =>
            {
                response(404, "")
            }
            _ => answer,
        }
    }
}

fn is_stub(request: &Request) -> bool {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    body["Item"]["revision"]["N"] == json!("0")
}

/// The item without its tombstones, at the revision that was read.
fn forget_the_removed(body: &mut Value) {
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
