//! Whom to trust at the other end of a TLS connection, where settings say so.
#![expect(clippy::disallowed_methods, reason = "reads the bundle that settings name")]

use std::path::Path;
use std::sync::OnceLock;

use aws_sdk_sts::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::{Error, Result};

/// A client that trusts the authorities of this bundle and no others, as every AWS client does with `AWS_CA_BUNDLE`.
pub(super) fn client(bundle: &Path) -> Result<SharedHttpClient> {
    Ok(built(context(bundle)?))
}

fn context(bundle: &Path) -> Result<TlsContext> {
    let store = TrustStore::empty().with_native_roots(false).with_pem_certificate(read(bundle)?);
    let built = TlsContext::builder().with_trust_store(store).build();
    built.map_err(|e| Error::internal("building a TLS context", e))
}

/// A connection for calls that no client of the SDK makes: the system's authorities, or those of a bundle.
pub(super) fn connector(bundle: Option<&Path>) -> Result<impl HttpConnector> {
    let context = bundle.map_or_else(|| Ok(TlsContext::default()), context)?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    let builder = Connector::builder().proxy_config(ProxyConfig::from_env());
    Ok(builder.tls_provider(provider).tls_context(context).build())
}

/// Built by hand, because the short way knows no proxies.
fn built(context: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .build()
    })
}

/// A client that trusts the authorities of this machine, and reads them when the first call is made: not when settings
/// are looked at, as the SDK's own does, which costs whoever calls nobody as much as all the rest.
#[derive(Debug, Default)]
pub(super) struct OnDemand(OnceLock<SharedHttpClient>);

impl HttpClient for OnDemand {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let client = self.0.get_or_init(|| built(TlsContext::default()));
        client.http_connector(settings, components)
    }
}

/// The bundle's bytes, if every certificate in it can be read and there is one: the SDK would panic over it.
fn read(bundle: &Path) -> Result<Vec<u8>> {
    let wrong = |why: String| {
        Error::invalid("aws.ca_bundle", bundle.to_string_lossy(), why)
            .allowed("a PEM file with the certificates of authorities")
    };
    let pem = std::fs::read(bundle).map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| wrong(format!("is not PEM: {e}")))?;
        store.add(certificate).map_err(|e| wrong(format!("holds a broken certificate: {e}")))?;
    }
    if store.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(pem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (text, why) in [
            ("", "holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "broken"),
        ] {
            let file = folder.path().join("ca.pem");
            std::fs::write(&file, text).unwrap();
            let error = client(&file).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("aws.ca_bundle"));
            assert!(error.message.contains(why), "{error}");
        }
        assert!(client(&folder.path().join("none.pem")).is_err());
    }
}
