//! Projects of Google Cloud on the straight path: asked for once, found again, followed, billed, furnished.

use datamcp::error::ErrorCode;
use datamcp::model::{Budget, Status};
use datamcp::operation::{call, catalog};
use datamcp::port::projects::Office;
use serde_json::{Value, json};

use super::faults::Kind;
use super::google::{BILLING, FOLDER, FOREIGN, NUMBER, Next, OWN, failure, refusal};
use super::site::{SETTINGS, Site, actor, agent, error};

mod waits;

pub(super) const ORGANIZATION: &str = r#"
[organizations.acme]
cloud = "gcp"
tier = "dev"
organization_id = "415104041262"
labels = { team = "data" }
"#;

const TOOL: &str = "gcp_create_project";
const ID: &str = "acme-data-4711";
const TARGET: &str = "organization/acme";

fn site() -> Site {
    let settings = SETTINGS.replace(
        "auto_approve = [\"create\", \"update\"]",
        "auto_approve = [\"create\", \"update\", \"delete\"]",
    );
    let site = Site::with(&format!("{settings}{ORGANIZATION}"));
    site.terraform.tell(|script| script.account = OWN.into());
    site
}

fn request() -> Value {
    json!({ "project_id": ID, "billing_account": BILLING, "apis": ["container.googleapis.com"] })
}

fn all_wishes() -> Value {
    let mut request = request();
    for wish in ["remove_default_network", "disable_default_account", "lien"] {
        request[wish] = json!(true);
    }
    request["budget"] = json!({ "amount": 500, "currency": "EUR" });
    request
}

fn real(request: &Value) -> Value {
    let mut request = request.clone();
    request["dry_run"] = json!(false);
    request["auto_approve"] = json!(true);
    request
}

#[track_caller]
fn ended<'a>(answer: &'a Value, status: &str) -> &'a Value {
    assert_eq!(answer["status"], status, "{answer:#}");
    answer
}

/// It is there once, billed, and with its APIs on.
#[track_caller]
fn is_whole(site: &Site, asked: usize) {
    let made = site.google.made(ID);
    assert_eq!(made.billed_to.as_deref(), Some(BILLING));
    assert!(made.apis.contains("container.googleapis.com"), "{:?}", made.apis);
    assert_eq!(made.facts.labels["team"], "data");
    assert_eq!(site.google.script().projects.len(), 1);
    assert_eq!(site.google.script().asked, asked, "calls that ask for it");
}

/// A call whose process dies after Google took it: before the operation's name is `noted`, or after that. How it ended.
async fn dies(site: &Site, noted: bool) -> Status {
    let begin = self::site();
    let id = begin.submit_as(&agent(), TOOL, &real(&all_wishes())).await.unwrap();
    begin.faults.arm(None);
    assert!(begin.supervise(id).await);
    let steps = begin.faults.steps();
    let create = steps.iter().position(|name| *name == "create").unwrap();
    let note = steps.iter().skip(create).position(|name| *name == "note").unwrap();
    let at = if noted { create + note } else { create };
    let id = site.submit_as(&agent(), TOOL, &real(&all_wishes())).await.unwrap();
    site.launched.0.lock().unwrap().clear();
    site.faults.arm(Some((at, Kind::CrashesAfter)));
    assert!(!site.supervise(id).await, "it is not reached");
    site.faults.arm(None);
    site.settle(id).await
}

#[tokio::test]
async fn promise_1_a_dry_run_shows_place_billing_and_project_and_makes_nothing() {
    let site = site();
    let answer = site.call(TOOL, all_wishes()).await;
    ended(&answer, "planned");
    assert_eq!(answer["summary"]["destroy"], 1, "the default network: {answer:#}");
    let text = answer["plan_stdout"].as_str().unwrap();
    for told in [OWN, "acme.example", BILLING, "is not there", "#lien", "#budget: 500 EUR a month"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(site.google.script().asked, 0);
    assert!(site.blocked(TARGET).await.is_none());
}

#[tokio::test]
async fn a_project_is_made_furnished_and_found_again() {
    let site = site();
    let answer = site.call(TOOL, real(&all_wishes())).await;
    ended(&answer, "succeeded");
    assert_eq!(answer["details"]["project_number"], "700000000000");
    assert_eq!(
        answer["details"]["done"],
        json!([
            "project",
            "billing",
            "apis",
            "default_network",
            "default_account",
            "lien",
            "budget"
        ])
    );
    is_whole(&site, 1);
    let done = site.google.script().done.clone();
    let again = site.call(TOOL, real(&all_wishes())).await;
    assert!(ended(&again, "succeeded")["next"].as_str().unwrap().starts_with("nothing to do"));
    assert_eq!(site.google.script().done, done, "nothing twice");
    let mut more = request();
    more["labels"] = json!({ "stage": "dev" });
    let labelled = site.call(TOOL, real(&more)).await;
    assert_eq!(ended(&labelled, "succeeded")["details"]["done"], json!(["labels"]));
    is_whole(&site, 1);
}

#[tokio::test]
async fn a_budget_of_another_amount_is_a_change_and_is_made() {
    let site = site();
    ended(&site.call(TOOL, real(&all_wishes())).await, "succeeded");
    let mut other = all_wishes();
    other["budget"]["amount"] = json!(700);
    let plan = site.call(TOOL, other.clone()).await;
    let text = ended(&plan, "planned")["plan_stdout"].as_str().unwrap();
    assert!(text.contains("700 EUR a month, and no longer 500 EUR"), "{text}");
    assert_eq!(plan["summary"]["resources"][0]["action"], "update", "{plan:#}");
    // Somebody changes it beside us: what was looked at is not what would be changed.
    let set = |amount| {
        let mut script = site.google.script();
        let made = script.projects.get_mut(ID).unwrap();
        made.budget = Some(Budget { amount, currency: "EUR".into() });
    };
    set(600);
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    let refused = error(&site.call(TOOL, late).await);
    assert_eq!(refused.details["changed"], json!(["budget"]), "{refused}");
    let answer = site.call(TOOL, real(&other)).await;
    assert_eq!(ended(&answer, "succeeded")["details"]["done"], json!(["budget"]));
    assert_eq!(site.google.made(ID).budget.unwrap().to_string(), "700 EUR");
    assert_eq!(site.call(TOOL, other.clone()).await["summary"]["text"], "no changes");
    other["budget"]["currency"] = json!("USD");
    let refused = error(&site.call(TOOL, other).await);
    assert_eq!(refused.field.as_deref(), Some("budget.currency"), "{refused}");
    assert_eq!((refused.allowed.as_deref(), refused.next.is_some()), (Some("EUR"), true));
}

#[tokio::test]
async fn promise_2_and_3_a_person_approves_exactly_what_runs_and_the_organization_is_its_target() {
    let site = site();
    site.configure(ORGANIZATION.trim(), &ORGANIZATION.trim().replace("\"dev\"", "\"prod\""));
    let plan = site.call(TOOL, request()).await;
    let carried = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    let asked = site.call(TOOL, carried.clone()).await;
    ended(&asked, "approval_required");
    site.decide("boss", &asked, true).await.unwrap();
    let mut other = carried.clone();
    other["project_id"] = json!("acme-data-4712");
    assert_eq!(error(&site.call(TOOL, other).await).code, ErrorCode::ApprovalMismatch);
    assert_eq!(site.google.script().asked, 0);
    ended(&site.call(TOOL, carried.clone()).await, "succeeded");
    assert_eq!(error(&site.call(TOOL, carried).await).code, ErrorCode::ApprovalUsed);
    let id = asked["operation_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.row(id).await.chain, TARGET);
    is_whole(&site, 1);
}

#[tokio::test]
async fn promise_2_a_project_that_was_made_or_billed_since_the_plan_is_another_change() {
    let site = site();
    let plan = site.call(TOOL, request()).await;
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.google.put(ID, OWN);
    let refused = error(&site.call(TOOL, late).await);
    assert_eq!(refused.code, ErrorCode::ApprovalMismatch);
    assert!(refused.details["changed"].to_string().contains("project number"), "{refused:?}");
    let plan = site.call(TOOL, request()).await;
    let other = "999999-999999-999999";
    site.google.script().projects.get_mut(ID).unwrap().billed_to = Some(other.into());
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    let refused = error(&site.call(TOOL, late).await);
    assert!(refused.details["changed"].to_string().contains("billed to"), "{refused:?}");
    assert_eq!(site.google.made(ID).billed_to.as_deref(), Some(other));
    let plan = site.call(TOOL, request()).await;
    let text = plan["plan_stdout"].as_str().unwrap();
    assert!(text.contains(&format!("and no longer to {other}")), "{text}");
    assert_eq!(site.google.script().asked, 0);
}

/// An approved plan is carried out as another identity, or for another organization: refused, and Google is asked for nothing.
#[tokio::test]
async fn security_19_fault_40_an_identity_that_changes_between_plan_and_apply_is_refused() {
    for settings_too in [false, true] {
        let site = site();
        site.configure(ORGANIZATION.trim(), &ORGANIZATION.trim().replace("\"dev\"", "\"prod\""));
        let plan = site.call(TOOL, request()).await;
        let carried = json!({ "plan_id": plan["plan_id"], "dry_run": false });
        site.decide("boss", &site.call(TOOL, carried.clone()).await, true).await.unwrap();
        site.terraform.tell(|script| script.account = "organizations/999999999999".into());
        if settings_too {
            site.configure(NUMBER, "999999999999");
        }
        let refused = error(&site.call(TOOL, carried.clone()).await);
        if settings_too {
            // Its place is none of this organization any more.
            assert!(
                refused.field.is_some() || refused.details.contains_key("changed"),
                "{refused:?}"
            );
        } else {
            assert_eq!(refused.code, ErrorCode::WrongIdentity, "{refused:?}");
            assert_eq!(refused.given.as_deref(), Some("organizations/999999999999"));
        }
        assert!(refused.next.is_some() || refused.allowed.is_some(), "{refused:?}");
        assert_eq!(site.google.script().asked, 0);
        assert_eq!(site.blocked(TARGET).await, None);
        // With the right one again, the same plan is carried out.
        site.terraform.tell(|script| script.account = OWN.into());
        if settings_too {
            site.configure("999999999999", NUMBER);
        }
        ended(&site.call(TOOL, carried).await, "succeeded");
        is_whole(&site, 1);
    }
}

#[tokio::test]
async fn a_project_belongs_where_it_is_and_settings_bound_where_that_may_be() {
    let site = site();
    site.google.put(ID, FOLDER);
    let refused = error(&site.call(TOOL, real(&request())).await);
    assert_eq!(refused.field.as_deref(), Some("project_id"), "{refused}");
    assert!(refused.next.unwrap().contains("where it is"));
    let mut there = request();
    there["folder_id"] = json!(FOLDER.trim_start_matches("folders/"));
    ended(&site.call(TOOL, real(&there)).await, "succeeded");
    for (field, value) in
        [("folder_id", FOREIGN.trim_start_matches("folders/")), ("org_id", "123456789012")]
    {
        let mut elsewhere = request();
        elsewhere["project_id"] = json!("acme-data-4712");
        elsewhere[field] = json!(value);
        let refused = error(&site.call(TOOL, real(&elsewhere)).await);
        assert_eq!(refused.field.as_deref(), Some(field), "{refused}");
        assert!(refused.allowed.is_some(), "{refused}");
    }
    site.google.script().projects.get_mut(ID).unwrap().facts.state = "DELETE_REQUESTED".into();
    let refused = error(&site.call(TOOL, real(&there)).await);
    assert!(refused.message.contains("DELETE_REQUESTED") && refused.next.is_some(), "{refused}");
    assert_eq!(site.google.script().asked, 0);
}

#[tokio::test]
async fn billing_that_is_closed_or_not_permitted_stops_it_before_anything_is_made() {
    let site = site();
    site.google.script().closed = true;
    let refused = error(&site.call(TOOL, real(&request())).await);
    assert_eq!(refused.field.as_deref(), Some("billing_account"), "{refused}");
    assert!(refused.message.contains("is closed") && refused.next.is_some(), "{refused}");
    site.google.script().closed = false;
    for permission in ["billing.resourceAssociations.create", "resourcemanager.projects.create"] {
        site.google.script().without = [permission].into();
        let plan = site.call(TOOL, request()).await;
        assert!(ended(&plan, "planned")["warnings"].to_string().contains(permission), "{plan:#}");
        let refused = error(&site.call(TOOL, real(&request())).await);
        assert_eq!(refused.code, ErrorCode::UpstreamDenied);
        assert_eq!(refused.details["permission"], permission);
    }
    site.google.script().without.clear();
    assert_eq!(site.google.script().asked, 0);
    // What only the call itself tells leaves the project, and the same call goes on.
    site.google.script().unbilled = (1, Some(refusal("FAILED_PRECONDITION")));
    let partial = site.call(TOOL, real(&request())).await;
    assert_eq!(ended(&partial, "partial")["details"]["done"], json!(["project"]));
    assert!(error(&partial).next.unwrap().contains("billing account"));
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}

#[tokio::test]
async fn the_quota_and_every_failure_are_told_with_a_next_step() {
    let site = site();
    site.google.script().next.push_back(Next::Refused("RESOURCE_EXHAUSTED"));
    let answer = site.call(TOOL, real(&request())).await;
    assert!(error(ended(&answer, "failed")).next.unwrap().contains("quota of projects"));
    for code in ["RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "PERMISSION_DENIED", "code 17"] {
        site.google.script().fails = Some((Office::Projects, failure(code)));
        let answer = site.call(TOOL, real(&request())).await;
        let told = error(ended(&answer, "failed"));
        assert_eq!(told.details["reason"], code);
        assert!(told.message.contains("Google says no") && told.next.is_some(), "{told:?}");
    }
    site.google.script().fails = Some((Office::Services, failure("MOON_PHASE")));
    let answer = site.call(TOOL, real(&request())).await;
    let told = error(ended(&answer, "partial"));
    assert!(told.message.contains("not known here") && told.next.is_some(), "{told:?}");
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 5);
    // What nobody foresaw, while it is looked at and while it is done.
    let mut nowhere = request();
    nowhere["folder_id"] = json!("777");
    assert!(error(&site.call(TOOL, nowhere).await).next.is_some());
    site.google.script().ungiven = Some(refusal("CONDITION_NOT_MET"));
    let answer = site.call(TOOL, real(&all_wishes())).await;
    assert!(error(ended(&answer, "partial")).next.is_some(), "{answer:#}");
}

#[tokio::test]
async fn roles_limit_who_makes_projects() {
    let site = site();
    let reader = actor("os:reader", "reader");
    ended(&site.call_as(&reader, TOOL, request()).await, "planned");
    let refused = error(&site.call_as(&reader, TOOL, real(&request())).await);
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
    assert_eq!(site.google.script().asked, 0);
}

#[tokio::test]
async fn an_id_of_somebody_else_is_told_in_the_answer_and_by_the_operation() {
    for tells_later in [false, true] {
        let site = site();
        site.google.script().tells_later = tells_later;
        site.google.script().taken = [ID.to_owned()].into();
        let answer = site.call(TOOL, real(&request())).await;
        let told = error(ended(&answer, "failed"));
        assert_eq!(
            (told.code, told.field.as_deref()),
            (ErrorCode::InvalidRequest, Some("project_id"))
        );
        assert!(told.next.unwrap().contains("another id"));
        // Nothing of ours is open: the same call is answered the same at once.
        let again = site.call(TOOL, real(&request())).await;
        assert_eq!(error(ended(&again, "failed")).code, ErrorCode::InvalidRequest);
        assert_eq!(site.google.script().asked, 2);
    }
}

/// The supervisor dies after Google took the call and before the operation's name is noted, and the project is still being
/// made when the next one asks: the id that is taken is our own.
#[tokio::test]
async fn promise_6_a_project_of_our_own_that_is_still_being_made_is_not_somebody_else_s() {
    for tells_later in [false, true] {
        let site = site();
        site.google.script().tells_later = tells_later;
        // A plan looks once, and the call twice before it asks: it is not there then.
        site.google.script().going = 6;
        assert_eq!(dies(&site, false).await, Status::Partial);
        site.google.script().going = 0;
        let plan = site.call(TOOL, all_wishes()).await;
        let text = ended(&plan, "planned")["plan_stdout"].as_str().unwrap();
        assert!(text.contains("asked for by an earlier call"), "{text}");
        let answer = site.call(TOOL, real(&all_wishes())).await;
        ended(&answer, "succeeded");
        is_whole(&site, 2);
        let again = site.call(TOOL, all_wishes()).await;
        assert_eq!(again["summary"]["text"], "no changes", "{again:#}");
    }
}

/// It becomes visible between two looks of one plan: what was approved is done, and nobody asks again.
#[tokio::test]
async fn promise_6_a_project_of_our_own_that_appears_meanwhile_is_what_the_plan_is_about() {
    let site = site();
    site.google.script().going = 2;
    dies(&site, false).await;
    let plan = site.call(TOOL, all_wishes()).await;
    assert!(!site.google.script().projects.contains_key(ID));
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.google.script().going = 0;
    ended(&site.call(TOOL, late).await, "succeeded");
    is_whole(&site, 1);
    // Billed to another account meanwhile, it is another change.
    let other = self::site();
    other.google.script().going = 2;
    dies(&other, false).await;
    let plan = other.call(TOOL, all_wishes()).await;
    drop(other.call(TOOL, all_wishes()).await);
    let account = Some("999999-999999-999999".to_owned());
    other.google.script().projects.get_mut(ID).unwrap().billed_to = account;
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    assert_eq!(error(&other.call(TOOL, late).await).code, ErrorCode::ApprovalMismatch);
}

/// Its process dies around every step of a run, again and again in fresh sites: the same call brings it to its end, and
/// nobody asks for a second project.
#[tokio::test]
async fn promise_6_a_death_at_any_step_never_makes_two_projects() {
    let begin = site();
    let id = begin.submit_as(&agent(), TOOL, &real(&all_wishes())).await.unwrap();
    begin.faults.arm(None);
    assert!(begin.supervise(id).await);
    let steps = begin.faults.steps();
    for phase in ["create", "bill", "enable", "give"] {
        assert!(steps.contains(&phase), "{phase}: {steps:?}");
    }
    for kind in [Kind::CrashesBefore, Kind::CrashesAfter] {
        for (at, name) in steps.iter().enumerate() {
            let site = site();
            let id = site.submit_as(&agent(), TOOL, &real(&all_wishes())).await.unwrap();
            site.launched.0.lock().unwrap().clear();
            site.faults.arm(Some((at, kind)));
            if site.supervise(id).await {
                continue;
            }
            site.faults.arm(None);
            let status = site.settle(id).await;
            assert_ne!(status, Status::Unknown, "{name} {at} {kind:?}");
            assert_eq!(site.blocked(TARGET).await, None, "{name} {at} {kind:?}");
            let again = site.call(TOOL, real(&all_wishes())).await;
            assert_eq!(again["status"], "succeeded", "{name} {at} {kind:?}: {again:#}");
            is_whole(&site, 1);
            let made = site.google.made(ID);
            assert_eq!((made.extras.len(), made.budget.is_some()), (3, true), "{name} {at}");
            let mut done = site.google.script().done.clone();
            done.sort();
            done.dedup();
            assert_eq!(done.len(), site.google.script().done.len(), "nothing twice: {name} {at}");
        }
    }
}

/// Faults 4 and 7: it stops at the next step or rest, once; what Google does goes on, and the same call follows it.
#[tokio::test]
async fn faults_4_and_7_a_wish_to_stop_ends_the_work_and_the_same_call_goes_on() {
    let site = site();
    site.google.script().going = 1000;
    let id = site.submit_as(&agent(), TOOL, &real(&request())).await.unwrap();
    site.launched.0.lock().unwrap().clear();
    let cancel = async {
        while site.google.script().asked == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let tool = catalog::find("cancel_operation").unwrap();
        let mut told = Vec::new();
        for _ in 0..2 {
            let wish = json!({ "id": id });
            let said = call(&site.world(), &agent(), tool, wish, &mut |_| {}).await.answer;
            assert_eq!(said["status"], "running", "{said:#}");
            told.push(said["next"].as_str().unwrap().to_owned());
        }
        assert!(told[1].contains("was asked to stop before"), "{told:?}");
    };
    let (lived, ()) = tokio::join!(site.supervise(id), cancel);
    assert!(lived);
    let answer = site.world().runs.result(id).await.unwrap().unwrap();
    let stopped = error(ended(&answer, "cancelled"));
    assert_eq!(stopped.code, ErrorCode::Cancelled);
    assert!(stopped.next.unwrap().contains("the same call again"));
    assert_eq!(site.blocked(TARGET).await, None);
    let plan = site.call(TOOL, request()).await;
    let text = plan["plan_stdout"].as_str().unwrap();
    assert!(text.contains("is being made by operations/cp.0"), "{text}");
    site.google.script().hurry();
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    is_whole(&site, 1);
}
