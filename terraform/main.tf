# Names and ARNs. ARNs are built from names, not read from resources. So every policy is known at
# plan time and can be tested without an account.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# The account's quota of concurrent executions in this region. It is read only if the module chooses
# the limit of the gallery itself.
data "aws_servicequotas_service_quota" "concurrency" {
  count = var.gallery_concurrency == null ? 1 : 0

  service_code = "lambda"
  quota_code   = "L-B99A9384"
}

locals {
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.region
  arn     = "arn:${data.aws_partition.current.partition}"

  source_bucket  = coalesce(var.source_bucket, "${var.name}-source-${local.account}")
  archive_bucket = coalesce(var.archive_bucket, "${var.name}-archive-${local.account}")
  gallery_bucket = coalesce(var.gallery_bucket, "${var.name}-gallery-${local.account}")
  one_bucket     = local.source_bucket == local.archive_bucket

  # The folder in the gallery's bucket from which S3 Batch Operations reads its manifest, and to
  # which it reports.
  batch_prefix = "batch/"

  source_bucket_arn   = "${local.arn}:s3:::${local.source_bucket}"
  archive_bucket_arn  = "${local.arn}:s3:::${local.archive_bucket}"
  gallery_bucket_arn  = "${local.arn}:s3:::${local.gallery_bucket}"
  source_objects_arn  = "${local.source_bucket_arn}/${var.source_prefix}*"
  archive_objects_arn = "${local.archive_bucket_arn}/${var.archive_prefix}*"
  gallery_objects_arn = "${local.gallery_bucket_arn}/${var.gallery_prefix}*"

  packages     = coalesce(var.packages, "${path.module}/../target/lambda")
  function_arn = { for name in keys(local.functions) : name => "${local.arn}:lambda:${local.region}:${local.account}:function:${var.name}-${name}" }

  tags = merge({ application = var.name }, var.tags)
}

# Checks that involve more than one variable.
resource "terraform_data" "layout" {
  lifecycle {
    precondition {
      condition = !local.one_bucket || (
        var.source_prefix != "" && var.archive_prefix != "" &&
        !startswith(var.source_prefix, var.archive_prefix) && !startswith(var.archive_prefix, var.source_prefix)
      )
      error_message = "Source and archive are one bucket: both need a prefix, and neither may begin with the other. Otherwise, a photo would be organised for ever."
    }
    precondition {
      condition     = local.gallery_bucket != local.source_bucket && local.gallery_bucket != local.archive_bucket
      error_message = "The gallery's files are meant to be public. They need a bucket of their own."
    }
    precondition {
      condition     = !var.cloudfront || var.gallery_endpoint == "function_url"
      error_message = "cloudfront needs gallery_endpoint = \"function_url\"."
    }
    precondition {
      condition     = var.cloudfront || var.domain == null
      error_message = "domain needs cloudfront = true."
    }
    precondition {
      condition     = var.public_site || var.site_domain == null
      error_message = "site_domain needs public_site = true."
    }
    precondition {
      condition     = var.domain == null || var.site_domain == null ? true : var.domain.name != var.site_domain.name
      error_message = "domain and site_domain are two distributions, so they need two host names."
    }
    precondition {
      condition     = var.map_attribution == null || var.map_tiles != null
      error_message = "map_attribution needs map_tiles."
    }
    precondition {
      condition     = !var.public_site || var.gallery_url == null
      error_message = "Set public_site or gallery_url, not both: the URL of the site follows from its distribution."
    }
    precondition {
      condition     = var.originals == "none" || local.renders
      error_message = "originals needs renditions: the copies are made by render, and renditions = \"none\" creates none."
    }
    precondition {
      condition     = var.hook_url == null || var.hook_url_parameter == null
      error_message = "Set hook_url or hook_url_parameter, not both."
    }
    precondition {
      condition     = var.alarm_email == null || var.alarm_topic_arn == null
      error_message = "Set alarm_email or alarm_topic_arn, not both."
    }
  }
}

check "gallery_has_a_limit" {
  assert {
    condition     = !local.gallery_reachable || var.gallery_concurrency != null || local.gallery_reservation > 0
    error_message = "Everybody can reach the gallery, and it has no concurrency limit of its own, because the account's quota is ${local.account_concurrency} concurrent executions. Requests to the gallery can use all of it, and then ingest and publish must wait. Ask AWS for a quota of at least ${local.unreserved_minimum + local.gallery_default_concurrency} concurrent executions, or use gallery_endpoint = \"http_api\", which has a rate limit."
  }
}

check "packages" {
  assert {
    condition     = alltrue([for name in keys(local.functions) : fileexists("${local.packages}/${name}/bootstrap.zip")])
    error_message = "The functions are not all built in ${local.packages}: cargo lambda build -p photo-catalogue --profile function --arm64 --output-format zip --no-default-features --features lambda"
  }
}
