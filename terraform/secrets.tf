# The secrets: SecureStrings that the functions read when they start, all in one request.

locals {
  hook                 = nonsensitive(var.hook_url != null) || var.hook_url_parameter != null
  hook_url_parameter   = coalesce(var.hook_url_parameter, "/${var.name}/hook-url")
  cursor_key_parameter = "/${var.name}/cursor-key"
  parameter_arn        = "${local.arn}:ssm:${local.region}:${local.account}:parameter"

  # The privacy rules that are secret themselves: they name homes, people and folders.
  secret_rules = {
    HOME_ZONES_PARAMETER = {
      parameter = "/${var.name}/home-zones"
      is_set    = nonsensitive(length(var.home_zones) > 0)
      value     = join(";", var.home_zones)
    }
    PRIVATE_KEYWORDS_PARAMETER = {
      parameter = "/${var.name}/private-keywords"
      is_set    = length(var.visibility.private_keywords) > 0
      value     = join(",", var.visibility.private_keywords)
    }
    PRIVATE_SOURCES_PARAMETER = {
      parameter = "/${var.name}/private-sources"
      is_set    = length(var.visibility.private_sources) > 0
      value     = join(",", var.visibility.private_sources)
    }
  }
  # The names of the parameters, by the variables that contain them. A rule that is not set has no
  # parameter.
  rule_parameters = { for variable, rule in local.secret_rules : variable => rule.parameter if rule.is_set }

  # The variables that contain the names of the parameters, for each function. A name ends in the
  # version of the parameter. So a changed secret changes the function, and Lambda starts new
  # instances. Otherwise, running instances would use the old secret for hours. A parameter that the
  # module did not make has no version here.
  versioned_rules = { for variable, name in local.rule_parameters : variable => "${name}:${aws_ssm_parameter.rule[variable].version}" }
  secret_names = {
    ingest = local.versioned_rules
    render = local.versioned_rules
    publish = merge(local.versioned_rules, local.hook ? {
      HOOK_URL_PARAMETER = join(":", concat([local.hook_url_parameter], aws_ssm_parameter.hook_url[*].version))
    } : {})
    gallery = merge(local.versioned_rules, {
      CURSOR_KEY_PARAMETER = "${local.cursor_key_parameter}:${aws_ssm_parameter.cursor_key.version}"
    })
  }

  # The permissions to read them. A statement must name at least one resource.
  secret_parameters = {
    ingest  = values(local.rule_parameters)
    render  = values(local.rule_parameters)
    publish = concat(values(local.rule_parameters), local.hook ? [local.hook_url_parameter] : [])
    gallery = concat(values(local.rule_parameters), [local.cursor_key_parameter])
  }
  secret_statements = {
    for function, names in local.secret_parameters : function => [
      for statement in [{ Sid = "Secrets", Action = ["ssm:GetParameters"], Resource = [for name in names : "${local.parameter_arn}${name}"] }] : statement
      if length(names) > 0
    ]
  }
}

resource "aws_ssm_parameter" "rule" {
  #checkov:skip=CKV_AWS_337:the account's own SSM key is free, and it decrypts only for callers that may read the parameter

  for_each = local.rule_parameters

  name        = each.value
  description = "A privacy rule of ${var.name}."
  type        = "SecureString"
  value       = sensitive(local.secret_rules[each.key].value)
  tags        = local.tags
}

# Generated once. Two random UUIDs contain 244 random bits.
# `terraform apply -replace=…terraform_data.cursor_secret` generates a new one. The key is not in
# `input`, because Terraform copies that to `output`, and prints `output` in plans. An earlier version
# had it there, in a resource of another name. So the upgrade generates a new key.
resource "terraform_data" "cursor_secret" {
  triggers_replace = sensitive(base64sha256("${uuid()}${uuid()}"))

  lifecycle {
    ignore_changes = [triggers_replace]
  }
}

resource "aws_ssm_parameter" "cursor_key" {
  #checkov:skip=CKV_AWS_337:the account's own SSM key is free, and it decrypts only for callers that may read the parameter

  name        = local.cursor_key_parameter
  description = "Seals the cursors of the gallery ${var.name}."
  type        = "SecureString"
  value       = coalesce(var.cursor_key, terraform_data.cursor_secret.triggers_replace)
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
