//! The rules are tried as well: each weakening of a rendered release must be seen by one of them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::rules;

const POD: &str = "/spec/template/spec";
const SECURITY: &str = "/spec/template/spec/containers/0/securityContext";

/// A kind, where in it, which key, and what stands there instead, as JSON; `null` takes the key away.
const WEAKER: &[(&str, &str, &str, &str)] = &[
    ("Deployment", POD, "automountServiceAccountToken", "true"),
    ("Deployment", POD, "automountServiceAccountToken", "null"),
    ("Deployment", POD, "enableServiceLinks", "null"),
    ("Deployment", POD, "hostNetwork", "true"),
    ("Deployment", POD, "hostPID", "true"),
    ("Deployment", "/spec/template/spec/securityContext", "runAsNonRoot", "null"),
    ("Deployment", "/spec/template/spec/securityContext", "runAsUser", "0"),
    ("Deployment", "/spec/template/spec/securityContext", "fsGroup", "null"),
    ("Deployment", "/spec/template/spec/securityContext", "seccompProfile", "null"),
    ("Deployment", SECURITY, "allowPrivilegeEscalation", "true"),
    ("Deployment", SECURITY, "readOnlyRootFilesystem", "false"),
    ("Deployment", SECURITY, "privileged", "true"),
    ("Deployment", SECURITY, "capabilities", r#"{"drop":["NET_RAW"]}"#),
    ("Deployment", SECURITY, "capabilities", r#"{"drop":["ALL"],"add":["SYS_ADMIN"]}"#),
    ("Deployment", SECURITY, "runAsUser", "0"),
    ("Deployment", "/spec/template/spec/containers/0", "image", r#""podinfo""#),
    ("Deployment", "/spec/template/spec/containers/0", "image", r#""registry:5000/podinfo""#),
    ("Deployment", "/spec/template/spec/containers/0", "image", r#""podinfo:latest""#),
    ("Deployment", "/spec/template/spec/containers/0", "livenessProbe", "null"),
    ("Deployment", "/spec/template/spec/containers/0", "envFrom", "[]"),
    (
        "Deployment",
        "/spec/template/spec/containers/0",
        "env",
        r#"[{"name":"P","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]"#,
    ),
    ("Deployment", "/spec/template/spec/containers/0/resources/limits", "memory", "null"),
    ("Deployment", "/spec/template/spec/containers/0/resources/requests", "cpu", "null"),
    ("Deployment", POD, "volumes", r#"[{"name":"host","hostPath":{"path":"/"}}]"#),
    ("Deployment", POD, "volumes", r#"[{"name":"writable-tmp","emptyDir":{}}]"#),
    ("Deployment", POD, "volumes", "null"),
    ("Deployment", "/spec/template/metadata/labels", "app.kubernetes.io/name", r#""other""#),
    ("Deployment", "/spec/selector/matchLabels", "helm.sh/chart", r#""example-data-app-0.1.0""#),
    ("Deployment", "/spec", "replicas", "2"),
    ("Deployment", "/metadata", "namespace", r#""default""#),
    ("Deployment", "/metadata/labels", "app.kubernetes.io/instance", "null"),
    ("Pod", "/spec/containers/0", "image", r#""curl""#),
    ("Pod", "/metadata/labels", "app.kubernetes.io/name", r#""example-data-app""#),
    ("Service", "/spec", "type", r#""LoadBalancer""#),
    ("Service", "/spec", "selector", "{}"),
    ("Service", "/spec/selector", "app.kubernetes.io/component", r#""web""#),
    ("Service", "/metadata", "name", r#""""#),
    ("ServiceAccount", "", "automountServiceAccountToken", "null"),
    ("ServiceAccount", "", "kind", r#""ClusterRoleBinding""#),
    ("ServiceMonitor", "/spec/selector", "matchLabels", "null"),
    ("PodDisruptionBudget", "/spec/selector/matchLabels", "app.kubernetes.io/name", r#""x""#),
    ("NetworkPolicy", "/spec", "policyTypes", r#"["Ingress"]"#),
    ("NetworkPolicy", "/spec/podSelector", "matchLabels", "null"),
    ("NetworkPolicy", "/spec/ingress/0", "from", "[]"),
    ("NetworkPolicy", "/spec/ingress/0", "from", r#"[{"ipBlock":{"cidr":"0.0.0.0/0"}}]"#),
    ("NetworkPolicy", "/spec/egress/0", "ports", "null"),
    ("NetworkPolicy", "/spec/egress/1/to/0/ipBlock", "except", "[]"),
];

/// Weakens a sound release in each way, and wants a complaint each time.
pub(super) fn check(objects: &[Value]) -> Result<String> {
    for (wanted, pointer, key, value) in WEAKER {
        let mut objects = objects.to_vec();
        let place = objects
            .iter_mut()
            .find(|object| rules::kind(object) == *wanted)
            .and_then(|object| object.pointer_mut(pointer))
            .and_then(Value::as_object_mut)
            .with_context(|| format!("{wanted} has no {pointer}"))?;
        let value: Value = serde_json::from_str(value).context("the table is wrong")?;
        let before = match value {
            Value::Null => place.remove(*key),
            ref value => place.insert((*key).to_owned(), value.clone()),
        };
        ensure!(before.as_ref() != Some(&value), "{wanted} {pointer}/{key}: nothing was changed");
        ensure!(
            !rules::broken(&objects).is_empty(),
            "no rule sees {key} in {wanted} {pointer} as {value}"
        );
    }
    Ok(format!("{} weakenings seen", WEAKER.len()))
}
