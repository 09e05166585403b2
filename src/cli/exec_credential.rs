//! What an exec plugin prints for kubectl, helm and other clients of Kubernetes: an `ExecCredential`
//! (Kubernetes, "client-go credential plugins").

use jiff::Timestamp;
use serde_json::json;

use crate::secret::Secret;

/// The answer, in the version that was asked for.
pub fn text(api_version: &str, token: &Secret, expires: Timestamp) -> String {
    let seconds = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "kind": "ExecCredential",
        "apiVersion": api_version,
        "spec": {},
        "status": { "expirationTimestamp": seconds, "token": token.expose() },
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_in_whole_seconds() {
        let at = Timestamp::from_nanosecond(1_700_000_000_123_456_789).unwrap();
        let answer = text("client.authentication.k8s.io/v1", &Secret::new("t"), at);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"]["expirationTimestamp"], "2023-11-14T22:13:20Z");
        assert_eq!(answer["status"]["token"], "t");
        assert_eq!(answer["kind"], "ExecCredential");
    }
}
