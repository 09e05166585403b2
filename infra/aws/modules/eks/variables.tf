variable "access_entries" {
  description = "Who may use the cluster's API, keyed by a name of ours: one role or user, EKS access policies by name, each for the whole cluster or for the given namespaces only, and Kubernetes groups."
  type = map(object({
    groups = optional(set(string), [])
    policies = optional(map(object({
      namespaces = optional(set(string), [])
    })), {})
    principal_arn = string
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for name in keys(var.access_entries) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "Names of entries must be lower-case letters, digits and hyphens, a letter first, at most 63."
  }

  validation {
    condition     = alltrue([for entry in var.access_entries : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*]+$", entry.principal_arn))])
    error_message = "`principal_arn` must be the ARN of one role or user, without wildcards."
  }

  validation {
    condition = alltrue(flatten([
      for entry in var.access_entries : [for policy in keys(entry.policies) : can(regex("^AmazonEKS[A-Za-z0-9]+Policy$", policy))]
    ]))
    error_message = "Policies must be names of EKS access policies, such as AmazonEKSViewPolicy."
  }

  validation {
    condition     = alltrue(flatten([for entry in var.access_entries : [for group in entry.groups : !startswith(group, "system:")]]))
    error_message = "Kubernetes keeps groups that begin with system: for itself."
  }

  validation {
    condition     = var.authentication_mode != "" || length(var.access_entries) == 0
    error_message = "Access entries need an authentication mode."
  }
}

variable "authentication_mode" {
  description = "Where the cluster looks up who may use its API: `API` (access entries alone), `API_AND_CONFIG_MAP` for clusters on their way there. Empty leaves it to the service and allows no entries: for emulators that have none."
  type        = string
  nullable    = false
  default     = "API"

  validation {
    condition     = contains(["", "API", "API_AND_CONFIG_MAP"], var.authentication_mode)
    error_message = "The mode must be API or API_AND_CONFIG_MAP, or empty."
  }
}

variable "client_security_group_ids" {
  description = "Security groups whose members may use the private endpoint, besides the nodes, keyed by a name of ours."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for id in values(var.client_security_group_ids) : startswith(id, "sg-")])
    error_message = "Security groups must be given by id, such as sg-0123456789abcdef0."
  }
}

variable "creator_is_admin" {
  description = "Whether the role that makes the cluster stays its administrator. Cannot be changed later without replacing the cluster."
  type        = bool
  nullable    = false
  default     = false
}

variable "endpoint" {
  description = "Ways to the cluster's API: from inside the VPC, and over the internet from the given IPv4 ranges; without ranges the public endpoint is off."
  type = object({
    private      = optional(bool, true)
    public_cidrs = optional(set(string), [])
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.endpoint.private || length(var.endpoint.public_cidrs) > 0
    error_message = "At least one way must be open."
  }

  validation {
    condition = alltrue([
      for cidr in var.endpoint.public_cidrs : try(cidrsubnet(cidr, 0, 0) == cidr && strcontains(cidr, ".") && tonumber(split("/", cidr)[1]) >= 8, false)
    ])
    error_message = "Public ranges must be IPv4 network addresses of /8 or smaller, such as 192.0.2.0/24: the API is never open to everywhere."
  }
}

variable "irsa_roles" {
  description = "Roles for pods, keyed by the end of the role's name: the one service account that may assume it, with `access` to buckets and `statements` as in module iam."
  type = map(object({
    access = optional(map(object({
      bucket_arn  = string
      kms_key_arn = optional(string)
      level       = optional(string, "read")
      prefixes    = optional(set(string), [""])
    })), {})
    namespace       = string
    service_account = string
    statements = optional(map(object({
      actions    = set(string)
      conditions = optional(map(map(set(string))), {})
      resources  = set(string)
    })), {})
  }))
  nullable = false
  default  = {}

  validation {
    condition = alltrue([
      for name in keys(var.irsa_roles) : can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", name)) && !contains(["cluster", "nodes"], name)
    ])
    error_message = "Names must have 2 to 22 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last; cluster and nodes are taken."
  }

  validation {
    condition = alltrue(flatten([
      for role in var.irsa_roles : [
        for name in [role.namespace, role.service_account] : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))
      ]
    ]))
    error_message = "Namespace and service account must be Kubernetes names: 1 to 63 lower-case letters, digits and hyphens, no wildcards."
  }
}

variable "kubernetes_version" {
  description = "Kubernetes version of control plane and nodes. It goes up one minor version at a time, and never down."
  type        = string
  nullable    = false
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.(29|[3-9][0-9])$", var.kubernetes_version))
    error_message = "The version must be a minor version from 1.29 on, such as 1.34."
  }
}

variable "labels" {
  description = "Labels (tags in AWS) that every resource of this module carries."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "launch_templates" {
  description = "Whether nodes start from launch templates, which encrypt their disks and keep pods from their metadata. Off is for emulators only."
  type        = bool
  nullable    = false
  default     = true
}

variable "logs" {
  description = "Control plane logs: which are written, for how many days CloudWatch keeps them, and the KMS key that encrypts them (empty means the key that CloudWatch manages)."
  type = object({
    kms_key_arn    = optional(string, "")
    retention_days = optional(number, 90)
    types          = optional(set(string), ["api", "audit", "authenticator", "controllerManager", "scheduler"])
  })
  nullable = false
  default  = {}

  validation {
    condition     = length(setsubtract(var.logs.types, ["api", "audit", "authenticator", "controllerManager", "scheduler"])) == 0
    error_message = "Types must be of api, audit, authenticator, controllerManager, scheduler."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days)
    error_message = "CloudWatch takes 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }

  validation {
    condition     = var.logs.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.logs.kms_key_arn))
    error_message = "The key must be given by its full ARN, or be empty."
  }
}

variable "name" {
  description = "Name of the cluster and prefix of the names of its roles and groups."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }
}

variable "node_groups" {
  description = "Managed node groups keyed by name: image and instance types, on demand or spot, disk, sizes (it starts with the smallest; an autoscaler may change it in between), labels of the Kubernetes nodes, and taints keyed by taint key."
  type = map(object({
    ami_type       = optional(string, "AL2023_x86_64_STANDARD")
    capacity_type  = optional(string, "ON_DEMAND")
    disk_gib       = optional(number, 50)
    instance_types = list(string)
    max_size       = number
    min_size       = number
    node_labels    = optional(map(string), {})
    taints = optional(map(object({
      effect = string
      value  = optional(string)
    })), {})
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.node_groups) : can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", name))])
    error_message = "Names must have 2 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : can(regex("^(AL2023|BOTTLEROCKET)_(ARM_64|x86_64)(_[A-Z0-9]+)?$", group.ami_type))])
    error_message = "The image must be of Amazon Linux 2023 or Bottlerocket, such as AL2023_ARM_64_STANDARD."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : contains(["ON_DEMAND", "SPOT"], group.capacity_type)])
    error_message = "`capacity_type` must be ON_DEMAND or SPOT."
  }

  validation {
    condition = alltrue([
      for group in var.node_groups : length(group.instance_types) > 0 && alltrue([
        for type in group.instance_types : can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", type))
      ])
    ])
    error_message = "Instance types must be given, such as m7i.large."
  }

  validation {
    condition = alltrue([
      for group in var.node_groups : alltrue([for number in [group.disk_gib, group.max_size, group.min_size] : floor(number) == number])
      && group.min_size >= 0 && group.max_size >= 1 && group.max_size >= group.min_size && group.disk_gib >= 20
    ])
    error_message = "Sizes must be whole numbers, 0 <= min_size <= max_size, at least 1 node at most; a disk has 20 GiB or more."
  }

  validation {
    condition = alltrue(flatten([
      for group in var.node_groups : [
        for taint in group.taints : contains(["NO_EXECUTE", "NO_SCHEDULE", "PREFER_NO_SCHEDULE"], taint.effect)
      ]
    ]))
    error_message = "The effect of a taint must be NO_EXECUTE, NO_SCHEDULE or PREFER_NO_SCHEDULE."
  }
}

variable "partition" {
  description = "AWS partition of the account, part of the ARNs of AWS's own policies."
  type        = string
  nullable    = false
  default     = "aws"

  validation {
    condition     = contains(["aws", "aws-cn", "aws-us-gov"], var.partition)
    error_message = "The partition must be aws, aws-cn or aws-us-gov."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds what the roles made here can ever do; empty means none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "The boundary must be the ARN of a managed policy, or empty."
  }
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key that encrypts Kubernetes secrets; empty means the key that AWS owns. A key, once given, stays with the cluster."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.secrets_kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.secrets_kms_key_arn))
    error_message = "The key must be given by its full ARN, or be empty."
  }
}

variable "subnet_ids" {
  description = "Private subnets of nodes and control plane, keyed by subnet name, in two zones at least."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "EKS needs subnets in at least two zones."
  }
}

variable "vpc_id" {
  description = "Id of the VPC that the subnets are in."
  type        = string
  nullable    = false
}
