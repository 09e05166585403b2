//! Requests about releases: every check that needs no I/O.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ReleaseChange, source, values};
use crate::error::{Error, Result};
use crate::model::name::{self, BadName};
use crate::operation::request::{self, Ask};
use crate::port::{Chart, Patience};

/// How long helm may wait, in seconds, when a call does not say.
const TIMEOUT_S: u64 = 300;
const TIMEOUT_S_MAX: u64 = 3600;

/// Own fields of `helm_deploy`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DeployRequest {
    /// Kube context of an environment's cluster.
    pub kube_context: Option<String>,
    /// Folder of the chart below `helm/` of the project, or a chart in a source of the settings: `oci://HOST/PATH/NAME`,
    /// `https://HOST/PATH/NAME`.
    pub chart_path: Option<String>,
    /// Version that the chart must have; a chart in a source needs it.
    pub version: Option<String>,
    /// Name of the release.
    pub release: Option<String>,
    /// Its namespace; it has to be there.
    pub namespace: Option<String>,
    /// Values: an object, or YAML.
    pub values: Option<Value>,
    /// Wait until everything is ready (default true).
    pub wait: Option<bool>,
    /// How long, in seconds (default 300).
    pub timeout_s: Option<u64>,
    /// After a failure go back to the revision before (default false).
    pub rollback_on_failure: Option<bool>,
}

/// Own fields of `helm_rollback`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct RollbackRequest {
    /// Kube context of an environment's cluster.
    pub kube_context: Option<String>,
    /// Name of the release.
    pub release: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Revision to go back to; default: the last one before this that was deployed.
    pub revision: Option<u64>,
    /// Wait until everything is ready (default true).
    pub wait: Option<bool>,
    /// How long, in seconds (default 300).
    pub timeout_s: Option<u64>,
}

/// Own fields of `helm_uninstall`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct UninstallRequest {
    /// Kube context of an environment's cluster.
    pub kube_context: Option<String>,
    /// Name of the release.
    pub release: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Wait until everything is gone (default true).
    pub wait: Option<bool>,
    /// How long, in seconds (default 300).
    pub timeout_s: Option<u64>,
}

/// All fields that any of the three has.
#[derive(Debug, Clone, Default, Deserialize)]
struct Given {
    chart_path: Option<String>,
    version: Option<String>,
    release: Option<String>,
    namespace: Option<String>,
    values: Option<Value>,
    revision: Option<u64>,
    wait: Option<bool>,
    timeout_s: Option<u64>,
    rollback_on_failure: Option<bool>,
}

/// What was asked, whole and checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) release: String,
    pub(super) namespace: String,
    pub(super) chart_path: Option<String>,
    pub(super) version: Option<String>,
    pub(super) values: Map<String, Value>,
    pub(super) revision: Option<u64>,
    wait: bool,
    timeout_s: u64,
    undo: bool,
}

impl Wanted {
    pub(super) fn patience(&self) -> Patience {
        Patience { wait: self.wait, timeout_s: self.timeout_s, undo: self.undo }
    }
}

/// Understands a request.
pub(super) fn parse(change: ReleaseChange, raw: &Value) -> Result<Ask> {
    let ask = match change {
        ReleaseChange::Deploy => request::read_change::<DeployRequest>(raw).map(|(_, ask)| ask),
        ReleaseChange::Rollback => request::read_change::<RollbackRequest>(raw).map(|(_, ask)| ask),
        ReleaseChange::Uninstall => {
            request::read_change::<UninstallRequest>(raw).map(|(_, ask)| ask)
        }
    }?;
    if ask.terms.plan_id.is_some() {
        check(&given(&ask.own)?)?;
    } else {
        wanted(change, &ask.own)?;
    }
    Ok(ask)
}

fn given(own: &Map<String, Value>) -> Result<Given> {
    serde_json::from_value(Value::Object(own.clone()))
        .map_err(|e| Error::internal("reading a request", e))
}

/// What a call asks for that names no plan.
pub(super) fn wanted(change: ReleaseChange, own: &Map<String, Value>) -> Result<Wanted> {
    let given = given(own)?;
    let missing = |field: &str| {
        Error::invalid(field, "", "is missing").allowed("a value, or the plan_id of a plan")
    };
    let (values, patience) = check(&given)?;
    if change == ReleaseChange::Deploy && given.chart_path.is_none() {
        return Err(missing("chart_path"));
    }
    Ok(Wanted {
        release: given.release.ok_or_else(|| missing("release"))?,
        namespace: given.namespace.ok_or_else(|| missing("namespace"))?,
        chart_path: given.chart_path,
        version: given.version,
        values,
        revision: given.revision,
        wait: patience.wait,
        timeout_s: patience.timeout_s,
        undo: patience.undo,
    })
}

fn named(field: &str, given: Option<&String>, rule: fn(&str) -> Result<(), BadName>) -> Result<()> {
    match given.map(|given| (given, rule(given))) {
        Some((given, Err(bad))) => Err(Error::invalid(field, given, bad.why).allowed(bad.allowed)),
        _ => Ok(()),
    }
}

/// Checks the fields that are given.
fn check(given: &Given) -> Result<(Map<String, Value>, Patience)> {
    named("release", given.release.as_ref(), name::release)?;
    named("namespace", given.namespace.as_ref(), name::namespace)?;
    if let Some(version) = given.version.as_ref().filter(|version| !source::is_version(version)) {
        return Err(Error::invalid("version", version, "is not a version of a chart")
            .allowed("one version, for instance 1.4.2; no range"));
    }
    if let Some(path) = &given.chart_path {
        source::place(path, given.version.as_deref())?;
    }
    if given.revision == Some(0) {
        return Err(Error::invalid("revision", "0", "is not a revision").allowed("1 or more"));
    }
    let timeout_s = given.timeout_s.unwrap_or(TIMEOUT_S);
    if !(1..=TIMEOUT_S_MAX).contains(&timeout_s) {
        return Err(Error::invalid("timeout_s", timeout_s.to_string(), "is out of range")
            .allowed(format!("1 to {TIMEOUT_S_MAX} seconds, as a number")));
    }
    let undo = given.rollback_on_failure.unwrap_or(false);
    let wait = given.wait.unwrap_or(true);
    if undo && !wait {
        return Err(Error::invalid("wait", "false", "does not go with rollback_on_failure")
            .allowed("true: whether it failed is seen by waiting"));
    }
    Ok((values::read(given.values.as_ref())?, Patience { wait, timeout_s, undo }))
}

/// Refuses a chart of another version than was asked for.
pub(super) fn version(wanted: Option<&str>, chart: &Chart) -> Result<()> {
    match wanted.filter(|wanted| *wanted != chart.version) {
        Some(wanted) => {
            Err(Error::invalid("version", wanted, "is not the chart's version")
                .allowed(&chart.version))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(change: ReleaseChange, with: (&str, Value)) -> Error {
        let mut request =
            json!({ "kube_context": "aws-dev", "release": "web", "namespace": "apps" });
        if change == ReleaseChange::Deploy {
            request["chart_path"] = json!("helm/charts/web");
        }
        parse(change, &request).unwrap();
        request[with.0] = with.1;
        parse(change, &request).unwrap_err()
    }

    #[test]
    fn bad_inputs_71_72_80_and_81_are_refused_by_field() {
        let long = "a".repeat(54);
        for (field, value) in [
            ("release", json!("Web")),
            ("release", json!(long)),
            ("release", json!("web.1")),
            ("release", json!("-web")),
            ("release", json!("--kubeconfig=/x")),
            ("release", json!("")),
            ("namespace", json!("--kubeconfig=x")),
            ("namespace", json!("apps,kube-system")),
            ("timeout_s", json!("5 minutes")),
            ("timeout_s", json!("300")),
            ("timeout_s", json!(0)),
            ("timeout_s", json!(-1)),
            ("timeout_s", json!(1e9)),
            ("version", json!(">=1.0.0")),
            ("version", json!("--insecure-skip-tls-verify")),
            ("values", json!("image.tag=1")),
            ("values", json!(["a"])),
            ("wait", json!("watcher")),
            ("set", json!("image.tag=1")),
            ("post_renderer", json!("/bin/sh")),
            ("kube_apiserver", json!("https://evil.example.com")),
        ] {
            let error = refused(ReleaseChange::Deploy, (field, value.clone()));
            assert_eq!(error.field.as_deref(), Some(field), "{value}: {error}");
        }
        let error = refused(ReleaseChange::Rollback, ("revision", json!(0)));
        assert_eq!(error.field.as_deref(), Some("revision"));
        let error = refused(ReleaseChange::Uninstall, ("keep_history", json!(true)));
        assert_eq!(error.field.as_deref(), Some("keep_history"));
    }

    #[test]
    fn without_a_plan_everything_is_needed_with_one_nothing() {
        for field in ["chart_path", "release", "namespace"] {
            let mut request = json!({ "kube_context": "c", "chart_path": "helm/web", "release": "web", "namespace": "apps" });
            request.as_object_mut().unwrap().remove(field);
            let error = parse(ReleaseChange::Deploy, &request).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field));
        }
        let plan = json!({ "plan_id": "01a20409-5bbb-7000-8000-000000000000", "dry_run": false });
        parse(ReleaseChange::Deploy, &plan).unwrap();
    }
}
