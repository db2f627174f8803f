//! Bitmaps of the bitmap functions: which of 32768 positions are taken.
//!
//! Up to four positions are written as their number, high byte first, and themselves, low byte first, in ten bytes;
//! more as ten bytes, of which the first is 8, and the positions, ascending.

use firn_types::{Error, ErrorCode, Result};

/// Positions of a bitmap.
pub(crate) const POSITIONS: usize = 32_768;
const FEW: usize = 4;
const HEAD_BYTES: usize = 10;
const MANY: u8 = 8;

/// Which positions are taken.
#[derive(Clone)]
pub(crate) struct Bitmap {
    words: Box<[u64; POSITIONS / 64]>,
}

impl Bitmap {
    /// None taken.
    pub(crate) fn new() -> Bitmap {
        Bitmap { words: Box::new([0; POSITIONS / 64]) }
    }

    /// Takes a position below [`POSITIONS`].
    pub(crate) fn take(&mut self, position: usize) {
        if let Some(word) = self.words.get_mut(position / 64) {
            *word |= 1 << (position % 64);
        }
    }

    /// Takes what another one has, too, or leaves only what both have.
    pub(crate) fn join(&mut self, other: &Bitmap, both: bool) {
        for (word, other) in self.words.iter_mut().zip(other.words.iter()) {
            *word = if both { *word & other } else { *word | other };
        }
    }

    fn positions(&self) -> impl Iterator<Item = u16> {
        (0..=u16::MAX / 2)
            .filter(|position| self.words[usize::from(*position) / 64] >> (position % 64) & 1 == 1)
    }

    /// Appends the bitmap's bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let count: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        if count as usize <= FEW {
            let end = out.len() + HEAD_BYTES;
            out.extend((count as u16).to_be_bytes());
            self.positions().for_each(|position| out.extend(position.to_le_bytes()));
            out.resize(end, 0);
            return;
        }
        out.push(MANY);
        out.resize(out.len() + HEAD_BYTES - 1, 0);
        self.positions().for_each(|position| out.extend(position.to_le_bytes()));
    }

    /// The bitmap that bytes are.
    ///
    /// # Errors
    /// `InvalidValue` for bytes that are none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Bitmap> {
        let mut bitmap = Bitmap::new();
        for pair in positions(bytes)?.chunks_exact(2) {
            let position = usize::from(u16::from_le_bytes([pair[0], pair[1]]));
            if position >= POSITIONS {
                return Err(invalid());
            }
            bitmap.take(position);
        }
        Ok(bitmap)
    }
}

/// How many positions the bitmap in these bytes has.
///
/// # Errors
/// As [`Bitmap::read`].
pub(crate) fn count(bytes: &[u8]) -> Result<i64> {
    Ok(positions(bytes)?.len() as i64 / 2)
}

/// The bytes of the positions.
fn positions(bytes: &[u8]) -> Result<&[u8]> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(invalid)?;
    let few = usize::from(u16::from_be_bytes([head[0], head[1]]));
    match head[0] {
        MANY if rest.len() % 2 == 0 => Ok(rest),
        0 if few <= FEW && rest.is_empty() => Ok(&head[2..2 + 2 * few]),
        _ => Err(invalid()),
    }
}

fn invalid() -> Error {
    Error::new(ErrorCode::InvalidValue, "Invalid bitmap: it was not made by a bitmap function")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_give_the_same_bitmap() -> Result<()> {
        for count in [0, 1, 4, 5, 300, POSITIONS] {
            let mut bitmap = Bitmap::new();
            (0..count).for_each(|number| bitmap.take(number * 7919 % POSITIONS));
            let mut bytes = Vec::new();
            bitmap.write(&mut bytes);
            assert_eq!(super::count(&bytes)?, count as i64);
            assert_eq!(*Bitmap::read(&bytes)?.words, *bitmap.words);
        }
        assert!(Bitmap::read(&[1, 2, 3]).is_err());
        assert!(Bitmap::read(&[0, 9, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        Ok(())
    }
}
