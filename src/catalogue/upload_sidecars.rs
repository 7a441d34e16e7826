//! The sidecars among the uploads. An entry lists them under the name that they share with their photo,
//! so that organise finds them when the photo comes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::item::LedgerEntry;
use super::{Catalogue, CatalogueError, PK, request_error, text};
use crate::archive::UploadName;
use crate::object::ObjectRef;

/// The first characters of the key of every entry of sidecars.
const PREFIX: &str = "sidecars#";

/// What the table records of an upload: its ledger entry, and the sidecars of its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedUpload {
    /// The ledger entry of the upload.
    pub entry: Option<LedgerEntry>,
    /// The keys of the sidecars of a photo with the name of the upload. They are in the same bucket.
    pub sidecars: BTreeSet<String>,
}

/// An item that [`Catalogue::recorded_upload`] reads.
#[derive(Deserialize)]
#[serde(untagged)]
enum UploadItem {
    Ledger(LedgerEntry),
    Sidecars {
        pk: String,
        #[serde(default)]
        keys: BTreeSet<String>,
    },
}

impl Catalogue {
    /// Reads the ledger entry of an upload, and the sidecars of a photo with its name, in one request.
    /// The reads are strongly consistent.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails, or if an entry cannot be read.
    pub async fn recorded_upload(
        &self,
        object: &ObjectRef,
        name: &UploadName,
    ) -> Result<RecordedUpload, CatalogueError> {
        let sidecars_pk = sidecars_entry_pk(name);
        let pks = vec![LedgerEntry::pk(object), sidecars_pk.clone()];
        let mut recorded = RecordedUpload::default();
        for item in self.get_items::<UploadItem>(pks, &[]).await? {
            match item {
                UploadItem::Ledger(entry) => recorded.entry = Some(entry),
                UploadItem::Sidecars { pk, keys } if pk == sidecars_pk => {
                    recorded.sidecars = keys;
                }
                UploadItem::Sidecars { pk, .. } => {
                    let cause = "the ledger entry lacks a field".into();
                    return Err(CatalogueError::Shape { pk, cause });
                }
            }
        }
        Ok(recorded)
    }

    /// Records that the source has a sidecar of a photo with this name. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn add_sidecar(
        &self,
        name: &UploadName,
        sidecar: &ObjectRef,
    ) -> Result<(), CatalogueError> {
        self.change_sidecars("ADD", name, sidecar).await
    }

    /// Records that the source does not have a sidecar any more. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if the request fails.
    pub async fn remove_sidecar(
        &self,
        name: &UploadName,
        sidecar: &ObjectRef,
    ) -> Result<(), CatalogueError> {
        self.change_sidecars("DELETE", name, sidecar).await
    }

    async fn change_sidecars(
        &self,
        action: &str,
        name: &UploadName,
        sidecar: &ObjectRef,
    ) -> Result<(), CatalogueError> {
        let pk = sidecars_entry_pk(name);
        let key = AttributeValue::Ss(vec![sidecar.key.clone()]);
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .key(PK, text(&pk))
            .update_expression(format!("{action} #keys :key"))
            .expression_attribute_names("#keys", "keys")
            .expression_attribute_values(":key", key);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(request_error("update", &pk, error)),
        }
    }
}

/// Returns the key of the entry with the sidecars of a photo with this name.
fn sidecars_entry_pk(name: &UploadName) -> String {
    format!("{PREFIX}{name}")
}
