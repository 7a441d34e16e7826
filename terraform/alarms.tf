# Alarms for the owner. An alarm without data is silent.

locals {
  topic_arn     = var.alarm_topic_arn != null ? var.alarm_topic_arn : one(aws_sns_topic.alarms[*].arn)
  alarm_actions = var.alarm_topic_arn != null || var.alarm_email != null ? [local.topic_arn] : []

  # The log messages of publish for a call of the hook and for a failed call. They must equal those
  # in the code.
  hook_messages = local.hook ? { HookCalls = "build hook called", HookFailures = "the build hook failed; it will be called again" } : {}

  alarms = merge(
    { for name in keys(local.functions) : "${name}-errors" => {
      description = "${name} fails."
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum", dimensions = { FunctionName = "${var.name}-${name}" }
      threshold   = 1, period = 300, periods = 3, of = 2
    } },
    { for name in keys(local.functions) : "${name}-throttles" => {
      description = "${name} is throttled: its concurrency limit or the account's concurrency is used up."
      namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum", dimensions = { FunctionName = "${var.name}-${name}" }
      threshold   = 1, period = 300, periods = 3, of = 2
    } },
    { for key in local.dead_letters : key => {
      description = "There are messages in ${var.name}-${key}: events that failed for good. See the module's README."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", dimensions = { QueueName = local.queue_names[key] }
      threshold   = 1, period = 300, periods = 1, of = 1
    } },
    { changes-late = {
      description = "publish is a quarter of an hour behind the catalogue."
      namespace   = "AWS/Lambda", metric = "IteratorAge", statistic = "Maximum", dimensions = { FunctionName = "${var.name}-publish" }
      threshold   = 900000, period = 300, periods = 1, of = 1
    } },
    local.renders ? { pictures-late = {
      description = "Render is six hours behind the catalogue. It gives up on photos that have waited for 23 hours."
      namespace   = "AWS/Lambda", metric = "IteratorAge", statistic = "Maximum", dimensions = { FunctionName = "${var.name}-render" }
      threshold   = 21600000, period = 300, periods = 1, of = 1
    } } : {},
    local.hook ? {
      hook-budget = {
        description = "The build hook's calls for a day are used up: more photos wait for the next day."
        namespace   = var.name, metric = "HookCalls", statistic = "Sum", dimensions = {}
        threshold   = var.hook_limits.per_day, period = 86400, periods = 1, of = 1
      }
      hook-failures = {
        description = "The build hook fails."
        namespace   = var.name, metric = "HookFailures", statistic = "Sum", dimensions = {}
        threshold   = 3, period = 3600, periods = 1, of = 1
      }
    } : {},
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.of
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_log_metric_filter" "hook" {
  for_each = local.hook_messages

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.function["publish"].name
  pattern        = "{ $.fields.message = \"${each.value}\" }"

  metric_transformation {
    namespace = var.name
    name      = each.key
    value     = "1"
  }
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:CloudWatch cannot send to a topic that is encrypted with SNS's own key; the messages name alarms, not photos

  count = var.alarm_email == null ? 0 : 1

  name = "${var.name}-alarms"
  tags = local.tags
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.alarm_email == null ? 0 : 1

  arn = aws_sns_topic.alarms[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsPublish"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = ["sns:Publish"]
      Resource  = ["${local.arn}:sns:${local.region}:${local.account}:${var.name}-alarms"]
      Condition = {
        ArnLike      = { "aws:SourceArn" = "${local.arn}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*" }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
