# The buckets that this module makes: private, encrypted, versioned, TLS only.

locals {
  buckets = merge(
    var.create_source_bucket ? { source = local.source_bucket } : {},
    local.one_bucket ? {} : { archive = local.archive_bucket },
    { gallery = local.gallery_bucket },
  )

  # If source and archive are one bucket, the rules of both apply, each under its prefix.
  colder = {
    for key, rule in {
      source  = { bucket = "source", prefix = var.source_prefix }
      archive = { bucket = local.one_bucket ? "source" : "archive", prefix = var.archive_prefix }
    } : key => merge(rule, var.colder[key]) if contains(keys(var.colder), key)
  }

  # No distribution may read the archive: it is never public.
  cloudfront_reads = var.public_site ? { gallery = local.gallery_objects_arn } : {}
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:access logs would cost more than everything else here, and would record the visitors' requests
  #checkov:skip=CKV_AWS_144:a second region doubles the price of storage; an owner who wants it adds a replication rule
  #checkov:skip=CKV_AWS_145:S3's own key, which is free; a KMS key costs a request for every object read

  for_each = local.buckets

  bucket        = each.value
  force_destroy = var.force_destroy
  tags          = local.tags

  depends_on = [terraform_data.layout]
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "noncurrent-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      # The gallery's files can be rebuilt from the table at any time.
      noncurrent_days = each.key == "gallery" ? 1 : var.noncurrent_days
    }

    expiration {
      expired_object_delete_marker = true
    }
  }

  dynamic "rule" {
    for_each = { for key, rule in local.colder : key => rule if rule.bucket == each.key }

    content {
      id     = "colder-${rule.key}"
      status = "Enabled"

      filter {
        # `and` requires at least two conditions.
        object_size_greater_than = rule.value.prefix == "" ? rule.value.minimum_bytes - 1 : null

        dynamic "and" {
          for_each = rule.value.prefix == "" ? [] : [rule.value.prefix]

          content {
            prefix                   = and.value
            object_size_greater_than = rule.value.minimum_bytes - 1
          }
        }
      }

      transition {
        days          = rule.value.days
        storage_class = rule.value.storage_class
      }
    }
  }

  # Rules for noncurrent versions need a versioned bucket.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["${local.arn}:s3:::${each.value}", "${local.arn}:s3:::${each.value}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      # The distribution's ARN names the account.
      [for bucket, objects in local.cloudfront_reads : {
        Sid       = "CloudFrontReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = ["s3:GetObject"]
        Resource  = [objects]
        Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site[0].arn } }
      } if bucket == each.key],
    )
  })

  # S3 refuses a policy that names CloudFront while the public access block is being created.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
