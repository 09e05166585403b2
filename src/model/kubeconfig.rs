//! An entry of a kubeconfig: a context with its cluster and its user (Kubernetes, "Organizing Cluster Access Using
//! kubeconfig Files").

use std::path::PathBuf;

/// A context with a cluster and a user of the same name. The user's tokens are made by a program when they are needed:
/// there is no place for one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextEntry {
    /// Name of all three.
    pub name: String,
    /// URL of the cluster's API.
    pub server: String,
    /// Certificate of the authority behind it, base64 of PEM; empty where it is one that every system trusts.
    pub certificate_authority: String,
    /// Arguments of the program that makes tokens; the program is ours.
    pub args: Vec<String>,
    /// How many of them, from the first, say which cluster it is: what follows (role, profile, endpoint) may change.
    pub own_args: usize,
    /// Environment variables that it needs beside the user's own.
    pub env: Vec<(String, String)>,
}

/// What became of a kubeconfig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Whether anything was written.
    pub changed: bool,
    /// Whether comments were lost: the file's form did not let them be kept.
    pub comments_lost: bool,
}

/// Where a kubeconfig may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeconfigPlaces {
    /// The file that kubectl reads first: what is meant when no path is given.
    pub usual: PathBuf,
    /// The user's folder for them.
    pub folder: PathBuf,
}
