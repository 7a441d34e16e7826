# Secrets are SecureStrings. No variable of a function contains one, and each function may read only
# its own.

variables {
  packages = "./tests/packages"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "secrets_are_in_no_variable" {
  command = apply

  variables {
    home_zones = ["f25dv", "45.4712,-73.6456,500"]
    visibility = { private_keywords = ["family", "friends"], private_sources = ["private/"] }
    hook_url   = "https://api.netlify.com/build_hooks/0123456789abcdef01234567"
    cursor_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
  }

  assert {
    condition = nonsensitive({ for parameter in concat(values(aws_ssm_parameter.rule), aws_ssm_parameter.hook_url, [aws_ssm_parameter.cursor_key]) : parameter.name => "${parameter.type} ${parameter.value}" }) == {
      "/photo-catalogue/home-zones"       = "SecureString f25dv;45.4712,-73.6456,500"
      "/photo-catalogue/private-keywords" = "SecureString family,friends"
      "/photo-catalogue/private-sources"  = "SecureString private/"
      "/photo-catalogue/hook-url"         = "SecureString https://api.netlify.com/build_hooks/0123456789abcdef01234567"
      "/photo-catalogue/cursor-key"       = "SecureString MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    }
    error_message = "Every secret is a SecureString with the value that the code reads."
  }
  assert {
    condition = alltrue(flatten([
      for function in aws_lambda_function.this : [
        for secret in ["f25dv", "45.4712", "family", "friends", "private/", "0123456789abcdef", "MDEyMzQ1"] :
        !strcontains(jsonencode(function.environment[0].variables), secret)
      ]
    ]))
    error_message = "No variable of a function contains a secret."
  }
  assert {
    condition = alltrue([
      for name, others in { ingest = [], render = [], publish = ["HOOK_URL"], gallery = ["CURSOR_KEY"] } :
      { for variable, value in aws_lambda_function.this[name].environment[0].variables : variable => value if endswith(variable, "_PARAMETER") } == {
        for variable in concat(["HOME_ZONES", "PRIVATE_KEYWORDS", "PRIVATE_SOURCES"], others) :
        "${variable}_PARAMETER" => "/photo-catalogue/${replace(lower(variable), "_", "-")}:${aws_ssm_parameter.cursor_key.version}"
      }
    ])
    error_message = "Each function gets the names of its parameters with their versions, so that a changed secret starts new instances."
  }
  assert {
    condition = {
      for name in ["ingest", "publish", "gallery", "render"] : name => flatten([
        for statement in jsondecode(aws_iam_role_policy.function[name].policy).Statement : [for resource in statement.Resource : "${join(",", statement.Action)} ${resource}"]
        if length([for action in statement.Action : action if startswith(action, "ssm:")]) > 0
      ])
      } == {
      for name, others in { ingest = [], render = [], publish = ["hook-url"], gallery = ["cursor-key"] } : name => [
        for parameter in concat(["home-zones", "private-keywords", "private-sources"], others) :
        "ssm:GetParameters arn:aws:ssm:eu-west-1:123456789012:parameter/photo-catalogue/${parameter}"
      ]
    }
    error_message = "Each function may read its own parameters and no others."
  }
}

run "rule_that_is_not_set_has_no_parameter" {
  command = plan

  assert {
    condition     = length(aws_ssm_parameter.rule) == 0 && length([for statement in jsondecode(aws_iam_role_policy.function["ingest"].policy).Statement : statement if statement.Sid == "Secrets"]) == 0
    error_message = "Without rules, ingest reads no parameter."
  }
}
