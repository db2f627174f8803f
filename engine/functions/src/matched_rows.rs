//! How a row's places in matches are written, between the search and what gives a row out for each of them.

/// The number of no symbol.
pub(crate) const NO_SYMBOL: u16 = u16::MAX;
/// Bytes of an entry.
const BYTES: usize = 20;

/// A row's place in a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The match's number in the partition, from 1.
    pub(crate) number: u64,
    /// The row's place in the match, from 1; 0 for a match without rows.
    pub(crate) place: u64,
    /// Which symbol it is.
    pub(crate) symbol: u16,
    /// Whether it is not given out.
    pub(crate) excluded: bool,
    /// Whether it is the match's last row.
    pub(crate) last: bool,
}

impl Entry {
    /// Appends the entry's bytes.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.extend(self.number.to_le_bytes());
        out.extend(self.place.to_le_bytes());
        out.extend(self.symbol.to_le_bytes());
        out.extend([u8::from(self.excluded), u8::from(self.last)]);
    }

    /// The entries that bytes hold.
    pub(crate) fn read_all(bytes: &[u8]) -> impl Iterator<Item = Entry> {
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        bytes.chunks_exact(BYTES).map(move |bytes| Entry {
            number: number(&bytes[..8]),
            place: number(&bytes[8..16]),
            symbol: u16::from_le_bytes([bytes[16], bytes[17]]),
            excluded: bytes[18] == 1,
            last: bytes[19] == 1,
        })
    }
}
