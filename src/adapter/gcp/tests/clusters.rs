//! Clusters of GKE: which way leads to them, which are not there, what is done to them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::stand_in::{StandIn, written_answer};
use super::*;
use crate::adapter::gcp::GkeClusters;
use crate::port::{ClusterFacts, ClusterFound, Clusters};

const AT: &str = "/locations/europe-west1/clusters/acme";

struct Site {
    stand_in: StandIn,
    _folder: tempfile::TempDir,
    environment: Environment,
    clusters: GkeClusters,
}

fn site() -> Site {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    let environment = environment(&stand_in, file(&user(&folder)));
    let clusters = GkeClusters::new(Arc::new(identity(&[])));
    Site { stand_in, _folder: folder, environment, clusters }
}

impl Site {
    async fn find(&self, name: &str) -> ClusterFound {
        self.clusters.find(&self.environment, "test", "europe-west1", name).await.unwrap()
    }

    async fn with(&self, change: impl FnOnce(&mut Value)) -> ClusterFound {
        let mut cluster = cluster();
        change(&mut cluster);
        self.stand_in.says(AT, 200, cluster);
        self.find("acme").await
    }
}

/// As `GetCluster` answers, with what must never be copied.
fn cluster() -> Value {
    written_answer("gcp/clusters/get")
}

#[track_caller]
fn active(found: ClusterFound) -> ClusterFacts {
    assert!(!format!("{found:?}").contains(CANARY), "{found:?}");
    match found {
        ClusterFound::Active(facts) => facts,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_way_to_a_cluster_is_its_public_address_else_its_name_else_its_private_one() {
    let site = site();
    site.stand_in.plays("gcp/clusters/get");
    let facts = active(site.find("acme").await);
    assert_eq!(facts.arn, "projects/acme-dev-4711/locations/europe-west1/clusters/acme");
    assert_eq!((facts.account.as_str(), facts.kind.as_str()), (PROJECT, "GKE Autopilot"));
    assert_eq!((facts.endpoint.as_str(), facts.private_only), ("https://203.0.113.7", false));
    assert_eq!(facts.certificate_authority, "Y2E=");
    let standard = |c: &mut Value| c["autopilot"] = json!({});
    assert_eq!(active(site.with(standard).await).kind, "GKE Standard");
    let closed = |c: &mut Value| {
        c["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]["enablePublicEndpoint"] =
            false.into();
    };
    let facts = active(site.with(closed).await);
    assert_eq!((facts.endpoint.as_str(), facts.private_only), ("https://10.0.0.2", true));
    let named = |c: &mut Value| {
        closed(c);
        c["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] = true.into();
    };
    let facts = active(site.with(named).await);
    assert_eq!(facts.endpoint, "https://gke-1.europe-west1.gke.goog");
    assert_eq!((facts.certificate_authority.as_str(), facts.private_only), ("", false));
    let formerly = |c: &mut Value| {
        c["privateClusterConfig"] =
            json!({ "enablePrivateEndpoint": true, "privateEndpoint": "10.0.0.3" });
        c["controlPlaneEndpointsConfig"] = json!({});
    };
    assert_eq!(active(site.with(formerly).await).endpoint, "https://10.0.0.3");
    let without = |c: &mut Value| {
        c["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]["enabled"] = false.into();
    };
    assert!(matches!(site.with(without).await, ClusterFound::NotActive(_)));
}

#[tokio::test]
async fn fault_45_a_cluster_that_is_being_made_is_told_apart() {
    let site = site();
    for status in ["PROVISIONING", "STOPPING", "ERROR"] {
        let found = site.with(|c| c["status"] = status.into()).await;
        assert_eq!(found, ClusterFound::NotActive(status.to_owned()));
    }
    for status in ["RUNNING", "RECONCILING", "DEGRADED"] {
        active(site.with(|c| c["status"] = status.into()).await);
    }
}

#[tokio::test]
async fn bad_input_69_and_70_what_is_not_there_names_what_is_and_where() {
    let site = site();
    site.stand_in.plays("gcp/elsewhere");
    assert_eq!(site.find("acme").await, ClusterFound::Absent(vec!["acme-dev".to_owned()]));
    assert_eq!(site.find("other").await, ClusterFound::Elsewhere("europe-west1-b".to_owned()));
    site.stand_in.says("/locations/-/clusters", 200, json!({}));
    assert_eq!(site.find("acme").await, ClusterFound::Absent(vec![]));
}

#[tokio::test]
async fn what_is_done_to_a_cluster_now_is_listed() {
    let site = site();
    site.stand_in.plays("gcp/operations/list");
    let found = site.clusters.operations(&site.environment, "test", "europe-west1", "acme");
    let found = found.await.unwrap();
    let ids: Vec<&str> = found.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids, ["operation-1", "operation-4", "operation-5"]);
    let told = "1 of 2 stages done, nodes done 4, nodes total 15";
    assert_eq!((found[0].progress.as_deref(), &found[0].error), (Some(told), &None));
    assert_eq!(found[2].error.as_deref(), Some("Insufficient regional quota: CPUS."));
}

#[tokio::test]
async fn who_may_not_see_what_is_done_is_told_the_permission() {
    let site = site();
    let (kind, name) = ("type.googleapis.com/google.rpc.ErrorInfo", "container.operations.list");
    let denied = json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "no", "details": [
        { "@type": kind, "reason": "IAM_PERMISSION_DENIED", "domain": "iam.googleapis.com", "metadata": { "permission": name } },
    ] } });
    site.stand_in.says("/locations/europe-west1/operations", 403, denied);
    let found = site.clusters.operations(&site.environment, "test", "europe-west1", "acme");
    let error = found.await.unwrap_err();
    assert_eq!(error.details["permission"], name, "{error:?}");
    assert!(error.next.unwrap().contains(name));
}

#[tokio::test]
async fn passing_trouble_is_asked_again_and_no_longer_than_that() {
    let site = site();
    site.stand_in.plays("gcp/refusals/busy");
    let found = site.clusters.find(&site.environment, "test", "europe-west1", "acme").await;
    assert!(found.unwrap_err().message.contains("busy"));
    assert_eq!(site.stand_in.times(AT), 3);
}
