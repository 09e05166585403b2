//! Charts out of sources: a real registry, a repository that real helm made the index of, real signatures.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use xtask::lab::Registry;

use super::project::Project;
use super::shelf::Shelf;
use crate::harness::kubernetes;

const PASSWORD: &str = "canary-1b7f30";

/// The project's helm, by hand.
fn helm(project: &Project, arguments: &[&str], folder: &Path) {
    let output = Command::new(&kubernetes(&project.lab).helm)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.join("home"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Packs the project's chart in a version; the archive.
fn pack(project: &Project, version: &str, more: &[&str]) -> PathBuf {
    let shelf = project.folder().join("shelf");
    std::fs::create_dir_all(&shelf).unwrap();
    let chart = project.folder().join("helm/charts/web");
    let mut arguments = vec!["package", chart.to_str().unwrap(), "--version", version];
    arguments.extend_from_slice(more);
    helm(project, &arguments, &shelf);
    shelf.join(format!("web-{version}.tgz"))
}

fn index(project: &Project) -> Shelf {
    let shelf = project.folder().join("shelf");
    helm(project, &["repo", "index", "."], &shelf);
    Shelf::open(&shelf)
}

/// Adds a source to the settings.
fn source(project: &Project, text: &str) {
    let place = project.folder().join("datamcp.toml");
    let settings = std::fs::read_to_string(place).unwrap();
    project.write(
        "datamcp.toml",
        &format!("{settings}\n[helm.sources.main]\nplain_http = true\n{text}\n"),
    );
}

fn request(project: &Project, chart: &str, version: &str, values: Value) -> Value {
    let mut request = project.deployment(values);
    request["chart_path"] = json!(chart);
    request["version"] = json!(version);
    request
}

#[test]
fn a_chart_of_a_repository_is_planned_and_what_was_planned_is_installed() {
    let project = Project::new();
    let archive = pack(&project, "1.0.0", &[]);
    pack(&project, "1.1.0", &[]);
    let shelf = index(&project);
    source(&project, &format!("url = \"{}/stable\"", shelf.url));
    let chart = format!("{}/stable/web", shelf.url);
    let wanted = request(&project, &chart, "1.0.0", json!({ "replicas": 2 }));
    let planned = project.call("helm_deploy", &wanted).expect("planned");
    planned.says("/plan_stdout", &format!("from  main {chart}, archive "));
    planned.says("/plan_stdout", "chart web-1.0.0");

    // The repository has another archive now, and then nothing at all: the plan has its own.
    std::fs::write(&archive, b"something else").unwrap();
    drop(shelf);
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    let done = project.really("helm_deploy", plan).expect("succeeded");
    assert_eq!(done.value["details"]["chart"], "web-1.0.0");
    let made = project.object("/apis/apps/v1/namespaces/apps/deployments").unwrap();
    assert_eq!(made["spec"]["replicas"], 2);
    // A change back to the folder's chart is an upgrade like any other.
    project.deploy(json!({ "replicas": 1 })).expect("succeeded");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    assert_eq!(project.cli(&["ops", "verify"], "").code, Some(0), "the log is whole");
}

#[test]
fn what_a_repository_has_not_or_has_changed_is_refused() {
    let project = Project::new();
    let archive = pack(&project, "1.0.0", &[]);
    let shelf = index(&project);
    source(&project, &format!("url = \"{}/stable\"", shelf.url));
    let ask = |chart: &str, version: &str, values: Value| {
        project.call(
            "helm_deploy",
            &request(&project, &format!("{}/{chart}", shelf.url), version, values),
        )
    };
    let refused = ask("stable/web", "2.0.0", json!({})).refused("invalid_request");
    assert_eq!(refused.text("/error/field"), "version");
    assert_eq!(refused.text("/error/allowed"), "1.0.0");
    let refused = ask("stable/wbe", "1.0.0", json!({})).refused("invalid_request");
    refused.says("/error/next", "did you mean web");
    let refused = ask("other/web", "1.0.0", json!({})).refused("policy_denied");
    assert_eq!(refused.text("/error/field"), "chart_path");
    let refused = ask("stable/web", ">=1.0.0", json!({})).refused("invalid_request");
    assert_eq!(refused.text("/error/field"), "version");
    // The chart's schema holds for what was fetched, too.
    let refused =
        ask("stable/web", "1.0.0", json!({ "replicas": "two" })).refused("invalid_request");
    assert_eq!(refused.text("/error/field"), "values");
    refused.says("/error/details/helm", "replicas");
    let mut bytes = std::fs::read(&archive).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    let refused = ask("stable/web", "1.0.0", json!({})).refused("upstream_failed");
    refused.says("/error/message", "not the one that the index tells of");
    assert_eq!(project.status()["releases"], json!([]));
}

#[test]
fn a_chart_of_a_registry_is_installed_by_version_and_by_digest() {
    let project = Project::new();
    let registry =
        Registry::start(&project.folder().join("registry"), Some(("robot", PASSWORD))).unwrap();
    let archive = pack(&project, "1.0.0+b1", &[]);
    let shelf = project.folder().join("shelf");
    let target = format!("oci://{}/charts", registry.host());
    let archive = archive.to_str().unwrap();
    helm(
        &project,
        &["push", archive, &target, "--plain-http", "--username", "robot", "--password", PASSWORD],
        &shelf,
    );
    let chart = format!("{target}/web");
    project.write("password", PASSWORD);
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(project.folder().join("password"), private).unwrap();

    source(&project, &format!("url = \"{target}\""));
    let wanted = request(&project, &chart, "1.0.0+b1", json!({}));
    let refused = project.call("helm_deploy", &wanted).refused("upstream_denied");
    assert_eq!(refused.text("/error/field"), "helm.sources.main.password");
    let settings = std::fs::read_to_string(project.folder().join("datamcp.toml")).unwrap();
    let known =
        |password: &str| format!("{settings}username = \"robot\"\npassword = \"{password}\"\n");
    project.write("datamcp.toml", &known("file:password"));

    let planned = project.call("helm_deploy", &wanted).expect("planned");
    let text = planned.text("/plan_stdout");
    let digest = text.split("@sha256:").nth(1).unwrap().split(',').next().unwrap();
    let pinned = format!("{chart}@sha256:{digest}");
    let mut by_digest = wanted.clone();
    by_digest["chart_path"] = json!(pinned);
    by_digest.as_object_mut().unwrap().remove("version");
    let secret =
        json!({ "Name": format!("datamcp/{}", project.release), "SecretString": PASSWORD });
    let kept = project.lab.emulator().json_call("secretsmanager.CreateSecret", &secret).unwrap();
    let kept = kept["ARN"].as_str().unwrap();
    project.write("datamcp.toml", &known(&format!("aws-secretsmanager:{kept}")));
    let done = project.really("helm_deploy", by_digest.clone()).expect("succeeded");
    assert_eq!(done.value["details"]["chart"], "web-1.0.0+b1");
    by_digest["chart_path"] = json!(format!("{chart}@sha256:{}", "0".repeat(64)));
    project.call("helm_deploy", &by_digest).refused("invalid_request");
    let refused = project.call("helm_deploy", &request(&project, &chart, "1.0.1", json!({})));
    assert_eq!(refused.refused("invalid_request").text("/error/field"), "version");
    let settings = settings.replace(
        "[helm.sources",
        "[helm.sources.other]\nurl = \"https://charts.example.com\"\n[helm.sources",
    );
    project.write("datamcp.toml", &settings.replace(&target, &format!("{target}/team")));
    project.call("helm_deploy", &wanted).refused("policy_denied");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
    assert!(!project.seen().contains(PASSWORD), "promise 7");
}

/// Makes two pairs of keys.
fn keys(project: &Project) {
    for name in ["keys", "others"] {
        let folder = project.folder().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Registry::keys(&folder).unwrap();
    }
}

/// The chart in a version that one of them signed.
fn signed(project: &Project) -> PathBuf {
    let secret = project.folder().join("keys/secret.gpg");
    let sign = ["--sign", "--key", "Chart Keeper", "--keyring", secret.to_str().unwrap()];
    pack(project, "1.0.0", &sign)
}

#[test]
fn a_signature_is_checked_with_the_keys_of_the_settings() {
    let project = Project::new();
    keys(&project);
    let archive = signed(&project);
    pack(&project, "2.0.0", &[]);
    let shelf = index(&project);
    let settings = |keyring: &str| {
        let url = format!("{}/stable", shelf.url);
        format!("url = \"{url}\"\nkeyring = \"{keyring}\"\nsigned = true")
    };
    source(&project, &settings("keys/public.gpg"));
    let chart = format!("{}/stable/web", shelf.url);
    let wanted = request(&project, &chart, "1.0.0", json!({}));
    let planned = project.call("helm_deploy", &wanted).expect("planned");
    planned.says("/plan_stdout", "signed by Chart Keeper");
    let refused = project.call("helm_deploy", &request(&project, &chart, "2.0.0", json!({})));
    refused.refused("upstream_failed").says("/error/message", "not signed");

    // Somebody else's keys; and another archive under the same signature.
    let text = std::fs::read_to_string(project.folder().join("datamcp.toml")).unwrap();
    project.write("datamcp.toml", &text.replace("keys/public.gpg", "others/public.gpg"));
    let refused = project.call("helm_deploy", &wanted).refused("upstream_failed");
    refused.says("/error/message", "signature does not hold");
    project.write("datamcp.toml", &text);
    project.write(
        "helm/charts/web/values.yaml",
        "size: 2\nreplicas: 1\ntag: \"1\"\npassword: \"\"\nstuck: false\nrandom: false\n",
    );
    let signature = std::fs::read(archive.with_extension("tgz.prov")).unwrap();
    pack(&project, "1.0.0", &[]);
    std::fs::write(archive.with_extension("tgz.prov"), signature).unwrap();
    helm(&project, &["repo", "index", "."], &project.folder().join("shelf"));
    let refused = project.call("helm_deploy", &wanted).refused("upstream_failed");
    refused.says("/error/message", "signature does not hold");

    // A registry keeps the signature beside the archive.
    let archive = signed(&project);
    let registry = Registry::start(&project.folder().join("registry"), None).unwrap();
    let target = format!("oci://{}/charts", registry.host());
    let folder = project.folder().join("shelf");
    helm(&project, &["push", archive.to_str().unwrap(), &target, "--plain-http"], &folder);
    let text = text.replace(&format!("{}/stable", shelf.url), &target);
    project.write("datamcp.toml", &text);
    let wanted = request(&project, &format!("{target}/web"), "1.0.0", json!({}));
    project
        .call("helm_deploy", &wanted)
        .expect("planned")
        .says("/plan_stdout", "signed by Chart Keeper");
}

#[test]
fn helm_3_checks_and_installs_a_signed_chart_of_a_repository() {
    let project = Project::by_helm_3();
    keys(&project);
    signed(&project);
    let shelf = index(&project);
    let url = format!("{}/stable", shelf.url);
    source(&project, &format!("url = \"{url}\"\nkeyring = \"keys/public.gpg\"\nsigned = true"));
    let wanted = request(&project, &format!("{url}/web"), "1.0.0", json!({}));
    let planned = project.call("helm_deploy", &wanted).expect("planned");
    planned.says("/plan_stdout", "signed by Chart Keeper");
    let plan = json!({ "plan_id": planned.value["plan_id"] });
    let done = project.really("helm_deploy", plan).expect("succeeded");
    assert_eq!(done.value["details"]["chart"], "web-1.0.0");
    let text = std::fs::read_to_string(project.folder().join("datamcp.toml")).unwrap();
    project.write("datamcp.toml", &text.replace("keys/public.gpg", "others/public.gpg"));
    let refused = project.call("helm_deploy", &wanted).refused("upstream_failed");
    refused.says("/error/message", "signature does not hold");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}
