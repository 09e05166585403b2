mock_provider "google" {}

variables {
  name                 = "acme-test"
  location             = "europe-west1"
  network_id           = "projects/acme-dev-4711/global/networks/acme-test"
  node_service_account = "acme-test-nodes@acme-dev-4711.iam.gserviceaccount.com"
  project_id           = "acme-dev-4711"
  ranges               = { pods = "pods", services = "services" }
  subnet_id            = "projects/acme-dev-4711/regions/europe-west1/subnetworks/acme-test-nodes"

  node_pools = {
    main = { machine_type = "e2-standard-4", max_size = 4, min_size = 1 }
  }
}

run "is_private" {
  command = apply

  assert {
    condition     = google_container_cluster.main.private_cluster_config[0].enable_private_nodes && google_container_cluster.main.private_cluster_config[0].enable_private_endpoint
    error_message = "Neither nodes nor the API may have a public address by default."
  }

  assert {
    condition     = length(google_container_cluster.main.master_authorized_networks_config[0].cidr_blocks) == 0
    error_message = "No range may be let in by default."
  }

  assert {
    condition     = google_container_cluster.main.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic
    error_message = "The DNS name must be the way in."
  }

  assert {
    condition     = !google_container_cluster.main.master_auth[0].client_certificate_config[0].issue_client_certificate
    error_message = "No certificate may open the cluster."
  }

  assert {
    condition     = google_container_cluster.main.deletion_protection && google_container_cluster.main.release_channel[0].channel == "REGULAR"
    error_message = "It must be protected, and follow a channel."
  }
}

run "gives_pods_an_identity_of_their_own" {
  command = apply

  assert {
    condition     = google_container_cluster.main.workload_identity_config[0].workload_pool == "acme-dev-4711.svc.id.goog" && output.workload_pool == "acme-dev-4711.svc.id.goog"
    error_message = "Workload Identity must be on."
  }

  assert {
    condition     = google_container_node_pool.main["main"].node_config[0].workload_metadata_config[0].mode == "GKE_METADATA"
    error_message = "Pods must not see the identity of their node."
  }

  assert {
    condition     = google_container_node_pool.main["main"].node_config[0].shielded_instance_config[0].enable_secure_boot && google_container_node_pool.main["main"].node_config[0].service_account == "acme-test-nodes@acme-dev-4711.iam.gserviceaccount.com"
    error_message = "Nodes must boot what is signed, and have an account of their own."
  }

  assert {
    condition     = google_container_cluster.main.remove_default_node_pool && google_container_cluster.main.datapath_provider == "ADVANCED_DATAPATH"
    error_message = "The default pool must go, and Dataplane V2 be used."
  }
}

run "says_nothing_to_autopilot_that_it_decides" {
  command = apply

  variables {
    mode       = "autopilot"
    node_pools = {}
  }

  assert {
    condition     = google_container_cluster.main.enable_autopilot && length(google_container_node_pool.main) == 0
    error_message = "Autopilot must be on, and without node pools."
  }

  assert {
    condition     = google_container_cluster.main.remove_default_node_pool == null && google_container_cluster.main.enable_shielded_nodes == null && length(google_container_cluster.main.workload_identity_config) == 0
    error_message = "What Autopilot decides itself must not be said."
  }
}

run "lets_in_named_ranges" {
  command = plan

  variables {
    endpoint = { public_cidrs = { office = "198.51.100.0/24" } }
  }

  assert {
    condition     = !google_container_cluster.main.private_cluster_config[0].enable_private_endpoint && one(google_container_cluster.main.master_authorized_networks_config[0].cidr_blocks).cidr_block == "198.51.100.0/24"
    error_message = "A named range must reach the public address, and no other."
  }
}

run "refuses_node_pools_of_autopilot" {
  command         = plan
  expect_failures = [google_container_cluster.main]

  variables {
    mode = "autopilot"
  }
}

run "refuses_a_standard_cluster_without_nodes" {
  command         = plan
  expect_failures = [google_container_cluster.main]

  variables {
    node_pools = {}
  }
}

run "refuses_the_whole_internet" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { public_cidrs = { all = "0.0.0.0/0" } }
  }
}

run "refuses_a_cluster_without_a_way_in" {
  command         = plan
  expect_failures = [var.endpoint]

  variables {
    endpoint = { dns = false, ip = false }
  }
}

run "refuses_the_default_account" {
  command         = plan
  expect_failures = [var.node_service_account]

  variables {
    node_service_account = "123456789012-compute@developer.gserviceaccount.com"
  }
}

run "refuses_another_mode" {
  command         = plan
  expect_failures = [var.mode]

  variables {
    mode = "serverless"
  }
}

run "refuses_sizes_the_wrong_way_round" {
  command         = plan
  expect_failures = [var.node_pools]

  variables {
    node_pools = { main = { machine_type = "e2-standard-4", max_size = 1, min_size = 2 } }
  }
}
