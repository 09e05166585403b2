resource "google_compute_subnetwork" "main" {
  #checkov:skip=CKV_GCP_76:The subnets have no IPv6 addresses; there is nothing for private access to serve
  for_each = var.subnets

  name                     = "${var.name}-${each.key}"
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = each.value.cidr
  private_ip_google_access = true
  stack_type               = "IPV4_ONLY"

  dynamic "secondary_ip_range" {
    for_each = each.value.secondary_cidrs

    content {
      range_name    = secondary_ip_range.key
      ip_cidr_range = secondary_ip_range.value
    }
  }

  dynamic "log_config" {
    for_each = var.flow_logs.sampling > 0 ? ["on"] : []

    content {
      aggregation_interval = var.flow_logs.interval
      flow_sampling        = var.flow_logs.sampling
      metadata             = "INCLUDE_ALL_METADATA"
    }
  }
}
