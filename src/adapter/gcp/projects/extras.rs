//! What a project has beside itself: the default network and account that Compute Engine makes (v1; IAM v1), liens (Resource
//! Manager v3), budgets (Cloud Billing Budget API v1).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::call::{Verb, is_absent, status};
use super::{GoogleProjects, OperationProgress, RESOURCES, progress, text};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Budget, Environment};
use crate::port::projects::{Having, ProjectFacts};

const COMPUTE: &str = "compute.googleapis.com";
const IAM: &str = "iam.googleapis.com";
const BUDGETS: &str = "billingbudgets.googleapis.com";
/// Who made a lien; what it keeps from being done (Resource Manager reference, `Lien`).
const ORIGIN: &str = "datamcp";
const RESTRICTED: &str = "resourcemanager.projects.delete";
/// Shares of a budget at which is told.
const TOLD_AT: [f64; 3] = [0.5, 0.9, 1.0];
/// Rules that Compute Engine puts into the default network ("VPC firewall rules", pre-populated rules).
const OF_GOOGLE: &str = "default-allow-";
/// How long an operation is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK: Duration = Duration::from_millis(500);

/// Whether an API says that it is not on in the project: then it has made nothing there.
fn is_off(error: &Error) -> bool {
    status(error) == Some(403) && error.details.get("reason") == Some(&"SERVICE_DISABLED".into())
}

impl GoogleProjects {
    /// Waits for an operation of Resource Manager, seen as it was `started`.
    pub(super) async fn ended(
        &self,
        at: &Environment,
        doing: &str,
        (host, path): (&str, &str),
        started: Value,
    ) -> Result<()> {
        let since = Instant::now();
        let mut seen = progress(&started);
        loop {
            match seen {
                OperationProgress::Done | OperationProgress::Forgotten => return Ok(()),
                OperationProgress::Failed(failure) => {
                    let why = format!("{doing}: {}: {}", failure.code, failure.message);
                    return Err(Error::new(ErrorCode::UpstreamFailed, why).next(
                        "see what Google says and mend that, then make the same call again",
                    ));
                }
                OperationProgress::Going if since.elapsed() >= PATIENCE => {
                    return Err(Error::new(ErrorCode::TimedOut, format!("{doing}: it goes on"))
                        .next("make the same call again: it looks for what is left"));
                }
                OperationProgress::Going => sleep(LOOK).await,
            }
            seen = self.operation(at, doing, host, path).await?;
        }
    }

    pub(super) async fn is_without_network(
        &self,
        at: &Environment,
        project: &ProjectFacts,
    ) -> Result<bool> {
        let doing = format!("asking for the default network of {}", project.id);
        let path = format!("/compute/v1/projects/{}/global/networks/default", project.id);
        match self.ask(at, &doing, COMPUTE, &path).await {
            Ok(_) => Ok(false),
            Err(error) if is_absent(&error) || is_off(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Deletes the default network with the rules that Google put there. With anything else in it, it stays.
    pub(super) async fn delete_network(
        &self,
        at: &Environment,
        project: &ProjectFacts,
    ) -> Result<()> {
        let doing = format!("deleting the default network of {}", project.id);
        let global = format!("/compute/v1/projects/{}/global", project.id);
        let listed = self.ask(at, &doing, COMPUTE, &format!("{global}/firewalls")).await?;
        let rules = listed.get("items").and_then(Value::as_array).into_iter().flatten();
        for rule in rules {
            let (name, network) = (text(rule, "name"), text(rule, "network"));
            if name.starts_with(OF_GOOGLE) && network.ends_with("/global/networks/default") {
                self.delete(at, &doing, &global, &format!("firewalls/{name}")).await?;
            }
        }
        self.delete(at, &doing, &global, "networks/default").await
    }

    /// Deletes something of Compute Engine and waits until it is gone. Its operations are of a form of their own.
    async fn delete(&self, at: &Environment, doing: &str, global: &str, what: &str) -> Result<()> {
        let path = format!("{global}/{what}");
        let mut operation = match self.send(at, doing, (Verb::Delete, COMPUTE, &path), None).await {
            Ok(operation) => operation,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let since = Instant::now();
        while text(&operation, "status") != "DONE" {
            if since.elapsed() >= PATIENCE {
                return Err(Error::new(
                    ErrorCode::TimedOut,
                    format!("{doing}: {what} is still there"),
                )
                .next("make the same call again: it looks for what is left"));
            }
            sleep(LOOK).await;
            let path = format!("{global}/operations/{}", text(&operation, "name"));
            operation = self.ask(at, doing, COMPUTE, &path).await?;
        }
        let Some(error) = operation.pointer("/error/errors/0") else { return Ok(()) };
        let why = format!("{doing}: {what}: {}", text(error, "message"));
        Err(Error::new(ErrorCode::UpstreamFailed, why)
            .detail("reason", text(error, "code"))
            .next("take away what is in it, or make the same call without remove_default_network"))
    }

    fn default_account(project: &ProjectFacts) -> String {
        let email = format!("{}-compute@developer.gserviceaccount.com", project.number);
        format!("/v1/projects/{}/serviceAccounts/{email}", project.id)
    }

    pub(super) async fn is_without_account(
        &self,
        at: &Environment,
        project: &ProjectFacts,
    ) -> Result<bool> {
        let doing = format!("asking for the default service account of {}", project.id);
        match self.ask(at, &doing, IAM, &Self::default_account(project)).await {
            Ok(found) => Ok(found.get("disabled").and_then(Value::as_bool) == Some(true)),
            Err(error) if is_absent(&error) || is_off(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn disable_account(
        &self,
        at: &Environment,
        project: &ProjectFacts,
    ) -> Result<()> {
        let doing = format!("disabling the default service account of {}", project.id);
        let path = format!("{}:disable", Self::default_account(project));
        match self.send(at, &doing, (Verb::Post, IAM, &path), Some(&json!({}))).await {
            Err(error) if is_absent(&error) => Ok(()),
            other => other.map(drop),
        }
    }

    pub(super) async fn has_lien(&self, at: &Environment, project: &ProjectFacts) -> Result<bool> {
        let doing = format!("listing the liens of {}", project.id);
        let path = format!("/v3/liens?parent=projects/{}", project.number);
        let listed = self.ask(at, &doing, RESOURCES, &path).await?;
        let liens = listed.get("liens").and_then(Value::as_array);
        Ok(liens.into_iter().flatten().any(|lien| {
            let restricted = lien.get("restrictions").and_then(Value::as_array);
            restricted.is_some_and(|all| all.contains(&RESTRICTED.into()))
        }))
    }

    pub(super) async fn add_lien(&self, at: &Environment, project: &ProjectFacts) -> Result<()> {
        let doing = format!("putting a lien on {}", project.id);
        let body = json!({
            "parent": format!("projects/{}", project.number),
            "restrictions": [RESTRICTED],
            "origin": ORIGIN,
            "reason": "asked for when the project was made",
        });
        self.send(at, &doing, (Verb::Post, RESOURCES, "/v3/liens"), Some(&body)).await.map(drop)
    }

    /// Our budget for a project, as the API shows it.
    pub(super) async fn budget(
        &self,
        at: &Environment,
        project: &ProjectFacts,
        account: &str,
    ) -> Result<Option<Value>> {
        let doing = format!("listing the budgets of {}", project.id);
        let scope = format!("scope=projects/{}", project.number);
        let path = format!("/v1/billingAccounts/{account}/budgets?{scope}");
        let listed = self.ask(at, &doing, BUDGETS, &path).await?;
        let mut budgets = listed.get("budgets").and_then(Value::as_array).into_iter().flatten();
        let named = budget_name(project);
        Ok(budgets.find(|budget| text(budget, "displayName") == named).cloned())
    }

    /// Makes the budget, or gives the one that is there this amount; what people set beside it stays.
    pub(super) async fn set_budget(
        &self,
        at: &Environment,
        project: &ProjectFacts,
        account: &str,
        budget: &Budget,
    ) -> Result<()> {
        let amount = json!({ "specifiedAmount": {
            "currencyCode": budget.currency, "units": budget.amount.to_string(),
        } });
        if let Some(found) = self.budget(at, project, account).await? {
            let doing = format!("changing the budget for {}", project.id);
            let path = format!("/v1/{}?updateMask=amount", text(&found, "name"));
            let body = json!({ "amount": amount });
            return self
                .send(at, &doing, (Verb::Patch, BUDGETS, &path), Some(&body))
                .await
                .map(drop);
        }
        let doing = format!("making a budget for {}", project.id);
        let rules = TOLD_AT.map(|share| json!({ "thresholdPercent": share }));
        let body = json!({
            "displayName": budget_name(project),
            "budgetFilter": { "projects": [format!("projects/{}", project.number)] },
            "amount": amount,
            "thresholdRules": rules,
        });
        let path = format!("/v1/billingAccounts/{account}/budgets");
        self.send(at, &doing, (Verb::Post, BUDGETS, &path), Some(&body)).await.map(drop)
    }
}

/// Whether a budget is for the amount that is wanted. Google keeps parts of a unit apart (`google.type.Money`).
pub(super) fn having(wanted: &Budget, found: Option<&Value>) -> Having {
    let Some(found) = found else { return Having::Nothing };
    let Some(amount) = found.pointer("/amount/specifiedAmount") else {
        return Having::Otherwise("what was spent the month before".to_owned());
    };
    let (units, currency) = (text(amount, "units"), text(amount, "currencyCode"));
    let units = if units.is_empty() { "0" } else { units };
    let nanos = amount.get("nanos").and_then(Value::as_i64).unwrap_or_default();
    let whole = nanos == 0 && units == wanted.amount.to_string();
    if whole && (currency.is_empty() || currency == wanted.currency) {
        return Having::Wanted;
    }
    let parts = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
    let told = format!("{units}{} {currency}", parts.trim_end_matches('0'));
    Having::Otherwise(told.trim_end().to_owned())
}

fn budget_name(project: &ProjectFacts) -> String {
    format!("datamcp {}", project.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_by_its_amount_and_its_currency() {
        let wanted = Budget { amount: 500, currency: "EUR".into() };
        let told = |amount: Value| having(&wanted, Some(&json!({ "amount": amount })));
        let of = |money: Value| told(json!({ "specifiedAmount": money }));
        assert_eq!(having(&wanted, None), Having::Nothing);
        assert_eq!(of(json!({ "units": "500", "currencyCode": "EUR" })), Having::Wanted);
        assert_eq!(of(json!({ "units": "500", "nanos": 0 })), Having::Wanted);
        for (money, shown) in [
            (json!({ "units": "300", "currencyCode": "EUR" }), "300 EUR"),
            (json!({ "units": "500", "currencyCode": "USD" }), "500 USD"),
            (json!({ "units": "500", "nanos": 500_000_000, "currencyCode": "EUR" }), "500.5 EUR"),
            (json!({ "nanos": 50_000_000, "currencyCode": "EUR" }), "0.05 EUR"),
        ] {
            assert_eq!(of(money), Having::Otherwise(shown.into()));
        }
        let last = told(json!({ "lastPeriodAmount": {} }));
        assert_eq!(last, Having::Otherwise("what was spent the month before".into()));
    }
}
