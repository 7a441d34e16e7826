//! The cause of a failed request to S3 or DynamoDB.

use std::error::Error;

use crate::telemetry::error_chain;

/// The cause of a failed request. Its text is one line.
#[derive(Debug, thiserror::Error)]
pub enum RequestFailure {
    /// The service refused the request. The text contains the error code and the message of the
    /// response.
    #[error("{0}")]
    Refused(String),
    /// The request failed for another reason. For example, no response came, the response could not
    /// be read, or the request could not be built. The text contains the error and the whole chain
    /// of its causes.
    #[error("{}", error_chain(.0.as_ref()))]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("connection reset")]
    struct ConnectionReset;

    #[derive(Debug, thiserror::Error)]
    #[error("dispatch failure")]
    struct DispatchFailure(#[source] ConnectionReset);

    #[test]
    fn text_has_all_sources_and_a_chain_does_not_repeat_them() {
        let failure = RequestFailure::Failed(DispatchFailure(ConnectionReset).into());
        assert_eq!(failure.to_string(), "dispatch failure: connection reset");
        assert_eq!(error_chain(&failure), failure.to_string());
        let source = failure.source().expect("a source");
        assert!(source.is::<DispatchFailure>());
    }
}
