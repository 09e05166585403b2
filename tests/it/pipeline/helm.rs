//! Releases on the straight path: bound to what was looked at, never repeated, never by force, nothing secret told.

use datamcp::error::{Error, ErrorCode};
use datamcp::model::{Outcome, Status};
use datamcp::port::{ClusterFacts, ClusterFound};
use serde_json::{Value, json};

use super::releases::release;
use super::site::{SETTINGS, Site, error};

fn settings() -> String {
    SETTINGS.replacen(
        "state = { backend",
        "cluster = { name = \"acme-dev\", namespaces = [\"apps\"] }\nstate = { backend",
        1,
    )
}

pub(super) fn site() -> Site {
    let site = Site::with(&settings());
    there(&site, |_| {});
    site
}

/// The cluster as the cloud says it is.
fn there(site: &Site, change: impl FnOnce(&mut ClusterFacts)) {
    let mut facts = ClusterFacts {
        name: "acme-dev".into(),
        account: "123456789012".into(),
        kind: "EKS".into(),
        arn: "arn:aws:eks:eu-west-1:123456789012:cluster/acme-dev".into(),
        endpoint: "https://one.example.com".into(),
        certificate_authority: "Y2E=".into(),
        version: "1.34".into(),
        private_only: false,
    };
    change(&mut facts);
    let found = ClusterFound::Active(facts);
    *site.cloud.0.lock().unwrap() = vec![("eu-west-1".into(), "acme-dev".into(), found)];
}

fn deploy() -> Value {
    json!({
        "kube_context": "aws-dev", "chart_path": "helm/charts/web", "release": "web", "namespace": "apps",
        "values": { "db": { "password": "canary-values" }, "size": 2 },
    })
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

async fn planned(site: &Site, tool: &str, request: Value) -> Value {
    let answer = site.call(tool, request).await;
    assert_eq!(answer["status"], "planned", "{answer}");
    answer
}

/// Carries a plan out; the requester approves it where the policy lets them.
async fn carried(site: &Site, tool: &str, plan: &Value) -> Value {
    let request = json!({ "plan_id": plan["plan_id"], "dry_run": false, "auto_approve": true });
    site.call(tool, request).await
}

#[tokio::test]
async fn promise_1_and_2_a_dry_run_changes_nothing_and_its_plan_is_what_runs() {
    let site = site();
    let plan = planned(&site, "helm_deploy", deploy()).await;
    assert_eq!(plan["summary"]["add"], 1, "{plan}");
    assert!(
        plan["plan_stdout"].as_str().unwrap().contains("create   ConfigMap apps/web"),
        "{plan}"
    );
    assert!(site.helm.effects().is_empty());
    // What lies in the folder now is another chart; the plan's own is deployed or nothing.
    let done = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    let effects = site.helm.effects();
    assert_eq!(
        effects,
        ["deploy web web {\"db\":{\"password\":\"canary-values\"},\"size\":2} 300"]
    );
    let again = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(error(&again).code, ErrorCode::ApprovalUsed, "{again}");
    assert_eq!(site.helm.effects().len(), 1);
}

#[tokio::test]
async fn bar_22_every_fact_of_a_release_alone_voids_the_plan() {
    type Move = fn(&Site);
    let moves: [(&str, Move); 6] = [
        ("release", |s| {
            s.helm.tell(|t| t.release = Some(release(&[(1, "deployed")], "")));
        }),
        ("cluster uid", |s| s.helm.tell(|t| t.uid = "uid-2".into())),
        ("helm version", |s| s.helm.tell(|t| t.version = "helm 4.4".into())),
        ("manifest", |s| {
            s.helm.tell(|t| t.rendered = vec!["kind: Secret\nmetadata: {name: x}\n".into()]);
        }),
        ("cluster", |s| there(s, |c| c.endpoint = "https://two.example.com".into())),
        ("cluster authority", |s| there(s, |c| c.certificate_authority = "Yg==".into())),
    ];
    for (fact, moved) in moves {
        let site = site();
        let plan = planned(&site, "helm_deploy", deploy()).await;
        moved(&site);
        let answer = carried(&site, "helm_deploy", &plan).await;
        assert_eq!(error(&answer).code, ErrorCode::ApprovalMismatch, "{fact}: {answer}");
        assert_eq!(error(&answer).details["changed"], json!([fact]), "{answer}");
        assert!(site.helm.effects().is_empty(), "{fact}");
    }
}

#[tokio::test]
async fn a_plan_keeps_its_chart_and_values_whatever_lies_in_the_folder_later() {
    let site = site();
    let plan = planned(&site, "helm_deploy", deploy()).await;
    site.helm.tell(|t| t.chart = "another".into());
    let done = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert!(site.helm.effects()[0].starts_with("deploy web web "), "the plan's own chart");
}

#[tokio::test]
async fn fields_beside_a_plan_have_to_be_the_plans() {
    let site = site();
    let plan = planned(&site, "helm_deploy", deploy()).await;
    let mut other = with(deploy(), "values", json!({ "size": 3 }));
    other["plan_id"] = plan["plan_id"].clone();
    let answer = site.call("helm_deploy", other).await;
    assert_eq!(error(&answer).code, ErrorCode::ApprovalMismatch, "{answer}");
    assert_eq!(error(&answer).field.as_deref(), Some("values"));
}

#[tokio::test]
async fn nothing_to_do_ends_without_an_effect() {
    let site = site();
    let manifest = "kind: ConfigMap\nmetadata: {name: web}\n";
    let live = json!({ "kind": "ConfigMap", "metadata": { "name": "web", "namespace": "apps" } });
    site.helm.tell(|t| {
        let mut there = release(&[(1, "deployed")], manifest);
        there.live = vec![live];
        t.release = Some(there);
    });
    let answer = site.call("helm_deploy", with(deploy(), "dry_run", json!(false))).await;
    assert_eq!(answer["status"], "succeeded", "{answer}");
    assert!(site.helm.effects().is_empty());
}

#[tokio::test]
async fn fault_47_a_stuck_release_has_one_next_step_and_is_not_forced() {
    let site = site();
    for (history, next) in [
        (vec![(1, "deployed"), (2, "pending-upgrade")], "helm_rollback to revision 1"),
        (vec![(1, "pending-install")], "helm_uninstall takes away"),
        (vec![(3, "uninstalling")], "helm_uninstall goes on"),
    ] {
        site.helm.tell(|t| t.release = Some(release(&history, "")));
        let answer = site.call("helm_deploy", with(deploy(), "dry_run", json!(false))).await;
        let error = error(&answer);
        assert_eq!(error.code, ErrorCode::LockHeld, "{answer}");
        assert!(error.next.unwrap().contains(next), "{answer}");
    }
    assert!(site.helm.effects().is_empty());
    site.helm.tell(|t| {
        t.release = Some(release(&[(1, "deployed"), (2, "pending-upgrade")], "kind: A"));
    });
    let back = json!({ "kube_context": "aws-dev", "release": "web", "namespace": "apps" });
    let plan = planned(&site, "helm_rollback", back).await;
    let done = carried(&site, "helm_rollback", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(site.helm.effects(), ["rollback web 1"]);
}

#[tokio::test]
async fn uninstalling_needs_a_person_who_types_the_environments_name() {
    let site = site();
    let manifest = "kind: PersistentVolumeClaim\nmetadata: {name: data}\n---\nkind: Secret\nmetadata: {name: k, annotations: {helm.sh/resource-policy: keep}}\n";
    site.helm.tell(|t| t.release = Some(release(&[(1, "deployed")], manifest)));
    let request = json!({ "kube_context": "aws-dev", "release": "web", "namespace": "apps" });
    let plan = planned(&site, "helm_uninstall", request).await;
    assert!(plan["plan_stdout"].as_str().unwrap().contains("keeps    Secret apps/k"), "{plan}");
    let text = plan["approval"]["reasons"].to_string();
    assert!(text.contains("does not let a requester approve delete alone"), "{plan}");
    let asked = carried(&site, "helm_uninstall", &plan).await;
    assert_eq!(asked["status"], "approval_required", "{asked}");
    site.decide("deploy", &asked, true).await.unwrap();
    let done = carried(&site, "helm_uninstall", &plan).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(site.helm.effects(), ["uninstall web"]);
}

#[tokio::test]
async fn promise_4_a_release_and_terraform_exclude_each_other() {
    let site = site();
    let plan = planned(&site, "helm_deploy", deploy()).await;
    let first = site.row(plan["operation_id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(first.chain, "aws/dev", "the lock and the chain are the environment's");
}

#[tokio::test]
async fn promise_7_no_value_and_no_secret_of_a_chart_is_told_or_kept() {
    let site = site();
    site.helm.tell(|t| {
        t.rendered = vec![
            "kind: Secret\nmetadata: {name: s}\nstringData: {a: canary-rendered}\ndata: {b: Y2FuYXJ5LWNvZGVk}\n".into(),
        ];
        t.said = "NOTES: the password is canary-rendered, canary-coded, canary-values".into();
        t.outcome = Outcome::Partial;
        t.error = Some(
            Error::new(ErrorCode::PartialApply, "deploying: canary-values").detail("helm", "canary-coded"),
        );
    });
    let plan = planned(&site, "helm_deploy", deploy()).await;
    let done = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(done["status"], "partial", "{done}");
    let refused = site.call("helm_deploy", with(deploy(), "namespace", json!("kube-system"))).await;
    assert_eq!(error(&refused).code, ErrorCode::PolicyDenied, "{refused}");
    for answer in [&plan, &done, &refused] {
        assert!(!answer.to_string().contains("canary-"), "{answer}");
    }
    for answer in [&plan, &done] {
        let row = site.row(answer["operation_id"].as_str().unwrap().parse().unwrap()).await;
        let text = format!("{row:?}");
        assert!(!text.contains("canary-") && !text.contains("Y2FuYXJ5"), "{text}");
    }
    for entry in walkdir::WalkDir::new(site.state()) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("canary-"), "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn security_19_another_cluster_than_the_environments_is_refused() {
    let site = site();
    let refused = async |request: Value| {
        let answer = site.call("helm_deploy", request).await;
        assert_ne!(answer["succeeded"], true);
        error(&answer)
    };
    let unmapped = refused(with(deploy(), "kube_context", json!("aws-dve"))).await;
    assert_eq!(unmapped.code, ErrorCode::UnknownEnvironment);
    assert_eq!(unmapped.allowed.as_deref(), Some("aws-dev"));
    let left_out = refused(with(deploy(), "kube_context", Value::Null)).await;
    assert_eq!(left_out.field.as_deref(), Some("kube_context"));
    there(&site, |c| c.account = "999999999999".into());
    assert_eq!(refused(deploy()).await.code, ErrorCode::WrongIdentity);
    *site.cloud.0.lock().unwrap() =
        vec![("eu-west-1".into(), "acme-dev".into(), ClusterFound::NotActive("CREATING".into()))];
    let creating = refused(deploy()).await;
    assert!(creating.message.contains("CREATING"), "{creating}");
    assert!(creating.next.unwrap().contains("wait until it is ACTIVE"));
    *site.cloud.0.lock().unwrap() =
        vec![("eu-west-1".into(), "acme-dve".into(), ClusterFound::NotActive(String::new()))];
    assert_eq!(refused(deploy()).await.next.as_deref(), Some("did you mean acme-dve"));
}

#[tokio::test]
async fn a_chart_that_renders_differently_each_time_says_so() {
    let site = site();
    let text = |n: u32| {
        format!(
            "kind: Secret\nmetadata: {{name: s}}\ndata: {{a: key{n}}}\n---\nkind: ConfigMap\nmetadata: {{name: c}}\n"
        )
    };
    site.helm.tell(|t| t.rendered = (0..5).map(text).collect());
    let plan = planned(&site, "helm_deploy", deploy()).await;
    assert!(plan["warnings"].to_string().contains("differently each time"), "{plan}");
    let done = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(done["status"], Status::Succeeded.word(), "{done}");
}

#[tokio::test]
async fn helm_status_tells_how_a_release_stands() {
    let site = site();
    site.helm.tell(|t| {
        let mut there = release(&[(1, "superseded"), (2, "failed")], "kind: Secret\nstringData: {a: canary-live}\n");
        there.notes = "say canary-live".into();
        there.live = vec![json!({ "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": 2 } })];
        t.release = Some(there);
    });
    let world = site.world();
    let tool = datamcp::operation::catalog::find("helm_status").unwrap();
    let request = json!({ "kube_context": "aws-dev", "namespace": "apps", "release": "web" });
    let called =
        datamcp::operation::call(&world, &super::site::agent(), tool, request, &mut |_| {}).await;
    assert!(!called.failed, "{}", called.answer);
    let answer = called.answer;
    assert_eq!(answer["releases"][0]["status"], "failed", "{answer}");
    assert_eq!(answer["history"][0]["revision"], 2);
    assert_eq!(answer["objects"][0]["state"], "0 of 2 ready");
    assert!(answer["next"].as_str().unwrap().contains("helm_rollback"));
    assert!(!answer.to_string().contains("canary-live"), "{answer}");
}

#[tokio::test]
async fn preflight_asks_for_helm_where_there_is_a_cluster() {
    let look = async |site: &Site| {
        let tool = datamcp::operation::catalog::find("preflight").unwrap();
        let called = datamcp::operation::call(
            &site.world(),
            &super::site::agent(),
            tool,
            json!({}),
            &mut |_| {},
        )
        .await;
        called.answer["checks"].to_string()
    };
    assert!(look(&site()).await.contains("helm 4.3"));
    assert!(!look(&Site::new()).await.contains("helm"));
}

#[tokio::test]
async fn fault_47_an_unknown_end_is_told_by_the_release_that_it_is_of_and_by_no_other() {
    let site = site();
    let plan = planned(&site, "helm_deploy", deploy()).await;
    site.helm.tell(|t| t.outcome = Outcome::Unknown);
    let ended = carried(&site, "helm_deploy", &plan).await;
    assert_eq!(ended["status"], "unknown", "{ended}");
    let id = ended["operation_id"].as_str().unwrap().parse().unwrap();
    let look = async |release: &str| {
        let tool = datamcp::operation::catalog::find("helm_status").unwrap();
        let request = json!({ "kube_context": "aws-dev", "namespace": "apps", "release": release });
        let called = datamcp::operation::call(
            &site.world(),
            &super::site::agent(),
            tool,
            request,
            &mut |_| {},
        )
        .await;
        assert!(!called.failed, "{}", called.answer);
        site.row(id).await.status
    };
    // Nothing is made of what the history does not tell, nor of another release.
    assert_eq!(look("web").await, Status::Unknown);
    site.helm.tell(|t| t.outcome = Outcome::Succeeded);
    assert_eq!(look("other").await, Status::Unknown);
    assert!(site.blocked("aws/dev").await.is_some());
    assert_eq!(look("web").await, Status::Succeeded);
    assert_eq!(site.blocked("aws/dev").await, None);
    // What is told stays so.
    site.helm.tell(|t| t.outcome = Outcome::Failed);
    assert_eq!(look("web").await, Status::Succeeded);
    planned(&site, "helm_deploy", deploy()).await;
}
