output "name" {
  description = "Name of the bucket."
  value       = google_storage_bucket.main.name
}

output "url" {
  description = "URL of the bucket, gs://…."
  value       = google_storage_bucket.main.url
}
