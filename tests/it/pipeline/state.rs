//! Security row 20: a lost, replaced or older Terraform state never becomes a plan; what the log knows of it comes from
//! the operations themselves, and a person alone may say otherwise.

use datamcp::error::ErrorCode;
use datamcp::model::{Action, StateVersion, Status};
use datamcp::operation::desk::reconcile::{self, Word};
use datamcp::operation::{call, catalog};
use serde_json::{Value, json};

use super::site::{Site, agent, error, person};
use super::terraform::changes;

const TOOL: &str = "apply_terraform";

fn dev() -> Value {
    json!({ "cloud": "aws", "env": "dev" })
}

fn now() -> Value {
    json!({ "cloud": "aws", "env": "dev", "dry_run": false, "auto_approve": true })
}

/// A site where an apply left the state of lineage `line` at serial 8, with one resource.
async fn applied() -> Site {
    let site = Site::new();
    let answer = site.call(TOOL, now()).await;
    assert_eq!(answer["status"], "succeeded", "{answer}");
    let id = answer["operation_id"].as_str().unwrap().parse().unwrap();
    let events = site.world().log.store().history(id).await.unwrap();
    let mark = events.last().unwrap().event.body.state().expect("the state is on record").clone();
    assert_eq!((mark.version.serial, mark.resources, &*mark.workspace), (8, 1, "default"));
    site
}

fn state(site: &Site, lineage: &str, serial: u64) {
    site.terraform.tell(|s| s.state = StateVersion { lineage: lineage.into(), serial });
}

#[tokio::test]
async fn security_20_a_lost_other_or_older_state_is_no_ground_for_a_plan() {
    for (lineage, serial) in [("", 0), ("other", 9), ("line", 7)] {
        let site = applied().await;
        state(&site, lineage, serial);
        for (tool, request) in
            [(TOOL, dev()), (TOOL, now()), ("destroy_terraform", dev()), ("detect_drift", dev())]
        {
            let answer = site.call(tool, request).await;
            assert_eq!(answer["status"], "refused", "{tool} {lineage} {serial}: {answer}");
            let error = error(&answer);
            assert_eq!(error.code, ErrorCode::EnvironmentBlocked, "{error:?}");
            assert!(error.allowed.unwrap().contains("lineage line serial 8"));
            let (next, id) = (error.next.unwrap(), answer["operation_id"].as_str().unwrap());
            assert!(next.contains(&format!("datamcp reconcile {id} --state")), "{next}");
            assert!(answer["plan_id"].is_null());
        }
        let outputs = catalog::find("terraform_outputs").unwrap();
        let seen = call(&site.world(), &agent(), outputs, dev(), &mut |_| {}).await.answer;
        assert_eq!(error(&seen).code, ErrorCode::EnvironmentBlocked, "{seen}");
        assert_eq!(site.terraform.effects(), 1, "only the first apply");
        assert_eq!(site.blocked("aws/dev").await, None, "it is refused, not blocked");
    }
}

#[tokio::test]
async fn security_20_a_state_that_is_lost_after_the_approval_is_found_under_the_lease() {
    let site = applied().await;
    let plan = site.approved(TOOL, "dev").await;
    state(&site, "", 0);
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(error(&answer).code, ErrorCode::EnvironmentBlocked, "{answer}");
    assert_eq!(site.terraform.count("apply"), 1);
    state(&site, "line", 8);
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "succeeded", "a restored state is right again: {answer}");
}

#[tokio::test]
async fn security_20_work_by_hand_is_said_and_an_emptied_environment_is_fine() {
    let site = applied().await;
    state(&site, "line", 11);
    let answer = site.call(TOOL, dev()).await;
    assert_eq!(answer["status"], "planned", "{answer}");
    assert!(answer["warnings"].to_string().contains("serial 11"), "{answer}");
    site.terraform.tell(|s| {
        s.changes = changes(&[(Action::Delete, "aws_vpc")]);
        s.resources = 0;
    });
    let plan = site.plan("destroy_terraform", "dev").await;
    let asked = site.carry_out("destroy_terraform", &plan).await;
    site.decide("boss", &asked, true).await.unwrap();
    assert_eq!(site.carry_out("destroy_terraform", &plan).await["status"], "succeeded");
    for (lineage, serial) in [("line", 12), ("", 0)] {
        state(&site, lineage, serial);
        let answer = site.call(TOOL, dev()).await;
        assert_eq!(answer["status"], "planned", "{lineage}: {answer}");
        assert!(answer["warnings"].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn security_20_only_a_person_says_that_another_state_is_right() {
    let site = applied().await;
    state(&site, "other", 1);
    let refused = site.call(TOOL, dev()).await;
    let (world, boss) = (site.world(), person("boss"));
    let id = refused["operation_id"].as_str().unwrap();
    let case = reconcile::case(&world, id).await.unwrap();
    let say = async |said, typed| {
        reconcile::reconcile(&world, &boss, &case, said, "moved it", typed).await
    };
    assert_eq!(
        say(Word::Ended(Status::Succeeded), "dev").await.unwrap_err().field.as_deref(),
        Some("as"),
        "nothing ended here"
    );
    assert_eq!(
        say(Word::StateIsRight, "yes").await.unwrap_err().code,
        ErrorCode::PolicyDenied,
        "the name is typed"
    );
    site.later(1);
    say(Word::StateIsRight, "dev").await.unwrap();
    assert_eq!(site.call(TOOL, dev()).await["status"], "planned");
    assert_eq!(site.row(id.parse().unwrap()).await.status, Status::Refused, "it stays what it was");
    let overtaken = say(Word::StateIsRight, "dev").await.unwrap_err();
    assert!(overtaken.message.contains("overtaken"), "{overtaken}");
    state(&site, "third", 1);
    let again = site.call(TOOL, dev()).await;
    assert_eq!(error(&again).code, ErrorCode::EnvironmentBlocked, "exactly that state was meant");
    assert!(error(&again).allowed.unwrap().contains("lineage other serial 1"));
}

#[tokio::test]
async fn security_20_workspaces_and_environments_are_apart() {
    let site = applied().await;
    state(&site, "other", 1);
    let answer = site.call(TOOL, json!({ "cloud": "aws", "env": "dev", "workspace": "two" })).await;
    assert_eq!(answer["status"], "planned", "{answer}");
    assert_eq!(
        site.call(TOOL, json!({ "cloud": "aws", "env": "prod" })).await["status"],
        "planned"
    );
}

#[tokio::test]
async fn bar_28_who_writes_beside_an_apply_makes_an_incident_and_blocks() {
    let site = Site::new();
    site.terraform.tell(|s| {
        s.state_after = Some(StateVersion { lineage: "line".into(), serial: 6 });
    });
    let answer = site.call(TOOL, now()).await;
    assert_eq!(answer["status"], "partial", "{answer}");
    let error = error(&answer);
    assert_eq!(error.code, ErrorCode::EnvironmentBlocked, "{error:?}");
    assert_eq!(error.details["incident"]["kind"], "lost_update");
    assert!(site.blocked("aws/dev").await.unwrap().contains("beside this run"));
    let id = answer["operation_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.row(id).await.error.unwrap().details["incident"]["before"]["serial"], 7);
    let site = Site::new();
    site.terraform.tell(|s| s.missing = vec!["aws_vpc.it".into()]);
    let answer = site.call(TOOL, now()).await;
    assert!(super::site::error(&answer).message.contains("aws_vpc.it"), "{answer}");
}

/// What the use of the state takes is asked for before terraform starts, also for a plan that was approved before.
#[tokio::test]
async fn a_state_that_may_not_be_used_is_refused_before_terraform_starts() {
    let site = applied().await;
    let plan = site.plan(TOOL, "dev").await;
    let outputs = catalog::find("terraform_outputs").unwrap();
    let before = site.terraform.count("plan");
    for lacking in [(vec!["storage.objects.get"], vec![]), (vec![], vec!["storage.objects.create"])]
    {
        let (reads, writes) = lacking.clone();
        let named = [reads.clone(), writes].concat().join(", ");
        site.terraform.tell(|s| s.lacking = Ok(lacking));
        for (tool, request) in [
            (TOOL, dev()),
            (TOOL, json!({ "plan_id": plan, "dry_run": false, "auto_approve": true })),
            ("destroy_terraform", dev()),
            ("detect_drift", dev()),
        ] {
            let refused = error(&site.call(tool, request).await);
            assert_eq!(refused.code, ErrorCode::UpstreamDenied, "{tool}: {refused:?}");
            assert_eq!(refused.details["permission"], named, "{tool}");
            assert!(refused.next.unwrap().contains(&named), "{tool}");
        }
        let seen = call(&site.world(), &agent(), outputs, dev(), &mut |_| {}).await.answer;
        assert_eq!(seen["error"].is_null(), reads.is_empty(), "they are only read: {seen}");
    }
    assert_eq!(site.terraform.count("plan"), before, "terraform has not planned");
    assert_eq!(site.terraform.effects(), 1, "only the first apply");
    assert_eq!(site.blocked("aws/dev").await, None);
    // What cannot be asked is left to terraform.
    let unasked = || datamcp::error::Error::new(ErrorCode::UpstreamFailed, "nobody answers");
    site.terraform.tell(|s| s.lacking = Err(unasked()));
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "approval_required", "{answer}");
    let answer = site.call(TOOL, now()).await;
    assert_eq!(answer["status"], "succeeded", "{answer}");
}
