# Access to the gallery function: a Function URL or an HTTP API, public, for CloudFront or for IAM.

locals {
  function_url = var.gallery_endpoint == "function_url"
  http_api     = var.gallery_endpoint == "http_api"
  # A public Function URL needs both actions, since October 2025.
  url_actions = { InvokeFunctionUrl = "lambda:InvokeFunctionUrl", InvokeFunction = "lambda:InvokeFunction" }
  # Everybody can start the function through its URL, directly or through CloudFront.
  gallery_reachable = local.function_url && (var.gallery_public || var.cloudfront)

  # The number of executions that Lambda requires to stay unreserved (Lambda Developer Guide,
  # "Configuring reserved concurrency for a function").
  unreserved_minimum = 100
  # Ten executions at a time are at most 100 requests a second ("Creating and managing Lambda
  # function URLs", throttling).
  gallery_default_concurrency = 10
  # New accounts have a quota as low as 10, and Lambda refuses every reservation there. The quota is
  # then the limit.
  account_concurrency = try(coalesce(one(data.aws_servicequotas_service_quota.concurrency[*].value)), 0)
  gallery_reservation = (
    var.gallery_concurrency != null ? var.gallery_concurrency :
    local.account_concurrency >= local.unreserved_minimum + local.gallery_default_concurrency ? local.gallery_default_concurrency : -1
  )
}

resource "aws_lambda_function_url" "gallery" {

  count = local.function_url ? 1 : 0

  function_name      = aws_lambda_function.this["gallery"].function_name
  authorization_type = var.gallery_public && !var.cloudfront ? "NONE" : "AWS_IAM"
}

# Everybody may call the function. There is no source to name, and the two conditions allow no other
# way than the URL.
resource "aws_lambda_permission" "public" {
  #checkov:skip=CKV_AWS_301:gallery_public states that everybody may call it

  for_each = local.function_url && var.gallery_public && !var.cloudfront ? local.url_actions : {}

  statement_id             = "Public-${each.key}"
  action                   = each.value
  function_name            = aws_lambda_function_url.gallery[0].function_name
  principal                = "*"
  function_url_auth_type   = each.key == "InvokeFunctionUrl" ? "NONE" : null
  invoked_via_function_url = each.key == "InvokeFunction" ? true : null
}

resource "aws_lambda_permission" "cloudfront" {
  for_each = var.cloudfront ? local.url_actions : {}

  statement_id             = "CloudFront-${each.key}"
  action                   = each.value
  function_name            = aws_lambda_function_url.gallery[0].function_name
  principal                = "cloudfront.amazonaws.com"
  source_arn               = aws_cloudfront_distribution.gallery[0].arn
  source_account           = local.account
  function_url_auth_type   = each.key == "InvokeFunctionUrl" ? "AWS_IAM" : null
  invoked_via_function_url = each.key == "InvokeFunction" ? true : null
}

resource "aws_apigatewayv2_api" "gallery" {
  count = local.http_api ? 1 : 0

  name          = var.name
  description   = "Gallery JSON."
  protocol_type = "HTTP"
  tags          = local.tags
}

resource "aws_apigatewayv2_integration" "gallery" {
  count = local.http_api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.gallery[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this["gallery"].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "gallery" {

  count = local.http_api ? 1 : 0

  api_id             = aws_apigatewayv2_api.gallery[0].id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.gallery[0].id}"
  authorization_type = var.gallery_public ? "NONE" : "AWS_IAM"
}

resource "aws_apigatewayv2_stage" "gallery" {
  #checkov:skip=CKV_AWS_76:the function logs its failures; access logs would record the visitors' requests

  count = local.http_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.gallery[0].id
  name        = "$default"
  auto_deploy = true
  tags        = local.tags

  # This limits the cost of a visitor who sends requests without end.
  default_route_settings {
    throttling_burst_limit = 100
    throttling_rate_limit  = 50
  }
}

resource "aws_lambda_permission" "http_api" {
  count = local.http_api ? 1 : 0

  statement_id   = "HttpApi"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this["gallery"].function_name
  principal      = "apigateway.amazonaws.com"
  source_arn     = "${local.arn}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.gallery[0].id}/*/$default"
  source_account = local.account
}
