//! The bounds of a project, as far as they can be read off it. Argo CD itself has the last word; this says it earlier.

use crate::error::{Error, ErrorCode, Result};
use crate::model::ArgoProject;
use crate::port::Bounds;

use super::request::Source;

/// Refuses what the project does not let in.
pub(super) fn check(
    doing: &str,
    place: &ArgoProject,
    bounds: &Bounds,
    source: &Source,
) -> Result<()> {
    let refused = |field: &str, given: &str, what: &str, allowed: Vec<String>| {
        let why = format!("{doing}: project {} does not let it {what}", place.project);
        Err(Error::new(ErrorCode::PolicyDenied, why)
            .field(field)
            .given(given)
            .allowed(allowed.join(", "))
            .next("the people of the project decide on its bounds"))
    };
    let names = bounds.repositories.iter().map(String::as_str);
    if !lets(names, |pattern| fits(pattern, &source.repository)) {
        let allowed = bounds.repositories.clone();
        return refused("manifest_repo", &source.repository, "come from there", allowed);
    }
    let inside = |(server, _, namespace): &(String, String, String), bare: bool| {
        let plain = |text: &str| {
            if bare { text.trim_start_matches('!').to_owned() } else { text.to_owned() }
        };
        // A destination may name its cluster instead of its URL: which one that is only Argo CD knows.
        (server.is_empty() || fits(&plain(server), &place.destination))
            && fits(&plain(namespace), &source.namespace)
    };
    let is_not = |d: &(String, String, String)| d.0.starts_with('!') || d.2.starts_with('!');
    let open = bounds.destinations.iter().any(|d| !is_not(d) && inside(d, false));
    let closed = bounds.destinations.iter().any(|d| is_not(d) && inside(d, true));
    if !open || closed {
        let of = |d: &(String, String, String)| {
            format!("{} in {}", d.2, if d.0.is_empty() { &d.1 } else { &d.0 })
        };
        let allowed = bounds.destinations.iter().map(of).collect();
        return refused("dest_namespace", &source.namespace, "go there", allowed);
    }
    Ok(())
}

/// Whether one pattern lets it in and none that begins with `!` keeps it out.
fn lets<'p>(patterns: impl Iterator<Item = &'p str>, fits: impl Fn(&str) -> bool) -> bool {
    let mut open = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if fits(not) => return false,
            Some(_) => {}
            None => open |= fits(pattern),
        }
    }
    open
}

/// Whether a pattern with `*` covers a text, slashes included.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretRef;

    #[test]
    fn patterns_cover_what_they_say() {
        for (pattern, text, covers) in [
            ("*", "", true),
            ("*", "a/b", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("https://git.example.com/*", "https://git.example.com/x.git", true),
            ("https://git.example.com/*", "https://evil.example.com/x.git", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), covers, "{pattern} {text}");
        }
    }

    #[test]
    fn bad_input_88_a_project_bounds_repositories_and_destinations() {
        let place = ArgoProject {
            server: "main".into(),
            url: "https://argocd.example.com".into(),
            token: SecretRef::Env("T".into()),
            ca: None,
            project: "dev".into(),
            destination: "https://one.example.com".into(),
            repos: vec![],
        };
        let source = |repository: &str, namespace: &str| Source {
            repository: repository.into(),
            namespace: namespace.into(),
            ..Source::default()
        };
        let text = |t: &str| t.to_owned();
        let bounds = Bounds {
            repositories: vec![text("https://git/*"), text("!https://git/secret/*")],
            destinations: vec![
                (text("https://one.example.com"), String::new(), text("apps-*")),
                (text("https://two.example.com"), String::new(), text("*")),
                (text("https://one.example.com"), String::new(), text("!apps-closed")),
            ],
        };
        let check = |repository, namespace| {
            check("creating", &place, &bounds, &source(repository, namespace))
        };
        check("https://git/a", "apps-a").unwrap();
        for (repository, namespace, field) in [
            ("https://other/a", "apps-a", "manifest_repo"),
            ("https://git/secret/a", "apps-a", "manifest_repo"),
            ("https://git/a", "other", "dest_namespace"),
            ("https://git/a", "apps-closed", "dest_namespace"),
        ] {
            let error = check(repository, namespace).unwrap_err();
            assert_eq!(error.code, ErrorCode::PolicyDenied);
            assert_eq!(error.field.as_deref(), Some(field), "{repository} {namespace}");
        }
    }
}
