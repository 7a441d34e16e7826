//! Scans of the whole ledger, for commands of the owner only. The ledger records, for each
//! source object, what ingest did with its bytes. There is no index of the ledger, so a scan reads
//! the whole table.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use futures::stream::Stream;

use super::item::{LedgerEntry, LedgerOutcome, PhotoItem};
use super::{Catalogue, CatalogueError, from_attributes, text};

/// The number of segments of the table that one scan reads at the same time.
const SCAN_SEGMENTS: i32 = 8;

impl Catalogue {
    /// Reads the ledger entries of all uploads of a photo, in the order of their objects. Several
    /// uploads may have the same bytes, and one archived file. The scan reads the whole table in eight
    /// segments at once, and DynamoDB charges for all of it.
    ///
    /// # Errors
    /// Returns an error if a request fails, or if an entry cannot be read.
    pub async fn uploads_of(&self, photo: &PhotoItem) -> Result<Vec<LedgerEntry>, CatalogueError> {
        let keys: BTreeSet<&str> = photo.parts.values().map(|part| part.key.as_str()).collect();
        // An operand of IN has at most 100 values, and no photo has so many files.
        let keys: Vec<&str> = keys.into_iter().take(100).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = (0..keys.len())
            .map(|number| format!(":key{number}"))
            .collect();
        let filter = format!(
            "begins_with(pk, :ledger) AND archiveKey IN ({})",
            names.join(", ")
        );
        let mut request = self
            .client
            .scan()
            .filter_expression(filter)
            .expression_attribute_values(":ledger", text(LedgerEntry::PREFIX));
        for (name, key) in names.into_iter().zip(keys) {
            request = request.expression_attribute_values(name, text(key));
        }
        let segments = (0..SCAN_SEGMENTS).map(|segment| {
            let request = request
                .clone()
                .segment(segment)
                .total_segments(SCAN_SEGMENTS);
            let entries = self.scan_attributes(request);
            let entries = entries.and_then(|item| async move {
                from_attributes::<LedgerEntry>(LedgerEntry::PREFIX, item)
            });
            entries.try_collect::<Vec<LedgerEntry>>()
        });
        let mut found = futures::future::try_join_all(segments).await?.concat();
        found.retain(|entry| entry.copied_to().is_some());
        found.sort_by(|one, other| one.object.cmp(&other.object));
        Ok(found)
    }

    /// Reads the ledger entries of objects that ingest skipped because they are not photos, in no
    /// particular order. The scan reads the whole table, and DynamoDB charges for all of it. The
    /// scan sends requests only when the stream is polled: one for each 1 MB of the table.
    ///
    /// # Errors
    /// An element of the stream is an error if a request fails, or if an entry cannot be read.
    pub fn scan_skipped_entries(
        &self,
    ) -> impl Stream<Item = Result<LedgerEntry, CatalogueError>> + Send + use<> {
        let request = self
            .client
            .scan()
            .filter_expression("begins_with(pk, :ledger) AND outcome = :skipped")
            .expression_attribute_values(":ledger", text(LedgerEntry::PREFIX))
            .expression_attribute_values(":skipped", text(LedgerOutcome::Skipped.as_str()));
        self.scan_attributes(request)
            .and_then(|item| async move { from_attributes(LedgerEntry::PREFIX, item) })
    }
}
