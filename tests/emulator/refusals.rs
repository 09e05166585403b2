//! A plan is bound to everything that gives it meaning: one fact changed alone → refused by name, nothing run. Put back,
//! the same plan with the same approval still runs: the refusal had that cause and no other.
//!
//! Expiry and plans of another principal need another clock and another user: the hermetic lane has them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Answered, Project, Settings, chain, for_real, terraform_apply};

/// A project with an approved plan.
struct Approved {
    project: Project,
    real: Value,
    plan: String,
    approval: String,
}

impl Approved {
    fn new() -> Self {
        let mut project = Project::with(|effects| chain(effects, 2, 0.0));
        project.apply(&json!({})).expect("succeeded");
        project.set(Settings::asks_a_person);
        let plan = project.plan(&json!({ "turn": "1" })).at("/plan_id");
        let real = json!({ "plan_id": plan, "dry_run": false });
        let asked = project.call("apply_terraform", &real).expect("approval_required");
        let approval = asked.at("/approval/id");
        project.approves(&approval);
        Self { project, real, plan, approval }
    }

    fn call(&self) -> Answered {
        self.project.call("apply_terraform", &self.real)
    }

    /// Refused with this code; nothing ran and nobody holds the environment.
    #[track_caller]
    fn refused(&self, code: &str) -> Answered {
        let (serial, effects) = (self.project.serial(), self.project.effects().count());
        let answer = self.call().refused(code);
        assert_eq!(answer.status(), "refused");
        assert_eq!(self.project.serial(), serial, "{:#}", answer.value);
        assert_eq!(self.project.effects().count(), effects);
        let run = self.project.run(&answer.operation());
        assert!(!run.join("journal.jsonl").exists() || !journal(&run).contains("intent"));
        assert_eq!(terraform_apply(&self.project.state()).len(), 0);
        self.project.lock_is_free();
        answer
    }

    /// Refused as changed, naming this fact alone.
    #[track_caller]
    fn refused_as_changed(&self, fact: &str) {
        let answer = self.refused("approval_mismatch");
        let changed = answer.at("/error/details/changed");
        assert!(changed.contains(fact), "{fact} should be named: {:#}", answer.value);
    }

    fn plan_file(&self) -> PathBuf {
        self.project.state().join("plans").join(&self.plan).join("plan.age")
    }
}

fn journal(run: &std::path::Path) -> String {
    fs::read_to_string(run.join("journal.jsonl")).unwrap()
}

#[test]
fn promise_2_faults_37_38_39_40_each_fact_changed_alone_is_refused_by_name() {
    let mut a = Approved::new();

    let main = fs::read_to_string(a.project.main()).unwrap();
    a.project.module(&format!("{main}\n# a word more\n"));
    a.refused_as_changed("configuration");
    a.project.module(&main);

    let sealed = fs::read(a.plan_file()).unwrap();
    let mut flipped = sealed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(a.plan_file(), &flipped).unwrap();
    a.refused_as_changed("plan file");
    fs::write(a.plan_file(), &sealed).unwrap();

    let environment = a.project.settings.environment.clone();
    a.project.set(|s| s.environment.push_str("vars = { other = \"9\" }\n"));
    a.refused_as_changed("variables");
    a.project.set(|s| s.environment.clone_from(&environment));

    a.project.set(|s| "210987654321".clone_into(&mut s.account));
    let answer = a.refused("wrong_identity");
    let account = a.project.lab.aws.account_id.clone();
    assert!(answer.at("/error/message").contains(&account), "{:#}", answer.value);
    a.project.set(|s| s.account = account);

    a.real["vars"] = json!({ "turn": "8" });
    let answer = a.refused("approval_mismatch");
    assert_eq!(answer.at("/error/field"), "vars");
    assert!(answer.at("/error/message").contains("turn"), "the variable is named");
    a.real.as_object_mut().unwrap().remove("vars");

    let done = a.call().expect("succeeded");
    assert_eq!(a.project.effects().of(&done.operation()), ["s0", "s1"]);

    let used = a.refused("approval_used");
    assert!(used.at("/error/message").contains(&done.operation()), "{:#}", used.value);
    let (code, text) = match a.project.tries_to_approve(&a.approval) {
        Ok((_, ending)) => (ending.code, ending.text),
        Err(text) => (1, text),
    };
    assert!(code != 0 && text.contains("used it"), "{text}");
    a.project.log_is_whole();
}

#[test]
fn fault_36_the_state_has_moved_on_by_another_terraform() {
    let a = Approved::new();
    let serial = a.project.serial();
    let folder = a.project.folder().join("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(a.project.main(), folder.join("main.tf")).unwrap();
    let terraform = |arguments: &[&str]| {
        let output = Command::new(&a.project.lab.terraform.path)
            .args(arguments)
            .current_dir(&folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", a.project.folder().join("runs/by-hand/x"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    };
    let backend = format!("-backend-config=path={}", a.project.tfstate().display());
    terraform(&["init", "-input=false", &backend]);
    terraform(&["apply", "-input=false", "-auto-approve", "-var=turn=3"]);
    let moved = a.project.serial();
    assert!(moved > serial);
    let answer = a.refused("stale_plan");
    let message = answer.at("/error/message");
    assert!(message.contains(&format!("serial {serial}→{moved}")), "{message}");
}

#[test]
fn promise_3_security_5_nobody_approves_in_the_place_of_a_person() {
    let mut project = Project::with(|effects| chain(effects, 1, 0.0));
    project.set(|s| {
        "prod".clone_into(&mut s.tier);
        "auto_approve = []".clone_into(&mut s.rules);
    });
    let mut real = for_real(&json!({}));
    let asked = project.call("apply_terraform", &real).expect("approval_required");
    let id = asked.at("/approval/id");

    // The requester in a production tier: refused on a terminal, and without one nobody is asked at all.
    let refusal = project.tries_to_approve(&id).unwrap_err();
    assert!(refusal.contains("other than the requester"), "{refusal}");
    let answer = project.cli(&["--json", "approve", &id]);
    assert_ne!(answer.code, Some(0));
    real["plan_id"] = json!(asked.at("/plan_id"));
    real.as_object_mut()
        .unwrap()
        .retain(|k, _| ["plan_id", "dry_run", "auto_approve"].contains(&k.as_str()));
    project.call("apply_terraform", &real).expect("approval_required");

    // No tool approves.
    for tool in ["approve", "approve_plan", "reconcile", "reject"] {
        assert_ne!(project.call(tool, &json!({ "id": id })).code, Some(0));
        let mut client = project.serve();
        client.call(tool, &json!({ "id": id }), &mut |_| {}).unwrap_err();
    }
    real["approve"] = json!(true);
    project.call("apply_terraform", &real).refused("invalid_request");
    assert_eq!(project.effects().count(), 0);
    assert!(!project.tfstate().exists());
    project.log_is_whole();
}

#[test]
fn promise_3_a_rejected_plan_does_not_run() {
    let mut project = Project::with(|effects| chain(effects, 1, 0.0));
    project.set(Settings::asks_a_person);
    let plan = project.plan(&json!({})).at("/plan_id");
    let real = json!({ "plan_id": plan, "dry_run": false });
    let asked = project.call("apply_terraform", &real).expect("approval_required");
    let mut person = project.sits_down(&["reject", &asked.at("/approval/id")]);
    person.sees("press Enter to reject").unwrap();
    person.types("").unwrap();
    assert_eq!(person.leaves().unwrap().code, 0);
    let again = project.call("apply_terraform", &real);
    assert_ne!(again.status(), "succeeded", "{:#}", again.value);
    assert_eq!(project.effects().count(), 0);
}
