//! What datamcp adds to the helm commands that it runs: the time of a planned and carried out upgrade in which no helm runs, on
//! the lab's cluster.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::figure::{Figure, median, millis};
use super::noted::{Noted, covered, told};
use super::site::{Site, write};
use crate::lab::{Emulator, PrivateLab};
use crate::mcp::{Answer, Client};
use crate::tools::Tool;

/// Upgrades that count.
const ROUNDS: usize = 5;
/// Name of the cluster.
const CLUSTER: &str = "bench-release";

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }} }\n\
                        data: { turn: \"{{ .Values.turn }}\" }\n";

pub(super) fn measure(lab: &PrivateLab, site: &Site) -> Result<Vec<Figure>> {
    lab.with_cluster(&site.folder.join("cluster"), || on_a_cluster(site))
}

fn on_a_cluster(site: &Site) -> Result<Vec<Figure>> {
    Emulator::new(&site.aws).create_eks_cluster(CLUSTER, &["datamcp:deployers"])?;
    let noted = Noted::of(&Tool::Helm.provide()?.path, &site.folder, "helm")?;
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
    let (mut own, mut bare, mut seen) = (Vec::new(), Vec::new(), String::new());
    for round in 0..=ROUNDS {
        noted.clear()?;
        let whole = upgrade(&mut client, round)?;
        let spans = noted.spans()?;
        // The first one installs.
        if round > 0 {
            bare.push(covered(&spans));
            own.push(whole - covered(&spans));
            seen = told(&spans);
        }
    }
    client.stop()?;
    let theirs = median(&bare);
    Ok(vec![
        Figure::told("plan and upgrade, helm's own time", theirs, "ms").note(seen),
        Figure::at_most(
            "time without any helm, both calls",
            median(&own),
            "ms",
            (theirs * 0.02).max(50.0),
        ),
    ])
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
