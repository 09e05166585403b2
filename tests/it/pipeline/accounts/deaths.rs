//! Its process dies around every step of a run, again and again in fresh sites: the same call brings it to its end, and
//! nobody asks for a second account.

use serde_json::{Value, json};

use datamcp::model::Status;

use super::super::faults::Kind;
use super::super::organizations::UNIT;
use super::super::site::{Site, agent};
use super::{EMAIL, TOOL, real, request, site};

/// What is run, after what has happened before.
async fn dies_everywhere(before: Option<&Value>, wanted: &Value, least: usize) {
    let prepared = async || {
        let site = site();
        site.configure(
            "auto_approve = [\"create\", \"update\"]",
            "auto_approve = [\"create\", \"update\", \"delete\"]",
        );
        if let Some(before) = before {
            assert_eq!(site.call(TOOL, real(before)).await["status"], "succeeded");
        }
        for (region, vpc) in [("eu-west-1", "vpc-1"), ("us-east-1", "vpc-2")] {
            site.organization.vpcs.lock().unwrap().insert(region.into(), vpc.into());
        }
        site
    };
    let whole = prepared().await;
    let id = whole.submit_as(&agent(), TOOL, &real(wanted)).await.unwrap();
    whole.faults.arm(None);
    assert!(whole.supervise(id).await);
    let steps = whole.faults.steps();
    assert!(steps.len() > least, "{}", steps.len());
    for kind in [Kind::CrashesBefore, Kind::CrashesAfter] {
        for (at, name) in steps.iter().enumerate() {
            let site = prepared().await;
            let id = site.submit_as(&agent(), TOOL, &real(wanted)).await.unwrap();
            site.launched.0.lock().unwrap().clear();
            site.faults.arm(Some((at, kind)));
            if site.supervise(id).await {
                continue;
            }
            site.faults.arm(None);
            let status = site.settle(id).await;
            assert_ne!(status, Status::Unknown, "{name} {at} {kind:?}");
            assert_eq!(site.blocked("organization/acme").await, None, "{name} {at} {kind:?}");
            let again = site.call(TOOL, real(wanted)).await;
            assert_eq!(again["status"], "succeeded", "{name} {at} {kind:?}: {again:#}");
            is_whole(&site, wanted, &format!("{name} {at} {kind:?}"));
        }
    }
}

#[track_caller]
fn is_whole(site: &Site, wanted: &Value, when: &str) {
    let organization = &site.organization;
    assert_eq!(organization.asked(), 1, "{when}");
    let member = organization.member(EMAIL).unwrap();
    assert_eq!(member.parent, UNIT, "{when}");
    for (key, value) in wanted["tags"].as_object().into_iter().flatten() {
        assert_eq!(member.tags[key], *value, "{when}");
    }
    for (kind, contact) in wanted["contacts"].as_object().into_iter().flatten() {
        let there = organization.contacts.lock().unwrap()[kind].phone.clone();
        assert_eq!(contact["phone"], there, "{when}");
    }
    if wanted["close_default_vpcs"] == true {
        assert!(organization.vpcs.lock().unwrap().is_empty(), "{when}");
    }
}

#[tokio::test]
async fn promise_6_a_death_at_any_step_never_makes_two_accounts() {
    dies_everywhere(None, &request(), 20).await;
}

#[tokio::test]
async fn promise_6_a_death_while_an_account_is_furnished_leaves_nothing_half_done() {
    let mut wanted = request();
    wanted["tags"] = json!({ "team": "data" });
    let contact =
        |phone: &str| json!({ "name": "N", "title": "T", "email": "a@b.co", "phone": phone });
    wanted["contacts"] = json!({ "BILLING": contact("+1"), "SECURITY": contact("+2") });
    wanted["close_default_vpcs"] = json!(true);
    // It is there, under other tags and in its place: only what is new is done.
    let mut before = request();
    before["tags"] = json!({ "team": "platform" });
    dies_everywhere(Some(&before), &wanted, 25).await;
}
