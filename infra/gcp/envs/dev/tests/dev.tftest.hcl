mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      email  = "datamcp-dev-app@acme-dev-4711.iam.gserviceaccount.com"
      member = "serviceAccount:datamcp-dev-app@acme-dev-4711.iam.gserviceaccount.com"
      name   = "projects/acme-dev-4711/serviceAccounts/datamcp-dev-app@acme-dev-4711.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id = "acme-dev-4711"
  region     = "europe-west1"
}

run "needs_only_project_and_region" {
  command = apply

  assert {
    condition     = output.cluster_name == "datamcp-dev" && output.cluster_location == "europe-west1" && output.node_pool_names == ["main"]
    error_message = "By default there must be a cluster of the region with one node pool."
  }

  assert {
    condition     = output.data_bucket_name == "datamcp-dev-data-acme-dev-4711" && keys(output.subnet_ids) == ["nodes"]
    error_message = "There must be a bucket and one subnet."
  }

  assert {
    condition     = output.data_app_account == "datamcp-dev-app@acme-dev-4711.iam.gserviceaccount.com"
    error_message = "There must be an account for the pods."
  }
}

run "plans_addresses_that_do_not_overlap" {
  command = plan

  assert {
    condition     = local.ranges == { nodes = "10.32.0.0/18", pods = "10.34.0.0/15", services = "10.32.64.0/18" }
    error_message = "Ranges must follow from the network's range alone."
  }
}

run "takes_autopilot" {
  command = apply

  variables {
    cluster_mode = "autopilot"
  }

  assert {
    condition     = length(output.node_pool_names) == 0
    error_message = "Autopilot must have no node pools of ours."
  }
}

run "takes_a_zone" {
  command = apply

  variables {
    cluster_location = "europe-west1-b"
  }

  assert {
    condition     = output.cluster_location == "europe-west1-b"
    error_message = "The cluster must be where it is wanted."
  }
}

run "labels_everything" {
  command = plan

  variables {
    labels = { owner = "data-platform" }
  }

  assert {
    condition     = local.labels == { environment = "dev", managed-by = "terraform", owner = "data-platform", stack = "datamcp-dev" }
    error_message = "Given labels must be joined with the standing ones."
  }
}

run "refuses_a_project_number" {
  command         = plan
  expect_failures = [var.project_id]

  variables {
    project_id = "415104041262"
  }
}

run "refuses_a_range_too_small" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.32.0.0/20"
  }
}

run "refuses_a_zone_elsewhere" {
  command         = plan
  expect_failures = [var.cluster_location]

  variables {
    cluster_location = "us-east1-b"
  }
}

run "refuses_labels_that_google_does_not_take" {
  command         = plan
  expect_failures = [var.labels]

  variables {
    labels = { Owner = "Data Platform" }
  }
}

run "refuses_labels_that_are_set_here" {
  command         = plan
  expect_failures = [var.labels]

  variables {
    labels = { environment = "prod" }
  }
}
