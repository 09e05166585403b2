output "cluster_dns_endpoint" {
  description = "DNS name of the cluster's API."
  value       = module.gke.dns_endpoint
}

output "cluster_endpoint" {
  description = "Address of the cluster's API."
  value       = module.gke.endpoint
}

output "cluster_location" {
  description = "Region or zone of the cluster."
  value       = module.gke.location
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.gke.name
}

output "data_app_account" {
  description = "Address of the service account for the pods of the data application."
  value       = module.data_app_account.email
}

output "data_bucket_name" {
  description = "Name of the data bucket."
  value       = module.data_bucket.name
}

output "network_id" {
  description = "Id of the network."
  value       = module.network.id
}

output "node_pool_names" {
  description = "Names of the node pools."
  value       = module.gke.node_pool_names
}

output "subnet_ids" {
  description = "Ids of the subnets, keyed by subnet name."
  value       = module.network.subnet_ids
}
