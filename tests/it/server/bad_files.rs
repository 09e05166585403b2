//! Bad inputs that stand in the configuration tree: refused before terraform, AWS or a supervisor is started.

use serde_json::json;

use super::site::{MAIN, Site};

const ROOT: &str = "infra/aws/envs/dev";

/// Asks for a plan of `dev`: the error.
fn refused(number: u32, change: impl FnOnce(&Site)) -> serde_json::Value {
    let site = Site::new();
    change(&site);
    let request = json!({ "cloud": "aws", "env": "dev", "vars": { "size": 1 }, "dry_run": false, "auto_approve": true });
    let (code, answer) = site.json(&["call", "apply_terraform", "--request", &request.to_string()]);
    assert_eq!((code, &answer["status"]), (1, &json!("refused")), "bad input {number}: {answer}");
    site.nothing_started(&format!("bad input {number}"));
    answer["error"].clone()
}

fn main_tf(number: u32, more: &str) -> serde_json::Value {
    refused(number, |site| site.write(&format!("{ROOT}/more.tf"), more))
}

#[test]
fn bad_inputs_23_to_28_folders_and_files() {
    use std::os::unix::fs::symlink;
    let error = refused(23, |site| symlink("/etc/hostname", site.at("infra/aws/out.tf")).unwrap());
    assert!(
        error["message"].as_str().unwrap().contains("leaves the configuration tree"),
        "{error}"
    );
    let error = refused(24, |site| {
        std::fs::remove_dir_all(site.at(ROOT)).unwrap();
        site.write(ROOT, "a file");
    });
    assert!(error["message"].as_str().unwrap().contains("is not a folder"), "{error}");
    let error =
        refused(25, |site| std::fs::remove_file(site.at(&format!("{ROOT}/main.tf"))).unwrap());
    assert_eq!(error["code"], "invalid_request", "{error}");
    let error = refused(28, |site| {
        symlink("/dev/null", site.at(&format!("{ROOT}/a.auto.tfvars"))).unwrap();
    });
    assert_eq!(error["code"], "invalid_request", "{error}");
}

#[test]
fn bad_inputs_49_and_50_binaries() {
    let error = refused(49, |site| std::fs::remove_file(site.at("bin/terraform")).unwrap());
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("tool_missing"), &json!("terraform.binary"))
    );
    let error = refused(50, |site| site.configure("binary = \"bin/terraform\"", ""));
    assert!(error["message"].as_str().unwrap().contains("is a script"), "{error}");
}

#[test]
fn bad_input_52_backends() {
    for (main, says) in [
        (MAIN.replace("backend \"local\" {}", ""), "has no backend"),
        (
            MAIN.replace("backend \"local\" {}", "backend \"local\" {}\nbackend \"s3\" {}"),
            "second backend",
        ),
        (MAIN.replace("backend \"local\" {}", "cloud {}"), "a cloud block"),
        (MAIN.replace("\"local\"", "\"http\""), "backend \\\"http\\\""),
    ] {
        let error = refused(52, |site| site.write(&format!("{ROOT}/main.tf"), &main));
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error["code"], "invalid_request");
    }
}

#[test]
fn bad_inputs_55_to_59_supply_chain() {
    let error = main_tf(
        55,
        "terraform {\n required_providers {\n x = { source = \"evil.io/a/x\" }\n }\n}\n",
    );
    assert_eq!(error["code"], "policy_denied");
    assert_eq!(error["details"]["provider"], "evil.io/a/x", "{error}");
    let error = main_tf(56, "resource \"random_id\" \"x\" {\n byte_length = 2\n}\n");
    assert!(error["message"].as_str().unwrap().contains("no provider lock file"), "{error}");
    let module = "module \"m\" {\n source = \"git::ssh://x/y?ref=--upload-pack=touch\"\n}\n";
    let error = main_tf(57, module);
    assert!(error["message"].as_str().unwrap().contains("module source"), "{error}");
    let error = main_tf(58, "data \"external\" \"x\" {\n program = [\"sh\"]\n}\n");
    assert_eq!(error["details"]["vector"], "external", "{error}");
    let exec = "resource \"terraform_data\" \"x\" {\n provisioner \"local-exec\" {\n command = \"id\"\n }\n}\n";
    let error = main_tf(59, exec);
    assert_eq!(error["code"], "policy_denied");
    assert!(error["details"]["place"].as_str().unwrap().contains("more.tf:2"), "{error}");
}
