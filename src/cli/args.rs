//! Arguments: one subcommand a tool, made from the schema of its request, and the commands of people.

mod setup;
mod tokens;
mod tools;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, ValueHint, value_parser};
use serde_json::{Value, json};

pub use self::setup::{Init, Poc};
use self::tools::{list, of_tool, request};
use super::exit::Exit;
use super::view;
use crate::model::{Cloud, EksAccess, GkeAccess, OperationId, Status};
use crate::operation::{Tool, catalog};

/// Key under which a document that is read later stands in a request.
pub(super) const DOCUMENT: &str = "\u{0}document";

/// What was asked for, and by whom.
#[derive(Debug)]
pub enum Invoked {
    /// By a person, a script or an MCP client: it is about a project.
    Outer(Parsed),
    /// By the program itself, which says all that is needed.
    Inner(Inner),
}

/// What a person, a script or an MCP client asked for.
#[derive(Debug)]
pub struct Parsed {
    /// Settings file.
    pub config: Option<PathBuf>,
    /// Answers as JSON.
    pub json: bool,
    /// The command.
    pub command: Command,
}

/// Commands that the program gives itself.
#[derive(Debug)]
pub enum Inner {
    /// Supervise an operation.
    Run {
        /// Which.
        operation: OperationId,
        /// State folder.
        state: PathBuf,
    },
    /// Print a token for a cluster's API, for kubectl and its like.
    EksToken(EksAccess),
    /// Print a token for the APIs of GKE, for the same.
    GkeToken {
        /// Whose.
        access: GkeAccess,
        /// Folder of the run whose desk gives it.
        run: Option<PathBuf>,
    },
    /// Print credentials for a child of the run in this folder.
    Credentials {
        /// Folder of the run.
        folder: PathBuf,
        /// As a library of Google asks for them.
        google: bool,
    },
}

/// Commands.
#[derive(Debug)]
pub enum Command {
    /// Serve MCP.
    Serve {
        /// Address for HTTP; left out: standard input and output.
        http: Option<SocketAddr>,
    },
    /// Call a tool with a JSON request.
    Call {
        /// Tool.
        tool: String,
        /// Request, or `-` for standard input.
        json: String,
    },
    /// Call a tool by flags.
    Tool {
        /// Tool.
        tool: &'static Tool,
        /// Request.
        request: Value,
    },
    /// The quick checks.
    Doctor,
    /// Fill a folder to begin with; needs no settings.
    Init(Init),
    /// Walk the first sequence in an account of one's own.
    Poc(Poc),
    /// What only people do.
    People(People),
}

/// What only people do: no tool leads here.
#[derive(Debug)]
pub enum People {
    /// List approvals that wait.
    Approvals,
    /// Decide about one.
    Decide {
        /// Approval.
        id: String,
        /// Agree or refuse.
        grant: bool,
    },
    /// Settle an unknown end.
    Reconcile {
        /// Operation.
        id: String,
        /// How it was; none: the state that it was refused for is right.
        status: Option<Status>,
        /// Why.
        note: String,
    },
    /// Say that a person has moved a state.
    MoveState {
        /// Cloud.
        cloud: Cloud,
        /// Environment.
        env: String,
        /// Workspace.
        workspace: Option<String>,
        /// Why.
        note: String,
    },
    /// Sign in with a second factor.
    SignIn {
        /// Whose keys: an environment of AWS.
        env: Option<String>,
        /// Or an organization.
        organization: Option<String>,
    },
    /// List locks.
    Locks,
    /// Show the events of an operation.
    Show {
        /// Operation.
        id: String,
    },
    /// Follow an operation's log.
    Tail {
        /// Operation.
        id: String,
    },
    /// Verify the log.
    Verify,
}

/// The whole command line, for parsing, help, completion and the reference.
pub fn command() -> Clap {
    let mut top = Clap::new("datamcp")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Safe hands for AI agents, programs and people on AWS, GCP, Kubernetes and Argo CD")
        .after_help(format!(
            "Every tool changes nothing unless --dry-run=false is given and the plan is approved.\n{}",
            Exit::line()
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .short('c')
                .global(true)
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(PathBuf))
                .help("Settings file [default: DATAMCP_CONFIG, or datamcp.toml in this folder or above it]"),
        )
        .arg(Arg::new("json").long("json").global(true).action(ArgAction::SetTrue).help("Answer with JSON instead of text"))
        .subcommand(
            Clap::new("serve").about("Serve MCP on standard input and output").arg(
                Arg::new("http")
                    .long("http")
                    .value_name("ADDR")
                    .value_parser(value_parser!(SocketAddr))
                    .help("Serve over HTTP instead, on an address of this machine: 127.0.0.1:PORT, or port 0 for a free one"),
            ),
        )
        .subcommand(
            Clap::new("call")
                .about("Call a tool with a JSON request")
                .arg(Arg::new("tool").required(true).help("Name of the tool"))
                .arg(Arg::new("request").long("request").value_name("JSON").default_value("{}").help("The request; - reads standard input")),
        )
        .subcommand(Clap::new("doctor").about("Check that everything is in place: one line and one fix each"));
    for tool in catalog::TOOLS {
        top = top.subcommand(of_tool(tool));
    }
    people(top)
        .subcommands(setup::commands())
        .subcommands(tokens::commands())
        .subcommand(Clap::new("completion").about("Print a shell completion script").arg(
            Arg::new("shell").required(true).value_parser(value_parser!(clap_complete::Shell)),
        ))
        .subcommand(Clap::new("__run").hide(true).arg(Arg::new("operation").required(true)).arg(
            Arg::new("state").long("state").required(true).value_parser(value_parser!(PathBuf)),
        ))
        .subcommand(
            Clap::new("credentials")
                .hide(true)
                .about("Credential process of terraform children")
                .arg(Arg::new("google").long("google").action(ArgAction::SetTrue))
                .arg(Arg::new("folder").required(true).value_parser(value_parser!(PathBuf))),
        )
}

fn people(top: Clap) -> Clap {
    let id = |what: &str| Arg::new("id").required(true).value_name("ID").help(what.to_owned());
    top.subcommand(Clap::new("approvals").about("List approvals that wait for a person"))
        .subcommand(Clap::new("approve").about("Look at a plan and approve it, on a terminal").arg(id("Approval")))
        .subcommand(Clap::new("reject").about("Refuse a plan, on a terminal").arg(id("Approval")))
        .subcommand(
            Clap::new("reconcile")
                .about("Say how an operation with an unknown end was, and free its environment; or that a refused state is right; on a terminal")
                .arg(id("Operation"))
                .arg(Arg::new("as").long("as").required_unless_present("state").conflicts_with("state").value_parser(["succeeded", "failed", "partial"]).help("How it was"))
                .arg(Arg::new("state").long("state").action(ArgAction::SetTrue).help("The Terraform state that it was refused for is right as it was found"))
                .arg(Arg::new("note").long("note").required(true).help("What you saw; kept in the log")),
        )
        .subcommand(
            Clap::new("move-state")
                .about("Say that the state of an environment was moved to where settings have it now, on a terminal")
                .arg(Arg::new("cloud").long("cloud").required(true).value_parser(["aws", "gcp"]).help("Cloud"))
                .arg(Arg::new("env").long("env").required(true).value_name("TEXT").help("Environment"))
                .arg(Arg::new("workspace").long("workspace").value_name("TEXT").help("Workspace [default: the environment's, else default]"))
                .arg(Arg::new("note").long("note").required(true).help("How it was moved; kept in the log")),
        )
        .subcommand(sign_in())
        .subcommand(Clap::new("locks").about("List environments that are held or blocked"))
        .subcommand(
            Clap::new("ops")
                .about("The operations log")
                .subcommand_required(true)
                .subcommand(list())
                .subcommand(Clap::new("show").about("Show one operation with its events").arg(id("Operation")))
                .subcommand(Clap::new("tail").about("Follow the log of an operation until it ends").arg(id("Operation")))
                .subcommand(Clap::new("verify").about("Find any edit, deletion, reordering or truncation of the log"))
                .subcommand(Clap::new("cancel").about("Ask a running operation to stop").arg(id("Operation"))),
        )
}

fn sign_in() -> Clap {
    Clap::new("sign-in")
        .about("Sign in with the code of an MFA device, for operations that follow, on a terminal")
        .arg(Arg::new("cloud").long("cloud").requires("env").value_parser(["aws"]).help("Cloud"))
        .arg(
            Arg::new("env")
                .long("env")
                .value_name("TEXT")
                .requires("cloud")
                .required_unless_present("organization")
                .conflicts_with("organization")
                .help("Environment"),
        )
        .arg(
            Arg::new("organization")
                .long("organization")
                .value_name("NAME")
                .help("In its place: an organization of AWS"),
        )
}

/// Understands the arguments. `Err` is the exit code after help, completion or a usage error.
pub fn parse(arguments: Vec<OsString>) -> Result<Invoked, ExitCode> {
    let matches = command().try_get_matches_from(arguments).map_err(|error| {
        drop(error.print());
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
    })?;
    let (config, json) = (matches.get_one::<PathBuf>("config").cloned(), matches.get_flag("json"));
    // A name that clap knows and nothing here answers to would be a usage error, never another command.
    let Some((name, m)) = matches.subcommand() else { return Err(Exit::Usage.into()) };
    let path = |id: &str| m.get_one::<PathBuf>(id).cloned().unwrap_or_default();
    match name {
        "completion" => {
            if let Some(shell) = m.get_one::<clap_complete::Shell>("shell") {
                clap_complete::generate(*shell, &mut self::command(), "datamcp", &mut view::out());
            }
            Err(Exit::Done.into())
        }
        "__run" => {
            let operation = text(m, "operation").parse().map_err(|_| Exit::Usage)?;
            Ok(Invoked::Inner(Inner::Run { operation, state: path("state") }))
        }
        "credentials" => {
            let (folder, google) = (path("folder"), m.get_flag("google"));
            Ok(Invoked::Inner(Inner::Credentials { folder, google }))
        }
        "eks-token" | "gke-token" => Ok(Invoked::Inner(tokens::asked(name, m))),
        _ => match outer(name, m) {
            Some(command) => Ok(Invoked::Outer(Parsed { config, json, command })),
            None => Err(Exit::Usage.into()),
        },
    }
}

fn text(matches: &ArgMatches, id: &str) -> String {
    matches.get_one::<String>(id).cloned().unwrap_or_default()
}

/// The command of this name; `None` when there is none.
fn outer(name: &str, m: &ArgMatches) -> Option<Command> {
    let id = || text(m, "id");
    Some(match name {
        "serve" => Command::Serve { http: m.get_one::<SocketAddr>("http").copied() },
        "call" => Command::Call { tool: text(m, "tool"), json: text(m, "request") },
        "doctor" => Command::Doctor,
        "init" => Command::Init(setup::init(m)?),
        "poc" => Command::Poc(setup::poc(m)?),
        "approvals" => Command::People(People::Approvals),
        "approve" => Command::People(People::Decide { id: id(), grant: true }),
        "reject" => Command::People(People::Decide { id: id(), grant: false }),
        "reconcile" => Command::People(People::Reconcile {
            id: id(),
            status: if m.get_flag("state") {
                None
            } else {
                Some(Status::from_word(&text(m, "as"))?)
            },
            note: text(m, "note"),
        }),
        "move-state" => Command::People(People::MoveState {
            cloud: setup::cloud_of(m)?,
            env: text(m, "env"),
            workspace: m.get_one::<String>("workspace").cloned(),
            note: text(m, "note"),
        }),
        "sign-in" => Command::People(People::SignIn {
            env: m.get_one("env").cloned(),
            organization: m.get_one("organization").cloned(),
        }),
        "locks" => Command::People(People::Locks),
        "ops" => ops(m)?,
        name => of_name(&name.replace('-', "_"), m)?,
    })
}

/// The tool of this name, called with the flags that were given.
fn of_name(name: &str, m: &ArgMatches) -> Option<Command> {
    let tool = catalog::find(name)?;
    Some(Command::Tool { tool, request: request(tool, m) })
}

fn ops(matches: &ArgMatches) -> Option<Command> {
    let (name, m) = matches.subcommand()?;
    let id = || text(m, "id");
    Some(match name {
        "show" => Command::People(People::Show { id: id() }),
        "tail" => Command::People(People::Tail { id: id() }),
        "verify" => Command::People(People::Verify),
        "list" => of_name("list_operations", m)?,
        "cancel" => Command::Tool {
            tool: catalog::find("cancel_operation")?,
            request: json!({ "id": id() }),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoked(arguments: &[&str]) -> Invoked {
        parse(arguments.iter().map(OsString::from).collect())
            .unwrap_or_else(|code| panic!("{arguments:?}: {code:?}"))
    }

    fn outer_of(arguments: &[&str]) -> Command {
        match invoked(arguments) {
            Invoked::Outer(parsed) => parsed.command,
            Invoked::Inner(inner) => panic!("{inner:?}"),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    /// What clap lets through is answered under its own name: nothing falls through to another command.
    #[test]
    fn every_subcommand_is_a_command_of_its_own() {
        let id = OperationId::fresh().to_string();
        let more: &[(&str, &[&str])] = &[
            ("call", &["preflight"]),
            ("eks-token", &["--cluster=c"]),
            ("init", &["aws", "--account-id=123456789012", "--region=eu-west-1"]),
            ("poc", &["aws"]),
            ("approve", &["x"]),
            ("reject", &["x"]),
            ("reconcile", &["x", "--as=failed", "--note=y"]),
            ("move-state", &["--cloud=aws", "--env=dev", "--note=y"]),
            ("sign-in", &["--cloud=aws", "--env=dev"]),
            ("__run", &[&id, "--state=/s"]),
            ("credentials", &["/f"]),
            ("show", &["x"]),
            ("tail", &["x"]),
            ("cancel", &["x"]),
        ];
        let more = |name: &str| more.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, m)| m);
        let known = command();
        let top = known.get_subcommands().map(Clap::get_name);
        let mut seen = std::collections::BTreeSet::new();
        for name in top.filter(|name| !["ops", "completion"].contains(name)) {
            let invoked = invoked(&[&["datamcp", name], more(name)].concat());
            assert!(seen.insert(format!("{invoked:?}")), "{name} is another command: {invoked:?}");
            assert_eq!(
                matches!(invoked, Invoked::Inner(_)),
                ["__run", "credentials", "eks-token", "gke-token"].contains(&name)
            );
        }
        assert!(matches!(outer_of(&["datamcp", "doctor"]), Command::Doctor));
        for name in known.find_subcommand("ops").unwrap().get_subcommands().map(Clap::get_name) {
            let command = outer_of(&[&["datamcp", "ops", name], more(name)].concat());
            assert!(!matches!(command, Command::Doctor), "{name}: {command:?}");
        }
    }

    #[test]
    fn the_cloud_that_was_named_is_the_one_that_is_meant() {
        for (word, cloud) in [("aws", Cloud::Aws), ("gcp", Cloud::Gcp)] {
            let flag = format!("--cloud={word}");
            let moved = outer_of(&["datamcp", "move-state", &flag, "--env=dev", "--note=y"]);
            let Command::People(People::MoveState { cloud: of_move, .. }) = moved else {
                panic!("{moved:?}")
            };
            let walked = outer_of(&["datamcp", "poc", word]);
            let Command::Poc(Poc { cloud: of_poc, .. }) = walked else { panic!("{walked:?}") };
            assert_eq!([of_move, of_poc], [cloud; 2], "{word}");
        }
    }

    #[test]
    fn flags_become_a_request() {
        let arguments = [
            "datamcp",
            "apply-terraform",
            "--cloud",
            "aws",
            "--env=dev",
            "--dry-run=false",
            "--vars",
            "{\"a\":1}",
            "--wait-s",
            "0",
        ];
        let Command::Tool { tool, request } = outer_of(&arguments) else { panic!("not a tool") };
        assert_eq!(tool.name, "apply_terraform");
        assert_eq!(
            request,
            json!({ "cloud": "aws", "env": "dev", "dry_run": false, "vars": { DOCUMENT: "{\"a\":1}" }, "wait_s": 0 })
        );
    }

    #[test]
    fn promise_1_no_flag_means_a_dry_run() {
        let arguments = ["datamcp", "destroy-terraform", "--cloud", "aws", "--env", "dev"];
        let Command::Tool { request, .. } = outer_of(&arguments) else { panic!("not a tool") };
        assert!(request.get("dry_run").is_none());
    }
}
