//! The schemas of the responses.

use serde_json::{Map, Value, json};

use super::component;
use super::responses::problem_schema;
use crate::gallery::timeline_unit::TimelineUnit;

/// The text of the JSON Schema for a photo in a list.
const PHOTO_SCHEMA: &str = include_str!("../../../schema/photo.schema.json");
/// The text of the JSON Schema for a camera or lens and its number of photos.
const FACET_SCHEMA: &str = include_str!("../../../schema/facet.schema.json");

/// Schemas with the names of their components.
type NamedSchemas = Vec<(&'static str, Value)>;

/// Returns all schemas as components. Those of a photo and of a facet are the files in schema/. The
/// definitions in the files are components of their own.
///
/// No name is that of a global of JavaScript, such as `Map`, `Image` or `Location`. A type of a
/// generated client would shadow it.
pub(super) fn component_schemas() -> Map<String, Value> {
    let (photo, parts) = read_schema(PHOTO_SCHEMA);
    let (facet, _) = read_schema(FACET_SCHEMA);
    let geojson = geojson_schemas(&photo);
    let named = [
        photo_schemas(photo),
        count_schemas(facet),
        geojson,
        service_schemas(),
    ]
    .concat();
    let named = named
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema));
    named.chain(parts).collect()
}

/// Reads a file of schema/. Returns the schema in the form of a component, and the definitions in
/// it. References to the definitions become references to components.
fn read_schema(text: &str) -> (Value, Map<String, Value>) {
    let text = text.replace("\"#/$defs/", "\"#/components/schemas/");
    // A test checks that the file is JSON.
    let mut schema: Value = serde_json::from_str(&text).unwrap_or_default();
    let parts = schema.as_object_mut().and_then(|schema| {
        schema.remove("$schema");
        schema.remove("$defs")
    });
    match parts {
        Some(Value::Object(parts)) => (schema, parts),
        _ => (schema, Map::new()),
    }
}

fn photo_schemas(photo: Value) -> NamedSchemas {
    let list = list_schema("A page of a list of photos.", "Photo");
    let partial_list = list_schema(
        "A page of a list of photos, if the request has `fields`.",
        "PartialPhoto",
    );
    vec![
        ("PhotoList", list),
        ("PartialPhotoList", partial_list),
        ("PhotoDetails", photo_details_schema(&photo)),
        ("PartialPhoto", partial_photo_schema(&photo)),
        ("Photo", photo),
        ("PhotoTags", tags_schema()),
        ("TagValue", tag_value_schema()),
        ("TagScalar", tag_scalar_schema()),
        ("TagFraction", tag_fraction_schema()),
    ]
}

fn count_schemas(facet: Value) -> NamedSchemas {
    let facets = object_schema(
        "All cameras or lenses.",
        json!({
            "items": {
                "type": "array", "items": component("schemas", "Facet"),
                "description": "Most photos first.",
            },
        }),
    );
    vec![
        ("Timeline", timeline_schema()),
        ("TimelinePeriod", period_schema()),
        ("FacetList", facets),
        ("Facet", facet),
    ]
}

fn service_schemas() -> NamedSchemas {
    let document = json!({
        "type": "object", "additionalProperties": true,
        "description": "A document in the form of OpenAPI 3.1.",
        "required": ["openapi", "info", "paths"],
        "properties": {
            "openapi": { "type": "string", "description": "The version of OpenAPI." },
            "info": {
                "type": "object", "additionalProperties": true,
                "description": "Title, version and licence.",
            },
            "paths": {
                "type": "object", "additionalProperties": true, "description": "The routes.",
            },
        },
    });
    let health = object_schema(
        "The state of the gallery.",
        json!({
            "status": { "type": "string", "const": "ok", "description": "Always `ok`." },
        }),
    );
    vec![
        ("Problem", problem_schema()),
        ("OpenapiDocument", document),
        ("Health", health),
    ]
}

fn photo_details_schema(photo: &Value) -> Value {
    let mut details = photo.clone();
    details["title"] = json!("PhotoDetails");
    details["description"] = json!("A photo with its public tags.");
    details["properties"]["tags"] = component("schemas", "PhotoTags");
    if let Some(required) = details["required"].as_array_mut() {
        required.push(json!("tags"));
    }
    details
}

fn partial_photo_schema(photo: &Value) -> Value {
    let mut partial = photo_details_schema(photo);
    partial["title"] = json!("PartialPhoto");
    partial["description"] =
        json!("A photo with exactly the fields that the parameter `fields` names.");
    if let Some(partial) = partial.as_object_mut() {
        partial.remove("required");
    }
    partial
}

fn tags_schema() -> Value {
    json!({
        "type": "object",
        "description": "The public tags of a photo, by group and then by name, as ExifTool names them. The group of an EXIF tag is its IFD.",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": component("schemas", "TagValue"),
        },
        "examples": [{ "ExifIFD": { "FNumber": { "value": 8.0, "fraction": "80/10" }, "ISO": 100 } }],
    })
}

/// Returns the schema of the value of a tag. A list in XMP can have lists of fractions as values.
// The schema is not recursive, because openapi-typescript cannot express a recursive one.
fn tag_value_schema() -> Value {
    let scalar = component("schemas", "TagScalar");
    let scalars = json!({ "type": "array", "items": scalar });
    json!({
        "description": "The value of a tag.",
        "anyOf": [scalar, { "type": "array", "items": { "anyOf": [scalar, scalars] } }],
    })
}

fn tag_scalar_schema() -> Value {
    let fraction = component("schemas", "TagFraction");
    json!({
        "description": "A number, a text or a fraction.",
        "anyOf": [{ "type": "number" }, { "type": "string" }, fraction],
    })
}

fn tag_fraction_schema() -> Value {
    object_schema(
        "A fraction.",
        json!({
            "value": { "type": "number", "description": "The quotient.", "examples": [0.004] },
            "fraction": {
                "type": "string", "description": "Numerator and denominator, as recorded.",
                "examples": ["1/250"],
            },
        }),
    )
}

fn timeline_schema() -> Value {
    object_schema(
        "Numbers of photos by date.",
        json!({
            "unit": { "type": "string", "enum": TimelineUnit::ALL, "description": "The unit of the periods." },
            "items": {
                "type": "array", "items": component("schemas", "TimelinePeriod"),
                "description": "The periods that have photos, the newest first.",
            },
            "undated": { "type": "integer", "minimum": 0, "description": "Number of photos without a date." },
        }),
    )
}

fn period_schema() -> Value {
    object_schema(
        "A period, and its number of photos.",
        json!({
            "date": {
                "type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "examples": ["2018-02"],
                "description": "A year, a month or a day.",
            },
            "photos": { "type": "integer", "minimum": 1, "description": "Number of photos.", "examples": [12] },
        }),
    )
}

/// Returns the schemas of GeoJSON [RFC 7946].
fn geojson_schemas(photo: &Value) -> NamedSchemas {
    let features = [
        component("schemas", "PhotoFeature"),
        component("schemas", "ClusterFeature"),
    ];
    let collection = object_schema(
        "Photos or clusters as GeoJSON. `next` is not part of GeoJSON.",
        json!({
            "type": constant_text("FeatureCollection"),
            "features": {
                "type": "array", "items": { "anyOf": features },
                "description": "Only photos, or only clusters.",
            },
            "next": next_schema(),
        }),
    );
    let photo_feature = object_schema(
        "A photo on the map.",
        json!({
            "type": constant_text("Feature"),
            "id": photo["properties"]["id"],
            "geometry": component("schemas", "Point"),
            "properties": component("schemas", "MapPhoto"),
        }),
    );
    let cluster_feature = object_schema(
        "A cluster on the map.",
        json!({
            "type": constant_text("Feature"),
            "geometry": component("schemas", "Point"),
            "properties": component("schemas", "MapCluster"),
        }),
    );
    vec![
        ("FeatureCollection", collection),
        ("PhotoFeature", photo_feature),
        ("ClusterFeature", cluster_feature),
        ("MapPhoto", map_photo_schema(photo)),
        ("MapCluster", map_cluster_schema()),
        ("Point", point_schema()),
    ]
}

fn point_schema() -> Value {
    object_schema(
        "A point of GeoJSON.",
        json!({
            "type": constant_text("Point"),
            "coordinates": {
                "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 3,
                "description": "Longitude and latitude in degrees, WGS 84; then the altitude in metres, if it is known.",
                "examples": [[13.3501, 52.5145]],
            },
        }),
    )
}

fn map_cluster_schema() -> Value {
    object_schema(
        "A cluster: the photos of one geohash cell.",
        json!({
            "cluster": {
                "type": "boolean", "const": true,
                "description": "Always true. A photo has no such property.",
            },
            "cell": { "type": "string", "description": "The geohash of the cell.", "examples": ["u33d"] },
            "photos": { "type": "integer", "minimum": 1, "description": "Number of photos." },
        }),
    )
}

fn map_photo_schema(photo: &Value) -> Value {
    // Not every generator of clients can follow a reference to a property.
    let field = |name: &str| photo["properties"][name].clone();
    object_schema(
        "What the map shows of a photo.",
        json!({
            "stem": field("stem"),
            "date": field("date"),
            "takenAtLocal": field("takenAtLocal"),
            "title": field("title"),
            "image": {
                "description": "The first of the photo's images. Null if it has none.",
                "anyOf": [component("schemas", "PhotoImage"), { "type": "null" }],
            },
        }),
    )
}

fn list_schema(description: &str, item: &str) -> Value {
    object_schema(
        description,
        json!({
            "items": {
                "type": "array", "items": component("schemas", item),
                "description": "The photos of this page.",
            },
            "next": next_schema(),
        }),
    )
}

fn next_schema() -> Value {
    json!({
        "type": ["string", "null"],
        "description": "The cursor of the next page. Null if this is the last page.",
    })
}

/// Returns the schema of an object that has all these fields and no others.
fn object_schema(description: &str, properties: Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .map_or_else(Vec::new, |properties| properties.keys().collect());
    json!({
        "type": "object", "description": description, "required": required,
        "properties": properties, "additionalProperties": false,
    })
}

/// Returns the schema of a text that is always the same.
fn constant_text(text: &str) -> Value {
    json!({ "type": "string", "const": text, "description": format!("Always `{text}`.") })
}
