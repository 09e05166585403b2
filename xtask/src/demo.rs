//! `cargo xtask demo`: the whole way from a dry run to an empty account of AWS, or project of Google Cloud, through the
//! real MCP server.
//!
//! Plan, approval by a person, apply, destroy: each step says what it expects, and what the server says
//! is compared with what the cloud's counterpart in the lab says. The first step that fails ends the demo.

mod play;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use self::play::Play;
use crate::lab::{Extent, Lab};
use crate::place::Checkout;
use crate::report::{Report, Ticker};
use crate::tools;

/// Which binary the demo drives.
#[derive(Debug, Clone)]
pub enum Build {
    /// The debug build of this checkout.
    Debug,
    /// The release build of this checkout.
    Release,
    /// A binary that is there already.
    Given(PathBuf),
}

/// Where the demo is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cloud {
    /// An account of AWS.
    Aws,
    /// A project of Google Cloud.
    Gcp,
}

/// One step of the script.
type Step = fn(&mut Play, &Ticker) -> Result<String>;

/// What is done once the server runs. `{cloud}` is who plays the cloud.
const SCRIPT: [(&str, Step); 57] = [
    ("nothing is there, not even the state bucket", |play, _| play.ground().empty()),
    ("preflight", |play, on| play.preflight(on)),
    ("list_environments", |play, on| play.environments(on)),
    ("bootstrap_state_backend, dry run", |play, on| play.plan("bootstrap_state_backend", on)),
    ("{cloud} confirms: no bucket yet", |play, _| play.ground().no_bucket()),
    ("bootstrap_state_backend without approval", |play, on| {
        play.ask("bootstrap_state_backend", on)
    }),
    ("a person approves the bucket", |play, on| play.approve(on)),
    ("bootstrap_state_backend, the approved plan", |play, on| {
        play.carry_out("bootstrap_state_backend", on)
    }),
    ("{cloud} confirms: the bucket", |play, _| play.ground().bucket_is_there()),
    ("apply_terraform, dry run", |play, on| play.plan("apply_terraform", on)),
    ("{cloud} confirms: nothing was made", |play, _| play.ground().nothing_was_made()),
    ("apply_terraform without approval", |play, on| play.ask("apply_terraform", on)),
    ("a person approves", |play, on| play.approve(on)),
    ("apply_terraform, the approved plan", |play, on| play.carry_out("apply_terraform", on)),
    ("{cloud} confirms: it is there", |play, _| play.ground().it_is_there()),
    ("terraform_outputs", |play, on| play.outputs(on)),
    ("apply_terraform again, dry run", |play, on| play.nothing_to_do(on)),
    ("generate_kubeconfig", |play, on| play.kubeconfig(on)),
    ("kubectl by hand, with that file", |play, _| play.kubectl()),
    ("preflight, with the cluster there", |play, on| play.preflight(on)),
    ("helm_deploy, dry run", |play, on| play.plan_of("helm_deploy", &play.deployment(2), on)),
    ("the cluster confirms: nothing was made", |play, _| play.no_release()),
    ("helm_deploy without approval", |play, on| play.ask("helm_deploy", on)),
    ("a person approves the release", |play, on| play.approve(on)),
    ("helm_deploy, the approved plan", |play, on| play.carry_out("helm_deploy", on)),
    ("the cluster confirms: 2 pods are ready", |play, _| play.pods_are(2)),
    ("helm_deploy with 3 pods, dry run", |play, on| {
        play.plan_of("helm_deploy", &play.deployment(3), on)
    }),
    ("a person approves the upgrade", |play, on| play.ask_and_approve("helm_deploy", on)),
    ("helm_deploy with 3 pods, the approved plan", |play, on| play.carry_out("helm_deploy", on)),
    ("the cluster confirms: 3 pods are ready", |play, _| play.pods_are(3)),
    ("helm_rollback, dry run", |play, on| play.plan_of("helm_rollback", &play.release(), on)),
    ("a person approves the way back", |play, on| play.ask_and_approve("helm_rollback", on)),
    ("helm_rollback, the approved plan", |play, on| play.carry_out("helm_rollback", on)),
    ("helm_status", |play, on| play.history(on)),
    ("helm_uninstall, planned, approved, done", |play, on| play.uninstall(on)),
    ("the cluster confirms: no release is left", |play, _| play.no_release()),
    ("argo_create_app, dry run", |play, on| {
        play.plan_of("argo_create_app", &play.new_application()?, on)
    }),
    ("Argo CD confirms: no application", |play, _| play.no_application()),
    ("a person approves the application", |play, on| play.ask_and_approve("argo_create_app", on)),
    ("argo_create_app, the approved plan", |play, on| play.carry_out("argo_create_app", on)),
    ("argo_sync, dry run", |play, on| play.plan_of("argo_sync", &play.application()?, on)),
    ("a person approves the sync", |play, on| play.ask_and_approve("argo_sync", on)),
    ("argo_sync, the approved plan", |play, on| play.carry_out("argo_sync", on)),
    ("argo_app_status: Synced and Healthy", |play, on| play.synced_and_healthy(on)),
    ("the cluster confirms: the application's pod", |play, _| play.application_runs(true)),
    ("argo_delete_app with its objects, all of it", |play, on| play.delete_application(on)),
    ("the cluster confirms: it is gone", |play, _| play.application_runs(false)),
    ("somebody changes something by hand", |play, _| play.change_by_hand()),
    ("detect_drift", |play, on| play.drift(on)),
    ("destroy_terraform, dry run", |play, on| play.plan("destroy_terraform", on)),
    ("{cloud} confirms: it is still there", |play, _| play.ground().it_is_there()),
    ("destroy_terraform without approval", |play, on| play.ask("destroy_terraform", on)),
    ("a person approves, by typing the name", |play, on| play.approve(on)),
    ("destroy_terraform, the approved plan", |play, on| play.carry_out("destroy_terraform", on)),
    ("{cloud} confirms: nothing is left", |play, _| play.ground().nothing_was_made()),
    ("list_operations", |play, on| play.operations(on)),
    ("the operations log is whole", |play, _| play.verify()),
];

/// Runs the demo; the table is printed also when a step fails.
pub fn run(checkout: &Checkout, cloud: Cloud, build: &Build, keep: bool) -> Result<()> {
    let mut report = Report::new();
    let outcome = perform(checkout, cloud, build, &mut report);
    let ended = if keep {
        println!("the lab stays up; `cargo xtask lab down` ends it");
        Ok(())
    } else {
        report.step("lab", "lab down", |_| {
            Ok(if Lab::down(checkout)? { "" } else { "was not up" }.to_owned())
        })
    };
    println!("\n{}", report.table());
    outcome.and(ended)
}

fn perform(checkout: &Checkout, cloud: Cloud, build: &Build, report: &mut Report) -> Result<()> {
    let program = build.program(checkout);
    report.step("build", "the binary", |_| build.make(checkout))?;
    report.step("lab", "lab up", |_| {
        let (lab, new) = Lab::up(checkout, Extent::All)?;
        let age = if new { "new" } else { "was up" };
        let cluster = lab.cluster.as_ref().context("the lab has no cluster")?;
        let (terraform, kubernetes) = (&lab.terraform.version, &cluster.kubernetes.version);
        Ok(format!("{age}, {}, terraform {terraform}, Kubernetes {kubernetes}", lab.aws.endpoint))
    })?;
    if cloud == Cloud::Gcp {
        report.step("lab", "Google Cloud", |_| {
            let (lab, new) = Lab::up_google(checkout)?;
            let google = lab.google.context("the lab has no Google Cloud")?;
            let age = if new { "new" } else { "was up" };
            let (project, storage) = (&google.project_id, &google.storage);
            Ok(format!("{age}, stand-ins for its APIs and its provider, fake-gcs-server {storage}, project {project}"))
        })?;
    }
    let lab = Lab::running(checkout)?.context("the lab ended at once")?;
    let mut play = Play::prepare(cloud, lab, program, &checkout.lab())?;
    report.step("server", "start, tools/list", |_| play.start())?;
    for (name, step) in SCRIPT {
        let name = name.replace("{cloud}", cloud.counterpart());
        report.step("demo", &name, |ticker| step(&mut play, ticker))?;
    }
    report.step("server", "stop", |_| play.stop())
}

impl Cloud {
    /// Who plays it in the lab.
    fn counterpart(self) -> &'static str {
        match self {
            Self::Aws => "the emulator",
            Self::Gcp => "Google's stand-in",
        }
    }
}

impl Build {
    /// Where the binary is, once it is made.
    fn program(&self, checkout: &Checkout) -> PathBuf {
        match self {
            Self::Debug => checkout.target().join("debug/datamcp"),
            Self::Release => checkout.target().join("release/datamcp"),
            Self::Given(program) => {
                std::path::absolute(program).unwrap_or_else(|_| program.clone())
            }
        }
    }

    fn make(&self, checkout: &Checkout) -> Result<String> {
        let mut command = tools::cargo();
        command.current_dir(checkout.top()).args(["build", "--locked", "--bin", "datamcp"]);
        let kind = match self {
            Self::Debug => "debug build",
            Self::Release => {
                command.arg("--release");
                "release build"
            }
            Self::Given(program) => return Ok(format!("given: {}", program.display())),
        };
        // Seen as it goes: a first build takes minutes.
        let status = command.status().context("starting cargo")?;
        if !status.success() {
            bail!("cargo build: {status}");
        }
        Ok(kind.to_owned())
    }
}

/// Fails with what was expected and what was got.
fn expect(holds: bool, expected: &str, got: impl FnOnce() -> String) -> Result<()> {
    if !holds {
        bail!("expected {expected}, got {}", got());
    }
    Ok(())
}
