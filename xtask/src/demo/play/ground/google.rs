//! A project of Google Cloud, as the lab's stand-ins and the emulator of Cloud Storage show it: the bucket, the cluster,
//! what the stand-in provider told the lab, and the state in the bucket.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Ground;
use crate::demo::expect;
use crate::lab::{Emulator, Google as Project, Lab};

/// Type of what is changed by hand.
const NETWORK: &str = "google_compute_network";
/// What has to come of `infra/gcp`, whatever else does.
const KINDS: [&str; 5] = [
    NETWORK,
    "google_container_cluster",
    "google_container_node_pool",
    "google_service_account",
    "google_storage_bucket",
];

/// A project that holds nothing.
#[derive(Debug)]
pub(in crate::demo::play) struct Google {
    project: Project,
    emulator: Emulator,
}

impl Google {
    /// The lab's project; one in use is refused.
    pub(in crate::demo::play) fn of(lab: &Lab) -> Result<Self> {
        let project = lab.google.clone().context("the lab has no Google Cloud")?;
        let ground = Self { project, emulator: lab.emulator() };
        let free = ground.nothing_was_made().and_then(|_| ground.no_bucket());
        free.context("the lab is in use; `cargo xtask lab down` empties it")?;
        Ok(ground)
    }
}

fn counted(made: &[String], kind: &str) -> usize {
    made.iter().filter(|one| one.split(' ').next() == Some(kind)).count()
}

impl Ground for Google {
    fn target(&self) -> (&'static str, &'static str) {
        ("gcp", "dev")
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        // The settings name a credentials file.
        Vec::new()
    }

    fn empty(&self) -> Result<String> {
        self.no_bucket()
    }

    fn no_bucket(&self) -> Result<String> {
        let (project, name) = (&self.project, &self.project.state_bucket);
        let seen = project.bucket(&self.emulator)?;
        expect(seen.is_none(), "no bucket", || json!(seen).to_string())?;
        let stored = project.gcs().buckets()?;
        expect(!stored.contains(name), "no bucket in fake-gcs-server", || format!("{stored:?}"))?;
        Ok(format!("no bucket in {}", project.project_id))
    }

    fn bucket_is_there(&self) -> Result<String> {
        let name = &self.project.state_bucket;
        let seen = self.project.bucket(&self.emulator)?.with_context(|| format!("no {name}"))?;
        let on = |at: &str| seen.pointer(at) == Some(&json!(true));
        let closed = seen.pointer("/iamConfiguration/publicAccessPrevention");
        expect(
            on("/versioning/enabled")
                && on("/iamConfiguration/uniformBucketLevelAccess/enabled")
                && closed == Some(&json!("enforced")),
            "a bucket that is versioned and closed to the public",
            || seen.to_string(),
        )?;
        let stored = self.project.gcs().buckets()?;
        expect(stored.contains(name), name, || format!("{stored:?} in fake-gcs-server"))?;
        Ok(format!("{name}, versioned, public access prevented"))
    }

    fn nothing_was_made(&self) -> Result<String> {
        let (project, emulator) = (&self.project, &self.emulator);
        let made = project.made(emulator)?;
        expect(made.is_empty(), "nothing made", || made.join(", "))?;
        let cluster = project.cluster(emulator)?;
        expect(cluster.is_none(), "no cluster", || json!(cluster).to_string())?;
        let state = project.in_state()?;
        expect(state.is_empty(), "an empty state", || state.join(", "))?;
        Ok("nothing made, no cluster, an empty state".to_owned())
    }

    fn it_is_there(&self) -> Result<String> {
        let (project, emulator) = (&self.project, &self.emulator);
        let (made, state) = (project.made(emulator)?, project.in_state()?);
        for kind in KINDS {
            expect(counted(&made, kind) > 0, kind, || made.join(", "))?;
            expect(state.iter().any(|k| k == kind), &format!("{kind} in the state"), || {
                state.join(", ")
            })?;
        }
        let cluster = project.cluster(emulator)?;
        let status = cluster.as_ref().and_then(|cluster| cluster.get("status")?.as_str());
        expect(status == Some("RUNNING"), "a cluster that is RUNNING", || {
            json!(cluster).to_string()
        })?;
        Ok(format!(
            "cluster {} RUNNING, {} network, {} node pool, {} bucket, {} service accounts; {} resources in the state's bucket",
            project.cluster,
            counted(&made, NETWORK),
            counted(&made, "google_container_node_pool"),
            counted(&made, "google_storage_bucket"),
            counted(&made, "google_service_account"),
            state.len(),
        ))
    }

    fn change_by_hand(&self) -> Result<(&'static str, String)> {
        let made = self.project.made(&self.emulator)?;
        let network = made.iter().find_map(|one| one.strip_prefix(&format!("{NETWORK} ")));
        let network = network.context("there is no network to change")?;
        let said = json!({ "project": self.project.project_id, "type": NETWORK, "name": network,
            "now": { "routing_mode": "BY_HAND" } });
        let told: Value = self.emulator.control("google_by_hand", &said)?;
        ensure!(told.get("error").is_none(), "{told}");
        Ok((NETWORK, format!("routing mode of the network {network}")))
    }
}
