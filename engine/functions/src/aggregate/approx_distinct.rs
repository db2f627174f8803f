//! APPROX_COUNT_DISTINCT, HLL_ACCUMULATE and HLL_COMBINE: HyperLogLog.
//!
//! A group keeps its hashes as they are while they are few, so that small counts are exact; then 4096
//! registers, whose standard error is 1.6 percent. The estimate is Ertl's improved one (New cardinality
//! estimation algorithms for HyperLogLog sketches, 2017), which needs no correction for small or large
//! counts.

use arrow::array::BinaryViewBuilder;
use arrow::buffer::NullBuffer;
use firn_column::row_key::hash::hash_columns;
use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::grouped::{Fold, Folded};
use super::state::{AnswerStates, Storable};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::{Arity, Documentation, Example, accept};

/// APPROX_COUNT_DISTINCT(value, ...)
pub(crate) const APPROX_COUNT_DISTINCT: AggregateFunction = AggregateFunction::new(
    "APPROX_COUNT_DISTINCT",
    Arity::at_least(1),
    |arguments| {
        let types: Vec<SqlType> = arguments.iter().map(|argument| argument.sql_type).collect();
        let kept = types.clone();
        let fold = move || Folded::new(Distinct { types: kept.clone() });
        AggregateBinding::new(types, SqlType::number(18, 0), fold)
    },
    Documentation::of(
        CATEGORY,
        "About how many different values there are, within 1.6 percent on average.",
        &[
            Example::of("APPROX_COUNT_DISTINCT('a')", "1"),
            Example::of("APPROX_COUNT_DISTINCT(NULL)", "0"),
        ],
    ),
)
.with_aliases(&["HLL"])
.with_distinct();

/// HLL_ACCUMULATE(value, ...)
pub(crate) const HLL_ACCUMULATE: AggregateFunction = AggregateFunction::new(
    "HLL_ACCUMULATE",
    Arity::at_least(1),
    |arguments| {
        let types: Vec<SqlType> = arguments.iter().map(|argument| argument.sql_type).collect();
        let kept = types.clone();
        let fold = move || Folded::new(AnswerStates::of_values(Distinct { types: kept.clone() }));
        AggregateBinding::new(types, SqlType::BINARY, fold)
    },
    Documentation::of(
        CATEGORY,
        "A state from which HLL_ESTIMATE tells about how many different values there were.",
        &[Example::of("HLL_ESTIMATE(HLL_ACCUMULATE('a'))", "1")],
    ),
)
.with_distinct();

/// HLL_COMBINE(state)
pub(crate) const HLL_COMBINE: AggregateFunction = AggregateFunction::new(
    "HLL_COMBINE",
    Arity::exactly(1),
    |arguments| {
        let state = accept::binary("HLL_COMBINE", arguments, 0)?;
        AggregateBinding::new(vec![state], SqlType::BINARY, || {
            Folded::new(AnswerStates::of_states(Distinct { types: Vec::new() }))
        })
    },
    Documentation::of(CATEGORY, "The state of all rows, from the states of parts of them.", &[]),
);

/// Bits of a hash that choose the register.
pub(crate) const INDEX_BITS: u32 = 12;
pub(crate) const REGISTERS: usize = 1 << INDEX_BITS;
/// Hashes that are kept as they are.
const SPARSE_MAX: usize = 256;

struct Distinct {
    types: Vec<SqlType>,
}

/// A hash whose bits are all independent: those of rows are good enough for a hash table, but spread
/// numbers in a row more evenly than chance does, which an estimate would take for more values.
fn scrambled(hash: u64) -> u64 {
    let mut z = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What is known of the values of a group.
pub(crate) enum Sketch {
    /// Their hashes, sorted.
    Sparse(Vec<u64>),
    /// Per register the longest run of zeros, plus one.
    Dense(Box<[u8; REGISTERS]>),
}

impl Sketch {
    fn add(&mut self, hash: u64, heap: &mut usize) {
        match self {
            Sketch::Dense(registers) => {
                let index = (hash >> (64 - INDEX_BITS)) as usize;
                let rest = hash << INDEX_BITS;
                let rank = (rest.leading_zeros().min(64 - INDEX_BITS) + 1) as u8;
                registers[index] = registers[index].max(rank);
            }
            Sketch::Sparse(hashes) => {
                let Err(place) = hashes.binary_search(&hash) else { return };
                if hashes.len() < SPARSE_MAX {
                    hashes.insert(place, hash);
                    *heap += size_of::<u64>();
                    return;
                }
                let hashes = std::mem::take(hashes);
                *self = Sketch::Dense(Box::new([0; REGISTERS]));
                *heap += REGISTERS;
                hashes.into_iter().chain([hash]).for_each(|hash| self.add(hash, heap));
            }
        }
    }

    fn merge(&mut self, other: Sketch) {
        match (&mut *self, other) {
            (_, Sketch::Sparse(hashes)) => {
                hashes.into_iter().for_each(|hash| self.add(hash, &mut 0));
            }
            (Sketch::Dense(ours), Sketch::Dense(theirs)) => {
                for (our, their) in ours.iter_mut().zip(theirs.iter()) {
                    *our = (*our).max(*their);
                }
            }
            (Sketch::Sparse(hashes), dense) => {
                let hashes = std::mem::take(hashes);
                *self = dense;
                hashes.into_iter().for_each(|hash| self.add(hash, &mut 0));
            }
        }
    }

    /// About how many different values there were.
    pub(crate) fn estimate(&self) -> i64 {
        match self {
            Sketch::Sparse(hashes) => hashes.len() as i64,
            Sketch::Dense(registers) => estimate(registers).round() as i64,
        }
    }
}

/// First byte of a state of hashes, and of one of registers.
const OF_HASHES: u8 = 1;
const OF_REGISTERS: u8 = 2;

impl Sketch {
    /// Appends the state's bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Sketch::Sparse(hashes) => {
                out.push(OF_HASHES);
                hashes.iter().for_each(|hash| out.extend(hash.to_le_bytes()));
            }
            Sketch::Dense(registers) => {
                out.push(OF_REGISTERS);
                out.extend_from_slice(&registers[..]);
            }
        }
    }

    /// The state that bytes are.
    ///
    /// # Errors
    /// `InvalidValue` for bytes that are none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Sketch> {
        let invalid = || {
            let text = "Invalid HyperLogLog state: HLL_ACCUMULATE did not make it";
            Error::new(ErrorCode::InvalidValue, text)
        };
        let (kind, rest) = bytes.split_first().ok_or_else(invalid)?;
        match *kind {
            OF_HASHES if rest.len().is_multiple_of(8) && rest.len() / 8 <= SPARSE_MAX => {
                let hash = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
                let mut hashes: Vec<u64> = rest.chunks_exact(8).map(hash).collect();
                hashes.sort_unstable();
                hashes.dedup();
                Ok(Sketch::Sparse(hashes))
            }
            OF_REGISTERS => {
                let registers: [u8; REGISTERS] = rest.try_into().map_err(|_| invalid())?;
                Sketch::of_registers(registers).ok_or_else(invalid)
            }
            _ => Err(invalid()),
        }
    }

    /// The state of registers; none when a register is larger than any rank.
    pub(crate) fn of_registers(registers: [u8; REGISTERS]) -> Option<Sketch> {
        let fits = registers.iter().all(|rank| u32::from(*rank) <= 64 - INDEX_BITS + 1);
        fits.then(|| Sketch::Dense(Box::new(registers)))
    }

    /// The registers, also of a state of hashes.
    pub(crate) fn registers(self) -> Box<[u8; REGISTERS]> {
        let mut dense = Sketch::Dense(Box::new([0; REGISTERS]));
        dense.merge(self);
        match dense {
            Sketch::Dense(registers) => registers,
            Sketch::Sparse(_) => Box::new([0; REGISTERS]),
        }
    }
}

impl Storable for Distinct {
    fn read(bytes: &[u8]) -> Result<Sketch> {
        Sketch::read(bytes)
    }

    fn write(states: Vec<Sketch>) -> Result<Column> {
        let mut answers = BinaryViewBuilder::with_capacity(states.len());
        let mut bytes = Vec::new();
        for state in states {
            bytes.clear();
            state.write(&mut bytes);
            answers.append_value(&bytes);
        }
        Ok(Column::Flat(Array::Bytes(answers.finish())))
    }

    fn heap_bytes(state: &Sketch) -> usize {
        match state {
            Sketch::Sparse(hashes) => hashes.len() * size_of::<u64>(),
            Sketch::Dense(_) => REGISTERS,
        }
    }
}

fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    const RANKS: usize = (64 - INDEX_BITS) as usize;
    let mut counts = [0_u32; RANKS + 2];
    registers.iter().for_each(|&rank| counts[usize::from(rank)] += 1);
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - f64::from(counts[RANKS + 1]) / m);
    for rank in (1..=RANKS).rev() {
        z = 0.5 * (z + f64::from(counts[rank]));
    }
    z += m * sigma(f64::from(counts[0]) / m);
    m * m / (2.0 * std::f64::consts::LN_2 * z)
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

impl Fold for Distinct {
    type State = Sketch;

    fn start(&self) -> Sketch {
        Sketch::Sparse(Vec::new())
    }

    fn update(
        &self,
        states: &mut [Sketch],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let nulls = arguments.iter().fold(None, |sum: Option<NullBuffer>, column| {
            NullBuffer::union(sum.as_ref(), column.nulls().as_ref())
        });
        let mut hashes = Vec::new();
        hash_columns(arguments, &self.types, &mut hashes)?;
        for (row, (&group, &hash)) in groups.iter().zip(&hashes).enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                states[group as usize].add(scrambled(hash), heap);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Sketch, from: Sketch) -> Result<()> {
        into.merge(from);
        Ok(())
    }

    fn finish(&self, states: Vec<Sketch>) -> Result<Column> {
        let counts = states.iter().map(Sketch::estimate).collect();
        let array: Array = i64::array(counts, None);
        Ok(Column::Flat(array))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_column::row_key::hash::mix;

    fn sketch(numbers: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::Sparse(Vec::new());
        numbers.for_each(|number| sketch.add(scrambled(mix(number)), &mut 0));
        sketch
    }

    #[test]
    fn small_counts_are_exact_and_large_ones_near() {
        for count in [0, 1, 2, 255, 256] {
            assert_eq!(sketch(0..count).estimate(), count as i64);
        }
        for count in [257_u64, 1_000, 10_000, 200_000] {
            let estimate = sketch(0..count).estimate();
            let error = (estimate as f64 / count as f64 - 1.0).abs();
            assert!(error < 0.05, "{estimate} for {count}");
        }
    }

    #[test]
    fn merging_is_the_same_as_counting_together() {
        for (first, second) in [(100, 200), (100, 5_000), (5_000, 100), (5_000, 9_000)] {
            let mut merged = sketch(0..first);
            merged.merge(sketch(first / 2..second));
            assert_eq!(merged.estimate(), sketch(0..first.max(second)).estimate());
        }
    }
}
