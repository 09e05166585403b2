//! Argo CD itself: a project's token brings an application to Healthy, and no further than its project.

use serde_json::{Value, json};

use crate::harness::{argocd, fresh, kubernetes, lab, until};

fn application(lab: &xtask::lab::Lab, name: &str, namespace: &str) -> Value {
    let argocd = argocd(lab);
    json!({
        "metadata": { "name": name },
        "spec": {
            "project": argocd.project,
            "source": {
                "repoURL": format!("file://{}", argocd.repository.display()),
                "path": "web",
                "targetRevision": "main",
            },
            "destination": { "server": kubernetes(lab).endpoint, "namespace": namespace },
        },
    })
}

#[test]
fn an_application_is_synced_and_healthy() {
    let lab = lab();
    let argocd = argocd(&lab);
    let api = argocd.by_token(&argocd.project_token).unwrap();
    let name = fresh("web");
    api.post("/api/v1/applications", &application(&lab, &name, "apps")).unwrap();
    let path = format!("/api/v1/applications/{name}?project={}", argocd.project);
    let sync = json!({ "project": argocd.project, "revision": "main" });
    api.post(&format!("/api/v1/applications/{name}/sync"), &sync).unwrap();
    until("an application that is synced and healthy", || {
        let seen = api.get(&path).unwrap()?;
        let word =
            |at: &str| seen.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        (word("/status/sync/status") == "Synced" && word("/status/health/status") == "Healthy")
            .then_some(())
    });
}

#[test]
fn a_project_ends_at_its_namespace_and_a_reader_changes_nothing() {
    let lab = lab();
    let argocd = argocd(&lab);
    let api = argocd.by_token(&argocd.project_token).unwrap();
    let outside = application(&lab, &fresh("web"), "closed");
    let error = api.post("/api/v1/applications", &outside).unwrap_err().to_string();
    assert!(error.contains("status 400") && error.contains("do not match"), "{error}");
    let reader = argocd.by_token(&argocd.reader_token).unwrap();
    reader.get("/api/v1/applications").unwrap().unwrap();
    let inside = application(&lab, &fresh("web"), "apps");
    let error = reader.post("/api/v1/applications", &inside).unwrap_err().to_string();
    assert!(error.contains("status 403"), "{error}");
}
