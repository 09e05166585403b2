output "id" {
  description = "Id of the network; ready when what comes in is denied."
  value       = google_compute_network.main.id

  depends_on = [google_compute_firewall.deny_ingress]
}

output "name" {
  description = "Name of the network."
  value       = google_compute_network.main.name
}

output "secondary_range_names" {
  description = "Names of the secondary ranges, keyed by subnet name and by themselves."
  value       = { for name, subnet in google_compute_subnetwork.main : name => { for range in subnet.secondary_ip_range : range.range_name => range.range_name } }
}

output "subnet_ids" {
  description = "Ids of the subnets, keyed by subnet name; ready when there is a way out of them, where one is wanted."
  value       = { for name, subnet in google_compute_subnetwork.main : name => subnet.id }

  depends_on = [google_compute_router_nat.main]
}
