//! The request for a project, checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, BadName};
use crate::model::{Budget, Environment, GoogleBounds, Organization};
use crate::operation::request;
use crate::port::projects::Extra;

/// Most labels of one project (Resource Manager reference, `Project.labels`).
const LABELS: usize = 64;
/// Most APIs that one call switches on.
const APIS: usize = 100;
/// What has made the default network and the default account, and what disables the latter.
const COMPUTE: &str = "compute.googleapis.com";
const IAM: &str = "iam.googleapis.com";

/// Own fields of `gcp_create_project`; the terms are those of every mutating tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CreateProjectRequest {
    /// Organization in settings. Needed where there is more than one.
    pub organization: Option<String>,
    /// Id of the project. 6 to 30 lower-case letters, digits and hyphens. Needed unless `plan_id` is given.
    pub project_id: Option<String>,
    /// Billing account. Default: the only one in settings.
    pub billing_account: Option<String>,
    /// Organization's number. Default: the only place in settings.
    pub org_id: Option<String>,
    /// Folder's number, in its place. Of the same organization.
    pub folder_id: Option<String>,
    /// APIs to switch on. For instance `container.googleapis.com`.
    pub apis: Option<Vec<String>>,
    /// Its labels. Beside those in settings.
    pub labels: Option<BTreeMap<String, String>>,
    /// Delete its default network (default false). One in use stays.
    pub remove_default_network: Option<bool>,
    /// Disable its default service account (default false).
    pub disable_default_account: Option<bool>,
    /// Keep it from deletion (default false).
    pub lien: Option<bool>,
    /// Monthly budget: amount, currency. The amount in whole units of the billing account's currency.
    pub budget: Option<BudgetRequest>,
}

/// A budget.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetRequest {
    /// How much, in whole units of the currency.
    pub amount: u64,
    /// The billing account's currency, for instance EUR.
    pub currency: String,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) id: String,
    /// Empty until settings were asked.
    pub(super) billing_account: String,
    /// Empty until settings were asked.
    pub(super) parent: String,
    pub(super) apis: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) extras: Vec<Extra>,
}

fn check(field: &str, given: &str, checked: Result<(), BadName>) -> Result<()> {
    checked.map_err(|bad| Error::invalid(field, given, bad.why).allowed(bad.allowed))
}

/// Understands the own fields of a request: every check that needs neither settings nor cloud.
pub(super) fn wanted(own: &Map<String, Value>) -> Result<Wanted> {
    let given: CreateProjectRequest = request::typed(&Value::Object(own.clone()))?;
    let id = given.project_id.clone().ok_or_else(|| {
        Error::new(ErrorCode::InvalidRequest, "project_id is missing")
            .field("project_id")
            .allowed("a project_id, or a plan_id")
    })?;
    check("project_id", &id, name::gcp_project(&id))?;
    if let Some(account) = &given.billing_account {
        check("billing_account", account, name::gcp_billing_account(account))?;
    }
    let labels = given.labels.clone().unwrap_or_default();
    if labels.len() > LABELS {
        let count = labels.len().to_string();
        return Err(
            Error::invalid("labels", count, "are too many").allowed(format!("up to {LABELS}"))
        );
    }
    for (key, value) in &labels {
        check("labels", &format!("{key}={value}"), name::google_label(key, value))?;
    }
    let extras = extras(&given)?;
    let apis = apis(&given, &extras)?;
    Ok(Wanted {
        id,
        parent: parent(&given)?.unwrap_or_default(),
        billing_account: given.billing_account.unwrap_or_default(),
        apis,
        labels,
        extras,
    })
}

fn parent(given: &CreateProjectRequest) -> Result<Option<String>> {
    match (&given.org_id, &given.folder_id) {
        (Some(organization), None) => {
            check("org_id", organization, name::gcp_number(organization))?;
            Ok(Some(format!("organizations/{organization}")))
        }
        (None, Some(folder)) => {
            check("folder_id", folder, name::gcp_number(folder))?;
            Ok(Some(format!("folders/{folder}")))
        }
        (Some(_), Some(folder)) => {
            Err(Error::invalid("folder_id", folder, "stands beside org_id")
                .allowed("one of the two"))
        }
        (None, None) => Ok(None),
    }
}

/// The APIs, each once, with those that the rest needs.
fn apis(given: &CreateProjectRequest, extras: &[Extra]) -> Result<Vec<String>> {
    let mut apis = given.apis.clone().unwrap_or_default();
    for api in &apis {
        check("apis", api, name::gcp_api(api))?;
    }
    if extras.contains(&Extra::NoDefaultAccount) {
        apis.push(IAM.to_owned());
    }
    // Without Compute Engine there is neither of the two; whoever wants them gone means to use it.
    if extras.iter().any(|e| matches!(e, Extra::NoDefaultNetwork | Extra::NoDefaultAccount)) {
        apis.push(COMPUTE.to_owned());
    }
    apis.sort();
    apis.dedup();
    if apis.len() > APIS {
        let count = apis.len().to_string();
        return Err(Error::invalid("apis", count, "are too many").allowed(format!("up to {APIS}")));
    }
    Ok(apis)
}

fn extras(given: &CreateProjectRequest) -> Result<Vec<Extra>> {
    let mut extras = Vec::new();
    let asked = |wish: Option<bool>| wish == Some(true);
    extras.extend(asked(given.remove_default_network).then_some(Extra::NoDefaultNetwork));
    extras.extend(asked(given.disable_default_account).then_some(Extra::NoDefaultAccount));
    extras.extend(asked(given.lien).then_some(Extra::Lien));
    if let Some(BudgetRequest { amount, currency }) = &given.budget {
        if !(1..=1_000_000_000).contains(amount) {
            return Err(Error::invalid("budget.amount", amount.to_string(), "is no amount")
                .allowed("1 to 1000000000, in whole units of the currency"));
        }
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::invalid("budget.currency", currency, "is no currency")
                .allowed("three capital letters, for instance EUR"));
        }
        extras.push(Extra::Budget(Budget { amount: *amount, currency: currency.clone() }));
    }
    Ok(extras)
}

/// The bounds that settings put on it. Fills in what they leave one choice for.
pub(super) fn bounded(mut wanted: Wanted, at: &Environment) -> Result<Wanted> {
    let (rules, google) = rules(at)?;
    let own = format!("organizations/{}", google.number);
    let field = |parent: &str| if parent.starts_with("folders/") { "folder_id" } else { "org_id" };
    if wanted.parent.is_empty() {
        wanted.parent = match rules.units.as_slice() {
            [] => own.clone(),
            [only] => only.clone(),
            several => {
                return Err(Error::new(ErrorCode::InvalidRequest, "folder_id is missing")
                    .field("folder_id")
                    .allowed(several.join(", ")));
            }
        };
    }
    let parent = &wanted.parent;
    if parent.starts_with("organizations/") && *parent != own {
        let why = format!("is not organization {}", rules.name);
        return Err(Error::invalid("org_id", parent, why).allowed(own));
    }
    if !rules.takes(parent) {
        let why = format!("is not where organization {} takes projects", rules.name);
        return Err(Error::invalid(field(parent), parent, why).allowed(rules.units.join(", ")));
    }
    if wanted.billing_account.is_empty() {
        let [only] = google.billing_accounts.as_slice() else {
            return Err(Error::new(ErrorCode::InvalidRequest, "billing_account is missing")
                .field("billing_account")
                .allowed(google.billing_accounts.join(", ")));
        };
        wanted.billing_account.clone_from(only);
    }
    let account = &wanted.billing_account;
    if !google.billing_accounts.is_empty() && !google.billing_accounts.contains(account) {
        let why = format!("is not one that organization {} is billed to", rules.name);
        return Err(Error::invalid("billing_account", account, why)
            .allowed(google.billing_accounts.join(", ")));
    }
    for (key, value) in &google.labels {
        match wanted.labels.get(key) {
            Some(other) if other != value => {
                let given = format!("{key}={other}");
                return Err(Error::invalid("labels", given, "is set otherwise by the settings")
                    .allowed(format!("{key}={value}")));
            }
            _ => drop(wanted.labels.insert(key.clone(), value.clone())),
        }
    }
    Ok(wanted)
}

/// The organization that an operation is about.
pub(super) fn rules(at: &Environment) -> Result<(&Organization, &GoogleBounds)> {
    let rules = at.organization.as_ref();
    let both = rules.and_then(|rules| Some((rules, rules.google.as_ref()?)));
    both.ok_or_else(|| {
        Error::internal("reading a request", "its target is no organization of Google Cloud")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(key: &str, value: &Value) -> String {
        let mut request = json!({ "project_id": "acme-data-4711" });
        request[key] = value.clone();
        let Value::Object(own) = request else { unreachable!() };
        wanted(&own).unwrap_err().field.unwrap_or_default()
    }

    #[test]
    fn bad_input_65_and_promise_8_every_field_of_a_project_is_checked_before_anything_starts() {
        for bad in ["My Project", "acme", "acme-data-", "4acme-data", "acme_data", "Acme-data"] {
            assert_eq!(field("project_id", &json!(bad)), "project_id", "{bad}");
        }
        let budget =
            |amount: u64, currency: &str| json!({ "amount": amount, "currency": currency });
        for (key, value, told) in [
            ("billing_account", json!("billingAccounts/012345-6789AB-CDEF01"), "billing_account"),
            ("billing_account", json!("012345-6789ab-CDEF01"), "billing_account"),
            ("org_id", json!("acme.example"), "org_id"),
            ("folder_id", json!("folders/1"), "folder_id"),
            ("apis", json!(["--flag.googleapis.com"]), "apis"),
            ("apis", json!(["compute"]), "apis"),
            ("apis", json!(["a/b.googleapis.com"]), "apis"),
            ("labels", json!({ "Team": "x" }), "labels"),
            ("labels", json!({ "team": "X" }), "labels"),
            ("budget", budget(0, "EUR"), "budget.amount"),
            ("budget", budget(5, "euro"), "budget.currency"),
        ] {
            assert_eq!(field(key, &value), told, "{value}");
        }
        let Value::Object(none) = json!({}) else { unreachable!() };
        assert_eq!(wanted(&none).unwrap_err().field.as_deref(), Some("project_id"));
        let Value::Object(both) =
            json!({ "project_id": "acme-data-4711", "org_id": "1", "folder_id": "2" })
        else {
            unreachable!()
        };
        assert_eq!(wanted(&both).unwrap_err().field.as_deref(), Some("folder_id"));
    }

    #[test]
    fn what_a_wish_needs_is_switched_on_with_it() {
        let Value::Object(own) = json!({
            "project_id": "acme-data-4711", "disable_default_account": true,
            "apis": ["storage.googleapis.com", "compute.googleapis.com", "storage.googleapis.com"],
        }) else {
            unreachable!()
        };
        let apis = wanted(&own).unwrap().apis;
        assert_eq!(
            apis,
            ["compute.googleapis.com", "iam.googleapis.com", "storage.googleapis.com"]
        );
    }
}
