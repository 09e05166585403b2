//! The chart: lint, every set of values under `ci/` and of Argo CD's applications rendered and judged, bad values refused.
//!
//! Helm renders, this reads what came out. Whether a cluster takes it is for the cluster to say.

mod applications;
mod expected;
mod mutants;
mod refused;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Lane, Run};
use crate::manifest;
use crate::tools::Tool;

const CHART: &str = "helm/charts/example-data-app";
/// The set of values that makes nearly every kind of object.
const FULL: &str = "aws-external-secrets";

/// Helm on one chart, with an environment of its own: no plugins, no settings, no registry logins.
struct Helm {
    program: PathBuf,
    chart: PathBuf,
    home: PathBuf,
}

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Infra;
    let Some([helm]) = run.tools(lane, [Tool::Helm]) else {
        return;
    };
    let home = run.logs.join("helm");
    let helm = Helm { program: helm.path, chart: run.checkout.top().join(CHART), home };
    let mut sets = Vec::new();
    run.step(lane, "helm lint", |_| {
        sets = values_sets(&helm.chart)?;
        for set in &sets {
            helm.run(&["lint", "--strict"], set)?;
        }
        Ok(format!("{} sets of values", sets.len()))
    });
    for set in &sets {
        let name = name_of(set);
        run.step(lane, &format!("helm template {name}"), |_| {
            let objects = helm.render(set)?;
            judge(&rules::broken(&objects))?;
            judge(&expected::missed(&name, &objects))?;
            Ok(format!("{} objects", objects.len()))
        });
    }
    run.step(lane, "argocd/apps within their projects", |run| {
        applications::check(&helm, run.checkout.top())
    });
    run.step(lane, "the rules see a weaker chart", |_| {
        let full = sets.iter().find(|set| name_of(set) == FULL);
        mutants::check(&helm.render(full.with_context(|| format!("no ci/{FULL}-values.yaml"))?)?)
    });
    run.step(lane, "helm refuses bad values", |_| {
        judge(&expected::unused(&sets.iter().map(|set| name_of(set)).collect::<Vec<_>>()))?;
        refused::check(&helm)
    });
}

/// The sets of values that the chart is tried with.
fn values_sets(chart: &Path) -> Result<Vec<PathBuf>> {
    let folder = chart.join("ci");
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut sets: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    sets.sort();
    ensure!(!sets.is_empty(), "no values in {}", folder.display());
    Ok(sets)
}

/// `ci/default-values.yaml` is `default`.
fn name_of(set: &Path) -> String {
    let name = set.file_stem().unwrap_or_default().to_string_lossy();
    name.trim_end_matches("-values").to_owned()
}

/// All complaints as one error.
fn judge(complaints: &[String]) -> Result<()> {
    ensure!(
        complaints.is_empty(),
        "{} complaints\n    {}",
        complaints.len(),
        complaints.join("\n    ")
    );
    Ok(())
}

impl Helm {
    /// The objects that the chart makes of these values.
    fn render(&self, values: &Path) -> Result<Vec<Value>> {
        let text = self.run(&["template", "demo", "--namespace", "example"], values)?;
        manifest::documents(&text)
    }

    /// What helm writes to stdout; what it writes to stderr is the error.
    fn run(&self, arguments: &[&str], values: &Path) -> Result<String> {
        fs::create_dir_all(&self.home).context("making a home for helm")?;
        let output = Command::new(&self.program)
            .args(arguments)
            .arg(&self.chart)
            .arg("--values")
            .arg(values)
            .env_clear()
            .env("HOME", &self.home)
            .env("HELM_NO_PLUGINS", "1")
            .stdin(Stdio::null())
            .output()
            .context("starting helm")?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let lint = String::from_utf8_lossy(&output.stdout);
            let lint = if arguments.first() == Some(&"lint") { lint.trim_end() } else { "" };
            bail!("{} with {}\n{lint}{}", output.status, values.display(), said.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
