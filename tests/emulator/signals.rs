//! Processes that do not react, and processes that have another one's number: nobody is killed, nobody is taken for
//! somebody else, nothing is taken over.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use xtask::child::Identity;

use crate::harness::{
    Project, argv, chain, children_of_state, kill, running, terraform_apply, until, with_provider,
};

/// Provider plugins that work for a project: what they were started with names its folder.
fn plugins(project: &Project) -> Vec<Identity> {
    let folder = project.folder().to_string_lossy().into_owned();
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let ours = |pid: &u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        argv(*pid).join(" ").contains("terraform-provider-aws")
            && String::from_utf8_lossy(&environ).contains(&folder)
    };
    pids.filter(ours).filter_map(Identity::of).collect()
}

/// A bucket, its rules (the provider looks at them for the better part of a minute), and something that comes after.
fn rules(name: &str) -> String {
    format!(
        "provider \"aws\" {{\n  s3_use_path_style = true\n}}\nresource \"aws_s3_bucket\" \"b\" {{\n  \
         bucket = \"{name}\"\n}}\nresource \"aws_s3_bucket_lifecycle_configuration\" \"rules\" {{\n  \
         bucket = aws_s3_bucket.b.id\n  rule {{\n    id     = \"old\"\n    status = \"Enabled\"\n    \
         filter {{}}\n    expiration {{\n      days = 1\n    }}\n  }}\n}}\nresource \"terraform_data\" \
         \"after\" {{\n  depends_on = [aws_s3_bucket_lifecycle_configuration.rules]\n}}\n"
    )
}

/// The plugin is stopped by the system in the middle of its work, so that terraform's wish to stop gets no answer.
#[test]
fn fault_8_a_provider_that_ignores_the_stop_is_waited_for_and_never_killed() {
    const SLOW: &str = "aws_s3_bucket_lifecycle_configuration.rules";
    let project = with_provider(&rules(&format!("dm-deaf-{}", std::process::id())));
    let id = running(&project);
    let doing = || project.operation(&id, 0).at("/progress");
    until("the slow resource", 120, || doing().contains(&format!("{SLOW}: Creating")));
    let terraform = terraform_apply(&project.state()).remove(0);
    let deaf = plugins(&project);
    assert!(!deaf.is_empty(), "the provider's plugin");
    for plugin in &deaf {
        plugin.signal(Signal::STOP);
    }

    let cancel = || project.call("cancel_operation", &json!({ "id": id })).at("/next");
    assert!(cancel().contains("was asked to stop"));
    let stopping = format!("stopping, waiting on {SLOW}");
    until("the grace", 20, || doing().starts_with(&stopping));
    let again = cancel();
    assert!(again.contains("one signal is all it gets"), "{again}");
    assert!(again.contains("a person ends the provider's process"), "{again}");
    std::thread::sleep(std::time::Duration::from_secs(3));
    let still = project.operation(&id, 0);
    assert_eq!(still.status(), "running", "{:#}", still.value);
    assert!(terraform.is_alive() && deaf.iter().all(Identity::is_alive), "nobody is killed");

    for plugin in &deaf {
        plugin.signal(Signal::CONT);
    }
    let answer = project.operation(&id, 120).expect("cancelled");
    let not_started = answer.at("/result/error/details/not_started");
    assert!(not_started.contains("terraform_data.after"), "{:#}", answer.value);
    assert_eq!(answer.at("/result/returncode"), "1", "terraform ended by itself");
    project.lock_is_free();
    project.log_is_whole();
}

/// A bystander; it ends with the test.
struct Bystander(std::process::Child);

impl Bystander {
    fn start() -> Self {
        let mut command = Command::new("sleep");
        Self(command.arg("600").stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The journal names processes by number. After they died, the numbers are another process's, as after a reboot.
#[test]
fn fault_14_a_process_that_got_the_number_of_a_dead_one_is_neither_believed_nor_signalled() {
    let project = Project::with(|effects| chain(effects, 2, 1.0));
    let id = running(&project);
    until("the first resource", 20, || project.effects().count() == 1);
    let supervisor = children_of_state(&project.state(), "__run").remove(0);
    let terraform = terraform_apply(&project.state()).remove(0);
    kill(&supervisor);
    kill(&terraform);
    until("the end of its children", 10, || children_of_state(project.folder(), "-c").is_empty());

    let mut bystander = Bystander::start();
    let path = project.run(&id).join("journal.jsonl");
    let mut renamed = 0;
    let journal: Vec<String> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if let Some(pid) = line.pointer_mut("/body/pid") {
                *pid = json!(bystander.0.id());
                renamed += 1;
            }
            line.to_string()
        })
        .collect();
    assert!(renamed > 0, "the journal names processes: {journal:#?}");
    fs::write(&path, journal.join("\n") + "\n").unwrap();

    let answer = project.operation(&id, 5).expect("unknown");
    assert!(answer.value.to_string().contains(&format!("datamcp reconcile {id}")));
    let late = project.call("cancel_operation", &json!({ "id": id }));
    assert_eq!(late.at("/next"), "it had ended before");
    assert!(bystander.0.try_wait().unwrap().is_none(), "it was let alone");
    project.apply(&json!({})).refused("environment_blocked");
    project.reconciles(&id, "failed");
    project.apply(&json!({ "turn": "2" })).expect("succeeded");
    assert!(bystander.0.try_wait().unwrap().is_none(), "it was let alone");
}

/// The lock of one machine has no end that a sleeper could miss: it is the system's, and held as long as the holder is
/// there. So nobody gets in meanwhile, and there is nothing for the sleeper to lose.
#[test]
fn fault_16_a_supervisor_that_sleeps_is_not_taken_over_and_goes_on_when_it_wakes() {
    let project = Project::with(|effects| chain(effects, 2, 0.5));
    let id = running(&project);
    until("the first resource", 20, || project.effects().count() == 1);
    let supervisor = children_of_state(&project.state(), "__run").remove(0);
    supervisor.signal(Signal::STOP);
    until("the end of terraform", 30, || terraform_apply(&project.state()).is_empty());
    for wait_s in [0, 5, 0] {
        let asleep = project.operation(&id, wait_s).expect("running");
        assert!(asleep.value["result"].is_null(), "nobody has seen the end: {:#}", asleep.value);
        let other = project.apply(&json!({ "turn": "2" })).refused("lock_held");
        assert_eq!(other.at("/error/details/operation"), id);
    }
    supervisor.signal(Signal::CONT);
    project.operation(&id, 30).expect("succeeded");
    assert_eq!(project.effects().by_operation().len(), 1);
    project.lock_is_free();
    project.apply(&json!({ "turn": "2" })).expect("succeeded");
    project.log_is_whole();
}
