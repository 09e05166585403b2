# Credentials come by the environment alone (GOOGLE_APPLICATION_CREDENTIALS); so do other endpoints (GOOGLE_…_CUSTOM_ENDPOINT).
provider "google" {
  project = var.project_id
  region  = var.region

  add_terraform_attribution_label = false
  default_labels                  = local.labels
}
