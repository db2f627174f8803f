//! Encrypted connections: the certificate that the server shows, and the authority that it makes for itself.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use firn_types::{Error, ErrorCode, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::options::Tls;

const CERTIFICATES: &str = "server.pem";
const KEY: &str = "server.key";
const AUTHORITY: &str = "authority.pem";

/// What takes encrypted connections for a server that listens on a host.
///
/// # Errors
/// When the certificate or its key cannot be read, written or made, or do not fit together.
pub(crate) fn acceptor(tls: &Tls, host: &str) -> Result<TlsAcceptor> {
    let (certificates, key) = match tls {
        Tls::Files { certificates, key } => (certificates.clone(), key.clone()),
        Tls::Folder(folder) => {
            let files = (folder.join(CERTIFICATES), folder.join(KEY));
            if !files.0.exists() && !files.1.exists() {
                make(folder, host)?;
            }
            files
        }
    };
    let unread = |path: &Path, error: &dyn std::fmt::Display| {
        failed(format!("cannot read {}: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unread(&certificates, &error))?;
    let own = PrivateKeyDer::from_pem_file(&key).map_err(|error| unread(&key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, own))
        .map_err(|error| failed(format!("the certificate and its key do not do: {error}")))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn failed(text: String) -> Error {
    Error::new(ErrorCode::Storage, text)
}

/// Makes an authority, which signs one certificate and is then forgotten, so that nobody can sign another one.
fn make(folder: &Path, host: &str) -> Result<()> {
    let made =
        signed(host).map_err(|error| failed(format!("cannot make a certificate: {error}")))?;
    let [authority, certificate, key] = made;
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(AUTHORITY), authority)?;
        fs::write(folder.join(CERTIFICATES), certificate)?;
        write_secret(&folder.join(KEY), &key)
    };
    write().map_err(|error| failed(format!("cannot write to {}: {error}", folder.display())))
}

/// An authority, a certificate that it has signed for this machine and a host, and that one's key, in PEM form.
fn signed(host: &str) -> Result<[String; 3], rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, "firn's own authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_text = authority.self_signed(&authority_key)?.pem();
    let mut names = vec!["localhost".to_string(), "127.0.0.1".to_string(), "::1".to_string()];
    if !names.iter().any(|name| name == host) && !["0.0.0.0", "::", ""].contains(&host) {
        names.push(host.to_string());
    }
    let mut own = CertificateParams::new(names)?;
    own.distinguished_name.push(DnType::CommonName, "firn");
    own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    own.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = own.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok([authority_text, certificate.pem(), key.serialize_pem()])
}

/// Writes a file that only its owner may read.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_found_again() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        let tls = Tls::Folder(folder.path().join("tls"));
        acceptor(&tls, "example.org")?;
        let read = || fs::read_to_string(folder.path().join("tls").join(CERTIFICATES)).ok();
        let first = read();
        assert!(first.is_some());
        acceptor(&tls, "example.org")?;
        assert_eq!(read(), first);
        let key = folder.path().join("tls").join(AUTHORITY);
        let wrong = Tls::Files { certificates: key.clone(), key };
        assert!(acceptor(&wrong, "").is_err());
        Ok(())
    }
}
