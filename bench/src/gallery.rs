//! Requests to the gallery of a running `photos serve`, and pictures as it lists them.

use photo_catalogue::pictures::{PictureSet, RenditionFile};
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

/// Returns pictures as render makes them of a photo with 24 megapixels. Their token and their
/// placeholder look random, so they compress as badly as real ones.
pub fn example_pictures(number: u32) -> PictureSet {
    let mut random = fastrand::Rng::with_seed(number.into());
    let mut file = |width: u32, bytes: u64| RenditionFile {
        width,
        height: width * 2 / 3,
        bytes: bytes + random.u64(0..bytes / 2),
    };
    let files = vec![
        file(2_048, 250_000),
        file(1_280, 110_000),
        file(640, 35_000),
        file(320, 11_000),
    ];
    let token = std::iter::repeat_with(|| random.char('a'..='z')).take(26);
    let token: String = token.collect();
    let placeholder: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(21).collect();
    PictureSet {
        token,
        width: 6_000,
        height: 4_000,
        files,
        original: None,
        placeholder: data_encoding::BASE64.encode(&placeholder),
        color: format!("#{:06x}", random.u32(..0x0100_0000)),
    }
}
