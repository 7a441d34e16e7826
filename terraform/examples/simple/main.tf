# The minimum: three buckets, the queue, the functions and the tables. Only callers that IAM allows
# can read the gallery.
#
#   cargo lambda build -p photo-catalogue --profile function --arm64 --output-format zip --no-default-features --features lambda
#   terraform init && terraform apply

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

module "photos" {
  source = "../.."
}

output "photos" {
  description = "The addresses for uploads and for the gallery."
  value = {
    upload  = "s3://${module.photos.source_bucket}/"
    gallery = module.photos.gallery_url
  }
}
