# Service accounts of Kubernetes whose pods may act as this one, by Workload Identity Federation for GKE: no keys.
locals {
  workloads = merge([
    for id, workload in var.service_accounts : {
      for name in workload.names : "${id}/${name}" => "serviceAccount:${workload.pool}[${workload.namespace}/${name}]"
    }
  ]...)
}

resource "google_service_account_iam_member" "workload" {
  for_each = local.workloads

  service_account_id = google_service_account.main.name
  role               = "roles/iam.workloadIdentityUser"
  member             = each.value
}
