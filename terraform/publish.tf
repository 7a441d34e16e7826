# The triggers of publish: the change stream of the photos table, and a tick once a minute.

resource "aws_lambda_event_source_mapping" "changes" {
  event_source_arn                   = aws_dynamodb_table.this["photos"].stream_arn
  function_name                      = aws_lambda_function.this["publish"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 100
  maximum_batching_window_in_seconds = 5
  maximum_retry_attempts             = 10
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]
  tags                               = local.tags

  # Only photo items. Changes of the ledger would start publish without any work to do.
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { Keys = { pk = { S = [{ prefix = "photo#" }] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead["changes-dead"].arn
    }
  }
}

resource "aws_scheduler_schedule" "tick" {
  #checkov:skip=CKV_AWS_297:the schedule's input is a constant

  name                = "${var.name}-tick"
  description         = "Starts publish."
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this["publish"].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ source = "aws.scheduler" })

    # The next tick does the work of a failed one.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "publish" {
  function_name                = aws_lambda_function.this["publish"].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_iam_role" "scheduler" {
  name        = "${var.name}-scheduler"
  description = "EventBridge Scheduler starts publish."
  tags        = local.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # Scheduler sends the ARN of the group, not of the schedule.
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "${local.arn}:scheduler:${local.region}:${local.account}:schedule-group/default"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "tick"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "Publish", Effect = "Allow", Action = ["lambda:InvokeFunction"], Resource = [local.function_arn.publish] }]
  })
}
