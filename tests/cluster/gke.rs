//! Google Cloud: tokens and clusters by the lab's stand-in, whose answers are held against Google's own descriptions of
//! its APIs; the cluster behind them is the real one.

mod ageing;
mod ways;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use xtask::lab::Lab;
use xtask::tools::Tool;

use crate::harness::{fresh, kubernetes};
use crate::helm::project::Project;

mod permissions;

/// Projects are a test's own: what the stand-in knows is shared.
struct Google {
    project: Project,
    id: String,
    cluster: String,
    person: String,
    refresh: String,
}

/// Whom the cluster lets into one namespace (`access.yaml`).
const DEPLOYER: &str = "deployer@datamcp-lab-4711.iam.gserviceaccount.com";
const LOCATION: &str = "europe-west1-b";
const CANARY: &str = "canary-93bd";

fn told(lab: &Lab, state: &Value) -> Value {
    lab.emulator().control("google", state).unwrap()
}

impl Google {
    /// A person who signed in and may act as the deployer, a project, a cluster in it.
    fn new() -> Self {
        Self::lasting(3600, None)
    }

    /// The same, with the person's tokens lasting so many seconds, and the deployer's that are made with them.
    fn lasting(seconds: u32, acting: Option<u32>) -> Self {
        let (id, cluster) = (fresh("acme-gcp"), fresh("gke"));
        let project = Project::new();
        let person = format!("{id}@example.com");
        let refresh = format!("{CANARY}-{id}");
        let google = Self { project, id, cluster, person, refresh };
        let lab = &google.project.lab;
        told(
            lab,
            &json!({ "person": google.person, "refresh_token": google.refresh, "seconds": seconds,
                "acting_seconds": acting }),
        );
        told(lab, &json!({ "project": google.id, "members": [google.person, DEPLOYER] }));
        // Whoever else has a test now stays in it.
        told(lab, &json!({ "account": DEPLOYER, "also": [google.person] }));
        google.put(&json!({}));
        google.project.write("google.json", &google.document());
        let module = "terraform {\n  backend \"local\" {}\n}\n";
        google.project.write("infra/gcp/envs/dev/main.tf", module);
        google.settings("impersonate = [\"deployer@datamcp-lab-4711.iam.gserviceaccount.com\"]\n");
        google
    }

    fn document(&self) -> String {
        json!({ "type": "authorized_user", "client_id": "id", "client_secret": format!("{CANARY}-secret"),
            "refresh_token": self.refresh })
        .to_string()
    }

    /// The cluster as `GetCluster` shows it: the lab's API server, its passwords as none should be copied.
    fn put(&self, change: &Value) {
        let kubernetes = kubernetes(&self.project.lab);
        let path = format!("projects/{}/locations/{LOCATION}/clusters/{}", self.id, self.cluster);
        let mut cluster = json!({
            "name": self.cluster, "location": LOCATION, "status": "RUNNING",
            "endpoint": kubernetes.endpoint.trim_start_matches("https://"),
            "selfLink": format!("https://container.googleapis.com/v1/{path}"),
            "currentMasterVersion": "1.34.3-gke.100", "autopilot": { "enabled": true },
            "masterAuth": { "clusterCaCertificate": base64(&kubernetes.ca), "password": format!("{CANARY}-password") },
        });
        for (name, value) in change.as_object().unwrap() {
            cluster[name] = value.clone();
        }
        told(&self.project.lab, &json!({ "project": self.id, "cluster": cluster }));
    }

    fn settings(&self, more: &str) {
        let file = self.project.folder().join("datamcp.toml");
        let text = std::fs::read_to_string(file).unwrap();
        let text = text.split("[environments.gcp.dev]").next().unwrap().to_owned();
        let endpoint = &self.project.lab.aws.endpoint;
        self.project.write(
            "datamcp.toml",
            &format!(
                "{text}[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"{}\"\nregion = \"europe-west1\"\n\
                 state = {{ backend = \"local\", path = \"state/gcp.tfstate\" }}\n\
                 credentials = {{ source = \"file\", path = \"google.json\" }}\n{more}\
                 cluster = {{ name = \"{}\", location = \"{LOCATION}\" }}\n\
                 [gcp]\nendpoint_url = \"{endpoint}/_google\"\n",
                self.id, self.cluster,
            ),
        );
    }

    fn kubeconfig(&self, more: &Value) -> crate::helm::project::Answered {
        let mut request = json!({ "cloud": "gcp", "env": "dev", "path": "kubeconfig" });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        self.project.call("generate_kubeconfig", &request)
    }

    /// A user's shell beside the project, without a word of Google in it; the project's own variables are.
    fn by_hand(&self, program: &Path, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.project.folder())
            .env_clear()
            .env("HOME", self.project.folder().join("home"))
            .env("KUBECONFIG", self.project.folder().join("kubeconfig"))
            .envs(self.project.variables.iter().cloned())
            .output()
            .unwrap()
    }

    fn deployment(&self) -> Value {
        let mut request = self.project.deployment(json!({}));
        request["kube_context"] = json!("gcp-dev");
        request
    }

    fn preflight(&self) -> Value {
        self.project.call("preflight", &json!({ "cloud": "gcp", "env": "dev" })).value
    }
}

#[track_caller]
fn check<'v>(answer: &'v Value, name: &str) -> &'v Value {
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no {name}: {answer:#}"))
}

fn base64(file: &Path) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(std::fs::read(file).unwrap())
}

#[track_caller]
fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn kubectl_helm_and_the_rust_client_by_hand_come_into_a_cluster_of_gke_with_the_generated_kubeconfig()
 {
    let google = Google::new();
    let (lab, kubernetes) = (&google.project.lab, kubernetes(&google.project.lab));
    let answer = google.kubeconfig(&json!({}));
    assert_eq!(answer.text("/context"), "gcp-dev", "{:#}", answer.value);
    assert_eq!(answer.text("/endpoint"), kubernetes.endpoint);
    let text = std::fs::read_to_string(google.project.folder().join("kubeconfig")).unwrap();
    assert!(text.contains("gke-token") && !text.contains(CANARY), "{text}");
    let calls = told(
        lab,
        &json!({ "calls": format!("container.googleapis.com/v1/projects/{}", google.id) }),
    );
    assert_eq!(calls["calls"].as_array().unwrap().len(), 1, "bar 7: one GetCluster: {calls}");
    let pods =
        ["kubectl", "--context", "gcp-dev", "get", "pods", "--namespace", "apps", "-o", "json"];
    let seen: Value =
        serde_json::from_str(&good(&google.by_hand(&kubernetes.kubelab, &pods))).unwrap();
    assert_eq!(seen["kind"], "List");
    let closed = ["kubectl", "--context", "gcp-dev", "get", "pods", "--namespace", "closed"];
    let refused = google.by_hand(&kubernetes.kubelab, &closed);
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("Forbidden") && refused.contains(DEPLOYER), "{refused}");
    let releases = ["list", "--kube-context", "gcp-dev", "--namespace", "apps", "--output", "json"];
    good(&google.by_hand(&kubernetes.helm, &releases));
    let rust = Tool::KubeClient.provide().unwrap().path;
    let pods = ["kubeconfig", "gcp-dev", "/api/v1/namespaces/apps/pods"];
    let seen: Value = serde_json::from_str(&good(&google.by_hand(&rust, &pods))).unwrap();
    assert_eq!(seen["kind"], "PodList");
    let again = google.kubeconfig(&json!({}));
    assert_eq!(again.value["changed"], false, "{:#}", again.value);
    assert!(!google.project.seen().contains(CANARY));
}

#[test]
fn a_release_is_made_and_taken_away_in_a_cluster_of_gke() {
    // A person's token lasts a second: whoever makes one for the deployer asks for it anew.
    let google = Google::lasting(1, None);
    let planned = google.project.call("helm_deploy", &google.deployment()).expect("planned");
    assert_eq!(planned.value["summary"]["add"], 3, "{:#}", planned.value);
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    let done = google.project.really("helm_deploy", plan).expect("succeeded");
    assert_eq!(done.value["details"]["release_status"], "deployed");
    let mut release = google.project.release_of();
    release["kube_context"] = json!("gcp-dev");
    let status = google.project.call("helm_status", &release);
    assert_eq!(status.value["releases"][0]["revision"], 1, "{:#}", status.value);
    google.project.really("helm_uninstall", release).expect("succeeded");
    let row = google.project.cli(&["ops", "list"], "");
    assert!(row.value.to_string().contains("gcp/dev"), "{:#}", row.value);
    assert!(!google.project.seen().contains(CANARY));
    for folder in ["xdg", "home"] {
        for entry in walkdir::WalkDir::new(google.project.folder().join(folder)) {
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_file() {
                let text = std::fs::read(entry.path()).unwrap();
                let text = String::from_utf8_lossy(&text);
                let clean = !text.contains(CANARY) && !text.contains("ya29.");
                assert!(clean, "promise 7: {}", entry.path().display());
            }
        }
    }
}

#[test]
fn a_plan_of_other_credentials_is_not_carried_out() {
    let google = Google::new();
    let planned = google.project.call("helm_deploy", &google.deployment()).expect("planned");
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    // The same person by another file: settings say something else than when it was planned.
    let settings = google.project.folder().join("datamcp.toml");
    let text = std::fs::read_to_string(settings).unwrap();
    google.project.write("other.json", &google.document());
    google.project.write("datamcp.toml", &text.replace("\"google.json\"", "\"other.json\""));
    google.project.really("helm_deploy", plan).refused("approval_mismatch");
}

#[test]
fn preflight_says_who_we_are_and_what_is_done_to_the_cluster() {
    let google = Google::new();
    let answer = google.preflight();
    let identity = check(&answer, "gcp/dev identity");
    assert_eq!(identity["level"], "ok", "{answer:#}");
    assert_eq!(identity["seen"], format!("serviceAccount:{DEPLOYER} in project {}", google.id));
    let cluster = check(&answer, "gcp/dev cluster");
    assert!(cluster["seen"].as_str().unwrap().starts_with("GKE Autopilot "), "{cluster}");
    let path = format!("projects/{}/locations/{LOCATION}/clusters/{}", google.id, google.cluster);
    let operation = json!({
        "name": "operation-1-a", "operationType": "UPGRADE_MASTER", "status": "RUNNING", "location": LOCATION,
        "startTime": "2026-11-22T10:00:00Z", "targetLink": format!("https://container.googleapis.com/v1/{path}"),
    });
    told(&google.project.lab, &json!({ "project": google.id, "operation": operation }));
    let answer = google.preflight();
    let cluster = check(&answer, "gcp/dev cluster");
    assert_eq!(cluster["level"], "warning");
    assert!(
        cluster["seen"].as_str().unwrap().contains("UPGRADE_MASTER (operation-1-a)"),
        "{cluster}"
    );
}

#[test]
fn a_cluster_that_nobody_has_made_yet_stops_nobody_and_one_elsewhere_does() {
    let google = Google::new();
    let settings = google.project.folder().join("datamcp.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    google.project.write("datamcp.toml", &text.replace(&google.cluster, "not-yet"));
    let answer = google.preflight();
    let cluster = check(&answer, "gcp/dev cluster");
    assert_eq!((&cluster["level"], &answer["ok"]), (&json!("warning"), &json!(true)), "{answer:#}");
    assert!(cluster["fix"].as_str().unwrap().contains("apply_terraform"), "{cluster}");
    google.project.write("datamcp.toml", &text.replace(LOCATION, "europe-west1-c"));
    let answer = google.preflight();
    assert_eq!(check(&answer, "gcp/dev cluster")["level"], "failed", "{answer:#}");
}

#[test]
fn bad_input_69_and_70_clusters_that_are_not_there() {
    let google = Google::new();
    let near = google.cluster.replacen("gke", "gek", 1);
    let absent = google.kubeconfig(&json!({ "cluster": near })).refused("invalid_request");
    absent.says("/error/next", &format!("did you mean {}", google.cluster));
    google.project.call("helm_deploy", &google.deployment()).expect("planned");
    let settings = google.project.folder().join("datamcp.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    google.project.write("datamcp.toml", &text.replace(LOCATION, "europe-west1-c"));
    let elsewhere = google.kubeconfig(&json!({})).refused("invalid_request");
    elsewhere.says("/error/next", &format!("there is one in {LOCATION}"));
    let elsewhere = google.project.call("helm_deploy", &google.deployment());
    elsewhere.refused("invalid_request").says("/error/message", LOCATION);
}

#[test]
fn fault_45_and_security_19_a_cluster_that_is_made_and_one_of_another_project() {
    let google = Google::new();
    google.put(&json!({ "status": "PROVISIONING" }));
    let made = google.kubeconfig(&json!({})).refused("upstream_failed");
    made.says("/error/message", "it is PROVISIONING");
    google.put(&json!({ "selfLink": format!("https://container.googleapis.com/v1/projects/other-12345/locations/{LOCATION}/clusters/x") }));
    google.kubeconfig(&json!({})).refused("wrong_identity");
    google.project.call("helm_deploy", &google.deployment()).refused("wrong_identity");
    let nobody = json!({ "project": google.id, "members": [google.person] });
    told(&google.project.lab, &nobody);
    let denied =
        google.project.call("helm_deploy", &google.deployment()).refused("upstream_denied");
    denied.says("/error/next", "resourcemanager.projects.get");
}

#[test]
fn credentials_that_were_revoked_open_nothing_any_more() {
    let google = Google::new();
    google.kubeconfig(&json!({}));
    told(&google.project.lab, &json!({ "revoke": google.refresh }));
    let refused = google.kubeconfig(&json!({})).refused("upstream_denied");
    refused.says("/error/message", "expired or revoked");
    let pods = ["kubectl", "--context", "gcp-dev", "get", "pods", "--namespace", "apps"];
    let output = google.by_hand(&kubernetes(&google.project.lab).kubelab, &pods);
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains(CANARY), "{output:?}");
}

#[test]
fn a_token_is_kept_for_its_owner_and_answered_in_the_version_asked_for() {
    let google = Google::new();
    let program = Path::new(env!("CARGO_BIN_EXE_datamcp"));
    let endpoint = format!("{}/_google", google.project.lab.aws.endpoint);
    let file = google.project.folder().join("google.json").display().to_string();
    let ask = |info: Option<&str>| -> Value {
        let mut command = Command::new(program);
        command
            .args(["gke-token", "--credentials-file", &file, "--endpoint-url", &endpoint])
            .env_clear()
            .env("HOME", google.project.folder().join("home"));
        command.envs(info.map(|info| ("KUBERNETES_EXEC_INFO", info)));
        serde_json::from_str(&good(&command.output().unwrap())).unwrap()
    };
    let first = ask(None);
    assert_eq!(first["apiVersion"], "client.authentication.k8s.io/v1");
    let second = ask(Some(r#"{"apiVersion":"client.authentication.k8s.io/v1beta1"}"#));
    assert_eq!(second["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(first["status"], second["status"]);
    let api = kubernetes(&google.project.lab).by_token(first["status"]["token"].as_str().unwrap());
    // The person is known to the API server, and may do nothing there.
    let refused = api.unwrap().get("/api/v1/namespaces/apps/pods").unwrap_err().to_string();
    assert!(refused.contains("status 403"), "{refused}");
    let unknown = kubernetes(&google.project.lab).by_token("ya29.made-up").unwrap();
    let refused = unknown.get("/api/v1/namespaces/apps/pods").unwrap_err().to_string();
    assert!(refused.contains("status 401"), "{refused}");
}

/// Every source against answers that Google's descriptions were held against.
#[test]
fn sources_of_tokens_against_the_described_apis() {
    let google = Google::new();
    let lab = &google.project.lab;
    let audience = format!(
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/{}/providers/x",
        google.id
    );
    told(lab, &json!({ "pool": audience, "subjects": ["canary-93bd-subject"] }));
    told(lab, &json!({ "account": DEPLOYER, "also": [audience] }));
    google.project.write("subject", "canary-93bd-subject");
    let mut pool = json!({
        "type": "external_account", "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": { "file": google.project.folder().join("subject") },
        "service_account_impersonation_url": format!("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{DEPLOYER}:generateAccessToken"),
    });
    google.settings("");
    google.project.write("google.json", &pool.to_string());
    let answer = google.preflight();
    assert_eq!(check(&answer, "gcp/dev identity")["level"], "ok", "{answer:#}");
    assert_eq!(google.kubeconfig(&json!({})).text("/context"), "gcp-dev");
    pool["credential_source"] = json!({ "file": "/etc/hostname" });
    google.project.write("google.json", &pool.to_string());
    google.kubeconfig(&json!({})).refused("upstream_denied");
    assert!(!google.project.seen().contains(CANARY));
}
