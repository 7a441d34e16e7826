# CloudFront may serve the archive's originals only if nothing is hidden. Otherwise it would show what
# the gallery hides.

variables {
  packages                  = "./tests/packages"
  cloudfront                = true
  cloudfront_serves_archive = true
  location                  = "exact"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "serves_originals_if_nothing_is_hidden" {
  command = plan

  variables {
    archive_prefix = "archive/"
    # Without a private default, these keywords hide nothing.
    visibility = { public_keywords = ["web"] }
  }

  assert {
    condition     = contains(aws_cloudfront_distribution.gallery[0].ordered_cache_behavior[*].path_pattern, "/archive/*")
    error_message = "The archive is served under its prefix."
  }

  # It is a warning: a photo that is hidden by hand is served too.
  expect_failures = [check.originals_are_public]
}

run "refuses_originals_with_location_hide" {
  command = plan

  variables {
    location = "hide"
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_location_round" {
  command = plan

  variables {
    location = "round:5"
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_home_zones" {
  command = plan

  variables {
    home_zones = ["f25dv"]
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_private_default" {
  command = plan

  variables {
    visibility = { default = "private" }
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_private_keywords" {
  command = plan

  variables {
    visibility = { private_keywords = ["family"] }
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_private_below_rating" {
  command = plan

  variables {
    visibility = { private_below_rating = 0 }
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}

run "refuses_originals_with_private_sources" {
  command = plan

  variables {
    visibility = { private_sources = ["private/"] }
  }

  expect_failures = [terraform_data.layout, check.originals_are_public]
}
