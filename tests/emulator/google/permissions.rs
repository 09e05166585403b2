//! `docs/permissions.md`, run, for clusters of GKE and for acting as a service account: with what it names the tools work;
//! without any one of them what needs it fails and names it. No terraform and no cluster: only Google is asked.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::harness::{Answered, Project};

const LOCATION: &str = "europe-west1-b";

/// Permissions of a part of the page: the first word of each row.
pub(super) fn documented(part: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md");
    let page = std::fs::read_to_string(file).unwrap();
    let part = page.split_once(&format!("\n## {part}\n")).unwrap().1;
    let part = part.split("\n## ").next().unwrap();
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    part.lines().filter_map(row).collect()
}

/// A person, a project, a cluster in it as Google shows one.
struct Site {
    project: Project,
    id: String,
    person: String,
    deployer: String,
}

impl Site {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("acme-{}-g{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (person, deployer) =
            (format!("{id}@example.com"), format!("deployer@{id}.iam.gserviceaccount.com"));
        let mut site = Self { project: Project::new(), id, person, deployer };
        site.told(&json!({ "person": site.person, "refresh_token": site.person }));
        let path = format!("projects/{}/locations/{LOCATION}/clusters/main", site.id);
        site.told(&json!({ "project": site.id, "cluster": {
            "name": "main", "location": LOCATION, "status": "RUNNING", "endpoint": "203.0.113.7",
            "selfLink": format!("https://container.googleapis.com/v1/{path}"),
            "currentMasterVersion": "1.34.3-gke.100", "masterAuth": { "clusterCaCertificate": "TEFC" },
        } }));
        let document = json!({ "type": "authorized_user", "client_id": "id", "client_secret": "secret",
            "refresh_token": site.person });
        std::fs::write(site.project.folder().join("google.json"), document.to_string()).unwrap();
        site.without(&[]);
        site.settings("");
        site
    }

    fn settings(&mut self, more: &str) {
        let (id, endpoint) = (&self.id, &self.project.lab.aws.endpoint);
        let settings = format!(
            "[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"{id}\"\nregion = \"europe-west1\"\n\
             state = {{ backend = \"local\", path = \"state/gcp.tfstate\" }}\n\
             credentials = {{ source = \"file\", path = \"google.json\" }}\n{more}\
             cluster = {{ name = \"main\", location = \"{LOCATION}\" }}\n\
             [gcp]\nendpoint_url = \"{endpoint}/_google\"\n"
        );
        self.project.set(|s| s.more = settings);
    }

    fn told(&self, state: &Value) {
        self.project.lab.emulator().control("google", state).unwrap();
    }

    /// Takes these permissions away from everybody in the project.
    fn without(&self, permissions: &[&str]) {
        let members = [&self.person, &self.deployer];
        self.told(&json!({ "project": self.id, "members": members, "without": permissions }));
    }

    fn kubeconfig(&self, cluster: &str) -> Answered {
        let request =
            json!({ "cloud": "gcp", "env": "dev", "cluster": cluster, "path": "kubeconfig" });
        self.project.call("generate_kubeconfig", &request)
    }

    fn is_written(&self) -> bool {
        self.project.folder().join("kubeconfig").exists()
    }

    /// What `preflight` says of one thing: its level and its words.
    fn check(&self, name: &str) -> (String, String) {
        let answer = self.project.call("preflight", &json!({ "cloud": "gcp", "env": "dev" })).value;
        let checks = answer["checks"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        let found = checks.iter().find(|check| check["name"] == name);
        let found = found.unwrap_or_else(|| panic!("no {name}: {answer:#}"));
        (found["level"].as_str().unwrap().to_owned(), found.to_string())
    }
}

#[track_caller]
fn names(answer: &Answered, permission: &str) {
    assert_eq!(answer.at("/error/code"), "upstream_denied", "{permission}: {:#}", answer.value);
    assert_eq!(answer.at("/error/details/permission"), permission, "{:#}", answer.value);
    assert!(answer.at("/error/next").contains("granted"), "{:#}", answer.value);
}

#[test]
fn the_permissions_of_clusters_are_enough_and_none_is_too_much() {
    let site = Site::new();
    let good = |site: &Site| {
        assert_eq!(site.kubeconfig("main").at("/context"), "gcp-dev");
        std::fs::remove_file(site.project.folder().join("kubeconfig")).unwrap();
    };
    good(&site);
    let absent = site.kubeconfig("mian").refused("invalid_request");
    assert!(absent.at("/error/next").contains("did you mean main"), "{:#}", absent.value);
    let (level, told) = site.check("gcp/dev cluster");
    assert_eq!(level, "ok", "{told}");

    for permission in documented("clusters of GKE") {
        site.without(&[&permission]);
        let about = if permission.starts_with("container.") { "cluster" } else { "identity" };
        let (level, told) = site.check(&format!("gcp/dev {about}"));
        assert_ne!(level, "ok", "{permission}: {told}");
        assert!(told.contains(&permission), "{permission}: {told}");
        match permission.as_str() {
            "container.clusters.get" => names(&site.kubeconfig("main"), &permission),
            "container.clusters.list" => {
                names(&site.kubeconfig("mian"), &permission);
                good(&site);
            }
            "container.operations.list"
            | "container.clusters.connect"
            | "resourcemanager.projects.get" => good(&site),
            other => panic!("nothing shows what {other} is for"),
        }
        assert!(!site.is_written(), "{permission}");
    }
    site.without(&[]);
    good(&site);
    site.project.lock_is_free();
    site.project.log_is_whole();
}

#[test]
fn acting_as_a_service_account_takes_the_permission_that_the_page_names() {
    let mut site = Site::new();
    let deployer = site.deployer.clone();
    site.settings(&format!("impersonate = [\"{deployer}\"]\n"));
    let [permission] = &documented("acting as a service account of Google")[..] else {
        panic!("one permission")
    };
    names(&site.kubeconfig("main"), permission);
    assert!(!site.is_written());
    let (level, told) = site.check("gcp/dev credentials");
    assert!(level == "failed" && told.contains(permission), "{told}");
    site.told(&json!({ "account": deployer, "also": [site.person] }));
    assert_eq!(site.kubeconfig("main").at("/context"), "gcp-dev");
    let (level, told) = site.check("gcp/dev identity");
    assert!(level == "ok" && told.contains(&deployer), "{told}");
}
