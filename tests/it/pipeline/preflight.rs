//! `preflight`: each finding with its fix, secrets out, small enough for a model.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use datamcp::model::Outcome;
use datamcp::operation::answer::MAX;
use datamcp::operation::call;
use serde_json::{Value, json};

use super::site::{SETTINGS, Site, agent};

async fn look(site: &Site) -> Value {
    let tool = datamcp::operation::catalog::find("preflight").unwrap();
    let called = call::call(&site.world(), &agent(), tool, json!({}), &mut |_| {}).await;
    assert!(!called.failed, "{}", called.answer);
    called.answer
}

/// Level, what was seen, and the fix of one check.
async fn check(site: &Site, name: &str) -> (String, String, String) {
    let answer = look(site).await;
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name}: {answer:#}"));
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    let any_failed = checks.iter().any(|c| c["level"] == "failed");
    assert_eq!(answer["ok"], !any_failed, "{answer:#}");
    (text("level"), text("seen"), text("fix"))
}

#[tokio::test]
async fn a_fresh_project_is_told_what_is_there_and_what_is_not_yet() {
    let site = Site::new();
    let (level, seen, _) = check(&site, "settings").await;
    assert!(level == "ok" && seen.contains("project acme, 2 environment(s)"), "{seen}");
    assert!(check(&site, "state folder").await.1.contains("is not there yet"));
    assert!(check(&site, "key").await.1.contains("none yet"));
    site.plan("apply_terraform", "dev").await;
    let state = site.state();
    assert!(check(&site, "state folder").await.1.ends_with("private"));
    let (level, seen, _) = check(&site, "operations log").await;
    assert!(level == "ok" && seen.contains("verified"), "{seen}");
    let (level, seen, _) = check(&site, "aws/dev lock").await;
    assert!(level == "ok" && seen.contains("no operation is unfinished"), "{seen}");
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o755)).unwrap();
    let (level, _, fix) = check(&site, "state folder").await;
    assert_eq!((level.as_str(), fix), ("warning", format!("chmod 700 {}", state.display())));
    std::fs::set_permissions(state.join("key"), PermissionsExt::from_mode(0o644)).unwrap();
    let (level, _, fix) = check(&site, "key").await;
    assert_eq!((level.as_str(), fix), ("failed", format!("chmod 600 {}/key", state.display())));
}

#[tokio::test]
async fn promise_5_an_edited_log_is_found_before_anything_runs() {
    let site = Site::new();
    site.plan("apply_terraform", "dev").await;
    let raw = rusqlite::Connection::open(site.state().join("log.db")).unwrap();
    raw.execute_batch(
        "DROP TRIGGER IF EXISTS events_are_kept; DROP TRIGGER IF EXISTS events_are_not_deleted;",
    )
    .unwrap();
    let deleted = raw.execute("DELETE FROM events WHERE seq = 1", []);
    assert!(deleted.is_ok(), "{deleted:?}");
    let (level, seen, fix) = check(&site, "operations log").await;
    assert!(level == "failed" && seen.contains("aws/dev") && fix.contains("ops verify"), "{seen}");
}

#[tokio::test]
async fn promise_6_a_blocked_environment_names_what_a_person_does() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    site.terraform.tell(|script| script.outcome = Outcome::Unknown);
    let answer = site.carry_out("apply_terraform", &plan).await;
    let operation = answer["operation_id"].as_str().unwrap();
    let (level, seen, fix) = check(&site, "aws/dev lock").await;
    assert!(level == "failed" && seen.contains(operation), "{seen}");
    assert!(fix.contains(&format!("reconcile {operation}")), "{fix}");
    assert_eq!(check(&site, "aws/prod lock").await.0, "ok");
}

#[tokio::test]
async fn an_operation_that_has_not_ended_is_named() {
    let site = Site::new();
    let request = json!({ "cloud": "aws", "env": "dev" });
    let id = site.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
    let (level, seen, _) = check(&site, "aws/dev lock").await;
    assert!(level == "warning" && seen.contains(&id.to_string()), "{seen}");
}

#[tokio::test]
async fn bar_11_many_environments_fit_into_one_answer_and_faults_stay() {
    let mut settings = SETTINGS.to_owned();
    for i in 0..60 {
        write!(
            settings,
            "[environments.aws.more-{i}]\ntier = \"dev\"\naccount_id = \"123456789012\"\nregion = \"eu-west-1\"\n\
             state = {{ backend = \"s3\", bucket = \"acme-tfstate\", key = \"more-{i}\" }}\n"
        )
        .unwrap();
    }
    let site = Site::with(&settings);
    site.plan("apply_terraform", "dev").await;
    std::fs::set_permissions(site.state().join("key"), PermissionsExt::from_mode(0o644)).unwrap();
    let began = Instant::now();
    let answer = look(&site).await;
    assert!(began.elapsed() < Duration::from_mins(1));
    assert!(answer.to_string().len() <= MAX + 40, "{}", answer.to_string().len());
    assert!(answer["left_out"].as_u64().unwrap() > 100, "{answer:#}");
    let first_failed = answer["checks"].as_array().unwrap().iter().find(|c| c["level"] == "failed");
    assert_eq!(first_failed.unwrap()["name"], "key");
}
