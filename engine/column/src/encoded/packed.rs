//! Integers in few bits, yet each of them at a known place.
//!
//! Values lie in blocks. A block holds their differences from its least value, all in the same number of
//! bits: the least power of two that suffices. Differences of less than a byte lie in planes: with 2 bits,
//! the lowest 2 bits of all bytes hold the first quarter of the block's rows, the next 2 bits the second, so
//! that whole planes are read with the same shift and the compiler vectorizes it.

use std::ops::Range;

use arrow::array::{Array as _, BooleanBufferBuilder, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};

use crate::kernels::compare::pack;
use crate::kernels::forms::Operand;

/// Rows of a block.
const BLOCK: usize = 1 << BLOCK_SHIFT;
const BLOCK_SHIFT: u32 = 13;
/// Bits of values that are held as they stand.
const WHOLE: u8 = 128;

/// An integer of one of the forms that are packed.
pub(super) trait Integer: Copy + Ord {
    /// The integer in the widest form.
    fn wide(self) -> i128;
    /// The lowest bits of a wide integer.
    fn of(wide: i128) -> Self;
    /// `self - low`, which is not negative.
    fn minus(self, low: Self) -> u128;
    /// `self + difference`.
    fn plus(self, difference: u64) -> Self;
}

macro_rules! integer {
    ($($type:ty as $unsigned:ty),*) => {$(
        impl Integer for $type {
            #[inline]
            fn wide(self) -> i128 {
                i128::from(self)
            }

            #[inline]
            fn of(wide: i128) -> $type {
                wide as $type
            }

            #[inline]
            fn minus(self, low: $type) -> u128 {
                // What overflows here is right again when it is taken as unsigned.
                u128::from(self.wrapping_sub(low) as $unsigned)
            }

            #[inline]
            fn plus(self, difference: u64) -> $type {
                self.wrapping_add(difference as $type)
            }
        }
    )*};
}

integer!(u8 as u8, u32 as u32, i32 as u32, i64 as u64, i128 as u128);

/// Some rows of a column.
pub(super) enum Pick<'a> {
    /// Consecutive ones.
    Range(Range<usize>),
    /// These, in this order; ascending ones are fastest.
    List(&'a UInt32Array),
}

impl Pick<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Pick::Range(rows) => rows.len(),
            Pick::List(rows) => rows.len(),
        }
    }
}

/// Integers, packed.
#[derive(Debug, Default)]
pub(super) struct Packed {
    blocks: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    /// The least value.
    low: i128,
    /// Bits of a difference: 0 or a power of two.
    bits: u8,
    /// Binary logarithm of a plane's rows.
    plane_shift: u32,
    /// An allocation per block: several sizes of short lists waste less than one long one that grew.
    bytes: Box<[u8]>,
}

impl Packed {
    /// These values; what stands at a NULL need not come back.
    pub(super) fn of<T: Integer>(values: &[T], nulls: Option<&NullBuffer>) -> Packed {
        let blocks = values.chunks(BLOCK).enumerate().map(|(number, block)| {
            let nulls = nulls.map(|nulls| nulls.slice(number * BLOCK, block.len()));
            match nulls.filter(|nulls| nulls.null_count() > 0) {
                None => Block::of(block),
                Some(nulls) => Block::of(&without_nulls(block, &nulls)),
            }
        });
        Packed { blocks: blocks.collect() }
    }

    /// Bytes of memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let bytes: usize = self.blocks.iter().map(|block| block.bytes.len()).sum();
        bytes + self.blocks.capacity() * size_of::<Block>()
    }

    /// The value of all rows of a range, where one block can tell that they are equal.
    pub(super) fn only_value(&self, rows: &Range<usize>) -> Option<i128> {
        let block = self.blocks.get(rows.start >> BLOCK_SHIFT)?;
        let within = rows.end.checked_sub(1)? >> BLOCK_SHIFT == rows.start >> BLOCK_SHIFT;
        (within && block.bits == 0).then_some(block.low)
    }

    /// Which of the rows have a value from `low` to `high`.
    pub(super) fn between(&self, rows: &Range<usize>, low: i128, high: i128) -> BooleanBuffer {
        let mut answers = self.parts(rows).map(|(block, rows)| block.between(rows, low, high));
        let first = answers.next().unwrap_or_else(|| BooleanBuffer::new_unset(0));
        if first.len() == rows.len() {
            return first;
        }
        let mut all = BooleanBufferBuilder::new(rows.len());
        all.append_buffer(&first);
        answers.for_each(|answers| all.append_buffer(&answers));
        all.finish()
    }

    /// The blocks with some of the rows, which count from the block's first.
    fn parts(&self, rows: &Range<usize>) -> impl Iterator<Item = (&Block, Range<usize>)> {
        let (start, end) = (rows.start, rows.end);
        let blocks = start >> BLOCK_SHIFT..end.div_ceil(BLOCK);
        blocks.map(move |number| {
            let first = number << BLOCK_SHIFT;
            (&self.blocks[number], start.max(first) - first..end.min(first + BLOCK) - first)
        })
    }

    /// The values of the given rows, each of which is there.
    pub(super) fn pick<T: Integer>(&self, rows: &Pick<'_>) -> Vec<T> {
        let mut values = Vec::with_capacity(rows.len());
        match rows {
            Pick::Range(rows) => {
                self.parts(rows).for_each(|(block, rows)| block.append_range(rows, &mut values));
            }
            Pick::List(rows) => {
                for rows in rows.values().chunk_by(|a, b| a >> BLOCK_SHIFT == b >> BLOCK_SHIFT) {
                    let block = &self.blocks[rows[0] as usize >> BLOCK_SHIFT];
                    block.append_list(rows, &mut values);
                }
            }
        }
        values
    }
}

impl Block {
    fn of<T: Integer>(values: &[T]) -> Block {
        let first = values.first().copied().unwrap_or_else(|| T::of(0));
        let (low, high) = values
            .iter()
            .fold((first, first), |(low, high), &value| (low.min(value), high.max(value)));
        let range = high.minus(low);
        let bits = match 128 - range.leading_zeros() {
            0 => 0,
            needed => needed.next_power_of_two() as u8,
        };
        let planes = (8 / bits.clamp(1, 8)).ilog2();
        let plane_shift = values.len().next_power_of_two().ilog2().saturating_sub(planes);
        let bytes = match bits {
            0 => Box::default(),
            16 => narrowed(values, |value| (value.minus(low) as u16).to_le_bytes()),
            32 => narrowed(values, |value| (value.minus(low) as u32).to_le_bytes()),
            64 => narrowed(values, |value| (value.minus(low) as u64).to_le_bytes()),
            WHOLE => narrowed(values, |value| value.wide().to_le_bytes()),
            bits => narrowed_planes(values, low, (bits, plane_shift)),
        };
        Block { low: low.wide(), bits, plane_shift, bytes }
    }

    /// Rows counted from the block's first.
    fn append_range<T: Integer>(&self, rows: Range<usize>, values: &mut Vec<T>) {
        let (bytes, low) = (&self.bytes, T::of(self.low));
        let start = values.len();
        values.resize(start + rows.len(), low);
        let values = &mut values[start..];
        match self.bits {
            0 => (),
            16 => widen(&units(bytes)[rows], values, |unit| low.plus(two(unit))),
            32 => widen(&units(bytes)[rows], values, |unit| low.plus(four(unit))),
            64 => widen(&units(bytes)[rows], values, |unit| low.plus(eight(unit))),
            WHOLE => widen(&units(bytes)[rows], values, |unit| T::of(i128::from_le_bytes(*unit))),
            bits => widen_planes(bytes, rows, (bits, self.plane_shift), low, values),
        }
    }

    /// Which of the rows, counted from the block's first, have a value from `low` to `high`.
    fn between(&self, rows: Range<usize>, low: i128, high: i128) -> BooleanBuffer {
        if self.bits == WHOLE {
            let test = |unit| (low..=high).contains(&i128::from_le_bytes(unit));
            return pack(Operand::Many(&units(&self.bytes)[rows]), test);
        }
        // The ends as differences; all of the block's lie from 0 to the top.
        let (low, high) = (low.saturating_sub(self.low), high.saturating_sub(self.low));
        let top = (1 << self.bits) - 1;
        if high < 0 || low > top || low > high {
            return BooleanBuffer::new_unset(rows.len());
        }
        if low <= 0 && high >= top {
            return BooleanBuffer::new_set(rows.len());
        }
        let low = low.max(0) as u64;
        let span = high.min(top) as u64 - low;
        macro_rules! test {
            ($type:ty, $units:expr, $value:expr) => {{
                let (low, span) = (low as $type, span as $type);
                pack(Operand::Many($units), |unit| $value(unit).wrapping_sub(low) <= span)
            }};
        }
        match self.bits {
            16 => test!(u16, &units(&self.bytes)[rows], u16::from_le_bytes),
            32 => test!(u32, &units(&self.bytes)[rows], u32::from_le_bytes),
            64 => test!(u64, &units(&self.bytes)[rows], u64::from_le_bytes),
            bits => {
                let (mask, low, span) = (mask(bits), low as u8, span as u8);
                let mut answers = BooleanBufferBuilder::new(rows.len());
                for (plane, at) in planes(rows, self.plane_shift) {
                    let shift = plane as u32 * u32::from(bits);
                    let test = |byte: u8| ((byte >> shift) & mask).wrapping_sub(low) <= span;
                    answers.append_buffer(&pack(Operand::Many(&self.bytes[at]), test));
                }
                answers.finish()
            }
        }
    }

    /// Rows of this block, as positions in the column.
    fn append_list<T: Integer>(&self, rows: &[u32], values: &mut Vec<T>) {
        let (bytes, low) = (&self.bytes, T::of(self.low));
        let start = values.len();
        values.resize(start + rows.len(), low);
        let values = &mut values[start..];
        match self.bits {
            0 => (),
            16 => gather(units(bytes), rows, values, |unit| low.plus(two(unit))),
            32 => gather(units(bytes), rows, values, |unit| low.plus(four(unit))),
            64 => gather(units(bytes), rows, values, |unit| low.plus(eight(unit))),
            WHOLE => gather(units(bytes), rows, values, |unit| T::of(i128::from_le_bytes(*unit))),
            bits => gather_planes(bytes, rows, (bits, self.plane_shift), low, values),
        }
    }
}

/// The values with the one before in place of NULLs, so that these do not make the range wider.
fn without_nulls<T: Integer>(values: &[T], nulls: &NullBuffer) -> Vec<T> {
    let first = nulls.valid_indices().next();
    let mut last = first.map_or_else(|| T::of(0), |row| values[row]);
    let filled = values.iter().zip(nulls).map(|(&value, valid)| {
        last = if valid { value } else { last };
        last
    });
    filled.collect()
}

/// The lowest bits of a byte.
fn mask(bits: u8) -> u8 {
    u8::MAX >> (8 - bits)
}

fn units<const N: usize>(bytes: &[u8]) -> &[[u8; N]] {
    bytes.as_chunks().0
}

#[inline]
fn two(unit: &[u8; 2]) -> u64 {
    u64::from(u16::from_le_bytes(*unit))
}

#[inline]
fn four(unit: &[u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(*unit))
}

#[inline]
fn eight(unit: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*unit)
}

fn narrowed<T: Copy, const N: usize>(values: &[T], unit: impl Fn(T) -> [u8; N]) -> Box<[u8]> {
    let mut bytes = vec![0; values.len() * N];
    for (out, &value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
        *out = unit(value);
    }
    bytes.into()
}

/// `form` is the bits of a difference and the binary logarithm of a plane's rows.
fn narrowed_planes<T: Integer>(values: &[T], low: T, form: (u8, u32)) -> Box<[u8]> {
    let (bits, plane_shift) = form;
    let plane_rows = 1 << plane_shift;
    let mut bytes = vec![0; plane_rows.min(values.len())];
    for (plane, values) in values.chunks(plane_rows).enumerate() {
        let shift = plane * usize::from(bits);
        for (byte, &value) in bytes.iter_mut().zip(values) {
            *byte |= (value.minus(low) as u8) << shift;
        }
    }
    bytes.into()
}

fn widen<T, const N: usize>(units: &[[u8; N]], values: &mut [T], value: impl Fn(&[u8; N]) -> T) {
    for (out, unit) in values.iter_mut().zip(units) {
        *out = value(unit);
    }
}

fn gather<T, const N: usize>(
    units: &[[u8; N]],
    rows: &[u32],
    values: &mut [T],
    value: impl Fn(&[u8; N]) -> T,
) {
    for (out, &row) in values.iter_mut().zip(rows) {
        *out = value(&units[row as usize & (BLOCK - 1)]);
    }
}

/// Rows of a block of planes; `form` is its bits and the binary logarithm of a plane's rows.
fn widen_planes<T: Integer>(
    bytes: &[u8],
    rows: Range<usize>,
    (bits, plane_shift): (u8, u32),
    low: T,
    values: &mut [T],
) {
    let mask = mask(bits);
    let mut values = values;
    for (plane, at) in planes(rows, plane_shift) {
        let shift = plane as u32 * u32::from(bits);
        let (these, others) = values.split_at_mut(at.len());
        for (out, byte) in these.iter_mut().zip(&bytes[at]) {
            *out = low.plus(u64::from((byte >> shift) & mask));
        }
        values = others;
    }
}

/// The planes in which rows of a block lie, and where: `plane_shift` is the binary logarithm of a plane's
/// rows.
fn planes(rows: Range<usize>, plane_shift: u32) -> impl Iterator<Item = (usize, Range<usize>)> {
    let (start, end) = (rows.start, rows.end);
    (start >> plane_shift..end.div_ceil(1 << plane_shift)).map(move |plane| {
        let (first, next) = (plane << plane_shift, (plane + 1) << plane_shift);
        (plane, start.max(first) - first..end.min(next) - first)
    })
}

fn gather_planes<T: Integer>(
    bytes: &[u8],
    rows: &[u32],
    (bits, plane_shift): (u8, u32),
    low: T,
    values: &mut [T],
) {
    let mask = mask(bits);
    for (out, &row) in values.iter_mut().zip(rows) {
        let row = row as usize & (BLOCK - 1);
        let byte = bytes[row & ((1 << plane_shift) - 1)];
        *out = low.plus(u64::from((byte >> ((row >> plane_shift) * usize::from(bits))) & mask));
    }
}
