//! Variables whose values a secret manager keeps: fetched for the run, bound by their version, shown nowhere. On the
//! emulator's Secrets Manager.

use std::fs;

use serde_json::{Value, json};
use xtask::mcp::Client;

use super::canary::{FETCHED, ROTATED, files, found, overheard, screens, watching};
use crate::harness::{Answered, Effects, Project, for_real, module_of, step, structured};

/// Keeps a secret and tells it to a program that prints it.
fn module(effects: &Effects) -> String {
    let says = format!("{}; printf '%s\\\\n' \\\"$A\\\"", effects.command("says"));
    let says = step("says", None, &says).replace(
        "    command = ",
        "    environment = { A = nonsensitive(var.secret) }\n    command = ",
    );
    let body = [
        "variable \"secret\" {\n  type      = string\n  sensitive = true\n}\n",
        "variable \"open\" {\n  type    = string\n  default = \"\"\n}\n",
        "resource \"terraform_data\" \"keeps\" {\n  input = var.secret\n}\n",
        "output \"of_secret\" {\n  value     = var.secret\n  sensitive = true\n}\n",
        &says,
    ];
    module_of("local", &body.concat())
}

/// A secret of the emulator, and a project that refers to it.
struct Site {
    project: Project,
    name: String,
}

impl Site {
    fn new(what: &str) -> Self {
        let mut site = Self {
            project: Project::with(module),
            name: format!("datamcp/{what}-{}", std::process::id()),
        };
        let text = json!({ "user": "app", "password": FETCHED }).to_string();
        site.ask("CreateSecret", &json!({ "Name": site.name, "SecretString": text }));
        site.refers(&format!("aws-secretsmanager:{}#password", site.name));
        site
    }

    fn refers(&mut self, reference: &str) {
        let line = format!("secret_vars = {{ secret = \"{reference}\" }}");
        self.project.set(|s| s.environment = line);
    }

    fn ask(&self, operation: &str, request: &Value) -> Value {
        let target = format!("secretsmanager.{operation}");
        self.project.lab.emulator().json_call(&target, request).unwrap()
    }

    /// Puts another value in its place; the version that it has got.
    fn rotate(&self) -> String {
        let text = json!({ "user": "app", "password": ROTATED }).to_string();
        let told =
            self.ask("PutSecretValue", &json!({ "SecretId": self.name, "SecretString": text }));
        told["VersionId"].as_str().unwrap().to_owned()
    }

    fn kept(&self) -> String {
        fs::read_to_string(self.project.tfstate()).unwrap()
    }
}

fn planned(site: &Site) -> Answered {
    site.project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }))
}

fn go(plan: &Answered) -> Value {
    json!({ "plan_id": plan.at("/plan_id"), "dry_run": false, "auto_approve": true })
}

/// Plans, has the secret rotated, is refused, plans again, applies.
fn walk(site: &Site, client: &mut Client) -> (Answered, Vec<String>) {
    let mut call =
        |tool: &str, request: Value| structured(client.call(tool, &request, &mut |_| {}).unwrap());
    let target = json!({ "cloud": "aws", "env": "dev" });
    let planned = call("apply_terraform", target.clone()).expect("planned");
    site.rotate();
    let refused = call("apply_terraform", go(&planned)).refused("approval_mismatch");
    let changed = refused.value["error"]["details"].to_string();
    assert!(changed.contains("variables"), "{:#}", refused.value);
    let again = call("apply_terraform", target.clone()).expect("planned");
    let done = call("apply_terraform", go(&again)).expect("succeeded");
    let id = done.operation();
    call("get_operation", json!({ "id": id, "log_cursor": 0 }));
    call("terraform_outputs", target.clone());
    call("list_operations", json!({}));
    call("detect_drift", target.clone()).expect("succeeded");
    call("destroy_terraform", target).expect("planned");
    let mut hits = screens(&site.project, "aws", &id);
    hits.extend(screens(&site.project, "aws", &planned.operation()));
    hits.extend(screens(&site.project, "aws", &refused.operation()));
    (done, hits)
}

#[test]
fn promise_7_a_fetched_secret_is_bound_by_its_version_and_shown_nowhere() {
    let site = Site::new("walk");
    let (mut child, mut client, heard) = overheard(&site.project);
    let ((done, mut hits), arguments) = watching(|| walk(&site, &mut client));
    drop(client);
    child.wait().unwrap();
    assert_eq!(site.project.effects().of(&done.operation()), ["says"], "the secret was told");
    hits.extend(arguments);
    hits.extend(found("MCP", &String::from_utf8_lossy(&heard.lock().unwrap())));
    hits.extend(files(site.project.folder(), &["terraform.tfstate"]));
    assert!(hits.is_empty(), "{hits:#?}");
    assert!(site.kept().contains(ROTATED), "terraform itself knew it");
}

#[test]
fn a_pinned_version_stays_and_a_stage_is_followed() {
    let mut site = Site::new("pinned");
    let first = site.ask("DescribeSecret", &json!({ "SecretId": site.name }));
    let first = first["VersionIdsToStages"].as_object().unwrap().keys().next().unwrap().clone();
    site.rotate();
    let name = site.name.clone();
    for (version, value) in
        [(first.as_str(), FETCHED), ("AWSCURRENT", ROTATED), ("AWSPREVIOUS", FETCHED)]
    {
        site.refers(&format!("aws-secretsmanager:{name}#password@{version}"));
        let id = site.project.apply(&json!({})).operation();
        site.project.operation(&id, 60).expect("succeeded");
        assert!(site.kept().contains(value), "{version}");
    }
}

#[test]
fn what_cannot_be_fetched_is_told_by_its_reference_before_terraform_starts() {
    let mut site = Site::new("refused");
    let bytes = json!({ "Name": format!("{}-bytes", site.name), "SecretBinary": "aHVudGVyMjI=" });
    site.ask("CreateSecret", &bytes);
    let name = site.name.clone();
    for (reference, why) in [
        (format!("aws-secretsmanager:{name}-none"), "ResourceNotFoundException"),
        (format!("aws-secretsmanager:{name}@NOSTAGE"), "NOSTAGE"),
        (format!("aws-secretsmanager:{name}#pass"), "no entry pass"),
        (format!("aws-secretsmanager:{name}-bytes"), "holds bytes"),
        ("env:DATAMCP_NOT_SET".to_owned(), "holds nothing"),
    ] {
        site.refers(&reference);
        let told = planned(&site).refused("invalid_request");
        assert!(told.at("/error/message").contains(why), "{why}: {:#}", told.value);
        assert_eq!(told.at("/error/field"), "secret_vars.secret");
        let hits = found(&reference, &told.value.to_string());
        assert!(hits.is_empty(), "{hits:?}");
    }
    assert_eq!(site.project.effects().count(), 0);

    // Neither shown by terraform, nor given by a call.
    site.refers(&format!("aws-secretsmanager:{name}"));
    let given = site.project.call("apply_terraform", &for_real(&json!({ "secret": "hunter22" })));
    assert_eq!(given.refused("invalid_request").at("/error/field"), "vars.secret");
    let line =
        format!("secret_vars = {{ secret = \"env:HOME\", open = \"aws-secretsmanager:{name}\" }}");
    site.project.set(|s| s.environment = line);
    let open = planned(&site).refused("invalid_request");
    assert_eq!(open.at("/error/field"), "secret_vars.open");

    // Of another account: refused when settings are read.
    let arn = "arn:aws:secretsmanager:eu-west-1:999999999999:secret:db-AbCdEf";
    site.refers(&format!("aws-secretsmanager:{arn}"));
    let other = planned(&site);
    assert!(format!("{}{}", other.out, other.err).contains("999999999999"));
}
