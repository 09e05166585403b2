//! The loader itself: what it takes, what it refuses, and that it is strict.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use super::*;

/// Asks, and gives the status, the body, or nothing where there was no HTTP.
fn ask(url: &str, method: &str, target: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(stream, "{method} {target} HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

fn stubs(mappings: &[Value]) -> Stubs {
    let stubs = Stubs::start::<&str>(&[]).unwrap();
    for mapping in mappings {
        stubs.add(mapping.clone()).unwrap();
    }
    stubs
}

fn says(request: &Value, body: &str) -> Value {
    json!({ "request": request, "response": { "status": 200, "body": body } })
}

/// What a request is answered by stubs that may refuse it.
fn said(stubs: &Stubs, method: &str, target: &str, headers: &str, body: &str) -> String {
    ask(stubs.url(), method, target, headers, body).unwrap().1
}

/// Lets go of stubs that were asked for what they do not know, on purpose.
fn forgive(stubs: Stubs) {
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(stubs))).is_err());
}

#[test]
fn priority_decides_and_then_the_last_one() {
    let any = json!({ "method": "ANY", "urlPattern": ".*" });
    let mut first = says(&any, "first");
    first["priority"] = 1.into();
    let stubs = stubs(&[first, says(&any, "second"), says(&any, "third")]);
    assert_eq!(said(&stubs, "GET", "/x", "", ""), "first");
    let mut zero = says(&json!({ "method": "GET", "urlPath": "/y" }), "zero");
    zero["priority"] = 1.into();
    stubs.add(zero).unwrap();
    assert_eq!(said(&stubs, "GET", "/y?a=1", "", ""), "zero");
}

#[test]
fn urls_queries_and_headers() {
    let stubs = stubs(&[
        says(&json!({ "method": "GET", "url": "/exact?a=1" }), "url"),
        says(&json!({ "method": "GET", "urlPathPattern": "/p/[a-z]+" }), "pattern"),
        says(
            &json!({ "method": "GET", "urlPath": "/q", "queryParameters": { "a b": { "equalTo": "1 2" } } }),
            "query",
        ),
        says(
            &json!({ "method": "GET", "urlPath": "/h", "headers": {
                "X-A": { "equalTo": "YES", "caseInsensitive": true }, "X-B": { "absent": true },
                "X-C": { "doesNotMatch": "no.*" } } }),
            "headers",
        ),
    ]);
    for (target, headers, expected) in [
        ("/exact?a=1", "", "url"),
        ("/p/abc?x=y", "", "pattern"),
        ("/q?z=1&a%20b=1+2", "", "query"),
        ("/h", "x-a: yes\r\nx-c: go\r\n", "headers"),
    ] {
        assert_eq!(said(&stubs, "GET", target, headers, ""), expected);
    }
    for (target, headers) in [
        ("/exact?a=12", ""),
        ("/p/abc1", ""),
        ("/q?a%20b=12", ""),
        ("/h", "x-a: yes\r\nx-c: nothing\r\n"),
        ("/h", "x-a: yes\r\nx-b: 1\r\nx-c: go\r\n"),
    ] {
        assert_eq!(ask(stubs.url(), "GET", target, headers, "").unwrap().0, 404, "{target}");
    }
    assert_eq!(stubs.wrong().len(), 5);
    forgive(stubs);
}

#[test]
fn bodies_are_compared_as_json_and_looked_into() {
    let of =
        |pattern: Value| json!({ "method": "POST", "urlPath": "/", "bodyPatterns": [pattern] });
    let json = json!({ "a": [1, 2], "b": { "c": "d" } });
    for (pattern, good, bad) in [
        (
            json!({ "equalToJson": json }),
            r#"{"b":{"c":"d"},"a":[1,2]}"#,
            r#"{"b":{"c":"d"},"a":[2,1]}"#,
        ),
        (
            json!({ "equalToJson": json, "ignoreArrayOrder": true }),
            r#"{"b":{"c":"d"},"a":[2,1]}"#,
            r#"{"b":{"c":"d"},"a":[2,1],"x":0}"#,
        ),
        (
            json!({ "equalToJson": json, "ignoreExtraElements": true }),
            r#"{"b":{"c":"d","e":1},"a":[1,2]}"#,
            r#"{"b":{},"a":[1,2]}"#,
        ),
        (json!({ "matchesJsonPath": "$.a[1].b" }), r#"{"a":[0,{"b":1}]}"#, r#"{"a":[{"b":1}]}"#),
        (
            json!({ "matchesJsonPath": { "expression": "$.a['b c']", "equalTo": "1" } }),
            r#"{"a":{"b c":1}}"#,
            r#"{"a":{"b c":2}}"#,
        ),
        (json!({ "contains": "x=1" }), "a&x=1&b", "x=2"),
        (json!({ "matches": "x=[0-9]+" }), "x=12", "x=12&y"),
    ] {
        let stubs = stubs(&[says(&of(pattern.clone()), "yes")]);
        assert_eq!(said(&stubs, "POST", "/", "", good), "yes", "{pattern}");
        assert_eq!(ask(stubs.url(), "POST", "/", "", bad).unwrap().0, 404, "{pattern}");
        forgive(stubs);
    }
}

#[test]
fn a_scenario_goes_from_state_to_state() {
    let get = json!({ "method": "GET", "urlPath": "/" });
    let part = |body: &str, from: &str, to: &str| {
        let mut mapping = says(&get, body);
        mapping["scenarioName"] = "story".into();
        mapping["requiredScenarioState"] = from.into();
        mapping["newScenarioState"] = to.into();
        mapping
    };
    let stubs = stubs(&[part("one", "Started", "later"), part("two", "later", "later")]);
    let all: Vec<String> = (0..3).map(|_| said(&stubs, "GET", "/", "", "")).collect();
    assert_eq!(all, ["one", "two", "two"]);
    stubs.bring("story", "Started");
    assert_eq!(said(&stubs, "GET", "/", "", ""), "one");
}

#[test]
fn faults_and_waits_are_what_they_say() {
    let of = |path: &str, response: Value| json!({ "request": { "method": "GET", "urlPath": path }, "response": response });
    let stubs = stubs(&[
        of("/empty", json!({ "status": 200, "fault": "EMPTY_RESPONSE" })),
        of("/random", json!({ "status": 200, "fault": "RANDOM_DATA_THEN_CLOSE" })),
        of("/chunk", json!({ "status": 200, "fault": "MALFORMED_RESPONSE_CHUNK" })),
        of("/late", json!({ "status": 200, "body": "x", "fixedDelayMilliseconds": 60 })),
        of(
            "/drip",
            json!({ "status": 200, "body": "drops", "chunkedDribbleDelay": { "numberOfChunks": 3, "totalDuration": 60 } }),
        ),
    ]);
    assert_eq!(ask(stubs.url(), "GET", "/empty", "", ""), None);
    assert_eq!(ask(stubs.url(), "GET", "/random", "", ""), None);
    assert!(said(&stubs, "GET", "/chunk", "", "").starts_with("no chunk"));
    for (path, body) in [("/late", "x"), ("/drip", "drops")] {
        let started = std::time::Instant::now();
        assert_eq!(said(&stubs, "GET", path, "", ""), body);
        assert!(started.elapsed().as_millis() >= 60, "{path}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let good = says(&json!({ "method": "GET", "urlPath": "/" }), "");
    Mapping::read(&good).unwrap();
    for (at, value) in [
        ("/postServeActions", json!([])),
        ("/request/cookies", json!({})),
        ("/request/url", json!("/")),
        ("/request/headers", json!({ "A": {} })),
        ("/request/headers", json!({ "A": { "equalTo": "a", "contains": "b" } })),
        ("/request/headers", json!({ "A": { "matches": "(" } })),
        ("/request/bodyPatterns", json!([{ "matchesXPath": "/" }])),
        ("/request/bodyPatterns", json!([{ "matchesJsonPath": "$..a" }])),
        ("/request/bodyPatterns", json!([{ "matchesJsonPath": "$.a[?(@.b)]" }])),
        ("/response/jsonBody", json!({})),
        ("/response/transformers", json!(["response-template"])),
        ("/response/fault", json!("CONNECTION_RESET_BY_PEER")),
        ("/newScenarioState", json!("x")),
        ("/metadata", json!({})),
    ] {
        let mut bad = good.clone();
        let (parent, name) = at.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value;
        Mapping::read(&bad).expect_err(at);
    }
}

#[test]
fn a_stand_in_that_was_not_used_as_it_says_fails_its_test() {
    let wrong = |stubs: &Stubs| stubs.wrong().join("\n");
    let idle = Stubs::start(&["argocd/about/version"]).unwrap();
    assert_eq!(wrong(&idle), "nobody asked for argocd/about/version");
    forgive(idle);
    let lenient = Stubs::start(&["argocd/about/version?"]).unwrap();
    assert_eq!(wrong(&lenient), "");
    let unknown = stubs(&[]);
    assert_eq!(ask(unknown.url(), "PUT", "/a", "", "").unwrap().0, 404);
    assert!(wrong(&unknown).starts_with("PUT /a was asked"), "{}", wrong(&unknown));
    forgive(unknown);
    Stubs::start(&["argocd/no-such-thing"]).unwrap_err();
}

#[test]
fn an_exchange_that_google_does_not_describe_is_wrong() {
    let project = "/cloudresourcemanager.googleapis.com/v3/projects/acme";
    let cluster = "/container.googleapis.com/v1/projects/a/locations/b/clusters/c";
    for (method, target, status, body, part) in [
        ("GET", project, 200, json!({ "projectId": "acme" }), ""),
        ("GET", project, 200, json!({ "projectID": "acme" }), "has no projectID"),
        ("GET", project, 200, json!({ "projectId": 1 }), "is no string"),
        ("GET", project, 200, json!({ "state": "GONE" }), "none of its values"),
        ("POST", project, 200, json!({}), "has no POST"),
        ("GET", project, 403, json!({ "error": { "code": 404 } }), "tells Some(404)"),
        (
            "GET",
            project,
            403,
            json!({ "error": { "code": 403, "status": "NOT_FOUND" } }),
            "is no NOT_FOUND",
        ),
        ("GET", project, 200, json!({ "createTime": "yesterday" }), "is no google-datetime"),
        ("GET", project, 200, json!({ "labels": { "a": 1 } }), "is no string"),
        ("GET", &format!("{project}?fields=name"), 200, json!({}), ""),
        ("GET", &format!("{project}?field=name"), 200, json!({}), "has no parameter field"),
        ("GET", cluster, 200, json!({ "nodePools": [{ "config": { "machineType": "e2" } }] }), ""),
        (
            "GET",
            cluster,
            200,
            json!({ "nodePools": [{ "config": { "machine": "e2" } }] }),
            "has no machine",
        ),
        ("GET", "/idp", 200, json!({ "any": "thing" }), ""),
    ] {
        let asked = Asked::of(method, target, &[], b"");
        let found =
            unlike_google(&asked, &Answer::of(status, "application/json", body.to_string()));
        assert_eq!(found.is_none(), part.is_empty(), "{found:?}");
        assert!(found.unwrap_or_default().contains(part), "{part}");
    }
}

/// Written by a test itself, they are held against the description all the same.
#[test]
fn an_exchange_that_argo_cd_does_not_describe_is_wrong() {
    let app = "/api/v1/applications/demo";
    for (method, target, body, answer, part) in [
        ("GET", app, "", json!({ "metadata": { "name": "demo" } }), ""),
        ("GET", app, "", json!({ "metadata": { "nam": "demo" } }), "has no nam"),
        ("GET", "/api/v1/application/demo", "", json!({}), "has no GET"),
        ("GET", "/api/v1/applications/demo?project=a&refresh=hard", "", json!({}), ""),
        ("GET", "/api/v1/applications/demo?projet=a", "", json!({}), "has no parameter projet"),
        ("POST", "/api/v1/applications/demo/sync", "{\"prune\":true}", json!({}), ""),
        ("POST", "/api/v1/applications/demo/sync", "{\"prun\":true}", json!({}), "has no prun"),
        ("PUT", "/api/v1/applications/demo/spec", "{\"project\":1}", json!({}), "is no string"),
    ] {
        let path = target.split('?').next().unwrap();
        let stubs = stubs(&[json!({
            "request": { "method": method, "urlPath": path },
            "response": { "status": 200, "headers": { "Content-Type": "application/json" }, "jsonBody": answer },
        })]);
        ask(stubs.url(), method, target, "", body).unwrap();
        let wrong = stubs.wrong().join("\n");
        assert_eq!(wrong.is_empty(), part.is_empty(), "{target}: {wrong}");
        assert!(wrong.contains(part), "{part}: {wrong}");
        if !part.is_empty() {
            forgive(stubs);
        }
    }
}
