//! A copy of the catalogue, which is brought up to date after each request. The oracle and the
//! person read it without requests.

use std::collections::BTreeMap;

use photo_catalogue::catalogue::item::{LedgerEntry, PhotoItem};
use serde_json::Value;

use super::history::SOURCE;
use super::wire::{SimulatedServices, WireRequest, operation};

/// The items and ledger entries that are in the table now.
#[derive(Default)]
pub(super) struct CatalogueMirror {
    /// The items, by stem.
    pub(super) items: BTreeMap<String, PhotoItem>,
    /// The ledger entries of the source, by source key.
    pub(super) ledger: BTreeMap<String, LedgerEntry>,
}

impl CatalogueMirror {
    /// Reads again what a request may have written. Returns the stem of the item, if it is one.
    pub(super) fn read_again(
        &mut self,
        services: &SimulatedServices,
        request: &WireRequest,
    ) -> Option<String> {
        if !matches!(
            operation(request).as_deref(),
            Some("PutItem" | "UpdateItem")
        ) {
            return None;
        }
        let pk = written_key(request)?;
        let item = services.read_item(&pk)?;
        if pk.starts_with("photo#") {
            let item: PhotoItem = serde_dynamo::from_item(item).unwrap();
            let stem = item.stem.clone();
            self.items.insert(stem.clone(), item);
            return Some(stem);
        }
        if pk.starts_with("ledger#") {
            let entry: LedgerEntry = serde_dynamo::from_item(item).unwrap();
            if entry.object.bucket.as_str() == SOURCE {
                self.ledger.insert(entry.object.key.clone(), entry);
            }
        }
        None
    }
}

/// Returns the key of the item that a request writes.
pub(super) fn written_key(request: &WireRequest) -> Option<String> {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let pk = body["Key"]["pk"]["S"].as_str();
    pk.or(body["Item"]["pk"]["S"].as_str()).map(str::to_owned)
}
