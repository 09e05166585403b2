//! Questions that change nothing: which releases there are, how one stands, what a chart would make.

use super::answer::{self, Row, Told};
use super::command::{self, Files};
use super::prepare::Prepared;
use crate::error::{Error, ErrorCode, Result};
use crate::port::{Listed, Release, Rendered, Revision};

/// Asks for the one thing that tells clusters apart. Helm wants an object; it is rendered only, and nowhere stored.
const UID: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: question
data:
  uid: {{ (lookup \"v1\" \"Namespace\" \"\" \"kube-system\").metadata.uid | quote }}
";

impl Prepared {
    /// The uid of `kube-system`.
    pub(super) async fn cluster_uid(&self) -> Result<String> {
        let doing = "asking which cluster this is";
        let chart = self.question(UID)?;
        let answer = self.read(doing, command::ask(&self.call(), &chart)).await?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("  uid: "));
        let uid = line.map(|uid| uid.trim().trim_matches('"').to_owned());
        uid.filter(|uid| !uid.is_empty()).ok_or_else(|| {
            Error::new(ErrorCode::UpstreamDenied, format!("{doing}: kube-system cannot be seen"))
                .next("let the identity get the namespace kube-system")
        })
    }

    /// Releases of the namespace.
    pub(super) async fn list(&self, all: bool) -> Result<Vec<Listed>> {
        let doing = format!("listing releases of {}", self.place);
        let answer = self.read(&doing, command::list(&self.call(), all)).await?;
        let rows: Vec<Row> = answer::parse(&doing, &answer)?;
        Ok(rows.into_iter().map(|r| Listed { name: r.name.clone(), last: r.revision() }).collect())
    }

    /// The last revision; `None` when there is no such release.
    pub(super) async fn last(&self) -> Result<Option<Revision>> {
        let mut found = self.list(false).await?;
        Ok(found.pop().filter(|listed| listed.name == self.release()).map(|listed| listed.last))
    }

    /// Revisions, oldest first.
    pub(super) async fn history(&self) -> Result<Vec<Revision>> {
        let doing = format!("reading the history of {}", self.place);
        let answer = self.read(&doing, command::history(&self.call())).await?;
        answer::parse(&doing, &answer)
    }

    /// The release at a revision. All three questions go out at once; where there is no release, only the list can tell
    /// that from a failure, so it is read first.
    pub(super) async fn look(&self, revision: Option<u64>) -> Result<Option<Release>> {
        let doing = format!("looking at release {}", self.place);
        let (last, history, told) =
            tokio::join!(self.last(), self.history(), self.status(&doing, revision));
        if last?.is_none() {
            return Ok(None);
        }
        let history = history?;
        if let Some(wanted) = revision
            && !history.iter().any(|r| r.revision == wanted)
        {
            let known: Vec<String> = history.iter().map(|r| r.revision.to_string()).collect();
            return Err(Error::invalid("revision", wanted.to_string(), "is not a kept revision")
                .allowed(known.join(", ")));
        }
        let told = told?;
        let chart = history.iter().find(|r| r.revision == told.version).map(|r| r.chart.clone());
        Ok(Some(Release {
            live: answer::live(&told.info),
            at: Revision {
                revision: told.version,
                status: told.info.status,
                chart: chart.unwrap_or_default(),
                updated: told.info.last_deployed,
                description: told.info.description,
            },
            history,
            manifest: told.manifest,
            hooks: told.hooks.unwrap_or_default(),
            notes: told.info.notes,
        }))
    }

    /// What helm says of a revision.
    pub(super) async fn status(&self, doing: &str, revision: Option<u64>) -> Result<Told> {
        let answer = self.read(doing, command::status(&self.call(), revision)).await?;
        answer::parse(doing, &answer)
    }

    /// What a chart would make.
    pub(super) async fn render(&self, files: &Files) -> Result<Rendered> {
        let doing = format!("rendering the chart for {}", self.place);
        let answer = self.read(&doing, command::render(&self.call(), files)).await?;
        let told: Told = answer::parse(&doing, &answer)?;
        Ok(Rendered { manifest: told.manifest, hooks: told.hooks.unwrap_or_default() })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{
        Backend, Cloud, Cluster, ClusterAccess, CredentialSource, Environment, EnvironmentKey,
        OperationId, Tier,
    };
    use crate::port::{ClusterFacts, ClusterUser, ReleaseJob};

    #[test]
    fn answers_of_helm_4_are_read() {
        let list = br#"[{"name":"r1","namespace":"apps","revision":"7","updated":"2026","status":"failed","chart":"c-0.1.0","app_version":""}]"#;
        let rows: Vec<Row> = answer::parse("listing", list).unwrap();
        let found: Vec<Revision> = rows.into_iter().map(Row::revision).collect();
        assert_eq!((found[0].revision, found[0].status.as_str()), (7, "failed"));
        let status = br#"{"name":"r1","version":3,"manifest":"a: 1\n","hooks":null,"info":{"status":"deployed","resources":{
            "v1/ConfigMap":[{"kind":"ConfigMap","metadata":{"name":"cm"}}],"v1/Pod(related)":[{"kind":"PodList"}]}}}"#;
        let told: Told = answer::parse("looking", status).unwrap();
        assert_eq!(answer::live(&told.info).len(), 1);
        assert_eq!((told.version, told.info.status.as_str()), (3, "deployed"));
    }

    /// A job on a cluster that nothing is asked of.
    pub(in super::super) fn job() -> ReleaseJob {
        let environment = Environment {
            key: EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() },
            tier: Tier {
                name: "dev".into(),
                auto_approve: vec![],
                approvers: vec![],
                approver_other_than_requester: false,
                mfa: false,
                typed_name: false,
                max_delete: None,
                protected: vec![],
            },
            tree: "/project/infra".into(),
            root: "envs/dev".into(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            backend: Backend::Local { path: "/project/state".into() },
            workspace: None,
            vars: std::collections::BTreeMap::new(),
            credentials: CredentialSource::Ambient,
            role: None,
            session_duration_s: None,
            mfa: None,
            endpoint_url: None,
            ca_bundle: None,
            cluster: Some(Cluster {
                name: "acme-dev".into(),
                context: "aws-dev".into(),
                role_arn: Some("arn:aws:iam::123456789012:role/deploy".into()),
                location: None,
                namespaces: vec![],
                access: ClusterAccess::Managed,
                uid: None,
            }),
            argocd: None,
            organization: None,
            secret_vars: std::collections::BTreeMap::new(),
            member_role: None,
        };
        ReleaseJob {
            environment,
            cluster: ClusterFacts {
                name: "acme-dev".into(),
                arn: "arn:aws:eks:eu-west-1:123456789012:cluster/acme-dev".into(),
                endpoint: "https://eks.example.com".into(),
                account: "123456789012".into(),
                kind: "EKS".into(),
                certificate_authority: "Y2E=".into(),
                version: "1.34".into(),
                private_only: false,
            },
            user: ClusterUser::Minted,
            operation: OperationId::fresh(),
            namespace: "apps".into(),
            release: "web".into(),
            scratch: "/runs/x/scratch".into(),
        }
    }
}
