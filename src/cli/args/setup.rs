//! Commands with which a person begins: `init` and `poc`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, ValueHint, value_parser};

use crate::model::Cloud;

/// What `init` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// Cloud.
    pub cloud: Cloud,
    /// Folder to fill.
    pub folder: PathBuf,
    /// Name of the project; left out, the folder's.
    pub name: Option<String>,
    /// AWS: the account; none: that of the credentials.
    pub account_id: Option<String>,
    /// Google Cloud: the project.
    pub project_id: Option<String>,
    /// Region.
    pub region: String,
    /// Bucket for the state.
    pub bucket: Option<String>,
    /// Google Cloud: the service account to act as.
    pub impersonate: Option<String>,
    /// AWS: profile of the shared configuration.
    pub profile: Option<String>,
    /// AWS: endpoint of an emulator.
    pub endpoint_url: Option<String>,
    /// Only say what would be written.
    pub dry_run: bool,
}

/// What `poc` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poc {
    /// Cloud.
    pub cloud: Cloud,
    /// Environment.
    pub env: String,
    /// Only plan.
    pub dry_run: bool,
}

fn cloud() -> Arg {
    Arg::new("cloud").required(true).value_parser(["aws", "gcp"]).help("Cloud")
}

fn text(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name.replace('-', "_")).long(name).value_name("TEXT").help(help)
}

/// The subcommands.
pub(super) fn commands() -> [Clap; 2] {
    [Clap::new("init")
        .about("Write a commented datamcp.toml and the Terraform code for a cloud into a folder")
        .long_about("Writes a commented datamcp.toml and the Terraform code for a cloud into a folder. Nothing that is there is overwritten.")
        .arg(cloud())
        .arg(
            Arg::new("folder")
                .value_hint(ValueHint::DirPath)
                .value_parser(value_parser!(PathBuf))
                .default_value(".")
                .help("Folder to fill"),
        )
        .arg(text("name", "Name of the project [default: the folder's name]"))
        .arg(
            text("account-id", "AWS: the account, twelve digits")
                .required_unless_present_any(["account_id_from_credentials", "project_id"]),
        )
        .arg(
            Arg::new("account_id_from_credentials")
                .long("account-id-from-credentials")
                .action(ArgAction::SetTrue)
                .conflicts_with("account_id")
                .help("AWS: ask which account the credentials belong to, and take that one"),
        )
        .arg(
            text("project-id", "Google Cloud: id of the project")
                .conflicts_with_all(["account_id", "account_id_from_credentials", "profile", "endpoint_url"]),
        )
        .arg(text("region", "Region").required(true))
        .arg(text("bucket", "Bucket for the state [default: NAME-dev-tfstate-ACCOUNT, or -PROJECT]"))
        .arg(
            text("impersonate", "Google Cloud: service account to act as [default: none, the credentials themselves]")
                .requires("project_id"),
        )
        .arg(text("profile", "AWS: profile of the shared configuration"))
        .arg(text("endpoint-url", "AWS: endpoint of a compatible emulator"))
        .arg(
            Arg::new("dry_run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Only say what would be written"),
        ),
    Clap::new("poc")
        .about("Walk the first sequence in an account or project of your own: state bucket, plan, your approval, apply, checks")
        .long_about(
            "Walks the first sequence in an account of AWS or a project of Google Cloud, as a script of tool calls: preflight, the bucket of the state, \
             plan, your approval on this terminal, apply, outputs, drift, an empty second plan, the log. A second start goes on \
             where the first one ended. Without --dry-run=false nothing is changed.",
        )
        .arg(cloud())
        .arg(text("env", "Name of the environment").default_value("dev"))
        .arg(
            Arg::new("dry_run")
                .long("dry-run")
                .value_name("BOOL")
                .value_parser(value_parser!(bool))
                .num_args(0..=1)
                .require_equals(true)
                .default_value("true")
                .default_missing_value("true")
                .help("Only plan; nothing changes"),
        )]
}

/// The cloud that was named. None that clap lets through and nothing here knows becomes another one.
pub(super) fn cloud_of(matches: &ArgMatches) -> Option<Cloud> {
    let word = matches.get_one::<String>("cloud")?;
    [Cloud::Aws, Cloud::Gcp].into_iter().find(|cloud| cloud.word() == word)
}

/// The arguments of `init`.
pub(super) fn init(matches: &ArgMatches) -> Option<Init> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    Some(Init {
        cloud: cloud_of(matches)?,
        folder: matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default(),
        name: text("name"),
        account_id: text("account_id"),
        project_id: text("project_id"),
        region: text("region").unwrap_or_default(),
        bucket: text("bucket"),
        impersonate: text("impersonate"),
        profile: text("profile"),
        endpoint_url: text("endpoint_url"),
        dry_run: matches.get_flag("dry_run"),
    })
}

/// The arguments of `poc`.
pub(super) fn poc(matches: &ArgMatches) -> Option<Poc> {
    Some(Poc {
        cloud: cloud_of(matches)?,
        env: matches.get_one::<String>("env").cloned().unwrap_or_default(),
        dry_run: matches.get_one::<bool>("dry_run").copied().unwrap_or(true),
    })
}
