//! Bad inputs that stand in the settings: every command says which key, and nothing is started.

use serde_json::Value;

use super::site::Site;

fn refused(number: u32, from: &str, to: &str) -> Value {
    let site = Site::new();
    site.configure(from, to);
    let output = site.run(&["list-environments"], "");
    assert_eq!(output.status.code(), Some(1), "bad input {number}: {to}");
    assert!(output.stdout.is_empty(), "bad input {number}");
    let server = site.run(&["serve"], "");
    assert_eq!(server.status.code(), Some(1), "bad input {number}: the server starts");
    site.nothing_started(&format!("bad input {number}"));
    Value::String(String::from_utf8(output.stderr).unwrap())
}

#[test]
fn bad_inputs_of_settings_name_their_key() {
    let state = "state = { backend = \"local\", path = \"dev.tfstate\" }";
    let bucket =
        |name: &str| format!("state = {{ backend = \"s3\", bucket = \"{name}\", key = \"k\" }}");
    let with = |line: &str| format!("{state}\n{line}");
    let role = "role_arn = \"arn:aws:iam::123456789012:role/r\"";
    let web = |arn: &str| {
        format!(
            "credentials = {{ source = \"web_identity\", token_file = \"t\", role_arn = \"{arn}\" }}"
        )
    };
    let chained =
        format!("{}\n{role}\nsession_duration_s = 3601", web("arn:aws:iam::123456789012:role/w"));
    for (number, from, to, says) in [
        (8, "[aws]", "[asw]".to_owned(), "write `aws` instead of `asw`"),
        (21, state, with("folder = \"../infra\""), "environments.aws.dev.folder"),
        (22, state, with("folder = \"a/../../b\""), "environments.aws.dev.folder"),
        (46, state, with("workspace = \"../x\""), "environments.aws.dev.workspace"),
        (29, state, with("vars = { \"foo bar\" = 1 }"), "environments.aws.dev.vars"),
        (36, state, with("vars = { a = [\"aws-secretsmanager:db\"] }"), "secret_vars.a"),
        (36, state, with("vars = { b = \"gcp-secretmanager:db\" }"), "secret_vars.b"),
        (60, "eu-west-1", "us-esat-1".to_owned(), "did you mean us-east-1"),
        (61, "eu-west-1", "cn-north-1".to_owned(), "another AWS partition"),
        (62, "123456789012", "12345678901".to_owned(), "12 digits"),
        (63, state, with("role_arn = \"arn:aws:s3:::bucket\""), "arn:aws:iam::ACCOUNT:role/NAME"),
        (63, state, with(&web("arn:aws:s3:::bucket")), "credentials.role_arn"),
        (64, state, with(&format!("{role}\nsession_duration_s = 43201")), "900 to 43200"),
        (64, state, with(&format!("{role}\nsession_duration_s = 899")), "900 to 43200"),
        (64, state, with(&chained), "900 to 3600"),
        (64, state, with("session_duration_s = 3600"), "none is assumed"),
        (63, state, with("mfa = { serial = \"arn:aws:iam::123456789012:user/a\" }"), ":mfa/NAME"),
        (
            63,
            state,
            with("mfa = { serial = \"arn:aws:iam::123456789012:u2f/user/a/k\" }"),
            "security key",
        ),
        (
            61,
            state,
            with("mfa = { serial = \"arn:aws-cn:iam::123456789012:mfa/a\" }"),
            "another partition",
        ),
        (64, state, with("mfa = { serial = \"GAHT12345678\", duration_s = 899 }"), "900 to 129600"),
        (65, "project = \"acme\"", "project = \"My Project\"".to_owned(), "project"),
        (66, state, bucket("My_Bucket"), "environments.aws.dev.state.bucket"),
        (66, state, bucket("ab"), "environments.aws.dev.state.bucket"),
        (66, state, bucket("xn--bucket"), "environments.aws.dev.state.bucket"),
        (66, state, bucket("a.bucket.with.dots"), "environments.aws.dev.state.bucket"),
    ] {
        let said = refused(number, from, &to);
        assert!(
            said.as_str().unwrap().contains(says),
            "bad input {number}: {says} is not in {said}"
        );
    }
}

#[test]
fn bad_inputs_26_and_27_are_no_folders() {
    for (number, folder) in [(26, "a\\u0000b"), (27, "~root")] {
        let site = Site::new();
        let state = "state = { backend = \"local\", path = \"dev.tfstate\" }";
        site.configure(state, &format!("{state}\nfolder = \"{folder}\""));
        let (code, answer) =
            site.json(&["apply-terraform", "--cloud=aws", "--env=dev", "--vars={\"size\":1}"]);
        assert_eq!(
            (code, &answer["status"]),
            (1, &"refused".into()),
            "bad input {number}: {answer}"
        );
        assert_eq!(answer["error"]["code"], "invalid_request", "bad input {number}: {answer}");
        site.nothing_started(&format!("bad input {number}"));
    }
}

#[test]
fn credentials_are_one_typed_choice() {
    let state = "state = { backend = \"local\", path = \"dev.tfstate\" }";
    for (line, says) in [
        ("credentials = { source = \"profil\", profile = \"p\" }", "profil"),
        ("credentials = { source = \"environment\", profile = \"p\" }", "unknown field"),
        ("credentials = { source = \"profile\" }", "profile"),
        ("profile = \"p\"\ncredentials = { source = \"instance\" }", "one of the two"),
        ("profile = \"\"", "is not a name of a profile"),
        ("credentials = { source = \"process\", command = [] }", "an absolute path"),
        ("credentials = { source = \"process\", command = [\"keys\"] }", "an absolute path"),
        ("external_id = \"x-1\"", "there is no `role_arn`"),
        (
            "role_arn = \"arn:aws:iam::123456789012:role/r\"\nexternal_id = \"a b\"",
            "is not an external id",
        ),
        ("mfa = { serial = \"GAHT\" }", "environments.aws.dev.mfa.serial"),
        ("mfa = { totp = \"env:SEED\" }", "serial"),
        (
            "mfa = { serial = \"GAHT12345678\", totp = \"aws-secretsmanager:seed\" }",
            "the very keys that the code is for",
        ),
        (
            "mfa = { serial = \"GAHT12345678\", totp = \"gcp-secretmanager:seed\" }",
            "the very keys that the code is for",
        ),
        (
            "credentials = { source = \"instance\" }\nmfa = { serial = \"GAHT12345678\" }",
            "gives those of a role",
        ),
    ] {
        let said = refused(0, state, &format!("{state}\n{line}"));
        assert!(said.as_str().unwrap().contains(says), "{line}: {says} is not in {said}");
    }
}

/// A seed that was written in place of its reference is not repeated.
#[test]
fn promise_7_a_seed_in_the_settings_is_refused_and_not_shown() {
    let state = "state = { backend = \"local\", path = \"dev.tfstate\" }";
    let seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let line = format!("mfa = {{ serial = \"GAHT12345678\", totp = \"{seed}\" }}");
    let said = refused(0, state, &format!("{state}\n{line}"));
    let said = said.as_str().unwrap();
    assert!(said.contains("environments.aws.dev.mfa.totp"), "{said}");
    assert!(!said.contains(seed), "{said}");
}
