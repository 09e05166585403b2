//! State in Cloud Storage: real terraform on an emulator of it.

use serde_json::{Value, json};
use xtask::lab::Gcs;

use crate::harness::{Project, module_of, step};

fn in_gcs(project: &mut Project, gcs: &Gcs, bucket: &str) {
    project.set(|s| {
        s.state = format!("{{ backend = \"gcs\", bucket = \"{bucket}\", prefix = \"acme/dev\" }}");
        s.more = format!("\n[gcp]\nstorage_emulator = \"{}\"\n", gcs.host());
    });
}

#[test]
fn state_in_cloud_storage_is_planned_applied_and_locked() {
    let mut project = Project::new();
    let gcs = Gcs::start(project.folder()).unwrap();
    gcs.create_bucket("acme-tfstate").unwrap();
    in_gcs(&mut project, &gcs, "acme-tfstate");
    project.module(&module_of("gcs", &step("a", None, &project.effects().command("a"))));
    let planned = project.plan(&json!({ "turn": "1" }));
    assert_eq!(planned.at("/summary/add"), "1");
    let held = || -> Value {
        let text = gcs.object("acme-tfstate", "acme/dev/default.tfstate").unwrap().unwrap();
        serde_json::from_str(&text).unwrap()
    };
    // Terraform's GCS backend writes an empty state at the first look.
    assert_eq!(held()["resources"], json!([]), "promise 1: nothing was made");
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    assert_eq!(held()["resources"].as_array().map(Vec::len), Some(1));
    assert_eq!(gcs.object("acme-tfstate", "acme/dev/default.tflock").unwrap(), None, "given back");

    let lock = json!({
        "ID": "0", "Operation": "OperationTypeApply", "Who": "mira@desk", "Version": "1.11.4",
        "Created": "2026-11-22T10:00:00Z", "Path": "gs://acme-tfstate/acme/dev/default.tflock", "Info": "",
    });
    gcs.put_object("acme-tfstate", "acme/dev/default.tflock", &lock.to_string()).unwrap();
    let held = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    let held = held.refused("lock_held");
    assert_eq!(held.at("/error/details/state_lock/who"), "mira@desk");
    let id = held.at("/error/details/state_lock/id");
    assert!(id.parse::<u64>().is_ok_and(|n| n > 0), "fault 29: the id is a generation: {id}");
    gcs.delete_object("acme-tfstate", "acme/dev/default.tflock").unwrap();
    project.apply(&json!({ "turn": "2" })).expect("succeeded");

    // A bucket that is not there: another place than the last change used, so it is not even looked for.
    in_gcs(&mut project, &gcs, "acme-other");
    let moved = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    let moved = moved.refused("invalid_request");
    assert_eq!(moved.at("/error/allowed"), "gs://acme-tfstate/acme/dev");
    project.log_is_whole();
}

#[test]
fn fault_33_a_bucket_of_google_that_is_not_there_is_said() {
    let mut project = Project::new();
    let gcs = Gcs::start(project.folder()).unwrap();
    in_gcs(&mut project, &gcs, "acme-nowhere");
    project.module(&module_of("gcs", ""));
    let refused = project.call("apply_terraform", &json!({ "cloud": "aws", "env": "dev" }));
    assert_eq!(refused.status(), "failed", "{:#}", refused.value);
    let said = refused.at("/error/message") + &refused.at("/error/details/diagnostics");
    assert!(said.contains("bucket"), "{said}");
    project
        .call("bootstrap_state_backend", &json!({ "cloud": "aws", "env": "dev" }))
        .refused("invalid_request");
}
