//! The `datamcp.toml` of a test: one environment `aws/dev`, and what a test wants to have different.

use xtask::lab::Lab;

/// What a test may choose. Texts are TOML.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Name of the tier.
    pub(crate) tier: String,
    /// Lines of the tier.
    pub(crate) rules: String,
    /// Account of the environment.
    pub(crate) account: String,
    /// Lines of `[aws]`.
    pub(crate) aws: String,
    /// State backend.
    pub(crate) state: String,
    /// More lines of the environment.
    pub(crate) environment: String,
    /// Lines of `[terraform]`.
    pub(crate) terraform: String,
    /// Seconds that a held environment is waited for.
    pub(crate) wait_s: u64,
    /// Roles of the principal.
    pub(crate) roles: String,
    /// More tables.
    pub(crate) more: String,
}

impl Settings {
    /// A tier in which the requester may do everything alone, and local state.
    pub(crate) fn new(lab: &Lab) -> Self {
        Self {
            tier: "dev".into(),
            rules: "auto_approve = [\"create\", \"update\", \"replace\", \"delete\"]".into(),
            account: lab.aws.account_id.clone(),
            aws: format!("endpoint_url = \"{}\"", lab.aws.endpoint),
            state: "{ backend = \"local\", path = \"state/terraform.tfstate\" }".into(),
            environment: String::new(),
            terraform: "allow_code = [\"local-exec\"]".into(),
            wait_s: 0,
            roles: "[\"change\", \"destroy\"]".into(),
            more: String::new(),
        }
    }

    /// Every change needs a person.
    pub(crate) fn asks_a_person(&mut self) {
        "auto_approve = []".clone_into(&mut self.rules);
    }

    /// State in the lab's bucket, under a key of its own.
    pub(crate) fn state_in_s3(&mut self, lab: &Lab, key: &str) {
        self.state = format!(
            "{{ backend = \"s3\", bucket = \"{}\", key = \"{key}\" }}",
            lab.aws.state_bucket
        );
    }

    /// The file's text.
    pub(crate) fn text(&self, lab: &Lab) -> String {
        let Self { tier, rules, account, aws, state, environment, terraform, .. } = self;
        let Self { wait_s, roles, more, .. } = self;
        let user = rustix::process::getuid().as_raw();
        let user = nix::unistd::User::from_uid(user.into()).unwrap().unwrap().name;
        format!(
            r#"project = "test"

[terraform]
binary = "{binary}"
provider_mirror = "{mirror}"
{terraform}

[aws]
{aws}

[environments.aws.dev]
tier = "{tier}"
account_id = "{account}"
region = "{region}"
state = {state}
{environment}

[tiers.{tier}]
{rules}

[principals.agent]
os_user = "{user}"
roles = {roles}

[lock]
wait_s = {wait_s}
{more}
"#,
            binary = lab.terraform.path.display(),
            mirror = lab.terraform.provider_mirror.display(),
            region = lab.aws.region,
        )
    }
}
