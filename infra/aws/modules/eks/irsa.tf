resource "aws_iam_openid_connect_provider" "main" {
  url            = aws_eks_cluster.main.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]

  tags = merge(var.labels, { Name = var.name })
}

module "irsa" {
  source   = "../iam"
  for_each = var.irsa_roles

  name                 = "${var.name}-${each.key}"
  access               = each.value.access
  description          = "Pods of ${each.value.namespace}/${each.value.service_account} in ${var.name}."
  labels               = var.labels
  permissions_boundary = var.permissions_boundary
  statements           = each.value.statements

  service_accounts = {
    Pods = {
      issuer       = aws_eks_cluster.main.identity[0].oidc[0].issuer
      names        = [each.value.service_account]
      namespace    = each.value.namespace
      provider_arn = aws_iam_openid_connect_provider.main.arn
    }
  }
}
