//! The refusal of uploads by HTML forms (S3's PostObject). The signature of a form is one of its
//! fields, so a server must read a part of the body of a stranger before it can refuse the request.

use http::{HeaderMap, Method, header};
use s3s::{Body, HttpError, S3Error, S3ErrorCode};

/// The media type of an HTML form with a file.
const FORM: &[u8] = b"multipart/form-data";

/// Reports whether a request is an upload by an HTML form. Any suffix of the media type counts,
/// because s3s reads the body as a form for some of them too.
pub(crate) fn is_form_upload(method: &Method, headers: &HeaderMap) -> bool {
    let types = headers.get_all(header::CONTENT_TYPE).iter();
    *method == Method::POST
        && types
            .map(|value| value.as_bytes().trim_ascii_start())
            .any(|value| {
                value
                    .get(..FORM.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(FORM))
            })
}

/// Returns the response to an upload by an HTML form: the error `NotImplemented`.
pub(crate) fn refuse_form_upload() -> Result<http::Response<Body>, HttpError> {
    let error = S3Error::with_message(
        S3ErrorCode::NotImplemented,
        "Uploads by HTML forms (POST of multipart/form-data) are not supported. Use PUT, for \
         example with a presigned URL.",
    );
    let response = error.to_http_response();
    response.map_err(|error| HttpError::new(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_uploads_are_recognised_by_method_and_media_type() {
        for (method, media_type, is_form) in [
            ("POST", "multipart/form-data; boundary=x", true),
            ("POST", "Multipart/Form-Data;boundary=x", true),
            ("POST", " multipart/form-data", true),
            ("POST", "multipart/form-data+xml; boundary=x", true),
            ("POST", "multipart/related; boundary=x", false),
            ("POST", "image/jpeg", false),
            ("PUT", "multipart/form-data; boundary=x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, media_type.parse().expect("a value"));
            let method = method.parse().expect("a method");
            assert_eq!(is_form_upload(&method, &headers), is_form, "{media_type}");
        }
        assert!(!is_form_upload(&Method::POST, &HeaderMap::new()));
    }
}
