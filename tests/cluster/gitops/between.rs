//! What stands between us and a real Argo CD and does not do what it should.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use xtask::lab::Api;

use super::project::{Other, Project};
use crate::harness::{argocd, lab};

/// Hands requests on to Argo CD. The first POST of a sync is handed on as well, and its answer thrown away.
struct Between {
    url: String,
    syncs: Arc<AtomicUsize>,
}

fn request(stream: &mut TcpStream) -> (String, String, String) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1);
            let length = length.and_then(|l| l.lines().next()?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                let mut words = head.split(' ').map(str::to_owned);
                return (words.next().unwrap(), words.next().unwrap(), body.to_owned());
            }
        }
        match stream.read(&mut buffer).unwrap_or(0) {
            0 => return (String::new(), String::new(), String::new()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn answer(stream: &mut TcpStream, status: &str, kind: &str, more: &str, body: &str) {
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    drop(stream.write_all(text.as_bytes()));
}

impl Between {
    fn start(api: Api) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let syncs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&syncs);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (method, path, body) = request(&mut stream);
                let found = match method.as_str() {
                    "GET" => api.get(&path),
                    "POST" => {
                        let body: Value = serde_json::from_str(&body).unwrap_or_default();
                        api.post(&path, &body).map(Some)
                    }
                    _ => continue,
                };
                if path.ends_with("/sync") && count.fetch_add(1, Ordering::SeqCst) == 0 {
                    continue;
                }
                match found {
                    Ok(Some(value)) => {
                        answer(&mut stream, "200 OK", "application/json", "", &value.to_string());
                    }
                    Ok(None) => {
                        let body = json!({ "code": 5, "message": "not found" }).to_string();
                        answer(&mut stream, "404 Not Found", "application/json", "", &body);
                    }
                    Err(error) => {
                        let body = json!({ "code": 2, "message": error.to_string() }).to_string();
                        answer(&mut stream, "500 Oops", "application/json", "", &body);
                    }
                }
            }
        });
        Self { url, syncs }
    }
}

#[test]
fn fault_51_a_sync_whose_answer_was_lost_is_found_and_not_asked_for_twice() {
    let lab = lab();
    let argocd = argocd(&lab);
    let between = Between::start(argocd.by_token(&argocd.project_token).unwrap());
    let project = Project::with(&Other { url: Some(&between.url), ..Other::default() });
    project.create().expect("succeeded");
    let done = project.sync().expect("succeeded");
    assert_eq!(between.syncs.load(Ordering::SeqCst), 1, "asked for twice");
    assert_eq!(done.text("/details/health"), "Healthy");
    assert_eq!(project.value("settings").as_deref(), Some("1"));
}

/// Answers everything with this, and says whether it was asked.
fn always(status: &'static str, more: String, body: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            request(&mut stream);
            asked.fetch_add(1, Ordering::SeqCst);
            answer(&mut stream, status, "text/html", &more, body);
        }
    });
    (url, count)
}

#[test]
fn faults_49_and_52_a_redirect_and_a_page() {
    let (elsewhere, asked) = always("200 OK", String::new(), "<html></html>");
    let (url, _) = always("302 Found", format!("Location: {elsewhere}/\r\n"), "");
    let project = Project::with(&Other { url: Some(&url), ..Other::default() });
    let refused = project.status().refused("upstream_failed");
    refused.says("/error/message", "leads elsewhere");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "it was followed");
    let (url, _) = always("200 OK", String::new(), "<html>sign in, please</html>");
    let project = Project::with(&Other { url: Some(&url), ..Other::default() });
    let refused = project.status().refused("upstream_failed");
    refused.says("/error/details/body", "<html>sign in");
}
