//! The secrets of the Lambda functions. They are parameters of AWS Systems Manager (SSM), of the
//! type SecureString. A function reads them once, when it starts.

use aws_config::SdkConfig;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;

use crate::telemetry::error_chain;

/// The reason why an SSM parameter with a secret cannot be used. The text contains the name of the
/// parameter, never its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The request to SSM failed.
    #[error("parameter {name}, which {variable} names: {}", error_chain(.source))]
    Request {
        /// The environment variable that contains the name of the parameter.
        variable: &'static str,
        /// The name of the parameter.
        name: String,
        /// The error of the SDK.
        source: Box<SdkError<GetParameterError>>,
    },
    /// The parameter has no value, or an empty one.
    #[error("parameter {name}, which {variable} names: it has no value")]
    Empty {
        /// The environment variable that contains the name of the parameter.
        variable: &'static str,
        /// The name of the parameter.
        name: String,
    },
}

/// Returns a secret. `plain` and `parameter` are the names of two environment variables. If `plain`
/// is set, its value is the secret. If only `parameter` is set, its value is the name of an SSM
/// parameter, and the value of that SSM parameter is the secret. Returns `None` if neither variable
/// is set.
///
/// `lookup` returns the value of an environment variable. An empty value counts as not set.
/// `AWS_ENDPOINT_URL_SSM` sets the endpoint of SSM if it is not AWS's own. Changes nothing.
///
/// # Errors
/// Returns an error if the SSM parameter cannot be read, or is empty.
pub async fn read_secret(
    config: &SdkConfig,
    plain: &'static str,
    parameter: &'static str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, SecretError> {
    let get = |name| lookup(name).filter(|value| !value.is_empty());
    if let Some(secret) = get(plain) {
        return Ok(Some(secret));
    }
    let Some(name) = get(parameter) else {
        return Ok(None);
    };
    let response = aws_sdk_ssm::Client::new(config)
        .get_parameter()
        .name(&name)
        .with_decryption(true)
        .send()
        .await;
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            return Err(SecretError::Request {
                variable: parameter,
                name,
                source: Box::new(error),
            });
        }
    };
    let value = response.parameter.and_then(|parameter| parameter.value);
    match value.filter(|value| !value.is_empty()) {
        Some(secret) => Ok(Some(secret)),
        None => Err(SecretError::Empty {
            variable: parameter,
            name,
        }),
    }
}
