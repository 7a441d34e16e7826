//! The OpenAPI 3.1 document of the API.
//!
//! It is built from the constants that the routes use and from schema/photo.schema.json. The file
//! schema/openapi.json is this document. A test compares the two.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::bounding_box::MAX_CELLS;
use super::json_response::{GEOJSON_MEDIA_TYPE, JSON_MEDIA_TYPE};
use super::list_request::{DEFAULT_LIMIT, LIST_PARAMETERS, MAX_LIMIT};
use super::map_request::MAP_PARAMETERS;
use super::problem::ProblemKind;
use super::query_string::MAX_VALUE_BYTES;
use super::timeline_unit::TimelineUnit;
use crate::view::list_fields;

/// The text of the JSON Schema for a photo in a list.
const PHOTO_SCHEMA: &str = include_str!("../../schema/photo.schema.json");

/// Returns the OpenAPI document of the gallery, as `/openapi.json` serves it.
pub fn openapi_document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(build_document);
    &DOCUMENT
}

fn build_document() -> Value {
    let list_parameters: Vec<Value> = LIST_PARAMETERS.into_iter().map(list_parameter).collect();
    let fields = |of: &str| query_parameter("fields", of, text_schema());
    let unit =
        json!({ "type": "string", "enum": TimelineUnit::ALL, "default": TimelineUnit::DEFAULT });
    let name = json!({
        "name": "name", "in": "path", "required": true, "schema": { "type": "string" },
        "description": "An id, a slug (2018-02-01-foobar), a stem (2018-02-01/foobar) or an archive key (2018-02-01/foobar.jpg). Slashes may stand as they are.",
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "photo-catalogue gallery",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Photos by date, camera, lens and place, as far as they are public. Errors are problems as RFC 9457 has them. Answers carry a weak ETag; If-None-Match is answered with 304.",
        },
        "paths": {
            "/v1/photos": route_item("Photos, newest first", list_parameters, list_schema("Photo"), JSON_MEDIA_TYPE, true),
            "/v1/photos/{name}": add_not_found(route_item(
                "One photo, with its public tags",
                vec![name, fields("Only these fields, separated by commas; tags is one.")],
                schema_reference("DetailedPhoto"),
                JSON_MEDIA_TYPE,
                true,
            )),
            "/v1/timeline": route_item(
                "Photos of each period that has any, newest first",
                vec![query_parameter("unit", "What to count by.", unit)],
                schema_reference("Timeline"),
                JSON_MEDIA_TYPE,
                true,
            ),
            "/v1/cameras": route_item("Cameras, most photos first", vec![], schema_reference("Facets"), JSON_MEDIA_TYPE, true),
            "/v1/lenses": route_item("Lenses, most photos first", vec![], schema_reference("Facets"), JSON_MEDIA_TYPE, true),
            "/v1/map": route_item(
                "Where photos were taken, as GeoJSON (RFC 7946): the points of a small box, clusters of a large one or of the globe",
                MAP_PARAMETERS.into_iter().map(map_parameter).collect(),
                schema_reference("Map"),
                GEOJSON_MEDIA_TYPE,
                true,
            ),
            "/openapi.json": route_item("This document", vec![], json!({ "type": "object" }), JSON_MEDIA_TYPE, true),
            "/healthz": route_item(
                "That it runs",
                vec![],
                object_schema(json!({ "status": { "type": "string", "enum": ["ok"] } })),
                JSON_MEDIA_TYPE,
                false,
            ),
        },
        "components": { "schemas": build_schemas(), "responses": { "Problem": problem_response() } },
    })
}

const CURSOR: &str = "next of the page before, of the same query.";

fn list_parameter(name: &str) -> Value {
    let (description, schema) = match name {
        "from" => (
            "First day (2018-02-01) or wall-clock time (2018-02-01T09:41:07.670).".to_owned(),
            text_schema(),
        ),
        "to" => (
            "Last day or wall-clock time, itself included.".to_owned(),
            text_schema(),
        ),
        "camera" => ("A camera's slug: nikon-d750.".to_owned(), text_schema()),
        "lens" => ("A lens's slug.".to_owned(), text_schema()),
        "bbox" => (
            format!(
                "west,south,east,north in degrees; west above east crosses the antimeridian. At most {MAX_CELLS} geohash cells of 4 characters. Photos come by place; order cannot be had with it."
            ),
            text_schema(),
        ),
        "order" => (
            "By capture time; undated photos come last in both.".to_owned(),
            json!({ "type": "string", "enum": ["newest", "oldest"], "default": "newest" }),
        ),
        "limit" => (
            "Photos on a page. A page may hold fewer and not be the last.".to_owned(),
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT }),
        ),
        "cursor" => (
            "next of the page before, of the same query.".to_owned(),
            json!({ "type": "string", "minLength": 1 }),
        ),
        _ => (
            format!(
                "Only these fields, separated by commas: {}.",
                list_fields().join(", ")
            ),
            text_schema(),
        ),
    };
    query_parameter(name, &description, schema)
}

fn map_parameter(name: &str) -> Value {
    match name {
        "cursor" => query_parameter(name, CURSOR, cursor_schema()),
        _ => query_parameter(
            name,
            "west,south,east,north in degrees; west above east crosses the antimeridian. Absent: the globe.",
            text_schema(),
        ),
    }
}

fn cursor_schema() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn text_schema() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_VALUE_BYTES })
}

fn query_parameter(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn route_item(
    summary: &str,
    parameters: Vec<Value>,
    answer: Value,
    media: &str,
    may_fail: bool,
) -> Value {
    let mut responses = Map::new();
    let ok = json!({ "description": summary, "content": { media: { "schema": answer } } });
    responses.insert("200".to_owned(), ok);
    if may_fail {
        let unchanged = json!({ "description": "As If-None-Match names it" });
        responses.insert("304".to_owned(), unchanged);
        for status in ["400", "500", "503"] {
            let problem = json!({ "$ref": "#/components/responses/Problem" });
            responses.insert(status.to_owned(), problem);
        }
    }
    json!({ "get": { "summary": summary, "parameters": parameters, "responses": responses } })
}

fn add_not_found(mut route: Value) -> Value {
    if let Some(responses) = route.pointer_mut("/get/responses") {
        responses["404"] = json!({ "$ref": "#/components/responses/Problem" });
    }
    route
}

fn schema_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn object_schema(properties: Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .map_or_else(Vec::new, |properties| properties.keys().collect());
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

fn list_schema(name: &str) -> Value {
    object_schema(json!({
        "items": { "type": "array", "items": schema_reference(name) },
        "next": next_schema(),
    }))
}

fn next_schema() -> Value {
    json!({ "type": ["string", "null"], "description": "The cursor of the next page; null where nothing follows." })
}

fn build_schemas() -> Value {
    // A test checks that the file is JSON.
    let mut photo: Value = serde_json::from_str(PHOTO_SCHEMA).unwrap_or_default();
    if let Some(photo) = photo.as_object_mut() {
        photo.remove("$schema");
        // Any field may be absent, because of the parameter `fields`.
        photo.remove("required");
    }
    let mut detailed = photo.clone();
    detailed["title"] = json!("DetailedPhoto");
    detailed["properties"]["tags"] = json!({
        "type": "object",
        "description": "Public tags by IFD and name, as ExifTool names them. A rational has its value and its fraction.",
        "additionalProperties": { "type": "object" },
    });
    let count = json!({ "type": "integer", "minimum": 0 });
    let facet = object_schema(json!({
        "slug": { "type": "string" }, "name": { "type": "string" }, "photos": count,
    }));
    let period = object_schema(json!({
        "date": { "type": "string", "description": "2018, 2018-02 or 2018-02-01." }, "photos": count,
    }));
    let unit = json!({ "type": "string", "enum": TimelineUnit::ALL });
    json!({
        "Photo": photo,
        "DetailedPhoto": detailed,
        "Timeline": object_schema(json!({
            "unit": unit,
            "items": { "type": "array", "items": period },
            "undated": { "type": "integer", "minimum": 0, "description": "Photos without a date." },
        })),
        "Facets": object_schema(json!({ "items": { "type": "array", "items": facet } })),
        "Map": object_schema(json!({
            "type": { "type": "string", "enum": ["FeatureCollection"] },
            "features": { "type": "array", "items": schema_reference("Feature") },
            "next": next_schema(),
        })),
        "Feature": feature_schema(),
        "Problem": problem_schema(),
    })
}

fn feature_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "additionalProperties": false,
        "properties": {
            "type": { "type": "string", "enum": ["Feature"] },
            "id": { "type": "string", "description": "Of a photo; a cluster has none." },
            "geometry": object_schema(json!({
                "type": { "type": "string", "enum": ["Point"] },
                "coordinates": {
                    "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 3,
                    "description": "Longitude and latitude, degrees, WGS 84; altitude, metres, where it is known.",
                },
            })),
            "properties": { "anyOf": [
                object_schema(json!({
                    "stem": { "type": "string" },
                    "date": { "type": ["string", "null"] },
                    "takenAtLocal": { "type": ["string", "null"] },
                    "title": { "type": ["string", "null"] },
                    "image": { "type": ["object", "null"], "description": "The first of the photo's images." },
                })),
                object_schema(json!({
                    "cluster": { "type": "boolean", "enum": [true] },
                    "cell": { "type": "string", "description": "Geohash of the cell that the photos lie in." },
                    "photos": { "type": "integer", "minimum": 1 },
                })),
            ] },
        },
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "status", "title", "detail"],
        "additionalProperties": false,
        "properties": {
            "type": { "type": "string", "enum": ProblemKind::ALL.map(|kind| kind.problem_type().uri) },
            "status": { "type": "integer" },
            "title": { "type": "string" },
            "detail": { "type": "string" },
            "parameter": { "type": "string", "description": "Which parameter." },
        },
    })
}

fn problem_response() -> Value {
    json!({
        "description": "A problem, RFC 9457",
        "content": { "application/problem+json": { "schema": schema_reference("Problem") } },
    })
}
