//! Variables whose values Google's Secret Manager keeps: fetched for the run, bound by their version, shown nowhere.

use serde_json::{Value, json};

use super::permissions::documented;
use super::project::{CANARIES, Google, target};

const SECRET: &str = "canary-5fd2-of-the-secret-manager";
const ROTATED: &str = "canary-5fd2-of-another-version";

const MODULE: &str = r#"
variable "secret" {
  type      = string
  sensitive = true
}

resource "terraform_data" "knows" {
  input = sha256(nonsensitive(var.secret))
}
"#;

impl Google {
    /// Puts the versions of the secret `db` in place of what there was.
    fn keeps(&self, versions: &Value) {
        let person = &self.person;
        let kept = json!({ "secret": "db", "project": self.id, "versions": versions, "readers": [person] });
        self.told("google", &kept);
    }

    fn refers(&mut self, reference: &str) {
        let line = format!("secret_vars = {{ secret = \"{reference}\" }}\n");
        self.project.set(|s| {
            let (before, after) = s.more.split_once("credentials = {").unwrap();
            let before = before.lines().filter(|line| !line.starts_with("secret_vars"));
            let before: Vec<&str> = before.collect();
            s.more = format!("{}\n{line}credentials = {{{after}", before.join("\n"));
        });
    }
}

#[test]
fn promise_7_a_secret_of_google_is_bound_by_its_version_and_shown_nowhere() {
    let mut google = Google::new(3600);
    google.module(MODULE);
    google.keeps(&json!({ "1": SECRET }));
    google.refers("gcp-secretmanager:db");
    let planned = google.project.call("apply_terraform", &target()).expect("planned");
    // Another version since: what was approved is not what would run.
    google.keeps(&json!({ "1": SECRET, "2": ROTATED }));
    let go = |plan: &str| json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let refused = google.project.call("apply_terraform", &go(&planned.at("/plan_id")));
    refused.refused("approval_mismatch");
    let again = google.project.call("apply_terraform", &target()).expect("planned");
    google.project.call("apply_terraform", &go(&again.at("/plan_id"))).expect("succeeded");
    let known = google.state()["resources"][0]["instances"][0]["attributes"]["input"].clone();
    assert_ne!(known, Value::Null, "terraform was told");

    // A version that is named stays; one that is disabled or not there is told.
    google.refers("gcp-secretmanager:db@1");
    let pinned = google.project.call("apply_terraform", &target()).expect("planned");
    assert_eq!(pinned.at("/summary/change"), "1", "{:#}", pinned.value);
    google.keeps(&json!({ "1": null }));
    google.project.call("apply_terraform", &target()).refused("invalid_request");
    google.refers("gcp-secretmanager:db@7");
    google.project.call("apply_terraform", &target()).refused("invalid_request");
    google.told("google", &json!({ "secret": "db", "project": google.id, "versions": { "7": SECRET }, "readers": [] }));
    let refused = google.project.call("apply_terraform", &target()).refused("upstream_denied");
    // The page names just what it takes: with it all of the above works, without it this.
    let named = documented("references to secrets in Google Cloud");
    assert_eq!(named, [refused.at("/error/details/permission")], "{:#}", refused.value);

    for entry in walkdir::WalkDir::new(google.project.folder()).into_iter().flatten() {
        let ours = entry.file_type().is_file() && entry.file_name() != "google-user.json";
        if ours {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let clean = !CANARIES.iter().any(|canary| text.contains(canary));
            assert!(clean, "{}", entry.path().display());
        }
    }
    google.project.log_is_whole();
}
