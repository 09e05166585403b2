//! Values that the chart must refuse before anything is made of them, and how it names what is wrong.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use super::Helm;

/// Bad values, and what the message must say: where, and what.
const BAD: &[(&str, &[&str])] = &[
    ("replica: 3", &["'replica' not allowed"]),
    ("podSecurityContext: {}", &["'podSecurityContext' not allowed"]),
    ("image: {tagg: '1'}", &["/image", "'tagg' not allowed"]),
    ("image: {tag: latest}", &["image.tag: latest means another image tomorrow"]),
    ("image: {tag: ''}", &["image: neither tag nor digest is set"]),
    ("image: {digest: abc}", &["/image/digest", "'abc'"]),
    ("image: {repository: 'ghcr.io/a/b:1'}", &["/image/repository"]),
    ("image: {pullPolicy: Sometimes}", &["/image/pullPolicy", "'IfNotPresent', 'Always'"]),
    ("replicas: two", &["/replicas", "want integer"]),
    ("command: []", &["/command", "minItems"]),
    ("env: {1BAD: x}", &["'/env'", "'1BAD' not allowed"]),
    ("env: {DEBUG: true}", &["/env/DEBUG", "want string"]),
    ("ports: {http: 80}", &["/ports/http", "got 80, want 1"]),
    ("user: {runAsUser: 0}", &["/user/runAsUser", "want 1"]),
    ("user: {fsGroup: -1}", &["/user/fsGroup"]),
    ("resources: {limits: {memory: lots}}", &["/resources/limits/memory", "'lots'"]),
    ("resources: {limits: {gpu: 1}}", &["/resources/limits", "'gpu' not allowed"]),
    ("probes: {readiness: readyz}", &["/probes/readiness"]),
    ("writable: {/: 1Mi}", &["'/writable'", "'/' not allowed"]),
    ("writable: {/tmp: 1}", &["/writable/~1tmp"]),
    ("disruptionBudget: {maxUnavailable: 0}", &["/disruptionBudget/maxUnavailable"]),
    ("disruptionBudget: {maxUnavailable: 100%}", &["/disruptionBudget/maxUnavailable"]),
    (
        "autoscaling: {enabled: true, minReplicas: 9}",
        &["autoscaling.minReplicas: greater than autoscaling.maxReplicas"],
    ),
    ("service: {type: LoadBalancer}", &["/service/type", "'ClusterIP', 'NodePort'"]),
    ("ingress: {enabled: true}", &["/ingress/className", "/ingress/hosts"]),
    (
        "ingress: {enabled: true, className: alb, hosts: {a.example: []}}",
        &["/ingress/hosts/a.example"],
    ),
    ("ingress: {hosts: {'a b': ['/']}}", &["'/ingress/hosts'", "'a b' not allowed"]),
    ("networkPolicy: {from: [{}]}", &["/networkPolicy/from/0"]),
    ("networkPolicy: {from: [{cidr: 10.0.0.0/8}]}", &["/networkPolicy/from/0", "'cidr'"]),
    ("serviceAccount: {create: false}", &["serviceAccount.name: needed"]),
    ("serviceAccount: {aws: {roleArn: acme-data-app}}", &["/serviceAccount/aws/roleArn"]),
    ("serviceAccount: {gcp: {serviceAccount: me@gmail.com}}", &["/serviceAccount/gcp"]),
    ("secrets: {source: vault}", &["/secrets/source", "'external-secrets', 'csi'"]),
    ("secrets: {source: csi}", &["/secrets/items"]),
    ("secrets: {items: {a: {}}}", &["/secrets/items/a", "'key'"]),
    ("secrets: {items: {a/b: {key: k}}}", &["'/secrets/items'", "'a/b' not allowed"]),
    (
        "secrets: {source: external-secrets, items: {a: {key: k}}}",
        &["/secrets/externalSecrets/storeName"],
    ),
    (
        "secrets: {source: csi, csi: {provider: gcp}, items: {a: {key: k}}}",
        &["/secrets/items/a/key", "projects/"],
    ),
    (
        "secrets: {source: csi, csi: {provider: gcp}, items: {a: {key: projects/p/secrets/s, property: x}}}",
        &["secrets.items.a.property: the driver for GCP reads whole secrets"],
    ),
    ("secrets: {source: csi, items: {a: {key: k}, b: {key: k}}}", &["k is named twice"]),
    (
        "secrets: {source: csi, items: {a: {key: k, property: x}, b: {key: k}}}",
        &["secrets.items.b.property"],
    ),
    ("metrics: {serviceMonitor: {interval: 30}}", &["/metrics/serviceMonitor/interval"]),
    ("podLabels: {a: 1}", &["/podLabels/a", "want string"]),
    ("tests: {image: curlimages/curl}", &["/tests/image"]),
    ("tests: {image: 'curlimages/curl:latest'}", &["tests.image: latest"]),
    ("nameOverride: Bad_Name", &["/nameOverride"]),
    ("fullnameOverride: --kubeconfig=x", &["/fullnameOverride"]),
];

/// Renders each bad set of values; a set that is taken, or refused without these words, is an error.
pub(super) fn check(helm: &Helm) -> Result<String> {
    let file = helm.home.join("bad-values.yaml");
    for (values, words) in BAD {
        fs::write(&file, values).context("writing bad values")?;
        match helm.render(&file) {
            Ok(_) => bail!("`{values}` was taken"),
            Err(error) => {
                let said = format!("{error:#}");
                let missing = words.iter().find(|word| !said.contains(**word));
                ensure!(
                    missing.is_none(),
                    "`{values}`: no `{}` in: {said}",
                    missing.unwrap_or(&"")
                );
            }
        }
    }
    Ok(format!("{} refused", BAD.len()))
}
