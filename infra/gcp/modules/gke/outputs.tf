output "certificate_authority" {
  description = "Certificate of the cluster's authority, PEM in base64."
  value       = google_container_cluster.main.master_auth[0].cluster_ca_certificate
}

output "dns_endpoint" {
  description = "DNS name of the cluster's API."
  value       = google_container_cluster.main.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}

output "endpoint" {
  description = "Address of the cluster's API."
  value       = google_container_cluster.main.endpoint
}

output "location" {
  description = "Region or zone of the cluster."
  value       = google_container_cluster.main.location
}

output "name" {
  description = "Name of the cluster; ready when it has nodes."
  value       = google_container_cluster.main.name

  depends_on = [google_container_node_pool.main]
}

output "node_pool_names" {
  description = "Names of the node pools."
  value       = [for pool in google_container_node_pool.main : pool.name]
}

output "workload_pool" {
  description = "Pool that the identities of the cluster's service accounts belong to."
  value       = "${var.project_id}.svc.id.goog"

  # It is there once there is a cluster in the project.
  depends_on = [google_container_cluster.main]
}
