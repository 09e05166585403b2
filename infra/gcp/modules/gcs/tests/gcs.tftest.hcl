mock_provider "google" {}

variables {
  location = "europe-west1"
  name     = "acme-test-data"
}

run "is_private_and_versioned" {
  command = apply

  assert {
    condition     = google_storage_bucket.main.uniform_bucket_level_access && google_storage_bucket.main.public_access_prevention == "enforced"
    error_message = "Access must be by IAM alone, and never public."
  }

  assert {
    condition     = google_storage_bucket.main.versioning[0].enabled && google_storage_bucket.main.soft_delete_policy[0].retention_duration_seconds == 604800
    error_message = "Versions must be kept, and what was deleted restorable for a week."
  }

  assert {
    condition     = !google_storage_bucket.main.force_destroy
    error_message = "A bucket that holds objects must not be destroyed unless asked for."
  }

  assert {
    condition     = length(google_storage_bucket.main.encryption) == 0
    error_message = "Without a key of one's own, Google's must be used."
  }
}

run "encrypts_with_a_given_key" {
  command = plan

  variables {
    kms_key_name = "projects/acme/locations/europe-west1/keyRings/data/cryptoKeys/data"
  }

  assert {
    condition     = google_storage_bucket.main.encryption[0].default_kms_key_name == "projects/acme/locations/europe-west1/keyRings/data/cryptoKeys/data"
    error_message = "A given key must be used."
  }
}

run "tidies_and_expires_by_prefix" {
  command = plan

  variables {
    retention = {
      noncurrent_days = 30
      expire          = { scratch = { prefix = "scratch/", days = 3 } }
    }
  }

  assert {
    condition     = [for rule in google_storage_bucket.main.lifecycle_rule : one(rule.action).type] == ["AbortIncompleteMultipartUpload", "Delete", "Delete"]
    error_message = "There must be the standing rules and one for each expiry."
  }

  assert {
    condition     = one(google_storage_bucket.main.lifecycle_rule[1].condition).days_since_noncurrent_time == 30 && one(google_storage_bucket.main.lifecycle_rule[2].condition).matches_prefix == tolist(["scratch/"])
    error_message = "Days given must reach the rule of versions, the prefix that of the expiry."
  }
}

run "refuses_a_bad_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "My_Bucket"
  }
}

run "refuses_a_reserved_name" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "acme-google-data"
  }
}

run "refuses_a_version_of_a_key" {
  command         = plan
  expect_failures = [var.kms_key_name]

  variables {
    kms_key_name = "projects/acme/locations/europe-west1/keyRings/data/cryptoKeys/data/cryptoKeyVersions/1"
  }
}

run "refuses_a_location_in_the_wrong_case" {
  command         = plan
  expect_failures = [var.location]

  variables {
    location = "eu"
  }
}

run "refuses_three_days_of_soft_delete" {
  command         = plan
  expect_failures = [var.retention]

  variables {
    retention = { soft_delete_days = 3 }
  }
}

run "refuses_to_expire_the_whole_bucket" {
  command         = plan
  expect_failures = [var.retention]

  variables {
    retention = { expire = { all = { prefix = "", days = 1 } } }
  }
}
