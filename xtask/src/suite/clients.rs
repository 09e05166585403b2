//! The official MCP clients, in both generations of the protocol: each walks the same way through every tool.
//!
//! Programs in `tests/clients` drive the libraries; what they report is compared with what the emulator, the stand-ins for
//! Google, the cluster and Argo CD say.

mod conformance;
mod ground;
mod http;
mod inputs;
mod inspector;
mod official;
mod requests;
mod site;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::conformance::Fixture;
use self::ground::Ground;
use self::inspector::Inspector;
use self::official::{Bridge, Way};
use self::site::Site;
use self::walk::Walker;
use super::{Lane, Run};
use crate::tools::{Found, Tool};

/// A client: its name, what its bridge is told to ask for, the revision that must be agreed on, and its walk.
type Client = (&'static str, &'static str, &'static str, Walk);

const PYTHON: [Client; 2] = [
    ("python-auto", "auto", "2026-07-28", Walk::Whole),
    ("python-legacy", "legacy", "2025-11-25", Walk::Whole),
];
const TYPESCRIPT: [Client; 4] = [
    ("ts-2025-11-25", "2025-11-25", "2025-11-25", Walk::Whole),
    ("ts-2025-06-18", "2025-06-18", "2025-06-18", Walk::Short),
    ("ts-2025-03-26", "2025-03-26", "2025-03-26", Walk::Short),
    ("ts-2024-11-05", "2024-11-05", "2024-11-05", Walk::Short),
];
const INSPECTOR: [(&str, &str, Walk); 2] =
    [("inspector-legacy", "legacy", Walk::Whole), ("inspector-modern", "modern", Walk::Short)];

/// How far a client walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// Every tool, bad input, approved changes, leaving and coming back.
    Whole,
    /// Every tool and bad input, in an environment that needs no provider.
    Short,
}

/// What the lane runs with.
struct Kit {
    node: PathBuf,
    packages: PathBuf,
    python: PathBuf,
    expected: BTreeSet<String>,
}

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Clients;
    let tools = run.tools(lane, [Tool::Node, Tool::McpNode, Tool::McpPython]);
    let built = run.command(lane, "cargo build", super::rust::build(run));
    let mut ground = None;
    run.step(lane, "lab of the clients", |run| {
        let laid = Ground::lay(run.checkout, &run.logs.join("clients/lab"))?;
        let seen = format!("{}, a cluster, Argo CD, Google's stand-ins", laid.lab.aws.endpoint);
        ground = Some(laid);
        Ok(seen)
    });
    let (Some(tools), Some(ground), true) = (tools, ground, built) else { return };
    let mut kit = None;
    run.step(lane, "tools to expect", |run| {
        let made = Kit::new(run.checkout.top(), &tools)?;
        let seen = format!("{} tools", made.expected.len());
        kit = Some(made);
        Ok(seen)
    });
    let Some(kit) = kit else { return };
    // The quick ones first.
    kit.suites(run);
    http::walk(run, &kit, &ground);
    for walk in [Walk::Short, Walk::Whole] {
        for client in TYPESCRIPT.into_iter().filter(|client| client.3 == walk) {
            let script = run.checkout.top().join("tests/clients/node/bridge.mjs");
            let program = vec![kit.node.clone(), script, kit.packages.clone()];
            kit.bridge(run, &ground, program, client);
        }
        for (name, era, _) in INSPECTOR.into_iter().filter(|client| client.2 == walk) {
            kit.inspector(run, &ground, name, era, walk);
        }
        for client in PYTHON.into_iter().filter(|client| client.3 == walk) {
            let script = run.checkout.top().join("tests/clients/python/bridge.py");
            kit.bridge(run, &ground, vec![kit.python.clone(), script], client);
        }
    }
}

impl Kit {
    fn new(top: &Path, tools: &[Found; 3]) -> Result<Self> {
        let [node, packages, python] = tools;
        let golden = top.join("tests/it/golden/tools.json");
        let text =
            std::fs::read(&golden).with_context(|| format!("reading {}", golden.display()))?;
        let listing: Value = serde_json::from_slice(&text).context("reading the golden tools")?;
        let list = listing.as_array().or_else(|| listing.get("tools")?.as_array());
        let names = list.into_iter().flatten().filter_map(|tool| tool.get("name")?.as_str());
        let expected: BTreeSet<String> = names.map(str::to_owned).collect();
        ensure!(!expected.is_empty(), "no tools in {}", golden.display());
        let [node, packages, python] = [node, packages, python].map(|found| found.path.clone());
        Ok(Self { node, packages, python, expected })
    }

    /// The walk of a library.
    fn bridge(&self, run: &mut Run<'_>, ground: &Ground, program: Vec<PathBuf>, client: Client) {
        let (name, mode, revision, walk) = client;
        let folder = run.logs.join("clients").join(name);
        let log = run.log(Lane::Clients, name);
        let mut started = None;
        run.step(Lane::Clients, &format!("{name}: open"), |run| {
            let site = Site::lay(run.checkout, &folder, ground, name)?;
            let mut bridge = Bridge::new(program, mode, Way::Stdio, &log);
            let agreed = bridge.open(&site)?;
            ensure!(agreed == revision, "expected revision {revision}, got {agreed}");
            started = Some((site, Walker::Bridge(Box::new(bridge))));
            Ok(agreed)
        });
        let Some((site, mut walker)) = started else { return };
        self.walk(run, ground, name, &site, &mut walker, walk);
        if walk == Walk::Whole {
            run.step(Lane::Clients, &format!("{name}: faults 3, 4"), |_| {
                walk::faults_3_and_4(&mut walker, &site)
            });
        }
        run.step(Lane::Clients, &format!("{name}: close"), |_| walker.close());
    }

    /// The walk of the Inspector.
    fn inspector(
        &self,
        run: &mut Run<'_>,
        ground: &Ground,
        name: &'static str,
        era: &'static str,
        walk: Walk,
    ) {
        let folder = run.logs.join("clients").join(name);
        let mut laid = None;
        run.step(Lane::Clients, &format!("{name}: project"), |run| {
            laid = Some(Site::lay(run.checkout, &folder, ground, name)?);
            Ok(String::new())
        });
        let Some(site) = laid else { return };
        let script = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
        let mut walker = Walker::Inspector(Box::new(Inspector {
            node: self.node.clone(),
            script: self.packages.join(script),
            era,
            way: Way::Stdio,
            site: site.clone(),
        }));
        self.walk(run, ground, name, &site, &mut walker, walk);
    }

    fn walk(
        &self,
        run: &mut Run<'_>,
        ground: &Ground,
        name: &str,
        site: &Site,
        walker: &mut Walker,
        walk: Walk,
    ) {
        let lane = Lane::Clients;
        run.step(lane, &format!("{name}: every tool, defaults"), |_| {
            walk::promise_1_defaults_change_nothing(walker, ground, site, walk, &self.expected)
        });
        run.step(lane, &format!("{name}: bad inputs 8, 9, 107"), |_| {
            walk::bad_inputs_8_9_and_107(walker)
        });
        run.step(lane, &format!("{name}: bad inputs, the table"), |_| inputs::walk(walker, site));
        if walk == Walk::Whole {
            run.step(lane, &format!("{name}: approved changes"), |_| walk::change(walker, site));
        }
    }

    /// The conformance suites, each against a server of its own.
    fn suites(&self, run: &mut Run<'_>) {
        let program = run.checkout.target().join("debug/examples/conformance");
        for suite in conformance::SUITES {
            let name = format!("conformance, {}", suite.revision);
            let folder = run.logs.join("clients").join(format!("conformance-{}", suite.revision));
            let log = run.log(Lane::Clients, &name);
            run.step(Lane::Clients, &name, |_| {
                Fixture::start(&program, &log.with_extension("server.log"))?
                    .run(&suite, self, &folder, &log)
            });
        }
    }
}
