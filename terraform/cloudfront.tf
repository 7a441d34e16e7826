# CloudFront in front of the gallery function. The function stays private: the distribution signs its
# requests. The static files and the pictures have a distribution of their own (site.tf): the function
# has the URL of that one in a variable, so they cannot share one.

locals {
  # AWS's managed policy CachingOptimized, the same in every account.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
}

resource "aws_cloudfront_origin_access_control" "this" {
  for_each = merge(var.cloudfront ? { function = "lambda" } : {}, var.public_site ? { bucket = "s3" } : {})

  name                              = "${var.name}-${each.key}"
  description                       = "Signs the requests of ${var.name}."
  origin_access_control_origin_type = each.value
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# Caches a response for as long as its Cache-Control header allows, separately for each query. AWS's
# managed policy of that kind does not work here: it forwards the visitor's Host header, and a
# Function URL accepts only its own host.
resource "aws_cloudfront_cache_policy" "answers" {
  count = var.cloudfront ? 1 : 0

  name        = "${var.name}-answers"
  comment     = "Responses of ${var.name}."
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 86400

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "whitelist"
      headers {
        items = ["Origin"]
      }
    }
    query_strings_config {
      query_string_behavior = "all"
    }
  }
}

resource "aws_cloudfront_distribution" "gallery" {
  #checkov:skip=CKV_AWS_68:a web application firewall costs more a month than everything else here; the gallery only reads, and its requests are bounded
  #checkov:skip=CKV2_AWS_47:the firewall's rule for Log4j protects Java programs, and there is none here
  #checkov:skip=CKV_AWS_86:access logs would record the visitors' requests
  #checkov:skip=CKV_AWS_305:there is no page at the root: /openapi.json lists the gallery's routes
  #checkov:skip=CKV_AWS_310:there is one origin, so there is no fallback
  #checkov:skip=CKV_AWS_374:photos are for every country

  count = var.cloudfront ? 1 : 0

  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_100"
  comment         = var.name
  aliases         = var.domain == null ? [] : [var.domain.name]
  tags            = local.tags

  origin {
    origin_id                = "gallery"
    domain_name              = trimsuffix(trimprefix(aws_lambda_function_url.gallery[0].function_url, "https://"), "/")
    origin_access_control_id = aws_cloudfront_origin_access_control.this["function"].id

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id           = "gallery"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = aws_cloudfront_cache_policy.answers[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.answers[0].id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.domain == null ? true : null
    acm_certificate_arn            = var.domain == null ? null : var.domain.certificate_arn
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }
}

# The function's responses contain their own CORS headers.
resource "aws_cloudfront_response_headers_policy" "answers" {
  #checkov:skip=CKV_AWS_259:the domain's owner decides about subdomains and browsers' preload lists

  count = var.cloudfront ? 1 : 0

  name    = "${var.name}-answers"
  comment = "Security headers of ${var.name}."

  security_headers_config {
    content_type_options {
      override = true
    }
    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}
