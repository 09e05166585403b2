//! Accounts of an organization by the AWS SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::config::{Config, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_organizations::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_organizations::operation::create_account::CreateAccountError;
use aws_sdk_organizations::operation::list_accounts::ListAccountsOutput;
use aws_sdk_organizations::operation::list_create_account_status::ListCreateAccountStatusOutput;
use aws_sdk_organizations::operation::list_roots::ListRootsOutput;
use aws_sdk_organizations::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_organizations::types::{CreateAccountState, CreateAccountStatus, Tag};
use jiff::Timestamp;

use super::AwsIdentity;
use crate::error::{Error, ErrorCode, Result, causes};
use crate::model::Environment;
use crate::permit::Permit;
use crate::port::accounts::Progress;
use crate::port::{Account, AccountOrder, Accounts, Answered, Creation, OrganizationFacts};

/// Longest time that one call which changes something may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Accounts by the AWS SDK.
#[derive(Debug)]
pub struct AwsOrganization {
    identity: Arc<AwsIdentity>,
}

impl AwsOrganization {
    /// Accounts as this identity sees them.
    pub fn new(identity: Arc<AwsIdentity>) -> Self {
        Self { identity }
    }

    async fn client(&self, at: &Environment, session: &str) -> Result<Client> {
        Ok(Client::new(&self.identity.settings(at, session).await?))
    }
}

/// Never again by itself: these calls have no token that would tell a repetition from a second wish.
fn once() -> aws_sdk_organizations::config::Builder {
    let limit = TimeoutConfig::builder().operation_timeout(LIMIT).build();
    Config::builder().retry_config(RetryConfig::disabled()).timeout_config(limit)
}

fn failed<E>(at: &Environment, doing: &str, action: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let message = format!("{doing} in {}: {}", at.target(), told(error));
    let Some(code) = error.code() else {
        return Error::new(ErrorCode::UpstreamFailed, message);
    };
    let error = match code {
        "AccessDeniedException" => Error::new(ErrorCode::UpstreamDenied, message)
            .detail("action", format!("organizations:{action}"))
            .next(format!(
                "allow organizations:{action}; only the management account and delegated administrators may look at an organization"
            )),
        "AWSOrganizationsNotInUseException" => Error::new(ErrorCode::WrongIdentity, message)
            .next("use credentials of the organization's management account"),
        _ => Error::new(ErrorCode::UpstreamFailed, message),
    };
    error.detail("aws", code)
}

/// What AWS said, or why nothing was heard.
fn told<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => causes(error),
    }
}

/// Tells a refusal from a call that may be made later, and from one whose answer was lost.
fn answered<T, E>(
    at: &Environment,
    doing: &str,
    action: &str,
    result: Result<T, SdkError<E>>,
) -> Result<Answered<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let error = match result {
        Ok(taken) => return Ok(Answered::Taken(taken)),
        Err(error) => error,
    };
    let typed = failed(at, doing, action, &error);
    match (&error, error.code()) {
        (
            _,
            Some(
                "ConcurrentModificationException"
                | "TooManyRequestsException"
                | "ThrottlingException",
            ),
        ) => Ok(Answered::Later { error: typed, long: false }),
        (_, Some("FinalizingOrganizationException")) => {
            Ok(Answered::Later { error: typed, long: true })
        }
        // The service's own failures tell nothing of what it did before.
        (_, Some("ServiceException" | "InternalFailure" | "ServiceUnavailable")) => {
            Ok(Answered::Lost(typed))
        }
        (SdkError::ConstructionFailure(_), _) => Err(typed),
        (SdkError::ServiceError(context), Some(_)) if !context.raw().status().is_server_error() => {
            Err(typed)
        }
        _ => Ok(Answered::Lost(typed)),
    }
}

fn creation(status: &CreateAccountStatus) -> Creation {
    let progress = match (status.state(), status.account_id()) {
        (Some(CreateAccountState::Succeeded), Some(id)) => Progress::Made(id.to_owned()),
        (Some(CreateAccountState::Failed), _) => Progress::Failed(
            status
                .failure_reason()
                .map_or("(no reason given)", |reason| reason.as_str())
                .to_owned(),
        ),
        // Without an account's id nothing has been made that anybody could go on with.
        _ => Progress::Going,
    };
    Creation {
        id: status.id().unwrap_or_default().to_owned(),
        name: status.account_name().unwrap_or_default().to_owned(),
        requested: status
            .requested_timestamp()
            .and_then(|at| Timestamp::from_second(at.secs()).ok()),
        progress,
    }
}

/// Which limit a request for an account met.
fn reason(error: &SdkError<CreateAccountError>) -> Option<String> {
    match error.as_service_error()? {
        CreateAccountError::ConstraintViolationException(why) => {
            why.reason().map(|reason| reason.as_str().to_owned())
        }
        _ => None,
    }
}

fn tagged(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let one = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, _> = tags.iter().map(one).collect();
    tags.map_err(|e| Error::internal("writing tags", e))
}

#[async_trait]
impl Accounts for AwsOrganization {
    async fn organization(&self, at: &Environment, session: &str) -> Result<OrganizationFacts> {
        let client = self.client(at, session).await?;
        let doing = "asking for the organization";
        let answer = client.describe_organization().send().await;
        let answer = answer.map_err(|e| failed(at, doing, "DescribeOrganization", &e))?;
        let found = answer.organization().ok_or_else(|| {
            Error::new(
                ErrorCode::UpstreamFailed,
                format!("{doing} of {}: none in the answer", at.target()),
            )
        })?;
        // Any account may ask which organization it is in; only few may ask for more, the management account has to.
        let managed = found.master_account_id() == Some(at.account.as_str());
        let root = match client.list_roots().send().await {
            Ok(answer) => answer.roots().first().and_then(|root| root.id()).map(str::to_owned),
            Err(error) if error.code() == Some("AccessDeniedException") && !managed => None,
            Err(error) => return Err(failed(at, "asking for the root", "ListRoots", &error)),
        };
        Ok(OrganizationFacts {
            id: found.id().unwrap_or_default().to_owned(),
            management_account: found.master_account_id().unwrap_or_default().to_owned(),
            root,
        })
    }

    async fn accounts(&self, at: &Environment, session: &str) -> Result<Vec<Account>> {
        let client = self.client(at, session).await?;
        let pages = client.list_accounts().into_paginator().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let all = all.map_err(|e| failed(at, "listing the accounts", "ListAccounts", &e))?;
        let state = |account: &aws_sdk_organizations::types::Account| {
            account.state().map_or_else(|| "unknown".to_owned(), |state| state.as_str().to_owned())
        };
        Ok(all
            .iter()
            .flat_map(ListAccountsOutput::accounts)
            .map(|account| Account {
                id: account.id().unwrap_or_default().to_owned(),
                email: account.email().unwrap_or_default().to_owned(),
                name: account.name().unwrap_or_default().to_owned(),
                state: state(account),
                joined: account
                    .joined_timestamp()
                    .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            })
            .collect())
    }

    async fn unit(&self, at: &Environment, session: &str, id: &str) -> Result<Option<String>> {
        let client = self.client(at, session).await?;
        if id.starts_with("r-") {
            let roots = client.list_roots().into_paginator().send();
            let roots = roots.collect::<Result<Vec<_>, _>>().await;
            let roots = roots.map_err(|e| failed(at, "asking for the root", "ListRoots", &e))?;
            let found =
                roots.iter().flat_map(ListRootsOutput::roots).find(|root| root.id() == Some(id));
            return Ok(found.map(|root| root.name().unwrap_or_default().to_owned()));
        }
        match client.describe_organizational_unit().organizational_unit_id(id).send().await {
            Ok(answer) => Ok(answer
                .organizational_unit()
                .map(|unit| unit.name().unwrap_or_default().to_owned())),
            Err(error) if error.code() == Some("OrganizationalUnitNotFoundException") => Ok(None),
            Err(error) => {
                Err(failed(at, &format!("asking for {id}"), "DescribeOrganizationalUnit", &error))
            }
        }
    }

    async fn parent(&self, at: &Environment, session: &str, account: &str) -> Result<String> {
        let client = self.client(at, session).await?;
        let doing = format!("asking where account {account} is");
        let answer = client.list_parents().child_id(account).send().await;
        let answer = answer.map_err(|e| failed(at, &doing, "ListParents", &e))?;
        let parent = answer.parents().first().and_then(|parent| parent.id());
        parent.map(str::to_owned).ok_or_else(|| {
            Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer has no parent"))
        })
    }

    async fn tags(
        &self,
        at: &Environment,
        session: &str,
        account: &str,
    ) -> Result<BTreeMap<String, String>> {
        let client = self.client(at, session).await?;
        let pages = client.list_tags_for_resource().resource_id(account).into_paginator();
        let all = pages.send().collect::<Result<Vec<_>, _>>().await;
        let doing = format!("asking for the tags of account {account}");
        let all = all.map_err(|e| failed(at, &doing, "ListTagsForResource", &e))?;
        Ok(all
            .iter()
            .flat_map(ListTagsForResourceOutput::tags)
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect())
    }

    async fn quota(&self, at: &Environment, session: &str) -> Result<u64> {
        super::quota::accounts(at, &self.identity.settings(at, session).await?).await
    }

    async fn creations(&self, at: &Environment, session: &str) -> Result<Vec<Creation>> {
        let client = self.client(at, session).await?;
        let pages = client.list_create_account_status().into_paginator().send();
        let all = pages.collect::<Result<Vec<_>, _>>().await;
        let doing = "listing requests for accounts";
        let all = all.map_err(|e| failed(at, doing, "ListCreateAccountStatus", &e))?;
        Ok(all
            .iter()
            .flat_map(ListCreateAccountStatusOutput::create_account_statuses)
            .map(creation)
            .collect())
    }

    async fn creation(&self, at: &Environment, session: &str, id: &str) -> Result<Creation> {
        let client = self.client(at, session).await?;
        let doing = format!("asking for request {id}");
        let asked = client.describe_create_account_status().create_account_request_id(id);
        let answer = asked.send().await;
        let answer = answer.map_err(|e| failed(at, &doing, "DescribeCreateAccountStatus", &e))?;
        answer.create_account_status().map(creation).ok_or_else(|| {
            Error::new(ErrorCode::UpstreamFailed, format!("{doing}: the answer has no status"))
        })
    }

    async fn create(
        &self,
        _permit: &Permit,
        at: &Environment,
        session: &str,
        order: &AccountOrder,
    ) -> Result<Answered<Creation>> {
        let tags = tagged(&order.tags)?;
        let asked = self
            .client(at, session)
            .await?
            .create_account()
            .email(&order.email)
            .account_name(&order.name)
            .role_name(&order.role)
            .set_tags((!tags.is_empty()).then_some(tags));
        let result = asked.customize().config_override(once()).send().await;
        let doing = format!("asking for account {}", order.name);
        let reason = result.as_ref().err().and_then(reason);
        let answer = answered(at, &doing, "CreateAccount", result).map_err(|error| match reason {
            Some(reason) => error.detail("reason", reason),
            None => error,
        });
        Ok(match answer? {
            Answered::Taken(answer) => match answer.create_account_status().map(creation) {
                Some(creation) if !creation.id.is_empty() => Answered::Taken(creation),
                _ => Answered::Lost(Error::new(
                    ErrorCode::UpstreamFailed,
                    format!("{doing}: the answer has no id of the request"),
                )),
            },
            Answered::Later { error, long } => Answered::Later { error, long },
            Answered::Lost(error) => Answered::Lost(error),
        })
    }

    async fn place(
        &self,
        _permit: &Permit,
        at: &Environment,
        session: &str,
        account: &str,
        way: (&str, &str),
    ) -> Result<Answered<()>> {
        let asked = self
            .client(at, session)
            .await?
            .move_account()
            .account_id(account)
            .source_parent_id(way.0)
            .destination_parent_id(way.1);
        let result = asked.customize().config_override(once()).send().await.map(|_| ());
        answered(at, &format!("moving account {account} to {}", way.1), "MoveAccount", result)
    }

    async fn tag(
        &self,
        _permit: &Permit,
        at: &Environment,
        session: &str,
        account: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<Answered<()>> {
        let asked = self.client(at, session).await?.tag_resource();
        let asked = asked.resource_id(account).set_tags(Some(tagged(tags)?));
        let result = asked.customize().config_override(once()).send().await.map(|_| ());
        answered(at, &format!("tagging account {account}"), "TagResource", result)
    }
}
