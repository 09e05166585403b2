//! Whose certificate it was that was refused. Asked only after a refusal, on a connection that is never made: whatever the
//! server presents is looked at and refused again, so nothing is sent to it.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct};
use rustls::{Error as TlsError, SignatureScheme};

/// How long the look may take: the refusal itself is known already.
const LIMIT: Duration = Duration::from_secs(3);
/// Longest subject that is told.
const SUBJECT_MAX: usize = 200;

/// The subject of the certificate at `https://HOST[:PORT][/PATH]`, when it can be seen.
pub(super) async fn subject(url: &str) -> Option<String> {
    let place = url.strip_prefix("https://")?.split('/').next()?.to_owned();
    let look = tokio::task::spawn_blocking(move || presented(&place));
    let certificate = tokio::time::timeout(LIMIT * 2, look).await.ok()?.ok()??;
    subject_of(&certificate)
}

/// Keeps what it is shown, and refuses it.
#[derive(Debug)]
struct Onlooker {
    seen: Mutex<Option<Vec<u8>>>,
    schemes: Vec<SignatureScheme>,
}

const NO: TlsError = TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Err(NO)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(NO)
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(NO)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

fn presented(place: &str) -> Option<Vec<u8>> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (place, 443),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let onlooker = Arc::new(Onlooker { seen: Mutex::default(), schemes });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&onlooker) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    let ended = connection.complete_io(&mut stream);
    // It ends with the refusal; any other end has shown nothing.
    ended.err().filter(|error| error.kind() == ErrorKind::InvalidData)?;
    onlooker.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Tags of DER (X.690) that a certificate (RFC 5280, 4.1) has on the way to its subject.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const VERSION: u8 = 0xa0;
/// Names of attributes that say who it is (RFC 4519): common name and organization.
const KNOWN: [(&[u8], &str); 2] = [(&[0x55, 4, 3], "CN"), (&[0x55, 4, 10], "O")];

/// Tag and content of the first value, and what follows it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let count = length - 0x80;
        if count == 0 || count > 4 {
            return None;
        }
        length = 0;
        for _ in 0..count {
            let (byte, more) = rest.split_first()?;
            length = length << 8 | usize::from(*byte);
            rest = more;
        }
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn inside(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    value(der).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

fn subject_of(certificate: &[u8]) -> Option<String> {
    let (signed, _) = inside(certificate, SEQUENCE)?;
    let (mut fields, _) = inside(signed, SEQUENCE)?;
    if let Some((VERSION, _, rest)) = value(fields) {
        fields = rest;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        fields = value(fields)?.2;
    }
    let (mut names, _) = inside(fields, SEQUENCE)?;
    let mut told = Vec::new();
    while let Some((set, rest)) = inside(names, SET) {
        names = rest;
        let (pair, _) = inside(set, SEQUENCE)?;
        let (id, text) = inside(pair, OBJECT_ID)?;
        let (_, text, _) = value(text)?;
        if let Some((_, word)) = KNOWN.iter().find(|(known, _)| *known == id) {
            told.push(format!("{word}={}", String::from_utf8_lossy(text)));
        }
    }
    let told: String = told.join(", ").chars().filter(|c| !c.is_control()).collect();
    Some(told.chars().take(SUBJECT_MAX).collect()).filter(|told: &String| !told.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(organization: &str, name: &str) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_subject_is_read_and_cannot_steer_a_terminal() {
        let der = certificate("Acme", "argocd.example.com");
        assert_eq!(subject_of(&der).as_deref(), Some("O=Acme, CN=argocd.example.com"));
        let der = certificate(&"x".repeat(400), "a\u{1b}[31mb");
        let told = subject_of(&der).unwrap();
        assert_eq!(told.chars().count(), SUBJECT_MAX);
        assert!(!told.contains('\u{1b}'));
    }

    #[test]
    fn what_is_cut_or_broken_has_no_subject_and_breaks_nothing() {
        let der = certificate("Acme", "one");
        for length in 0..der.len() {
            drop(subject_of(der.get(..length).unwrap()));
        }
        for place in 0..der.len() {
            let mut broken = der.clone();
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                broken[place] = byte;
                drop(subject_of(&broken));
            }
        }
        assert_eq!(subject_of(&[]), None);
        assert_eq!(subject_of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
