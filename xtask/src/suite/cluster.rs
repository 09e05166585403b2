//! The cluster lane: tests with a real Kubernetes and a real Argo CD.
//!
//! It uses the checkout's own lab, not one of its own: what `cargo xtask lab down` knows can be stopped even after this
//! process was killed. A lab that was up before stays up.

use super::{Lane, Run, mappings, rust};
use crate::lab::{Emulator, Extent, Lab};
use crate::record;
use crate::tools::Tool;

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Cluster;
    let checkout = run.checkout;
    if run.tools(lane, Tool::of_cluster()).is_none()
        || run.tools(lane, Tool::of_cluster_tests()).is_none()
    {
        return;
    }
    let (mut started, mut ready) = (false, false);
    run.step(lane, "lab with a cluster", |_| {
        started = Lab::running(checkout)?.is_none();
        let (lab, _) = Lab::up(checkout, Extent::All)?;
        let cluster = lab.cluster.as_ref();
        let steps = cluster.map(|cluster| cluster.started.clone()).unwrap_or_default();
        let steps: Vec<String> =
            steps.iter().map(|(what, seconds)| format!("{what} {seconds:.1} s")).collect();
        ready = true;
        Ok(steps.join(", "))
    });
    if ready {
        let arguments = ["test", "--locked", "--workspace", "--test", "cluster", "--no-fail-fast"];
        let mut command = rust::cargo(run, &arguments);
        command.arg("--").arg(rust::waiting());
        command.env("DATAMCP_LAB", checkout.lab().join("lab.json"));
        rust::tests(run, lane, "cargo test, cluster tests", command);
        run.step(lane, "Argo CD mappings recorded once more", |_| {
            mappings::the_same(&record::argocd(checkout)?.0, "argocd")
        });
        if let Ok(Some(lab)) = Lab::running(checkout) {
            rust::as_described(run, lane, &Emulator::new(&lab.aws));
        }
    }
    if started {
        run.step(lane, "lab down", |_| Lab::down(checkout).map(|_| String::new()));
    }
}
