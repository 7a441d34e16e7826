//! The settings of every program, and the environment variables that set them.
//!
//! The names of the variables are in [`crate::variables`]. Each variable is parsed and checked only
//! here. The Lambda functions read their environment with [`Settings::from_environment`]. The
//! `photos` command puts the values of its flags into the same [`Settings`]. Each flag has a
//! variable of the same meaning (`src/cli/flags.rs`).

#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use chrono::TimeDelta;
use local_http::AllowedOrigins;

use crate::archive::{Layout, LayoutError};
use crate::catalogue::album_folders::{AlbumFolders, InvalidAlbumFolder};
use crate::clients::Endpoints;
use crate::identity::{InvalidFolderName, SiblingFolders};
use crate::ingest::{ItemRules, SourceAfter};
use crate::map_tiles::{InvalidMapTiles, MapTiles};
use crate::object::{Bucket, Prefix};
use crate::pictures::{InvalidRecipe, OriginalCopies, PictureRecipe};
use crate::privacy::{InvalidHomeZone, Privacy, VisibilityRules};
use crate::publish::{BuildHook, HookError, HookRules};
use crate::skipped_names::{InvalidNamePattern, SkippedNames};
use crate::storage::CopySettings;
pub use crate::variables::*;

/// The prefix of the static gallery files if GALLERY_PREFIX is not set.
pub const DEFAULT_GALLERY_PREFIX: &str = "gallery/";
/// The storage classes that ARCHIVE_STORAGE_CLASS accepts. Objects of these classes can be read at
/// once, as ingest and gallery require (S3 User Guide, "Understanding and managing Amazon S3
/// storage classes").
const STORAGE_CLASSES: [&str; 6] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
];
/// The variables that set the privacy rules, the names that are never a photo's, the names of
/// sibling folders, the recipe of the pictures, and the folders that are albums. A data folder
/// keeps their values.
pub const PRIVACY_VARIABLES: [&str; 13] = [
    LOCATION,
    PEOPLE,
    HOME_ZONES,
    VISIBILITY,
    PRIVATE_KEYWORDS,
    PUBLIC_KEYWORDS,
    PRIVATE_BELOW_RATING,
    PRIVATE_SOURCES,
    SKIP_NAMES,
    SIBLING_FOLDERS,
    RENDITIONS,
    ORIGINALS,
    ALBUM_FOLDERS,
];
/// The settings whose value may be in a parameter of AWS Systems Manager (SSM).
pub const SECRET_SETTINGS: [SecretSetting; 5] = [
    SecretSetting {
        value: HOME_ZONES,
        parameter: HOME_ZONES_PARAMETER,
    },
    SecretSetting {
        value: PRIVATE_KEYWORDS,
        parameter: PRIVATE_KEYWORDS_PARAMETER,
    },
    SecretSetting {
        value: PRIVATE_SOURCES,
        parameter: PRIVATE_SOURCES_PARAMETER,
    },
    SecretSetting {
        value: CURSOR_KEY,
        parameter: CURSOR_KEY_PARAMETER,
    },
    SecretSetting {
        value: HOOK_URL,
        parameter: HOOK_URL_PARAMETER,
    },
];
/// The maximum value of a setting that is a number of seconds, such as HOOK_QUIET_SECONDS: one
/// week.
const MAX_SECONDS: u32 = 7 * 24 * 3600;
/// The maximum value of a setting that is a number of calls of the build hook, such as
/// HOOK_PER_DAY.
const MAX_CALLS: u32 = 10_000;

/// The settings of a program: the text values of its environment variables or flags, by the name of
/// the variable.
///
/// A value is parsed only when a program reads it. So each program needs only the variables that it
/// uses. An empty value counts as not set, apart from LOCATION (it means `hide`) and GALLERY_PREFIX
/// (it means the bucket itself).
#[derive(Clone, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
}

/// A setting whose value may be in an SSM parameter. Only the Lambda functions read SSM parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretSetting {
    /// The variable that contains the value.
    pub value: &'static str,
    /// The variable that contains the name of the SSM parameter with the value. It is used if the
    /// variable `value` is empty or not set.
    pub parameter: &'static str,
}

/// The settings of ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestSettings {
    /// The action for an upload after it is archived: keep it or delete it.
    pub source_after: SourceAfter,
    /// The settings for the copies in the archive, such as their storage class.
    pub copying: CopySettings,
    /// The names that are never a photo's.
    pub skipped_names: SkippedNames,
    /// The names of folders that only separate the formats of one shot.
    pub siblings: SiblingFolders,
}

/// The error of a setting that is missing or wrong. The text is one line and names the variable.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A required variable is empty or not set.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A home zone is malformed. Home zones are private, so the text contains only the zone's
    /// number in the list, not its value.
    #[error("{HOME_ZONES}: {0}")]
    HomeZones(#[from] InvalidHomeZone),
    /// A pattern of names that are never a photo's is wrong.
    #[error("{SKIP_NAMES}: {0}")]
    SkippedNames(#[from] InvalidNamePattern),
    /// A name of a sibling folder is wrong.
    #[error("{SIBLING_FOLDERS}: {0}")]
    SiblingFolders(#[from] InvalidFolderName),
    /// The long edges of the renditions are wrong.
    #[error("{RENDITIONS}: {0}; it must be none, or numbers of pixels such as 320,640,1280,2048")]
    Renditions(#[from] InvalidRecipe),
    /// The URL of the map tiles is wrong. It may contain a key, so it is not in the text.
    #[error("{MAP_TILES}: {0}")]
    MapTiles(#[from] InvalidMapTiles),
    /// A folder of uploads that should be albums is wrong.
    #[error("{ALBUM_FOLDERS}: {0}")]
    AlbumFolders(#[from] InvalidAlbumFolder),
    /// The static gallery files would be in the source or in the archive.
    #[error(
        "{GALLERY_BUCKET} is \"{bucket}\" and {GALLERY_PREFIX} is \"{prefix}\": everything there is public, \
         so it must overlap neither the source nor the archive"
    )]
    PublicFolder {
        /// The bucket of the static gallery files.
        bucket: Bucket,
        /// Their prefix.
        prefix: String,
    },
    /// The buckets and prefixes do not form a valid layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The URL of the build hook is not allowed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The value of a setting is in an SSM parameter, and the program did not read it there. The
    /// program must not continue as if the setting had no value: it might publish what the setting
    /// hides.
    #[error(
        "{} is set, but only the Lambda functions read parameters of SSM; set {} to the value of \
         the parameter",
        .0.parameter,
        .0.value
    )]
    UnreadParameter(SecretSetting),
    /// A value does not have the form that its variable requires.
    #[error("{variable} is \"{value}\"; {expected}")]
    Form {
        /// The variable with the wrong value.
        variable: &'static str,
        /// The wrong value.
        value: String,
        /// A description of the form that the value must have.
        expected: &'static str,
    },
}

// The output contains only the names of the variables, because home zones, keys and the hook's URL
// are secrets.
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
    /// Reads all environment variables of this process. A variable that is not UTF-8 counts as not
    /// set.
    pub fn from_environment() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Reads those environment variables of this process that contain the name of an SSM parameter
    /// with a privacy rule. With them, [`Settings::privacy`] fails if the rule itself is not set.
    pub fn privacy_parameters_from_environment() -> Self {
        let environment = Self::from_environment();
        let parameters = SECRET_SETTINGS
            .iter()
            .filter(|secret| PRIVACY_VARIABLES.contains(&secret.value))
            .filter_map(|secret| Some((secret.parameter, environment.get(secret.parameter)?)));
        parameters
            .map(|(variable, name)| (variable, name.to_owned()))
            .collect()
    }

    /// Sets a variable. Replaces an earlier value.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.values.insert(variable.to_owned(), value.into());
    }

    /// Adds the values of `other`. If a variable has a value in both, the value of `other` is used.
    pub fn extend(&mut self, other: Settings) {
        self.values.extend(other.values);
    }

    /// Adds the values of `other` as [`Settings::extend`] does, but an empty value does not replace
    /// the value that is set already. Only an empty LOCATION does: it means `hide`.
    pub fn extend_unless_empty(&mut self, other: Settings) {
        let given = other.values.into_iter();
        let chosen = given.filter(|(variable, value)| !value.is_empty() || variable == LOCATION);
        self.values.extend(chosen);
    }

    /// Returns the value of a variable, or `None` if it is empty or not set.
    pub fn get(&self, variable: &str) -> Option<&str> {
        let value = self.values.get(variable)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns `true` if a variable is set, even to an empty text.
    pub fn contains(&self, variable: &str) -> bool {
        self.values.contains_key(variable)
    }

    /// Returns `true` if no variable is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the settings whose values are in SSM parameters and are not set yet, with the names
    /// of these parameters.
    pub fn unread_parameters(&self) -> impl Iterator<Item = (SecretSetting, &str)> {
        SECRET_SETTINGS.into_iter().filter_map(|secret| {
            let name = self.get(secret.parameter)?;
            self.get(secret.value).is_none().then_some((secret, name))
        })
    }

    /// Returns an error if the value of one of these variables is in an SSM parameter and is not
    /// set yet.
    fn require_read(&self, variables: &[&str]) -> Result<(), SettingsError> {
        let mut unread = self.unread_parameters();
        match unread.find(|(secret, _)| variables.contains(&secret.value)) {
            Some((secret, _)) => Err(SettingsError::UnreadParameter(secret)),
            None => Ok(()),
        }
    }

    /// Returns the value of a required variable.
    ///
    /// # Errors
    /// Returns [`SettingsError::Missing`] if the variable is empty or not set.
    pub fn require(&self, variable: &'static str) -> Result<&str, SettingsError> {
        self.get(variable).ok_or(SettingsError::Missing(variable))
    }

    /// Returns the bucket of the static gallery files.
    ///
    /// # Errors
    /// Returns [`SettingsError::Missing`] if GALLERY_BUCKET is empty or not set. Returns
    /// [`SettingsError::PublicFolder`] if the files are in the source or in the archive, or the
    /// other way round: everything under GALLERY_PREFIX is public, and ingest would archive the
    /// pictures.
    pub fn gallery_bucket(&self) -> Result<Bucket, SettingsError> {
        let name = self.require(GALLERY_BUCKET)?;
        let bucket = Bucket::new(name).map_err(|_| SettingsError::Missing(GALLERY_BUCKET))?;
        let prefix = self.gallery_prefix();
        if self.get(SOURCE_BUCKET).is_some() && self.get(ARCHIVE_BUCKET).is_some() {
            let layout = self.layout()?;
            let private = [
                (layout.source_bucket(), layout.source_prefix()),
                (layout.archive_bucket(), layout.archive_prefix()),
            ];
            let overlaps = |other: &str| other.starts_with(prefix) || prefix.starts_with(other);
            let is_inside =
                |(other, folder): (&Bucket, &Prefix)| *other == bucket && overlaps(folder.as_str());
            if private.into_iter().any(is_inside) {
                return Err(SettingsError::PublicFolder {
                    bucket,
                    prefix: prefix.to_owned(),
                });
            }
        }
        Ok(bucket)
    }

    /// Returns the URLs of the object store and of the table store. A URL is `None` if AWS's own
    /// store is used.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            s3: self.get(S3_ENDPOINT).map(str::to_owned),
            dynamodb: self.get(DYNAMODB_ENDPOINT).map(str::to_owned),
        }
    }

    /// Returns the buckets and prefixes of source and archive.
    ///
    /// # Errors
    /// Returns an error if a bucket is not set, or if buckets and prefixes do not form a valid
    /// layout.
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

    /// Returns the settings of ingest: the action for uploads after they are archived, the storage
    /// class of copies, the names that are never a photo's, and the names of sibling folders.
    ///
    /// # Errors
    /// Returns an error if SOURCE_AFTER or ARCHIVE_STORAGE_CLASS has a value that is not supported,
    /// or if a pattern in SKIP_NAMES or a name in SIBLING_FOLDERS is wrong.
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
            skipped_names: self.get(SKIP_NAMES).unwrap_or_default().parse()?,
            siblings: self.get(SIBLING_FOLDERS).unwrap_or_default().parse()?,
        })
    }

    /// Returns the rules of privacy. If no variable is set, all positions and all names of people
    /// are hidden, and all photos are public.
    ///
    /// # Errors
    /// Returns an error for the first setting that is wrong. For a home zone, the text contains
    /// only the zone's number in the list, not its value. Also returns an error if a rule is in an
    /// SSM parameter and was not read.
    pub fn privacy(&self) -> Result<Privacy, SettingsError> {
        self.require_read(&PRIVACY_VARIABLES)?;
        let location = self.non_blank(LOCATION).unwrap_or("hide");
        let people = self.non_blank(PEOPLE).unwrap_or("hide");
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
            people: people
                .parse()
                .map_err(|_| form(PEOPLE, people, "it must be hide or show"))?,
        })
    }

    /// Returns the limits for calls of the build hook. A limit that is not set has its default
    /// value.
    ///
    /// # Errors
    /// Returns an error for the first limit that is not a number, or is out of range.
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

    /// Returns the build hook: the URL that starts a build of the site. Returns `None` if no URL is
    /// set. If `loopback` is `true`, the URL may be on this machine.
    ///
    /// # Errors
    /// Returns an error if the URL is not allowed, or if it is in an SSM parameter and was not
    /// read.
    pub fn hook(&self, loopback: bool) -> Result<Option<BuildHook>, SettingsError> {
        self.require_read(&[HOOK_URL])?;
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

    /// Returns the prefix of the static gallery files.
    pub fn gallery_prefix(&self) -> &str {
        let prefix = self.values.get(GALLERY_PREFIX);
        prefix.map_or(DEFAULT_GALLERY_PREFIX, String::as_str)
    }

    /// Returns the URL of the static gallery files and the pictures, or `None` if it is not set.
    pub fn gallery_url(&self) -> Option<&str> {
        self.get(GALLERY_URL)
    }

    /// Returns the server of the map tiles, or `None` if the map loads no tiles.
    ///
    /// # Errors
    /// Returns an error if MAP_TILES is no URL of map tiles.
    pub fn map_tiles(&self) -> Result<Option<MapTiles>, SettingsError> {
        let Some(template) = self.non_blank(MAP_TILES) else {
            return Ok(None);
        };
        let attribution = self.get(MAP_ATTRIBUTION).unwrap_or_default();
        Ok(Some(MapTiles::parse(template, attribution)?))
    }

    /// Returns the id of the CloudFront distribution of the pictures, or `None` if there is none.
    pub fn cdn_distribution(&self) -> Option<&str> {
        self.get(CDN_DISTRIBUTION)
    }

    /// Returns the rules by which items are derived: the rules of privacy, the recipe of the
    /// pictures, and the folders that are albums.
    ///
    /// # Errors
    /// Returns an error for the first setting that is wrong.
    pub fn item_rules(&self) -> Result<ItemRules, SettingsError> {
        Ok(ItemRules {
            privacy: self.privacy()?,
            recipe: self.picture_recipe()?,
            album_folders: self.album_folders()?,
        })
    }

    /// Returns the recipe of the pictures, or `None` if no pictures are made.
    ///
    /// # Errors
    /// Returns an error if RENDITIONS or ORIGINALS is wrong.
    pub fn picture_recipe(&self) -> Result<Option<PictureRecipe>, SettingsError> {
        let originals = self.originals()?;
        match self.non_blank(RENDITIONS) {
            Some("none") => Ok(None),
            Some(edges) => Ok(Some(PictureRecipe::new(edges, originals)?)),
            None => Ok(Some(PictureRecipe::default().with_originals(originals))),
        }
    }

    /// Returns the folders of uploads that are albums.
    ///
    /// # Errors
    /// Returns an error if ALBUM_FOLDERS is wrong.
    pub fn album_folders(&self) -> Result<AlbumFolders, SettingsError> {
        Ok(self.get(ALBUM_FOLDERS).unwrap_or_default().parse()?)
    }

    /// Returns which originals the public may see.
    ///
    /// # Errors
    /// Returns an error if ORIGINALS is wrong.
    pub fn originals(&self) -> Result<OriginalCopies, SettingsError> {
        match self.non_blank(ORIGINALS) {
            None | Some("none") => Ok(OriginalCopies::None),
            Some("jpeg") => Ok(OriginalCopies::Jpeg),
            Some(value) => Err(form(ORIGINALS, value, "it must be none or jpeg")),
        }
    }

    /// Returns the origins whose pages may read the gallery, or `None` if CORS_ORIGINS is not set.
    pub fn cors_origins(&self) -> Option<AllowedOrigins> {
        self.contains(CORS_ORIGINS)
            .then(|| AllowedOrigins::parse(self.get(CORS_ORIGINS).unwrap_or_default()))
    }

    fn non_blank(&self, variable: &str) -> Option<&str> {
        self.get(variable).filter(|value| !value.trim().is_empty())
    }

    /// Returns the entries of a setting that is a list, separated by commas. Removes white space
    /// around each entry, and leaves out empty entries.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one_setting(variable: &'static str, value: &str) -> Settings {
        let mut settings = Settings::default();
        settings.set(variable, value);
        settings
    }

    #[test]
    fn public_files_are_never_in_the_source_or_the_archive() {
        let check = |source: &str, archive: &str, gallery: &str| {
            let mut settings = Settings::default();
            for (bucket, prefix, folder) in [
                (SOURCE_BUCKET, SOURCE_PREFIX, source),
                (ARCHIVE_BUCKET, ARCHIVE_PREFIX, archive),
                (GALLERY_BUCKET, GALLERY_PREFIX, gallery),
            ] {
                let (name, rest) = folder.split_once('/').expect("a bucket and a prefix");
                settings.set(bucket, name);
                settings.set(prefix, rest);
            }
            settings.gallery_bucket().is_ok()
        };
        assert!(check("inbox/", "archive/", "site/gallery/"));
        assert!(check("inbox/", "archive/", "site/"));
        assert!(check("all/inbox/", "all/archive/", "all/gallery/"));
        assert!(!check("inbox/", "archive/", "archive/gallery/"));
        assert!(!check("inbox/", "all/archive/", "all/"));
        assert!(!check("inbox/", "all/archive/", "all/archive/r/"));
        assert!(!check("inbox/", "archive/", "inbox/gallery/"));
    }

    #[test]
    fn secret_in_a_parameter_is_not_treated_as_absent() {
        for secret in SECRET_SETTINGS {
            let named = one_setting(secret.parameter, "/photos/rule");
            assert!(
                named.unread_parameters().eq([(secret, "/photos/rule")]),
                "{secret:?}"
            );
            let refused = match secret.value {
                CURSOR_KEY => named.require(CURSOR_KEY).map(drop),
                HOOK_URL => named.hook(false).map(drop),
                _ => named.privacy().map(drop),
            };
            assert!(refused.is_err(), "{secret:?}");

            let mut read = named;
            read.set(secret.value, "https://api.netlify.com/build_hooks/1");
            assert_eq!(read.unread_parameters().count(), 0, "{secret:?}");
        }
        // If the secret of one service was not read, the other services still work.
        let hook = one_setting(HOOK_URL_PARAMETER, "/photos/hook-url");
        assert!(hook.privacy().is_ok());
    }
}
