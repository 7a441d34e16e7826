//! Tests of the documents about the API: schema/openapi.json and schema/photo.schema.json.

use std::collections::BTreeSet;
use std::path::Path;

use photo_catalogue::gallery::openapi_document;
use photo_catalogue::privacy::LocationPolicy;
use serde_json::Value;

use super::fixture::{GalleryFixture, Shot};

fn photo_schema() -> Value {
    serde_json::from_str(include_str!("../../../schema/photo.schema.json")).expect("JSON")
}

/// Checks a JSON value against a schema: each field of the value must be in the schema and have its
/// type, and no required field may be missing. `path` is the place of the value, for messages.
fn check(path: &str, value: &Value, schema: &Value) {
    let is = |name: &Value| match name.as_str().expect("a type") {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{path}: {other}"),
    };
    let types = schema["type"].as_array();
    assert!(
        types.map_or_else(|| is(&schema["type"]), |types| types.iter().any(is)),
        "{path}: {value} is not of type {}",
        schema["type"]
    );
    if let Some(fields) = value.as_object() {
        let known = schema["properties"].as_object().expect("properties");
        for (name, value) in fields {
            let schema = known.get(name).unwrap_or_else(|| panic!("{path}.{name}"));
            check(&format!("{path}.{name}"), value, schema);
        }
        for name in schema["required"].as_array().expect("required") {
            let name = name.as_str().expect("a name");
            assert!(fields.contains_key(name), "{path}: no {name}");
        }
    }
    for value in value.as_array().into_iter().flatten() {
        check(&format!("{path}[]"), value, &schema["items"]);
    }
}

/// Checks the JSON of a photo, as a list returns it, against schema/photo.schema.json.
pub(crate) fn check_photo(photo: &Value) {
    check("photo", photo, &photo_schema());
}

#[tokio::test]
async fn served_document_equals_the_file_in_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/openapi.json");
    let document = format!("{:#}\n", openapi_document());
    if std::env::var_os("WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &document).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("schema/openapi.json");
    assert!(
        kept == document,
        "differs from the served document; WRITE_SCHEMA=1 rewrites the file"
    );
    let fixture = GalleryFixture::new().await;
    assert_eq!(&fixture.json("/openapi.json").await, openapi_document());
    let wrong = fixture.get("/openapi.json?x=1").await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn every_documented_route_responds() {
    let fixture = GalleryFixture::new().await;
    for path in openapi_document()["paths"]
        .as_object()
        .expect("paths")
        .keys()
    {
        let status = fixture.get(path).await.status();
        let expected = if path.contains('{') { 404 } else { 200 };
        assert_eq!(status, expected, "{path}");
    }
}

#[tokio::test]
async fn photos_match_their_schema() {
    let exact = LocationPolicy::Exact;
    let fixture = GalleryFixture::with(|settings| {
        settings.privacy = exact.into();
        settings.gallery_url = Some("https://photos.example.org/gallery".to_owned());
    })
    .await;
    let shot = Shot::new("p", "2018-02-01T10:00:00.120")
        .camera("c")
        .lens("l");
    fixture.add(&shot.place(2.35, 48.85, exact)).await;
    fixture.add(&Shot::undated("u")).await;
    let list = fixture.json("/v1/photos").await;
    let items = list["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    items.iter().for_each(check_photo);
}

#[test]
fn every_field_is_described_and_required() {
    fn names(schema: &Value) -> BTreeSet<&str> {
        let fields = schema["properties"].as_object().expect("properties");
        fields.keys().map(String::as_str).collect()
    }
    fn described(path: &str, schema: &Value) {
        assert!(schema["description"].is_string(), "{path}");
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            described(&format!("{path}.{name}"), schema);
        }
    }
    let schema = photo_schema();
    described("photo", &schema);
    described("image", &schema["properties"]["images"]["items"]);
    let required = schema["required"].as_array().expect("required");
    let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
    assert_eq!(required, names(&schema));
}
