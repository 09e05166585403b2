//! What the bucket of a state should be like: each setting, read from the bucket as the API describes it, and the change
//! that mends it. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::text;
use crate::model::GcsTerms;

/// How long versions of a state that were replaced stay. Each lock and unlock makes versions too.
const OLD_VERSIONS_DAYS: u32 = 90;
/// Newest of them that stay for ever.
const KEEP_VERSIONS: u32 = 10;
/// Days that deleted objects can be restored: Google's own default.
const SOFT_DELETE_DAYS: u64 = 7;
const DAY: u64 = 24 * 60 * 60;

/// Settings in the order in which they are made; the bucket itself is before them.
pub(super) const SETTINGS: [&str; 7] = [
    "uniform_access",
    "public_access_prevention",
    "versioning",
    "soft_delete",
    "lifecycle",
    "encryption",
    "labels",
];

/// One setting: how it is (none: never set), how it should be, whether that is the same.
pub(super) struct Judged {
    pub(super) seen: Option<String>,
    pub(super) wanted: String,
    pub(super) right: bool,
}

fn either(on: Option<bool>, wanted: &str) -> Judged {
    Judged {
        seen: on.map(|on| if on { wanted } else { "set otherwise" }.to_owned()),
        wanted: wanted.to_owned(),
        right: on == Some(true),
    }
}

/// A setting as it is; `None` where settings ask for nothing.
pub(super) fn seen(terms: &GcsTerms, setting: &str, bucket: &Value) -> Option<Judged> {
    let switch = |at: &str| bucket.pointer(at).and_then(Value::as_bool);
    Some(match setting {
        "uniform_access" => either(
            switch("/iamConfiguration/uniformBucketLevelAccess/enabled"),
            "permissions by IAM alone",
        ),
        "public_access_prevention" => {
            let set = bucket.pointer("/iamConfiguration/publicAccessPrevention");
            either(set.map(|set| set == "enforced"), "enforced")
        }
        "versioning" => either(switch("/versioning/enabled"), "enabled"),
        "soft_delete" => soft_delete(terms, bucket),
        "lifecycle" => lifecycle(terms, bucket),
        "encryption" => encryption(terms, bucket),
        _ if terms.labels.is_empty() => return None,
        _ => labels(terms, bucket),
    })
}

/// What a request says to make one setting as it should be; what others set beside it stays.
pub(super) fn change(terms: &GcsTerms, setting: &str, bucket: &Value) -> Value {
    match setting {
        "uniform_access" => {
            json!({ "iamConfiguration": { "uniformBucketLevelAccess": { "enabled": true } } })
        }
        "public_access_prevention" => {
            json!({ "iamConfiguration": { "publicAccessPrevention": "enforced" } })
        }
        "versioning" => json!({ "versioning": { "enabled": true } }),
        "soft_delete" => {
            let seconds = soft_delete_days(terms) * DAY;
            json!({ "softDeletePolicy": { "retentionDurationSeconds": seconds.to_string() } })
        }
        "lifecycle" => {
            let mut rules = rules(bucket).to_vec();
            rules.retain(|rule| !is_ours(rule));
            rules.push(rule(terms));
            json!({ "lifecycle": { "rule": rules } })
        }
        "encryption" => match &terms.kms_key {
            Some(key) => json!({ "encryption": { "defaultKmsKeyName": key } }),
            None => json!({}),
        },
        _ if terms.labels.is_empty() => json!({}),
        _ => json!({ "labels": terms.labels }),
    }
}

/// Things about a bucket that no setting of ours covers, and that harm a state.
pub(super) fn notes(bucket: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let name = text(bucket, "/name");
    if rules(bucket).iter().any(deletes_live_objects) {
        notes.push(format!(
            "a lifecycle rule of gs://{name} deletes objects that nothing has replaced: a state may be among them; take it away or bound it to a folder without states"
        ));
    }
    if let Some(seconds) = bucket.pointer("/retentionPolicy/retentionPeriod") {
        let seconds = seconds.as_str().map_or_else(|| seconds.to_string(), str::to_owned);
        notes.push(format!(
            "gs://{name} has a retention policy of {seconds} s: terraform cannot give back a lock that is younger; take the policy away, versions and soft delete keep what was replaced"
        ));
    }
    notes
}

fn soft_delete_days(terms: &GcsTerms) -> u64 {
    terms.soft_delete_days.map_or(SOFT_DELETE_DAYS, u64::from)
}

/// Without a word of settings a longer time is right, too: somebody may have chosen it.
fn soft_delete(terms: &GcsTerms, bucket: &Value) -> Judged {
    let days = soft_delete_days(terms);
    let given = bucket.pointer("/softDeletePolicy/retentionDurationSeconds");
    let seconds: Option<u64> = given.and_then(Value::as_str).and_then(|s| s.parse().ok());
    let words = |seconds: u64| match seconds {
        0 => "off".to_owned(),
        _ if seconds.is_multiple_of(DAY) => format!("deleted objects stay {} days", seconds / DAY),
        _ => format!("deleted objects stay {seconds} s"),
    };
    let right = seconds.is_some_and(|seconds| match terms.soft_delete_days {
        Some(_) => seconds == days * DAY,
        None => seconds >= days * DAY,
    });
    let wanted = words(days * DAY);
    Judged { seen: seconds.map(words), wanted, right }
}

fn rules(bucket: &Value) -> &[Value] {
    bucket.pointer("/lifecycle/rule").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Rules have no name: ours is known by what it is about.
fn rule(terms: &GcsTerms) -> Value {
    let newer = terms.keep_versions.unwrap_or(KEEP_VERSIONS);
    json!({
        "action": { "type": "Delete" },
        "condition": { "daysSinceNoncurrentTime": OLD_VERSIONS_DAYS, "numNewerVersions": newer },
    })
}

/// Conditions of a rule that mean something: an empty list or a null is none.
fn conditions(rule: &Value) -> BTreeMap<&str, &Value> {
    let all = rule.get("condition").and_then(Value::as_object);
    let means = |value: &Value| !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty());
    all.into_iter()
        .flatten()
        .filter(|(_, value)| means(value))
        .map(|(key, value)| (key.as_str(), value))
        .collect()
}

fn is_ours(rule: &Value) -> bool {
    let keys: Vec<&str> = conditions(rule).into_keys().filter(|key| *key != "isLive").collect();
    deletes(rule) && keys == ["daysSinceNoncurrentTime", "numNewerVersions"]
}

fn deletes(rule: &Value) -> bool {
    rule.pointer("/action/type").is_some_and(|kind| kind == "Delete")
}

/// Whether a rule may delete what nothing has replaced (Cloud Storage, "Object Lifecycle Management").
fn deletes_live_objects(rule: &Value) -> bool {
    let all = conditions(rule);
    let replaced = ["daysSinceNoncurrentTime", "noncurrentTimeBefore", "numNewerVersions"];
    let only_replaced = replaced.iter().any(|key| all.contains_key(key))
        || all.get("isLive").is_some_and(|live| *live == &Value::Bool(false));
    deletes(rule) && !only_replaced
}

fn lifecycle(terms: &GcsTerms, bucket: &Value) -> Judged {
    let ours = conditions(&rule(terms))
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.clone()))
        .collect::<BTreeMap<_, _>>();
    let same = |rule: &Value| {
        let all = conditions(rule);
        is_ours(rule) && ours.iter().all(|(key, value)| all.get(key.as_str()) == Some(&value))
    };
    // Without a word of settings any rule of the kind is right.
    let right = match terms.keep_versions {
        Some(_) => rules(bucket).iter().any(same),
        None => rules(bucket).iter().any(is_ours),
    };
    let keep = terms.keep_versions.unwrap_or(KEEP_VERSIONS);
    let wanted =
        format!("replaced versions expire after {OLD_VERSIONS_DAYS} days, the newest {keep} never");
    let seen = match (right, rules(bucket).is_empty()) {
        (true, _) => Some(wanted.clone()),
        (false, true) => None,
        (false, false) => Some("set otherwise".to_owned()),
    };
    Judged { seen, wanted, right }
}

/// Without a key of ours any encryption is right: Cloud Storage always encrypts.
fn encryption(terms: &GcsTerms, bucket: &Value) -> Judged {
    let by = |key: &str| format!("by {key}");
    let key = text(bucket, "/encryption/defaultKmsKeyName");
    let seen = if key.is_empty() { "by keys of Google".to_owned() } else { by(key) };
    match terms.kms_key.as_deref() {
        Some(wanted) => Judged { right: key == wanted, seen: Some(seen), wanted: by(wanted) },
        None => Judged { right: true, wanted: seen.clone(), seen: Some(seen) },
    }
}

fn labels(terms: &GcsTerms, bucket: &Value) -> Judged {
    let words = |all: &BTreeMap<&str, &str>| {
        all.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
    };
    let wanted: BTreeMap<&str, &str> =
        terms.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let all = bucket.get("labels").and_then(Value::as_object);
    let there: BTreeMap<&str, &str> = all
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .filter(|(key, _)| wanted.contains_key(key))
        .collect();
    let seen = (!there.is_empty()).then(|| words(&there));
    Judged { seen, wanted: words(&wanted), right: there == wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_right(terms: &GcsTerms, setting: &str, bucket: &Value) -> bool {
        seen(terms, setting, bucket).is_none_or(|seen| seen.right)
    }

    #[test]
    fn every_setting_is_wrong_on_an_empty_bucket_and_right_after_its_change() {
        let terms = GcsTerms {
            kms_key: Some("projects/p/locations/l/keyRings/r/cryptoKeys/k".into()),
            soft_delete_days: Some(30),
            keep_versions: Some(3),
            labels: BTreeMap::from([("team".into(), "data".into())]),
            ..GcsTerms::default()
        };
        let bare = json!({ "name": "b" });
        for setting in SETTINGS {
            assert!(!is_right(&terms, setting, &bare), "{setting}");
            let made = change(&terms, setting, &bare);
            assert!(is_right(&terms, setting, &made), "{setting}");
        }
    }

    #[test]
    fn what_others_set_beside_it_stays_and_ours_is_put_in_its_own_place() {
        let foreign = json!({ "action": { "type": "SetStorageClass", "storageClass": "COLDLINE" }, "condition": { "age": 30 } });
        let bucket = |rules: Value| json!({ "lifecycle": { "rule": rules } });
        let (three, usual) =
            (GcsTerms { keep_versions: Some(3), ..GcsTerms::default() }, GcsTerms::default());
        let once = change(&usual, "lifecycle", &bucket(json!([foreign])));
        assert_eq!(once["lifecycle"]["rule"].as_array().unwrap().len(), 2);
        assert!(!is_right(&three, "lifecycle", &once), "another number is another rule");
        let other = change(&three, "lifecycle", &once);
        assert_eq!(other["lifecycle"]["rule"].as_array().unwrap().len(), 2);
        assert_eq!(other["lifecycle"]["rule"][0], foreign);
        assert!(is_right(&three, "lifecycle", &other));
        assert!(is_right(&usual, "lifecycle", &other), "without a word of settings it may be any");
    }

    #[test]
    fn a_longer_time_to_restore_is_right_where_settings_say_none() {
        let of = |seconds: u64| json!({ "softDeletePolicy": { "retentionDurationSeconds": seconds.to_string() } });
        let (usual, ten) =
            (GcsTerms::default(), GcsTerms { soft_delete_days: Some(10), ..GcsTerms::default() });
        for (seconds, by_default, by_settings) in [
            (0, false, false),
            (7 * DAY, true, false),
            (10 * DAY, true, true),
            (30 * DAY, true, false),
        ] {
            assert_eq!(is_right(&usual, "soft_delete", &of(seconds)), by_default, "{seconds}");
            assert_eq!(is_right(&ten, "soft_delete", &of(seconds)), by_settings, "{seconds}");
        }
    }

    #[test]
    fn rules_and_policies_that_harm_a_state_are_told() {
        let rule =
            |condition: Value| json!({ "action": { "type": "Delete" }, "condition": condition });
        let told = |condition: Value| {
            notes(&json!({ "name": "b", "lifecycle": { "rule": [rule(condition)] } })).len()
        };
        assert_eq!(told(json!({ "age": 365 })), 1);
        assert_eq!(told(json!({ "age": 365, "isLive": true })), 1);
        assert_eq!(told(json!({ "age": 365, "isLive": false })), 0);
        assert_eq!(told(json!({ "age": 365, "numNewerVersions": 2 })), 0);
        assert_eq!(told(json!({ "daysSinceNoncurrentTime": 9, "matchesPrefix": [] })), 0);
        let kept =
            notes(&json!({ "name": "b", "retentionPolicy": { "retentionPeriod": "86400" } }));
        assert!(kept[0].contains("retention policy of 86400 s"), "{kept:?}");
    }
}
