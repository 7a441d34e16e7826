//! The parameters of the routes. Several routes can share a parameter.

use serde_json::{Map, Value, json};

use super::component;
use crate::gallery::list_request::{DEFAULT_LIMIT, ListOrder, MAX_LIMIT, MAX_WORDS, PhotoRequest};
use crate::gallery::query_string::{MAX_CURSOR_BYTES, MAX_VALUE_BYTES};
use crate::gallery::random_photos::DEFAULT_COUNT;
use crate::gallery::timeline_unit::TimelineUnit;
use crate::view::list_fields;

/// The form of a year, a month, a day or a wall-clock time in a query.
const TIME_PATTERN: &str =
    r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?)?)?)?$";

/// The description of a box.
const BOX_TEXT: &str = "A box: west,south,east,north in degrees. If west is above east, it crosses the antimeridian. The photos of a small box come in order of place, if the request has no `order`.";

/// Returns the parameters as components, by their keys.
///
/// The key of a query parameter is its name. If routes accept different values under one name, the
/// keys differ: `fields` has the names of a photo in a list, and `photoFields`
/// those of the details of a photo.
pub(super) fn component_parameters() -> Map<String, Value> {
    let filters = filter_parameters();
    let table = filters.into_iter().chain(page_parameters());
    table.chain(other_parameters()).collect()
}

/// Returns the parameters that select photos.
fn filter_parameters() -> [(String, Value); 10] {
    [
        query(
            "from",
            "The first year, month, day or wall-clock time, itself included.",
            time(),
        ),
        query(
            "to",
            "The last year, month, day or wall-clock time, itself included.",
            time(),
        ),
        query(
            "camera",
            "The slug of a camera, as `/v1/cameras` lists it.",
            text("nikon-d750"),
        ),
        query(
            "lens",
            "The slug of a lens, as `/v1/lenses` lists it.",
            text("50-0-mm-f-1-8"),
        ),
        query(
            "keyword",
            "The slug of a keyword, as `/v1/keywords` lists it. The photos of its children match too.",
            text("autumn"),
        ),
        query(
            "album",
            "The slug of an album, as `/v1/albums` lists it.",
            text("japan-2026"),
        ),
        query(
            "place",
            "The slug of a country, a region or a city, as `/v1/places` lists it, or a country code in lower case.",
            text("japan"),
        ),
        query(
            "rating",
            "The lowest number of stars.",
            json!({ "type": "integer", "minimum": 1, "maximum": 5, "examples": [4] }),
        ),
        query(
            "q",
            &format!(
                "A search: at most {MAX_WORDS} words. Each must be the beginning of a word of the photo: of its title, caption, keywords, place, camera or lens."
            ),
            text("bridge kyo"),
        ),
        query("bbox", BOX_TEXT, text("13.3,52.5,13.4,52.6")),
    ]
}

/// Returns the parameters of a page of a list: its order, its size and its fields.
fn page_parameters() -> [(String, Value); 4] {
    [
        query(
            "order",
            "`newest` and `oldest`: by capture time, photos without a date last. `added`: by the time at which a photo first became public, the last one first.",
            json!({ "type": "string", "enum": [ListOrder::Newest, ListOrder::Oldest, ListOrder::Added], "default": ListOrder::default() }),
        ),
        query(
            "limit",
            "The maximum number of items on a page. A page can have fewer items and not be the last.",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT }),
        ),
        query(
            "cursor",
            "`next` of the previous page of the same query. A cursor is valid for a week.",
            json!({ "type": "string", "minLength": 1, "maxLength": MAX_CURSOR_BYTES }),
        ),
        query(
            "fields",
            &fields_text(&list_fields().join(", ")),
            plain_text(),
        ),
    ]
}

/// Returns the parameters of single routes, and the condition that every route accepts.
fn other_parameters() -> [(String, Value); 8] {
    [
        keyed(
            "photoFields",
            query(
                "fields",
                &fields_text(&format!(
                    "{}, {}",
                    list_fields().join(", "),
                    PhotoRequest::MORE_FIELDS.join(", ")
                )),
                plain_text(),
            ),
        ),
        query(
            "unit",
            "The unit of the periods.",
            json!({ "type": "string", "enum": TimelineUnit::ALL, "default": TimelineUnit::DEFAULT }),
        ),
        query(
            "seed",
            "A whole number from 0 to 2^64 - 1. With the same seed, the same catalogue gives the same photos in the same order.",
            json!({ "type": "string", "pattern": "^[0-9]{1,20}$", "examples": ["7"] }),
        ),
        keyed(
            "randomLimit",
            query(
                "limit",
                "The maximum number of photos.",
                json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_COUNT }),
            ),
        ),
        date_parameter(),
        keyed(
            "mapBbox",
            query(
                "bbox",
                "A box: west,south,east,north in degrees. If west is above east, it crosses the antimeridian. Without it, the globe.",
                text("13.3,52.5,13.4,52.6"),
            ),
        ),
        (
            "name".to_owned(),
            json!({
                "name": "name", "in": "path", "required": true,
                "description": "An id, a slug (`2018-02-01-foobar`), a stem (`2018-02-01/foobar`) or the archive key of a file (`2018-02-01/foobar.jpg`). Slashes may be written as `%2F` or as they are.",
                "schema": { "type": "string", "examples": ["2018-02-01/DSC_0001"] },
            }),
        ),
        (
            "ifNoneMatch".to_owned(),
            json!({
                "name": "If-None-Match", "in": "header",
                "description": "The ETag of the response that the client has. Browsers send it by themselves.",
                "schema": { "type": "string" },
            }),
        ),
    ]
}

/// Returns the parameter for a day of the year, which is required.
fn date_parameter() -> (String, Value) {
    let (name, mut parameter) = query(
        "date",
        "A month and a day.",
        json!({ "type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$", "examples": ["02-01"] }),
    );
    parameter["required"] = json!(true);
    (name, parameter)
}

/// Returns references to the parameters with these keys.
pub(super) fn parameter_references(keys: &[&str]) -> Vec<Value> {
    let references = keys.iter().map(|key| component("parameters", key));
    references.collect()
}

fn query(name: &str, description: &str, schema: Value) -> (String, Value) {
    let parameter =
        json!({ "name": name, "in": "query", "description": description, "schema": schema });
    (name.to_owned(), parameter)
}

/// Returns the parameter under another key than its name.
fn keyed(key: &str, (_, parameter): (String, Value)) -> (String, Value) {
    (key.to_owned(), parameter)
}

/// Returns the description of a parameter `fields` that accepts these names.
// The parameter has no example: programs that send the examples would compare the response with the
// schema of a photo with all fields.
fn fields_text(names: &str) -> String {
    format!(
        "Only these fields, separated by commas: {names}. With this parameter, each photo is a `PartialPhoto` with exactly these fields."
    )
}

fn time() -> Value {
    json!({
        "type": "string", "pattern": TIME_PATTERN,
        "examples": ["2018-02-01", "2018", "2018-02", "2018-02-01T09:41:07.670"],
    })
}

fn text(example: &str) -> Value {
    let mut schema = plain_text();
    schema["examples"] = json!([example]);
    schema
}

fn plain_text() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_VALUE_BYTES })
}
