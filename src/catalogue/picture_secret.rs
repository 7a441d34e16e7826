//! The secret from which the names of pictures are made. It is an item of the photos table, so every
//! program that makes pictures of these photos has the same secret.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Catalogue, CatalogueError, NO_ITEM, PK, is_failed_condition, request_error, text};

/// The key of the item with the secret.
const PICTURE_SECRET: &str = "pictureSecret";
/// The attribute with the secret, in the item.
const SECRET: &str = "secret";

impl Catalogue {
    /// Returns the picture secret of the table. If the table has none, stores `new` and returns it. If
    /// another program stores one at the same time, returns that one. A repeat is safe.
    ///
    /// # Errors
    /// Returns a [`CatalogueError`] if a request fails.
    pub async fn picture_secret(&self, new: &str) -> Result<String, CatalogueError> {
        if let Some(secret) = self.read_picture_secret().await? {
            return Ok(secret);
        }
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(PK, text(PICTURE_SECRET))
            .item(SECRET, text(new))
            .condition_expression(NO_ITEM);
        match request.send().await {
            Ok(_) => Ok(new.to_owned()),
            Err(error) if is_failed_condition(&error) => {
                let secret = self.read_picture_secret().await?;
                Ok(secret.unwrap_or_else(|| new.to_owned()))
            }
            Err(error) => Err(request_error("put", PICTURE_SECRET, error)),
        }
    }

    async fn read_picture_secret(&self) -> Result<Option<String>, CatalogueError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(PICTURE_SECRET))
            .consistent_read(true);
        let response = request.send().await;
        let response = response.map_err(|error| request_error("get", PICTURE_SECRET, error))?;
        let secret = response.item.and_then(|mut item| item.remove(SECRET));
        Ok(match secret {
            Some(AttributeValue::S(secret)) => Some(secret),
            _ => None,
        })
    }
}
