output "arn" {
  description = "ARN of the role; ready when its policies are attached."
  value       = aws_iam_role.main.arn

  depends_on = [aws_iam_role_policy.access]
}

output "name" {
  description = "Name of the role; ready when its policies are attached."
  value       = aws_iam_role.main.name

  depends_on = [aws_iam_role_policy.access]
}
