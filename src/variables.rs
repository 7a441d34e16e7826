//! The names of the environment variables of every program. [`crate::config`] parses their values.

/// The variable for the bucket that photos are uploaded to.
pub const SOURCE_BUCKET: &str = "SOURCE_BUCKET";
/// The variable for the prefix of the source keys. The value is empty or ends in `/`.
pub const SOURCE_PREFIX: &str = "SOURCE_PREFIX";
/// The variable for the bucket of the archive.
pub const ARCHIVE_BUCKET: &str = "ARCHIVE_BUCKET";
/// The variable for the prefix of the archive keys. The value is empty or ends in `/`.
pub const ARCHIVE_PREFIX: &str = "ARCHIVE_PREFIX";
/// The variable for the action after an upload is archived: `keep` or `delete` the upload.
pub const SOURCE_AFTER: &str = "SOURCE_AFTER";
/// The variable for the storage class of archived objects, such as `STANDARD_IA`.
pub const ARCHIVE_STORAGE_CLASS: &str = "ARCHIVE_STORAGE_CLASS";
/// The variable for the patterns of names that are never a photo's, in addition to the default
/// patterns, separated by commas. A pattern after an exclamation mark is removed.
pub const SKIP_NAMES: &str = "SKIP_NAMES";
/// The variable for the names of folders that only separate the formats of one shot, in addition to
/// the default names, separated by commas. A name after an exclamation mark is removed.
pub const SIBLING_FOLDERS: &str = "SIBLING_FOLDERS";
/// The variable for the name of the photos table.
pub const TABLE: &str = "PHOTOS_TABLE";
/// The variable for the URL of an S3-compatible store. It is not set for AWS S3.
pub const S3_ENDPOINT: &str = "S3_ENDPOINT";
/// The variable for the URL of a DynamoDB-compatible store. It is not set for AWS DynamoDB.
pub const DYNAMODB_ENDPOINT: &str = "DYNAMODB_ENDPOINT";
/// The variable for the location policy: `hide`, `round:N` or `exact`.
pub const LOCATION: &str = "LOCATION";
/// The variable for the people policy: `hide` or `show`.
pub const PEOPLE: &str = "PEOPLE";
/// The variable for the home zones, in the text form of [`crate::privacy::HomeZones`].
pub const HOME_ZONES: &str = "HOME_ZONES";
/// The variable for the name of an SSM parameter with the home zones. It is used if HOME_ZONES is
/// not set.
pub const HOME_ZONES_PARAMETER: &str = "HOME_ZONES_PARAMETER";
/// The variable for the visibility of photos to which no rule applies: `public` or `private`.
pub const VISIBILITY: &str = "VISIBILITY";
/// The variable for the keywords that make a photo private, separated by commas.
pub const PRIVATE_KEYWORDS: &str = "PRIVATE_KEYWORDS";
/// The variable for the name of an SSM parameter with the value of PRIVATE_KEYWORDS. It is used if
/// PRIVATE_KEYWORDS is not set.
pub const PRIVATE_KEYWORDS_PARAMETER: &str = "PRIVATE_KEYWORDS_PARAMETER";
/// The variable for the keywords that make a photo public, separated by commas. They have an effect
/// only if VISIBILITY is `private`.
pub const PUBLIC_KEYWORDS: &str = "PUBLIC_KEYWORDS";
/// The variable for the number of stars below which a photo is private.
pub const PRIVATE_BELOW_RATING: &str = "PRIVATE_BELOW_RATING";
/// The variable for the prefixes of source keys whose photos are private, separated by commas.
pub const PRIVATE_SOURCES: &str = "PRIVATE_SOURCES";
/// The variable for the name of an SSM parameter with the value of PRIVATE_SOURCES. It is used if
/// PRIVATE_SOURCES is not set.
pub const PRIVATE_SOURCES_PARAMETER: &str = "PRIVATE_SOURCES_PARAMETER";
/// The variable for the long edges of the renditions in pixels, separated by commas. `none` means
/// that no pictures are made.
pub const RENDITIONS: &str = "RENDITIONS";
/// The variable for the copies of originals beside the renditions: `none`, or `jpeg` for a copy of
/// each original JPEG without its metadata.
pub const ORIGINALS: &str = "ORIGINALS";
/// The variable for the prefixes of source keys whose folders are albums, separated by commas.
pub const ALBUM_FOLDERS: &str = "ALBUM_FOLDERS";
/// The variable for the URL from which browsers load the static gallery files and the pictures
/// below them, such as `https://photos.example.org/gallery`.
pub const GALLERY_URL: &str = "GALLERY_URL";
/// The variable for the URL of a map tile on the gallery page, with the placeholders `{z}`, `{x}`
/// and `{y}`. If it is not set, the map loads no tiles.
pub const MAP_TILES: &str = "MAP_TILES";
/// The variable for the text that the server of the map tiles requires.
/// `[text](https://example.org)` in it becomes a link.
pub const MAP_ATTRIBUTION: &str = "MAP_ATTRIBUTION";
/// The variable for the id of the CloudFront distribution of the pictures. When pictures are
/// deleted, it must not serve them any longer.
pub const CDN_DISTRIBUTION: &str = "CDN_DISTRIBUTION";
/// The variable for the URL of CloudFront's API. It is not set for AWS.
pub const CLOUDFRONT_ENDPOINT: &str = "AWS_ENDPOINT_URL_CLOUDFRONT";
/// The variable for the key that seals the cursors. The value is 32 secret bytes in base64.
/// `openssl rand -base64 32` prints such a value.
pub const CURSOR_KEY: &str = "CURSOR_KEY";
/// The variable for the name of an SSM parameter with the cursor key. It is used if CURSOR_KEY is
/// not set.
pub const CURSOR_KEY_PARAMETER: &str = "CURSOR_KEY_PARAMETER";
/// The variable for the origins, such as `https://example.org`, whose web pages may read the
/// gallery, separated by commas. `*` means all origins.
pub const CORS_ORIGINS: &str = "CORS_ORIGINS";

/// The variable for the host names of `photos serve`, in addition to `localhost` and IP addresses,
/// separated by commas.
pub const HOSTS: &str = "PHOTOS_HOSTS";

/// The variable for the name of the publish table.
pub const PUBLISH_TABLE: &str = "PUBLISH_TABLE";
/// The variable for the bucket of the static gallery files.
pub const GALLERY_BUCKET: &str = "GALLERY_BUCKET";
/// The variable for the prefix of the static gallery files. The value is empty or ends in `/`.
pub const GALLERY_PREFIX: &str = "GALLERY_PREFIX";
/// The variable for the URL of the build hook. The URL is a secret.
pub const HOOK_URL: &str = "HOOK_URL";
/// The variable for the name of an SSM parameter with the build hook's URL. It is used if HOOK_URL
/// is not set.
pub const HOOK_URL_PARAMETER: &str = "HOOK_URL_PARAMETER";
/// The variable for the hosts of build hooks that are allowed in addition to the known hosts,
/// separated by commas.
pub const HOOK_HOSTS: &str = "HOOK_HOSTS";
/// The variable for the number of seconds without a change that must pass before the hook is
/// called.
pub const HOOK_QUIET_SECONDS: &str = "HOOK_QUIET_SECONDS";
/// The variable for the maximum number of seconds that a change waits for such a quiet time. After
/// that, the hook is called anyway.
pub const HOOK_MAX_WAIT_SECONDS: &str = "HOOK_MAX_WAIT_SECONDS";
/// The variable for the minimum number of seconds between two calls of the hook.
pub const HOOK_INTERVAL_SECONDS: &str = "HOOK_INTERVAL_SECONDS";
/// The variable for the maximum number of calls of the hook in 24 hours.
pub const HOOK_PER_DAY: &str = "HOOK_PER_DAY";
/// The variable for the maximum number of calls of the hook in 31 days.
pub const HOOK_PER_MONTH: &str = "HOOK_PER_MONTH";

/// The variable for the data folder of `photos serve`.
pub const DATA: &str = "PHOTOS_DATA";
/// The variable for the port of the gallery in `photos serve`.
pub const PORT: &str = "PHOTOS_PORT";
/// The variable for the port of the embedded S3 server.
pub const S3_PORT: &str = "PHOTOS_S3_PORT";
/// The variable for the port of the embedded DynamoDB server.
pub const DYNAMODB_PORT: &str = "PHOTOS_DYNAMODB_PORT";
/// The variable for the IP address on which the gallery and the embedded S3 server listen.
pub const LISTEN: &str = "PHOTOS_LISTEN";
/// The variable for the access key id of the embedded S3 server.
pub const ACCESS_KEY: &str = "PHOTOS_ACCESS_KEY";
/// The variable for the secret access key of the embedded S3 server.
pub const SECRET_KEY: &str = "PHOTOS_SECRET_KEY";
/// The variable for the log stream of a Lambda function's instance. Lambda sets it to another value
/// for each instance.
pub const LOG_STREAM_NAME: &str = "AWS_LAMBDA_LOG_STREAM_NAME";
/// The variable for the log levels by module, in the syntax of the `tracing` library.
pub const LOG_FILTER: &str = "RUST_LOG";
