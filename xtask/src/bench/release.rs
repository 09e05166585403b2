//! What datamcp adds to the helm commands that it runs: a planned and carried out upgrade beside the same commands run bare, on
//! the lab's cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::figure::{Figure, median, millis};
use super::noted::{Noted, Taken, covered, told};
use super::site::{Site, write};
use crate::child;
use crate::lab::{Emulator, PrivateLab};
use crate::mcp::{Answer, Client};
use crate::tools::Tool;

/// Upgrades that count.
const ROUNDS: usize = 5;
/// Name of the cluster.
const CLUSTER: &str = "bench-release";

/// Its context for users.
const CONTEXT: &str = "aws-one-0";

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\n\
                        data: { turn: \"{{ .Values.turn }}\" }\n";

pub(super) fn measure(lab: &PrivateLab, site: &Site) -> Result<Vec<Figure>> {
    lab.with_cluster(&site.folder.join("cluster"), || on_a_cluster(site))
}

fn on_a_cluster(site: &Site) -> Result<Vec<Figure>> {
    Emulator::new(&site.aws).create_eks_cluster(CLUSTER, &["datamcp:deployers"])?;
    let helm = Tool::Helm.provide()?.path;
    let noted = Noted::of(&helm, &site.folder, "helm")?;
    let text = site.configuration(&site.terraform.path, "state-release")?;
    let cluster = format!("[environments.aws.one-0]\ncluster = {{ name = \"{CLUSTER}\" }}");
    let text = text.replacen("[environments.aws.one-0]", &cluster, 1);
    let settings = site.folder.join("release.toml");
    write(&settings, &format!("{text}\n[helm]\nbinary = \"{}\"\n", noted.script.display()))?;
    let chart = site.folder.join("helm/charts/turn");
    write(&chart.join("Chart.yaml"), "apiVersion: v2\nname: turn\nversion: 1.0.0\n")?;
    write(&chart.join("values.yaml"), "turn: 0\n")?;
    write(&chart.join("templates/map.yaml"), TEMPLATE)?;
    let mut client = site.session(&settings)?;
    upgrade(&mut client, 0)?;
    let taken = noted.take(|| upgrade(&mut client, 1).map(drop))?;
    let kubeconfig = kubeconfig(&mut client, site)?;
    let bare = Bare { site, helm: &helm, taken, kubeconfig };
    let (mut own, mut whole, mut theirs, mut seen) = (vec![], vec![], vec![], String::new());
    for round in 2..ROUNDS + 2 {
        // In turn first and second: neither always finds a warmer machine.
        if round % 2 == 0 {
            theirs.push(bare.run()?);
        }
        noted.clear()?;
        whole.push(upgrade(&mut client, round)?);
        let spans = noted.spans()?;
        own.extend(whole.last().map(|whole| whole - covered(&spans)));
        seen = told(&spans);
        if round % 2 == 1 {
            theirs.push(bare.run()?);
        }
    }
    client.stop()?;
    let (mine, theirs) = (median(&whole), median(&theirs));
    let calls = format!("{} commands, one after the other", bare.taken.len());
    Ok(vec![
        Figure::told("plan and upgrade, helm's commands bare", theirs, "ms").note(calls),
        Figure::told("plan and upgrade, datamcp", mine, "ms").note(seen),
        Figure::at_most(
            "overhead over bare helm, whole",
            mine - theirs,
            "ms",
            (theirs * 0.02).max(50.0),
        ),
        Figure::told("time without any helm, both calls", median(&own), "ms")
            .note("the programs that note the time are in it"),
    ])
}

/// A kubeconfig as users get it.
fn kubeconfig(client: &mut Client, site: &Site) -> Result<PathBuf> {
    let path = "kubeconfigs/bench-release";
    let request = json!({ "cloud": "aws", "env": "one-0", "path": path });
    let answer = client.call("generate_kubeconfig", &request, &mut |_| {})?;
    if answer.structured.get("changed") != Some(&Value::Bool(true)) {
        bail!("expected a file that is written, got {}", answer.brief());
    }
    Ok(site.folder.join(path))
}

/// The helm commands that datamcp ran for one plan and its upgrade, run again by hand.
struct Bare<'a> {
    site: &'a Site,
    helm: &'a Path,
    taken: Vec<Taken>,
    kubeconfig: PathBuf,
}

impl Bare<'_> {
    /// Runs all of them, in turn; in milliseconds.
    fn run(&self) -> Result<f64> {
        let mut sum = 0.0;
        for call in &self.taken {
            let at = call.folder.join("kubeconfig");
            if at.exists() {
                fs::copy(&self.kubeconfig, at).context("laying the kubeconfig")?;
            }
            let mut command = Command::new(self.helm);
            let context = format!("--kube-context={CONTEXT}");
            command.args(call.words.iter().map(|word| match word.as_str() {
                "--kube-context=environment" => &context,
                _ => word,
            }));
            command.current_dir(&call.folder);
            command.env_clear().envs(self.site.surroundings());
            let started = Instant::now();
            child::capture(&mut command)?;
            sum += millis(started.elapsed());
        }
        Ok(sum)
    }
}

/// A plan and its upgrade, in milliseconds.
fn upgrade(client: &mut Client, turn: usize) -> Result<f64> {
    let started = Instant::now();
    let request = json!({
        "kube_context": "aws-one-0", "chart_path": "helm/charts/turn", "namespace": "apps", "release": "bench",
        "values": { "turn": turn }, "wait_s": 120,
    });
    let planned = expect(client.call("helm_deploy", &request, &mut |_| {})?, "planned")?;
    let id = planned.text_at("/plan_id").context("the answer has no plan_id")?;
    let request = json!({ "plan_id": id, "dry_run": false, "auto_approve": true, "wait_s": 120 });
    expect(client.call("helm_deploy", &request, &mut |_| {})?, "succeeded")?;
    Ok(millis(started.elapsed()))
}

fn expect(answer: Answer, status: &str) -> Result<Answer> {
    if answer.status() != status {
        bail!("expected status {status}, got {}", answer.brief());
    }
    Ok(answer)
}
