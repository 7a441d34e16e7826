//! The flags that several commands share, in groups.
//!
//! Each flag is declared once, with the variable of the same meaning, and is parsed by
//! [`crate::config`]: a group only puts its values into [`Settings`].

use std::path::PathBuf;

use clap::Args;

use super::key_pair_file::StoredKeyPair;
use crate::config::{self, Settings};

/// The data folder of `photos serve`.
#[derive(Debug, Args)]
pub(super) struct DataFlags {
    /// The data folder of `photos serve`: the archive as plain files, and the databases.
    #[arg(long, value_name = "DIR", env = config::DATA, default_value = "photos-data")]
    pub(super) data: PathBuf,
}

/// The flags that set the key pair of the embedded engines. Without them, the engines use the
/// random key pair that is stored in the data folder.
#[derive(Debug, Args)]
pub(super) struct KeyPairFlags {
    /// Access key id of the embedded S3 server, instead of the data folder's own.
    #[arg(long, env = config::ACCESS_KEY)]
    access_key: Option<String>,
    /// Secret access key of the embedded S3 server, instead of the data folder's own.
    #[arg(long, env = config::SECRET_KEY, hide_env_values = true)]
    secret_key: Option<String>,
}

/// The buckets and prefixes of source and archive.
#[derive(Debug, Args)]
pub(super) struct ArchiveFlags {
    /// Bucket that photos are uploaded to.
    #[arg(long, env = config::SOURCE_BUCKET, default_value = "inbox")]
    pub(super) source_bucket: String,
    /// Folder of the uploads in that bucket, ending in a slash.
    #[arg(long, env = config::SOURCE_PREFIX, default_value = "")]
    pub(super) source_prefix: String,
    /// Bucket that photos are filed in.
    #[arg(long, env = config::ARCHIVE_BUCKET, default_value = "archive")]
    pub(super) archive_bucket: String,
    /// Folder of the archive in that bucket, ending in a slash.
    #[arg(long, env = config::ARCHIVE_PREFIX, default_value = "")]
    pub(super) archive_prefix: String,
}

/// What ingest does with uploads and copies.
#[derive(Debug, Args)]
pub(super) struct IngestFlags {
    /// What happens to an upload after it is archived: keep or delete.
    #[arg(long, env = config::SOURCE_AFTER, default_value = "keep")]
    source_after: String,
    /// Storage class of the archive's files. The embedded store records only its name.
    #[arg(long, env = config::ARCHIVE_STORAGE_CLASS)]
    archive_storage_class: Option<String>,
}

/// The tables.
#[derive(Debug, Args)]
pub(super) struct TableFlags {
    /// The catalogue's table.
    #[arg(long, env = config::TABLE, default_value = "photos")]
    pub(super) table: String,
    /// The table that records what is published.
    #[arg(long, env = config::PUBLISH_TABLE, default_value = "publish")]
    publish_table: String,
}

/// The static gallery files.
#[derive(Debug, Args)]
pub(super) struct PublishFlags {
    /// Bucket of the static gallery files.
    #[arg(long, env = config::GALLERY_BUCKET, default_value = "site")]
    pub(super) gallery_bucket: String,
    /// Folder of these files in that bucket, ending in a slash.
    #[arg(long, env = config::GALLERY_PREFIX, default_value = config::DEFAULT_GALLERY_PREFIX)]
    gallery_prefix: String,
}

/// The map of the gallery page.
#[derive(Debug, Args)]
pub(super) struct MapFlags {
    /// URL of the tiles of the page's map, with {z}, {x} and {y}. If it is not given, the map loads
    /// nothing from other servers.
    #[arg(long, value_name = "URL", env = config::MAP_TILES, hide_env_values = true)]
    map_tiles: Option<String>,
    /// Text that the server of the tiles requires; [text](https://example.org) becomes a link.
    #[arg(long, value_name = "TEXT", env = config::MAP_ATTRIBUTION)]
    map_attribution: Option<String>,
}

/// The build hook and its limits.
#[derive(Debug, Args)]
pub(super) struct HookFlags {
    /// URL to POST to when the site must be rebuilt: a build hook of Netlify, Vercel or Cloudflare.
    /// It is a secret.
    #[arg(long, value_name = "URL", env = config::HOOK_URL, hide_env_values = true)]
    hook_url: Option<String>,
    /// Other hosts that the hook may be on, separated by commas.
    #[arg(long, value_name = "HOSTS", env = config::HOOK_HOSTS)]
    hook_hosts: Option<String>,
    /// Seconds without a new photo before the hook is called [default: 90].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_QUIET_SECONDS)]
    hook_quiet_seconds: Option<String>,
    /// Seconds that a change waits for such a quiet time at most [default: 900].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_MAX_WAIT_SECONDS)]
    hook_max_wait_seconds: Option<String>,
    /// Least seconds between two calls [default: 600].
    #[arg(long, value_name = "SECONDS", env = config::HOOK_INTERVAL_SECONDS)]
    hook_interval_seconds: Option<String>,
    /// Most calls in 24 hours [default: 3].
    #[arg(long, value_name = "CALLS", env = config::HOOK_PER_DAY)]
    hook_per_day: Option<String>,
    /// Most calls in 31 days. A third of them may follow one another; the others are spread over
    /// the time [default: 18].
    #[arg(long, value_name = "CALLS", env = config::HOOK_PER_MONTH)]
    hook_per_month: Option<String>,
}

/// Who sees what: the location policy, the names that are never a photo's, and the rules of
/// visibility.
#[derive(Debug, Args)]
pub(super) struct PrivacyFlags {
    /// What the public sees of positions: hide, round:N (decimals) or exact. If it is not given, a
    /// data folder has the value of its last `photos serve`, or exact while only this machine can
    /// reach the gallery; stores elsewhere need the value that the functions have.
    #[arg(long, env = config::LOCATION)]
    location: Option<String>,
    /// What the public sees of the names of people in photos: hide or show [default: hide].
    #[arg(long, value_name = "POLICY", env = config::PEOPLE)]
    people: Option<String>,
    /// More patterns of names that are never a photo's, separated by commas: *.ext for files, name/
    /// for folders. !PATTERN removes a default pattern.
    #[arg(long, value_name = "PATTERNS", env = config::SKIP_NAMES)]
    skip_names: Option<String>,
    /// More names of folders that only separate the formats of one shot, such as RAW, separated by
    /// commas. !NAME removes a default name.
    #[arg(long, value_name = "NAMES", env = config::SIBLING_FOLDERS)]
    sibling_folders: Option<String>,
    /// Folders of uploads below these key prefixes are albums: albums/; separated by commas.
    #[arg(long, value_name = "PREFIXES", env = config::ALBUM_FOLDERS)]
    album_folders: Option<String>,
    #[command(flatten)]
    visibility: VisibilityFlags,
}

/// Which pictures are made.
#[derive(Debug, Args)]
pub(super) struct PictureFlags {
    /// Long edges of the web-size pictures in pixels, separated by commas, or none [default:
    /// 320,640,1280,2048].
    #[arg(long, value_name = "PIXELS", env = config::RENDITIONS)]
    renditions: Option<String>,
    /// Copies of originals that the public sees: none, or jpeg for each JPEG in full size, without
    /// its metadata [default: none].
    #[arg(long, value_name = "COPIES", env = config::ORIGINALS)]
    originals: Option<String>,
}

/// The rules of visibility, and the home zones.
#[derive(Debug, Args)]
pub(super) struct VisibilityFlags {
    /// Zones in which, and around which, no position is shown: LAT,LON,METRES or geohash cells,
    /// separated by semicolons.
    #[arg(long, value_name = "ZONES", env = config::HOME_ZONES, hide_env_values = true)]
    home_zones: Option<String>,
    /// Visibility of photos that no rule matches: public or private [default: public].
    #[arg(long, value_name = "VISIBILITY", env = config::VISIBILITY)]
    visibility: Option<String>,
    /// Keywords that make a photo private, separated by commas.
    #[arg(long, value_name = "KEYWORDS", env = config::PRIVATE_KEYWORDS)]
    private_keywords: Option<String>,
    /// Keywords that make a photo public if --visibility is private, separated by commas.
    #[arg(long, value_name = "KEYWORDS", env = config::PUBLIC_KEYWORDS)]
    public_keywords: Option<String>,
    /// Photos with fewer stars are private. A photo without a rating has no stars.
    #[arg(long, value_name = "STARS", env = config::PRIVATE_BELOW_RATING)]
    private_below_rating: Option<String>,
    /// Photos uploaded under these key prefixes are private; separated by commas.
    #[arg(long, value_name = "PREFIXES", env = config::PRIVATE_SOURCES)]
    private_sources: Option<String>,
}

/// The endpoint of a DynamoDB-compatible store.
#[derive(Debug, Args)]
pub(super) struct TableEndpointFlags {
    /// Work on the tables of this DynamoDB-compatible store.
    #[arg(long, value_name = "URL", env = config::DYNAMODB_ENDPOINT)]
    pub(super) dynamodb_endpoint: Option<String>,
}

/// The endpoints of stores other than AWS's.
#[derive(Debug, Args)]
pub(super) struct StoreEndpointFlags {
    /// Work on this S3-compatible store, with the region and credentials that AWS's own tools use.
    #[arg(long, value_name = "URL", env = config::S3_ENDPOINT)]
    pub(super) s3_endpoint: Option<String>,
    #[command(flatten)]
    pub(super) tables: TableEndpointFlags,
}

impl KeyPairFlags {
    /// Replaces the keys of `key_pair` by those that the flags give. An empty key replaces nothing.
    pub(super) fn replace_in(&self, key_pair: &mut StoredKeyPair) {
        let given = |key: &Option<String>| key.clone().filter(|key| !key.is_empty());
        if let Some(access_key) = given(&self.access_key) {
            key_pair.access_key = access_key;
        }
        if let Some(secret_key) = given(&self.secret_key) {
            key_pair.secret_key = secret_key;
        }
    }
}

impl ArchiveFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::SOURCE_BUCKET, Some(&self.source_bucket)),
            (config::SOURCE_PREFIX, Some(&self.source_prefix)),
            (config::ARCHIVE_BUCKET, Some(&self.archive_bucket)),
            (config::ARCHIVE_PREFIX, Some(&self.archive_prefix)),
        ])
    }
}

impl IngestFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::SOURCE_AFTER, Some(&self.source_after)),
            (
                config::ARCHIVE_STORAGE_CLASS,
                self.archive_storage_class.as_ref(),
            ),
        ])
    }
}

impl TableFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::TABLE, Some(&self.table)),
            (config::PUBLISH_TABLE, Some(&self.publish_table)),
        ])
    }
}

impl PublishFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::GALLERY_BUCKET, Some(&self.gallery_bucket)),
            (config::GALLERY_PREFIX, Some(&self.gallery_prefix)),
        ])
    }
}

impl MapFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::MAP_TILES, self.map_tiles.as_ref()),
            (config::MAP_ATTRIBUTION, self.map_attribution.as_ref()),
        ])
    }
}

impl HookFlags {
    /// Returns the settings that these flags set.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::HOOK_URL, self.hook_url.as_ref()),
            (config::HOOK_HOSTS, self.hook_hosts.as_ref()),
            (config::HOOK_QUIET_SECONDS, self.hook_quiet_seconds.as_ref()),
            (
                config::HOOK_MAX_WAIT_SECONDS,
                self.hook_max_wait_seconds.as_ref(),
            ),
            (
                config::HOOK_INTERVAL_SECONDS,
                self.hook_interval_seconds.as_ref(),
            ),
            (config::HOOK_PER_DAY, self.hook_per_day.as_ref()),
            (config::HOOK_PER_MONTH, self.hook_per_month.as_ref()),
        ])
    }
}

impl PrivacyFlags {
    /// Returns the settings of the flags that were given.
    pub(super) fn settings(&self) -> Settings {
        let mut given = self.visibility.settings();
        given.extend(settings([
            (config::LOCATION, self.location.as_ref()),
            (config::PEOPLE, self.people.as_ref()),
            (config::SKIP_NAMES, self.skip_names.as_ref()),
            (config::SIBLING_FOLDERS, self.sibling_folders.as_ref()),
            (config::ALBUM_FOLDERS, self.album_folders.as_ref()),
        ]));
        given
    }
}

impl PictureFlags {
    /// Returns the settings of the flags that were given.
    pub(super) fn settings(&self) -> Settings {
        settings([
            (config::RENDITIONS, self.renditions.as_ref()),
            (config::ORIGINALS, self.originals.as_ref()),
        ])
    }
}

impl VisibilityFlags {
    /// Returns the settings of the flags that were given. Also returns the names of SSM parameters
    /// in the environment, so that a command refuses to run if it cannot read a rule.
    pub(super) fn settings(&self) -> Settings {
        let mut given = Settings::privacy_parameters_from_environment();
        given.extend(settings([
            (config::HOME_ZONES, self.home_zones.as_ref()),
            (config::VISIBILITY, self.visibility.as_ref()),
            (config::PRIVATE_KEYWORDS, self.private_keywords.as_ref()),
            (config::PUBLIC_KEYWORDS, self.public_keywords.as_ref()),
            (
                config::PRIVATE_BELOW_RATING,
                self.private_below_rating.as_ref(),
            ),
            (config::PRIVATE_SOURCES, self.private_sources.as_ref()),
        ]));
        given
    }
}

fn settings<const N: usize>(values: [(&'static str, Option<&String>); N]) -> Settings {
    let given = values
        .into_iter()
        .filter_map(|(variable, value)| Some((variable, value?.clone())));
    given.collect()
}
