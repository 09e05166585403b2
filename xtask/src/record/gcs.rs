//! What the emulator of Google Cloud Storage says of a state's object, its versions, and the lock beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::{Recorded, today};
use crate::lab::Gcs;
use crate::tools::Tool;

const BUCKET: &str = "acme-state";
const STATE: &str = "acme/dev/default.tfstate";
const LOCK: &str = "acme/dev/default.tflock";
/// The beginning of a state is enough for its serial.
const HEAD: &str = "bytes=0-4095";

/// An emulator of our own, and where its answers go.
struct Site {
    gcs: Gcs,
    version: String,
    /// Generations in the order in which they were seen, each to be made plain.
    generations: Vec<String>,
    recorded: Vec<Recorded>,
}

/// Starts an emulator, lets it have a state and a lock, and asks as the adapter does.
pub(crate) fn asked(folder: &Path) -> Result<Vec<Recorded>> {
    fs::create_dir_all(folder).context("making a folder for the recording")?;
    let version = Tool::FakeGcs.provide()?.version.trim_start_matches('v').to_owned();
    let gcs = Gcs::start(folder)?;
    let mut site = Site { gcs, version, generations: Vec::new(), recorded: Vec::new() };
    site.gcs.create_bucket(BUCKET)?;
    site.gcs.keep_versions(BUCKET)?;
    site.ask("state/absent", STATE, "", None)?;
    for serial in [7, 8] {
        let state = json!({ "version": 4, "serial": serial, "lineage": "d440e7f9", "outputs": {} });
        site.gcs.put_object(BUCKET, STATE, &state.to_string())?;
        let seen = site.ask("state/object", STATE, "", None)?;
        site.generation(&seen)?;
    }
    let info = json!({ "ID": "a-uuid", "Who": "mira@desk", "Operation": "OperationTypeApply",
        "Created": "2026-01-01T00:00:00Z" });
    site.gcs.put_object(BUCKET, LOCK, &info.to_string())?;
    let seen = site.ask("lock/object", LOCK, "", None)?;
    site.generation(&seen)?;
    site.ask("state/versions", "", "versions=true&prefix=acme%2Fdev%2Fdefault.tfstate", None)?;
    for (number, (name, object)) in
        [("state/first", STATE), ("state/second", STATE), ("lock/content", LOCK)].iter().enumerate()
    {
        let generation = site.generations.get(number).context("a generation")?.clone();
        let range = (*object == STATE).then_some(HEAD);
        site.ask(name, object, &format!("alt=media&generation={generation}"), range)?;
    }
    site.made_plain()
}

impl Site {
    fn generation(&mut self, object: &Value) -> Result<()> {
        let found = object.get("generation").and_then(Value::as_str).context("no generation")?;
        self.generations.push(found.to_owned());
        Ok(())
    }

    /// Asks for an object, or with no name for the listing, and takes down what is said; a name twice is its later answer.
    fn ask(&mut self, name: &str, object: &str, query: &str, range: Option<&str>) -> Result<Value> {
        let mut path = format!("/storage/v1/b/{BUCKET}/o");
        if !object.is_empty() {
            path = format!("{path}/{}", object.replace('/', "%2F"));
        }
        if !query.is_empty() {
            path = format!("{path}?{query}");
        }
        let (status, kind, text) = self.gcs.ask(&path, range)?;
        let body = serde_json::from_str::<Value>(&text).with_context(|| path.clone())?;
        let mut request =
            json!({ "method": "GET", "url": format!("/storage.googleapis.com{path}") });
        if let (Some(range), Some(request)) = (range, request.as_object_mut()) {
            request.insert("headers".into(), json!({ "Range": { "equalTo": range } }));
        }
        let last = name.rsplit('/').next().unwrap_or(name);
        let recorded =
            json!({ "from": "fake-gcs-server", "version": self.version, "date": today()? });
        let mapping = json!({
            "name": last,
            "request": request,
            "response": { "status": status, "headers": { "Content-Type": kind }, "jsonBody": body },
            "metadata": { "recorded": recorded },
        });
        let name = format!("gcp/storage/{name}");
        self.recorded.retain(|before| before.name != name);
        self.recorded.push(Recorded { name, mapping });
        Ok(body)
    }

    /// What differs from run to run becomes an example: generations, times, ports.
    fn made_plain(self) -> Result<Vec<Recorded>> {
        let time = Regex::new(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")?;
        let host = format!("http://{}", self.gcs.host());
        let plain = |new: Recorded| {
            let mut text = new.mapping.to_string();
            for (number, generation) in self.generations.iter().enumerate() {
                text = text
                    .replace(generation.as_str(), &(1_767_225_600_000_001 + number).to_string());
            }
            let text = text.replace(&host, "https://www.googleapis.com");
            let text = time.replace_all(&text, "2026-01-01T00:00:00.000Z");
            let mapping: Map<String, Value> =
                serde_json::from_str(&text).context("reading what was recorded")?;
            Ok(Recorded { mapping: mapping.into(), ..new })
        };
        self.recorded.clone().into_iter().map(plain).collect()
    }
}
