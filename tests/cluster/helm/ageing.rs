//! Fault 43: keys that end while helm waits. The lab's layer `keys` makes them end, and its API server asks STS about each
//! token: one that was signed with ended keys opens nothing.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::project::Project;
use crate::harness::{fresh, lab, node_for};

/// How long keys, and the tokens that are signed with them, last.
const LIFE: u64 = 60;
/// How long helm is kept waiting.
pub(crate) const PAUSE: Duration = Duration::from_secs(75);

/// A project on EKS that acts as a role of its own, whose keys last a minute; and that role. `credentials` stand in the
/// environment.
fn acting(credentials: impl FnOnce(&Project) -> String) -> (Project, String) {
    let (lab, cluster, role) = (lab(), fresh("eks"), fresh("dm-helm"));
    let arn = format!("arn:aws:iam::{}:role/{role}", lab.aws.account_id);
    lab.emulator().create_eks_cluster(&cluster, &[]).unwrap();
    lab.emulator().enter_eks_cluster(&cluster, &arn, &["datamcp:deployers"]).unwrap();
    let project = Project::on(lab, &format!("name = \"{cluster}\""));
    keys(&project, &json!({ "role": role, "lifetime_s": LIFE }));
    let settings = std::fs::read_to_string(project.folder().join("datamcp.toml")).unwrap();
    let more = format!("{}role_arn = \"{arn}\"\ncluster = ", credentials(&project));
    project.write("datamcp.toml", &settings.replacen("cluster = ", &more, 1));
    project.waits_for_a_node();
    (project, role)
}

fn keys(project: &Project, request: &Value) -> Value {
    project.lab.emulator().control("keys", request).unwrap()
}

/// Keeps helm waiting for longer than any token lasts, then lets it come to its end.
pub(crate) fn kept_waiting(project: &Project, since: Instant) {
    std::thread::sleep(PAUSE.saturating_sub(since.elapsed()));
    node_for(&project.lab, &project.release);
}

#[test]
fn fault_43_keys_that_end_after_a_minute_are_renewed_while_helm_waits_in_eks() {
    let (project, role) = acting(|_| String::new());
    let since = Instant::now();
    let (id, _) = project.hanging();
    kept_waiting(&project, since);
    let ended = project.end(&id).expect("succeeded");
    assert_eq!(ended.value["result"]["details"]["release_status"], "deployed", "{:#}", ended.value);
    let issued = keys(&project, &json!({ "role": role }))["issued"].clone();
    let ours = issued.as_array().unwrap().iter().filter(|key| key["session"] == id.as_str());
    let shown = ours.clone().filter(|key| key["calls"]["eks TokenReview"].is_u64()).count();
    assert!(shown >= 2, "the API server saw tokens of one key only: {issued:#}");
    let late: u64 = ours.filter_map(|key| key["refused"].as_u64()).sum();
    assert_eq!(late, 0, "none was shown after its end: {issued:#}");
    assert_eq!(project.first_revision(), "deployed");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}

/// The control: the same when the keys end and their source gives no more.
#[test]
fn fault_43_without_renewal_the_same_release_does_not_get_deployed() {
    let (project, role) = acting(|project| {
        let at = |name: &str| project.folder().join(name).display().to_string();
        let aws = &project.lab.aws;
        let keys = json!({ "Version": 1, "AccessKeyId": aws.access_key_id,
            "SecretAccessKey": aws.secret_access_key });
        project.write("keys.json", &keys.to_string());
        let script = format!(
            "#!/bin/sh\nif [ -e {} ]; then exit 9; fi\ncat {}\n",
            at("over"),
            at("keys.json")
        );
        project.write("source", &script);
        std::fs::set_permissions(at("source"), std::fs::Permissions::from_mode(0o700)).unwrap();
        format!("credentials = {{ source = \"process\", command = [\"{}\"] }}\n", at("source"))
    });
    let since = Instant::now();
    let (id, _) = project.hanging();
    project.write("over", "");
    let issued = || keys(&project, &json!({ "role": role }))["issued"].clone();
    let before = issued().as_array().unwrap().len();
    kept_waiting(&project, since);
    let ended = project.end(&id);
    assert_ne!(ended.text("/status"), "succeeded", "{:#}", ended.value);
    assert_ne!(project.first_revision(), "deployed", "{:#}", ended.value);
    let issued = issued();
    assert_eq!(issued.as_array().unwrap().len(), before, "there were no others: {issued:#}");
}
