//! The emulator, looked at from outside: AWS's own query and REST calls over plain HTTP.
//!
//! Nothing of the crate and no SDK is used, so this is a second opinion on what exists. Requests name
//! a key and a region as a signature would; the emulator checks no signatures.

mod states;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex_lite::Regex;
use serde_json::{Value, json};

use super::Aws;

/// A connection to the emulator.
#[derive(Debug, Clone)]
pub struct Emulator {
    endpoint: String,
    region: String,
    access_key_id: String,
}

/// What exists in the account, beside what every account has from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Ids of VPCs other than the default one.
    pub vpcs: BTreeSet<String>,
    /// Ids of subnets outside the default VPC.
    pub subnets: BTreeSet<String>,
    /// Names of buckets.
    pub buckets: BTreeSet<String>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Names of EKS clusters.
    pub clusters: BTreeSet<String>,
    /// EKS node groups, as `CLUSTER/GROUP`.
    pub node_groups: BTreeSet<String>,
    /// ARNs of OIDC providers.
    pub oidc_providers: BTreeSet<String>,
}

impl Emulator {
    /// The emulator of a lab.
    pub fn new(aws: &Aws) -> Self {
        Self {
            endpoint: aws.endpoint.clone(),
            region: aws.region.clone(),
            access_key_id: aws.access_key_id.clone(),
        }
    }

    /// The account that the lab's keys are of.
    pub fn account(&self) -> Result<String> {
        let told = self.query("sts", "Action=GetCallerIdentity&Version=2011-06-15")?;
        texts(&told, "Account")?.into_iter().next().context("the emulator tells no account")
    }

    /// Everything that exists now.
    pub fn inventory(&self) -> Result<Inventory> {
        let vpcs = "Action=DescribeVpcs&Version=2016-11-15\
                    &Filter.1.Name=is-default&Filter.1.Value.1=false";
        let subnets = "Action=DescribeSubnets&Version=2016-11-15\
                       &Filter.1.Name=default-for-az&Filter.1.Value.1=false";
        let roles = "Action=ListRoles&Version=2010-05-08&MaxItems=1000";
        let providers = "Action=ListOpenIDConnectProviders&Version=2010-05-08";
        // Not every edition of somebody else's emulator has EKS; none of its clusters are then there.
        let clusters = match self.names("/clusters", "clusters") {
            Err(error) if super::foreign::endpoint().is_some() && is_not_there(&error) => {
                BTreeSet::new()
            }
            found => found?,
        };
        let mut node_groups = BTreeSet::new();
        for cluster in &clusters {
            let groups = self.names(&format!("/clusters/{cluster}/node-groups"), "nodegroups")?;
            node_groups.extend(groups.iter().map(|group| format!("{cluster}/{group}")));
        }
        Ok(Inventory {
            clusters,
            node_groups,
            oidc_providers: texts(&self.query("iam", providers)?, "Arn")?,
            vpcs: texts(&self.query("ec2", vpcs)?, "vpcId")?,
            subnets: texts(&self.query("ec2", subnets)?, "subnetId")?,
            buckets: texts(&self.get("s3", "/")?, "Name")?,
            roles: texts(&self.query("iam", roles)?, "RoleName")?,
        })
    }

    /// The algorithm by which a bucket encrypts what is put into it; nothing when it does not.
    pub fn bucket_encryption(&self, bucket: &str) -> Result<Option<String>> {
        match self.get("s3", &format!("/{bucket}?encryption")) {
            Ok(answer) => Ok(texts(&answer, "SSEAlgorithm")?.into_iter().next()),
            Err(error) if format!("{error:#}").contains("404") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a bucket with versioning switched on.
    pub fn create_versioned_bucket(&self, bucket: &str) -> Result<()> {
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        let place = format!(
            "<CreateBucketConfiguration xmlns=\"{namespace}\"><LocationConstraint>{}\
             </LocationConstraint></CreateBucketConfiguration>",
            self.region
        );
        self.put(&format!("/{bucket}"), &place)?;
        self.versioning(bucket, "Enabled")
    }

    /// Switches a bucket's versioning off, as far as S3 lets one.
    pub fn suspend_versioning(&self, bucket: &str) -> Result<()> {
        self.versioning(bucket, "Suspended")
    }

    fn versioning(&self, bucket: &str, status: &str) -> Result<()> {
        let body = format!(
            "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Status>{status}</Status></VersioningConfiguration>"
        );
        self.put(&format!("/{bucket}?versioning"), &body)
    }

    /// The text of an object; nothing when there is none.
    pub fn object(&self, bucket: &str, key: &str) -> Result<Option<String>> {
        match self.get("s3", &format!("/{bucket}/{key}")) {
            Ok(text) => Ok(Some(text)),
            Err(error) if format!("{error:#}").contains("404") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts an object, in place of an earlier one.
    pub fn put_object(&self, bucket: &str, key: &str, text: &str) -> Result<()> {
        self.put(&format!("/{bucket}/{key}"), text)
    }

    /// Deletes an empty bucket.
    pub fn delete_bucket(&self, bucket: &str) -> Result<()> {
        let url = format!("{}/{bucket}", self.endpoint);
        let answer = ureq::delete(&url).header("Authorization", self.claim("s3")).call();
        text_of(answer, &url).map(drop)
    }

    /// Tells the emulator which API server its clusters have, those of EKS and those that Terraform makes in Google
    /// Cloud, and the authority behind its certificate.
    pub fn name_api_server(&self, endpoint: &str, ca: &Path) -> Result<()> {
        let ca = fs::read(ca).context("reading the lab's authority")?;
        let names = json!({ "endpoint": endpoint, "certificate": STANDARD.encode(ca) });
        self.control("eks", &names)?;
        self.control("google", &json!({ "api_server": names })).map(drop)
    }

    /// Makes an EKS cluster whose maker is not its administrator, and lets the emulator's own user in as a member of
    /// these groups; with none, nobody is let in.
    pub fn create_eks_cluster(&self, name: &str, groups: &[&str]) -> Result<()> {
        self.eks(
            "/clusters",
            &json!({
                "name": name,
                "roleArn": "arn:aws:iam::123456789012:role/cluster",
                "resourcesVpcConfig": { "subnetIds": ["subnet-12345678", "subnet-87654321"] },
                "accessConfig": {
                    "authenticationMode": "API",
                    "bootstrapClusterCreatorAdminPermissions": false,
                },
            }),
        )?;
        if groups.is_empty() {
            return Ok(());
        }
        self.enter_eks_cluster(name, "arn:aws:iam::123456789012:user/moto", groups)
    }

    /// Gives a user or role an entry of a cluster of EKS, with these groups.
    pub fn enter_eks_cluster(&self, name: &str, principal: &str, groups: &[&str]) -> Result<()> {
        let entry = json!({ "principalArn": principal, "kubernetesGroups": groups });
        self.eks(&format!("/clusters/{name}/access-entries"), &entry)
    }

    /// What EKS says of a cluster.
    pub fn eks_cluster(&self, name: &str) -> Result<Value> {
        let url = format!("{}/clusters/{name}", self.endpoint);
        let text =
            text_of(ureq::get(&url).header("Authorization", self.claim("eks")).call(), &url)?;
        serde_json::from_str(&text).with_context(|| format!("reading the answer of {url}"))
    }

    fn eks(&self, path: &str, request: &Value) -> Result<()> {
        let url = format!("{}{path}", self.endpoint);
        let answer = ureq::post(&url)
            .header("Authorization", self.claim("eks"))
            .header("Content-Type", "application/json")
            .send(request.to_string());
        text_of(answer, &url).map(drop)
    }

    /// Sets or asks the state of one of the lab's additions to the emulator.
    pub fn control(&self, addition: &str, request: &Value) -> Result<Value> {
        let url = format!("{}/_lab/{addition}", self.endpoint);
        let answer = text_of(ureq::post(&url).send(request.to_string()), &url).and_then(|text| {
            serde_json::from_str(&text).with_context(|| format!("reading the answer of {url}"))
        });
        if answer.is_err() && super::foreign::endpoint().is_some() {
            return answer.context(super::foreign::without(addition));
        }
        answer
    }

    /// What of all exchanges so far was not as AWS and Google describe it, and how many were looked at. Nothing of
    /// somebody else's emulator.
    pub fn drifts(&self) -> Result<(Vec<String>, u64)> {
        if super::foreign::endpoint().is_some() {
            return Ok((Vec::new(), 0));
        }
        let told = self.control("described", &json!({}))?;
        let count = |of: &str| told.get(of).and_then(Value::as_u64).unwrap_or_default();
        let drifts = told.get("drifts").and_then(Value::as_array).context("no drifts are told")?;
        let texts = drifts.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok((texts, count("aws") + count("google")))
    }

    /// Deletes an object.
    pub fn delete_object(&self, bucket: &str, key: &str) -> Result<()> {
        let url = format!("{}/{bucket}/{key}", self.endpoint);
        let answer = ureq::delete(&url).header("Authorization", self.claim("s3")).call();
        text_of(answer, &url).map(drop)
    }

    /// One call of a query service, such as `iam`; returns its XML.
    pub fn call(&self, service: &str, form: &str) -> Result<String> {
        self.query(service, form)
    }

    /// Calls a service whose operations are named by a header: `secretsmanager.CreateSecret`.
    pub fn json_call(&self, target: &str, request: &Value) -> Result<Value> {
        let service = match target.split('.').next().unwrap_or_default() {
            "AWSOrganizationsV20161128" => "organizations",
            other => other,
        };
        let mut request = request.clone();
        // The SDKs make this token; who asks without one has to bring it.
        let stores = ["SecretString", "SecretBinary"].iter().any(|k| request.get(*k).is_some());
        if service == "secretsmanager" && stores {
            static CALLS: AtomicU64 = AtomicU64::new(0);
            let (process, call) = (std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
            let token = json!(format!("lab-{process:010}-{call:018}"));
            if let Some(fields) = request.as_object_mut() {
                fields.insert("ClientRequestToken".to_owned(), token);
            }
        }
        let answer = ureq::post(&self.endpoint)
            .header("Authorization", self.claim(service))
            .header("X-Amz-Target", target)
            .header("Content-Type", "application/x-amz-json-1.1")
            .send(request.to_string());
        let text = text_of(answer, target)?;
        serde_json::from_str(&text).with_context(|| format!("reading the answer to {target}"))
    }

    /// The texts of one list in an answer of EKS.
    fn names(&self, path: &str, field: &str) -> Result<BTreeSet<String>> {
        let answer: Value = serde_json::from_str(&self.get("eks", path)?)
            .with_context(|| format!("reading the answer of {path}"))?;
        let list = answer.get(field).and_then(Value::as_array);
        let list = list.with_context(|| format!("{path} answers no {field}: {answer}"))?;
        Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn get(&self, service: &str, path: &str) -> Result<String> {
        let url = format!("{}{path}", self.endpoint);
        let answer = ureq::get(&url).header("Authorization", self.claim(service)).call();
        text_of(answer, &url)
    }

    fn put(&self, path: &str, body: &str) -> Result<()> {
        let url = format!("{}{path}", self.endpoint);
        let answer = ureq::put(&url)
            .header("Authorization", self.claim("s3"))
            .header("Content-Type", "application/xml")
            .send(body);
        text_of(answer, &url).map(drop)
    }

    fn query(&self, service: &str, form: &str) -> Result<String> {
        let answer = ureq::post(&self.endpoint)
            .header("Authorization", self.claim(service))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .send(form);
        text_of(answer, &format!("{} {service} {form}", self.endpoint))
    }

    /// Who we say we are: the form of a signature, without one.
    fn claim(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0",
            self.access_key_id, self.region
        )
    }
}

impl Inventory {
    /// What is here and not in `before`, in words; nothing when nothing is.
    pub fn beyond(&self, before: &Self) -> Vec<String> {
        let kinds = [
            ("VPC", &self.vpcs, &before.vpcs),
            ("subnet", &self.subnets, &before.subnets),
            ("bucket", &self.buckets, &before.buckets),
            ("role", &self.roles, &before.roles),
            ("cluster", &self.clusters, &before.clusters),
            ("node group", &self.node_groups, &before.node_groups),
            ("OIDC provider", &self.oidc_providers, &before.oidc_providers),
        ];
        kinds
            .into_iter()
            .flat_map(|(kind, now, then)| {
                now.difference(then).map(move |id| format!("{kind} {id}"))
            })
            .collect()
    }
}

fn text_of(
    answer: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    what: &str,
) -> Result<String> {
    match answer {
        Ok(mut answer) => answer
            .body_mut()
            .read_to_string()
            .with_context(|| format!("reading the answer of {what}")),
        Err(ureq::Error::StatusCode(status)) => bail!("{what}: status {status}"),
        Err(error) => Err(error).with_context(|| format!("asking {what}")),
    }
}

/// Whether a service is not in an emulator.
fn is_not_there(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("status 501")
}

/// The texts of all elements of one name.
fn texts(xml: &str, element: &str) -> Result<BTreeSet<String>> {
    let pattern = Regex::new(&format!("<{element}>([^<]*)</{element}>")).context("an element")?;
    Ok(pattern
        .captures_iter(xml)
        .filter_map(|found| found.get(1))
        .map(|text| text.as_str().to_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_element() {
        let xml = "<a><vpcId>vpc-1</vpcId><x/><vpcId>vpc-2</vpcId><vpcIdx>no</vpcIdx></a>";
        let found: Vec<String> = texts(xml, "vpcId").unwrap().into_iter().collect();
        assert_eq!(found, ["vpc-1", "vpc-2"]);
    }

    #[test]
    fn the_difference_of_two_inventories_is_named() {
        let before =
            Inventory { buckets: BTreeSet::from(["state".to_owned()]), ..Inventory::default() };
        let mut after = before.clone();
        assert!(after.beyond(&before).is_empty());
        after.roles.insert("ci".to_owned());
        assert_eq!(after.beyond(&before), ["role ci"]);
    }
}
