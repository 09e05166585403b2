//! Promise 7, security row 15, for what is made without terraform: the secret key of the source, and the temporary keys with
//! which a bucket and an account are made and furnished, are in no answer, log, file in clear, argument or screen.

use std::fs;

use serde_json::{Value, json};

use super::canary::{files, found, overheard, screens, watching};
use crate::harness::{Answered, Project, structured};

/// What STS gave out for these roles: secrets and tokens.
fn issued(project: &Project, roles: &[&str]) -> Vec<String> {
    let emulator = project.lab.emulator();
    let of = |role: &&str| {
        let told = emulator.control("keys", &json!({ "role": role })).unwrap();
        let issued = told["issued"].as_array().unwrap().clone();
        let parts =
            |key: Value| ["secret", "token"].map(|part| key[part].as_str().map(str::to_owned));
        issued.into_iter().flat_map(parts).flatten().collect::<Vec<_>>()
    };
    roles.iter().flat_map(of).collect()
}

/// Every text below a folder that is not sealed.
fn texts(project: &Project) -> String {
    let walk = walkdir::WalkDir::new(project.folder()).into_iter().flatten();
    let plain =
        walk.filter(|e| e.file_type().is_file() && e.path().extension().is_none_or(|x| x != "age"));
    plain
        .map(|e| String::from_utf8_lossy(&fs::read(e.path()).unwrap_or_default()).into_owned())
        .collect()
}

#[test]
fn promise_7_security_15_no_key_leaves_while_a_bucket_and_an_account_are_made() {
    let mut project = Project::new();
    let name = project.folder().file_name().unwrap().to_string_lossy().to_lowercase();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let account = project.lab.aws.account_id.clone();
    // Each under a role of its own: what is given out for it is this test's.
    let (role, manager, inside) = (format!("r-{name}"), format!("m-{name}"), format!("i-{name}"));
    let management = format!("7{:011}", std::process::id());
    project.set(|s| {
        s.state = format!("{{ backend = \"s3\", bucket = \"canary-{name}\", key = \"dev\" }}");
        s.environment = format!("role_arn = \"arn:aws:iam::{account}:role/{role}\"\n");
        s.more = format!(
            "[organizations.acme]\ntier = \"dev\"\naccount_id = \"{management}\"\nregion = \"eu-west-1\"\n\
             role_arn = \"arn:aws:iam::{management}:role/{manager}\"\n"
        );
    });
    let emulator = project.lab.emulator();
    emulator
        .control("organizations", &json!({ "account": management, "failure": "INTERNAL_FAILURE" }))
        .unwrap();
    let (mut child, mut client, heard) = overheard(&project);
    let ((ids, mut shown), arguments) = watching(|| {
        let mut call = |tool: &str, request: &Value| -> Answered {
            structured(client.call(tool, request, &mut |_| {}).unwrap())
        };
        let bucket =
            json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true });
        let bucket = call("bootstrap_state_backend", &bucket).expect("succeeded").operation();
        let wanted = json!({
            "email": format!("{name}@example.com"), "account_name": "canary", "role_name": inside,
            "contacts": { "BILLING": { "name": "N", "title": "T", "email": "a@b.co", "phone": "+1" } },
            "dry_run": false, "auto_approve": true, "wait_s": 120,
        });
        // AWS fails first: errors are ways out too.
        let failed = call("aws_create_account", &wanted).expect("failed").operation();
        let made = call("aws_create_account", &wanted).expect("succeeded").operation();
        call("preflight", &json!({}));
        call("list_operations", &json!({}));
        let ids = [bucket, failed, made];
        let shown: Vec<String> = ids
            .iter()
            .flat_map(|id| {
                call("get_operation", &json!({ "id": id, "log_cursor": 0 }));
                screens(&project, "aws", id)
            })
            .collect();
        (ids, shown)
    });
    drop(client);
    child.wait().unwrap();
    shown.extend(arguments);
    let mut said = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
    shown.extend(found("MCP", &said));
    shown.extend(files(project.folder(), &[]));
    assert!(shown.is_empty(), "{shown:#?}");

    let temporary = issued(&project, &[&role, &manager, &inside]);
    assert!(temporary.len() > 6, "the keys of three roles were in use: {}", temporary.len());
    for id in &ids {
        let words: [&[&str]; 2] = [&["--json", "ops", "show", id], &["ops", "tail", id]];
        for words in words {
            let answer = project.cli(words);
            said.extend([answer.out, answer.err]);
        }
    }
    said.push_str(&texts(&project));
    assert!(ids.iter().all(|id| said.contains(id.as_str())), "it was looked where the runs are");
    let leaked = temporary.iter().filter(|secret| said.contains(secret.as_str())).count();
    assert_eq!(leaked, 0, "temporary keys are in what was said or kept");
}
