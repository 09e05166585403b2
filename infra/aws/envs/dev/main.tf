locals {
  environment = "dev"
  partition   = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"

  labels = merge(
    var.labels,
    {
      environment = local.environment
      managed-by  = "terraform"
      stack       = var.name
    },
  )

  # Address plan: private subnets take eighths of the lower half of the range, public ones 256ths from its middle on.
  private_subnets = {
    for letter, slot in var.zones : "private-${letter}" => {
      cidr        = cidrsubnet(var.cidr, 3, slot)
      labels      = { "kubernetes.io/role/internal-elb" = "1" }
      nat_gateway = var.nat_gateway ? "main" : null
      zone        = "${var.region}${letter}"
    }
  }
  public_subnets = {
    for letter, slot in var.zones : "public-${letter}" => {
      cidr   = cidrsubnet(var.cidr, 8, 128 + slot)
      labels = { "kubernetes.io/role/elb" = "1" }
      public = true
      zone   = "${var.region}${letter}"
    }
  }
}

module "network" {
  source = "../../modules/network"

  name    = var.name
  cidr    = var.cidr
  region  = var.region
  subnets = merge(local.private_subnets, local.public_subnets)

  # One for all zones: when its zone fails, the others lose the internet too. Dev can bear that.
  nat_gateways = { for name in ["main"] : name => { subnet = "public-${keys(var.zones)[0]}" } if var.nat_gateway }

  security_groups = {
    cluster-clients = {
      description = "May use the private endpoint of the cluster ${var.name}."
      egress      = { https = { port = 443, cidr = var.cidr } }
    }
  }
}

module "eks" {
  source = "../../modules/eks"

  name                      = var.name
  access_entries            = var.access_entries
  authentication_mode       = var.authentication_mode
  client_security_group_ids = module.network.security_group_ids
  creator_is_admin          = var.creator_is_admin
  endpoint                  = var.endpoint
  kubernetes_version        = var.kubernetes_version
  launch_templates          = var.launch_templates
  logs                      = { retention_days = 30 }
  node_groups               = var.node_groups
  partition                 = local.partition
  permissions_boundary      = var.permissions_boundary
  subnet_ids                = module.network.private_subnet_ids
  vpc_id                    = module.network.vpc_id

  irsa_roles = {
    external-secrets = {
      namespace       = "external-secrets"
      service_account = "external-secrets"
      statements = {
        ReadSecrets = {
          actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
          resources = ["arn:${local.partition}:secretsmanager:${var.region}:${var.account_id}:secret:${var.name}/*"]
        }
      }
    }
  }
}

module "data_bucket" {
  source = "../../modules/s3"

  name          = "${var.name}-data-${var.account_id}"
  force_destroy = var.force_destroy
  retention     = var.retention
}

module "data_app_role" {
  source = "../../modules/iam"

  name                 = "${var.name}-data-app"
  description          = "Reads and writes the data bucket of ${var.name}, for the pods of the data application."
  permissions_boundary = var.permissions_boundary

  access = {
    data = {
      bucket_arn = module.data_bucket.arn
      level      = "write"
    }
  }

  # Two ways for the same pods: by the OIDC provider, and by EKS Pod Identity where its agent is installed.
  service_accounts = {
    Irsa = {
      issuer       = module.eks.oidc_issuer
      names        = [var.workload.service_account]
      namespace    = var.workload.namespace
      provider_arn = module.eks.oidc_provider_arn
    }
  }

  trust = {
    EksPodIdentity = {
      actions    = ["sts:AssumeRole", "sts:TagSession"]
      principals = { Service = ["pods.eks.amazonaws.com"] }
      conditions = {
        StringEquals = {
          "aws:RequestTag/eks-cluster-name"           = [var.name]
          "aws:RequestTag/kubernetes-namespace"       = [var.workload.namespace]
          "aws:RequestTag/kubernetes-service-account" = [var.workload.service_account]
        }
      }
    }
  }
}

module "argo_cd_role" {
  source = "../../modules/iam"

  name                 = "${var.name}-argo-cd"
  description          = "Lets Argo CD in ${var.name} find its cluster, pull charts, and take the roles by which it deploys elsewhere."
  permissions_boundary = var.permissions_boundary

  service_accounts = {
    ArgoCd = {
      issuer       = module.eks.oidc_issuer
      names        = var.argo_cd.service_accounts
      namespace    = var.argo_cd.namespace
      provider_arn = module.eks.oidc_provider_arn
    }
  }

  statements = merge(
    {
      Cluster = {
        actions   = ["eks:DescribeCluster"]
        resources = [module.eks.arn]
      }
    },
    length(var.argo_cd.chart_repository_arns) == 0 ? {} : {
      ChartLogin = {
        actions   = ["ecr:GetAuthorizationToken"]
        resources = ["*"]
      }
      Charts = {
        actions   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        resources = var.argo_cd.chart_repository_arns
      }
    },
    length(var.argo_cd.deploy_role_arns) == 0 ? {} : {
      Deploy = {
        actions   = ["sts:AssumeRole"]
        resources = var.argo_cd.deploy_role_arns
      }
    },
  )
}
