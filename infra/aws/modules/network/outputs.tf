output "cidr" {
  description = "IPv4 range of the VPC."
  value       = aws_vpc.main.cidr_block
}

output "nat_addresses" {
  description = "Public addresses of the NAT gateways, keyed by gateway name: what the other side sees."
  value       = { for name, address in aws_eip.nat : name => address.public_ip }

  depends_on = [aws_nat_gateway.main]
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, keyed by subnet name; ready when their routes are."
  value       = { for name, subnet in aws_subnet.private : name => subnet.id }

  depends_on = [
    aws_route.nat,
    aws_route_table_association.private,
    aws_vpc_endpoint.gateway,
  ]
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, keyed by subnet name; ready when their routes are."
  value       = { for name, subnet in aws_subnet.public : name => subnet.id }

  depends_on = [
    aws_route.internet,
    aws_route_table_association.public,
  ]
}

output "security_group_ids" {
  description = "Ids of the security groups, keyed by group name; ready when their rules are."
  value       = { for name, group in aws_security_group.main : name => group.id }

  depends_on = [
    aws_vpc_security_group_egress_rule.main,
    aws_vpc_security_group_ingress_rule.main,
  ]
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.main.id

  depends_on = [aws_default_security_group.closed]
}
