//! A release from its first revision to its last.

use serde_json::json;

use super::project::Project;
use crate::harness::{fresh, kubernetes, lab, until};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/apps/deployments";

#[test]
fn a_release_is_made_changed_brought_back_and_taken_away() {
    whole_life(&Project::new());
}

#[test]
fn helm_3_makes_changes_brings_back_and_takes_away_a_release() {
    let project = Project::by_helm_3();
    whole_life(&project);
    let checks = project.call("preflight", &json!({})).value.to_string();
    assert!(checks.contains("helm 3."), "it is the one that was used: {checks}");
}

fn whole_life(project: &Project) {
    let planned = project.call("helm_deploy", &project.deployment(json!({}))).expect("planned");
    planned.says("/plan_stdout", &format!("create   Deployment apps/{}", project.release));
    assert_eq!(planned.value["summary"]["add"], 3);
    assert!(project.object(DEPLOYMENTS).is_none(), "promise 1: a dry run changes nothing");
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    let done = project.really("helm_deploy", plan.clone()).expect("succeeded");
    assert_eq!(done.value["details"]["revision"], 1);
    assert_eq!(done.value["details"]["release_status"], "deployed");
    let object = project.object(DEPLOYMENTS).unwrap();
    assert_eq!(object["status"]["readyReplicas"], 1, "it waited");
    project.really("helm_deploy", plan).refused("approval_used");

    let again = project.deploy(json!({})).expect("succeeded");
    again.says("/next", "nothing to do");
    assert_eq!(project.status()["releases"][0]["revision"], 1, "no second revision");

    let upgrade = project.deployment(json!({ "replicas": 2, "tag": "2" }));
    let planned = project.call("helm_deploy", &upgrade).expect("planned");
    planned.says("/plan_stdout", "spec.replicas: 1 -> 2");
    planned.says("/plan_stdout", "containers[name=web].image: \"registry.example.com/web:1\" -> \"registry.example.com/web:2\"");
    assert_eq!(planned.value["summary"]["change"], 1, "the map and the secret stay");
    project.really("helm_deploy", upgrade).expect("succeeded");
    let status = project.status();
    assert_eq!(status["history"][0]["revision"], 2, "{status}");
    assert!(status["objects"].to_string().contains("2 of 2 ready"), "{status}");

    let back = project.call("helm_rollback", &project.release_of()).expect("planned");
    back.says("/plan_stdout", "spec.replicas: 2 -> 1");
    project.really("helm_rollback", project.release_of()).expect("succeeded");
    assert_eq!(project.object(DEPLOYMENTS).unwrap()["spec"]["replicas"], 1);

    let gone = project.call("helm_uninstall", &project.release_of()).expect("planned");
    assert_eq!(gone.value["summary"]["destroy"], 4, "three objects and the release");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    assert!(project.object(DEPLOYMENTS).is_none());
    assert_eq!(project.status()["releases"], json!([]));
    assert_eq!(project.cli(&["ops", "verify"], "").code, Some(0), "the log is whole");
}

#[test]
fn the_chart_of_this_repository_is_deployed() {
    let project = Project::new();
    let from =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/charts/example-data-app");
    for entry in walkdir::WalkDir::new(&from) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let place = entry.path().strip_prefix(&from).unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            project.write(&format!("helm/charts/example-data-app/{}", place.display()), &text);
        }
    }
    let mut request = project.deployment(json!("{}\n"));
    request["chart_path"] = json!("helm/charts/example-data-app");
    project.really("helm_deploy", request).expect("succeeded");
    let status = project.status();
    assert_eq!(status["releases"][0]["status"], "deployed", "{status}");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn what_somebody_changed_in_the_cluster_is_in_the_plan_and_is_mended() {
    let project = Project::new();
    project.deploy(json!({})).expect("succeeded");
    let name = &project.release;
    let by_hand = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name}, namespace: apps }}\nspec: {{ replicas: 3 }}\n"
    );
    kubernetes(&project.lab).as_admin().unwrap().apply(&by_hand).unwrap();
    let planned = project.call("helm_deploy", &project.deployment(json!({}))).expect("planned");
    planned.says("/plan_stdout", "spec.replicas: 3 -> 1 (somebody changed it in the cluster)");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn promise_7_a_secret_of_a_release_is_shown_nowhere() {
    let project = Project::new();
    let canary = "canary-5f0c1d";
    project.deploy(json!({ "password": canary })).expect("succeeded");
    let upgrade = project.deployment(json!({ "password": "canary-77aa20" }));
    project
        .call("helm_deploy", &upgrade)
        .expect("planned")
        .says("/plan_stdout", "(another secret)");
    project.really("helm_deploy", upgrade).expect("succeeded");
    project.status();
    let mut request = project.deployment(json!({ "password": canary, "stuck": true }));
    request["timeout_s"] = json!(5);
    let failed = project.really("helm_deploy", request).expect("partial");
    let id = failed.text("/operation_id");
    project.call("get_operation", &json!({ "id": id, "log_cursor": 0 }));
    project.call("list_operations", &json!({}));
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    let encoded = ["canary-", "Y2FuYXJ5"];
    for word in encoded {
        assert!(!project.seen().contains(word), "{word}");
    }
    for entry in walkdir::WalkDir::new(project.state()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!encoded.iter().any(|w| text.contains(w)), "{}", entry.path().display());
        }
    }
}

#[test]
fn promise_4_a_release_and_terraform_exclude_each_other() {
    let project = Project::new();
    let (id, _) = project.hanging();
    let terraform = json!({ "cloud": "aws", "env": "dev" });
    let held = project.call("apply_terraform", &terraform).refused("lock_held");
    held.says("/error/message", "helm_deploy");
    project.call("cancel_operation", &json!({ "id": id }));
    let ended = project.end(&id);
    assert_eq!(ended.text("/status"), "cancelled", "{:#}", ended.value);
    let error = until("the release's failed revision", || {
        let status = project.status();
        (status["releases"][0]["status"] == "failed").then(|| status["next"].clone())
    });
    assert!(error.is_null() || error.is_string());
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

#[test]
fn security_19_a_role_of_the_clusters_own_is_assumed_under_the_operations_name() {
    let (lab, cluster, role) = (lab(), fresh("eks"), fresh("deployer"));
    let arn = format!("arn:aws:iam::{}:role/{role}", lab.aws.account_id);
    lab.emulator().create_eks_cluster(&cluster, &[]).unwrap();
    lab.emulator().enter_eks_cluster(&cluster, &arn, &["datamcp:deployers"]).unwrap();
    let project = Project::on(lab, &format!("name = \"{cluster}\", role_arn = \"{arn}\""));
    let done = project.deploy(json!({})).expect("succeeded");
    let asked = project.lab.emulator().control("keys", &json!({ "role": role })).unwrap();
    let issued = asked["issued"].as_array().unwrap();
    assert!(!issued.is_empty(), "{asked:#}");
    let own = issued.iter().all(|key| key["session"] == done.value["operation_id"]);
    assert!(own, "{:#}: {asked:#}", done.value["operation_id"]);
}
