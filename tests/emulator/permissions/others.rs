//! What is no state and no account: clusters, secrets, roles, and the tools that need nothing.

use serde_json::json;

use super::{CLUSTER, Documented, ROLE, Rig, denied, in_s3};
use crate::harness::{Answered, Project, module_of};

const LOCAL: &str = "{ backend = \"local\", path = \"state/terraform.tfstate\" }";

#[test]
fn the_policy_of_a_kubeconfig_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    cluster(&rig);
    let documented = Documented::read("generate_kubeconfig");
    let state = LOCAL;
    let ask = |project: &Project, cluster: &str| {
        let request = json!({ "cloud": "aws", "env": "dev", "cluster": cluster });
        project.call("generate_kubeconfig", &request)
    };
    let project = rig.user(&documented.statements(None), state);
    let answer = ask(&project, CLUSTER);
    assert_eq!(answer.at("/cluster"), CLUSTER, "{:#}", answer.value);
    let project = rig.user(&documented.statements(Some("eks:DescribeCluster")), state);
    denied(&ask(&project, CLUSTER), "eks:DescribeCluster");
    // The policy says which cluster may be described: here any, so that one can be absent.
    let any = json!({ "Effect": "Allow", "Action": "eks:DescribeCluster", "Resource": "*" });
    let list = json!({ "Effect": "Allow", "Action": "eks:ListClusters", "Resource": "*" });
    let project = rig.user(&[any.clone(), list], state);
    let absent = ask(&project, "tabel");
    assert!(absent.at("/error/allowed").contains(CLUSTER), "{:#}", absent.value);
    let project = rig.user(&[any], state);
    denied(&ask(&project, "tabel"), "eks:ListClusters");
}

#[test]
fn the_policy_of_a_secret_reference_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let secret = json!({ "Name": "db-of-the-table", "SecretString": "canaryPe5ofthetable" });
    rig.emulator().json_call("secretsmanager.CreateSecret", &secret).unwrap();
    let documented = Documented::read("references to secrets");
    let state = LOCAL;
    for without in [None, Some("secretsmanager:GetSecretValue")] {
        let mut project = rig.user(&documented.statements(without), state);
        project.module(&module_of(
            "local",
            "variable \"secret\" {\n  type      = string\n  sensitive = true\n}\n\
             resource \"terraform_data\" \"keeps\" {\n  input = var.secret\n}\n",
        ));
        let line = "secret_vars = { secret = \"aws-secretsmanager:db-of-the-table\" }";
        project.set(|s| line.clone_into(&mut s.environment));
        let answer = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
        match without {
            None => assert_eq!(answer.status(), "planned", "{:#}", answer.value),
            Some(action) => denied(&answer, action),
        }
    }
}

/// The cluster, made once.
fn cluster(rig: &Rig) {
    let emulator = rig.emulator();
    if !emulator.inventory().unwrap().clusters.contains(CLUSTER) {
        emulator.create_eks_cluster(CLUSTER, &[]).unwrap();
    }
}

#[test]
fn the_helm_tools_ask_for_the_cluster_and_for_nothing_else() {
    let mut rig = Rig::lend();
    cluster(&rig);
    let documented = Documented::read("generate_kubeconfig");
    let state = format!("{LOCAL}\ncluster = {{ name = \"{CLUSTER}\", namespaces = [\"apps\"] }}");
    let call = |project: &Project, tool: &str, more: &serde_json::Value| {
        let mut request =
            json!({ "kube_context": "aws-dev", "namespace": "apps", "release": "app" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        project.call(tool, &request)
    };
    let deploy = json!({ "chart_path": "helm/app", "values": {} });
    let tools = [
        ("helm_status", json!({})),
        ("helm_rollback", json!({})),
        ("helm_uninstall", json!({})),
        ("helm_deploy", deploy),
    ];
    let mut project = rig.user(&[], &state);
    // AWS is asked before helm is: of this one no more is wanted than its version.
    let helm = project.folder().join("helm-that-says-its-version");
    std::fs::write(&helm, "#!/bin/sh\n[ \"$1\" = version ] && echo v4.1.4\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&helm, executable).unwrap();
    project.set(|s| s.more = format!("[helm]\nbinary = \"{}\"\n", helm.display()));
    let chart = project.folder().join("helm/app/templates");
    std::fs::create_dir_all(&chart).unwrap();
    std::fs::write(
        chart.with_file_name("Chart.yaml"),
        "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    )
    .unwrap();
    for (tool, more) in &tools {
        denied(&call(&project, tool, more), "eks:DescribeCluster");
    }
    rig.may_now(&documented.statements(Some("eks:ListClusters")));
    rig.asked();
    for (tool, more) in &tools {
        // The emulator's cluster has an endpoint that nobody answers on: that far they come.
        let answer = call(&project, tool, more);
        assert_ne!(answer.code, Some(0), "{tool}");
        assert_ne!(answer.at("/error/code"), "upstream_denied", "{tool}: {:#}", answer.value);
    }
    assert_eq!(rig.asked().into_iter().collect::<Vec<_>>(), ["eks:DescribeCluster"]);
}

#[test]
fn what_needs_no_permission_asks_for_none() {
    let mut rig = Rig::lend();
    let argocd = "[argocd.main]\nurl = \"https://127.0.0.1:1\"\ntoken = \"env:LAB_TOKEN\"\n";
    let mut project = rig.user(
        &[],
        &format!("{LOCAL}\nargocd = {{ server = \"main\", project = \"apps\" }}\n{argocd}"),
    );
    project.variables.push(("LAB_TOKEN".into(), "none".into()));
    rig.asked();
    for tool in ["list_environments", "list_operations"] {
        let answer = project.call(tool, &json!({}));
        assert_eq!(answer.code, Some(0), "{tool}: {:#}{}", answer.value, answer.err);
    }
    let id = project.newest("bootstrap_state_backend");
    assert_eq!(id, "", "nothing was changed");
    let token = project.cli(&["eks-token", "--cluster", CLUSTER, "--region", "eu-west-1"]);
    assert_eq!(token.code, Some(0), "{}", token.err);
    // Nobody answers there: what they ask of AWS, they have asked by then.
    let app = json!({ "app_name": "app", "project": "apps", "server": "main" });
    for tool in ["argo_app_status", "argo_sync", "argo_delete_app"] {
        let answer = project.call(tool, &app);
        assert_ne!(answer.at("/error/code"), "upstream_denied", "{tool}: {:#}", answer.value);
        assert_ne!(answer.at("/error/code"), "invalid_request", "{tool}: {:#}", answer.value);
    }
    assert!(rig.asked().is_empty());
}

#[test]
fn preflight_names_what_is_missing_and_goes_on() {
    let mut rig = Rig::lend();
    let documented = Documented::read("bootstrap_state_backend");
    let looks = |statements: Vec<serde_json::Value>| -> Vec<serde_json::Value> {
        let look = |action: &serde_json::Value| {
            let action = action.as_str().unwrap();
            action.starts_with("s3:Get") || action.starts_with("s3:List")
        };
        let mut all = statements;
        for statement in &mut all {
            let left = statement["Action"].as_array().unwrap().iter().filter(|a| look(a)).cloned();
            statement["Action"] = left.collect();
        }
        all
    };
    rig.as_admin(|emulator| emulator.create_versioned_bucket(super::BUCKET).unwrap());
    let project = rig.user(&looks(documented.statements(None)), &in_s3(""));
    let check = |project: &Project, name: &str| {
        let answer = project.call("preflight", &json!({ "cloud": "aws", "env": "dev" })).value;
        let checks = answer["checks"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {answer:#}"))
    };
    rig.asked();
    assert_eq!(check(&project, "aws/dev state")["level"], "warning");
    let looked: Vec<String> = rig.asked().into_iter().collect();
    assert!(
        looked.iter().all(|a| a.starts_with("s3:Get") || a.starts_with("s3:List")),
        "{looked:?}"
    );
    for action in &looked {
        rig.may_now(&looks(documented.statements(Some(action))));
        let state = check(&project, "aws/dev state");
        assert_eq!(state["level"], "failed", "{state:#}");
        assert!(state["fix"].as_str().unwrap().contains(action), "{action}: {state:#}");
        assert_eq!(check(&project, "aws/dev identity")["level"], "ok");
    }
}

#[test]
fn the_policy_of_a_role_is_enough_and_no_action_is_too_much() {
    let mut rig = Rig::lend();
    let account = rig.lab.aws.account_id.clone();
    let documented = Documented::read("role_arn");
    let role = format!("arn:aws:iam::{account}:role/{ROLE}");
    let state = format!("{}\nrole_arn = \"{role}\"", in_s3(""));
    rig.emulator().create_role(ROLE).unwrap();
    let bucket = super::policy(&Documented::read("bootstrap_state_backend").statements(None));
    rig.emulator().policy_of_role(ROLE, &bucket).unwrap();
    let ask = |project: &Project| -> Answered { super::bootstrap(project) };
    let project = rig.user(&documented.statements(None), &state);
    rig.asked();
    ask(&project).expect("succeeded");
    assert!(rig.asked().contains("sts:AssumeRole"));
    rig.may_now(&documented.statements(Some("sts:AssumeRole")));
    let refused = ask(&project);
    denied(&refused, "sts:AssumeRole");
    assert!(refused.at("/error/next").contains(&role), "{:#}", refused.value);
}
