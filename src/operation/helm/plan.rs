//! Computes what would happen to a release, and what that is bound to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::diff::{Delta, There, diff};
use super::manifest::{self, Object};
use super::request::{self, Wanted};
use super::sealed::{Sealed, SealedChart};
use super::source::{self, Place};
use super::{ReleaseChange, place, values};
use crate::error::{Error, ErrorCode, Result};
use crate::model::digest::Parts;
use crate::model::{
    Action, Binding, ChangeSet, Digest, Intent, Meaning, PlanId, PlanRecord, ResourceChange, Target,
};
use crate::operation::terraform::PLAN_MINUTES;
use crate::operation::{Computed, Scene};
use crate::port::{
    Caller, Chart, ClusterUser, Filled, Hook, Release, ReleaseJob, Rendered, Revision, Watch,
};

/// What was seen of cluster and release.
struct Seen {
    job: ReleaseJob,
    uid: String,
    helm: String,
    release: Option<Release>,
}

impl Seen {
    async fn look(scene: &Scene<'_>, wanted: &Wanted) -> Result<Self> {
        let (world, operation) = (scene.world, scene.run.operation);
        scene.journal.learn(values::secrets(&wanted.values));
        let doing = format!("looking at release {}/{}", wanted.namespace, wanted.release);
        scene.journal.progress(&doing, 0, 0).await;
        let (cluster, helm) = tokio::try_join!(
            place::cluster(world, &scene.environment, operation),
            world.releases.version()
        )?;
        let at = (wanted.namespace.as_str(), wanted.release.as_str());
        let scratch = scene.job.scratch.clone();
        scene.journal.learn(cluster.1.secrets());
        let job = place::job(&scene.environment, cluster, operation, scratch, at);
        let (uid, release) = world.releases.meet(&job).await?;
        place::is_meant(&scene.environment, &uid)?;
        Ok(Self { job, uid, helm, release })
    }

    fn facts(&self, sealed: &Sealed, manifest: Option<&Digest>) -> BTreeMap<String, String> {
        let cluster = &self.job.cluster;
        let authority = Digest::of(&cluster.certificate_authority);
        let release = self.release.as_ref().map_or_else(
            || "none".to_owned(),
            |r| format!("revision {} {}", r.at.revision, r.at.status),
        );
        let mut facts = BTreeMap::from([
            ("cluster", format!("{} at {}", cluster.name, cluster.endpoint)),
            ("cluster authority", authority.to_string()),
            ("cluster uid", self.uid.clone()),
            ("helm version", self.helm.clone()),
            ("namespace", self.job.namespace.clone()),
            ("release", format!("{} {release}", self.job.release)),
            ("values", Digest::of_json(&Value::Object(sealed.wanted.values.clone())).to_string()),
        ]);
        if let Some(chart) = &sealed.chart {
            let text = format!("{}-{} {}", chart.name, chart.version, chart.digest);
            facts.insert("chart", text);
            let signed = || chart.signature.clone().unwrap_or_else(|| "not checked".to_owned());
            facts.extend(chart.origin.clone().map(|origin| ("chart source", origin)));
            facts.extend(chart.origin.as_ref().map(|_| ("chart signature", signed())));
        }
        if let ClusterUser::Given(given) = &self.job.user {
            facts.insert("cluster user", given.about.clone());
        }
        facts.extend(manifest.map(|digest| ("manifest", digest.to_string())));
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// What is wanted instead of what is there.
struct Goal {
    objects: Vec<Object>,
    hooks: Vec<Hook>,
    /// Digest over what was rendered, without what is another each time.
    manifest: Option<Digest>,
}

fn binding(
    scene: &Scene<'_>,
    caller: &Caller,
    seen: &Seen,
    sealed: &Sealed,
    (file, changes, manifest): (&[u8], Digest, Option<&Digest>),
) -> Binding {
    Binding {
        plan_file: Digest::of(file),
        plan_json: changes,
        target: Target::Environment(scene.environment.key.clone()),
        environment: scene.environment.digest(),
        account: caller.account.clone(),
        requester: scene.run.actor.principal.clone(),
        meaning: Meaning::Facts(seen.facts(sealed, manifest)),
    }
}

pub(super) async fn compute(
    change: ReleaseChange,
    scene: &Scene<'_>,
    caller: &Caller,
) -> Result<Computed> {
    let wanted = request::wanted(change, &scene.ask.own)?;
    let open = place::namespace_is_open(&scene.environment, &wanted.namespace)?;
    let seen = Seen::look(scene, &wanted).await?;
    let doing =
        format!("planning {}/{} in {}", wanted.namespace, wanted.release, scene.environment.key);
    let chart = chart(scene, &wanted).await?;
    let mut sealed = Sealed {
        change,
        chart: chart.as_ref().map(SealedChart::of),
        revision: None,
        unsteady: Vec::new(),
        wanted,
    };
    let goal = goal(scene, &seen, chart.as_ref(), &mut sealed, &doing).await?;
    manifest::stay(&goal.objects, open, &doing)?;
    let there = match &seen.release {
        Some(release) => manifest::objects(&release.manifest)?,
        None => Vec::new(),
    };
    let secrets = secrets(&sealed, [&goal.objects, &there]);
    scene.journal.learn(secrets.iter().cloned());
    let deltas = deltas(change, &seen, &there, &goal, chart.as_ref())?;
    let changes = changes(change, &seen, &deltas, &goal.hooks);
    let kept = kept(&there, &goal.objects, &sealed.wanted.namespace);
    let text = scene.journal.clean(&describe(&seen, &sealed, &deltas, &changes, &kept));
    scene.journal.line(&text).await;
    let file = serde_json::to_vec(&sealed).map_err(|e| Error::internal("writing a plan", e))?;
    let digest = Digest::of_json(&serde_json::to_value(&changes).unwrap_or_default());
    let parts = (file.as_slice(), digest, goal.manifest.as_ref());
    let now = scene.world.clock.now();
    let record = PlanRecord {
        id: PlanId::fresh(),
        operation: scene.run.operation,
        tool: scene.tool.name.to_owned(),
        intent: if change == ReleaseChange::Uninstall { Intent::Destroy } else { Intent::Apply },
        binding: binding(scene, caller, &seen, &sealed, parts),
        changes,
        text,
        created: now,
        expires: now + jiff::SignedDuration::from_mins(PLAN_MINUTES),
        made: scene.world.clock.uptime(),
        own: scene.ask.own.clone(),
        variables: Map::new(),
        secrets,
    };
    let warnings = unsteady(&sealed.unsteady).into_iter().collect();
    Ok(Computed { record, file, warnings })
}

/// The chart that is wanted, from where it lies.
async fn chart(scene: &Scene<'_>, wanted: &Wanted) -> Result<Option<Chart>> {
    let (config, releases) = (&scene.world.config, &scene.world.releases);
    let chart = match source::of(config, wanted)? {
        Some(Place::Folder(path)) => releases.chart(config.root(), &path).await?,
        Some(Place::Source(at)) => {
            scene.journal.progress(&format!("fetching {at}"), 0, 0).await;
            releases.fetch(&at, &scene.job.scratch).await?
        }
        None => return Ok(None),
    };
    request::version(wanted.version.as_deref(), &chart)?;
    Ok(Some(chart))
}

/// Looked at and rendered again: whatever moved since is another change.
pub(super) async fn bind(
    change: ReleaseChange,
    scene: &Scene<'_>,
    record: &PlanRecord,
    file: &[u8],
    caller: &Caller,
) -> Result<Binding> {
    let sealed = Sealed::open(file)?;
    if sealed.change != change {
        return Err(Error::internal("opening a plan", "it is another tool's"));
    }
    place::namespace_is_open(&scene.environment, &sealed.wanted.namespace)?;
    // The archive is the plan's; whether its source is still one is the settings' to say.
    source::of(&scene.world.config, &sealed.wanted)?;
    let seen = Seen::look(scene, &sealed.wanted).await?;
    let manifest = match sealed.chart()? {
        Some(chart) => {
            let filled = Filled { chart: &chart, values: &sealed.wanted.values };
            let rendered = scene.world.releases.render(&seen.job, filled).await?;
            Some(steady(&rendered, &sealed.unsteady, &seen.job.namespace)?)
        }
        None => None,
    };
    let parts = (file, record.binding.plan_json.clone(), manifest.as_ref());
    Ok(binding(scene, caller, &seen, &sealed, parts))
}

/// What there is to be afterwards.
async fn goal(
    scene: &Scene<'_>,
    seen: &Seen,
    chart: Option<&Chart>,
    sealed: &mut Sealed,
    doing: &str,
) -> Result<Goal> {
    let releases = &scene.world.releases;
    match sealed.change {
        ReleaseChange::Deploy => {
            let chart = chart.ok_or_else(|| Error::internal(doing, "there is no chart"))?;
            if let Some(release) = seen.release.as_ref().filter(|r| r.at.is_pending()) {
                return Err(stuck(doing, release));
            }
            let filled = Filled { chart, values: &sealed.wanted.values };
            let (first, second) = releases.render_twice(&seen.job, filled).await?;
            let objects = manifest::objects(&first.manifest)?;
            sealed.unsteady = differing(&first, &second, &seen.job.namespace)?;
            let manifest = Some(steady(&first, &sealed.unsteady, &seen.job.namespace)?);
            Ok(Goal { objects, hooks: first.hooks, manifest })
        }
        ReleaseChange::Rollback => {
            let release = present(doing, seen)?;
            let revision = target(doing, release, sealed.wanted.revision)?;
            sealed.revision = Some(revision);
            let to = releases.look(&seen.job, Some(revision)).await?;
            let to = to.ok_or_else(|| Error::internal(doing, "the release is gone"))?;
            let objects = manifest::objects(&to.manifest)?;
            Ok(Goal { objects, hooks: to.hooks, manifest: None })
        }
        ReleaseChange::Uninstall => {
            let hooks = present(doing, seen)?.hooks.clone();
            Ok(Goal { objects: Vec::new(), hooks, manifest: None })
        }
    }
}

fn present<'s>(doing: &str, seen: &'s Seen) -> Result<&'s Release> {
    seen.release.as_ref().ok_or_else(|| {
        Error::new(ErrorCode::InvalidRequest, format!("{doing}: there is no such release"))
            .field("release")
            .given(&seen.job.release)
            .next("helm_status lists the releases of the namespace")
    })
}

/// The revision to go back to: the one asked for, else the last one that was deployed before this.
fn target(doing: &str, release: &Release, asked: Option<u64>) -> Result<u64> {
    let good = |r: &&Revision| {
        r.revision < release.at.revision && matches!(r.status.as_str(), "deployed" | "superseded")
    };
    let found = match asked {
        Some(asked) => release.history.iter().find(|r| r.revision == asked),
        None => release.history.iter().rev().find(good),
    };
    found.map(|r| r.revision).ok_or_else(|| {
        let known: Vec<String> =
            release.history.iter().map(|r| format!("{} ({})", r.revision, r.status)).collect();
        let why = format!("{doing}: there is no revision to go back to");
        Error::new(ErrorCode::InvalidRequest, why)
            .field("revision")
            .given(asked.map_or_else(String::new, |n| n.to_string()))
            .allowed(known.join(", "))
            .next("a release without a deployed revision is taken away by helm_uninstall")
    })
}

/// A release on which a helm works, or was killed. One way on, and none by force.
fn stuck(doing: &str, release: &Release) -> Error {
    let at = &release.at;
    let why = format!(
        "{doing}: the release is {} since {}: a helm works on it, or was killed",
        at.status, at.updated
    );
    let next = match target(doing, release, None) {
        _ if at.status == "uninstalling" => "helm_uninstall goes on with what is left".to_owned(),
        Ok(revision) => format!("helm_rollback to revision {revision}"),
        Err(_) => "helm_uninstall takes away what is there, then deploy again".to_owned(),
    };
    Error::new(ErrorCode::LockHeld, why)
        .detail("release_status", at.status.clone())
        .detail("revision", at.revision)
        .next(format!("see that no helm works on it any more, then {next}"))
}

/// Names of the objects that are another at each rendering.
fn differing(first: &Rendered, second: &Rendered, namespace: &str) -> Result<Vec<String>> {
    if first == second {
        return Ok(Vec::new());
    }
    let (first, second) = (all(first)?, all(second)?);
    let same = |o: &Object| second.iter().any(|other| other == o);
    Ok(first.iter().filter(|o| !same(o)).map(|o| o.address(namespace)).collect())
}

fn all(rendered: &Rendered) -> Result<Vec<Object>> {
    let mut all = manifest::objects(&rendered.manifest)?;
    for hook in &rendered.hooks {
        all.extend(manifest::objects(&hook.manifest)?);
    }
    Ok(all)
}

fn steady(rendered: &Rendered, unsteady: &[String], namespace: &str) -> Result<Digest> {
    let mut parts = Parts::default();
    for object in all(rendered)? {
        if !unsteady.contains(&object.address(namespace)) {
            parts.add(object.body.to_string().as_bytes());
        }
    }
    Ok(parts.finish())
}

fn unsteady(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| {
        format!(
            "the chart renders these differently each time, so what is made differs from what was shown: {}",
            names.join(", ")
        )
    })
}

fn secrets(sealed: &Sealed, objects: [&Vec<Object>; 2]) -> Vec<String> {
    let mut found = values::secrets(&sealed.wanted.values);
    found.extend(objects.into_iter().flat_map(|all| manifest::secrets(all)));
    found.sort();
    found.dedup();
    found
}

fn deltas(
    change: ReleaseChange,
    seen: &Seen,
    there: &[Object],
    goal: &Goal,
    chart: Option<&Chart>,
) -> Result<Vec<Delta>> {
    let namespace = &seen.job.namespace;
    let live = seen.release.as_ref().map(|release| manifest::live(&release.live));
    let settled = seen.release.as_ref().is_none_or(|r| r.at.status == "deployed");
    let there = There { release: there, live: live.as_deref(), settled };
    let mut deltas = diff(there, &goal.objects, namespace);
    // Helm makes these at the first install only, and never takes them away.
    let crds = chart.filter(|_| seen.release.is_none()).into_iter().flat_map(|c| &c.files);
    for (_, text) in crds.filter(|(name, _)| name.starts_with("crds/")) {
        let objects = manifest::objects(&String::from_utf8_lossy(text))?;
        let (release, live) = (&[][..], None);
        deltas.extend(diff(There { release, live, settled: true }, &objects, "(cluster)"));
    }
    let action = match change {
        ReleaseChange::Uninstall => Some(Action::Delete),
        _ => (!settled).then_some(Action::Update),
    };
    deltas.extend(action.map(|action| Delta {
        address: format!("Release {namespace}/{}", seen.job.release),
        kind: "Release".to_owned(),
        action,
        lines: Vec::new(),
    }));
    Ok(deltas)
}

fn changes(change: ReleaseChange, seen: &Seen, deltas: &[Delta], hooks: &[Hook]) -> ChangeSet {
    let when = match (change, &seen.release) {
        (ReleaseChange::Deploy, None) => "-install",
        (ReleaseChange::Deploy, Some(_)) => "-upgrade",
        (ReleaseChange::Rollback, _) => "-rollback",
        (ReleaseChange::Uninstall, _) => "-delete",
    };
    let run = hooks.iter().filter(|h| h.events.iter().any(|event| event.ends_with(when)));
    let run = run.map(|h| format!("hook {} {} ({})", h.kind, h.name, h.events.join(", ")));
    let resources = deltas.iter().map(|delta| ResourceChange {
        address: delta.address.clone(),
        kind: delta.kind.clone(),
        action: delta.action,
    });
    ChangeSet {
        resources: resources.collect(),
        outputs: Vec::new(),
        // Hooks run only when there is something to do.
        invocations: if deltas.is_empty() { Vec::new() } else { run.collect() },
    }
}

/// What the chart tells Helm to leave where it is, although the release has no use for it any more.
fn kept(there: &[Object], wanted: &[Object], namespace: &str) -> Vec<String> {
    let left = there.iter().filter(|o| !wanted.iter().any(|new| new.is(o, namespace)));
    left.filter(|o| o.is_kept()).map(|o| o.address(namespace)).collect()
}

fn describe(
    seen: &Seen,
    sealed: &Sealed,
    deltas: &[Delta],
    changes: &ChangeSet,
    kept: &[String],
) -> String {
    let job = &seen.job;
    let mut lines =
        vec![format!("release {}/{} of cluster {}", job.namespace, job.release, job.cluster.name)];
    lines.push(match &seen.release {
        Some(r) => {
            format!("  now   revision {} {}, chart {}", r.at.revision, r.at.status, r.at.chart)
        }
        None => "  now   not there".to_owned(),
    });
    lines.push(match (&sealed.chart, sealed.revision) {
        (Some(chart), _) => format!("  then  chart {}-{}", chart.name, chart.version),
        (None, Some(revision)) => format!("  then  as revision {revision} was"),
        (None, None) => "  then  gone".to_owned(),
    });
    if let Some((chart, origin)) = sealed.chart.as_ref().and_then(|c| Some((c, c.origin.as_ref()?)))
    {
        lines.push(format!("  from  {origin}, archive {}", chart.digest));
        lines.extend(chart.signature.iter().map(|by| format!("        signed by {by}")));
    }
    for delta in deltas {
        lines.push(String::new());
        lines.push(format!("{:<8} {}", delta.action.word(), delta.address));
        lines.extend(delta.lines.iter().map(|line| format!("    {line}")));
    }
    if deltas.is_empty() {
        lines.push("\nnothing would change".to_owned());
    }
    lines.extend(kept.iter().map(|o| format!("\nkeeps    {o} (helm.sh/resource-policy)")));
    lines.extend(changes.invocations.iter().map(|hook| format!("\nruns     {hook}")));
    lines.extend(unsteady(&sealed.unsteady).map(|told| format!("\nnote     {told}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(manifest: &str) -> Rendered {
        Rendered { manifest: manifest.to_owned(), hooks: Vec::new() }
    }

    #[test]
    fn a_chart_that_renders_differently_each_time_is_found_out() {
        let text = |secret: &str, map: &str| {
            rendered(&format!(
                "kind: Secret\nmetadata: {{name: s}}\ndata: {{a: {secret}}}\n---\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: {map}}}\n"
            ))
        };
        let (first, second) = (text("x", "1"), text("y", "1"));
        let moving = differing(&first, &second, "apps").unwrap();
        assert_eq!(moving, ["Secret apps/s"]);
        assert_eq!(
            steady(&first, &moving, "apps").unwrap(),
            steady(&second, &moving, "apps").unwrap()
        );
        assert_ne!(
            steady(&first, &moving, "apps").unwrap(),
            steady(&text("x", "2"), &moving, "apps").unwrap()
        );
        assert_ne!(steady(&first, &[], "apps").unwrap(), steady(&second, &[], "apps").unwrap());
        assert_eq!(differing(&first, &first, "apps").unwrap(), [""; 0]);
    }
}
