# The concurrency limit of the gallery: there is one by default if the account allows it, and the
# module can be applied in every account.

variables {
  packages = "./tests/packages"
}

mock_provider "aws" {
  source = "./tests/mocks"
}

run "gallery_is_limited_by_default" {
  command = plan

  variables {
    gallery_public = true
  }

  assert {
    condition = { for name, function in aws_lambda_function.this : name => function.reserved_concurrent_executions } == {
      ingest = -1, publish = -1, render = -1, gallery = 10
    }
    error_message = "The gallery has a limit of 10, and reserves nothing for the others."
  }
}

run "quota_with_just_enough_room" {
  command = plan

  variables {
    gallery_public = true
  }

  override_data {
    target = data.aws_servicequotas_service_quota.concurrency
    values = { value = 110 }
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == 10
    error_message = "A quota of 110 leaves 100 for other functions."
  }
}

run "quota_with_too_little_room_raises_a_warning" {
  command = plan

  variables {
    gallery_public = true
  }

  override_data {
    target = data.aws_servicequotas_service_quota.concurrency
    values = { value = 109 }
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == -1
    error_message = "Lambda would refuse a reservation, so there is none."
  }

  expect_failures = [check.gallery_has_a_limit]
}

run "new_account_behind_cloudfront_raises_a_warning" {
  command = plan

  variables {
    cloudfront = true
  }

  override_data {
    target = data.aws_servicequotas_service_quota.concurrency
    values = { value = 10 }
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == -1
    error_message = "Lambda would refuse a reservation, so there is none."
  }

  expect_failures = [check.gallery_has_a_limit]
}

run "new_account_with_a_private_gallery" {
  command = plan

  override_data {
    target = data.aws_servicequotas_service_quota.concurrency
    values = { value = 10 }
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == -1
    error_message = "Lambda would refuse a reservation, so there is none."
  }
}

run "chosen_limit" {
  command = plan

  variables {
    gallery_public      = true
    gallery_concurrency = 3
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == 3 && length(data.aws_servicequotas_service_quota.concurrency) == 0
    error_message = "A chosen limit needs no permission to read quotas."
  }
}

run "no_limit" {
  command = plan

  variables {
    gallery_public      = true
    gallery_concurrency = -1
  }

  assert {
    condition     = aws_lambda_function.this["gallery"].reserved_concurrent_executions == -1
    error_message = "-1 is no limit."
  }
}
