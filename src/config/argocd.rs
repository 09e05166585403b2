//! Argo CD in settings: servers, the project that belongs to an environment, and which environment a project means.

use std::collections::BTreeMap;
use std::path::Path;

use super::raw::{self, Raw};
use super::reference;
use super::url::url;
use super::valid::named;
use crate::error::{Error, ErrorCode, Result};
use crate::model::name::{self, nearest};
use crate::model::{ArgoProject, Environment, EnvironmentKey};

/// The cluster that Argo CD runs in, as it knows it.
const OWN_CLUSTER: &str = "https://kubernetes.default.svc";

/// The project that an `argocd` setting means. `field` names the environment's keys.
pub(super) fn project(
    given: &raw::ArgoProject,
    raw: &Raw,
    root: &Path,
    owner: reference::Owner<'_>,
    field: impl Fn(&str) -> String,
) -> Result<ArgoProject> {
    let Some(server) = raw.argocd.get(&given.server) else {
        let known: Vec<&str> = raw.argocd.keys().map(String::as_str).collect();
        return Err(Error::invalid(field("argocd.server"), &given.server, "names no server")
            .allowed(if known.is_empty() {
                "(none configured)".to_owned()
            } else {
                known.join(", ")
            })
            .next(format!("add [argocd.{}]", given.server)));
    };
    let section = |key: &str| format!("argocd.{}.{key}", given.server);
    name::environment(&given.server)
        .map_err(|bad| named(&format!("argocd.{}", given.server), &given.server, &bad))?;
    name::application(&given.project)
        .map_err(|bad| named(&field("argocd.project"), &given.project, &bad))?;
    // The server's own token is checked even where no environment uses it: it may be written out by mistake.
    let own = reference::secret(&section("token"), &server.token, root, owner)?;
    let token = given.token.as_ref();
    let token = token.map(|t| reference::secret(&field("argocd.token"), t, root, owner));
    let destination = given.destination.clone().unwrap_or_else(|| OWN_CLUSTER.to_owned());
    Ok(ArgoProject {
        server: given.server.clone(),
        url: url(&section("url"), &server.url, true)?,
        token: token.transpose()?.unwrap_or(own),
        ca: server.ca.as_ref().map(|path| root.join(path)),
        project: given.project.clone(),
        destination: url(&field("argocd.destination"), &destination, false)?,
        repos: given.repos.clone(),
    })
}

/// Refuses a project that means two environments.
pub(super) fn distinct(environments: &BTreeMap<EnvironmentKey, Environment>) -> Result<()> {
    let mut known: BTreeMap<(&str, &str), &EnvironmentKey> = BTreeMap::new();
    for (key, argocd) in all(environments) {
        let place = (argocd.url.as_str(), argocd.project.as_str());
        if let Some(other) = known.insert(place, key) {
            let field = format!("environments.{}.{}.argocd.project", key.cloud.word(), key.name);
            let why = format!("belongs to {other} already");
            return Err(Error::invalid(field, &argocd.project, why)
                .next("give each environment a project of its own"));
        }
    }
    Ok(())
}

fn all(
    environments: &BTreeMap<EnvironmentKey, Environment>,
) -> impl Iterator<Item = (&EnvironmentKey, &ArgoProject)> {
    environments.values().filter_map(|e| Some((&e.key, e.argocd.as_ref()?)))
}

/// The environment whose project this is.
pub(super) fn by_project<'c>(
    environments: &'c BTreeMap<EnvironmentKey, Environment>,
    server: Option<&str>,
    project: Option<&str>,
) -> Result<&'c Environment> {
    let fits = |argocd: &ArgoProject| {
        server.is_none_or(|s| s == argocd.server) && project.is_none_or(|p| p == argocd.project)
    };
    let found: Vec<&EnvironmentKey> =
        all(environments).filter(|(_, argocd)| fits(argocd)).map(|(key, _)| key).collect();
    if let [only] = found.as_slice()
        && let Some(environment) = environments.get(*only)
    {
        return Ok(environment);
    }
    let known: Vec<String> =
        all(environments).map(|(_, a)| format!("{} on {}", a.project, a.server)).collect();
    let known = if known.is_empty() { "(none configured)".to_owned() } else { known.join(", ") };
    if found.len() > 1 {
        let field = if project.is_none() { "project" } else { "server" };
        return Err(Error::invalid(field, "", "is missing, and there is more than one")
            .allowed(known)
            .next("name the project of the environment"));
    }
    let servers: Vec<&str> = all(environments).map(|(_, a)| a.server.as_str()).collect();
    let projects: Vec<&str> = all(environments).map(|(_, a)| a.project.as_str()).collect();
    let unknown_server = server.filter(|server| !servers.contains(server));
    let (field, given, names) = match (unknown_server, project) {
        (Some(server), _) => ("server", server, servers),
        (None, project) => ("project", project.unwrap_or_default(), projects),
    };
    let why = "belongs to no environment of the settings";
    let error = Error::new(ErrorCode::UnknownEnvironment, format!("{field} {why}"))
        .field(field)
        .given(given)
        .allowed(known);
    Err(match nearest(given, names) {
        Some(near) if near != given => error.next(format!("did you mean {near}")),
        _ => error.next("set `argocd` of the environment in the settings"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config, Surroundings};
    use crate::model::SecretRef;

    const SETTINGS: &str = r#"
        project = "acme"
        [argocd.main]
        url = "https://argocd.example.com/"
        token = "env:ARGOCD_TOKEN"
        ca = "ca.pem"
        [environments.aws.dev]
        tier = "dev"
        account_id = "123456789012"
        region = "eu-west-1"
        state = { backend = "local", path = "s" }
        argocd = { server = "main", project = "data-dev" }
        [environments.aws.prod]
        tier = "dev"
        account_id = "123456789012"
        region = "eu-west-1"
        state = { backend = "local", path = "s" }
        argocd = { server = "main", project = "data-prod", token = "file:prod.token", destination = "https://prod.example.com" }
        [tiers.dev]
    "#;

    fn config(from: &str, to: &str) -> Result<Config> {
        assert!(from.is_empty() || SETTINGS.contains(from));
        let text = SETTINGS.replacen(from, to, 1);
        let raw = config::parse(&text, Path::new("/project/datamcp.toml"))?;
        Config::check(raw, Path::new("/project"), &Surroundings::read()?)
    }

    #[test]
    fn a_project_is_one_environments_and_says_all_about_the_place() {
        let config = config("", "").unwrap();
        let of = |name: &str| {
            let environment = config.environment(crate::model::Cloud::Aws, name).unwrap();
            environment.argocd.clone().unwrap()
        };
        let dev = of("dev");
        assert_eq!(dev.url, "https://argocd.example.com");
        assert_eq!(dev.token, SecretRef::Env("ARGOCD_TOKEN".into()));
        assert_eq!(dev.ca.as_deref(), Some(Path::new("/project/ca.pem")));
        assert_eq!(dev.destination, OWN_CLUSTER);
        assert_eq!(of("prod").token, SecretRef::File("/project/prod.token".into()));
        assert_eq!(config.by_project(None, Some("data-prod")).unwrap().key.name, "prod");
    }

    #[test]
    fn bad_input_88_a_project_that_is_not_mapped_is_refused_with_the_known_ones() {
        let config = config("", "").unwrap();
        let error = config.by_project(Some("main"), Some("data-prd")).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnknownEnvironment);
        assert_eq!(error.field.as_deref(), Some("project"));
        assert_eq!(error.allowed.as_deref(), Some("data-dev on main, data-prod on main"));
        assert_eq!(error.next.as_deref(), Some("did you mean data-prod"));
        let error = config.by_project(Some("other"), Some("data-dev")).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("server"));
        let error = config.by_project(None, None).unwrap_err();
        assert!(error.message.contains("more than one"), "{error}");
    }

    #[test]
    fn bad_inputs_83_to_85_and_security_22_urls_of_servers() {
        for bad in [
            "http://169.254.169.254",
            "https://169.254.169.254/x",
            "https://metadata.google.internal",
            "https://2852039166",
            "https://0xa9.254.169.254",
            "http://argocd.example.com",
            "http://127.0.0.1.example.com@evil.example.com",
            "file:///etc/passwd",
            "https://user:hunter22@argocd.example.com",
            "https://argocd.example.com?x=1",
            "https://argocd.example.com#x",
            "https://argocd.example.com/a/../b",
            "https://argocd.example.com/ x",
            "https://",
            "argocd.example.com",
            "HTTPS://ARGOCD.EXAMPLE.COM",
        ] {
            let error = config("https://argocd.example.com/", bad).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("argocd.main.url"), "{bad}: {error}");
            assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        }
        for good in ["http://127.0.0.1:8080", "http://localhost:8080", "https://a.b:443/argo-cd"] {
            config("https://argocd.example.com/", good).unwrap();
        }
        let bad = config("https://prod.example.com", "http://127.0.0.1:1").unwrap_err();
        assert_eq!(bad.field.as_deref(), Some("environments.aws.prod.argocd.destination"));
    }

    #[test]
    fn settings_name_a_token_and_a_server_that_is_there_and_a_project_once() {
        let error = config("env:ARGOCD_TOKEN", "eyJhbGciOi.hunter22.x").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
        let error = config("server = \"main\"", "server = \"mian\"").unwrap_err();
        assert_eq!(error.allowed.as_deref(), Some("main"));
        let error = config("data-prod", "data-dev").unwrap_err();
        assert!(error.message.contains("aws/dev already"), "{error}");
        for bad in ["Data", "a/b", "a?b#c", "", "-x"] {
            let error = config("data-dev", bad).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("environments.aws.dev.argocd.project"));
        }
    }

    #[test]
    fn repositories_of_settings_are_whole_urls_or_their_beginnings() {
        let listed = "project = \"data-dev\", repos = [\"https://git.example.com/acme/\", \"https://x.example.com/one.git\"]";
        let config = config("project = \"data-dev\"", listed).unwrap();
        let environment = config.by_project(None, Some("data-dev")).unwrap();
        let argocd = environment.argocd.as_ref().unwrap();
        assert_eq!(argocd.lists("https://git.example.com/acme/a.git"), Some(true));
        assert_eq!(argocd.lists("https://x.example.com/one.git"), Some(true));
        assert_eq!(argocd.lists("https://x.example.com/one.git2"), Some(false));
        assert_eq!(argocd.lists("https://git.example.com/acme/../b.git"), Some(false));
        let environment = config.by_project(None, Some("data-prod")).unwrap();
        assert_eq!(environment.argocd.as_ref().unwrap().lists("https://a"), None);
    }
}
