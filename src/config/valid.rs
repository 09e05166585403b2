//! Settings that can be acted upon. Every check that needs no I/O beyond the settings file lives here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::argocd;
use super::charts;
use super::cluster;
use super::credentials;
use super::google;
use super::organization;
use super::raw::{self, Raw};
use super::reference::{Owner, plain_vars, secret_vars};
use super::state;
use super::surroundings::Surroundings;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, BadName, nearest};
use crate::model::{
    Actor, Backend, ChartSource, Cloud, ClusterAccess, Environment, EnvironmentKey, Principal,
    Role, Target, Tier, region,
};

/// Days that the folder of an operation is kept when the settings do not say.
const KEEP_RUNS_DAYS: u32 = 90;

/// A principal's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalRule {
    /// Name.
    pub name: Principal,
    /// Operating system's user.
    pub os_user: String,
    /// Roles.
    pub roles: BTreeSet<Role>,
}

/// A person who may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Operating system's user at a terminal; nobody's for a person who decides through a program only.
    pub os_user: Option<String>,
}

/// Checked settings.
#[derive(Debug, Clone)]
pub struct Config {
    raw: Raw,
    root: PathBuf,
    state: PathBuf,
    anchor: PathBuf,
    environments: BTreeMap<EnvironmentKey, Environment>,
    organizations: BTreeMap<String, Environment>,
    principals: Vec<PrincipalRule>,
    people: Vec<Person>,
    in_a_pod: bool,
    sources: Vec<ChartSource>,
}

/// Resource types whose loss is the loss of data or of many things at once.
const PROTECTED: [&str; 16] = [
    "aws_db_instance",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_dynamodb_table",
    "aws_efs_file_system",
    "aws_kms_key",
    "aws_route53_zone",
    "aws_eks_cluster",
    "aws_organizations_account",
    "google_storage_bucket",
    "google_container_cluster",
    "google_sql_database_instance",
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
];

pub(super) fn named(field: &str, given: &str, bad: &BadName) -> Error {
    Error::invalid(field, given, &bad.why).allowed(bad.allowed.clone())
}

/// Whoever a tier lets decide is described somewhere.
fn deciders(raw: &Raw) -> Result<()> {
    for (tier, rules) in &raw.tiers {
        if let Some(unknown) = rules.approvers.iter().find(|a| !raw.people.contains_key(*a)) {
            return Err(Error::invalid(
                format!("tiers.{tier}.approvers"),
                unknown,
                "names nobody under [people]",
            )
            .allowed(raw.people.keys().cloned().collect::<Vec<_>>().join(", ")));
        }
        if let Some(unknown) = rules.programs.iter().find(|p| !raw.programs.contains_key(*p)) {
            return Err(Error::invalid(
                format!("tiers.{tier}.programs"),
                unknown,
                "names nothing under [programs]",
            )
            .allowed(raw.programs.keys().cloned().collect::<Vec<_>>().join(", ")));
        }
    }
    Ok(())
}

impl Config {
    /// Checks raw settings that were read from a file in `root`.
    pub fn check(raw: Raw, root: &Path, surroundings: &Surroundings) -> Result<Self> {
        name::environment(&raw.project).map_err(|bad| named("project", &raw.project, &bad))?;
        let state = match &raw.store.state {
            Some(path) => root.join(path),
            None => surroundings.state_home.join("datamcp").join(&raw.project),
        };
        let anchor =
            raw.store.anchor.as_ref().map_or_else(|| state.join("anchor"), |p| root.join(p));
        let mut environments = BTreeMap::new();
        for (env_name, env) in &raw.environments.aws {
            let mut environment = aws(env_name, env, &raw, root)?;
            if environment.ca_bundle.is_none() {
                environment.ca_bundle = surroundings.ca_bundle();
            }
            environments.insert(environment.key.clone(), environment);
        }
        for (env_name, env) in &raw.environments.gcp {
            let environment = google::environment(env_name, env, &raw, root)?;
            environments.insert(environment.key.clone(), environment);
        }
        let mut organizations = BTreeMap::new();
        for (name, given) in &raw.organizations {
            let mut organization = organization::organization(name, given, &raw, root)?;
            if organization.ca_bundle.is_none() {
                organization.ca_bundle = surroundings.ca_bundle();
            }
            organizations.insert(name.clone(), organization);
        }
        cluster::distinct(&environments)?;
        argocd::distinct(&environments)?;
        let principals = principals(&raw)?;
        let people: Vec<Person> = raw
            .people
            .iter()
            .map(|(name, p)| Person { name: name.clone(), os_user: p.os_user.clone() })
            .collect();
        deciders(&raw)?;
        for code in &raw.terraform.allow_code {
            const KNOWN: [&str; 4] = ["local-exec", "remote-exec", "external", "http"];
            if !KNOWN.contains(&code.as_str()) {
                return Err(Error::invalid("terraform.allow_code", code, "is not a kind of code")
                    .allowed(KNOWN.join(", ")));
            }
        }
        let sources = charts::sources(&raw.helm.sources, root, &environments)?;
        Ok(Self {
            root: root.to_path_buf(),
            state,
            anchor,
            environments,
            organizations,
            principals,
            people,
            sources,
            in_a_pod: surroundings.pod.is_some(),
            raw,
        })
    }

    /// The settings as written, to be sealed into a run file.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// Folder of the settings file.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// State folder.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Folder of the second place.
    pub fn anchor(&self) -> &Path {
        &self.anchor
    }

    /// How long the folder of an operation is kept; `None`: for good.
    pub fn keep_runs(&self) -> Option<jiff::SignedDuration> {
        let days = self.raw.store.keep_runs_days.unwrap_or(KEEP_RUNS_DAYS);
        (days > 0).then(|| jiff::SignedDuration::from_hours(24 * i64::from(days)))
    }

    /// How long a held environment is waited for.
    pub fn lock_wait(&self) -> Duration {
        Duration::from_secs(self.raw.lock.wait_s)
    }

    /// How old a plan may be before it is checked for drift.
    pub fn drift_after(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_mins(self.raw.terraform.drift_after_min.unwrap_or(10).into())
    }

    /// All environments.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }

    /// All organizations.
    pub fn organizations(&self) -> impl Iterator<Item = &Environment> {
        self.organizations.values()
    }

    /// The organization of this name; of this cloud, where one is meant. Left out, there has to be one only.
    pub fn organization(&self, cloud: Option<Cloud>, name: Option<&str>) -> Result<&Environment> {
        organization::by_name(&self.organizations, cloud, name)
    }

    /// The environment or organization that an operation is about.
    pub fn site(&self, target: &Target) -> Result<&Environment> {
        match target {
            Target::Environment(key) => self.environment(key.cloud, &key.name),
            Target::Organization(name) => self.organization(None, Some(name)),
            Target::Unbound => Err(Error::internal("finding the settings of a target", target)),
        }
    }

    /// People who may decide.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The environment that a request names; nearest names are suggested.
    pub fn environment(&self, cloud: Cloud, env: &str) -> Result<&Environment> {
        let key = EnvironmentKey { cloud, name: env.to_owned() };
        if let Some(found) = self.environments.get(&key) {
            return Ok(found);
        }
        let known: Vec<&str> = self
            .environments
            .keys()
            .filter(|k| k.cloud == cloud)
            .map(|k| k.name.as_str())
            .collect();
        let why = name::environment(env)
            .err()
            .map_or_else(|| "is not configured".to_owned(), |bad| bad.why);
        let mut error = Error::new(
            ErrorCode::UnknownEnvironment,
            format!("env {why} in cloud {}", cloud.word()),
        )
        .field("env")
        .given(env)
        .allowed(if known.is_empty() {
            "(none configured)".to_owned()
        } else {
            known.join(", ")
        });
        error = match nearest(env, known.iter().copied()) {
            Some(near) => error.next(format!("did you mean {near}")),
            None => error.next("list_environments shows what is configured"),
        };
        Err(error)
    }

    /// The environment whose cluster has this kube context.
    pub fn by_context(&self, context: &str) -> Result<&Environment> {
        cluster::by_context(&self.environments, context)
    }

    /// The environment that the pod we run in changes as its own account, when there is one only.
    pub fn in_cluster(&self) -> Option<&Environment> {
        let own = |e: &&Environment| {
            e.cluster.as_ref().is_some_and(|c| c.access == ClusterAccess::InCluster)
        };
        let mut found = self.environments.values().filter(|e| self.in_a_pod && own(e));
        found.next().filter(|_| found.next().is_none())
    }

    /// The environment whose project of an Argo CD this is. Left out, there has to be one choice only.
    pub fn by_project(&self, server: Option<&str>, project: Option<&str>) -> Result<&Environment> {
        argocd::by_project(&self.environments, server, project)
    }

    /// Where charts may be fetched from.
    pub fn chart_sources(&self) -> &[ChartSource] {
        &self.sources
    }

    /// The source that a chart of this URL lies in.
    pub fn chart_source(&self, chart: &str) -> Result<&ChartSource> {
        charts::of(&self.sources, chart)
    }

    /// The principal that an operating system's user acts as. Users that are not listed may look and plan.
    pub fn principal(&self, os_user: &str) -> PrincipalRule {
        self.principals.iter().find(|p| p.os_user == os_user).cloned().unwrap_or_else(|| {
            PrincipalRule {
                name: Principal(format!("os:{os_user}")),
                os_user: os_user.to_owned(),
                roles: BTreeSet::from([Role::Read, Role::Plan]),
            }
        })
    }

    /// The roles of whoever asks.
    pub fn roles(&self, actor: &Actor) -> BTreeSet<Role> {
        self.principal(&actor.os_user).roles
    }

    /// The name under which an operating system's user decides.
    pub fn approver(&self, os_user: &str) -> String {
        self.people
            .iter()
            .find(|p| p.os_user.as_deref() == Some(os_user))
            .map_or_else(|| format!("os:{os_user}"), |p| p.name.clone())
    }

    /// The person of this name.
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|p| p.name == name)
    }

    /// The operating system's user that a program runs as, when it is listed.
    pub fn program(&self, name: &str) -> Option<&str> {
        self.raw.programs.get(name).map(|program| program.os_user.as_str())
    }

    /// Whether the word of this program for a person's decision counts in a tier.
    pub fn program_counts(&self, name: &str, tier: &str) -> bool {
        self.raw.tiers.get(tier).is_some_and(|rules| rules.programs.iter().any(|p| p == name))
    }
}

fn principals(raw: &Raw) -> Result<Vec<PrincipalRule>> {
    let mut rules: Vec<PrincipalRule> = Vec::new();
    for (name, rule) in &raw.principals {
        if let Some(other) = rules.iter().find(|r| r.os_user == rule.os_user) {
            return Err(Error::invalid(
                format!("principals.{name}.os_user"),
                &rule.os_user,
                format!("belongs to principal {} already", other.name),
            ));
        }
        rules.push(PrincipalRule {
            name: Principal(name.clone()),
            os_user: rule.os_user.clone(),
            roles: rule.roles.iter().copied().collect(),
        });
    }
    Ok(rules)
}

pub(super) fn tier(name: &str, raw: &Raw, field: &str) -> Result<Tier> {
    let Some(rules) = raw.tiers.get(name) else {
        let known: Vec<&str> = raw.tiers.keys().map(String::as_str).collect();
        return Err(Error::invalid(field, name, "names no tier")
            .allowed(known.join(", "))
            .next(format!("add [tiers.{name}]")));
    };
    let production = matches!(name, "prod" | "production");
    Ok(Tier {
        name: name.to_owned(),
        auto_approve: rules.auto_approve.clone(),
        approvers: rules.approvers.clone(),
        approver_other_than_requester: rules.approver_other_than_requester.unwrap_or(production),
        mfa: rules.mfa,
        typed_name: rules.typed_name.unwrap_or(production),
        max_delete: rules.max_delete,
        protected: rules.protected.clone().unwrap_or_else(|| PROTECTED.map(str::to_owned).to_vec()),
    })
}

fn aws(name: &str, env: &raw::AwsEnvironment, raw: &Raw, root: &Path) -> Result<Environment> {
    let field = |key: &str| format!("environments.aws.{name}.{key}");
    name::environment(name)
        .map_err(|bad| named(&format!("environments.aws.{name}"), name, &bad))?;
    name::aws_account(&env.account_id)
        .map_err(|bad| named(&field("account_id"), &env.account_id, &bad))?;
    check_region(&field("region"), &env.region)?;
    plain_vars(&env.vars, field)?;
    let key = EnvironmentKey { cloud: Cloud::Aws, name: name.to_owned() };
    let owner = Owner {
        key: &key,
        account: &env.account_id,
        region: &env.region,
        others: &raw.secrets.accounts,
    };
    let secret_vars = secret_vars(&env.secret_vars, &env.vars, root, owner, field)?;
    let backend = state::backend(&env.state, raw, root, owner, field)?;
    let workspace = workspace(&field("workspace"), env.workspace.as_deref(), &backend)?;
    let folder = env.folder.clone().unwrap_or_else(|| PathBuf::from("infra/aws/envs").join(name));
    let (tree, module) = split_folder(&field("folder"), &folder, root)?;
    let cluster =
        env.cluster.as_ref().map(|c| cluster::cluster(c, &key, root, field)).transpose()?;
    let argocd =
        env.argocd.as_ref().map(|a| argocd::project(a, raw, root, owner, field)).transpose()?;
    Ok(Environment {
        key,
        tier: tier(&env.tier, raw, &field("tier"))?,
        tree,
        root: module,
        account: env.account_id.clone(),
        region: env.region.clone(),
        backend,
        workspace,
        vars: env.vars.clone(),
        secret_vars,
        credentials: credentials::source(env, root, &field)?,
        role: credentials::role(env, &field)?,
        session_duration_s: credentials::duration(env, &field)?,
        mfa: credentials::mfa(env, root, &field)?,
        endpoint_url: raw.aws.endpoint_url.clone(),
        ca_bundle: raw.aws.ca_bundle.as_ref().map(|path| root.join(path)),
        cluster,
        argocd,
        organization: None,
        member_role: None,
    })
}

/// The only workspace: of the settings, or the one that the state's place is.
pub(super) fn workspace(
    field: &str,
    given: Option<&str>,
    backend: &Backend,
) -> Result<Option<String>> {
    if let Some(given) = given {
        name::workspace(given).map_err(|bad| named(field, given, &bad))?;
    }
    match (backend, given) {
        (Backend::Cloud { workspace, .. }, Some(given)) if given != workspace => {
            Err(Error::invalid(field, given, "is not the workspace of state.workspace")
                .allowed(workspace)
                .next("leave it out: with state in HCP Terraform the workspace is state.workspace"))
        }
        (Backend::Cloud { workspace, .. }, _) => Ok(Some(workspace.clone())),
        (_, given) => Ok(given.map(str::to_owned)),
    }
}

pub(super) fn check_region(field: &str, given: &str) -> Result<()> {
    name::aws_region(given).map_err(|bad| {
        let error = named(field, given, &bad);
        match nearest(given, region::AWS) {
            Some(near) => error.next(format!("did you mean {near}")),
            None => error,
        }
    })
}

/// The tree to copy and the root module in it. With the usual layout (`…/envs/NAME`) the tree is what holds `envs` and
/// `modules`; otherwise it is the folder itself.
pub(super) fn split_folder(field: &str, folder: &Path, root: &Path) -> Result<(PathBuf, PathBuf)> {
    let plain = folder.components().all(|c| matches!(c, Component::Normal(_)));
    if !plain || folder.as_os_str().is_empty() {
        return Err(Error::invalid(field, folder.to_string_lossy(), "leaves the project")
            .allowed("a folder below the settings file, without .. and without a leading /"));
    }
    let parent = folder.parent();
    match (parent.and_then(Path::file_name), parent.and_then(Path::parent), folder.file_name()) {
        (Some(envs), Some(tree), Some(module)) if envs == "envs" => {
            Ok((root.join(tree), Path::new("envs").join(module)))
        }
        _ => Ok((root.join(folder), PathBuf::from("."))),
    }
}
