//! The `DynamoDB` table in which Terraform's lock is taken beside the lock file, for clients that know no lock file. A
//! lock is worth nothing once it is given back: there is no point-in-time recovery, and the table is paid by request.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    SseSpecification, SseType, TableDescription, TableStatus,
};

use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::Action;
use crate::port::Setting;

/// The key that Terraform's S3 backend reads and writes.
const KEY: &str = "LockID";
const PROTECTED: &str = "deletion protection on";
/// How long a table may take until it can be used.
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_secs(1);

/// One table.
#[derive(Debug)]
pub(super) struct LockTable<'a> {
    client: Client,
    name: &'a str,
    kms_key: Option<&'a str>,
}

impl<'a> LockTable<'a> {
    pub(super) fn new(
        settings: &SdkConfig,
        name: &'a str,
        region: &str,
        kms_key: Option<&'a str>,
    ) -> Self {
        let config = Builder::from(settings).region(Region::new(region.to_owned())).build();
        Self { client: Client::from_conf(config), name, kms_key }
    }

    /// Whether a setting is one of the table.
    pub(super) fn knows(setting: &str) -> bool {
        setting.starts_with("lock_table")
    }

    /// What is there. A table of another shape is an error: Terraform could not lock with it.
    pub(super) async fn observe(&self) -> Result<Vec<Setting>> {
        let found = self.describe().await?;
        if let Some(table) = &found {
            self.check(table)?;
        }
        let mut settings = vec![
            setting(
                "lock_table",
                "there",
                found.as_ref().map(|_| "there".to_owned()),
                found.is_some(),
            ),
            setting(
                "lock_table_protection",
                PROTECTED,
                found.as_ref().map(|t| {
                    let on = t.deletion_protection_enabled() == Some(true);
                    if on { PROTECTED.to_owned() } else { "off".to_owned() }
                }),
                found.is_some(),
            ),
        ];
        // Without a key of ours DynamoDB encrypts by one of its own; there is nothing to set.
        if let Some(key) = self.kms_key {
            let seen = found.as_ref().map(encrypted_by);
            settings.push(setting(
                "lock_table_encryption",
                &format!("by {key}"),
                seen,
                found.is_some(),
            ));
        }
        Ok(settings)
    }

    /// Makes one setting.
    pub(super) async fn set(&self, setting: &str) -> Result<()> {
        match setting {
            "lock_table" => self.create().await,
            "lock_table_protection" => self.protect().await,
            "lock_table_encryption" => self.encrypt().await,
            other => Err(Error::internal("making a setting of the lock table", other)),
        }
    }

    async fn describe(&self) -> Result<Option<TableDescription>> {
        match self.client.describe_table().table_name(self.name).send().await {
            Ok(answer) => Ok(answer.table().cloned()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.failed("looking", "dynamodb:DescribeTable", &error)),
        }
    }

    fn check(&self, table: &TableDescription) -> Result<()> {
        let keys = table.key_schema();
        let by_key =
            |k: &KeySchemaElement| k.attribute_name() == KEY && k.key_type() == &KeyType::Hash;
        let text = |a: &AttributeDefinition| {
            a.attribute_name() == KEY && a.attribute_type() == &ScalarAttributeType::S
        };
        if keys.len() == 1
            && keys.iter().all(by_key)
            && table.attribute_definitions().iter().any(text)
        {
            return Ok(());
        }
        let seen: Vec<&str> = keys.iter().map(KeySchemaElement::attribute_name).collect();
        let why = format!(
            "looking at the lock table {}: its key is {}, Terraform locks by {KEY}",
            self.name,
            seen.join(", ")
        );
        Err(Error::new(ErrorCode::InvalidRequest, why)
            .field("state.lock_table")
            .given(self.name)
            .allowed(format!("a table with the one key {KEY}, a string"))
            .next("name another table in state.lock_table: this one belongs to something else"))
    }

    async fn create(&self) -> Result<()> {
        let built = |e| Error::internal("building a request to DynamoDB", e);
        let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name(KEY)
            .attribute_type(ScalarAttributeType::S);
        let made = self
            .client
            .create_table()
            .table_name(self.name)
            .key_schema(key.build().map_err(built)?)
            .attribute_definitions(attribute.build().map_err(built)?)
            .billing_mode(BillingMode::PayPerRequest)
            .deletion_protection_enabled(true)
            .set_sse_specification(self.encryption())
            .send()
            .await;
        match made {
            Ok(_) => self.usable().await.map(drop),
            // An earlier run was cut off after this very call; what it is like is looked at next.
            Err(error) if error.code() == Some("ResourceInUseException") => {
                self.check(&self.usable().await?)
            }
            Err(error) => Err(self.failed("making", "dynamodb:CreateTable", &error)),
        }
    }

    async fn protect(&self) -> Result<()> {
        if self.usable().await?.deletion_protection_enabled() == Some(true) {
            return Ok(());
        }
        let call =
            self.client.update_table().table_name(self.name).deletion_protection_enabled(true);
        let done = call.send().await;
        done.map_err(|e| self.failed("protecting", "dynamodb:UpdateTable", &e))?;
        self.usable().await.map(drop)
    }

    async fn encrypt(&self) -> Result<()> {
        let key = self.kms_key.unwrap_or_default();
        if encrypted_by(&self.usable().await?) == format!("by {key}") {
            return Ok(());
        }
        let call = self
            .client
            .update_table()
            .table_name(self.name)
            .set_sse_specification(self.encryption());
        let done = call.send().await;
        done.map_err(|e| self.failed("encrypting", "dynamodb:UpdateTable", &e))?;
        self.usable().await.map(drop)
    }

    fn encryption(&self) -> Option<SseSpecification> {
        let key = self.kms_key?;
        let by = SseSpecification::builder().enabled(true).sse_type(SseType::Kms);
        Some(by.kms_master_key_id(key).build())
    }

    /// The table once nothing is being done to it.
    async fn usable(&self) -> Result<TableDescription> {
        let doing = format!("waiting for the lock table {}", self.name);
        let wait = async {
            loop {
                if let Some(table) = self.describe().await?
                    && table.table_status() == Some(&TableStatus::Active)
                {
                    return Ok(table);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| {
            let why = format!("{doing}: it is not active after {} s", PATIENCE.as_secs());
            Err(Error::new(ErrorCode::TimedOut, why).next("make the same call again later"))
        })
    }

    fn failed<E>(&self, doing: &str, action: &str, error: &E) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let code = error.code().unwrap_or_default().to_owned();
        let text = format!("{doing} the lock table {}: {}", self.name, causes(error));
        match code.as_str() {
            "AccessDeniedException" | "AccessDenied" => Error::new(ErrorCode::UpstreamDenied, text)
                .detail("action", action)
                .next(format!("give the identity {action} on this table")),
            _ => Error::new(ErrorCode::UpstreamFailed, text).detail("code", code),
        }
    }
}

fn encrypted_by(table: &TableDescription) -> String {
    match table.sse_description().and_then(|s| s.kms_master_key_arn()) {
        Some(key) => format!("by {key}"),
        None => "by a key of DynamoDB".to_owned(),
    }
}

fn setting(name: &str, wanted: &str, seen: Option<String>, there: bool) -> Setting {
    let action = match &seen {
        Some(seen) if seen == wanted => None,
        _ if there => Some(Action::Update),
        _ => Some(Action::Create),
    };
    Setting {
        name: name.to_owned(),
        seen: seen.unwrap_or_else(|| "absent".to_owned()),
        wanted: wanted.to_owned(),
        action,
    }
}
