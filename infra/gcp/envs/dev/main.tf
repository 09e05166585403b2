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

  # Address plan: nodes take the first sixteenth of the range, services the second, pods the upper half.
  ranges = {
    nodes    = cidrsubnet(var.cidr, 4, 0)
    pods     = cidrsubnet(var.cidr, 1, 1)
    services = cidrsubnet(var.cidr, 4, 1)
  }

  standard   = var.cluster_mode == "standard"
  node_pools = local.standard ? var.node_pools : {}
}

module "network" {
  source = "../../modules/network"

  name   = var.name
  nat    = var.nat
  region = var.region

  subnets = {
    nodes = {
      cidr            = local.ranges.nodes
      secondary_cidrs = { pods = local.ranges.pods, services = local.ranges.services }
    }
  }
}

module "node_account" {
  source = "../../modules/iam"

  name          = "${var.name}-nodes"
  display_name  = "Nodes of the cluster ${var.name}"
  project_id    = var.project_id
  project_roles = ["roles/container.defaultNodeServiceAccount"]
}

module "gke" {
  source = "../../modules/gke"

  name                 = var.name
  deletion_protection  = var.deletion_protection
  endpoint             = var.endpoint
  labels               = local.labels
  location             = var.cluster_location == "" ? var.region : var.cluster_location
  mode                 = var.cluster_mode
  network_id           = module.network.id
  node_pools           = local.node_pools
  node_service_account = module.node_account.email
  project_id           = var.project_id
  release_channel      = var.release_channel
  subnet_id            = module.network.subnet_ids["nodes"]

  ranges = {
    pods     = module.network.secondary_range_names["nodes"]["pods"]
    services = module.network.secondary_range_names["nodes"]["services"]
  }
}

module "data_bucket" {
  source = "../../modules/gcs"

  name          = "${var.name}-data-${var.project_id}"
  force_destroy = var.force_destroy
  location      = var.region
  retention     = var.retention
}

module "data_app_account" {
  source = "../../modules/iam"

  name         = "${var.name}-app"
  display_name = "Pods of the data application in ${var.name}"
  project_id   = var.project_id

  access = {
    data = {
      bucket = module.data_bucket.name
      level  = "write"
    }
  }

  service_accounts = {
    app = {
      names     = [var.workload.service_account]
      namespace = var.workload.namespace
      pool      = module.gke.workload_pool
    }
  }
}
