//! One question to a source. It goes to the source, or to where settings let the source send us; its credentials go to
//! the source alone; no answer leads to an address that machines keep for themselves; no more is read than was expected.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::default_provider;
use ureq::config::Config;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use crate::adapter::helm::files;
use crate::error::{Error, ErrorCode, Result};
use crate::model::ChartSource;
use crate::secret::Secret;

/// Longest time for one answer.
const LIMIT: Duration = Duration::from_mins(2);
/// How often an answer may send us on.
const HOPS: usize = 4;

/// A source that can be asked.
pub(super) struct Client {
    agent: Agent,
    source: ChartSource,
    /// `Basic …`, where settings name a user.
    basic: Option<Secret>,
    doing: String,
}

/// Where an answer came from, and the answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) page: bool,
    pub(super) challenge: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(source: &ChartSource, password: Option<Secret>, doing: &str) -> Result<Self> {
        let basic = basic(source, password, doing)?;
        let agent = agent(source)?;
        Ok(Self { agent, source: source.clone(), basic, doing: doing.to_owned() })
    }

    pub(super) fn basic(&self) -> Option<&Secret> {
        self.basic.as_ref()
    }

    /// Something is not as it has to be on the other side.
    pub(super) fn failed(&self, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorCode::UpstreamFailed, format!("{}: {why}", self.doing))
    }

    /// What is asked for is not there.
    pub(super) fn absent(&self, field: &str, given: &str, why: impl std::fmt::Display) -> Error {
        Error::new(ErrorCode::InvalidRequest, format!("{}: {why}", self.doing))
            .field(field)
            .given(given)
    }

    /// The source's own beginning, as it is asked.
    pub(super) fn origin(&self) -> String {
        let url = &self.source.url;
        let Some(place) = url.strip_prefix("oci://") else { return url.clone() };
        let host = place.split('/').next().unwrap_or_default();
        let scheme = if self.source.plain_http { "http" } else { "https" };
        format!("{scheme}://{host}")
    }

    fn own(&self, url: &str) -> bool {
        url.strip_prefix(&self.origin()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether settings let the source send us there.
    pub(super) fn may_ask(&self, url: &str) -> Result<()> {
        let plain = !url.split(['/', '?']).any(|part| part == ".." || part == ".")
            && !url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\' || c == '%');
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let listed = self.source.elsewhere.iter().any(|start| {
            path.strip_prefix(start.as_str())
                .is_some_and(|rest| start.ends_with('/') || rest.starts_with('/'))
        });
        // What stands behind the path is the sender's: the signature of a link, for instance.
        if (self.own(path) && plain) || (listed && !path.contains("/../")) {
            return Ok(());
        }
        let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
        let shown = if shown.contains('@') { "(not shown)".to_owned() } else { shown };
        Err(Error::new(
            ErrorCode::PolicyDenied,
            format!("{}: the source sends us elsewhere", self.doing),
        )
        .field(format!("helm.sources.{}.elsewhere", self.source.name))
        .given(shown)
        .allowed(self.allowed())
        .next("ask the people who keep datamcp.toml whether the source may send charts from there"))
    }

    fn allowed(&self) -> String {
        let own = format!("{}/", self.origin());
        std::iter::once(&own).chain(&self.source.elsewhere).cloned().collect::<Vec<_>>().join(", ")
    }

    /// Asks, with these words of authorization to the source alone, and follows where it may.
    pub(super) fn get(
        &self,
        url: &str,
        accept: &str,
        authorization: Option<&Secret>,
        most: u64,
    ) -> Result<Answer> {
        let mut url = url.to_owned();
        let mut authorization = authorization;
        for _ in 0..HOPS {
            self.may_ask(&url)?;
            let mut question = self.agent.get(&url).header("Accept", accept);
            if let Some(words) = authorization.filter(|_| self.own(&url)) {
                question = question.header("Authorization", words.expose());
            }
            let answer = question.call().map_err(|e| self.unreachable(&e))?;
            if !answer.status().is_redirection() {
                return self.read(answer, most);
            }
            let to = header(&answer, "location").unwrap_or_default();
            let next = if to.starts_with('/') && !to.starts_with("//") {
                let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                format!("{host}{to}")
            } else {
                to
            };
            if !self.own(&next) {
                // Not even when it leads back: who sent us on chose the way.
                authorization = None;
            }
            url = next;
        }
        Err(self.failed("it sends us on without end"))
    }

    /// Asks for a token, where settings let the source have them made. This one place besides the source is told who we are.
    pub(super) fn get_token(&self, url: &str, most: u64) -> Result<Answer> {
        self.may_ask(url)?;
        let mut question = self.agent.get(url).header("Accept", "application/json");
        if let Some(words) = &self.basic {
            question = question.header("Authorization", words.expose());
        }
        let answer = question.call().map_err(|e| self.unreachable(&e))?;
        self.read(answer, most)
    }

    fn read(&self, mut answer: Response<Body>, most: u64) -> Result<Answer> {
        let status = answer.status();
        let challenge = header(&answer, "www-authenticate");
        let page = header(&answer, "content-type").is_some_and(|kind| kind.contains("text/html"));
        let body = answer.body_mut().with_config().limit(most).read_to_vec();
        let body = match body {
            Ok(body) => body,
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                return Err(self.failed(format!("the answer is longer than {most} bytes")));
            }
            Err(error) => return Err(self.unreachable(&error)),
        };
        Ok(Answer { status, page, challenge, body })
    }

    /// What an answer's status says of us or of the source, where it is not one of success.
    pub(super) fn refused(&self, status: StatusCode) -> Error {
        let name = &self.source.name;
        match status.as_u16() {
            401 | 403 => Error::new(
                ErrorCode::UpstreamDenied,
                format!("{}: we may not read it ({status})", self.doing),
            )
            .field(format!("helm.sources.{name}.password"))
            .next(if self.basic.is_some() {
                "check username and password of the source"
            } else {
                "let the source know who we are: set username and password of the source"
            }),
            _ => self.failed(format!("the answer is {status}")),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        let code = match error {
            ureq::Error::Timeout(_) => ErrorCode::TimedOut,
            _ => ErrorCode::UpstreamFailed,
        };
        let name = &self.source.name;
        Error::new(code, format!("{}: {error}", self.doing)).next(format!(
            "check the network, helm.sources.{name}.url and the authorities that this machine trusts"
        ))
    }
}

fn header(answer: &Response<Body>, name: &str) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// The words that say who we are.
fn basic(source: &ChartSource, found: Option<Secret>, doing: &str) -> Result<Option<Secret>> {
    let (Some(user), Some(password)) = (&source.username, &source.password) else {
        return Ok(None);
    };
    let found = found.map(|found| found.expose().trim().to_owned());
    let found = found.filter(|text| !text.is_empty()).ok_or_else(|| {
        Error::new(ErrorCode::UpstreamDenied, format!("{doing}: {password} holds no password"))
            .field(format!("helm.sources.{}.password", source.name))
            .next("put the password where the settings say it is")
    })?;
    Ok(Some(Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{found}"))))))
}

/// TLS by the authorities of this machine, or those that settings name for the source; nothing is followed unasked.
fn agent(source: &ChartSource) -> Result<Agent> {
    let roots: Vec<Certificate<'static>> = match &source.ca {
        Some(path) => authorities(source, path)?,
        None => rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect(),
    };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    let plain = source.plain_http;
    let config = Agent::config_builder()
        .https_only(!plain)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(LIMIT))
        .user_agent(concat!("datamcp/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls);
    // What is on this machine is not asked for through another.
    let config = if plain { config.proxy(None) } else { config };
    Ok(Agent::with_parts(config.build(), DefaultConnector::default(), Addresses::default()))
}

fn authorities(source: &ChartSource, path: &std::path::Path) -> Result<Vec<Certificate<'static>>> {
    let field = format!("helm.sources.{}.ca", source.name);
    let wrong = |why: &str| {
        Error::invalid(&field, path.to_string_lossy(), why)
            .allowed("a PEM file with certificates of authorities")
    };
    let pem = files::read(path).map_err(|_| wrong("cannot be read"))?;
    let found: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    Ok(found)
}

/// Looks names up, and leaves out addresses that lead to the machine's own network: clouds keep credentials there.
#[derive(Debug, Default)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        if found.iter().any(|address| is_closed(address.ip())) {
            let why = "its name leads to a link-local address, where clouds keep their credentials";
            return Err(ureq::Error::Io(std::io::Error::other(why)));
        }
        Ok(found)
    }
}

/// Link-local addresses (RFC 3927, RFC 4291), nobody's address, and the one that AWS answers on by IPv6.
fn is_closed(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6 == std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_22_no_name_leads_to_an_address_that_clouds_keep_credentials_at() {
        for bad in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
        ] {
            assert!(is_closed(bad.parse().unwrap()), "{bad}");
        }
        for good in ["127.0.0.1", "10.0.0.1", "203.0.113.7", "2001:db8::1"] {
            assert!(!is_closed(good.parse().unwrap()), "{good}");
        }
    }
}
