//! The state object: its generations over several pages, after a deletion, among names that begin alike.

use std::sync::Arc;

use serde_json::{Value, json};

use super::stand_in::StandIn;
use super::{environment, file, identity, user};
use crate::model::{Backend, Environment, OperationId};
use crate::port::{Job, StateBackend};

use super::super::GoogleStorage;

const NAME: &str = "acme/dev/default.tfstate";

fn job(stand_in: &StandIn, folder: &tempfile::TempDir) -> Job {
    let mut environment = environment(stand_in, file(&user(folder)));
    environment.backend = Backend::Gcs {
        bucket: "acme-state".into(),
        prefix: "acme/dev".into(),
        credentials: None,
        emulator: None,
        terms: Box::default(),
    };
    Job {
        environment,
        workspace: "default".into(),
        operation: OperationId::fresh(),
        scratch: folder.path().into(),
    }
}

fn object(name: &str, generation: u64) -> Value {
    let written = "2026-11-23T05:00:00.000Z";
    json!({ "name": name, "generation": generation.to_string(), "timeCreated": written })
}

#[tokio::test]
async fn bar_28_versions_are_read_over_all_pages_in_their_order_and_of_that_name_alone() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600);
    for (generation, serial) in [(3, 7), (10, 8)] {
        let part: &'static str = if generation == 3 { "generation=3 " } else { "generation=10 " };
        stand_in.says(part, 200, json!({ "version": 4, "serial": serial, "lineage": "a" }));
    }
    let (backup, two) = (object("acme/dev/default.tfstate.backup", 99), json!("two"));
    let first = [object(NAME, 10), object(NAME, 2)];
    stand_in.says("versions=true", 200, json!({ "items": first, "nextPageToken": two }));
    stand_in.says("pageToken=two", 200, json!({ "items": [object(NAME, 3), backup] }));
    stand_in.lacks("/o/acme%2Fdev%2Fdefault.tfstate ");
    let storage = GoogleStorage::new(Arc::new(identity(&[])));
    let job = job(&stand_in, &folder);

    // The object is not there any more: what was there last counts.
    assert_eq!(storage.newest(&job).await.unwrap().as_deref(), Some("10"));
    let written = storage.written(&job, Some("2")).await.unwrap();
    let seen: Vec<_> = written.iter().map(|v| (v.id.as_str(), v.state.serial)).collect();
    assert_eq!(seen, [("3", 7), ("10", 8)]);
    assert!(
        stand_in.asked().iter().any(|asked| asked.contains("range: bytes=0-4095")),
        "only the beginning is read"
    );
    let asked = stand_in.asked().join("\n");
    assert!(asked.contains("/b/acme-state/o/acme%2Fdev%2Fdefault.tfstate"), "one name: {asked}");

    // While it is there, one small question is enough.
    stand_in.says("/o/acme%2Fdev%2Fdefault.tfstate ", 200, object(NAME, 12));
    let before = stand_in.times("versions=true");
    assert_eq!(storage.newest(&job).await.unwrap().as_deref(), Some("12"));
    assert_eq!(stand_in.times("versions=true"), before);
}

#[tokio::test]
async fn what_an_emulator_says_of_a_state_and_its_lock_is_understood() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600).plays("gcp/storage/state/object").plays("gcp/storage/state/versions");
    stand_in.plays("gcp/storage/state/first").plays("gcp/storage/state/second");
    stand_in.plays("gcp/storage/lock");
    let (first, second, third) = ("1767225600000001", "1767225600000002", "1767225600000003");
    let storage = GoogleStorage::new(Arc::new(identity(&[])));
    let job = job(&stand_in, &folder);
    assert_eq!(storage.newest(&job).await.unwrap().as_deref(), Some(second));
    let written = storage.written(&job, None).await.unwrap();
    let seen: Vec<_> = written.iter().map(|v| (v.id.as_str(), v.state.serial)).collect();
    assert_eq!(seen, [(first, 7), (second, 8)]);
    let found = storage.lock(&job).await.unwrap().unwrap();
    assert_eq!((&*found.lock.id, &*found.lock.who), (third, "mira@desk"));

    // It is not there any more: its versions are.
    let gone = StandIn::start();
    gone.usual(3600).plays("gcp/storage/state/absent").plays("gcp/storage/state/versions");
    let job = Job {
        environment: Environment { endpoint_url: Some(gone.url.clone()), ..job.environment },
        ..job
    };
    let storage = GoogleStorage::new(Arc::new(identity(&[])));
    assert_eq!(storage.newest(&job).await.unwrap().as_deref(), Some(second));
}

#[tokio::test]
async fn fault_29_a_lock_that_is_given_back_between_two_questions_is_none() {
    let (stand_in, folder) = (StandIn::start(), tempfile::tempdir().unwrap());
    stand_in.usual(3600).lacks("default.tflock ").lacks("generation=5 ");
    let storage = GoogleStorage::new(Arc::new(identity(&[])));
    let job = job(&stand_in, &folder);
    assert_eq!(storage.lock(&job).await.unwrap(), None);
    stand_in.says("default.tflock ", 200, object("acme/dev/default.tflock", 5));
    assert_eq!(storage.lock(&job).await.unwrap(), None, "its content is gone");
    let info = json!({ "ID": "a-uuid", "Who": "mira@desk", "Operation": "OperationTypeApply", "Created": "now" });
    stand_in.says("generation=5 ", 200, info);
    let found = storage.lock(&job).await.unwrap().unwrap();
    assert_eq!((&*found.lock.id, &*found.tag), ("5", "5"), "its id is the generation");
    assert_eq!(found.lock.who, "mira@desk");
}
