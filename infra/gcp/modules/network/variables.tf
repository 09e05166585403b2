variable "flow_logs" {
  description = "Flow logs of every subnet: which share of the flows is sampled (0 to 1; 0 turns them off), and over which time they are joined."
  type = object({
    interval = optional(string, "INTERVAL_10_MIN")
    sampling = optional(number, 0.5)
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.flow_logs.sampling >= 0 && var.flow_logs.sampling <= 1
    error_message = "The sampled share must be between 0 and 1."
  }

  validation {
    condition     = contains(["INTERVAL_5_SEC", "INTERVAL_30_SEC", "INTERVAL_1_MIN", "INTERVAL_5_MIN", "INTERVAL_10_MIN", "INTERVAL_15_MIN"], var.flow_logs.interval)
    error_message = "The interval must be one of those that Google knows, from INTERVAL_5_SEC to INTERVAL_15_MIN."
  }
}

variable "name" {
  description = "Name of the network, and prefix of the names in it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "The name must have 1 to 40 characters: lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
  }
}

variable "nat" {
  description = "Whether machines without an address of their own reach the internet, by Cloud NAT."
  type        = bool
  nullable    = false
  default     = true
}

variable "region" {
  description = "Region of the subnets, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "The region must be the name of a region, not of a zone, such as europe-west1."
  }
}

variable "subnets" {
  description = "Subnets keyed by name, each with its IPv4 range and secondary ranges keyed by name (a cluster takes its pods and services from them)."
  type = map(object({
    cidr            = string
    secondary_cidrs = optional(map(string), {})
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.subnets) : can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", name))])
    error_message = "Names of subnets must have 1 to 20 characters: lower-case letters, digits and hyphens, beginning with a letter."
  }

  validation {
    condition = alltrue(flatten([
      for subnet in var.subnets : [for cidr in concat([subnet.cidr], values(subnet.secondary_cidrs)) : try(cidrsubnet(cidr, 0, 0) == cidr, false)]
    ]))
    error_message = "Ranges must be IPv4 ranges that begin at their own first address, such as 10.30.0.0/20."
  }
}
