//! One context of a kubeconfig, or the account of the pod that we run in: where its cluster is and as whom it is spoken
//! to. Only what is listed here passes; nothing is asked of anybody and no program is started.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::merge::{self, Bad};
use crate::error::{Error, Result};
use crate::model::{Cluster, ClusterAccess, Digest, PodAccount};
use crate::port::{ClusterFacts, ClusterUser, GivenUser, UserProof};
use crate::secret::Secret;

#[cfg(test)]
mod tests;

/// Longest file that an entry names, in bytes.
const MAX: u64 = 1024 * 1024;

/// The cluster that a setting leads to.
pub(super) fn reach(
    cluster: &Cluster,
    pod: Option<&PodAccount>,
) -> Result<(ClusterFacts, ClusterUser)> {
    match &cluster.access {
        ClusterAccess::Kubeconfig { path, exec } => of_file(cluster, path, exec),
        ClusterAccess::InCluster => of_pod(cluster, pod),
        ClusterAccess::Managed => {
            Err(Error::internal("reaching a cluster", "its cloud says where it is"))
        }
    }
}

/// A file, its context, and how to say what is wrong with it.
struct Entry<'e> {
    path: &'e Path,
    context: &'e str,
}

impl Entry<'_> {
    fn wrong(&self, why: impl std::fmt::Display) -> Error {
        let why = format!("cannot be used with context {}: {why}", self.context);
        Error::invalid("cluster.kubeconfig", self.path.display().to_string(), why)
    }

    /// What is under a name in one of the file's lists.
    fn part<'m>(
        &self,
        map: &'m Map<String, Value>,
        list: &str,
        word: &str,
        name: &str,
    ) -> Result<&'m Map<String, Value>> {
        let found = merge::find(map, list, name).and_then(|item| item.get(word));
        found.and_then(Value::as_object).ok_or_else(|| {
            let items = map.get(list).and_then(Value::as_array);
            let known: Vec<&str> =
                items.into_iter().flatten().filter_map(|item| item["name"].as_str()).collect();
            self.wrong(format!("{list} has no {name}")).allowed(known.join(", "))
        })
    }

    /// A text under one of these words; a word that is known by no list is refused.
    fn text(&self, map: &Map<String, Value>, word: &str) -> Result<Option<String>> {
        match map.get(word) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(format!("{word} is not a text"))),
        }
    }

    fn only(&self, map: &Map<String, Value>, what: &str, known: &[&str]) -> Result<()> {
        let said = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        match map.iter().find(|(word, value)| !known.contains(&word.as_str()) && said(value)) {
            None => Ok(()),
            Some((word, _)) => {
                Err(self.wrong(format!("{what} has {word}")).allowed(known.join(", ")))
            }
        }
    }

    /// What stands in the entry as base64, or in a file that it names; as base64.
    fn data(&self, map: &Map<String, Value>, word: &str) -> Result<Option<String>> {
        if let Some(data) = self.text(map, &format!("{word}-data"))? {
            let whole = STANDARD.decode(&data).is_ok();
            return if whole {
                Ok(Some(data))
            } else {
                Err(self.wrong(format!("{word}-data is not base64")))
            };
        }
        let Some(path) = self.text(map, word)? else { return Ok(None) };
        Ok(Some(STANDARD.encode(self.file(word, &path)?.1)))
    }

    /// A file that the entry names, relative to the kubeconfig's folder (client-go does the same).
    fn file(&self, word: &str, path: &str) -> Result<(PathBuf, Vec<u8>)> {
        let path = self.path.parent().unwrap_or(Path::new("/")).join(path);
        let bytes =
            bytes(&path).map_err(|why| self.wrong(format!("{word} {}: {why}", path.display())))?;
        Ok((path, bytes))
    }
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    file.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(std::io::Error::other(format!("it is longer than {MAX} bytes")));
    }
    Ok(bytes)
}

fn of_file(cluster: &Cluster, path: &Path, exec: &[String]) -> Result<(ClusterFacts, ClusterUser)> {
    let entry = Entry { path, context: &cluster.context };
    private(&entry)?;
    let text = bytes(path).map_err(|why| entry.wrong(why))?;
    let text = String::from_utf8(text).map_err(|_| entry.wrong("it is not UTF-8"))?;
    let map = merge::parse(&text).map_err(|bad| match bad {
        Bad::Malformed(why) => entry.wrong(why),
        Bad::Taken(error) => *error,
    })?;
    let context = entry.part(&map, "contexts", "context", entry.context)?;
    let named = |word: &str| {
        entry
            .text(context, word)?
            .ok_or_else(|| entry.wrong(format!("the context names no {word}")))
    };
    let at = entry.part(&map, "clusters", "cluster", &named("cluster")?)?;
    let user_name = named("user")?;
    let user = entry.part(&map, "users", "user", &user_name)?;
    let endpoint = endpoint(&entry, at)?;
    let authority = entry.data(at, "certificate-authority")?.ok_or_else(|| {
        entry
            .wrong("the cluster has no certificate authority")
            .next("add certificate-authority-data: without it anybody could be the cluster")
    })?;
    let (how, proof) = proof(&entry, user, exec)?;
    let facts = facts(&cluster.name, endpoint, authority);
    let given = GivenUser {
        about: format!("user {user_name} of the kubeconfig by {how}"),
        tls_server_name: entry.text(at, "tls-server-name")?,
        proof,
    };
    Ok((facts, ClusterUser::Given(Box::new(given))))
}

/// Whoever may write to it says where our tokens go.
fn private(entry: &Entry<'_>) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(entry.path).map_err(|why| entry.wrong(why))?;
    if about.mode() & 0o022 != 0 {
        return Err(entry
            .wrong("others may write to it")
            .next(format!("chmod go-w {}", entry.path.display())));
    }
    Ok(())
}

fn endpoint(entry: &Entry<'_>, at: &Map<String, Value>) -> Result<String> {
    const CLUSTER: [&str; 6] = [
        "server",
        "certificate-authority",
        "certificate-authority-data",
        "tls-server-name",
        "disable-compression",
        "extensions",
    ];
    entry.only(at, "the cluster", &CLUSTER)?;
    let server = entry.text(at, "server")?.unwrap_or_default();
    let host = server.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.contains(['@', '?', '#', ' ']) {
        // What stands before an @ may be a password.
        let shown = if server.contains('@') { "(not shown)" } else { server.as_str() };
        let error = entry.wrong(format!("the cluster's server {shown} is not a place over TLS"));
        return Err(error.allowed("https://HOST[:PORT][/PATH]"));
    }
    Ok(server)
}

/// What proves the user, and how that is told.
fn proof(
    entry: &Entry<'_>,
    user: &Map<String, Value>,
    exec: &[String],
) -> Result<(String, UserProof)> {
    const USER: [&str; 8] = [
        "token",
        "tokenFile",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "exec",
        "extensions",
    ];
    entry.only(user, "the user", &USER)?;
    let certificate = entry.data(user, "client-certificate")?;
    let key = entry.data(user, "client-key")?.map(Secret::new);
    // client-go reads the file first (client-go, "rest/config.go").
    let file = entry.text(user, "tokenFile")?;
    let token = entry.text(user, "token")?.filter(|_| file.is_none());
    let program = user.get("exec").filter(|program| !program.is_null());
    let mut found: Vec<(String, UserProof)> = Vec::new();
    if let Some(path) = file {
        let (path, bytes) = entry.file("tokenFile", &path)?;
        let about = bearer(&String::from_utf8_lossy(&bytes));
        found.push((about, UserProof::TokenFile(path)));
    }
    if let Some(token) = token {
        found.push((bearer(&token), UserProof::Token(Secret::new(token))));
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let about = format!("certificate {}", Digest::of(&certificate));
            found.push((about, UserProof::Certificate { certificate, key }));
        }
        (None, None) => {}
        _ => return Err(entry.wrong("the user has one of client-certificate and client-key only")),
    }
    if let Some(program) = program {
        found.push(command(entry, program, exec)?);
    }
    match found.len() {
        1 => found.pop().ok_or_else(|| entry.wrong("the user has nothing that proves it")),
        0 => Err(entry.wrong("the user has nothing that proves it").allowed(USER.join(", "))),
        _ => Err(entry.wrong("the user has more than one proof").next("keep one of them")),
    }
}

/// A program that a kubeconfig wants to be run. It runs when settings say the very same words, and with no variable of
/// the file's: one of those could lead any program astray.
fn command(entry: &Entry<'_>, program: &Value, exec: &[String]) -> Result<(String, UserProof)> {
    let text = |word: &str| program.get(word).and_then(Value::as_str).unwrap_or_default();
    let asked = text("command");
    let list = |word: &str| program.get(word).and_then(Value::as_array).into_iter().flatten();
    let args: Vec<&str> = list("args").filter_map(Value::as_str).collect();
    let Some((path, listed)) = exec.split_first() else {
        return Err(entry
            .wrong(format!("the user runs a program, {asked}, and settings name none"))
            .next("if it is to be run, have the people who keep datamcp.toml set cluster.exec to its whole path and arguments"));
    };
    let same = asked == path || Path::new(path).file_name().is_some_and(|name| name == asked);
    if !same || args != listed || list("args").count() != args.len() {
        return Err(entry
            .wrong("the user runs another command than cluster.exec says")
            .allowed(exec.join(" ")));
    }
    if list("env").next().is_some() {
        return Err(entry
            .wrong("the user's program has variables (exec.env)")
            .next("say by its arguments what it needs"));
    }
    let version = text("apiVersion");
    if !["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]
        .contains(&version)
    {
        return Err(entry.wrong("exec.apiVersion is not one that clients still know"));
    }
    let proof = UserProof::Command { api_version: version.to_owned(), words: exec.to_vec() };
    Ok((format!("command {}", exec.join(" ")), proof))
}

/// How a token is told of: whom a JWT speaks for, else that it is one.
fn bearer(token: &str) -> String {
    let claims = token.trim().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let subject = claims.as_ref().and_then(|claims| claims.get("sub")).and_then(Value::as_str);
    let plain = |text: &&str| text.len() <= 253 && !text.chars().any(char::is_control);
    subject
        .filter(plain)
        .map_or_else(|| "token".to_owned(), |subject| format!("token of {subject}"))
}

fn of_pod(cluster: &Cluster, pod: Option<&PodAccount>) -> Result<(ClusterFacts, ClusterUser)> {
    let wrong = |why: String| {
        Error::invalid("cluster.in_cluster", "true", format!("cannot be used: {why}"))
    };
    let Some(pod) = pod else {
        return Err(wrong("this is not inside of a cluster".to_owned())
            .allowed("a pod: KUBERNETES_SERVICE_HOST is set there")
            .next(
                "run datamcp in a pod of the cluster, or set cluster.kubeconfig or cluster.name",
            ));
    };
    let read = |name: &str| {
        let path = pod.folder.join(name);
        let text = bytes(&path).map_err(|why| {
            wrong(format!("{}: {why}", path.display())).next(
                "let the pod mount its service account's token (automountServiceAccountToken)",
            )
        });
        Ok((path, text?))
    };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || ".:-".contains(c));
    let number = pod.port.parse::<u16>().is_ok();
    if !number || !plain(&pod.host) {
        return Err(wrong("KUBERNETES_SERVICE_HOST and _PORT are not a place".to_owned()));
    }
    let host = if pod.host.contains(':') { format!("[{}]", pod.host) } else { pod.host.clone() };
    let (_, authority) = read("ca.crt")?;
    let (token, text) = read("token")?;
    let facts =
        facts(&cluster.name, format!("https://{host}:{}", pod.port), STANDARD.encode(authority));
    let given = GivenUser {
        about: format!("account of the pod by {}", bearer(&String::from_utf8_lossy(&text))),
        tls_server_name: None,
        proof: UserProof::TokenFile(token),
    };
    Ok((facts, ClusterUser::Given(Box::new(given))))
}

fn facts(name: &str, endpoint: String, certificate_authority: String) -> ClusterFacts {
    ClusterFacts {
        name: name.to_owned(),
        arn: String::new(),
        account: String::new(),
        kind: "Kubernetes".to_owned(),
        endpoint,
        certificate_authority,
        version: String::new(),
        private_only: false,
    }
}
