# The triggers of ingest: uploads under the source prefix, and new and removed objects under the
# archive prefix.

locals {
  # Events that failed for good: of ingest, of publish and of render.
  dead_letters = concat(["uploads-dead", "changes-dead"], local.renders ? ["pictures-dead"] : [])
  # The ARNs of the queues follow from their names.
  queue_names = merge(
    var.trigger == "sqs" ? { uploads = "${var.name}-uploads" } : {},
    { for key in local.dead_letters : key => "${var.name}-${key}" },
  )
  queue_arns = { for key, name in local.queue_names : key => "${local.arn}:sqs:${local.region}:${local.account}:${name}" }

  arrivals   = ["s3:ObjectCreated:*"]
  departures = ["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
  uploads    = { id = "photos-uploaded", events = local.arrivals, prefix = var.source_prefix }
  archived   = { id = "photos-archived", events = concat(local.arrivals, local.departures), prefix = var.archive_prefix }

  notifications = merge(
    { source = { bucket = local.source_bucket, rules = local.one_bucket ? [local.uploads, local.archived] : [local.uploads] } },
    local.one_bucket ? {} : { archive = { bucket = local.archive_bucket, rules = [local.archived] } },
  )
  managed_notifications = { for key, notification in local.notifications : key => notification if key != "source" || var.create_source_bucket || var.manage_notifications }
  waking_buckets        = { for key, notification in local.notifications : key => "${local.arn}:s3:::${notification.bucket}" }
}

# AWS recommends a visibility timeout of six times the function's timeout. So a message in work is
# not given to another invocation, even after throttled polls.
resource "aws_sqs_queue" "uploads" {
  count = var.trigger == "sqs" ? 1 : 0

  name                       = local.queue_names.uploads
  visibility_timeout_seconds = 6 * var.ingest_timeout
  message_retention_seconds  = 345600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  tags                       = local.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead["uploads-dead"].arn
    maxReceiveCount     = 5
  })
}

# Events that failed for good, kept for 14 days.
resource "aws_sqs_queue" "dead" {
  for_each = toset(local.dead_letters)

  name                      = local.queue_names[each.key]
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "uploads_dead" {
  count = var.trigger == "sqs" ? 1 : 0

  queue_url = aws_sqs_queue.dead["uploads-dead"].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns.uploads]
  })
}

resource "aws_sqs_queue_policy" "this" {
  for_each = local.queue_names

  queue_url = each.key == "uploads" ? aws_sqs_queue.uploads[0].id : aws_sqs_queue.dead[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = [local.queue_arns[each.key]]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      each.key == "uploads" ? [{
        Sid       = "S3Sends"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = ["sqs:SendMessage"]
        Resource  = [local.queue_arns.uploads]
        Condition = {
          ArnEquals    = { "aws:SourceArn" = values(local.waking_buckets) }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      }] : [],
    )
  })
}

resource "aws_lambda_event_source_mapping" "uploads" {
  count = var.trigger == "sqs" ? 1 : 0

  event_source_arn        = aws_sqs_queue.uploads[0].arn
  function_name           = aws_lambda_function.this["ingest"].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.tags

  scaling_config {
    maximum_concurrency = var.ingest_concurrency
  }
}

resource "aws_lambda_permission" "s3" {
  for_each = var.trigger == "direct" ? local.waking_buckets : {}

  statement_id   = "S3-${each.key}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this["ingest"].function_name
  principal      = "s3.amazonaws.com"
  source_arn     = each.value
  source_account = local.account
}

resource "aws_lambda_function_event_invoke_config" "ingest" {
  count = var.trigger == "direct" ? 1 : 0

  function_name                = aws_lambda_function.this["ingest"].function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead["uploads-dead"].arn
    }
  }
}

# This resource owns all notifications of its bucket. For an existing bucket, it is created only
# with manage_notifications.
resource "aws_s3_bucket_notification" "this" {
  for_each = local.managed_notifications

  bucket = contains(keys(local.buckets), each.key) ? aws_s3_bucket.this[each.key].id : each.value.bucket

  dynamic "queue" {
    for_each = var.trigger == "sqs" ? each.value.rules : []

    content {
      id            = queue.value.id
      queue_arn     = aws_sqs_queue.uploads[0].arn
      events        = queue.value.events
      filter_prefix = queue.value.prefix
    }
  }

  dynamic "lambda_function" {
    for_each = var.trigger == "direct" ? each.value.rules : []

    content {
      id                  = lambda_function.value.id
      lambda_function_arn = aws_lambda_function.this["ingest"].arn
      events              = lambda_function.value.events
      filter_prefix       = lambda_function.value.prefix
    }
  }

  # S3 checks at once that it may send, and events would wait if nothing read the queue yet.
  depends_on = [aws_sqs_queue_policy.this, aws_lambda_permission.s3, aws_lambda_event_source_mapping.uploads]
}

# S3 Batch Operations: the role of a job that runs ingest over photos that are already in S3.
resource "aws_iam_role" "batch" {
  count = var.batch_operations ? 1 : 0

  name        = "${var.name}-batch"
  description = "S3 Batch Operations runs ingest."
  tags        = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "batchoperations.s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "${local.arn}:s3:${local.region}:${local.account}:job/*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "batch" {
  count = var.batch_operations ? 1 : 0

  name = "job"
  role = aws_iam_role.batch[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Ingest", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [local.function_arn.ingest] },
      # The manifest, and the report of each job.
      { Sid = "Manifest", Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], Resource = ["${local.gallery_bucket_arn}/${local.batch_prefix}*"] },
    ]
  })
}
