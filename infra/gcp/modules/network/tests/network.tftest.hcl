mock_provider "google" {}

variables {
  name   = "acme-test"
  region = "europe-west1"
  subnets = {
    nodes = {
      cidr            = "10.30.0.0/20"
      secondary_cidrs = { pods = "10.32.0.0/14", services = "10.36.0.0/20" }
    }
  }
}

run "makes_no_subnet_by_itself" {
  command = apply

  assert {
    condition     = !google_compute_network.main.auto_create_subnetworks
    error_message = "Google must make no subnets in every region."
  }

  assert {
    condition     = google_compute_subnetwork.main["nodes"].name == "acme-test-nodes" && google_compute_subnetwork.main["nodes"].private_ip_google_access
    error_message = "A subnet must carry its name, and reach Google's APIs without an address of its own."
  }

  assert {
    condition     = output.secondary_range_names["nodes"] == { pods = "pods", services = "services" }
    error_message = "Secondary ranges must be an output."
  }

  assert {
    condition     = google_compute_subnetwork.main["nodes"].log_config[0].flow_sampling == 0.5
    error_message = "Flows must be logged."
  }
}

run "denies_what_comes_in" {
  command = plan

  assert {
    condition     = google_compute_firewall.deny_ingress.direction == "INGRESS" && one(google_compute_firewall.deny_ingress.deny).protocol == "all"
    error_message = "What comes in must be denied."
  }

  assert {
    condition     = google_compute_firewall.deny_ingress.source_ranges == toset(["0.0.0.0/0"]) && length(google_compute_firewall.deny_ingress.allow) == 0
    error_message = "It must be denied from everywhere, with no exception."
  }
}

run "does_without_nat_and_logs" {
  command = plan

  variables {
    flow_logs = { sampling = 0 }
    nat       = false
  }

  assert {
    condition     = length(google_compute_router.main) == 0 && length(google_compute_router_nat.main) == 0
    error_message = "Without NAT there must be no router."
  }

  assert {
    condition     = length(google_compute_subnetwork.main["nodes"].log_config) == 0
    error_message = "Without a share there must be no flow logs."
  }
}

run "refuses_a_zone_for_a_region" {
  command         = plan
  expect_failures = [var.region]

  variables {
    region = "europe-west1-b"
  }
}

run "refuses_a_range_that_begins_elsewhere" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = { nodes = { cidr = "10.30.0.1/20" } }
  }
}

run "refuses_a_secondary_range_that_is_none" {
  command         = plan
  expect_failures = [var.subnets]

  variables {
    subnets = { nodes = { cidr = "10.30.0.0/20", secondary_cidrs = { pods = "many" } } }
  }
}

run "refuses_a_bad_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Acme_Test"
  }
}

run "refuses_more_than_every_flow" {
  command         = plan
  expect_failures = [var.flow_logs]

  variables {
    flow_logs = { sampling = 2 }
  }
}
