locals {
  object_actions = {
    read  = ["s3:GetObject"]
    write = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
  }
  key_actions = {
    read  = ["kms:Decrypt"]
    write = ["kms:Decrypt", "kms:GenerateDataKey"]
  }
}

# One inline policy for each access: it ends with the role and can be read on its own.
resource "aws_iam_role_policy" "access" {
  for_each = var.access

  name = "access-${each.key}"
  role = aws_iam_role.main.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Locate"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation"]
          Resource = [each.value.bucket_arn]
        },
        merge(
          {
            Sid      = "List"
            Effect   = "Allow"
            Action   = ["s3:ListBucket"]
            Resource = [each.value.bucket_arn]
          },
          # A listing without a prefix has no s3:prefix key at all: for the whole bucket there is no condition.
          {
            for key, value in { Condition = { StringLike = { "s3:prefix" = [for prefix in sort(each.value.prefixes) : "${prefix}*"] } } } :
            key => value if !contains(each.value.prefixes, "")
          },
        ),
        {
          Sid      = "Objects"
          Effect   = "Allow"
          Action   = local.object_actions[each.value.level]
          Resource = [for prefix in sort(each.value.prefixes) : "${each.value.bucket_arn}/${prefix}*"]
        },
      ],
      each.value.kms_key_arn == null ? [] : [
        {
          Sid      = "Key"
          Effect   = "Allow"
          Action   = local.key_actions[each.value.level]
          Resource = [each.value.kms_key_arn]
        },
      ],
    )
  })
}

resource "aws_iam_role_policy" "statements" {
  count = length(var.statements) > 0 ? 1 : 0

  name = "statements"
  role = aws_iam_role.main.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for id, statement in var.statements : merge(
        {
          Sid      = id
          Effect   = "Allow"
          Action   = sort(statement.actions)
          Resource = sort(statement.resources)
        },
        {
          for part, operators in { Condition = statement.conditions } : part => {
            for operator, keys in operators : operator => { for key, values in keys : key => sort(values) }
          } if length(operators) > 0
        },
      )
    ]
  })
}
