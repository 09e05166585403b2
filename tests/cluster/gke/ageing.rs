//! Fault 43: the deployer's tokens end while helm waits. The API server asks the stand-in for Google about each token that
//! it is shown, and an ended one opens nothing.

use std::time::Instant;

use serde_json::{Value, json};

use super::{CANARY, DEPLOYER, Google, told};
use crate::helm::ageing::kept_waiting;
use crate::helm::child;

/// How long a token of the deployer lasts; the person's own outlive the test.
const LIFE: u32 = 60;

impl Google {
    /// With a release that waits for a node.
    fn waiting() -> Self {
        let google = Self::lasting(3600, Some(LIFE));
        google.project.waits_for_a_node();
        google
    }

    /// The deployer's tokens that the API server was shown.
    fn shown(&self) -> Vec<Value> {
        let all = told(&self.project.lab, &json!({ "tokens": self.person }))["tokens"].clone();
        let all = all.as_array().unwrap().iter();
        let shown =
            |token: &&Value| token["email"] == DEPLOYER && !token["uses"]["tokeninfo"].is_null();
        all.filter(shown).cloned().collect()
    }
}

#[test]
fn fault_43_tokens_that_end_after_a_minute_are_renewed_while_helm_waits_in_gke() {
    let google = Google::waiting();
    let since = Instant::now();
    let (id, _) = google.project.hanging_in("gcp-dev");
    kept_waiting(&google.project, since);
    let ended = google.project.end(&id).expect("succeeded");
    assert_eq!(ended.value["result"]["details"]["release_status"], "deployed", "{:#}", ended.value);
    let shown = google.shown();
    let time = |token: &Value, name: &str| token[name].as_f64().unwrap();
    assert!(shown.len() >= 2, "the API server saw one token only: {shown:#?}");
    let (first, last) = (&shown[0], &shown[shown.len() - 1]);
    assert!(time(last, "until") > time(first, "until") + 15.0, "{shown:#?}");
    assert!(shown.iter().all(|token| token["refused"] == 0), "none was shown late: {shown:#?}");
    assert_eq!(google.project.first_revision(), "deployed");
    assert!(!google.project.seen().contains(CANARY));
}

/// The control: the same when the person's sign-in is revoked meanwhile.
#[test]
fn fault_43_without_renewal_the_same_release_does_not_get_deployed_in_gke() {
    let google = Google::waiting();
    let since = Instant::now();
    let (id, _) = google.project.hanging_in("gcp-dev");
    let person = google.person.clone();
    for gone in [&google.refresh, &person] {
        told(&google.project.lab, &json!({ "revoke": gone }));
    }
    kept_waiting(&google.project, since);
    let ended = google.project.end(&id);
    assert_ne!(ended.text("/status"), "succeeded", "{:#}", ended.value);
    assert_ne!(google.project.first_revision(), "deployed", "{:#}", ended.value);
    assert!(!google.project.seen().contains(CANARY));
}

#[test]
fn security_14_nothing_inherited_reaches_helm_and_no_token_of_google_lies_in_its_run() {
    let mut google = Google::new();
    child::plant(&mut google.project);
    let (id, pid) = google.project.hanging_in("gcp-dev");
    child::is_clean(&google.project, &id, pid, &[CANARY]);
    google.project.call("cancel_operation", &json!({ "id": id }));
    assert_eq!(google.project.end(&id).text("/status"), "cancelled");
}
