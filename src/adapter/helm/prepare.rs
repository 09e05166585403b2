//! What a helm child is started with: a kubeconfig with one cluster and one user, an environment from empty, folders of its own. Not which words it is told: [`command`](super::command).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::binary::Tool;
use super::command::{CONTEXT, Call, Files};
use super::{Helm, Settings, chart, diagnose, files};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::model::Cloud;
use crate::port::credentials::{PASSED, aws_config};
use crate::port::{ClusterUser, Filled, ReleaseJob, UserProof};

/// Longest time for a command that only reads.
pub(super) const READ_LIMIT: Duration = Duration::from_mins(3);
/// Largest answer of a command that only reads.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// A release that can be asked about or worked on.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) tool: Tool,
    /// `apps/web in aws/dev`, for messages.
    pub(super) place: String,
    pub(super) folder: PathBuf,
    /// The API answers inside of its own network only.
    private_only: bool,
    /// Whose cluster it is.
    pub(super) cloud: Cloud,
    /// Who is refused, when it is not the environment's identity.
    given: Option<String>,
    kubeconfig: PathBuf,
    namespace: String,
    release: String,
    env: Vec<(String, OsString)>,
}

impl Helm {
    /// Lays out what a child needs. Written anew each time: whatever a child left there does not count.
    pub(super) async fn prepare(&self, job: &ReleaseJob) -> Result<Prepared> {
        let tool = self.tool().await?.clone();
        let folder = job.scratch.join("helm");
        for name in ["", "home", "tmp", "cache", "config", "data", "data/plugins"] {
            files::make_dir(&folder.join(name))?;
        }
        let aws = folder.join("aws.config");
        let run = job.scratch.parent().unwrap_or(&job.scratch);
        if job.environment.key.cloud == Cloud::Aws {
            let text = aws_config(&self.settings.credential_command, run, &job.environment.region)?;
            files::write_private(&aws, text.as_bytes())?;
        }
        let kubeconfig = folder.join("kubeconfig");
        let text = kubeconfig_text(job, &self.settings, &aws);
        files::write_private(&kubeconfig, text.to_string().as_bytes())?;
        Ok(Prepared {
            tool,
            place: format!("{}/{} in {}", job.namespace, job.release, job.environment.key),
            env: self.environment(&folder),
            folder,
            private_only: job.cluster.private_only,
            cloud: job.environment.key.cloud,
            given: match &job.user {
                ClusterUser::Minted => None,
                ClusterUser::Given(given) => Some(given.about.clone()),
            },
            kubeconfig,
            namespace: job.namespace.clone(),
            release: job.release.clone(),
        })
    }

    /// Nothing of ours is inherited: no `HELM_*`, no `KUBECONFIG`, no credentials.
    fn environment(&self, folder: &Path) -> Vec<(String, OsString)> {
        let passed = self.settings.passthrough.iter();
        let mut env: Vec<(String, OsString)> = passed
            .filter(|(name, _)| PASSED.contains(&name.as_str()) && name != "AWS_CA_BUNDLE")
            .map(|(name, value)| (name.clone(), value.into()))
            .collect();
        env.extend(homes(folder));
        // The credential process is started through `sh -c`.
        env.push(("PATH".to_owned(), "/usr/bin:/bin".into()));
        env
    }
}

/// Folders of helm's own in place of the user's, and no plugins.
fn homes(folder: &Path) -> impl Iterator<Item = (String, OsString)> {
    let own = [
        ("HOME", "home"),
        ("TMPDIR", "tmp"),
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
        ("HELM_PLUGINS", "data/plugins"),
    ];
    own.map(|(name, at)| (name.to_owned(), folder.join(at).into()))
        .into_iter()
        .chain([("HELM_NO_PLUGINS".to_owned(), "1".into())])
}

/// A helm that reaches nothing: no cluster, no credentials, no network of settings.
pub(super) fn bare(tool: &Path, folder: &Path) -> Invocation {
    Invocation::new(tool, folder).env(homes(folder))
}

/// One cluster, one context, one user.
fn kubeconfig_text(job: &ReleaseJob, settings: &Settings, aws: &Path) -> Value {
    let mut cluster = Map::from_iter([("server".to_owned(), json!(job.cluster.endpoint))]);
    let authority = &job.cluster.certificate_authority;
    if !authority.is_empty() {
        cluster.insert("certificate-authority-data".to_owned(), json!(authority));
    }
    let user = match &job.user {
        ClusterUser::Minted => {
            let made = match job.environment.key.cloud {
                Cloud::Aws => of_eks(job, &settings.program, aws),
                Cloud::Gcp => of_gke(job, &settings.program),
            };
            json!({ "exec": made })
        }
        ClusterUser::Given(given) => {
            if let Some(name) = &given.tls_server_name {
                cluster.insert("tls-server-name".to_owned(), json!(name));
            }
            proven(&given.proof, settings)
        }
    };
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{ "name": CONTEXT, "cluster": cluster }],
        "contexts": [{ "name": CONTEXT, "context": {
            "cluster": CONTEXT, "user": CONTEXT, "namespace": job.namespace,
        }}],
        "users": [{ "name": CONTEXT, "user": user }],
    })
}

/// The user whose tokens come from `datamcp eks-token` with the keys of this run's desk.
fn of_eks(job: &ReleaseJob, program: &Path, aws: &Path) -> Value {
    let environment = &job.environment;
    let role = environment.cluster.as_ref().and_then(|cluster| cluster.role_arn.as_ref());
    // The keys of the desk are those of the environment's role already.
    let own = environment.role.as_ref().map(|role| &role.arn);
    let role = role.filter(|arn| own != Some(arn));
    let mut args = vec!["eks-token".to_owned(), format!("--cluster={}", job.cluster.name)];
    args.push(format!("--region={}", environment.region));
    args.extend(role.map(|arn| format!("--role-arn={arn}")));
    // A role's session bears the operation's name, and the token is kept nowhere.
    args.push(format!("--session={}", job.operation));
    args.extend(environment.endpoint_url.as_ref().map(|url| format!("--endpoint-url={url}")));
    let mut env = vec![
        json!({ "name": "AWS_CONFIG_FILE", "value": aws }),
        json!({ "name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/dev/null" }),
        json!({ "name": "AWS_PROFILE", "value": "datamcp" }),
        json!({ "name": "AWS_EC2_METADATA_DISABLED", "value": "true" }),
    ];
    let bundle = environment.ca_bundle.as_ref();
    env.extend(bundle.map(|path| json!({ "name": "AWS_CA_BUNDLE", "value": path })));
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": program,
        "args": args,
        "env": env,
        "interactiveMode": "Never",
    })
}

/// The user whose token is the one of this run's desk: there is nothing to be made of it.
fn of_gke(job: &ReleaseJob, program: &Path) -> Value {
    let run = job.scratch.parent().unwrap_or(&job.scratch);
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": program,
        "args": ["gke-token", "--run", run],
        "interactiveMode": "Never",
    })
}

/// The user that settings lead to. What is secret of it stands in this file of the run's and nowhere else.
fn proven(proof: &UserProof, settings: &Settings) -> Value {
    match proof {
        UserProof::Token(token) => json!({ "token": token.expose() }),
        UserProof::TokenFile(path) => json!({ "tokenFile": path }),
        UserProof::Certificate { certificate, key } => json!({
            "client-certificate-data": certificate,
            "client-key-data": key.expose(),
        }),
        UserProof::Command { api_version, words } => {
            let path = std::env::join_paths(&settings.search_path).unwrap_or_default();
            // What the program needs to find its own settings, and nothing that steers it otherwise.
            json!({ "exec": {
                "apiVersion": api_version,
                "command": words.first(),
                "args": words.get(1..).unwrap_or_default(),
                "env": [
                    { "name": "HOME", "value": settings.home },
                    { "name": "PATH", "value": path.to_string_lossy() },
                ],
                "interactiveMode": "Never",
            }})
        }
    }
}

impl Prepared {
    pub(super) fn call(&self) -> Call<'_> {
        Call {
            line: self.tool.line,
            kubeconfig: &self.kubeconfig,
            namespace: &self.namespace,
            release: &self.release,
        }
    }

    pub(super) fn release(&self) -> &str {
        &self.release
    }

    /// A child in this folder and environment.
    pub(super) fn invocation(&self, args: Vec<OsString>) -> Invocation {
        Invocation::new(&self.tool.path, &self.folder).args(args).env(self.env.iter().cloned())
    }

    /// Writes chart and values where helm reads them.
    pub(super) fn fill(&self, filled: Filled<'_>) -> Result<Files> {
        let chart = chart::write(filled.chart, &self.folder.join("chart"))?;
        let files = Files { chart, values: self.folder.join("values.json") };
        let values = Value::Object(filled.values.clone()).to_string();
        files::write_private(&files.values, values.as_bytes())?;
        Ok(files)
    }

    /// Writes a chart of ours.
    pub(super) fn question(&self, template: &str) -> Result<PathBuf> {
        let folder = self.folder.join("question");
        files::make_dir(&folder.join("templates"))?;
        let about = "apiVersion: v2\nname: question\nversion: 0.0.0\n";
        files::write_private(&folder.join("Chart.yaml"), about.as_bytes())?;
        files::write_private(&folder.join("templates/question.yaml"), template.as_bytes())?;
        Ok(folder)
    }

    /// Says why an API that has no door to us did not answer, and whom it refused.
    fn explained(&self, error: Error) -> Error {
        if let Some(about) = &self.given
            && error.code == ErrorCode::UpstreamDenied
        {
            return error.detail("user", about.as_str()).next(
                "give this user a role of the cluster that lets it, or renew what proves it",
            );
        }
        let silent = matches!(error.code, ErrorCode::UpstreamFailed | ErrorCode::TimedOut);
        if !(self.private_only && silent) {
            return error;
        }
        error
            .detail("private_endpoint", true)
            .next("the cluster's API is reached from inside of its network only: run datamcp there")
    }

    /// Runs a child that only reads, and returns what it printed.
    pub(super) async fn read(&self, doing: &str, args: Vec<OsString>) -> Result<Vec<u8>> {
        let end = self
            .invocation(args)
            .output(Sink::Capture(ANSWER_MAX), Sink::Capture(1024 * 1024))
            .capture(READ_LIMIT)
            .await?;
        if end.code != Some(0) {
            let error = diagnose::classify(doing, &end.stderr.text(), self.cloud);
            return Err(self.explained(error.detail("returncode", end.code)));
        }
        if end.stdout.dropped > 0 {
            let why = format!("{doing}: the answer is larger than {ANSWER_MAX} bytes");
            return Err(Error::new(ErrorCode::UpstreamFailed, why));
        }
        Ok(end.stdout.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::helm::look::tests::job;
    use crate::model::AssumedRole;
    use crate::port::GivenUser;
    use crate::secret::Secret;

    fn settings() -> Settings {
        Settings {
            binary: None,
            search_path: vec!["/usr/local/bin".into(), "/bin".into()],
            home: "/home/deploy".into(),
            program: "/bin/datamcp".into(),
            credential_command: vec![],
            passthrough: vec![],
            secrets: std::sync::Arc::new(crate::port::NoSecrets),
        }
    }

    #[test]
    fn a_user_that_settings_lead_to_is_the_only_one_and_finds_no_variables_of_a_file() {
        let of = |proof| {
            let mut job = job();
            job.user = ClusterUser::Given(Box::new(GivenUser {
                about: "user".into(),
                tls_server_name: Some("api.internal".into()),
                proof,
            }));
            kubeconfig_text(&job, &settings(), Path::new("/s/aws.config"))
        };
        let text = of(UserProof::TokenFile("/var/run/token".into()));
        assert_eq!(text["users"][0]["user"], json!({ "tokenFile": "/var/run/token" }));
        assert_eq!(text["clusters"][0]["cluster"]["tls-server-name"], "api.internal");
        let text = of(UserProof::Token(Secret::new("t0k")));
        assert_eq!(text["users"][0]["user"], json!({ "token": "t0k" }));
        let words = ["/opt/login", "--cluster", "a"].map(str::to_owned).to_vec();
        let text = of(UserProof::Command {
            api_version: "client.authentication.k8s.io/v1beta1".into(),
            words,
        });
        let exec = &text["users"][0]["user"]["exec"];
        assert_eq!(
            (&exec["command"], &exec["args"]),
            (&json!("/opt/login"), &json!(["--cluster", "a"]))
        );
        let env = exec["env"].as_array().unwrap();
        assert_eq!(env[0], json!({ "name": "HOME", "value": "/home/deploy" }));
        assert_eq!(env[1], json!({ "name": "PATH", "value": "/usr/local/bin:/bin" }));
        assert_eq!(env.len(), 2);
    }

    #[test]
    fn promise_7_a_kubeconfig_of_ours_holds_no_secret_and_one_cluster() {
        let mut job = job();
        job.environment.endpoint_url = Some("http://127.0.0.1:5000".into());
        let text = kubeconfig_text(&job, &settings(), Path::new("/s/aws.config"));
        let user = &text["users"][0]["user"];
        assert_eq!(user.as_object().unwrap().len(), 1, "no token, no certificate: {user}");
        assert_eq!(user["exec"]["command"], "/bin/datamcp");
        assert_eq!(
            user["exec"]["args"],
            json!([
                "eks-token",
                "--cluster=acme-dev",
                "--region=eu-west-1",
                "--role-arn=arn:aws:iam::123456789012:role/deploy",
                format!("--session={}", job.operation),
                "--endpoint-url=http://127.0.0.1:5000",
            ])
        );
        assert_eq!(text["clusters"][0]["cluster"]["server"], "https://eks.example.com");
        assert_eq!(text["clusters"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn the_environments_own_role_is_not_assumed_a_second_time() {
        let mut job = job();
        let arn = "arn:aws:iam::123456789012:role/deploy".to_owned();
        job.environment.role = Some(AssumedRole { arn, external_id: Some("theirs".into()) });
        let text = kubeconfig_text(&job, &settings(), Path::new("/s/aws.config"));
        let args = text["users"][0]["user"]["exec"]["args"].to_string();
        assert!(!args.contains("--role-arn") && args.contains("--session="), "{args}");
    }

    #[test]
    fn promise_7_a_cluster_of_gke_is_reached_by_the_token_of_the_desk() {
        let mut job = job();
        job.environment.key.cloud = Cloud::Gcp;
        job.cluster.certificate_authority = String::new();
        let text = kubeconfig_text(&job, &settings(), Path::new("/s/aws.config"));
        let exec = &text["users"][0]["user"]["exec"];
        assert_eq!(exec["args"], json!(["gke-token", "--run", "/runs/x"]));
        // The name of a cluster has a certificate that every system trusts.
        assert_eq!(text["clusters"][0]["cluster"], json!({ "server": "https://eks.example.com" }));
    }
    /// A helm that cannot reach the API, in the words of helm 4.3.1.
    async fn unreached(cloud: Cloud, private_only: bool, said: &str) -> Error {
        let folder = tempfile::tempdir().unwrap();
        let prepared = Prepared {
            tool: Tool::of_test("/bin/sh"),
            place: "apps/web".into(),
            folder: folder.path().into(),
            private_only,
            cloud,
            given: None,
            kubeconfig: folder.path().join("kubeconfig"),
            namespace: "apps".into(),
            release: "web".into(),
            env: vec![],
        };
        let args = ["-c".into(), format!("echo '{said}' >&2; exit 1").into()];
        prepared.read("looking for release apps/web", args.to_vec()).await.unwrap_err()
    }

    #[tokio::test]
    async fn fault_45_a_private_endpoint_that_does_not_answer_says_that_it_is_one() {
        const SILENT: &str = "Error: kubernetes cluster unreachable: Get \"https://10.0.0.2/version\": dial tcp 10.0.0.2:443: i/o timeout";
        for cloud in [Cloud::Aws, Cloud::Gcp] {
            for said in [SILENT, "Error: context deadline exceeded"] {
                let error = unreached(cloud, true, said).await;
                assert_eq!(error.details["private_endpoint"], true, "{cloud:?}: {error:?}");
                assert!(error.next.unwrap().contains("inside of its network"), "{cloud:?}");
            }
            // A public one that is silent has no such reason, nor has a private one that answers.
            let error = unreached(cloud, false, SILENT).await;
            assert!(!error.details.contains_key("private_endpoint"), "{cloud:?}: {error:?}");
            let refused = "Error: Kubernetes cluster unreachable: Unauthorized";
            let error = unreached(cloud, true, refused).await;
            assert_eq!(error.code, ErrorCode::UpstreamDenied, "{error:?}");
            assert!(!error.details.contains_key("private_endpoint"), "{cloud:?}: {error:?}");
        }
    }
}
