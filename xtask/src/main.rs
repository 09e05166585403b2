//! `cargo xtask`: the command line of the project's own tasks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::bench;
use xtask::demo::{self, Build, Cloud};
use xtask::lab::{Cluster, Extent, Google, Lab};
use xtask::place::Checkout;
use xtask::record;
use xtask::suite::{self, Lane};
use xtask::tools::{self, Tool};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Find or install what the lab and the tests need, pinned and checksummed, in the user's cache.
    Tools {
        /// Only these; all when none is named.
        names: Vec<Tool>,
    },
    /// Start, stop or look at this checkout's lab.
    Lab {
        #[command(subcommand)]
        verb: LabVerb,
    },
    /// From a dry run to an empty account or project again, through the real MCP server, on the lab.
    Demo(DemoArguments),
    /// Write the generated references: docs/*.md and the golden files of the tests.
    Docs,
    /// The project's figures, side by side with their bars, on a release build; fails when one is missed.
    Bench(BenchArguments),
    /// Record the stub mappings of `fixtures/` anew, from what is real on this machine.
    Record {
        /// From what.
        source: record::Source,
    },
    /// Every check of the repository, in lanes; the last line is `N passed, N failed`.
    Test {
        /// Only these lanes; without it all but `network`.
        #[arg(long, value_delimiter = ',')]
        lanes: Vec<Lane>,
    },
}

/// How the demo is run.
#[derive(Debug, clap::Args)]
struct DemoArguments {
    /// In which cloud.
    #[arg(default_value = "aws")]
    cloud: Cloud,
    /// Leave the lab up at the end.
    #[arg(long)]
    keep: bool,
    /// Build and use the release binary.
    #[arg(long)]
    release: bool,
    /// Use this binary and build none.
    #[arg(long, value_name = "FILE", conflicts_with = "release")]
    program: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, clap::Args)]
struct BenchArguments {
    /// Answer with one JSON document.
    #[arg(long)]
    json: bool,
    /// Only these figures.
    #[arg(long, value_delimiter = ',')]
    only: Vec<bench::Part>,
    /// Measure this binary and build none.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum LabVerb {
    /// Start it unless it is up: the AWS emulator and a project.
    Up {
        /// Kubernetes as well.
        #[arg(long)]
        kubernetes: bool,
        /// Kubernetes and Argo CD as well.
        #[arg(long)]
        all: bool,
        /// What plays Google Cloud as well, with a cluster and Argo CD for `datamcp poc gcp`.
        #[arg(long)]
        google: bool,
        /// Print the description as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop it.
    Down,
    /// Tell whether it is up; exit code 1 when it is not.
    Status {
        /// Print the description as JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Tools { names } => tools(&names),
        Task::Lab { verb } => lab(&verb),
        Task::Demo(arguments) => demo(arguments),
        Task::Docs => docs(),
        Task::Bench(arguments) => measure(arguments),
        Task::Record { source } => again(source),
        Task::Test { lanes } => test(lanes),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tools(names: &[Tool]) -> Result<ExitCode> {
    let started = Instant::now();
    for tool in if names.is_empty() { Tool::all() } else { names } {
        println!("{}", tool.provide()?);
    }
    println!("all there after {:.1} s", started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

fn lab(verb: &LabVerb) -> Result<ExitCode> {
    let checkout = Checkout::find()?;
    let started = Instant::now();
    match verb {
        LabVerb::Up { kubernetes, all, google, json } => {
            let extent = match (*all || *google, kubernetes) {
                (true, _) => Extent::All,
                (false, true) => Extent::Kubernetes,
                (false, false) => Extent::Aws,
            };
            let (mut lab, mut new) = Lab::up(&checkout, extent)?;
            if *google {
                let (with, added) = Lab::up_google(&checkout)?;
                (lab, new) = (with, new || added);
            }
            let what = if new { "started" } else { "was up already" };
            eprintln!("lab {what} after {:.1} s", started.elapsed().as_secs_f64());
            describe(&checkout, &lab, *json)?;
        }
        LabVerb::Down => {
            let what = if Lab::down(&checkout)? { "stopped" } else { "was not up" };
            println!("lab {what}");
        }
        LabVerb::Status { json } => match Lab::running(&checkout)? {
            Some(lab) => describe(&checkout, &lab, *json)?,
            None if *json => {
                println!("null");
                return Ok(ExitCode::FAILURE);
            }
            None => {
                println!("lab is not up");
                return Ok(ExitCode::FAILURE);
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn demo(arguments: DemoArguments) -> Result<ExitCode> {
    let build = match arguments.program {
        Some(program) => Build::Given(program),
        None if arguments.release => Build::Release,
        None => Build::Debug,
    };
    demo::run(&Checkout::find()?, arguments.cloud, &build, arguments.keep)?;
    Ok(ExitCode::SUCCESS)
}

fn docs() -> Result<ExitCode> {
    let status = tools::cargo()
        .current_dir(Checkout::find()?.top())
        .args(["test", "--test", "it", "reference"])
        .env("DATAMCP_UPDATE_DOCS", "1")
        .status()
        .context("starting cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(arguments: BenchArguments) -> Result<ExitCode> {
    let BenchArguments { json, only, program } = arguments;
    let held = bench::run(&Checkout::find()?, &bench::Options { json, only, program })?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn again(source: record::Source) -> Result<ExitCode> {
    for line in record::run(&Checkout::find()?, source)? {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn test(lanes: Vec<Lane>) -> Result<ExitCode> {
    let lanes = if lanes.is_empty() { Lane::by_default() } else { lanes };
    let passed = suite::run(&Checkout::find()?, &lanes)?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(checkout: &Checkout, lab: &Lab, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(lab)?);
        return Ok(());
    }
    println!(
        "AWS        {} (account {}, {})",
        lab.aws.endpoint, lab.aws.account_id, lab.aws.region
    );
    println!("terraform  {} {}", lab.terraform.version, lab.terraform.path.display());
    println!("providers  {}", lab.terraform.provider_mirror.display());
    println!("project    {}", lab.project.display());
    println!("emulator   pid {} since {}", lab.moto.pid, lab.moto.start);
    if let Some(cluster) = &lab.cluster {
        describe_cluster(cluster);
    }
    if let Some(google) = &lab.google {
        describe_google(google);
    }
    by_hand(checkout, lab);
    Ok(())
}

fn describe_google(google: &Google) {
    let Google { endpoint, storage, project_id, state_bucket, process, .. } = google;
    println!(
        "Google     {endpoint} (project {project_id}), stand-ins for its APIs and its provider"
    );
    println!("  storage  {storage} (bucket for the state: {state_bucket}, not there at first)");
    if let Some(process) = process {
        let state = if process.identity.is_alive() { "" } else { "  has ended" };
        println!("  {:<29} pid {}{state}", process.name, process.identity.pid);
    }
}

/// The first sequence as a user would type it; the lab's own log is no other project's.
fn by_hand(checkout: &Checkout, lab: &Lab) {
    if lab.cluster.as_ref().is_none_or(|cluster| cluster.argocd.is_none()) {
        return;
    }
    let program = checkout.target().join("debug/datamcp");
    let (program, state) = (program.display(), checkout.lab().join("state"));
    println!("by hand    cd {}", lab.project.display());
    println!("           export XDG_STATE_HOME={}", state.display());
    let aws = &lab.aws;
    println!(
        "           AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} {program} poc aws",
        aws.access_key_id, aws.secret_access_key
    );
    if lab.google.is_some() {
        println!("           {program} poc gcp");
    }
}

fn describe_cluster(cluster: &Cluster) {
    let Cluster { kubernetes, argocd, started } = cluster;
    println!("Kubernetes {} {}", kubernetes.version, kubernetes.endpoint);
    println!("  admin    KUBECONFIG={}", kubernetes.admin_kubeconfig.display());
    println!("  product  KUBECONFIG={}", kubernetes.product_kubeconfig.display());
    if let Some(argocd) = argocd {
        println!("Argo CD    {} {}", argocd.version, argocd.url);
        println!("  product  token in {}", argocd.project_token.display());
        println!("  git      {}", argocd.repository.display());
    }
    for process in cluster.processes() {
        let state = if process.identity.is_alive() { "" } else { "  has ended" };
        println!("  {:<29} pid {}{state}", process.name, process.identity.pid);
    }
    for (what, seconds) in started {
        println!("  {what} after {seconds:.1} s");
    }
}
