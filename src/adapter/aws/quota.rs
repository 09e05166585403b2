//! Quotas of AWS: one call, signed by hand.

use aws_config::SdkConfig;
use serde_json::{Value, json};

use super::signed::Call;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;

const ACTION: &str = "servicequotas:GetServiceQuota";
/// Where quotas of global services are kept (Service Quotas, "Endpoints and quotas").
const REGION: &str = "us-east-1";

/// How many accounts an organization may have: "Default maximum number of accounts" of AWS Organizations.
pub(super) async fn accounts(at: &Environment, settings: &SdkConfig) -> Result<u64> {
    let doing = format!("asking for the quota of {}", at.target());
    let call = Call {
        doing: &doing,
        service: "servicequotas",
        region: REGION,
        path: "/",
        content_type: "application/x-amz-json-1.1",
        target: Some("ServiceQuotasV20190624.GetServiceQuota"),
        body: json!({ "ServiceCode": "organizations", "QuotaCode": "L-29A0C5DF" }).to_string(),
    };
    let answer = call.send(at, settings).await?;
    let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    read(&doing, answer.is_ok(), &told)
}

fn read(doing: &str, taken: bool, told: &Value) -> Result<u64> {
    let value = told.pointer("/Quota/Value").and_then(Value::as_f64);
    // A quota counts accounts: it is told as a number with a point, and is far below what f64 holds exactly.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    if let Some(value) = value.filter(|v| taken && (0.0..1e9).contains(v)) {
        return Ok(value as u64);
    }
    let code = told.get("__type").and_then(Value::as_str).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    if code.contains("AccessDenied") {
        return Err(Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {code}"))
            .detail("action", ACTION)
            .next(format!("allow {ACTION}")));
    }
    Err(Error::new(ErrorCode::UpstreamFailed, format!("{doing}: it is not told {code}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_or_what_is_missing_is_named() {
        assert_eq!(read("asking", true, &json!({ "Quota": { "Value": 10.0 } })).unwrap(), 10);
        let denied = json!({ "__type": "AccessDeniedException" });
        let error = read("asking", false, &denied).unwrap_err();
        assert_eq!(error.details["action"], ACTION);
        for told in [json!({}), json!({ "Quota": { "Value": -1.0 } })] {
            assert_eq!(read("asking", true, &told).unwrap_err().code, ErrorCode::UpstreamFailed);
        }
    }
}
