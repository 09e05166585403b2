variable "cidr" {
  description = "IPv4 range of the network, /12 to /18: half of it is for pods, a sixteenth each for nodes and services. It cannot be changed later without replacing the cluster."
  type        = string
  nullable    = false
  default     = "10.32.0.0/14"

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr && tonumber(split("/", var.cidr)[1]) >= 12 && tonumber(split("/", var.cidr)[1]) <= 18, false)
    error_message = "The range must be an IPv4 range of /12 to /18 that begins at its own first address."
  }
}

variable "cluster_location" {
  description = "Where the cluster is; empty means the region, a zone of it costs less."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.cluster_location == "" || startswith(var.cluster_location, var.region)
    error_message = "The location must be the region or a zone of it."
  }
}

variable "cluster_mode" {
  description = "`standard` or `autopilot`. It cannot be changed later without replacing the cluster."
  type        = string
  nullable    = false
  default     = "standard"

  validation {
    condition     = contains(["standard", "autopilot"], var.cluster_mode)
    error_message = "The mode must be standard or autopilot."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the cluster. Dev can be lost, so it is off."
  type        = bool
  nullable    = false
  default     = false
}

variable "endpoint" {
  description = "Ways to the cluster's API: by its DNS name, by its addresses inside the network, and over the internet from the given IPv4 ranges, keyed by a name of ours."
  type = object({
    dns          = optional(bool, true)
    ip           = optional(bool, true)
    public_cidrs = optional(map(string), {})
  })
  nullable = false
  default  = {}
}

variable "force_destroy" {
  description = "Whether destroying this environment also deletes the objects in its buckets. Dev can be lost, so it is on."
  type        = bool
  nullable    = false
  default     = true
}

variable "labels" {
  description = "Labels that every resource carries, besides environment, managed-by and stack, which are set here."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(setintersection(keys(var.labels), ["environment", "managed-by", "stack"])) == 0
    error_message = "environment, managed-by and stack are set here."
  }

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Google takes lower-case letters, digits, _ and - in labels, at most 63 of them."
  }
}

variable "name" {
  description = "Prefix of the names of everything in this environment."
  type        = string
  nullable    = false
  default     = "datamcp-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 23 characters: lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
  }
}

variable "nat" {
  description = "Whether the nodes reach the internet, by Cloud NAT. They pull images from Google's registries without it; it costs money by the hour."
  type        = bool
  nullable    = false
  default     = true
}

variable "node_pools" {
  description = "Node pools of a standard cluster, keyed by name: machine type, spot or not, disk, sizes over all zones, labels of the Kubernetes nodes, and taints keyed by taint key. Autopilot has none."
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
  default  = { main = { machine_type = "e2-standard-4", max_size = 4, min_size = 1 } }
}

variable "project_id" {
  description = "Id of the project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The project must be given by its id, not by its number or its name."
  }
}

variable "region" {
  description = "Region that everything is made in, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "The region must be the name of a region, not of a zone, such as europe-west1."
  }
}

variable "release_channel" {
  description = "How soon the cluster is given new versions of Kubernetes: RAPID, REGULAR, STABLE or EXTENDED."
  type        = string
  nullable    = false
  default     = "REGULAR"
}

variable "retention" {
  description = "How long the data bucket keeps things: days until unfinished uploads are aborted and noncurrent versions deleted, and for how many days what was deleted can be restored."
  type = object({
    abort_upload_days = optional(number, 7)
    noncurrent_days   = optional(number, 30)
    soft_delete_days  = optional(number, 7)
  })
  nullable = false
  default  = {}
}

variable "workload" {
  description = "The Kubernetes service account whose pods may act as the account of the data application."
  type = object({
    namespace       = optional(string, "example-data-app")
    service_account = optional(string, "example-data-app")
  })
  nullable = false
  default  = {}
}
