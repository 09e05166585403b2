//! The adapter against a stand-in for terraform: a shell script that plays recordings.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::*;
use crate::error::{Error, ErrorCode};
use crate::model::{
    Action, Backend, ChangeSet, Cloud, CredentialSource, EnvironmentKey, OperationId, Outcome,
    ResourceChange, Tier,
};

#[derive(Default)]
struct Seen {
    notes: Mutex<Vec<(String, Value)>>,
    lines: Mutex<Vec<String>>,
    progress: Mutex<Vec<String>>,
    stop: AtomicBool,
    stop_at: Option<&'static str>,
}

#[async_trait]
impl Watch for Seen {
    async fn note(&self, kind: &str, body: Value) -> Result<()> {
        self.notes.lock().unwrap().push((kind.to_owned(), body));
        Ok(())
    }
    async fn progress(&self, message: &str, _done: usize, _total: usize) {
        self.progress.lock().unwrap().push(message.to_owned());
    }
    async fn line(&self, text: &str) {
        if self.stop_at.is_some_and(|at| text.contains(at)) {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.lines.lock().unwrap().push(text.to_owned());
    }
    async fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

pub(super) fn environment(tree: &Path, root: &str, backend: Backend) -> Environment {
    Environment {
        key: EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() },
        tier: Tier {
            name: "dev".into(),
            auto_approve: vec![],
            approvers: vec![],
            approver_other_than_requester: false,
            mfa: false,
            typed_name: false,
            max_delete: None,
            protected: vec![],
        },
        tree: tree.to_owned(),
        root: root.into(),
        account: "123456789012".into(),
        region: "eu-west-1".into(),
        backend,
        workspace: None,
        vars: BTreeMap::new(),
        credentials: CredentialSource::Ambient,
        role: None,
        session_duration_s: None,
        mfa: None,
        endpoint_url: None,
        ca_bundle: None,
        cluster: None,
        argocd: None,
        organization: None,
        secret_vars: BTreeMap::new(),
        member_role: None,
    }
}

struct Rig {
    dir: tempfile::TempDir,
    terraform: Terraform,
    job: Job,
    plan: Vec<u8>,
    changes: ChangeSet,
}

#[expect(clippy::disallowed_methods, reason = "a test lays out its files")]
fn rig(behaviour: &str) -> Rig {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    let mut settings = Settings::new(base.join("work"), vec![]);
    settings.binary = Some(repository.join("fixtures/terraform/fake/terraform"));
    std::fs::create_dir_all(base.join("work")).unwrap();
    std::fs::write(base.join("work/behaviour"), behaviour).unwrap();
    let backend = Backend::Local { path: base.join("state/dev.tfstate") };
    let tree = repository.join("fixtures/terraform/basic");
    let operation = OperationId::fresh();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("tfstate", zip::write::SimpleFileOptions::default()).unwrap();
    Rig {
        job: Job {
            environment: environment(&tree, ".", backend),
            workspace: "default".into(),
            operation,
            scratch: base.join("run/scratch"),
        },
        terraform: Terraform::new(settings),
        plan: zip.finish().unwrap().into_inner(),
        changes: ChangeSet {
            resources: vec![ResourceChange {
                address: "terraform_data.a".into(),
                kind: "terraform_data".into(),
                action: Action::Create,
            }],
            ..ChangeSet::default()
        },
        dir,
    }
}

impl Rig {
    async fn apply(&self, watch: &Seen, guard: Result<()>) -> Result<Applied> {
        let prepared = self.terraform.prepare(&self.job).await?;
        let plan = PlanFile { bytes: &self.plan, changes: &self.changes };
        apply::apply(&prepared, &self.job, plan, watch, Box::pin(async { guard })).await
    }
}

fn kinds(seen: &Seen) -> Vec<String> {
    let notes = seen.notes.lock().unwrap();
    notes.iter().map(|(kind, _)| kind.clone()).collect()
}

const CREATED: &str = r#"echo '{"@message":"a: done","hook":{"resource":{"addr":"terraform_data.a"},"action":"create"},"type":"apply_complete"}'; "#;

#[tokio::test]
async fn a_success_is_noted_from_intent_to_exit() {
    let (rig, seen) = (rig(CREATED), Seen::default());
    let applied = rig.apply(&seen, Ok(())).await.unwrap();
    assert_eq!(applied.outcome, Outcome::Succeeded);
    assert_eq!(applied.done, ["terraform_data.a"]);
    assert_eq!(kinds(&seen), ["intent", "child", "exit"]);
    assert_eq!(
        seen.notes.lock().unwrap()[2].1,
        json!({"returncode": 0, "outcome": "succeeded", "state_not_saved": false})
    );
    assert!(!rig.job.scratch.join("apply.tfplan").exists());
    let again = rig.apply(&seen, Ok(())).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::Internal, "a second call is refused");
}

#[tokio::test]
async fn fault_16_a_lost_lease_starts_nothing() {
    let (rig, seen) = (rig("touch \"$HOME/started\""), Seen::default());
    let lost = Error::new(ErrorCode::LockHeld, "the lease is gone");
    assert_eq!(rig.apply(&seen, Err(lost)).await.unwrap_err().code, ErrorCode::LockHeld);
    assert_eq!(kinds(&seen), ["intent"]);
    assert!(!rig.job.scratch.join("home/started").exists());
}

#[tokio::test]
async fn fault_9_a_killed_terraform_is_unknown_and_its_lock_is_named() {
    let script = "echo '{\"ID\":\"lock-1\"}' > \"$TF_DATA_DIR/../../../state/.dev.tfstate.lock.info\"; kill -9 $$";
    let (rig, seen) = (rig(script), Seen::default());
    let applied = rig.apply(&seen, Ok(())).await.unwrap();
    assert_eq!((applied.outcome, applied.returncode), (Outcome::Unknown, None));
    let details = applied.error.unwrap().details;
    assert_eq!(details["signal"], 9);
    assert_eq!(details["unlock"], "terraform force-unlock lock-1");
}

#[tokio::test]
async fn fault_10_a_breakdown_failed() {
    for code in [2, 11, 134] {
        let (rig, seen) = (rig(&format!("exit {code}")), Seen::default());
        let applied = rig.apply(&seen, Ok(())).await.unwrap();
        assert_eq!(applied.outcome, Outcome::Failed);
        assert_eq!(applied.error.unwrap().details["abnormal"], true);
    }
}

#[tokio::test]
async fn fault_30_an_unsaved_state_is_kept_and_told() {
    let script = format!("{CREATED} echo '{{}}' > errored.tfstate; exit 1");
    let (rig, seen) = (rig(&script), Seen::default());
    let applied = rig.apply(&seen, Ok(())).await.unwrap();
    assert_eq!(applied.outcome, Outcome::Failed);
    let details = applied.error.unwrap().details;
    assert_eq!(details["state_not_saved"], true);
    assert_eq!(details["errored_state"], "errored.tfstate");
    assert!(rig.job.scratch.join("errored.tfstate").is_file());
}

#[tokio::test]
async fn fault_31_a_dumped_state_reaches_no_sink() {
    let script = r#"echo '{"@message":"x","state":{"pw":"canary"},"type":"log"}'; exit 1"#;
    let (rig, seen) = (rig(script), Seen::default());
    let applied = rig.apply(&seen, Ok(())).await.unwrap();
    let details = &applied.error.as_ref().unwrap().details;
    assert_eq!(
        (&details["state_not_saved"], &details["state_dump"]),
        (&json!(true), &json!("apply.jsonl"))
    );
    let all =
        format!("{applied:?} {:?} {:?}", seen.lines.lock().unwrap(), seen.notes.lock().unwrap());
    assert!(!all.contains("canary"));
}

#[tokio::test]
async fn faults_7_8_a_stop_is_one_interrupt_and_patience() {
    let script = r#"trap 'n=$((n+1))' INT
echo '{"@message":"a: Creating","hook":{"resource":{"addr":"terraform_data.a"},"action":"create"},"type":"apply_start"}'
while [ -z "$n" ]; do sleep 0.05; done; sleep 0.5
echo "interrupts $n"; exit 1"#;
    let rig = rig(script);
    let seen = Seen { stop_at: Some("Creating"), ..Seen::default() };
    let applied = rig.apply(&seen, Ok(())).await.unwrap();
    assert_eq!(applied.outcome, Outcome::Cancelled);
    assert!(applied.text.ends_with("interrupts 1\n"), "{}", applied.text);
    assert!(applied.failed.contains_key("terraform_data.a"));
    let progress = seen.progress.lock().unwrap();
    assert!(progress.contains(&"stopping, waiting on terraform_data.a".to_owned()));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test reads what its child wrote")]
async fn security_14_the_child_has_our_variables_and_no_other() {
    let (rig, seen) = (rig("env > \"$HOME/env\""), Seen::default());
    rig.apply(&seen, Ok(())).await.unwrap();
    let text = std::fs::read_to_string(rig.job.scratch.join("home/env")).unwrap();
    let mut names: Vec<&str> =
        text.lines().filter_map(|l| l.split_once('=')).map(|(n, _)| n).collect();
    names.retain(|n| !matches!(*n, "PWD" | "OLDPWD" | "SHLVL" | "_"));
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "AWS_CONFIG_FILE",
            "AWS_EC2_METADATA_DISABLED",
            "AWS_PROFILE",
            "AWS_REGION",
            "AWS_SHARED_CREDENTIALS_FILE",
            "CHECKPOINT_DISABLE",
            "HOME",
            "PATH",
            "TF_CLI_CONFIG_FILE",
            "TF_DATA_DIR",
            "TF_INPUT",
            "TF_IN_AUTOMATION",
            "TMPDIR",
        ]
    );
    assert!(rig.dir.path().join("work/trees/aws-dev").is_dir());
}

#[tokio::test]
async fn a_stream_of_another_major_version_is_refused() {
    let script = r#"echo '{"@message":"Terraform 9","type":"version","ui":"2.0"}'"#;
    let (rig, seen) = (rig(script), Seen::default());
    let planned = rig.terraform.plan(&rig.job, Intent::Apply, &Map::new(), &seen).await;
    assert_eq!(planned.unwrap_err().code, ErrorCode::ToolMissing);
}

#[tokio::test]
async fn bar_29_a_stop_before_the_start_starts_nothing() {
    let (rig, seen) = (rig(""), Seen::default());
    seen.stop.store(true, Ordering::Relaxed);
    let planned = rig.terraform.plan(&rig.job, Intent::Apply, &Map::new(), &seen).await;
    assert_eq!(planned.unwrap_err().code, ErrorCode::Cancelled);
}
