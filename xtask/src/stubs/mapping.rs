//! One stub mapping, as WireMock writes it down. What is not known here is refused: a field that is passed over would match
//! more than its writer meant.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::wire::Fault;

/// A request that is expected and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Mapping {
    /// What it shows.
    pub name: Option<String>,
    /// The lower, the sooner it is looked at; 5 when it is not given.
    pub priority: Option<u32>,
    /// The story that it is a part of.
    pub scenario_name: Option<String>,
    /// The state of the story in which it is looked at; the first one is `Started`.
    pub required_scenario_state: Option<String>,
    /// The state after it.
    pub new_scenario_state: Option<String>,
    /// What is expected.
    pub request: Request,
    /// What is answered.
    pub response: Response,
    /// Where it comes from.
    pub metadata: Option<Metadata>,
}

/// What is expected.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// The verb, or `ANY`.
    pub method: String,
    /// Path and query, to the letter.
    pub url: Option<String>,
    /// Path and query, by an expression.
    pub url_pattern: Option<String>,
    /// The path, to the letter.
    pub url_path: Option<String>,
    /// The path, by an expression.
    pub url_path_pattern: Option<String>,
    /// Of the query; what else is in it does not matter.
    #[serde(default)]
    pub query_parameters: BTreeMap<String, Text>,
    /// Of the headers; which others there are does not matter.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// Each of them has to hold.
    #[serde(default)]
    pub body_patterns: Vec<Body>,
}

/// What a text has to be. Exactly one of them is given, or two of which one is `caseInsensitive`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Text {
    /// This.
    pub equal_to: Option<String>,
    /// In whatever letters.
    #[serde(default)]
    pub case_insensitive: bool,
    /// With this in it.
    pub contains: Option<String>,
    /// Of this form, from its first letter to its last.
    pub matches: Option<String>,
    /// Not of this form.
    pub does_not_match: Option<String>,
    /// Not there.
    pub absent: Option<bool>,
}

/// What a body has to be. Exactly one of them is given, with its switches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Body {
    /// This text.
    pub equal_to: Option<String>,
    /// A text with this in it.
    pub contains: Option<String>,
    /// A text of this form.
    pub matches: Option<String>,
    /// This JSON, in whatever order its names stand.
    pub equal_to_json: Option<Value>,
    /// In whatever order the elements of its lists stand.
    #[serde(default)]
    pub ignore_array_order: bool,
    /// Whatever else is in its objects.
    #[serde(default)]
    pub ignore_extra_elements: bool,
    /// JSON with something at this place.
    pub matches_json_path: Option<AtPath>,
}

/// A place in JSON, and what may be demanded of what is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum AtPath {
    /// Something is there.
    There(String),
    /// A text that is as demanded.
    Text(Box<Demand>),
}

/// A place in JSON, and what its text has to be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Demand {
    /// The place.
    pub expression: String,
    /// This.
    pub equal_to: Option<String>,
    /// With this in it.
    pub contains: Option<String>,
    /// Of this form.
    pub matches: Option<String>,
    /// Nothing is there, said by `"(absent)"` or true.
    pub absent: Option<Value>,
}

/// What is answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: Option<String>,
    /// The body as JSON.
    pub json_body: Option<Value>,
    /// The body as bytes.
    pub base64_body: Option<String>,
    /// How long it takes.
    pub fixed_delay_milliseconds: Option<u64>,
    /// The body comes in parts.
    pub chunked_dribble_delay: Option<Dribble>,
    /// What is done instead.
    pub fault: Option<Fault>,
}

/// A body in parts, over a time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dribble {
    /// How many.
    pub number_of_chunks: u32,
    /// The time that all take.
    pub total_duration: u64,
}

/// Where a mapping comes from: recorded or written, one of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// From what it was recorded.
    pub recorded: Option<Recorded>,
    /// By what it was written.
    pub written: Option<Written>,
    /// A request that it is for, where its expressions do not tell one.
    pub example: Option<Example>,
}

/// From what a mapping was recorded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The program.
    pub from: String,
    /// Its version.
    pub version: String,
    /// The day.
    pub date: String,
}

/// By what a mapping was written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The page of the reference.
    pub page: String,
}

/// A request that a mapping is for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Path and query.
    pub url: Option<String>,
    /// The body.
    pub body: Option<String>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl Mapping {
    /// Reads and checks one.
    pub fn read(text: &Value) -> Result<Self> {
        let found: Self = serde_json::from_value(text.clone()).context("reading a stub mapping")?;
        let Request { url, url_pattern, url_path, url_path_pattern, body_patterns, .. } =
            &found.request;
        let urls = [url, url_pattern, url_path, url_path_pattern];
        ensure!(urls.iter().filter(|url| url.is_some()).count() == 1, "one url is needed");
        for (name, text) in found.request.headers.iter().chain(&found.request.query_parameters) {
            ensure!(text.demands() == 1, "{name}: one demand is needed");
        }
        for body in body_patterns {
            ensure!(body.demands() == 1, "one demand of a body is needed: {body:?}");
        }
        let Response { body, json_body, base64_body, .. } = &found.response;
        let bodies = [body.is_some(), json_body.is_some(), base64_body.is_some()];
        ensure!(bodies.iter().filter(|given| **given).count() <= 1, "one body is enough");
        ensure!(
            found.required_scenario_state.is_none() && found.new_scenario_state.is_none()
                || found.scenario_name.is_some(),
            "a state needs the name of its scenario"
        );
        if let Some(metadata) = &found.metadata {
            ensure!(
                metadata.recorded.is_some() != metadata.written.is_some(),
                "metadata tells either what it was recorded from or by what it was written"
            );
        }
        super::matching::check(&found.request)?;
        Ok(found)
    }
}

impl Text {
    fn demands(&self) -> usize {
        let texts = [&self.equal_to, &self.contains, &self.matches, &self.does_not_match];
        texts.iter().filter(|text| text.is_some()).count() + usize::from(self.absent.is_some())
    }
}

impl Body {
    fn demands(&self) -> usize {
        let texts = [&self.equal_to, &self.contains, &self.matches];
        texts.iter().filter(|text| text.is_some()).count()
            + usize::from(self.equal_to_json.is_some())
            + usize::from(self.matches_json_path.is_some())
    }
}
