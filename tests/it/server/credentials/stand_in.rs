//! Stand-ins for what gives out keys, on one port: STS, the portal and the token service of IAM Identity Center, the
//! container endpoint, the instance metadata service (version 2). Written from the API references; the shapes of the
//! portal and the token service were compared with botocore's service models. No signature is checked: the answer of
//! `GetCallerIdentity` names the key that the request was signed with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What each stand-in gives out as secret, and what it takes: none of it may be seen anywhere.
pub(super) const CANARY: &str = "canaryJw4secretOfTheSource";

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    head: String,
    pub(super) body: String,
}

impl Asked {
    /// Id of the key that signed it.
    fn key(&self) -> String {
        let signed = self.header("authorization").split("Credential=").nth(1).unwrap_or_default();
        signed.split('/').next().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        found.unwrap_or_default()
    }
}

/// The server; it lives as long as the test process.
#[derive(Debug, Clone)]
pub(super) struct StandIn {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    waits: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

impl StandIn {
    pub(super) fn start() -> Self {
        Self::serving(|asked, mut stream| {
            let (status, more, body) = answer(asked);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n"
            );
            drop(stream.write_all(format!("{head}{body}").as_bytes()));
        })
    }

    /// A server that takes every request and answers none; it notes how long each was waited for.
    pub(super) fn black_hole() -> Self {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&waits);
        let hole = Self::serving(move |_, mut stream| {
            let (from, noted) = (Instant::now(), Arc::clone(&noted));
            std::thread::spawn(move || {
                drop(stream.read_to_end(&mut Vec::new()));
                noted.lock().unwrap().push((from, Instant::now()));
            });
        });
        Self { waits, ..hole }
    }

    /// From the first request until the last one was given up.
    pub(super) fn waited(&self) -> Duration {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.waits.lock().unwrap().len() < self.asked().len() {
            assert!(Instant::now() < deadline, "a request is waited for yet");
            std::thread::sleep(Duration::from_millis(10));
        }
        let waits = self.waits.lock().unwrap();
        let (from, until) = (waits.iter().map(|w| w.0).min(), waits.iter().map(|w| w.1).max());
        until.unwrap().duration_since(from.unwrap())
    }

    fn serving(answers: impl Fn(&Asked, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let all = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&all);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = read(&stream);
                kept.lock().unwrap().push(asked.clone());
                answers(&asked, stream);
            }
        });
        Self { url, asked: all, waits: Arc::default() }
    }

    /// Every request so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Bodies of the calls of one STS action.
    pub(super) fn calls(&self, action: &str) -> Vec<String> {
        self.signed(action).into_iter().map(|(_, body)| body).collect()
    }

    /// The same, each with the key that signed it.
    pub(super) fn signed(&self, action: &str) -> Vec<(String, String)> {
        let of_action = |asked: &Asked| asked.body.contains(&format!("Action={action}&"));
        let all = self.asked().into_iter().filter(of_action);
        all.map(|asked| (asked.key(), asked.body)).collect()
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut head = String::new();
    drop(reader.read_line(&mut line));
    loop {
        let mut one = String::new();
        if reader.read_line(&mut one).unwrap_or(0) == 0 || one.trim().is_empty() {
            break;
        }
        head.push_str(&one);
    }
    let mut asked = Asked { line: line.trim().to_owned(), head, body: String::new() };
    let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    drop(reader.read_exact(&mut body));
    asked.body = String::from_utf8_lossy(&body).into_owned();
    asked
}

/// Status, more header lines, body.
type Answer = (&'static str, &'static str, String);

fn answer(asked: &Asked) -> Answer {
    let path = asked.line.split(' ').nth(1).unwrap_or_default();
    match path.split('?').next().unwrap_or_default() {
        "/" => sts(asked),
        "/federation/credentials" => portal(asked),
        "/token" => token(asked),
        "/container" => container(asked),
        _ => metadata(asked, path),
    }
}

fn sts(asked: &Asked) -> Answer {
    let has = |part: &str| asked.body.contains(part);
    let xml = "content-type: text/xml\r\n";
    if has("Action=GetCallerIdentity") {
        let key = asked.key();
        let result = format!(
            "<Arn>arn:aws:iam::123456789012:user/{key}</Arn><UserId>x</UserId>\
             <Account>123456789012</Account>"
        );
        return ("200 OK", xml, wrapped("GetCallerIdentity", &result));
    }
    if has("DenyAll") || (has("external") && !has("ExternalId=right")) {
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                     <Message>User is not authorized to perform: sts:AssumeRole</Message></Error>\
                     <RequestId>x</RequestId></ErrorResponse>";
        return ("403 Forbidden", xml, error.to_owned());
    }
    if has("TokenCode=000000") {
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                     <Message>MultiFactorAuthentication failed with invalid MFA one time pass code. \
                     </Message></Error><RequestId>x</RequestId></ErrorResponse>";
        return ("403 Forbidden", xml, error.to_owned());
    }
    let (action, key) = if has("Action=GetSessionToken") {
        ("GetSessionToken", "KEY-OF-MFA")
    } else if has("WebIdentityToken=") {
        ("AssumeRoleWithWebIdentity", "KEY-OF-WEB")
    } else {
        ("AssumeRole", "KEY-OF-ROLE")
    };
    let keys = format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>\
         <SessionToken>{CANARY}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials>"
    );
    ("200 OK", xml, wrapped(action, &keys))
}

fn wrapped(action: &str, result: &str) -> String {
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}

const JSON: &str = "content-type: application/json\r\n";

fn portal(asked: &Asked) -> Answer {
    let token = asked.header("x-amz-sso_bearer_token");
    if !token.starts_with(CANARY) || token.ends_with("refused") {
        let kind = "x-amzn-errortype: UnauthorizedException\r\n";
        let body = r#"{"message":"Session token not found or invalid"}"#;
        return ("401 Unauthorized", kind, body.to_owned());
    }
    let keys = serde_json::json!({ "roleCredentials": {
        "accessKeyId": "KEY-OF-SSO", "secretAccessKey": CANARY, "sessionToken": CANARY,
        "expiration": 4_070_908_800_000_u64 } });
    ("200 OK", JSON, keys.to_string())
}

fn token(asked: &Asked) -> Answer {
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap_or_default();
    if sent["grantType"] != "refresh_token" || sent["refreshToken"] != CANARY {
        let kind = "x-amzn-errortype: InvalidGrantException\r\n";
        return ("400 Bad Request", kind, r#"{"error":"invalid_grant"}"#.to_owned());
    }
    let fresh = serde_json::json!({ "accessToken": format!("{CANARY}-renewed"),
        "refreshToken": CANARY, "expiresIn": 28800, "tokenType": "Bearer" });
    ("200 OK", JSON, fresh.to_string())
}

fn container(asked: &Asked) -> Answer {
    if asked.header("authorization") != CANARY {
        return ("403 Forbidden", JSON, r#"{"code":"x","message":"no"}"#.to_owned());
    }
    ("200 OK", JSON, machine("KEY-OF-CONTAINER"))
}

fn machine(key: &str) -> String {
    serde_json::json!({ "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key,
        "LastUpdated": "2026-01-01T00:00:00Z", "SecretAccessKey": CANARY, "Token": CANARY,
        "Expiration": "2099-01-01T00:00:00Z" })
    .to_string()
}

/// Version 2 only: without a session token nothing is told.
fn metadata(asked: &Asked, path: &str) -> Answer {
    let list = "/latest/meta-data/iam/security-credentials/";
    if asked.line.starts_with("PUT /latest/api/token ") {
        let life = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
        return ("200 OK", life, "session".to_owned());
    }
    if asked.header("x-aws-ec2-metadata-token") != "session" {
        return ("401 Unauthorized", "", String::new());
    }
    match path.strip_prefix(list) {
        Some("") => ("200 OK", "", "its-role".to_owned()),
        Some("its-role") => ("200 OK", JSON, machine("KEY-OF-INSTANCE")),
        _ => ("404 Not Found", "", String::new()),
    }
}
