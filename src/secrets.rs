//! The secrets of the Lambda functions: SSM parameters (SecureString), read once, while a function starts.

use aws_config::SdkConfig;

use crate::telemetry::error_chain;

/// A secret's parameter could not be read. Tells its name, never its value.
#[derive(Debug, thiserror::Error)]
#[error("parameter {name}, which {variable} names: {cause}")]
pub struct SecretError {
    variable: &'static str,
    name: String,
    cause: String,
}

/// A secret: the value of the variable `plain`, else of the SSM parameter that the variable `parameter` names, else
/// `None`. `lookup` answers a variable's value; an empty value counts as not set. Reads only.
///
/// `AWS_ENDPOINT_URL_SSM` says where SSM is, where it is not AWS's.
///
/// # Errors
/// The parameter cannot be read, or is empty.
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
    let answer = aws_sdk_ssm::Client::new(config)
        .get_parameter()
        .name(&name)
        .with_decryption(true)
        .send()
        .await;
    let secret = answer
        .map_err(|error| error_chain(&error))
        .and_then(|answer| {
            let value = answer.parameter.and_then(|parameter| parameter.value);
            value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| "it holds nothing".to_owned())
        });
    match secret {
        Ok(secret) => Ok(Some(secret)),
        Err(cause) => Err(SecretError {
            variable: parameter,
            name,
            cause,
        }),
    }
}
