//! Stand-ins for what gives out keys, on one port: STS, the portal and the token service of IAM Identity Center as the
//! mappings in `fixtures/aws/keys` answer; the container endpoint and the instance metadata service (version 2) by their
//! guides, for no model describes them. No signature is checked: the answer of `GetCallerIdentity` names the key that the
//! request was signed with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use xtask::stubs::{Answer, Asked, Server, Set, named, root};

/// What each stand-in gives out as secret, and what it takes: none of it may be seen anywhere.
pub(super) const CANARY: &str = "canaryJw4secretOfTheSource";
/// What the mappings have in its place.
const EXAMPLE: &str = "EXAMPLE-SECRET";
const JSON: &str = "application/json";

/// The mappings that are played.
const KEYS: [&str; 10] = [
    "aws/keys/assume-role",
    "aws/keys/assume-role-by-external-id",
    "aws/keys/assume-role-denied",
    "aws/keys/assume-role-with-web-identity",
    "aws/keys/assume-role-without-external-id",
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

    /// A server that takes every request and answers none.
    pub(super) fn black_hole() -> Self {
        let delay = Duration::from_hours(1);
        Self::serving(move |_| Answer { delay, ..Answer::cut() })
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
        let bodies = self.asked().into_iter().map(|asked| text(&asked.body));
        bodies.filter(|body| body.contains(&format!("Action={action}&"))).collect()
    }
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
    let signed = asked.header("authorization").split("Credential=").nth(1).unwrap_or_default();
    let key = signed.split('/').next().unwrap_or_default();
    let body = text(&answer.body).replace(EXAMPLE, CANARY).replace("KEY-OF-CALLER", key);
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
