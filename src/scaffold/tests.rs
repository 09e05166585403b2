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
    // Every key that is offered in a comment is one that the settings know.
    let text = answers().settings();
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
    let raw = parse(&open.join("\n"), FILE.as_ref()).unwrap();
    assert_eq!(raw.tiers["dev"].approvers, ["ops-lead"]);
    assert!(raw.people.contains_key("ops-lead"));
    let declared = LAID.iter().find(|(path, _)| *path == "infra/aws/envs/dev/variables.tf");
    for variable in raw.environments.aws["dev"].vars.keys() {
        let line = format!("variable \"{variable}\" {{");
        assert!(declared.unwrap().1.contains(&line), "{variable} is not declared");
    }
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
    assert_eq!(cloud(Cloud::Gcp).unwrap_err().allowed.as_deref(), Some("aws"));
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
    ] {
        assert!(paths.contains(&needed), "{needed} in {paths:?}");
    }
    assert!(paths.iter().all(|p| !p.contains("/.terraform/") && !p.contains("tfstate")));
}
