resource "aws_eks_access_entry" "main" {
  for_each = var.access_entries

  cluster_name      = aws_eks_cluster.main.name
  kubernetes_groups = each.value.groups
  principal_arn     = each.value.principal_arn

  tags = merge(var.labels, { Name = "${var.name}-${each.key}" })
}

locals {
  access_policies = merge([
    for name, entry in var.access_entries : {
      for policy, scope in entry.policies : "${name}/${policy}" => {
        entry      = name
        namespaces = scope.namespaces
        policy     = policy
      }
    }
  ]...)
}

resource "aws_eks_access_policy_association" "main" {
  for_each = local.access_policies

  cluster_name  = aws_eks_cluster.main.name
  policy_arn    = "arn:${var.partition}:eks::aws:cluster-access-policy/${each.value.policy}"
  principal_arn = aws_eks_access_entry.main[each.value.entry].principal_arn

  access_scope {
    type       = length(each.value.namespaces) > 0 ? "namespace" : "cluster"
    namespaces = length(each.value.namespaces) > 0 ? each.value.namespaces : null
  }
}
