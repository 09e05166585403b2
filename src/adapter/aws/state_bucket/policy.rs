//! The statement in a state bucket's policy that refuses plain http ("Enforce encryption of data in transit", S3 user
//! guide). Other statements of the policy are left as they are.

use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::{Value, json};

use super::look::MARK;
use super::{Bucket, failed, needs};
use crate::error::{Error, ErrorCode, Result};

/// The policy's text; none when there is none.
pub(super) async fn read(bucket: &Bucket<'_>) -> Result<Option<String>> {
    let answer = bucket
        .client
        .get_bucket_policy()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .send()
        .await;
    match answer {
        Ok(answer) => Ok(answer.policy().map(str::to_owned)),
        Err(error) if error.code() == Some("NoSuchBucketPolicy") => Ok(None),
        Err(error) => {
            let doing = needs("reading the policy", "s3:GetBucketPolicy");
            Err(failed(doing, bucket.name, &error))
        }
    }
}

/// Puts our statement in place of an earlier one of ours, beside whatever else there is.
pub(super) async fn set(bucket: &Bucket<'_>) -> Result<()> {
    let text = read(bucket).await?;
    let whole = with_statement(text.as_deref(), bucket.name).ok_or_else(|| {
        Error::new(
            ErrorCode::UpstreamFailed,
            format!(
                "denying plain http of s3://{}: its policy is not one that a statement can be added to",
                bucket.name
            ),
        )
        .next("look at the bucket's policy")
    })?;
    let call = bucket
        .client
        .put_bucket_policy()
        .bucket(bucket.name)
        .expected_bucket_owner(bucket.owner)
        .policy(whole.to_string());
    let doing = needs("denying plain http", "s3:PutBucketPolicy");
    call.send().await.map(drop).map_err(|e| failed(doing, bucket.name, &e))
}

fn resources(bucket: &str) -> [String; 2] {
    [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]
}

fn statement(bucket: &str) -> Value {
    json!({
        "Sid": MARK,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources(bucket),
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// A policy's statements; a single one need not stand in a list.
fn statements(policy: &Value) -> Option<Vec<Value>> {
    match policy.get("Statement")? {
        Value::Array(all) => Some(all.clone()),
        one @ Value::Object(_) => Some(vec![one.clone()]),
        _ => None,
    }
}

fn with_statement(text: Option<&str>, bucket: &str) -> Option<Value> {
    let mut policy = match text {
        Some(text) => serde_json::from_str(text).ok()?,
        None => json!({ "Version": "2012-10-17", "Statement": [] }),
    };
    let mut all = statements(&policy)?;
    all.retain(|s| s.get("Sid") != Some(&json!(MARK)));
    all.push(statement(bucket));
    policy.as_object_mut()?.insert("Statement".to_owned(), Value::Array(all));
    Some(policy)
}

/// Whether a policy refuses every request over plain http, by our statement or by one that says the same.
pub(super) fn wants_tls(text: &str, bucket: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    let holds = |value: Option<&Value>, wanted: &str| match value {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(all)) => all.iter().any(|v| v == wanted),
        _ => false,
    };
    let anybody = |s: &Value| match s.get("Principal") {
        Some(Value::Object(map)) => holds(map.get("AWS"), "*"),
        other => holds(other, "*"),
    };
    let plain_http = |s: &Value| {
        let at = s.pointer("/Condition/Bool/aws:SecureTransport");
        let alone = s.get("Condition").and_then(Value::as_object).is_some_and(|c| c.len() == 1)
            && s.pointer("/Condition/Bool")
                .and_then(Value::as_object)
                .is_some_and(|b| b.len() == 1);
        alone && (holds(at, "false") || at == Some(&Value::Bool(false)))
    };
    statements(&policy).unwrap_or_default().iter().any(|s| {
        s.get("Effect") == Some(&json!("Deny"))
            && anybody(s)
            && (holds(s.get("Action"), "s3:*") || holds(s.get("Action"), "*"))
            && (holds(s.get("Resource"), "*")
                || resources(bucket).iter().all(|r| holds(s.get("Resource"), r)))
            && plain_http(s)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_statement_stands_beside_those_of_others() {
        let foreign = json!({ "Sid": "audit", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*" });
        let single = json!({ "Version": "2012-10-17", "Statement": foreign }).to_string();
        let once = with_statement(Some(&single), "b").unwrap();
        assert_eq!(once["Statement"], json!([foreign, statement("b")]));
        let twice = with_statement(Some(&once.to_string()), "b").unwrap();
        assert_eq!(once, twice, "a second time it takes the place of the first");
        assert!(wants_tls(&twice.to_string(), "b"));
        assert!(with_statement(Some("no policy"), "b").is_none());
    }

    #[test]
    fn a_statement_that_refuses_less_is_not_enough() {
        let whole = statement("b");
        for (at, value) in [
            ("Effect", json!("Allow")),
            ("Action", json!("s3:PutObject")),
            ("Resource", json!("arn:aws:s3:::b/*")),
            ("Principal", json!({ "AWS": "arn:aws:iam::123456789012:root" })),
            ("Condition", json!({ "Bool": { "aws:SecureTransport": "true" } })),
            (
                "Condition",
                json!({ "Bool": { "aws:SecureTransport": "false" }, "StringEquals": { "a": "b" } }),
            ),
        ] {
            let mut less = whole.clone();
            less[at] = value;
            assert!(!wants_tls(&json!({ "Statement": [less] }).to_string(), "b"), "{at}");
        }
        assert!(!wants_tls("aws:SecureTransport", "b"));
        assert!(!wants_tls(&json!({ "Statement": [whole] }).to_string(), "c"));
    }
}
