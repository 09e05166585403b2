//! An environment of Google Cloud on the straight path, with a played cloud: what is told of its cluster, its module, its keys.

use datamcp::error::{Error, ErrorCode};
use datamcp::operation::{call, catalog};
use datamcp::port::{ClusterFacts, ClusterFound, ClusterOperation};
use serde_json::{Value, json};

use super::clusters::active;
use super::site::{SETTINGS, Site, agent};

const LOCATION: &str = "europe-west1";

fn site_with(state: &str) -> Site {
    let site = Site::with(&format!(
        "{SETTINGS}[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"acme-dev-4711\"\nregion = \"{LOCATION}\"\n\
         state = {state}\ncluster = {{ name = \"acme\", namespaces = [\"apps\"] }}\n"
    ));
    site.cloud.set(LOCATION, "acme", ClusterFound::Active(facts(false)));
    site
}

fn site() -> Site {
    site_with("{ backend = \"gcs\", bucket = \"acme-tfstate\", prefix = \"dev\" }")
}

fn facts(private_only: bool) -> ClusterFacts {
    ClusterFacts {
        account: "acme-dev-4711".into(),
        kind: "GKE Standard".into(),
        private_only,
        ..active("acme")
    }
}

fn operation(error: Option<&str>) -> ClusterOperation {
    ClusterOperation {
        id: "operation-7".into(),
        kind: "CREATE_CLUSTER".into(),
        since: "2026-11-22T10:00:00Z".into(),
        progress: Some("2 of 5 stages done".into()),
        error: error.map(str::to_owned),
    }
}

async fn ask(site: &Site, tool: &str, request: Value) -> Value {
    let tool = catalog::find(tool).unwrap();
    call(&site.world(), &agent(), tool, request, &mut |_| {}).await.answer
}

/// Level, what was seen, and the fix of one check.
async fn check(site: &Site, name: &str) -> (String, String, String) {
    let answer = ask(site, "preflight", json!({})).await;
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name}: {answer:#}"));
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("level"), text("seen"), text("fix"))
}

async fn cluster(site: &Site) -> (String, String, String) {
    check(site, "gcp/dev cluster").await
}

#[tokio::test]
async fn fault_45_preflight_tells_a_private_endpoint_and_what_is_done_beside_it() {
    let site = site();
    let (level, seen, _) = cluster(&site).await;
    assert_eq!((level.as_str(), seen.contains("private")), ("ok", false), "{seen}");
    site.cloud.set(LOCATION, "acme", ClusterFound::Active(facts(true)));
    let (level, seen, fix) = cluster(&site).await;
    assert_eq!((level.as_str(), fix.as_str()), ("warning", "run datamcp inside of its network"));
    assert!(seen.ends_with(", a private endpoint"), "{seen}");
    site.cloud.works(vec![operation(None)]);
    let (level, seen, fix) = cluster(&site).await;
    assert_eq!(level, "warning");
    let told = ", a private endpoint; CREATE_CLUSTER (operation-7) since 2026-11-22T10:00:00Z, 2 of 5 stages done";
    assert!(seen.ends_with(told), "{seen}");
    assert!(fix.contains("inside of its network") && fix.contains("wait until it has ended"));
    site.cloud.works(vec![operation(Some("no more addresses"))]);
    let (_, seen, fix) = cluster(&site).await;
    assert!(seen.ends_with("failed: no more addresses"), "{seen}");
    assert!(fix.contains("mend what failed"), "{fix}");
}

#[tokio::test]
async fn preflight_says_which_permission_hides_what_is_done_to_a_cluster() {
    let site = site();
    let denied =
        Error::new(ErrorCode::UpstreamDenied, "listing the operations of GKE: not permitted")
            .next("have container.operations.list granted to this identity");
    site.cloud.tells_no_work(denied);
    let (level, seen, fix) = cluster(&site).await;
    assert_eq!(level, "warning");
    assert!(
        seen.starts_with("GKE Standard acme 1.34") && seen.ends_with("not permitted"),
        "{seen}"
    );
    assert_eq!(fix, "have container.operations.list granted to this identity");
}

#[tokio::test]
async fn fault_45_a_cluster_that_is_being_made_names_the_operation_that_makes_it() {
    let site = site();
    site.cloud.set(LOCATION, "acme", ClusterFound::NotActive("PROVISIONING".into()));
    site.cloud.works(vec![operation(None)]);
    let request = json!({ "cloud": "gcp", "env": "dev" });
    let error = ask(&site, "generate_kubeconfig", request.clone()).await["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("it is PROVISIONING"), "{error:#}");
    assert!(message.contains("CREATE_CLUSTER (operation-7) since 2026-11-22T10:00:00Z, 2 of 5"));
    assert_eq!(error["details"]["running_operation"], "operation-7");
    assert!(error["next"].as_str().unwrap().starts_with("wait until operation-7 has ended"));
    let (level, seen, fix) = cluster(&site).await;
    assert!(level == "failed" && seen.contains("operation-7"), "{seen}");
    assert!(fix.starts_with("wait until operation-7 has ended"), "{fix}");

    site.cloud.set(LOCATION, "acme", ClusterFound::NotActive("ERROR".into()));
    site.cloud.works(vec![operation(Some("no more addresses"))]);
    let error = ask(&site, "generate_kubeconfig", request.clone()).await["error"].clone();
    assert!(error["message"].as_str().unwrap().ends_with("failed: no more addresses"));
    assert_eq!(error["details"]["failed_operation"], "operation-7");
    assert!(error["next"].as_str().unwrap().starts_with("mend what it says"));

    // Who may not see what is done is told the rest.
    site.cloud.tells_no_work(Error::new(ErrorCode::UpstreamDenied, "no"));
    let error = ask(&site, "generate_kubeconfig", request).await["error"].clone();
    assert_eq!(error["details"]["cluster_status"], "ERROR", "{error:#}");
    assert!(error["next"].as_str().unwrap().contains("wait until it is RUNNING"));
}

#[tokio::test]
async fn preflight_reads_the_root_module_in_google_cloud_too() {
    let site = site();
    let (level, seen, _) = check(&site, "gcp/dev module").await;
    assert!(level == "ok" && seen.contains("infra/gcp/envs/dev with "), "{level}: {seen}");
    assert_eq!(check(&site, "aws/dev module").await.0, "ok");
}

#[tokio::test]
async fn a_static_key_that_terraform_takes_for_its_state_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let site = site_with(&format!(
        "{{ backend = \"gcs\", bucket = \"acme-tfstate\", prefix = \"dev\", credentials = \"{}\" }}",
        path.display()
    ));
    let write = |text: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    };
    let (level, seen, _) = check(&site, "gcp/dev state credentials").await;
    assert!(level == "failed" && seen.contains("cannot be read"), "{seen}");
    write(
        r#"{"type":"service_account","client_email":"state@acme-dev-4711.iam.gserviceaccount.com","private_key":"canary-2b6e"}"#,
    );
    let (level, seen, fix) = check(&site, "gcp/dev state credentials").await;
    assert!(level == "warning" && seen.contains("key of service account state@acme-dev"), "{seen}");
    assert!(seen.contains("does not end") && fix.contains("delete the key"), "{seen}: {fix}");
    assert!(!seen.contains("canary"), "promise 7: {seen}");
    write(r#"{"type":"external_account"}"#);
    assert_eq!(check(&site, "gcp/dev state credentials").await.0, "ok");
}
