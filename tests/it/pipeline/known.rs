//! Releases on clusters that a kubeconfig or a pod's account leads to: bound to what was looked at, like any other.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use datamcp::error::ErrorCode;
use datamcp::model::PodAccount;
use datamcp::operation::{call, catalog};
use serde_json::{Value, json};

use super::site::{SETTINGS, Site, agent, error};

const UID: &str = "0c7a4dbb-2a35-4c3f-9d0e-1f3f0c2f6a10";

/// A site whose cluster is said in these words.
fn site(cluster: &str) -> Site {
    let site = Site::with("");
    let folder = site.folder.path().display().to_string();
    let cluster = format!("cluster = {{ {} }}\nstate = {{ backend", cluster.replace('@', &folder));
    *site.settings.lock().unwrap() = SETTINGS.replacen("state = { backend", &cluster, 1);
    site
}

fn kubeconfig(site: &Site, server: &str, user: &str) {
    let text = json!({
        "clusters": [{ "name": "c", "cluster": { "server": server, "certificate-authority-data": "Q0E=" } }],
        "contexts": [{ "name": "one", "context": { "cluster": "c", "user": user } }],
        "users": [{ "name": user, "user": { "token": "canary-token" } }],
    });
    private(&site.folder.path().join("k"), &text.to_string());
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn deploy(context: Option<&str>) -> Value {
    let mut request = json!({ "chart_path": "helm/charts/web", "release": "web", "namespace": "apps", "values": {} });
    if let Some(context) = context {
        request["kube_context"] = json!(context);
    }
    request
}

/// What a tool answers that changes nothing.
async fn look(site: &Site, tool: &str) -> Value {
    let (tool, request) = (catalog::find(tool).unwrap(), json!({ "cloud": "aws", "env": "dev" }));
    call(&site.world(), &agent(), tool, request, &mut |_| {}).await.answer
}

async fn carried(site: &Site, plan: &Value) -> Value {
    let request = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.call("helm_deploy", request).await
}

#[tokio::test]
async fn promise_2_a_plan_is_bound_to_the_cluster_and_user_of_the_kubeconfig() {
    type Move = fn(&Site);
    let moves: [(&str, Move); 3] = [
        ("cluster", |s| kubeconfig(s, "https://two.example.com", "u")),
        ("cluster user", |s| kubeconfig(s, "https://one.example.com", "root")),
        ("cluster uid", |s| s.helm.tell(|t| t.uid = "uid-2".into())),
    ];
    for (fact, moved) in moves {
        let site = site("kubeconfig = \"@/k\", context = \"one\"");
        kubeconfig(&site, "https://one.example.com", "u");
        let plan = site.call("helm_deploy", deploy(Some("one"))).await;
        assert_eq!(plan["status"], "planned", "{plan}");
        assert!(!plan.to_string().contains("canary-token"), "promise 7: {plan}");
        moved(&site);
        let answer = carried(&site, &plan).await;
        assert_eq!(error(&answer).code, ErrorCode::ApprovalMismatch, "{fact}: {answer}");
        assert_eq!(error(&answer).details["changed"], json!([fact]), "{answer}");
        assert!(site.helm.effects().is_empty(), "{fact}");
    }
    let site = site("kubeconfig = \"@/k\", context = \"one\"");
    kubeconfig(&site, "https://one.example.com", "u");
    let plan = site.call("helm_deploy", deploy(Some("one"))).await;
    assert_eq!(carried(&site, &plan).await["status"], "succeeded");
}

#[tokio::test]
async fn another_cluster_than_settings_mean_is_refused_whatever_its_address() {
    let site = site(&format!("kubeconfig = \"@/k\", context = \"one\", uid = \"{UID}\""));
    kubeconfig(&site, "https://one.example.com", "u");
    let refused = site.call("helm_deploy", deploy(Some("one"))).await;
    assert_eq!(error(&refused).code, ErrorCode::WrongIdentity, "{refused}");
    assert_eq!(error(&refused).allowed.as_deref(), Some(UID));
    site.helm.tell(|t| t.uid = UID.into());
    let plan = site.call("helm_deploy", deploy(Some("one"))).await;
    assert_eq!(plan["status"], "planned", "{plan}");
}

#[tokio::test]
async fn without_a_context_the_pod_says_it_and_outside_of_one_nothing_does() {
    let site = site("in_cluster = true");
    let refused = site.call("helm_deploy", deploy(None)).await;
    assert_eq!(error(&refused).field.as_deref(), Some("kube_context"), "{refused}");
    let refused = site.call("helm_deploy", deploy(Some("aws-dev"))).await;
    assert_eq!(error(&refused).field.as_deref(), Some("cluster.in_cluster"), "{refused}");
    assert!(site.launched.0.lock().unwrap().is_empty(), "nothing was started");
    let folder = site.folder.path().join("account");
    std::fs::create_dir(&folder).unwrap();
    private(&folder.join("token"), "t");
    private(&folder.join("ca.crt"), "CA");
    *site.pod.lock().unwrap() =
        Some(PodAccount { host: "10.0.0.1".into(), port: "443".into(), folder });
    let plan = site.call("helm_deploy", deploy(None)).await;
    assert_eq!(plan["status"], "planned", "{plan}");
    assert_eq!(carried(&site, &plan).await["status"], "succeeded");
}

#[tokio::test]
async fn a_kubeconfig_of_ones_own_is_looked_at_before_anything_is_started_and_not_written() {
    let site = site("kubeconfig = \"@/k\", context = \"one\"");
    let refused = site.call("helm_deploy", deploy(Some("one"))).await;
    assert_eq!(error(&refused).field.as_deref(), Some("cluster.kubeconfig"), "{refused}");
    let refused = look(&site, "generate_kubeconfig").await;
    assert_eq!(error(&refused).field.as_deref(), Some("cluster"), "{refused}");
    let checks = look(&site, "preflight").await;
    let check = |checks: &Value| {
        let all = checks["checks"].as_array().unwrap().clone();
        all.into_iter().find(|c| c["name"] == "aws/dev cluster").unwrap()
    };
    assert_eq!(check(&checks)["level"], "failed", "{checks}");
    kubeconfig(&site, "https://one.example.com", "u");
    let checks = look(&site, "preflight").await;
    assert!(check(&checks)["fix"].as_str().unwrap().contains("cluster.uid"), "{checks}");
}
