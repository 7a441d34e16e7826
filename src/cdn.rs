//! Makes Amazon CloudFront forget deleted pictures, by its operation CreateInvalidation. Only the
//! render function uses it.
//!
//! The source is the Amazon CloudFront API Reference, "CreateInvalidation", version 2020-05-31, and
//! the Amazon CloudFront Developer Guide, "Invalidate files to remove content".
//!
//! The request is signed here, and sent over the HTTP stack that the SDK brings. `aws-sdk-cloudfront`
//! would send the same request. But that package alone takes three minutes and 3.3 GB of memory to
//! compile with the profile `function`.

#![allow(
    clippy::disallowed_methods,
    reason = "a signature and a caller reference contain the present time"
)]

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use futures::future::BoxFuture;
use http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::render::{CdnError, CdnInvalidator};
use crate::telemetry::error_chain;

/// The URL of CloudFront's API. It is the same in all regions.
const CLOUDFRONT: &str = "https://cloudfront.amazonaws.com";
/// The region in the signature of requests to CloudFront.
const REGION: &str = "us-east-1";
/// The characters of a path that are sent as they are. The others are encoded, as CloudFront
/// requires. So a path contains no character that has a meaning in XML.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of attempts of a request that CloudFront did not process.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt. Each later pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The length of a slot in milliseconds. Each slot has at most one shared invalidation.
const SLOT_MS: i64 = 10_000;
/// The minimum time in milliseconds from a deletion to the shared invalidation that covers it. The
/// clocks of two machines of AWS differ by less.
const SLOT_MARGIN_MS: i64 = 2_000;

/// Returns a function that invalidates all paths of the CloudFront distribution with the id
/// `distribution` that begin with the given keys. The distribution must serve each object at the
/// path that is its key. `endpoint` is the URL of another API; it is `None` for AWS.
///
/// The function sends one request for all keys. A failed request is repeated. CloudFront accepts 15
/// paths with a wildcard at a time. If there are more, because many photos are hidden at once, the
/// function waits for the next slot of ten seconds, and invalidates all pictures with one path. All
/// calls that wait for this slot share the invalidation. A repeat is safe.
pub fn invalidator(sdk: &SdkConfig, distribution: &str, endpoint: Option<&str>) -> CdnInvalidator {
    let endpoint = endpoint.unwrap_or(CLOUDFRONT).trim_end_matches('/');
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::Ring));
    let connector = match sdk.sleep_impl() {
        Some(sleep) => connector.sleep_impl(sleep),
        None => connector,
    };
    let client = Arc::new(CloudFront {
        url: format!("{endpoint}/2020-05-31/distribution/{distribution}/invalidation"),
        credentials: sdk.credentials_provider(),
        connector: SharedHttpConnector::new(connector.build()),
    });
    Arc::new(move |prefixes| -> BoxFuture<'static, _> {
        let client = Arc::clone(&client);
        Box::pin(async move { client.invalidate(&prefixes).await })
    })
}

/// A client of one distribution.
struct CloudFront {
    /// The URL of the operation.
    url: String,
    credentials: Option<SharedCredentialsProvider>,
    connector: SharedHttpConnector,
}

/// The reason why CloudFront created no invalidation.
enum InvalidationFailure {
    /// Too many paths with a wildcard are being invalidated.
    TooMany,
    /// The request may succeed later. The text is one line.
    Retryable(String),
    /// A repeat of the request would fail too. The text is one line.
    Permanent(String),
}

impl CloudFront {
    async fn invalidate(&self, prefixes: &[String]) -> Result<(), CdnError> {
        let paths: Vec<String> = prefixes
            .iter()
            .map(|prefix| wildcard_path(prefix))
            .collect();
        let first = match self
            .invalidate_paths(&paths, &caller_reference(&paths))
            .await
        {
            Err(InvalidationFailure::TooMany) => {
                let (slot, wait) = next_slot(Utc::now());
                tokio::time::sleep(wait).await;
                self.invalidate_paths(&common_paths(prefixes), &format!("all-{slot}"))
                    .await
            }
            other => other,
        };
        first.map_err(|failure| {
            CdnError(match failure {
                InvalidationFailure::TooMany => "too many invalidations at a time".to_owned(),
                InvalidationFailure::Retryable(text) | InvalidationFailure::Permanent(text) => text,
            })
        })
    }

    /// Creates an invalidation. Repeats a request that CloudFront did not process, with the same
    /// reference, so that CloudFront creates no second invalidation.
    async fn invalidate_paths(
        &self,
        paths: &[String],
        reference: &str,
    ) -> Result<(), InvalidationFailure> {
        let body = invalidation_batch(paths, reference);
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.send(&body).await {
                Err(InvalidationFailure::Retryable(error)) => {
                    tracing::warn!(
                        error,
                        "CloudFront did not invalidate pictures; trying again"
                    );
                }
                other => return other,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.send(&body).await
    }

    async fn send(&self, body: &str) -> Result<(), InvalidationFailure> {
        let request = self.sign_request(body).await?;
        let response = self.connector.call(request).await;
        let response =
            response.map_err(|error| InvalidationFailure::Retryable(error_chain(&error)))?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let text = ByteStream::new(response.into_body()).collect().await;
        let text = text.map(|bytes| bytes.to_vec()).unwrap_or_default();
        Err(classify_failure(status, &String::from_utf8_lossy(&text)))
    }

    async fn sign_request(&self, body: &str) -> Result<HttpRequest, InvalidationFailure> {
        let permanent = |error: &(dyn std::error::Error + 'static)| {
            InvalidationFailure::Permanent(error_chain(error))
        };
        let Some(credentials) = &self.credentials else {
            return Err(InvalidationFailure::Permanent(
                "no AWS credentials".to_owned(),
            ));
        };
        let credentials = credentials.provide_credentials().await;
        let identity = credentials
            .map_err(|error| InvalidationFailure::Retryable(error_chain(&error)))?
            .into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("cloudfront")
            .time(std::time::SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| permanent(&error))?;
        let signable = SignableRequest::new(
            "POST",
            self.url.as_str(),
            [(header::CONTENT_TYPE.as_str(), "application/xml")].into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signable = signable.map_err(|error| permanent(&error))?;
        let (instructions, _) = sign(signable, &parameters.into())
            .map_err(|error| permanent(&error))?
            .into_parts();
        let mut request = http::Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/xml")
            .body(SdkBody::from(body))
            .map_err(|error| permanent(&error))?;
        instructions.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| permanent(&error))
    }
}

/// Returns the path of all objects whose keys begin with `prefix`.
fn wildcard_path(prefix: &str) -> String {
    format!("/{}*", utf8_percent_encode(prefix, ENCODED))
}

/// Returns the paths of all objects in the folders that contain the folders `prefixes`.
fn common_paths(prefixes: &[String]) -> Vec<String> {
    let parent = |prefix: &String| {
        let folder = prefix.trim_end_matches('/');
        wildcard_path(folder.rfind('/').map_or("", |slash| &folder[..=slash]))
    };
    let mut paths: Vec<String> = prefixes.iter().map(parent).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Returns the caller reference of an invalidation. CloudFront ignores a second request with the same
/// reference. So it contains the paths, and the time: if a picture is stored and deleted again, the
/// CDN must forget it again.
fn caller_reference(paths: &[String]) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(paths.join("\n").as_bytes()));
    format!("{digest}-{}", Utc::now().timestamp_millis())
}

/// Returns the number of the next shared slot, and the time until it begins. A deletion before `now`
/// is before the beginning of this slot on all machines.
fn next_slot(now: DateTime<Utc>) -> (i64, Duration) {
    let now = now.timestamp_millis();
    let slot = (now + SLOT_MARGIN_MS).div_euclid(SLOT_MS) + 1;
    let wait = u64::try_from(slot * SLOT_MS - now).unwrap_or_default();
    (slot, Duration::from_millis(wait))
}

/// Returns the body of the request. The paths and the reference contain no character that has a
/// meaning in XML.
fn invalidation_batch(paths: &[String], reference: &str) -> String {
    let items: String = paths
        .iter()
        .map(|path| format!("<Path>{path}</Path>"))
        .collect();
    format!(
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths>\
         <CallerReference>{reference}</CallerReference></InvalidationBatch>",
        paths.len()
    )
}

/// Returns the failure that a response means. The text of an error of CloudFront contains no path.
fn classify_failure(status: u16, body: &str) -> InvalidationFailure {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0)
    };
    let code = element("Code").unwrap_or("no code");
    let message = element("Message").unwrap_or_default().replace('\n', " ");
    let text = format!("CloudFront answered {status} ({code}): {message}");
    match code {
        "TooManyInvalidationsInProgress" => InvalidationFailure::TooMany,
        "Throttling" | "ThrottlingException" | "RequestTimeout" => {
            InvalidationFailure::Retryable(text)
        }
        _ if status == 429 || status >= 500 => InvalidationFailure::Retryable(text),
        _ => InvalidationFailure::Permanent(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn path_is_the_key_with_a_wildcard() {
        assert_eq!(wildcard_path("gallery/r/k3ab/"), "/gallery/r/k3ab/*");
        assert_eq!(
            wildcard_path("mein büro & co/r/"),
            "/mein%20b%C3%BCro%20%26%20co/r/*"
        );
    }

    #[test]
    fn all_pictures_have_one_path() {
        let folders = keys(&["gallery/r/k3ab/", "gallery/r/zz/"]);
        assert_eq!(common_paths(&folders), ["/gallery/r/*"]);
        assert_eq!(common_paths(&keys(&["r/k3ab/"])), ["/r/*"]);
    }

    #[test]
    fn slot_begins_after_every_deletion_that_it_covers() {
        for second in 0..30 {
            let now = DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time");
            let (slot, wait) = next_slot(now);
            let begins = slot * SLOT_MS - now.timestamp_millis();
            assert_eq!(i64::try_from(wait.as_millis()), Ok(begins));
            assert!(
                (SLOT_MARGIN_MS..=SLOT_MS + SLOT_MARGIN_MS).contains(&begins),
                "{begins}"
            );
        }
    }

    #[test]
    fn failure_is_classified_by_its_code() {
        let body = |code: &str| {
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>"
            )
        };
        let failure = classify_failure(400, &body("TooManyInvalidationsInProgress"));
        assert!(matches!(failure, InvalidationFailure::TooMany));
        for (status, code) in [(400, "Throttling"), (503, "ServiceUnavailable")] {
            let failure = classify_failure(status, &body(code));
            assert!(
                matches!(failure, InvalidationFailure::Retryable(_)),
                "{code}"
            );
        }
        match classify_failure(403, &body("AccessDenied")) {
            InvalidationFailure::Permanent(text) => {
                assert_eq!(text, "CloudFront answered 403 (AccessDenied): No.");
            }
            _ => panic!("a repeat does not help"),
        }
    }
}
