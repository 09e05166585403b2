mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:eu-west-1:123456789012:cluster/datamcp-dev"
      certificate_authority = [{ data = "Y2VydGlmaWNhdGU=" }]
      endpoint              = "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF" }] }]
    }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
  }

  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 1
    }
  }

  mock_resource "aws_security_group" {
    defaults = {
      id = "sg-0123456789abcdef0"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::datamcp-dev-data-123456789012"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/datamcp-dev-data-app"
    }
  }
}

variables {
  account_id = "123456789012"
  region     = "eu-west-1"
}

run "needs_only_account_and_region" {
  command = apply

  assert {
    condition     = keys(output.private_subnet_ids) == ["private-a", "private-b"] && keys(output.public_subnet_ids) == ["public-a", "public-b"]
    error_message = "By default there must be two zones, each with a private and a public subnet."
  }

  assert {
    condition     = output.data_bucket_arn == "arn:aws:s3:::datamcp-dev-data-123456789012"
    error_message = "The bucket's ARN must be an output."
  }

  assert {
    condition     = output.data_app_role_arn == "arn:aws:iam::123456789012:role/datamcp-dev-data-app"
    error_message = "The role's ARN must be an output."
  }

  assert {
    condition     = output.cluster_name == "datamcp-dev" && output.node_group_names == tolist(["main"]) && keys(output.irsa_role_arns) == ["external-secrets"]
    error_message = "There must be a cluster with one node group, and a role for external secrets."
  }

  assert {
    condition     = keys(output.nat_addresses) == ["main"] && keys(output.security_group_ids) == ["cluster-clients"]
    error_message = "There must be one NAT gateway, and the group of the cluster's clients."
  }
}

run "leaves_out_what_an_emulator_lacks" {
  command = plan

  variables {
    authentication_mode = ""
    launch_templates    = false
  }
}

run "does_without_a_nat_gateway" {
  command = apply

  variables {
    nat_gateway = false
  }

  assert {
    condition     = length(output.nat_addresses) == 0
    error_message = "There must be nothing that costs by the hour for a way out."
  }
}

run "lets_github_plan_and_apply" {
  command = apply

  variables {
    ci = {
      repository = "acme/data-platform"
      state      = { bucket = "acme-dev-tfstate" }
    }
  }

  assert {
    condition     = keys(output.ci_role_arns) == ["apply", "plan"]
    error_message = "There must be a role to plan and one to apply."
  }

  assert {
    condition     = alltrue([for statement in values(local.ci_plan) : alltrue([for action in statement.actions : can(regex(":(Describe|Get|List)", action)) || statement == local.ci_plan.StateLock])])
    error_message = "The planning role must change nothing but the lock."
  }

  assert {
    condition     = alltrue(flatten([for statement in values(local.ci_apply) : [for action in statement.actions : !can(regex("^iam:(Attach|Create|Delete|Detach|Put|Update)", action))]]))
    error_message = "Without a boundary the applying role must not change IAM."
  }

  assert {
    condition     = length(jsonencode(local.ci_apply)) < 10240
    error_message = "AWS takes 10240 characters of inline policies for each role."
  }
}

run "lets_ci_change_roles_within_the_boundary" {
  command = apply

  variables {
    ci                   = { repository = "acme/data-platform" }
    permissions_boundary = "arn:aws:iam::123456789012:policy/dev-boundary"
  }

  assert {
    condition     = local.ci_apply.WritePolicies.conditions == { StringEquals = { "iam:PermissionsBoundary" = ["arn:aws:iam::123456789012:policy/dev-boundary"] } }
    error_message = "Policies may be written only to roles that the boundary bounds."
  }

  assert {
    condition     = length(jsonencode(local.ci_apply)) < 10240
    error_message = "AWS takes 10240 characters of inline policies for each role."
  }
}

run "needs_no_repository" {
  command = plan

  assert {
    condition     = length(output.ci_role_arns) == 0
    error_message = "Without a repository there must be no role for one."
  }
}

run "refuses_every_repository" {
  command         = plan
  expect_failures = [var.ci]

  variables {
    ci = { repository = "acme/*" }
  }
}

run "gives_argo_cd_what_is_named" {
  command = apply

  variables {
    argo_cd = {
      chart_repository_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/charts/example-data-app"]
      deploy_role_arns      = ["arn:aws:iam::210987654321:role/argo-cd-deploy"]
    }
  }

  assert {
    condition     = output.argo_cd_role_arn == "arn:aws:iam::123456789012:role/datamcp-dev-data-app" # every mocked role's
    error_message = "The role's ARN must be an output."
  }
}

run "plans_addresses_that_never_move" {
  command = plan

  variables {
    zones = { a = 0, c = 2 }
  }

  assert {
    condition = { for name, subnet in merge(local.private_subnets, local.public_subnets) : name => "${subnet.zone} ${subnet.cidr}" } == {
      private-a = "eu-west-1a 10.20.0.0/19"
      private-c = "eu-west-1c 10.20.64.0/19"
      public-a  = "eu-west-1a 10.20.128.0/24"
      public-c  = "eu-west-1c 10.20.130.0/24"
    }
    error_message = "A subnet's range must follow from its slot alone."
  }
}

run "labels_everything" {
  command = plan

  variables {
    labels = { owner = "data-platform" }
  }

  assert {
    condition = local.labels == {
      environment = "dev"
      managed-by  = "terraform"
      owner       = "data-platform"
      stack       = "datamcp-dev"
    }
    error_message = "Given labels must be joined with the standing ones."
  }
}

run "fits_the_smallest_range" {
  command = plan

  variables {
    cidr  = "10.20.0.0/20"
    zones = { a = 0, b = 1, c = 2, d = 3 }
  }

  assert {
    condition     = local.public_subnets["public-d"].cidr == "10.20.8.48/28" && local.private_subnets["private-d"].cidr == "10.20.6.0/23"
    error_message = "Four zones must fit into a /20."
  }
}

run "refuses_a_short_account_id" {
  command         = plan
  expect_failures = [var.account_id]

  variables {
    account_id = "12345678901"
  }
}

run "refuses_a_region_that_is_none" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "Ireland"
  }
}

run "refuses_a_range_too_small" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.20.0.0/24"
  }
}

run "refuses_one_zone" {
  command         = plan
  expect_failures = [var.zones]

  variables {
    zones = { a = 0 }
  }
}

run "refuses_a_slot_used_twice" {
  command         = plan
  expect_failures = [var.zones]

  variables {
    zones = { a = 0, b = 0 }
  }
}

run "refuses_labels_that_are_set_here" {
  command         = plan
  expect_failures = [var.labels]

  variables {
    labels = { environment = "prod" }
  }
}

run "refuses_a_bad_workload" {
  command         = plan
  expect_failures = [var.workload]

  variables {
    workload = { namespace = "*" }
  }
}

run "refuses_every_chart_repository" {
  command         = plan
  expect_failures = [var.argo_cd]

  variables {
    argo_cd = { chart_repository_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/*"] }
  }
}

run "refuses_every_deploy_role" {
  command         = plan
  expect_failures = [var.argo_cd]

  variables {
    argo_cd = { deploy_role_arns = ["*"] }
  }
}
