//! State in Cloud Storage: real terraform on an emulator of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

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
    let refused = refused.refused("invalid_request");
    assert_eq!(refused.at("/error/field"), "state.bucket", "{:#}", refused.value);
    let said = refused.at("/error/message");
    assert!(said.contains("the bucket of the state does not exist"), "{said}");
    project
        .call("bootstrap_state_backend", &json!({ "cloud": "aws", "env": "dev" }))
        .refused("invalid_request");
}

/// Stands before the emulator and refuses the first requests that write the lock, as Cloud Storage does for an object
/// that is written more often than once a second.
struct Busy {
    host: String,
    /// Status of every request that wrote the lock.
    lock_writes: Arc<Mutex<Vec<u16>>>,
}

impl Busy {
    fn before(gcs: &Gcs, refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let lock_writes = Arc::new(Mutex::new(Vec::new()));
        let (upstream, seen) = (gcs.host(), Arc::clone(&lock_writes));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (upstream, seen) = (upstream.clone(), Arc::clone(&seen));
                std::thread::spawn(move || one(stream, &upstream, &seen, refusals));
            }
        });
        Self { host, lock_writes }
    }
}

/// One request and its answer; then the connection is closed.
fn one(mut client: TcpStream, upstream: &str, seen: &Mutex<Vec<u16>>, refusals: usize) {
    let mut from = BufReader::new(client.try_clone().unwrap());
    let Some((head, body)) = request(&mut from, upstream) else { return };
    let writes_lock = head.starts_with("POST /upload/")
        && String::from_utf8_lossy(&body).contains("default.tflock");
    if writes_lock {
        let mut seen = seen.lock().unwrap();
        if seen.len() < refusals {
            seen.push(429);
            let said = r#"{"error":{"code":429,"message":"The object exceeded the rate limit for object mutation operations","errors":[{"reason":"rateLimitExceeded"}]}}"#;
            let head = format!(
                "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{said}",
                said.len()
            );
            drop(client.write_all(head.as_bytes()));
            return;
        }
    }
    let mut server = TcpStream::connect(upstream).unwrap();
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    drop(server.read_to_end(&mut answer));
    if writes_lock {
        let text = String::from_utf8_lossy(&answer);
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        seen.lock().unwrap().push(status.unwrap_or(0));
    }
    drop(client.write_all(&answer));
}

/// A request as it came, for the emulator and for one answer only.
pub(crate) fn request(
    from: &mut BufReader<TcpStream>,
    upstream: &str,
) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if line.trim().is_empty() {
            head.push_str("Connection: close\r\n\r\n");
            break;
        } else if lower.starts_with("host:") {
            head.extend(["Host: ", upstream, "\r\n"]);
        } else if !lower.starts_with("connection:") {
            chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
            if let Some(given) = lower.strip_prefix("content-length:") {
                length = given.trim().parse().ok()?;
            }
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    while chunked {
        let mut size = String::new();
        from.read_line(&mut size).ok()?;
        let number = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; number + 2];
        from.read_exact(&mut chunk).ok()?;
        body.extend(size.bytes().chain(chunk));
        chunked = number > 0;
    }
    Some((head, body))
}

#[test]
fn fault_35_a_lock_object_that_is_written_too_often_is_tried_again() {
    let mut project = Project::new();
    let gcs = Gcs::start(project.folder()).unwrap();
    gcs.create_bucket("acme-tfstate").unwrap();
    let busy = Busy::before(&gcs, 2);
    project.set(|s| {
        s.state =
            "{ backend = \"gcs\", bucket = \"acme-tfstate\", prefix = \"acme/dev\" }".to_owned();
        s.more = format!("\n[gcp]\nstorage_emulator = \"{}\"\n", busy.host);
    });
    project.module(&module_of("gcs", &step("a", None, &project.effects().command("a"))));
    project.plan(&json!({ "turn": "1" }));
    let writes = busy.lock_writes.lock().unwrap().clone();
    assert_eq!(writes[..3], [429, 429, 200], "refused twice, then taken: {writes:?}");
    project.apply(&json!({ "turn": "1" })).expect("succeeded");
    assert_eq!(gcs.object("acme-tfstate", "acme/dev/default.tflock").unwrap(), None, "given back");
    project.lock_is_free();
    project.log_is_whole();
}
