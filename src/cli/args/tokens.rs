//! Arguments of the exec plugins of kubeconfigs.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command as Clap, value_parser};

use super::{Inner, text};
use crate::model::{EksAccess, GkeAccess, GoogleAccess, GoogleSource};

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// Their commands.
pub(super) fn commands() -> [Clap; 2] {
    [eks_token(), gke_token()]
}

/// Named and spelt as in `aws eks get-token`, whose place it takes in a kubeconfig.
fn eks_token() -> Clap {
    Clap::new("eks-token")
        .about("Print a token for the API of an EKS cluster: the exec plugin of a kubeconfig")
        .arg(option("cluster", "NAME", "Name of the cluster").required(true))
        .arg(option("region", "REGION", "Its region [default: that of the AWS settings]"))
        .arg(option("role-arn", "ARN", "Role to assume first"))
        .arg(option("profile", "NAME", "Profile of the shared AWS configuration"))
        .arg(option("endpoint-url", "URL", "Where an emulator of AWS answers"))
        .arg(option("mfa-serial", "SERIAL", "MFA device of the user whose keys are used"))
        .arg(
            option(
                "state",
                "FOLDER",
                "State folder of the project in which that user has signed in",
            )
            .value_parser(value_parser!(PathBuf)),
        )
        .arg(option("external-id", "TEXT", "What the role's trust policy asks for"))
        .arg(option("session", "ID", "Operation that asks").hide(true))
}

/// In the place of `gke-gcloud-auth-plugin`. A token of Google opens every cluster: the cluster's name is for people.
fn gke_token() -> Clap {
    let path = |arg: Arg| arg.value_parser(value_parser!(PathBuf));
    let metadata = Arg::new("metadata")
        .long("metadata")
        .action(ArgAction::SetTrue)
        .conflicts_with("credentials-file")
        .help("Ask the metadata server and nobody else");
    let several = |arg: Arg| arg.action(ArgAction::Append);
    Clap::new("gke-token")
        .about("Print a token for the API of a GKE cluster: the exec plugin of a kubeconfig")
        .arg(option("project", "ID", "Project of the cluster: not looked at"))
        .arg(option("location", "LOCATION", "Its region or zone: not looked at"))
        .arg(option("cluster", "NAME", "Its name: not looked at"))
        .arg(path(option(
            "credentials-file",
            "FILE",
            "Credentials file [default: application default credentials]",
        )))
        .arg(metadata)
        .arg(several(path(option(
            "allow-executable",
            "FILE",
            "Program that the credentials file may start; may be given again",
        ))))
        .arg(several(option(
            "impersonate",
            "EMAIL",
            "Service account to act as; given again, each gives the next a token",
        )))
        .arg(option("endpoint-url", "URL", "Where a stand-in for Google answers"))
        .arg(path(Arg::new("run").long("run").hide(true)))
}

/// What was asked for.
pub(super) fn asked(name: &str, m: &ArgMatches) -> Inner {
    if name == "eks-token" {
        return Inner::EksToken(EksAccess {
            cluster: text(m, "cluster"),
            region: m.get_one("region").cloned(),
            role_arn: m.get_one("role-arn").cloned(),
            profile: m.get_one("profile").cloned(),
            endpoint_url: m.get_one("endpoint-url").cloned(),
            external_id: m.get_one("external-id").cloned(),
            mfa_serial: m.get_one("mfa-serial").cloned(),
            state: m.get_one("state").cloned(),
            session: m.get_one("session").cloned(),
        });
    }
    let source = match m.get_one::<PathBuf>("credentials-file") {
        Some(path) => GoogleSource::File { path: path.clone() },
        None if m.get_flag("metadata") => GoogleSource::Metadata,
        None => GoogleSource::ApplicationDefault,
    };
    let google = GoogleAccess {
        source,
        executables: m.get_many("allow-executable").into_iter().flatten().cloned().collect(),
        impersonate: m.get_many("impersonate").into_iter().flatten().cloned().collect(),
    };
    let endpoint_url = m.get_one("endpoint-url").cloned();
    Inner::GkeToken { access: GkeAccess { google, endpoint_url }, run: m.get_one("run").cloned() }
}
