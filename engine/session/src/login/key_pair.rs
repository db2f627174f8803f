//! Logins with an RSA key pair: a JSON web token that the private half has signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firn_account::catalog::PublicKey;
use firn_types::{Error, ErrorCode, Result};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey, Validation, decode};
use ring::digest::SHA256;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;
use spki::SubjectPublicKeyInfoRef;

use super::NANOS_PER_SECOND;

/// rsaEncryption.
const RSA: &str = "1.2.840.113549.1.1.1";
/// Seconds by which the client's clock may be wrong.
const LEEWAY_SECONDS: i64 = 60;
/// Seconds for which a token may be made.
const LIFETIME_SECONDS: i64 = 3600;

/// How tokens are verified: with ring, which is the project's one provider. Nothing here signs.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn no_signer(_: &Algorithm, _: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(
    algorithm: &Algorithm,
    key: &DecodingKey,
) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::RS256 => Ok(Box::new(Rs256(key.clone()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// RS256 under a public key.
struct Rs256(DecodingKey);

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let parameters = &RSA_PKCS1_2048_8192_SHA256;
        let outcome = match self.0.kind() {
            DecodingKeyKind::SecretOrDer(der) => {
                UnparsedPublicKey::new(parameters, der).verify(message, signature)
            }
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
        };
        outcome.map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

/// A public key as RSA_PUBLIC_KEY is written: the base 64 of its SubjectPublicKeyInfo, without the lines of PEM
/// around it. Answers it on one line.
///
/// # Errors
/// `InvalidPublicKey` when it is none, or of another kind than RSA.
pub(crate) fn public_key(text: &str) -> Result<String> {
    let line: String = text.split_whitespace().collect();
    let der = STANDARD.decode(&line).map_err(|_| invalid_key())?;
    pkcs1(&der).map(|_| line).ok_or_else(invalid_key)
}

/// The RSAPublicKey in a SubjectPublicKeyInfo.
fn pkcs1(der: &[u8]) -> Option<&[u8]> {
    let info = SubjectPublicKeyInfoRef::try_from(der).ok()?;
    let is_rsa = info.algorithm.oid.to_string() == RSA;
    info.subject_public_key.as_bytes().filter(|_| is_rsa)
}

fn invalid_key() -> Error {
    let text = "New public key rejected by current policy. Reason: 'Invalid public key'.";
    Error::new(ErrorCode::InvalidParameterValue, text)
}

/// The fingerprint of a public key: the SHA-256 of its SubjectPublicKeyInfo.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    let der = STANDARD.decode(&key.der).unwrap_or_default();
    let digest = ring::digest::digest(&SHA256, &der);
    format!("SHA256:{}", STANDARD.encode(digest.as_ref()))
}

/// Whether a token is one that a user of a login name has signed, and of now; or why it is not. It takes as
/// long when there is no such user.
pub(super) fn check(
    token: &str,
    name: &str,
    keys: Option<&[Option<PublicKey>; 2]>,
    now_nanos: i64,
) -> Result<(), &'static str> {
    // Somebody else in the process may have been first, who then needs it for RS256, too.
    let _ = PROVIDER.install_default();
    let mut found = None;
    for index in 0..2 {
        let key = keys.and_then(|keys| keys[index].as_ref());
        let claims = verified(token, key);
        found = found.or(key.zip(claims));
    }
    let (key, claims) = found.ok_or("JWT_TOKEN_INVALID_SIGNATURE")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    // An account's identifier stands before the user's name, and firn does not look at it.
    let subject = text("sub").to_uppercase();
    if subject.split_once('.').map(|(_, user)| user) != Some(name) {
        return Err("JWT_TOKEN_INVALID_USER_IN_SUBJECT");
    }
    let issuer = text("iss");
    let (who, print) = issuer.split_at(issuer.len().min(subject.len()));
    if who.to_uppercase() != subject || print.strip_prefix('.') != Some(&fingerprint(key)) {
        return Err("JWT_TOKEN_INVALID_PUBLIC_KEY_FINGERPRINT_MISMATCH");
    }
    let seconds = |name: &str| {
        let value = claims.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|value| value as i64))
    };
    let now = now_nanos.div_euclid(NANOS_PER_SECOND);
    let issued = seconds("iat").ok_or("JWT_TOKEN_MISSING_ISSUE_TIME")?;
    if issued > now.saturating_add(LEEWAY_SECONDS) {
        return Err("JWT_TOKEN_INVALID_ISSUE_TIME");
    }
    let expires = seconds("exp").ok_or("JWT_TOKEN_MISSING_EXPIRATION_TIME")?;
    let last = issued.saturating_add(LIFETIME_SECONDS + LEEWAY_SECONDS);
    match expires.saturating_add(LEEWAY_SECONDS) < now || last < now {
        true => Err("JWT_TOKEN_INVALID_EXPIRATION_TIME"),
        false => Ok(()),
    }
}

/// The claims of a token that a key has signed. Without a key it is verified with nobody's.
fn verified(token: &str, key: Option<&PublicKey>) -> Option<Value> {
    let der = key.and_then(|key| STANDARD.decode(&key.der).ok());
    let key = match der.as_deref().and_then(pkcs1) {
        Some(der) => DecodingKey::from_rsa_der(der),
        None => DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1, 0, 1]),
    };
    let mut validation = Validation::new(Algorithm::RS256);
    // The times are compared with the account's clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Value>(token, &key, &validation).ok().map(|token| token.claims);
    claims.filter(|_| der.is_some())
}
