mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::acme-test-data"
    }
  }
}

variables {
  name = "acme-test-data"
}

run "is_private" {
  command = apply

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.main.block_public_acls,
      aws_s3_bucket_public_access_block.main.block_public_policy,
      aws_s3_bucket_public_access_block.main.ignore_public_acls,
      aws_s3_bucket_public_access_block.main.restrict_public_buckets,
    ])
    error_message = "All four blocks of public access must be on."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.main.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "ACLs must be off."
  }
}

run "denies_what_is_not_tls" {
  command = apply

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.tls_only.policy).Statement : statement.Effect == "Deny"])
    error_message = "The bucket policy may only deny: access is given to roles, not here."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_s3_bucket_policy.tls_only.policy).Statement :
      try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"
      && sort(statement.Resource) == tolist(["arn:aws:s3:::acme-test-data", "arn:aws:s3:::acme-test-data/*"])
    ])
    error_message = "Plain HTTP must be denied for the bucket and every object."
  }

  assert {
    condition = anytrue([
      for statement in jsondecode(aws_s3_bucket_policy.tls_only.policy).Statement :
      try(statement.Condition.NumericLessThan["s3:TlsVersion"], "") == "1.2"
    ])
    error_message = "TLS below 1.2 must be denied."
  }
}

run "is_versioned_and_encrypted" {
  command = apply

  assert {
    condition     = aws_s3_bucket_versioning.main.versioning_configuration[0].status == "Enabled"
    error_message = "Versioning must be on."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.main.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "Without a key of one's own, S3's must be used."
  }

  assert {
    condition     = !aws_s3_bucket.main.force_destroy
    error_message = "A bucket that holds objects must not be destroyed unless asked for."
  }

  assert {
    condition     = output.arn == "arn:aws:s3:::acme-test-data"
    error_message = "The ARN must be an output."
  }
}

run "encrypts_with_a_given_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-0000-4000-8000-000000000001"
  }

  assert {
    condition = (
      one(aws_s3_bucket_server_side_encryption_configuration.main.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
      && one(aws_s3_bucket_server_side_encryption_configuration.main.rule).bucket_key_enabled
    )
    error_message = "A given key must be used, through a bucket key."
  }
}

run "tidies_and_expires_by_prefix" {
  command = plan

  variables {
    retention = {
      noncurrent_days = 30
      expire          = { scratch = { prefix = "scratch/", days = 3 } }
    }
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.main.rule[*].id == tolist(["tidy", "expire-scratch"])
    error_message = "There must be the standing rule and one for each expiry."
  }

  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.main.rule[0].noncurrent_version_expiration[0].noncurrent_days == 30
      && aws_s3_bucket_lifecycle_configuration.main.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7
    )
    error_message = "Days given and days by default must both reach the rule."
  }
}

run "refuses_a_bad_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "My_Bucket"
  }
}

run "refuses_dots" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "data.example.com"
  }
}

run "refuses_a_reserved_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "xn--data"
  }
}

run "refuses_a_key_alias" {
  command         = plan
  expect_failures = [var.kms_key_arn]

  variables {
    kms_key_arn = "alias/data"
  }
}

run "refuses_zero_days" {
  command         = plan
  expect_failures = [var.retention]

  variables {
    retention = { noncurrent_days = 0 }
  }
}

run "refuses_to_expire_the_whole_bucket" {
  command         = plan
  expect_failures = [var.retention]

  variables {
    retention = { expire = { all = { prefix = "", days = 1 } } }
  }
}
