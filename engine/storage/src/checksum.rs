//! Checksums of what is stored: CRC-64/NVME. It finds every flipped bit and every burst of 64, and misses
//! one in 2^64 of all other damage.

use crc_fast::{CrcAlgorithm, Digest};

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// The checksum of some bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    crc_fast::checksum(ALGORITHM, bytes)
}

/// The checksum of bytes that do not lie at one place.
pub fn checksum_of_parts<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u64 {
    let mut digest = Digest::new(ALGORITHM);
    parts.into_iter().for_each(|part| digest.update(part));
    digest.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_checksum_of_the_catalogue_wherever_the_bytes_lie() {
        // The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
        assert_eq!(checksum(b"123456789"), 0xae8b_1486_0a79_9888);
        assert_eq!(checksum_of_parts([&b"1234"[..], b"", b"56789"]), checksum(b"123456789"));
    }
}
