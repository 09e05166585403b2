mock_provider "aws" {
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
  }

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

run "trusts_github_by_environment_and_branch" {
  command = apply

  variables {
    github = {
      create_provider = true
      workflows = {
        Apply = { repository = "acme/data-platform", environments = ["dev"], branches = ["main"] }
        Plan  = { repository = "acme/data-platform", pull_requests = true }
      }
    }
    trust = {}
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role.main.assume_role_policy).Statement : statement.Condition.StringEquals] == [
      {
        "token.actions.githubusercontent.com:aud" = ["sts.amazonaws.com"]
        "token.actions.githubusercontent.com:sub" = ["repo:acme/data-platform:environment:dev", "repo:acme/data-platform:ref:refs/heads/main"]
      },
      {
        "token.actions.githubusercontent.com:aud" = ["sts.amazonaws.com"]
        "token.actions.githubusercontent.com:sub" = ["repo:acme/data-platform:pull_request"]
      },
    ]
    error_message = "Audience and subject must be compared as wholes."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role.main.assume_role_policy).Statement :
      statement.Action == ["sts:AssumeRoleWithWebIdentity"] && statement.Principal == { Federated = [output.github_provider_arn] }
    ])
    error_message = "Only the provider for GitHub may be trusted."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com"
    error_message = "The provider must be made when asked for."
  }
}

run "uses_the_provider_that_is_there" {
  command = plan

  variables {
    github = {
      provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
      workflows    = { Apply = { repository = "acme/data-platform", environments = ["dev"] } }
    }
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(jsondecode(aws_iam_role.main.assume_role_policy).Statement) == 2
    error_message = "An account takes one provider for each issuer; the given trust must stay."
  }
}

run "trusts_pods_by_service_account" {
  command = plan

  variables {
    service_accounts = {
      ArgoCd = {
        issuer       = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
        names        = ["argocd-server", "argocd-application-controller"]
        namespace    = "argocd"
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
      }
    }
    trust = {}
  }

  assert {
    condition = jsondecode(aws_iam_role.main.assume_role_policy).Statement == [{
      Sid       = "ArgoCd"
      Effect    = "Allow"
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Principal = { Federated = ["arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"] }
      Condition = {
        StringEquals = {
          "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:aud" = ["sts.amazonaws.com"]
          "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:sub" = [
            "system:serviceaccount:argocd:argocd-application-controller",
            "system:serviceaccount:argocd:argocd-server",
          ]
        }
      }
    }]
    error_message = "Pods must be trusted by their service account alone."
  }
}

run "adds_statements" {
  command = plan

  variables {
    statements = {
      Cluster = { actions = ["eks:DescribeCluster"], resources = ["arn:aws:eks:eu-west-1:123456789012:cluster/acme-test"] }
      Network = {
        actions    = ["ec2:CreateVpc", "ec2:CreateSubnet"]
        conditions = { StringEquals = { "aws:RequestedRegion" = ["eu-west-1"] } }
        resources  = ["*"]
      }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.statements[0].policy).Statement == [
      {
        Sid      = "Cluster"
        Effect   = "Allow"
        Action   = ["eks:DescribeCluster"]
        Resource = ["arn:aws:eks:eu-west-1:123456789012:cluster/acme-test"]
      },
      {
        Sid       = "Network"
        Effect    = "Allow"
        Action    = ["ec2:CreateSubnet", "ec2:CreateVpc"]
        Resource  = ["*"]
        Condition = { StringEquals = { "aws:RequestedRegion" = ["eu-west-1"] } }
      },
    ]
    error_message = "The statements must be what was given, in a fixed order."
  }
}

run "refuses_every_repository" {
  command         = plan
  expect_failures = [var.github]

  variables {
    github = {
      create_provider = true
      workflows       = { Apply = { repository = "acme/*", environments = ["dev"] } }
    }
  }
}

run "refuses_a_whole_repository" {
  command         = plan
  expect_failures = [var.github]

  variables {
    github = {
      create_provider = true
      workflows       = { Apply = { repository = "acme/data-platform" } }
    }
  }
}

run "refuses_every_branch" {
  command         = plan
  expect_failures = [var.github]

  variables {
    github = {
      create_provider = true
      workflows       = { Apply = { repository = "acme/data-platform", branches = ["release/*"] } }
    }
  }
}

run "refuses_github_without_a_provider" {
  command         = plan
  expect_failures = [var.github]

  variables {
    github = { workflows = { Apply = { repository = "acme/data-platform", environments = ["dev"] } } }
  }
}

run "refuses_the_provider_of_another_issuer" {
  command         = plan
  expect_failures = [var.github]

  variables {
    github = {
      provider_arn = "arn:aws:iam::123456789012:oidc-provider/ci.example.com"
      workflows    = { Apply = { repository = "acme/data-platform", environments = ["dev"] } }
    }
  }
}

run "refuses_every_service_account" {
  command         = plan
  expect_failures = [var.service_accounts]

  variables {
    service_accounts = {
      Pods = {
        issuer       = "https://oidc.example.com"
        names        = ["*"]
        namespace    = "data"
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"
      }
    }
  }
}

run "refuses_an_issuer_without_tls" {
  command         = plan
  expect_failures = [var.service_accounts]

  variables {
    service_accounts = {
      Pods = {
        issuer       = "http://oidc.example.com"
        names        = ["app"]
        namespace    = "data"
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"
      }
    }
  }
}

run "refuses_one_id_for_two_statements" {
  command         = plan
  expect_failures = [var.trust]

  variables {
    service_accounts = {
      Pods = {
        issuer       = "https://oidc.example.com"
        names        = ["app"]
        namespace    = "data"
        provider_arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"
      }
    }
  }
}

run "refuses_wildcard_actions" {
  command         = plan
  expect_failures = [var.statements]

  variables {
    statements = { All = { actions = ["eks:*"], resources = ["arn:aws:eks:eu-west-1:123456789012:cluster/acme-test"] } }
  }
}

run "refuses_to_change_every_resource" {
  command         = plan
  expect_failures = [var.statements]

  variables {
    statements = { All = { actions = ["ec2:DeleteVpc"], resources = ["*"] } }
  }
}

run "refuses_resources_of_every_account" {
  command         = plan
  expect_failures = [var.statements]

  variables {
    statements = { Secrets = { actions = ["secretsmanager:GetSecretValue"], resources = ["arn:aws:secretsmanager:*:*:secret:acme"] } }
  }
}
