output "arn" {
  description = "ARN of the bucket; ready when it is private, encrypted and versioned."
  value       = aws_s3_bucket.main.arn

  depends_on = [
    aws_s3_bucket_ownership_controls.main,
    aws_s3_bucket_policy.tls_only,
    aws_s3_bucket_public_access_block.main,
    aws_s3_bucket_server_side_encryption_configuration.main,
    aws_s3_bucket_versioning.main,
  ]
}

output "name" {
  description = "Name of the bucket; ready when it is private, encrypted and versioned."
  value       = aws_s3_bucket.main.id

  depends_on = [
    aws_s3_bucket_ownership_controls.main,
    aws_s3_bucket_policy.tls_only,
    aws_s3_bucket_public_access_block.main,
    aws_s3_bucket_server_side_encryption_configuration.main,
    aws_s3_bucket_versioning.main,
  ]
}
