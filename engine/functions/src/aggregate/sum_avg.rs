//! SUM and AVG.
//!
//! Sums of integers are kept in 64 bits as long as the number of rows and their range prove that none
//! can overflow, and move to 128 bits when they do not.

use std::any::Any;

use arrow::array::Array as _;
use arrow::buffer::NullBuffer;
use arrow::compute;
use firn_column::{Array, Column, kernels};
use firn_types::decimal::{average_scale, divide_scaled, fits_precision};
use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::grouped::{add_by_group, boxed, partition, same_kind};
use super::{Accumulator, AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::meaning::AggregateMeaning;
use crate::{Argument, Arity, Documentation, Example, accept};

/// SUM(number)
pub(crate) const SUM: AggregateFunction = AggregateFunction::new(
    "SUM",
    Arity::exactly(1),
    bind_sum,
    Documentation::of(
        CATEGORY,
        "The sum of the values that are not NULL; NULL when there is none.",
        &[Example::of("SUM(1.25)", "1.25"), Example::of("SUM(NULL)", "NULL")],
    ),
)
.with_distinct()
.with_meaning(AggregateMeaning::Sum);

/// AVG(number)
pub(crate) const AVG: AggregateFunction = AggregateFunction::new(
    "AVG",
    Arity::exactly(1),
    bind_avg,
    Documentation::of(
        CATEGORY,
        "The mean of the values that are not NULL; NULL when there is none.",
        &[Example::of("AVG(90)", "90.000000"), Example::of("AVG(90) OVER ()", "90.000")],
    ),
)
.with_over(bind_avg_over)
.with_distinct()
.with_meaning(AggregateMeaning::Mean);

fn bind_sum(arguments: &[Argument]) -> Result<AggregateBinding> {
    let input = accept::number("SUM", arguments, 0)?;
    match input {
        SqlType::Float => AggregateBinding::new(vec![input], input, || Sum::<FloatSums>::new(None)),
        _ => {
            let returns = SqlType::number(NUMBER_PRECISION_MAX, input.scale());
            AggregateBinding::new(vec![input], returns, || Sum::<IntegerSums>::new(None))
        }
    }
}

fn bind_avg(arguments: &[Argument]) -> Result<AggregateBinding> {
    let input = accept::number("AVG", arguments, 0)?;
    bind_mean(input, average_scale(input.scale()))
}

/// With OVER an average has fewer digits: three more than what it averages.
fn bind_avg_over(arguments: &[Argument]) -> Result<AggregateBinding> {
    let input = accept::number("AVG", arguments, 0)?;
    bind_mean(input, average_scale(input.scale()).min(input.scale() + 3))
}

fn bind_mean(input: SqlType, scale: u8) -> Result<AggregateBinding> {
    if input == SqlType::Float {
        return AggregateBinding::new(vec![input], input, || Sum::<FloatSums>::new(Some(0)));
    }
    let raise = scale - input.scale();
    let returns = SqlType::number(NUMBER_PRECISION_MAX, scale);
    AggregateBinding::new(vec![input], returns, move || Sum::<IntegerSums>::new(Some(raise)))
}

/// The sums of all groups, in some representation.
trait Sums: Default + Send + 'static {
    fn split(self, parts: &[u32], count: usize) -> Vec<Self>;
    fn resize(&mut self, groups: usize);
    fn add(&mut self, groups: &[u32], values: &Array) -> Result<()>;
    fn add_all(&mut self, values: &Array) -> Result<()>;
    fn merge(&mut self, other: &Self, groups: &[u32]) -> Result<()>;
    /// The sums; NULL for groups that nothing was added to.
    fn sums(&self, nulls: Option<NullBuffer>) -> Result<Array>;
    /// The means with `raise` digits more; NULL for groups that nothing was added to.
    fn means(&self, counts: &[i64], raise: u8, nulls: Option<NullBuffer>) -> Result<Array>;
    fn memory_bytes(&self) -> usize;
}

/// SUM, or AVG when `average` says how many digits it adds.
struct Sum<S> {
    sums: S,
    /// How many values each group has.
    counts: Vec<i64>,
    average: Option<u8>,
}

impl<S: Sums> Sum<S> {
    fn new(average: Option<u8>) -> Sum<S> {
        Sum { sums: S::default(), counts: Vec::new(), average }
    }
}

impl<S: Sums> Accumulator for Sum<S> {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups);
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()> {
        let values = arguments[0].flat();
        match values.nulls() {
            None => add_by_group(&mut self.counts, groups, |_| 1),
            Some(nulls) => {
                nulls.valid_indices().for_each(|row| self.counts[groups[row] as usize] += 1);
            }
        }
        self.sums.add(groups, &values)
    }

    fn update_all(&mut self, rows: usize, arguments: &[Column]) -> Result<()> {
        let values = arguments[0].flat();
        self.counts[0] += (rows - values.null_count()) as i64;
        self.sums.add_all(&values)
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()> {
        let other: Sum<S> = same_kind(other)?;
        for (count, &group) in other.counts.iter().zip(groups) {
            self.counts[group as usize] += count;
        }
        self.sums.merge(&other.sums, groups)
    }

    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>> {
        let average = self.average;
        let sums = self.sums.split(parts, count).into_iter();
        let parts = sums.zip(partition(self.counts, parts, count));
        Ok(boxed(parts.map(|(sums, counts)| Sum { sums, counts, average })))
    }

    fn finish(self: Box<Self>) -> Result<Column> {
        let any_empty = self.counts.contains(&0);
        let nulls =
            any_empty.then(|| NullBuffer::from_iter(self.counts.iter().map(|&count| count > 0)));
        Ok(Column::Flat(match self.average {
            None => self.sums.sums(nulls)?,
            Some(raise) => self.sums.means(&self.counts, raise, nulls)?,
        }))
    }

    fn memory_bytes(&self) -> usize {
        self.sums.memory_bytes() + self.counts.capacity() * size_of::<i64>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Sums of integers: in `narrow` until it could overflow, from then on in `wide`.
#[derive(Default)]
struct IntegerSums {
    narrow: Vec<i64>,
    wide: Option<Vec<i128>>,
    /// No sum in `narrow` is further from zero than this.
    bound: u64,
}

impl IntegerSums {
    /// Whether `rows` values within the array's range can be added to any narrow sum.
    fn makes_room(&mut self, values: &Array) -> bool {
        if self.wide.is_some() {
            return false;
        }
        let (low, high) = kernels::min_max::integer_range(values).unwrap_or((0, 0));
        let furthest = low.unsigned_abs().max(high.unsigned_abs());
        let growth = furthest.checked_mul(values.len() as u128);
        let bound = growth.and_then(|growth| growth.checked_add(u128::from(self.bound)));
        match bound.map(i64::try_from) {
            Some(Ok(bound)) => {
                self.bound = bound.unsigned_abs();
                true
            }
            _ => false,
        }
    }

    fn widen(&mut self) -> &mut Vec<i128> {
        let narrow = &mut self.narrow;
        self.wide
            .get_or_insert_with(|| std::mem::take(narrow).into_iter().map(i128::from).collect())
    }

    fn get(&self, group: usize) -> i128 {
        match &self.wide {
            Some(wide) => wide[group],
            None => i128::from(self.narrow[group]),
        }
    }
}

/// Adds each value that is not NULL to the sum of its group.
macro_rules! add_each {
    ($sums:expr, $groups:expr, $array:expr, $to:ty) => {{
        let values = $array.values();
        match $array.nulls() {
            None => {
                for (&group, &value) in $groups.iter().zip(values.iter()) {
                    $sums[group as usize] += <$to>::from(value);
                }
            }
            Some(nulls) => {
                for row in nulls.valid_indices() {
                    $sums[$groups[row] as usize] += <$to>::from(values[row]);
                }
            }
        }
    }};
}

impl Sums for IntegerSums {
    fn split(self, parts: &[u32], count: usize) -> Vec<IntegerSums> {
        let bound = self.bound;
        match self.wide {
            Some(wide) => {
                let wide = partition(wide, parts, count).into_iter();
                wide.map(|wide| IntegerSums { narrow: vec![], wide: Some(wide), bound }).collect()
            }
            None => {
                let narrow = partition(self.narrow, parts, count).into_iter();
                narrow.map(|narrow| IntegerSums { narrow, wide: None, bound }).collect()
            }
        }
    }

    fn resize(&mut self, groups: usize) {
        match &mut self.wide {
            Some(wide) => wide.resize(groups, 0),
            None => self.narrow.resize(groups, 0),
        }
    }

    fn add(&mut self, groups: &[u32], values: &Array) -> Result<()> {
        if self.makes_room(values) {
            let sums = &mut self.narrow;
            match values {
                Array::I32(a) if a.null_count() == 0 => {
                    let values = &a.values()[..groups.len()];
                    add_by_group(sums, groups, |row| i64::from(values[row]));
                }
                Array::I64(a) if a.null_count() == 0 => {
                    let values = &a.values()[..groups.len()];
                    add_by_group(sums, groups, |row| values[row]);
                }
                Array::I32(a) => add_each!(sums, groups, a, i64),
                Array::I64(a) => add_each!(sums, groups, a, i64),
                Array::I128(_) => {
                    for (row, &group) in groups.iter().enumerate() {
                        if !values.is_null(row) {
                            sums[group as usize] += values.integer(row) as i64;
                        }
                    }
                }
                other => return Err(not_integers(other)),
            }
            return Ok(());
        }
        let sums = self.widen();
        match values {
            Array::I32(a) => add_each!(sums, groups, a, i128),
            Array::I64(a) => add_each!(sums, groups, a, i128),
            Array::I128(a) => {
                for (row, &group) in groups.iter().enumerate() {
                    if !a.is_null(row) {
                        let sum = &mut sums[group as usize];
                        *sum = sum.checked_add(a.value(row)).ok_or_else(too_large)?;
                    }
                }
            }
            other => return Err(not_integers(other)),
        }
        Ok(())
    }

    fn add_all(&mut self, values: &Array) -> Result<()> {
        if self.makes_room(values) {
            self.narrow[0] += match values {
                Array::I32(a) => sum_of_narrow(a.values(), a.nulls()),
                Array::I64(a) => compute::sum(a).unwrap_or(0),
                wide => sum_of_wide(wide)? as i64,
            };
            return Ok(());
        }
        let sum = sum_of_wide(values)?;
        let total = &mut self.widen()[0];
        *total = total.checked_add(sum).ok_or_else(too_large)?;
        Ok(())
    }

    fn merge(&mut self, other: &Self, groups: &[u32]) -> Result<()> {
        let bound = self.bound.saturating_add(other.bound);
        let stays = self.wide.is_none() && other.wide.is_none() && i64::try_from(bound).is_ok();
        if stays {
            self.bound = bound;
            for (sum, &group) in other.narrow.iter().zip(groups) {
                self.narrow[group as usize] += sum;
            }
            return Ok(());
        }
        let sums = self.widen();
        for (from, &group) in groups.iter().enumerate() {
            let sum = &mut sums[group as usize];
            *sum = sum.checked_add(other.get(from)).ok_or_else(too_large)?;
        }
        Ok(())
    }

    fn sums(&self, nulls: Option<NullBuffer>) -> Result<Array> {
        match &self.wide {
            None => Ok(i64::array(self.narrow.clone(), nulls)),
            Some(wide) if wide.iter().all(|&sum| fits_precision(sum, NUMBER_PRECISION_MAX)) => {
                Ok(i128::array(wide.clone(), nulls))
            }
            Some(_) => Err(too_large()),
        }
    }

    fn means(&self, counts: &[i64], raise: u8, nulls: Option<NullBuffer>) -> Result<Array> {
        let means = counts.iter().enumerate().map(|(group, &count)| {
            if count == 0 {
                return Ok(0);
            }
            let mean = divide_scaled(self.get(group), i128::from(count), raise);
            mean.filter(|&mean| fits_precision(mean, NUMBER_PRECISION_MAX)).ok_or_else(too_large)
        });
        Ok(i128::array(means.collect::<Result<_>>()?, nulls))
    }

    fn memory_bytes(&self) -> usize {
        let wide = self.wide.as_ref().map_or(0, Vec::capacity);
        self.narrow.capacity() * size_of::<i64>() + wide * size_of::<i128>()
    }
}

/// The sum of 32-bit integers that 64 bits are known to hold.
fn sum_of_narrow(values: &[i32], nulls: Option<&NullBuffer>) -> i64 {
    let sum = |values: &[i32]| values.iter().map(|&value| i64::from(value)).sum::<i64>();
    match nulls {
        None => sum(values),
        Some(nulls) => nulls.valid_slices().map(|(start, end)| sum(&values[start..end])).sum(),
    }
}

fn sum_of_wide(values: &Array) -> Result<i128> {
    match values {
        Array::I32(a) => Ok(i128::from(sum_of_narrow(a.values(), a.nulls()))),
        Array::I64(a) => Ok(a.iter().flatten().map(i128::from).sum()),
        Array::I128(a) => a
            .iter()
            .flatten()
            .try_fold(0_i128, |sum, value| sum.checked_add(value))
            .ok_or_else(too_large),
        other => Err(not_integers(other)),
    }
}

fn too_large() -> Error {
    Error::new(
        ErrorCode::NumberOverflow,
        "Number out of representable range: type FIXED[SB16](38,0){nullable}",
    )
}

fn not_integers(array: &Array) -> Error {
    Error::internal(format!("a sum of {:?}", array.physical()))
}

/// Sums of floating-point numbers.
#[derive(Default)]
struct FloatSums {
    sums: Vec<f64>,
}

fn floats_of(values: &Array) -> Result<&arrow::array::Float64Array> {
    match values {
        Array::F64(a) => Ok(a),
        other => Err(Error::internal(format!("a sum of {:?}", other.physical()))),
    }
}

impl Sums for FloatSums {
    fn split(self, parts: &[u32], count: usize) -> Vec<FloatSums> {
        partition(self.sums, parts, count).into_iter().map(|sums| FloatSums { sums }).collect()
    }

    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0.0);
    }

    fn add(&mut self, groups: &[u32], values: &Array) -> Result<()> {
        add_each!(self.sums, groups, floats_of(values)?, f64);
        Ok(())
    }

    fn add_all(&mut self, values: &Array) -> Result<()> {
        self.sums[0] += compute::sum(floats_of(values)?).unwrap_or(0.0);
        Ok(())
    }

    fn merge(&mut self, other: &Self, groups: &[u32]) -> Result<()> {
        for (sum, &group) in other.sums.iter().zip(groups) {
            self.sums[group as usize] += sum;
        }
        Ok(())
    }

    fn sums(&self, nulls: Option<NullBuffer>) -> Result<Array> {
        Ok(f64::array(self.sums.clone(), nulls))
    }

    fn means(&self, counts: &[i64], _: u8, nulls: Option<NullBuffer>) -> Result<Array> {
        let means = self.sums.iter().zip(counts).map(|(sum, &count)| sum / count.max(1) as f64);
        Ok(f64::array(means.collect(), nulls))
    }

    fn memory_bytes(&self) -> usize {
        self.sums.capacity() * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Int32Array, Int64Array};

    const GROUPS: [u32; 4] = [0, 1, 0, 1];

    fn grouped(arrays: &[Array], average: Option<u8>) -> Result<Vec<Option<i128>>> {
        let mut sum = Box::new(Sum::<IntegerSums>::new(average));
        sum.resize(3);
        for array in arrays {
            sum.update(&GROUPS, &[Column::Flat(array.clone())])?;
        }
        let answers = sum.finish()?.flat();
        Ok((0..3).map(|i| (!answers.is_null(i)).then(|| answers.integer(i))).collect())
    }

    fn total(arrays: &[Array]) -> Result<i128> {
        let mut sum = Box::new(Sum::<IntegerSums>::new(None));
        sum.resize(1);
        for array in arrays {
            sum.update_all(array.len(), &[Column::Flat(array.clone())])?;
        }
        Ok(sum.finish()?.flat().integer(0))
    }

    #[test]
    fn sums_move_to_128_bits_when_they_must() -> Result<()> {
        let small = Array::I32(Int32Array::from(vec![Some(1), None, Some(-3), Some(4)]));
        let large = Array::I64(Int64Array::from(vec![i64::MAX, 1, i64::MAX, 2]));
        let huge = Array::I128(Decimal128Array::from(vec![1_i128 << 100, 3, 0, 4]));
        assert_eq!(grouped(std::slice::from_ref(&small), None)?, [Some(-2), Some(4), None]);
        let twice = 2 * i128::from(i64::MAX);
        let all = [small.clone(), large.clone(), huge.clone(), small.clone()];
        let expected = [Some(twice - 4 + (1 << 100)), Some(4 + 3 + 7 + 4), None];
        assert_eq!(grouped(&all, None)?, expected);
        assert_eq!(total(std::slice::from_ref(&small))?, 2);
        assert_eq!(total(&all)?, 4 + twice + 3 + (1 << 100) + 7);
        assert_eq!(grouped(&[small], Some(6))?, [Some(-1_000_000), Some(4_000_000), None]);
        Ok(())
    }

    #[test]
    fn a_sum_beyond_38_digits_is_an_error() {
        let nines = 10_i128.pow(38) - 1;
        let huge = Array::I128(Decimal128Array::from(vec![nines, 0, 1, 0]));
        assert!(grouped(std::slice::from_ref(&huge), None).is_err());
        assert!(total(&[huge]).is_err());
    }

    #[test]
    fn partial_sums_merge() -> Result<()> {
        let part = |value: i64| -> Result<Box<Sum<IntegerSums>>> {
            let mut sum = Box::new(Sum::new(None));
            sum.resize(2);
            let array = Array::I64(Int64Array::from(vec![value; 4]));
            sum.update(&GROUPS, &[Column::Flat(array)])?;
            Ok(sum)
        };
        let mut sum = part(i64::MAX / 2)?;
        sum.merge(part(5)?, &[1, 0])?;
        sum.merge(part(i64::MAX / 4)?, &[0, 1])?;
        let answers = sum.finish()?.flat();
        assert_eq!(
            answers.integer(0),
            i128::from(i64::MAX / 2) * 2 + 10 + i128::from(i64::MAX / 4) * 2
        );
        Ok(())
    }
}
