//! Settings: unknown keys, bad values, who is who.

use super::*;
use crate::model::{Cloud, ClusterAccess, KubeconfigPlaces, Role};

fn surroundings() -> Surroundings {
    Surroundings {
        os_user: "deploy".into(),
        host: "host".into(),
        cwd: "/project".into(),
        state_home: "/state".into(),
        config: None,
        path: vec![],
        network: vec![],
        endpoint_overrides: vec![],
        google_overrides: vec![],
        no_color: false,
        program: "/bin/datamcp".into(),
        kubeconfigs: KubeconfigPlaces {
            usual: "/home/deploy/.kube/config".into(),
            folder: "/home/deploy/.kube".into(),
        },
        pod: None,
        home: "/home/deploy".into(),
        fault: None,
    }
}

const GOOD: &str = r#"
project = "acme"
[environments.aws.dev]
tier = "dev"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "s3", bucket = "acme-dev-tfstate", key = "dev/terraform.tfstate" }
[tiers.dev]
auto_approve = ["create"]
[principals.agent]
os_user = "deploy"
roles = ["change"]
"#;

pub(super) fn check(text: &str) -> Result<Config> {
    let raw = parse(text, Path::new("/project/datamcp.toml"))?;
    Config::check(raw, Path::new("/project"), &surroundings())
}

#[test]
fn a_good_file_is_understood() {
    let config = check(GOOD).unwrap();
    let dev = config.environment(Cloud::Aws, "dev").unwrap();
    assert_eq!(dev.tree, Path::new("/project/infra/aws"));
    assert_eq!(dev.root, Path::new("envs/dev"));
    assert_eq!(dev.backend.identity(), "s3://acme-dev-tfstate/dev/terraform.tfstate@eu-west-1");
    assert_eq!(config.state(), Path::new("/state/datamcp/acme"));
    assert_eq!(config.principal("deploy").name.0, "agent");
}

#[test]
fn promise_3_users_that_are_not_listed_may_only_look_and_plan() {
    let roles = check(GOOD).unwrap().principal("stranger").roles;
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), [Role::Read, Role::Plan]);
}

#[test]
fn bad_input_8_unknown_keys_are_errors_with_a_suggestion() {
    let error = check(&GOOD.replace("region", "regoin")).unwrap_err();
    assert_eq!(error.next.as_deref(), Some("write `region` instead of `regoin`"));
    assert!(error.message.contains("line 6"), "{}", error.message);
}

#[test]
fn a_kube_context_means_one_environment() {
    let with = |cluster: &str| {
        GOOD.replace("[tiers.dev]", &format!("cluster = {{ {cluster} }}\n[tiers.dev]"))
    };
    let config = check(&with("name = \"acme-dev\", namespaces = [\"apps\"]")).unwrap();
    let found = config.by_context("aws-dev").unwrap();
    let cluster = found.cluster.as_ref().unwrap();
    assert_eq!((cluster.name.as_str(), cluster.may_change("apps")), ("acme-dev", true));
    assert!(!cluster.may_change("kube-system") && !cluster.may_change("default"));
    let unmapped = config.by_context("aws-dve").unwrap_err();
    assert_eq!(unmapped.next.as_deref(), Some("did you mean aws-dev"));
    assert_eq!(unmapped.allowed.as_deref(), Some("aws-dev"));
    let any = check(&with("name = \"acme-dev\"")).unwrap();
    let cluster = any.by_context("aws-dev").unwrap().cluster.as_ref().unwrap();
    assert!(cluster.may_change("apps") && !cluster.may_change("kube-system"));
    for (bad, field) in [
        ("name = \"acme/dev\"", "cluster.name"),
        ("name = \"acme\", context = \"--kubeconfig=x\"", "cluster.context"),
        ("name = \"acme\", role_arn = \"arn:aws:s3:::x\"", "cluster.role_arn"),
        ("name = \"acme\", namespaces = [\"Apps\"]", "cluster.namespaces"),
    ] {
        let error = check(&with(bad)).unwrap_err();
        assert_eq!(error.field, Some(format!("environments.aws.dev.{field}")));
    }
    for (bad, field) in [
        ("context = \"x\"", "cluster"),
        ("name = \"acme\", in_cluster = true", "cluster"),
        ("name = \"acme\", kubeconfig = \"k\"", "cluster"),
        ("kubeconfig = \"k\"", "cluster.context"),
        ("kubeconfig = \"k\", context = \"c\", exec = [\"aws\"]", "cluster.exec"),
        ("in_cluster = true, exec = [\"/bin/aws\"]", "cluster.exec"),
        ("in_cluster = true, role_arn = \"arn:aws:iam::123456789012:role/x\"", "cluster.role_arn"),
        ("in_cluster = true, uid = \"x\"", "cluster.uid"),
    ] {
        let error = check(&with(bad)).unwrap_err();
        assert_eq!(error.field, Some(format!("environments.aws.dev.{field}")), "{bad}");
    }
    let by_file = check(&with("kubeconfig = \"k\", context = \"admin@one\"")).unwrap();
    let cluster = by_file.by_context("admin@one").unwrap().cluster.clone().unwrap();
    let ClusterAccess::Kubeconfig { path, exec } = cluster.access else { panic!("{cluster:?}") };
    assert!(path.is_absolute() && exec.is_empty(), "{path:?}");
    let own = check(&with("in_cluster = true")).unwrap();
    assert!(own.in_cluster().is_none(), "outside of a pod there is no such account");
    assert_eq!(own.by_context("aws-dev").unwrap().cluster.as_ref().unwrap().name, "in-cluster");
    let twice = format!(
        "{}\n[environments.aws.other]\ntier = \"dev\"\naccount_id = \"123456789012\"\nregion = \"eu-west-1\"\n\
         state = {{ backend = \"local\", path = \"x\" }}\ncluster = {{ name = \"b\", context = \"aws-dev\" }}\n",
        with("name = \"acme-dev\"")
    );
    let error = check(&twice).unwrap_err();
    assert!(error.message.contains("belongs to aws/dev already"), "{}", error.message);
}

#[test]
fn bad_inputs_60_62_66_and_others_of_an_environment_are_named_by_key() {
    for (from, to, field, next) in [
        ("eu-west-1", "eu-wset-1", "environments.aws.dev.region", Some("did you mean eu-west-1")),
        ("123456789012", "12345678901", "environments.aws.dev.account_id", None),
        ("acme-dev-tfstate", "My_Bucket", "environments.aws.dev.state.bucket", None),
        ("tier = \"dev\"", "tier = \"dve\"", "environments.aws.dev.tier", Some("add [tiers.dve]")),
        ("key = \"dev", "key = \"/dev", "environments.aws.dev.state.key", None),
    ] {
        let error = check(&GOOD.replace(from, to)).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field));
        assert_eq!(error.next.as_deref(), next);
    }
}

#[test]
fn bad_inputs_21_and_22_folders_outside_the_project() {
    for folder in ["../x", "/etc", "a/../../b", ""] {
        let text = GOOD.replace("[tiers.dev]", &format!("folder = \"{folder}\"\n[tiers.dev]"));
        assert_eq!(
            check(&text).unwrap_err().field.as_deref(),
            Some("environments.aws.dev.folder"),
            "{folder}"
        );
    }
}

#[test]
fn bad_inputs_1_to_7_environments_in_requests() {
    let config = check(GOOD).unwrap();
    for env in ["", "dev ", "../dev", "dev\n", "-destroy", "d\u{435}v", &"d".repeat(300)] {
        let error = config.environment(Cloud::Aws, env).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnknownEnvironment);
        assert_eq!(error.allowed.as_deref(), Some("dev"));
    }
    assert_eq!(
        config.environment(Cloud::Aws, "dev ").unwrap_err().next.as_deref(),
        Some("did you mean dev")
    );
}

#[test]
fn one_operating_system_user_is_one_principal() {
    let text = format!("{GOOD}\n[principals.other]\nos_user = \"deploy\"\nroles = [\"admin\"]\n");
    assert_eq!(check(&text).unwrap_err().field.as_deref(), Some("principals.other.os_user"));
}

fn with_state(state: &str) -> String {
    let line = GOOD.lines().find(|l| l.starts_with("state")).unwrap();
    GOOD.replace(line, &format!("state = {{ {state} }}"))
}

#[test]
fn state_settings_of_every_kind_name_their_place() {
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-96ef-1234567890ab";
    for (state, identity) in [
        (
            format!("backend = \"s3\", bucket = \"b-b\", key = \"k\", lock_table = \"locks\", kms_key = \"{KEY}\""),
            "s3://b-b/k@eu-west-1",
        ),
        ("backend = \"gcs\", bucket = \"b_b\", prefix = \"a/b\"".to_owned(), "gs://b_b/a/b"),
        (
            "backend = \"cloud\", organization = \"acme\", workspace = \"dev\", token = \"env:TFC\"".to_owned(),
            "cloud:app.terraform.io/acme/dev",
        ),
        ("backend = \"local\", path = \"s.tfstate\"".to_owned(), "local:/project/s.tfstate"),
    ] {
        let config = check(&with_state(&state)).unwrap();
        let dev = config.environment(Cloud::Aws, "dev").unwrap();
        assert_eq!(dev.backend.identity(), identity);
        let fixed = identity.starts_with("cloud").then_some("dev");
        assert_eq!(dev.workspace.as_deref(), fixed, "the workspace is part of the place");
    }
}

#[test]
fn bad_inputs_63_and_66_in_the_state_are_named_by_key() {
    let s3 = "backend = \"s3\", bucket = \"b-b\", key = \"k\"";
    let gcs = "backend = \"gcs\", bucket = \"b-b\"";
    let cloud = "backend = \"cloud\", organization = \"acme\"";
    for (state, field) in [
        (format!("{s3}, kms_key = \"arn:aws:iam::123456789012:role/x\""), "kms_key"),
        (format!("{s3}, kms_key = \"alias/state\""), "kms_key"),
        (format!("{s3}, lock_table = \"a b\""), "lock_table"),
        ("backend = \"gcs\", bucket = \"Goog\", prefix = \"a\"".to_owned(), "bucket"),
        (format!("{gcs}, prefix = \"/a\""), "prefix"),
        (format!("{gcs}, prefix = \"a/../b\""), "prefix"),
        (format!("{cloud}, workspace = \"a b\", token = \"env:T\""), "workspace"),
        (
            format!("{cloud}, workspace = \"dev\", hostname = \"https://x\", token = \"env:T\""),
            "hostname",
        ),
    ] {
        let error = check(&with_state(&state)).unwrap_err();
        assert_eq!(error.field, Some(format!("environments.aws.dev.state.{field}")), "{state}");
    }
}

#[test]
fn promise_7_a_token_in_the_settings_is_refused_and_not_repeated() {
    for token in ["abc.atlasv1.secret", "env:1 x", "file:", ""] {
        let state = format!(
            "backend = \"cloud\", organization = \"acme\", workspace = \"dev\", token = \"{token}\""
        );
        let error = check(&with_state(&state)).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("environments.aws.dev.state.token"));
        assert!(!format!("{error:?}").contains("atlasv1"), "{error:?}");
    }
}

#[test]
fn another_workspace_than_the_one_of_hcp_terraform_is_refused() {
    let state =
        "backend = \"cloud\", organization = \"acme\", workspace = \"dev\", token = \"env:T\"";
    let text = with_state(state).replace("[tiers.dev]", "workspace = \"other\"\n[tiers.dev]");
    let error = check(&text).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("environments.aws.dev.workspace"));
    assert_eq!(error.allowed.as_deref(), Some("dev"));
}
