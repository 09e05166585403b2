//! `docs/permissions.md`, run, for projects: with what it names the tool works; without any one of them it fails and names
//! it, and where the question can be put before the work, nothing was made.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::Site;

/// Permissions of the page's part: the first word of a row is the permission, the second cell says when it is found.
fn documented() -> Vec<(String, bool)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let page = std::fs::read_to_string(file).unwrap();
    let part = page.split_once("\n## gcp_create_project\n").unwrap().1;
    let part = part.split("\n## ").next().unwrap();
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once('`')?;
        Some((name.to_owned(), rest.contains("before the work")))
    };
    part.lines().filter_map(row).collect()
}

/// A site whose organization has a folder in a folder: settings list neither of them.
fn site() -> Site {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = [\"create\", \"update\", \"delete\"]".into());
    let own = format!("organizations/{}", site.number);
    let (upper, lower) = (format!("{}1", site.number), folder(&site));
    let within = format!("folders/{upper}");
    site.set(json!({ "folders": { upper: [own, "ACTIVE"], lower: [within, "ACTIVE"] } }));
    site
}

fn folder(site: &Site) -> String {
    format!("{}2", site.number)
}

fn all_wishes(site: &Site) -> Value {
    let mut real = site.all_wishes();
    real["folder_id"] = json!(folder(site));
    real
}

/// The same, of one that is there, with other labels and another amount.
fn changed(site: &Site) -> Value {
    let mut real = all_wishes(site);
    real["labels"] = json!({ "stage": "dev" });
    real["budget"]["amount"] = json!(700);
    real
}

#[test]
fn the_permissions_of_projects_are_enough_and_none_is_too_much() {
    let all = documented();
    let first = site();
    first.call(&all_wishes(&first)).expect("succeeded");
    first.call(&changed(&first)).expect("succeeded");
    let needed = first.seen()["needed"].clone();
    let needed: BTreeSet<String> = serde_json::from_value(needed).unwrap();
    let named: BTreeSet<String> = all.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(needed, named, "the page names just what was asked for");
    for (permission, before) in &all {
        let site = site();
        let of_a_change = permission.ends_with(".update");
        if of_a_change {
            site.call(&all_wishes(&site)).expect("succeeded");
        }
        let before_it = site.made();
        site.set(json!({ "without": [permission] }));
        let answer = site.call(&changed(&site));
        assert_eq!(answer.at("/error/code"), "upstream_denied", "{permission}: {:#}", answer.value);
        let told = answer.at("/error/details/permission");
        assert!(
            told.split(", ").any(|told| told == permission),
            "{permission}: {:#}",
            answer.value
        );
        if *before {
            assert_eq!(site.seen()["asked"], u64::from(of_a_change), "{permission}");
            assert_eq!(site.made(), before_it, "{permission}: asked before the work");
        }
        site.project.lock_is_free();
    }
}

#[test]
fn a_plan_says_what_its_change_would_be_refused_for() {
    let site = Site::new();
    site.set(json!({ "without": ["resourcemanager.projects.create"] }));
    let plan = site.call(&site.request()).expect("planned");
    let warnings = plan.value["warnings"].to_string();
    assert!(warnings.contains("has no resourcemanager.projects.create"), "{warnings}");
    site.set(json!({ "without": [] }));
    let request = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    site.call(&request).expect("succeeded");
    site.is_whole();
}
