//! A cloud with clusters as a test wants them.

use std::sync::Mutex;

use async_trait::async_trait;
use datamcp::error::{Error, Result};
use datamcp::model::Environment;
use datamcp::port::{ClusterFacts, ClusterFound, ClusterOperation, Clusters};

/// What is there, by region and name; and what is done to each of them, or why that is not told.
#[derive(Debug, Default)]
pub(crate) struct Cloud(
    pub(crate) Mutex<Vec<(String, String, ClusterFound)>>,
    Mutex<(Vec<ClusterOperation>, Option<Error>)>,
);

impl Cloud {
    pub(crate) fn set(&self, region: &str, name: &str, found: ClusterFound) {
        let mut known = self.0.lock().unwrap();
        known.retain(|(r, n, _)| (r.as_str(), n.as_str()) != (region, name));
        known.push((region.to_owned(), name.to_owned(), found));
    }

    pub(crate) fn works(&self, operations: Vec<ClusterOperation>) {
        *self.1.lock().unwrap() = (operations, None);
    }

    pub(crate) fn tells_no_work(&self, error: Error) {
        *self.1.lock().unwrap() = (Vec::new(), Some(error));
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
    async fn operations(
        &self,
        _environment: &Environment,
        _session: &str,
        _region: &str,
        _name: &str,
    ) -> Result<Vec<ClusterOperation>> {
        let (operations, denied) = self.1.lock().unwrap().clone();
        denied.map_or(Ok(operations), Err)
    }
}
