output "data_app_role_arn" {
  description = "ARN of the role for the pods of the data application."
  value       = module.data_app_role.arn
}

output "data_bucket_arn" {
  description = "ARN of the data bucket."
  value       = module.data_bucket.arn
}

output "data_bucket_name" {
  description = "Name of the data bucket."
  value       = module.data_bucket.name
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, keyed by subnet name."
  value       = module.network.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, keyed by subnet name."
  value       = module.network.public_subnet_ids
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = module.network.vpc_id
}
