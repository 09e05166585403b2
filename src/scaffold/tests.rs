//! The answers, and what they make.

use super::*;
use crate::config::parse;

fn answers() -> Answers {
    Answers {
        name: "acme".into(),
        account_id: "123456789012".into(),
        region: "eu-west-1".into(),
        os_user: "it's \"me\"\\".into(),
        ..Answers::default()
    }
}

#[test]
fn the_settings_say_what_was_answered() {
    let mut given = answers();
    given.check().unwrap();
    let raw = parse(&given.settings(), FILE.as_ref()).unwrap();
    let dev = &raw.environments.aws["dev"];
    assert_eq!((raw.project.as_str(), dev.account_id.as_str()), ("acme", "123456789012"));
    assert_eq!(dev.vars["name"], "acme-dev");
    assert_eq!(raw.principals["agent"].os_user, "it's \"me\"\\");
    assert_eq!((&raw.aws.endpoint_url, &dev.profile), (&None, &None));
    assert!(raw.tiers["dev"].auto_approve.is_empty(), "a person decides everything");
    given.profile = Some("acme-dev".into());
    given.endpoint_url = Some("http://127.0.0.1:4566".into());
    given.bucket = Some("mine".into());
    let text = given.settings();
    assert!(!text.contains("{{"), "{text}");
    let raw = parse(&text, FILE.as_ref()).unwrap();
    let dev = &raw.environments.aws["dev"];
    assert_eq!(dev.profile.as_deref(), Some("acme-dev"));
    assert_eq!(raw.aws.endpoint_url.as_deref(), Some("http://127.0.0.1:4566"));
    assert_eq!(dev.vars["launch_templates"], false);
    let crate::config::raw::State::S3 { bucket, .. } = &dev.state else { panic!("{dev:?}") };
    assert_eq!(bucket, "mine");
}

#[test]
fn the_lines_that_are_comments_are_right_too() {
    for (text, cloud) in [(answers().settings(), "aws"), (google().settings(), "gcp")] {
        let raw = parse(&opened(&text), FILE.as_ref()).unwrap();
        assert_eq!(raw.tiers["dev"].approvers, ["ops-lead"]);
        assert!(raw.people.contains_key("ops-lead"));
        let place = format!("infra/{cloud}/envs/dev/variables.tf");
        let declared = LAID.iter().find(|(path, _)| *path == place).unwrap();
        let of_aws = raw.environments.aws.get("dev").map(|dev| &dev.vars);
        let vars = of_aws.or_else(|| raw.environments.gcp.get("dev").map(|dev| &dev.vars));
        for variable in vars.unwrap().keys() {
            let line = format!("variable \"{variable}\" {{");
            assert!(declared.1.contains(&line), "{variable} is not declared");
        }
    }
}

/// Every key that is offered in a comment is one that the settings know.
fn opened(text: &str) -> String {
    let open: Vec<String> = text
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let is_code = bare.starts_with('[')
                || bare.split_once(" = ").is_some_and(|(key, _)| {
                    key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                });
            if is_code { bare.to_owned() } else { String::new() }
        })
        .collect();
    open.join("\n")
}

#[test]
fn bad_answers_are_refused_by_field() {
    type Case = (&'static str, fn(&mut Answers));
    let cases: [Case; 9] = [
        ("name", |a| a.name = "Acme".into()),
        ("name", |a| a.name = String::new()),
        ("name", |a| a.name = "a".repeat(21)),
        ("name", |a| a.name = "acme-".into()),
        ("name", |a| a.name = "../acme".into()),
        ("account_id", |a| a.account_id = "12345678901".into()),
        ("region", |a| a.region = "eu-wst-1".into()),
        ("region", |a| a.region = "cn-north-1".into()),
        ("bucket", |a| a.bucket = Some("My.Bucket".into())),
    ];
    for (field, change) in cases {
        let mut given = answers();
        change(&mut given);
        let refused = given.check().unwrap_err();
        assert_eq!(refused.field.as_deref(), Some(field), "{refused}");
        assert!(refused.allowed.is_some(), "{refused}");
    }
}

fn google() -> GoogleAnswers {
    GoogleAnswers {
        name: "acme".into(),
        project_id: "acme-dev-4711".into(),
        region: "europe-west1".into(),
        os_user: "it's \"me\"\\".into(),
        ..GoogleAnswers::default()
    }
}

#[test]
fn the_settings_of_google_cloud_say_what_was_answered() {
    let mut given = google();
    given.check().unwrap();
    let raw = parse(&given.settings(), FILE.as_ref()).unwrap();
    let dev = &raw.environments.gcp["dev"];
    assert_eq!((raw.project.as_str(), dev.project_id.as_str()), ("acme", "acme-dev-4711"));
    assert_eq!(dev.vars["name"], "acme-dev");
    assert_eq!(dev.cluster.as_ref().unwrap().name.as_deref(), Some("acme-dev"));
    assert_eq!(raw.principals["agent"].os_user, "it's \"me\"\\");
    assert!(dev.impersonate.is_empty() && raw.gcp.endpoint_url.is_none());
    assert!(raw.tiers["dev"].auto_approve.is_empty(), "a person decides everything");
    let crate::config::raw::State::Gcs { bucket, .. } = &dev.state else { panic!("{dev:?}") };
    assert_eq!(bucket, "acme-dev-tfstate-acme-dev-4711");
    let deployer = "deployer@acme-dev-4711.iam.gserviceaccount.com";
    given.impersonate = Some(deployer.into());
    given.bucket = Some("mine".into());
    given.check().unwrap();
    let text = given.settings();
    assert!(!text.contains("{{"), "{text}");
    let raw = parse(&text, FILE.as_ref()).unwrap();
    let dev = &raw.environments.gcp["dev"];
    assert_eq!(dev.impersonate, [deployer]);
    let crate::config::raw::State::Gcs { bucket, .. } = &dev.state else { panic!("{dev:?}") };
    assert_eq!(bucket, "mine");
}

#[test]
fn bad_answers_for_google_cloud_are_refused_by_field() {
    type Case = (&'static str, fn(&mut GoogleAnswers));
    let cases: [Case; 7] = [
        ("name", |a| a.name = "Acme".into()),
        ("name", |a| a.name = "a".repeat(20)),
        ("project_id", |a| a.project_id = "415104041262".into()),
        ("project_id", |a| a.project_id = String::new()),
        ("region", |a| a.region = "europe-west1-b".into()),
        ("bucket", |a| a.bucket = Some("goog-mine".into())),
        ("impersonate", |a| a.impersonate = Some("me@example.com".into())),
    ];
    for (field, change) in cases {
        let mut given = google();
        change(&mut given);
        let refused = given.check().unwrap_err();
        assert_eq!(refused.field.as_deref(), Some(field), "{refused}");
        assert!(refused.allowed.is_some(), "{refused}");
    }
    let mut longest = google();
    longest.name = "a".repeat(19);
    longest.project_id = "p".repeat(30);
    longest.check().unwrap();
}

#[test]
fn the_longest_name_fits_what_infra_makes_of_it() {
    // NAME-dev has to be a name in the sense of infra/gcp/envs/dev.
    let declared = LAID.iter().find(|(path, _)| *path == "infra/gcp/envs/dev/variables.tf");
    assert!(declared.unwrap().1.contains("^[a-z][a-z0-9-]{1,21}[a-z0-9]$"), "23 characters");
    assert_eq!(format!("{}-dev", "a".repeat(19)).len(), 23);
}

#[test]
fn the_binary_carries_the_whole_tree_and_nothing_else() {
    let paths: Vec<&str> = LAID.iter().map(|(path, _)| *path).collect();
    for needed in [
        "infra/.gitignore",
        "infra/README.md",
        "infra/aws/envs/dev/.terraform.lock.hcl",
        "infra/aws/envs/dev/main.tf",
        "infra/aws/modules/eks/cluster.tf",
        "infra/aws/modules/iam/role.tf",
        "infra/aws/modules/network/vpc.tf",
        "infra/aws/modules/s3/tests/s3.tftest.hcl",
        "infra/gcp/envs/dev/main.tf",
        "infra/gcp/modules/gke/cluster.tf",
    ] {
        assert!(paths.contains(&needed), "{needed} in {paths:?}");
    }
    assert!(paths.iter().all(|p| !p.contains("/.terraform/") && !p.contains("tfstate")));
}

#[test]
fn a_cloud_is_given_its_own_code_and_what_both_share() {
    let paths = |cloud| -> Vec<String> {
        let files = files(cloud, String::new());
        files.iter().map(|(path, _)| path.display().to_string()).collect()
    };
    let (aws, gcp) = (paths(Cloud::Aws), paths(Cloud::Gcp));
    assert!(aws.iter().all(|path| !path.starts_with("infra/gcp/")), "{aws:?}");
    assert!(gcp.iter().all(|path| !path.starts_with("infra/aws/")), "{gcp:?}");
    for shared in ["infra/README.md", "helm/charts/example-data-app/Chart.yaml", FILE] {
        assert!(aws.iter().any(|path| path == shared), "{shared}: {aws:?}");
        assert!(gcp.iter().any(|path| path == shared), "{shared}: {gcp:?}");
    }
    assert!(gcp.iter().any(|path| path == "infra/gcp/envs/dev/main.tf"), "{gcp:?}");
}
