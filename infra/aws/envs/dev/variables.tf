variable "account_id" {
  description = "Id of the AWS account that everything is made in; the provider refuses credentials of any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account id must have 12 digits."
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

variable "force_destroy" {
  description = "Whether destroying this environment also deletes the objects in its buckets. Dev can be lost, so it is on."
  type        = bool
  nullable    = false
  default     = true
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
