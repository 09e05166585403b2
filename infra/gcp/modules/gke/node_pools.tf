resource "google_container_node_pool" "main" {
  for_each = var.node_pools

  name     = each.key
  project  = var.project_id
  location = var.location
  cluster  = google_container_cluster.main.name

  # In each zone; total counts are over all of them.
  initial_node_count = 1

  autoscaling {
    location_policy      = each.value.spot ? "ANY" : "BALANCED"
    total_max_node_count = each.value.max_size
    total_min_node_count = each.value.min_size
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  network_config {
    enable_private_nodes = true
  }

  node_config {
    disk_size_gb    = each.value.disk_gib
    disk_type       = each.value.disk_type
    image_type      = "COS_CONTAINERD"
    labels          = each.value.node_labels
    machine_type    = each.value.machine_type
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    resource_labels = var.labels
    service_account = var.node_service_account
    spot            = each.value.spot

    metadata = {
      disable-legacy-endpoints = "true"
    }

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = true
    }

    # Pods are given their own identity, never that of the node.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    dynamic "taint" {
      for_each = each.value.taints

      content {
        effect = taint.value.effect
        key    = taint.key
        value  = taint.value.value
      }
    }
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
    strategy        = "SURGE"
  }

  lifecycle {
    # An autoscaler changes it in between.
    ignore_changes = [initial_node_count]
  }
}
