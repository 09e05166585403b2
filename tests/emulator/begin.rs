//! How a person begins: `init` into an empty folder, then `poc`, from exactly the files that `init` wrote.

use std::time::Duration;

use serde_json::json;
use xtask::person::{Ending, Person};

use crate::harness::{Answered, Project};

/// An empty folder, filled by `init`; nothing is added but where the lab has terraform and its providers.
fn begin(name: &str, bucket: &str) -> Project {
    let project = Project::new();
    std::fs::remove_file(project.config()).unwrap();
    std::fs::remove_dir_all(project.folder().join("infra")).unwrap();
    let lab = &project.lab;
    let told = project.cli(&[
        "--json",
        "init",
        "aws",
        "--account-id-from-credentials",
        "--name",
        name,
        "--region",
        &lab.aws.region,
        "--bucket",
        bucket,
        "--endpoint-url",
        &lab.aws.endpoint,
    ]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert_eq!(told.at("/account_id"), lab.aws.account_id, "asked of the emulator's STS");
    let laid = std::fs::read_to_string(project.config()).unwrap();
    let settings = format!(
        "{laid}\n[terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n",
        lab.terraform.path.display(),
        lab.terraform.provider_mirror.display()
    );
    std::fs::write(project.config(), settings).unwrap();
    project
}

fn sits(project: &Project, arguments: &[&str]) -> Person {
    project.sits_down(arguments).patient(Duration::from_mins(8))
}

#[track_caller]
fn fine(ending: &Ending) {
    assert_eq!(ending.code, 0, "{}", ending.text);
}

const REAL: [&str; 4] = ["poc", "aws", "--env=dev", "--dry-run=false"];

/// One walk of minutes, so all of it is one test: dry, left in the middle, gone on with, a third time, taken away.
#[test]
fn promises_1_3_6_init_and_poc_build_an_environment_from_an_empty_folder() {
    let project = begin("test", "test-poc-tfstate");
    let emulator = project.lab.emulator();
    let buckets = || emulator.inventory().unwrap().buckets;

    let dry = project.cli(&["poc", "aws"]);
    assert_eq!(dry.code, Some(0), "{}{}", dry.out, dry.err);
    assert!(dry.out.contains("would be made: ") && dry.out.contains("A dry run"), "{}", dry.out);
    assert!(dry.out.contains("What comes later can be planned"), "{}", dry.out);
    assert!(!buckets().contains("test-poc-tfstate"), "a dry run changes nothing");
    let refused = project.cli(&REAL);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(refused.err.contains("there is no terminal"), "{}", refused.err);

    let mut person = sits(&project, &REAL);
    assert_eq!(person.sees("type `([^`]+)` to begin").unwrap(), "dev");
    person.types("yes").unwrap();
    let ending = person.leaves().unwrap();
    assert!(ending.code == 1 && ending.text.contains("was not confirmed"), "{}", ending.text);

    // The bucket is approved and made; the plan of the environment is asked about, and the person goes.
    let mut person = sits(&project, &REAL);
    person.sees("type `dev` to begin").unwrap();
    person.types("dev").unwrap();
    person.sees("(?s)bootstrap_state_backend on aws/dev.*type `yes` to approve").unwrap();
    person.types("yes").unwrap();
    person.sees("(?s)apply_terraform on aws/dev.*type `yes` to approve").unwrap();
    person.types("no").unwrap();
    let ending = person.leaves().unwrap();
    assert!(ending.code == 1 && ending.text.contains("not what was asked for"), "{}", ending.text);
    assert!(buckets().contains("test-poc-tfstate"));
    assert!(emulator.inventory().unwrap().clusters.is_empty(), "nothing was approved");

    // A second start asks about the very same plan.
    let mut person = sits(&project, &REAL);
    person.sees("type `dev` to begin").unwrap();
    person.types("dev").unwrap();
    person.sees("apply_terraform +goes on with plan ").unwrap();
    person.sees("(?s)apply_terraform on aws/dev.*type `yes` to approve").unwrap();
    person.types("yes").unwrap();
    let ending = person.leaves().unwrap();
    fine(&ending);
    for text in [
        "as it should be",
        "a second plan",
        "no changes",
        "the log holds",
        "poc.chart names no chart",
        "destroy-terraform",
    ] {
        assert!(ending.text.contains(text), "{text}: {}", ending.text);
    }
    let kubeconfig = std::fs::read_to_string(project.folder().join("kubeconfig")).unwrap();
    assert!(kubeconfig.contains("name: aws-dev"), "{kubeconfig}");
    let made = emulator.inventory().unwrap();
    assert!(made.clusters.contains("test-dev"), "{made:?}");
    assert!(made.node_groups.contains("test-dev/main"), "{made:?}");
    assert!(!made.oidc_providers.is_empty() && !made.vpcs.is_empty(), "{made:?}");

    // A third one has nothing to do, and asks nobody.
    let third = project.cli(&["poc", "aws"]);
    assert_eq!(third.code, Some(0), "{}{}", third.out, third.err);
    assert_eq!(third.out.matches("as it should be").count(), 2, "{}", third.out);

    take_away(&project);
    let left = emulator.inventory().unwrap();
    assert!(!left.clusters.contains("test-dev"), "{left:?}");
    assert!(left.oidc_providers.is_empty(), "{left:?}");
    project.log_is_whole();
}

fn take_away(project: &Project) {
    let ended = |answer: Answered| match answer.status().as_str() {
        "running" => project.operation(&answer.operation(), 600),
        _ => answer,
    };
    let target = json!({ "cloud": "aws", "env": "dev", "wait_s": 600 });
    let plan = project.call("destroy_terraform", &target).expect("planned");
    let real = json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "wait_s": 600 });
    let asked = project.call("destroy_terraform", &real).expect("approval_required");
    assert_eq!(project.approves(&asked.at("/approval/id")), "dev");
    ended(project.call("destroy_terraform", &real)).expect("succeeded");
}
