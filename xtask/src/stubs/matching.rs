//! Whether a request is the one that a mapping expects.

use anyhow::{Context, Result};
use regex_lite::Regex;

use super::body;
use super::mapping::{Request, Text};
use super::wire::Asked;

/// Whether every expression in it can be read.
pub(super) fn check(request: &Request) -> Result<()> {
    let texts = request.headers.values().chain(request.query_parameters.values());
    let mut all: Vec<&String> =
        texts.flat_map(|text| [&text.matches, &text.does_not_match]).flatten().collect();
    all.extend(request.url_pattern.iter().chain(&request.url_path_pattern));
    all.extend(request.body_patterns.iter().filter_map(|body| body.matches.as_ref()));
    for text in all {
        whole(text).with_context(|| format!("reading the expression {text}"))?;
    }
    request.body_patterns.iter().try_for_each(body::check)
}

/// The expression, from the first letter to the last, as WireMock takes it.
pub(super) fn whole(text: &str) -> Result<Regex> {
    Ok(Regex::new(&format!("^(?:{text})$"))?)
}

/// What of the request is not as expected; none when all is.
pub(super) fn unlike(request: &Request, asked: &Asked) -> Option<String> {
    if request.method != "ANY" && request.method != asked.method {
        return Some("its method".to_owned());
    }
    let fits = |text: &Option<String>, given: &str| {
        text.as_ref().is_none_or(|text| whole(text).is_ok_and(|text| text.is_match(given)))
    };
    let same = |text: &Option<String>, given: &str| text.as_ref().is_none_or(|t| t == given);
    if !same(&request.url, &asked.target)
        || !same(&request.url_path, &asked.path)
        || !fits(&request.url_pattern, &asked.target)
        || !fits(&request.url_path_pattern, &asked.path)
    {
        return Some("its url".to_owned());
    }
    for (name, text) in &request.query_parameters {
        let given = asked.query.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
        if !one_of(text, given) {
            return Some(format!("{name} of its query"));
        }
    }
    for (name, text) in &request.headers {
        let given = asked.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        if !one_of(text, given.map(|(_, value)| value)) {
            return Some(format!("its header {name}"));
        }
    }
    let wrong = request.body_patterns.iter().find(|wanted| !body::fits(wanted, &asked.body));
    wrong.map(|_| "its body".to_owned())
}

/// Whether one of the values is as demanded, or none is there where none may be.
fn one_of<'v>(text: &Text, mut given: impl Iterator<Item = &'v String>) -> bool {
    match text.absent {
        Some(absent) => given.next().is_none() == absent,
        None => given.any(|value| holds(text, value)),
    }
}

fn holds(text: &Text, value: &str) -> bool {
    let same = |wanted: &String| {
        if text.case_insensitive { wanted.eq_ignore_ascii_case(value) } else { wanted == value }
    };
    let form = |wanted: &String| whole(wanted).is_ok_and(|wanted| wanted.is_match(value));
    text.equal_to.as_ref().is_none_or(same)
        && text.contains.as_ref().is_none_or(|part| value.contains(part))
        && text.matches.as_ref().is_none_or(form)
        && !text.does_not_match.as_ref().is_some_and(form)
}
