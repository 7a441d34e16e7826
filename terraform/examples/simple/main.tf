# The minimum: three buckets, the queues, the functions, the tables, and a public site that shows the
# pictures. The uploads, the archive and the JSON interface stay private. The site is empty until the
# first photos are uploaded.
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

  # Everybody can see the pictures of public photos. Positions and names of people are hidden unless
  # `location` and `people` show them.
  public_site = true
}

output "photos" {
  description = "The addresses for uploads, of the site, and of the JSON interface."
  value = {
    upload  = "s3://${module.photos.source_bucket}/"
    site    = module.photos.site_url
    gallery = module.photos.gallery_url
  }
}
