//! Fault 43: keys that end while an apply goes on. The lab's layer `keys` makes them end, and counts who used which; its
//! layer `sso` is the portal of IAM Identity Center.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Project, running, until, with_provider};

/// Two roles of AWS with a pause between them that is longer than the keys last.
pub(crate) fn project(name: &str, pause_s: u32) -> Project {
    let role = |which: &str, more: &str| {
        format!(
            "resource \"aws_iam_role\" \"{which}\" {{\n  name = \"{name}-{which}\"\n  {more}\n  \
             assume_role_policy = jsonencode({{\n    Version = \"2012-10-17\"\n    Statement = \
             [{{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = {{ Service = \
             \"ec2.amazonaws.com\" }} }}]\n  }})\n}}\n"
        )
    };
    let body = format!(
        "provider \"aws\" {{\n  region = \"eu-west-1\"\n}}\n{}resource \"terraform_data\" \"pause\" \
         {{\n  depends_on = [aws_iam_role.first]\n  provisioner \"local-exec\" {{\n    command = \
         \"sleep {pause_s}\"\n  }}\n}}\n{}",
        role("first", ""),
        role("second", "depends_on = [terraform_data.pause]"),
    );
    with_provider(&body)
}

pub(crate) fn layer(project: &Project, request: &Value) -> Value {
    project.lab.emulator().control("keys", request).unwrap()
}

pub(crate) fn role_arn(project: &Project, role: &str) -> String {
    format!("arn:aws:iam::{}:role/{role}", project.lab.aws.account_id)
}

#[test]
fn fault_43_keys_that_end_after_a_minute_are_renewed_during_a_longer_apply() {
    let role = format!("dm-short-{}", std::process::id());
    let mut project = project(&role, 75);
    layer(&project, &json!({ "role": role, "lifetime_s": 60 }));
    let arn = role_arn(&project, &role);
    project.set(|s| s.environment = format!("role_arn = \"{arn}\"\n"));
    let id = begun(&project, &role);
    let done = project.operation(&id, 240).expect("succeeded");
    assert_eq!(done.at("/result/summary/add"), "3");

    let issued = layer(&project, &json!({ "role": role }))["issued"].clone();
    let ours = issued.as_array().unwrap().iter().filter(|key| key["session"] == id.as_str());
    let made = ours.clone().filter(|key| key["calls"]["iam CreateRole"].is_u64()).count();
    assert_eq!(made, 2, "the provider made the two roles with two keys: {issued:#}");
    let late: u64 = ours.filter_map(|key| key["refused"].as_u64()).sum();
    assert_eq!(late, 0, "it asked again before the first had ended: {issued:#}");
    project.log_is_whole();
}

/// A source that prints these keys until a file says that it is over, as an SSO login is one day.
fn source(project: &Project, keys: &Value) -> String {
    let at = |name: &str| project.folder().join(name);
    std::fs::write(at("keys.json"), keys.to_string()).unwrap();
    let (over, keys) = (at("over"), at("keys.json"));
    let text = format!(
        "#!/bin/sh\nif [ -e {} ]; then echo over >&2; exit 9; fi\ncat {}\n",
        over.display(),
        keys.display()
    );
    std::fs::write(at("source"), text).unwrap();
    std::fs::set_permissions(at("source"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let path = at("source").display().to_string();
    format!("credentials = {{ source = \"process\", command = [\"{path}\"] }}\n")
}

/// Starts an apply and returns once its first role is there.
pub(crate) fn begun(project: &Project, name: &str) -> String {
    let id = running(project);
    let first = format!("{name}-first");
    until("the first role", 120, || {
        project.lab.emulator().inventory().unwrap().roles.contains(&first)
    });
    id
}

#[test]
fn fault_43_a_source_that_gives_no_more_ends_the_apply_and_says_so() {
    let role = format!("dm-over-{}", std::process::id());
    let mut project = project(&role, 25);
    layer(&project, &json!({ "role": role, "lifetime_s": 16 }));
    let (aws, arn) = (project.lab.aws.clone(), role_arn(&project, &role));
    let keys = json!({ "Version": 1, "AccessKeyId": aws.access_key_id,
        "SecretAccessKey": aws.secret_access_key });
    let lines = format!("{}role_arn = \"{arn}\"\n", source(&project, &keys));
    project.set(|s| s.environment = lines);
    let id = begun(&project, &role);
    std::fs::write(project.folder().join("over"), "").unwrap();
    let answer = project.operation(&id, 180);
    let error = |at: &str| answer.at(&format!("/result/error/{at}"));
    assert_eq!(error("code"), "partial_apply", "{:#}", answer.value);
    assert_eq!(error("details/credentials"), "upstream_failed", "{:#}", answer.value);
    assert!(error("message").contains("ended with exit code 9"), "{:#}", answer.value);
    assert!(error("next").starts_with("run it by hand"), "{:#}", answer.value);
    project.lock_is_free();
    project.log_is_whole();
}

/// `~/.aws/sso/cache/` and the SHA-1 of `corp`, as the AWS CLI names the file of a session.
const TOKEN_OF_CORP: &str = "home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// A profile of IAM Identity Center and the token that a login left.
fn signed_in(project: &mut Project, role: &str) -> String {
    let account = &project.lab.aws.account_id;
    let config = format!(
        "[profile p]\nsso_session = corp\nsso_account_id = {account}\nsso_role_name = {role}\n\
         [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n"
    );
    let token = format!("login-of-{role}");
    let kept = json!({ "accessToken": token, "expiresAt": "2099-01-01T00:00:00Z",
        "region": "eu-west-1", "startUrl": "https://corp.example/start" });
    let file = project.folder().join(TOKEN_OF_CORP);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, kept.to_string()).unwrap();
    std::fs::write(project.folder().join("home/.aws/config"), config).unwrap();
    project.set(|s| "profile = \"p\"\n".clone_into(&mut s.environment));
    token
}

#[test]
fn fault_43_an_sso_login_that_ends_during_an_apply_says_to_sign_in_again() {
    let role = format!("dm-sso-{}", std::process::id());
    let mut project = project(&role, 25);
    layer(&project, &json!({ "role": role, "lifetime_s": 16 }));
    let token = signed_in(&mut project, &role);
    let login = |signed_in: bool| {
        let request = json!({ "token": token, "signed_in": signed_in });
        project.lab.emulator().control("sso", &request).unwrap();
    };
    login(true);
    let id = begun(&project, &role);
    login(false);
    let answer = project.operation(&id, 180).expect("partial");
    let error = |at: &str| answer.at(&format!("/result/error/{at}"));
    assert_eq!(error("code"), "partial_apply", "{:#}", answer.value);
    assert_eq!(error("details/credentials"), "upstream_denied", "{:#}", answer.value);
    assert!(error("next").starts_with("run `aws sso login --profile p`"), "{:#}", answer.value);
    assert!(error("details/done").contains("aws_iam_role.first"), "{:#}", answer.value);
    assert!(error("details/failed").contains("aws_iam_role.second"), "{:#}", answer.value);
    let state = std::fs::read_to_string(project.tfstate()).unwrap();
    assert!(state.contains(&format!("{role}-first")), "what was made is in the state");
    assert!(!answer.value.to_string().contains(&token), "promise 7");
    project.lock_is_free();
    project.log_is_whole();

    login(true);
    let rest = project.apply(&json!({}));
    let rest = project.operation(&rest.operation(), 180).expect("succeeded");
    assert_eq!(rest.at("/result/summary/add"), "1", "only what was left to do: {:#}", rest.value);
}

/// The control: what becomes of the same apply when the keys end and nobody renews them.
#[test]
fn fault_43_without_renewal_the_same_apply_fails() {
    let role = format!("dm-still-{}", std::process::id());
    let mut project = project(&role, 10);
    let form = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=lent&RoleArn={}",
        role_arn(&project, &role)
    );
    let xml = project.lab.emulator().call("sts", &form).unwrap();
    let text = |element: &str| {
        let from = xml.split(&format!("<{element}>")).nth(1).unwrap();
        from.split('<').next().unwrap().to_owned()
    };
    let keys = json!({ "Version": 1, "AccessKeyId": text("AccessKeyId"),
        "SecretAccessKey": text("SecretAccessKey"), "SessionToken": text("SessionToken") });
    let lines = source(&project, &keys);
    project.set(|s| s.environment = lines);
    let id = begun(&project, &role);
    layer(&project, &json!({ "role": role, "end": true }));
    let answer = project.operation(&id, 180);
    assert_eq!(answer.at("/result/error/code"), "partial_apply", "{:#}", answer.value);
    let issued = layer(&project, &json!({ "role": role }))["issued"].clone();
    assert_eq!(issued[0]["calls"]["iam CreateRole"], 1, "{issued:#}");
    assert!(issued[0]["refused"].as_u64().unwrap() > 0, "ExpiredToken was met: {issued:#}");
}

#[test]
fn security_19_a_role_that_wants_an_external_id_gets_it() {
    let role = format!("dm-external-{}", std::process::id());
    let mut project = Project::new();
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22%2A%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C%22Condition%22%3A%7B%22StringEquals%22%3A%7B%22sts%3AExternalId%22%3A%22right%22%7D%7D%7D%5D%7D";
    let form = format!(
        "Action=CreateRole&Version=2010-05-08&RoleName={role}&AssumeRolePolicyDocument={trust}"
    );
    project.lab.emulator().call("iam", &form).unwrap();
    let arn = role_arn(&project, &role);
    let target = json!({ "cloud": "aws", "env": "dev" });
    for (line, level) in [
        ("", "failed"),
        ("external_id = \"wrong\"\n", "failed"),
        ("external_id = \"right\"\n", "ok"),
    ] {
        project.set(|s| s.environment = format!("role_arn = \"{arn}\"\n{line}"));
        let checks = project.call("preflight", &target);
        let all = checks.value["checks"].as_array().unwrap();
        let found = all.iter().find(|check| check["name"] == "aws/dev credentials").unwrap();
        assert_eq!(found["level"], level, "{line}: {found:#}");
        if level == "failed" {
            assert!(found["fix"].as_str().unwrap().contains("external_id"), "{found:#}");
        }
    }
}

#[test]
fn security_19_web_identity_is_assumed_under_the_operations_name() {
    let role = format!("dm-web-{}", std::process::id());
    let mut project = project(&role, 0);
    let arn = role_arn(&project, &role);
    std::fs::write(project.folder().join("token"), "header.canaryWebIdentity.signature").unwrap();
    project.set(|s| {
        s.environment = format!(
            "credentials = {{ source = \"web_identity\", token_file = \"token\", role_arn = \
             \"{arn}\" }}"
        );
    });
    let id = project.apply(&json!({})).operation();
    project.operation(&id, 120).expect("succeeded");
    let issued = layer(&project, &json!({ "role": role }))["issued"].clone();
    let ours: Vec<&Value> =
        issued.as_array().unwrap().iter().filter(|key| key["session"] == id.as_str()).collect();
    let made = |key: &&&Value| key["calls"]["iam CreateRole"] == 2;
    assert_eq!(ours.iter().filter(made).count(), 1, "{issued:#}");
}
