//! `datamcp init`: into an empty folder, again, over somebody's files, for a cloud that is not there yet.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::alone;
use crate::architecture::top;

const ANSWERS: [&str; 5] =
    ["init", "aws", "--account-id=123456789012", "--region=eu-west-1", "--name=acme"];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_datamcp"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    alone::spawn(&mut command).wait_with_output().unwrap()
}

fn answer(folder: &Path, more: &[&str]) -> Value {
    let output = run(folder, &[&["--json"], &ANSWERS[..], more].concat());
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
fn init_refuses_what_it_cannot_make() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["init", "gcp", "--account-id=123456789012", "--region=eu-west-1"], "no scaffold"),
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
