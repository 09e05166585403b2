//! `docs/permissions.md`, run, for the bucket of a state in Cloud Storage: with what it names the tool works; without any
//! one of them it fails, names it, and has changed nothing.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::Site;

/// Permissions of the page's part, by its table and by its role.
fn documented() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let page = std::fs::read_to_string(file).unwrap();
    let part = page.split_once("\n## bootstrap_state_backend in Google Cloud\n").unwrap().1;
    let part = part.split("\n## ").next().unwrap();
    let table: Vec<String> = part
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    let role = part.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    let role: Value = serde_json::from_str(role).unwrap();
    let role: Vec<String> = serde_json::from_value(role["includedPermissions"].clone()).unwrap();
    assert_eq!(table, role, "table and role name the same");
    table
}

/// A bucket of ours that somebody has opened.
fn opened() -> Value {
    json!({ "plant": { "projectNumber": "415104041262", "location": "EUROPE-WEST1" } })
}

#[test]
fn the_permissions_of_the_bucket_are_enough_and_none_is_too_much() {
    let all = documented();
    let site = Site::new();
    site.real().expect("succeeded");
    site.bucket_is(&opened());
    site.real().expect("succeeded");
    site.is_whole();
    let asked = site.bucket_is(&json!({}))["asked"].clone();
    let asked: BTreeSet<String> = serde_json::from_value(asked).unwrap();
    assert_eq!(asked, all.iter().cloned().collect(), "the page names just what was asked for");
    for permission in &all {
        for start in [json!({ "plant": Value::Null }), opened()] {
            let site = Site::new();
            site.bucket_is(&start);
            site.bucket_is(&json!({ "without": [permission] }));
            let before = site.seen();
            let needed = match permission.as_str() {
                "storage.buckets.create" => before.is_null(),
                "storage.buckets.update" | "storage.buckets.setIamPolicy" => !before.is_null(),
                _ => true,
            };
            let answer = site.real();
            if !needed {
                answer.expect("succeeded");
                continue;
            }
            assert_eq!(
                answer.at("/error/code"),
                "upstream_denied",
                "{permission}: {:#}",
                answer.value
            );
            assert_eq!(answer.at("/error/details/permission"), *permission, "{:#}", answer.value);
            assert!(answer.at("/error/next").contains(permission), "{:#}", answer.value);
            assert_eq!(site.seen(), before, "{permission}: asked before the work");
            site.project.lock_is_free();
        }
    }
}

#[test]
fn a_plan_says_what_its_change_would_be_refused_for() {
    let site = Site::new();
    site.bucket_is(&json!({ "without": ["storage.buckets.create"] }));
    let plan = site.dry().expect("planned");
    let warnings = plan.value["warnings"].to_string();
    assert!(warnings.contains("this identity has no storage.buckets.create"), "{warnings}");
    // Granted since: the plan is still the same.
    site.bucket_is(&json!({ "without": [] }));
    let request = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    site.project.call("bootstrap_state_backend", &request).expect("succeeded");
    site.is_whole();
}
