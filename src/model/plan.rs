//! Plans and what binds an approval to one: everything that gives the plan its meaning.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChangeSet, Digest, OperationId, PlanId, Principal, Target};
use crate::clock::Uptime;

/// What a Terraform plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Reach what the configuration describes.
    Apply,
    /// Take everything away.
    Destroy,
    /// See what has drifted from the state (`-refresh-only`). Never carried out.
    Refresh,
}

/// Lineage and serial of a Terraform state; an empty lineage means that there is no state yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateVersion {
    /// Terraform's id of the state's line of descent.
    pub lineage: String,
    /// Rises with every write.
    pub serial: u64,
}

/// What an approval is bound to: one of them changed, and the approval is void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// SHA-256 of the saved plan file.
    pub plan_file: Digest,
    /// SHA-256 of its JSON form.
    pub plan_json: Digest,
    /// The target.
    pub target: Target,
    /// What configuration says about it.
    pub environment: Digest,
    /// Cloud account or project.
    pub account: String,
    /// Who asked.
    pub requester: Principal,
    /// What else gives it its meaning.
    pub meaning: Meaning,
}

/// What gives a plan its meaning, by kind of change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A Terraform plan.
    Terraform(TerraformFacts),
    /// Any other computed change: the facts that it was computed from, by their names for people.
    Facts(BTreeMap<String, String>),
}

/// Facts behind a Terraform plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerraformFacts {
    /// Terraform workspace.
    pub workspace: String,
    /// Identity of the state backend.
    pub backend: String,
    /// The state that it was computed against.
    pub state: StateVersion,
    /// Version of the terraform or tofu binary.
    pub terraform: String,
    /// SHA-256 of the provider lock file.
    pub providers: Digest,
    /// SHA-256 of the configuration tree.
    pub tree: Digest,
    /// SHA-256 of the merged variables.
    pub variables: Digest,
    /// Digest of what was seen in the world of each resource that the plan changes and that was there. Compared when the
    /// plan is old, by looking again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<String, Digest>,
}

impl Meaning {
    /// The facts of a Terraform plan, when it is one.
    pub fn terraform(&self) -> Option<&TerraformFacts> {
        match self {
            Self::Terraform(facts) => Some(facts),
            Self::Facts(_) => None,
        }
    }

    fn facts(&self) -> BTreeMap<&str, String> {
        match self {
            Self::Terraform(f) => BTreeMap::from([
                ("workspace", f.workspace.clone()),
                ("state backend", f.backend.clone()),
                ("state lineage", f.state.lineage.clone()),
                ("state serial", f.state.serial.to_string()),
                ("terraform version", f.terraform.clone()),
                ("provider lock file", f.providers.to_string()),
                ("configuration", f.tree.to_string()),
                ("variables", f.variables.to_string()),
            ]),
            Self::Facts(facts) => facts.iter().map(|(k, v)| (k.as_str(), v.clone())).collect(),
        }
    }
}

impl Binding {
    /// One digest over all of it: the digest of the operation that carries the plan out.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&serde_json::to_value(self).unwrap_or_default())
    }

    /// Names of the facts that differ, with what was bound and what is there now.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let (was, is) = (self.facts(), now.facts());
        let names = was.keys().chain(is.keys().filter(|name| !was.contains_key(*name)));
        let value = |facts: &BTreeMap<&str, String>, name: &str| {
            facts.get(name).cloned().unwrap_or_else(|| "(none)".to_owned())
        };
        names
            .map(|name| Difference {
                fact: (*name).to_owned(),
                was: value(&was, name),
                is: value(&is, name),
            })
            .filter(|difference| difference.was != difference.is)
            .collect()
    }

    fn facts(&self) -> BTreeMap<&str, String> {
        let mut facts = self.meaning.facts();
        facts.extend([
            ("plan file", self.plan_file.to_string()),
            ("plan content", self.plan_json.to_string()),
            ("target", self.target.to_string()),
            ("environment", self.environment.to_string()),
            ("account", self.account.clone()),
            ("requester", self.requester.to_string()),
        ]);
        facts
    }
}

/// One bound fact that is no longer what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Which fact.
    pub fact: String,
    /// What the plan was bound to.
    pub was: String,
    /// What is there now.
    pub is: String,
}

/// What is kept about a computed plan; the plan file itself lies sealed beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Its id.
    pub id: PlanId,
    /// The operation that computed it.
    pub operation: OperationId,
    /// The tool that may carry it out.
    pub tool: String,
    /// Apply or destroy.
    pub intent: Intent,
    /// What an approval is bound to.
    pub binding: Binding,
    /// What it would do.
    pub changes: ChangeSet,
    /// Redacted human text of it (`terraform show`).
    pub text: String,
    /// When it was computed.
    pub created: Timestamp,
    /// After this moment it is refused and deleted.
    pub expires: Timestamp,
    /// How long the machine had been running then, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Uptime>,
    /// The own fields of the request that it was computed for, nulls left out; stored sealed only.
    #[serde(default)]
    pub own: serde_json::Map<String, serde_json::Value>,
    /// The variables of the request that it was computed for; they may hold secrets, the record is stored sealed only.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Texts that must not leave, found while computing; stored sealed only.
    pub secrets: Vec<String>,
}

impl PlanRecord {
    /// Whether it is too old, and whoever turned the clock back does not make it younger: as long as the machine has not
    /// been restarted its uptime counts too; else a plan of the future is too old.
    pub fn is_over(&self, now: Timestamp, uptime: Option<&Uptime>) -> bool {
        let life = self.expires.duration_since(self.created).as_secs();
        let back = match (&self.made, uptime) {
            (Some(made), Some(up)) if made.boot == up.boot => {
                up.seconds.saturating_sub(made.seconds) >= u64::try_from(life).unwrap_or(0)
            }
            _ => now < self.created,
        };
        back || self.expires <= now
    }
}
