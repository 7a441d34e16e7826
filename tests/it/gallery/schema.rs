//! Tests of the documents about the API and the static files: schema/openapi.json and the JSON
//! Schemas beside it.

use std::collections::BTreeSet;
use std::path::Path;

use boon::{Compiler, Schemas};
use photo_catalogue::gallery::openapi_document;
use photo_catalogue::privacy::LocationPolicy;
use serde_json::Value;

use super::fixture::{GalleryFixture, Shot};

/// The URL under which the validator knows the files of schema/. Nothing is read from there.
const SCHEMA_URL: &str = "https://schema.test";

/// The schemas of the API and of the static files.
pub(crate) struct PublishedSchemas(Compiler);

impl PublishedSchemas {
    /// Reads all JSON Schemas in schema/. The OpenAPI document is that of the program.
    pub(crate) fn read() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let mut add = |name: &str, schema| {
            let url = format!("{SCHEMA_URL}/{name}");
            compiler.add_resource(&url, schema).expect("a schema");
        };
        for (name, schema) in schema_files() {
            add(&name, schema);
        }
        add("openapi.json", openapi_document().clone());
        PublishedSchemas(compiler)
    }

    /// Checks a value against a schema. `schema` is the name of a file in schema/, with or without
    /// a JSON pointer: `photo.schema.json`, `openapi.json#/components/schemas/Photo`.
    pub(crate) fn check(&mut self, what: &str, value: &Value, schema: &str) {
        let mut schemas = Schemas::new();
        let url = format!("{SCHEMA_URL}/{schema}");
        let index = self.0.compile(&url, &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{schema}: {error:#}"));
        if let Err(error) = schemas.validate(value, index) {
            panic!("{what}: {error:#}");
        }
    }
}

/// Returns the JSON Schemas in schema/ with the names of their files.
fn schema_files() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let files = std::fs::read_dir(folder).expect("schema/");
    let schemas = files.filter_map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_name()?.to_str()?.to_owned();
        let text = std::fs::read(&path).expect("read");
        let is_schema = name.ends_with(".schema.json");
        is_schema.then(|| (name, serde_json::from_slice(&text).expect("JSON")))
    });
    schemas.collect()
}

/// Returns the JSON Schema in the file of this name in schema/.
fn schema_file(name: &str) -> Value {
    let files = schema_files().into_iter();
    let mut schemas = files.filter_map(|(file, schema)| (file == name).then_some(schema));
    schemas.next().expect("the file")
}

/// Checks the JSON of a photo, as a list returns it, against schema/photo.schema.json.
pub(crate) fn check_photo(photo: &Value) {
    PublishedSchemas::read().check("photo", photo, "photo.schema.json");
}

/// Returns the routes of the document, each with its path and its operation.
pub(crate) fn documented_routes() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let paths = openapi_document()["paths"].as_object().expect("paths");
    paths
        .iter()
        .map(|(path, item)| (path.as_str(), &item["get"]))
}

/// Returns what a reference in the document refers to.
fn resolve(reference: &Value) -> &'static Value {
    let reference = reference["$ref"].as_str().expect("a reference");
    let pointer = reference.strip_prefix('#').expect("a pointer");
    let found = openapi_document().pointer(pointer);
    found.unwrap_or_else(|| panic!("{reference}"))
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
    for (path, _) in documented_routes() {
        let query = match path {
            "/v1/on-this-day" => "?date=02-01",
            _ => "",
        };
        let status = fixture.get(&format!("{path}{query}")).await.status();
        let expected = if path.contains('{') { 404 } else { 200 };
        assert_eq!(status, expected, "{path}");
    }
}

#[tokio::test]
async fn document_has_exactly_the_parameters_that_a_route_accepts() {
    let fixture = GalleryFixture::new().await;
    let routes = documented_routes().filter(|(path, _)| *path != "/healthz");
    for (path, operation) in routes {
        let parameters = operation["parameters"].as_array().expect("parameters");
        let documented = parameters
            .iter()
            .map(resolve)
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().expect("a name"));
        let documented: Vec<&str> = documented.collect();
        let expected = match documented.as_slice() {
            [] => "This route takes no parameters.".to_owned(),
            names => format!("This route takes only: {}.", names.join(", ")),
        };
        let path = path.replace("{name}", "2018-02-01/foobar");
        let problem = fixture.get(&format!("{path}?no-such-parameter=1")).await;
        let problem: Value = problem.json().await.expect("a problem");
        assert_eq!(problem["detail"], expected, "{path}");
    }
}

#[test]
fn operations_have_unique_ids_and_texts() {
    let mut ids = BTreeSet::new();
    for (path, operation) in documented_routes() {
        for text in ["operationId", "summary", "description"] {
            let text = operation[text].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{path}");
        }
        assert!(ids.insert(operation["operationId"].as_str()), "{path}");
        for response in operation["responses"].as_object().expect("map").values() {
            let content = match response.get("$ref") {
                Some(_) => resolve(response),
                None => response,
            };
            assert!(content["description"].is_string(), "{path}");
        }
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
#[should_panic(expected = "additionalProperties")]
fn photo_with_an_unknown_field_does_not_match() {
    let example = |schema: &Value| schema["examples"][0].clone();
    let photo = schema_file("photo.schema.json");
    let camera = photo["$defs"]["Camera"]["properties"]
        .as_object()
        .expect("properties");
    let mut value: Value = camera
        .iter()
        .map(|(name, schema)| (name.clone(), example(schema)))
        .collect();
    let mut published = PublishedSchemas::read();
    let schema = "photo.schema.json#/$defs/Camera";
    published.check("camera", &value, schema);
    value["serialNumber"] = Value::from("12345");
    published.check("camera", &value, schema);
}

/// Checks each schema in a schema file: every field has a description, and the schema is the one of
/// a reference, or accepts its own examples. `pointer` is the place of the schema in its file.
fn check_texts_and_examples(published: &mut PublishedSchemas, file: &str, pointer: &str) {
    let root = schema_file(file);
    let schema = root.pointer(pointer).expect("a schema");
    let place = format!("{file}#{pointer}");
    let is_described = schema["description"].is_string() || schema["$ref"].is_string();
    assert!(is_described, "{place} has no description");
    for example in schema["examples"].as_array().into_iter().flatten() {
        published.check(&place, example, &place);
    }
    for group in ["properties", "$defs"] {
        for name in schema[group]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            check_texts_and_examples(published, file, &format!("{pointer}/{group}/{name}"));
        }
    }
}

#[test]
fn every_field_is_described_and_has_valid_examples() {
    let mut published = PublishedSchemas::read();
    for (file, _) in schema_files() {
        check_texts_and_examples(&mut published, &file, "");
    }
}

/// The fields that are absent if they have no value. All other fields are always present.
const OPTIONAL: [&str; 10] = [
    "photo.schema.json/PhotoLocation/direction",
    "photo.schema.json/PhotoLocation/speed",
    "photo.schema.json/PhotoLocation/timestamp",
    "changes.schema.json/MonthChange/reload",
    "changes.schema.json/MonthChange/set",
    "changes.schema.json/MonthChange/removed",
    "list.schema.json/name",
    "list.schema.json/description",
    "list.schema.json/order",
    "list.schema.json/photos",
];

#[test]
fn every_field_is_required_unless_it_can_be_absent() {
    let mut optional = BTreeSet::new();
    for (file, root) in schema_files() {
        let parts = root["$defs"].as_object().into_iter().flatten();
        let parts = parts.map(|(name, part)| (format!("{file}/{name}"), part));
        for (place, schema) in parts.chain([(file.clone(), &root)]) {
            let required = schema["required"].as_array().into_iter().flatten();
            let required: BTreeSet<&str> = required.filter_map(Value::as_str).collect();
            let fields = schema["properties"].as_object().into_iter().flatten();
            let absent = fields.filter(|(name, _)| !required.contains(name.as_str()));
            optional.extend(absent.map(|(name, _)| format!("{place}/{name}")));
        }
    }
    assert_eq!(optional, OPTIONAL.map(str::to_owned).into());
}
