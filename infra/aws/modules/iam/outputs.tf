output "arn" {
  description = "ARN of the role; ready when its policies are attached."
  value       = aws_iam_role.main.arn

  depends_on = [
    aws_iam_role_policy.access,
    aws_iam_role_policy.statements,
  ]
}

output "github_provider_arn" {
  description = "ARN of the account's OIDC provider for GitHub: the one made here or the one given; empty without either."
  value       = var.github.create_provider ? aws_iam_openid_connect_provider.github[0].arn : var.github.provider_arn
}

output "name" {
  description = "Name of the role; ready when its policies are attached."
  value       = aws_iam_role.main.name

  depends_on = [
    aws_iam_role_policy.access,
    aws_iam_role_policy.statements,
  ]
}
