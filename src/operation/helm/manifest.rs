//! Objects of Kubernetes as a chart renders them: taken apart, named, and searched for what must not be shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

use crate::error::{Error, ErrorCode, Result};
use crate::model::Cluster;
use crate::port::Release;

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operation) struct Object {
    /// Kind.
    pub(in crate::operation) kind: String,
    /// Name.
    pub(in crate::operation) name: String,
    /// Namespace, when it names one.
    pub(in crate::operation) namespace: Option<String>,
    /// API group: kinds of one name may belong to two.
    group: String,
    /// All of it.
    pub(in crate::operation) body: Value,
}

impl Object {
    fn of(body: Value) -> Option<Self> {
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let version = text("/apiVersion").unwrap_or_default();
        let group = version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        Some(Self {
            kind: text("/kind")?,
            name: text("/metadata/name")
                .or_else(|| text("/metadata/generateName"))
                .unwrap_or_default(),
            namespace: text("/metadata/namespace"),
            group,
            body,
        })
    }

    /// Whether both are the same object, whatever is in it. An object of a release that names no namespace is in the
    /// release's.
    pub(in crate::operation) fn is(&self, other: &Self, namespace: &str) -> bool {
        let of = |o: &Self| o.namespace.clone().unwrap_or_else(|| namespace.to_owned());
        (&self.kind, &self.group, &self.name) == (&other.kind, &other.group, &other.name)
            && (of(self) == of(other))
    }

    /// What people call it.
    pub(in crate::operation) fn address(&self, namespace: &str) -> String {
        let namespace = self.namespace.as_deref().unwrap_or(namespace);
        format!("{} {namespace}/{}", self.kind, self.name)
    }

    /// Whether Helm leaves it where it is when its release goes.
    pub(in crate::operation) fn is_kept(&self) -> bool {
        let at = "/metadata/annotations/helm.sh~1resource-policy";
        self.body.pointer(at).and_then(Value::as_str) == Some("keep")
    }
}

/// The objects in YAML documents. Empty documents are left out, lists are taken apart.
pub(in crate::operation) fn objects(yaml: &str) -> Result<Vec<Object>> {
    let mut options = serde_saphyr::Options::default();
    // Helm takes them too; what counts is what it makes of them.
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.with_snippet = false;
    let parsed: Vec<Value> =
        serde_saphyr::from_multiple_with_options(yaml, options).map_err(|e| {
            let line = e.location().map_or(0, |at| at.line());
            Error::new(
                ErrorCode::UpstreamFailed,
                format!("reading what the chart renders: line {line} is not YAML"),
            )
        })?;
    let mut all = Vec::new();
    for body in parsed {
        let list = body.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List"));
        match body.get("items").and_then(Value::as_array).filter(|_| list) {
            Some(items) => all.extend(items.iter().cloned().filter_map(Object::of)),
            None => all.extend(Object::of(body)),
        }
    }
    Ok(all)
}

/// Live objects of the cluster.
pub(in crate::operation) fn live(objects: &[Value]) -> Vec<Object> {
    objects.iter().cloned().filter_map(Object::of).collect()
}

/// Refuses objects in namespaces that are not to be changed.
pub(in crate::operation) fn stay(objects: &[Object], cluster: &Cluster, doing: &str) -> Result<()> {
    let outside = objects
        .iter()
        .find(|o| o.namespace.as_ref().is_some_and(|namespace| !cluster.may_change(namespace)));
    let Some(outside) = outside else {
        return Ok(());
    };
    let namespace = outside.namespace.clone().unwrap_or_default();
    let why = format!(
        "{doing}: the chart makes {} {} in namespace {namespace}",
        outside.kind, outside.name
    );
    Err(Error::new(ErrorCode::PolicyDenied, why)
        .given(namespace)
        .allowed(allowed(cluster))
        .next("leave it out of the chart, or have the people who keep datamcp.toml look at cluster.namespaces"))
}

/// Namespaces that may be changed, in words.
pub(in crate::operation) fn allowed(cluster: &Cluster) -> String {
    match cluster.namespaces.as_slice() {
        [] => "any namespace but those of Kubernetes itself".to_owned(),
        listed => listed.join(", "),
    }
}

/// Everything that objects of the kind `Secret` hold, as it is written and as it is meant.
pub(in crate::operation) fn secrets(objects: &[Object]) -> Vec<String> {
    let mut found = Vec::new();
    for object in objects.iter().filter(|o| o.kind == "Secret") {
        for field in ["data", "stringData"] {
            let entries = object.body.get(field).and_then(Value::as_object);
            for value in entries.into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
                found.push(value.to_owned());
                let decoded = STANDARD.decode(value.trim()).ok().filter(|_| field == "data");
                found.extend(decoded.and_then(|bytes| String::from_utf8(bytes).ok()));
            }
        }
    }
    found.retain(|text| !text.is_empty());
    found
}

/// What the secrets of a release hold. One that cannot be taken apart has none that are known.
pub(in crate::operation) fn live_secrets(release: &Release) -> Vec<String> {
    secrets(&objects(&release.manifest).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "---\n# Source: a\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: Y2FuYXJ5LTE=}\n\
        stringData: {b: canary-2}\n---\n---\napiVersion: v1\nkind: ConfigMapList\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  \
        metadata: {name: one, namespace: other}\n";

    #[test]
    fn documents_are_taken_apart() {
        let all = objects(YAML).unwrap();
        let names: Vec<String> = all.iter().map(|o| o.address("apps")).collect();
        assert_eq!(names, ["Secret apps/s", "ConfigMap other/one"]);
        assert!(objects("").unwrap().is_empty());
        assert!(objects("a: [").is_err());
    }

    #[test]
    fn promise_7_secrets_are_known_as_written_and_as_meant() {
        let all = objects(YAML).unwrap();
        assert_eq!(secrets(&all), ["Y2FuYXJ5LTE=", "canary-1", "canary-2"]);
    }

    #[test]
    fn a_chart_does_not_leave_the_namespaces_of_its_environment() {
        let all = objects(YAML).unwrap();
        let cluster = |namespaces: &[&str]| Cluster {
            name: "c".into(),
            context: "c".into(),
            role_arn: None,
            location: None,
            namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
            access: crate::model::ClusterAccess::Managed,
            uid: None,
        };
        let error = stay(&all, &cluster(&["apps"]), "planning").unwrap_err();
        assert_eq!(error.code, ErrorCode::PolicyDenied);
        assert_eq!(error.given.as_deref(), Some("other"));
        stay(&all, &cluster(&["apps", "other"]), "planning").unwrap();
        stay(&all, &cluster(&[]), "planning").unwrap();
        let own = objects("kind: Role\nmetadata: {name: r, namespace: kube-system}\n").unwrap();
        assert!(stay(&own, &cluster(&[]), "planning").is_err());
    }
}
