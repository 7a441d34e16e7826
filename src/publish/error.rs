//! Errors of publish.

use std::error::Error;

use crate::catalogue::CatalogueError;
use crate::storage::StorageError;

/// An error of publish. The months that a failed cycle has not finished are still dirty.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A request to one of the tables failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A request to the store of the static files failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The JSON of a file or of a stored state could not be parsed or written.
    #[error("{path}: {source}")]
    Json {
        /// The path of the file, the name of the month, or the name of the state.
        path: String,
        /// The error of the JSON reader or writer, or of gzip.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another process has the lease, so nothing was done.
    #[error("another process is publishing; try again in a few minutes")]
    LeaseTaken,
    /// The Lambda event has an unknown shape. Nothing was done.
    #[error("the event is neither a batch of the photos table's stream nor a scheduled cycle")]
    UnknownEvent,
}

impl PublishError {
    /// Creates the error for the JSON of a file, a month or a state.
    pub(super) fn json(path: &str, source: impl Error + Send + Sync + 'static) -> Self {
        PublishError::Json {
            path: path.to_owned(),
            source: Box::new(source),
        }
    }
}
