//! The second half of `poc`, in a real cluster with a real Argo CD: a person at a terminal approves, each step is looked at
//! from outside. The first half has a test of its own in the emulator lane; here Terraform has nothing to make.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::person::{Ending, Person};

use crate::gitops::project::Project;
use crate::harness::{fresh, kubernetes, walks_alone};

const REAL: [&str; 4] = ["poc", "aws", "--env=dev", "--dry-run=false"];

/// A project with a cluster of EKS and the lab's Argo CD, and these words under `[poc]`.
fn project() -> Project {
    let project = Project::new();
    let cluster = fresh("eks");
    project.lab.emulator().create_eks_cluster(&cluster, &["datamcp:deployers"]).unwrap();
    settings(&project, &cluster, "");
    let stands_in = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-values }\ndata: { domain: {{ .Values.domain }} }\n";
    for (place, text) in [
        ("helm/charts/argo-cd/Chart.yaml", "apiVersion: v2\nname: argo-cd\nversion: 0.0.1\n"),
        ("helm/charts/argo-cd/templates/map.yaml", stands_in),
        ("helm/values/argo-cd.yaml", "domain: argocd.example.com\n"),
    ] {
        let path = project.folder().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    project
}

fn settings(project: &Project, cluster: &str, more: &str) {
    let lab = &project.lab;
    project.configure(&format!(
        "[helm]\nbinary = \"{}\"\n[terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n[poc]\n{more}\n\
         [poc.application]\nname = \"{name}\"\nrepo = \"{}\"\npath = \"{name}\"\nrevision = \"main\"\nnamespace = \"apps\"\n",
        kubernetes(lab).helm.display(),
        lab.terraform.path.display(),
        lab.terraform.provider_mirror.display(),
        project.repository(),
        name = project.name,
    ));
    let path = project.folder().join("datamcp.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let with = format!("cluster = {{ name = \"{cluster}\" }}\nargocd = {{ server");
    std::fs::write(path, text.replacen("argocd = { server", &with, 1)).unwrap();
}

/// Walks it at a terminal; approves what is asked, in this order.
fn walk(project: &Project, asked: &[&str]) -> Ending {
    let config = project.folder().join("datamcp.toml").display().to_string();
    let arguments: Vec<&str> = ["--config", &config].into_iter().chain(REAL).collect();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_datamcp"));
    let mut person =
        Person::sit_down(program, &arguments, &project.environment(), project.folder())
            .unwrap()
            .patient(Duration::from_mins(4));
    person.sees("type `dev` to begin").unwrap();
    person.types("dev").unwrap();
    for tool in asked {
        person.sees(&format!("(?s){tool} on aws/dev.*type `yes` to approve")).unwrap();
        person.types("yes").unwrap();
    }
    let ending = person.leaves().unwrap();
    assert_eq!(ending.code, 0, "{}", ending.text);
    ending
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

fn application(project: &Project) -> Value {
    project.status().value["applications"][0].clone()
}

#[test]
fn the_sequence_goes_on_in_the_cluster_until_an_application_is_healthy() {
    let _one = walks_alone();
    let project = project();
    let dry = project.cli_text(&["poc", "aws"]);
    says(
        &dry,
        &["not installed: the settings name the one at https://", "would be made: 1 to add"],
    );
    project.status().refused("invalid_request");

    let ending = walk(&project, &["argo_create_app", "argo_sync"]);
    let parts =
        ["nothing stands in the way", "context aws-dev", "not installed", "Synced and Healthy"];
    says(&ending.text, &parts);
    assert_eq!(project.value("settings").as_deref(), Some("1"), "it is in the cluster");
    assert_eq!(application(&project)["health"], "Healthy");
    assert!(project.folder().join("kubeconfig").is_file());

    // Once more, with a chart for Argo CD: here a small one stands in for its vendor's.
    let text = std::fs::read_to_string(project.folder().join("datamcp.toml")).unwrap();
    let chart = "[poc]\nchart = \"helm/charts/argo-cd\"\nversion = \"0.0.1\"\nvalues = \"helm/values/argo-cd.yaml\"\nnamespace = \"apps\"\n";
    std::fs::write(project.folder().join("datamcp.toml"), text.replacen("[poc]\n", chart, 1))
        .unwrap();
    let dry = project.cli_text(&["poc", "aws"]);
    says(&dry, &["Argo CD", "would be made: 1 to add", "A dry run"]);
    let ending = walk(&project, &["helm_deploy"]);
    says(&ending.text, &["Synced and Healthy"]);
    let api = kubernetes(&project.lab).as_admin().unwrap();
    let map = api.get("/api/v1/namespaces/apps/configmaps/argo-cd-values").unwrap().unwrap();
    assert_eq!(map["data"]["domain"], "argocd.example.com", "with the values of the file");

    // Nothing is left to do, so nobody is asked.
    let ending = walk(&project, &[]);
    assert_eq!(ending.text.matches("as it should be").count(), 4, "{}", ending.text);
    let release = json!({ "kube_context": "aws-dev", "namespace": "apps", "release": "argo-cd" });
    project.really("helm_uninstall", release).expect("succeeded");
    let mut whole = project.app();
    whole["cascade"] = json!(true);
    project.really("argo_delete_app", whole).expect("succeeded");
    assert_eq!(project.cli(&["ops", "verify"], "").code(), Some(0));
}
