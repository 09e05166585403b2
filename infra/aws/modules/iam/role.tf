locals {
  trust = merge(var.trust, local.github_trust, local.service_account_trust)
}

resource "aws_iam_role" "main" {
  name                 = var.name
  description          = var.description
  max_session_duration = var.max_session_seconds
  permissions_boundary = var.permissions_boundary == "" ? null : var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for id, statement in local.trust : merge(
        {
          Sid       = id
          Effect    = "Allow"
          Action    = sort(statement.actions)
          Principal = { for type, members in statement.principals : type => sort(members) }
        },
        {
          for part, operators in { Condition = statement.conditions } : part => {
            for operator, keys in operators : operator => { for key, values in keys : key => sort(values) }
          } if length(operators) > 0
        },
      )
    ]
  })

  tags = merge(var.labels, { Name = var.name })
}
