//! The stub mappings of `fixtures/` in WireMock itself: it takes every file as it is, and answers as our loader does; and
//! what is recorded of AWS, held against the service models of AWS's own SDK.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Lane, Run, descriptions};
use crate::child;
use crate::lab::free_port;
use crate::record::{self, Recorded};
use crate::stubs::{Exchange, Mapping, Server, Set, Stubs, root, sets};
use crate::tools::Tool;

/// How long WireMock may take to start, and to answer.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Fixtures;
    let Some([java, wiremock, moto]) = run.tools(lane, [Tool::Java, Tool::Wiremock, Tool::Moto])
    else {
        return;
    };
    run.step(lane, "stub mappings in WireMock", |run| {
        replay(&java.path, &wiremock.path, &run.logs.join("wiremock"))
    });
    let python = moto.path.with_file_name("python");
    run.step(lane, "stub mappings by botocore's models", |run| {
        let script = run.checkout.top().join("tests/lab/python/mappings_of_aws.py");
        let mut python = descriptions::without_traces(&python);
        child::capture(python.arg(script).arg(root().join("aws")))
            .map(|text| text.trim().to_owned())
    });
    run.step(lane, "a drift of each stand-in is seen", |run| {
        descriptions::drifts_are_seen(run, &python)
    });
    run.step(lane, "descriptions made anew", |run| descriptions::made_anew(run, &python));
    run.step(lane, "AWS mappings recorded once more", |run| {
        the_same(&record::aws(&run.logs.join("record"))?, "aws")
    });
    run.step(lane, "Cloud Storage mappings recorded once more", |run| {
        the_same(&record::gcs(&run.logs.join("record"))?, "gcs")
    });
}

/// Whether what was recorded just now is what is there.
pub(super) fn the_same(recorded: &[Recorded], source: &str) -> Result<String> {
    let changed: Vec<&str> =
        recorded.iter().filter(|r| r.is_news()).map(|r| r.name.as_str()).collect();
    ensure!(changed.is_empty(), "`cargo xtask record {source}` changes {}", changed.join(", "));
    Ok(format!("{} mappings, the same as before", recorded.len()))
}

/// What came back.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    Json(Value),
    Bytes(Vec<u8>),
}

/// Asks WireMock and our loader for every mapping, one at a time, then with its whole folder beside it, and compares.
fn replay(java: &Path, archive: &Path, folder: &Path) -> Result<String> {
    let all: Vec<(String, Mapping)> = sets(&root())?.into_values().flatten().collect();
    let started = Instant::now();
    let wiremock = WireMock::start(java, archive, folder, &all)?;
    ensure!(wiremock.count()? == all.len(), "{} of {}", wiremock.count()?, all.len());
    for (name, mapping) in &all {
        let exchange = Exchange::of(mapping).with_context(|| name.clone())?;
        wiremock.only(name)?;
        let ours = Stubs::start(&[name])?;
        if let (Some(scenario), Some(state)) =
            (&mapping.scenario_name, &mapping.required_scenario_state)
        {
            ours.bring(scenario, state);
            let path = format!("scenarios/{scenario}/state");
            wiremock.tell("PUT", &path, &json!({ "state": state }).to_string())?;
        }
        let theirs = ask(&wiremock.url, &exchange, mapping);
        let ours = ask(ours.url(), &exchange, mapping);
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => {
                ensure!(theirs.status == mapping.response.status, "{name}: {}", theirs.status);
                ensure!(theirs == ours, "{name}: WireMock answers\n{theirs:?}\nand ours\n{ours:?}");
            }
            (Err(_), Err(_)) if mapping.response.fault.is_some() => {}
            (theirs, ours) => bail!("{name}: WireMock gives {theirs:?}, ours {ours:?}"),
        }
        // What is not asked for is no mapping's answer, in both.
        let other = Exchange { target: "/nobody/expects/this".to_owned(), ..exchange };
        let theirs = ask(&wiremock.url, &other, mapping)?;
        ensure!(theirs.status == 404, "{name} answers everything: {theirs:?}");
    }
    let folders = sets(&root())?;
    for (folder, mappings) in &folders {
        together(&wiremock, mappings).with_context(|| format!("{folder}, all of it"))?;
    }
    // Otherwise neither would have been compared.
    ensure!(all.iter().any(|(_, mapping)| mapping.priority.is_some()), "none has a priority");
    ensure!(all.iter().any(|(_, mapping)| mapping.scenario_name.is_some()), "there is no scenario");
    Ok(format!(
        "{} mappings, {} folders as a whole, in {:.1} s",
        all.len(),
        folders.len(),
        started.elapsed().as_secs_f64()
    ))
}

/// A folder with all its mappings at once, each asked for in order: which of them goes first, by priority and by the order in
/// which they came, and how scenarios go on.
fn together(wiremock: &WireMock, mappings: &[(String, Mapping)]) -> Result<()> {
    wiremock.tell("DELETE", "mappings", "")?;
    wiremock.tell("POST", "scenarios/reset", "")?;
    let mut set = Set::default();
    for (name, mapping) in mappings {
        wiremock.add(name)?;
        set.add(name, mapping.clone(), false);
    }
    let set = Mutex::new(set);
    let ours = Server::start(move |asked| {
        set.lock().unwrap_or_else(PoisonError::into_inner).answer(asked)
    })
    .context("starting ours")?;
    for (name, mapping) in mappings {
        let exchange = Exchange::of(mapping).with_context(|| name.clone())?;
        match (ask(&wiremock.url, &exchange, mapping), ask(ours.url(), &exchange, mapping)) {
            (Ok(theirs), Ok(ours)) => {
                // Where none fits, each says so in its own words.
                let none = theirs.status == 404 && ours.status == 404;
                ensure!(none || theirs == ours, "{name}: WireMock {theirs:?}\nand ours {ours:?}");
                let first = mapping.priority.is_some() || mapping.scenario_name.is_some();
                ensure!(!first || theirs.status == mapping.response.status, "{name}: {theirs:?}");
            }
            (Err(_), Err(_)) => {}
            (theirs, ours) => bail!("{name}: WireMock gives {theirs:?}, ours {ours:?}"),
        }
    }
    Ok(())
}

/// A running WireMock; it ends with this value.
struct WireMock {
    child: Child,
    url: String,
}

impl Drop for WireMock {
    fn drop(&mut self) {
        // It holds nothing that outlives it; an error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl WireMock {
    /// With copies of all mapping files, as they are.
    fn start(
        java: &Path,
        archive: &Path,
        folder: &Path,
        all: &[(String, Mapping)],
    ) -> Result<Self> {
        for (name, _) in all {
            let to = folder.join("mappings").join(format!("{name}.json"));
            fs::create_dir_all(to.parent().context("a folder")?).context("making a folder")?;
            fs::copy(file(name), &to).with_context(|| format!("copying {name}"))?;
        }
        let port = free_port()?;
        let log = File::create(folder.join("wiremock.log")).context("making WireMock's log")?;
        let child = Command::new(java)
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar"])
            .arg(archive)
            .args(["--bind-address", "127.0.0.1", "--disable-banner", "--port", &port.to_string()])
            .arg("--root-dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing WireMock's log")?)
            .stderr(log)
            .spawn()
            .context("starting WireMock")?;
        let mut wiremock = Self { child, url: format!("http://127.0.0.1:{port}") };
        let started = Instant::now();
        while wiremock.count().is_err() {
            let ended = wiremock.child.try_wait().context("looking after WireMock")?.is_some();
            if ended || started.elapsed() > PATIENCE {
                bail!("WireMock does not answer\n{}", child::tail(&folder.join("wiremock.log")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(wiremock)
    }

    /// How many mappings it knows.
    fn count(&self) -> Result<usize> {
        let found: Value = serde_json::from_str(&self.tell("GET", "mappings", "")?)?;
        let total = found.pointer("/meta/total").and_then(Value::as_u64).context("no total")?;
        Ok(usize::try_from(total)?)
    }

    /// Leaves it with this mapping alone, as its file has it.
    fn only(&self, name: &str) -> Result<()> {
        self.tell("DELETE", "mappings", "")?;
        self.add(name)
    }

    /// Adds a mapping, as its file has it.
    fn add(&self, name: &str) -> Result<()> {
        let text = fs::read_to_string(file(name)).with_context(|| format!("reading {name}"))?;
        self.tell("POST", "mappings", &text).with_context(|| format!("WireMock and {name}"))?;
        Ok(())
    }

    fn tell(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/__admin/{path}", self.url))
            .header("Content-Type", "application/json")
            .body(body.to_owned())?;
        let mut answer = agent().run(request).context("asking WireMock")?;
        let text = answer.body_mut().read_to_string().context("reading WireMock's answer")?;
        ensure!(answer.status().is_success(), "WireMock says {}: {text}", answer.status());
        Ok(text)
    }
}

fn file(name: &str) -> PathBuf {
    root().join(format!("{name}.json"))
}

/// Asks, and keeps of the answer what the mapping tells of.
fn ask(url: &str, exchange: &Exchange, mapping: &Mapping) -> Result<Seen> {
    let mut request = ureq::http::Request::builder()
        .method(exchange.method.as_str())
        .uri(format!("{url}{}", exchange.target));
    for (name, value) in &exchange.headers {
        request = request.header(name, value);
    }
    let request = request.body(exchange.body.clone().unwrap_or_default())?;
    let mut answer = agent().run(request).context("asking")?;
    let told = mapping.response.headers.keys();
    let headers = told.map(|name| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        (name.clone(), value.unwrap_or_default().to_owned())
    });
    let headers = headers.collect();
    let bytes = answer.body_mut().read_to_vec().context("reading the answer")?;
    let json = serde_json::from_slice(&bytes).map(Body::Json);
    let body = json.unwrap_or(Body::Bytes(bytes));
    Ok(Seen { status: answer.status().as_u16(), headers, body })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}
