//! `/gallery/{path}`: the static gallery files and the pictures, as a CDN serves them.
//!
//! Everything under the prefix of the gallery bucket is public. So the path of a request is the
//! rest of a storage key. The headers are those that publish and render have stored with the
//! object. A page also gets a content security policy.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::object::Bucket;
use crate::storage::Storage;

use super::picture_response::{PictureResponse, PictureVersion, plan_response};
use super::problem::Problem;

/// The content security policy of pages up to the sources of pictures: everything only from the
/// gallery itself. [`PAGE_POLICY_END`] follows the other origins of pictures. Terraform gives
/// CloudFront the same policy.
const PAGE_POLICY_START: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data: blob:";
const PAGE_POLICY_END: &str = "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The static gallery files, and the store that contains them.
#[derive(Clone)]
pub struct StaticGallery {
    /// The store that contains the bucket.
    pub storage: Storage,
    /// The bucket of the static gallery files.
    pub bucket: Bucket,
    /// The prefix of the files in the bucket. It is empty or ends in `/`.
    pub prefix: String,
    /// The other origins from which pages may load pictures: that of the photos, if another server
    /// has them, and that of the map tiles.
    pub picture_origins: BTreeSet<String>,
}

impl StaticGallery {
    /// Returns the content security policy of pages.
    fn page_policy(&self) -> Option<HeaderValue> {
        let origins = self.picture_origins.iter();
        let origins: String = origins.map(|origin| format!(" {origin}")).collect();
        HeaderValue::try_from(format!("{PAGE_POLICY_START}{origins}{PAGE_POLICY_END}")).ok()
    }
}

/// Handles `GET /gallery/{path}`.
///
/// # Errors
/// Returns 404 if there is no such file.
pub(super) async fn get_static_file(
    State(gallery): State<StaticGallery>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("There is no static file of this name.");
    let Path(path) = path.map_err(|_| not_found())?;
    let object = gallery.bucket.object(format!("{}{path}", gallery.prefix));
    let policy = gallery.page_policy().ok_or_else(Problem::internal)?;
    // The file may be replaced between the two requests to the store. Then both are repeated, once.
    for _ in 0..2 {
        let found = gallery.storage.head_object(&object).await?;
        let found = found.ok_or_else(not_found)?;
        let stored = &found.headers;
        let mime = stored.content_type.as_deref();
        let version = PictureVersion {
            etag: format!("\"{}\"", found.etag),
            last_modified: found.last_modified,
            size_bytes: found.size_bytes,
            mime: mime.unwrap_or("application/octet-stream"),
            file_name: "",
        };
        let copy_headers = |response: &mut Response| {
            let copied = [
                (CONTENT_TYPE, &stored.content_type),
                (CONTENT_ENCODING, &stored.content_encoding),
                (CACHE_CONTROL, &stored.cache_control),
            ];
            let headers = response.headers_mut();
            headers.remove(CONTENT_DISPOSITION);
            for (name, value) in copied {
                let value = value.as_deref().map(HeaderValue::from_str);
                if let Some(Ok(value)) = value {
                    headers.insert(name, value);
                }
            }
            if mime.is_some_and(|mime| mime.starts_with("text/html")) {
                headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
            }
        };
        match plan_response(&method, &headers, &version)? {
            PictureResponse::WithoutBody(mut response) => {
                copy_headers(&mut response);
                return Ok(response);
            }
            PictureResponse::WithBody(mut response, range) => {
                let opened = match range.is_empty() {
                    true => None,
                    false => gallery.storage.open_object(&object, Some(range)).await?,
                };
                match opened {
                    Some((now, body)) if now.etag == found.etag => {
                        *response.body_mut() = Body::from_stream(body);
                    }
                    None if found.size_bytes == 0 => {}
                    _ => continue,
                }
                copy_headers(&mut response);
                return Ok(response);
            }
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use super::{PAGE_POLICY_END, PAGE_POLICY_START};

    #[test]
    fn cloudfront_has_the_same_policy() {
        let terraform = include_str!("../../terraform/site.tf");
        let sources = r#"${join("", formatlist(" %s", local.picture_origins))}"#;
        let policy = format!("= \"{PAGE_POLICY_START}{sources}{PAGE_POLICY_END}\"");
        assert!(terraform.contains(&policy));
    }
}
