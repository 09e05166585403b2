//! Real terraform with its own GCS backend in the bucket that was made: its states are seen as generations, its locks by
//! the generation that terraform itself names.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use xtask::lab::Gcs;

use super::Site;
use crate::backend::request;
use crate::harness::{Answered, chain_on, until};

const STATE: &str = "acme/dev/default.tfstate";
const LOCK: &str = "acme/dev/default.tflock";

/// A bucket that was made, with terraform in it.
pub(super) struct Used {
    pub(super) site: Site,
    gcs: Gcs,
    /// Answers of the lock's writing that are still to get lost.
    lost: Arc<AtomicUsize>,
    /// Permissions that each request of terraform's takes.
    asked: Asked,
}

type Asked = Arc<Mutex<Vec<&'static str>>>;

pub(super) fn dev() -> Value {
    json!({ "cloud": "gcp", "env": "dev", "wait_s": 300 })
}

impl Used {
    pub(super) fn new(steps: usize, seconds: f32) -> Self {
        let mut site = Site::new();
        let gcs = Gcs::start(site.project.folder()).unwrap();
        site.bucket_is(&json!({ "upstream": gcs.host() }));
        let lost = Arc::new(AtomicUsize::new(0));
        let asked = Asked::default();
        let host = lossy(&gcs, Arc::clone(&lost), Arc::clone(&asked));
        site.state("", &format!("storage_emulator = \"{host}\"\n"));
        let module = chain_on("gcs", &site.project.effects(), steps, seconds);
        std::fs::write(site.project.folder().join("infra/gcp/envs/dev/main.tf"), module).unwrap();
        let used = Self { site, gcs, lost, asked };
        let missing = used.call("apply_terraform", &dev()).refused("invalid_request");
        assert_eq!(missing.at("/error/field"), "state.bucket", "fault 33: {:#}", missing.value);
        assert!(
            missing.at("/error/next").contains("bootstrap-state-backend"),
            "{:#}",
            missing.value
        );
        used.site.real().expect("succeeded");
        used
    }

    pub(super) fn call(&self, tool: &str, request: &Value) -> Answered {
        self.site.project.call(tool, request)
    }

    /// Permissions that terraform's requests took.
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().unwrap().iter().map(|name| (*name).to_owned()).collect()
    }

    /// How many requests terraform made.
    pub(super) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(super) fn apply(&self, turn: &str) -> Answered {
        let mut request = dev();
        request["vars"] = json!({ "turn": turn });
        request["dry_run"] = json!(false);
        request["auto_approve"] = json!(true);
        self.call("apply_terraform", &request)
    }

    fn object(&self, name: &str) -> Option<Value> {
        let text = self.gcs.object(&self.site.bucket, name).unwrap()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Generation of the live object, as the emulator itself says.
    fn generation(&self, name: &str) -> String {
        let (host, bucket) = (self.gcs.host(), &self.site.bucket);
        let name = name.replace('/', "%2F");
        let mut answer =
            ureq::get(format!("http://{host}/storage/v1/b/{bucket}/o/{name}")).call().unwrap();
        let object: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        object["generation"].as_str().unwrap().to_owned()
    }

    /// Terraform by hand, as somebody would who does not know of datamcp.
    fn by_hand(&self, arguments: &[&str]) {
        let project = &self.site.project;
        let folder = project.folder().join("by-hand");
        std::fs::create_dir_all(&folder).unwrap();
        let module = format!(
            "terraform {{\n  backend \"gcs\" {{\n    bucket = \"{}\"\n    prefix = \"acme/dev\"\n  }}\n}}\n\
             resource \"terraform_data\" \"foreign\" {{}}\n",
            self.site.bucket
        );
        std::fs::write(folder.join("main.tf"), module).unwrap();
        let output = Command::new(&project.lab.terraform.path)
            .args(arguments)
            .current_dir(&folder)
            .env_clear()
            .envs(project.environment())
            .env("STORAGE_EMULATOR_HOST", self.gcs.host())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&text));
    }
}

/// Stands before the emulator; as often as it is told it has a lock stored and answers that it failed.
fn lossy(gcs: &Gcs, lost: Arc<AtomicUsize>, asked: Asked) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let upstream = gcs.host();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (upstream, lost) = (upstream.clone(), Arc::clone(&lost));
            let asked = Arc::clone(&asked);
            std::thread::spawn(move || pass(stream, &upstream, &lost, &asked));
        }
    });
    host
}

/// What a request takes (Cloud Storage, "IAM permissions for JSON methods"; the XML API's reads take the same as those).
fn permission(head: &str) -> &'static str {
    let (verb, path) = head.split_once(' ').unwrap();
    let path = path.split([' ', '?']).next().unwrap();
    match verb {
        "POST" | "PUT" => "storage.objects.create",
        "DELETE" => "storage.objects.delete",
        _ if path.ends_with("/o") => "storage.objects.list",
        _ => "storage.objects.get",
    }
}

fn pass(
    mut client: TcpStream,
    upstream: &str,
    lost: &AtomicUsize,
    asked: &Mutex<Vec<&'static str>>,
) {
    let mut from = BufReader::new(client.try_clone().unwrap());
    let Some((head, body)) = request(&mut from, upstream) else { return };
    asked.lock().unwrap().push(permission(&head));
    let mut server = TcpStream::connect(upstream).unwrap();
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    drop(server.read_to_end(&mut answer));
    let writes_lock = head.starts_with("POST /upload/")
        && String::from_utf8_lossy(&body).contains("default.tflock");
    let stored = writes_lock && answer.starts_with(b"HTTP/1.1 200");
    let take = |left: usize| left.checked_sub(1);
    if stored && lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
        answer =
            b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    }
    drop(client.write_all(&answer));
}

#[test]
fn terraform_works_in_the_bucket_that_was_made_and_its_generations_are_kept_in_the_log() {
    let used = Used::new(2, 0.0);
    let planned = used.call("apply_terraform", &dev()).expect("planned");
    assert!(planned.value["warnings"].is_null(), "{:#}", planned.value);
    let applied = used.apply("1").expect("succeeded");
    assert!(
        applied.value["warnings"].is_null(),
        "its versions were looked at: {:#}",
        applied.value
    );
    assert_eq!(used.object(STATE).unwrap()["resources"].as_array().map(Vec::len), Some(2));
    assert_eq!(used.object(LOCK), None, "given back");
    let again = used.call("apply_terraform", &{
        let mut request = dev();
        request["vars"] = json!({ "turn": "1" });
        request
    });
    assert_eq!(again.expect("planned").at("/summary/text"), "no changes");
    used.apply("2").expect("succeeded");

    // A lost state is found, and the version to restore is the generation of the last apply.
    let kept = used.gcs.object(&used.site.bucket, STATE).unwrap().unwrap();
    let generation = used.generation(STATE);
    used.gcs.delete_object(&used.site.bucket, STATE).unwrap();
    let refused = used.call("apply_terraform", &dev()).refused("environment_blocked");
    let next = refused.at("/error/next");
    assert!(next.contains(&format!("restores version {generation} of gs://")), "{next}");
    used.gcs.put_object(&used.site.bucket, STATE, &kept).unwrap();
    used.call("apply_terraform", &dev()).expect("planned");
    let third = used.apply("3").expect("succeeded");
    assert!(third.value["warnings"].is_null(), "{:#}", third.value);
    used.site.project.log_is_whole();
    used.site.project.lock_is_free();
}

#[test]
fn fault_29_a_lock_of_somebody_else_stays_and_is_named_by_its_generation() {
    let used = Used::new(1, 0.0);
    let lock = json!({
        "ID": "0", "Operation": "OperationTypeApply", "Who": "mira@desk", "Version": "1.11.4",
        "Created": "2026-11-22T10:00:00Z", "Path": "", "Info": "",
    });
    used.gcs.put_object(&used.site.bucket, LOCK, &lock.to_string()).unwrap();
    let held = used.apply("1").refused("lock_held");
    assert_eq!(held.at("/error/details/state_lock/who"), "mira@desk", "{:#}", held.value);
    assert_eq!(held.at("/error/details/state_lock/id"), used.generation(LOCK));
    assert_eq!(used.object(LOCK), Some(lock), "it stays");
    used.site.project.lock_is_free();
}

#[test]
fn fault_27_a_lock_of_our_own_whose_answer_got_lost_is_taken_away_by_its_generation() {
    let used = Used::new(1, 0.0);
    used.lost.store(1, Ordering::SeqCst);
    let planned = used.call("apply_terraform", &dev()).expect("planned");
    assert!(planned.at("/warnings").contains("was our own"), "{:#}", planned.value);
    used.lost.store(1, Ordering::SeqCst);
    let request =
        json!({ "plan_id": planned.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let applied = used.call("apply_terraform", &request).expect("succeeded");
    assert!(applied.at("/warnings").contains("was our own"), "{:#}", applied.value);
    assert_eq!(used.lost.load(Ordering::SeqCst), 0, "both got lost");
    assert_eq!(used.object(LOCK), None);
    assert_eq!(used.site.project.effects().of(&applied.operation()), ["s0"], "once");
    let taken = used.site.calls().iter().filter(|call| call.starts_with("DELETE ")).count();
    assert_eq!(taken, 2, "{:?}", used.site.calls());
    used.site.project.lock_is_free();
    used.site.project.log_is_whole();
}

#[test]
fn fault_32_somebody_who_takes_the_lock_in_the_bucket_away_and_applies_beside_us_is_found() {
    let used = Used::new(2, 6.0);
    let project = &used.site.project;
    used.by_hand(&["init", "-input=false"]);
    let mut request = dev();
    for (key, value) in
        [("wait_s", json!(0)), ("dry_run", json!(false)), ("auto_approve", json!(true))]
    {
        request[key] = value;
    }
    let id = used.call("apply_terraform", &request).expect("running").operation();
    until("the first resource", 60, || project.effects().count() == 1);
    used.by_hand(&["force-unlock", "-force", &used.generation(LOCK)]);
    used.by_hand(&["apply", "-input=false", "-auto-approve"]);

    let answer = project.operation(&id, 120).expect("partial");
    let error = |name: &str| answer.at(&format!("/result/error{name}"));
    assert_eq!(error("/code"), "environment_blocked", "{:#}", answer.value);
    assert_eq!(error("/details/incident/kind"), "lost_update");
    let version = |n: usize| error(&format!("/details/incident/versions/{n}/id"));
    let generation = |n: usize| version(n).parse::<u64>().unwrap();
    assert!(generation(0) < generation(1), "{:#}", answer.value);
    assert!(error("/message").contains(&version(1)), "{:#}", answer.value);
    assert_eq!(project.locks()[0]["state"], "blocked");
    project.log_is_whole();
}
