mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      arn                   = "arn:aws:eks:eu-west-1:123456789012:cluster/acme-test"
      certificate_authority = [{ data = "Y2VydGlmaWNhdGU=" }]
      endpoint              = "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF" }] }]
    }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = {
      arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::123456789012:role/acme-test"
    }
  }

  mock_resource "aws_launch_template" {
    defaults = {
      id             = "lt-0123456789abcdef0"
      latest_version = 3
    }
  }
}

variables {
  name = "acme-test"
  node_groups = {
    main = { instance_types = ["m7i.large"], min_size = 1, max_size = 3 }
  }
  subnet_ids = { private-a = "subnet-0a", private-b = "subnet-0b" }
  vpc_id     = "vpc-0123456789abcdef0"
}

run "is_private_and_logged_by_default" {
  command = apply

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_private_access && !aws_eks_cluster.main.vpc_config[0].endpoint_public_access
    error_message = "Without ranges the API must be reachable from inside the VPC only."
  }

  assert {
    condition     = aws_eks_cluster.main.access_config[0].authentication_mode == "API" && !aws_eks_cluster.main.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "Access must be by entries, with none for the creator."
  }

  assert {
    condition     = length(aws_eks_cluster.main.enabled_cluster_log_types) == 5 && aws_cloudwatch_log_group.control_plane.name == "/aws/eks/acme-test/cluster" && aws_cloudwatch_log_group.control_plane.retention_in_days == 90
    error_message = "All control plane logs must be written, and kept for 90 days."
  }

  assert {
    condition     = length(aws_eks_cluster.main.encryption_config) == 0 && length(aws_iam_role_policy.secrets_key) == 0
    error_message = "Without a key the cluster must use the one that AWS owns."
  }

  assert {
    condition = (
      output.arn == "arn:aws:eks:eu-west-1:123456789012:cluster/acme-test"
      && output.certificate_authority == "Y2VydGlmaWNhdGU="
      && output.endpoint == "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
      && output.name == "acme-test"
      && output.node_role_arn == "arn:aws:iam::123456789012:role/acme-test"
      && output.oidc_issuer == "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
      && output.oidc_provider_arn == "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
    )
    error_message = "What clients and roles need must be outputs."
  }
}

run "gives_its_roles_no_more_than_they_need" {
  command = plan

  assert {
    condition = (
      aws_iam_role_policy_attachment.cluster.policy_arn == "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
      && [for attachment in aws_iam_role_policy_attachment.nodes : attachment.policy_arn] == [
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
        "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
        "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
      ]
    )
    error_message = "Control plane and nodes must have AWS's policies for them, and no other."
  }

  assert {
    condition = [for role in [aws_iam_role.cluster, aws_iam_role.nodes] : jsondecode(role.assume_role_policy).Statement[0].Principal.Service] == [
      ["eks.amazonaws.com"], ["ec2.amazonaws.com"],
    ]
    error_message = "Only the services may take the roles."
  }
}

run "opens_the_api_to_who_is_named" {
  command = apply

  variables {
    client_security_group_ids = { runners = "sg-0123456789abcdef0" }
    endpoint                  = { public_cidrs = ["192.0.2.0/24"] }
  }

  assert {
    condition     = aws_eks_cluster.main.vpc_config[0].endpoint_public_access && aws_eks_cluster.main.vpc_config[0].public_access_cidrs == toset(["192.0.2.0/24"])
    error_message = "The public endpoint must be open to the given ranges only."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.clients["runners"].referenced_security_group_id == "sg-0123456789abcdef0"
      && aws_vpc_security_group_ingress_rule.clients["runners"].to_port == 443
      && aws_vpc_security_group_ingress_rule.clients["runners"].security_group_id == aws_security_group.control_plane.id
    )
    error_message = "The private endpoint must be open to the given groups, on port 443."
  }
}

run "encrypts_with_a_key_of_ones_own" {
  command = plan

  variables {
    secrets_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/0f1e2d3c-0000-4000-8000-000000000001"
  }

  assert {
    condition = (
      aws_eks_cluster.main.encryption_config[0].provider[0].key_arn == var.secrets_kms_key_arn
      && jsondecode(aws_iam_role_policy.secrets_key[0].policy).Statement[0].Resource == [var.secrets_kms_key_arn]
    )
    error_message = "Secrets must be encrypted with the key, and the control plane be allowed to use it."
  }
}

run "makes_node_groups" {
  command = apply

  variables {
    node_groups = {
      batch = {
        capacity_type  = "SPOT"
        instance_types = ["m7i.2xlarge", "m6i.2xlarge"]
        max_size       = 8
        min_size       = 0
        node_labels    = { role = "batch" }
        taints         = { "example.com/batch" = { effect = "NO_SCHEDULE", value = "true" } }
      }
      main = { ami_type = "BOTTLEROCKET_x86_64", instance_types = ["m7i.large"], min_size = 1, max_size = 3 }
    }
  }

  assert {
    condition     = output.node_group_names == tolist(["batch", "main"])
    error_message = "The groups' names must be an output."
  }

  assert {
    condition = (
      aws_eks_node_group.main["batch"].labels == tomap({ role = "batch" })
      && aws_eks_node_group.main["batch"].scaling_config[0].desired_size == 0
      && [for taint in aws_eks_node_group.main["batch"].taint : "${taint.key}=${taint.value}:${taint.effect}"] == ["example.com/batch=true:NO_SCHEDULE"]
      && length(aws_eks_node_group.main["main"].taint) == 0
    )
    error_message = "Labels, sizes and taints must be those of the group."
  }

  assert {
    condition = alltrue([
      for template in aws_launch_template.nodes :
      template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1
      && tobool(template.block_device_mappings[0].ebs[0].encrypted)
    ])
    error_message = "Disks must be encrypted, and metadata out of the reach of pods."
  }

  assert {
    condition     = aws_launch_template.nodes["main"].block_device_mappings[0].device_name == "/dev/xvdb" && aws_launch_template.nodes["batch"].block_device_mappings[0].device_name == "/dev/xvda"
    error_message = "The disk must be the one that the image keeps its data on."
  }
}

run "makes_roles_for_pods" {
  command = apply

  variables {
    irsa_roles = {
      reader = {
        access          = { data = { bucket_arn = "arn:aws:s3:::acme-test-data" } }
        namespace       = "data"
        service_account = "reader"
      }
    }
  }

  assert {
    condition     = output.irsa_role_arns == { reader = "arn:aws:iam::123456789012:role/acme-test" }
    error_message = "The roles' ARNs must be an output."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.main.url == "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF" && aws_iam_openid_connect_provider.main.client_id_list == toset(["sts.amazonaws.com"])
    error_message = "IAM must trust the cluster's issuer, for STS alone."
  }
}

run "lets_in_who_is_named" {
  command = plan

  variables {
    access_entries = {
      admins = { principal_arn = "arn:aws:iam::123456789012:role/admins", policies = { AmazonEKSClusterAdminPolicy = {} } }
      developers = {
        groups        = ["developers"]
        policies      = { AmazonEKSEditPolicy = { namespaces = ["data"] } }
        principal_arn = "arn:aws:iam::123456789012:role/developers"
      }
    }
  }

  assert {
    condition = { for name, association in aws_eks_access_policy_association.main : name => "${association.policy_arn} ${association.access_scope[0].type}" } == {
      "admins/AmazonEKSClusterAdminPolicy" = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy cluster"
      "developers/AmazonEKSEditPolicy"     = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy namespace"
    }
    error_message = "A policy must be for the cluster, or for the namespaces where they are given."
  }

  assert {
    condition     = aws_eks_access_entry.main["developers"].kubernetes_groups == toset(["developers"])
    error_message = "Kubernetes groups must be those of the entry."
  }
}

run "leaves_out_what_an_emulator_lacks" {
  command = plan

  variables {
    authentication_mode = ""
    launch_templates    = false
  }

  assert {
    condition     = length(aws_eks_access_entry.main) == 0 && length(aws_launch_template.nodes) == 0
    error_message = "There must be no entries and no templates."
  }

  assert {
    condition     = length(aws_eks_node_group.main["main"].launch_template) == 0 && aws_eks_node_group.main["main"].disk_size == 50
    error_message = "Without a template the group itself must say how large the disk is."
  }
}

run "refuses_an_api_open_to_everywhere" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { public_cidrs = ["0.0.0.0/0"] }
  }
}

run "refuses_an_api_that_nobody_reaches" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { private = false }
  }
}

run "refuses_entries_without_a_mode" {
  command         = plan
  expect_failures = [var.access_entries]

  variables {
    access_entries      = { admins = { principal_arn = "arn:aws:iam::123456789012:role/admins" } }
    authentication_mode = ""
  }
}

run "refuses_entries_for_everybody" {
  command         = plan
  expect_failures = [var.access_entries]

  variables {
    access_entries = { all = { principal_arn = "arn:aws:iam::123456789012:role/*" } }
  }
}

run "refuses_a_system_group" {
  command         = plan
  expect_failures = [var.access_entries]

  variables {
    access_entries = { admins = { principal_arn = "arn:aws:iam::123456789012:role/admins", groups = ["system:masters"] } }
  }
}

run "refuses_an_unknown_mode" {
  command         = plan
  expect_failures = [var.authentication_mode]

  variables {
    authentication_mode = "CONFIG_MAP"
  }
}

run "refuses_one_subnet" {
  command         = plan
  expect_failures = [var.subnet_ids]

  variables {
    subnet_ids = { private-a = "subnet-0a" }
  }
}

run "refuses_more_nodes_than_the_most" {
  command         = plan
  expect_failures = [var.node_groups]

  variables {
    node_groups = { main = { instance_types = ["m7i.large"], min_size = 3, max_size = 2 } }
  }
}

run "refuses_an_image_that_ended" {
  command         = plan
  expect_failures = [var.node_groups]

  variables {
    node_groups = { main = { instance_types = ["m7i.large"], min_size = 1, max_size = 2, ami_type = "AL2_x86_64" } }
  }
}

run "refuses_an_unknown_taint_effect" {
  command         = plan
  expect_failures = [var.node_groups]

  variables {
    node_groups = { main = { instance_types = ["m7i.large"], min_size = 1, max_size = 2, taints = { batch = { effect = "NoSchedule" } } } }
  }
}

run "refuses_an_unknown_capacity_type" {
  command         = plan
  expect_failures = [var.node_groups]

  variables {
    node_groups = { main = { instance_types = ["m7i.large"], min_size = 1, max_size = 2, capacity_type = "FREE" } }
  }
}

run "refuses_a_role_for_every_service_account" {
  command         = plan
  expect_failures = [var.irsa_roles]

  variables {
    irsa_roles = { all = { namespace = "data", service_account = "*" } }
  }
}

run "refuses_a_role_name_that_is_taken" {
  command         = plan
  expect_failures = [var.irsa_roles]

  variables {
    irsa_roles = { nodes = { namespace = "data", service_account = "reader" } }
  }
}

run "refuses_an_unknown_log" {
  command         = plan
  expect_failures = [var.logs]

  variables {
    logs = { types = ["everything"] }
  }
}

run "refuses_days_that_cloudwatch_does_not_take" {
  command         = plan
  expect_failures = [var.logs]

  variables {
    logs = { retention_days = 42 }
  }
}

run "refuses_an_alias_of_a_key" {
  command         = plan
  expect_failures = [var.secrets_kms_key_arn]

  variables {
    secrets_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:alias/secrets"
  }
}

run "refuses_a_patch_version" {
  command         = plan
  expect_failures = [var.kubernetes_version]

  variables {
    kubernetes_version = "1.34.1"
  }
}

run "refuses_a_security_group_by_name" {
  command         = plan
  expect_failures = [var.client_security_group_ids]

  variables {
    client_security_group_ids = { runners = "runners" }
  }
}
