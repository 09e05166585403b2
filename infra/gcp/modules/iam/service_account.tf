resource "google_service_account" "main" {
  account_id   = var.name
  display_name = var.display_name
  project      = var.project_id
}

resource "google_project_iam_member" "main" {
  for_each = var.project_roles

  project = var.project_id
  role    = each.key
  member  = google_service_account.main.member
}
