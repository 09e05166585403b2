//! Cut off at every single call: the next run completes it.

use serde_json::{Value, json};

use super::Site;

/// What a change starts from, and how many of its calls may fail before one run meets none that fails.
fn cut_everywhere(prepare: impl Fn(&Site)) {
    let site = Site::new();
    for done in [false, true] {
        let mut cut = 0;
        loop {
            cut += 1;
            prepare(&site);
            site.bucket_is(&json!({ "cut": cut, "done": done }));
            let before = site.calls().len();
            let first = site.real();
            let sent = site.calls().len() - before;
            site.bucket_is(&json!({ "cut": 0 }));
            if sent < cut {
                first.expect("succeeded");
                break;
            }
            assert_ne!(first.status(), "succeeded", "call {cut}: {:#}", first.value);
            assert_ne!(first.code, Some(0), "call {cut}");
            // What is there is never half of it: no bucket without its guards.
            let seen = site.seen();
            let access = &seen["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"];
            assert!(seen.is_null() || *access == true, "call {cut}: {seen:#}");
            site.project.lock_is_free();
            site.real().expect("succeeded");
            site.is_whole();
        }
        assert!(cut > 4, "{cut} calls are too few to have met one");
        site.is_whole();
    }
    site.project.log_is_whole();
}

#[test]
fn fault_34_cut_off_at_every_call_of_the_making_the_next_run_completes_it() {
    cut_everywhere(|site| drop(site.bucket_is(&json!({ "plant": Value::Null }))));
}

#[test]
fn fault_34_cut_off_at_every_call_of_the_mending_the_next_run_completes_it() {
    let rights = json!({
        "projectNumber": "415104041262", "location": "EUROPE-WEST1",
        "iamConfiguration": { "uniformBucketLevelAccess": { "enabled": true } },
    });
    cut_everywhere(|site| drop(site.bucket_is(&json!({ "plant": rights }))));
}
