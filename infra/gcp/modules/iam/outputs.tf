output "email" {
  description = "Address of the service account; ready when it has its roles and its access."
  value       = google_service_account.main.email

  depends_on = [
    google_project_iam_member.main,
    google_service_account_iam_member.workload,
    google_storage_bucket_iam_member.main,
  ]
}

output "member" {
  description = "The account as IAM names it, serviceAccount:…."
  value       = google_service_account.main.member
}
