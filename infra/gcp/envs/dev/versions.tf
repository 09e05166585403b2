terraform {
  required_version = ">= 1.10.0, < 2.0.0"

  # Bucket and prefix are given at init: this folder knows no project.
  backend "gcs" {}

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }
}
