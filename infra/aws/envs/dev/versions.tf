terraform {
  required_version = ">= 1.10.0, < 2.0.0"

  # Bucket, key, region and locking are given at init: this folder knows no account.
  backend "s3" {}

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
