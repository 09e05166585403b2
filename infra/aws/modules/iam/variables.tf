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

variable "github" {
  description = "GitHub Actions workflows that may assume the role, keyed by statement id: of one repository (owner/name), in the named environments, on the named branches, or for pull requests from the repository itself. The account's OIDC provider for GitHub is given by `provider_arn`, or made here with `create_provider`."
  type = object({
    create_provider = optional(bool, false)
    provider_arn    = optional(string, "")
    workflows = optional(map(object({
      branches      = optional(set(string), [])
      environments  = optional(set(string), [])
      pull_requests = optional(bool, false)
      repository    = string
    })), {})
  })
  nullable = false
  default  = {}

  validation {
    condition = alltrue([
      for id, workflows in var.github.workflows : can(regex("^[A-Za-z0-9]+$", id)) && can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", workflows.repository))
    ])
    error_message = "Statement ids must be letters and digits, and the repository owner/name, without wildcards."
  }

  validation {
    condition = alltrue([
      for workflows in var.github.workflows :
      workflows.pull_requests || length(workflows.branches) + length(workflows.environments) > 0
    ])
    error_message = "Workflows need an environment, a branch or pull requests: without them every job of the repository could assume the role."
  }

  validation {
    condition = alltrue(flatten([
      for workflows in var.github.workflows : [
        for name in setunion(workflows.branches, workflows.environments) : can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]*$", name))
      ]
    ]))
    error_message = "Branches and environments must be named one by one: letters, digits and ._/-, without wildcards."
  }

  validation {
    condition     = length(var.github.workflows) == 0 || var.github.create_provider != (var.github.provider_arn != "")
    error_message = "Workflows need the ARN of the account's OIDC provider for GitHub, or `create_provider` without it."
  }

  validation {
    condition     = var.github.provider_arn == "" || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.github.provider_arn))
    error_message = "The provider must be the one for token.actions.githubusercontent.com, given by ARN."
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

variable "service_accounts" {
  description = "Kubernetes service accounts whose pods may assume the role (IRSA), keyed by statement id: names in one namespace of the cluster whose OIDC issuer and provider are given."
  type = map(object({
    issuer       = string
    names        = set(string)
    namespace    = string
    provider_arn = string
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for id in keys(var.service_accounts) : can(regex("^[A-Za-z0-9]+$", id))])
    error_message = "Statement ids must be letters and digits."
  }

  validation {
    condition = alltrue(flatten([
      for account in var.service_accounts : length(account.names) > 0 && alltrue([
        for name in setunion(account.names, [account.namespace]) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))
      ])
    ]))
    error_message = "Namespace and service accounts must be Kubernetes names, at least one account each: 1 to 63 lower-case letters, digits and hyphens, no wildcards."
  }

  validation {
    condition     = alltrue([for account in var.service_accounts : can(regex("^https://[a-z0-9.-]+(/[A-Za-z0-9/_-]+)?$", account.issuer))])
    error_message = "The issuer must be an https URL without a query."
  }
}

variable "statements" {
  description = "What else the role may do, keyed by statement id: actions spelled out, resources by ARN (or `*`, for describing and listing, or with conditions), and conditions as operator → key → values."
  type = map(object({
    actions    = set(string)
    conditions = optional(map(map(set(string))), {})
    resources  = set(string)
  }))
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for id in keys(var.statements) : can(regex("^[A-Za-z0-9]+$", id))])
    error_message = "Statement ids must be letters and digits."
  }

  validation {
    condition = alltrue([
      for statement in var.statements : length(statement.actions) > 0 && alltrue([
        for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))
      ])
    ])
    error_message = "Actions must be spelled out, such as eks:DescribeCluster, without wildcards."
  }

  validation {
    condition = alltrue([
      for statement in var.statements : length(statement.resources) > 0 && alltrue([
        for resource in statement.resources : resource == "*" || can(regex("^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|aws)?:[^*?$]", resource))
      ])
    ])
    error_message = "A resource must be an ARN whose service, region and account are named, or *."
  }

  validation {
    condition = alltrue([
      for statement in var.statements :
      !contains(statement.resources, "*") || length(statement.conditions) > 0 || alltrue([
        for action in statement.actions : can(regex("^[a-z0-9-]+:(Describe|List)[A-Za-z]*$", action)) || action == "ecr:GetAuthorizationToken"
      ])
    ])
    error_message = "Without conditions, * is for describing and listing only."
  }
}

variable "trust" {
  description = "Who else may assume the role, keyed by statement id: principals by type (AWS, Federated, Service), STS actions, and conditions as operator → key → values."
  type = map(object({
    actions    = optional(set(string), ["sts:AssumeRole"])
    conditions = optional(map(map(set(string))), {})
    principals = map(set(string))
  }))
  nullable = false
  default  = {}

  validation {
    condition     = length(var.trust) + length(var.github.workflows) + length(var.service_accounts) > 0
    error_message = "Somebody must be trusted, here, in `github` or in `service_accounts`: a role that nobody may assume is of no use."
  }

  validation {
    condition = length(distinct(concat(keys(var.trust), keys(var.github.workflows), keys(var.service_accounts)))) == (
      length(var.trust) + length(var.github.workflows) + length(var.service_accounts)
    )
    error_message = "Statement ids must differ between `trust`, `github` and `service_accounts`."
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
