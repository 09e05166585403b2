//! The eight steps of the first sequence in Google Cloud, on `infra/gcp/envs/dev`: the bucket of the state, init, plan, apply,
//! the cluster, Argo CD, an application, its sync. Terraform and its backend are real, its provider is the lab's stand-in,
//! so the cluster that it says to have made is put beside it: the lab's real API server, which asks the stand-in for
//! Google whose token it was shown.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::lab::Gcs;
use xtask::person::{Ending, Person};

use crate::gitops::project::Project;
use crate::harness::{fresh, kubernetes, walks_alone};

/// Whom the cluster lets into one namespace (`access.yaml`).
const DEPLOYER: &str = "deployer@datamcp-lab-4711.iam.gserviceaccount.com";
const LOCATION: &str = "europe-west1-b";
const CANARY: &str = "canary-2b7e";

struct Site {
    project: Project,
    gcs: Gcs,
    id: String,
    cluster: String,
    bucket: String,
}

impl Site {
    fn new() -> Self {
        let project = Project::new();
        let gcs = Gcs::start(project.folder()).unwrap();
        let (id, cluster) = (fresh("acme-poc"), fresh("gke"));
        let bucket = format!("{id}-tfstate");
        let site = Self { project, gcs, id, cluster, bucket };
        site.signs_in();
        site.lays();
        site
    }

    fn told(&self, part: &str, said: &Value) -> Value {
        self.project.lab.emulator().control(part, said).unwrap()
    }

    /// A person who may act as the deployer, a project, the name of a bucket in it that is free.
    fn signs_in(&self) {
        let (person, refresh) =
            (format!("{}@example.com", self.id), format!("{CANARY}-{}", self.id));
        self.told("google", &json!({ "person": person, "refresh_token": refresh }));
        self.told("google", &json!({ "project": self.id, "members": [person, DEPLOYER] }));
        self.told("google", &json!({ "account": DEPLOYER, "also": [person] }));
        let bucket =
            json!({ "bucket": self.bucket, "project": self.id, "upstream": self.gcs.host() });
        self.told("google_storage", &bucket);
        let kubernetes = kubernetes(&self.project.lab);
        let path = format!("projects/{}/locations/{LOCATION}/clusters/{}", self.id, self.cluster);
        let cluster = json!({
            "name": self.cluster, "location": LOCATION, "status": "RUNNING",
            "endpoint": kubernetes.endpoint.trim_start_matches("https://"),
            "selfLink": format!("https://container.googleapis.com/v1/{path}"),
            "currentMasterVersion": "1.34.3-gke.100",
            "masterAuth": { "clusterCaCertificate": base64(&kubernetes.ca) },
        });
        self.told("google", &json!({ "project": self.id, "cluster": cluster }));
        let document = json!({ "type": "authorized_user", "client_id": "id", "client_secret": format!("{CANARY}-secret"),
            "refresh_token": refresh });
        self.write("google.json", &document.to_string());
    }

    /// Lays infra/gcp with the lab's lock file, a small chart in the place of Argo CD's own, and the settings.
    fn lays(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("infra/gcp");
        for entry in walkdir::WalkDir::new(&from).into_iter().flatten() {
            if entry.file_type().is_file() {
                let place = Path::new("infra/gcp").join(entry.path().strip_prefix(&from).unwrap());
                let text = std::fs::read_to_string(entry.path()).unwrap();
                self.write(place.to_str().unwrap(), &text);
            }
        }
        let lock = std::fs::read_to_string(&self.project.lab.terraform.google_lock).unwrap();
        self.write("infra/gcp/envs/dev/.terraform.lock.hcl", &lock);
        self.write(
            "helm/charts/argo-cd/Chart.yaml",
            "apiVersion: v2\nname: argo-cd\nversion: 0.0.1\n",
        );
        self.write(
            "helm/charts/argo-cd/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-gcp }\ndata: { from: poc }\n",
        );
        let file = self.project.folder().join("datamcp.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, rest) = text.split_once("[environments.aws.dev]").unwrap();
        let (_, tail) = rest.split_once("argocd = ").unwrap();
        std::fs::write(file, format!("{head}{}argocd = {tail}{}", self.environment(), self.more()))
            .unwrap();
    }

    fn environment(&self) -> String {
        let Self { id, cluster, bucket, .. } = self;
        format!(
            "[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"{id}\"\nregion = \"europe-west1\"\n\
             state = {{ backend = \"gcs\", bucket = \"{bucket}\", prefix = \"dev\" }}\n\
             credentials = {{ source = \"file\", path = \"google.json\" }}\nimpersonate = [\"{DEPLOYER}\"]\n\
             cluster = {{ name = \"{cluster}\", location = \"{LOCATION}\", namespaces = [\"apps\"] }}\n\
             vars = {{ project_id = \"{id}\", region = \"europe-west1\", cluster_location = \"{LOCATION}\" }}\n"
        )
    }

    fn more(&self) -> String {
        let lab = &self.project.lab;
        format!(
            "[gcp]\nendpoint_url = \"{}/_google\"\nstorage_emulator = \"{}\"\n[helm]\nbinary = \"{}\"\n\
             [terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n\
             [poc]\nchart = \"helm/charts/argo-cd\"\nversion = \"0.0.1\"\nnamespace = \"apps\"\n\
             [poc.application]\nname = \"{name}\"\nrepo = \"{}\"\npath = \"{name}\"\nrevision = \"main\"\nnamespace = \"apps\"\n",
            lab.aws.endpoint,
            self.gcs.host(),
            kubernetes(lab).helm.display(),
            lab.terraform.path.display(),
            lab.terraform.provider_mirror.display(),
            self.project.repository(),
            name = self.project.name,
        )
    }

    fn write(&self, place: &str, text: &str) {
        let path = self.project.folder().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Walks it at a terminal; approves what is asked, in this order.
    fn walk(&self, asked: &[&str]) -> Ending {
        let config = self.project.folder().join("datamcp.toml").display().to_string();
        let arguments = ["--config", &config, "poc", "gcp", "--env=dev", "--dry-run=false"];
        let program = Path::new(env!("CARGO_BIN_EXE_datamcp"));
        let folder = self.project.folder();
        let mut person = Person::sit_down(program, &arguments, &self.project.environment(), folder)
            .unwrap()
            .patient(Duration::from_mins(4));
        person.sees(&format!("(?s)Google Cloud project {}.*type `dev` to begin", self.id)).unwrap();
        person.types("dev").unwrap();
        for tool in asked {
            person.sees(&format!("(?s){tool} on gcp/dev.*type `yes` to approve")).unwrap();
            person.types("yes").unwrap();
        }
        let ending = person.leaves().unwrap();
        assert_eq!(ending.code, 0, "{}", ending.text);
        ending
    }

    /// A cluster and a bucket are not lost without a person.
    fn destroys(&self) {
        let request = json!({ "cloud": "gcp", "env": "dev", "dry_run": false, "auto_approve": true, "wait_s": 300 });
        let asked = self.project.call("destroy_terraform", &request).expect("approval_required");
        let config = self.project.folder().join("datamcp.toml").display().to_string();
        let arguments = ["--config", &config, "approve", &asked.text("/approval/id")];
        let (program, folder) = (Path::new(env!("CARGO_BIN_EXE_datamcp")), self.project.folder());
        let person =
            Person::sit_down(program, &arguments, &self.project.environment(), folder).unwrap();
        assert_eq!(person.approve().unwrap().0, "dev", "the name is typed");
        let real = json!({ "plan_id": asked.text("/plan_id"), "dry_run": false, "wait_s": 300 });
        self.project.call("destroy_terraform", &real).expect("succeeded");
    }

    /// Kinds of what terraform's state holds.
    fn made(&self) -> Vec<String> {
        let text =
            self.gcs.object(&self.bucket, "dev/default.tfstate").unwrap().unwrap_or_default();
        let state: Value = serde_json::from_str(&text).unwrap_or_default();
        let all = state["resources"].as_array().cloned().unwrap_or_default();
        all.iter().map(|r| r["type"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

fn base64(file: &Path) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(std::fs::read(file).unwrap())
}

#[test]
fn the_eight_steps_of_the_sequence_in_google_cloud() {
    let _one = walks_alone();
    let site = Site::new();
    let project = &site.project;
    let dry = project.cli_text(&["poc", "gcp"]);
    assert!(dry.contains("would be made") && dry.contains("poc gcp --env dev"), "{dry}");
    assert_eq!(
        site.told("google_storage", &json!({ "bucket": site.bucket }))["bucket"],
        Value::Null
    );

    let asked = [
        "bootstrap_state_backend",
        "apply_terraform",
        "helm_deploy",
        "argo_create_app",
        "argo_sync",
    ];
    let ending = site.walk(&asked);
    // 1: the bucket.
    let bucket = site.told("google_storage", &json!({ "bucket": site.bucket }))["bucket"].clone();
    assert_eq!(bucket["versioning"]["enabled"], true, "{bucket:#}");
    // 2, 3, 4: init, plan, apply, in that bucket.
    let made = site.made();
    for kind in ["google_compute_network", "google_container_node_pool", "google_storage_bucket"] {
        assert!(made.iter().any(|k| k == kind), "{kind}: {made:?}");
    }
    // 5: the cluster, as terraform says and as Google does.
    assert!(made.iter().any(|k| k == "google_container_cluster"), "{made:?}");
    assert!(ending.text.contains("context gcp-dev"), "{}", ending.text);
    assert!(project.folder().join("kubeconfig").is_file());
    // 6: a release, in the real cluster.
    let api = kubernetes(&project.lab).as_admin().unwrap();
    let map = api.get("/api/v1/namespaces/apps/configmaps/argo-cd-gcp").unwrap().unwrap();
    assert_eq!(map["data"]["from"], "poc");
    // 7 and 8: an application, brought to Healthy by Argo CD.
    assert!(ending.text.contains("Synced and Healthy"), "{}", ending.text);
    assert_eq!(project.value("settings").as_deref(), Some("1"), "it is in the cluster");
    assert!(!ending.text.contains(CANARY) && !ending.text.contains("ya29."), "{}", ending.text);

    // Nothing is left to do, so nobody is asked.
    let again = site.walk(&[]);
    assert_eq!(again.text.matches("as it should be").count(), 5, "{}", again.text);

    let release = json!({ "kube_context": "gcp-dev", "namespace": "apps", "release": "argo-cd" });
    project.really("helm_uninstall", release).expect("succeeded");
    let mut whole = project.app();
    whole["cascade"] = json!(true);
    project.really("argo_delete_app", whole).expect("succeeded");
    site.destroys();
    assert_eq!(site.made(), Vec::<String>::new());
    assert_eq!(project.cli(&["ops", "verify"], "").code(), Some(0));
}
