//! The client against a scripted server on two pipes.

use super::*;

/// A server that answers the n-th line it reads with the n-th entry, `ID` replaced by the line's id.
fn scripted(script: &'static [&'static str]) -> (Client, thread::JoinHandle<Vec<Value>>) {
    let (to_client, mut out) = std::io::pipe().unwrap();
    let (from_client, to_server) = std::io::pipe().unwrap();
    let server = thread::spawn(move || {
        let mut seen = Vec::new();
        let mut answers = script.iter();
        for line in BufReader::new(from_client).lines() {
            let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let id = message.get("id").map(Value::to_string).unwrap_or_default();
            seen.push(message);
            let Some(answer) = answers.next() else { break };
            out.write_all(answer.replace("ID", &id).as_bytes()).unwrap();
        }
        seen
    });
    let client = Client::over(to_client, to_server).with_patience(Duration::from_secs(5));
    (client, server)
}

#[test]
fn a_session_opens_and_says_so() {
    let (mut client, server) = scripted(&[
        "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"protocolVersion\":\"2025-11-25\"}}\n",
        "",
    ]);
    client.initialize().unwrap();
    drop(client);
    let seen = server.join().unwrap();
    let methods: Vec<&str> = seen.iter().filter_map(|m| m["method"].as_str()).collect();
    assert_eq!(methods, ["initialize", "notifications/initialized"]);
}

#[test]
fn another_revision_is_refused() {
    let (mut client, _server) = scripted(&[
        "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"protocolVersion\":\"2024-11-05\"}}\n",
    ]);
    assert!(client.initialize().unwrap_err().to_string().contains("2024-11-05"));
}

#[test]
fn a_call_shows_progress_serves_a_ping_and_returns_the_content() {
    let (mut client, server) = scripted(&[
        "{\"method\":\"notifications/progress\",\"params\":{\"progress\":1,\"message\":\"init\"}}\n\
         {\"id\":7,\"method\":\"ping\"}\n",
        "{\"id\":1,\"result\":{\"structuredContent\":{\"status\":\"planned\",\
         \"approval\":{\"id\":\"a1\"}},\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}\n",
    ]);
    let mut seen = Vec::new();
    let answer = client
        .call("apply_terraform", &json!({}), &mut |p| {
            seen.push(p.message.clone());
        })
        .unwrap();
    assert_eq!(seen, ["init"]);
    assert_eq!(answer.status(), "planned");
    assert_eq!(answer.text_at("/approval/id"), Some("a1"));
    assert!(!answer.is_error);
    drop(client);
    let sent = server.join().unwrap();
    assert_eq!(sent[0]["params"]["_meta"]["progressToken"], "progress-1");
    assert_eq!(sent[1], json!({ "jsonrpc": "2.0", "id": 7, "result": {} }));
}

#[test]
fn tools_come_page_by_page() {
    let (mut client, _server) = scripted(&[
        "{\"id\":ID,\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"2\"}}\n",
        "{\"id\":ID,\"result\":{\"tools\":[{\"name\":\"b\"}]}}\n",
    ]);
    assert_eq!(client.tools().unwrap().len(), 2);
}

#[test]
fn errors_and_noise_are_told_apart() {
    let (mut client, _server) = scripted(&[
        "{\"id\":ID,\"error\":{\"code\":-32602,\"message\":\"unknown tool\"}}\n",
        "log\n",
    ]);
    let watch = &mut |_: &Progress| {};
    let error = client.call("x", &json!({}), watch).unwrap_err();
    assert!(error.to_string().contains("-32602"), "{error:#}");
    let error = client.call("x", &json!({}), watch).unwrap_err();
    assert!(format!("{error:#}").contains("not JSON: log"), "{error:#}");
}

#[test]
fn a_server_that_ends_is_noticed() {
    let (mut client, _server) = scripted(&[]);
    let error = client.request("ping", &json!({}), &mut |_| {}).unwrap_err();
    assert!(format!("{error:#}").contains("closed its streams"), "{error:#}");
}
