//! Differences of small manifests.

use super::super::manifest::objects;
use super::*;

fn compare(old: &str, new: &str, live: Option<&str>) -> Vec<Delta> {
    let (old, new) = (objects(old).unwrap(), objects(new).unwrap());
    let live = live.map(|live| objects(live).unwrap());
    diff(There { release: &old, live: live.as_deref(), settled: true }, &new, "apps")
}

fn deployment(replicas: u64, image: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: {replicas}\n  template:\n    \
         spec:\n      containers:\n      - name: side\n        image: s:1\n      - name: web\n        image: {image}\n        \
         env: [{{name: DB_PASSWORD, value: canary-env}}, {{name: LEVEL, value: info}}]\n{more}"
    )
}

#[test]
fn the_same_is_no_change() {
    let text = deployment(2, "w:1", "");
    assert_eq!(compare(&text, &text, Some(&text)), []);
    assert_eq!(compare(&text, &text, None), []);
}

#[test]
fn fields_are_named_by_their_path() {
    let deltas = compare(&deployment(2, "w:1", ""), &deployment(3, "w:2", ""), None);
    assert_eq!(deltas.len(), 1);
    assert_eq!(
        (deltas[0].address.as_str(), deltas[0].action),
        ("Deployment apps/web", Action::Update)
    );
    assert_eq!(
        deltas[0].lines,
        [
            "  spec.replicas: 2 -> 3",
            "  spec.template.spec.containers[name=web].image: \"w:1\" -> \"w:2\"",
        ]
    );
}

#[test]
fn objects_come_and_go() {
    let one = "kind: ConfigMap\nmetadata: {name: one}\ndata: {a: x}\n";
    let kept = "kind: PersistentVolumeClaim\nmetadata: {name: two, annotations: {helm.sh/resource-policy: keep}}\n";
    let old = format!("{one}---\n{kept}");
    let deltas = compare(&old, "kind: Service\nmetadata: {name: new}\n", None);
    let found: Vec<_> = deltas.iter().map(|d| (d.address.as_str(), d.action)).collect();
    assert_eq!(
        found,
        [("Service apps/new", Action::Create), ("ConfigMap apps/one", Action::Delete)],
        "what is to be kept is kept"
    );
}

#[test]
fn promise_7_secrets_are_compared_and_never_shown() {
    let secret = |value: &str| {
        format!(
            "kind: Secret\nmetadata: {{name: s}}\nstringData: {{password: {value}, file: \"a\\n{value}\\n\"}}\n---\n\
             kind: ConfigMap\nmetadata: {{name: c}}\ndata: {{api_token: {value}, plain: {value}x}}\n"
        )
    };
    let mut all = compare("", &secret("canary-1"), None);
    all.extend(compare(&secret("canary-1"), &secret("canary-2"), None));
    all.extend(compare("", &deployment(1, "w:1", ""), None));
    let lines: Vec<String> = all.into_iter().flat_map(|d| d.lines).collect();
    let text = lines.join("\n").replace("canary-1x", "").replace("canary-2x", "");
    assert!(!text.contains("canary"), "{text}");
    assert!(
        lines.iter().any(|l| l == "  stringData.password: (secret) -> (another secret)"),
        "{text}"
    );
    assert!(lines.iter().any(|l| l == "  data.api_token: (secret) -> (another secret)"), "{text}");
    assert!(text.contains("env[name=LEVEL].value: \"info\""), "{text}");
}

#[test]
fn what_somebody_changed_or_took_away_in_the_cluster_is_told() {
    let release = deployment(2, "w:1", "---\nkind: Service\nmetadata: {name: web}\n");
    let live = deployment(5, "w:1", "");
    let deltas = compare(&release, &release, Some(&live));
    let found: Vec<_> = deltas.iter().map(|d| (d.address.as_str(), d.action)).collect();
    assert_eq!(
        found,
        [("Deployment apps/web", Action::Update), ("Service apps/web", Action::Create)]
    );
    assert_eq!(deltas[0].lines, ["  spec.replicas: 5 -> 2 (somebody changed it in the cluster)"]);
}

#[test]
fn a_text_is_compared_line_by_line() {
    let map =
        |text: &str| format!("kind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  conf: |\n{text}");
    let deltas = compare(&map("    a\n    b\n    c\n"), &map("    a\n    x\n    c\n"), None);
    assert_eq!(deltas[0].lines, ["  data.conf: from line 2", "    - \"b\"", "    + \"x\""]);
}

#[test]
fn after_a_failed_revision_everything_counts_as_changed() {
    let objects = objects(&deployment(1, "w:1", "")).unwrap();
    let there = There { release: &objects, live: Some(&objects), settled: false };
    let deltas = diff(there, &objects, "apps");
    assert_eq!(deltas[0].action, Action::Update);
}
