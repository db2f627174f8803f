//! Checksums of what is stored: XXH3 with 64 bits, which is as fast as memory. It misses one of 2^64 damages.

use std::hash::Hasher;

use twox_hash::XxHash3_64;

/// The checksum of some bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// The checksum of bytes that do not lie at one place.
pub fn checksum_of_parts<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let mut hasher = XxHash3_64::new();
    parts.into_iter().for_each(|part| hasher.write(part));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_xxh3_wherever_the_bytes_lie() {
        // The value of no bytes in the reference implementation's own tests.
        assert_eq!(checksum(b""), 0x2d06_8005_38d3_94c2);
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let parts = [&bytes[..1], &bytes[1..1], &bytes[1..3_000], &bytes[3_000..]];
        assert_eq!(checksum_of_parts(parts), checksum(&bytes));
    }
}
