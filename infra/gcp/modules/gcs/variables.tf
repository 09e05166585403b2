variable "force_destroy" {
  description = "Whether destroying the bucket also deletes every object and version in it. Only for environments that can be lost."
  type        = bool
  nullable    = false
  default     = false
}

variable "kms_key_name" {
  description = "Name of the Cloud KMS key that encrypts objects; empty means the key that Google manages."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.kms_key_name == "" || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key_name))
    error_message = "The key must be given by its full name, projects/…/locations/…/keyRings/…/cryptoKeys/…, without a version, or be empty."
  }
}

variable "labels" {
  description = "Labels that the bucket carries."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "location" {
  description = "Where objects lie: a region, or a name of several, such as EU. It cannot be changed later without replacing the bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]{1,2}|ASIA|EU|US|[A-Z]{3,4}[0-9])$", var.location))
    error_message = "The location must be a region in lower case, such as europe-west1, or a multi-region or dual-region in upper case, such as EU."
  }
}

variable "name" {
  description = "Name of the bucket, unique in all of Google Cloud."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name)) && !can(regex("^goog|google", var.name))
    error_message = "The name must have 3 to 63 characters: lower-case letters, digits and hyphens, a letter or digit first and last; it may not begin with goog or contain google."
  }
}

variable "retention" {
  description = "Days after which unfinished uploads are aborted, noncurrent versions deleted, and (by prefix, keyed by rule name) current objects expired; and for how many days what was deleted can be restored (0, or 7 to 90)."
  type = object({
    abort_upload_days = optional(number, 7)
    expire = optional(map(object({
      days   = number
      prefix = string
    })), {})
    noncurrent_days  = optional(number, 90)
    soft_delete_days = optional(number, 7)
  })
  nullable = false
  default  = {}

  validation {
    condition = alltrue([
      for days in concat(
        [var.retention.abort_upload_days, var.retention.noncurrent_days],
        [for rule in var.retention.expire : rule.days],
      ) : days >= 1 && floor(days) == days
    ])
    error_message = "Days must be whole numbers of at least 1."
  }

  validation {
    condition     = var.retention.soft_delete_days == 0 || (var.retention.soft_delete_days >= 7 && var.retention.soft_delete_days <= 90)
    error_message = "What was deleted can be restored for 7 to 90 days, or not at all (0)."
  }

  validation {
    condition     = alltrue([for rule in var.retention.expire : rule.prefix != ""])
    error_message = "An expiry rule must name a prefix: the whole bucket is never expired."
  }
}
