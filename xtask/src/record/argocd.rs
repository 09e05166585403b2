//! What the lab's Argo CD says to the requests of the mappings that are there: those that need nothing but a server and a
//! token are asked again. Stages of an application's life are left as they were recorded.

use anyhow::{Context, Result};
use regex_lite::{Captures, Regex};
use serde_json::{Value, json};

use super::Recorded;
use crate::lab::ArgoCd;
use crate::stubs::{Exchange, Mapping, named, root};

/// What needs no application: asked again by an administrator.
const STATELESS: [&str; 10] = [
    "argocd/about/version",
    "argocd/refusals/app-create-unknown-project",
    "argocd/refusals/app-get-deleted",
    "argocd/refusals/no-content-type",
    "argocd/refusals/no-token",
    "argocd/refusals/unknown-app-get",
    "argocd/refusals/unknown-app-get-project",
    "argocd/refusals/unknown-app-sync",
    "argocd/refusals/unknown-app-sync-project",
    "argocd/refusals/unknown-app-terminate-project",
];

/// What was recorded, and the names of what was left as it is.
pub(super) fn again(server: &ArgoCd) -> Result<(Vec<Recorded>, Vec<String>)> {
    let api = server.by_token(&server.operator_token)?;
    let (mut recorded, mut left) = (Vec::new(), Vec::new());
    for (name, mapping) in named(&root(), "argocd")? {
        if !STATELESS.contains(&name.as_str()) {
            left.push(name);
            continue;
        }
        let exchange = Exchange::of(&mapping)?;
        let as_whom = exchange.headers.contains_key("Authorization");
        let mut request = ureq::http::Request::builder().method(exchange.method.as_str());
        for (header, value) in exchange.headers.iter().filter(|(h, _)| *h != "Authorization") {
            request = request.header(header, value);
        }
        let request = request.uri(&exchange.target).body(exchange.body.unwrap_or_default())?;
        let (status, kind, text) = api.ask(request, as_whom).with_context(|| name.clone())?;
        recorded.push(Recorded {
            mapping: mapped(&name, &mapping, server, (status, &kind, &text))?,
            name,
        });
    }
    Ok((recorded, left))
}

/// The mapping with another answer.
fn mapped(
    name: &str,
    mapping: &Mapping,
    server: &ArgoCd,
    (status, kind, text): (u16, &str, &str),
) -> Result<Value> {
    let file = root().join(format!("{name}.json"));
    let text_before = std::fs::read(&file).with_context(|| format!("reading {name}"))?;
    let mut new: Value = serde_json::from_slice(&text_before).context("reading a mapping")?;
    let text = scrubbed(text)?;
    let (field, body) = match serde_json::from_str::<Value>(&text) {
        Ok(body) if mapping.response.json_body.is_some() => ("jsonBody", body),
        _ => ("body", Value::String(text)),
    };
    let recorded = json!({
        "from": "Argo CD",
        "version": server.version.trim_start_matches('v'),
        "date": super::today()?,
    });
    let response = json!({ "status": status, "headers": { "Content-Type": kind }, (field): body });
    for (place, value) in [("/response", response), ("/metadata/recorded", recorded)] {
        *new.pointer_mut(place).context("a recorded mapping")? = value;
    }
    Ok(new)
}

/// What differs from run to run, made plain.
fn scrubbed(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (what, example) in [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "00000000-0000-4000-8000-000000000001"),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-01-01T00:00:00Z"),
        (r"\b[0-9a-f]{40}\b", "0000000000000000000000000000000000000001"),
        (r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:6443"),
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "REDACTED"),
    ] {
        text = Regex::new(what)?.replace_all(&text, |_: &Captures<'_>| example).into_owned();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_made_plain() {
        let run = |id: &str, time: &str, port: &str, token: &str| {
            scrubbed(&format!(
                r#"{{"uid":"{id}","at":"{time}","server":"https://127.0.0.1:{port}","t":"{token}"}}"#
            ))
            .unwrap()
        };
        let one = run(
            "81a9c166-ad5c-482b-9147-58aff4a11092",
            "2026-11-22T13:48:10Z",
            "36443",
            "eyJhbGciOi.eyJpc3M.c2ln",
        );
        let two = run(
            "a43aef9b-f075-4c1b-8a5e-1f2e3d4c5b6a",
            "2027-01-02T03:04:05.678Z",
            "20001",
            "eyJx.eyJy.z",
        );
        assert_eq!(one, two);
        assert!(!one.contains("eyJ"), "{one}");
    }

    #[test]
    fn what_is_asked_again_is_there() {
        let known = named(&root(), "argocd").unwrap();
        for name in STATELESS {
            assert!(known.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}
