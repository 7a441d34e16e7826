//! Requests to the gallery of a running `photos serve`.

use serde_json::Value;

use crate::{BenchResult, install_tls_provider};

/// Returns the number of photos that the gallery lists. `gallery_url` is the base URL.
///
/// # Errors
/// The gallery cannot be reached, or its response is not a list.
pub async fn count_listed_photos(gallery_url: &str) -> BenchResult<usize> {
    install_tls_provider();
    let client = reqwest::Client::new();
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let url = format!("{gallery_url}/v1/photos?fields=id&limit=200{cursor}");
        let page: Value = client.get(url).send().await?.json().await?;
        count += page["items"].as_array().map_or(0, Vec::len);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(count),
        }
    }
}
