//! What holds for whatever the chart renders, with any values: pods without rights, pinned images, selectors
//! that select the right pods, and nothing for the whole cluster.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::manifest::{items, text};

/// The kinds that the chart may make. None of them is for the whole cluster, none gives rights.
const KINDS: [&str; 12] = [
    "ConfigMap",
    "Deployment",
    "ExternalSecret",
    "HorizontalPodAutoscaler",
    "Ingress",
    "NetworkPolicy",
    "Pod",
    "PodDisruptionBudget",
    "SecretProviderClass",
    "Service",
    "ServiceAccount",
    "ServiceMonitor",
];

/// Complaints about a rendered release, each with the object it is about.
pub(super) fn broken(objects: &[Value]) -> Vec<String> {
    let mut complaints = Vec::new();
    for object in objects {
        let name = format!("{} {}", kind(object), text(object, "/metadata/name"));
        let mut found = Vec::new();
        metadata(object, &mut found);
        if let Some(pod) = pod(object) {
            pod_rules(pod, &mut found);
            for container in containers(pod) {
                container_rules(container, kind(object) == "Deployment", &mut found);
            }
        }
        match kind(object) {
            "ServiceAccount" => {
                want(object, "/automountServiceAccountToken", &Value::Bool(false), &mut found);
            }
            "NetworkPolicy" => network(object, &mut found),
            "Service" if !matches!(text(object, "/spec/type"), "ClusterIP" | "NodePort") => {
                found.push(format!("type {}", text(object, "/spec/type")));
            }
            _ => {}
        }
        complaints.extend(found.into_iter().map(|complaint| format!("{name}: {complaint}")));
    }
    selectors(objects, &mut complaints);
    let names: BTreeSet<_> = objects.iter().map(|o| (kind(o), text(o, "/metadata/name"))).collect();
    if names.len() != objects.len() {
        complaints.push("two objects of one kind and name".to_owned());
    }
    complaints
}

/// The kind of an object.
pub(super) fn kind(object: &Value) -> &str {
    text(object, "/kind")
}

fn want(value: &Value, pointer: &str, wanted: &Value, complaints: &mut Vec<String>) {
    let found = value.pointer(pointer).unwrap_or(&Value::Null);
    if found != wanted {
        complaints.push(format!("{pointer} is {found}, not {wanted}"));
    }
}

fn metadata(object: &Value, complaints: &mut Vec<String>) {
    if !KINDS.contains(&kind(object)) {
        complaints.push("a kind that the chart may not make".to_owned());
    }
    // The release decides where it goes; a namespace written down would win over it.
    want(object, "/metadata/namespace", &Value::Null, complaints);
    let labels = ["name", "instance", "managed-by", "version"];
    for label in labels.map(|label| format!("/metadata/labels/app.kubernetes.io~1{label}")) {
        if text(object, &label).is_empty() {
            complaints.push(format!("no {label}"));
        }
    }
    let name = text(object, "/metadata/name");
    if name.is_empty() || name.len() > 63 {
        complaints.push(format!("a name of {} characters", name.len()));
    }
}

/// The pod of a pod, or of what makes pods.
fn pod(object: &Value) -> Option<&Value> {
    match kind(object) {
        "Pod" => object.pointer("/spec"),
        _ => object.pointer("/spec/template/spec"),
    }
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["/containers", "/initContainers", "/ephemeralContainers"]
        .into_iter()
        .flat_map(|pointer| items(pod, pointer))
}

fn pod_rules(pod: &Value, complaints: &mut Vec<String>) {
    want(pod, "/automountServiceAccountToken", &Value::Bool(false), complaints);
    want(pod, "/enableServiceLinks", &Value::Bool(false), complaints);
    want(pod, "/securityContext/runAsNonRoot", &Value::Bool(true), complaints);
    want(pod, "/securityContext/seccompProfile/type", &"RuntimeDefault".into(), complaints);
    for id in ["runAsUser", "runAsGroup", "fsGroup"] {
        let number = pod.pointer(&format!("/securityContext/{id}")).and_then(Value::as_u64);
        if number.is_none_or(|number| number == 0) {
            complaints.push(format!("{id} is {number:?}"));
        }
    }
    for host in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        want(pod, &format!("/{host}"), &Value::Null, complaints);
    }
    let volumes: BTreeSet<&str> = items(pod, "/volumes").iter().map(|v| text(v, "/name")).collect();
    for volume in items(pod, "/volumes") {
        if !["/emptyDir/sizeLimit", "/secret", "/csi"].iter().any(|p| volume.pointer(p).is_some()) {
            complaints.push(format!("a volume of another kind, or without a limit: {volume}"));
        }
    }
    for mount in containers(pod).flat_map(|container| items(container, "/volumeMounts")) {
        if !volumes.contains(text(mount, "/name")) {
            complaints.push(format!("no volume {} to mount", text(mount, "/name")));
        }
    }
}

fn container_rules(container: &Value, serves: bool, complaints: &mut Vec<String>) {
    let security = |field: &str| format!("/securityContext/{field}");
    want(container, &security("allowPrivilegeEscalation"), &Value::Bool(false), complaints);
    want(container, &security("readOnlyRootFilesystem"), &Value::Bool(true), complaints);
    want(container, &security("privileged"), &Value::Bool(false), complaints);
    let dropped = serde_json::json!({ "drop": ["ALL"] });
    want(container, &security("capabilities"), &dropped, complaints);
    for field in ["runAsUser", "runAsNonRoot", "seccompProfile", "procMount"] {
        want(container, &security(field), &Value::Null, complaints);
    }
    let image = text(container, "/image");
    let version = image.rsplit('/').next().and_then(|last| last.split_once([':', '@']));
    if version.is_none_or(|(_, version)| version.is_empty() || version == "latest") {
        complaints.push(format!("image `{image}` is not pinned"));
    }
    for resource in ["requests/cpu", "requests/memory", "limits/memory"] {
        if container.pointer(&format!("/resources/{resource}")).is_none() {
            complaints.push(format!("no {resource}"));
        }
    }
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        if serves && container.pointer(&format!("/{probe}/httpGet")).is_none() {
            complaints.push(format!("no {probe}"));
        }
    }
    // Secrets are files: variables are inherited, dumped and logged.
    let from = items(container, "/env").iter().any(|variable| variable.get("valueFrom").is_some());
    if from || container.get("envFrom").is_some() {
        complaints.push("a variable from somewhere else".to_owned());
    }
}

/// An empty list of peers means everybody, and a block of all addresses has the node's credentials in it.
fn network(policy: &Value, complaints: &mut Vec<String>) {
    want(policy, "/spec/policyTypes", &serde_json::json!(["Ingress", "Egress"]), complaints);
    for (direction, peers) in [("ingress", "/from"), ("egress", "/to")] {
        for rule in items(policy, &format!("/spec/{direction}")) {
            if items(rule, peers).is_empty() || items(rule, "/ports").is_empty() {
                complaints.push(format!("{direction} is open: {rule}"));
            }
            for peer in items(rule, peers) {
                let all = text(peer, "/ipBlock/cidr") == "0.0.0.0/0";
                let except = items(peer, "/ipBlock/except").iter().any(|e| e == "169.254.0.0/16");
                if all && !(except && direction == "egress") {
                    complaints.push(format!("{direction} from or to everywhere: {peer}"));
                }
            }
        }
    }
}

/// Every selector selects the pods of the Deployment and no other, and can stay for the life of the release.
fn selectors(objects: &[Value], complaints: &mut Vec<String>) {
    let labels = |object: &Value, pointer: &str| -> BTreeSet<(String, String)> {
        let labels = object.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        labels.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned())).collect()
    };
    let Some(deployment) = objects.iter().find(|object| kind(object) == "Deployment") else {
        complaints.push("no Deployment".to_owned());
        return;
    };
    let pods = labels(deployment, "/spec/template/metadata/labels");
    let tests: Vec<_> = objects.iter().filter(|object| kind(object) == "Pod").collect();
    let spread = "/spec/template/spec/topologySpreadConstraints";
    let mut selectors = vec![("Deployment", labels(deployment, "/spec/selector/matchLabels"))];
    for constraint in items(deployment, spread) {
        selectors.push(("spread", labels(constraint, "/labelSelector/matchLabels")));
    }
    for object in objects {
        match kind(object) {
            "Service" => selectors.push(("Service", labels(object, "/spec/selector"))),
            kind @ ("PodDisruptionBudget" | "ServiceMonitor") => {
                selectors.push((kind, labels(object, "/spec/selector/matchLabels")));
            }
            "NetworkPolicy" => {
                selectors.push(("NetworkPolicy", labels(object, "/spec/podSelector/matchLabels")));
            }
            "HorizontalPodAutoscaler" if deployment.pointer("/spec/replicas").is_some() => {
                complaints.push("replicas are set, and scaled by an autoscaler".to_owned());
            }
            _ => {}
        }
    }
    for (owner, selector) in selectors {
        if selector.is_empty() || !selector.is_subset(&pods) {
            complaints.push(format!("{owner}: {selector:?} does not select {pods:?}"));
        }
        if selector.iter().any(|(key, _)| key.contains("chart") || key.contains("version")) {
            complaints.push(format!("{owner}: {selector:?} changes with a version"));
        }
        if tests.iter().any(|test| selector.is_subset(&labels(test, "/metadata/labels"))) {
            complaints.push(format!("{owner}: {selector:?} selects the test's pod as well"));
        }
    }
}
