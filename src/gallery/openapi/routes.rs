//! The routes, each with its parameters and its response.

use serde_json::{Map, Value, json};

use super::component;
use super::parameters::parameter_references;
use super::responses::{
    BAD_REQUEST, INTERNAL_ERROR, NOT_FOUND, ProblemResponse, UNAVAILABLE, caching_headers,
};
use crate::gallery::json_response::{GEOJSON_MEDIA_TYPE, JSON_MEDIA_TYPE};
use crate::gallery::list_request::LIST_PARAMETERS;

/// The problems of a route that reads the catalogue.
const OF_LIST: &[ProblemResponse] = &[BAD_REQUEST, INTERNAL_ERROR, UNAVAILABLE];
/// The problems of a route that reads one photo.
const OF_PHOTO: &[ProblemResponse] = &[BAD_REQUEST, NOT_FOUND, INTERNAL_ERROR, UNAVAILABLE];

/// A route of the gallery, as the document describes it.
struct DocumentedRoute {
    path: &'static str,
    /// The name of the function in a generated client.
    operation_id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    /// The keys of the parameters, apart from `ifNoneMatch`.
    parameters: &'static [&'static str],
    media_type: &'static str,
    /// The schema of the response.
    schema: &'static str,
    /// The schema of the response to a request with the parameter `fields`, if there is one.
    partial_schema: Option<&'static str>,
    problems: &'static [ProblemResponse],
    /// If `true`, the response has an ETag, and a request can have the condition If-None-Match.
    has_etag: bool,
}

/// The values of most routes. They list something from the catalogue.
const ROUTE: DocumentedRoute = DocumentedRoute {
    path: "",
    operation_id: "",
    tag: "photos",
    summary: "",
    description: "",
    parameters: &[],
    media_type: JSON_MEDIA_TYPE,
    schema: "",
    partial_schema: None,
    problems: OF_LIST,
    has_etag: true,
};

const ROUTES: [DocumentedRoute; 8] = [
    DocumentedRoute {
        path: "/v1/photos",
        operation_id: "listPhotos",
        summary: "Lists photos, the newest first",
        description: "The photos that pass all filters, page by page. The list ends when `next` is null. With `fields`, the response is a `PartialPhotoList`.",
        parameters: &LIST_PARAMETERS,
        schema: "PhotoList",
        partial_schema: Some("PartialPhotoList"),
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/photos/{name}",
        operation_id: "getPhoto",
        summary: "Returns one photo with its public tags",
        description: "The photo of an id, a stem or a file. With `fields`, the response is a `PartialPhoto`.",
        parameters: &["name", "photoFields"],
        schema: "PhotoDetails",
        partial_schema: Some("PartialPhoto"),
        problems: OF_PHOTO,
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/timeline",
        operation_id: "getTimeline",
        tag: "counts",
        summary: "Counts the photos of each year, month or day",
        description: "The periods that have photos, the newest first, as of the last cycle of publish.",
        parameters: &["unit"],
        schema: "Timeline",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/cameras",
        operation_id: "listCameras",
        tag: "counts",
        summary: "Lists the cameras with their numbers of photos",
        description: "The camera with the most photos is the first. The numbers are those of the last cycle of publish.",
        schema: "FacetList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/lenses",
        operation_id: "listLenses",
        tag: "counts",
        summary: "Lists the lenses with their numbers of photos",
        description: "The lens with the most photos is the first. The numbers are those of the last cycle of publish.",
        schema: "FacetList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/map",
        operation_id: "getMap",
        tag: "map",
        summary: "Returns where photos were taken, as GeoJSON",
        description: "The photos of a small box as points, page by page; or the clusters of a large box or of the globe, all at once (RFC 7946).",
        parameters: &["mapBbox", "cursor"],
        media_type: GEOJSON_MEDIA_TYPE,
        schema: "FeatureCollection",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/openapi.json",
        operation_id: "getOpenapi",
        tag: "service",
        summary: "Returns this document",
        description: "The document of exactly this version of the gallery.",
        schema: "OpenapiDocument",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/healthz",
        operation_id: "getHealth",
        tag: "service",
        summary: "Reports that the gallery runs",
        description: "The catalogue is not read.",
        schema: "Health",
        problems: &[UNAVAILABLE],
        has_etag: false,
        ..ROUTE
    },
];

/// Returns the tags, which group the routes.
pub(super) fn tags() -> Value {
    json!([
        { "name": "counts", "description": "Numbers of photos by date, camera and lens." },
        { "name": "map", "description": "Photos and clusters as GeoJSON." },
        { "name": "photos", "description": "Photos: lists and single ones." },
        { "name": "service", "description": "The service itself." },
    ])
}

/// Returns the path items of all routes.
pub(super) fn paths() -> Map<String, Value> {
    let items = ROUTES.iter().map(|route| {
        let item = json!({ "get": operation(route) });
        (route.path.to_owned(), item)
    });
    items.collect()
}

fn operation(route: &DocumentedRoute) -> Value {
    let mut parameters = parameter_references(route.parameters);
    if route.has_etag {
        parameters.extend(parameter_references(&["ifNoneMatch"]));
    }
    json!({
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description,
        "parameters": parameters,
        "responses": responses(route),
    })
}

fn responses(route: &DocumentedRoute) -> Map<String, Value> {
    let mut success = json!({
        "description": route.summary,
        "content": { route.media_type: { "schema": component("schemas", route.schema) } },
    });
    let mut not_modified = None;
    if route.has_etag {
        success["headers"] = caching_headers();
        not_modified = Some(("304".to_owned(), component("responses", "NotModified")));
    }
    if let Some(schema) = route.partial_schema {
        // OpenAPI cannot make a schema depend on a parameter. If both schemas were alternatives,
        // every field would be optional in the types of generated clients.
        success["x-schema-with-fields"] = component("schemas", schema);
    }
    let problems = route.problems.iter().map(|problem| {
        let response = component("responses", problem.component);
        (problem.status.as_str().to_owned(), response)
    });
    [("200".to_owned(), success)]
        .into_iter()
        .chain(not_modified)
        .chain(problems)
        .collect()
}
