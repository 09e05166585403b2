//! The library, as far as nothing has to be installed: which binary it takes for its supervisors, what it refuses early.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use datamcp::embed::{Cloud, ErrorCode, Options, Project, Request};
use serde_json::json;

use crate::alone;

const SETTINGS: &str = r#"
project = "acme"
[environments.aws.dev]
tier = "dev"
account_id = "123456789012"
region = "eu-west-1"
state = { backend = "local", path = "dev.tfstate" }
[tiers.dev]
[store]
state = "state"
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("datamcp.toml"), SETTINGS).unwrap();
    folder
}

fn open(folder: &Path, binary: &Path) -> datamcp::embed::Result<Project> {
    let options = Options::named("portal").supervisor(binary);
    alone::start(|| block_on(options.open(folder.join("datamcp.toml"))))
}

fn block_on<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

#[test]
fn a_supervisor_of_another_version_is_refused() {
    let folder = folder();
    let old = folder.path().join("datamcp");
    for (text, seen) in [("echo datamcp 0.0.1", "datamcp 0.0.1"), ("exit 3", "")] {
        std::fs::write(&old, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = open(folder.path(), &old).unwrap_err();
        assert_eq!(refused.code, ErrorCode::ToolMissing, "{refused}");
        assert_eq!(refused.given.as_deref(), Some(seen));
        assert_eq!(
            refused.allowed.as_deref(),
            Some(concat!("datamcp ", env!("CARGO_PKG_VERSION")))
        );
    }
    let missing = open(folder.path(), &folder.path().join("nowhere")).unwrap_err();
    assert!(missing.message.contains("nowhere") && missing.next.is_some(), "{missing}");
}

#[test]
fn what_is_refused_is_on_record_and_nothing_runs() {
    let folder = folder();
    let project = open(folder.path(), Path::new(env!("CARGO_BIN_EXE_datamcp"))).unwrap();
    let refused = block_on(project.start(&Request::apply(Cloud::Aws, "dve"))).unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnknownEnvironment);
    assert_eq!(refused.next.as_deref(), Some("did you mean dev"));
    let rows = block_on(project.read("list_operations", json!({}))).unwrap();
    assert_eq!(rows["operations"][0]["id"], refused.details["operation_id"]);
    assert_eq!(rows["operations"][0]["status"], "refused");
    let wrong = block_on(project.read("list_operations", json!({ "limt": 1 }))).unwrap_err();
    assert_eq!(wrong.field.as_deref(), Some("limt"));
    for tool in ["apply_terraform", "cancel_operation", "approve", "detect_drift"] {
        let refused = block_on(project.read(tool, json!({}))).unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("tool"), "{tool}");
        assert!(!refused.allowed.unwrap().contains(tool));
    }
}

#[test]
fn promise_1_every_request_is_a_dry_run_until_a_plan_is_named() {
    let plan = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let change = Request::destroy(Cloud::Aws, "dev").var("a", 1).auto_approve().workspace("w");
    assert_eq!(change.to_json().get("dry_run"), None);
    let real = change.carry_out(plan);
    assert_eq!(real.to_json(), json!({ "plan_id": plan, "dry_run": false }));
    assert_eq!(real.tool(), "destroy_terraform");
}
