resource "aws_s3_bucket" "main" {
  #checkov:skip=CKV_AWS_18:Access logs need a second bucket; an account that wants them has CloudTrail data events
  #checkov:skip=CKV_AWS_19:Encryption is on below; the scanner cannot follow the condition
  #checkov:skip=CKV_AWS_144:Replication to another region is not a need of every bucket
  #checkov:skip=CKV_AWS_145:A KMS key is an input; without one S3's own key is used
  #checkov:skip=CKV2_AWS_62:Nothing listens to events of this bucket
  bucket        = var.name
  force_destroy = var.force_destroy

  tags = merge(var.labels, { Name = var.name })
}

resource "aws_s3_bucket_versioning" "main" {
  bucket = aws_s3_bucket.main.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "main" {
  bucket = aws_s3_bucket.main.id

  rule {
    bucket_key_enabled = var.kms_key_arn != ""

    apply_server_side_encryption_by_default {
      kms_master_key_id = var.kms_key_arn == "" ? null : var.kms_key_arn
      sse_algorithm     = var.kms_key_arn == "" ? "AES256" : "aws:kms"
    }
  }
}
