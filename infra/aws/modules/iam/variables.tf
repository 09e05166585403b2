variable "access" {
  description = "Buckets that the role may use, keyed by a name of ours: `read`, or `write` (which includes reading), below the given key prefixes only; `kms_key_arn` when a KMS key encrypts the objects."
  type = map(object({
    bucket_arn  = string
    kms_key_arn = optional(string)
    level       = optional(string, "read")
    prefixes    = optional(set(string), [""])
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for name in keys(var.access) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "Names of accesses must be lower-case letters, digits and hyphens, a letter first, at most 63."
  }

  validation {
    condition     = alltrue([for access in var.access : can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", access.bucket_arn))])
    error_message = "`bucket_arn` must be the ARN of one bucket, such as arn:aws:s3:::acme-dev-data, without wildcards."
  }

  validation {
    condition     = alltrue([for access in var.access : contains(["read", "write"], access.level)])
    error_message = "`level` must be read or write."
  }

  validation {
    condition = alltrue(flatten([
      for access in var.access : [
        for prefix in access.prefixes : prefix == "" || can(regex("^[^*?$/][^*?$]*/$", prefix))
      ]
    ]))
    error_message = "A prefix must be empty (the whole bucket) or end in a slash, and hold no *, ? or $: without the slash `data` would also open `database/`."
  }

  validation {
    condition     = alltrue([for access in var.access : length(access.prefixes) > 0])
    error_message = "At least one prefix is needed; the empty one means the whole bucket."
  }

  validation {
    condition = alltrue([
      for access in var.access : access.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", access.kms_key_arn))
    ])
    error_message = "`kms_key_arn` must be the full ARN of one key, without wildcards."
  }
}

variable "description" {
  description = "What the role is for, shown in the console."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.description) >= 1 && length(var.description) <= 1000
    error_message = "The description must have 1 to 1000 characters."
  }
}

variable "labels" {
  description = "Labels (tags in AWS) that the role carries."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "max_session_seconds" {
  description = "Longest session of the role, in seconds."
  type        = number
  nullable    = false
  default     = 3600

  validation {
    condition     = var.max_session_seconds >= 3600 && var.max_session_seconds <= 43200
    error_message = "AWS takes 3600 to 43200 seconds (one to twelve hours)."
  }
}

variable "name" {
  description = "Name of the role, unique in the account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "The name must have 1 to 64 characters: letters, digits and +=,.@_-."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds what the role can ever do; empty means none."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "The boundary must be the ARN of a managed policy, or empty."
  }
}

variable "trust" {
  description = "Who may assume the role, keyed by statement id: principals by type (AWS, Federated, Service), STS actions, and conditions as operator → key → values."
  type = map(object({
    actions    = optional(set(string), ["sts:AssumeRole"])
    conditions = optional(map(map(set(string))), {})
    principals = map(set(string))
  }))
  nullable = false

  validation {
    condition     = length(var.trust) > 0
    error_message = "At least one statement is needed: a role that nobody may assume is of no use."
  }

  validation {
    condition     = alltrue([for id in keys(var.trust) : can(regex("^[A-Za-z0-9]+$", id))])
    error_message = "Statement ids must be letters and digits."
  }

  validation {
    condition = alltrue([
      for statement in var.trust : length(statement.principals) > 0 && alltrue([
        for type in keys(statement.principals) : contains(["AWS", "Federated", "Service"], type)
      ])
    ])
    error_message = "Principals must be given by type: AWS, Federated or Service."
  }

  validation {
    condition = alltrue(flatten([
      for statement in var.trust : [
        for members in values(statement.principals) : length(members) > 0 && alltrue([for member in members : !strcontains(member, "*")])
      ]
    ]))
    error_message = "Principals must be named one by one, without wildcards."
  }

  validation {
    condition = alltrue([
      for statement in var.trust : length(statement.actions) > 0 && alltrue([
        for action in statement.actions : contains(["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"], action)
      ])
    ])
    error_message = "Actions must be of sts:AssumeRole, sts:AssumeRoleWithWebIdentity, sts:SetSourceIdentity, sts:TagSession."
  }

  validation {
    condition = alltrue([
      for statement in var.trust : !contains(keys(statement.principals), "Federated") || length(statement.conditions) > 0
    ])
    error_message = "A federated principal needs conditions (audience and subject): without them every identity of the provider may assume the role."
  }
}
