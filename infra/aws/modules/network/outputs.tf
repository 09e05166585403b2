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

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.main.id

  depends_on = [aws_default_security_group.closed]
}
