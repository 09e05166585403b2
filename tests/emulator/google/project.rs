//! A project with an environment `gcp/dev`: a person who signed in, a project of Google's, a place for the state.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use xtask::lab::Gcs;

use super::storage::Guarded;
use crate::harness::{Answered, Project, Settings, feed, module_of};

/// What must be seen nowhere but in the person's own file: every token of the stand-in begins like the second one.
pub(super) const CANARIES: [&str; 2] = [SIGN_IN, "ya29."];
/// What every part of the person's sign-in begins with.
pub(crate) const SIGN_IN: &str = "canary-5fd2";

/// All of it. Names are a test's own: what the stand-in knows is shared.
pub(super) struct Google {
    pub(super) project: Project,
    pub(super) id: String,
    pub(super) person: String,
    pub(super) refresh: String,
    pub(super) gcs: Gcs,
    pub(super) storage: Guarded,
}

fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("acme-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Google {
    /// With tokens that last so many seconds.
    pub(super) fn new(seconds: u32) -> Self {
        let (project, id) = (Project::new(), fresh());
        let gcs = Gcs::start(project.folder()).unwrap();
        gcs.create_bucket(&bucket(&id)).unwrap();
        let storage = Guarded::before(&gcs, &project.lab);
        let (person, refresh) = (format!("{id}@example.com"), format!("{}-{id}", CANARIES[0]));
        let mut google = Self { project, id, person, refresh, gcs, storage };
        let person =
            json!({ "person": google.person, "refresh_token": google.refresh, "seconds": seconds });
        google.told("google", &person);
        // The bucket is there, and the state watch finds in it what terraform writes.
        google.told(
            "google_storage",
            &json!({ "bucket": bucket(&google.id), "project": google.id, "upstream": google.gcs.host(),
                "plant": { "location": "EUROPE-WEST1", "projectNumber": "415104041262" } }),
        );
        google.lets_in(&[&google.person.clone()]);
        let file = json!({ "type": "authorized_user", "client_id": "id", "refresh_token": google.refresh,
            "client_secret": format!("{}-secret", CANARIES[0]) });
        let path = google.project.folder().join("google-user.json");
        std::fs::write(path, file.to_string()).unwrap();
        let (endpoint, host) =
            (google.project.lab.aws.endpoint.clone(), google.storage.host.clone());
        let id = google.id.clone();
        google.project.set(|s| s.more = environment(&id, &endpoint, &host));
        std::fs::create_dir_all(google.folder()).unwrap();
        let lock = &google.project.lab.terraform.google_lock;
        std::fs::copy(lock, google.folder().join(".terraform.lock.hcl")).unwrap();
        google
    }

    /// Says something to a part of the lab.
    pub(super) fn told(&self, part: &str, said: &Value) -> Value {
        self.project.lab.emulator().control(part, said).unwrap()
    }

    /// What the person's tokens were shown for.
    pub(super) fn tokens(&self) -> Vec<Value> {
        self.told("google", &json!({ "tokens": self.person }))["tokens"].as_array().unwrap().clone()
    }

    /// Who may see the project.
    pub(super) fn lets_in(&self, members: &[&str]) {
        self.told("google", &json!({ "project": self.id, "members": members }));
    }

    pub(super) fn asks_a_person(&mut self) {
        self.project.set(Settings::asks_a_person);
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.project.folder().join("infra/gcp/envs/dev")
    }

    /// Writes the root module.
    pub(super) fn module(&self, body: &str) {
        let required = "terraform {\n  required_providers {\n    google = {\n      source  = \
                        \"hashicorp/google\"\n      version = \"~> 7.45\"\n    }\n  }\n";
        let text = module_of("gcs", body).replacen("terraform {\n", required, 1);
        std::fs::write(self.folder().join("main.tf"), text).unwrap();
    }

    /// A command line that finds whatever its environment says of Google.
    pub(super) fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command =
            self.project.command(&["--json", "call", "apply_terraform", "--request", "-"]);
        command.envs(variables.iter().copied());
        command
    }

    pub(super) fn apply_with(&self, variables: &[(&str, &str)]) -> Answered {
        feed(&mut self.command(variables), &for_real(300).to_string())
    }

    pub(super) fn apply(&self) -> Answered {
        self.apply_with(&[])
    }

    /// Starts an apply and does not wait; returns the operation.
    #[track_caller]
    pub(super) fn running(&self, variables: &[(&str, &str)]) -> String {
        feed(&mut self.command(variables), &for_real(0).to_string()).expect("running").operation()
    }

    /// The bucket of the state.
    pub(super) fn bucket(&self) -> String {
        bucket(&self.id)
    }

    /// The state of terraform, as it lies in the bucket.
    pub(super) fn state(&self) -> Value {
        let text =
            self.gcs.object(&self.bucket(), "dev/default.tfstate").unwrap().unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

fn bucket(id: &str) -> String {
    format!("{id}-tfstate")
}

pub(super) fn target() -> Value {
    json!({ "cloud": "gcp", "env": "dev" })
}

fn for_real(wait_s: u32) -> Value {
    json!({ "cloud": "gcp", "env": "dev", "wait_s": wait_s, "dry_run": false, "auto_approve": true })
}

fn environment(id: &str, endpoint: &str, host: &str) -> String {
    let bucket = bucket(id);
    format!(
        r#"
[environments.gcp.dev]
tier = "dev"
project_id = "{id}"
region = "europe-west1"
state = {{ backend = "gcs", bucket = "{bucket}", prefix = "dev" }}
credentials = {{ source = "file", path = "google-user.json" }}

[gcp]
endpoint_url = "{endpoint}/_google"
storage_emulator = "{host}"
"#
    )
}
