output "gallery_url" {
  description = "Address of the gallery's JSON interface; through CloudFront with `cloudfront`."
  value = (
    var.domain != null ? "https://${var.domain.name}" :
    var.cloudfront ? "https://${aws_cloudfront_distribution.gallery[0].domain_name}" :
    local.function_url ? trimsuffix(aws_lambda_function_url.gallery[0].function_url, "/") :
    aws_apigatewayv2_api.gallery[0].api_endpoint
  )
}

output "site_url" {
  description = "Address of the public gallery page; null without `public_site`."
  value       = var.public_site ? "https://${local.site_domain}/" : null
}

output "files_url" {
  description = "URL of the static files and the pictures for browsers; null if nobody can reach them."
  value       = local.files_url
}

output "source_bucket" {
  description = "Bucket that photos are uploaded to, under `source_prefix`."
  value       = local.source_bucket
}

output "archive_bucket" {
  description = "Bucket that holds the archived photos, under `archive_prefix`."
  value       = local.archive_bucket
}

output "gallery_bucket" {
  description = "Bucket of the static gallery files and the pictures, under `gallery_prefix`."
  value       = local.gallery_bucket
}

output "tables" {
  description = "Names of the tables: `photos`, `publish`."
  value       = { for key, table in aws_dynamodb_table.this : key => table.name }
}

output "queue_url" {
  description = "Queue between S3 and ingest; null with `trigger = \"direct\"`."
  value       = one(aws_sqs_queue.uploads[*].url)
}

output "dead_letter_queue_urls" {
  description = "Queues of events that failed for good: `uploads-dead`, `changes-dead`, `pictures-dead`."
  value       = { for key, queue in aws_sqs_queue.dead : key => queue.url }
}

output "functions" {
  description = "Names of the functions: `ingest`, `publish`, `gallery`, `render`."
  value       = { for key, function in aws_lambda_function.this : key => function.function_name }
}

output "function_arns" {
  description = "ARNs of the functions."
  value       = { for key, function in aws_lambda_function.this : key => function.arn }
}

output "batch_role_arn" {
  description = "Role for the jobs of S3 Batch Operations; null without `batch_operations`."
  value       = one(aws_iam_role.batch[*].arn)
}

output "notifications" {
  description = "Notifications that this module does not set, because `manage_notifications` is false: for each bucket its rules. Add them to the existing rules of the bucket."
  value = {
    for key, notification in local.notifications : notification.bucket => [
      for rule in notification.rules : {
        id            = rule.id
        events        = rule.events
        filter_prefix = rule.prefix
        target        = var.trigger
        target_arn    = var.trigger == "sqs" ? local.queue_arns.uploads : local.function_arn.ingest
      }
    ] if !contains(keys(local.managed_notifications), key)
  }
}
