mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "acme-test@acme-dev-4711.iam.gserviceaccount.com"
      member = "serviceAccount:acme-test@acme-dev-4711.iam.gserviceaccount.com"
      name   = "projects/acme-dev-4711/serviceAccounts/acme-test@acme-dev-4711.iam.gserviceaccount.com"
    }
  }
}

variables {
  name         = "acme-test"
  display_name = "Of the tests"
  project_id   = "acme-dev-4711"
}

run "has_no_rights_by_itself" {
  command = apply

  assert {
    condition     = length(google_project_iam_member.main) == 0 && length(google_storage_bucket_iam_member.main) == 0 && length(google_service_account_iam_member.workload) == 0
    error_message = "What is not asked for must not be given."
  }

  assert {
    condition     = output.email == "acme-test@acme-dev-4711.iam.gserviceaccount.com"
    error_message = "The address must be an output."
  }
}

run "gives_what_is_asked_for" {
  command = apply

  variables {
    access           = { data = { bucket = "acme-data", level = "write" } }
    project_roles    = ["roles/logging.logWriter"]
    service_accounts = { app = { names = ["web", "worker"], namespace = "apps", pool = "acme-dev-4711.svc.id.goog" } }
  }

  assert {
    condition     = google_storage_bucket_iam_member.main["data"].role == "roles/storage.objectUser"
    error_message = "Who writes must be a user of objects, not an administrator of them."
  }

  assert {
    condition     = google_service_account_iam_member.workload["app/web"].member == "serviceAccount:acme-dev-4711.svc.id.goog[apps/web]" && length(google_service_account_iam_member.workload) == 2
    error_message = "Each named service account of Kubernetes must be let in, and no other."
  }

  assert {
    condition     = keys(google_project_iam_member.main) == ["roles/logging.logWriter"]
    error_message = "The role in the project must be given."
  }
}

run "refuses_basic_roles" {
  command         = plan
  expect_failures = [var.project_roles]

  variables {
    project_roles = ["roles/editor"]
  }
}

run "refuses_roles_over_roles" {
  command         = plan
  expect_failures = [var.project_roles]

  variables {
    project_roles = ["roles/resourcemanager.projectIamAdmin"]
  }
}

run "refuses_every_service_account" {
  command         = plan
  expect_failures = [var.service_accounts]

  variables {
    service_accounts = { all = { names = ["*"], namespace = "apps", pool = "acme-dev-4711.svc.id.goog" } }
  }
}

run "refuses_a_level_that_is_none" {
  command         = plan
  expect_failures = [var.access]

  variables {
    access = { data = { bucket = "acme-data", level = "admin" } }
  }
}

run "refuses_a_short_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "app"
  }
}
