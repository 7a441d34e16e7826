//! The stored responses and static files match their schemas.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use photo_catalogue::gallery::openapi_document;
use serde_json::Value;

use crate::gallery::schema::{PublishedSchemas, documented_routes};

/// A time in place of the name that the stored files have for it.
const SOME_TIME: &str = "2026-03-01T12:00:00Z";

/// Returns the folder of the stored files of this name.
fn stored_folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/it/golden/expected").join(name)
}

/// Returns the name and the text of each stored file in a folder.
fn stored_files(folder: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(stored_folder(folder)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let files = paths.filter(|path| path.is_file()).map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        (name, text.replace("<time>", SOME_TIME))
    });
    files.collect()
}

/// Returns the name of the schema of a static file.
fn static_file_schema(name: &str) -> String {
    let is_month = name.starts_with(|c: char| c.is_ascii_digit()) || name == "undated.json";
    match name {
        "index.json" | "facets.json" | "map.json" | "changes.json" => {
            name.replace(".json", ".schema.json")
        }
        _ if is_month => "month.schema.json".to_owned(),
        _ => panic!("{name} has no schema"),
    }
}

#[test]
fn static_files_match_their_schemas() {
    let mut published = PublishedSchemas::read();
    let mut checked = BTreeSet::new();
    for (name, text) in stored_files("site/gallery") {
        let schema = static_file_schema(&name);
        let value = serde_json::from_str(&text).unwrap();
        published.check(&name, &value, &schema);
        checked.insert(schema);
    }
    for (folder, schema) in [
        ("album", "list"),
        ("camera", "list"),
        ("keyword", "list"),
        ("lens", "list"),
        ("text", "text"),
    ] {
        let schema = format!("{schema}.schema.json");
        for (name, text) in stored_files(&format!("site/gallery/{folder}")) {
            let value = serde_json::from_str(&text).unwrap();
            published.check(&format!("{folder}/{name}"), &value, &schema);
            checked.insert(schema.clone());
        }
    }
    let all = ["changes", "facets", "index", "list", "map", "month", "text"]
        .map(|name| format!("{name}.schema.json"));
    assert_eq!(checked, all.into());
}

/// A stored response of the gallery.
struct StoredResponse<'t> {
    /// The method and the target of the request: `GET /v1/photos?limit=1`.
    request: &'t str,
    status: &'t str,
    media_type: &'t str,
    body: Value,
}

/// Returns the stored JSON responses of a text. They are separated by empty lines, and so are the
/// head and the body of each.
fn stored_responses(text: &str) -> Vec<StoredResponse<'_>> {
    let blocks: Vec<&str> = text.split("\n\n").collect();
    let pairs = blocks.windows(2).filter_map(|pair| {
        let mut head = pair[0].lines();
        let request = head.next().filter(|line| line.contains(" /"))?;
        let status = head.next()?;
        let media_type = head.find_map(|line| line.strip_prefix("content-type: "))?;
        let body = serde_json::from_str(pair[1]).ok()?;
        Some(StoredResponse {
            request,
            status,
            media_type,
            body,
        })
    });
    pairs.collect()
}

/// Returns the pointer to the schema of a response in the document, or `None` if the document does
/// not have the route.
fn response_schema(path: &str, response: &StoredResponse<'_>) -> Option<(String, String)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let is_named = |route: &str| {
        let prefix = route.strip_suffix("{name}");
        prefix.is_some_and(|prefix| path.starts_with(prefix))
    };
    let exact = documented_routes().find(|(route, _)| *route == path);
    let named = || documented_routes().find(|(route, _)| is_named(route));
    let (route, operation) = exact.or_else(named)?;
    let documented = &operation["responses"][response.status];
    let documented = match documented["$ref"].as_str() {
        Some(reference) => openapi_document().pointer(&reference[1..]).unwrap(),
        None => documented,
    };
    let has_fields = query.split('&').any(|pair| pair.starts_with("fields="));
    let schema = match has_fields && response.status == "200" {
        true => &documented["x-schema-with-fields"],
        false => &documented["content"][response.media_type]["schema"],
    };
    let schema = schema["$ref"].as_str();
    let schema = schema.unwrap_or_else(|| panic!("{} {}", response.request, response.status));
    Some((
        format!("{} {route}", response.status),
        format!("openapi.json{schema}"),
    ))
}

#[test]
fn responses_match_their_schemas() {
    let mut published = PublishedSchemas::read();
    let mut checked = BTreeSet::new();
    for (file, text) in stored_files("gallery") {
        for response in stored_responses(&text) {
            let path = response.request.strip_prefix("GET ");
            let found = path.and_then(|path| response_schema(path, &response));
            let Some((what, schema)) = found else {
                continue;
            };
            let place = format!("{file}: {}", response.request);
            published.check(&place, &response.body, &schema);
            checked.insert(what);
        }
    }
    for (route, operation) in documented_routes() {
        let responses = operation["responses"].as_object().unwrap().keys();
        // A stored response has no status 304, which has no body, and no fault of the gallery.
        let statuses = responses.filter(|status| matches!(status.as_str(), "200" | "400" | "404"));
        for status in statuses {
            let is_checked = checked.contains(&format!("{status} {route}"));
            // The code of other routes reads the parameters of these three.
            let is_shared = status == "400"
                && ["/v1/lenses", "/v1/places", "/v1/photos/{name}"].contains(&route);
            assert!(is_checked || is_shared, "{status} {route}");
        }
    }
}
