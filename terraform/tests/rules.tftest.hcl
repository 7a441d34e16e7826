# Plans the module and checks its rules: what is private and limited, by default and with each
# input. No account is needed: the provider only has to know its schema. Needs Terraform 1.7.

variables {
  packages = "./tests/packages"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "by_default" {
  command = plan

  assert {
    condition     = aws_sqs_queue.uploads[0].visibility_timeout_seconds >= 6 * aws_lambda_function.this["ingest"].timeout
    error_message = "The queue must hide a message for six times the function's timeout."
  }
  assert {
    condition     = alltrue([for queue in aws_sqs_queue.dead : queue.message_retention_seconds == 14 * 24 * 3600])
    error_message = "Dead letters are kept for 14 days."
  }
  assert {
    condition     = aws_sqs_queue.dead["uploads-dead"].message_retention_seconds > aws_sqs_queue.uploads[0].message_retention_seconds
    error_message = "A dead letter keeps its age, so its queue must keep it longer."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.uploads_dead[0].redrive_allow_policy).sourceQueueArns == ["arn:aws:sqs:eu-west-1:123456789012:photo-catalogue-uploads"]
    error_message = "Only the queue of uploads may send to its dead-letter queue."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.uploads[0].function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.uploads[0].scaling_config[0].maximum_concurrency == 10
    error_message = "One failed message must not return its neighbours to the queue, and a large upload must not use all of the account's concurrency."
  }

  # Private by default.
  assert {
    condition     = aws_lambda_function_url.gallery[0].authorization_type == "AWS_IAM" && length(aws_lambda_permission.public) == 0 && length(aws_cloudfront_distribution.gallery) == 0
    error_message = "Only callers that IAM allows may read the gallery, unless gallery_public is set."
  }
  assert {
    condition = keys(aws_s3_bucket_public_access_block.this) == keys(aws_s3_bucket.this) && alltrue([for block in aws_s3_bucket_public_access_block.this :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "Every bucket is private."
  }
  assert {
    condition = alltrue([for key, bucket in aws_s3_bucket.this :
      length([for statement in jsondecode(aws_s3_bucket_policy.this[key].policy).Statement : statement if statement.Effect == "Deny" && statement.Condition.Bool["aws:SecureTransport"] == "false"]) == 1 &&
      length([for statement in jsondecode(aws_s3_bucket_policy.this[key].policy).Statement : statement if statement.Effect == "Allow"]) == 0
    ])
    error_message = "Every bucket refuses requests that are not TLS, and its policy allows no other account."
  }
  assert {
    condition = alltrue([for key, bucket in aws_s3_bucket.this :
      !bucket.force_destroy && aws_s3_bucket_versioning.this[key].versioning_configuration[0].status == "Enabled" &&
      one(one(aws_s3_bucket_server_side_encryption_configuration.this[key].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256" &&
      aws_s3_bucket_ownership_controls.this[key].rule[0].object_ownership == "BucketOwnerEnforced"
    ])
    error_message = "Every bucket is versioned and encrypted, has no ACLs, and is not destroyed while it contains photos."
  }

  # Roles.
  assert {
    condition = alltrue(flatten([for policy in concat(values(aws_iam_role_policy.function)[*].policy, [aws_iam_role_policy.scheduler.policy]) :
      [for statement in jsondecode(policy).Statement : statement.Effect == "Allow" && !contains(statement.Resource, "*") && length([for action in statement.Action : action if strcontains(action, "*")]) == 0]
    ]))
    error_message = "No role may do everything, or anything to everything."
  }
  assert {
    condition = alltrue(flatten([for policy in concat(values(aws_sqs_queue_policy.this)[*].policy) :
      [for statement in jsondecode(policy).Statement : statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012" && length(statement.Condition.ArnEquals["aws:SourceArn"]) == 2 if statement.Effect == "Allow"]
    ]))
    error_message = "Only this account's two buckets may send to the queue."
  }
  assert {
    condition     = jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only this account's schedule may start publish."
  }

  # Tables.
  assert {
    condition = alltrue([for key, table in aws_dynamodb_table.this :
      table.billing_mode == "PAY_PER_REQUEST" && table.point_in_time_recovery[0].enabled && table.deletion_protection_enabled
    ])
    error_message = "Tables are on demand, can be restored, and are protected from deletion."
  }
  assert {
    condition     = aws_dynamodb_table.this["photos"].stream_view_type == "NEW_AND_OLD_IMAGES" && !aws_dynamodb_table.this["publish"].stream_enabled
    error_message = "Only photos has a stream: otherwise, publish would start itself for ever."
  }
  assert {
    condition     = toset([for index in aws_dynamodb_table.this["photos"].global_secondary_index : index.name]) == toset([for index in jsondecode(file("../schema/tables.json")).photos.indexes : index.name])
    error_message = "The table's indexes are those of schema/tables.json."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.changes.bisect_batch_on_function_error && jsondecode(one(aws_lambda_event_source_mapping.changes.filter_criteria[0].filter).pattern).dynamodb.Keys.pk.S[0].prefix == "photo#"
    error_message = "publish receives changes of photos only, and one bad record does not delay the others."
  }

  # Triggers.
  assert {
    condition = (
      one(aws_s3_bucket_notification.this["source"].queue).events == toset(["s3:ObjectCreated:*"]) &&
      one(aws_s3_bucket_notification.this["archive"].queue).events == toset(["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"])
    )
    error_message = "ingest receives events of uploads, and of new and removed objects in the archive."
  }
  assert {
    condition     = aws_scheduler_schedule.tick.schedule_expression == "rate(1 minute)"
    error_message = "publish ticks once a minute."
  }

  # Secrets, logs, alarms.
  assert {
    condition     = aws_ssm_parameter.cursor_key.type == "SecureString" && !contains(keys(aws_lambda_function.this["gallery"].environment[0].variables), "CURSOR_KEY") && length(aws_ssm_parameter.hook_url) == 0
    error_message = "Secrets are SecureStrings, not variables."
  }
  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.function : group.retention_in_days == 30])
    error_message = "Logs expire after 30 days."
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(["changes-dead", "changes-late", "gallery-errors", "gallery-throttles", "ingest-errors", "ingest-throttles", "pictures-dead", "pictures-late", "publish-errors", "publish-throttles", "render-errors", "render-throttles", "uploads-dead"])
    error_message = "Dead letters, errors, throttles and the stream's age raise alarms."
  }
  assert {
    condition     = alltrue([for function in aws_lambda_function.this : function.runtime == "provided.al2023" && function.architectures == tolist(["arm64"]) && function.tracing_config[0].mode == "PassThrough"])
    error_message = "By default, functions are built for arm64 and not traced."
  }
}

run "direct" {
  command = plan

  variables {
    trigger = "direct"
  }

  assert {
    condition     = length(aws_sqs_queue.uploads) == 0 && length(aws_lambda_event_source_mapping.uploads) == 0 && length(one(aws_s3_bucket_notification.this["source"].lambda_function).events) == 1
    error_message = "S3 starts ingest without a queue."
  }
  assert {
    condition = length(aws_lambda_permission.s3) == 2 && alltrue([for permission in aws_lambda_permission.s3 :
      permission.principal == "s3.amazonaws.com" && permission.source_account == "123456789012" && startswith(permission.source_arn, "arn:aws:s3:::photo-catalogue-")
    ])
    error_message = "Only this account's two buckets may start ingest."
  }
  assert {
    condition     = length(aws_lambda_function_event_invoke_config.ingest) == 1 && length([for statement in jsondecode(aws_iam_role_policy.function["ingest"].policy).Statement : statement if statement.Sid == "OnFailure"]) == 1
    error_message = "An event that fails for good goes to a queue."
  }
}

run "skip_names" {
  command = plan

  variables {
    skip_names = ["draft-*", "CaptureOne/Cache/", "[[]Originals]/", "!*.tmp"]
  }

  assert {
    condition     = aws_lambda_function.this["ingest"].environment[0].variables.SKIP_NAMES == "draft-*,CaptureOne/Cache/,[[]Originals]/,!*.tmp"
    error_message = "ingest gets SKIP_NAMES."
  }
}

run "sibling_folders" {
  command = plan

  variables {
    sibling_folders = ["Selects", "!png"]
  }

  assert {
    condition     = aws_lambda_function.this["ingest"].environment[0].variables.SIBLING_FOLDERS == "Selects,!png"
    error_message = "ingest gets SIBLING_FOLDERS."
  }
}

run "album_folders" {
  command = plan

  variables {
    album_folders = ["albums/", "trips/"]
  }

  assert {
    condition = alltrue([
      for function in ["ingest", "render", "publish", "gallery"] :
      aws_lambda_function.this[function].environment[0].variables.ALBUM_FOLDERS == "albums/,trips/"
    ])
    error_message = "All functions get ALBUM_FOLDERS."
  }
}

run "source_after" {
  command = plan

  variables {
    source_prefix         = "inbox/"
    source_after          = "delete"
    archive_storage_class = "STANDARD_IA"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.function["ingest"].policy).Statement : statement.Sid => statement.Resource
      if contains(statement.Action, "s3:DeleteObject")
      } == {
      Moves       = ["arn:aws:s3:::photo-catalogue-archive-123456789012/*"]
      SourceAfter = ["arn:aws:s3:::photo-catalogue-source-123456789012/inbox/*"]
      Probe       = ["arn:aws:s3:::photo-catalogue-source-123456789012/inbox/.photo-catalogue-probe-*"]
    }
    error_message = "ingest deletes uploads, probes, and copies of photos that have moved."
  }
  assert {
    condition = (
      aws_lambda_function.this["ingest"].environment[0].variables.SOURCE_AFTER == "delete" &&
      aws_lambda_function.this["ingest"].environment[0].variables.ARCHIVE_STORAGE_CLASS == "STANDARD_IA"
    )
    error_message = "ingest gets SOURCE_AFTER and ARCHIVE_STORAGE_CLASS."
  }
}

run "one_bucket" {
  command = plan

  variables {
    source_bucket  = "pictures"
    archive_bucket = "pictures"
    source_prefix  = "inbox/"
    archive_prefix = "archive/"
    colder         = { archive = { days = 90, storage_class = "GLACIER_IR", minimum_bytes = 15000000 } }
  }

  assert {
    condition     = toset(keys(aws_s3_bucket.this)) == toset(["source", "gallery"])
    error_message = "One bucket for both, and one for the gallery."
  }
  assert {
    condition     = toset(aws_s3_bucket_notification.this["source"].queue[*].filter_prefix) == toset(["inbox/", "archive/"])
    error_message = "Events of both prefixes start ingest."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.function["ingest"].policy).Statement[1].Resource == ["arn:aws:s3:::pictures/archive/*"]
    error_message = "ingest writes under the archive prefix only."
  }
  assert {
    condition = one([for rule in aws_s3_bucket_lifecycle_configuration.this["source"].rule :
      "${rule.filter[0].and[0].prefix} from ${rule.filter[0].and[0].object_size_greater_than}" if rule.id == "colder-archive"
    ]) == "archive/ from 14999999"
    error_message = "Only objects under the archive prefix move to the colder class."
  }
}

run "existing_bucket" {
  command = plan

  variables {
    source_bucket        = "pictures"
    create_source_bucket = false
    source_prefix        = "inbox/"
  }

  assert {
    condition     = !contains(keys(aws_s3_bucket.this), "source") && !contains(keys(aws_s3_bucket_policy.this), "source") && !contains(keys(aws_s3_bucket_notification.this), "source")
    error_message = "An existing bucket is not changed."
  }
  assert {
    condition     = output.notifications["pictures"][0].filter_prefix == "inbox/" && output.notifications["pictures"][0].target_arn == "arn:aws:sqs:eu-west-1:123456789012:photo-catalogue-uploads"
    error_message = "The notifications to add are an output."
  }
}

run "existing_bucket_managed" {
  command = plan

  variables {
    source_bucket        = "pictures"
    create_source_bucket = false
    manage_notifications = true
  }

  assert {
    condition     = aws_s3_bucket_notification.this["source"].bucket == "pictures" && length(output.notifications) == 0
    error_message = "With manage_notifications, the module sets the notifications."
  }
}

run "public_url" {
  command = plan

  variables {
    gallery_public = true
  }

  assert {
    condition = (
      aws_lambda_function_url.gallery[0].authorization_type == "NONE" &&
      aws_lambda_permission.public["InvokeFunctionUrl"].function_url_auth_type == "NONE" &&
      aws_lambda_permission.public["InvokeFunction"].invoked_via_function_url
    )
    error_message = "A public Function URL needs both permissions."
  }
}

run "http_api" {
  command = plan

  variables {
    gallery_endpoint = "http_api"
  }

  assert {
    condition     = length(aws_lambda_function_url.gallery) == 0 && aws_apigatewayv2_route.gallery[0].authorization_type == "AWS_IAM" && aws_lambda_permission.http_api[0].source_account == "123456789012"
    error_message = "The HTTP API requires IAM too."
  }
}

run "cloudfront" {
  command = plan

  variables {
    cloudfront = true
    domain     = { name = "gallery.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0" }
  }

  assert {
    condition     = aws_lambda_function_url.gallery[0].authorization_type == "AWS_IAM" && length(aws_lambda_permission.public) == 0 && length(aws_lambda_permission.cloudfront) == 2 && alltrue([for permission in aws_lambda_permission.cloudfront : permission.source_account == "123456789012"])
    error_message = "Behind CloudFront the function stays private."
  }
  assert {
    condition = one(aws_cloudfront_distribution.gallery[0].origin).origin_id == "gallery" && alltrue([for key, policy in aws_s3_bucket_policy.this :
      length([for statement in jsondecode(policy.policy).Statement : statement if statement.Effect == "Allow"]) == 0
    ])
    error_message = "The distribution of the JSON interface reads no bucket."
  }
  assert {
    condition     = aws_cloudfront_distribution.gallery[0].viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && aws_cloudfront_distribution.gallery[0].default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"
    error_message = "Viewers must use TLS 1.2 or newer."
  }
}

run "privacy_rules_are_the_same_in_all_functions" {
  command = plan

  variables {
    location   = "exact"
    people     = "show"
    visibility = { default = "private", public_keywords = ["web"], private_below_rating = 2 }
  }

  assert {
    condition = alltrue([
      for name in ["ingest", "publish", "gallery", "render"] :
      aws_lambda_function.this[name].environment[0].variables.LOCATION == "exact"
      && aws_lambda_function.this[name].environment[0].variables.PEOPLE == "show"
      && aws_lambda_function.this[name].environment[0].variables.VISIBILITY == "private"
      && aws_lambda_function.this[name].environment[0].variables.PUBLIC_KEYWORDS == "web"
      && aws_lambda_function.this[name].environment[0].variables.PRIVATE_BELOW_RATING == "2"
    ])
    error_message = "All functions hide the same."
  }
}

run "hook_and_alarms" {
  command = plan

  variables {
    hook_url    = "https://api.netlify.com/build_hooks/0123456789abcdef01234567"
    alarm_email = "photos@example.org"
    xray        = true
  }

  assert {
    condition     = aws_ssm_parameter.hook_url[0].type == "SecureString" && aws_lambda_function.this["publish"].environment[0].variables.HOOK_PER_DAY == "3"
    error_message = "The hook's URL is a SecureString, its limits are variables."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["hook-budget"].threshold == 3 && length(aws_sns_topic_subscription.email) == 1
    error_message = "The hook's budget raises an alarm."
  }
  assert {
    condition     = length([for statement in jsondecode(aws_iam_role_policy.function["gallery"].policy).Statement : statement if statement.Sid == "Traces"]) == 1
    error_message = "With xray, the functions may send traces."
  }
}

run "existing_hook_parameter" {
  command = plan

  variables {
    hook_url_parameter = "/photos/hook-url"
  }

  assert {
    condition     = length(aws_ssm_parameter.hook_url) == 0 && length([for statement in jsondecode(aws_iam_role_policy.function["publish"].policy).Statement : statement if statement.Sid == "Secrets" && one(statement.Resource) == "arn:aws:ssm:eu-west-1:123456789012:parameter/photos/hook-url"]) == 1 && aws_lambda_function.this["publish"].environment[0].variables.HOOK_URL_PARAMETER == "/photos/hook-url"
    error_message = "publish reads the existing parameter."
  }
}

run "batch_operations" {
  command = plan

  variables {
    batch_operations = true
  }

  assert {
    condition     = jsondecode(aws_iam_role.batch[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012" && jsondecode(aws_iam_role_policy.batch[0].policy).Statement[0].Resource == ["arn:aws:lambda:eu-west-1:123456789012:function:photo-catalogue-ingest"]
    error_message = "Jobs of this account may run ingest, and no others."
  }
}
