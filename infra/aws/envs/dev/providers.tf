# Credentials come by the environment alone (AWS_CONFIG_FILE, AWS_PROFILE); so does another endpoint (AWS_ENDPOINT_URL).
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  s3_use_path_style   = var.s3_use_path_style

  default_tags {
    tags = local.labels
  }
}
