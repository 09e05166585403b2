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

fn all_wishes(site: &Site) -> Value {
    let mut real = site.real();
    for wish in ["remove_default_network", "disable_default_account", "lien"] {
        real[wish] = json!(true);
    }
    real["budget"] = json!({ "amount": 500, "currency": "EUR" });
    real
}

fn site() -> Site {
    let mut site = Site::new();
    site.project.set(|s| s.rules = "auto_approve = [\"create\", \"update\", \"delete\"]".into());
    site
}

#[test]
fn the_permissions_of_projects_are_enough_and_none_is_too_much() {
    let all = documented();
    let first = site();
    first.call(&all_wishes(&first)).expect("succeeded");
    let mut labelled = all_wishes(&first);
    labelled["labels"] = json!({ "stage": "dev" });
    first.call(&labelled).expect("succeeded");
    let needed = first.seen()["needed"].clone();
    let needed: BTreeSet<String> = serde_json::from_value(needed).unwrap();
    // Folders are asked for where one is named.
    let named: BTreeSet<String> =
        all.iter().map(|(name, _)| name.clone()).filter(|n| !n.contains(".folders.")).collect();
    assert_eq!(needed, named, "the page names just what was asked for");
    for (permission, before) in all.iter().filter(|(name, _)| !name.contains(".folders.")) {
        let site = site();
        if permission == "resourcemanager.projects.update" {
            site.call(&all_wishes(&site)).expect("succeeded");
        }
        site.set(json!({ "without": [permission] }));
        let mut real = all_wishes(&site);
        real["labels"] = json!({ "stage": "dev" });
        let answer = site.call(&real);
        assert_eq!(answer.at("/error/code"), "upstream_denied", "{permission}: {:#}", answer.value);
        let told = answer.at("/error/details/permission");
        assert!(
            told.split(", ").any(|told| told == permission),
            "{permission}: {:#}",
            answer.value
        );
        if *before && permission != "resourcemanager.projects.update" {
            assert_eq!(site.seen()["asked"], 0, "{permission}");
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
