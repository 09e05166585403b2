locals {
  environment = "dev"

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
      cidr = cidrsubnet(var.cidr, 3, slot)
      zone = "${var.region}${letter}"
    }
  }
  public_subnets = {
    for letter, slot in var.zones : "public-${letter}" => {
      cidr   = cidrsubnet(var.cidr, 8, 128 + slot)
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
}

module "data_bucket" {
  source = "../../modules/s3"

  name          = "${var.name}-data-${var.account_id}"
  force_destroy = var.force_destroy
  retention     = var.retention
}

module "data_app_role" {
  source = "../../modules/iam"

  name        = "${var.name}-data-app"
  description = "Reads and writes the data bucket of ${var.name}, for the pods of the data application."

  access = {
    data = {
      bucket_arn = module.data_bucket.arn
      level      = "write"
    }
  }

  trust = {
    EksPodIdentity = {
      actions    = ["sts:AssumeRole", "sts:TagSession"]
      principals = { Service = ["pods.eks.amazonaws.com"] }
      conditions = {
        StringEquals = {
          "aws:RequestTag/kubernetes-namespace"       = [var.workload.namespace]
          "aws:RequestTag/kubernetes-service-account" = [var.workload.service_account]
        }
      }
    }
  }
}
