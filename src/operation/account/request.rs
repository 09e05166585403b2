//! The request for an account, checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, BadName};
use crate::model::{Environment, Organization};
use crate::operation::request;
use crate::port::Contact;

/// The role that AWS makes in a new account when nothing else is asked for.
const ROLE: &str = "OrganizationAccountAccessRole";
/// Kinds of alternate contacts (AWS Account Management reference, `AlternateContactType`).
const KINDS: [&str; 3] = ["BILLING", "OPERATIONS", "SECURITY"];
/// Most tags of one account (AWS Organizations, "Quotas").
const TAGS: usize = 50;

/// Own fields of `aws_create_account`; the terms are those of every mutating tool.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CreateAccountRequest {
    /// Organization in settings. Needed where there is more than one.
    pub organization: Option<String>,
    /// Address of its root user. 6 to 64 ASCII characters, of no other AWS account. Needed unless `plan_id` is given.
    pub email: Option<String>,
    /// Name of the account. 1 to 50 printable ASCII characters. Needed unless `plan_id` is given.
    pub account_name: Option<String>,
    /// OU or root to place it in. Default: the only one that the settings allow, else the root.
    pub ou_id: Option<String>,
    /// Role to make in it. For the management account; default: `OrganizationAccountAccessRole`.
    pub role_name: Option<String>,
    /// Its tags. Up to 50; those of an account that is there already are added to.
    pub tags: Option<BTreeMap<String, String>>,
    /// Alternate contacts by BILLING, OPERATIONS, SECURITY. Each an object with name, title, email and phone.
    pub contacts: Option<BTreeMap<String, ContactRequest>>,
    /// Delete its default VPCs (default false). In every region that is enabled; one that is in use stays.
    pub close_default_vpcs: Option<bool>,
    /// State bucket to make in it. Made as by `bootstrap_state_backend`, in the organization's region.
    pub state_bucket: Option<String>,
}

/// An alternate contact.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRequest {
    /// Their name.
    pub name: String,
    /// Their title.
    pub title: String,
    /// Their address.
    pub email: String,
    /// Their telephone number.
    pub phone: String,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) unit: Option<String>,
    pub(super) role: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) contacts: BTreeMap<String, Contact>,
    pub(super) close_default_vpcs: bool,
    pub(super) state_bucket: Option<String>,
}

impl Wanted {
    /// Whether something is to be done in the account itself, by its role.
    pub(super) fn enters(&self) -> bool {
        !self.contacts.is_empty() || self.close_default_vpcs || self.state_bucket.is_some()
    }
}

fn check(field: &str, given: &str, checked: Result<(), BadName>) -> Result<()> {
    checked.map_err(|bad| Error::invalid(field, given, bad.why).allowed(bad.allowed))
}

fn missing(field: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, format!("{field} is missing"))
        .field(field)
        .allowed("email and account_name together, or a plan_id")
}

/// Understands the own fields of a request: every check that needs neither settings nor cloud.
pub(super) fn wanted(own: &Map<String, Value>) -> Result<Wanted> {
    let given: CreateAccountRequest = request::typed(&Value::Object(own.clone()))?;
    let email = given.email.ok_or_else(|| missing("email"))?;
    check("email", &email, name::account_email(&email))?;
    let account_name = given.account_name.ok_or_else(|| missing("account_name"))?;
    check("account_name", &account_name, name::account_name(&account_name))?;
    if let Some(unit) = &given.ou_id {
        check("ou_id", unit, name::unit(unit))?;
    }
    let role = given.role_name.unwrap_or_else(|| ROLE.to_owned());
    check("role_name", &role, name::role(&role))?;
    let tags = given.tags.unwrap_or_default();
    if tags.len() > TAGS {
        return Err(Error::invalid("tags", tags.len().to_string(), "are too many")
            .allowed(format!("up to {TAGS}")));
    }
    for (key, value) in &tags {
        check("tags", &format!("{key}={value}"), name::tag(key, value))?;
    }
    if let Some(bucket) = &given.state_bucket {
        check("state_bucket", bucket, name::s3_bucket(bucket))?;
    }
    let contacts = given.contacts.unwrap_or_default().into_iter();
    let contacts = contacts.map(|(kind, given)| contact(kind, given));
    Ok(Wanted {
        email,
        name: account_name,
        unit: given.ou_id,
        role,
        tags,
        contacts: contacts.collect::<Result<_>>()?,
        close_default_vpcs: given.close_default_vpcs.unwrap_or(false),
        state_bucket: given.state_bucket,
    })
}

/// One contact (AWS Account Management reference, `PutAlternateContact`).
fn contact(kind: String, given: ContactRequest) -> Result<(String, Contact)> {
    if !KINDS.contains(&kind.as_str()) {
        return Err(
            Error::invalid("contacts", kind, "is not a kind of contact").allowed(KINDS.join(", "))
        );
    }
    let field = |key: &str| format!("contacts.{kind}.{key}");
    let text = |key: &str, given: &str, most: usize| {
        let count = given.chars().count();
        if (1..=most).contains(&count) && !given.chars().any(char::is_control) {
            return Ok(());
        }
        Err(Error::invalid(field(key), given, "is not one line of text")
            .allowed(format!("1 to {most} characters")))
    };
    text("name", &given.name, 64)?;
    text("title", &given.title, 50)?;
    text("email", &given.email, 254)?;
    let at = given.email.split_once('@');
    if at.is_none_or(|(local, domain)| local.is_empty() || name::email_domain(domain).is_err()) {
        return Err(Error::invalid(field("email"), &given.email, "is not an address")
            .allowed("NAME@DOMAIN"));
    }
    let dialled = |c: char| c.is_ascii_digit() || " +-()".contains(c);
    if !(1..=25).contains(&given.phone.len()) || !given.phone.chars().all(dialled) {
        return Err(Error::invalid(field("phone"), &given.phone, "is not a telephone number")
            .allowed("up to 25 digits, blanks and + - ( )"));
    }
    let ContactRequest { name, title, email, phone } = given;
    Ok((kind, Contact { name, title, email, phone }))
}

/// The bounds that settings put on it. Fills in the unit where they leave one choice.
pub(super) fn bounded(mut wanted: Wanted, at: &Environment) -> Result<Wanted> {
    let rules = rules(at)?;
    if !rules.knows(&wanted.email) {
        let why = format!("is not an address of organization {}'s domains", rules.name);
        return Err(
            Error::invalid("email", &wanted.email, why).allowed(rules.email_domains.join(", "))
        );
    }
    if wanted.unit.is_none()
        && let [only] = rules.units.as_slice()
    {
        wanted.unit = Some(only.clone());
    }
    let Some(unit) = &wanted.unit else {
        if rules.units.is_empty() {
            return Ok(wanted);
        }
        return Err(Error::new(ErrorCode::InvalidRequest, "ou_id is missing")
            .field("ou_id")
            .allowed(rules.units.join(", ")));
    };
    if !rules.takes(unit) {
        let why = format!("is not one in which organization {} takes accounts", rules.name);
        return Err(Error::invalid("ou_id", unit, why).allowed(rules.units.join(", ")));
    }
    Ok(wanted)
}

/// The organization that an operation is about.
pub(super) fn rules(at: &Environment) -> Result<&Organization> {
    let rules = at.organization.as_ref();
    rules.ok_or_else(|| Error::internal("reading a request", "its target is no organization"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(request: Value) -> String {
        let Value::Object(own) = request else { unreachable!() };
        wanted(&own).unwrap_err().field.unwrap_or_default()
    }

    fn with(key: &str, value: Value) -> Value {
        let mut request = json!({ "email": "aws+dev@example.com", "account_name": "dev" });
        request[key] = value;
        request
    }

    #[test]
    fn promise_8_every_field_of_an_account_is_checked_before_anything_starts() {
        let long = "a".repeat(51);
        for (key, value) in [
            ("email", json!("a@b.c")),
            ("email", json!(format!("{}@example.com", "a".repeat(53)))),
            ("email", json!("ä@example.com")),
            ("email", json!("a@b@example.com")),
            ("email", json!(".dev@example.com")),
            ("email", json!("de v@example.com")),
            ("email", json!("dev@example")),
            ("email", json!("dev@-example.com")),
            ("email", json!("dev@example..com")),
            ("email", json!("dev%1@example.com")),
            ("account_name", json!("")),
            ("account_name", json!(long)),
            ("account_name", json!("dév")),
            ("account_name", json!("dev\n")),
            ("account_name", json!(" dev")),
            ("ou_id", json!("ou-root-")),
            ("ou_id", json!("ou-ab12-1234567")),
            ("ou_id", json!("production")),
            ("role_name", json!("a/b")),
            ("role_name", json!("")),
            ("tags", json!({ "aws:x": "1" })),
            ("tags", json!({ "": "1" })),
            ("tags", json!({ "a": "<script>" })),
            ("state_bucket", json!("My_Bucket")),
        ] {
            assert_eq!(field(with(key, value.clone())), key, "{value}");
        }
        assert_eq!(field(json!({ "account_name": "dev" })), "email");
        assert_eq!(field(json!({ "email": "aws+dev@example.com" })), "account_name");
    }

    #[test]
    fn contacts_are_whole_and_of_a_kind() {
        let contact = json!({ "name": "N", "title": "T", "email": "a@b.co", "phone": "+49 30 1" });
        let of = |kind: &str, key: &str, value: &str| {
            let mut contact = contact.clone();
            contact[key] = json!(value);
            with("contacts", json!({ kind: contact }))
        };
        assert_eq!(field(of("LEGAL", "name", "N")), "contacts");
        for (key, bad) in [("name", ""), ("title", "a\nb"), ("email", "a.b"), ("phone", "call me")]
        {
            assert_eq!(field(of("BILLING", key, bad)), format!("contacts.BILLING.{key}"));
        }
        let Value::Object(own) = of("SECURITY", "name", "N") else { unreachable!() };
        assert_eq!(wanted(&own).unwrap().contacts["SECURITY"].phone, "+49 30 1");
    }

    #[test]
    fn the_edges_of_addresses_and_names_are_taken() {
        name::account_email("a@b.co").unwrap();
        name::account_email("aws+dev_1~x@sub.example.com").unwrap();
        let longest = format!("{}@example.com", "a".repeat(52));
        assert_eq!(longest.len(), 64);
        name::account_email(&longest).unwrap();
        name::account_name(&"~".repeat(50)).unwrap();
        name::account_name("Data platform (dev)").unwrap();
        name::unit("r-ab12").unwrap();
        name::unit("ou-ab12-12345678").unwrap();
    }
}
