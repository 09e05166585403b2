variable "force_destroy" {
  description = "Whether destroying the bucket also deletes every object and version in it. Only for environments that can be lost."
  type        = bool
  nullable    = false
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts objects; empty means the key that S3 manages (SSE-S3)."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "The key must be given by the full ARN of a key (not of an alias), such as arn:aws:kms:eu-west-1:123456789012:key/…, or be empty."
  }
}

variable "labels" {
  description = "Labels (tags in AWS) that the bucket carries."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "name" {
  description = "Name of the bucket, unique in the whole AWS partition."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 63 characters: lower-case letters, digits and hyphens, a letter or digit first and last; dots break TLS for virtual hosts."
  }

  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|--x-s3|--table-s3)$", var.name))
    error_message = "The name uses a prefix or suffix that S3 keeps for itself."
  }
}

variable "retention" {
  description = "Days after which unfinished uploads are aborted, noncurrent versions deleted, and (by key prefix, keyed by rule name) current objects expired."
  type = object({
    abort_upload_days = optional(number, 7)
    expire = optional(map(object({
      days   = number
      prefix = string
    })), {})
    noncurrent_days = optional(number, 90)
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
    condition     = alltrue([for rule in var.retention.expire : rule.prefix != ""])
    error_message = "An expiry rule must name a key prefix: the whole bucket is never expired."
  }
}
