//! The HTTP server's doors, tried with requests as they are on the wire: no client library that would mend them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::forged::{hidden, meta};
use super::site::{Site, text};
use crate::alone;

/// A server, ended with the test.
struct Server {
    child: Child,
    address: String,
    token: String,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Server {
    fn start(site: &Site) -> Self {
        let mut command = site.command(&["--json", "serve", "--http", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = alone::spawn(&mut command);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let url = said["url"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
        let token = text(said["token_file"].as_str().unwrap().as_ref()).trim().to_owned();
        assert!(!line.contains(&token), "the token is shown");
        Self { child, address: address.to_owned(), token }
    }

    /// A request with these lines of head beside the usual ones.
    fn ask(&self, path: &str, head: &[&str], body: &str) -> Reply {
        let mut lines =
            vec![format!("POST {path} HTTP/1.1"), format!("Content-Length: {}", body.len())];
        lines.extend(head.iter().map(|line| (*line).to_owned()));
        let usual = [
            format!("Host: {}", self.address),
            format!("Authorization: Bearer {}", self.token),
            "Content-Type: application/json".to_owned(),
            "Accept: application/json, text/event-stream".to_owned(),
            "Connection: close".to_owned(),
        ];
        for line in usual {
            let name = line.split(':').next().unwrap().to_owned();
            if !head.iter().any(|given| given.starts_with(&name)) {
                lines.push(line);
            }
        }
        // An empty value leaves a line out.
        lines.retain(|line| !line.ends_with(": "));
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let request = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
        // A server that refuses early does not read to the end.
        drop(stream.write_all(request.as_bytes()));
        let mut reply = Vec::new();
        drop(stream.read_to_end(&mut reply));
        let reply = String::from_utf8_lossy(&reply).into_owned();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{reply}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A request as of the newest revision, its version in header and `_meta`.
    fn discover(&self, head: &[&str]) -> Reply {
        self.modern(head, "server/discover", "2026-07-28", json!({}))
    }

    fn modern(&self, head: &[&str], method: &str, version: &str, mut params: Value) -> Reply {
        params["_meta"] = meta();
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = version.into();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let name = format!("Mcp-Method: {method}");
        let version = "MCP-Protocol-Version: 2026-07-28";
        self.ask("/mcp", &[head, &[version, &name]].concat(), &body.to_string())
    }

    /// Opens a session as the revisions before the newest do.
    fn initialize(&self, head: &[&str]) -> Reply {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "wire", "version": "1" },
        });
        self.older(head, "initialize", &hello)
    }

    fn older(&self, head: &[&str], method: &str, params: &Value) -> Reply {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.ask("/mcp", head, &body.to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Reply {
    #[track_caller]
    fn code(&self) -> i64 {
        let start = self.body.find('{').unwrap_or_else(|| panic!("{self:?}"));
        let end = self.body.rfind('}').unwrap();
        let message: Value = serde_json::from_str(&self.body[start..=end]).unwrap();
        message["error"]["code"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

#[test]
fn security_2_only_the_token_opens_and_only_in_its_header() {
    let site = Site::new();
    let server = Server::start(&site);
    let good = server.discover(&[]);
    assert_eq!(good.status, 200, "{good:?}");
    assert!(good.body.contains("\"name\":\"datamcp\""), "{good:?}");
    let short = format!("Authorization: Bearer {}", &server.token[..63]);
    let basic = format!("Authorization: Basic {}", server.token);
    let none = ["Authorization: ", "Authorization: Bearer", "Authorization: Bearer x"];
    for head in none.into_iter().chain([short.as_str(), basic.as_str()]) {
        let reply = server.discover(&[head]);
        assert_eq!(reply.status, 401, "{head}: {reply:?}");
        assert!(reply.head.contains("www-authenticate: bearer"), "{reply:?}");
        assert!(!reply.body.contains("datamcp"), "{reply:?}");
    }
    let query = format!("/mcp?access_token={}", server.token);
    for head in [&["Authorization: "][..], &[]] {
        let reply = server.ask(&query, head, "{}");
        assert_eq!(reply.status, 400, "bad input 106: {reply:?}");
        assert!(!reply.body.contains(&server.token), "{reply:?}");
    }
    site.nothing_started("token");
}

#[test]
fn security_2_and_bad_inputs_104_and_105_foreign_hosts_and_origins_are_refused() {
    let site = Site::new();
    let server = Server::start(&site);
    let port = server.address.rsplit(':').next().unwrap();
    let foreign = [
        "Host: evil.com".to_owned(),
        format!("Host: evil.com:{port}"),
        format!("Host: 127.0.0.1.evil.com:{port}"),
        format!("Host: [2001:db8::1]:{port}"),
        "Origin: null".to_owned(),
        "Origin: http://evil.com".to_owned(),
        format!("Origin: http://127.0.0.1.evil.com:{port}"),
        format!("Origin: http://localhost.evil.com:{port}"),
        format!("Origin: http://[2001:db8::1]:{port}"),
    ];
    for head in &foreign {
        for reply in [server.discover(&[head]), server.initialize(&[head])] {
            assert_eq!(reply.status, 403, "{head}: {reply:?}");
        }
    }
    let own = [
        format!("Host: localhost:{port}"),
        format!("Host: [::1]:{port}"),
        format!("Origin: http://127.0.0.1:{port}"),
        format!("Origin: http://localhost:{port}"),
        format!("Origin: http://[::1]:{port}"),
    ];
    for head in &own {
        for reply in [server.discover(&[head]), server.initialize(&[head])] {
            assert_eq!(reply.status, 200, "{head}: {reply:?}");
        }
    }
}

/// The row over HTTP: no session that was made up, and no tool that is not listed, in both generations.
#[test]
fn security_6_hidden_tools_and_made_up_sessions_over_http() {
    let site = Site::new();
    let server = Server::start(&site);
    let opened = server.initialize(&[]);
    let session = opened.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    let session = session.map(|id| format!("Mcp-Session-Id: {id}"));
    let version = "MCP-Protocol-Version: 2025-11-25";
    let mut older = vec![version];
    older.extend(session.as_deref());
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(server.ask("/mcp", &older, &ready.to_string()).status, 202);
    for name in hidden(&site) {
        let call = json!({ "name": name, "arguments": {} });
        let reply = server.older(&older, "tools/call", &call);
        assert_eq!(reply.code(), -32602, "{name}: {reply:?}");
        let named = format!("Mcp-Name: {name}");
        let reply = server.modern(&[&named], "tools/call", "2026-07-28", call);
        assert_eq!(reply.code(), -32602, "{name}: {reply:?}");
    }
    let call = json!({ "name": "list_environments", "arguments": {} });
    let none = server.older(&[version], "tools/call", &call);
    assert_eq!(none.status, 400, "{none:?}");
    for made_up in ["x", "01890000-0000-7000-8000-000000000000"] {
        let head = format!("Mcp-Session-Id: {made_up}");
        let reply = server.older(&[version, &head], "tools/call", &call);
        assert_eq!(reply.status, 404, "{made_up}: {reply:?}");
        assert!(!reply.body.contains("environments"), "{reply:?}");
    }
    site.nothing_started("security 6");
}

#[test]
fn bad_inputs_37_38_98_and_99_are_refused_as_on_standard_input() {
    let site = Site::new();
    let server = Server::start(&site);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let twice = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, code) in [
        (twice, -32700),
        (deep.as_str(), -32700),
        ("not json", -32700),
        (&format!("[{ping}]"), -32600),
        (r#"{"id":7}"#, -32600),
    ] {
        let reply = server.ask("/mcp", &[], body);
        let shown = &body[..body.len().min(60)];
        assert_eq!((reply.status, reply.code()), (400, code), "{shown}: {reply:?}");
    }
    let long = format!("{ping}{}", " ".repeat(4 * 1024 * 1024));
    let reply = server.ask("/mcp", &[], &long);
    assert_eq!(reply.status, 413, "{reply:?}");
    let reply = server.discover(&[]);
    assert_eq!(reply.status, 200, "the server lives on: {reply:?}");
}

#[test]
fn bad_inputs_100_101_102_and_107_versions_capabilities_and_unknown_tools() {
    let site = Site::new();
    let server = Server::start(&site);
    let reply = server.modern(&[], "tools/list", "2025-11-25", json!({}));
    assert_eq!((reply.status, reply.code()), (400, -32020), "{reply:?}");
    let version = "MCP-Protocol-Version: 2031-01-01";
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2031-01-01",
        "io.modelcontextprotocol/clientInfo": { "name": "wire", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    } } });
    let reply = server.ask("/mcp", &[version, "Mcp-Method: tools/list"], &body.to_string());
    assert_eq!((reply.status, reply.code()), (400, -32022), "{reply:?}");
    assert!(reply.body.contains("2026-07-28"), "the list of revisions: {reply:?}");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "wire", "version": "1" },
    } } });
    let version = "MCP-Protocol-Version: 2026-07-28";
    let reply = server.ask("/mcp", &[version, "Mcp-Method: tools/list"], &body.to_string());
    assert_eq!((reply.status, reply.code()), (400, -32602), "{reply:?}");
    let call = json!({ "name": "aply_terraform", "arguments": {} });
    let named = "Mcp-Name: aply_terraform";
    let reply = server.modern(&[named], "tools/call", "2026-07-28", call);
    assert_eq!(reply.code(), -32602, "{reply:?}");
    assert!(reply.body.contains("apply_terraform"), "{reply:?}");
    site.nothing_started("versions");
}

#[test]
fn security_2_it_does_not_start_where_other_machines_could_reach_it() {
    let site = Site::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let (code, answer) = site.json(&["serve", "--http", address]);
        assert_eq!((code, &answer["error"]["code"]), (1, &json!("invalid_request")), "{answer}");
        assert_eq!(answer["error"]["field"], "http", "{answer}");
    }
    let output = site.run(&["serve", "--http", "localhost"], "");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn fault_5_told_to_end_the_http_server_ends_at_once() {
    let site = Site::new();
    let mut server = Server::start(&site);
    assert_eq!(server.discover(&[]).status, 200);
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let started = std::time::Instant::now();
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
