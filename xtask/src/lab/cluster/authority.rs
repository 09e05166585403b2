//! The lab's certificate authority: made anew with every cluster, it signs all that speaks TLS there, both ends.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use std::io::Write;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// Names and addresses under which the lab's servers are reached, from here and from inside the cluster.
const SERVER_NAMES: [&str; 5] =
    ["localhost", "127.0.0.1", "10.96.0.1", "kubernetes.default.svc", "argocd-server.argocd.svc"];

/// The authority and the folder for what it signs.
pub(super) struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, in files only the user may read.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Signed {
    /// Where the certificate and key of that name lie.
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        Self {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        }
    }
}

impl Authority {
    /// Makes a new one.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "datamcp lab");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("making the authority's key")?;
        let issuer =
            CertifiedIssuer::self_signed(params, key).context("making the lab's authority")?;
        let authority = Self { folder: folder.to_path_buf(), issuer };
        write_private(&authority.path(), authority.issuer.pem().as_bytes())?;
        Ok(authority)
    }

    /// The authority's own certificate.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The authority's own certificate, as text.
    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server; it serves as client too, for servers that speak among themselves.
    pub(super) fn server(&self, name: &str) -> Result<Signed> {
        let mut params =
            CertificateParams::new(SERVER_NAMES.map(str::to_owned)).context("naming a server")?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, params)
    }

    /// A certificate by which a client is `user`, a member of `group`.
    pub(super) fn client(&self, name: &str, user: &str, group: Option<&str>) -> Result<Signed> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, params)
    }

    /// A key for signing and its public half, in files of their own.
    pub(super) fn bare_key(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let key = KeyPair::generate().context("making a key")?;
        let file = self.folder.join(format!("{name}.key"));
        write_private(&file, key.serialize_pem().as_bytes())?;
        let public = self.folder.join(format!("{name}.pub"));
        write_private(&public, key.public_key_pem().as_bytes())?;
        Ok((file, public))
    }

    fn sign(&self, name: &str, mut params: CertificateParams) -> Result<Signed> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("making a key")?;
        let signed = params
            .signed_by(&key, &self.issuer)
            .with_context(|| format!("signing the certificate of {name}"))?;
        let place = Signed::of(&self.folder, name);
        write_private(&place.certificate, signed.pem().as_bytes())?;
        write_private(&place.key, key.serialize_pem().as_bytes())?;
        Ok(place)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Writes a file that nobody else may read, from its first byte on.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(file)?
            .write_all(bytes)
    };
    write().with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(&folder.path().join("certificates")).unwrap();
        let server = authority.server("api").unwrap();
        let client = authority.client("admin", "admin", Some("system:masters")).unwrap();
        let (bare, _) = authority.bare_key("accounts").unwrap();
        for file in [server.certificate, server.key, client.key, bare] {
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
    }
}
