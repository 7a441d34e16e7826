# The functions. Each has a role of its own, which allows exactly what the function does.

locals {
  # The privacy rules, and the folders whose names become public as albums. All functions get the same rules; otherwise one would show what another
  # hides. The rules that name homes, people or folders are in secrets.tf. Keywords that make a
  # photo public are shown with the photo, so they are no secret.
  privacy = {
    LOCATION             = var.location
    PEOPLE               = var.people
    VISIBILITY           = var.visibility.default
    PUBLIC_KEYWORDS      = join(",", var.visibility.public_keywords)
    PRIVATE_BELOW_RATING = var.visibility.private_below_rating == null ? "" : tostring(var.visibility.private_below_rating)
    ALBUM_FOLDERS        = join(",", var.album_folders)
  }

  # How the pictures are made. Ingest writes the plan of the pictures into each item, and render follows
  # it.
  pictures = { RENDITIONS = var.renditions, ORIGINALS = var.originals }

  all_functions = {
    ingest = {
      description = "Files photos by day and keeps the catalogue."
      memory      = var.ingest_memory
      timeout     = var.ingest_timeout
      environment = merge(local.privacy, local.pictures, {
        SOURCE_BUCKET         = local.source_bucket
        SOURCE_PREFIX         = var.source_prefix
        SOURCE_AFTER          = var.source_after
        SKIP_NAMES            = join(",", var.skip_names)
        SIBLING_FOLDERS       = join(",", var.sibling_folders)
        ARCHIVE_BUCKET        = local.archive_bucket
        ARCHIVE_PREFIX        = var.archive_prefix
        ARCHIVE_STORAGE_CLASS = var.archive_storage_class == "STANDARD" ? "" : var.archive_storage_class
        PHOTOS_TABLE          = local.table_names.photos
      })
    }
    publish = {
      description = "Counts, static gallery files and the build hook."
      memory      = 512
      timeout     = 120
      environment = merge(
        local.privacy,
        {
          PHOTOS_TABLE   = local.table_names.photos
          PUBLISH_TABLE  = local.table_names.publish
          GALLERY_BUCKET = local.gallery_bucket
          GALLERY_PREFIX = var.gallery_prefix
        },
        var.map_tiles != null ? {
          MAP_TILES       = var.map_tiles
          MAP_ATTRIBUTION = var.map_attribution != null ? var.map_attribution : ""
        } : {},
        local.hook ? {
          HOOK_HOSTS            = join(",", var.hook_hosts)
          HOOK_QUIET_SECONDS    = tostring(var.hook_limits.quiet_seconds)
          HOOK_MAX_WAIT_SECONDS = tostring(var.hook_limits.max_wait_seconds)
          HOOK_INTERVAL_SECONDS = tostring(var.hook_limits.interval_seconds)
          HOOK_PER_DAY          = tostring(var.hook_limits.per_day)
          HOOK_PER_MONTH        = tostring(var.hook_limits.per_month)
        } : {},
      )
    }
    gallery = {
      description = "Gallery JSON."
      memory      = var.gallery_memory
      timeout     = 20
      environment = merge(local.privacy, {
        PHOTOS_TABLE  = local.table_names.photos
        PUBLISH_TABLE = local.table_names.publish
        CORS_ORIGINS  = join(",", var.cors_origins)
      })
    }
    render = {
      description = "Makes the pictures of public photos, and deletes those of private ones."
      # Lambda gives one whole processor from 1,769 MB on. Render uses one.
      memory  = 1769
      timeout = 60
      environment = merge(local.privacy, local.pictures, {
        SOURCE_BUCKET  = local.source_bucket
        SOURCE_PREFIX  = var.source_prefix
        ARCHIVE_BUCKET = local.archive_bucket
        ARCHIVE_PREFIX = var.archive_prefix
        PHOTOS_TABLE   = local.table_names.photos
        GALLERY_BUCKET = local.gallery_bucket
        GALLERY_PREFIX = var.gallery_prefix
      })
    }
  }
  functions = { for name, function in local.all_functions : name => function if name != "render" || local.renders }

  # The permissions that the functions' own code needs.
  asked_by_code = {
    ingest = concat(
      local.secret_statements.ingest,
      [
        # CopyObject reads the tags that it copies.
        { Sid = "Source", Action = ["s3:GetObject", "s3:GetObjectTagging"], Resource = [local.source_objects_arn] },
        { Sid = "Archive", Action = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"], Resource = [local.archive_objects_arn] },
        # A photo moves to another day after an edit of its date. The old copy is deleted only after
        # the new one was found.
        { Sid = "Moves", Action = ["s3:DeleteObject"], Resource = [local.archive_objects_arn] },
        # Without it, S3 answers 403 for a missing object, and a removal looks like a refusal.
        # There is no condition on the prefix, because the GET request that needs it has no prefix.
        { Sid = "MissingIs404", Action = ["s3:ListBucket"], Resource = distinct([local.source_bucket_arn, local.archive_bucket_arn]) },
        { Sid = "Catalogue", Action = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], Resource = [local.table_arns.photos] },
      ],
      var.source_after == "delete" ? [{ Sid = "SourceAfter", Action = ["s3:DeleteObject"], Resource = [local.source_objects_arn] }] : [],
      # The object with which a function tries the store when it starts.
      var.source_after == "delete" || var.archive_storage_class != "STANDARD" ? [
        { Sid = "Probe", Action = ["s3:DeleteObject", "s3:PutObject"], Resource = ["${local.source_bucket_arn}/${var.source_prefix}.photo-catalogue-probe-*"] },
      ] : [],
    )
    publish = concat(
      local.secret_statements.publish,
      [
        { Sid = "Catalogue", Action = ["dynamodb:BatchGetItem", "dynamodb:GetItem"], Resource = [local.table_arns.photos] },
        { Sid = "Months", Action = ["dynamodb:Query"], Resource = ["${local.table_arns.photos}/index/by-date"] },
        { Sid = "Published", Action = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], Resource = [local.table_arns.publish] },
        { Sid = "Files", Action = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], Resource = [local.gallery_objects_arn] },
        { Sid = "MissingIs404", Action = ["s3:ListBucket"], Resource = [local.gallery_bucket_arn] },
      ],
    )
    render = concat(
      local.secret_statements.render,
      [
        { Sid = "Archive", Action = ["s3:GetObject"], Resource = [local.archive_objects_arn] },
        { Sid = "MissingIs404", Action = ["s3:ListBucket"], Resource = [local.archive_bucket_arn] },
        { Sid = "Pictures", Action = ["s3:DeleteObject", "s3:PutObject"], Resource = ["${local.gallery_bucket_arn}/${local.pictures_prefix}*"] },
        { Sid = "PicturesOfAPhoto", Action = ["s3:ListBucket"], Resource = [local.gallery_bucket_arn], Condition = { StringLike = { "s3:prefix" = ["${local.pictures_prefix}*"] } } },
        { Sid = "Catalogue", Action = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], Resource = [local.table_arns.photos] },
      ],
    )
    gallery = concat(local.secret_statements.gallery, [
      { Sid = "Counts", Action = ["dynamodb:BatchGetItem", "dynamodb:Query"], Resource = [local.table_arns.publish] },
      { Sid = "Photos", Action = ["dynamodb:BatchGetItem", "dynamodb:GetItem"], Resource = [local.table_arns.photos] },
      { Sid = "Lists", Action = ["dynamodb:Query"], Resource = [for index in local.tables.photos.indexes : "${local.table_arns.photos}/index/${index.name}"] },
    ])
  }

  # The permissions that Lambda itself needs in the role of a function.
  asked_by_lambda = {
    for name in keys(local.functions) : name => concat(
      [{ Sid = "Logs", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = ["${local.arn}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.name}-${name}:*"] }],
      name == "ingest" && var.trigger == "sqs" ? [
        { Sid = "Queue", Action = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], Resource = [local.queue_arns.uploads] },
      ] : [],
      name == "ingest" && var.trigger == "direct" ? [
        { Sid = "OnFailure", Action = ["sqs:SendMessage"], Resource = [local.queue_arns.uploads-dead] },
      ] : [],
      contains(["publish", "render"], name) ? [
        { Sid = "Stream", Action = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"], Resource = ["${local.table_arns.photos}/stream/*"] },
        { Sid = "OnFailure", Action = ["sqs:SendMessage"], Resource = [local.queue_arns[name == "publish" ? "changes-dead" : "pictures-dead"]] },
      ] : [],
      # X-Ray's actions cannot be limited to resources.
      var.xray ? [{ Sid = "Traces", Action = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource = ["*"] }] : [],
    )
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${var.name}-${each.key}"
  description = each.value.description
  tags        = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.asked_by_code[each.key], local.asked_by_lambda[each.key]) : merge({ Effect = "Allow" }, statement)
    ]
  })
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch's own encryption, which is free; the logs hold keys of photos and times, no metadata and no secrets
  #checkov:skip=CKV_AWS_338:log_retention_days sets the time; a year of debug lines is not useful

  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:gallery_concurrency limits the gallery; the queue's maximum concurrency, the schedule and the shards of the stream limit the others
  #checkov:skip=CKV_AWS_116:ingest, publish and render have dead-letter queues at their event sources, which keep the whole message; the gallery is invoked synchronously
  #checkov:skip=CKV_AWS_117:the functions call only AWS's public endpoints and the build hook; a VPC would need a NAT gateway
  #checkov:skip=CKV_AWS_173:the variables contain names and public settings; the secrets are SecureStrings
  #checkov:skip=CKV_AWS_272:code signing needs a signing profile of the account's owner

  for_each = local.functions

  function_name    = "${var.name}-${each.key}"
  description      = each.value.description
  role             = aws_iam_role.function[each.key].arn
  filename         = "${local.packages}/${each.key}/bootstrap.zip"
  source_code_hash = try(filebase64sha256("${local.packages}/${each.key}/bootstrap.zip"), null)
  package_type     = "Zip"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = each.value.memory
  timeout          = each.value.timeout
  tags             = local.tags

  reserved_concurrent_executions = each.key == "gallery" ? local.gallery_reservation : -1

  environment {
    variables = merge(
      { for name, value in each.value.environment : name => value if value != "" },
      local.site_variables[each.key],
      local.secret_names[each.key],
    )
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = var.xray ? "Active" : "PassThrough"
  }

  # The first invocation may come at once, and it reads the secrets first.
  depends_on = [aws_iam_role_policy.function]
}
