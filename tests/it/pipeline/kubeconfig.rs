//! `generate_kubeconfig`: what it may write, where, and what it says when the cluster is not there.

use datamcp::operation::{call, catalog};
use datamcp::port::ClusterFound;
use serde_json::{Value, json};

use super::clusters::active;
use super::site::{SETTINGS, Site, agent};

fn site() -> Site {
    let settings = SETTINGS.replacen(
        "[environments.aws.prod]",
        "cluster = { name = \"acme-dev\" }\n[environments.aws.prod]",
        1,
    );
    let site = Site::with(&settings);
    site.cloud.set("eu-west-1", "acme-dev", ClusterFound::Active(active("acme-dev")));
    site
}

async fn generate(site: &Site, more: Value) -> Value {
    let mut request = json!({ "cloud": "aws", "env": "dev" });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let tool = catalog::find("generate_kubeconfig").unwrap();
    call(&site.world(), &agent(), tool, request, &mut |_| {}).await.answer
}

fn file(site: &Site) -> std::path::PathBuf {
    site.folder.path().join("home/.kube/config")
}

#[tokio::test]
async fn a_context_is_written_where_kubectl_looks_and_is_on_record() {
    let site = site();
    let answer = generate(&site, json!({})).await;
    assert_eq!(answer["context"], "aws-dev", "{answer}");
    assert_eq!(answer["changed"], true);
    assert_eq!(answer["path"], file(&site).display().to_string());
    let text = std::fs::read_to_string(file(&site)).unwrap();
    assert!(text.contains("https://acme-dev.example.com"), "{text}");
    assert!(!text.contains("current-context"), "{text}");
    let again = generate(&site, json!({})).await;
    assert_eq!(again["changed"], false);
    let current = generate(&site, json!({ "set_current": true })).await;
    assert_eq!(current["changed"], true);
    assert!(std::fs::read_to_string(file(&site)).unwrap().contains("current-context: aws-dev"));
    let id = current["operation_id"].as_str().unwrap().parse().unwrap();
    let row = site.world().log.store().row(id).await.unwrap().unwrap();
    assert_eq!((row.tool.as_str(), row.chain.as_str()), ("generate_kubeconfig", "aws/dev"));
    assert_eq!(row.status, datamcp::model::Status::Succeeded);
}

#[tokio::test]
async fn fault_45_a_cluster_that_is_being_made_or_private_is_told_apart() {
    let site = site();
    site.cloud.set("eu-west-1", "acme-dev", ClusterFound::NotActive("CREATING".into()));
    let answer = generate(&site, json!({})).await;
    assert_eq!(answer["error"]["details"]["cluster_status"], "CREATING");
    assert!(answer["error"]["next"].as_str().unwrap().contains("wait until it is ACTIVE"));
    assert!(!file(&site).exists());
    let mut private = active("acme-dev");
    private.private_only = true;
    site.cloud.set("eu-west-1", "acme-dev", ClusterFound::Active(private));
    let answer = generate(&site, json!({})).await;
    assert!(answer["warnings"][0].as_str().unwrap().contains("private endpoint"), "{answer}");
}

#[tokio::test]
async fn bad_inputs_68_to_70_name_the_cluster_that_is_meant() {
    let site = site();
    let bad = generate(&site, json!({ "cluster": "a/b" })).await;
    assert_eq!(bad["error"]["field"], "cluster");
    let near = generate(&site, json!({ "cluster": "acme-dve" })).await;
    assert_eq!(near["error"]["next"], "did you mean acme-dev");
    assert_eq!(near["error"]["allowed"], "acme-dev");
    site.configure(
        "account_id = \"123456789012\"\nregion = \"eu-west-1\"\nstate = { backend = \"s3\", bucket = \"acme-tfstate\", key = \"prod\" }",
        "account_id = \"123456789012\"\nregion = \"eu-central-1\"\nstate = { backend = \"s3\", bucket = \"acme-tfstate\", key = \"prod\" }",
    );
    site.cloud.set("eu-central-1", "warehouse", ClusterFound::Active(active("warehouse")));
    let elsewhere = generate(&site, json!({ "cluster": "warehouse" })).await;
    assert_eq!(elsewhere["error"]["details"]["found_in"], "eu-central-1", "{elsewhere}");
}

#[tokio::test]
async fn a_cluster_of_another_account_is_refused() {
    let site = site();
    let mut foreign = active("acme-dev");
    foreign.account = "999999999999".into();
    site.cloud.set("eu-west-1", "acme-dev", ClusterFound::Active(foreign));
    let answer = generate(&site, json!({})).await;
    assert_eq!(answer["error"]["code"], "wrong_identity");
    assert!(!file(&site).exists());
}

#[tokio::test]
async fn bad_inputs_21_to_26_a_path_stays_in_the_folders_for_it() {
    let site = site();
    for path in [
        "",
        "../x",
        "a/../../x",
        "/etc/kubeconfig",
        "a\u{0}b",
        "/",
        "--kubeconfig=x/..",
        "/project-other/config",
        "folder/",
    ] {
        let answer = generate(&site, json!({ "path": path })).await;
        assert_eq!(answer["error"]["field"], "path", "{path}: {answer}");
    }
    let given = site.folder.path().join("home/.kube/other");
    let answer = generate(&site, json!({ "path": given })).await;
    assert_eq!(answer["changed"], true, "{answer}");
    assert!(given.exists());
}
