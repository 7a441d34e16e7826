//! The clients of S3 and DynamoDB, and of stores that are compatible with them. Both use the same
//! HTTP stack (hyper 1, rustls with ring) and the same configuration.

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

/// The name of an object and of an item that never exist. [`open_connections`] requests them.
pub const NO_OBJECT: &str = ".photo-catalogue-connection";

/// The URLs of the stores. A URL is `None` if AWS's own store is used.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// The URL of an S3-compatible store, for example `http://127.0.0.1:9000`.
    pub s3: Option<String>,
    /// The URL of a DynamoDB-compatible store, for example `http://127.0.0.1:8000`.
    pub dynamodb: Option<String>,
}

/// The clients of S3 and DynamoDB, and the numbers of their requests.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The client of S3. At an endpoint other than AWS's, the bucket is part of the URL's path.
    pub s3: aws_sdk_s3::Client,
    /// The client of DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The number of requests that were sent to S3.
    pub s3_requests: RequestCounter,
    /// The number of requests that were sent to DynamoDB.
    pub dynamodb_requests: RequestCounter,
}

/// Loads the region and the credentials as AWS's own tools do: from the environment, the profile or
/// the instance.
pub async fn from_environment() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}

/// Returns a configuration for the embedded servers, with this key pair and plain HTTP.
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

/// Builds the clients of S3 and DynamoDB. Sends no request.
pub fn connect(config: &SdkConfig, endpoints: &Endpoints) -> Clients {
    let (s3_requests, dynamodb_requests) = (RequestCounter::default(), RequestCounter::default());
    let mut s3 = aws_sdk_s3::config::Builder::from(config)
        // Other stores do not support the newer checksums. TLS and ETags protect the bytes instead.
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

/// Opens the connections that the first event of a Lambda function needs, while the function
/// starts. Requests an item of `table` from DynamoDB, and the head of `object` from S3. The item
/// and the object need not exist. If a request gets no response, the failure is logged, and the
/// first event opens the connection. Changes nothing.
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

/// Logs an error if the store sent no response. If the store sent any response, even a refusal, the
/// connection is open.
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
