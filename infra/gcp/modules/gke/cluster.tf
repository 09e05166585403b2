locals {
  autopilot = var.mode == "autopilot"
  standard  = var.mode == "standard"
}

resource "google_container_cluster" "main" {
  #checkov:skip=CKV_GCP_65:A Google group needs a domain of one's own; access is given by IAM and by roles of the cluster
  #checkov:skip=CKV_GCP_66:Binary Authorization needs a policy of the project; it is not a need of every cluster
  #checkov:skip=CKV_GCP_69:The node pools say it, one by one; the default pool is removed
  #checkov:skip=CKV_GCP_21:Labels are an input, and those of the environment come by the provider
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies by itself
  name                = var.name
  project             = var.project_id
  location            = var.location
  deletion_protection = var.deletion_protection
  resource_labels     = var.labels

  network         = var.network_id
  networking_mode = "VPC_NATIVE"
  subnetwork      = var.subnet_id

  # What Autopilot decides itself must not be said to it.
  enable_autopilot            = local.autopilot ? true : null
  enable_intranode_visibility = local.standard ? true : null
  enable_shielded_nodes       = local.standard ? true : null
  datapath_provider           = local.standard ? "ADVANCED_DATAPATH" : null
  initial_node_count          = local.standard ? 1 : null
  remove_default_node_pool    = local.standard ? true : null

  ip_allocation_policy {
    cluster_secondary_range_name  = var.ranges.pods
    services_secondary_range_name = var.ranges.services
  }

  # Nodes have no addresses of the internet. The API has one only when ranges are named that may use it.
  private_cluster_config {
    enable_private_endpoint = length(var.endpoint.public_cidrs) == 0
    enable_private_nodes    = true
  }

  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled      = false
    private_endpoint_enforcement_enabled = true

    dynamic "cidr_blocks" {
      for_each = var.endpoint.public_cidrs

      content {
        cidr_block   = cidr_blocks.value
        display_name = cidr_blocks.key
      }
    }
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = var.endpoint.dns
    }

    ip_endpoints_config {
      enabled = var.endpoint.ip
    }
  }

  # No certificate and no password opens the cluster.
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  dynamic "workload_identity_config" {
    for_each = local.standard ? ["on"] : []

    content {
      workload_pool = "${var.project_id}.svc.id.goog"
    }
  }

  dynamic "database_encryption" {
    for_each = var.kms_key_name == "" ? [] : [var.kms_key_name]

    content {
      key_name = database_encryption.value
      state    = "ENCRYPTED"
    }
  }

  release_channel {
    channel = var.release_channel
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  lifecycle {
    # The default pool lives for a moment; what it was like is nobody's wish.
    ignore_changes = [initial_node_count, node_config]

    precondition {
      condition     = local.standard || length(var.node_pools) == 0
      error_message = "Autopilot makes its nodes itself: node_pools must be empty."
    }

    precondition {
      condition     = local.autopilot || length(var.node_pools) > 0
      error_message = "A standard cluster needs at least one node pool."
    }
  }
}
