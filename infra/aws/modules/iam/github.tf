locals {
  github_host = "token.actions.githubusercontent.com"

  # The subject that GitHub puts into a job's token: an environment where the job names one, else the pull request or the branch.
  github_subjects = {
    for id, workflows in var.github.workflows : id => concat(
      [for name in sort(workflows.branches) : "repo:${workflows.repository}:ref:refs/heads/${name}"],
      [for name in sort(workflows.environments) : "repo:${workflows.repository}:environment:${name}"],
      workflows.pull_requests ? ["repo:${workflows.repository}:pull_request"] : [],
    )
  }
  github_trust = {
    for id, subjects in local.github_subjects : id => {
      actions    = ["sts:AssumeRoleWithWebIdentity"]
      principals = { Federated = [var.github.create_provider ? aws_iam_openid_connect_provider.github[0].arn : var.github.provider_arn] }
      conditions = {
        StringEquals = {
          "${local.github_host}:aud" = ["sts.amazonaws.com"]
          "${local.github_host}:sub" = subjects
        }
      }
    }
  }
}

# An account has one provider for each issuer: the first role makes it, or it is made elsewhere.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github.create_provider ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]

  tags = merge(var.labels, { Name = "github-actions" })
}
