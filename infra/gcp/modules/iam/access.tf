locals {
  object_roles = {
    read  = "roles/storage.objectViewer"
    write = "roles/storage.objectUser"
  }
}

resource "google_storage_bucket_iam_member" "main" {
  for_each = var.access

  bucket = each.value.bucket
  role   = local.object_roles[each.value.level]
  member = google_service_account.main.member
}
