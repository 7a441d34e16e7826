# The trigger of render: the change stream of the photos table. publish is the other reader of this
# stream, and DynamoDB allows two.

locals {
  renders = var.renditions != "none"
  # The folder of the pictures in the gallery bucket. The code has it as PICTURE_FOLDER.
  pictures_prefix = "${var.gallery_prefix}r/"

  # DynamoDB keeps a record for 24 hours. Lambda gives up on a record one hour earlier, so that it goes
  # to the queue, and is not lost without an alarm.
  oldest_picture_seconds = 23 * 3600
  # Lambda keeps 100 executions for functions without a limit, so an account with a larger quota can
  # afford ten of render for each shard. A new table has four shards. In a new account, which has a
  # quota as low as 10, render gets one for each shard, so that ingest and the gallery can work too.
  render_parallelism = var.gallery_concurrency == null && local.account_concurrency < local.unreserved_minimum ? 1 : 10
}

resource "aws_lambda_event_source_mapping" "pictures" {
  count = local.renders ? 1 : 0

  event_source_arn               = aws_dynamodb_table.this["photos"].stream_arn
  function_name                  = aws_lambda_function.this["render"].arn
  starting_position              = "TRIM_HORIZON"
  batch_size                     = 4
  parallelization_factor         = local.render_parallelism
  maximum_retry_attempts         = 10
  maximum_record_age_in_seconds  = local.oldest_picture_seconds
  bisect_batch_on_function_error = true
  function_response_types        = ["ReportBatchItemFailures"]
  tags                           = local.tags

  # Only photos whose pictures must be made or deleted. AWS charges nothing for the other records.
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { NewImage = { pictureWork = { S = ["due"] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead["pictures-dead"].arn
    }
  }
}

# The ARN of the distribution is known only after it was created. In a policy of its own, it does not
# hide the other permissions from plans and tests.
resource "aws_iam_role_policy" "invalidation" {
  count = local.renders && var.public_site ? 1 : 0

  name = "invalidation"
  role = aws_iam_role.function["render"].name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Forget", Effect = "Allow", Action = ["cloudfront:CreateInvalidation"], Resource = [aws_cloudfront_distribution.site[0].arn] }]
  })
}
