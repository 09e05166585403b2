//! What the tests of state backends ask of the emulator: rights, tables, keys, settings of buckets.

use anyhow::{Context, Result};
use regex_lite::Regex;
use serde_json::{Value, json};

use super::{Emulator, text_of, texts};

/// Version of IAM's query API.
const IAM: &str = "Version=2010-05-08";

/// A document as a value of a form.
fn escaped(document: &Value) -> String {
    let one = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    document.to_string().bytes().map(one).collect()
}

impl Emulator {
    /// Whether each request is held against the policies of its caller from now on. Answers with the actions that were
    /// asked for while it was so, and whether each was permitted.
    pub fn enforce_iam(&self, enforce: bool) -> Result<Value> {
        self.control("permissions", &json!({ "enforce": enforce }))
    }

    /// A user of this name with one inline policy; returns id and secret of an access key.
    pub fn user_with_policy(&self, name: &str, policy: &Value) -> Result<(String, String)> {
        self.query("iam", &format!("Action=CreateUser&{IAM}&UserName={name}"))?;
        self.policy_of_user(name, policy)?;
        let key = self.query("iam", &format!("Action=CreateAccessKey&{IAM}&UserName={name}"))?;
        let one = |element: &str| {
            texts(&key, element)?.into_iter().next().with_context(|| format!("no {element}"))
        };
        Ok((one("AccessKeyId")?, one("SecretAccessKey")?))
    }

    /// Gives a user another policy in place of the one it was made with.
    pub fn policy_of_user(&self, name: &str, policy: &Value) -> Result<()> {
        let policy = escaped(policy);
        let put = format!(
            "Action=PutUserPolicy&{IAM}&UserName={name}&PolicyName=only&PolicyDocument={policy}"
        );
        self.query("iam", &put).map(drop)
    }

    /// Gives a role its one inline policy.
    pub fn policy_of_role(&self, name: &str, policy: &Value) -> Result<()> {
        let policy = escaped(policy);
        let put = format!(
            "Action=PutRolePolicy&{IAM}&RoleName={name}&PolicyName=only&PolicyDocument={policy}"
        );
        self.query("iam", &put).map(drop)
    }

    /// Makes a role that anybody may assume whose own policy lets them.
    pub fn create_role(&self, name: &str) -> Result<()> {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "*" },
        }]});
        let trust = escaped(&trust);
        let make =
            format!("Action=CreateRole&{IAM}&RoleName={name}&AssumeRolePolicyDocument={trust}");
        self.query("iam", &make).map(drop)
    }

    /// The emulator as somebody sees it who has assumed a role, in whatever account.
    pub fn assuming(&self, role: &str) -> Result<Self> {
        let role: String = role.replace(':', "%3A").replace('/', "%2F");
        let ask =
            format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=lab&RoleArn={role}");
        let answer = self.query("sts", &ask)?;
        let key = texts(&answer, "AccessKeyId")?.into_iter().next().context("no AccessKeyId")?;
        Ok(Self { access_key_id: key, ..self.clone() })
    }

    /// The emulator in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// Id of the default VPC, and ids of its subnets.
    pub fn default_vpc(&self) -> Result<(String, Vec<String>)> {
        let vpcs =
            "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=is-default&Filter.1.Value.1=true";
        let vpc = texts(&self.query("ec2", vpcs)?, "vpcId")?;
        let vpc = vpc.into_iter().next().context("no default VPC")?;
        let subnets = format!(
            "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}"
        );
        let subnets = texts(&self.query("ec2", &subnets)?, "subnetId")?;
        Ok((vpc, subnets.into_iter().collect()))
    }

    /// Attaches an internet gateway to a VPC, as AWS does to default ones.
    pub fn attach_gateway(&self, vpc: &str) -> Result<()> {
        let made = self.query("ec2", "Action=CreateInternetGateway&Version=2016-11-15")?;
        let gateway = texts(&made, "internetGatewayId")?;
        let gateway = gateway.into_iter().next().context("no internet gateway")?;
        let attach = format!(
            "Action=AttachInternetGateway&Version=2016-11-15&InternetGatewayId={gateway}&VpcId={vpc}"
        );
        self.query("ec2", &attach).map(drop)
    }

    /// A call of `DynamoDB`.
    pub fn dynamodb(&self, operation: &str, request: &Value) -> Result<Value> {
        let answer = ureq::post(&self.endpoint)
            .header("Authorization", self.claim("dynamodb"))
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
            .send(request.to_string().as_str());
        let text = text_of(answer, &format!("{} dynamodb {operation}", self.endpoint))?;
        serde_json::from_str(&text).context("reading an answer of DynamoDB")
    }

    /// Keys of the objects of a bucket, each with its mark.
    pub fn objects(&self, bucket: &str) -> Result<Vec<(String, String)>> {
        let listed = self.get("s3", &format!("/{bucket}?list-type=2"))?;
        let pattern = Regex::new(r"(?s)<Key>([^<]*)</Key>.*?<ETag>([^<]*)</ETag>")
            .context("an object of a list")?;
        let texts = pattern.captures_iter(&listed).map(|found| {
            [1, 2].map(|n| found.get(n).map_or_else(String::new, |text| text.as_str().to_owned()))
        });
        Ok(texts.map(|[key, mark]| (key, mark)).collect())
    }

    /// The KMS key by which an object is encrypted; nothing when it is not by one.
    pub fn key_of_object(&self, bucket: &str, key: &str) -> Result<Option<String>> {
        let url = format!("{}/{bucket}/{key}", self.endpoint);
        let answer = ureq::head(&url).header("Authorization", self.claim("s3")).call();
        let answer = answer.with_context(|| format!("asking {url}"))?;
        let header = answer.headers().get("x-amz-server-side-encryption-aws-kms-key-id");
        Ok(header.and_then(|v| v.to_str().ok()).map(str::to_owned))
    }

    /// Deletes a bucket with every version and delete marker in it.
    pub fn delete_bucket_with_versions(&self, bucket: &str) -> Result<()> {
        let versions = self.get("s3", &format!("/{bucket}?versions"))?;
        // A version stands in one element: its key, and the id after it.
        let pattern = Regex::new(r"(?s)<Key>([^<]*)</Key>.*?<VersionId>([^<]*)</VersionId>")
            .context("a version")?;
        for found in pattern.captures_iter(&versions) {
            let [key, version] = [1, 2].map(|n| found.get(n).map_or("", |text| text.as_str()));
            self.delete(&format!("/{bucket}/{key}?versionId={version}"))?;
        }
        self.delete(&format!("/{bucket}"))
    }

    fn delete(&self, path: &str) -> Result<()> {
        let url = format!("{}{path}", self.endpoint);
        let answer = ureq::delete(&url).header("Authorization", self.claim("s3")).call();
        text_of(answer, &url).map(drop)
    }

    /// A setting of a bucket as XML (a policy as JSON), or nothing when it was never set.
    pub fn setting_of_bucket(&self, bucket: &str, setting: &str) -> Result<Option<String>> {
        match self.get("s3", &format!("/{bucket}?{setting}")) {
            Ok(text) => Ok(Some(text)),
            Err(error) if format!("{error:#}").contains("404") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a setting of a bucket (`publicAccessBlock`, `encryption`, …) as XML, or takes it away.
    pub fn bucket_setting(&self, bucket: &str, setting: &str, xml: Option<&str>) -> Result<()> {
        if let Some(xml) = xml {
            return self.put(&format!("/{bucket}?{setting}"), xml);
        }
        self.delete(&format!("/{bucket}?{setting}"))
    }
}
