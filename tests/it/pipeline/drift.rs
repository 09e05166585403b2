//! Fault 41: what changed in the world after a plan was computed stops the plan once it is old, and of a younger one it
//! is said that nobody looked.

use std::collections::BTreeMap;

use datamcp::error::ErrorCode;
use datamcp::model::{Action, Digest};
use serde_json::json;

use super::site::{Site, error};
use super::terraform::{Drift, changes};

const TOOL: &str = "apply_terraform";

/// A site whose plan updates `aws_vpc.it`, which looks like `planned`; a refresh finds these to have drifted.
fn site(planned: &str, drifted: &[(&str, &str)]) -> Site {
    let site = Site::new();
    let update: Vec<(Action, &str)> =
        drifted.iter().map(|(kind, _)| (Action::Update, *kind)).collect();
    let seen = drifted.iter().map(|(kind, now)| (format!("{kind}.it"), Digest::of(*now))).collect();
    site.terraform.tell(|script| {
        script.changes = changes(&[(Action::Update, "aws_vpc")]);
        script.seen = BTreeMap::from([("aws_vpc.it".into(), Digest::of(planned))]);
        script.drift = Some(Drift { changes: changes(&update), seen });
    });
    site
}

#[tokio::test]
async fn fault_41_drift_in_what_an_old_plan_touches_is_refused_naming_it() {
    let site = site("as planned", &[("aws_vpc", "by hand"), ("aws_subnet", "too")]);
    let plan = site.approved(TOOL, "dev").await;
    site.later(11 * 60);
    let answer = site.carry_out(TOOL, &plan).await;
    let error = error(&answer);
    assert_eq!(error.code, ErrorCode::StalePlan, "{answer}");
    assert_eq!(error.details["drifted"], json!(["aws_vpc.it"]));
    assert_eq!(site.terraform.count("apply"), 0);
    assert_eq!(site.blocked("aws/dev").await, None);
    site.terraform.tell(|script| script.drift = Some(Drift::default()));
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "succeeded", "the approval was not spent: {answer}");
    assert_eq!(answer["details"]["drift_since_plan"], "none");
}

#[tokio::test]
async fn fault_41_a_young_plan_says_that_nobody_looked() {
    let site = site("as planned", &[("aws_vpc", "by hand")]);
    let plan = site.approved(TOOL, "dev").await;
    site.later(9 * 60);
    let answer = site.carry_out(TOOL, &plan).await;
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert_eq!(answer["details"]["drift_since_plan"], "not checked");
    assert_eq!(site.terraform.count("plan"), 1);
}

#[tokio::test]
async fn fault_41_drift_that_the_plan_knows_or_does_not_touch_stops_nothing() {
    for (drifted, told) in [
        (("aws_vpc", "as planned"), "none"),
        (("aws_subnet", "by hand"), "none in what the plan touches; 1 elsewhere"),
    ] {
        let site = site("as planned", &[drifted]);
        let plan = site.approved(TOOL, "dev").await;
        site.later(11 * 60);
        let answer = site.carry_out(TOOL, &plan).await;
        assert_eq!(answer["status"], "succeeded", "{answer}");
        assert!(answer["details"]["drift_since_plan"].as_str().unwrap().starts_with(told));
    }
}

#[tokio::test]
async fn fault_41_the_settings_say_from_which_age_on() {
    let site = site("as planned", &[("aws_vpc", "by hand")]);
    site.configure("[principals.agent]", "[terraform]\ndrift_after_min = 0\n[principals.agent]");
    let plan = site.approved(TOOL, "dev").await;
    assert_eq!(error(&site.carry_out(TOOL, &plan).await).code, ErrorCode::StalePlan);
}
