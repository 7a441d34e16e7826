//! `/gallery/{path}`: the static gallery files and the pictures, as a CDN serves them.
//!
//! Everything under the prefix of the gallery bucket is public. So the path of a request is the rest of
//! a storage key. The headers are those that publish and render have stored with the object. A page
//! also gets a content security policy.

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

/// The content security policy of pages: scripts and styles only from the gallery itself, pictures and
/// lists also from a CDN. Terraform gives CloudFront the same policy.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data: blob: https:; connect-src 'self' https:; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'";

/// The static gallery files, and the store that contains them.
#[derive(Clone)]
pub struct StaticGallery {
    /// The store that contains the bucket.
    pub storage: Storage,
    /// The bucket of the static gallery files.
    pub bucket: Bucket,
    /// The prefix of the files in the bucket. It is empty or ends in `/`.
    pub prefix: String,
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
                let policy = HeaderValue::from_static(PAGE_POLICY);
                headers.insert(CONTENT_SECURITY_POLICY, policy);
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
    use super::PAGE_POLICY;

    #[test]
    fn cloudfront_has_the_same_policy() {
        let terraform = include_str!("../../terraform/site.tf");
        assert!(terraform.contains(&format!("= \"{PAGE_POLICY}\"")));
    }
}
