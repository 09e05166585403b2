# EKS itself makes the group that joins control plane and nodes; this one is for who else uses the private endpoint.
resource "aws_security_group" "control_plane" {
  name        = "${var.name}-control-plane"
  description = "Who may use the private endpoint of ${var.name}."
  vpc_id      = var.vpc_id

  tags = merge(var.labels, { Name = "${var.name}-control-plane" })
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  #checkov:skip=CKV_AWS_23:Its name is in its tag
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.control_plane.id
  from_port                    = 443
  ip_protocol                  = "tcp"
  referenced_security_group_id = each.value
  to_port                      = 443

  tags = merge(var.labels, { Name = "${var.name}-${each.key}" })
}
