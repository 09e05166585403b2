variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the cluster. Off only for environments that can be lost."
  type        = bool
  nullable    = false
  default     = true
}

variable "endpoint" {
  description = "Ways to the cluster's API: by its DNS name (IAM decides who comes in, from anywhere), by its addresses inside the network, and over the internet from the given IPv4 ranges, keyed by a name of ours; without ranges there is no public address."
  type = object({
    dns          = optional(bool, true)
    ip           = optional(bool, true)
    public_cidrs = optional(map(string), {})
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.endpoint.dns || var.endpoint.ip
    error_message = "There must be a way to the cluster's API."
  }

  validation {
    condition     = alltrue([for cidr in var.endpoint.public_cidrs : can(cidrnetmask(cidr)) && !endswith(cidr, "/0")])
    error_message = "Ranges must be IPv4 ranges, and not the whole internet."
  }

  validation {
    condition     = var.endpoint.ip || length(var.endpoint.public_cidrs) == 0
    error_message = "Without addresses of the API nobody comes in by ranges."
  }
}

variable "kms_key_name" {
  description = "Name of the Cloud KMS key that encrypts the cluster's secrets; empty means the key that Google manages."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.kms_key_name == "" || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key_name))
    error_message = "The key must be given by its full name, projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version, or be empty."
  }
}

variable "labels" {
  description = "Labels that the cluster and its nodes carry."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "location" {
  description = "Where the cluster is: a region (its control plane is in three zones) or a zone."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}(-[a-z])?$", var.location))
    error_message = "The location must be a region or a zone, such as europe-west1 or europe-west1-b."
  }
}

variable "mode" {
  description = "`standard`: node pools of one's own; `autopilot`: Google makes the nodes that the pods need. It cannot be changed later without replacing the cluster."
  type        = string
  nullable    = false
  default     = "standard"

  validation {
    condition     = contains(["standard", "autopilot"], var.mode)
    error_message = "The mode must be standard or autopilot."
  }
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "The name must have 1 to 40 characters: lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
  }
}

variable "network_id" {
  description = "Network of the cluster."
  type        = string
  nullable    = false
}

variable "node_pools" {
  description = "Node pools of a standard cluster, keyed by name: machine type, spot or not, disk, sizes over all zones, labels of the Kubernetes nodes, and taints keyed by taint key."
  type = map(object({
    disk_gib     = optional(number, 50)
    disk_type    = optional(string, "pd-balanced")
    machine_type = string
    max_size     = number
    min_size     = number
    node_labels  = optional(map(string), {})
    spot         = optional(bool, false)
    taints = optional(map(object({
      effect = string
      value  = optional(string, "")
    })), {})
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for pool in var.node_pools : pool.min_size >= 0 && pool.max_size >= max(pool.min_size, 1)])
    error_message = "A pool's largest size must be at least 1 and not below its smallest."
  }

  validation {
    condition     = alltrue(flatten([for pool in var.node_pools : [for taint in pool.taints : contains(["NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"], taint.effect)]]))
    error_message = "Taints must have the effect NO_SCHEDULE, PREFER_NO_SCHEDULE or NO_EXECUTE."
  }
}

variable "node_service_account" {
  description = "Address of the service account of the nodes; empty is for Autopilot alone. Never the default account of Compute Engine, which may edit the project."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = !endswith(var.node_service_account, "-compute@developer.gserviceaccount.com")
    error_message = "The default account of Compute Engine may edit the whole project: give the nodes one of their own."
  }
}

variable "project_id" {
  description = "Project of the cluster."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The project must be given by its id, not by its number or its name."
  }
}

variable "ranges" {
  description = "Names of the subnet's secondary ranges that pods and services take their addresses from."
  type = object({
    pods     = string
    services = string
  })
  nullable = false
}

variable "release_channel" {
  description = "How soon the cluster is given new versions of Kubernetes: RAPID, REGULAR, STABLE or EXTENDED. Versions follow from the channel."
  type        = string
  nullable    = false
  default     = "REGULAR"

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "The channel must be RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "subnet_id" {
  description = "Subnet of the cluster's nodes."
  type        = string
  nullable    = false
}
