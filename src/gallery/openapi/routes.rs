//! The routes, each with its parameters and its response.

use serde_json::{Map, Value, json};

use super::component;
use super::parameters::parameter_references;
use super::responses::{
    BAD_REQUEST, INTERNAL_ERROR, NOT_FOUND, ProblemResponse, UNAVAILABLE, caching_headers,
};
use crate::gallery::json_response::{GEOJSON_MEDIA_TYPE, JSON_MEDIA_TYPE};
use crate::gallery::list_request::{
    FACET_PAGE_PARAMETERS, FILTER_PARAMETERS, LIST_PARAMETERS, PHOTO_PARAMETERS,
};
use crate::gallery::map_request::MAP_PARAMETERS;
use crate::gallery::on_this_day::ON_THIS_DAY_PARAMETERS;
use crate::gallery::random_photos::RANDOM_PARAMETERS;
use crate::gallery::timeline_unit::TIMELINE_PARAMETERS;

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
    /// The names of the query parameters.
    query: &'static [&'static str],
    /// The keys of the other parameters, apart from `ifNoneMatch`.
    others: &'static [&'static str],
    /// The query parameters whose keys are not their names, with their keys.
    keys: &'static [(&'static str, &'static str)],
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
    query: &[],
    others: &[],
    keys: &[],
    media_type: JSON_MEDIA_TYPE,
    schema: "",
    partial_schema: None,
    problems: OF_LIST,
    has_etag: true,
};

const ROUTES: [DocumentedRoute; 13] = [
    DocumentedRoute {
        path: "/v1/photos",
        operation_id: "listPhotos",
        summary: "Lists photos, the newest first",
        description: "The photos that pass all filters, page by page. The list ends when `next` is null. With `fields`, the response is a `PartialPhotoList`.",
        query: &LIST_PARAMETERS,
        schema: "PhotoList",
        partial_schema: Some("PartialPhotoList"),
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/photos/{name}",
        operation_id: "getPhoto",
        summary: "Returns one photo with its public tags",
        description: "The photo of an id, a slug, a stem or a file. `previous` and `next` are its neighbours in the list with the same filters and order. With `fields`, the response is a `PartialPhoto`.",
        query: &PHOTO_PARAMETERS,
        others: &["name"],
        keys: &[("fields", "photoFields")],
        schema: "PhotoDetails",
        partial_schema: Some("PartialPhoto"),
        problems: OF_PHOTO,
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/photos/random",
        operation_id: "getRandomPhotos",
        summary: "Returns some photos, chosen at random",
        description: "Each photo occurs at most once. Without `seed`, no cache may keep the response. With `fields`, the response is a `PartialRandomPhotos`.",
        query: &RANDOM_PARAMETERS,
        keys: &[("limit", "randomLimit")],
        schema: "RandomPhotos",
        partial_schema: Some("PartialRandomPhotos"),
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/on-this-day",
        operation_id: "listPhotosOfDay",
        summary: "Lists the photos of one day of the year, in all years",
        description: "The list is as of the last cycle of publish, page by page. With `fields`, the response is a `PartialPhotoList`.",
        query: &ON_THIS_DAY_PARAMETERS,
        schema: "PhotoList",
        partial_schema: Some("PartialPhotoList"),
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/timeline",
        operation_id: "getTimeline",
        tag: "counts",
        summary: "Counts the photos of each year, month or day",
        description: "The periods that have photos, the newest first, as of the last cycle of publish.",
        query: &TIMELINE_PARAMETERS,
        schema: "Timeline",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/cameras",
        operation_id: "listCameras",
        tag: "counts",
        summary: "Lists the cameras with their numbers of photos",
        description: "The camera with the most photos is the first. The numbers are those of the last cycle of publish.",
        query: &FILTER_PARAMETERS,
        schema: "FacetList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/lenses",
        operation_id: "listLenses",
        tag: "counts",
        summary: "Lists the lenses with their numbers of photos",
        description: "The lens with the most photos is the first. The numbers are those of the last cycle of publish.",
        query: &FILTER_PARAMETERS,
        schema: "FacetList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/keywords",
        operation_id: "listKeywords",
        tag: "counts",
        summary: "Lists the keywords with their numbers of photos",
        description: "The keyword with the most photos is the first. The parents of a hierarchical keyword are keywords too.",
        query: &FACET_PAGE_PARAMETERS,
        schema: "KeywordList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/places",
        operation_id: "listPlaces",
        tag: "counts",
        summary: "Lists the countries, regions and cities with their numbers of photos",
        description: "The place with the most photos is the first.",
        query: &FACET_PAGE_PARAMETERS,
        schema: "PlaceList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/albums",
        operation_id: "listAlbums",
        tag: "counts",
        summary: "Lists the albums with their numbers of photos",
        description: "The public albums that have public photos.",
        schema: "AlbumList",
        ..ROUTE
    },
    DocumentedRoute {
        path: "/v1/map",
        operation_id: "getMap",
        tag: "map",
        summary: "Returns where photos were taken, as GeoJSON",
        description: "The photos of a small box as points, page by page; or the clusters of a large box or of the globe, all at once (RFC 7946).",
        query: &MAP_PARAMETERS,
        keys: &[("bbox", "mapBbox")],
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
        { "name": "counts", "description": "Numbers of photos by date, camera, lens, keyword, place and album." },
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
    let key = |name: &&'static str| {
        let named = route.keys.iter().find(|(of, _)| of == name);
        named.map_or(*name, |(_, key)| *key)
    };
    let query: Vec<&str> = route.query.iter().map(key).collect();
    let mut parameters = parameter_references(route.others);
    parameters.extend(parameter_references(&query));
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
