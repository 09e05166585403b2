//! One configuration a reason.

use super::super::Settings;
use super::super::tests::environment;
use super::*;
use crate::model::{Backend, SecretRef};

const BACKEND: &str = "terraform {\n  backend \"local\" {}\n}\n";

fn scan_files(files: &[(&str, &str)]) -> Result<Scanned> {
    scan_with(files, &[], &[])
}

fn scan_with(files: &[(&str, &str)], code: &[&str], modules: &[&str]) -> Result<Scanned> {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let to = dir.path().join("tree").join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, text).unwrap();
    }
    let backend = Backend::Local { path: "/state/dev.tfstate".into() };
    let environment = environment(&dir.path().join("tree"), "envs/dev", backend);
    let providers = ["hashicorp/aws".to_owned(), "hashicorp/null".to_owned()];
    let modules: Vec<String> = modules.iter().map(|m| (*m).to_owned()).collect();
    let code = code.iter().map(|c| (*c).to_owned()).collect();
    let allowed = Allowed { providers: &providers, code: &code, modules: &modules };
    scan(&environment.tree, &environment, allowed)
}

fn refused(main: &str) -> Error {
    let main = format!("{BACKEND}{main}");
    scan_files(&[("envs/dev/main.tf", &main)]).unwrap_err()
}

fn denied_at(main: &str, word: &str, line: usize) {
    let error = refused(main);
    assert_eq!(error.code, ErrorCode::PolicyDenied, "{main}");
    assert!(error.message.contains(word), "{error}");
    assert_eq!(error.details["place"], format!("envs/dev/main.tf:{line}"), "{main}");
}

#[test]
fn a_plain_module_is_read() {
    let main = format!(
        "{BACKEND}variable \"a\" {{\n type = map(string)\n}}\nvariable \"b\" {{\n default = 1\n sensitive = true\n}}\nvariable \"c\" {{}}\nmodule \"m\" {{ source = \"../../modules/m\" }}\n"
    );
    let scanned = scan_files(&[
        ("envs/dev/main.tf", &main),
        ("envs/dev/terraform.tfvars", "c = 1\n"),
        ("modules/m/m.tf", "resource \"terraform_data\" \"x\" {}\n"),
    ])
    .unwrap();
    assert!(!scanned.needs_providers);
    let all: Vec<_> = scanned
        .module
        .variables
        .iter()
        .map(|v| (v.name.as_str(), v.kind.as_str(), v.optional, v.sensitive))
        .collect();
    assert_eq!(
        all,
        [("a", "map(string)", false, false), ("b", "any", true, true), ("c", "any", true, false)]
    );
}

#[test]
fn bad_input_55_providers() {
    denied_at("resource \"vault_x\" \"y\" {}", "hashicorp/vault", 4);
    denied_at("provider \"vault\" {}", "hashicorp/vault", 4);
    denied_at(
        "terraform {\n required_providers {\n aws = { source = \"evil/aws\" }\n }\n}",
        "evil/aws",
        5,
    );
    denied_at(
        "terraform {\n required_providers {\n aws = { source = \"evil.example/hashicorp/aws\" }\n }\n}",
        "evil.example",
        5,
    );
    denied_at("resource \"aws_x\" \"y\" {\n provider = vault.west\n}", "hashicorp/vault", 4);
    denied_at("ephemeral \"vault_x\" \"y\" {}", "hashicorp/vault", 4);
    denied_at("check \"c\" {\n data \"vault_x\" \"y\" {}\n}", "hashicorp/vault", 5);
    denied_at("resource \"local_file\" \"y\" {}", "hashicorp/local", 4);
    for inside in ["", "encryption_config {\n provider {\n key_arn = \"k\"\n }\n }"] {
        let fine = format!("{BACKEND}resource \"aws_x\" \"y\" {{\n{inside}\n}}\n");
        assert!(scan_files(&[("envs/dev/main.tf", &fine)]).unwrap().needs_providers, "{inside}");
    }
}

#[test]
fn bad_input_57_security_17_module_sources() {
    for source in [
        "git::ssh://x?ref=--upload-pack=touch",
        "git::https://github.com/acme/m",
        "git::https://github.com/acme/m?ref=main",
        "git::https://github.com/acme-evil/m?ref=v1.0.0",
        "git::https://github.com/acme/../evil/m?ref=v1.0.0",
        "git::https://github.com/acme/m?ref=v1.0.0&sshkey=x",
        "hashicorp/consul/aws",
        "/etc/modules",
        "http://x/m.zip",
        "../../../outside",
    ] {
        let main = format!("{BACKEND}module \"m\" {{ source = \"{source}\" }}");
        let error =
            scan_with(&[("envs/dev/main.tf", &main)], &[], &["git::https://github.com/acme"])
                .unwrap_err();
        assert_eq!(error.code, ErrorCode::PolicyDenied, "{source}");
    }
    let fine = format!(
        "{BACKEND}module \"m\" {{ source = \"git::https://github.com/acme/m?ref=v1.0.0\" }}"
    );
    assert!(
        scan_with(&[("envs/dev/main.tf", &fine)], &[], &["git::https://github.com/acme"]).is_ok()
    );
    denied_at("module \"m\" { source = var.where }", "not literal", 4);
}

#[test]
fn bad_inputs_58_59_security_13_code() {
    denied_at("data \"external\" \"x\" {}", "external", 4);
    denied_at("data \"http\" \"x\" {}", "http", 4);
    denied_at(
        "\nresource \"null_resource\" \"x\" {\n provisioner \"local-exec\" {\n command = \"id\"\n }\n}",
        "local-exec",
        6,
    );
    denied_at(
        "removed {\n from = null_resource.x\n provisioner \"remote-exec\" {}\n}",
        "remote-exec",
        6,
    );
    denied_at(
        "terraform {\n encryption {\n key_provider \"external\" \"x\" {}\n }\n}",
        "external program",
        6,
    );
    denied_at("provider \"aws\" {\n shared_config_files = [\"x\"]\n}", "shared_config_files", 4);
    denied_at("data \"terraform_remote_state\" \"x\" {\n backend = \"http\"\n}", "remote state", 4);
    let main = format!(
        "{BACKEND}data \"external\" \"x\" {{}}\nresource \"null_resource\" \"x\" {{\n provisioner \"local-exec\" {{}}\n}}"
    );
    assert!(scan_with(&[("envs/dev/main.tf", &main)], &["external", "local-exec"], &[]).is_ok());
}

#[test]
fn code_is_found_in_json_and_in_modules_too() {
    let json = "{\n \"terraform\": {\"backend\": {\"local\": {}}},\n \"resource\": {\"null_resource\": {\"x\": {\n  \"provisioner\": [{\"local-exec\": {\"command\": \"id\"}}]}}}\n}";
    let error = scan_files(&[("envs/dev/main.tf.json", json)]).unwrap_err();
    assert_eq!(error.details["place"], "envs/dev/main.tf.json:4");
    let main = format!("{BACKEND}module \"m\" {{ source = \"../../modules/m\" }}");
    let error = scan_files(&[
        ("envs/dev/main.tf", &main),
        ("modules/m/a.tf", "data \"external\" \"x\" {}"),
    ])
    .unwrap_err();
    assert_eq!(error.details["place"], "modules/m/a.tf:1");
}

#[test]
fn a_second_key_cannot_hide_the_first() {
    let json = "{\"terraform\": {\"backend\": {\"local\": {}}},\n\"data\": {\"external\": {\"x\": {}}},\n\"data\": {}}";
    let error = scan_files(&[("envs/dev/main.tf.json", json)]).unwrap_err();
    assert_eq!(error.details["place"], "envs/dev/main.tf.json:3");
}

#[test]
fn bad_input_52_backends() {
    for main in [
        "",
        "terraform {\n backend \"s3\" {}\n}",
        "terraform {\n backend \"local\" {}\n}\nterraform {\n backend \"local\" {}\n}",
        "terraform {\n cloud {}\n}",
    ] {
        let error = scan_files(&[("envs/dev/main.tf", main)]).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{main}");
    }
    let error = scan_files(&[(
        "envs/dev/main.tf",
        "terraform {\n backend \"local\" {\n endpoint = \"x\"\n }\n}",
    )])
    .unwrap_err();
    assert!(error.message.contains("backend argument endpoint"));
}

#[test]
fn bad_input_53_dynamodb_without_lock_file_is_warned_of() {
    let main = "terraform {\n backend \"local\" {\n dynamodb_table = \"t\"\n }\n}";
    let warnings = scan_files(&[("envs/dev/main.tf", main)]).unwrap().module.warnings;
    assert!(warnings[0].starts_with("envs/dev/main.tf:2: dynamodb_table"), "{warnings:?}");
    let main =
        "terraform {\n backend \"local\" {\n dynamodb_table = \"t\"\n use_lockfile = true\n }\n}";
    assert!(scan_files(&[("envs/dev/main.tf", main)]).unwrap().module.warnings.is_empty());
}

#[test]
fn bad_input_54_a_state_without_a_lock_is_refused() {
    for off in ["false", "var.lock", "\"\""] {
        let main = format!("terraform {{\n backend \"local\" {{\n use_lockfile = {off}\n }}\n}}");
        let error = scan_files(&[("envs/dev/main.tf", &main)]).unwrap_err();
        assert!(error.message.contains("a state without a lock"), "{error}");
        assert_eq!(error.allowed.as_deref(), Some("use_lockfile = true, or nothing"));
    }
}

#[test]
fn bad_inputs_22_24_25_and_broken_text() {
    assert!(scan_files(&[("envs/dev/readme.md", "")]).unwrap_err().message.contains("no *.tf"));
    assert!(scan_files(&[("envs/dev", "")]).unwrap_err().message.contains("not a folder"));
    let error = refused("resource \"aws_x\" {{{");
    assert_eq!(error.details["place"], "envs/dev/main.tf:4");
    assert_eq!(normalise(Path::new("a/../../b")), None);
    assert_eq!(normalise(Path::new("/b")), None);
    assert_eq!(normalise(Path::new("./a/../b")), Some(PathBuf::from("b")));
}

#[test]
fn fetched_modules_are_scanned_too() {
    let data = tempfile::tempdir().unwrap();
    let fetched = data.path().join("modules/m");
    std::fs::create_dir_all(&fetched).unwrap();
    std::fs::write(fetched.join("a.tf"), "data \"external\" \"x\" {}").unwrap();
    let list =
        serde_json::json!({"Modules": [{"Key": "", "Dir": "."}, {"Key": "m", "Dir": fetched}]});
    std::fs::write(data.path().join("modules/modules.json"), list.to_string()).unwrap();
    let backend = Backend::Local { path: "/state/dev.tfstate".into() };
    let environment = environment(data.path(), ".", backend);
    let allowed = Allowed { providers: &[], code: &BTreeSet::new(), modules: &[] };
    let error = installed(data.path(), &environment, allowed).unwrap_err();
    assert!(error.details["place"].as_str().unwrap().ends_with("modules/m/a.tf:1"));
}

#[test]
fn bad_input_52_the_block_of_hcp_terraform_says_nothing_itself() {
    let token = SecretRef::Env("TOKEN".into());
    let (hostname, organization) = ("app.terraform.io".into(), "acme".into());
    let backend = Backend::Cloud { hostname, organization, workspace: "dev".into(), token };
    let scan_cloud = |main: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.tf"), main).unwrap();
        scan(
            dir.path(),
            &environment(dir.path(), ".", backend.clone()),
            Settings::new("/w", vec![]).allowed(),
        )
        .map(|scanned| scanned.module.warnings)
    };
    assert!(scan_cloud("terraform {\n cloud {}\n}").unwrap().is_empty());
    for (main, what) in [
        (
            "terraform {\n backend \"s3\" {}\n}",
            "backend \"s3\" at main.tf:2 where cloud is configured",
        ),
        ("terraform {\n cloud {}\n}\nterraform {\n cloud {}\n}", "a second cloud block"),
        ("terraform {\n cloud {}\n backend \"local\" {}\n}", "a second backend"),
        ("terraform {\n}", "has no backend"),
        (
            "terraform {\n cloud {\n organization = \"other\"\n }\n}",
            "organization in a cloud block",
        ),
        ("terraform {\n cloud {\n token = \"x\"\n }\n}", "token in a cloud block"),
        (
            "terraform {\n cloud {\n workspaces {\n tags = [\"a\"]\n }\n }\n}",
            "workspaces in a cloud block",
        ),
    ] {
        let error = scan_cloud(main).unwrap_err();
        assert!(error.message.contains(what), "{main}: {error}");
        assert!(error.next.is_some() || error.allowed.is_some(), "{main}: {error}");
    }
}

#[test]
fn bad_input_53_a_table_of_settings_wins_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let block = |table: &str| {
        format!("terraform {{\n backend \"s3\" {{\n dynamodb_table = \"{table}\"\n }}\n}}")
    };
    let backend = Backend::S3 {
        bucket: "b-b".into(),
        key: "k".into(),
        region: "eu-west-1".into(),
        lock_table: Some("locks".into()),
        kms_key: None,
    };
    let environment = environment(dir.path(), ".", backend);
    let settings = Settings::new("/w", vec![]);
    let warnings = |table: &str| {
        std::fs::write(dir.path().join("main.tf"), block(table)).unwrap();
        scan(dir.path(), &environment, settings.allowed()).unwrap().module.warnings
    };
    assert!(warnings("locks").is_empty(), "both locks, as settings say");
    let said = warnings("others");
    assert!(said[0].contains("not what state.lock_table says"), "{said:?}");
}
