//! Clusters of each kind through the tools: Standard, by its DNS name, by its private address; and what is told of one that
//! is worked on.

use serde_json::{Value, json};

use super::{CANARY, Google, LOCATION, check, good, told};
use crate::harness::kubernetes;

impl Google {
    /// Only a private address leads there.
    fn private(&self, address: &str) {
        let addresses =
            json!({ "enabled": true, "enablePublicEndpoint": false, "privateEndpoint": address });
        self.put(&json!({ "endpoint": address, "autopilot": {},
            "controlPlaneEndpointsConfig": { "ipEndpointsConfig": addresses } }));
    }

    /// Where the lab's API server is.
    fn address(&self) -> String {
        kubernetes(&self.project.lab).endpoint.trim_start_matches("https://").to_owned()
    }

    /// The same by a name, which its certificate has, too.
    fn name(&self) -> String {
        self.address().replace("127.0.0.1", "localhost")
    }

    /// The text of the kubeconfig that was generated, once it has led kubectl into the cluster.
    #[track_caller]
    fn leads(&self) -> String {
        let pods =
            ["kubectl", "--context", "gcp-dev", "get", "pods", "--namespace", "apps", "-o", "json"];
        let seen = good(&self.by_hand(&kubernetes(&self.project.lab).kubelab, &pods));
        assert_eq!(serde_json::from_str::<Value>(&seen).unwrap()["kind"], "List");
        std::fs::read_to_string(self.project.folder().join("kubeconfig")).unwrap()
    }

    /// A release is made there and taken away.
    #[track_caller]
    fn takes_a_release(&self) {
        self.project.really("helm_deploy", self.deployment()).expect("succeeded");
        let mut release = self.project.release_of();
        release["kube_context"] = json!("gcp-dev");
        self.project.really("helm_uninstall", release).expect("succeeded");
        assert!(!self.project.seen().contains(CANARY));
    }

    /// Somebody works on the cluster.
    fn is_worked_on(&self, more: &Value) {
        let path = format!("projects/{}/locations/{LOCATION}/clusters/{}", self.id, self.cluster);
        let mut operation = json!({
            "name": "operation-1-a", "operationType": "UPGRADE_MASTER", "status": "RUNNING", "location": LOCATION,
            "startTime": "2026-11-22T10:00:00Z", "targetLink": format!("https://container.googleapis.com/v1/{path}"),
            "progress": { "stages": [{ "status": "DONE" }, { "status": "RUNNING" }] },
        });
        for (name, value) in more.as_object().unwrap() {
            operation[name] = value.clone();
        }
        told(&self.project.lab, &json!({ "project": self.id, "operation": operation }));
    }
}

#[test]
fn a_standard_cluster_is_reached_by_its_public_address() {
    let google = Google::new();
    google.put(&json!({ "autopilot": {}, "controlPlaneEndpointsConfig": { "ipEndpointsConfig": {
        "enabled": true, "enablePublicEndpoint": true, "publicEndpoint": google.address(), "privateEndpoint": "10.0.0.2" } } }));
    let answer = google.kubeconfig(&json!({}));
    assert_eq!(answer.text("/endpoint"), kubernetes(&google.project.lab).endpoint);
    assert_eq!(answer.value.get("warnings"), None, "{:#}", answer.value);
    assert!(google.leads().contains("certificate-authority-data"));
    let seen = check(&google.preflight(), "gcp/dev cluster")["seen"].clone();
    assert!(seen.as_str().unwrap().starts_with("GKE Standard "), "{seen}");
    google.takes_a_release();
}

#[test]
fn a_cluster_is_reached_by_its_name_without_an_authority_of_its_own() {
    let mut google = Google::new();
    let ca = kubernetes(&google.project.lab).ca.display().to_string();
    // The lab's own authority stands for those that every system trusts; the cluster's, which did not sign it, is another.
    google.project.variables.push(("SSL_CERT_FILE", ca));
    google.put(&json!({ "autopilot": {}, "endpoint": "203.0.113.7", "masterAuth": { "clusterCaCertificate": "bm9uZQ==" },
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": { "endpoint": google.name(), "allowExternalTraffic": true },
            "ipEndpointsConfig": { "enabled": false } } }));
    let answer = google.kubeconfig(&json!({}));
    assert_eq!(answer.value.get("warnings"), None, "{:#}", answer.value);
    assert!(!google.leads().contains("certificate-authority"), "it has none of its own");
    google.takes_a_release();
    // A name that is closed to the outside is no way.
    google.put(&json!({ "controlPlaneEndpointsConfig": {
        "dnsEndpointConfig": { "endpoint": google.name(), "allowExternalTraffic": false },
        "ipEndpointsConfig": { "enabled": false } } }));
    let closed = google.kubeconfig(&json!({})).refused("upstream_failed");
    closed.says("/error/message", "without an endpoint that is open to us");
}

#[test]
fn fault_45_a_private_cluster_is_warned_about_and_used_from_inside_of_its_network() {
    let google = Google::new();
    // This machine is inside.
    google.private(&google.address());
    let answer = google.kubeconfig(&json!({}));
    answer.says("/warnings/0", "private endpoint");
    google.leads();
    google.is_worked_on(&json!({}));
    let answer = google.preflight();
    let cluster = check(&answer, "gcp/dev cluster");
    assert_eq!(cluster["level"], "warning", "{cluster}");
    for part in
        ["a private endpoint", "UPGRADE_MASTER (operation-1-a) since 2026-11-22", "1 of 2 stages"]
    {
        assert!(cluster["seen"].as_str().unwrap().contains(part), "{part}: {cluster}");
    }
    google.takes_a_release();
}

#[test]
fn fault_45_a_private_cluster_that_is_not_reached_says_that_it_is_one() {
    let google = Google::new();
    google.private("127.0.0.1:1");
    google.kubeconfig(&json!({})).says("/warnings/0", "private endpoint");
    let lost = google.project.call("helm_deploy", &google.deployment()).refused("upstream_failed");
    lost.says("/error/next", "inside of its network only");
    lost.says("/error/details/private_endpoint", "true");
}

#[test]
fn fault_45_a_cluster_that_is_made_or_was_not_names_the_operation_and_its_error() {
    let google = Google::new();
    google.put(&json!({ "status": "PROVISIONING" }));
    google.is_worked_on(&json!({ "operationType": "CREATE_CLUSTER" }));
    for made in [
        google.kubeconfig(&json!({})).refused("upstream_failed"),
        google.project.call("helm_deploy", &google.deployment()).refused("upstream_failed"),
    ] {
        made.says("/error/message", "it is PROVISIONING");
        made.says(
            "/error/message",
            "CREATE_CLUSTER (operation-1-a) since 2026-11-22T10:00:00Z, 1 of 2 stages done",
        );
        made.says("/error/next", "wait until operation-1-a has ended");
    }
    let google = Google::new();
    google.put(&json!({ "status": "ERROR" }));
    google.is_worked_on(&json!({ "operationType": "CREATE_CLUSTER", "status": "DONE", "endTime": "2026-11-22T10:09:00Z",
        "error": { "code": 8, "message": "Insufficient regional quota: CPUS." } }));
    let failed = google.kubeconfig(&json!({})).refused("upstream_failed");
    failed.says("/error/message", "failed: Insufficient regional quota: CPUS.");
    failed.says("/error/next", "mend what it says");
}
