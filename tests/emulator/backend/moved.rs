//! Settings that name another place for the state than the last change used: refused with guidance, never a silent
//! `-migrate-state`, until a person says that the state was moved.

use serde_json::json;

use super::{bootstrap, project, state};
use crate::harness::{Project, module_of, step};

#[track_caller]
fn refused(project: &Project, was: &str, is: &str) {
    for tool in ["apply_terraform", "destroy_terraform", "detect_drift"] {
        let answer = project.call(tool, &json!({ "cloud": "aws", "env": "dev" }));
        let answer = answer.refused("invalid_request");
        assert_eq!(answer.at("/error/field"), "environments.aws.dev.state", "{tool}");
        assert_eq!(answer.at("/error/allowed"), was, "{tool}");
        assert_eq!(answer.at("/error/given"), is, "{tool}");
        let next = answer.at("/error/next");
        assert!(next.contains("put the setting back"), "{next}");
        assert!(next.contains("move-state --cloud aws --env dev --workspace default"), "{next}");
    }
}

#[test]
fn another_bucket_key_or_kind_is_refused_until_a_person_says_so() {
    let (mut project, bucket) = project();
    bootstrap(&project, false).expect("succeeded");
    project.module(&module_of("s3", &step("a", None, &project.effects().command("a"))));
    let planned = project.plan(&json!({ "turn": "1" }));
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    let right = state(&bucket, "");
    let was = format!("s3://{bucket}/dev/terraform.tfstate@eu-west-1");

    for (setting, is) in [
        (right.replace("dev/terraform", "other/terraform"), was.replace("dev/", "other/")),
        (state("datamcp-lab-tfstate", ""), was.replace(&bucket, "datamcp-lab-tfstate")),
    ] {
        project.set(|s| s.state = setting);
        refused(&project, &was, &is);
    }
    project.set(|s| s.state = right.clone());
    project.plan(&json!({ "turn": "2" }));
    drop(planned);

    // A person copies the state by hand, and says so.
    let file = project.folder().join("state/terraform.tfstate");
    let text = project.lab.emulator().object(&bucket, "dev/terraform.tfstate").unwrap().unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    project.set(|s| {
        "{ backend = \"local\", path = \"state/terraform.tfstate\" }".clone_into(&mut s.state);
    });
    project.module(&module_of("local", &step("a", None, &project.effects().command("a"))));
    let is = format!("local:{}", file.display());
    refused(&project, &was, &is);
    let arguments = ["move-state", "--cloud", "aws", "--env", "dev", "--note", "copied by hand"];
    let without = project.cli(&arguments);
    assert_ne!(without.code, Some(0), "no terminal, no word of a person: {without:?}");
    let mut person = project.sits_down(&arguments);
    let word = person.sees("type `([^`]+)` to say that it was moved").unwrap();
    assert_eq!(word, "dev");
    person.types(&word).unwrap();
    let ending = person.leaves().unwrap();
    assert_eq!(ending.code, 0, "{}", ending.text);
    let planned = project.plan(&json!({ "turn": "1" }));
    assert_eq!(planned.at("/summary/text"), "no changes", "{:#}", planned.value);
    assert_eq!(project.effects().count(), 1, "nothing was made twice");
    project.log_is_whole();
}
