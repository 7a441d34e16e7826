//! The settings of every program, and the environment variables that hold them.
//!
//! Each variable is named, parsed and checked here and nowhere else. The Lambda functions read
//! their environment with [`Settings::from_environment`]. The `photos` command puts the values of
//! its flags into the same [`Settings`]; each flag has the variable of the same meaning
//! (`src/cli/flags.rs`).

#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use chrono::TimeDelta;

use crate::archive::{Layout, LayoutError};
use crate::clients::Endpoints;
use crate::ingest::SourceAfter;
use crate::object::Bucket;
use crate::privacy::{InvalidHomeZone, Privacy, VisibilityRules};
use crate::publish::{BuildHook, HookError, HookRules};
use crate::storage::CopySettings;

/// The bucket that photos are uploaded to.
pub const SOURCE_BUCKET: &str = "SOURCE_BUCKET";
/// The folder of the source in its bucket; empty or ending in `/`.
pub const SOURCE_PREFIX: &str = "SOURCE_PREFIX";
/// The bucket that holds the archive.
pub const ARCHIVE_BUCKET: &str = "ARCHIVE_BUCKET";
/// The folder of the archive in its bucket; empty or ending in `/`.
pub const ARCHIVE_PREFIX: &str = "ARCHIVE_PREFIX";
/// What happens to an upload after it is archived: `keep` or `delete`.
pub const SOURCE_AFTER: &str = "SOURCE_AFTER";
/// The storage class of the archive's objects.
pub const ARCHIVE_STORAGE_CLASS: &str = "ARCHIVE_STORAGE_CLASS";
/// The catalogue's table.
pub const TABLE: &str = "PHOTOS_TABLE";
/// The URL of an S3-compatible store, if not AWS S3.
pub const S3_ENDPOINT: &str = "S3_ENDPOINT";
/// The URL of a DynamoDB-compatible store, if not AWS DynamoDB.
pub const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
/// What the public sees of positions: `hide`, `round:N` or `exact`.
pub const LOCATION: &str = "LOCATION";
/// Zones in which no position is published, in the form of [`crate::privacy::HomeZones`].
pub const HOME_ZONES: &str = "HOME_ZONES";
/// The visibility of photos that no rule matches: `public` or `private`.
pub const VISIBILITY: &str = "VISIBILITY";
/// Keywords that make a photo private, separated by commas.
pub const PRIVATE_KEYWORDS: &str = "PRIVATE_KEYWORDS";
/// Keywords that make a photo public if VISIBILITY is `private`, separated by commas.
pub const PUBLIC_KEYWORDS: &str = "PUBLIC_KEYWORDS";
/// Photos with fewer stars than this are private.
pub const PRIVATE_BELOW_RATING: &str = "PRIVATE_BELOW_RATING";
/// Prefixes of source keys whose photos are private, separated by commas.
pub const PRIVATE_SOURCES: &str = "PRIVATE_SOURCES";
/// The URL at which browsers reach the pictures.
pub const PHOTO_BASE_URL: &str = "PHOTO_BASE_URL";
/// `true` states that the pictures at PHOTO_BASE_URL carry no GPS position.
pub const PHOTO_BASE_URL_STRIPPED: &str = "PHOTO_BASE_URL_STRIPPED";
/// 32 secret bytes in base64 that seal the cursors: `openssl rand -base64 32`.
pub const CURSOR_KEY: &str = "CURSOR_KEY";
/// The SSM parameter that holds the cursor key, in place of CURSOR_KEY.
pub const CURSOR_KEY_PARAMETER: &str = "CURSOR_KEY_PARAMETER";
/// Origins whose pages may read the gallery, separated by commas; `*` for all.
pub const CORS_ORIGINS: &str = "CORS_ORIGINS";

/// The publish table.
pub const PUBLISH_TABLE: &str = "PUBLISH_TABLE";
/// The bucket of the static gallery files.
pub const GALLERY_BUCKET: &str = "GALLERY_BUCKET";
/// The folder of the static gallery files in their bucket; empty or ending in `/`.
pub const GALLERY_PREFIX: &str = "GALLERY_PREFIX";
/// The value of GALLERY_PREFIX if it is not set.
pub const DEFAULT_GALLERY_PREFIX: &str = "gallery/";
/// The URL of the build hook, a secret.
pub const HOOK_URL: &str = "HOOK_URL";
/// The SSM parameter that holds the build hook's URL, in place of HOOK_URL.
pub const HOOK_URL_PARAMETER: &str = "HOOK_URL_PARAMETER";
/// Hosts that a build hook may be on in addition to the known ones, separated by commas.
pub const HOOK_HOSTS: &str = "HOOK_HOSTS";
/// Seconds without a new photo before the hook is called.
pub const HOOK_QUIET_SECONDS: &str = "HOOK_QUIET_SECONDS";
/// Seconds that a change waits for such a quiet time at most.
pub const HOOK_MAX_WAIT_SECONDS: &str = "HOOK_MAX_WAIT_SECONDS";
/// Least seconds between two calls of the hook.
pub const HOOK_INTERVAL_SECONDS: &str = "HOOK_INTERVAL_SECONDS";
/// Most calls of the hook in 24 hours.
pub const HOOK_PER_DAY: &str = "HOOK_PER_DAY";
/// Most calls of the hook in 31 days.
pub const HOOK_PER_MONTH: &str = "HOOK_PER_MONTH";

/// The data folder of `photos serve`.
pub const DATA: &str = "PHOTOS_DATA";
/// The gallery's port on this machine.
pub const PORT: &str = "PHOTOS_PORT";
/// The embedded S3 server's port.
pub const S3_PORT: &str = "PHOTOS_S3_PORT";
/// The embedded DynamoDB server's port.
pub const DYNAMODB_PORT: &str = "PHOTOS_DYNAMODB_PORT";
/// The address that the gallery and the embedded S3 server listen on.
pub const LISTEN: &str = "PHOTOS_LISTEN";
/// The access key id of the embedded S3 server.
pub const ACCESS_KEY: &str = "PHOTOS_ACCESS_KEY";
/// The secret access key of the embedded S3 server.
pub const SECRET_KEY: &str = "PHOTOS_SECRET_KEY";
/// The log stream of a Lambda function's instance. Lambda sets it; each instance has its own.
pub const LOG_STREAM_NAME: &str = "AWS_LAMBDA_LOG_STREAM_NAME";
/// Levels of the log lines by module, in the form of the `tracing` library.
pub const LOG_FILTER: &str = "RUST_LOG";

/// The storage classes from which an object can be read at once, as ingest and gallery require (S3
/// User Guide, "Understanding and managing Amazon S3 storage classes").
const STORAGE_CLASSES: [&str; 6] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
];
/// The variables of the rules of privacy.
pub const PRIVACY_VARIABLES: [&str; 7] = [
    LOCATION,
    HOME_ZONES,
    VISIBILITY,
    PRIVATE_KEYWORDS,
    PUBLIC_KEYWORDS,
    PRIVATE_BELOW_RATING,
    PRIVATE_SOURCES,
];
/// Longest time that a setting accepts, in seconds: a week.
const MAX_SECONDS: u32 = 7 * 24 * 3600;
/// Largest call budget that a setting accepts.
const MAX_CALLS: u32 = 10_000;

/// The values of settings, by variable.
///
/// A value is parsed when a program asks for it, so that each program needs only the variables that
/// it uses. An empty value counts as not set.
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

/// What ingest does with uploads and copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSettings {
    /// What happens to an upload after it is archived.
    pub source_after: SourceAfter,
    /// How the archive's copies are made.
    pub copying: CopySettings,
}

/// A setting that is missing or wrong, in one line that names the variable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A required variable is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A home zone is malformed. The text gives its position in the list, not its value: home zones
    /// are private.
    #[error("{HOME_ZONES}: {0}")]
    HomeZones(#[from] InvalidHomeZone),
    /// Buckets and prefixes do not fit together.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The build hook's URL is refused.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A value does not have the form that its variable requires.
    #[error("{variable} is \"{value}\"; {expected}")]
    Form {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// The form that it requires.
        expected: &'static str,
    },
}

// Only the names: home zones, the hook's URL and keys are secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl<N: Into<String>> FromIterator<(N, String)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, String)>>(values: I) -> Self {
        let values = values.into_iter();
        Settings {
            values: values.map(|(name, value)| (name.into(), value)).collect(),
        }
    }
}

impl Settings {
    /// Reads all variables of this process. Variables that are not UTF-8 count as not set.
    pub fn from_environment() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Sets a variable, in place of an earlier value.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.values.insert(variable.to_owned(), value.into());
    }

    /// Adds the values of `other`. They win over the values that are set already.
    pub fn extend(&mut self, other: Settings) {
        self.values.extend(other.values);
    }

    /// Returns the value of a variable, or `None` if it is empty or not set.
    pub fn get(&self, variable: &str) -> Option<&str> {
        let value = self.values.get(variable)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Reports whether a variable is set, also to an empty text.
    pub fn contains(&self, variable: &str) -> bool {
        self.values.contains_key(variable)
    }

    /// Reports whether no variable is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the value of a required variable.
    ///
    /// # Errors
    /// The variable is empty or not set.
    pub fn require(&self, variable: &'static str) -> Result<&str, SettingsError> {
        self.get(variable).ok_or(SettingsError::Missing(variable))
    }

    /// Returns the bucket of the static files.
    ///
    /// # Errors
    /// The variable is empty or not set.
    pub fn gallery_bucket(&self) -> Result<Bucket, SettingsError> {
        let name = self.require(GALLERY_BUCKET)?;
        Bucket::new(name).map_err(|_| SettingsError::Missing(GALLERY_BUCKET))
    }

    /// Returns the endpoints of stores other than AWS's.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            s3: self.get(S3_ENDPOINT).map(str::to_owned),
            dynamodb: self.get(DYNAMODB_ENDPOINT).map(str::to_owned),
        }
    }

    /// Returns the buckets and prefixes of source and archive.
    ///
    /// # Errors
    /// A bucket is not set, or buckets and prefixes do not fit together.
    pub fn layout(&self) -> Result<Layout, SettingsError> {
        let source_bucket = self.require(SOURCE_BUCKET)?;
        let archive_bucket = self.require(ARCHIVE_BUCKET)?;
        Ok(Layout::new(
            source_bucket,
            self.get(SOURCE_PREFIX).unwrap_or_default(),
            archive_bucket,
            self.get(ARCHIVE_PREFIX).unwrap_or_default(),
        )?)
    }

    /// Returns what ingest does with uploads and copies.
    ///
    /// # Errors
    /// SOURCE_AFTER or ARCHIVE_STORAGE_CLASS has a value that is not supported.
    pub fn ingest(&self) -> Result<IngestSettings, SettingsError> {
        let source_after = match self.get(SOURCE_AFTER) {
            None | Some("keep") => SourceAfter::Keep,
            Some("delete") => SourceAfter::Delete,
            Some(value) => return Err(form(SOURCE_AFTER, value, "it must be keep or delete")),
        };
        let storage_class = self.get(ARCHIVE_STORAGE_CLASS);
        if let Some(value) = storage_class
            && !STORAGE_CLASSES.contains(&value)
        {
            let expected = "it must be a class whose objects can be read at once: STANDARD, \
                            STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR or \
                            REDUCED_REDUNDANCY";
            return Err(form(ARCHIVE_STORAGE_CLASS, value, expected));
        }
        Ok(IngestSettings {
            source_after,
            copying: CopySettings {
                storage_class: storage_class.map(str::to_owned),
                ..CopySettings::default()
            },
        })
    }

    /// Returns the rules of privacy. If no variable is set, all positions are hidden and all photos
    /// are public.
    ///
    /// # Errors
    /// The first setting that is wrong. The error names a wrong home zone by its position in the
    /// list only.
    pub fn privacy(&self) -> Result<Privacy, SettingsError> {
        let location = self.non_blank(LOCATION).unwrap_or("hide");
        let visibility = self.non_blank(VISIBILITY).unwrap_or("public");
        let expected = "it must be a number of stars from 0 to 5; photos with fewer are private";
        let rating = self.number(PRIVATE_BELOW_RATING, 0..=5, expected)?;
        Ok(Privacy {
            home_zones: self.non_blank(HOME_ZONES).unwrap_or_default().parse()?,
            visibility: VisibilityRules {
                default: visibility
                    .parse()
                    .map_err(|_| form(VISIBILITY, visibility, "it must be public or private"))?,
                private_keywords: self.list(PRIVATE_KEYWORDS),
                public_keywords: self.list(PUBLIC_KEYWORDS),
                private_below_rating: rating.and_then(|stars| i8::try_from(stars).ok()),
                private_sources: self.list(PRIVATE_SOURCES),
            },
            location: location.parse().map_err(|_| {
                let expected = "it must be hide, exact, or round:N with N decimals from 0 to 5";
                form(LOCATION, location, expected)
            })?,
        })
    }

    /// Returns the limits of the build hook. A limit that is not set has its default.
    ///
    /// # Errors
    /// The first limit that is no number, or is out of range.
    pub fn hook_rules(&self) -> Result<HookRules, SettingsError> {
        let defaults = HookRules::default();
        let seconds = |variable, default: TimeDelta| -> Result<TimeDelta, SettingsError> {
            let expected = "it must be a number of seconds, at most a week";
            let number = self.number(variable, 0..=MAX_SECONDS, expected)?;
            Ok(number.map_or(default, |number| TimeDelta::seconds(number.into())))
        };
        let calls = |variable, default: u32| -> Result<u32, SettingsError> {
            let expected = "it must be a number of calls, at least 1";
            let number = self.number(variable, 1..=MAX_CALLS, expected)?;
            Ok(number.unwrap_or(default))
        };
        Ok(HookRules {
            quiet: seconds(HOOK_QUIET_SECONDS, defaults.quiet)?,
            max_wait: seconds(HOOK_MAX_WAIT_SECONDS, defaults.max_wait)?,
            interval: seconds(HOOK_INTERVAL_SECONDS, defaults.interval)?,
            per_day: calls(HOOK_PER_DAY, defaults.per_day)?,
            per_month: calls(HOOK_PER_MONTH, defaults.per_month)?,
        })
    }

    /// Returns the build hook, or `None` if no URL is set. If `loopback` is true, the hook may be
    /// on this machine.
    ///
    /// # Errors
    /// The URL is refused.
    pub fn hook(&self, loopback: bool) -> Result<Option<BuildHook>, SettingsError> {
        let Some(url) = self.non_blank(HOOK_URL) else {
            return Ok(None);
        };
        let hosts: Vec<String> = self
            .non_blank(HOOK_HOSTS)
            .iter()
            .flat_map(|hosts| hosts.split(','))
            .map(|host| host.trim().to_ascii_lowercase())
            .collect();
        Ok(Some(BuildHook::new(url.trim(), &hosts, loopback)?))
    }

    /// Returns the folder of the static gallery files. An empty text means the bucket itself.
    pub fn gallery_prefix(&self) -> &str {
        let prefix = self.values.get(GALLERY_PREFIX);
        prefix.map_or(DEFAULT_GALLERY_PREFIX, String::as_str)
    }

    /// Reports whether the pictures at PHOTO_BASE_URL carry no GPS position.
    pub fn is_photo_base_url_stripped(&self) -> bool {
        self.get(PHOTO_BASE_URL_STRIPPED) == Some("true")
    }

    /// Returns the origins whose pages may read the gallery.
    pub fn cors_origins(&self) -> Vec<String> {
        let origins = self.get(CORS_ORIGINS).into_iter();
        let origins = origins.flat_map(|origins| origins.split(','));
        origins.map(|origin| origin.trim().to_owned()).collect()
    }

    fn non_blank(&self, variable: &str) -> Option<&str> {
        self.get(variable).filter(|value| !value.trim().is_empty())
    }

    /// Returns the entries of a list that is separated by commas, without blanks around them.
    fn list(&self, variable: &str) -> Vec<String> {
        let entries = self.get(variable).unwrap_or_default().split(',');
        entries
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn number(
        &self,
        variable: &'static str,
        range: RangeInclusive<u32>,
        expected: &'static str,
    ) -> Result<Option<u32>, SettingsError> {
        let Some(value) = self.get(variable) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(form(variable, value, expected)),
        }
    }
}

fn form(variable: &'static str, value: &str, expected: &'static str) -> SettingsError {
    SettingsError::Form {
        variable,
        value: value.to_owned(),
        expected,
    }
}
