mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/acme-test-app"
    }
  }
}

variables {
  description = "Role under test."
  name        = "acme-test-app"
  access = {
    data = { bucket_arn = "arn:aws:s3:::acme-test-data" }
  }
  trust = {
    Pods = {
      actions    = ["sts:TagSession", "sts:AssumeRole"]
      principals = { Service = ["pods.eks.amazonaws.com"] }
      conditions = { StringEquals = { "aws:RequestTag/kubernetes-namespace" = ["data"] } }
    }
  }
}

run "trusts_only_who_is_named" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.main.assume_role_policy).Statement == [{
      Sid       = "Pods"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = ["pods.eks.amazonaws.com"] }
      Condition = { StringEquals = { "aws:RequestTag/kubernetes-namespace" = ["data"] } }
    }]
    error_message = "The trust policy must be what was given, in a fixed order."
  }

  assert {
    condition     = aws_iam_role.main.permissions_boundary == null && aws_iam_role.main.max_session_duration == 3600
    error_message = "By default: no boundary, sessions of one hour."
  }
}

run "omits_conditions_that_are_not_given" {
  command = plan

  variables {
    trust = { Account = { principals = { AWS = ["arn:aws:iam::123456789012:role/ci"] } } }
  }

  assert {
    condition     = !contains(keys(jsondecode(aws_iam_role.main.assume_role_policy).Statement[0]), "Condition")
    error_message = "An empty condition block would be refused by AWS."
  }
}

run "reads_without_writing" {
  command = plan

  assert {
    condition = flatten([for statement in jsondecode(aws_iam_role_policy.access["data"].policy).Statement : statement.Action]) == [
      "s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject",
    ]
    error_message = "Reading must be locate, list and get, nothing else."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.access["data"].policy).Statement : !contains(statement.Resource, "*")])
    error_message = "No statement may be about every resource."
  }
}

run "writes_below_its_prefixes" {
  command = apply

  variables {
    access = {
      data = {
        bucket_arn  = "arn:aws:s3:::acme-test-data"
        kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-0000-4000-8000-000000000001"
        level       = "write"
        prefixes    = ["out/", "in/"]
      }
    }
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.access["data"].policy).Statement : statement.Resource if statement.Sid == "Objects"] == [
      ["arn:aws:s3:::acme-test-data/in/*", "arn:aws:s3:::acme-test-data/out/*"],
    ]
    error_message = "Objects must be reachable below the prefixes only."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.access["data"].policy).Statement : statement.Condition if statement.Sid == "List"] == [
      { StringLike = { "s3:prefix" = ["in/*", "out/*"] } },
    ]
    error_message = "Listing must be bound to the prefixes."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.access["data"].policy).Statement : statement.Action if statement.Sid == "Key"] == [
      ["kms:Decrypt", "kms:GenerateDataKey"],
    ]
    error_message = "Writing encrypted objects needs the key."
  }

  assert {
    condition     = output.arn == "arn:aws:iam::123456789012:role/acme-test-app"
    error_message = "The ARN must be an output."
  }
}

run "refuses_wildcard_principals" {
  command         = plan
  expect_failures = [var.trust]

  variables {
    trust = { All = { principals = { AWS = ["*"] } } }
  }
}

run "refuses_an_empty_trust" {
  command         = plan
  expect_failures = [var.trust]

  variables {
    trust = {}
  }
}

run "refuses_federation_without_conditions" {
  command         = plan
  expect_failures = [var.trust]

  variables {
    trust = {
      Ci = {
        actions    = ["sts:AssumeRoleWithWebIdentity"]
        principals = { Federated = ["arn:aws:iam::123456789012:oidc-provider/ci.example.com"] }
      }
    }
  }
}

run "refuses_actions_outside_sts" {
  command         = plan
  expect_failures = [var.trust]

  variables {
    trust = { Pods = { actions = ["iam:PassRole"], principals = { Service = ["pods.eks.amazonaws.com"] } } }
  }
}

run "refuses_every_bucket" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = { data = { bucket_arn = "arn:aws:s3:::*" } }
  }
}

run "refuses_a_prefix_without_slash" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = { data = { bucket_arn = "arn:aws:s3:::acme-test-data", prefixes = ["data"] } }
  }
}

run "refuses_an_unknown_level" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = { data = { bucket_arn = "arn:aws:s3:::acme-test-data", level = "admin" } }
  }
}

run "refuses_sessions_over_twelve_hours" {
  command         = plan
  expect_failures = [var.max_session_seconds]

  variables {
    max_session_seconds = 43201
  }
}
