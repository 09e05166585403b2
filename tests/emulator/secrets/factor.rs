//! A second factor whose seed is named by reference: nobody has to be there, processes that start at once spend one code,
//! and the seed is shown nowhere.

use serde_json::json;

use super::canary::{SEED, files, found, overheard, screens, watching};
use crate::harness::{Effects, Project, for_real, module_of, step, structured};
use crate::mfa::Guarded;

#[test]
fn promise_7_a_seed_by_reference_serves_all_processes_by_one_code_and_is_shown_nowhere() {
    let module = |effects: &Effects| module_of("local", &step("a", None, &effects.command("a")));
    let mut project = Project::with(module);
    project.variables.push(("SEED_OF_ALICE".to_owned(), SEED.to_owned()));
    let site = Guarded::new(project, "seed", SEED, ", totp = \"env:SEED_OF_ALICE\"");
    let project = &site.project;
    let target = json!({ "cloud": "aws", "env": "dev" });
    let check = || {
        let checks = project.call("preflight", &target);
        found("preflight", &format!("{}{}", checks.out, checks.err))
    };
    let (mut child, mut client, heard) = overheard(project);
    let ((id, mut hits), arguments) = watching(|| {
        let (id, mut hits) = std::thread::scope(|scope| {
            let both = [scope.spawn(check), scope.spawn(check)];
            let done = structured(
                client.call("apply_terraform", &for_real(&json!({})), &mut |_| {}).unwrap(),
            );
            let id = done.expect("succeeded").operation();
            let hits = both.into_iter().flat_map(|one| one.join().unwrap()).collect::<Vec<_>>();
            (id, hits)
        });
        let again = project.apply(&json!({ "turn": "2" })).expect("succeeded").operation();
        hits.extend(screens(project, "aws", &id));
        hits.extend(screens(project, "aws", &again));
        (id, hits)
    });
    drop(client);
    child.wait().unwrap();
    assert_eq!(site.codes(), (1, 1), "server, supervisors and command lines spent one code");
    assert_eq!(project.effects().of(&id), ["a"]);
    hits.extend(arguments);
    hits.extend(found("MCP", &String::from_utf8_lossy(&heard.lock().unwrap())));
    hits.extend(files(project.folder(), &[]));
    assert!(hits.is_empty(), "{hits:#?}");
}

#[test]
fn promise_7_a_code_that_was_typed_is_in_no_file() {
    let module = |effects: &Effects| module_of("local", &step("a", None, &effects.command("a")));
    let site = Guarded::new(Project::with(module), "typed", SEED, "");
    let code = site.code(0);
    let ending = site.signs_in(&code);
    assert_eq!(ending.code, 0, "{}", ending.text);
    let id = site.project.apply(&json!({})).expect("succeeded").operation();
    let signed = site.project.newest("sign_in");
    for words in [["ops", "show", id.as_str()], ["ops", "show", signed.as_str()]] {
        let shown = site.project.cli(&words).out;
        assert!(!shown.contains(&code), "{shown}");
    }
    for entry in walkdir::WalkDir::new(site.project.state()).into_iter().flatten() {
        let text = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // Six digits are in many numbers by chance: only whole ones count.
        let whole = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code);
        assert!(!whole, "{}", entry.path().display());
    }
}
