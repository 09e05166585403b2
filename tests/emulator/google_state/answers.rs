//! Each answer of Cloud Storage that is not a plain yes has one of ours, with what to do next.

use serde_json::{Value, json};

use super::Site;

/// Of a project of somebody else.
const FOREIGN: &str = "987654321098";

#[test]
fn bad_input_67_a_bucket_of_another_project_is_refused_and_not_touched() {
    let site = Site::new();
    site.bucket_is(&json!({ "plant": { "projectNumber": FOREIGN, "location": "EUROPE-WEST1" } }));
    let before = site.seen();
    for refused in [site.dry(), site.real()] {
        let refused = refused.refused("upstream_denied");
        assert_eq!(refused.at("/error/field"), "state.bucket", "{:#}", refused.value);
        assert!(
            refused.at("/error/message").contains("another project than acme-"),
            "{:#}",
            refused.value
        );
        assert!(refused.at("/error/next").contains("choose a bucket name of your own"));
    }
    assert_eq!(site.seen(), before);
    assert!(site.calls().iter().all(|call| !call.starts_with("PATCH")), "{:?}", site.calls());
    site.project.lock_is_free();
}

#[test]
fn bad_input_67_a_bucket_of_another_project_that_we_may_look_at_is_refused_too() {
    let site = Site::new();
    // Shared with us: looking is allowed, and its number tells whose it is.
    site.bucket_is(
        &json!({ "plant": { "projectNumber": "415104041262", "location": "EUROPE-WEST1" } }),
    );
    site.told(
        "google_storage",
        &json!({ "bucket": site.bucket, "shared": true, "set": { "projectNumber": FOREIGN } }),
    );
    let refused = site.real().refused("upstream_denied");
    let message = refused.at("/error/message");
    assert!(message.contains(&format!("belongs to project {FOREIGN}")), "{message}");
    assert!(message.contains("is 415104041262"), "{message}");
}

#[test]
fn fault_34_a_foreign_bucket_of_google_that_appears_after_the_look_is_refused_by_the_creation() {
    let site = Site::new();
    let plan = site.dry().expect("planned");
    // Between our last look and the creation: the creation is what meets it.
    site.bucket_is(&json!({ "then": { "projectNumber": FOREIGN, "location": "US" } }));
    let request = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let refused = site.project.call("bootstrap_state_backend", &request).refused("upstream_denied");
    assert_eq!(refused.at("/error/field"), "state.bucket", "{:#}", refused.value);
    assert_eq!(site.seen()["projectNumber"], FOREIGN);
    site.project.lock_is_free();
}

#[test]
fn a_name_that_is_being_made_or_deleted_is_told_and_tried_again() {
    let site = Site::new();
    site.bucket_is(&json!({ "busy": 1 }));
    let failed = site.real().expect("failed");
    assert_eq!(failed.at("/error/field"), "state.bucket", "{:#}", failed.value);
    assert_eq!(failed.at("/error/given"), site.bucket);
    assert!(failed.at("/error/next").contains("try again in a minute"), "{:#}", failed.value);
    assert_eq!(site.seen(), Value::Null);
    site.project.lock_is_free();
    site.real().expect("succeeded");
    site.is_whole();
}

#[test]
fn a_key_that_google_s_own_agent_may_not_use_is_named_with_who_needs_it() {
    const KEY: &str = "projects/acme-keys-1/locations/europe-west1/keyRings/states/cryptoKeys/dev";
    let site = Site::with(&format!(", kms_key = \"{KEY}\""));
    // Made with it, and mended to it.
    for before in
        [Value::Null, json!({ "projectNumber": "415104041262", "location": "EUROPE-WEST1" })]
    {
        site.bucket_is(&json!({ "keyless": true, "plant": before }));
        let refused = site.real();
        assert_ne!(refused.code, Some(0), "{:#}", refused.value);
        assert_eq!(refused.at("/error/code"), "upstream_denied", "{:#}", refused.value);
        assert_eq!(refused.at("/error/field"), "state.kms_key", "{:#}", refused.value);
        assert_eq!(refused.at("/error/given"), KEY);
        let next = refused.at("/error/next");
        assert!(next.contains("roles/cloudkms.cryptoKeyEncrypterDecrypter"), "{next}");
        assert!(next.contains("service agent"), "{next}");
        // The identity itself lacks nothing.
        assert_eq!(refused.at("/error/details/permission"), "", "{:#}", refused.value);
        site.project.lock_is_free();
        site.bucket_is(&json!({ "keyless": false }));
        site.real().expect("succeeded");
        assert_eq!(site.seen()["encryption"]["defaultKmsKeyName"], KEY);
    }
    site.is_whole();
}

/// Whoever is signed in, or whatever project settings name, changes between plan and apply.
#[test]
fn security_19_fault_40_another_identity_or_project_between_plan_and_apply_makes_no_bucket() {
    let mut site = Site::new();
    let plan = site.dry().expect("planned");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let apply = |site: &Site| site.project.call("bootstrap_state_backend", &real);
    let members = |site: &Site, members: &[&str]| {
        drop(site.told("google", &json!({ "project": site.id, "members": members })));
    };
    members(&site, &["somebody@example.com"]);
    let stranger = apply(&site).refused("upstream_denied");
    assert!(stranger.at("/error/message").contains(&site.id), "{:#}", stranger.value);
    assert_eq!(stranger.at("/error/details/permission"), "resourcemanager.projects.get");
    members(&site, &[&site.person]);

    // Another project that this person may use just as well.
    let own = site.id.clone();
    let other = format!("{own}-b");
    site.told("google", &json!({ "project": other, "members": [site.person] }));
    site.id = other;
    site.state("", "");
    let moved = apply(&site).refused("approval_mismatch");
    let changed = moved.at("/error/details/changed");
    assert!(changed.contains("account"), "{:#}", moved.value);
    assert_eq!(site.seen(), Value::Null, "nothing was made");
    assert!(
        site.calls()
            .iter()
            .all(|call| call.starts_with("GET ") || call.ends_with(":testIamPermissions")),
        "{:?}",
        site.calls()
    );
    site.project.lock_is_free();

    // With the right ones again, it is the plan of before that is carried out.
    site.id = own;
    site.state("", "");
    let made = apply(&site).expect("succeeded");
    site.is_whole();
    site.is_clean(&[&plan, &stranger, &moved, &made]);
}

#[test]
fn security_15_no_secret_is_left_by_a_bootstrap_whatever_comes_of_it() {
    let site = Site::new();
    let mut answers = vec![site.dry()];
    site.bucket_is(&json!({ "without": ["storage.buckets.create"] }));
    answers.push(site.real().refused("upstream_denied"));
    let fault = json!({ "verb": "POST", "part": "/storage/v1/b", "status": 503, "times": 5 });
    site.bucket_is(&json!({ "without": [], "fault": fault }));
    answers.push(site.real().expect("failed"));
    answers.push(site.real().expect("succeeded"));
    let shown = site.project.cli(&["ops", "show", &answers[3].operation()]);
    answers.push(shown);
    answers.push(site.project.call("preflight", &json!({ "cloud": "gcp", "env": "dev" })));
    // Nobody takes the person's own any more.
    site.told(
        "google",
        &json!({ "revoke": format!("{}-{}", super::CANARY, site.id.trim_start_matches("acme-")) }),
    );
    answers.push(site.dry().refused("upstream_denied"));
    site.is_clean(&answers.iter().collect::<Vec<_>>());
}

#[test]
fn fault_33_a_bucket_of_google_in_another_place_is_named_with_its_place() {
    let mut site = Site::new();
    site.bucket_is(
        &json!({ "plant": { "projectNumber": "415104041262", "location": "US-EAST1" } }),
    );
    let refused = site.real().refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "state.location", "{:#}", refused.value);
    assert_eq!(refused.at("/error/given"), "europe-west1");
    assert_eq!(refused.at("/error/allowed"), "us-east1");
    // What it allows is what settings take.
    site.state(", location = \"us-east1\"", "");
    assert_eq!(site.dry().expect("planned").at("/summary/change"), "4");
    site.bucket_is(&json!({ "set": { "location": "EU" } }));
    site.state(", location = \"EU\"", "");
    site.dry().expect("planned");
}

#[test]
fn fault_35_calls_that_come_too_often_are_sent_again() {
    let site = Site::new();
    let busy = |verb: &str, part: &str, status: u16, times: u16| {
        site.bucket_is(
            &json!({ "fault": { "verb": verb, "part": part, "status": status, "times": times } }),
        );
    };
    busy("POST", "/storage/v1/b", 429, 2);
    busy("GET", &site.bucket, 503, 1);
    site.real().expect("succeeded");
    site.is_whole();
    let made = site.calls().iter().filter(|call| *call == "POST /storage/v1/b").count();
    assert_eq!(made, 3, "{:?}", site.calls());
    site.bucket_is(&json!({ "set": { "versioning": { "enabled": false } } }));
    busy("PATCH", &site.bucket, 429, 2);
    site.real().expect("succeeded");
    site.is_whole();

    // One that does not end is told, and nothing is left half done.
    site.bucket_is(&json!({ "set": { "versioning": { "enabled": false } } }));
    busy("PATCH", &site.bucket, 429, 5);
    let refused = site.real();
    assert_eq!(refused.at("/error/code"), "upstream_failed", "{:#}", refused.value);
    assert!(refused.at("/error/message").contains("too many requests"), "{:#}", refused.value);
    site.real().expect("succeeded");
    site.is_whole();
    site.project.lock_is_free();
}

#[test]
fn a_bucket_that_somebody_changes_at_the_same_moment_is_looked_at_again() {
    let site = Site::new();
    site.real().expect("succeeded");
    site.bucket_is(&json!({ "set": { "versioning": { "enabled": false } } }));
    // The first change meets another metageneration than the one that was seen.
    site.bucket_is(
        &json!({ "fault": { "verb": "PATCH", "part": site.bucket, "status": 412, "times": 1 } }),
    );
    site.real().expect("succeeded");
    site.is_whole();
}

#[test]
fn what_harms_a_state_and_is_not_ours_to_mend_is_told() {
    let site = Site::new();
    site.real().expect("succeeded");
    let old = json!({ "action": { "type": "Delete" }, "condition": { "age": 365 } });
    let rules = site.seen()["lifecycle"]["rule"].as_array().unwrap().clone();
    let rules: Vec<Value> = rules.into_iter().chain([old]).collect();
    site.bucket_is(&json!({ "set": {
        "lifecycle": { "rule": rules }, "retentionPolicy": { "retentionPeriod": "86400" },
    } }));
    let found = site.dry().expect("planned");
    assert_eq!(found.at("/summary/text"), "no changes", "{:#}", found.value);
    let warnings = found.value["warnings"].to_string();
    assert!(warnings.contains("deletes objects that nothing has replaced"), "{warnings}");
    assert!(warnings.contains("retention policy of 86400 s"), "{warnings}");
}

#[test]
fn bad_input_66_names_that_are_no_buckets_of_google_are_refused_before_any_call() {
    let mut site = Site::new();
    for name in ["My_Bucket", "ab", "goog-state", "with.dots"] {
        let right = std::mem::replace(&mut site.bucket, name.to_owned());
        site.state("", "");
        let refused = site.dry();
        assert!(
            refused.err.contains("state.bucket") || refused.out.contains("state.bucket"),
            "{refused:?}"
        );
        assert_ne!(refused.code, Some(0));
        site.bucket = right;
    }
    assert_eq!(site.calls(), Vec::<String>::new());
}

#[test]
fn a_stand_in_for_the_state_alone_is_never_mixed_with_google_itself() {
    let mut site = Site::new();
    site.project.set(|s| {
        s.more = s.more.split("[gcp]").next().unwrap().to_owned()
            + "[gcp]\nstorage_emulator = \"127.0.0.1:1\"\n";
    });
    let refused = site.project.call("preflight", &json!({ "cloud": "gcp", "env": "dev" })).value;
    let checks = refused["checks"].as_array().unwrap();
    let state = checks.iter().find(|c| c["name"] == "gcp/dev state").unwrap();
    assert!(state.to_string().contains("an emulator stands in for the state alone"), "{state:#}");
    site.project.set(|s| {
        s.more = s
            .more
            .replace("[gcp]", "[tiers.prod]\n[gcp]")
            .replace("tier = \"dev\"", "tier = \"prod\"");
    });
    let refused = site.dry();
    assert!(
        refused.err.contains("storage_emulator") || refused.out.contains("storage_emulator"),
        "{refused:?}"
    );
}
