//! The form of a sealed object.
//!
//! ```text
//! "FIRNSEAL"  id of the data key (8 bytes)  salt (32 bytes)
//! chunks of 64 KiB, each sealed by AES-256-GCM, with a tag of 16 bytes behind it
//! ```
//!
//! Each object has a key of its own: HKDF-SHA256 of the data key with the object's salt, about the object's name, so
//! that no bytes of one object are taken for those of another one. The number of a chunk is its nonce, and whether it
//! is the last one is authenticated with it, so that no chunk is moved, left out or cut off unnoticed. There is always
//! a last chunk, which may be empty.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};

/// What a sealed object begins with.
pub(crate) const MAGIC: &[u8; 8] = b"FIRNSEAL";
/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of the id of a data key.
pub(crate) const ID_BYTES: usize = 8;
const SALT_BYTES: usize = 32;
/// Bytes before the first chunk.
pub(crate) const HEADER_BYTES: usize = MAGIC.len() + ID_BYTES + SALT_BYTES;
/// Bytes of a chunk, but the last one.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
const TAG_BYTES: usize = 16;
/// Bytes of a sealed chunk.
pub(crate) const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// The id of a data key.
pub(crate) type KeyId = [u8; ID_BYTES];

/// Why sealed bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    /// They are not what was sealed.
    Damaged,
    /// They are not sealed at all.
    Plain,
    /// Their key is not here; this is its id.
    Unknown(KeyId),
    /// The system gives no random numbers.
    NoRandom,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::Damaged => f.write_str("the sealed bytes are damaged"),
            SealError::Plain => {
                f.write_str("the bytes are not sealed, as all others of the account are")
            }
            SealError::Unknown(id) => write!(f, "the bytes are sealed under data key {}", hex(id)),
            SealError::NoRandom => f.write_str("the system gives no random numbers"),
        }
    }
}

impl std::error::Error for SealError {}

/// Bytes in base 16.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands before the chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Under which data key.
    pub(crate) key: KeyId,
    salt: [u8; SALT_BYTES],
}

impl Header {
    /// The header of a new object.
    pub(crate) fn new(key: KeyId) -> Result<Header, SealError> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| SealError::NoRandom)?;
        Ok(Header { key, salt })
    }

    /// The header that an object's first bytes are.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Header, SealError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SealError::Plain)?;
        let (key, rest) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
        let (salt, _) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
        Ok(Header { key: *key, salt: *salt })
    }

    fn bytes(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.key, &self.salt].concat()
    }
}

/// The key of one object.
pub(crate) struct ObjectKey(LessSafeKey);

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl ObjectKey {
    /// The key of the object of a name.
    pub(crate) fn new(
        data_key: &[u8; KEY_BYTES],
        header: &Header,
        name: &str,
    ) -> Result<ObjectKey, SealError> {
        let mut bytes = [0; KEY_BYTES];
        let about = [b"firn object ".as_slice(), name.as_bytes()];
        let secret = Salt::new(HKDF_SHA256, &header.salt).extract(data_key);
        let derived = secret.expand(&about, KeyLength).and_then(|key| key.fill(&mut bytes));
        derived.map_err(|_| SealError::Damaged)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SealError::Damaged)?;
        Ok(ObjectKey(LessSafeKey::new(key)))
    }

    /// Opens a chunk in place.
    pub(crate) fn open<'b>(
        &self,
        index: u64,
        last: bool,
        bytes: &'b mut [u8],
    ) -> Result<&'b [u8], SealError> {
        let opened = self.0.open_in_place(nonce(index), Aad::from([u8::from(last)]), bytes);
        opened.map(|plain| &*plain).map_err(|_| SealError::Damaged)
    }
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Seals the bytes of an object as they come.
pub(crate) struct Sealer {
    key: ObjectKey,
    /// Bytes of the chunk that is not full, or may be the last one.
    pending: Vec<u8>,
    index: u64,
    /// What is sealed and not taken yet.
    out: Vec<u8>,
}

impl Sealer {
    /// Begins an object.
    pub(crate) fn new(key: ObjectKey, header: &Header) -> Sealer {
        Sealer { key, pending: Vec::with_capacity(CHUNK_BYTES), index: 0, out: header.bytes() }
    }

    /// Room for an object of so many bytes.
    pub(crate) fn reserve(&mut self, plain: usize) {
        self.out.reserve(usize::try_from(sealed_len(plain as u64)).unwrap_or(0));
    }

    /// Adds bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), SealError> {
        while !bytes.is_empty() {
            if self.pending.len() == CHUNK_BYTES {
                self.seal(false)?;
            }
            let taken = bytes.len().min(CHUNK_BYTES - self.pending.len());
            let (some, rest) = bytes.split_at(taken);
            self.pending.extend_from_slice(some);
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the object.
    pub(crate) fn finish(&mut self) -> Result<(), SealError> {
        self.seal(true)
    }

    /// How many bytes are sealed and not taken.
    pub(crate) fn ready(&self) -> usize {
        self.out.len()
    }

    /// Takes what is sealed.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn seal(&mut self, last: bool) -> Result<(), SealError> {
        let aad = Aad::from([u8::from(last)]);
        let sealed =
            self.key.0.seal_in_place_separate_tag(nonce(self.index), aad, &mut self.pending);
        let tag = sealed.map_err(|_| SealError::Damaged)?;
        self.out.extend_from_slice(&self.pending);
        self.out.extend_from_slice(tag.as_ref());
        self.pending.clear();
        self.index += 1;
        Ok(())
    }
}

/// Bytes of an object once it is sealed.
pub(crate) fn sealed_len(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK_BYTES as u64).max(1);
    HEADER_BYTES as u64 + plain + chunks * TAG_BYTES as u64
}

/// Bytes of what a sealed object of so many bytes holds; 0 for one that is cut.
pub(crate) fn plain_len(sealed: u64) -> u64 {
    let body = sealed.saturating_sub(HEADER_BYTES as u64);
    let chunks = body.div_ceil(SEALED_BYTES as u64);
    body.saturating_sub(chunks * TAG_BYTES as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];

    fn sealed(plain: &[u8], name: &str) -> Vec<u8> {
        let header = Header::new([1; ID_BYTES]).expect("random numbers");
        let key = ObjectKey::new(&KEY, &header, name).expect("a key");
        let mut sealer = Sealer::new(key, &header);
        plain.chunks(1000).for_each(|part| sealer.push(part).expect("it is sealed"));
        sealer.finish().expect("it is sealed");
        sealer.take()
    }

    fn opened(sealed: &[u8], name: &str) -> Result<Vec<u8>, SealError> {
        let key = ObjectKey::new(&KEY, &Header::parse(sealed)?, name)?;
        let mut plain = Vec::new();
        let chunks: Vec<&[u8]> = sealed[HEADER_BYTES..].chunks(SEALED_BYTES).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let mut chunk = chunk.to_vec();
            let last = index + 1 == chunks.len();
            plain.extend_from_slice(key.open(index as u64, last, &mut chunk)?);
        }
        Ok(plain)
    }

    #[test]
    fn what_is_sealed_is_opened_whatever_its_length() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_000] {
            let plain: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let bytes = sealed(&plain, "a/b");
            assert_eq!(bytes.len() as u64, sealed_len(len as u64));
            assert_eq!(plain_len(bytes.len() as u64), len as u64);
            assert_eq!(opened(&bytes, "a/b").expect("it opens"), plain);
        }
        assert_eq!(plain_len(3), 0);
    }

    #[test]
    fn no_byte_is_changed_moved_or_cut_off_unnoticed() {
        let plain = vec![5; 2 * CHUNK_BYTES + 10];
        let bytes = sealed(&plain, "a");
        for at in (0..bytes.len()).step_by(997).chain([0, 9, 20, bytes.len() - 1]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            // The id of the key is looked up, rather than authenticated.
            let in_id = (MAGIC.len()..MAGIC.len() + ID_BYTES).contains(&at);
            assert!(in_id || opened(&flipped, "a").is_err(), "byte {at}");
        }
        let cut = &bytes[..HEADER_BYTES + SEALED_BYTES];
        assert_eq!(opened(cut, "a"), Err(SealError::Damaged));
        let (first, second) = bytes[HEADER_BYTES..].split_at(SEALED_BYTES);
        let (second, third) = second.split_at(SEALED_BYTES);
        let moved = [&bytes[..HEADER_BYTES], second, first, third].concat();
        assert_eq!(opened(&moved, "a"), Err(SealError::Damaged));
        assert_eq!(opened(&bytes, "b"), Err(SealError::Damaged), "of another object");
        assert_eq!(opened(b"PAR1", "a"), Err(SealError::Plain));
    }
}
