//! A program that uses datamcp as a library: `examples/apply_plan.rs`, as a user would build and start it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::harness::{Answered, Project, feed, module_of, step};

/// The example's binary, built once.
fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let arguments = ["build", "--locked", "--workspace", "--example", "apply_plan"];
        let mut build = Command::new(env!("CARGO"));
        build.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.stdin(Stdio::null()).status().unwrap().success(), "cargo {arguments:?}");
        let binary = Path::new(env!("CARGO_BIN_EXE_datamcp"));
        binary.parent().unwrap().join("examples/apply_plan")
    })
}

/// A project whose tier asks a person, and trusts the program `portal` as far as `trust` says.
fn project(trust: &str) -> Project {
    let mut project = Project::new();
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    project.set(|s| {
        s.rules = format!("auto_approve = []\napprovers = [\"ops\", \"self\"]\n{trust}");
        s.more = format!(
            "[people.ops]\n[people.self]\nos_user = \"{user}\"\n[programs.portal]\nos_user = \"{user}\"\n"
        );
    });
    let effects = project.effects();
    let steps = [
        step("a", None, &effects.command("a")),
        step("b", Some("a"), &effects.command("b")),
        "output \"plain\" {\n  value = \"seen\"\n}\n".to_owned(),
    ];
    project.module(&module_of("local", &steps.concat()));
    project
}

/// Starts the example and says this to it.
fn says(project: &Project, lines: &str) -> Answered {
    let mut program = Command::new(example());
    program
        .args([&project.config(), "dev", env!("CARGO_BIN_EXE_datamcp")])
        .current_dir(project.folder())
        .env_clear()
        .envs(project.environment());
    feed(&mut program, lines)
}

#[test]
fn promise_3_a_program_plans_has_it_approved_by_its_own_channel_and_applies() {
    let project = project("programs = [\"portal\"]\napprover_other_than_requester = true");
    let lines = "mallory yes\nself yes\nops sure\nops yes\n";
    let seen = says(&project, lines);
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
    let order = [
        "planned: 2 to add",
        "not you: person is nobody under [people]",
        "wants an approver other than the requester",
        "asked for by agent (user ",
        "type `yes` to approve",
        "not approved: approving ",
        "approved by ops",
        "progress: ",
        "succeeded: done: 2 to add",
        "outputs: {\"plain\":",
    ];
    let mut rest = seen.out.as_str();
    for text in order {
        let (_, after) = rest.split_once(text).unwrap_or_else(|| panic!("{text}:\n{}", seen.out));
        rest = after;
    }
    let operation = project.newest("apply_terraform");
    assert_eq!(project.effects().of(&operation), ["a", "b"]);
    let shown = project.cli(&["--json", "ops", "show", &operation]).value;
    assert_eq!(shown["operation"]["agent"], "portal");
    let all = std::fs::read(project.state().join("log.db")).unwrap();
    let text = String::from_utf8_lossy(&all);
    assert!(
        text.contains("\"channel\":\"program\"") && text.contains("line of ops on standard input")
    );
    project.log_is_whole();
    project.lock_is_free();
}

#[test]
fn promise_3_a_program_that_no_tier_names_cannot_have_anything_approved() {
    let project = project("");
    let seen = says(&project, "ops yes\nops yes\n");
    assert_eq!(seen.code, Some(1), "{}{}", seen.out, seen.err);
    assert_eq!(seen.out.matches("does not take the word of program portal").count(), 2);
    assert!(seen.out.contains("refused: Cancelled"), "{}", seen.out);
    assert_eq!(project.effects().count(), 0);
}

#[test]
fn promise_6_what_a_program_began_goes_on_without_it() {
    let project = project("programs = [\"portal\"]");
    // The person's answer comes, then the program is gone: its pipe is closed while terraform works.
    let mut program = Command::new(example());
    program
        .args([&project.config(), "dev", env!("CARGO_BIN_EXE_datamcp")])
        .current_dir(project.folder())
        .env_clear()
        .envs(project.environment());
    let effects = project.effects();
    project.module(&crate::harness::chain(&effects, 3, 1.0));
    let mut child =
        program.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"ops yes\n").unwrap();
    crate::harness::until("the first step", 60, || effects.count() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let operation = project.newest("apply_terraform");
    let end = project.operation(&operation, 60);
    assert_eq!(end.at("/result/status"), "succeeded", "{:#}", end.value);
    assert_eq!(effects.of(&operation), ["s0", "s1", "s2"]);
    project.log_is_whole();
    project.lock_is_free();
}
