locals {
  public_subnets  = { for name, subnet in var.subnets : name => subnet if subnet.public }
  private_subnets = { for name, subnet in var.subnets : name => subnet if !subnet.public }
}

# No subnet hands out public addresses by itself: load balancers and NAT gateways bring their own.
resource "aws_subnet" "public" {
  for_each = local.public_subnets

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.cidr
  map_public_ip_on_launch = false

  tags = merge(var.labels, each.value.labels, { Name = "${var.name}-${each.key}" })
}

resource "aws_subnet" "private" {
  for_each = local.private_subnets

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.cidr
  map_public_ip_on_launch = false

  tags = merge(var.labels, each.value.labels, { Name = "${var.name}-${each.key}" })
}
