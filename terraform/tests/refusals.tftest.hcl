# Every wrong variable is refused before a resource is created.

variables {
  packages = "./tests/packages"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "refuses_name" {
  command = plan

  variables {
    name = "Photos!"
  }

  expect_failures = [var.name]
}

run "refuses_architecture" {
  command = plan

  variables {
    architecture = "arm"
  }

  expect_failures = [var.architecture]
}

run "refuses_source_bucket" {
  command = plan

  variables {
    source_bucket = "My_Bucket"
  }

  expect_failures = [var.source_bucket]
}

run "refuses_archive_bucket" {
  command = plan

  variables {
    archive_bucket = "a..b"
  }

  expect_failures = [var.archive_bucket]
}

run "refuses_sibling_folders_with_slash" {
  command = plan

  variables {
    sibling_folders = ["a/b"]
  }

  expect_failures = [var.sibling_folders]
}

run "refuses_album_folders_without_slash" {
  command = plan

  variables {
    album_folders = ["albums"]
  }

  expect_failures = [var.album_folders]
}

run "refuses_album_folders_that_fit_no_variable" {
  command = plan

  variables {
    album_folders = [for number in range(40) : "folder/"]
  }

  expect_failures = [var.album_folders]
}

run "refuses_skip_names_with_comma" {
  command = plan

  variables {
    skip_names = ["a,b"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_skip_names_with_empty_name" {
  command = plan

  variables {
    skip_names = ["a//b"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_skip_names_with_everything" {
  command = plan

  variables {
    skip_names = ["*"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_skip_names_with_every_folder" {
  command = plan

  variables {
    skip_names = ["!*/"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_skip_names_with_open_bracket" {
  command = plan

  variables {
    skip_names = ["[ab"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_skip_names_with_slash" {
  command = plan

  variables {
    skip_names = ["/a"]
  }

  expect_failures = [var.skip_names]
}

run "refuses_gallery_bucket" {
  command = plan

  variables {
    gallery_bucket = "x"
  }

  expect_failures = [var.gallery_bucket]
}

run "refuses_source_prefix_without_slash" {
  command = plan

  variables {
    source_prefix = "inbox"
  }

  expect_failures = [var.source_prefix]
}

run "refuses_archive_prefix_with_leading_slash" {
  command = plan

  variables {
    archive_prefix = "/archive/"
  }

  expect_failures = [var.archive_prefix]
}

run "refuses_prefix_with_a_wildcard" {
  command = plan

  variables {
    source_prefix = "in*/"
  }

  expect_failures = [var.source_prefix]
}

run "refuses_gallery_prefix" {
  command = plan

  variables {
    gallery_prefix = "gallery"
  }

  expect_failures = [var.gallery_prefix]
}

run "refuses_noncurrent_days" {
  command = plan

  variables {
    noncurrent_days = 0
  }

  expect_failures = [var.noncurrent_days]
}

run "refuses_colder_class_without_immediate_access" {
  command = plan

  variables {
    colder = { archive = { days = 90, storage_class = "DEEP_ARCHIVE" } }
  }

  expect_failures = [var.colder]
}

run "refuses_trigger" {
  command = plan

  variables {
    trigger = "sns"
  }

  expect_failures = [var.trigger]
}

run "refuses_ingest_memory" {
  command = plan

  variables {
    ingest_memory = 64
  }

  expect_failures = [var.ingest_memory]
}

run "refuses_ingest_timeout" {
  command = plan

  variables {
    ingest_timeout = 901
  }

  expect_failures = [var.ingest_timeout]
}

run "refuses_ingest_concurrency" {
  command = plan

  variables {
    ingest_concurrency = 1
  }

  expect_failures = [var.ingest_concurrency]
}

run "refuses_home_zone" {
  command = plan

  variables {
    home_zones = ["f25dv", "at home"]
  }

  expect_failures = [var.home_zones]
}

run "refuses_visibility" {
  command = plan

  variables {
    visibility = { default = "friends" }
  }

  expect_failures = [var.visibility]
}

run "refuses_six_stars" {
  command = plan

  variables {
    visibility = { private_below_rating = 6 }
  }

  expect_failures = [var.visibility]
}

run "refuses_keyword_with_a_comma" {
  command = plan

  variables {
    visibility = { private_keywords = ["family,friends"] }
  }

  expect_failures = [var.visibility]
}

run "refuses_location" {
  command = plan

  variables {
    location = "round:9"
  }

  expect_failures = [var.location]
}

run "refuses_cors_origins" {
  command = plan

  variables {
    cors_origins = ["https://photos.example/page"]
  }

  expect_failures = [var.cors_origins]
}

run "refuses_gallery_endpoint" {
  command = plan

  variables {
    gallery_endpoint = "alb"
  }

  expect_failures = [var.gallery_endpoint]
}

run "refuses_gallery_memory" {
  command = plan

  variables {
    gallery_memory = 20000
  }

  expect_failures = [var.gallery_memory]
}

run "refuses_gallery_concurrency_of_zero" {
  command = plan

  variables {
    gallery_concurrency = 0
  }

  expect_failures = [var.gallery_concurrency]
}

run "refuses_home_zones_that_fit_no_parameter" {
  command = plan

  variables {
    home_zones = [for number in range(600) : "f25dvk"]
  }

  expect_failures = [var.home_zones]
}

run "refuses_private_sources_that_fit_no_parameter" {
  command = plan

  variables {
    visibility = { private_sources = [for number in range(600) : "folder/"] }
  }

  expect_failures = [var.visibility]
}

run "refuses_domain_certificate_in_another_region" {
  command = plan

  variables {
    domain = { name = "gallery.example.org", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0" }
  }

  expect_failures = [var.domain]
}

run "refuses_cursor_key" {
  command = plan

  variables {
    cursor_key = "secret"
  }

  expect_failures = [var.cursor_key]
}

run "refuses_hook_url" {
  command = plan

  variables {
    hook_url = "http://api.netlify.com/build_hooks/0"
  }

  expect_failures = [var.hook_url]
}

run "refuses_hook_url_parameter" {
  command = plan

  variables {
    hook_url_parameter = "hook"
  }

  expect_failures = [var.hook_url_parameter]
}

run "refuses_hook_hosts" {
  command = plan

  variables {
    hook_hosts = ["https://example.org"]
  }

  expect_failures = [var.hook_hosts]
}

run "refuses_hook_limits" {
  command = plan

  variables {
    hook_limits = { per_day = 0 }
  }

  expect_failures = [var.hook_limits]
}

run "refuses_log_retention_days" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "refuses_alarm_email" {
  command = plan

  variables {
    alarm_email = "nobody"
  }

  expect_failures = [var.alarm_email]
}

run "refuses_alarm_topic_arn" {
  command = plan

  variables {
    alarm_topic_arn = "alarms"
  }

  expect_failures = [var.alarm_topic_arn]
}

run "refuses_one_bucket_without_prefixes" {
  command = plan

  variables {
    source_bucket  = "pictures"
    archive_bucket = "pictures"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_one_bucket_prefixes_that_overlap" {
  command = plan

  variables {
    source_bucket  = "pictures"
    archive_bucket = "pictures"
    source_prefix  = "photos/"
    archive_prefix = "photos/archive/"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_one_bucket_prefixes_that_overlap_the_other_way" {
  command = plan

  variables {
    source_bucket  = "pictures"
    archive_bucket = "pictures"
    source_prefix  = "photos/inbox/"
    archive_prefix = "photos/"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_gallery_in_the_archive" {
  command = plan

  variables {
    archive_bucket = "pictures"
    gallery_bucket = "pictures"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_cloudfront_before_an_http_api" {
  command = plan

  variables {
    cloudfront       = true
    gallery_endpoint = "http_api"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_two_hooks" {
  command = plan

  variables {
    hook_url           = "https://api.netlify.com/build_hooks/0"
    hook_url_parameter = "/photos/hook-url"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_two_alarm_topics" {
  command = plan

  variables {
    alarm_email     = "a@example.org"
    alarm_topic_arn = "arn:aws:sns:eu-west-1:123456789012:alarms"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_renditions_without_numbers" {
  command = plan

  variables {
    renditions = "large"
  }

  expect_failures = [var.renditions]
}

run "refuses_too_large_renditions" {
  command = plan

  variables {
    renditions = "640,9000"
  }

  expect_failures = [var.renditions]
}

run "refuses_too_many_renditions" {
  command = plan

  variables {
    renditions = join(",", range(1, 18))
  }

  expect_failures = [var.renditions]
}

run "refuses_originals" {
  command = plan

  variables {
    originals = "raw"
  }

  expect_failures = [var.originals]
}

run "refuses_originals_without_renditions" {
  command = plan

  variables {
    originals  = "jpeg"
    renditions = "none"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_gallery_url" {
  command = plan

  variables {
    gallery_url = "http://photos.example/gallery"
  }

  expect_failures = [var.gallery_url]
}

run "refuses_map_tiles_without_https" {
  command = plan

  variables {
    map_tiles = "http://tile.example/{z}/{x}/{y}.png"
  }

  expect_failures = [var.map_tiles]
}

run "refuses_map_tiles_of_several_hosts" {
  command = plan

  variables {
    map_tiles = "https://{s}.tile.example/{z}/{x}/{y}.png"
  }

  expect_failures = [var.map_tiles]
}

run "refuses_map_tiles_without_a_row" {
  command = plan

  variables {
    map_tiles = "https://tile.example/{z}/{x}.png"
  }

  expect_failures = [var.map_tiles]
}

run "refuses_map_tiles_that_end_the_policy" {
  command = plan

  variables {
    map_tiles = "https://tile.example;script-src/{z}/{x}/{y}.png"
  }

  expect_failures = [var.map_tiles]
}

run "refuses_map_attribution_without_tiles" {
  command = plan

  variables {
    map_attribution = "Example"
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_gallery_url_with_a_public_site" {
  command = plan

  variables {
    gallery_url = "https://photos.example/gallery"
    public_site = true
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_site_domain_certificate_in_another_region" {
  command = plan

  variables {
    public_site = true
    site_domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/0" }
  }

  expect_failures = [var.site_domain]
}

run "refuses_site_domain_without_a_site" {
  command = plan

  variables {
    site_domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_domain_without_cloudfront" {
  command = plan

  variables {
    domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
  }

  expect_failures = [terraform_data.layout]
}

run "refuses_one_name_for_two_distributions" {
  command = plan

  variables {
    cloudfront  = true
    public_site = true
    domain      = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
    site_domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
  }

  expect_failures = [terraform_data.layout]
}
