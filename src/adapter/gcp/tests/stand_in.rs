//! A server on this machine that answers as it was told, by path, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

type Rule = (&'static str, u16, Value);

pub(super) struct StandIn {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    rules: Arc<Mutex<Vec<Rule>>>,
}

impl StandIn {
    /// One that answers 404 to everything.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, rules) =
            (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Rule>>>::default());
        let (told, known) = (Arc::clone(&asked), Arc::clone(&rules));
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let text = request(&mut stream);
                let line = text.lines().next().unwrap_or_default().to_owned();
                told.lock().unwrap().push(text);
                let found =
                    known.lock().unwrap().iter().find(|(part, ..)| line.contains(part)).cloned();
                let absent = || {
                    (
                        "",
                        404,
                        json!({ "error": { "code": 404, "status": "NOT_FOUND", "message": "no such thing" } }),
                    )
                };
                answer(&mut stream, &found.unwrap_or_else(absent));
            }
        });
        Self { url, asked, rules }
    }

    /// From now on a request whose first line holds this part is answered so.
    pub(super) fn says(&self, part: &'static str, status: u16, value: Value) -> &Self {
        if status == 200 {
            described(part, &value);
        }
        let mut rules = self.rules.lock().unwrap();
        rules.retain(|(known, ..)| *known != part);
        rules.push((part, status, value));
        self
    }

    /// A token endpoint that gives this token for so many seconds, and a project that is there.
    pub(super) fn usual(&self, seconds: u32) -> &Self {
        self.says(
            "/oauth2.googleapis.com/token",
            200,
            json!({ "access_token": "user-token", "expires_in": seconds, "token_type": "Bearer" }),
        )
        .says(
            "/v3/projects/acme-dev-4711",
            200,
            json!({ "name": "projects/415104041262", "projectId": "acme-dev-4711", "state": "ACTIVE" }),
        )
        .says("/oauth2/v2/userinfo", 200, json!({ "id": "1", "email": "me@example.com" }))
    }

    /// Everything that it was asked.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often something was asked.
    pub(super) fn times(&self, part: &str) -> usize {
        self.asked().iter().filter(|a| a.lines().next().unwrap_or_default().contains(part)).count()
    }
}

/// The head of a request, and its body.
fn request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.and_then(|l| l.lines().next()?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read(&mut buffer).unwrap_or(0) {
            0 => return text,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(stream: &mut TcpStream, (_, status, value): &Rule) {
    let body = value.to_string();
    let more = if *status == 302 { "Location: http://127.0.0.1:1/\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nMetadata-Flavor: Google\r\n{more}\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    drop(stream.write_all(format!("{head}{body}").as_bytes()));
}

/// Google's own description of its APIs, as the lab's stand-in has it.
const APIS: &str = include_str!("../../../../tests/lab/python/additions/google.json");

/// Holds an answer against it: a field that Google does not have fails the test.
fn described(part: &str, value: &Value) {
    let schema = match part {
        "/v3/projects/acme-dev-4711" => "Project",
        "/oauth2/v2/userinfo" => "Userinfo",
        "/sts.googleapis.com/v1/token" => "GoogleIdentityStsV1ExchangeTokenResponse",
        ":generateAccessToken" => "GenerateAccessTokenResponse",
        "/locations/-/clusters" => "ListClustersResponse",
        "/locations/europe-west1/operations" => "ListOperationsResponse",
        "/locations/europe-west1/clusters/acme" => "Cluster",
        part if part.ends_with(":access") => "AccessSecretVersionResponse",
        // By RFC 6749 and by the pages about metadata; the last is no Google's.
        "/oauth2.googleapis.com/token" | "/token?scopes=" | "?recursive=true" | "/idp" => return,
        other => panic!("nothing is known of {other}"),
    };
    let apis: Value = serde_json::from_str(APIS).unwrap();
    fits(&apis["schemas"], &json!({ "$ref": schema }), value, schema);
}

fn fits(schemas: &Value, rule: &Value, value: &Value, at: &str) {
    let rule = rule["$ref"].as_str().map_or(rule, |name| &schemas[name]);
    if let Some(allowed) = rule["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    match (rule["type"].as_str(), value) {
        (Some("object"), Value::Object(map)) if rule["properties"].is_object() => {
            for (name, inner) in map {
                let known = rule["properties"].get(name);
                let known = known.unwrap_or_else(|| panic!("{at} has no {name}"));
                fits(schemas, known, inner, &format!("{at}.{name}"));
            }
        }
        (Some("array"), Value::Array(all)) => {
            for inner in all {
                fits(schemas, &rule["items"], inner, &format!("{at}[]"));
            }
        }
        (None | Some("object"), _)
        | (Some("string"), Value::String(_))
        | (Some("boolean"), Value::Bool(_))
        | (Some("integer" | "number"), Value::Number(_)) => {}
        (kind, value) => panic!("{at} is no {kind:?}: {value}"),
    }
}
