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
}

variable "account_id" {
  description = "Id of the AWS account that everything is made in; the provider refuses credentials of any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account id must have 12 digits."
  }
}

variable "argo_cd" {
  description = "The service accounts of Argo CD that may use its role, the ECR repositories of charts that it may pull, and the roles that it may take to deploy to other clusters."
  type = object({
    chart_repository_arns = optional(set(string), [])
    deploy_role_arns      = optional(set(string), [])
    namespace             = optional(string, "argocd")
    service_accounts      = optional(set(string), ["argocd-application-controller", "argocd-repo-server", "argocd-server"])
  })
  nullable = false
  default  = {}

  validation {
    condition     = alltrue([for arn in var.argo_cd.chart_repository_arns : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[^*?]+$", arn))])
    error_message = "Chart repositories must be ARNs of ECR repositories, without wildcards."
  }

  validation {
    condition     = alltrue([for arn in var.argo_cd.deploy_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "Roles must be given by ARN, without wildcards."
  }
}

variable "authentication_mode" {
  description = "Where the cluster looks up who may use its API: `API` (access entries alone), `API_AND_CONFIG_MAP` for clusters on their way there. Empty leaves it to the service and allows no entries: for emulators that have none."
  type        = string
  nullable    = false
  default     = "API"
}

variable "ci" {
  description = "The GitHub repository (owner/name) whose workflows plan and apply this environment, and from where; empty means no roles for it. Pull requests plan, the protected environment applies, unless said otherwise. `provider_arn` is the account's OIDC provider for GitHub where there is one already, `state` the object that the state is kept in."
  type = object({
    apply = optional(object({
      branches     = optional(set(string), [])
      environments = optional(set(string), ["dev"])
    }), {})
    plan = optional(object({
      branches      = optional(set(string), [])
      environments  = optional(set(string), [])
      pull_requests = optional(bool, true)
    }), {})
    provider_arn = optional(string, "")
    repository   = optional(string, "")
    state = optional(object({
      bucket      = optional(string, "")
      key         = optional(string, "dev/terraform.tfstate")
      kms_key_arn = optional(string, "")
    }), {})
  })
  nullable = false
  default  = {}

  validation {
    condition     = var.ci.repository == "" || can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.ci.repository))
    error_message = "The repository must be owner/name, without wildcards."
  }

  validation {
    condition     = !strcontains("${var.ci.state.bucket}${var.ci.state.key}${var.ci.state.kms_key_arn}", "*")
    error_message = "Bucket, key and KMS key of the state must be named, without wildcards."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC, /16 to /20. It cannot be changed later without replacing the VPC."
  type        = string
  nullable    = false
  default     = "10.20.0.0/16"

  validation {
    condition = try(
      cidrsubnet(var.cidr, 0, 0) == var.cidr
      && tonumber(split("/", var.cidr)[1]) >= 16
      && tonumber(split("/", var.cidr)[1]) <= 20,
      false
    )
    error_message = "The range must be an IPv4 network address from /16 to /20, such as 10.20.0.0/16 (host bits zero)."
  }
}

variable "creator_is_admin" {
  description = "Whether the role that makes the cluster stays its administrator. In dev it is the way in until there are access entries. Cannot be changed later without replacing the cluster."
  type        = bool
  nullable    = false
  default     = true
}

variable "endpoint" {
  description = "Ways to the cluster's API: from inside the VPC, and over the internet from the given IPv4 ranges; without ranges the public endpoint is off."
  type = object({
    private      = optional(bool, true)
    public_cidrs = optional(set(string), [])
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

variable "kubernetes_version" {
  description = "Kubernetes version of control plane and nodes. It goes up one minor version at a time, and never down."
  type        = string
  nullable    = false
  default     = "1.34"
}

variable "labels" {
  description = "Labels (tags in AWS) that every resource carries, besides environment, managed-by and stack, which are set here."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.labels) : !contains(["environment", "managed-by", "stack"], key) && !startswith(lower(key), "aws:")])
    error_message = "The labels environment, managed-by, stack and those that begin with aws: are not free."
  }
}

variable "launch_templates" {
  description = "Whether nodes start from launch templates, which encrypt their disks and keep pods from their metadata. Off is for emulators only."
  type        = bool
  nullable    = false
  default     = true
}

variable "name" {
  description = "Prefix of the names of everything in this environment."
  type        = string
  nullable    = false
  default     = "datamcp-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }
}

variable "nat_gateway" {
  description = "Whether the private subnets reach the internet, by one NAT gateway in the first zone. Nodes need a way to pull images and to join; it costs money by the hour."
  type        = bool
  nullable    = false
  default     = true
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
  default = {
    main = { instance_types = ["t3.large"], max_size = 4, min_size = 2 }
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds what the roles of this environment can ever do; empty means none."
  type        = string
  nullable    = false
  default     = ""
}

variable "region" {
  description = "Region that everything is made in, such as eu-west-1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must look like eu-west-1."
  }
}

variable "retention" {
  description = "How long the data bucket keeps things: days until unfinished uploads are aborted and noncurrent versions deleted."
  type = object({
    abort_upload_days = optional(number, 7)
    noncurrent_days   = optional(number, 30)
  })
  nullable = false
  default  = {}
}

variable "s3_use_path_style" {
  description = "Whether buckets are addressed by path instead of host name. For emulators only; AWS itself wants host names."
  type        = bool
  nullable    = false
  default     = false
}

variable "workload" {
  description = "The Kubernetes service account whose pods may use the role of the data application."
  type = object({
    namespace       = optional(string, "example-data-app")
    service_account = optional(string, "example-data-app")
  })
  nullable = false
  default  = {}

  validation {
    condition = alltrue([
      for name in [var.workload.namespace, var.workload.service_account] :
      can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))
    ])
    error_message = "Namespace and service account must be Kubernetes names: 1 to 63 lower-case letters, digits and hyphens."
  }
}

variable "zones" {
  description = "Availability zones by letter, each with its slot (0 to 3) in the address plan. A slot once used stays with its zone: another slot means new subnets."
  type        = map(number)
  nullable    = false
  default     = { a = 0, b = 1 }

  validation {
    condition     = length(var.zones) >= 2 && alltrue([for letter in keys(var.zones) : can(regex("^[a-z]$", letter))])
    error_message = "At least two zones are needed, each given by its letter."
  }

  validation {
    condition = (
      alltrue([for slot in values(var.zones) : contains([0, 1, 2, 3], slot)])
      && length(distinct(values(var.zones))) == length(var.zones)
    )
    error_message = "Slots must be 0, 1, 2 or 3, each used once."
  }
}
