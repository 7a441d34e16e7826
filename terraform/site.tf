# The public site: CloudFront in front of the static files and the pictures. The bucket stays private:
# the distribution signs its requests, and it may read only the folder of the gallery. Its origin is
# the bucket alone. So the functions can depend on the distribution.

locals {
  site_domain = var.site_domain != null ? var.site_domain.name : one(aws_cloudfront_distribution.site[*].domain_name)
  # The URL of the static files and the pictures for browsers.
  files_url = var.public_site ? "https://${local.site_domain}/${trimsuffix(var.gallery_prefix, "/")}" : var.gallery_url

  # The other origins from which the gallery page loads pictures: your own domain, also under the name of
  # the distribution, and the server of the map tiles.
  picture_origins = concat(
    var.site_domain != null ? ["https://${var.site_domain.name}"] : [],
    var.map_tiles != null ? [lower(regex("^https://[^/]+", var.map_tiles))] : [],
  )

  # The variables that depend on the distribution. Their values are known only after it was created.
  site_variables = {
    ingest  = {}
    publish = var.public_site || var.gallery_url != null ? { GALLERY_URL = local.files_url } : {}
    gallery = var.public_site || var.gallery_url != null ? { GALLERY_URL = local.files_url } : {}
    render  = var.public_site ? { CDN_DISTRIBUTION = aws_cloudfront_distribution.site[0].id } : {}
  }
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV_AWS_68:a web application firewall costs more a month than everything else here; the site is static files
  #checkov:skip=CKV2_AWS_47:the firewall's rule for Log4j protects Java programs, and there is none here
  #checkov:skip=CKV_AWS_86:access logs would record the visitors' requests
  #checkov:skip=CKV_AWS_310:there is one origin, so there is no fallback
  #checkov:skip=CKV_AWS_374:photos are for every country

  count = var.public_site ? 1 : 0

  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = "PriceClass_100"
  comment             = "${var.name} site"
  default_root_object = "${var.gallery_prefix}front.html"
  aliases             = var.site_domain == null ? [] : [var.site_domain.name]
  tags                = local.tags

  origin {
    origin_id                = "files"
    domain_name              = aws_s3_bucket.this["gallery"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this["bucket"].id
  }

  # The objects have Cache-Control headers: pictures a year, lists a minute. When pictures are deleted,
  # render invalidates their paths.
  default_cache_behavior {
    target_origin_id           = "files"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.files[0].id
  }

  # The gallery page reads a list as `2018-02.json?v=…`, with the list's ETag in the index. So it never
  # gets an older list from the cache, which could contain a photo that is hidden now. Pictures have no
  # such behaviour: when they are deleted, their paths are invalidated without a query.
  ordered_cache_behavior {
    path_pattern               = "${var.gallery_prefix}*.json"
    target_origin_id           = "files"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.lists[0].id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.files[0].id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.site_domain == null ? true : null
    acm_certificate_arn            = var.site_domain == null ? null : var.site_domain.certificate_arn
    ssl_support_method             = var.site_domain == null ? null : "sni-only"
    minimum_protocol_version       = var.site_domain == null ? "TLSv1" : "TLSv1.2_2021"
  }
}

resource "aws_cloudfront_cache_policy" "lists" {
  count = var.public_site ? 1 : 0

  name        = "${var.name}-lists"
  comment     = "Lists of ${var.name}, separately for each version."
  min_ttl     = 0
  default_ttl = 60
  max_ttl     = 86400

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "whitelist"
      query_strings {
        items = ["v"]
      }
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "files" {
  #checkov:skip=CKV_AWS_259:the domain's owner decides about subdomains and browsers' preload lists

  count = var.public_site ? 1 : 0

  name    = "${var.name}-files"
  comment = "Security headers of ${var.name}. Pages of every site may show its gallery."

  # Everything here is public and needs no cookie. A page of another site can import the gallery's
  # module and read its lists only with this header.
  cors_config {
    access_control_allow_credentials = false
    origin_override                  = true

    access_control_allow_headers {
      items = ["*"]
    }
    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }
    access_control_allow_origins {
      items = ["*"]
    }
  }

  security_headers_config {
    content_security_policy {
      content_security_policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:${join("", formatlist(" %s", local.picture_origins))}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
      override                = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "SAMEORIGIN"
      override     = true
    }
    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}

# The root of the site. It leads to the gallery page, which publish writes beside the static files: the
# page finds its files by relative names, so it must have its own address.
resource "aws_s3_object" "front" {
  #checkov:skip=CKV_AWS_186:S3's own key, which is free; the page is public

  count = var.public_site ? 1 : 0

  bucket        = aws_s3_bucket.this["gallery"].id
  key           = "${var.gallery_prefix}front.html"
  content       = templatefile("${path.module}/site/front.html", { page = "/${var.gallery_prefix}index.html" })
  content_type  = "text/html; charset=utf-8"
  cache_control = "public, max-age=300"
  tags          = local.tags
}
