//! Stand-ins for what gives out keys, on one port: STS, the portal and the token service of IAM Identity Center as the
//! mappings in `fixtures/aws/keys` answer; the container endpoint and the instance metadata service (version 2) by their
//! guides, for no model describes them. No signature is checked: the answer of `GetCallerIdentity` names the key that the
//! request was signed with.

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use xtask::stubs::{Answer, Asked, Server, Set, named, root};

/// What each stand-in gives out as secret, and what it takes: none of it may be seen anywhere.
pub(super) const CANARY: &str = "canaryJw4secretOfTheSource";
/// What the mappings have in its place.
const EXAMPLE: &str = "EXAMPLE-SECRET";
const JSON: &str = "application/json";

/// The mappings that are played.
const KEYS: [&str; 12] = [
    "aws/keys/assume-role",
    "aws/keys/assume-role-by-external-id",
    "aws/keys/assume-role-denied",
    "aws/keys/assume-role-with-web-identity",
    "aws/keys/assume-role-without-external-id",
    "aws/keys/get-session-token",
    "aws/keys/get-session-token-refused",
    "aws/keys/portal",
    "aws/keys/portal-refused",
    "aws/keys/renew",
    "aws/keys/renew-refused",
    "aws/keys/who",
];

/// The server; it lives as long as the test process.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    pub(super) url: String,
    server: Arc<Server>,
}

impl StandIn {
    pub(super) fn start() -> Self {
        let mut set = Set::default();
        for (name, mapping) in KEYS.iter().flat_map(|name| named(&root(), name).unwrap()) {
            set.add(&name, mapping, false);
        }
        let set = Mutex::new(set);
        Self::serving(move |asked| answer(asked, &set))
    }

    fn serving(answers: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let server = Server::start(answers).unwrap();
        Self { url: server.url().to_owned(), server: Arc::new(server) }
    }

    /// Every request so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.server.asked()
    }

    /// Bodies of the calls of one STS action.
    pub(super) fn calls(&self, action: &str) -> Vec<String> {
        self.signed(action).into_iter().map(|(_, body)| body).collect()
    }

    /// The same, each with the key that signed it.
    pub(super) fn signed(&self, action: &str) -> Vec<(String, String)> {
        let all = self.asked().into_iter().map(|asked| (key(&asked).to_owned(), text(&asked.body)));
        all.filter(|(_, body)| body.contains(&format!("Action={action}&"))).collect()
    }
}

/// When a request began to wait, and when it was given up; none while it waits.
type Wait = (Instant, Option<Instant>);

/// A server that takes every request and answers none; it notes how long each was waited for.
#[derive(Debug)]
pub(super) struct BlackHole {
    pub(super) url: String,
    waits: Arc<Mutex<Vec<Wait>>>,
}

impl BlackHole {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let waits = Arc::new(Mutex::new(Vec::<Wait>::new()));
        let kept = Arc::clone(&waits);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut all = kept.lock().unwrap();
                let (at, kept) = (all.len(), Arc::clone(&kept));
                all.push((Instant::now(), None));
                std::thread::spawn(move || {
                    drop(stream.read_to_end(&mut Vec::new()));
                    kept.lock().unwrap()[at].1 = Some(Instant::now());
                });
            }
        });
        Self { url, waits }
    }

    /// How many requests there were.
    pub(super) fn asked(&self) -> usize {
        self.waits.lock().unwrap().len()
    }

    /// From the first request until the last one was given up.
    pub(super) fn waited(&self) -> Duration {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let waits = self.waits.lock().unwrap().clone();
            let ends: Option<Vec<Instant>> = waits.iter().map(|wait| wait.1).collect();
            if let Some(last) = ends.and_then(|ends| ends.into_iter().max()) {
                return last.duration_since(waits.iter().map(|wait| wait.0).min().unwrap());
            }
            assert!(Instant::now() < deadline, "a request is waited for yet, or none came");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Id of the key that signed a request.
fn key(asked: &Asked) -> &str {
    let signed = asked.header("authorization").split("Credential=").nth(1).unwrap_or_default();
    signed.split('/').next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn answer(asked: &Asked, keys: &Mutex<Set>) -> Answer {
    match asked.path.as_str() {
        "/" | "/federation/credentials" | "/token" => played(asked, keys),
        "/container" => container(asked),
        path => metadata(asked, path),
    }
}

/// What a mapping answers, with the canary in place of its example both ways.
fn played(asked: &Asked, keys: &Mutex<Set>) -> Answer {
    let plain = |value: &str| value.replace(CANARY, EXAMPLE);
    let headers: Vec<(&str, String)> =
        asked.headers.iter().map(|(name, value)| (name.as_str(), plain(value))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let body = plain(&text(&asked.body));
    let asked = Asked::of(&asked.method, &asked.target, &headers, body.as_bytes());
    let mut answer = keys.lock().unwrap().answer(&asked);
    let body = text(&answer.body).replace(EXAMPLE, CANARY).replace("KEY-OF-CALLER", key(&asked));
    answer.body = body.into_bytes();
    answer
}

fn container(asked: &Asked) -> Answer {
    if asked.header("authorization") != CANARY {
        return Answer::of(403, JSON, r#"{"code":"x","message":"no"}"#);
    }
    Answer::of(200, JSON, machine("KEY-OF-CONTAINER"))
}

fn machine(key: &str) -> String {
    serde_json::json!({ "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key,
        "LastUpdated": "2026-01-01T00:00:00Z", "SecretAccessKey": CANARY, "Token": CANARY,
        "Expiration": "2099-01-01T00:00:00Z" })
    .to_string()
}

/// Version 2 only: without a session token nothing is told.
fn metadata(asked: &Asked, path: &str) -> Answer {
    let plain = |status, text: &str| Answer::of(status, "text/plain", text);
    if (asked.method.as_str(), path) == ("PUT", "/latest/api/token") {
        return plain(200, "session").header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    }
    if asked.header("x-aws-ec2-metadata-token") != "session" {
        return plain(401, "");
    }
    match path.strip_prefix("/latest/meta-data/iam/security-credentials/") {
        Some("") => plain(200, "its-role"),
        Some("its-role") => Answer::of(200, JSON, machine("KEY-OF-INSTANCE")),
        _ => plain(404, ""),
    }
}
