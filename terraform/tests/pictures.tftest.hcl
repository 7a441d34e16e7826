# The pictures: render is woken up by the stream, may do only what it needs, and its failures are kept.
# The public site shows the folder of the gallery, and nothing else.

variables {
  packages = "./tests/packages"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "render_by_default" {
  command = plan

  assert {
    condition     = aws_lambda_function.this["render"].memory_size == 1769 && aws_lambda_function.this["render"].timeout == 60
    error_message = "Render has one whole processor, and a minute."
  }
  assert {
    condition     = jsondecode(one(aws_lambda_event_source_mapping.pictures[0].filter_criteria[0].filter).pattern) == { dynamodb = { NewImage = { pictureWork = { S = ["due"] } } } }
    error_message = "Only photos whose pictures need work wake up render."
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.pictures[0].function_response_types == toset(["ReportBatchItemFailures"]) &&
      aws_lambda_event_source_mapping.pictures[0].bisect_batch_on_function_error &&
      aws_lambda_event_source_mapping.pictures[0].batch_size <= 4
    )
    error_message = "One bad photo does not delay the others."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.pictures[0].parallelization_factor == 10
    error_message = "A large import is rendered ten batches at a time for each shard."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.pictures[0].maximum_record_age_in_seconds < 24 * 3600 && aws_lambda_event_source_mapping.pictures[0].maximum_retry_attempts == 10
    error_message = "Lambda gives up on a record before DynamoDB deletes it, so that it goes to the queue."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.pictures[0].destination_config[0].on_failure) == 1 && contains(keys(aws_sqs_queue.dead), "pictures-dead")
    error_message = "A record that fails for good goes to a queue."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["pictures-dead"].threshold == 1 && aws_cloudwatch_metric_alarm.this["pictures-late"].threshold < 1000 * aws_lambda_event_source_mapping.pictures[0].maximum_record_age_in_seconds / 2
    error_message = "The owner hears of failures, and of a delay long before a record is given up."
  }
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.function["render"].policy).Statement : statement.Sid => "${join(" ", sort(statement.Action))} ${join(" ", statement.Resource)} ${jsonencode(try(statement.Condition, {}))}"
      if length([for action in statement.Action : action if startswith(action, "s3:")]) > 0
      } == {
      Archive          = "s3:GetObject arn:aws:s3:::photo-catalogue-archive-123456789012/* {}"
      MissingIs404     = "s3:ListBucket arn:aws:s3:::photo-catalogue-archive-123456789012 {}"
      Pictures         = "s3:DeleteObject s3:PutObject arn:aws:s3:::photo-catalogue-gallery-123456789012/gallery/r/* {}"
      PicturesOfAPhoto = "s3:ListBucket arn:aws:s3:::photo-catalogue-gallery-123456789012 {\"StringLike\":{\"s3:prefix\":[\"gallery/r/*\"]}}"
    }
    error_message = "Render reads the archive, and writes pictures only."
  }
  assert {
    condition = alltrue([
      for name in ["ingest", "render"] : aws_lambda_function.this[name].environment[0].variables.RENDITIONS == "320,640,1280,2048" && aws_lambda_function.this[name].environment[0].variables.ORIGINALS == "none"
    ])
    error_message = "Ingest plans the pictures that render makes."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.site) == 0 && length(aws_iam_role_policy.invalidation) == 0 && output.site_url == null && output.files_url == null
    error_message = "There is no public site unless public_site is set."
  }
  assert {
    condition     = alltrue([for name in ["gallery", "publish"] : !contains(keys(aws_lambda_function.this[name].environment[0].variables), "GALLERY_URL")])
    error_message = "No picture is listed if nobody can load it."
  }
}

run "new_account_renders_slowly" {
  command = plan

  override_data {
    target = data.aws_servicequotas_service_quota.concurrency
    values = { value = 10 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.pictures[0].parallelization_factor == 1
    error_message = "Render must not use all executions of a new account."
  }
}

run "no_pictures" {
  command = plan

  variables {
    renditions = "none"
  }

  assert {
    condition = (
      !contains(keys(aws_lambda_function.this), "render") && length(aws_lambda_event_source_mapping.pictures) == 0 &&
      !contains(keys(aws_sqs_queue.dead), "pictures-dead") && length([for name in keys(aws_cloudwatch_metric_alarm.this) : name if startswith(name, "render") || startswith(name, "pictures")]) == 0
    )
    error_message = "Without pictures there is no render function, and nothing that belongs to it."
  }
  assert {
    condition     = aws_lambda_function.this["ingest"].environment[0].variables.RENDITIONS == "none"
    error_message = "Ingest plans no pictures."
  }
}

run "other_pictures" {
  command = plan

  variables {
    renditions     = "400,8192"
    originals      = "jpeg"
    gallery_prefix = "site/v2/"
    gallery_url    = "https://photos.example/site/v2"
  }

  assert {
    condition = alltrue([
      for name in ["ingest", "render"] : aws_lambda_function.this[name].environment[0].variables.RENDITIONS == "400,8192" && aws_lambda_function.this[name].environment[0].variables.ORIGINALS == "jpeg"
    ])
    error_message = "Ingest and render get the same recipe."
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.function["render"].policy).Statement : statement.Resource if statement.Sid == "Pictures"]) == ["arn:aws:s3:::photo-catalogue-gallery-123456789012/site/v2/r/*"]
    error_message = "The pictures are under the prefix of the gallery."
  }
  assert {
    condition = output.files_url == "https://photos.example/site/v2" && alltrue([
      for name in ["gallery", "publish"] : aws_lambda_function.this[name].environment[0].variables.GALLERY_URL == "https://photos.example/site/v2"
    ])
    error_message = "Gallery and publish list pictures under the URL of the owner's CDN."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.site) == 0 && length(aws_iam_role_policy.invalidation) == 0 && !contains(keys(aws_lambda_function.this["render"].environment[0].variables), "CDN_DISTRIBUTION")
    error_message = "The owner's CDN is not CloudFront."
  }
}

run "public_site" {
  command = apply

  variables {
    public_site = true
  }

  override_resource {
    target = aws_cloudfront_distribution.site
    values = { id = "E0123456789", arn = "arn:aws:cloudfront::123456789012:distribution/E0123456789", domain_name = "d0123456789.cloudfront.net" }
  }

  assert {
    condition     = output.site_url == "https://d0123456789.cloudfront.net/" && output.files_url == "https://d0123456789.cloudfront.net/gallery"
    error_message = "The addresses of the site follow from its distribution."
  }
  assert {
    condition = alltrue([
      for name in ["gallery", "publish"] : aws_lambda_function.this[name].environment[0].variables.GALLERY_URL == "https://d0123456789.cloudfront.net/gallery"
    ])
    error_message = "Gallery and publish list pictures under the URL of the site."
  }
  assert {
    condition = (
      one(aws_cloudfront_distribution.site[0].ordered_cache_behavior).path_pattern == "gallery/*.json" &&
      one(one(aws_cloudfront_cache_policy.lists[0].parameters_in_cache_key_and_forwarded_to_origin[0].query_strings_config).query_strings).items == toset(["v"])
    )
    error_message = "A list is cached separately for each version, and a picture is not."
  }
  assert {
    condition = (
      aws_lambda_function.this["render"].environment[0].variables.CDN_DISTRIBUTION == "E0123456789" &&
      jsondecode(aws_iam_role_policy.invalidation[0].policy).Statement == [{ Sid = "Forget", Effect = "Allow", Action = ["cloudfront:CreateInvalidation"], Resource = ["arn:aws:cloudfront::123456789012:distribution/E0123456789"] }] &&
      aws_iam_role_policy.invalidation[0].role == "photo-catalogue-render"
    )
    error_message = "Render may make its own distribution forget pictures, and no other."
  }
  assert {
    condition = {
      for key, policy in aws_s3_bucket_policy.this : key => [for statement in jsondecode(policy.policy).Statement : statement if statement.Effect == "Allow"]
      } == {
      source  = []
      archive = []
      gallery = [{
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = ["s3:GetObject"]
        Resource  = ["arn:aws:s3:::photo-catalogue-gallery-123456789012/gallery/*"]
        Condition = { StringEquals = { "aws:SourceArn" = "arn:aws:cloudfront::123456789012:distribution/E0123456789" } }
      }]
    }
    error_message = "The distribution reads the folder of the gallery, and nothing else. Nobody reads the archive."
  }
  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_policy && block.restrict_public_buckets])
    error_message = "No bucket is public."
  }
  assert {
    condition = (
      one(aws_cloudfront_distribution.site[0].origin).origin_access_control_id == aws_cloudfront_origin_access_control.this["bucket"].id &&
      aws_cloudfront_origin_access_control.this["bucket"].signing_behavior == "always" && length(aws_cloudfront_distribution.gallery) == 0
    )
    error_message = "The distribution signs its requests to its one origin, and the JSON interface is not public."
  }
  assert {
    condition = alltrue([
      for behaviour in aws_cloudfront_distribution.site[0].default_cache_behavior :
      behaviour.viewer_protocol_policy == "redirect-to-https" && toset(behaviour.allowed_methods) == toset(["GET", "HEAD"]) && behaviour.cache_policy_id == "658327ea-f89d-4fab-a63d-7e88639e58f6" &&
      behaviour.response_headers_policy_id == aws_cloudfront_response_headers_policy.files[0].id
    ])
    error_message = "Visitors use HTTPS, and can only read. No query reaches the bucket, or S3 would list it."
  }
  assert {
    condition = (
      strcontains(aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].content_security_policy[0].content_security_policy, "default-src 'none'") &&
      aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].content_type_options[0].override &&
      aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].strict_transport_security[0].access_control_max_age_sec >= 31536000
    )
    error_message = "The site has security headers."
  }
  assert {
    condition = (
      strcontains(aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].content_security_policy[0].content_security_policy, "; img-src 'self' data: blob:; ") &&
      !strcontains(aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].content_security_policy[0].content_security_policy, "https:") &&
      !contains(keys(aws_lambda_function.this["publish"].environment[0].variables), "MAP_TILES")
    )
    error_message = "Without map_tiles, the page loads nothing from another server."
  }
  assert {
    condition = (
      aws_cloudfront_distribution.site[0].default_root_object == aws_s3_object.front[0].key &&
      strcontains(aws_s3_object.front[0].content, "url=/gallery/index.html") &&
      aws_s3_object.front[0].content_type == "text/html; charset=utf-8"
    )
    error_message = "The root of the site leads to the page that publish writes."
  }
  assert {
    condition = alltrue([
      for cors in aws_cloudfront_response_headers_policy.files[0].cors_config :
      one(cors.access_control_allow_origins).items == toset(["*"]) && !cors.access_control_allow_credentials
    ]) && length(aws_cloudfront_response_headers_policy.files[0].cors_config) == 1
    error_message = "Pages of every site may embed the gallery, without cookies."
  }
}

run "site_with_a_domain" {
  command = plan

  variables {
    public_site  = true
    site_domain  = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
    cloudfront   = true
    domain       = { name = "api.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
    cors_origins = ["https://www.example.org"]

    map_tiles       = "https://Tile.example:8443/{z}/{x}/{y}.png?key=1"
    map_attribution = "© [Example](https://tile.example)"
  }

  assert {
    condition = (
      strcontains(aws_cloudfront_response_headers_policy.files[0].security_headers_config[0].content_security_policy[0].content_security_policy, "; img-src 'self' data: blob: https://photos.example.org https://tile.example:8443; ") &&
      aws_lambda_function.this["publish"].environment[0].variables.MAP_TILES == "https://Tile.example:8443/{z}/{x}/{y}.png?key=1" &&
      aws_lambda_function.this["publish"].environment[0].variables.MAP_ATTRIBUTION == "© [Example](https://tile.example)" &&
      !contains(keys(aws_lambda_function.this["gallery"].environment[0].variables), "MAP_TILES")
    )
    error_message = "The page may load the map tiles, and pictures under the name of the distribution too."
  }

  assert {
    condition     = output.site_url == "https://photos.example.org/" && output.gallery_url == "https://api.example.org" && aws_cloudfront_distribution.site[0].viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021"
    error_message = "Site and JSON interface have their own names."
  }
  assert {
    condition     = one(aws_cloudfront_distribution.gallery[0].origin).origin_id == "gallery" && length(aws_cloudfront_distribution.gallery[0].ordered_cache_behavior) == 0
    error_message = "Only the site serves pictures. Otherwise, the other distribution would keep hidden ones."
  }
  assert {
    condition     = aws_lambda_function.this["gallery"].environment[0].variables.CORS_ORIGINS == "https://www.example.org"
    error_message = "Pages of these origins may read the JSON interface."
  }
}
