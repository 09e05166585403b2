//! A cloud with clusters as a test wants them.

use std::sync::Mutex;

use async_trait::async_trait;
use datamcp::error::Result;
use datamcp::model::Environment;
use datamcp::port::{ClusterFacts, ClusterFound, Clusters};

/// What is there, by region and name.
#[derive(Debug, Default)]
pub(crate) struct Cloud(pub(crate) Mutex<Vec<(String, String, ClusterFound)>>);

impl Cloud {
    pub(crate) fn set(&self, region: &str, name: &str, found: ClusterFound) {
        let mut known = self.0.lock().unwrap();
        known.retain(|(r, n, _)| (r.as_str(), n.as_str()) != (region, name));
        known.push((region.to_owned(), name.to_owned(), found));
    }
}

/// A cluster that answers.
pub(crate) fn active(name: &str) -> ClusterFacts {
    ClusterFacts {
        name: name.to_owned(),
        account: "123456789012".to_owned(),
        kind: "EKS".to_owned(),
        arn: format!("arn:aws:eks:eu-west-1:123456789012:cluster/{name}"),
        endpoint: format!("https://{name}.example.com"),
        certificate_authority: "LS0tLS1CRUdJTg==".to_owned(),
        version: "1.34".to_owned(),
        private_only: false,
    }
}

#[async_trait]
impl Clusters for Cloud {
    async fn find(
        &self,
        _environment: &Environment,
        _session: &str,
        region: &str,
        name: &str,
    ) -> Result<ClusterFound> {
        let known = self.0.lock().unwrap();
        let there = || known.iter().filter(|(r, ..)| r == region);
        let found = there().find(|(_, n, _)| n == name);
        Ok(found.map_or_else(
            || ClusterFound::Absent(there().map(|(_, n, _)| n.clone()).collect()),
            |(.., found)| found.clone(),
        ))
    }
}
