//! The secrets of the Lambda functions. They are parameters of AWS Systems Manager (SSM), of the
//! type SecureString. A function reads them once, in one request, when it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_ssm::error::SdkError;
use aws_sdk_ssm::operation::get_parameters::GetParametersError;

use crate::config::Settings;
use crate::telemetry::error_chain;

/// The number of attempts to read the parameters, and the maximum wait between two attempts. SSM
/// accepts 40 requests a second of an account by default (AWS General Reference, "Systems Manager
/// endpoints and quotas"), and a large upload may start more instances at once. The waits are at
/// most 9 seconds together, because Lambda gives the start of a function 10 seconds.
const ATTEMPTS: u32 = 6;
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The reason why the SSM parameters with secrets cannot be used. The text contains the names of
/// the parameters, never their values.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The request to SSM failed.
    #[error("cannot read the SSM parameters {}: {}", .names.join(", "), error_chain(.source))]
    Request {
        /// The names of all parameters in the request.
        names: Vec<String>,
        /// The error of the SDK.
        source: Box<SdkError<GetParametersError>>,
    },
    /// A parameter does not exist, or it has no value.
    #[error("the SSM parameter {name}, which {variable} names, does not exist or has no value")]
    Missing {
        /// The environment variable that contains the name of the parameter.
        variable: &'static str,
        /// The name of the parameter.
        name: String,
    },
}

/// Returns the values of the settings for which `settings` contains only the name of an SSM
/// parameter ([`Settings::unread_parameters`]). The caller adds them to `settings`.
///
/// Reads all parameters in one request, and sends no request if there are none. If SSM is busy,
/// repeats the request for up to 9 seconds. A name may end in a colon and a version of the
/// parameter. `AWS_ENDPOINT_URL_SSM` sets another endpoint of SSM. Changes nothing. A repeat is
/// safe.
///
/// # Errors
/// Returns an error if one of the parameters cannot be read, does not exist or is empty. A function
/// must then not start: without a privacy rule, it would publish what the rule hides.
pub async fn read_secrets(
    config: &SdkConfig,
    settings: &Settings,
) -> Result<Settings, SecretError> {
    let names: BTreeSet<&str> = settings.unread_parameters().map(|(_, name)| name).collect();
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(Settings::default());
    }
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_max_backoff(MAX_WAIT);
    let config = aws_sdk_ssm::config::Builder::from(config).retry_config(retries);
    let response = aws_sdk_ssm::Client::from_conf(config.build())
        .get_parameters()
        .set_names(Some(names.clone()))
        .with_decryption(true)
        .send()
        .await;
    let parameters = match response {
        Ok(response) => response.parameters.unwrap_or_default(),
        Err(error) => {
            return Err(SecretError::Request {
                names,
                source: Box::new(error),
            });
        }
    };
    let values: BTreeMap<String, String> = parameters
        .into_iter()
        .filter_map(|parameter| Some((parameter.name?, parameter.value?)))
        .collect();
    let mut secrets = Settings::default();
    for (secret, name) in settings.unread_parameters() {
        match values.get(without_version(name)) {
            Some(value) if !value.trim().is_empty() => secrets.set(secret.value, value),
            _ => {
                return Err(SecretError::Missing {
                    variable: secret.parameter,
                    name: name.to_owned(),
                });
            }
        }
    }
    Ok(secrets)
}

/// Returns the name of a parameter without its version, as SSM returns it. A name itself contains
/// no colon (Systems Manager User Guide, "Requirements and constraints for parameter names").
fn without_version(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}
