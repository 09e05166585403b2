//! Variables whose values Google's Secret Manager keeps: fetched for the run, bound by their version, shown nowhere.

use datamcp::secret::MASK;
use serde_json::{Value, json};
use xtask::mcp::Client;

use super::credentials::holding;
use super::permissions::documented;
use super::project::{CANARIES, Google, target};
use crate::harness::{Answered, Effects, step, structured};
use crate::secrets::canary::{
    FETCHED as SECRET, ROTATED, files, found, overheard, screens, watching,
};

/// The person's own file, and the place of the state, where terraform keeps what it knows.
const LEFT_OUT: &[&str] = &["google-user.json", "default.tfstate"];

/// The secret where terraform would show it: in a provisioner's output, its environment, a resource, an output, an error.
fn module(effects: &Effects, fails: bool) -> String {
    let tells = |stream: &str| format!("printf '%s\\\\n' \\\"$A\\\" {stream}");
    let told = |name: &str, after: Option<&str>, command: &str| {
        step(name, after, command).replace(
            "    command = ",
            "    environment = { A = nonsensitive(var.secret) }\n    command = ",
        )
    };
    let last = if fails { format!("{}; exit 7", tells(">&2")) } else { "true".to_owned() };
    [
        "variable \"secret\" {\n  type      = string\n  sensitive = true\n}\n".to_owned(),
        told("says", None, &format!("{}; {}", effects.command("says"), tells(""))),
        told("last", Some("says"), &last),
        "resource \"terraform_data\" \"keeps\" {\n  input = var.secret\n}\n".to_owned(),
        "output \"of_secret\" {\n  value     = var.secret\n  sensitive = true\n}\n".to_owned(),
    ]
    .concat()
}

/// What every token begins with.
const TOKEN: &str = CANARIES[1];

impl Google {
    /// Puts the versions of the secret `db` in place of what there was.
    fn keeps(&self, versions: &Value) {
        let person = &self.person;
        let kept = json!({ "secret": "db", "project": self.id, "versions": versions, "readers": [person] });
        self.told("google", &kept);
    }

    fn refers(&mut self, reference: &str) {
        let line = format!("secret_vars = {{ secret = \"{reference}\" }}\n");
        self.project.set(|s| {
            let (before, after) = s.more.split_once("credentials = {").unwrap();
            let before = before.lines().filter(|line| !line.starts_with("secret_vars"));
            let before: Vec<&str> = before.collect();
            s.more = format!("{}\n{line}credentials = {{{after}", before.join("\n"));
        });
    }
}

/// Everything that the tools and the command line say about a run with the secret in it.
fn walk(google: &Google, client: &mut Client, fails: bool) -> (Answered, Vec<String>) {
    let mut call =
        |tool: &str, request: Value| structured(client.call(tool, &request, &mut |_| {}).unwrap());
    let planned = call("apply_terraform", target()).expect("planned");
    let go = |plan: &str| json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let done = call("apply_terraform", go(&planned.at("/plan_id")));
    let id = done.operation();
    call("get_operation", json!({ "id": id }));
    call("get_operation", json!({ "id": id, "log_cursor": 0 }));
    call("terraform_outputs", target());
    call("list_operations", json!({}));
    call("preflight", target());
    if !fails {
        call("detect_drift", target()).expect("succeeded");
        call("destroy_terraform", target()).expect("planned");
    }
    let operations = [id, planned.operation()];
    let shown = operations.iter().flat_map(|id| screens(&google.project, "gcp", id));
    (done, shown.collect())
}

#[test]
fn promise_7_security_15_bar_21_a_secret_of_google_stays_where_it_was_put() {
    for fails in [false, true] {
        let mut google = Google::new(3600);
        google.module(&module(&google.project.effects(), fails));
        google.keeps(&json!({ "1": SECRET }));
        google.refers("gcp-secretmanager:db");
        let (mut child, mut client, heard) = overheard(&google.project);
        let ((done, mut hits), arguments) = watching(|| walk(&google, &mut client, fails));
        drop(client);
        child.wait().unwrap();
        done.clone().expect(if fails { "partial" } else { "succeeded" });
        assert_eq!(google.project.effects().of(&done.operation()), ["says"], "it was told");
        let log = google.project.run(&done.operation()).join("log.txt");
        let log = std::fs::read_to_string(log).unwrap();
        let said =
            |l: &str| l.starts_with("terraform_data.says: (local-exec): ") && l.contains(MASK);
        assert!(log.lines().any(said), "its output is in the log, masked: {log}");
        hits.extend(arguments);
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        hits.extend(found("MCP", &heard));
        hits.extend(heard.contains(TOKEN).then(|| "MCP: a token".to_owned()));
        hits.extend(files(google.project.folder(), LEFT_OUT));
        hits.extend(holding(google.project.folder(), TOKEN));
        assert!(hits.is_empty(), "{hits:#?}");
        let state = google.state().to_string();
        assert!(state.contains(SECRET), "terraform itself knew it: {state}");
    }
}

#[test]
fn promise_7_a_secret_of_google_is_bound_by_its_version_and_shown_nowhere() {
    let mut google = Google::new(3600);
    google.module(&module(&google.project.effects(), false));
    google.keeps(&json!({ "1": SECRET }));
    google.refers("gcp-secretmanager:db");
    let planned = google.project.call("apply_terraform", &target()).expect("planned");
    // Another version since: what was approved is not what would run.
    google.keeps(&json!({ "1": SECRET, "2": ROTATED }));
    let go = |plan: &str| json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let refused = google.project.call("apply_terraform", &go(&planned.at("/plan_id")));
    refused.refused("approval_mismatch");
    let again = google.project.call("apply_terraform", &target()).expect("planned");
    google.project.call("apply_terraform", &go(&again.at("/plan_id"))).expect("succeeded");
    let known = google.state()["resources"][0]["instances"][0]["attributes"]["input"].clone();
    assert_ne!(known, Value::Null, "terraform was told");

    // A version that is named stays; one that is disabled or not there is told.
    google.refers("gcp-secretmanager:db@1");
    let pinned = google.project.call("apply_terraform", &target()).expect("planned");
    assert_eq!(pinned.at("/summary/change"), "1", "{:#}", pinned.value);
    google.keeps(&json!({ "1": null }));
    google.project.call("apply_terraform", &target()).refused("invalid_request");
    google.refers("gcp-secretmanager:db@7");
    google.project.call("apply_terraform", &target()).refused("invalid_request");
    google.told("google", &json!({ "secret": "db", "project": google.id, "versions": { "7": SECRET }, "readers": [] }));
    let refused = google.project.call("apply_terraform", &target()).refused("upstream_denied");
    // The page names just what it takes: with it all of the above works, without it this.
    let named = documented("references to secrets in Google Cloud");
    assert_eq!(named, [refused.at("/error/details/permission")], "{:#}", refused.value);

    let mut hits = files(google.project.folder(), LEFT_OUT);
    hits.extend(holding(google.project.folder(), TOKEN));
    assert!(hits.is_empty(), "{hits:#?}");
    google.project.log_is_whole();
}
