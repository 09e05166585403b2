//! The request that a mapping is for, derived from the mapping itself: what a replay asks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use super::mapping::{AtPath, Mapping, Text};
use super::wire::Asked;

/// One request to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The verb.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
}

impl Exchange {
    /// The request of a mapping: its own words where they are words, else its example.
    pub fn of(mapping: &Mapping) -> Result<Self> {
        let example = mapping.metadata.as_ref().and_then(|metadata| metadata.example.clone());
        let example = example.unwrap_or_default();
        let request = &mapping.request;
        let mut headers = BTreeMap::new();
        for (name, text) in &request.headers {
            let given = example.headers.get(name).cloned();
            if let Some(value) = given.or(said(text)) {
                headers.insert(name.clone(), value);
            } else if text.absent.is_none() {
                bail!("an example has to tell the header {name}");
            }
        }
        let target = match (&example.url, request.url.as_ref().or(request.url_path.as_ref())) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => with_query(url, &request.query_parameters)?,
            (None, None) => bail!("an example has to tell the url"),
        };
        let body = match (example.body, request.body_patterns.first()) {
            (Some(body), _) => Some(body),
            (None, None) => None,
            (None, Some(wanted)) => {
                let json = wanted.equal_to_json.as_ref().map(ToString::to_string);
                let text = wanted.equal_to.clone().or(wanted.contains.clone()).or(json);
                let path = matches!(&wanted.matches_json_path, Some(AtPath::There(_)));
                let needed = if path { "with something at the path" } else { "of the form" };
                Some(text.with_context(|| format!("an example has to tell a body {needed}"))?)
            }
        };
        let method = if request.method == "ANY" { "GET" } else { &request.method }.to_owned();
        Ok(Self { method, target, headers, body })
    }

    /// The same as it would arrive.
    pub fn asked(&self) -> Asked {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let body = self.body.as_deref().unwrap_or_default();
        Asked::of(&self.method, &self.target, &headers, body.as_bytes())
    }
}

fn said(text: &Text) -> Option<String> {
    text.equal_to.clone().or(text.contains.clone())
}

fn with_query(path: &str, wanted: &BTreeMap<String, Text>) -> Result<String> {
    let mut url = path.to_owned();
    for (name, text) in wanted.iter().filter(|(_, text)| text.absent.is_none()) {
        let value = said(text).with_context(|| format!("an example has to tell {name}"))?;
        let sign = if url.contains('?') { '&' } else { '?' };
        // Writing into a string does not fail.
        _ = write!(url, "{sign}{name}={}", value.replace(' ', "%20"));
    }
    Ok(url)
}
