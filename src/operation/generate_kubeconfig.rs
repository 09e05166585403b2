//! `generate_kubeconfig`: a context for a cluster in a file of the user's. It asks the cloud one question and holds no
//! secret: tokens are made when a client of Kubernetes asks for one.

mod exec;

use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::See;
use super::catalog::{Kind, Tool};
use super::unready::unready;
use super::{ReadOperation, World, catalog, request};
use crate::audit::Closing;
use crate::audit::entry::Attempt;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{
    Actor, Cloud, ClusterAccess, Digest, Effect, Environment, OperationId, Status, Target,
};
use crate::port::{ClusterFacts, ClusterFound};

/// Request of `generate_kubeconfig`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateKubeconfigRequest {
    /// Cloud of the environment.
    pub cloud: Option<Cloud>,
    /// Environment.
    pub env: Option<String>,
    /// Name of the cluster; default: the environment's.
    #[serde(default)]
    pub cluster: Option<String>,
    /// File, below the settings' folder or in ~/.kube; default: the one that kubectl reads.
    #[serde(default)]
    pub path: Option<String>,
    /// Make it the current context (default false).
    #[serde(default)]
    pub set_current: Option<bool>,
}

/// Answer of `generate_kubeconfig`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GenerateKubeconfigAnswer {
    /// Under which it is on record.
    pub operation_id: OperationId,
    /// The environment.
    pub environment: String,
    /// Name of the context.
    pub context: String,
    /// File that it is in.
    pub path: String,
    /// Name of the cluster.
    pub cluster: String,
    /// URL of its API.
    pub endpoint: String,
    /// Whether the file was changed; `false`: all was there.
    pub changed: bool,
    /// How long what it gives lasts.
    pub expiry: String,
    /// What should be known about it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
}

struct GenerateKubeconfig;

/// What is to be written, understood.
struct Wanted {
    cluster: String,
    context: String,
    role: Option<String>,
    path: PathBuf,
    set_current: bool,
}

#[async_trait]
impl ReadOperation for GenerateKubeconfig {
    async fn read(&self, world: &World, actor: &Actor, raw: Value, _see: See<'_>) -> Result<Value> {
        let r: GenerateKubeconfigRequest = request::read(&raw)?;
        let key = request::required_key(r.cloud, r.env.clone())?;
        let environment = world.config.environment(key.cloud, &key.name)?;
        let wanted = wanted(world, environment, &r)?;
        let operation = OperationId::fresh();
        let target = Target::Environment(key);
        let attempt = Attempt {
            target: target.clone(),
            actor: actor.clone(),
            tool: TOOL.name.to_owned(),
            request_digest: Digest::of_json(&raw),
            params: raw,
            idempotency_key: None,
        };
        world.log.receive(operation, attempt).await?;
        let written = write(world, environment, operation, &wanted).await;
        let closing = match &written {
            Ok(answer) => Closing::new(
                Status::Succeeded,
                format!("context {} in {}", answer.context, answer.path),
            ),
            Err(error) => Closing::failed(Status::Failed, error.clone()),
        };
        world.log.end(operation, &target.to_string(), actor, closing).await?;
        serde_json::to_value(written?).map_err(|e| Error::internal("writing an answer", e))
    }
}

fn wanted(
    world: &World,
    environment: &Environment,
    r: &GenerateKubeconfigRequest,
) -> Result<Wanted> {
    let own = environment.cluster.as_ref().filter(|own| own.access == ClusterAccess::Managed);
    if let Some(given) = &r.cluster {
        match environment.key.cloud {
            Cloud::Aws => name::eks_cluster(given),
            Cloud::Gcp => name::gke_cluster(given),
        }
        .map_err(|bad| Error::invalid("cluster", given, bad.why).allowed(bad.allowed))?;
    }
    let role = || environment.role.as_ref().map(|role| role.arn.clone());
    let path = place(world, r.path.as_deref())?;
    let set_current = r.set_current.unwrap_or(false);
    match (&r.cluster, own) {
        (Some(given), Some(own)) if *given != own.name => Ok(Wanted {
            cluster: given.clone(),
            // A name of its own: the environment's context means the environment's cluster.
            context: format!("{}-{given}", own.context),
            role: own.role_arn.clone().or_else(role),
            path,
            set_current,
        }),
        (_, Some(own)) => Ok(Wanted {
            cluster: own.name.clone(),
            context: own.context.clone(),
            role: own.role_arn.clone().or_else(role),
            path,
            set_current,
        }),
        (Some(given), None) => Ok(Wanted {
            cluster: given.clone(),
            context: format!("{}-{}-{given}", environment.key.cloud.word(), environment.key.name),
            role: role(),
            path,
            set_current,
        }),
        (None, None) if environment.cluster.is_some() => {
            let why =
                "is missing: the environment's own is known by a kubeconfig or a pod's account";
            Err(Error::invalid("cluster", "", why)
                .next("use that kubeconfig; or name a cluster of the environment's cloud"))
        }
        (None, None) => {
            Err(Error::invalid("cluster", "", "is missing, and the settings name none")
                .next(format!("name one, or set `cluster` of {} in the settings", environment.key)))
        }
    }
}

/// The file that is meant. A model names it: it stays where kubeconfigs of this project and this user are.
fn place(world: &World, given: Option<&str>) -> Result<PathBuf> {
    let places = world.kubeconfigs.places();
    let Some(given) = given else { return Ok(places.usual) };
    let (root, folder) = (world.config.root(), places.folder.as_path());
    let allowed = || {
        format!(
            "a file below {} or {}, or {}",
            root.display(),
            folder.display(),
            places.usual.display()
        )
    };
    let bad = |why: &str| Error::invalid("path", given, why).allowed(allowed());
    let path = Path::new(given);
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::RootDir);
    if given.is_empty() || given.chars().any(char::is_control) || given.ends_with('/') {
        return Err(bad("is not a path of a file"));
    }
    if !path.components().all(plain) {
        return Err(bad("has . or .. in it"));
    }
    let path = root.join(path);
    let inside = path == places.usual || [root, folder].iter().any(|top| path.starts_with(top));
    if inside { Ok(path) } else { Err(bad("is in none of the folders for it")) }
}

async fn write(
    world: &World,
    environment: &Environment,
    operation: OperationId,
    wanted: &Wanted,
) -> Result<GenerateKubeconfigAnswer> {
    let facts = active(world, environment, operation, &wanted.cluster).await?;
    let device = match environment.key.cloud {
        Cloud::Aws => world.sign_in.device(environment).await?,
        Cloud::Gcp => None,
    };
    let state = world.config.state();
    let factor = device.as_ref().map(|device| exec::Factor { serial: &device.serial, state });
    let role = wanted.role.as_deref();
    let entry = exec::entry(environment, &wanted.context, role, &facts, factor.as_ref());
    let merged = world.kubeconfigs.put(&wanted.path, &entry, wanted.set_current).await?;
    let mut warnings = exec::warnings(environment, &facts);
    if merged.comments_lost {
        warnings.push("the file's form did not let its comments be kept".to_owned());
    }
    Ok(GenerateKubeconfigAnswer {
        operation_id: operation,
        environment: environment.key.to_string(),
        context: entry.name,
        path: wanted.path.display().to_string(),
        cluster: facts.name,
        endpoint: facts.endpoint,
        changed: merged.changed,
        expiry: exec::EXPIRY.to_owned(),
        warnings,
    })
}

/// The cluster of this name in the environment's account, when its API can be used.
pub(super) async fn active(
    world: &World,
    environment: &Environment,
    operation: OperationId,
    cluster: &str,
) -> Result<ClusterFacts> {
    let session = operation.to_string();
    let region = environment.cluster_location();
    let doing = format!("looking for cluster {cluster} in {region}");
    let facts = match world.clusters.find(environment, &session, region, cluster).await? {
        ClusterFound::Active(facts) => facts,
        ClusterFound::NotActive(status) => {
            let at = (session.as_str(), cluster);
            return Err(unready(world, environment, at, &doing, status).await);
        }
        ClusterFound::Elsewhere(location) => {
            return Err(Error::invalid(
                "cluster",
                cluster,
                format!("is not a cluster of {region}"),
            )
            .detail("found_in", location.clone())
            .next(format!(
                "there is one in {location}: set `cluster.location` of {} to it",
                environment.key
            )));
        }
        ClusterFound::Absent(names) => {
            return Err(absent(world, environment, &session, cluster, &names).await);
        }
    };
    let account = &facts.account;
    if *account != environment.account {
        return Err(Error::new(
            ErrorCode::WrongIdentity,
            format!(
                "{doing}: it is in {account}, {} is in {}",
                environment.key, environment.account
            ),
        )
        .next("correct the environment's account or project, or use credentials of it"));
    }
    Ok(facts)
}

async fn absent(
    world: &World,
    environment: &Environment,
    session: &str,
    cluster: &str,
    names: &[String],
) -> Error {
    let region = environment.cluster_location();
    let error = Error::invalid("cluster", cluster, format!("is not a cluster of {region}"))
        .allowed(if names.is_empty() { "(there is none)".to_owned() } else { names.join(", ") });
    if let Some(near) = nearest(cluster, names.iter().map(String::as_str)) {
        return error.next(format!("did you mean {near}"));
    }
    match elsewhere(world, environment, session, cluster).await {
        Some(other) => error
            .detail("found_in", other.clone())
            .next(format!("there is one in {other}: set `region` of an environment to it")),
        None => error.next("check the name, and `region` of the environment"),
    }
}

/// Another region that the settings know, with a cluster of this name.
async fn elsewhere(
    world: &World,
    environment: &Environment,
    session: &str,
    cluster: &str,
) -> Option<String> {
    let mut regions: Vec<&str> = world
        .config
        .environments()
        .filter(|e| e.account == environment.account && e.region != environment.region)
        .map(|e| e.region.as_str())
        .collect();
    regions.sort_unstable();
    regions.dedup();
    for region in regions {
        let found = world.clusters.find(environment, session, region, cluster).await;
        if matches!(found, Ok(ClusterFound::Active(_) | ClusterFound::NotActive(_))) {
            return Some(region.to_owned());
        }
    }
    None
}

/// The tool.
pub static TOOL: Tool = Tool {
    name: "generate_kubeconfig",
    title: "Generate kubeconfig",
    about: "Adds a context for the environment's cluster to a kubeconfig of the user; tokens are made on use, none is stored. \
            Other entries and the current context stay.",
    effect: Effect::Local,
    input: catalog::schema::<GenerateKubeconfigRequest>,
    output: catalog::answer::<GenerateKubeconfigAnswer>,
    kind: Kind::Read(&GenerateKubeconfig),
};
