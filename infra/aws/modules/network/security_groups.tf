locals {
  security_rules = {
    for direction in ["egress", "ingress"] : direction => merge([
      for group, settings in var.security_groups : {
        for name, rule in settings[direction] : "${group}/${name}" => merge(rule, { group = group, name = name })
      }
    ]...)
  }
}

# A group allows only what its rules say; egress to everywhere, which AWS gives to a new group, is taken away by Terraform.
resource "aws_security_group" "main" {
  #checkov:skip=CKV2_AWS_5:What a group is attached to is decided where the module is used
  for_each = var.security_groups

  name        = "${var.name}-${each.key}"
  description = each.value.description
  vpc_id      = aws_vpc.main.id

  tags = merge(var.labels, { Name = "${var.name}-${each.key}" })
}

resource "aws_vpc_security_group_egress_rule" "main" {
  #checkov:skip=CKV_AWS_23:Its name is in its tag
  for_each = local.security_rules.egress

  security_group_id            = aws_security_group.main[each.value.group].id
  cidr_ipv4                    = each.value.cidr
  from_port                    = each.value.port
  ip_protocol                  = each.value.protocol
  referenced_security_group_id = each.value.security_group == null ? null : aws_security_group.main[each.value.security_group].id
  to_port                      = coalesce(each.value.to_port, each.value.port)

  tags = merge(var.labels, { Name = "${var.name}-${each.value.group}-${each.value.name}" })
}

resource "aws_vpc_security_group_ingress_rule" "main" {
  #checkov:skip=CKV_AWS_23:Its name is in its tag
  for_each = local.security_rules.ingress

  security_group_id            = aws_security_group.main[each.value.group].id
  cidr_ipv4                    = each.value.cidr
  from_port                    = each.value.port
  ip_protocol                  = each.value.protocol
  referenced_security_group_id = each.value.security_group == null ? null : aws_security_group.main[each.value.security_group].id
  to_port                      = coalesce(each.value.to_port, each.value.port)

  tags = merge(var.labels, { Name = "${var.name}-${each.value.group}-${each.value.name}" })
}
