output "arn" {
  description = "ARN of the cluster; ready when the accesses to it are."
  value       = aws_eks_cluster.main.arn

  depends_on = [
    aws_eks_access_policy_association.main,
    aws_vpc_security_group_ingress_rule.clients,
  ]
}

output "certificate_authority" {
  description = "Certificate of the cluster's authority, PEM in base64: what a kubeconfig calls certificate-authority-data."
  value       = aws_eks_cluster.main.certificate_authority[0].data
}

output "endpoint" {
  description = "URL of the cluster's API; ready when the accesses to it are."
  value       = aws_eks_cluster.main.endpoint

  depends_on = [
    aws_eks_access_policy_association.main,
    aws_vpc_security_group_ingress_rule.clients,
  ]
}

output "irsa_role_arns" {
  description = "ARNs of the roles for pods, keyed by role; ready when their policies are attached."
  value       = { for name, role in module.irsa : name => role.arn }
}

output "name" {
  description = "Name of the cluster; ready when the accesses to it are."
  value       = aws_eks_cluster.main.name

  depends_on = [
    aws_eks_access_policy_association.main,
    aws_vpc_security_group_ingress_rule.clients,
  ]
}

output "node_group_names" {
  description = "Names of the node groups; ready when their nodes are."
  value       = sort([for group in aws_eks_node_group.main : group.node_group_name])
}

output "node_role_arn" {
  description = "ARN of the nodes' role; ready when its policies are attached."
  value       = aws_iam_role.nodes.arn

  depends_on = [aws_iam_role_policy_attachment.nodes]
}

output "oidc_issuer" {
  description = "URL of the issuer that signs the tokens of the cluster's service accounts."
  value       = aws_eks_cluster.main.identity[0].oidc[0].issuer
}

output "oidc_provider_arn" {
  description = "ARN of the OIDC provider by which IAM trusts that issuer."
  value       = aws_iam_openid_connect_provider.main.arn
}
