//! The settings and the environment variables that hold them: their one home.
//!
//! Lambda binaries read the environment through [`Settings::read`]; the `photos` command gives its flags (each with
//! the variable of the same meaning) to the same function.

use std::ops::RangeInclusive;

use chrono::TimeDelta;

use crate::archive::{Layout, LayoutError};
use crate::ingest::SourceAfter;
use crate::privacy::{InvalidHomeZone, Privacy, VisibilityRules};
use crate::publish::{BuildHook, HookError, HookRules};
use crate::storage::CopySettings;

/// Bucket that photos are uploaded to.
pub const SOURCE_BUCKET: &str = "SOURCE_BUCKET";
/// Folder in it; empty or ending in `/`.
pub const SOURCE_PREFIX: &str = "SOURCE_PREFIX";
/// Bucket that they are organised in.
pub const ARCHIVE_BUCKET: &str = "ARCHIVE_BUCKET";
/// Folder in it; empty or ending in `/`.
pub const ARCHIVE_PREFIX: &str = "ARCHIVE_PREFIX";
/// What becomes of an upload once it is archived: `keep`, `delete`.
pub const SOURCE_AFTER: &str = "SOURCE_AFTER";
/// Storage class of the archive's files.
pub const ARCHIVE_STORAGE_CLASS: &str = "ARCHIVE_STORAGE_CLASS";
/// Those that answer at once, as ingest and gallery need it (S3 User Guide, "Understanding and managing Amazon S3 storage
/// classes").
const STORAGE_CLASSES: [&str; 6] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
];
/// The catalogue's table.
pub const TABLE: &str = "PHOTOS_TABLE";
/// S3-compatible store other than AWS's.
pub const S3_ENDPOINT: &str = "S3_ENDPOINT";
/// DynamoDB-compatible store other than AWS's.
pub const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
/// What the public may learn of a place: `hide`, `round:N`, `exact`.
pub const LOCATION: &str = "LOCATION";
/// Where no position is published, as [`crate::privacy::HomeZones`] reads them.
pub const HOME_ZONES: &str = "HOME_ZONES";
/// `public` or `private`: photos that no rule speaks of.
pub const VISIBILITY: &str = "VISIBILITY";
/// Keywords that make a photo private, separated by commas.
pub const PRIVATE_KEYWORDS: &str = "PRIVATE_KEYWORDS";
/// Keywords that make a photo public where VISIBILITY is `private`.
pub const PUBLIC_KEYWORDS: &str = "PUBLIC_KEYWORDS";
/// Photos of fewer stars are private.
pub const PRIVATE_BELOW_RATING: &str = "PRIVATE_BELOW_RATING";
/// Prefixes of source keys whose photos are private, separated by commas.
pub const PRIVATE_SOURCES: &str = "PRIVATE_SOURCES";
/// Where browsers get the pictures.
pub const PHOTO_BASE_URL: &str = "PHOTO_BASE_URL";
/// `true` states that what PHOTO_BASE_URL serves carries no GPS.
pub const PHOTO_BASE_URL_STRIPPED: &str = "PHOTO_BASE_URL_STRIPPED";
/// 32 secret bytes in base64 that seal the cursors: `openssl rand -base64 32`.
pub const CURSOR_KEY: &str = "CURSOR_KEY";
/// SSM parameter that holds it instead.
pub const CURSOR_KEY_PARAMETER: &str = "CURSOR_KEY_PARAMETER";
/// Origins that may read the gallery from a browser, separated by commas; `*` for all.
pub const CORS_ORIGINS: &str = "CORS_ORIGINS";

/// The table of what is published.
pub const PUBLISH_TABLE: &str = "PUBLISH_TABLE";
/// Bucket of the static gallery files.
pub const GALLERY_BUCKET: &str = "GALLERY_BUCKET";
/// Folder in it; empty or ending in `/`.
pub const GALLERY_PREFIX: &str = "GALLERY_PREFIX";
/// That folder, where none is set.
pub const DEFAULT_GALLERY_PREFIX: &str = "gallery/";
/// The build hook's URL, a secret.
pub const HOOK_URL: &str = "HOOK_URL";
/// SSM parameter that holds it instead.
pub const HOOK_URL_PARAMETER: &str = "HOOK_URL_PARAMETER";
/// Hosts that a build hook may be on besides the known ones, separated by commas.
pub const HOOK_HOSTS: &str = "HOOK_HOSTS";
/// How long no photo must have come before the hook is called, seconds.
pub const HOOK_QUIET_SECONDS: &str = "HOOK_QUIET_SECONDS";
/// How long a change waits for that at most, seconds.
pub const HOOK_MAX_WAIT_SECONDS: &str = "HOOK_MAX_WAIT_SECONDS";
/// Least time between two calls, seconds.
pub const HOOK_INTERVAL_SECONDS: &str = "HOOK_INTERVAL_SECONDS";
/// Most calls in 24 hours.
pub const HOOK_PER_DAY: &str = "HOOK_PER_DAY";
/// Most calls in 31 days.
pub const HOOK_PER_MONTH: &str = "HOOK_PER_MONTH";

/// Longest time that a setting takes, seconds: a week.
const MAX_SECONDS: u32 = 7 * 24 * 3600;
/// Most calls that a budget holds.
const MAX_CALLS: u32 = 10_000;

/// What ingest does beyond what it shares with the gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSettings {
    /// What becomes of an upload.
    pub source_after: SourceAfter,
    /// How the archive's copies are made.
    pub copying: CopySettings,
}

impl IngestSettings {
    /// Reads and checks the settings; an empty value counts as not set.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty());
        let source_after = match get(SOURCE_AFTER) {
            None => SourceAfter::Keep,
            Some(value) if value == "keep" => SourceAfter::Keep,
            Some(value) if value == "delete" => SourceAfter::Delete,
            Some(value) => {
                return Err(SettingsError::Form {
                    variable: SOURCE_AFTER,
                    value,
                    expected: "it takes keep or delete",
                });
            }
        };
        let storage_class = get(ARCHIVE_STORAGE_CLASS);
        if let Some(value) = &storage_class
            && !STORAGE_CLASSES.contains(&value.as_str())
        {
            return Err(SettingsError::Form {
                variable: ARCHIVE_STORAGE_CLASS,
                value: value.clone(),
                expected: "it takes a class that answers at once: STANDARD, STANDARD_IA, ONEZONE_IA, \
                           INTELLIGENT_TIERING, GLACIER_IR, REDUCED_REDUNDANCY",
            });
        }
        Ok(IngestSettings {
            source_after,
            copying: CopySettings {
                storage_class,
                ..CopySettings::default()
            },
        })
    }
}

/// What ingest and gallery share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Buckets and prefixes.
    pub layout: Layout,
    /// The catalogue's table.
    pub table: String,
    /// What is kept from the public.
    pub privacy: Privacy,
}

/// Why the settings were refused; one line that names the variable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A variable that has no default is not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A home zone is none.
    #[error("{HOME_ZONES}: {0}")]
    HomeZones(#[from] InvalidHomeZone),
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
        Ok(Settings {
            layout: Layout::new(
                &source_bucket,
                &get(SOURCE_PREFIX).unwrap_or_default(),
                &archive_bucket,
                &get(ARCHIVE_PREFIX).unwrap_or_default(),
            )?,
            table: need(TABLE)?,
            privacy: privacy(&lookup)?,
        })
    }
}

/// What is kept from the public, each setting from its variable; without any, all positions and nothing else.
///
/// # Errors
/// The first setting that is wrong. A home zone that is wrong is told by its place in the list only.
pub fn privacy(lookup: impl Fn(&str) -> Option<String>) -> Result<Privacy, SettingsError> {
    let get = |variable| lookup(variable).filter(|value| !value.trim().is_empty());
    let form = |variable, expected| {
        move |value| SettingsError::Form {
            variable,
            value,
            expected,
        }
    };
    let location = get(LOCATION).unwrap_or_else(|| "hide".to_owned());
    let visibility = get(VISIBILITY).unwrap_or_else(|| "public".to_owned());
    let list = |variable| -> Vec<String> {
        let text = get(variable).unwrap_or_default();
        let entries = text.split(',').map(str::trim);
        entries
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let expected = "it takes stars, 0 to 5; photos of fewer are private";
    let rating = number(&lookup, PRIVATE_BELOW_RATING, 0..=5, expected)?;
    Ok(Privacy {
        home_zones: get(HOME_ZONES).unwrap_or_default().parse()?,
        visibility: VisibilityRules {
            default: visibility
                .parse()
                .map_err(|_| form(VISIBILITY, "it takes public or private")(visibility))?,
            private_keywords: list(PRIVATE_KEYWORDS),
            public_keywords: list(PUBLIC_KEYWORDS),
            private_below_rating: rating.and_then(|stars| i8::try_from(stars).ok()),
            private_sources: list(PRIVATE_SOURCES),
        },
        location: location.parse().map_err(|_| {
            form(
                LOCATION,
                "it takes hide, exact, or round:N with N decimals, 0 to 5",
            )(location)
        })?,
    })
}

/// The build hook's limits, each from its variable or by default.
///
/// # Errors
/// The first that is no number, or a budget of none.
pub fn hook_rules(lookup: impl Fn(&str) -> Option<String>) -> Result<HookRules, SettingsError> {
    let defaults = HookRules::default();
    let seconds = |variable, default: TimeDelta| -> Result<TimeDelta, SettingsError> {
        let expected = "it takes seconds, a week at most";
        let number = number(&lookup, variable, 0..=MAX_SECONDS, expected)?;
        Ok(number.map_or(default, |number| TimeDelta::seconds(number.into())))
    };
    let calls = |variable, default: u32| -> Result<u32, SettingsError> {
        let expected = "it takes a number of calls, at least 1";
        Ok(number(&lookup, variable, 1..=MAX_CALLS, expected)?.unwrap_or(default))
    };
    Ok(HookRules {
        quiet: seconds(HOOK_QUIET_SECONDS, defaults.quiet)?,
        max_wait: seconds(HOOK_MAX_WAIT_SECONDS, defaults.max_wait)?,
        interval: seconds(HOOK_INTERVAL_SECONDS, defaults.interval)?,
        per_day: calls(HOOK_PER_DAY, defaults.per_day)?,
        per_month: calls(HOOK_PER_MONTH, defaults.per_month)?,
    })
}

fn number(
    lookup: impl Fn(&str) -> Option<String>,
    variable: &'static str,
    range: RangeInclusive<u32>,
    expected: &'static str,
) -> Result<Option<u32>, SettingsError> {
    let Some(value) = lookup(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(SettingsError::Form {
            variable,
            value,
            expected,
        }),
    }
}

/// The build hook, where one is set. With `loopback`, one on this machine will do.
///
/// # Errors
/// Its URL is refused.
pub fn hook(
    lookup: impl Fn(&str) -> Option<String>,
    loopback: bool,
) -> Result<Option<BuildHook>, HookError> {
    let get = |variable| lookup(variable).filter(|value| !value.trim().is_empty());
    let Some(url) = get(HOOK_URL) else {
        return Ok(None);
    };
    let hosts: Vec<String> = get(HOOK_HOSTS)
        .iter()
        .flat_map(|hosts| hosts.split(','))
        .map(|host| host.trim().to_ascii_lowercase())
        .collect();
    BuildHook::new(url.trim(), &hosts, loopback).map(Some)
}
