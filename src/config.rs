//! The settings and the environment variables that hold them: their one home.
//!
//! Lambda binaries read the environment through [`Settings::read`]; the `photos` command gives its flags (each with
//! the variable of the same meaning) to the same function.

use crate::archive::{Layout, LayoutError};
use crate::photo::LocationPolicy;

/// Bucket that photos are uploaded to.
pub const SOURCE_BUCKET: &str = "SOURCE_BUCKET";
/// Folder in it; empty or ending in `/`.
pub const SOURCE_PREFIX: &str = "SOURCE_PREFIX";
/// Bucket that they are organised in.
pub const ARCHIVE_BUCKET: &str = "ARCHIVE_BUCKET";
/// Folder in it; empty or ending in `/`.
pub const ARCHIVE_PREFIX: &str = "ARCHIVE_PREFIX";
/// The catalogue's table.
pub const TABLE: &str = "PHOTOS_TABLE";
/// S3-compatible store other than AWS's.
pub const S3_ENDPOINT: &str = "S3_ENDPOINT";
/// DynamoDB-compatible store other than AWS's.
pub const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
/// What the public may learn of a place: `hide`, `round:N`, `exact`.
pub const LOCATION: &str = "LOCATION";
/// Where browsers get the pictures.
pub const PHOTO_BASE_URL: &str = "PHOTO_BASE_URL";
/// `true` states that what PHOTO_BASE_URL serves carries no GPS.
pub const PHOTO_BASE_URL_STRIPPED: &str = "PHOTO_BASE_URL_STRIPPED";
/// 32 secret bytes in base64 that seal the cursors: `openssl rand -base64 32`.
pub const CURSOR_KEY: &str = "CURSOR_KEY";
/// Origins that may read the gallery from a browser, separated by commas; `*` for all.
pub const CORS_ORIGINS: &str = "CORS_ORIGINS";

/// What ingest and gallery share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Buckets and prefixes.
    pub layout: Layout,
    /// The catalogue's table.
    pub table: String,
    /// What the public may learn of a place.
    pub location: LocationPolicy,
}

/// Why the settings were refused; one line that names the variable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable that has no default is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// Buckets and prefixes do not fit together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A value is not of its variable's form.
    #[error("{variable} is \"{value}\"; {expected}")]
    Form {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl Settings {
    /// Reads and checks the settings. `lookup` answers a variable's value; an empty value counts as not set.
    ///
    /// # Errors
    /// The first setting that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty());
        let need = |name| get(name).ok_or(SettingsError::Missing(name));
        let source_bucket = need(SOURCE_BUCKET)?;
        let archive_bucket = need(ARCHIVE_BUCKET)?;
        let location = get(LOCATION).unwrap_or_else(|| "hide".to_owned());
        Ok(Settings {
            layout: Layout::new(
                &source_bucket,
                &get(SOURCE_PREFIX).unwrap_or_default(),
                &archive_bucket,
                &get(ARCHIVE_PREFIX).unwrap_or_default(),
            )?,
            table: need(TABLE)?,
            location: location.parse().map_err(|_| SettingsError::Form {
                variable: LOCATION,
                value: location,
                expected: "it takes hide, exact, or round:N with N decimals, 0 to 5",
            })?,
        })
    }
}
