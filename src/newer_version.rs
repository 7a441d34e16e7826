//! The error for data that a newer version of this program wrote.
//!
//! This program must not read such data, because it could misunderstand them: it could publish what
//! a new setting hides. It must not change them either.

/// The error for data that a newer version of this program wrote. Its text is one line.
///
/// ```
/// use photo_catalogue::newer_version::NewerVersionError;
///
/// let error = NewerVersionError {
///     what: "photos-data".to_owned(),
///     found: 5,
///     supported: 4,
/// };
/// assert_eq!(
///     error.to_string(),
///     "photos-data was written by a newer version of photos (schema 5; this one reads up to 4). \
///      Use a newer version."
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} was written by a newer version of photos (schema {found}; this one reads up to \
     {supported}). Use a newer version."
)]
pub struct NewerVersionError {
    /// The folder, table or item that was read.
    pub what: String,
    /// The schema version of the data.
    pub found: u64,
    /// The newest schema version that this program reads.
    pub supported: u64,
}

impl NewerVersionError {
    /// Checks that a schema version is not newer than `supported`. `what` describes the data.
    ///
    /// # Errors
    /// Fails if `found` is newer.
    pub fn check(found: u64, supported: u64, what: impl FnOnce() -> String) -> Result<(), Self> {
        if found <= supported {
            return Ok(());
        }
        Err(NewerVersionError {
            what: what(),
            found,
            supported,
        })
    }
}
