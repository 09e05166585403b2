resource "google_storage_bucket" "main" {
  #checkov:skip=CKV_GCP_62:Access logs need a second bucket; a project that wants them has audit logs of data access
  name                        = var.name
  location                    = var.location
  force_destroy               = var.force_destroy
  labels                      = var.labels
  public_access_prevention    = "enforced"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = var.retention.soft_delete_days * 24 * 60 * 60
  }

  dynamic "encryption" {
    for_each = var.kms_key_name == "" ? [] : [var.kms_key_name]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = var.retention.abort_upload_days
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.retention.noncurrent_days
      with_state                 = "ARCHIVED"
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.retention.expire

    content {
      action {
        type = "Delete"
      }

      condition {
        age            = lifecycle_rule.value.days
        matches_prefix = [lifecycle_rule.value.prefix]
        with_state     = "LIVE"
      }
    }
  }
}
