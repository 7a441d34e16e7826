//! The responses that several routes share, and their headers.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::component;
use crate::gallery::problem::{Problem, ProblemKind};

/// A problem that several routes can return.
pub(super) struct ProblemResponse {
    /// The name of the component.
    pub(super) component: &'static str,
    /// The HTTP status.
    pub(super) status: StatusCode,
    description: &'static str,
    example: fn() -> Problem,
}

/// The problem of a route whose request can be wrong.
pub(super) const BAD_REQUEST: ProblemResponse = ProblemResponse {
    component: "BadRequest",
    status: StatusCode::BAD_REQUEST,
    description: "A parameter is unknown, repeated or invalid. `parameter` is its name, and `detail` what is accepted.",
    example: || Problem::invalid_parameter("order", "It is newest (the default) or oldest."),
};
/// The problem of a route whose path names something.
pub(super) const NOT_FOUND: ProblemResponse = ProblemResponse {
    component: "NotFound",
    status: StatusCode::NOT_FOUND,
    description: "There is nothing public of this name.",
    example: || Problem::not_found("There is no public photo of this id or name."),
};
/// The problem of every route that reads the catalogue, if the gallery has a fault.
pub(super) const INTERNAL_ERROR: ProblemResponse = ProblemResponse {
    component: "InternalError",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    description: "A fault of the gallery. Its cause has been logged.",
    example: Problem::internal,
};
/// The problem of every route if the catalogue does not respond in time.
pub(super) const UNAVAILABLE: ProblemResponse = ProblemResponse {
    component: "Unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    description: "The catalogue cannot be read at the moment. Repeat the request after the seconds in Retry-After.",
    example: Problem::unavailable,
};
const PROBLEMS: [ProblemResponse; 4] = [BAD_REQUEST, NOT_FOUND, INTERNAL_ERROR, UNAVAILABLE];

/// Returns the responses as components: 304, and each problem.
pub(super) fn component_responses() -> Map<String, Value> {
    let not_modified = json!({
        "description": "The client has this version: If-None-Match has its ETag. There is no body.",
        "headers": caching_headers(),
    });
    let problems = PROBLEMS.iter().map(|problem| {
        let mut response = json!({
            "description": problem.description,
            "content": { "application/problem+json": {
                "schema": component("schemas", "Problem"),
                "example": (problem.example)().to_details(),
            } },
        });
        if problem.status == StatusCode::SERVICE_UNAVAILABLE {
            response["headers"] = json!({ "Retry-After": component("headers", "RetryAfter") });
        }
        (problem.component.to_owned(), response)
    });
    let responses = [("NotModified".to_owned(), not_modified)];
    responses.into_iter().chain(problems).collect()
}

/// Returns the headers as components.
pub(super) fn component_headers() -> Value {
    json!({
        "ETag": {
            "description": "The version of the response. It is weak, because the compressed and the plain response have the same.",
            "schema": { "type": "string", "examples": ["W/\"Myh-QjJDmnqu_d05L7tmyw\""] },
        },
        "CacheControl": {
            "description": "How long a cache may keep the response.",
            "schema": { "type": "string", "examples": ["public, max-age=60, stale-while-revalidate=600"] },
        },
        "RetryAfter": {
            "description": "Seconds after which the request may succeed.",
            "schema": { "type": "integer", "minimum": 0, "examples": [5] },
        },
    })
}

/// Returns the headers of a response that a cache may keep.
pub(super) fn caching_headers() -> Value {
    json!({
        "ETag": component("headers", "ETag"),
        "Cache-Control": component("headers", "CacheControl"),
    })
}

/// Returns the schema of a problem.
pub(super) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "An error, as RFC 9457 defines it.",
        "required": ["type", "status", "title", "detail"],
        "additionalProperties": false,
        "properties": {
            "type": {
                "type": "string", "format": "uri-reference",
                "enum": ProblemKind::ALL.map(|kind| kind.problem_type().uri),
                "description": "The kind of problem, relative to the base URL of the gallery.",
            },
            "status": {
                "type": "integer", "minimum": 400, "maximum": 599,
                "description": "The HTTP status of the response.",
            },
            "title": { "type": "string", "description": "The kind of problem, for people." },
            "detail": { "type": "string", "description": "What is wrong, and what is accepted, for people." },
            "parameter": {
                "type": "string",
                "description": "The name of the parameter that is wrong. Absent if no parameter is.",
            },
        },
    })
}
