//! What this repository ships is accepted by a real API server, by the definitions of the projects it is for.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use xtask::tools::Tool;

use crate::harness::{kubernetes, lab, until};

fn here(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(place)
}

fn files(place: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "nothing in {}", place.display());
    files
}

#[test]
fn every_variant_of_the_chart_is_accepted_by_the_definitions_of_its_kinds() {
    let lab = lab();
    let kubernetes = kubernetes(&lab);
    let api = kubernetes.as_admin().unwrap();
    for file in files(&Tool::Crds.provide().unwrap().path) {
        let text = std::fs::read_to_string(file).unwrap();
        api.apply(text.trim_start_matches("---\n")).unwrap();
    }
    for (group, name) in [
        ("external-secrets.io", "externalsecrets"),
        ("secrets-store.csi.x-k8s.io", "secretproviderclasses"),
    ] {
        let path = format!("/apis/{group}/v1/namespaces/apps/{name}");
        until("a definition that is served", || api.get(&path).ok().flatten());
    }
    let mut seen = Vec::new();
    for values in files(&here("helm/charts/example-data-app/ci")) {
        let output = Command::new(&kubernetes.helm)
            .args(["template", "demo", "--namespace", "apps", "--kube-version", "1.34.3"])
            .arg(here("helm/charts/example-data-app"))
            .arg("--values")
            .arg(&values)
            .env_clear()
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        for object in text.split("---\n").filter(|text| text.contains("\nkind: ")) {
            let kind = object.lines().find_map(|line| line.strip_prefix("kind: ")).unwrap();
            // Its definition is not in a module of its own project.
            if kind == "ServiceMonitor" {
                continue;
            }
            seen.push(kind.to_owned());
            let placed = placed(object, kind);
            if let Err(error) = api.check(&placed) {
                panic!("{}: {kind}: {error:#}\n{placed}", values.display());
            }
        }
    }
    for kind in ["ExternalSecret", "SecretProviderClass", "Deployment", "NetworkPolicy"] {
        assert!(seen.iter().any(|found| found == kind), "{kind} was not among {seen:?}");
    }
    // The check can fail: what the definition does not know is refused.
    let wrong = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: { name: x, namespace: apps }\n\
                 spec: { secretStoreReference: { name: store } }\n";
    assert!(api.check(wrong).is_err());
}

/// The object in the namespace `apps`, where it names none.
fn placed(object: &str, kind: &str) -> String {
    let mut value: Value = serde_saphyr::from_str(object).unwrap();
    assert_ne!(kind, "Namespace");
    value["metadata"]["namespace"] = "apps".into();
    value.to_string()
}

#[test]
fn projects_and_applications_are_accepted_by_the_definitions_of_argo_cd() {
    let lab = lab();
    let api = kubernetes(&lab).as_admin().unwrap();
    for place in ["argocd/projects", "argocd/apps"] {
        for file in files(&here(place)) {
            let text = std::fs::read_to_string(&file).unwrap();
            if let Err(error) = api.check(&text) {
                panic!("{}: {error:#}", file.display());
            }
            let wrong = text.replacen("\nspec:\n", "\nspec:\n  nobodyKnows: 1\n", 1);
            assert_ne!(wrong, text, "{}", file.display());
            assert!(api.check(&wrong).is_err(), "{}: strict", file.display());
        }
    }
}
