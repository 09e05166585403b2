//! Promise 7, security row 15, bar 21: canaries go in at every place; they come out nowhere.

use datamcp::error::{Error, ErrorCode};
use datamcp::model::Outcome;
use datamcp::operation::{call, catalog};
use serde_json::json;

use super::site::{Site, agent};

const VARIABLE: &str = "canary-variable-1";
const OUTPUT: &str = "canary-output-22";
const CONFIGURED: &str = "canary-configured-3";
const PLAIN: &str = "canary-plainly-4";
/// In provisioner text and provider errors stand the sensitive values themselves, and shapes of secrets.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const TOKEN: &str = "hunter2-canary-5";

fn all() -> [&'static str; 6] {
    [VARIABLE, OUTPUT, CONFIGURED, PLAIN, KEY, TOKEN]
}

fn nowhere(text: &str, place: &str) {
    for canary in all() {
        assert!(!text.contains(canary), "{canary} in {place}");
    }
}

/// No file of the state folder holds a canary in clear.
fn folder_is_clean(site: &Site) {
    let mut files = 0;
    for entry in walkdir::WalkDir::new(site.state()) {
        let entry = entry.unwrap();
        nowhere(&entry.path().to_string_lossy(), "a path");
        if entry.file_type().is_file() {
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            nowhere(&String::from_utf8_lossy(&bytes), &entry.path().display().to_string());
        }
    }
    assert!(files > 8, "{files} files");
}

fn loud() -> Site {
    let site = Site::new();
    site.configure(
        "key = \"dev\" }",
        &format!("key = \"dev\" }}\nvars = {{ hidden = \"{CONFIGURED}\" }}"),
    );
    let said = format!("doing {VARIABLE} {OUTPUT} {CONFIGURED} {PLAIN} {KEY} password={TOKEN}\n");
    site.terraform.tell(|script| {
        script.text.clone_from(&said);
        script.said.clone_from(&said);
        script.secrets = vec![OUTPUT.into()];
        script.variables.push(datamcp::port::VariableDecl {
            name: "db_password".into(),
            optional: true,
            sensitive: false,
            kind: "string".into(),
        });
    });
    site
}

async fn everything_told(site: &Site, answer: &serde_json::Value) {
    nowhere(&answer.to_string(), "the answer");
    let world = site.world();
    for (tool, request) in [
        ("get_operation", json!({ "id": answer["operation_id"] })),
        ("get_operation", json!({ "id": answer["operation_id"], "log_cursor": 0 })),
        ("list_operations", json!({})),
        ("terraform_outputs", json!({ "cloud": "aws", "env": "dev" })),
        ("list_environments", json!({})),
    ] {
        let tool = catalog::find(tool).unwrap();
        let called = call(&world, &agent(), tool, request, &mut |progress| {
            nowhere(&progress.message, "progress");
        })
        .await;
        let outputs = tool.name == "terraform_outputs";
        let text = called.answer.to_string();
        // Outputs that the module does not mark are given as they are, but for the shapes of secrets.
        for canary in if outputs { vec![KEY, TOKEN] } else { all().to_vec() } {
            assert!(!text.contains(canary), "{canary} in {}: {text}", tool.name);
        }
    }
    let id = answer["operation_id"].as_str().unwrap().parse().unwrap();
    for event in world.log.store().history(id).await.unwrap() {
        nowhere(&serde_json::to_string(&event).unwrap(), "an event");
    }
    nowhere(&serde_json::to_string(&site.row(id).await).unwrap(), "the row");
    for open in world.approvals.open(world.clock.now()).await.unwrap() {
        nowhere(&serde_json::to_string(&open).unwrap(), "an approval");
    }
    folder_is_clean(site);
}

fn request() -> serde_json::Value {
    let vars = json!({ "hidden": VARIABLE, "db_password": PLAIN, "note": "quiet" });
    json!({ "cloud": "aws", "env": "dev", "vars": vars, "dry_run": false })
}

#[tokio::test]
async fn security_15_no_canary_comes_out_of_a_change() {
    let site = loud();
    let asked = site.call("apply_terraform", request()).await;
    assert_eq!(asked["status"], "approval_required", "{asked}");
    everything_told(&site, &asked).await;
    site.decide("boss", &asked, true).await.unwrap();
    let done = site.carry_out("apply_terraform", &asked["plan_id"]).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(done["apply_stdout"].as_str().unwrap().contains("(redacted)"), "{done}");
    everything_told(&site, &done).await;
    // The destruction knows the secrets of the last apply.
    let gone = site.approved("destroy_terraform", "dev").await;
    let gone = site.carry_out("destroy_terraform", &gone).await;
    assert_eq!(gone["status"], "succeeded", "{gone}");
    everything_told(&site, &gone).await;
}

#[tokio::test]
async fn bad_input_36_a_secret_in_a_plain_variable_is_warned_of_and_hidden() {
    let site = loud();
    let mut request = request();
    request["auto_approve"] = json!(true);
    request["dry_run"] = json!(true);
    let answer = site.call("apply_terraform", request).await;
    assert_eq!(answer["status"], "planned", "{answer}");
    let warning = "variable db_password looks like a secret but is not declared sensitive";
    assert!(answer["warnings"].to_string().contains(warning), "{answer}");
    everything_told(&site, &answer).await;
}

#[tokio::test]
async fn security_15_no_canary_comes_out_of_a_failure() {
    let site = loud();
    let said = site.terraform.script.lock().unwrap().said.clone();
    let error = Error::new(ErrorCode::UpstreamFailed, format!("the provider says: {said}"))
        .detail("said", said.clone())
        .next(said.clone());
    site.terraform.tell(|script| {
        script.outcome = Outcome::Failed;
        script.error = Some(error.clone());
    });
    let mut request = request();
    request["auto_approve"] = json!(true);
    let answer = site.call("apply_terraform", request.clone()).await;
    assert_eq!(answer["status"], "failed", "{answer}");
    everything_told(&site, &answer).await;
    // While planning the outputs are not known yet; terraform itself hides them.
    let hide = |text: &str| text.replace(OUTPUT, "(sensitive)");
    site.terraform.tell(|script| script.plan_error = Some(error.map_text(&hide)));
    let answer = site.call("apply_terraform", request).await;
    assert_eq!(answer["status"], "failed", "{answer}");
    everything_told(&site, &answer).await;
}

/// A refusal before anything is known hides every value of every variable.
#[tokio::test]
async fn security_15_no_canary_comes_out_of_a_refusal() {
    let site = Site::new();
    let vars = json!({ "hidden": VARIABLE, "size": OUTPUT, VARIABLE: 1 });
    for more in [json!({}), json!({ "env": "nowhere" }), json!({ "surplus": PLAIN })] {
        let mut request = json!({ "cloud": "aws", "env": "dev", "vars": vars });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = site.call("apply_terraform", request).await;
        assert_eq!(answer["status"], "refused", "{answer}");
        let said = answer.to_string();
        assert!(!said.contains(OUTPUT), "{said}");
        let id = answer["operation_id"].as_str().unwrap().parse().unwrap();
        let row = serde_json::to_string(&site.row(id).await).unwrap();
        assert!(!row.contains(OUTPUT), "{row}");
    }
}
