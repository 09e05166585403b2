//! The whole path in Google Cloud, by MCP and on the command line.

use serde_json::json;

use super::project::{Google, target};
use crate::harness::structured;

const MODULE: &str = r#"
resource "google_compute_network" "main" {
  name                    = "main"
  auto_create_subnetworks = false
  routing_mode            = var.turn == "0" ? "REGIONAL" : "GLOBAL"
}

resource "google_storage_bucket" "data" {
  name                        = "${google_compute_network.main.project}-data"
  location                    = "EU"
  uniform_bucket_level_access = true
}

output "network" {
  value = google_compute_network.main.self_link
}
"#;

#[test]
fn promises_1_2_3_the_whole_path_in_google_cloud() {
    let mut google = Google::new(3600);
    google.asks_a_person();
    google.module(MODULE);
    let project = &google.project;
    let mut client = project.serve();
    let mut mcp =
        |tool: &str, request| structured(client.call(tool, &request, &mut |_| {}).unwrap());

    let plan = mcp("apply_terraform", target()).expect("planned");
    assert_eq!(plan.at("/summary/add"), "2", "{:#}", plan.value);
    let shown = plan.value.to_string();
    assert!(shown.contains("Stand-in for the google provider"), "everyone sees it: {shown}");
    assert_eq!(google.state()["resources"], json!([]), "a dry run makes nothing");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false });
    let asked = mcp("apply_terraform", real.clone()).expect("approval_required");
    assert_eq!(project.approves(&asked.at("/approval/id")), "yes");
    mcp("apply_terraform", real).expect("succeeded");
    assert_eq!(google.state()["resources"].as_array().map(Vec::len), Some(2));
    let outputs = mcp("terraform_outputs", target());
    let link =
        format!("https://stand-in.invalid/projects/{}/google_compute_network/main", google.id);
    assert_eq!(outputs.at("/outputs/network/value"), link, "project and region come from settings");
    assert!(client.stop().unwrap().unwrap().success());

    // The rest on the command line.
    let again = project.call("apply_terraform", &target()).expect("planned");
    assert_eq!(again.at("/summary/text"), "no changes");
    let none = project.call("detect_drift", &target()).expect("succeeded");
    assert_eq!(none.at("/summary/text"), "nothing has drifted from the state");
    google.told(
        "google_by_hand",
        &json!({ "project": google.id, "type": "google_compute_network",
        "name": "main", "now": { "routing_mode": "BY_HAND" } }),
    );
    let found = project.call("detect_drift", &target()).expect("succeeded");
    assert_eq!(
        found.at("/summary/resources/0/address"),
        "google_compute_network.main",
        "{:#}",
        found.value
    );
    assert_eq!(found.at("/summary/change"), "1");

    let plan = project.call("destroy_terraform", &target()).expect("planned");
    assert_eq!(plan.at("/summary/destroy"), "2");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false });
    let asked = project.call("destroy_terraform", &real).expect("approval_required");
    assert_eq!(project.approves(&asked.at("/approval/id")), "dev", "destroy: the name is typed");
    project.call("destroy_terraform", &real).expect("succeeded");
    assert_eq!(google.state()["resources"], json!([]));
    assert_eq!(google.storage.refused(), 0, "the backend showed a token each time");
    assert!(google.storage.tokens() >= 1);
    project.log_is_whole();
    project.lock_is_free();
}

#[test]
fn fault_40_a_project_that_is_not_the_environments_is_refused_before_terraform_starts() {
    let google = Google::new(3600);
    google.module(MODULE);
    let made = google.apply().expect("succeeded");
    let before = google.state();
    let plan = google.project.call("apply_terraform", &{
        let mut request = target();
        request["vars"] = json!({ "turn": "2" });
        request
    });
    let plan = plan.expect("planned");
    assert_eq!(plan.at("/summary/change"), "1", "{:#}", plan.value);

    // Whoever is signed in between plan and apply does not see the project.
    google.lets_in(&["somebody@example.com"]);
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let refused = google.project.call("apply_terraform", &real).refused("upstream_denied");
    assert!(refused.at("/error/message").contains(&google.id), "{:#}", refused.value);
    let started = |id: &str| {
        let journal = google.project.run(id).join("journal.jsonl");
        std::fs::read_to_string(journal).unwrap().contains("child")
    };
    assert!(started(&made.operation()) && !started(&refused.operation()), "no child at all");
    assert_eq!(google.state(), before);

    // With the right one again, it is the plan of before that is carried out.
    google.lets_in(&[&google.person]);
    google.project.call("apply_terraform", &real).expect("succeeded");
    google.project.log_is_whole();
}
