//! The AWS clients: one HTTP stack (hyper 1, rustls on ring) and one configuration for S3 and DynamoDB, whatever is
//! behind their endpoints.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use crate::telemetry::{RequestCounter, error_chain};

/// Name of an object that nobody makes, for [`open_connections`].
pub const NO_OBJECT: &str = ".photo-catalogue-connection";

/// Where S3 and DynamoDB are, where they are not AWS's.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// `http://127.0.0.1:9000`.
    pub s3: Option<String>,
    /// `http://127.0.0.1:8000`.
    pub dynamodb: Option<String>,
}

/// Both clients.
#[derive(Debug, Clone)]
pub struct Clients {
    /// S3. Path-style against an endpoint of its own.
    pub s3: aws_sdk_s3::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Requests sent to S3.
    pub s3_requests: RequestCounter,
    /// Requests sent to DynamoDB.
    pub dynamodb_requests: RequestCounter,
}

/// Region and credentials as AWS's own tools find them: the environment, the profile, the instance.
pub async fn from_environment() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}

/// A configuration with a fixed key pair, for engines that take one; plain HTTP.
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

/// The clients of one configuration.
pub fn connect(config: &SdkConfig, endpoints: &Endpoints) -> Clients {
    let (s3_requests, dynamodb_requests) = (RequestCounter::default(), RequestCounter::default());
    let mut s3 = aws_sdk_s3::config::Builder::from(config)
        // Other stores do not know the newer checksums; TLS and ETags guard the bytes.
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

/// Opens the connections that a function's first event needs, while the function starts: asks DynamoDB for an item of
/// `table`, whose key is `pk`, and, where `object` is a bucket and a key, S3 for an object's head. Neither has to be there.
/// What fails is logged, and left to the first event's own requests. Reads only.
pub async fn open_connections(clients: &Clients, table: &str, object: Option<(&str, &str)>) {
    let item = async {
        let nothing = AttributeValue::S(NO_OBJECT.to_owned());
        let get = clients.dynamodb.get_item().table_name(table);
        if let Err(error) = get.key("pk", nothing).send().await {
            told_if_unheard("DynamoDB", &error);
        }
    };
    let head = async {
        let Some((bucket, key)) = object else {
            return;
        };
        let head = clients.s3.head_object().bucket(bucket).key(key);
        if let Err(error) = head.send().await {
            told_if_unheard("S3", &error);
        }
    };
    tokio::join!(item, head);
}

/// Whatever a store answered, it was heard over a connection, which is then open.
fn told_if_unheard<E>(store: &str, error: &SdkError<E, HttpResponse>)
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
