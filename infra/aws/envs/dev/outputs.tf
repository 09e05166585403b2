output "argo_cd_role_arn" {
  description = "ARN of the role for the pods of Argo CD."
  value       = module.argo_cd_role.arn
}

output "ci_role_arns" {
  description = "ARNs of the roles for GitHub Actions, `plan` and `apply`; empty without a repository."
  value       = { for name, roles in { apply = module.ci_apply_role, plan = module.ci_plan_role } : name => roles[0].arn if length(roles) > 0 }
}

output "cluster_certificate_authority" {
  description = "Certificate of the cluster's authority, PEM in base64."
  value       = module.eks.certificate_authority
}

output "cluster_endpoint" {
  description = "URL of the cluster's API."
  value       = module.eks.endpoint
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.eks.name
}

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

output "irsa_role_arns" {
  description = "ARNs of the roles for pods of the cluster, keyed by role."
  value       = module.eks.irsa_role_arns
}

output "nat_addresses" {
  description = "Public addresses of the NAT gateways, keyed by gateway name: what the other side sees."
  value       = module.network.nat_addresses
}

output "node_group_names" {
  description = "Names of the node groups."
  value       = module.eks.node_group_names
}

output "oidc_issuer" {
  description = "URL of the issuer that signs the tokens of the cluster's service accounts."
  value       = module.eks.oidc_issuer
}

output "oidc_provider_arn" {
  description = "ARN of the OIDC provider by which IAM trusts that issuer."
  value       = module.eks.oidc_provider_arn
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, keyed by subnet name."
  value       = module.network.private_subnet_ids
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, keyed by subnet name."
  value       = module.network.public_subnet_ids
}

output "security_group_ids" {
  description = "Ids of the security groups, keyed by group name."
  value       = module.network.security_group_ids
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = module.network.vpc_id
}
