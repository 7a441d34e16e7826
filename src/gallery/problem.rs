//! Problems, the error responses that RFC 9457 defines.
//!
//! A problem never contains text of an SDK, a store or the network. When a request to the catalogue
//! or to the store fails, the cause is logged here, once.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, StatusCode, Uri};
use problem_details::ProblemDetails;
use serde::Serialize;

use crate::catalogue::CatalogueError;
use crate::storage::StorageError;
use crate::view::clean_text;

/// The maximum number of characters of a parameter's name that a problem repeats.
const MAX_ECHO_CHARS: usize = 64;
/// The number of seconds after which a client may retry if the catalogue or the store is
/// unavailable.
const RETRY_AFTER_SECONDS: u16 = 5;

/// An error response to a client, with the reason why the request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    parameter: Option<String>,
}

/// A kind of problem. Each kind has a different `type` in the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    UnknownParameter,
    InvalidParameter,
    InvalidCursor,
    NotFound,
    MethodNotAllowed,
    RangeNotSatisfiable,
    Unavailable,
    Internal,
}

/// The properties that all problems of one kind share.
pub(crate) struct ProblemType {
    /// The HTTP status.
    status: StatusCode,
    /// The `type` of the problem: a URI, relative to the base URL of the gallery.
    pub(crate) uri: &'static str,
    /// The title.
    title: &'static str,
}

impl ProblemKind {
    /// All kinds.
    pub(crate) const ALL: [ProblemKind; 8] = [
        ProblemKind::UnknownParameter,
        ProblemKind::InvalidParameter,
        ProblemKind::InvalidCursor,
        ProblemKind::NotFound,
        ProblemKind::MethodNotAllowed,
        ProblemKind::RangeNotSatisfiable,
        ProblemKind::Unavailable,
        ProblemKind::Internal,
    ];

    /// Returns the status, the `type` and the title.
    pub(crate) fn problem_type(self) -> ProblemType {
        let (status, uri, title) = match self {
            ProblemKind::UnknownParameter => (
                StatusCode::BAD_REQUEST,
                "/problems/unknown-parameter",
                "Unknown parameter",
            ),
            ProblemKind::InvalidParameter => (
                StatusCode::BAD_REQUEST,
                "/problems/invalid-parameter",
                "Invalid parameter",
            ),
            ProblemKind::InvalidCursor => (
                StatusCode::BAD_REQUEST,
                "/problems/invalid-cursor",
                "Invalid cursor",
            ),
            ProblemKind::NotFound => (StatusCode::NOT_FOUND, "/problems/not-found", "Not found"),
            ProblemKind::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "/problems/method-not-allowed",
                "Method not allowed",
            ),
            ProblemKind::RangeNotSatisfiable => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                "/problems/range-not-satisfiable",
                "Range not satisfiable",
            ),
            ProblemKind::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/unavailable",
                "Temporarily unavailable",
            ),
            ProblemKind::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal",
                "Internal error",
            ),
        };
        ProblemType { status, uri, title }
    }
}

/// The fields in the JSON of a problem that RFC 9457 does not define.
#[derive(Serialize)]
struct ProblemExtensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
}

impl Problem {
    /// Creates the problem for a parameter that this route does not accept. `known` has the names
    /// of the parameters that it accepts.
    pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        let detail = if known.is_empty() {
            "This route takes no parameters.".to_owned()
        } else {
            format!("This route takes only: {}.", known.join(", "))
        };
        Problem {
            kind: ProblemKind::UnknownParameter,
            detail,
            parameter: Some(shorten_name(name)),
        }
    }

    /// Creates the problem for a parameter with a wrong value. The detail describes what is
    /// accepted.
    pub(crate) fn invalid_parameter(name: &str, detail: impl Into<String>) -> Self {
        Problem {
            kind: ProblemKind::InvalidParameter,
            detail: detail.into(),
            parameter: Some(shorten_name(name)),
        }
    }

    /// Creates the problem for a cursor that is invalid, that belongs to another query, or that has
    /// expired.
    pub(crate) fn invalid_cursor(detail: &str) -> Self {
        Problem {
            kind: ProblemKind::InvalidCursor,
            detail: detail.to_owned(),
            parameter: Some("cursor".to_owned()),
        }
    }

    /// Creates the problem for a path at which there is nothing public.
    pub(crate) fn not_found(detail: &str) -> Self {
        Problem {
            kind: ProblemKind::NotFound,
            detail: detail.to_owned(),
            parameter: None,
        }
    }

    /// Creates the problem for a method that the route does not support.
    pub(crate) fn method_not_allowed() -> Self {
        Problem {
            kind: ProblemKind::MethodNotAllowed,
            detail: "The Allow header lists the methods of this route.".to_owned(),
            parameter: None,
        }
    }

    /// Creates the problem for a range that contains no byte of the picture.
    pub(crate) fn range_not_satisfiable(size_bytes: u64) -> Self {
        Problem {
            kind: ProblemKind::RangeNotSatisfiable,
            detail: format!("The picture has {size_bytes} bytes."),
            parameter: None,
        }
    }

    /// Creates the problem for a request that failed but may succeed later.
    pub(crate) fn unavailable() -> Self {
        Problem {
            kind: ProblemKind::Unavailable,
            detail: "The catalogue does not answer at the moment. Try again shortly.".to_owned(),
            parameter: None,
        }
    }

    /// Creates the problem for a fault of the gallery. The caller logs the cause.
    pub(crate) fn internal() -> Self {
        Problem {
            kind: ProblemKind::Internal,
            detail: "The request could not be answered. The cause has been logged.".to_owned(),
            parameter: None,
        }
    }

    /// Returns the problem in the form of RFC 9457.
    pub(crate) fn to_details(&self) -> ProblemDetails<impl Serialize + use<>> {
        let ProblemType { status, uri, title } = self.kind.problem_type();
        ProblemDetails::from_status_code(status)
            .with_type(Uri::from_static(uri))
            .with_title(title)
            .with_detail(self.detail.clone())
            .with_extensions(ProblemExtensions {
                parameter: self.parameter.clone(),
            })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.to_details().into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.kind == ProblemKind::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<CatalogueError> for Problem {
    /// Logs the error and returns the problem for the client. If a request was throttled or
    /// refused, or if the catalogue could not be reached, the problem is [`Problem::unavailable`]:
    /// the client may retry later. For any other error, the problem is [`Problem::internal`].
    fn from(error: CatalogueError) -> Self {
        let permanent = !matches!(error, CatalogueError::Request { .. });
        tracing::error!(%error, "catalogue request failed");
        if permanent {
            Problem::internal()
        } else {
            Problem::unavailable()
        }
    }
}

impl From<StorageError> for Problem {
    /// Logs the error and returns [`Problem::unavailable`].
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage request failed");
        Problem::unavailable()
    }
}

/// Returns the beginning of a name without control characters, so that a problem may repeat it.
fn shorten_name(name: &str) -> String {
    clean_text(name).chars().take(MAX_ECHO_CHARS).collect()
}
