# Names, packages and tags.

variable "name" {
  description = "Name of everything that the module makes: functions, tables, queues, and buckets without a name of their own."
  type        = string
  default     = "photo-catalogue"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name has 3 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "packages" {
  description = "Folder of the built functions, in the layout of `cargo lambda build`: `ingest/bootstrap.zip`, `publish/bootstrap.zip`, `gallery/bootstrap.zip`, `render/bootstrap.zip`. Default: `target/lambda` next to the module's folder."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Architecture that the functions were built for: `arm64` (`cargo lambda build --arm64`) or `x86_64`."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "tags" {
  description = "Tags of all resources that can have tags."
  type        = map(string)
  default     = {}
}

# Buckets.

variable "source_bucket" {
  description = "Bucket that photos are uploaded to. Default: `NAME-source-ACCOUNT`."
  type        = string
  default     = null

  validation {
    condition     = var.source_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.source_bucket)) && !can(regex("[.][.]|^xn--|-s3alias$|--ol-s3$", var.source_bucket))
    error_message = "source_bucket is not a bucket name: it has 3 to 63 lower-case letters, digits, dots and hyphens."
  }
}

variable "create_source_bucket" {
  description = "Creates the source bucket. With `false`, the bucket exists already, and the module changes nothing in it except its notifications, and these only with `manage_notifications`."
  type        = bool
  default     = true
}

variable "manage_notifications" {
  description = "Sets the notifications of an existing source bucket. The module then owns all of them, and removes others. With `false`, add the notifications of the output `notifications` yourself."
  type        = bool
  default     = false
}

variable "source_prefix" {
  description = "Folder in the source bucket: empty, or ends in `/`."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([^/*?].*)?$", var.source_prefix)) && (var.source_prefix == "" || endswith(var.source_prefix, "/")) && !can(regex("[*?$\\x00-\\x1f]", var.source_prefix)) && length(var.source_prefix) <= 512
    error_message = "source_prefix is empty or ends in /. It does not begin with / and contains none of * ? $."
  }
}

variable "archive_bucket" {
  description = "Bucket that holds the copies in day folders. Default: `NAME-archive-ACCOUNT`. It may be the source bucket; then both prefixes must be set."
  type        = string
  default     = null

  validation {
    condition     = var.archive_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.archive_bucket)) && !can(regex("[.][.]|^xn--|-s3alias$|--ol-s3$", var.archive_bucket))
    error_message = "archive_bucket is not a bucket name: it has 3 to 63 lower-case letters, digits, dots and hyphens."
  }
}

variable "archive_prefix" {
  description = "Folder in the archive bucket: empty, or ends in `/`."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([^/*?].*)?$", var.archive_prefix)) && (var.archive_prefix == "" || endswith(var.archive_prefix, "/")) && !can(regex("[*?$\\x00-\\x1f]", var.archive_prefix)) && length(var.archive_prefix) <= 512
    error_message = "archive_prefix is empty or ends in /. It does not begin with / and contains none of * ? $."
  }
}

variable "source_after" {
  description = "What happens to an upload after its photo is archived: `keep`, or `delete` (only after the copy was found to have its bytes, and only if the upload has not changed)."
  type        = string
  default     = "keep"

  validation {
    condition     = contains(["keep", "delete"], var.source_after)
    error_message = "source_after is keep or delete."
  }
}

variable "skip_names" {
  description = "Changes the patterns of names that are never a photo's, such as thumbnails, trash and hidden files. `*.ext` adds files, `name/` adds folders, and `!` before a default pattern removes it. docs/settings.md lists the default patterns."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for pattern in var.skip_names :
      pattern == trimspace(pattern) && !strcontains(pattern, ",") && !strcontains(pattern, "//") && !strcontains(pattern, "**")
      && !can(regex("^!?/", pattern)) && !can(regex("^!?[*/]*$", pattern)) && !can(regex("\\[[^]]*$", pattern))
    ])
    error_message = "A pattern of skip_names contains no comma, no empty name and no **, closes its brackets, and does not skip every photo."
  }

  validation {
    # A function's variables have 4 KB together.
    condition     = length(join(",", var.skip_names)) <= 1024
    error_message = "skip_names have more than 1024 characters together."
  }
}

variable "sibling_folders" {
  description = "Changes the names of folders that only separate the formats of one shot, such as JPEG and RAW. A name adds a folder, and `!` before a default name removes it. docs/settings.md lists the default names."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for name in var.sibling_folders :
      name == trimspace(name) && !strcontains(name, ",") && can(regex("^!?[^/!]+/?$", name))
    ])
    error_message = "A name of sibling_folders is not empty, and contains no comma and no slash."
  }

  validation {
    # A function's variables have 4 KB together.
    condition     = length(join(",", var.sibling_folders)) <= 512
    error_message = "sibling_folders have more than 512 characters together."
  }
}

variable "album_folders" {
  description = "Prefixes of source keys whose folders are albums: with `albums/`, the upload `albums/Japan 2026/DSC_1.NEF` belongs to the album Japan 2026. The names of these folders become public with their public photos."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for prefix in var.album_folders :
      prefix == trimspace(prefix) && !strcontains(prefix, ",") && !strcontains(prefix, "//") && endswith(prefix, "/")
    ])
    error_message = "A prefix of album_folders ends in a slash, and contains no comma and no empty folder name."
  }

  validation {
    # A function's variables have 4 KB together.
    condition     = length(join(",", var.album_folders)) <= 256
    error_message = "album_folders have more than 256 characters together."
  }
}

variable "archive_storage_class" {
  description = "Storage class of the archived files. Only classes with immediate access, because the files are read again."
  type        = string
  default     = "STANDARD"

  validation {
    condition     = contains(["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], var.archive_storage_class)
    error_message = "archive_storage_class is STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING or GLACIER_IR."
  }
}

variable "gallery_bucket" {
  description = "Bucket of the static gallery files. Default: `NAME-gallery-ACCOUNT`. It must not be the source or archive bucket."
  type        = string
  default     = null

  validation {
    condition     = var.gallery_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.gallery_bucket)) && !can(regex("[.][.]|^xn--|-s3alias$|--ol-s3$", var.gallery_bucket))
    error_message = "gallery_bucket is not a bucket name: it has 3 to 63 lower-case letters, digits, dots and hyphens."
  }
}

variable "gallery_prefix" {
  description = "Folder of the static gallery files in their bucket; ends in `/`."
  type        = string
  default     = "gallery/"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*/$", var.gallery_prefix)) && !startswith(var.gallery_prefix, "batch/")
    error_message = "gallery_prefix is a folder of letters, digits, dots, hyphens and underscores that ends in /, other than batch/."
  }
}

variable "noncurrent_days" {
  description = "Days for which an overwritten or deleted photo can be recovered."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days is a whole number of days, at least 1."
  }
}

variable "colder" {
  description = "Moves files to a colder storage class: per bucket (`source`, `archive`) after `days`, if they have at least `minimum_bytes` (RAW files can be separated from JPEGs only by size: S3 cannot select by extension). Only classes with immediate access, because ingest reads both buckets."
  type = map(object({
    days          = number
    storage_class = string
    minimum_bytes = optional(number, 131072)
  }))
  default = {}

  validation {
    condition = alltrue([for bucket, rule in var.colder :
      contains(["source", "archive"], bucket) && rule.days >= 0 && rule.minimum_bytes >= 131072 &&
      contains(["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], rule.storage_class) &&
      (rule.days >= 30 || !contains(["STANDARD_IA", "ONEZONE_IA"], rule.storage_class))
    ])
    error_message = "colder has the keys source and archive; storage_class is STANDARD_IA or ONEZONE_IA (from day 30), INTELLIGENT_TIERING or GLACIER_IR; minimum_bytes is at least 131072."
  }
}

variable "force_destroy" {
  description = "Lets `terraform destroy` remove buckets that still contain photos, with the photos."
  type        = bool
  default     = false
}

# Tables.

variable "deletion_protection" {
  description = "Protects the tables from deletion."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Makes it possible to restore the tables to any second of the last 35 days."
  type        = bool
  default     = true
}

# Ingest.

variable "trigger" {
  description = "How S3 starts ingest: `sqs` (through a queue, which smooths a large upload) or `direct`."
  type        = string
  default     = "sqs"

  validation {
    condition     = contains(["sqs", "direct"], var.trigger)
    error_message = "trigger is sqs or direct."
  }
}

variable "ingest_memory" {
  description = "Memory of ingest, MB. Lambda gives processor time in proportion."
  type        = number
  default     = 512

  validation {
    condition     = var.ingest_memory >= 128 && var.ingest_memory <= 10240
    error_message = "ingest_memory is 128 to 10240 MB."
  }
}

variable "ingest_timeout" {
  description = "Longest invocation of ingest, seconds. The queue hides a message for six times as long."
  type        = number
  default     = 60

  validation {
    condition     = var.ingest_timeout >= 10 && var.ingest_timeout <= 900
    error_message = "ingest_timeout is 10 to 900 seconds."
  }
}

variable "ingest_concurrency" {
  description = "Most invocations of ingest at a time, with `trigger = \"sqs\"`."
  type        = number
  default     = 10

  validation {
    condition     = var.ingest_concurrency >= 2 && var.ingest_concurrency <= 1000
    error_message = "ingest_concurrency is 2 to 1000: SQS accepts no lower value."
  }
}

variable "batch_operations" {
  description = "Creates the role that S3 Batch Operations needs to run ingest over a library that is already in S3."
  type        = bool
  default     = false
}

# Privacy.

variable "location" {
  description = "How precisely the public may see where a photo was taken: `hide`, `round:N` (N decimals, 0 to 5) or `exact`."
  type        = string
  default     = "hide"

  validation {
    condition     = can(regex("^(hide|exact|round:[0-5])$", var.location))
    error_message = "location is hide, exact, or round:N with N decimals, 0 to 5."
  }
}

variable "home_zones" {
  description = "Areas in which no position is published, under any `location`: geohash cells of 1 to 6 characters, or points (`LAT,LON` or `LAT,LON,METRES`). The zone of a point contains every place within this distance, 1,000 metres by default."
  type        = list(string)
  default     = []
  sensitive   = true
  nullable    = false

  validation {
    condition = alltrue([
      for zone in var.home_zones : can(regex("^([0-9b-hjkmnp-z]{1,6}|-?[0-9.]+,-?[0-9.]+(,[0-9.]+)?)$", zone))
    ])
    error_message = "A home zone is a geohash cell of 1 to 6 characters, LAT,LON or LAT,LON,METRES."
  }

  validation {
    # The limit of a standard parameter of SSM.
    condition     = length(join(";", var.home_zones)) <= 4096
    error_message = "home_zones have more than 4096 characters together. Use larger geohash cells."
  }
}

variable "people" {
  description = "Whether the public sees the names of the people in photos: `hide` or `show`."
  type        = string
  default     = "hide"
  nullable    = false

  validation {
    condition     = contains(["hide", "show"], var.people)
    error_message = "people is hide or show."
  }
}

variable "visibility" {
  description = "Which photos the public sees. `private_keywords`, `private_below_rating` (stars) and `private_sources` (prefixes of source keys) each make a photo private. A rejected photo (rating -1) is always private. If none does, `public_keywords` make it public. All other photos get `default`, which is `public` or `private`."
  type = object({
    default              = optional(string, "public")
    private_keywords     = optional(list(string), [])
    public_keywords      = optional(list(string), [])
    private_below_rating = optional(number)
    private_sources      = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["public", "private"], var.visibility.default)
    error_message = "visibility.default is public or private."
  }

  validation {
    condition     = var.visibility.private_below_rating == null ? true : contains([0, 1, 2, 3, 4, 5], var.visibility.private_below_rating)
    error_message = "visibility.private_below_rating is a number of stars, 0 to 5."
  }

  validation {
    condition = alltrue([
      for text in concat(var.visibility.private_keywords, var.visibility.public_keywords, var.visibility.private_sources) :
      !strcontains(text, ",") && trimspace(text) != ""
    ])
    error_message = "A keyword or prefix of visibility is not empty and contains no comma."
  }

  validation {
    # The limit of a standard parameter of SSM.
    condition = alltrue([
      for texts in [var.visibility.private_keywords, var.visibility.private_sources] : length(join(",", texts)) <= 4096
    ])
    error_message = "The private_keywords or private_sources of visibility have more than 4096 characters together."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may read the JSON interface from a browser, such as `https://photos.example`; `*` for all. Pages of every site may read the static files."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : origin == "*" || can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "Each of cors_origins is * or an origin: a scheme and a host, without a path."
  }
}

# Pictures.

variable "renditions" {
  description = "Long edges of the web-size pictures in pixels, separated by commas; at most 16 numbers up to 8192. A picture is never enlarged. `none` makes no pictures, and creates no render function."
  type        = string
  default     = "320,640,1280,2048"
  nullable    = false

  validation {
    condition = var.renditions == "none" || (
      can(regex("^[1-9][0-9]{0,3}(,[1-9][0-9]{0,3}){0,15}$", var.renditions)) &&
      alltrue([for edge in split(",", var.renditions) : try(tonumber(edge), 0) <= 8192])
    )
    error_message = "renditions is none, or up to 16 numbers of pixels from 1 to 8192, separated by commas, such as 320,640,1280,2048."
  }
}

variable "originals" {
  description = "Copies of the originals next to the renditions: `none`, or `jpeg` for a copy of each original JPEG in full size, without its metadata. RAW files are never public."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "jpeg"], var.originals)
    error_message = "originals is none or jpeg."
  }
}

variable "public_site" {
  description = "Makes the static files and the pictures of public photos readable by everybody, through CloudFront. The buckets stay private."
  type        = bool
  default     = false
}

variable "site_domain" {
  description = "Your own domain name for the public site, and its certificate (in us-east-1)."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.site_domain == null ? true : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", var.site_domain.name)) && can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/", var.site_domain.certificate_arn))
    error_message = "site_domain needs a host name, and the ARN of an ACM certificate in us-east-1 (CloudFront accepts no other region)."
  }
}

variable "gallery_url" {
  description = "Instead of `public_site`: the URL at which your own CDN serves the gallery bucket below `gallery_prefix`, such as `https://photos.example/gallery`. When a photo is hidden, your CDN must forget its pictures itself."
  type        = string
  default     = null

  validation {
    condition     = var.gallery_url == null ? true : can(regex("^https://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$", var.gallery_url))
    error_message = "gallery_url is an https URL without query and fragment."
  }
}

variable "map_tiles" {
  description = "URL of the tiles of the gallery page's map, with `{z}`, `{x}` and `{y}`, such as `https://tile.example.org/{z}/{x}/{y}.png`. Visitors then load tiles from this server, which sees their addresses. Default: the map loads nothing from other servers."
  type        = string
  default     = null

  validation {
    condition = var.map_tiles == null ? true : (
      can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^\"'<>`#\\\\[:space:]]*$", var.map_tiles)) &&
      alltrue([for name in ["z", "x", "y"] : length(split("{${name}}", var.map_tiles)) == 2]) &&
      length(split("{", var.map_tiles)) == 4 && length(split("}", var.map_tiles)) == 4
    )
    error_message = "map_tiles is an https URL that contains {z}, {x} and {y} once each after the host."
  }
}

variable "map_attribution" {
  description = "Text that the server of `map_tiles` requires. `[text](https://example.org)` in it becomes a link."
  type        = string
  default     = null

  validation {
    # A function's variables have 4 KB together.
    condition     = var.map_attribution == null ? true : length(var.map_attribution) <= 512
    error_message = "map_attribution has more than 512 characters."
  }
}

# Gallery.

variable "gallery_endpoint" {
  description = "How the gallery is reached: `function_url` (free by itself) or `http_api` (API Gateway)."
  type        = string
  default     = "function_url"

  validation {
    condition     = contains(["function_url", "http_api"], var.gallery_endpoint)
    error_message = "gallery_endpoint is function_url or http_api."
  }
}

variable "gallery_public" {
  description = "Lets everybody read the gallery. With `false`, only callers that IAM allows, and CloudFront, can read it."
  type        = bool
  default     = false
}

variable "gallery_memory" {
  description = "Memory of the gallery, MB."
  type        = number
  default     = 256

  validation {
    condition     = var.gallery_memory >= 128 && var.gallery_memory <= 10240
    error_message = "gallery_memory is 128 to 10240 MB."
  }
}

variable "gallery_concurrency" {
  description = "Most invocations of the gallery at a time. It also limits requests to ten times as many a second. Default: 10 if the account's quota leaves 100 for other functions, as Lambda requires. Otherwise there is no limit but the quota; new accounts have one of 10. `-1` is no limit."
  type        = number
  default     = null

  validation {
    condition     = var.gallery_concurrency == null ? true : floor(var.gallery_concurrency) == var.gallery_concurrency && (var.gallery_concurrency == -1 || var.gallery_concurrency >= 1)
    error_message = "gallery_concurrency is a whole number from 1, or -1 for no limit."
  }
}

variable "cloudfront" {
  description = "Puts CloudFront in front of the gallery's JSON interface. Needs `gallery_endpoint = \"function_url\"`."
  type        = bool
  default     = false
}

variable "domain" {
  description = "Your own domain name for the JSON interface behind CloudFront, and its certificate (in us-east-1)."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", var.domain.name)) && can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain needs a host name, and the ARN of an ACM certificate in us-east-1 (CloudFront accepts no other region)."
  }
}

variable "cursor_key" {
  description = "Key that seals the gallery's cursors: 32 secret bytes in base64 (`openssl rand -base64 32`). Default: generated once, and kept in the state."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.cursor_key == null ? true : can(regex("^[A-Za-z0-9+/]{43}=$", var.cursor_key))
    error_message = "cursor_key is 32 bytes in base64: openssl rand -base64 32."
  }
}

# Build hook.

variable "hook_url" {
  description = "Build hook that publish calls after photos have come, an https URL. It is a secret, and it is kept in the state; use `hook_url_parameter` to keep it out."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.hook_url == null ? true : can(regex("^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^[:space:]]+$", var.hook_url))
    error_message = "hook_url is an https URL with a path."
  }
}

variable "hook_url_parameter" {
  description = "Instead of `hook_url`: the name of an SSM parameter (SecureString) that contains it, such as `/photos/hook-url`."
  type        = string
  default     = null

  validation {
    condition     = var.hook_url_parameter == null ? true : can(regex("^/[A-Za-z0-9_./-]+$", var.hook_url_parameter))
    error_message = "hook_url_parameter is the name of a parameter; it begins with /."
  }
}

variable "hook_hosts" {
  description = "Hosts that the build hook may be on, in addition to api.netlify.com, api.vercel.com and api.cloudflare.com."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for host in var.hook_hosts : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", host))])
    error_message = "Each of hook_hosts is a host name, without scheme and path."
  }
}

variable "hook_limits" {
  description = "When and how often the hook is called: after `quiet_seconds` without a new photo, or `max_wait_seconds` after the first; not again within `interval_seconds`; at most `per_day` (24 hours) and `per_month` (31 days) times. Netlify's free plan pauses all sites after about 20 builds a month."
  type = object({
    quiet_seconds    = optional(number, 90)
    max_wait_seconds = optional(number, 900)
    interval_seconds = optional(number, 600)
    per_day          = optional(number, 3)
    per_month        = optional(number, 18)
  })
  default = {}

  validation {
    condition = (
      var.hook_limits.quiet_seconds >= 0 && var.hook_limits.max_wait_seconds >= var.hook_limits.quiet_seconds &&
      var.hook_limits.interval_seconds >= 0 && var.hook_limits.per_day >= 1 && var.hook_limits.per_month >= var.hook_limits.per_day &&
      max(var.hook_limits.max_wait_seconds, var.hook_limits.interval_seconds) <= 604800 && var.hook_limits.per_month <= 10000
    )
    error_message = "hook_limits: times are 0 to 604800 seconds, max_wait_seconds is at least quiet_seconds; per_day is at least 1; per_month is at least per_day."
  }
}

# Logs and alarms.

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of CloudWatch's values: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "alarm_email" {
  description = "Address that alarms are mailed to, through an SNS topic of the module; AWS asks it to confirm."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null ? true : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", var.alarm_email))
    error_message = "alarm_email is not an e-mail address."
  }
}

variable "alarm_topic_arn" {
  description = "Instead of `alarm_email`: an existing SNS topic."
  type        = string
  default     = null

  validation {
    condition     = var.alarm_topic_arn == null ? true : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn is not the ARN of an SNS topic."
  }
}

variable "xray" {
  description = "Traces the functions with X-Ray. X-Ray's two actions cannot be limited to resources, so the roles then have a statement for all resources."
  type        = bool
  default     = false
}
