//! The AWS clients: one HTTP stack (hyper 1, rustls on ring) and one configuration for S3 and
//! DynamoDB and for stores that are compatible with them.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use crate::object::ObjectRef;
use crate::telemetry::{RequestCounter, error_chain};

/// The name of an object that never exists, for [`open_connections`].
pub const NO_OBJECT: &str = ".photo-catalogue-connection";

/// The URLs of stores other than AWS's.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// The S3-compatible store: `http://127.0.0.1:9000`.
    pub s3: Option<String>,
    /// The DynamoDB-compatible store: `http://127.0.0.1:8000`.
    pub dynamodb: Option<String>,
}

/// The clients of both stores.
#[derive(Debug, Clone)]
pub struct Clients {
    /// S3. At an endpoint other than AWS's, it puts the bucket into the path.
    pub s3: aws_sdk_s3::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Requests sent to S3.
    pub s3_requests: RequestCounter,
    /// Requests sent to DynamoDB.
    pub dynamodb_requests: RequestCounter,
}

/// Loads region and credentials as AWS's own tools do: from the environment, the profile or the
/// instance.
pub async fn from_environment() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}

/// Returns a configuration with a fixed key pair and plain HTTP, for the embedded servers.
pub fn with_key_pair(access_key: &str, secret_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key, secret_key, None, None, "photo-catalogue");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Creates the clients of one configuration. Sends no request.
pub fn connect(config: &SdkConfig, endpoints: &Endpoints) -> Clients {
    let (s3_requests, dynamodb_requests) = (RequestCounter::default(), RequestCounter::default());
    let mut s3 = aws_sdk_s3::config::Builder::from(config)
        // Other stores do not support the newer checksums. TLS and ETags protect the bytes.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .interceptor(s3_requests.clone());
    if let Some(endpoint) = &endpoints.s3 {
        s3 = s3.endpoint_url(endpoint).force_path_style(true);
    }
    let mut dynamodb =
        aws_sdk_dynamodb::config::Builder::from(config).interceptor(dynamodb_requests.clone());
    if let Some(endpoint) = &endpoints.dynamodb {
        dynamodb = dynamodb.endpoint_url(endpoint);
    }
    Clients {
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        s3_requests,
        dynamodb_requests,
    }
}

/// Opens the connections that a function's first event needs, while the function starts. Requests
/// an item of `table`, whose key is `pk`, from DynamoDB, and the head of `object` from
/// S3. Neither needs to exist. A failure is logged; the first event then opens the
/// connection. Reads only.
pub async fn open_connections(clients: &Clients, table: &str, object: Option<&ObjectRef>) {
    let item = async {
        let nothing = AttributeValue::S(NO_OBJECT.to_owned());
        let get = clients.dynamodb.get_item().table_name(table);
        if let Err(error) = get.key("pk", nothing).send().await {
            warn_if_no_response("DynamoDB", &error);
        }
    };
    let head = async {
        let Some(object) = object else {
            return;
        };
        let head = clients.s3.head_object();
        let head = head.bucket(object.bucket.as_str()).key(&object.key);
        if let Err(error) = head.send().await {
            warn_if_no_response("S3", &error);
        }
    };
    tokio::join!(item, head);
}

/// Logs an error if the store sent no response. If it sent one, even a refusal, the connection is
/// open.
fn warn_if_no_response<E>(store: &str, error: &SdkError<E, HttpResponse>)
where
    E: std::error::Error + 'static,
{
    if error.raw_response().is_none() {
        tracing::warn!(
            store,
            error = error_chain(error),
            "no connection was opened"
        );
    }
}
