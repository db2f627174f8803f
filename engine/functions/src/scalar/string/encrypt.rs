//! ENCRYPT, DECRYPT and their kin: AES in Galois/counter mode.
//!
//! The raw functions take the key and the initialization vector as they are. ENCRYPT makes both from a passphrase
//! and from random bytes, which it writes before what is encrypted; whoever has the passphrase can decrypt it,
//! but only firn reads this form.

use std::collections::HashMap;
use std::num::NonZeroU32;

use firn_types::variant::Builder;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use ring::rand::{SecureRandom, SystemRandom};

use crate::driver::{Blobs, Texts, blobs, null_propagating, texts};
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, Volatility,
    accept,
};

const CATEGORY: &str = "Encryption";

/// ENCRYPT(value, passphrase [, along [, method]])
pub(crate) const ENCRYPT: ScalarFunction = ScalarFunction::new(
    "ENCRYPT",
    Arity::between(2, 4),
    bind_encrypt,
    Documentation::of(
        CATEGORY,
        "The value encrypted under a passphrase; what is given along has to be given again.",
        &[Example::of("TO_VARCHAR(DECRYPT(ENCRYPT('secret', 'word'), 'word'), 'utf-8')", "secret")],
    ),
)
.with_volatility(Volatility::Volatile);

/// DECRYPT(bytes, passphrase [, along [, method]])
pub(crate) const DECRYPT: ScalarFunction = ScalarFunction::new(
    "DECRYPT",
    Arity::between(2, 4),
    |arguments| bind_decrypt("DECRYPT", arguments, false),
    Documentation::of(CATEGORY, "What ENCRYPT made of a value, as it was.", &[]),
);

/// TRY_DECRYPT(bytes, passphrase [, along [, method]])
pub(crate) const TRY_DECRYPT: ScalarFunction = ScalarFunction::new(
    "TRY_DECRYPT",
    Arity::between(2, 4),
    |arguments| bind_decrypt("TRY_DECRYPT", arguments, true),
    Documentation::of(
        CATEGORY,
        "What ENCRYPT made of a value, as it was; NULL where that cannot be.",
        &[Example::of("TRY_DECRYPT(ENCRYPT('secret', 'word'), 'world')", "NULL")],
    ),
);

/// ENCRYPT_RAW(value, key, vector [, along [, method]])
pub(crate) const ENCRYPT_RAW: ScalarFunction = ScalarFunction::new(
    "ENCRYPT_RAW",
    Arity::between(3, 6),
    bind_encrypt_raw,
    Documentation::of(
        CATEGORY,
        "The value encrypted by AES-GCM: an object of ciphertext, vector and tag in hexadecimal.",
        &[Example::of(
            "ENCRYPT_RAW(TO_BINARY(REPEAT('00', 16)), TO_BINARY(REPEAT('00', 16)), \
             TO_BINARY(REPEAT('00', 12))):ciphertext::VARCHAR",
            "0388DACE60B6A392F328C2B971B2FE78",
        )],
    ),
);

/// DECRYPT_RAW(bytes, key, vector [, along [, method [, tag]]])
pub(crate) const DECRYPT_RAW: ScalarFunction = ScalarFunction::new(
    "DECRYPT_RAW",
    Arity::exactly(6),
    |arguments| bind_decrypt_raw("DECRYPT_RAW", arguments, false),
    Documentation::of(
        CATEGORY,
        "What ENCRYPT_RAW made of a value, as it was.",
        &[Example::of(
            "DECRYPT_RAW(TO_BINARY('0388DACE60B6A392F328C2B971B2FE78'), \
             TO_BINARY(REPEAT('00', 16)), TO_BINARY(REPEAT('00', 12)), NULL, 'AES-GCM', \
             TO_BINARY('AB6E47D42CEC13BDF53A67B21257BDDF'))",
            "00000000000000000000000000000000",
        )],
    ),
);

/// TRY_DECRYPT_RAW(bytes, key, vector [, along [, method [, tag]]])
pub(crate) const TRY_DECRYPT_RAW: ScalarFunction = ScalarFunction::new(
    "TRY_DECRYPT_RAW",
    Arity::exactly(6),
    |arguments| bind_decrypt_raw("TRY_DECRYPT_RAW", arguments, true),
    Documentation::of(
        CATEGORY,
        "What ENCRYPT_RAW made of a value, as it was; NULL where that cannot be.",
        &[],
    ),
);

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// Rounds of the derivation of a key from a passphrase. A batch of rows shares one salt, so that it is done once.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);

fn failed(text: &str) -> Error {
    Error::new(ErrorCode::InvalidValue, text)
}

fn cannot_decrypt() -> Error {
    failed("Decryption failed. Check encrypted data, key, AAD, or AEAD tag.")
}

/// The key of some bytes.
///
/// # Errors
/// `InvalidValue` for other lengths than 16 and 32 bytes.
fn key_of(bytes: &[u8]) -> Result<LessSafeKey> {
    let algorithm = match bytes.len() {
        16 => &AES_128_GCM,
        32 => &AES_256_GCM,
        24 => return Err(Error::not_supported("keys of 192 bits")),
        _ => return Err(failed("The key has an invalid length: 128 or 256 bits are possible.")),
    };
    let key = UnboundKey::new(algorithm, bytes);
    key.map(LessSafeKey::new).map_err(|_| Error::internal("a key of a wrong length"))
}

/// The key of a passphrase and a salt.
fn derived(passphrase: &str, salt: &[u8]) -> Result<LessSafeKey> {
    let mut key = [0; 32];
    derive(PBKDF2_HMAC_SHA256, ROUNDS, salt, passphrase.as_bytes(), &mut key);
    key_of(&key)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| Error::internal("no random bytes are to be had"))?;
    Ok(bytes)
}

/// Refuses other methods than AES-GCM.
fn check_method(method: Option<&str>) -> Result<()> {
    let written = method.map(|method| method.trim().to_uppercase().replace('/', "-"));
    match written.as_deref() {
        None | Some("AES" | "AES-GCM" | "AES-GCM-PAD:NONE") => Ok(()),
        Some(other) if other.starts_with("AES-") => {
            Err(Error::not_supported(format!("encryption by {other}")))
        }
        Some(other) => Err(failed(&format!("Invalid encryption method: '{other}'"))),
    }
}

/// A column of texts or of bytes.
enum Either<'a> {
    Text(Texts<'a>),
    Bytes(Blobs<'a>),
}

impl<'a> Either<'a> {
    fn of(column: &'a firn_column::Column, sql_type: SqlType) -> Result<Either<'a>> {
        Ok(match sql_type.family() {
            TypeFamily::Binary => Either::Bytes(blobs(column)?),
            _ => Either::Text(texts(column)?),
        })
    }

    fn get(&self, row: usize) -> &'a [u8] {
        match self {
            Either::Text(texts) => texts.get(row).as_bytes(),
            Either::Bytes(blobs) => blobs.get(row),
        }
    }
}

/// The types of the arguments behind the passphrase: what is given along, and the method.
fn further(name: &str, arguments: &[Argument], types: &mut Vec<SqlType>) -> Result<()> {
    for position in types.len()..arguments.len() {
        types.push(match position {
            2 => accept::text_or_binary(name, arguments, position)?,
            _ => accept::text(name, arguments, position)?,
        });
    }
    Ok(())
}

fn bind_encrypt(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "ENCRYPT";
    let mut types =
        vec![accept::text_or_binary(name, arguments, 0)?, accept::text(name, arguments, 1)?];
    further(name, arguments, &mut types)?;
    let kinds = types.clone();
    let kernel = null_propagating(move |rows, columns| {
        let input = Either::of(&columns[0], kinds[0])?;
        let passphrases = texts(&columns[1])?;
        let along = columns.get(2).map(|column| Either::of(column, kinds[2])).transpose()?;
        let methods = columns.get(3).map(texts).transpose()?;
        let salt: [u8; SALT_BYTES] = random()?;
        let mut keys: HashMap<&str, LessSafeKey> = HashMap::new();
        rows.bytes(|at, out| {
            check_method(methods.map(|methods| methods.get(at)))?;
            let passphrase = passphrases.get(at);
            if !keys.contains_key(passphrase) {
                keys.insert(passphrase, derived(passphrase, &salt)?);
            }
            let nonce: [u8; NONCE_LEN] = random()?;
            let along = along.as_ref().map_or(&[][..], |along| along.get(at));
            let mut sealed = input.get(at).to_vec();
            keys[passphrase]
                .seal_in_place_append_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(along),
                    &mut sealed,
                )
                .map_err(|_| failed("The value is too long to be encrypted."))?;
            out.extend_from_slice(&salt);
            out.extend_from_slice(&nonce);
            out.extend_from_slice(&sealed);
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::BINARY, kernel)
}

fn bind_decrypt(name: &str, arguments: &[Argument], lenient: bool) -> Result<ScalarBinding> {
    let mut types = vec![accept::binary(name, arguments, 0)?, accept::text(name, arguments, 1)?];
    further(name, arguments, &mut types)?;
    let kinds = types.clone();
    let kernel = null_propagating(move |rows, columns| {
        let (input, passphrases) = (blobs(&columns[0])?, texts(&columns[1])?);
        let along = columns.get(2).map(|column| Either::of(column, kinds[2])).transpose()?;
        let methods = columns.get(3).map(texts).transpose()?;
        let mut keys: HashMap<(&str, Vec<u8>), LessSafeKey> = HashMap::new();
        rows.bytes(|at, out| {
            check_method(methods.map(|methods| methods.get(at)))?;
            let along = along.as_ref().map_or(&[][..], |along| along.get(at));
            let opened = opened(input.get(at), passphrases.get(at), along, &mut keys, out);
            match opened {
                Err(_) if lenient => Ok(false),
                opened => opened.map(|()| true),
            }
        })
    });
    ScalarBinding::new(types, SqlType::BINARY, kernel)
}

fn opened<'p>(
    bytes: &[u8],
    passphrase: &'p str,
    along: &[u8],
    keys: &mut HashMap<(&'p str, Vec<u8>), LessSafeKey>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let (salt, rest) = bytes.split_at_checked(SALT_BYTES).ok_or_else(cannot_decrypt)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(cannot_decrypt)?;
    let place = (passphrase, salt.to_vec());
    if !keys.contains_key(&place) {
        keys.insert(place.clone(), derived(passphrase, salt)?);
    }
    open(&keys[&place], nonce, along, sealed, out)
}

/// Appends what is sealed, the tag at its end.
fn open(
    key: &LessSafeKey,
    nonce: &[u8],
    along: &[u8],
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong_vector())?;
    let mut sealed = sealed.to_vec();
    let opened = key.open_in_place(nonce, Aad::from(along), &mut sealed);
    out.extend_from_slice(opened.map_err(|_| cannot_decrypt())?);
    Ok(())
}

fn wrong_vector() -> Error {
    failed("The initialization vector has an invalid length: AES-GCM takes 96 bits.")
}

fn bind_encrypt_raw(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = raw_types("ENCRYPT_RAW", arguments)?;
    let body = move |rows: &crate::driver::Rows<'_>, columns: &[firn_column::Column]| {
        let (input, keys) = (blobs(&columns[0])?, blobs(&columns[1])?);
        let vectors = columns.get(2).map(blobs).transpose()?;
        let along = columns.get(3).map(blobs).transpose()?;
        let methods = columns.get(4).map(texts).transpose()?;
        let mut builder = Builder::new();
        rows.bytes(|at, out| {
            if input.is_null(at) || keys.is_null(at) {
                return Ok(false);
            }
            check_method(methods.filter(|m| !m.is_null(at)).map(|m| m.get(at)))?;
            let key = key_of(keys.get(at))?;
            let vector = match vectors.filter(|vectors| !vectors.is_null(at)) {
                Some(vectors) => vectors.get(at).try_into().map_err(|_| wrong_vector())?,
                None => random::<NONCE_LEN>()?,
            };
            let along = along.filter(|along| !along.is_null(at));
            let along = along.map_or(&[][..], |along| along.get(at));
            let mut sealed = input.get(at).to_vec();
            let tag = key
                .seal_in_place_separate_tag(
                    Nonce::assume_unique_for_key(vector),
                    Aad::from(along),
                    &mut sealed,
                )
                .map_err(|_| failed("The value is too long to be encrypted."))?;
            builder.begin_object()?;
            for (name, bytes) in
                [("ciphertext", &sealed[..]), ("iv", &vector), ("tag", tag.as_ref())]
            {
                builder.key(name);
                builder.binary(bytes);
            }
            builder.end_object()?;
            builder.finish(out)?;
            Ok(true)
        })
    };
    ScalarBinding::new(types, SqlType::Variant, crate::driver::null_aware(body))
}

/// The types of the arguments of the raw functions.
fn raw_types(name: &str, arguments: &[Argument]) -> Result<Vec<SqlType>> {
    let types = (0..arguments.len()).map(|position| match position {
        4 => accept::text(name, arguments, position),
        _ => accept::binary(name, arguments, position),
    });
    types.collect()
}

fn bind_decrypt_raw(name: &str, arguments: &[Argument], lenient: bool) -> Result<ScalarBinding> {
    let types = raw_types(name, arguments)?;
    ScalarBinding::new(types, SqlType::BINARY, decrypt_raw(lenient))
}

fn decrypt_raw(lenient: bool) -> Kernel {
    crate::driver::null_aware(move |rows, columns| {
        let (input, keys) = (blobs(&columns[0])?, blobs(&columns[1])?);
        let (vectors, along) = (blobs(&columns[2])?, blobs(&columns[3])?);
        let (methods, tags) = (texts(&columns[4])?, blobs(&columns[5])?);
        rows.bytes(|at, out| {
            let needed = [input, keys, vectors, tags];
            if needed.iter().any(|column| column.is_null(at)) {
                return Ok(false);
            }
            check_method((!methods.is_null(at)).then(|| methods.get(at)))?;
            let along = if along.is_null(at) { &[][..] } else { along.get(at) };
            if tags.get(at).len() != TAG_BYTES {
                return if lenient { Ok(false) } else { Err(cannot_decrypt()) };
            }
            let sealed = [input.get(at), tags.get(at)].concat();
            let opened = key_of(keys.get(at))
                .and_then(|key| open(&key, vectors.get(at), along, &sealed, out));
            match opened {
                Err(_) if lenient => Ok(false),
                opened => opened.map(|()| true),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_what_was_given_along() -> Result<()> {
        let mut sealed = b"secret".to_vec();
        let key = derived("word", &[1; SALT_BYTES])?;
        let nonce = [2; NONCE_LEN];
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(b"along"),
            &mut sealed,
        )
        .map_err(|_| cannot_decrypt())?;
        let mut out = Vec::new();
        open(&key, &nonce, b"along", &sealed, &mut out)?;
        assert_eq!(out, b"secret");
        assert!(open(&key, &nonce, b"other", &sealed, &mut out).is_err());
        sealed[0] ^= 1;
        assert!(open(&key, &nonce, b"along", &sealed, &mut out).is_err());
        Ok(())
    }
}
