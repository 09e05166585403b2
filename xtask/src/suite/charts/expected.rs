//! What the chart makes of each set of values: the kinds of objects, and the facts the set is there for.

use serde_json::Value;

/// A kind, a JSON pointer into the object of that kind, and what stands there as JSON (`null`: nothing).
type Fact = (&'static str, &'static str, &'static str);

/// What one file under `ci/` must come to.
struct Expected {
    set: &'static str,
    /// Kinds beside those of every release.
    more: &'static [&'static str],
    facts: &'static [Fact],
}

const ALWAYS: [&str; 2] = ["Deployment", "Service"];
const BY_DEFAULT: [&str; 4] = ["NetworkPolicy", "Pod", "PodDisruptionBudget", "ServiceAccount"];
/// The second volume mount: writable volumes come first, in the order of their paths.
const MOUNT: &str = "/spec/template/spec/containers/0/volumeMounts/2";
const VOLUME: &str = "/spec/template/spec/volumes/2";
const CSI_VOLUME: &str = r#"{"name":"secrets","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,
    "volumeAttributes":{"secretProviderClass":"demo-example-data-app"}}}"#;

const EXPECTED: &[Expected] = &[
    Expected {
        set: "default",
        more: &[],
        facts: &[
            ("Deployment", "/spec/replicas", "2"),
            ("Deployment", "/metadata/name", r#""demo-example-data-app""#),
            (
                "Deployment",
                "/spec/template/spec/containers/0/image",
                r#""ghcr.io/stefanprodan/podinfo:6.9.0""#,
            ),
            ("Deployment", MOUNT, "null"),
            ("ServiceAccount", "/metadata/annotations", "null"),
            ("NetworkPolicy", "/spec/ingress/0/from", r#"[{"podSelector":{}}]"#),
            ("NetworkPolicy", "/spec/egress/2", "null"),
        ],
    },
    Expected {
        set: "aws-external-secrets",
        more: &["ConfigMap", "ExternalSecret", "HorizontalPodAutoscaler", "ServiceMonitor"],
        facts: &[
            ("Deployment", "/spec/replicas", "null"),
            ("Deployment", "/spec/template/metadata/labels/team", r#""data""#),
            (
                "Deployment",
                "/spec/template/spec/containers/0/image",
                r#""ghcr.io/stefanprodan/podinfo:6.9.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef""#,
            ),
            (
                "ServiceAccount",
                "/metadata/annotations",
                r#"{"eks.amazonaws.com/role-arn":"arn:aws:iam::123456789012:role/acme-dev-data-app"}"#,
            ),
            (
                "ExternalSecret",
                "/spec/secretStoreRef",
                r#"{"kind":"ClusterSecretStore","name":"aws"}"#,
            ),
            (
                "ExternalSecret",
                "/spec/data",
                r#"[{"secretKey":"database-password","remoteRef":{"key":"acme-dev/database","property":"password"}},
                    {"secretKey":"signing-key","remoteRef":{"key":"acme-dev/signing-key"}}]"#,
            ),
            ("ExternalSecret", "/spec/target/name", r#""demo-example-data-app""#),
            (
                "Deployment",
                VOLUME,
                r#"{"name":"secrets","secret":{"secretName":"demo-example-data-app","defaultMode":288}}"#,
            ),
            (
                "Deployment",
                MOUNT,
                r#"{"name":"secrets","mountPath":"/var/run/secrets/app","readOnly":true}"#,
            ),
            ("ServiceMonitor", "/metadata/labels/team", r#""data""#),
            ("ServiceMonitor", "/spec/endpoints/0/port", r#""metrics""#),
            ("ConfigMap", "/metadata/labels/grafana_dashboard", r#""1""#),
            ("HorizontalPodAutoscaler", "/spec/scaleTargetRef/name", r#""demo-example-data-app""#),
        ],
    },
    Expected {
        set: "aws-csi",
        more: &["SecretProviderClass"],
        facts: &[
            ("SecretProviderClass", "/spec/provider", r#""aws""#),
            ("SecretProviderClass", "/spec/parameters/region", r#""eu-west-1""#),
            ("SecretProviderClass", "/spec/parameters/secrets", "null"),
            (
                "SecretProviderClass",
                "/spec/parameters/objects",
                r#"[{"objectName":"acme-dev/database","objectType":"secretsmanager","jmesPath":[
                       {"path":"password","objectAlias":"database-password"},{"path":"username","objectAlias":"database-user"}]},
                    {"objectName":"acme-dev/signing-key","objectType":"secretsmanager",
                     "objectVersion":"4cb44c0e-7c5b-4d6c-9d0b-2f1f6a2a6a55","objectAlias":"signing-key"}]"#,
            ),
            ("Deployment", VOLUME, CSI_VOLUME),
            ("NetworkPolicy", "/spec/egress/2/to", r#"[{"ipBlock":{"cidr":"169.254.170.23/32"}}]"#),
        ],
    },
    Expected {
        set: "gcp-csi",
        more: &["SecretProviderClass"],
        facts: &[
            ("SecretProviderClass", "/spec/provider", r#""gcp""#),
            ("SecretProviderClass", "/spec/parameters/objects", "null"),
            (
                "SecretProviderClass",
                "/spec/parameters/secrets",
                r#"[{"resourceName":"projects/acme-dev-4711/secrets/database-password/versions/latest","path":"database-password"},
                    {"resourceName":"projects/acme-dev-4711/secrets/signing-key/versions/3","path":"signing-key"}]"#,
            ),
            ("Deployment", VOLUME, CSI_VOLUME),
            (
                "ServiceAccount",
                "/metadata/annotations",
                r#"{"iam.gke.io/gcp-service-account":"data-app@acme-dev-4711.iam.gserviceaccount.com"}"#,
            ),
            (
                "NetworkPolicy",
                "/spec/egress/3/to",
                r#"[{"ipBlock":{"cidr":"169.254.169.254/32"}}]"#,
            ),
        ],
    },
    Expected {
        set: "ingress",
        more: &["Ingress"],
        facts: &[
            ("Ingress", "/spec/ingressClassName", r#""alb""#),
            ("Ingress", "/spec/rules/0/host", r#""data.acme.internal""#),
            ("Ingress", "/spec/rules/0/http/paths/1/path", r#""/version""#),
            ("Ingress", "/spec/rules/0/http/paths/1/backend/service/port/name", r#""http""#),
            (
                "Ingress",
                "/spec/tls",
                r#"[{"secretName":"data-acme-internal","hosts":["data.acme.internal"]}]"#,
            ),
            ("NetworkPolicy", "/spec/ingress/0/from", r#"[{"ipBlock":{"cidr":"10.20.0.0/16"}}]"#),
        ],
    },
    Expected {
        set: "minimal",
        more: &[],
        facts: &[
            ("Deployment", "/metadata/name", r#""data""#),
            ("Deployment", "/spec/template/spec/serviceAccountName", r#""shared""#),
            ("Deployment", "/spec/template/spec/volumes", "null"),
            ("Deployment", "/spec/template/spec/containers/0/volumeMounts", "null"),
        ],
    },
];

/// Where the objects differ from what the set of values is there for.
pub(super) fn missed(set: &str, objects: &[Value]) -> Vec<String> {
    let Some(expected) = EXPECTED.iter().find(|expected| expected.set == set) else {
        return vec![format!("nothing is expected of ci/{set}-values.yaml: add a row")];
    };
    let mut wanted: Vec<&str> = ALWAYS.iter().chain(expected.more).copied().collect();
    if set != "minimal" {
        wanted.extend(BY_DEFAULT);
    }
    wanted.sort_unstable();
    let mut kinds: Vec<&str> = objects.iter().map(super::rules::kind).collect();
    kinds.sort_unstable();
    let mut missed = Vec::new();
    if kinds != wanted {
        missed.push(format!("kinds: {kinds:?}, not {wanted:?}"));
    }
    for (kind, pointer, wanted) in expected.facts {
        let object = objects.iter().find(|object| super::rules::kind(object) == *kind);
        let found = object.and_then(|object| object.pointer(pointer)).cloned();
        let found = inner(found.unwrap_or_default());
        match serde_json::from_str::<Value>(wanted) {
            Ok(wanted) if wanted == found => {}
            Ok(wanted) => missed.push(format!("{kind} {pointer}: {found}, not {wanted}")),
            Err(error) => missed.push(format!("{kind} {pointer}: the table is wrong: {error}")),
        }
    }
    missed
}

/// Rows without a file: the file was renamed, or is gone.
pub(super) fn unused(sets: &[String]) -> Vec<String> {
    let rows = EXPECTED.iter().map(|expected| expected.set);
    rows.filter(|set| !sets.iter().any(|found| found == set))
        .map(|set| format!("ci/{set}-values.yaml is expected and not there"))
        .collect()
}

/// A list that is carried as text in YAML, such as the parameters of a `SecretProviderClass`, as the list it is.
fn inner(value: Value) -> Value {
    let list = value
        .as_str()
        .filter(|text| text.starts_with("- "))
        .and_then(|text| crate::manifest::documents(text).ok())
        .and_then(|mut documents| documents.pop());
    list.unwrap_or(value)
}
