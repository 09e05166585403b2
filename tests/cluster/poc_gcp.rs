//! The eight steps of the first sequence in Google Cloud, on `infra/gcp/envs/dev`: the bucket of the state, init, plan, apply,
//! the cluster, Argo CD, an application, its sync. Terraform and its backend are real, its provider is the lab's stand-in:
//! what it makes it tells the lab, so the cluster is there because it was applied. Its API is the lab's real one, which asks
//! the stand-in for Google whose token it was shown. Each step is looked at where it was made, not where it was asked for.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::lab::{Gcs, Google};
use xtask::person::{Ending, Person};
use xtask::place::Checkout;

use crate::gitops::project::Project;
use crate::harness::{fresh, kubernetes, walks_alone};

const CANARY: &str = "canary-2b7e";
/// How the stand-in for the google provider is labelled, wherever it was at work.
const LABEL: &str = "Stand-in for the google provider: nothing is made at Google Cloud";

struct Site {
    project: Project,
    google: Google,
    /// Its objects end with it.
    _gcs: Gcs,
}

impl Site {
    fn new() -> Self {
        let project = Project::new();
        let gcs = Gcs::start(project.folder()).unwrap();
        let credentials = project.folder().join("google.json");
        let google =
            Google::furnish(&project.lab, &gcs, &fresh("acme-poc"), CANARY, &credentials).unwrap();
        let site = Self { project, google, _gcs: gcs };
        site.lays();
        site
    }

    /// Lays infra/gcp with the lab's lock file, a small chart in the place of Argo CD's own, and the settings.
    fn lays(&self) {
        let (lab, folder) = (&self.project.lab, self.project.folder());
        Google::lay(lab, &Checkout::find().unwrap(), folder).unwrap();
        self.write(
            "helm/charts/argo-cd/Chart.yaml",
            "apiVersion: v2\nname: argo-cd\nversion: 0.0.1\n",
        );
        self.write(
            "helm/charts/argo-cd/templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-gcp }\ndata: { from: poc }\n",
        );
        let file = folder.join("datamcp.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, rest) = text.split_once("[environments.aws.dev]").unwrap();
        let (_, tail) = rest.split_once("argocd = ").unwrap();
        let (argocd, tail) = tail.split_once('\n').unwrap();
        let environment = self.google.settings(&format!("argocd = {argocd}\n"));
        std::fs::write(file, format!("{head}{environment}{tail}{}", self.more())).unwrap();
    }

    fn more(&self) -> String {
        let lab = &self.project.lab;
        format!(
            "[helm]\nbinary = \"{}\"\n\
             [terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n\
             [poc]\nchart = \"helm/charts/argo-cd\"\nversion = \"0.0.1\"\nnamespace = \"apps\"\n\
             [poc.application]\nname = \"{name}\"\nrepo = \"{}\"\npath = \"{name}\"\nrevision = \"main\"\nnamespace = \"apps\"\n",
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
        let id = &self.google.project_id;
        person.sees(&format!("(?s)Google Cloud project {id}.*type `dev` to begin")).unwrap();
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

    /// What the stand-in provider told the lab, as types.
    fn made(&self) -> Vec<String> {
        let made = self.google.made(&self.project.lab.emulator()).unwrap();
        made.iter().map(|one| one.split(' ').next().unwrap().to_owned()).collect()
    }

    fn bucket(&self) -> Option<Value> {
        self.google.bucket(&self.project.lab.emulator()).unwrap()
    }

    fn cluster(&self) -> Option<Value> {
        self.google.cluster(&self.project.lab.emulator()).unwrap()
    }

    #[track_caller]
    fn nothing_is_there(&self) {
        assert_eq!(self.made(), Vec::<String>::new());
        assert_eq!(self.cluster(), None, "the cluster comes of the apply");
        assert_eq!(self.google.in_state().unwrap(), Vec::<String>::new());
    }

    fn step_1_the_bucket(&self) {
        let bucket = self.bucket().expect("no bucket");
        assert_eq!(bucket["versioning"]["enabled"], true, "{bucket:#}");
        assert_eq!(bucket["iamConfiguration"]["publicAccessPrevention"], "enforced", "{bucket:#}");
        let stored = self.google.gcs().buckets().unwrap();
        assert!(stored.contains(&self.google.state_bucket), "{stored:?}");
    }

    /// What init leaves behind: the backend that it was given, in the folder of terraform's data.
    fn step_2_init(&self) {
        let data = self.project.folder().join("xdg/datamcp/test/work/data");
        let found: Vec<Value> = walkdir::WalkDir::new(data)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_name() == "terraform.tfstate")
            .map(|entry| serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap())
            .collect();
        let ours = |init: &&Value| {
            init["backend"]["type"] == "gcs"
                && init["backend"]["config"]["bucket"] == self.google.state_bucket.as_str()
        };
        assert_eq!(found.iter().filter(ours).count(), 1, "{found:#?}");
    }

    /// A dry run of its own, before the apply, which says as many resources as were made.
    fn step_3_plan(&self) {
        let query = json!({ "cloud": "gcp", "env": "dev", "tool": "apply_terraform" });
        let rows = self.project.call("list_operations", &query).value["operations"].clone();
        let rows = rows.as_array().unwrap();
        let place = |status: &str| {
            rows.iter()
                .rposition(|row| row["status"] == status)
                .unwrap_or_else(|| panic!("none is {status}: {rows:#?}"))
        };
        let (planned, applied) = (place("planned"), place("succeeded"));
        assert!(planned > applied, "newest first: {rows:#?}");
        let summary = rows[planned]["summary"].as_str().unwrap();
        let wanted = format!("{} to add, 0 to change", self.made().len());
        assert!(summary.starts_with(&wanted), "{wanted}: {summary}");
    }

    fn step_4_apply(&self) {
        let (made, state) = (self.made(), self.google.in_state().unwrap());
        for kind in [
            "google_compute_network",
            "google_container_cluster",
            "google_container_node_pool",
            "google_service_account",
            "google_storage_bucket",
        ] {
            assert!(made.iter().any(|k| k == kind), "{kind}: {made:?}");
            assert!(state.iter().any(|k| k == kind), "{kind} in the state: {state:?}");
        }
    }

    /// The cluster that the apply made, and a way in that its real API takes.
    fn step_5_credentials_of_gke(&self, text: &str) {
        let cluster = self.cluster().expect("no cluster");
        assert_eq!(cluster["status"], "RUNNING", "{cluster:#}");
        assert!(text.contains("context gcp-dev"), "{text}");
        let output = std::process::Command::new(&kubernetes(&self.project.lab).kubelab)
            .args(["kubectl", "--context", "gcp-dev", "auth", "whoami", "--output=json"])
            .current_dir(self.project.folder())
            .env_clear()
            .env("HOME", self.project.folder().join("home"))
            .env("KUBECONFIG", self.project.folder().join("kubeconfig"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let known: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(known["status"]["userInfo"]["username"], self.google.deployer.as_str());
    }

    fn step_6_argo_cd(&self) {
        let api = kubernetes(&self.project.lab).as_admin().unwrap();
        let map = api.get("/api/v1/namespaces/apps/configmaps/argo-cd-gcp").unwrap().unwrap();
        assert_eq!(map["data"]["from"], "poc");
    }

    fn application(&self) -> Option<Value> {
        let argocd = crate::harness::argocd(&self.project.lab);
        let api = argocd.by_token(&argocd.operator_token).unwrap();
        let list = api.get("/api/v1/applications").unwrap().unwrap();
        let all = list["items"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|app| app["metadata"]["name"] == self.project.name.as_str())
    }

    fn step_7_the_application(&self) {
        let app = self.application().expect("no application");
        assert_eq!(app["spec"]["source"]["path"], self.project.name.as_str(), "{app:#}");
        let server = &kubernetes(&self.project.lab).endpoint;
        assert_eq!(app["spec"]["destination"]["server"], server.as_str(), "{app:#}");
    }

    fn step_8_its_sync(&self, text: &str) {
        let app = self.application().expect("no application");
        let status = &app["status"];
        let stands = [&status["sync"]["status"], &status["health"]["status"]];
        assert_eq!(stands, [&json!("Synced"), &json!("Healthy")], "{status:#}");
        assert!(text.contains("Synced and Healthy"), "{text}");
        assert_eq!(self.project.value("settings").as_deref(), Some("1"), "it is in the cluster");
    }
}

#[test]
fn the_eight_steps_of_the_sequence_in_google_cloud() {
    let _one = walks_alone();
    let site = Site::new();
    let project = &site.project;
    let dry = project.cli_text(&["poc", "gcp"]);
    assert!(dry.contains("would be made") && dry.contains("poc gcp --env dev"), "{dry}");
    assert_eq!(site.bucket(), None);
    site.nothing_is_there();

    let asked = [
        "bootstrap_state_backend",
        "apply_terraform",
        "helm_deploy",
        "argo_create_app",
        "argo_sync",
    ];
    let ending = site.walk(&asked);
    site.step_1_the_bucket();
    site.step_2_init();
    site.step_3_plan();
    site.step_4_apply();
    site.step_5_credentials_of_gke(&ending.text);
    site.step_6_argo_cd();
    site.step_7_the_application();
    site.step_8_its_sync(&ending.text);
    let labels = ending.text.matches(LABEL).count();
    assert_eq!(labels, 1, "the stand-in is labelled, once: {}", ending.text);
    assert!(!ending.text.contains(CANARY) && !ending.text.contains("ya29."), "{}", ending.text);

    // Nothing is left to do, so nobody is asked.
    let again = site.walk(&[]);
    assert_eq!(again.text.matches("as it should be").count(), 5, "{}", again.text);
    assert!(again.text.contains(LABEL), "{}", again.text);

    let release = json!({ "kube_context": "gcp-dev", "namespace": "apps", "release": "argo-cd" });
    project.really("helm_uninstall", release).expect("succeeded");
    let mut whole = project.app();
    whole["cascade"] = json!(true);
    project.really("argo_delete_app", whole).expect("succeeded");
    site.destroys();
    site.nothing_is_there();
    assert_eq!(project.cli(&["ops", "verify"], "").code(), Some(0));
}
