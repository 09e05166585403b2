variable "access" {
  description = "Buckets that the account may use, keyed by a name of ours: `read` sees objects, `write` also makes, changes and deletes them."
  type = map(object({
    bucket = string
    level  = string
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for access in var.access : contains(["read", "write"], access.level)])
    error_message = "The level must be read or write."
  }
}

variable "display_name" {
  description = "What the account is for, in a few words."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.display_name) >= 1 && length(var.display_name) <= 100
    error_message = "It must have 1 to 100 characters."
  }
}

variable "name" {
  description = "Name of the service account: what its address begins with."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "The name must have 6 to 30 characters: lower-case letters, digits and hyphens, beginning with a letter, not ending with a hyphen."
  }
}

variable "project_id" {
  description = "Project of the account, in which it has its roles."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The project must be given by its id, not by its number or its name."
  }
}

variable "project_roles" {
  description = "Roles of the account in the whole project. None that lets it change who may do what."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for role in var.project_roles : can(regex("^(roles/|projects/[^/]+/roles/)[A-Za-z0-9._]+$", role))])
    error_message = "Roles must be given by name, such as roles/logging.logWriter."
  }

  validation {
    condition = alltrue([
      for role in var.project_roles :
      !contains(["roles/owner", "roles/editor", "roles/viewer"], role) && !can(regex("(?i)^roles/(iam\\.|resourcemanager\\.).*(admin|creator|user)$", role))
    ])
    error_message = "Basic roles, and roles that let the account act as others or change who may do what, are not given here."
  }
}

variable "service_accounts" {
  description = "Service accounts of Kubernetes that may act as this one, keyed by a name of ours: the cluster's workload pool, the namespace, and their names."
  type = map(object({
    names     = set(string)
    namespace = string
    pool      = string
  }))
  nullable = false
  default  = {}

  validation {
    condition = alltrue(flatten([
      for workload in var.service_accounts : [
        for name in concat([workload.namespace], tolist(workload.names)) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))
      ]
    ]))
    error_message = "Namespaces and service accounts must be given by name, without wildcards."
  }

  validation {
    condition     = alltrue([for workload in var.service_accounts : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]\\.svc\\.id\\.goog$", workload.pool))])
    error_message = "The workload pool must be PROJECT.svc.id.goog."
  }
}
