# Made before the cluster, which would otherwise make it by itself, without an end to what it keeps.
resource "aws_cloudwatch_log_group" "control_plane" {
  #checkov:skip=CKV_AWS_158:A KMS key is an input; without one CloudWatch's own key is used
  #checkov:skip=CKV_AWS_338:How long logs are kept is an input; a year is not a need of every environment
  name              = "/aws/eks/${var.name}/cluster"
  kms_key_id        = var.logs.kms_key_arn == "" ? null : var.logs.kms_key_arn
  retention_in_days = var.logs.retention_days

  tags = merge(var.labels, { Name = var.name })
}

resource "aws_eks_cluster" "main" {
  #checkov:skip=CKV_AWS_37:Which logs are written is an input; by default all of them
  #checkov:skip=CKV_AWS_38:The ranges are an input, which refuses everywhere
  #checkov:skip=CKV_AWS_39:The public endpoint is off unless ranges are given
  #checkov:skip=CKV_AWS_58:A KMS key is an input; without one EKS encrypts with a key that AWS owns
  name                      = var.name
  role_arn                  = aws_iam_role.cluster.arn
  version                   = var.kubernetes_version
  enabled_cluster_log_types = var.logs.types

  dynamic "access_config" {
    for_each = var.authentication_mode == "" ? [] : [var.authentication_mode]

    content {
      authentication_mode                         = access_config.value
      bootstrap_cluster_creator_admin_permissions = var.creator_is_admin
    }
  }

  dynamic "encryption_config" {
    for_each = var.secrets_kms_key_arn == "" ? [] : [var.secrets_kms_key_arn]

    content {
      resources = ["secrets"]

      provider {
        key_arn = encryption_config.value
      }
    }
  }

  vpc_config {
    endpoint_private_access = var.endpoint.private
    endpoint_public_access  = length(var.endpoint.public_cidrs) > 0
    public_access_cidrs     = length(var.endpoint.public_cidrs) > 0 ? var.endpoint.public_cidrs : null
    security_group_ids      = [aws_security_group.control_plane.id]
    subnet_ids              = values(var.subnet_ids)
  }

  tags = merge(var.labels, { Name = var.name })

  # The role must be able to make, and at the end to remove, the cluster's network interfaces.
  depends_on = [
    aws_cloudwatch_log_group.control_plane,
    aws_iam_role_policy.secrets_key,
    aws_iam_role_policy_attachment.cluster,
  ]
}
