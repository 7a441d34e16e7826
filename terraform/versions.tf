terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.28 is the first with invoked_via_function_url.
      version = ">= 6.28, < 7"
    }
  }
}
