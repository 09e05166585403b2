//! Argo CD: its Redis, repository server, application controller and API server, with accounts, a project, a
//! destination and a repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::Api;
use super::authority::write_private;
use super::plane::{Plane, account_token};
use super::process::Processes;
use super::{ArgoCd, DESTINATION, GOOGLE_PROJECT, PROJECT, Steps};
use crate::child;
use crate::tools::Found;

const OBJECTS: &str = include_str!("../../../../tests/lab/cluster/argocd.yaml");
const WEB: &str = include_str!("../../../../tests/lab/cluster/repository/web/web.yaml");

/// Where each part listens.
struct Addresses {
    redis: String,
    repository: String,
    server: u16,
    metrics: [u16; 3],
}

/// What it is started from, and where.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) argolab: &'a Found,
    pub(super) helm: &'a Found,
    pub(super) plane: &'a Plane,
    pub(super) folder: &'a Path,
}

pub(super) fn start(
    site: &Site<'_>,
    processes: &mut Processes,
    steps: &mut Steps,
) -> Result<ArgoCd> {
    let plane = site.plane;
    let home = site.folder.join("argocd");
    let repository = lay_repository(&home.join("repository"))?;
    let at = Addresses::take(plane)?;
    let url = format!("https://127.0.0.1:{}", at.server);
    furnish(site, &url, &repository, processes)?;
    steps.done("Argo CD's objects applied");

    let parts = Parts { site, home: &home, at: &at };
    parts.start(processes)?;
    let api = Api::new(&url, &plane.authority.path(), None)?;
    processes.wait("Argo CD", || Ok(api.get("/healthz")?.map(drop)))?;
    let password = processes.wait("Argo CD's first password", || first_password(&plane.api))?;
    let session = json!({ "username": "admin", "password": password });
    let answer = processes
        .wait("a session with Argo CD", || api.post("/api/v1/session", &session).map(Some))?;
    let admin = api.with_token(&token_of(&answer)?);
    let operator_token = token(&admin, &home, "operator", "/api/v1/account/operator/token")?;
    let reader_token = token(&admin, &home, "reader", "/api/v1/account/reader/token")?;
    let of_role = |project: &str| format!("/api/v1/projects/{project}/roles/deployer/token");
    let project_token = token(&admin, &home, "deployer", &of_role(PROJECT))?;
    let google_token = token(&admin, &home, "deployer-gcp", &of_role(GOOGLE_PROJECT))?;
    steps.done("Argo CD ready");
    Ok(ArgoCd {
        url,
        ca: plane.authority.path(),
        version: site.argolab.version.trim_start_matches('v').to_owned(),
        project_token,
        reader_token,
        operator_token,
        project: PROJECT.to_owned(),
        google_project: GOOGLE_PROJECT.to_owned(),
        google_token,
        destination: DESTINATION.to_owned(),
        repository,
        processes: Vec::new(),
    })
}

/// Applies what Argo CD reads, and waits until the API server knows its kinds.
fn furnish(site: &Site<'_>, url: &str, repository: &Path, processes: &mut Processes) -> Result<()> {
    let (plane, program) = (site.plane, &site.argolab.path);
    let api = &plane.api;
    let tool = program.parent().and_then(Path::parent).context("the place of argolab")?;
    for kind in ["application", "applicationset", "appproject"] {
        let file = tool.join("share").join(format!("{kind}-crd.yaml"));
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        api.apply(&text)?;
    }
    for kind in ["applications", "applicationsets", "appprojects"] {
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/{kind}");
        processes.wait(kind, || Ok(api.get(&path)?.map(drop)))?;
    }
    let objects = OBJECTS
        .replace("@URL@", url)
        .replace("@REPOSITORY@", &address(repository))
        .replace("@SERVER@", &plane.endpoint);
    api.apply(&objects)?;
    let server = plane.authority.server("argocd-server")?;
    let read = |file: &Path| fs::read_to_string(file).context("reading a certificate");
    api.apply(&secret(
        "argocd-server-tls",
        "part-of",
        &json!({ "tls.crt": read(&server.certificate)?, "tls.key": read(&server.key)? }),
    ))?;
    let token =
        processes.wait("the deployer's account", || account_token(api, "argocd-deployer"))?;
    let config = json!({
        "bearerToken": token,
        "tlsClientConfig": { "caData": STANDARD.encode(plane.authority.pem()) },
    });
    api.apply(&secret(
        "cluster-lab",
        "cluster",
        &json!({ "name": DESTINATION, "server": plane.endpoint, "config": config.to_string() }),
    ))
}

/// A secret in Argo CD's namespace; JSON is YAML.
fn secret(name: &str, role: &str, data: &Value) -> String {
    let labels = match role {
        "cluster" => json!({ "argocd.argoproj.io/secret-type": "cluster" }),
        _ => json!({ "app.kubernetes.io/part-of": "argocd" }),
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": "argocd", "labels": labels },
        "stringData": data,
    })
    .to_string()
}

impl Addresses {
    fn take(plane: &Plane) -> Result<Self> {
        let mut ports = plane.ports.clone();
        Ok(Self {
            redis: format!("127.0.0.1:{}", ports.take()?),
            repository: format!("127.0.0.1:{}", ports.take()?),
            server: ports.take()?,
            metrics: [ports.take()?, ports.take()?, ports.take()?],
        })
    }
}

/// What the parts are started from.
struct Parts<'a> {
    site: &'a Site<'a>,
    home: &'a Path,
    at: &'a Addresses,
}

impl Parts<'_> {
    fn start(&self, processes: &mut Processes) -> Result<()> {
        let password = self.home.join("redis.password");
        write_private(&password, random()?.as_bytes())?;
        self.lay_certificates()?;
        let mut redis = Command::new(&self.site.argolab.path);
        redis.args(["redis", "--address", &self.at.redis]).arg("--password-file").arg(&password);
        processes.start("argocd-redis", redis)?;

        let [of_repository, of_controller, of_server] =
            self.at.metrics.map(|port| port.to_string());
        let repository_port = self.at.repository.rsplit(':').next().unwrap_or_default();
        let mut repository = self.part("repo-server", &password)?;
        repository.args(["--port", repository_port, "--address", "127.0.0.1"]).args([
            "--metrics-port",
            &of_repository,
            "--metrics-address",
            "127.0.0.1",
        ]);
        processes.start("argocd-repo-server", repository)?;

        let kubeconfig = self.site.plane.kubeconfig("argocd", "lab:argocd", self.home)?;
        let mut controller = self.part("controller", &password)?;
        controller
            .args(["--metrics-port", &of_controller, "--app-resync", "30"])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["--namespace", "argocd", "--repo-server", &self.at.repository])
            .arg("--repo-server-strict-tls");
        processes.start("argocd-application-controller", controller)?;

        let mut server = self.part("server", &password)?;
        server
            .args(["--port", &self.at.server.to_string(), "--address", "127.0.0.1"])
            .args(["--metrics-port", &of_server, "--metrics-address", "127.0.0.1"])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["--namespace", "argocd", "--repo-server", &self.at.repository])
            // There is no single sign-on here: nothing listens on the port of its part.
            .args(["--repo-server-strict-tls", "--dex-server", "http://127.0.0.1:1"]);
        processes.start("argocd-server", server)
    }

    /// One part, with its folders, the Redis it shares, and the programs that the repository server runs.
    fn part(&self, name: &str, password: &Path) -> Result<Command> {
        let folder = |name: &str| -> Result<PathBuf> {
            let folder = self.home.join(name);
            fs::create_dir_all(&folder).context("making a folder of Argo CD")?;
            Ok(folder)
        };
        let helm = self.site.helm.path.parent().context("the place of helm")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(helm.to_path_buf()).chain(std::env::split_paths(&path)),
        )
        .context("putting helm on PATH")?;
        let secret = fs::read_to_string(password).context("reading the password of Redis")?;
        let mut command = Command::new(&self.site.argolab.path);
        command
            .args([name, "--redis", &self.at.redis])
            .current_dir(self.home)
            .env("PATH", path)
            .env("HOME", folder("home")?)
            .env("TMPDIR", folder("tmp")?)
            .env("REDIS_PASSWORD", secret)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("ARGOCD_APP_CONF_PATH", self.home.join("config"))
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("ARGOCD_GNUPGHOME", folder("gpg")?)
            .env("ARGOCD_SSH_DATA_PATH", folder("ssh")?)
            .env("ARGOCD_TLS_DATA_PATH", folder("tls")?)
            .env("ARGOCD_PLUGINSOCKFILEPATH", folder("plugins")?);
        Ok(command)
    }

    /// Where each part looks for the certificate of the repository server, which they check.
    fn lay_certificates(&self) -> Result<()> {
        let signed = self.site.plane.authority.server("argocd-repo-server")?;
        for part in ["reposerver", "server", "controller"] {
            let folder = self.home.join("config").join(part).join("tls");
            fs::create_dir_all(&folder).context("making a folder for certificates")?;
            let mut files = vec![(&signed.certificate, "tls.crt"), (&signed.key, "tls.key")];
            let ca = self.site.plane.authority.path();
            files.push((&ca, "ca.crt"));
            for (from, to) in files {
                let bytes = fs::read(from).context("reading a certificate")?;
                write_private(&folder.join(to), &bytes)?;
            }
        }
        Ok(())
    }
}

/// A repository with one small application, committed.
fn lay_repository(folder: &Path) -> Result<PathBuf> {
    let web = folder.join("web");
    fs::create_dir_all(&web).with_context(|| format!("making {}", web.display()))?;
    fs::write(web.join("web.yaml"), WEB).context("writing the repository's application")?;
    let git = |arguments: &[&str]| {
        child::capture(
            Command::new("git")
                .current_dir(folder)
                .args(["-c", "user.name=lab", "-c", "user.email=lab@example.com"])
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1"),
        )
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message=A small web application"])?;
    Ok(folder.to_path_buf())
}

/// How Argo CD names the repository.
fn address(repository: &Path) -> String {
    format!("file://{}", repository.display())
}

/// The password that Argo CD has made for its administrator; nothing while it has not.
fn first_password(api: &Api) -> Result<Option<String>> {
    let path = "/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret";
    let Some(secret) = api.get(path)? else { return Ok(None) };
    let Some(text) = secret.pointer("/data/password").and_then(|text| text.as_str()) else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(text).context("reading the first password")?;
    Ok(Some(String::from_utf8(bytes).context("reading the first password")?))
}

/// Asks for a token and puts it into a file that nobody else may read. It lasts for two days: the product takes none that
/// never ends.
fn token(admin: &Api, home: &Path, name: &str, path: &str) -> Result<PathBuf> {
    let answer = admin.post(path, &json!({ "expiresIn": 172_800 }))?;
    let file = home.join(format!("{name}.token"));
    write_private(&file, token_of(&answer)?.as_bytes())?;
    Ok(file)
}

fn token_of(answer: &Value) -> Result<String> {
    let token = answer.get("token").and_then(|token| token.as_str());
    token.map(str::to_owned).context("the answer holds no token")
}

/// Thirty-two hexadecimal digits from the system's own source.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    std::io::Read::read_exact(
        &mut fs::File::open("/dev/urandom").context("opening the source of random bytes")?,
        &mut bytes,
    )
    .context("reading random bytes")?;
    Ok(hex::encode(bytes))
}
