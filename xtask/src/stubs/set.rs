//! Mappings that are looked at together, what state their stories are in, and what went wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use walkdir::WalkDir;

use super::described::{unlike_argocd, unlike_google};
use super::mapping::{Mapping, Response};
use super::matching::unlike;
use super::wire::{Answer, Asked};

/// The folders of `fixtures/` that hold mappings.
const FAMILIES: [&str; 4] = ["argocd", "aws", "gcp", "kubernetes"];
/// The state in which a story begins.
const FIRST: &str = "Started";

/// Mappings that are looked at together.
#[derive(Debug, Default)]
pub struct Set {
    known: Vec<Known>,
    states: BTreeMap<String, String>,
    wrong: Vec<String>,
}

#[derive(Debug)]
struct Known {
    name: String,
    mapping: Mapping,
    wanted: bool,
    times: usize,
}

impl Set {
    /// Puts one before those there are; a wanted one has to be asked for.
    pub fn add(&mut self, name: &str, mapping: Mapping, wanted: bool) {
        self.known.push(Known { name: name.to_owned(), mapping, wanted, times: 0 });
    }

    /// Brings a story into a state.
    pub fn bring(&mut self, scenario: &str, state: &str) {
        self.states.insert(scenario.to_owned(), state.to_owned());
    }

    /// The answer of the first mapping that fits: by priority, then the one that was added last.
    pub fn answer(&mut self, asked: &Asked) -> Answer {
        let mut order: Vec<usize> = (0..self.known.len()).rev().collect();
        order.sort_by_key(|at| self.known.get(*at).and_then(|k| k.mapping.priority).unwrap_or(5));
        let found = order.into_iter().find(|at| {
            let known = self.known.get(*at);
            known.is_some_and(|known| {
                self.is_due(&known.mapping) && unlike(&known.mapping.request, asked).is_none()
            })
        });
        let Some(known) = found.and_then(|at| self.known.get_mut(at)) else {
            return self.refused(asked);
        };
        known.times += 1;
        let Mapping { scenario_name, new_scenario_state, response, .. } = &known.mapping;
        if let (Some(scenario), Some(state)) = (scenario_name, new_scenario_state) {
            self.states.insert(scenario.clone(), state.clone());
        }
        let answer = made(response);
        // No code of ours speaks to anything else with such paths.
        let of_argocd = asked.path.starts_with("/api/");
        let judged = if of_argocd { unlike_argocd } else { unlike_google };
        if let Some(wrong) = judged(asked, &answer) {
            self.wrong.push(format!("{}: {wrong}", known.name));
        }
        answer
    }

    fn is_due(&self, mapping: &Mapping) -> bool {
        let state = mapping.scenario_name.as_ref().and_then(|name| self.states.get(name));
        let state = state.map_or(FIRST, String::as_str);
        mapping.required_scenario_state.as_ref().is_none_or(|wanted| wanted == state)
    }

    /// Nobody expected this.
    fn refused(&mut self, asked: &Asked) -> Answer {
        let mut told = format!("{} {} was asked, and no mapping fits", asked.method, asked.target);
        for known in &self.known {
            let why = unlike(&known.mapping.request, asked)
                .unwrap_or_else(|| "the state of its scenario".to_owned());
            told = format!("{told}\n  {}: {why} is another", known.name);
        }
        self.wrong.push(told.clone());
        Answer::of(404, "text/plain", told)
    }

    /// What was not as the mappings say.
    pub fn wrong(&self) -> Vec<String> {
        let idle = self.known.iter().filter(|known| known.wanted && known.times == 0);
        let idle = idle.map(|known| format!("nobody asked for {}", known.name));
        self.wrong.iter().cloned().chain(idle).collect()
    }
}

/// The answer that a mapping tells of; what cannot be read of it was refused before.
fn made(response: &Response) -> Answer {
    let Response { body, json_body, base64_body, .. } = response;
    let body = match (body, json_body, base64_body) {
        (Some(text), ..) => text.clone().into_bytes(),
        (_, Some(json), _) => json.to_string().into_bytes(),
        (.., Some(text)) => STANDARD.decode(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let drip = response.chunked_dribble_delay.map(|drip| {
        let parts = drip.number_of_chunks.max(1);
        let pause = Duration::from_millis(drip.total_duration) / parts;
        (parts as usize, pause)
    });
    Answer {
        status: response.status,
        headers: response.headers.clone().into_iter().collect(),
        body,
        delay: Duration::from_millis(response.fixed_delay_milliseconds.unwrap_or(0)),
        drip,
        fault: response.fault,
    }
}

/// The mappings of one file or one folder under the root, by their names there.
pub fn named(root: &Path, name: &str) -> Result<Vec<(String, Mapping)>> {
    let file = root.join(format!("{name}.json"));
    if file.is_file() {
        return Ok(vec![(name.to_owned(), read(&file)?)]);
    }
    let folder = root.join(name);
    let mut found = Vec::new();
    for entry in WalkDir::new(&folder).sort_by_file_name() {
        let path = entry.with_context(|| format!("looking for mappings in {name}"))?.into_path();
        if path.extension().is_some_and(|kind| kind == "json") {
            let name = path.strip_prefix(root)?.with_extension("");
            found.push((name.display().to_string(), read(&path)?));
        }
    }
    ensure!(!found.is_empty(), "no mapping is called {name}");
    Ok(found)
}

/// Every mapping of `fixtures/`, folder by folder: those of one folder are looked at together.
pub fn sets(root: &Path) -> Result<BTreeMap<String, Vec<(String, Mapping)>>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for family in FAMILIES.iter().filter(|family| root.join(family).is_dir()) {
        for (name, mapping) in named(root, family)? {
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            found.entry(folder).or_default().push((name, mapping));
        }
    }
    ensure!(!found.is_empty(), "there are no mappings");
    Ok(found)
}

fn read(path: &Path) -> Result<Mapping> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let text: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let mapping = Mapping::read(&text).with_context(|| path.display().to_string())?;
    if mapping.metadata.is_none() {
        bail!("{}: metadata has to tell where it comes from", path.display());
    }
    Ok(mapping)
}
