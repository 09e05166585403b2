//! A cloud with clusters as a test wants them.

use std::sync::Mutex;

use async_trait::async_trait;
use datamcp::error::Result;
use datamcp::model::Environment;
use datamcp::port::{ClusterFound, Clusters};

/// What is there, by region and name.
#[derive(Debug, Default)]
pub(crate) struct Cloud(pub(crate) Mutex<Vec<(String, String, ClusterFound)>>);

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
