//! The schemas of the responses.

use serde_json::{Map, Value, json};

use super::component;
use super::responses::problem_schema;
use crate::catalogue::album::AlbumOrder;
use crate::gallery::facets::PlaceKind;
use crate::gallery::list_request::{NEXT_FIELD, PREVIOUS_FIELD};
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
        (
            "RandomPhotos",
            random_photos_schema("Photos that were chosen at random.", "Photo"),
        ),
        (
            "PartialRandomPhotos",
            random_photos_schema(
                "Photos that were chosen at random, if the request has `fields`.",
                "PartialPhoto",
            ),
        ),
        ("PhotoLink", photo_link_schema(&photo)),
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
        (
            "KeywordList",
            list_schema("A page of the list of keywords.", "KeywordFacet"),
        ),
        ("KeywordFacet", keyword_schema(&facet)),
        (
            "PlaceList",
            list_schema("A page of the list of places.", "PlaceFacet"),
        ),
        ("PlaceFacet", place_schema(&facet)),
        ("AlbumList", albums_schema()),
        ("Album", album_schema(&facet)),
        ("Timeline", timeline_schema()),
        ("TimelinePeriod", period_schema()),
        ("FacetList", facets),
        ("Facet", facet),
    ]
}

/// Returns the schema of the photo that shows a keyword, a place or an album.
fn cover_schema() -> Value {
    nullable(
        "A photo that shows it. Null if none is public now.",
        "PhotoLink",
    )
}

fn keyword_schema(facet: &Value) -> Value {
    object_schema(
        "A keyword, and its number of photos.",
        json!({
            "slug": { "type": "string", "description": "Name for queries.", "examples": ["kyoto"] },
            "name": { "type": "string", "description": "Name for people: the last part of the keyword.", "examples": ["Kyoto"] },
            "path": {
                "type": "array", "items": { "type": "string" }, "examples": [["Places", "Japan", "Kyoto"]],
                "description": "The parts of the keyword, the outermost first. A flat keyword has one part.",
            },
            "photos": facet["properties"]["photos"],
            "cover": cover_schema(),
        }),
    )
}

fn place_schema(facet: &Value) -> Value {
    let name =
        |description: &str| json!({ "type": ["string", "null"], "description": description });
    let kinds = [PlaceKind::Country, PlaceKind::Region, PlaceKind::City];
    object_schema(
        "A country, a region or a city, and its number of photos.",
        json!({
            "slug": { "type": "string", "description": "Name for queries.", "examples": ["japan"] },
            "name": { "type": "string", "description": "Name for people.", "examples": ["Japan"] },
            "kind": { "type": "string", "enum": kinds, "description": "What the place is." },
            "country": name("The country."),
            "region": name("The state or province. Null for a country."),
            "city": name("The city. Null for a country or a region."),
            "photos": facet["properties"]["photos"],
            "cover": cover_schema(),
        }),
    )
}

fn albums_schema() -> Value {
    object_schema(
        "All public albums.",
        json!({
            "items": {
                "type": "array", "items": component("schemas", "Album"),
                "description": "The albums that have public photos.",
            },
        }),
    )
}

fn album_schema(facet: &Value) -> Value {
    let orders = [
        AlbumOrder::Newest,
        AlbumOrder::Oldest,
        AlbumOrder::Added,
        AlbumOrder::Listed,
    ];
    let day = |description: &str| {
        json!({
            "type": ["string", "null"], "format": "date", "description": description,
        })
    };
    object_schema(
        "An album, and its number of photos.",
        json!({
            "slug": { "type": "string", "description": "Name for queries.", "examples": ["japan-2026"] },
            "title": { "type": "string", "description": "Title.", "examples": ["Japan 2026"] },
            "description": { "type": ["string", "null"], "description": "Description." },
            "order": {
                "type": "string", "enum": orders,
                "description": "The order in which `/v1/photos` lists the album. `listed` is the order that the owner chose.",
            },
            "photos": facet["properties"]["photos"],
            "from": day("The day of the oldest photo. Null if no photo has a date."),
            "to": day("The day of the newest photo. Null if no photo has a date."),
            "cover": cover_schema(),
        }),
    )
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
    details["description"] = json!("A photo with its public tags and its neighbours.");
    let neighbour = |description| nullable(description, "PhotoLink");
    let more = [
        ("tags", component("schemas", "PhotoTags")),
        (
            PREVIOUS_FIELD,
            neighbour("The photo before this one in the list. Null if this is the first."),
        ),
        (
            NEXT_FIELD,
            neighbour("The photo after this one in the list. Null if this is the last."),
        ),
    ];
    for (name, schema) in more {
        details["properties"][name] = schema;
        if let Some(required) = details["required"].as_array_mut() {
            required.push(json!(name));
        }
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

/// Returns the schema of a field of a photo.
// It is a copy, because not every generator of clients can follow a reference to a property.
fn photo_field(photo: &Value, name: &str) -> Value {
    photo["properties"][name].clone()
}

fn photo_link_schema(photo: &Value) -> Value {
    let names = [
        "id",
        "stem",
        "title",
        "alt",
        "images",
        "placeholder",
        "color",
    ];
    let fields = names.map(|name| (name.to_owned(), photo_field(photo, name)));
    let fields: Map<String, Value> = fields.into_iter().collect();
    object_schema(
        "What a page needs to show a photo small, with a link to it.",
        fields.into(),
    )
}

fn random_photos_schema(description: &str, item: &str) -> Value {
    object_schema(
        description,
        json!({
            "items": {
                "type": "array", "items": component("schemas", item),
                "description": "The photos in random order.",
            },
        }),
    )
}

fn map_photo_schema(photo: &Value) -> Value {
    let field = |name: &str| photo_field(photo, name);
    object_schema(
        "What the map shows of a photo.",
        json!({
            "stem": field("stem"),
            "date": field("date"),
            "takenAtLocal": field("takenAtLocal"),
            "title": field("title"),
            "image": nullable("The first of the photo's images. Null if it has none.", "PhotoImage"),
        }),
    )
}

fn list_schema(description: &str, item: &str) -> Value {
    object_schema(
        description,
        json!({
            "items": {
                "type": "array", "items": component("schemas", item),
                "description": "The items of this page.",
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

/// Returns the schema of a value that is null or has the schema of a component.
fn nullable(description: &str, name: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [component("schemas", name), { "type": "null" }],
    })
}
