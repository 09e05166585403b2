//! Accounts on the straight path: asked for once, found again, followed, placed, furnished.

use aws_sdk_organizations::types::CreateAccountFailureReason;
use datamcp::error::ErrorCode;
use serde_json::{Value, json};

mod deaths;
mod limits;

use super::organizations::{Next, ROOT, UNIT};
use super::site::{SETTINGS, Site, actor, error};

pub(crate) const ORGANIZATION: &str = r#"
[organizations.acme]
tier = "dev"
account_id = "123456789012"
region = "eu-west-1"
"#;

const TOOL: &str = "aws_create_account";
const EMAIL: &str = "aws+dev@example.com";

fn site() -> Site {
    Site::with(&format!("{SETTINGS}{ORGANIZATION}"))
}

fn request() -> Value {
    json!({ "email": EMAIL, "account_name": "dev", "ou_id": UNIT })
}

fn real(request: &Value) -> Value {
    let mut request = request.clone();
    request["dry_run"] = json!(false);
    request["auto_approve"] = json!(true);
    request
}

fn ended<'a>(answer: &'a Value, status: &str) -> &'a Value {
    assert_eq!(answer["status"], status, "{answer:#}");
    answer
}

#[tokio::test]
async fn promise_1_a_dry_run_shows_organization_and_account_and_makes_nothing() {
    let site = site();
    let answer = site.call(TOOL, request()).await;
    ended(&answer, "planned");
    assert_eq!(answer["summary"]["add"], 1);
    assert_eq!(answer["summary"]["change"], 1, "it is moved");
    let text = answer["plan_stdout"].as_str().unwrap();
    for told in ["o-abcdefghij", "123456789012", "0 accounts", "is not there", "Workloads"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert_eq!(site.organization.asked(), 0);
    assert!(site.blocked("organization/acme").await.is_none());
}

#[tokio::test]
async fn an_account_is_made_placed_and_found_again() {
    let site = site();
    let mut wanted = request();
    wanted["tags"] = json!({ "team": "data" });
    let answer = site.call(TOOL, real(&wanted)).await;
    ended(&answer, "succeeded");
    assert_eq!(answer["details"]["account_id"], "000000000001");
    assert_eq!(
        answer["details"]["access_role"],
        "arn:aws:iam::000000000001:role/OrganizationAccountAccessRole"
    );
    let member = site.organization.member(EMAIL).unwrap();
    assert_eq!((member.parent.as_str(), member.tags["team"].as_str()), (UNIT, "data"));
    let again = site.call(TOOL, real(&wanted)).await;
    ended(&again, "succeeded");
    assert!(again["next"].as_str().unwrap().starts_with("nothing to do"));
    wanted["tags"] = json!({ "team": "platform" });
    wanted["ou_id"] = json!(ROOT);
    ended(&site.call(TOOL, real(&wanted)).await, "succeeded");
    let member = site.organization.member(EMAIL).unwrap();
    assert_eq!((member.parent.as_str(), member.tags["team"].as_str()), (ROOT, "platform"));
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn promise_2_a_person_approves_exactly_what_runs_and_the_organization_is_its_target() {
    let site = site();
    site.configure(ORGANIZATION.trim(), &ORGANIZATION.trim().replace("\"dev\"", "\"prod\""));
    let plan = site.call(TOOL, request()).await;
    let carried = json!({ "plan_id": plan["plan_id"], "dry_run": false });
    let asked = site.call(TOOL, carried.clone()).await;
    ended(&asked, "approval_required");
    site.decide("boss", &asked, true).await.unwrap();
    let other = json!({ "plan_id": plan["plan_id"], "dry_run": false, "email": "b@example.com" });
    assert_eq!(error(&site.call(TOOL, other).await).code, ErrorCode::ApprovalMismatch);
    ended(&site.call(TOOL, carried.clone()).await, "succeeded");
    assert_eq!(error(&site.call(TOOL, carried).await).code, ErrorCode::ApprovalUsed);
    let id = asked["operation_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.row(id).await.chain, "organization/acme");
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn a_plan_is_void_when_the_account_appears_meanwhile() {
    let site = site();
    let plan = site.call(TOOL, request()).await;
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    let late = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    let refused = error(&site.call(TOOL, late).await);
    assert_eq!(refused.code, ErrorCode::ApprovalMismatch);
    assert!(refused.details["changed"].to_string().contains("new account"), "{refused:?}");
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn an_address_belongs_to_one_account_and_one_name() {
    let site = site();
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    let mut other = request();
    other["account_name"] = json!("prod");
    let refused = error(&site.call(TOOL, real(&other)).await);
    assert_eq!(refused.field.as_deref(), Some("email"), "{refused}");
    assert!(refused.message.contains("000000000001"), "{refused}");
    other["email"] = json!("aws+two@example.com");
    other["account_name"] = json!("dev");
    let plan = site.call(TOOL, other).await;
    assert!(plan["warnings"].to_string().contains("has this name too"), "{plan:#}");
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn an_account_that_is_closed_is_not_taken_up_again() {
    let site = site();
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    for state in ["SUSPENDED", "PENDING_CLOSURE", "CLOSED"] {
        state.clone_into(&mut site.organization.members.lock().unwrap()[0].account.state);
        for wanted in [request(), real(&request())] {
            let refused = error(&site.call(TOOL, wanted).await);
            assert_eq!(refused.code, ErrorCode::InvalidRequest, "{refused}");
            assert_eq!(refused.field.as_deref(), Some("email"));
            assert!(refused.message.contains(state) && refused.next.is_some(), "{refused}");
        }
    }
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn a_plan_warns_when_the_quota_is_met_and_only_of_another_account() {
    let site = site();
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    let mut other = request();
    other["email"] = json!("aws+two@example.com");
    for (quota, warned) in [(2, false), (1, true), (0, true)] {
        *site.organization.quota.lock().unwrap() = Some(quota);
        let plan = site.call(TOOL, other.clone()).await;
        let told = plan["warnings"].to_string();
        assert_eq!(told.contains("AWS refuses another"), warned, "{quota}: {told}");
        let again = site.call(TOOL, request()).await;
        assert!(!again["warnings"].to_string().contains("quota"), "it is there: {again:#}");
    }
}

#[tokio::test]
async fn only_the_management_account_makes_accounts() {
    let site = site();
    *site.organization.management.lock().unwrap() = Some("999999999999".into());
    let plan = site.call(TOOL, request()).await;
    ended(&plan, "planned");
    assert!(plan["warnings"].to_string().contains("not the management account"), "{plan:#}");
    let refused = error(&site.call(TOOL, real(&request())).await);
    assert_eq!(refused.code, ErrorCode::WrongIdentity);
    assert_eq!(refused.allowed.as_deref(), Some("999999999999"));
    site.terraform.script.lock().unwrap().account = "111111111111".into();
    let refused = error(&site.call(TOOL, request()).await);
    assert_eq!(refused.code, ErrorCode::WrongIdentity);
    assert!(refused.message.contains("organization/acme"), "{refused}");
    assert_eq!(site.organization.asked(), 0);
}

#[tokio::test]
async fn settings_bound_addresses_and_units() {
    let site = site();
    let bounded =
        format!("{ORGANIZATION}units = [\"{UNIT}\"]\nemail_domains = [\"example.com\"]\n");
    site.configure(ORGANIZATION, &bounded);
    let mut wanted = request();
    wanted["ou_id"] = json!(ROOT);
    assert_eq!(error(&site.call(TOOL, wanted.clone()).await).field.as_deref(), Some("ou_id"));
    wanted["ou_id"] = Value::Null;
    ended(&site.call(TOOL, real(&wanted)).await, "succeeded");
    assert_eq!(site.organization.member(EMAIL).unwrap().parent, UNIT, "the only choice");
    wanted["email"] = json!("aws@example.org");
    assert_eq!(error(&site.call(TOOL, wanted).await).field.as_deref(), Some("email"));
    let mut unknown = request();
    unknown["organization"] = json!("amce");
    let refused = error(&site.call(TOOL, unknown).await);
    assert_eq!(refused.next.as_deref(), Some("did you mean acme"));
}

#[tokio::test]
async fn an_ou_of_another_organization_is_refused() {
    let site = site();
    let mut wanted = request();
    wanted["ou_id"] = json!("ou-ab12-99999999");
    let refused = error(&site.call(TOOL, wanted).await);
    assert_eq!(refused.field.as_deref(), Some("ou_id"));
    assert!(refused.message.contains("o-abcdefghij"), "{refused}");
}

#[tokio::test]
async fn a_busy_organization_is_waited_for_and_asked_again() {
    let site = site();
    site.organization.answers([Next::Busy, Next::Unfinished]);
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_not_asked_again() {
    let site = site();
    site.organization.answers([Next::LosesItsAnswer]);
    *site.organization.going.lock().unwrap() = 2;
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    assert_eq!(site.organization.asked(), 1);
}

#[tokio::test]
async fn a_namesake_s_request_is_not_taken_for_a_lost_one() {
    let site = site();
    let mut other = request();
    other["email"] = json!("aws+other@example.com");
    other["ou_id"] = json!(ROOT);
    ended(&site.call(TOOL, real(&other)).await, "succeeded");
    site.organization.answers([Next::LosesItsAnswer]);
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
    assert_eq!(site.organization.member(EMAIL).unwrap().account.id, "000000000002");
    assert_eq!(site.organization.member("aws+other@example.com").unwrap().parent, ROOT);

    // Ours is lost on the way while somebody asks for one of the same name.
    *site.organization.going.lock().unwrap() = 1;
    site.organization.answers([Next::IsLostBesideANamesake]);
    let mut third = request();
    third["email"] = json!("aws+third@example.com");
    third["account_name"] = json!("third");
    let answer = site.call(TOOL, real(&third)).await;
    ended(&answer, "failed");
    assert!(error(&answer).message.contains("another account"), "{answer:#}");
    let namesake = site.organization.member(super::organizations::NAMESAKE).unwrap();
    assert_eq!(namesake.parent, ROOT, "not moved");
    ended(&site.call(TOOL, real(&third)).await, "succeeded");
    assert_eq!(site.organization.member("aws+third@example.com").unwrap().parent, UNIT);
    assert_eq!(site.organization.asked(), 4);
}

#[tokio::test]
async fn the_quota_and_every_failure_are_told_with_a_next_step() {
    let site = site();
    site.organization.answers([Next::Quota]);
    let answer = site.call(TOOL, real(&request())).await;
    ended(&answer, "failed");
    assert!(error(&answer).next.unwrap().contains("quota"));
    // All that the service's own model names, and one that it does not.
    let known = CreateAccountFailureReason::values();
    assert!(known.len() > 14, "{known:?}");
    for reason in known.iter().copied().chain(["NEW_REASON"]) {
        *site.organization.failure.lock().unwrap() = Some(reason.into());
        let answer = site.call(TOOL, real(&request())).await;
        ended(&answer, "failed");
        let failure = error(&answer);
        assert_eq!(failure.details["reason"], reason);
        assert!(failure.message.contains(reason) && failure.next.is_some(), "{failure}");
        let is_new = failure.message.contains("this version does not know");
        assert_eq!(is_new, reason == "NEW_REASON", "{failure}");
        assert_eq!(answer["details"].get("account_id"), None, "no account, no id");
    }
    ended(&site.call(TOOL, real(&request())).await, "succeeded");
}

#[tokio::test]
async fn a_new_account_is_furnished_and_only_with_what_is_missing() {
    let site = site();
    let organization = &site.organization;
    organization.vpcs.lock().unwrap().insert("eu-west-1".into(), "vpc-1".into());
    site.configure(
        "auto_approve = [\"create\", \"update\"]",
        "auto_approve = [\"create\", \"update\", \"delete\"]",
    );
    let mut wanted = request();
    let contact = json!({ "name": "N", "title": "T", "email": "a@b.co", "phone": "+1" });
    wanted["contacts"] = json!({ "BILLING": contact });
    wanted["close_default_vpcs"] = json!(true);
    let answer = site.call(TOOL, real(&wanted)).await;
    ended(&answer, "succeeded");
    assert_eq!(
        answer["details"]["done"],
        json!(["account", "place", "contact_BILLING", "default_vpc_eu-west-1"])
    );
    assert!(organization.vpcs.lock().unwrap().is_empty());
    let again = site.call(TOOL, wanted.clone()).await;
    assert_eq!(again["summary"]["text"], "no changes", "{again:#}");
    wanted["contacts"]["BILLING"]["phone"] = json!("+2");
    let changed = site.call(TOOL, wanted).await;
    assert_eq!(changed["summary"]["resources"][0]["action"], "update", "{changed:#}");
}

#[tokio::test]
async fn roles_limit_who_makes_accounts() {
    let site = site();
    let reader = actor("os:reader", "reader");
    ended(&site.call_as(&reader, TOOL, request()).await, "planned");
    let refused = error(&site.call_as(&reader, TOOL, real(&request())).await);
    assert_eq!(refused.code, ErrorCode::PolicyDenied);
}
