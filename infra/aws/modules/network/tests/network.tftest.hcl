mock_provider "aws" {}

variables {
  cidr   = "10.20.0.0/16"
  labels = { environment = "test" }
  name   = "acme-test"
  region = "eu-west-1"
  subnets = {
    private-a = { cidr = "10.20.0.0/19", zone = "eu-west-1a" }
    private-b = { cidr = "10.20.32.0/19", zone = "eu-west-1b" }
    public-a  = { cidr = "10.20.128.0/24", zone = "eu-west-1a", public = true, labels = { role = "edge" } }
    public-b  = { cidr = "10.20.129.0/24", zone = "eu-west-1b", public = true }
  }
}

run "splits_public_from_private" {
  command = apply

  assert {
    condition     = keys(output.public_subnet_ids) == ["public-a", "public-b"]
    error_message = "Public subnets must be keyed by their names."
  }

  assert {
    condition     = keys(output.private_subnet_ids) == ["private-a", "private-b"]
    error_message = "Private subnets must be keyed by their names."
  }

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "No subnet may hand out public addresses by itself."
  }

  assert {
    condition     = aws_subnet.public["public-a"].tags == tomap({ environment = "test", role = "edge", Name = "acme-test-public-a" })
    error_message = "A subnet must carry the labels of all, its own, and its name."
  }
}

run "keeps_private_subnets_off_the_internet" {
  command = apply

  assert {
    condition     = aws_route.internet.route_table_id == aws_route_table.public.id
    error_message = "Only the public route table may lead to the internet gateway."
  }

  assert {
    condition     = length(aws_route.nat) == 0 && length(aws_nat_gateway.main) == 0 && length(aws_eip.nat) == 0
    error_message = "Without nat_gateways there must be no way out and nothing that costs."
  }

  assert {
    condition = alltrue([
      for name, association in aws_route_table_association.private : association.route_table_id == aws_route_table.private[name].id
    ])
    error_message = "Each private subnet must use its own route table."
  }
}

run "adopts_the_default_security_group" {
  command = plan

  assert {
    condition     = aws_default_security_group.closed.tags.Name == "acme-test-default-closed"
    error_message = "The default security group must be adopted."
  }
}

run "reaches_s3_without_the_internet" {
  command = apply

  assert {
    condition     = keys(aws_vpc_endpoint.gateway) == ["s3"] && aws_vpc_endpoint.gateway["s3"].service_name == "com.amazonaws.eu-west-1.s3"
    error_message = "There must be a gateway endpoint for S3 of the region."
  }

  assert {
    condition     = length(aws_vpc_endpoint.gateway["s3"].route_table_ids) == 3
    error_message = "The endpoint must be in every route table: one public, two private."
  }
}

run "routes_by_nat_gateway_where_asked" {
  command = apply

  variables {
    nat_gateways = { nat-a = { subnet = "public-a" } }
    subnets = {
      private-a = { cidr = "10.20.0.0/19", zone = "eu-west-1a", nat_gateway = "nat-a" }
      private-b = { cidr = "10.20.32.0/19", zone = "eu-west-1b" }
      public-a  = { cidr = "10.20.128.0/24", zone = "eu-west-1a", public = true }
    }
  }

  assert {
    condition     = keys(aws_route.nat) == ["private-a"] && aws_route.nat["private-a"].nat_gateway_id == aws_nat_gateway.main["nat-a"].id
    error_message = "Only the subnet that names the NAT gateway may be routed to it."
  }

  assert {
    condition     = keys(output.nat_addresses) == ["nat-a"]
    error_message = "The address of the NAT gateway must be an output."
  }
}

run "refuses_a_range_with_host_bits" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.20.0.1/16"
  }
}

run "refuses_a_range_that_aws_does_not_take" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.0.0.0/8"
    subnets = {
      public-a = { cidr = "10.20.128.0/24", zone = "eu-west-1a", public = true }
    }
  }
}

run "refuses_a_subnet_outside_the_vpc" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = { private-a = { cidr = "10.21.0.0/24", zone = "eu-west-1a" } }
  }
}

run "refuses_overlapping_subnets" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = {
      private-a = { cidr = "10.20.0.0/19", zone = "eu-west-1a" }
      private-b = { cidr = "10.20.16.0/24", zone = "eu-west-1b" }
    }
  }
}

run "refuses_a_zone_of_another_region" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = { private-a = { cidr = "10.20.0.0/24", zone = "eu-west-2a" } }
  }
}

run "refuses_nat_in_a_private_subnet" {
  command         = plan
  expect_failures = [var.nat_gateways]

  variables {
    nat_gateways = { nat-a = { subnet = "private-a" } }
  }
}

run "refuses_an_unknown_nat_gateway" {
  command         = plan
  expect_failures = [var.nat_gateways]

  variables {
    subnets = { private-a = { cidr = "10.20.0.0/24", zone = "eu-west-1a", nat_gateway = "nat-z" } }
  }
}

run "refuses_an_endpoint_that_costs" {
  command         = plan
  expect_failures = [var.gateway_endpoints]

  variables {
    gateway_endpoints = ["ec2"]
  }
}

run "refuses_a_bad_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Acme_Test"
  }
}

run "allows_only_what_its_rules_say" {
  command = apply

  variables {
    security_groups = {
      clients = {
        description = "May use the service."
        egress      = { service = { port = 443, security_group = "service" } }
      }
      service = {
        description = "The service."
        ingress = {
          clients = { port = 443, security_group = "clients" }
          office  = { port = 8000, to_port = 8010, cidr = "192.0.2.0/24" }
        }
      }
    }
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.main) == ["service/clients", "service/office"] && keys(aws_vpc_security_group_egress_rule.main) == ["clients/service"]
    error_message = "There must be one rule for each that is given, and no other."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.main["service/clients"].referenced_security_group_id == aws_security_group.main["clients"].id
      && aws_vpc_security_group_ingress_rule.main["service/clients"].to_port == 443
      && aws_vpc_security_group_ingress_rule.main["service/office"].cidr_ipv4 == "192.0.2.0/24"
      && aws_vpc_security_group_ingress_rule.main["service/office"].to_port == 8010
    )
    error_message = "A rule must name its other side and its ports."
  }

  assert {
    condition     = keys(output.security_group_ids) == ["clients", "service"]
    error_message = "The groups' ids must be an output."
  }
}

run "refuses_a_rule_without_another_side" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = { service = { description = "The service.", ingress = { all = { port = 443 } } } }
  }
}

run "refuses_a_rule_with_two_other_sides" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = {
      service = { description = "The service.", ingress = { both = { port = 443, cidr = "10.0.0.0/8", security_group = "service" } } }
    }
  }
}

run "refuses_an_unknown_security_group" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = { service = { description = "The service.", egress = { peer = { port = 443, security_group = "other" } } } }
  }
}

run "refuses_to_open_a_port_to_everywhere" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = { service = { description = "The service.", ingress = { ssh = { port = 22, cidr = "0.0.0.0/0" } } } }
  }
}

run "refuses_ports_in_the_wrong_order" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = { service = { description = "The service.", egress = { web = { port = 443, to_port = 80, cidr = "0.0.0.0/0" } } } }
  }
}

run "refuses_a_bad_security_group_name" {
  command         = plan
  expect_failures = [var.security_groups]

  variables {
    security_groups = { "sg-service" = { description = "The service." } }
  }
}
