//! Where a chart comes from. Pure: the folder itself is read by the adapter.

use crate::error::{Error, Result};

const ALLOWED: &str = "a folder below helm/ of the project, for instance helm/charts/web";

/// Refuses what is no folder of the project's charts.
pub(super) fn check(given: &str) -> Result<()> {
    let refused = |why: &str| Error::invalid("chart_path", given, why).allowed(ALLOWED);
    let next = "put the chart below helm/ of the project, in the version that was looked at";
    let lower = given.to_ascii_lowercase();
    if lower.starts_with("http:") {
        return Err(
            refused("is fetched over plain http, which anybody on the way can change").next(next)
        );
    }
    if let Some(place) = lower.strip_prefix("oci:") {
        let last = place.rsplit('/').next().unwrap_or_default();
        let pinned = last.contains(':') || last.contains('@');
        let why = if pinned {
            "is in a registry, and this version takes charts from the project only"
        } else {
            "is in a registry and names neither version nor digest"
        };
        return Err(refused(why).next(next));
    }
    if lower.contains("://") || lower.starts_with("https:") || lower.starts_with("file:") {
        return Err(
            refused("is a URL, and this version takes charts from the project only").next(next)
        );
    }
    if given.len() > 200 || given.chars().any(char::is_control) {
        return Err(refused("is not a path of a chart"));
    }
    let plain = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let mut parts = given.split('/');
    if parts.next() != Some("helm") || !given.contains('/') || !parts.all(plain) {
        return Err(refused("is not a folder below helm/"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_inputs_73_to_75_charts_come_from_the_project() {
        check("helm/charts/example-data-app").unwrap();
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
            ("http://charts.example.com/web-1.tgz", "plain http"),
            ("HTTP://169.254.169.254/x", "plain http"),
            ("oci://registry.example.com/charts/web", "neither version nor digest"),
            ("oci://registry.example.com:5000/charts/web", "neither version nor digest"),
            ("oci://registry.example.com/charts/web:1.2.3", "project only"),
            ("https://user:pw@charts.example.com/web-1.tgz", "is a URL"),
            ("file:///etc", "is a URL"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.message.contains(why), "{bad}: {error}");
            assert_eq!(error.field.as_deref(), Some("chart_path"));
        }
    }
}
