//! What a helm child is started with: a kubeconfig with one cluster and a user who asks our own program for tokens, an
//! environment from empty, folders of its own. Not which words it is told: [`command`](super::command).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::binary::Tool;
use super::command::{CONTEXT, Call, Files};
use super::{Helm, chart, diagnose, files};
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::model::Cloud;
use crate::port::credentials::{PASSED, aws_config};
use crate::port::{Filled, ReleaseJob};

/// Longest time for a command that only reads.
const READ_LIMIT: Duration = Duration::from_mins(3);
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
        let run = job.scratch.parent().unwrap_or(&job.scratch);
        let exec = match job.environment.key.cloud {
            Cloud::Aws => {
                let aws = folder.join("aws.config");
                let command = &self.settings.credential_command;
                let text = aws_config(command, run, &job.environment.region)?;
                files::write_private(&aws, text.as_bytes())?;
                eks_exec(job, &self.settings.program, &aws)
            }
            Cloud::Gcp => gke_exec(&self.settings.program, run),
        };
        let kubeconfig = folder.join("kubeconfig");
        let text = kubeconfig_text(job, &exec);
        files::write_private(&kubeconfig, text.to_string().as_bytes())?;
        Ok(Prepared {
            tool,
            place: format!("{}/{} in {}", job.namespace, job.release, job.environment.key),
            env: self.environment(&folder),
            folder,
            private_only: job.cluster.private_only,
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
        let own = [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
            ("HELM_PLUGINS", "data/plugins"),
        ];
        env.extend(own.map(|(name, at)| (name.to_owned(), folder.join(at).into())));
        // The credential process is started through `sh -c`.
        env.push(("PATH".to_owned(), "/usr/bin:/bin".into()));
        env.push(("HELM_NO_PLUGINS".to_owned(), "1".into()));
        env
    }
}

/// Tokens by `datamcp eks-token` with the keys of this run's desk.
fn eks_exec(job: &ReleaseJob, program: &Path, aws: &Path) -> Value {
    let environment = &job.environment;
    let role = environment.cluster.as_ref().and_then(|cluster| cluster.role_arn.as_ref());
    let mut args = vec!["eks-token".to_owned(), format!("--cluster={}", job.cluster.name)];
    args.push(format!("--region={}", environment.region));
    args.extend(role.map(|arn| format!("--role-arn={arn}")));
    args.extend(environment.endpoint_url.as_ref().map(|url| format!("--endpoint-url={url}")));
    let mut env = vec![
        json!({ "name": "AWS_CONFIG_FILE", "value": aws }),
        json!({ "name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/dev/null" }),
        json!({ "name": "AWS_PROFILE", "value": "datamcp" }),
        json!({ "name": "AWS_EC2_METADATA_DISABLED", "value": "true" }),
    ];
    let bundle = environment.ca_bundle.as_ref();
    env.extend(bundle.map(|path| json!({ "name": "AWS_CA_BUNDLE", "value": path })));
    exec(program, &json!(args), &json!(env))
}

/// The token of this run's desk itself: there is nothing to be made of it.
fn gke_exec(program: &Path, run: &Path) -> Value {
    exec(program, &json!(["gke-token", "--run", run]), &json!([]))
}

fn exec(program: &Path, args: &Value, env: &Value) -> Value {
    json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": program,
        "args": args,
        "env": env,
        "interactiveMode": "Never",
    })
}

/// One cluster, one context, one user whose tokens a program of ours gives.
fn kubeconfig_text(job: &ReleaseJob, exec: &Value) -> Value {
    let mut cluster = json!({ "server": job.cluster.endpoint });
    let authority = &job.cluster.certificate_authority;
    if let (false, Some(map)) = (authority.is_empty(), cluster.as_object_mut()) {
        map.insert("certificate-authority-data".into(), json!(authority));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{ "name": CONTEXT, "cluster": cluster }],
        "contexts": [{ "name": CONTEXT, "context": {
            "cluster": CONTEXT, "user": CONTEXT, "namespace": job.namespace,
        }}],
        "users": [{ "name": CONTEXT, "user": { "exec": exec } }],
    })
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
        let files =
            Files { chart: self.folder.join("chart"), values: self.folder.join("values.json") };
        chart::write(filled.chart, &files.chart)?;
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

    /// Says why an API that has no door to us did not answer.
    fn explained(&self, error: Error) -> Error {
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
            let error = diagnose::classify(doing, &end.stderr.text());
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

    #[test]
    fn promise_7_a_kubeconfig_of_ours_holds_no_secret_and_one_cluster() {
        let mut job = job();
        job.environment.endpoint_url = Some("http://127.0.0.1:5000".into());
        let exec = eks_exec(&job, Path::new("/bin/datamcp"), Path::new("/s/aws.config"));
        let text = kubeconfig_text(&job, &exec);
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
                "--endpoint-url=http://127.0.0.1:5000",
            ])
        );
        assert_eq!(text["clusters"][0]["cluster"]["server"], "https://eks.example.com");
        assert_eq!(text["clusters"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn promise_7_a_cluster_of_gke_is_reached_by_the_token_of_the_desk() {
        let mut job = job();
        job.cluster.certificate_authority = String::new();
        let exec = gke_exec(Path::new("/bin/datamcp"), Path::new("/runs/x"));
        let text = kubeconfig_text(&job, &exec);
        assert_eq!(
            text["users"][0]["user"]["exec"]["args"],
            json!(["gke-token", "--run", "/runs/x"])
        );
        // The name of a cluster has a certificate that every system trusts.
        assert_eq!(text["clusters"][0]["cluster"], json!({ "server": "https://eks.example.com" }));
    }
}
