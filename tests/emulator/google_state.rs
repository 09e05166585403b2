//! The bucket of a state in Cloud Storage: made, found, mended, taken up again after every call; whose it is; what it
//! takes to be allowed to.

mod answers;
mod calls;
mod permissions;
mod terraform;

use serde_json::{Value, json};
use xtask::lab::Lab;

use crate::harness::{Answered, Project, feed};

/// What must be seen nowhere but in the person's own file; every token of the stand-in begins like `TOKEN`.
const CANARY: &str = "canary-7b2e";
const TOKEN: &str = "ya29.";

/// A person with a project of Google Cloud whose state belongs into a bucket that is not there yet. All of it is the
/// test's own: what the stand-in knows is shared.
pub(crate) struct Site {
    pub(crate) project: Project,
    pub(crate) id: String,
    pub(crate) bucket: String,
    person: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// The same with more keys of the state setting.
    pub(crate) fn with(more: &str) -> Self {
        let project = Project::new();
        let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let id = format!("acme-{name}");
        let (bucket, person) = (format!("state-{name}"), format!("{name}@example.com"));
        let refresh = format!("{CANARY}-{name}");
        let mut site = Self { project, id, bucket, person };
        site.told("google", &json!({ "person": site.person, "refresh_token": refresh }));
        site.told("google", &json!({ "project": site.id, "members": [site.person] }));
        site.bucket_is(&json!({ "project": site.id }));
        let document = json!({
            "type": "authorized_user", "client_id": "id", "client_secret": format!("{CANARY}-secret"), "refresh_token": refresh,
        });
        let file = site.project.folder().join("google.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        std::fs::create_dir_all(site.project.folder().join("infra/gcp/envs/dev")).unwrap();
        site.state(more, "");
        site
    }

    /// Writes the settings with more keys of the state, and more lines of `[gcp]`.
    pub(crate) fn state(&mut self, more: &str, gcp: &str) {
        let (id, bucket) = (self.id.clone(), self.bucket.clone());
        let endpoint = self.project.lab.aws.endpoint.clone();
        self.project.set(|s| {
            s.more = format!(
                "[environments.gcp.dev]\ntier = \"{}\"\nproject_id = \"{id}\"\nregion = \"europe-west1\"\n\
                 state = {{ backend = \"gcs\", bucket = \"{bucket}\", prefix = \"acme/dev\"{more} }}\n\
                 credentials = {{ source = \"file\", path = \"google.json\" }}\n\
                 [gcp]\nendpoint_url = \"{endpoint}/_google\"\n{gcp}",
                s.tier
            );
        });
    }

    fn told(&self, layer: &str, state: &Value) -> Value {
        lab(&self.project.lab, layer, state)
    }

    /// Tells the stand-in about the bucket, or asks it.
    pub(crate) fn bucket_is(&self, state: &Value) -> Value {
        let mut state = state.clone();
        state["bucket"] = json!(self.bucket);
        self.told("google_storage", &state)
    }

    /// The bucket as it is; null where there is none.
    fn seen(&self) -> Value {
        self.bucket_is(&json!({}))["bucket"].clone()
    }

    /// How many calls were sent.
    fn calls(&self) -> Vec<String> {
        let calls = self.bucket_is(&json!({}))["calls"].clone();
        serde_json::from_value(calls).unwrap()
    }

    fn dry(&self) -> Answered {
        self.bootstrap(true)
    }

    pub(crate) fn real(&self) -> Answered {
        self.bootstrap(false)
    }

    fn bootstrap(&self, dry_run: bool) -> Answered {
        self.project.call("bootstrap_state_backend", &request(dry_run))
    }

    /// Nothing that was written has a secret in it, nor has any of these answers.
    #[track_caller]
    fn is_clean(&self, answers: &[&Answered]) {
        let clean = |text: &str| !text.contains(CANARY) && !text.contains(TOKEN);
        for answer in answers {
            assert!(clean(&answer.out) && clean(&answer.err), "promise 7: {answer:?}");
        }
        for entry in walkdir::WalkDir::new(self.project.folder()) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() && entry.file_name() != "google.json" {
                let bytes = std::fs::read(entry.path()).unwrap();
                let path = entry.path().display();
                assert!(clean(&String::from_utf8_lossy(&bytes)), "promise 7: {path}");
            }
        }
        self.project.log_is_whole();
    }

    /// Fails unless the bucket is there as settings want it, by what it says itself.
    #[track_caller]
    fn is_whole(&self) {
        let seen = self.seen();
        assert_eq!(seen["projectNumber"], "415104041262", "{seen:#}");
        assert_eq!(seen["location"], "EUROPE-WEST1", "{seen:#}");
        let access = &seen["iamConfiguration"];
        assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true, "{seen:#}");
        assert_eq!(access["publicAccessPrevention"], "enforced", "{seen:#}");
        assert_eq!(seen["versioning"]["enabled"], true, "{seen:#}");
        assert_eq!(seen["softDeletePolicy"]["retentionDurationSeconds"], "604800", "{seen:#}");
        let rule = json!({ "action": { "type": "Delete" }, "condition": { "daysSinceNoncurrentTime": 90, "numNewerVersions": 10 } });
        assert!(seen["lifecycle"]["rule"].as_array().unwrap().contains(&rule), "{seen:#}");
    }
}

fn lab(lab: &Lab, layer: &str, state: &Value) -> Value {
    lab.emulator().control(layer, state).unwrap()
}

fn request(dry_run: bool) -> Value {
    json!({ "cloud": "gcp", "env": "dev", "dry_run": dry_run, "auto_approve": true, "wait_s": 120 })
}

#[test]
fn the_bucket_of_google_is_made_found_and_mended() {
    let site = Site::new();
    let plan = site.dry().expect("planned");
    assert_eq!(plan.at("/summary/add"), "7", "{:#}", plan.value);
    let text = plan.at("/plan_stdout");
    for line in [
        "bucket                 absent -> there, in europe-west1",
        "public_access_prevention absent -> enforced",
        "versioning             absent -> enabled",
        "soft_delete            absent -> deleted objects stay 7 days",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(site.seen(), Value::Null, "promise 1: a dry run makes nothing");

    let made = site.real().expect("succeeded");
    assert_eq!(made.at("/details/backend_block"), "terraform { backend \"gcs\" {} }");
    assert_eq!(
        made.value["details"]["backend_values"],
        json!({ "bucket": site.bucket, "prefix": "acme/dev" })
    );
    site.is_whole();
    assert_eq!(site.seen()["metageneration"], "1", "made whole by one call");
    let again = site.real().expect("succeeded");
    assert_eq!(again.at("/summary/text"), "no changes", "repeating changes nothing");
    assert_eq!(site.seen()["metageneration"], "1");

    let foreign = json!({ "action": { "type": "SetStorageClass", "storageClass": "NEARLINE" }, "condition": { "age": 30 } });
    site.bucket_is(&json!({ "set": {
        "versioning": { "enabled": false },
        "iamConfiguration": { "publicAccessPrevention": "inherited" },
        "softDeletePolicy": { "retentionDurationSeconds": "0" },
        "lifecycle": { "rule": [foreign] },
        "labels": { "team": "others" },
    } }));
    let found = site.dry().expect("planned");
    assert_eq!(found.at("/summary/change"), "4", "{:#}", found.value);
    let mended = site.real().expect("succeeded");
    for (setting, how) in [
        ("bucket", "found"),
        ("uniform_access", "found"),
        ("public_access_prevention", "made"),
        ("versioning", "made"),
        ("soft_delete", "made"),
        ("lifecycle", "made"),
        ("encryption", "found"),
    ] {
        assert_eq!(mended.at(&format!("/details/settings/{setting}")), how, "{setting}");
    }
    site.is_whole();
    assert_eq!(site.seen()["lifecycle"]["rule"][0], foreign, "rules of others stay");
    assert_eq!(site.seen()["labels"]["team"], "others");
    site.project.log_is_whole();
    site.project.lock_is_free();
}

#[test]
fn what_settings_say_of_the_bucket_is_made_and_kept() {
    const KEY: &str = "projects/acme-keys-1/locations/europe-west1/keyRings/states/cryptoKeys/dev";
    let mut site = Site::with(&format!(
        ", kms_key = \"{KEY}\", soft_delete_days = 30, keep_versions = 3, labels = {{ team = \"data\", tier = \"dev\" }}"
    ));
    let made = site.real().expect("succeeded");
    assert_eq!(made.at("/details/settings/labels"), "made", "{:#}", made.value);
    let seen = site.seen();
    assert_eq!(seen["encryption"]["defaultKmsKeyName"], KEY);
    assert_eq!(seen["softDeletePolicy"]["retentionDurationSeconds"], "2592000");
    assert_eq!(seen["lifecycle"]["rule"][0]["condition"]["numNewerVersions"], 3);
    assert_eq!(seen["labels"], json!({ "team": "data", "tier": "dev" }));
    // Somebody relabels it, and settings ask for another number of versions.
    site.bucket_is(&json!({ "set": { "labels": { "team": "others", "owner": "mira" } } }));
    site.state(&format!(", kms_key = \"{KEY}\", soft_delete_days = 30, keep_versions = 5, labels = {{ team = \"data\" }}"), "");
    assert_eq!(site.dry().expect("planned").at("/summary/change"), "2");
    site.real().expect("succeeded");
    let seen = site.seen();
    assert_eq!(
        seen["labels"],
        json!({ "team": "data", "tier": "dev", "owner": "mira" }),
        "labels of others stay"
    );
    let rules = seen["lifecycle"]["rule"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "ours takes the place of ours: {rules:?}");
    assert_eq!(rules[0]["condition"]["numNewerVersions"], 5);
}

#[test]
fn promise_2_a_bucket_of_google_that_changed_since_the_plan_is_another_change() {
    let site = Site::new();
    site.real().expect("succeeded");
    site.bucket_is(&json!({ "set": { "versioning": { "enabled": false } } }));
    let plan = site.dry().expect("planned");
    site.bucket_is(
        &json!({ "set": { "iamConfiguration": { "publicAccessPrevention": "inherited" } } }),
    );
    let mut request =
        json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let refused =
        site.project.call("bootstrap_state_backend", &request).refused("approval_mismatch");
    assert_eq!(refused.value["error"]["details"]["changed"], json!(["plan content"]));
    site.bucket_is(
        &json!({ "set": { "iamConfiguration": { "publicAccessPrevention": "enforced" } } }),
    );
    let plan = site.dry().expect("planned");
    request["plan_id"] = json!(plan.at("/plan_id"));
    site.project.call("bootstrap_state_backend", &request).expect("succeeded");
    site.is_whole();
}

#[test]
fn a_change_of_the_bucket_waits_for_a_person_where_the_tier_says_so() {
    let mut site = Site::new();
    site.project.set(crate::harness::Settings::asks_a_person);
    let asked = site.real();
    assert_eq!(asked.status(), "approval_required", "{:#}", asked.value);
    assert_eq!(site.seen(), Value::Null);
    site.project.approves(&asked.at("/approval/id"));
    let request = json!({ "plan_id": asked.at("/plan_id"), "dry_run": false });
    site.project.call("bootstrap_state_backend", &request).expect("succeeded");
    site.is_whole();
    site.project.log_is_whole();
}

#[test]
fn fault_34_whatever_setting_it_dies_at_the_next_run_completes_it() {
    for setting in ["bucket", "uniform_access", "versioning", "lifecycle", "encryption"] {
        let site = Site::new();
        let mut command =
            site.project.command(&["--json", "call", "bootstrap_state_backend", "--request", "-"]);
        command.env("DATAMCP_FAULT", format!("after_call_{setting}"));
        let died = feed(&mut command, &request(false).to_string());
        assert_eq!(died.status(), "partial", "{setting}: {:#}", died.value);
        site.project.lock_is_free();
        site.real().expect("succeeded");
        site.is_whole();
        assert_eq!(site.dry().expect("planned").at("/summary/text"), "no changes", "{setting}");
        site.project.log_is_whole();
    }
}

#[test]
fn preflight_tells_of_the_bucket() {
    let site = Site::new();
    let check = || {
        let answer = site.project.call("preflight", &json!({ "cloud": "gcp", "env": "dev" })).value;
        let checks = answer["checks"].as_array().unwrap().clone();
        checks
            .into_iter()
            .find(|c| c["name"] == "gcp/dev state")
            .unwrap_or_else(|| panic!("{answer:#}"))
    };
    let absent = check();
    assert_eq!(absent["level"], "warning", "{absent:#}");
    assert!(
        absent["fix"].as_str().unwrap().contains("bootstrap-state-backend --cloud gcp --env dev")
    );
    site.real().expect("succeeded");
    let there = check();
    assert!(there.to_string().contains("7 settings as they should be"), "{there:#}");
    site.bucket_is(&json!({ "set": { "versioning": { "enabled": false } } }));
    assert!(check().to_string().contains("versioning is set otherwise"), "{:#}", check());
}
