//! Scans of the whole ledger, for the command `photos skipped` only. The ledger records, for each
//! source object, what ingest did with its bytes. There is no index of the ledger, so a scan reads
//! the whole table.

use futures::TryStreamExt;
use futures::stream::Stream;

use super::item::{LedgerEntry, LedgerOutcome};
use super::{Catalogue, CatalogueError, from_attributes, text};

impl Catalogue {
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
