# The template is for what a node group cannot say itself: encrypted disks, and instance metadata that pods cannot reach.
resource "aws_launch_template" "nodes" {
  for_each = var.launch_templates ? var.node_groups : {}

  name                   = "${var.name}-${each.key}"
  description            = "Nodes of ${var.name}, group ${each.key}."
  update_default_version = true

  block_device_mappings {
    # Bottlerocket keeps images and volumes of pods on a second disk.
    device_name = startswith(each.value.ami_type, "BOTTLEROCKET_") ? "/dev/xvdb" : "/dev/xvda"

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = each.value.disk_gib
      volume_type           = "gp3"
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.labels, { Name = "${var.name}-${each.key}" })
    }
  }

  tags = merge(var.labels, { Name = "${var.name}-${each.key}" })
}

resource "aws_eks_node_group" "main" {
  for_each = var.node_groups

  cluster_name    = aws_eks_cluster.main.name
  node_group_name = each.key
  ami_type        = each.value.ami_type
  capacity_type   = each.value.capacity_type
  disk_size       = var.launch_templates ? null : each.value.disk_gib
  instance_types  = each.value.instance_types
  labels          = each.value.node_labels
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = values(var.subnet_ids)
  version         = var.kubernetes_version

  dynamic "launch_template" {
    for_each = var.launch_templates ? [aws_launch_template.nodes[each.key]] : []

    content {
      id      = launch_template.value.id
      version = launch_template.value.latest_version
    }
  }

  scaling_config {
    desired_size = each.value.min_size
    max_size     = each.value.max_size
    min_size     = each.value.min_size
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      effect = taint.value.effect
      key    = taint.key
      value  = taint.value.value
    }
  }

  tags = merge(var.labels, { Name = "${var.name}-${each.key}" })

  # A node that starts before its role is complete never joins.
  depends_on = [aws_iam_role_policy_attachment.nodes]

  lifecycle {
    ignore_changes = [
      remote_access,                  # never given, and EKS cannot change it; an emulator reports one
      scaling_config[0].desired_size, # belongs to the autoscaler
    ]
  }
}
