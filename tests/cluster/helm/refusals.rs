//! What is refused, and by whom.

use serde_json::json;

use super::project::Project;
use crate::harness::{fresh, lab};

#[test]
fn values_that_break_the_charts_schema_are_refused_before_anything_is_done() {
    let project = Project::new();
    let refused = project.deploy(json!({ "replicas": "two" })).refused("invalid_request");
    assert_eq!(refused.text("/error/field"), "values");
    refused.says("/error/details/helm", "replicas");
    assert_eq!(project.status()["releases"], json!([]));
}

#[test]
fn a_chart_that_does_not_render_is_refused() {
    let project = Project::new();
    project.write("helm/charts/web/templates/bad.yaml", "a: {{ .Values.none.such }}\n");
    let refused = project.deploy(json!({})).refused("invalid_request");
    assert_eq!(refused.text("/error/field"), "chart_path");
}

#[test]
fn a_namespace_is_closed_by_settings_or_by_the_cluster() {
    let project = Project::with(&["datamcp:deployers"], ", namespaces = [\"apps\", \"closed\"]");
    let mut request = project.deployment(json!({}));
    request["namespace"] = json!("default");
    project.call("helm_deploy", &request).refused("policy_denied");
    request["namespace"] = json!("kube-system");
    project.call("helm_deploy", &request).refused("policy_denied");
    // Settings let it pass; the cluster does not.
    request["namespace"] = json!("closed");
    project
        .call("helm_deploy", &request)
        .refused("upstream_denied")
        .says("/error/message", "forbidden");
}

#[test]
fn a_chart_does_not_reach_other_namespaces_even_where_the_cluster_would_let_it() {
    let groups = ["lab:eks-cluster-admin"];
    let project = Project::with(&groups, ", namespaces = [\"apps\"]");
    let elsewhere = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: x, namespace: argocd }\n";
    project.write("helm/charts/web/templates/elsewhere.yaml", elsewhere);
    let refused =
        project.call("helm_deploy", &project.deployment(json!({}))).refused("policy_denied");
    assert_eq!(refused.text("/error/given"), "argocd");
}

#[test]
fn fault_45_without_an_access_entry_the_cluster_takes_no_token() {
    let project = Project::with(&[], "");
    let refused = project.call("helm_deploy", &project.deployment(json!({})));
    refused.refused("upstream_denied").says("/error/next", "access entry");
}

#[test]
fn fault_45_a_private_endpoint_that_is_not_reached_says_that_it_is_one() {
    let (lab, name) = (lab(), fresh("eks"));
    lab.emulator().create_eks_cluster(&name, &["datamcp:deployers"]).unwrap();
    // Nobody is there: this machine is outside of the cluster's network.
    let private =
        json!({ "region": lab.aws.region, "cluster": name, "endpoint": "https://127.0.0.1:1" });
    lab.emulator().control("eks", &json!({ "private": private })).unwrap();
    let project = Project::on(lab, &format!("name = \"{name}\""));
    let lost =
        project.call("helm_deploy", &project.deployment(json!({}))).refused("upstream_failed");
    lost.says("/error/next", "inside of its network only");
    lost.says("/error/details/private_endpoint", "true");
}

#[test]
fn a_chart_that_renders_differently_each_time_says_so_and_is_deployed() {
    let project = Project::new();
    let request = project.deployment(json!({ "random": true }));
    let planned = project.call("helm_deploy", &request).expect("planned");
    planned.says("/warnings", "differently each time");
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    project.really("helm_deploy", plan).expect("succeeded");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}
