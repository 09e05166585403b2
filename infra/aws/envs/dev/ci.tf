# Two roles for GitHub Actions: pull requests plan and can change nothing but the lock of the state; the protected
# environment applies. Neither can read or delete what is in the data bucket, and IAM is changed within a boundary or not at all.
locals {
  ci = var.ci.repository == "" ? 0 : 1

  arn = {
    bucket = "arn:${local.partition}:s3:::${var.name}-data-${var.account_id}"
    eks    = "arn:${local.partition}:eks:${var.region}:${var.account_id}"
    iam    = "arn:${local.partition}:iam::${var.account_id}"
    logs   = "arn:${local.partition}:logs:${var.region}:${var.account_id}:log-group:/aws/eks/${var.name}/cluster"
    state  = "arn:${local.partition}:s3:::${var.ci.state.bucket}"
  }
  cluster_arns = [
    "${local.arn.eks}:access-entry/${var.name}/*",
    "${local.arn.eks}:cluster/${var.name}",
    "${local.arn.eks}:nodegroup/${var.name}/*",
  ]
  in_region = { StringEquals = { "aws:RequestedRegion" = [var.region] } }
  of_stack  = { StringEquals = { "aws:ResourceTag/stack" = [var.name] } }

  # What a refresh reads, without anything that is data.
  ci_plan = merge(
    {
      ReadBucket = {
        actions = [
          "s3:GetAccelerateConfiguration", "s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketLocation", "s3:GetBucketLogging",
          "s3:GetBucketObjectLockConfiguration", "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy",
          "s3:GetBucketPublicAccessBlock", "s3:GetBucketRequestPayment", "s3:GetBucketTagging", "s3:GetBucketVersioning",
          "s3:GetBucketWebsite", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration", "s3:ListBucket",
        ]
        resources = [local.arn.bucket]
      }
      ReadCluster = {
        actions = [
          "eks:DescribeAccessEntry", "eks:DescribeCluster", "eks:DescribeNodegroup", "eks:DescribeUpdate",
          "eks:ListAssociatedAccessPolicies",
        ]
        resources = local.cluster_arns
      }
      ReadLogs = {
        actions   = ["logs:DescribeLogGroups"]
        resources = ["*"]
      }
      ReadLogTags = {
        actions   = ["logs:ListTagsForResource"]
        resources = [local.arn.logs, "${local.arn.logs}:*"]
      }
      ReadNetwork = {
        actions = [
          "ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute", "ec2:DescribeInternetGateways",
          "ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates", "ec2:DescribeNatGateways",
          "ec2:DescribeNetworkAcls", "ec2:DescribeNetworkInterfaces", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute",
          "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
        ]
        resources = ["*"]
      }
      ReadRoles = {
        actions = [
          "iam:GetOpenIDConnectProvider", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
          "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
        ]
        resources = ["${local.arn.iam}:oidc-provider/*", "${local.arn.iam}:role/${var.name}-*"]
      }
    },
    {
      for id, statement in {
        StateList = {
          actions    = ["s3:ListBucket"]
          conditions = { StringLike = { "s3:prefix" = [var.ci.state.key, "${var.ci.state.key}.tflock"] } }
          resources  = [local.arn.state]
        }
        StateLock = {
          actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
          resources = ["${local.arn.state}/${var.ci.state.key}.tflock"]
        }
        StateRead = {
          actions   = ["s3:GetObject"]
          resources = ["${local.arn.state}/${var.ci.state.key}"]
        }
      } : id => statement if var.ci.state.bucket != ""
    },
    {
      for id, statement in {
        StateKey = {
          actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
          resources = [var.ci.state.kms_key_arn]
        }
      } : id => statement if var.ci.state.kms_key_arn != ""
    },
  )

  ci_apply = merge(
    local.ci_plan,
    {
      WriteBucket = {
        actions = [
          "s3:CreateBucket", "s3:DeleteBucketPolicy", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
          "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
          "s3:PutLifecycleConfiguration",
        ]
        resources = [local.arn.bucket]
      }
      WriteCluster = {
        actions = [
          "eks:AssociateAccessPolicy", "eks:CreateAccessEntry", "eks:CreateCluster", "eks:CreateNodegroup",
          "eks:DeleteAccessEntry", "eks:DeleteCluster", "eks:DeleteNodegroup", "eks:DisassociateAccessPolicy",
          "eks:TagResource", "eks:UntagResource", "eks:UpdateAccessEntry", "eks:UpdateClusterConfig",
          "eks:UpdateClusterVersion", "eks:UpdateNodegroupConfig", "eks:UpdateNodegroupVersion",
        ]
        resources = local.cluster_arns
      }
      WriteLogs = {
        actions   = ["logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource"]
        resources = [local.arn.logs, "${local.arn.logs}:*"]
      }
      # What makes things, or acts on things that carry no tag (yet).
      WriteNetwork = {
        actions = [
          "ec2:AllocateAddress", "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
          "ec2:CreateInternetGateway", "ec2:CreateLaunchTemplate", "ec2:CreateNatGateway", "ec2:CreateRouteTable",
          "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
          "ec2:DisassociateAddress", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:RunInstances",
        ]
        conditions = local.in_region
        resources  = ["*"]
      }
      WriteStack = {
        actions = [
          "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:CreateLaunchTemplateVersion", "ec2:CreateRoute", "ec2:CreateTags",
          "ec2:DeleteInternetGateway", "ec2:DeleteLaunchTemplate", "ec2:DeleteNatGateway", "ec2:DeleteRoute",
          "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags", "ec2:DeleteVpc",
          "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateRouteTable", "ec2:ModifyLaunchTemplate",
          "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint",
          "ec2:ReleaseAddress", "ec2:ReplaceRoute",
        ]
        conditions = local.of_stack
        resources  = ["*"]
      }
      # Tags decide what the role may change: it sets them on what it makes, and on what is of this stack already.
      TagNetwork = {
        actions = ["ec2:CreateTags"]
        conditions = {
          StringEquals = {
            "aws:RequestedRegion" = [var.region]
            "ec2:CreateAction" = [
              "AllocateAddress", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateInternetGateway",
              "CreateLaunchTemplate", "CreateNatGateway", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet",
              "CreateVpc", "CreateVpcEndpoint", "RunInstances",
            ]
          }
        }
        resources = ["*"]
      }
      PassRoles = {
        actions    = ["iam:PassRole"]
        conditions = { StringEquals = { "iam:PassedToService" = ["ec2.amazonaws.com", "eks.amazonaws.com"] } }
        resources  = ["${local.arn.iam}:role/${var.name}-cluster", "${local.arn.iam}:role/${var.name}-nodes"]
      }
    },
    {
      for id, statement in {
        StateWrite = {
          actions   = ["s3:PutObject"]
          resources = ["${local.arn.state}/${var.ci.state.key}"]
        }
      } : id => statement if var.ci.state.bucket != ""
    },
    # Who may write policies without a boundary can make itself an administrator.
    {
      for id, statement in {
        WritePolicies = {
          actions = [
            "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
          ]
          conditions = { StringEquals = { "iam:PermissionsBoundary" = [var.permissions_boundary] } }
          resources  = ["${local.arn.iam}:role/${var.name}-*"]
        }
        WriteProviders = {
          actions   = ["iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"]
          resources = ["${local.arn.iam}:oidc-provider/oidc.eks.${var.region}.amazonaws.com/id/*"]
        }
        WriteRoles = {
          actions   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"]
          resources = ["${local.arn.iam}:role/${var.name}-*"]
        }
      } : id => statement if var.permissions_boundary != ""
    },
  )
}

module "ci_plan_role" {
  source = "../../modules/iam"
  count  = local.ci

  name                 = "${var.name}-ci-plan"
  description          = "Plans ${var.name} in GitHub Actions."
  permissions_boundary = var.permissions_boundary
  statements           = local.ci_plan

  github = {
    create_provider = var.ci.provider_arn == ""
    provider_arn    = var.ci.provider_arn
    workflows       = { Plan = merge(var.ci.plan, { repository = var.ci.repository }) }
  }
}

module "ci_apply_role" {
  source = "../../modules/iam"
  count  = local.ci

  name                 = "${var.name}-ci-apply"
  description          = "Applies approved plans of ${var.name} in GitHub Actions."
  permissions_boundary = var.permissions_boundary
  statements           = local.ci_apply

  github = {
    provider_arn = module.ci_plan_role[0].github_provider_arn
    workflows    = { Apply = merge(var.ci.apply, { repository = var.ci.repository }) }
  }
}
