# Nearly every input: an existing bucket with one folder for uploads and one for the archive; a public
# site and a public JSON interface behind CloudFront, each with a domain name of its own; rounded
# positions; copies of the original JPEGs; a build hook; alarms by mail.

terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.28, < 7"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

variable "bucket" {
  description = "An existing bucket."
  type        = string
  default     = "my-pictures"
}

variable "certificate_arn" {
  description = "ACM certificate of both domain names, in us-east-1."
  type        = string
  default     = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
}

module "photos" {
  source = "../.."

  name         = "pictures"
  architecture = "arm64"
  tags         = { project = "photos" }

  source_bucket        = var.bucket
  create_source_bucket = false
  # With `true`, the bucket's other notifications would be removed. The output `notifications` lists
  # what to add instead.
  manage_notifications = false
  source_prefix        = "inbox/"
  archive_bucket       = var.bucket
  archive_prefix       = "archive/"
  colder               = { source = { days = 0, storage_class = "GLACIER_IR" } }

  trigger            = "sqs"
  ingest_concurrency = 20
  batch_operations   = true

  location     = "round:2"
  cors_origins = ["https://www.example.org"]

  renditions  = "400,800,1600,2560"
  originals   = "jpeg"
  public_site = true
  site_domain = { name = "photos.example.org", certificate_arn = var.certificate_arn }

  gallery_concurrency = 20

  cloudfront = true
  domain     = { name = "gallery.example.org", certificate_arn = var.certificate_arn }

  # aws ssm put-parameter --type SecureString --name /photos/hook-url \
  #   --value https://api.netlify.com/build_hooks/…
  hook_url_parameter = "/photos/hook-url"
  hook_limits        = { quiet_seconds = 300, per_day = 2 }

  alarm_email        = "photos@example.org"
  log_retention_days = 14
  xray               = true
}

output "photos" {
  description = "All outputs of the module."
  value       = module.photos
}
