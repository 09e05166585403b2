//! What stands on the ground on which clients plan: a cluster with a release, an application, organizations in both clouds,
//! a project of Google Cloud. A tool that is called with its defaults has something to plan then, and nothing of it may
//! change: everything here is asked of the counterparts themselves, before and after.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::child;
use crate::lab::{ArgoCd, Gcs, Google, Inventory, Kubernetes, Lab, NAMESPACE, PrivateLab};
use crate::place::Checkout;

/// The release that stands, in two revisions, and the application that does.
pub(super) const STANDING: &str = "standing";
/// The EKS cluster whose API server the lab's is.
pub(super) const CLUSTER: &str = "clients";
/// Management account of the organization of AWS.
pub(super) const MANAGEMENT: &str = "999999999001";
/// Number of the organization of Google Cloud, and what its projects are billed to.
pub(super) const ORGANIZATION: &str = "415104041262";
pub(super) const BILLING: &str = "012345-6789AB-CDEF01";
/// The person's project: who signed in for all of Google Cloud.
const PROJECT: &str = "clients-lab-4711";
/// The bucket that an environment wants made.
pub(super) const NEW_BUCKET: &str = "clients-lab-4711-new";
const APPLICATIONS: &str = "/api/v1/applications";

/// The lab of the lane, with all of that in it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) lab: PrivateLab,
    pub(super) google: Google,
    /// Its objects end with it.
    _gcs: Gcs,
}

/// Everything that a client could have changed.
#[derive(Debug, PartialEq)]
pub(super) struct Seen(BTreeMap<String, Value>);

impl Ground {
    pub(super) fn lay(checkout: &Checkout, folder: &Path) -> Result<Self> {
        let mut lab = Lab::start_private(folder)?;
        lab.add_cluster_beside(&folder.join("cluster"))?;
        let gcs = Gcs::start(folder)?;
        let google =
            Google::furnish(&lab, &gcs, PROJECT, "clients", &folder.join("credentials.json"))?;
        let ground = Self { lab, google, _gcs: gcs };
        ground.furnish_google()?;
        let emulator = ground.lab.emulator();
        emulator.create_eks_cluster(CLUSTER, &["datamcp:deployers"])?;
        emulator.control("organizations", &json!({ "account": MANAGEMENT }))?;
        ground.release(checkout)?;
        ground.application()?;
        Ok(ground)
    }

    /// A bucket with a state's place in it, a name that is free, and an organization.
    fn furnish_google(&self) -> Result<()> {
        let (emulator, google) = (self.lab.emulator(), &self.google);
        google.gcs().create_bucket(&google.state_bucket)?;
        let there = json!({ "location": "EUROPE-WEST1", "projectNumber": ORGANIZATION });
        let bucket = json!({ "bucket": google.state_bucket, "plant": there });
        emulator.control("google_storage", &bucket)?;
        let free =
            json!({ "bucket": NEW_BUCKET, "project": PROJECT, "upstream": google.gcs().host() });
        emulator.control("google_storage", &free)?;
        let members = [format!("{PROJECT}@example.com"), google.deployer.clone()];
        let organization = json!({ "organization": ORGANIZATION, "members": members,
            "billing": { BILLING: true } });
        emulator.control("google_projects", &organization).map(drop)
    }

    pub(super) fn kubernetes(&self) -> Result<&Kubernetes> {
        Ok(&self.lab.cluster.as_ref().context("the lab has no cluster")?.kubernetes)
    }

    pub(super) fn argocd(&self) -> Result<&ArgoCd> {
        let cluster = self.lab.cluster.as_ref().context("the lab has no cluster")?;
        cluster.argocd.as_ref().context("the lab has no Argo CD")
    }

    /// Somebody installs a release by hand, and upgrades it: it can be rolled back.
    fn release(&self, checkout: &Checkout) -> Result<()> {
        let kubernetes = self.kubernetes()?;
        for pods in ["replicas=1", "replicas=2"] {
            let mut command = Command::new(&kubernetes.helm);
            command
                .args(["upgrade", "--install", STANDING])
                .arg(checkout.top().join("helm/charts/example-data-app"))
                .args(["--namespace", NAMESPACE, "--set", pods, "--wait"])
                .arg("--kubeconfig")
                .arg(&kubernetes.product_kubeconfig);
            child::capture(&mut command)?;
        }
        Ok(())
    }

    /// Somebody makes an application by hand. It is compared by Argo CD, and not synced.
    fn application(&self) -> Result<()> {
        let argocd = self.argocd()?;
        let api = argocd.by_token(&argocd.project_token)?;
        let repository = format!("file://{}", argocd.repository.display());
        let app = json!({
            "metadata": { "name": STANDING },
            "spec": {
                "project": argocd.project,
                "source": { "repoURL": repository, "path": "web", "targetRevision": "main" },
                "destination": { "server": self.kubernetes()?.endpoint, "namespace": NAMESPACE },
            },
        });
        api.post(APPLICATIONS, &app)?;
        let started = Instant::now();
        let path = format!("{APPLICATIONS}/{STANDING}?project={}", argocd.project);
        loop {
            let seen = api.get(&path)?.unwrap_or_default();
            if seen.pointer("/status/sync/status") == Some(&json!("OutOfSync")) {
                return Ok(());
            }
            if started.elapsed() > Duration::from_mins(1) {
                bail!("Argo CD has not compared the application: {seen}");
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Asks all of it.
    pub(super) fn look(&self) -> Result<Seen> {
        let mut seen = BTreeMap::new();
        self.look_at_aws(&mut seen)?;
        self.look_at_google(&mut seen)?;
        self.look_at_the_cluster(&mut seen)?;
        Ok(Seen(seen))
    }

    fn look_at_aws(&self, seen: &mut BTreeMap<String, Value>) -> Result<()> {
        let emulator = self.lab.emulator();
        let Inventory { vpcs, subnets, buckets, roles, clusters, node_groups, oidc_providers } =
            emulator.inventory()?;
        for bucket in &buckets {
            seen.insert(format!("objects of {bucket}"), json!(emulator.objects(bucket)?));
        }
        let tables = emulator.dynamodb("ListTables", &json!({}))?;
        let mut told = emulator.control("organizations", &json!({ "account": MANAGEMENT }))?;
        // Looking at it is a call, too.
        if let Some(fields) = told.as_object_mut() {
            fields.remove("calls");
        }
        for (what, value) in [
            ("VPCs", json!(vpcs)),
            ("subnets", json!(subnets)),
            ("buckets", json!(buckets)),
            ("roles", json!(roles)),
            ("EKS clusters", json!(clusters)),
            ("node groups", json!(node_groups)),
            ("OIDC providers", json!(oidc_providers)),
            ("tables", tables),
            ("accounts", told),
        ] {
            seen.insert(what.to_owned(), value);
        }
        Ok(())
    }

    fn look_at_google(&self, seen: &mut BTreeMap<String, Value>) -> Result<()> {
        let (emulator, google) = (self.lab.emulator(), &self.google);
        for bucket in [google.state_bucket.as_str(), NEW_BUCKET] {
            let told = emulator.control("google_storage", &json!({ "bucket": bucket }))?;
            seen.insert(
                format!("bucket {bucket}"),
                told.get("bucket").cloned().unwrap_or_default(),
            );
        }
        let told = emulator.control("google_projects", &json!({ "organization": ORGANIZATION }))?;
        let field = |name: &str| told.get(name).cloned().unwrap_or_default();
        // Terraform's own backend writes an empty state at its first look: what counts is what is in it.
        for (what, value) in [
            ("projects", field("projects")),
            ("projects asked for", field("asked")),
            ("buckets of Cloud Storage", json!(google.gcs().buckets()?)),
            ("state in Cloud Storage", json!(google.in_state()?)),
            ("made by terraform at Google", json!(google.made(&emulator)?)),
            ("GKE cluster", json!(google.cluster(&emulator)?)),
        ] {
            seen.insert(what.to_owned(), value);
        }
        Ok(())
    }

    /// Releases and objects by their generation, applications by what is wanted of them and what was done.
    fn look_at_the_cluster(&self, seen: &mut BTreeMap<String, Value>) -> Result<()> {
        let api = self.kubernetes()?.as_admin()?;
        let core = format!("/api/v1/namespaces/{NAMESPACE}");
        for (kind, path, mark) in [
            ("secret", format!("{core}/secrets"), "/metadata/resourceVersion"),
            ("config map", format!("{core}/configmaps"), "/metadata/resourceVersion"),
            ("service", format!("{core}/services"), "/metadata/resourceVersion"),
            (
                "deployment",
                format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments"),
                "/metadata/generation",
            ),
        ] {
            let list = api.get(&path)?.with_context(|| format!("no list at {path}"))?;
            for object in list.get("items").and_then(Value::as_array).into_iter().flatten() {
                let name = object.pointer("/metadata/name").and_then(Value::as_str);
                let named = format!("{kind} {}", name.unwrap_or_default());
                let marks = ["/metadata/uid", mark].map(|at| object.pointer(at).cloned());
                seen.insert(named, json!(marks));
            }
        }
        let argocd = self.argocd()?;
        let list = argocd.by_token(&argocd.operator_token)?.get(APPLICATIONS)?.unwrap_or_default();
        for app in list.get("items").and_then(Value::as_array).into_iter().flatten() {
            let name = app.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let marks = [
                "/metadata/uid",
                "/spec",
                "/operation",
                "/status/operationState",
                "/status/history",
            ]
            .map(|at| app.pointer(at).cloned());
            seen.insert(format!("application {name}"), json!(marks));
        }
        Ok(())
    }
}

impl Seen {
    /// Fails with what is not as it was.
    pub(super) fn is_still(&self, now: &Self) -> Result<()> {
        let (Self(before), Self(now)) = (self, now);
        let keys = before.keys().chain(now.keys());
        let other: Vec<String> = keys
            .filter(|key| before.get(*key) != now.get(*key))
            .map(|key| format!("{key}: {:?} became {:?}", before.get(key), now.get(key)))
            .collect();
        ensure!(other.is_empty(), "a client with defaults changed something: {}", other.join("; "));
        Ok(())
    }

    /// How many things were looked at.
    pub(super) fn number(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_or_changed_is_named() {
        let seen = |pairs: &[(&str, u64)]| {
            Seen(pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect())
        };
        let before = seen(&[("roles", 1), ("tables", 1)]);
        before.is_still(&seen(&[("roles", 1), ("tables", 1)])).unwrap();
        let error = before.is_still(&seen(&[("roles", 2), ("secret x", 1)])).unwrap_err();
        let error = error.to_string();
        for named in ["roles", "tables", "secret x"] {
            assert!(error.contains(&format!("{named}: ")), "{named}: {error}");
        }
    }
}
