//! What a program asks for, as the tools take it.

use serde_json::{Map, Value, json};

use crate::model::{Cloud, PlanId};

/// What a program asks for. Every request for a change is a dry run: it computes a plan and changes nothing. Only
/// [`carry_out`](Self::carry_out) turns it into a real one, for one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    tool: &'static str,
    fields: Map<String, Value>,
}

impl Request {
    fn new(tool: &'static str, cloud: Cloud, env: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("cloud".into(), json!(cloud));
        fields.insert("env".into(), json!(env));
        Self { tool, fields }
    }

    /// Plan what the root module of an environment describes (`apply_terraform`).
    pub fn apply(cloud: Cloud, env: &str) -> Self {
        Self::new("apply_terraform", cloud, env)
    }

    /// Plan to take away what it made (`destroy_terraform`).
    pub fn destroy(cloud: Cloud, env: &str) -> Self {
        Self::new("destroy_terraform", cloud, env)
    }

    /// Plan to make or repair the place of the state (`bootstrap_state_backend`).
    pub fn bootstrap(cloud: Cloud, env: &str) -> Self {
        Self::new("bootstrap_state_backend", cloud, env)
    }

    /// Look what differs between the state and the world (`detect_drift`). It has no plan.
    pub fn drift(cloud: Cloud, env: &str) -> Self {
        Self::new("detect_drift", cloud, env)
    }

    /// Gives a Terraform variable; it wins over the environment's own. Values of sensitive variables are masked in what is
    /// kept and shown.
    #[must_use]
    pub fn var(mut self, name: &str, value: impl Into<Value>) -> Self {
        let vars = self.fields.entry("vars").or_insert_with(|| json!({}));
        if let Some(vars) = vars.as_object_mut() {
            vars.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Names a Terraform workspace.
    #[must_use]
    pub fn workspace(mut self, name: &str) -> Self {
        self.fields.insert("workspace".into(), json!(name));
        self
    }

    /// A key under which a repeated request finds the first one's operation instead of making another.
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.fields.insert("idempotency_key".into(), json!(key));
        self
    }

    /// The requester's own approval of what is carried out: counts only where the policy says so.
    #[must_use]
    pub fn auto_approve(mut self) -> Self {
        self.fields.insert("auto_approve".into(), json!(true));
        self
    }

    /// The request to carry out exactly this plan, which an earlier answer to this request named. Once a person has
    /// approved it, the same request is given again.
    #[must_use]
    pub fn carry_out(&self, plan: PlanId) -> Self {
        let mut fields = Map::new();
        fields.insert("plan_id".into(), json!(plan));
        fields.insert("dry_run".into(), json!(false));
        Self { tool: self.tool, fields }
    }

    /// The tool that it is for.
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// The request as the tool takes it.
    pub fn to_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}
