//! `docs/permissions.md`, run, for the bucket of a state in Cloud Storage: with what it names the tool works; without any
//! one of them it fails, names it, and has changed nothing.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::Site;
use super::terraform::{Used, dev};

/// A part of the page.
fn part(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let page = std::fs::read_to_string(file).unwrap();
    let part = page.split_once(&format!("\n## {name}\n")).unwrap().1;
    part.split("\n## ").next().unwrap().to_owned()
}

/// The first word of each row.
fn table(part: &str) -> Vec<String> {
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    part.lines().filter_map(row).collect()
}

/// Permissions of the page's part, by its table and by its role.
fn documented() -> Vec<String> {
    let part = part("bootstrap_state_backend in Google Cloud");
    let table = table(&part);
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

/// Terraform itself, once, with what it asks of the bucket noted; then each permission is taken away, and terraform is not
/// even started.
#[test]
fn the_permissions_of_a_state_in_the_bucket_are_enough_and_none_is_too_much() {
    let used = Used::new(1, 0.0);
    let all = table(&part("apply_terraform in Google Cloud"));
    let objects: BTreeSet<String> =
        all.iter().filter(|name| name.starts_with("storage.objects.")).cloned().collect();
    used.apply("1").expect("succeeded");
    let place = json!({ "cloud": "gcp", "env": "dev" });
    used.call("terraform_outputs", &place).expect("");
    let mut asked = used.asked();
    let watch = used.site.bucket_is(&json!({}))["asked"].clone();
    let watch: BTreeSet<String> = serde_json::from_value(watch).unwrap();
    asked.extend(watch.into_iter().filter(|name| name.starts_with("storage.objects.")));
    assert_eq!(asked, objects, "the page names just what was asked for");

    let mut change = dev();
    change["vars"] = json!({ "turn": "2" });
    let plan = used.call("apply_terraform", &change).expect("planned");
    let carried = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true, "wait_s": 300 });
    let before = used.requests();
    for permission in &all {
        used.site.bucket_is(&json!({ "without": [permission] }));
        let reads = ["storage.objects.get", "storage.objects.list"].contains(&permission.as_str());
        let mut refused =
            vec![used.call("apply_terraform", &change), used.call("apply_terraform", &carried)];
        refused.push(used.call("detect_drift", &dev()));
        if reads {
            refused.push(used.call("terraform_outputs", &place));
        }
        for answer in refused {
            assert_eq!(
                answer.at("/error/code"),
                "upstream_denied",
                "{permission}: {:#}",
                answer.value
            );
            assert_eq!(answer.at("/error/details/permission"), *permission, "{:#}", answer.value);
            assert!(answer.at("/error/next").contains(permission), "{:#}", answer.value);
        }
        if objects.contains(permission) {
            let checks = used.call("preflight", &place).value;
            let state = checks["checks"].as_array().unwrap();
            let state = state.iter().find(|check| check["name"] == "gcp/dev state").unwrap();
            assert_eq!(state["level"], "warning", "{state:#}");
            assert!(state.to_string().contains(permission), "{state:#}");
        }
        used.site.project.lock_is_free();
    }
    assert_eq!(used.requests(), before, "terraform asked for nothing");
    // Granted for the names of these objects alone: the bucket does not show it, and it is enough.
    used.site.bucket_is(&json!({ "without": objects, "conditional": true }));
    let refused = used.call("apply_terraform", &change).refused("upstream_denied");
    let told = refused.at("/error/details/permission");
    assert_eq!(told.split(", ").count(), objects.len(), "{:#}", refused.value);
    used.site.bucket_is(&json!({ "without": [] }));
    used.call("apply_terraform", &carried).expect("succeeded");
    used.site.is_clean(&[]);
}
