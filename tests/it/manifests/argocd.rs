//! Projects bound what applications may do; the application lies within its project.

use serde_json::{Value, json};
use xtask::manifest::{items, text};

use super::{file, with};

/// What is wrong with a project of this tier.
fn faults(project: &Value, tier: &str) -> Vec<String> {
    let name = format!("data-{tier}");
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let star = |value: &Value| value.to_string().contains('*');
    must(text(project, "/metadata/name") == name, "the name is not the tier's");
    for list in
        ["sourceRepos", "destinations", "clusterResourceWhitelist", "namespaceResourceWhitelist"]
    {
        let list_of = items(project, &format!("/spec/{list}"));
        must(!list_of.is_empty(), &format!("{list} is empty"));
        must(!list_of.iter().any(star), &format!("{list} holds a star"));
    }
    let cluster = items(project, "/spec/clusterResourceWhitelist");
    must(*cluster == [json!({"group": "", "kind": "Namespace"})], "other kinds for the cluster");
    for destination in items(project, "/spec/destinations") {
        let namespace = text(destination, "/namespace");
        must(!["", "default", "kube-system", "argocd"].contains(&namespace), "a shared namespace");
    }
    for kind in items(project, "/spec/namespaceResourceWhitelist") {
        let kind = text(kind, "/kind");
        must(!["Secret", "Role", "RoleBinding", "Pod"].contains(&kind), "a kind that gives rights");
    }
    for role in items(project, "/spec/roles") {
        let subject = format!("proj:{name}:{}", text(role, "/name"));
        for policy in items(role, "/policies") {
            let parts: Vec<&str> = policy.as_str().unwrap().split(", ").collect();
            let &[p, who, _, action, on, effect] = parts.as_slice() else {
                must(false, "a policy without six parts");
                continue;
            };
            must(p == "p" && who == subject, "a policy of another role");
            must(on == format!("{name}/*"), "a policy on another project");
            must(effect == "allow" && action != "*", "a policy for every action");
            let rare = ["delete", "override"].contains(&action);
            must(tier != "prod" || !rare, "prod: a right that is for dev only");
            let person = text(role, "/name") != "datamcp";
            must(tier != "prod" || !person || action == "get", "prod: a change around datamcp");
        }
        must(items(role, "/jwtTokens").is_empty(), "a token in the repository");
    }
    let windows = items(project, "/spec/syncWindows");
    let bounded = windows.iter().any(|window| {
        text(window, "/kind") == "allow" && window.pointer("/manualSync") == Some(&json!(false))
    });
    must(tier != "prod" || bounded, "prod: no window, or one that a sync by hand ignores");
    faults
}

#[test]
fn projects_have_bounds() {
    for tier in ["dev", "prod"] {
        let project = file(&format!("argocd/projects/{tier}.yaml"));
        assert_eq!(faults(&project, tier), [""; 0], "{tier}");
    }
}

#[test]
fn a_project_without_a_bound_is_seen() {
    let prod = file("argocd/projects/prod.yaml");
    let cases = [
        ("/spec/sourceRepos/0", json!("https://git.example.com/*")),
        ("/spec/destinations/0/namespace", json!("*")),
        ("/spec/destinations/0/namespace", json!("kube-system")),
        ("/spec/clusterResourceWhitelist/0/kind", json!("ClusterRoleBinding")),
        ("/spec/namespaceResourceWhitelist/0/kind", json!("Secret")),
        ("/spec/namespaceResourceWhitelist", json!([])),
        (
            "/spec/roles/0/policies/0",
            json!("p, proj:data-dev:datamcp, applications, get, data-prod/*, allow"),
        ),
        (
            "/spec/roles/0/policies/0",
            json!("p, proj:data-prod:datamcp, applications, *, data-prod/*, allow"),
        ),
        (
            "/spec/roles/0/policies/0",
            json!("p, proj:data-prod:datamcp, applications, get, */*, allow"),
        ),
        (
            "/spec/roles/0/policies/0",
            json!("p, proj:data-prod:datamcp, applications, delete, data-prod/*, allow"),
        ),
        (
            "/spec/roles/1/policies/0",
            json!("p, proj:data-prod:team, applications, sync, data-prod/*, allow"),
        ),
        ("/spec/syncWindows/0/manualSync", json!(true)),
        ("/spec/syncWindows", json!([])),
    ];
    for (pointer, value) in cases {
        let changed = with(&prod, pointer, value.clone());
        assert!(!faults(&changed, "prod").is_empty(), "{pointer} = {value} is not seen");
    }
}

#[test]
fn the_application_lies_within_its_project() {
    let app = file("argocd/apps/example-app.yaml");
    let project = file("argocd/projects/dev.yaml");
    let destination = app.pointer("/spec/destination").unwrap();
    assert_eq!(text(&app, "/spec/project"), text(&project, "/metadata/name"));
    assert_eq!(text(&app, "/metadata/namespace"), text(&project, "/metadata/namespace"));
    assert!(
        items(&project, "/spec/sourceRepos").contains(app.pointer("/spec/source/repoURL").unwrap())
    );
    assert!(items(&project, "/spec/destinations").contains(destination));
}

#[test]
fn the_application_is_pinned_and_synced_by_nobody_else() {
    let app = file("argocd/apps/example-app.yaml");
    let path = text(&app, "/spec/source/path");
    let chart = file(&format!("{path}/Chart.yaml"));
    let version = format!("{}-{}", text(&chart, "/name"), text(&chart, "/version"));
    assert_eq!(text(&app, "/spec/source/targetRevision"), version);
    assert_eq!(app.pointer("/spec/syncPolicy/automated"), None);
    let options = items(&app, "/spec/syncPolicy/syncOptions");
    for option in ["CreateNamespace=true", "ServerSideApply=true", "PruneLast=true"] {
        assert!(options.contains(&json!(option)), "{option}");
    }
    let enforced =
        "/spec/syncPolicy/managedNamespaceMetadata/labels/pod-security.kubernetes.io~1enforce";
    assert_eq!(text(&app, enforced), "restricted");
}
