//! Tells helm's refusals apart. Helm says why in words alone, so what is not among the few known ones is told as it
//! stands, without a guess.

use crate::error::{Error, ErrorCode};
use crate::model::Cloud;

/// Longest text of helm's that an error quotes.
const QUOTED_MAX: usize = 1500;

/// The error that these words amount to.
pub(super) fn classify(doing: &str, stderr: &str, cloud: Cloud) -> Error {
    let said = said(stderr);
    let has = |text: &str| said.contains(text);
    let first = said.lines().next().unwrap_or_default().to_owned();
    let new = |code, why: &str| Error::new(code, format!("{doing}: {why}"));
    let error = if has("don't meet the specifications of the schema") {
        new(ErrorCode::InvalidRequest, "the values break the chart's schema")
            .field("values")
            .next("correct the values: `details.helm` names each of them")
    } else if has("Unauthorized") || has("asked for the client to provide credentials") {
        new(ErrorCode::UpstreamDenied, "the cluster does not take our token").next(match cloud {
            Cloud::Aws => {
                "give the identity an access entry of the cluster, see docs/guides/eks.md"
            }
            Cloud::Gcp => {
                "let the identity use the cluster by a role of IAM, see docs/guides/gke.md"
            }
        })
    } else if has("is forbidden") {
        new(ErrorCode::UpstreamDenied, &first).next(match cloud {
            Cloud::Aws => "let the identity's access entry or its groups do this in the namespace",
            Cloud::Gcp => "let the identity do this in the namespace, by IAM or by a role binding",
        })
    } else if has("another operation (install/upgrade/rollback) is in progress") {
        new(ErrorCode::LockHeld, "another helm works on this release, or was killed")
            .next("helm_status shows how it stands")
    } else if has("getting credentials") {
        new(ErrorCode::UpstreamFailed, "no token for the cluster could be made")
    } else if has("namespaces \"") && has("not found") {
        new(ErrorCode::InvalidRequest, &first)
            .field("namespace")
            .next("make the namespace first: it belongs to the environment, not to a release")
    } else if has("parse error")
        || has("executing \"")
        || has("error calling")
        || has("execution error at")
    {
        new(ErrorCode::InvalidRequest, &format!("the chart cannot be rendered: {first}"))
            .field("chart_path")
    } else if has("missing in charts/ directory") {
        new(ErrorCode::InvalidRequest, &first)
            .field("chart_path")
            .next("put the dependencies into the chart's charts/ folder: `helm dependency build`")
    } else if has("timed out waiting") || has("context deadline exceeded") {
        new(ErrorCode::TimedOut, &first)
    } else if first.is_empty() {
        new(ErrorCode::UpstreamFailed, "helm gave no reason")
    } else {
        new(ErrorCode::UpstreamFailed, &first)
    };
    if said.is_empty() { error } else { error.detail("helm", said) }
}

/// What helm said last, from its `Error:` on; without warnings and without its own name for the error.
fn said(stderr: &str) -> String {
    let from = stderr.rfind("Error: ").map_or(0, |at| at + "Error: ".len());
    let text = stderr.get(from..).unwrap_or_default().trim();
    text.chars().take(QUOTED_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as helm 4.3.1 prints them.
    #[test]
    fn known_words_have_codes() {
        for (text, code, field) in [
            (
                "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n- at '/replicaCount': got string, want integer\n",
                ErrorCode::InvalidRequest,
                Some("values"),
            ),
            (
                "level=WARN msg=\"upgrade failed\"\nError: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n",
                ErrorCode::LockHeld,
                None,
            ),
            (
                "Error: query: failed to query with labels: secrets is forbidden: User \"x\" cannot list\n",
                ErrorCode::UpstreamDenied,
                None,
            ),
            (
                "Error: UPGRADE FAILED: web/templates/bad.yaml:1:13\n  executing \"web/templates/bad.yaml\" at <.Values.none.such>:\n    nil pointer evaluating interface {}.such\n",
                ErrorCode::InvalidRequest,
                Some("chart_path"),
            ),
            ("Error: something new\n", ErrorCode::UpstreamFailed, None),
            ("", ErrorCode::UpstreamFailed, None),
        ] {
            let error = classify("deploying", text, Cloud::Aws);
            assert_eq!((error.code, error.field.as_deref()), (code, field), "{text}");
            assert!(!error.message.contains("Error:"), "{error}");
        }
    }
}
