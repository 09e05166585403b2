//! What is in one account of an organization: alternate contacts and default VPCs.
//!
//! Both services are asked for a handful of calls only: they are signed by hand, so that nobody has to compile the SDK of
//! EC2 for the sake of eight calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use regex_lite::Regex;
use serde_json::{Value, json};

use super::AwsIdentity;
use super::signed::{Answer, Call};
use crate::error::{Error, ErrorCode, Result};
use crate::model::Environment;
use crate::permit::Permit;
use crate::port::{Contact, MemberAccount};

/// Version of the EC2 API that is spoken.
const EC2: &str = "2016-11-15";
/// Where Account Management answers, whatever the region of the account's resources.
const ACCOUNT_REGION: &str = "us-east-1";

/// One account by signed calls.
#[derive(Debug)]
pub struct AwsMemberAccount {
    identity: Arc<AwsIdentity>,
}

impl AwsMemberAccount {
    /// An account as this identity reaches it.
    pub fn new(identity: Arc<AwsIdentity>) -> Self {
        Self { identity }
    }

    async fn account(
        &self,
        member: &Environment,
        session: &str,
        (doing, action): (&str, &str),
        body: Value,
    ) -> Result<Answer> {
        let settings = self.identity.settings(member, session).await?;
        let path = format!(
            "/{}{}",
            action.get(..1).unwrap_or_default().to_lowercase(),
            action.get(1..).unwrap_or_default()
        );
        let call = Call {
            doing,
            service: "account",
            region: ACCOUNT_REGION,
            path: &path,
            content_type: "application/json",
            target: None,
            body: body.to_string(),
        };
        call.send(member, &settings).await
    }

    /// One call of EC2's query protocol: its answer's text.
    async fn ec2(
        &self,
        member: &Environment,
        session: &str,
        region: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let settings = self.identity.settings(member, session).await?;
        // Names and ids only: nothing in them has to be escaped.
        let mut body = format!("Action={action}&Version={EC2}");
        for (name, value) in parameters {
            body.extend(["&", name, "=", value]);
        }
        let doing = format!("{action} in {region} of account {}", member.account);
        let call = Call {
            doing: &doing,
            service: "ec2",
            region,
            path: "/",
            content_type: "application/x-www-form-urlencoded; charset=utf-8",
            target: None,
            body,
        };
        let answer = call.send(member, &settings).await?;
        if answer.is_ok() {
            return Ok(answer.text);
        }
        let code = texts(&answer.text, "Code").into_iter().next().unwrap_or_default();
        let message = texts(&answer.text, "Message").into_iter().next().unwrap_or_default();
        Err(refused(&doing, &format!("ec2:{action}"), &code, &message, answer.status))
    }
}

fn refused(doing: &str, action: &str, code: &str, message: &str, status: u16) -> Error {
    let text = format!("{doing}: {status} {code}: {message}");
    let error = match code {
        _ if code.contains("AccessDenied") || code == "UnauthorizedOperation" => {
            Error::new(ErrorCode::UpstreamDenied, text)
                .next(format!("allow {action} for the account's role"))
        }
        "DependencyViolation" => Error::new(ErrorCode::UpstreamFailed, text)
            .next("the default VPC is in use: leave close_default_vpcs out, or empty it first"),
        _ => Error::new(ErrorCode::UpstreamFailed, text),
    };
    error.detail("aws", code).detail("action", action)
}

/// Texts of all elements of this name.
fn texts(xml: &str, element: &str) -> Vec<String> {
    let Ok(pattern) = Regex::new(&format!("<{element}>([^<]*)</{element}>")) else {
        return Vec::new();
    };
    let found =
        pattern.captures_iter(xml).filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
    found.collect()
}

#[async_trait]
impl MemberAccount for AwsMemberAccount {
    async fn contact(
        &self,
        member: &Environment,
        session: &str,
        kind: &str,
    ) -> Result<Option<Contact>> {
        let doing = format!("asking account {} for its contact {kind}", member.account);
        let body = json!({ "AlternateContactType": kind });
        let answer = self.account(member, session, (&doing, "GetAlternateContact"), body).await?;
        let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let kind = told.get("__type").and_then(Value::as_str).unwrap_or_default();
        if answer.status == 404 || kind.ends_with("ResourceNotFoundException") {
            return Ok(None);
        }
        if !answer.is_ok() {
            return Err(denied(&doing, "account:GetAlternateContact", &answer, &told));
        }
        let text = |key: &str| {
            told.pointer(&format!("/AlternateContact/{key}"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Some(Contact {
            name: text("Name"),
            title: text("Title"),
            email: text("EmailAddress"),
            phone: text("PhoneNumber"),
        }))
    }

    async fn set_contact(
        &self,
        _permit: &Permit,
        member: &Environment,
        session: &str,
        kind: &str,
        contact: &Contact,
    ) -> Result<()> {
        let doing = format!("setting contact {kind} of account {}", member.account);
        let body = json!({
            "AlternateContactType": kind, "Name": contact.name, "Title": contact.title,
            "EmailAddress": contact.email, "PhoneNumber": contact.phone,
        });
        let answer = self.account(member, session, (&doing, "PutAlternateContact"), body).await?;
        if answer.is_ok() {
            return Ok(());
        }
        let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        Err(denied(&doing, "account:PutAlternateContact", &answer, &told))
    }

    async fn default_vpcs(
        &self,
        member: &Environment,
        session: &str,
    ) -> Result<BTreeMap<String, String>> {
        let regions = self.ec2(member, session, &member.region, "DescribeRegions", &[]).await?;
        let mut found = BTreeMap::new();
        for region in texts(&regions, "regionName") {
            let default = [("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "true")];
            let vpcs = self.ec2(member, session, &region, "DescribeVpcs", &default).await?;
            found.extend(texts(&vpcs, "vpcId").into_iter().next().map(|vpc| (region, vpc)));
        }
        Ok(found)
    }

    async fn delete_default_vpc(
        &self,
        _permit: &Permit,
        member: &Environment,
        session: &str,
        region: &str,
        vpc: &str,
    ) -> Result<()> {
        let call = async |action: &str, parameters: &[(&str, &str)]| {
            self.ec2(member, session, region, action, parameters).await
        };
        // Nothing may be taken from one in use: whatever is attached to it has an interface in it.
        let of = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc)];
        let used = call("DescribeNetworkInterfaces", &of).await?;
        if !texts(&used, "networkInterfaceId").is_empty() {
            let doing =
                format!("deleting default VPC {vpc} in {region} of account {}", member.account);
            return Err(refused(
                &doing,
                "ec2:DeleteVpc",
                "DependencyViolation",
                "it is in use",
                400,
            ));
        }
        let attached = [("Filter.1.Name", "attachment.vpc-id"), ("Filter.1.Value.1", vpc)];
        let gateways = call("DescribeInternetGateways", &attached).await?;
        for gateway in texts(&gateways, "internetGatewayId") {
            let both = [("InternetGatewayId", gateway.as_str()), ("VpcId", vpc)];
            call("DetachInternetGateway", &both).await?;
            call("DeleteInternetGateway", &[("InternetGatewayId", &gateway)]).await?;
        }
        for subnet in texts(&call("DescribeSubnets", &of).await?, "subnetId") {
            call("DeleteSubnet", &[("SubnetId", &subnet)]).await?;
        }
        call("DeleteVpc", &[("VpcId", vpc)]).await.map(|_| ())
    }
}

fn denied(doing: &str, action: &str, answer: &Answer, told: &Value) -> Error {
    let text = |keys: [&str; 2]| {
        let found = keys.iter().find_map(|key| told.get(*key).and_then(Value::as_str));
        found.unwrap_or_default().to_owned()
    };
    let code = text(["__type", "code"]);
    let code = if answer.status == 403 { "AccessDeniedException".to_owned() } else { code };
    refused(doing, action, &code, &text(["message", "Message"]), answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_from_answers_of_ec2() {
        let xml = "<regionInfo><item><regionName>eu-west-1</regionName></item>\
                   <item><regionName>us-east-1</regionName></item></regionInfo>";
        assert_eq!(texts(xml, "regionName"), ["eu-west-1", "us-east-1"]);
        assert_eq!(texts(xml, "vpcId"), [""; 0]);
    }

    #[test]
    fn a_refusal_names_the_action() {
        let error = refused("deleting", "ec2:DeleteVpc", "UnauthorizedOperation", "no", 403);
        assert_eq!(error.code, ErrorCode::UpstreamDenied);
        assert_eq!(error.details["action"], "ec2:DeleteVpc");
        assert!(error.next.unwrap().contains("ec2:DeleteVpc"));
    }
}
