//! Reading the ledger as a whole. For the owner's commands only: it has no index, so this scans the table.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::LedgerEntry;
use super::{Catalogue, CatalogueError, failed, from_attributes};

/// Where a scan of the ledger goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPosition(String);

impl Catalogue {
    /// A page of the entries of uploads that were skipped, in no order, and where the next page begins. A page may be
    /// empty and not be the last. Reads the whole table, 1 MB a page, and costs as much.
    ///
    /// # Errors
    /// See [`CatalogueError`].
    pub async fn skipped(
        &self,
        after: Option<LedgerPosition>,
    ) -> Result<(Vec<LedgerEntry>, Option<LedgerPosition>), CatalogueError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let mut request = self
            .client
            .scan()
            .table_name(&self.table)
            .filter_expression("begins_with(pk, :ledger) AND outcome = :skipped")
            .expression_attribute_values(":ledger", text("ledger#"))
            .expression_attribute_values(":skipped", text("skipped"));
        if let Some(LedgerPosition(pk)) = after {
            request = request.exclusive_start_key("pk", AttributeValue::S(pk));
        }
        let page = request
            .send()
            .await
            .map_err(|error| failed("scan", "ledger#", &error))?;
        let next = page
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("pk")?.as_s().ok())
            .map(|pk| LedgerPosition(pk.clone()));
        let entries = page.items.unwrap_or_default().into_iter();
        let entries = entries.map(|item| from_attributes("ledger#", item));
        Ok((entries.collect::<Result<_, _>>()?, next))
    }
}
