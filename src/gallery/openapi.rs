//! The OpenAPI 3.1 document of the API.
//!
//! It is built from four tables: the routes, their parameters, the responses and the schemas. The
//! tables use the constants of the routes. The schemas of a photo and of a facet are those in
//! schema/, which the static files share. The file schema/openapi.json is this document. A test
//! compares the two.
//!
//! # Adding a parameter or a route
//!
//! A parameter is an entry in `parameters.rs`. If its key is the name in the query string, and the
//! route lists its parameters in a constant, the route has it then. A route is an entry in
//! `routes.rs`, and its response is a schema in `schemas.rs`. Tests compare the parameters of each
//! route with those that it accepts, and the golden responses with the schemas.

mod parameters;
mod responses;
mod routes;
mod schemas;

use std::sync::LazyLock;

use serde_json::{Value, json};

/// Returns the OpenAPI document of the gallery, as `/openapi.json` serves it.
pub fn openapi_document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(build_document);
    &DOCUMENT
}

fn build_document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "photo-catalogue gallery",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Photos by date, camera, lens and place, as far as they are public. Every route only reads, so a request may be repeated. Errors are problems as RFC 9457 defines them. Responses have a weak ETag; a request whose If-None-Match has this ETag gets 304. Objects have exactly the documented fields. A later version may add fields.",
            "contact": { "name": "The photo-catalogue authors" },
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        // Relative to the URL of the document.
        "servers": [{ "url": "/", "description": "The gallery that serves this document." }],
        "security": [],
        "tags": routes::tags(),
        "paths": routes::paths(),
        "components": {
            "schemas": schemas::component_schemas(),
            "parameters": parameters::component_parameters(),
            "headers": responses::component_headers(),
            "responses": responses::component_responses(),
        },
    })
}

/// Returns a reference to a component. `kind` is `schemas`, `parameters`, `headers` or `responses`.
fn component(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
