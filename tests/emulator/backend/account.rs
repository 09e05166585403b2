//! Terraform's own look at whose keys it has: the state is never read or written as another account than the
//! environment's, whoever starts terraform where we initialised it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{bootstrap, project};
use crate::harness::{Project, module_of, step};

/// Files of this name in the folders that terraform worked in.
fn found(project: &Project, below: &str, name: &str) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(project.state().join("work").join(below)).into_iter();
    let files = walk.flatten().map(walkdir::DirEntry::into_path);
    files.filter(|path| path.file_name().is_some_and(|n| n == name)).collect()
}

/// Keys of a role in another account.
fn foreign_keys(project: &Project) -> Vec<(&'static str, String)> {
    let form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=stranger&\
                RoleArn=arn:aws:iam::210987654321:role/stranger";
    let xml = project.lab.emulator().call("sts", form).unwrap();
    let text = |element: &str| {
        let from = xml.split(&format!("<{element}>")).nth(1).unwrap();
        from.split('<').next().unwrap().to_owned()
    };
    vec![
        ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", text("SessionToken")),
    ]
}

#[test]
fn security_19_terraform_itself_refuses_a_state_with_keys_of_another_account() {
    let (project, _) = project();
    bootstrap(&project, false).expect("succeeded");
    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
    project.apply(&json!({})).expect("succeeded");

    let states = found(&project, "data", "terraform.tfstate");
    let [kept] = &states[..] else { panic!("one backend: {states:?}") };
    let told: Value = serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
    let account = project.lab.aws.account_id.clone();
    assert_eq!(told["backend"]["config"]["allowed_account_ids"], json!([account]), "{told:#}");

    let trees = found(&project, "trees", "main.tf");
    let [main] = &trees[..] else { panic!("one tree: {trees:?}") };
    let pull = |keys: Vec<(&str, String)>| -> Output {
        let mut command = Command::new(&project.lab.terraform.path);
        command.args(["state", "pull"]).current_dir(main.parent().unwrap()).env_clear();
        command.env("TF_DATA_DIR", kept.parent().unwrap()).env("HOME", project.folder());
        command.envs(keys).output().unwrap()
    };
    let aws = &project.lab.aws;
    let own = pull(vec![
        ("AWS_ACCESS_KEY_ID", aws.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", aws.secret_access_key.clone()),
    ]);
    assert!(own.status.success(), "{}", String::from_utf8_lossy(&own.stderr));
    let refused = pull(foreign_keys(&project));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("210987654321"), "{said}");
}
