//! Where a chart comes from: what a request may say, and whether settings let it. Pure; the adapter reads and fetches.

use super::request::Wanted;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::ChartAt;

const ALLOWED: &str = "a folder below helm/ of the project, for instance helm/charts/web, or a chart in a source of the \
                       settings: oci://HOST/PATH/NAME, https://HOST/PATH/NAME";
/// Longest path or URL.
const LENGTH_MAX: usize = 300;

/// Where a chart lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In this folder of the project.
    Folder(String),
    /// In a source of the settings.
    Source(Box<ChartAt>),
}

/// Where a request says that a chart lies; in which source is not looked up yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Folder,
    Chart { url: String, name: String, version: Option<String>, digest: Option<String> },
}

/// Where the wanted chart lies, when settings let it be taken from there.
pub(super) fn of(config: &Config, wanted: &Wanted) -> Result<Option<Place>> {
    let Some(given) = &wanted.chart_path else { return Ok(None) };
    Ok(Some(match place(given, wanted.version.as_deref())? {
        Named::Folder => Place::Folder(given.clone()),
        Named::Chart { url, name, version, digest } => {
            let source = config.chart_source(&url)?.clone();
            Place::Source(Box::new(ChartAt { source, url, name, version, digest }))
        }
    }))
}

/// Whether this is one version, not a range of some.
pub(super) fn is_version(given: &str) -> bool {
    given.starts_with(|c: char| c.is_ascii_digit())
        && given.len() <= 64
        && given.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
        && !given.split('.').any(|part| matches!(part, "x" | "X"))
}

fn refused(given: &str, why: &str) -> Error {
    // What stands before an @ may be a password.
    let shown = if given.contains('@') { "(not shown)" } else { given };
    Error::invalid("chart_path", shown, why).allowed(ALLOWED)
}

/// Understands where a request says that a chart lies.
pub(super) fn place(given: &str, version: Option<&str>) -> Result<Named> {
    if given.len() > LENGTH_MAX || given.chars().any(char::is_control) {
        return Err(refused(given, "is not a path of a chart"));
    }
    match given.split_once("://") {
        Some(("oci", rest)) => registry(given, rest, version),
        Some(("https", rest)) => repository(given, rest, version),
        Some(("http", rest)) if is_here(rest) => repository(given, rest, version),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => {
            let why = "is fetched over plain http, which anybody on the way can change";
            Err(refused(given, why).next("name a source that is reached over TLS"))
        }
        Some(_) => Err(refused(given, "is a URL of another kind")),
        None => folder(given),
    }
}

/// Whether a URL means this machine. Its source still has to say that plain http is meant.
fn is_here(rest: &str) -> bool {
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|a| a.is_loopback())
}

fn plain(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn folder(given: &str) -> Result<Named> {
    let mut parts = given.split('/');
    if parts.next() != Some("helm") || !given.contains('/') || !parts.all(plain) {
        return Err(refused(given, "is not a folder below helm/"));
    }
    Ok(Named::Folder)
}

/// Host and path of a chart, and its name: the last part. The host itself is compared with the settings.
fn chart<'g>(given: &str, rest: &'g str) -> Result<&'g str> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.contains('@') || path.contains('@') {
        return Err(
            refused(given, "holds a user's name").next("credentials belong to the settings")
        );
    }
    let host_is_plain =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
    if !host_is_plain || !path.split('/').all(plain) {
        return Err(refused(given, "is not the URL of a chart"));
    }
    Ok(path.rsplit('/').next().unwrap_or(path))
}

fn repository(given: &str, rest: &str, version: Option<&str>) -> Result<Named> {
    let name = chart(given, rest)?;
    if std::path::Path::new(name).extension().is_some_and(|e| e == "tgz" || e == "yaml") {
        return Err(refused(given, "names a file, not a chart in a repository")
            .next("name the chart and its version: the index tells where the archive is"));
    }
    let Some(version) = version else {
        return Err(refused(given, "is in a repository and names no version")
            .next("set `version`: one version, no range"));
    };
    Ok(Named::Chart {
        url: given.to_owned(),
        name: name.to_owned(),
        version: Some(version.to_owned()),
        digest: None,
    })
}

fn registry(given: &str, rest: &str, version: Option<&str>) -> Result<Named> {
    let (before, last) = rest.rsplit_once('/').unwrap_or(("", rest));
    let (last, digest) = match last.split_once('@') {
        Some((last, digest)) => (last, Some(digest)),
        None => (last, None),
    };
    let (last, tag) = match last.split_once(':') {
        Some((last, tag)) => (last, Some(tag)),
        None => (last, None),
    };
    let place = format!("{before}/{last}");
    let name = chart(given, &place)?;
    if place.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(refused(given, "has capital letters, which no registry has"));
    }
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(refused(given, "has a digest that is none").allowed("NAME@sha256:64 digits"));
    }
    if tag.is_some_and(|tag| !is_version(tag)) {
        return Err(refused(given, "has a tag that is not one version")
            .allowed("one version, for instance 1.4.2; no range, no `latest`"));
    }
    if let (Some(tag), Some(version)) = (tag, version)
        && tag != version
    {
        return Err(
            Error::invalid("version", version, "is not the version in chart_path").allowed(tag)
        );
    }
    let version = tag.or(version).map(str::to_owned);
    if version.is_none() && digest.is_none() {
        return Err(refused(given, "is in a registry and names neither version nor digest")
            .next("add :VERSION or @sha256:DIGEST, or set `version`"));
    }
    let (url, name) = (format!("oci://{place}"), name.to_owned());
    Ok(Named::Chart { url, name, version, digest: digest.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_inputs_73_to_75_a_chart_is_in_the_project_or_pinned_in_a_source() {
        assert_eq!(place("helm/charts/example-data-app", None).unwrap(), Named::Folder);
        for (bad, why) in [
            (".", "below helm/"),
            ("..", "below helm/"),
            ("helm", "below helm/"),
            ("helm/", "below helm/"),
            ("helm/..", "below helm/"),
            ("helm/./web", "below helm/"),
            ("helm/charts/../../etc", "below helm/"),
            ("helm/-x", "below helm/"),
            ("/helm/charts/web", "below helm/"),
            ("--post-renderer=/bin/sh", "below helm/"),
            ("bitnami/web", "below helm/"),
            ("helm/a\nb", "not a path"),
            ("http://charts.example.com/web", "plain http"),
            ("HTTP://169.254.169.254/x", "plain http"),
            ("http://127.0.0.1.example.com/web", "plain http"),
            ("http://127.0.0.1:8080/web", "no version"),
            ("https://charts.example.com/web", "no version"),
            ("https://charts.example.com/web-1.0.0.tgz", "names a file"),
            ("https://charts.example.com/", "not the URL"),
            ("https://charts.example.com/../web", "not the URL"),
            ("https://charts.example.com/a?b=c", "not the URL"),
            ("https://charts.example.com/%2e%2e/web", "not the URL"),
            ("https://user:hunter22@charts.example.com/web", "user's name"),
            ("https:///web", "not the URL"),
            ("file:///etc", "another kind"),
            ("git+https://example.com/web", "another kind"),
            ("oci://registry.example.com/charts/web", "neither version nor digest"),
            ("oci://registry.example.com:5000/charts/web", "neither version nor digest"),
            ("oci://registry.example.com/charts/web:latest", "not one version"),
            ("oci://registry.example.com/charts/web:", "not one version"),
            ("oci://registry.example.com/charts/web:^1.0", "not one version"),
            ("oci://registry.example.com/charts/web:1.x", "not one version"),
            ("oci://registry.example.com/charts/web@sha256:abc", "digest that is none"),
            ("oci://registry.example.com/charts/Web:1.0.0", "capital letters"),
            ("oci://registry.example.com/charts/../web:1.0.0", "not the URL"),
            ("oci://user:hunter22@registry.example.com/charts/web:1.0.0", "user's name"),
            ("oci://web:1.0.0", "not the URL"),
        ] {
            let error = place(bad, None).unwrap_err();
            assert!(error.message.contains(why), "{bad}: {error}");
            assert_eq!(error.field.as_deref(), Some("chart_path"));
            assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        }
    }

    #[test]
    fn a_chart_in_a_source_is_pinned_by_version_or_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let of = |given: &str, version| match place(given, version).unwrap() {
            Named::Chart { url, name, version, digest } => (url, name, version, digest),
            Named::Folder => panic!("{given} is no folder"),
        };
        let (url, name, version, pinned) = of("oci://r.example.com:5000/charts/web:1.2.3", None);
        assert_eq!((url.as_str(), name.as_str()), ("oci://r.example.com:5000/charts/web", "web"));
        assert_eq!((version.as_deref(), pinned), (Some("1.2.3"), None));
        let (_, _, version, pinned) = of(&format!("oci://r.example.com/c/web@{digest}"), None);
        assert_eq!((version, pinned.as_ref()), (None, Some(&digest)));
        let both = format!("oci://r.example.com/c/web:1.2.3@{digest}");
        assert_eq!(of(&both, Some("1.2.3")).3, Some(digest));
        let error = place(&both, Some("1.2.4")).unwrap_err();
        assert_eq!(
            (error.field.as_deref(), error.allowed.as_deref()),
            (Some("version"), Some("1.2.3"))
        );
        let (url, name, ..) = of("https://charts.example.com/stable/web", Some("1.2.3"));
        assert_eq!((url.as_str(), name.as_str()), ("https://charts.example.com/stable/web", "web"));
    }
}
