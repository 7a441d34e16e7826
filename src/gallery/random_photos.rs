//! `/v1/photos/random`: some photos of a list, chosen at random. The list is as current as the last
//! cycle of publish.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use fastrand::Rng;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::index_page::{open_list, show_if_matching};
use super::json_response::{JSON_MEDIA_TYPE, json_response, to_json_text};
use super::list_request::{ListRequest, with_filters};
use super::problem::Problem;
use super::query_string::parse_query;
use super::state::GalleryState;

/// The names of the query parameters of `/v1/photos/random`.
pub(crate) const RANDOM_PARAMETERS: [&str; 13] = with_filters(["limit", "seed", "fields"]);
/// The number of photos if the request does not set one.
pub(crate) const DEFAULT_COUNT: usize = 1;
/// The number of photos that are read at once from the table.
const PHOTOS_PER_READ: usize = 100;
/// The maximum number of reads for one request. Many photos may have been hidden since the last
/// cycle of publish. Then there are fewer photos than the request asks for.
const MAX_READS: usize = 16;

/// Handles `GET /v1/photos/random`. Each photo occurs at most once. With `seed`, the same catalogue
/// gives the same photos in the same order, and caches may keep the response. Without it, no cache
/// may.
pub(super) async fn get_random_photos(
    State(gallery): State<GalleryState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (request, seed) = parse_request(query.as_deref())?;
    let mut random = seed.map_or_else(Rng::new, Rng::with_seed);
    let items = choose_photos(&gallery, &request, &mut random).await?;
    let body = format!("{{\"items\":[{}]}}", items.join(","));
    let mut response = json_response(&headers, JSON_MEDIA_TYPE, body)?;
    if seed.is_none() {
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(CACHE_CONTROL, no_store);
    }
    Ok(response)
}

/// Parses the query string. Returns the request and the seed.
fn parse_request(query: Option<&str>) -> Result<(ListRequest, Option<u64>), Problem> {
    let mut request = ListRequest {
        limit: DEFAULT_COUNT,
        ..ListRequest::default()
    };
    let mut seed = None;
    for (name, value) in parse_query(query, &RANDOM_PARAMETERS)? {
        match name {
            "seed" => seed = Some(parse_seed(&value)?),
            _ => request.set(name, &value)?,
        }
    }
    request.filters.check_range()?;
    Ok((request, seed))
}

fn parse_seed(value: &str) -> Result<u64, Problem> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| {
        Problem::invalid_parameter("seed", "It is a whole number from 0 to 2^64 - 1.")
    })
}

/// Chooses photos that match the filters, and returns the JSON of each.
async fn choose_photos(
    gallery: &GalleryState,
    request: &ListRequest,
    random: &mut Rng,
) -> Result<Vec<String>, Problem> {
    let mut items = Vec::new();
    let Some(list) = open_list(gallery, &request.filters).await? else {
        return Ok(items);
    };
    let now = (gallery.settings.now)();
    let mut stems = list.all_stems();
    stems.sort_unstable();
    stems.dedup();
    random.shuffle(&mut stems);
    let fields = request.fields.as_deref();
    let mut rest = stems.as_slice();
    for read in 0..MAX_READS {
        if items.len() == request.limit || rest.is_empty() {
            break;
        }
        // Some more, because a photo may have been hidden.
        let wanted = match read {
            0 => (request.limit + 2).min(PHOTOS_PER_READ),
            _ => PHOTOS_PER_READ,
        };
        let (chosen, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        let summaries = gallery.catalogue.public_summaries(chosen).await?;
        let shown = chosen.iter().filter_map(|stem| {
            let summary = summaries.get(*stem)?;
            show_if_matching(&gallery.view, summary, list.query(), now)
        });
        for photo in shown.take(request.limit - items.len()) {
            items.push(to_json_text(&photo, fields)?);
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_photo_is_the_default_and_seed_is_a_number() {
        let (request, seed) = parse_request(None).expect("valid");
        assert_eq!((request.limit, seed), (1, None));
        let query = "keyword=japan&limit=5&seed=7&fields=id";
        let (request, seed) = parse_request(Some(query)).expect("valid");
        assert_eq!((request.limit, seed), (5, Some(7)));
        for query in ["seed=-1", "seed=%2B1", "seed=x", "limit=0", "order=newest"] {
            assert!(parse_request(Some(query)).is_err(), "{query}");
        }
    }
}
