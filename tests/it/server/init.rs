//! `datamcp init`: into an empty folder, again, over somebody's files, for each cloud, and with answers of the other one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::alone;
use crate::architecture::top;

const ANSWERS: [&str; 5] =
    ["init", "aws", "--account-id=123456789012", "--region=eu-west-1", "--name=acme"];

const GOOGLE: [&str; 5] =
    ["init", "gcp", "--project-id=acme-dev-4711", "--region=europe-west1", "--name=acme"];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    alone::spawn(&mut command).wait_with_output().unwrap()
}

fn answer(folder: &Path, more: &[&str]) -> Value {
    answer_of(&ANSWERS, folder, more)
}

fn answer_of(answers: &[&str], folder: &Path, more: &[&str]) -> Value {
    let output = run(folder, &[&["--json"], answers, more].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Files below a folder, by path.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().display().to_string();
            (path, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn init_lays_the_tree_once_and_leaves_alone_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let told = answer(folder.path(), &["--dry-run"]);
    assert_eq!(tree(folder.path()).len(), 0, "a dry run writes nothing");
    let first = answer(folder.path(), &[]);
    assert_eq!(told["written"], first["written"]);
    let laid = tree(folder.path());
    assert_eq!(laid.len(), first["written"].as_array().unwrap().len());
    for (path, bytes) in laid.iter().filter(|(path, _)| path.starts_with("infra/")) {
        let original = std::fs::read(top().join(path)).unwrap();
        assert!(original == *bytes, "{path} is not as in the tree");
    }
    std::fs::write(folder.path().join("infra/aws/envs/dev/main.tf"), "# mine").unwrap();
    std::fs::remove_file(folder.path().join("infra/README.md")).unwrap();
    let again = answer(folder.path(), &["--bucket=another-one"]);
    assert_eq!(again["written"], serde_json::json!(["infra/README.md"]));
    assert_eq!(
        again["kept"],
        serde_json::json!(["infra/aws/envs/dev/main.tf", "datamcp.toml"]),
        "settings of another answer are not written over"
    );
    let now = tree(folder.path());
    assert_eq!(now["infra/aws/envs/dev/main.tf"], b"# mine");
    assert_eq!(now["datamcp.toml"], laid["datamcp.toml"]);
}

#[test]
fn init_makes_settings_that_are_valid_at_once() {
    let folder = tempfile::tempdir().unwrap();
    answer(folder.path(), &[]);
    let output = run(folder.path(), &["--json", "list-environments"]);
    let environments: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(environments["environments"][0]["env"], "dev", "{environments}");
    let mine = environments["roles"].as_array().unwrap();
    assert!(mine.contains(&"change".into()), "the user of init is the principal: {environments}");
}

#[test]
fn init_for_google_cloud_lays_its_tree_and_says_how_the_lock_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let told = answer_of(&GOOGLE, folder.path(), &["--dry-run"]);
    assert_eq!(tree(folder.path()).len(), 0, "a dry run writes nothing");
    let first = answer_of(&GOOGLE, folder.path(), &[]);
    assert_eq!(told["written"], first["written"]);
    assert_eq!(first["project_id"], "acme-dev-4711");
    let laid = tree(folder.path());
    assert!(laid.contains_key("infra/gcp/envs/dev/main.tf"), "{:?}", laid.keys());
    assert!(laid.keys().all(|path| !path.starts_with("infra/aws")), "{:?}", laid.keys());
    for (path, bytes) in laid.iter().filter(|(path, _)| path.starts_with("infra/")) {
        let original = std::fs::read(top().join(path)).unwrap();
        assert!(original == *bytes, "{path} is not as in the tree");
    }
    // No lock file is carried: what is said instead has to be there to be read.
    let lock = "infra/gcp/envs/dev/.terraform.lock.hcl";
    assert!(!laid.contains_key(lock) && !top().join(lock).exists());
    let next = first["next"].as_str().unwrap();
    for part in ["infra/gcp/envs/dev && terraform init", "providers lock", "commit it", "doctor"] {
        assert!(next.contains(part), "{part}: {next}");
    }
    let again = answer_of(&GOOGLE, folder.path(), &["--bucket=another-one"]);
    assert_eq!(again["kept"], serde_json::json!(["datamcp.toml"]), "nothing is written over");

    let output = run(folder.path(), &["--json", "list-environments"]);
    let environments: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = &environments["environments"][0];
    assert_eq!((&seen["cloud"], &seen["env"]), (&"gcp".into(), &"dev".into()), "{environments}");
}

#[test]
fn init_refuses_what_it_cannot_make() {
    let folder = tempfile::tempdir().unwrap();
    let google = ["init", "gcp", "--region=europe-west1", "--name=a"];
    let cases: [(&[&str], &str); 10] = [
        (&[&google[..], &["--account-id=123456789012"]].concat(), "--project-id"),
        (&[&google[..], &["--project-id=415104041262"]].concat(), "project_id"),
        (&[&google[..], &["--project-id=acme-dev", "--profile=x"]].concat(), "cannot be used with"),
        (&[&google[..], &["--project-id=acme-dev", "--impersonate=me"]].concat(), "impersonate"),
        (&["init", "gcp", "--project-id=acme-dev", "--region=mars", "--name=a"], "region"),
        (&["init", "aws", "--project-id=acme-dev", "--region=eu-west-1", "--name=a"], "project_id"),
        (&["init", "aws", "--account-id=1234", "--region=eu-west-1", "--name=a"], "account_id"),
        (&["init", "aws", "--account-id=123456789012", "--region=mars", "--name=a"], "region"),
        (&["init", "aws", "--account-id=123456789012", "--region=eu-west-1", "--name=A"], "name"),
        (&["init", "aws", "--region=eu-west-1", "--name=a"], "--account-id"),
    ];
    for (arguments, why) in cases {
        let output = run(folder.path(), arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(why), "{arguments:?}: {text}");
    }
    assert_eq!(tree(folder.path()).len(), 0, "nothing was written");
}
