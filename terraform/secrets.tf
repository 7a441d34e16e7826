# The hook's URL and the cursor key: SecureStrings that the functions read when they start.

locals {
  hook                 = nonsensitive(var.hook_url != null) || var.hook_url_parameter != null
  hook_url_parameter   = coalesce(var.hook_url_parameter, "/${var.name}/hook-url")
  cursor_key_parameter = "/${var.name}/cursor-key"
  parameter_arn        = "${local.arn}:ssm:${local.region}:${local.account}:parameter"
}

# Generated once. Two random UUIDs contain 244 random bits.
# `terraform apply -replace=…terraform_data.cursor_key` generates a new one.
resource "terraform_data" "cursor_key" {
  input = sensitive(base64sha256("${uuid()}${uuid()}"))

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_ssm_parameter" "cursor_key" {
  #checkov:skip=CKV_AWS_337:the account's own SSM key is free, and it decrypts only for callers that may read the parameter

  name        = local.cursor_key_parameter
  description = "Seals the cursors of the gallery ${var.name}."
  type        = "SecureString"
  value       = coalesce(var.cursor_key, terraform_data.cursor_key.output)
  tags        = local.tags
}

resource "aws_ssm_parameter" "hook_url" {
  #checkov:skip=CKV_AWS_337:the account's own SSM key is free, and it decrypts only for callers that may read the parameter

  count = nonsensitive(var.hook_url != null) ? 1 : 0

  name        = local.hook_url_parameter
  description = "The build hook of ${var.name}."
  type        = "SecureString"
  value       = var.hook_url
  tags        = local.tags
}
