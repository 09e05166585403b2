//! `docs/permissions.md`, run, for releases in clusters of GKE: with what it names they work, as the tests beside this show;
//! without it they are refused before helm comes to the cluster, and the refusal names it.

use serde_json::json;

use super::{DEPLOYER, Google, told};

#[test]
fn a_release_in_a_cluster_of_gke_takes_the_permissions_that_the_page_names() {
    let google = Google::new();
    let without = |permissions: &[&str]| {
        let members = [&google.person, DEPLOYER];
        let state = json!({ "project": google.id, "members": members, "without": permissions });
        told(&google.project.lab, &state);
    };
    let planned = google.project.call("helm_deploy", &google.deployment()).expect("planned");
    let mut release = google.project.release_of();
    release["kube_context"] = json!("gcp-dev");
    for permission in ["container.clusters.get", "resourcemanager.projects.get"] {
        without(&[permission]);
        let plan = json!({ "plan_id": planned.value["plan_id"] });
        let mut all = vec![
            google.project.call("helm_deploy", &google.deployment()),
            google.project.really("helm_deploy", plan),
        ];
        // A look at a release asks for its cluster alone.
        if permission == "container.clusters.get" {
            all.push(google.project.call("helm_status", &release));
        }
        for answer in all {
            let answer = answer.refused("upstream_denied");
            assert_eq!(answer.text("/error/details/permission"), permission, "{:#}", answer.value);
            assert!(answer.text("/error/next").contains(permission), "{:#}", answer.value);
        }
    }
    without(&["container.clusters.list", "container.operations.list"]);
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    google.project.really("helm_deploy", plan).expect("succeeded");
    without(&[]);
    google.project.really("helm_uninstall", release).expect("succeeded");
}
