variable "cidr" {
  description = "IPv4 range of the VPC, /16 to /28. It cannot be changed later without replacing the VPC."
  type        = string
  nullable    = false

  validation {
    condition = (
      can(cidrnetmask(var.cidr))
      && try(cidrsubnet(var.cidr, 0, 0) == var.cidr, false)
    )
    error_message = "The range must be an IPv4 network address with prefix length, such as 10.20.0.0/16 (host bits zero)."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 28, false)
    error_message = "AWS takes VPC ranges from /16 to /28 only."
  }
}

variable "gateway_endpoints" {
  description = "Services that the subnets reach by a free gateway endpoint, without leaving the AWS network."
  type        = set(string)
  nullable    = false
  default     = ["s3"]

  validation {
    condition     = alltrue([for service in var.gateway_endpoints : contains(["dynamodb", "s3"], service)])
    error_message = "Gateway endpoints exist for dynamodb and s3 only."
  }
}

variable "labels" {
  description = "Labels (tags in AWS) that every resource of this module carries."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "name" {
  description = "Name of the VPC and prefix of the names of everything in it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }
}

variable "nat_gateways" {
  description = "NAT gateways keyed by name, each in the public subnet named by `subnet`. Each costs money by the hour; empty means that private subnets have no way to the internet."
  type = map(object({
    subnet = string
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for gateway in var.nat_gateways : try(var.subnets[gateway.subnet].public, false)])
    error_message = "Every NAT gateway must name a public subnet of `subnets`."
  }

  validation {
    condition = alltrue([
      for subnet in var.subnets : subnet.nat_gateway == null || (!subnet.public && contains(keys(var.nat_gateways), coalesce(subnet.nat_gateway, "-")))
    ])
    error_message = "`nat_gateway` of a subnet is for private ones and must be a key of `nat_gateways`."
  }
}

variable "region" {
  description = "Region of the VPC, such as eu-west-1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must look like eu-west-1."
  }
}

variable "security_groups" {
  description = "Security groups keyed by name. Rules are keyed by name too: a port (or a range up to `to_port`), and either an IPv4 range or another group of this map as the other side. What no rule allows is refused, in both directions."
  type = map(object({
    description = string
    egress = optional(map(object({
      cidr           = optional(string)
      port           = number
      protocol       = optional(string, "tcp")
      security_group = optional(string)
      to_port        = optional(number)
    })), {})
    ingress = optional(map(object({
      cidr           = optional(string)
      port           = number
      protocol       = optional(string, "tcp")
      security_group = optional(string)
      to_port        = optional(number)
    })), {})
  }))
  nullable = false
  default  = {}

  validation {
    condition = alltrue(flatten([
      for name, group in var.security_groups : [
        can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", name)) && !startswith(name, "sg-"),
        [for rule in concat(keys(group.egress), keys(group.ingress)) : can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", rule))],
      ]
    ]))
    error_message = "Names of groups and rules must have 2 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last; sg- is for AWS."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.security_groups : [
        for rule in concat(values(group.egress), values(group.ingress)) : (
          (rule.cidr == null) != (rule.security_group == null)
          && (rule.cidr == null || try(cidrsubnet(rule.cidr, 0, 0) == rule.cidr && strcontains(rule.cidr, "."), false))
          && (rule.security_group == null || contains(keys(var.security_groups), coalesce(rule.security_group, "-")))
        )
      ]
    ]))
    error_message = "A rule must have one other side: `cidr`, an IPv4 network address such as 10.20.0.0/16, or `security_group`, a key of this map."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.security_groups : [
        for rule in concat(values(group.egress), values(group.ingress)) : (
          contains(["tcp", "udp"], rule.protocol)
          && rule.port >= 1 && rule.port <= coalesce(rule.to_port, rule.port) && coalesce(rule.to_port, rule.port) <= 65535
        )
      ]
    ]))
    error_message = "A rule must name tcp or udp and ports from 1 to 65535, the lower one first."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.security_groups : [
        for rule in values(group.ingress) : try(!endswith(rule.cidr, "/0"), true) || (rule.port == 443 && coalesce(rule.to_port, 443) == 443)
      ]
    ]))
    error_message = "Only port 443 may be open to everywhere."
  }
}

variable "subnets" {
  description = "Subnets keyed by name: availability zone, range, whether the internet gateway is its default route, the NAT gateway (a key of `nat_gateways`) that is its default route when private, and labels of its own."
  type = map(object({
    cidr        = string
    labels      = optional(map(string), {})
    nat_gateway = optional(string)
    public      = optional(bool, false)
    zone        = string
  }))
  nullable = false

  validation {
    condition     = length(var.subnets) > 0
    error_message = "At least one subnet is needed."
  }

  validation {
    condition     = alltrue([for name in keys(var.subnets) : can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", name))])
    error_message = "Subnet names must have 2 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }

  validation {
    condition     = alltrue([for subnet in var.subnets : can(regex("^${var.region}[a-z]$", subnet.zone))])
    error_message = "Every zone must be one of the region: its name followed by one letter, such as eu-west-1a."
  }

  validation {
    condition = alltrue([for subnet in var.subnets : try(
      cidrsubnet(subnet.cidr, 0, 0) == subnet.cidr
      && tonumber(split("/", subnet.cidr)[1]) >= tonumber(split("/", var.cidr)[1])
      && tonumber(split("/", subnet.cidr)[1]) <= 28
      && cidrhost(format("%s/%s", cidrhost(subnet.cidr, 0), split("/", var.cidr)[1]), 0) == cidrhost(var.cidr, 0),
      false
    )])
    error_message = "Every subnet range must be a network address inside `cidr`, /28 or larger."
  }

  validation {
    condition = alltrue(flatten([
      for name, subnet in var.subnets : [
        for other, peer in var.subnets : try(
          name == other
          || cidrhost(format("%s/%s", cidrhost(subnet.cidr, 0), min(split("/", subnet.cidr)[1], split("/", peer.cidr)[1])), 0)
          != cidrhost(format("%s/%s", cidrhost(peer.cidr, 0), min(split("/", subnet.cidr)[1], split("/", peer.cidr)[1])), 0),
          true # a malformed range is reported above
        )
      ]
    ]))
    error_message = "Subnet ranges must not overlap."
  }
}
