//! What the tests of state backends ask of the emulator: rights, tables, keys, settings of buckets.

use anyhow::{Context, Result};
use regex_lite::Regex;
use serde_json::{Value, json};

use super::{Emulator, text_of, texts};

impl Emulator {
    /// Whether each request is held against the policies of its caller from now on. Answers with the actions that were
    /// asked for while it was so, and whether each was permitted.
    pub fn enforce_iam(&self, enforce: bool) -> Result<Value> {
        self.control("permissions", &json!({ "enforce": enforce }))
    }

    /// A user of this name with one inline policy; returns id and secret of an access key.
    pub fn user_with_policy(&self, name: &str, policy: &Value) -> Result<(String, String)> {
        let escaped: String = policy
            .to_string()
            .bytes()
            .map(|b| match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(b).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect();
        let version = "Version=2010-05-08";
        self.query("iam", &format!("Action=CreateUser&{version}&UserName={name}"))?;
        let put = format!(
            "Action=PutUserPolicy&{version}&UserName={name}&PolicyName=only&PolicyDocument={escaped}"
        );
        self.query("iam", &put)?;
        let key =
            self.query("iam", &format!("Action=CreateAccessKey&{version}&UserName={name}"))?;
        let one = |element: &str| {
            texts(&key, element)?.into_iter().next().with_context(|| format!("no {element}"))
        };
        Ok((one("AccessKeyId")?, one("SecretAccessKey")?))
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

    /// Puts a setting of a bucket (`publicAccessBlock`, `encryption`, …) as XML, or takes it away.
    pub fn bucket_setting(&self, bucket: &str, setting: &str, xml: Option<&str>) -> Result<()> {
        if let Some(xml) = xml {
            return self.put(&format!("/{bucket}?{setting}"), xml);
        }
        self.delete(&format!("/{bucket}?{setting}"))
    }
}
