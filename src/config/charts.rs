//! Where charts may be fetched from: a list that people keep; nothing that is not on it is asked for anything.

use std::collections::BTreeMap;
use std::path::Path;

use super::raw;
use super::reference;
use super::url::url;
use super::valid::named;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{ChartSource, Environment, EnvironmentKey, name};

/// The sources of `[helm.sources]`.
pub(super) fn sources(
    given: &BTreeMap<String, raw::ChartSource>,
    root: &Path,
    environments: &BTreeMap<EnvironmentKey, Environment>,
) -> Result<Vec<ChartSource>> {
    given.iter().map(|(name, source)| one(name, source, root, environments)).collect()
}

fn one(
    name: &str,
    given: &raw::ChartSource,
    root: &Path,
    environments: &BTreeMap<EnvironmentKey, Environment>,
) -> Result<ChartSource> {
    let section = format!("helm.sources.{name}");
    name::environment(name).map_err(|bad| named(&section, name, &bad))?;
    let field = |key: &str| format!("{section}.{key}");
    let place = place(&field("url"), &given.url, given.plain_http)?;
    if given.username.is_some() != given.password.is_some() {
        return Err(Error::invalid(field("password"), "", "goes with username, and it with that")
            .allowed("both, or neither"));
    }
    if given.username.as_ref().is_some_and(|user| user.is_empty() || user.contains(':')) {
        return Err(Error::invalid(field("username"), "(not shown)", "is not a user's name"));
    }
    if given.signed && given.keyring.is_none() {
        return Err(Error::invalid(field("signed"), "true", "needs to know by whom")
            .allowed("signed together with keyring"));
    }
    let password = given.password.as_ref();
    let password = password
        .map(|p| reference::anywhere(&field("password"), p, root, environments))
        .transpose()?;
    let elsewhere = given.elsewhere.iter();
    Ok(ChartSource {
        name: name.to_owned(),
        url: place,
        plain_http: given.plain_http,
        username: given.username.clone(),
        password,
        ca: given.ca.as_ref().map(|path| root.join(path)),
        keyring: given.keyring.as_ref().map(|path| root.join(path)),
        signed: given.signed,
        elsewhere: elsewhere
            .map(|start| {
                let checked = url(&field("elsewhere"), start, given.plain_http)?;
                Ok(format!("{checked}/"))
            })
            .collect::<Result<_>>()?,
    })
}

/// A URL of a repository or of a part of a registry; without TLS on this machine alone, and only when said.
fn place(field: &str, given: &str, plain: bool) -> Result<String> {
    let wrong = |why: &str| {
        let shown = if given.contains('@') { "(not shown)" } else { given };
        Error::invalid(field, shown, why)
            .allowed("https://HOST[:PORT][/PATH] or oci://HOST[:PORT][/PATH]")
    };
    if given.starts_with("http://") && !plain {
        return Err(wrong("is reached over plain http, which anybody on the way can change")
            .next("use https; for this machine alone, plain_http = true says that it is meant"));
    }
    let Some(registry) = given.strip_prefix("oci://") else {
        if plain && !given.starts_with("http://") {
            return Err(wrong("is https, and plain_http says otherwise"));
        }
        return url(field, given, plain);
    };
    let scheme = if plain { "http" } else { "https" };
    let checked = url(field, &format!("{scheme}://{registry}"), plain)
        .map_err(|error| error.allowed("oci://HOST[:PORT][/PATH], in lower case"))?;
    let (_, place) = checked.split_once("://").unwrap_or_default();
    if place.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(wrong("has capital letters, which no registry has"));
    }
    Ok(format!("oci://{place}"))
}

/// The source that a chart of this URL lies in: the one that says most about it.
pub(super) fn of<'s>(sources: &'s [ChartSource], chart: &str) -> Result<&'s ChartSource> {
    let fitting = sources.iter().filter(|source| source.holds(chart));
    fitting.max_by_key(|source| source.url.len()).ok_or_else(|| {
        let known: Vec<&str> = sources.iter().map(|source| source.url.as_str()).collect();
        let known =
            if known.is_empty() { "(none configured)".to_owned() } else { known.join(", ") };
        Error::new(
            ErrorCode::PolicyDenied,
            format!("chart {chart} lies in no source of the settings"),
        )
        .field("chart_path")
        .given(chart)
        .allowed(format!("a folder below helm/, or below one of: {known}"))
        .next("ask the people who keep datamcp.toml to look at helm.sources")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SecretRef;

    fn read(text: &str) -> Result<Vec<ChartSource>> {
        let given: BTreeMap<String, raw::ChartSource> = toml::from_str(text).unwrap();
        sources(&given, Path::new("/project"), &BTreeMap::new())
    }

    #[test]
    fn a_source_is_known_by_its_longest_url() {
        let known = read(
            "[all]\nurl = \"https://charts.example.com/\"\n\
             [own]\nurl = \"https://charts.example.com/own\"\nusername = \"robot\"\npassword = \"env:PW\"\n\
             keyring = \"keys.gpg\"\nsigned = true\nelsewhere = [\"https://files.example.com/a\"]\n\
             [reg]\nurl = \"oci://127.0.0.1:5000/charts\"\nplain_http = true\n",
        )
        .unwrap();
        let of = |chart: &str| of(&known, chart).map(|source| source.name.as_str());
        assert_eq!(of("https://charts.example.com/own/web").unwrap(), "own");
        assert_eq!(of("https://charts.example.com/web").unwrap(), "all");
        assert_eq!(of("oci://127.0.0.1:5000/charts/web").unwrap(), "reg");
        for other in [
            "https://charts.example.com.evil.example.com/web",
            "https://charts.example.com",
            "oci://charts.example.com/web",
            "oci://127.0.0.1:5000/other/web",
            "http://127.0.0.1:5000/charts/web",
        ] {
            let error = of(other).unwrap_err();
            assert_eq!(error.code, ErrorCode::PolicyDenied, "{other}");
            assert_eq!(error.field.as_deref(), Some("chart_path"));
        }
        assert_eq!(known[1].password, Some(SecretRef::Env("PW".into())));
        assert_eq!(known[1].keyring.as_deref(), Some(Path::new("/project/keys.gpg")));
        assert_eq!(known[1].elsewhere, ["https://files.example.com/a/"]);
    }

    #[test]
    fn security_22_urls_of_sources_lead_nowhere_else() {
        for (bad, field) in [
            ("url = \"http://charts.example.com\"", "url"),
            ("url = \"http://charts.example.com\"\nplain_http = true", "url"),
            ("url = \"http://127.0.0.1:8080\"", "url"),
            ("url = \"https://127.0.0.1:8080\"\nplain_http = true", "url"),
            ("url = \"oci://registry.example.com/x\"\nplain_http = true", "url"),
            ("url = \"https://169.254.169.254/latest\"", "url"),
            ("url = \"oci://169.254.169.254/latest\"", "url"),
            ("url = \"oci://metadata.google.internal/x\"", "url"),
            ("url = \"https://user:hunter22@charts.example.com\"", "url"),
            ("url = \"oci://user:hunter22@registry.example.com/x\"", "url"),
            ("url = \"oci://registry.example.com/X\"", "url"),
            ("url = \"oci://registry.example.com/a/../b\"", "url"),
            ("url = \"https://charts.example.com/?a=b\"", "url"),
            ("url = \"file:///etc\"", "url"),
            ("url = \"ftp://charts.example.com\"", "url"),
            ("url = \"https://a.example.com\"\nusername = \"me\"", "password"),
            (
                "url = \"https://a.example.com\"\nusername = \"me\"\npassword = \"hunter22\"",
                "password",
            ),
            ("url = \"https://a.example.com\"\nsigned = true", "signed"),
            (
                "url = \"https://a.example.com\"\nelsewhere = [\"http://b.example.com\"]",
                "elsewhere",
            ),
            ("url = \"https://a.example.com\"\nelsewhere = [\"https://169.254.1.1\"]", "elsewhere"),
        ] {
            let error = read(&format!("[main]\n{bad}\n")).unwrap_err();
            let field = format!("helm.sources.main.{field}");
            assert_eq!(error.field.as_deref(), Some(field.as_str()), "{bad}: {error}");
            assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        }
    }
}
