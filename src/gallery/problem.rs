//! Problems as RFC 9457 sets them out. No text of an SDK, a store or a stack ever reaches one; causes are logged here,
//! once, and nowhere else in the gallery.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, StatusCode, Uri};
use problem_details::ProblemDetails;
use serde::Serialize;

use crate::catalogue::CatalogueError;
use crate::storage::StorageError;

use crate::view::clean_text;

/// Longest piece of a request that a problem repeats, characters.
const MAX_ECHO_CHARS: usize = 64;
/// After how many seconds to ask again when the catalogue or the store does not answer.
const RETRY_AFTER_SECONDS: u16 = 5;

/// Why a request is not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    parameter: Option<String>,
}

/// The kinds of problem, each with its own `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    UnknownParameter,
    InvalidParameter,
    InvalidCursor,
    NotFound,
    MethodNotAllowed,
    RangeNotSatisfiable,
    Unavailable,
    Internal,
}

/// All of them.
pub(crate) const KINDS: [Kind; 8] = [
    Kind::UnknownParameter,
    Kind::InvalidParameter,
    Kind::InvalidCursor,
    Kind::NotFound,
    Kind::MethodNotAllowed,
    Kind::RangeNotSatisfiable,
    Kind::Unavailable,
    Kind::Internal,
];

impl Kind {
    /// Status, `type` and title.
    pub(crate) fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Kind::UnknownParameter => (
                StatusCode::BAD_REQUEST,
                "/problems/unknown-parameter",
                "Unknown parameter",
            ),
            Kind::InvalidParameter => (
                StatusCode::BAD_REQUEST,
                "/problems/invalid-parameter",
                "Invalid parameter",
            ),
            Kind::InvalidCursor => (
                StatusCode::BAD_REQUEST,
                "/problems/invalid-cursor",
                "Invalid cursor",
            ),
            Kind::NotFound => (StatusCode::NOT_FOUND, "/problems/not-found", "Not found"),
            Kind::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "/problems/method-not-allowed",
                "Method not allowed",
            ),
            Kind::RangeNotSatisfiable => (
                StatusCode::RANGE_NOT_SATISFIABLE,
                "/problems/range-not-satisfiable",
                "Range not satisfiable",
            ),
            Kind::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/unavailable",
                "Temporarily unavailable",
            ),
            Kind::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal",
                "Internal error",
            ),
        }
    }
}

#[derive(Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
}

impl Problem {
    /// A parameter that this route does not know.
    pub(crate) fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        let detail = if known.is_empty() {
            "This route takes no parameters.".to_owned()
        } else {
            format!("This route takes only: {}.", known.join(", "))
        };
        Problem {
            kind: Kind::UnknownParameter,
            detail,
            parameter: Some(echo(name)),
        }
    }

    /// A parameter whose value is wrong; the detail says what would be right.
    pub(crate) fn invalid_parameter(name: &str, detail: impl Into<String>) -> Self {
        Problem {
            kind: Kind::InvalidParameter,
            detail: detail.into(),
            parameter: Some(echo(name)),
        }
    }

    /// A cursor that is not ours, not of this query, or too old.
    pub(crate) fn invalid_cursor(detail: &str) -> Self {
        Problem {
            kind: Kind::InvalidCursor,
            detail: detail.to_owned(),
            parameter: Some("cursor".to_owned()),
        }
    }

    /// Nothing public is here.
    pub(crate) fn not_found(detail: &str) -> Self {
        Problem {
            kind: Kind::NotFound,
            detail: detail.to_owned(),
            parameter: None,
        }
    }

    /// The route exists, the method does not.
    pub(crate) fn method_not_allowed() -> Self {
        Problem {
            kind: Kind::MethodNotAllowed,
            detail: "The Allow header lists the methods of this route.".to_owned(),
            parameter: None,
        }
    }

    /// No byte of the range asked for exists.
    pub(crate) fn range_not_satisfiable(size_bytes: u64) -> Self {
        Problem {
            kind: Kind::RangeNotSatisfiable,
            detail: format!("The picture has {size_bytes} bytes."),
            parameter: None,
        }
    }

    /// It may work in a moment.
    pub(crate) fn unavailable() -> Self {
        Problem {
            kind: Kind::Unavailable,
            detail: "The catalogue does not answer at the moment. Try again shortly.".to_owned(),
            parameter: None,
        }
    }

    /// Ours to mend. The cause is logged by the caller's `From`.
    pub(crate) fn internal() -> Self {
        Problem {
            kind: Kind::Internal,
            detail: "The request could not be answered. The cause has been logged.".to_owned(),
            parameter: None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, path, title) = self.kind.parts();
        let mut response = ProblemDetails::from_status_code(status)
            .with_type(Uri::from_static(path))
            .with_title(title)
            .with_detail(self.detail)
            .with_extensions(Extensions {
                parameter: self.parameter,
            })
            .into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.kind == Kind::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<CatalogueError> for Problem {
    /// Logs the cause. Throttled, unreachable and refused look the same to a client: ask again later.
    fn from(error: CatalogueError) -> Self {
        let permanent = matches!(error, CatalogueError::Shape { .. });
        tracing::error!(%error, "catalogue request failed");
        if permanent {
            Problem::internal()
        } else {
            Problem::unavailable()
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "storage request failed");
        Problem::unavailable()
    }
}

fn echo(name: &str) -> String {
    clean_text(name).chars().take(MAX_ECHO_CHARS).collect()
}
