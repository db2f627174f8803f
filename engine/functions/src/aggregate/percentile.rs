//! MEDIAN, PERCENTILE_CONT and PERCENTILE_DISC.

use arrow::array::{Array as _, Float64Array};
use firn_column::{Array, Column};
use firn_types::decimal::{fits_precision, multiply_scaled, power_of_ten};
use firn_types::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use firn_types::{Decimal, Error, ErrorCode, Result, SqlType, Value};

use super::any_value::heap_bytes;
use super::grouped::{Fold, Folded};
use super::key::{SortOrder, float_bits, float_of_bits, push_key};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::Output;
use crate::{Argument, Arity, Documentation, Example, accept};

/// MEDIAN(number)
pub(crate) const MEDIAN: AggregateFunction = AggregateFunction::new(
    "MEDIAN",
    Arity::exactly(1),
    |arguments| bind_continuous("MEDIAN", arguments, 0, Decimal { unscaled: 5, scale: 1 }),
    Documentation::of(
        CATEGORY,
        "The value in the middle, or the mean of the two in the middle.",
        &[Example::of("MEDIAN(10)", "10.000")],
    ),
);

/// PERCENTILE_CONT(part) WITHIN GROUP (ORDER BY number)
pub(crate) const PERCENTILE_CONT: AggregateFunction = AggregateFunction::new(
    "PERCENTILE_CONT",
    Arity::exactly(2),
    |arguments| percentile("PERCENTILE_CONT", arguments, false),
    Documentation::of(
        CATEGORY,
        "The value below which a part of the values lies, between two of them if need be.",
        &[Example::of("PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY 10)", "10.000")],
    ),
)
.with_order();

/// PERCENTILE_DISC(part) WITHIN GROUP (ORDER BY value)
pub(crate) const PERCENTILE_DISC: AggregateFunction = AggregateFunction::new(
    "PERCENTILE_DISC",
    Arity::exactly(2),
    |arguments| percentile("PERCENTILE_DISC", arguments, false),
    Documentation::of(
        CATEGORY,
        "The first value that a part of the values does not exceed.",
        &[Example::of("PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY 10)", "10")],
    ),
)
.with_order();

/// Digits that an interpolated number has more than the values.
const GAINED_SCALE: u8 = 3;

/// Binds PERCENTILE_CONT or PERCENTILE_DISC: the part, then the value that WITHIN GROUP orders by, which
/// may be `descending`.
///
/// # Errors
/// When the part is no constant from 0 to 1, or the value's type has no percentiles.
pub fn percentile(
    name: &str,
    arguments: &[Argument],
    descending: bool,
) -> Result<AggregateBinding> {
    let part = part(name, arguments)?;
    if name == "PERCENTILE_DISC" {
        let sql_type = arguments[1].sql_type;
        let types = vec![arguments[0].sql_type, sql_type];
        return AggregateBinding::new(types, sql_type, move || {
            Folded::new(Discrete { part, sql_type, descending })
        });
    }
    let one = power_of_ten(u32::from(part.scale)).unwrap_or(1);
    let unscaled = if descending { one - part.unscaled } else { part.unscaled };
    bind_continuous(name, arguments, 1, Decimal { unscaled, ..part })
}

/// The constant part of a percentile.
pub(super) fn part(name: &str, arguments: &[Argument]) -> Result<Decimal> {
    let part = match arguments.first().and_then(|argument| argument.constant.as_ref()) {
        Some(Value::Number(number)) => Some(*number),
        Some(Value::Float(float)) => decimal_of(&float.to_string()),
        Some(Value::Text(text)) => decimal_of(text.trim()),
        _ => None,
    };
    let part = part.ok_or_else(|| {
        let text = format!("argument 1 to function {name} needs to be constant");
        Error::new(ErrorCode::ConstantArgument, text)
    })?;
    let one = power_of_ten(u32::from(part.scale)).unwrap_or(1);
    // More digits than these would not change which row is meant.
    if (0..=one).contains(&part.unscaled) && part.scale <= 18 {
        return Ok(part);
    }
    let text = format!("Invalid percentile in function {name}: it must be a constant from 0 to 1");
    Err(Error::new(ErrorCode::InvalidValue, text))
}

fn decimal_of(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let scale = u8::try_from(fraction.len()).ok().filter(|&scale| scale <= 18)?;
    let unscaled = format!("{whole}{fraction}").parse().ok()?;
    Some(Decimal { unscaled, scale })
}

fn bind_continuous(
    name: &str,
    arguments: &[Argument],
    position: usize,
    part: Decimal,
) -> Result<AggregateBinding> {
    let input = accept::number(name, arguments, position)?;
    let mut types: Vec<SqlType> = arguments[..position].iter().map(|a| a.sql_type).collect();
    types.push(input);
    if input == SqlType::Float {
        return AggregateBinding::new(types, input, move || Folded::new(Floats { part, position }));
    }
    let scale = (input.scale() + GAINED_SCALE).min(NUMBER_SCALE_MAX);
    let raise = scale - input.scale();
    let returns = SqlType::number(NUMBER_PRECISION_MAX, scale);
    AggregateBinding::new(types, returns, move || Folded::new(Integers { part, position, raise }))
}

/// The position of the percentile among `count` sorted values, and how far it is, in units of
/// 10^-scale of the part, toward the next one.
fn place(part: Decimal, count: usize) -> (usize, i128) {
    let one = power_of_ten(u32::from(part.scale)).unwrap_or(1);
    let position = part.unscaled * (count as i128 - 1);
    ((position / one) as usize, position % one)
}

/// The values at the position and after it.
fn neighbors<T: Ord + Copy>(values: &mut [T], position: usize) -> (T, T) {
    let (_, &mut low, above) = values.select_nth_unstable(position);
    let high = above.iter().min().copied().unwrap_or(low);
    (low, high)
}

struct Integers {
    part: Decimal,
    position: usize,
    raise: u8,
}

impl Integers {
    fn answer(&self, values: &mut [i128]) -> Option<i128> {
        let (position, toward_next) = place(self.part, values.len());
        let (low, high) = neighbors(values, position);
        let factor = power_of_ten(u32::from(self.raise))?;
        let step = multiply_scaled(
            high.checked_sub(low)?.checked_mul(factor)?,
            toward_next,
            self.part.scale,
        )?;
        low.checked_mul(factor)?
            .checked_add(step)
            .filter(|&answer| fits_precision(answer, NUMBER_PRECISION_MAX))
    }
}

impl Fold for Integers {
    type State = Vec<i128>;

    fn start(&self) -> Vec<i128> {
        Vec::new()
    }

    fn update(
        &self,
        states: &mut [Vec<i128>],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let values = arguments[self.position].flat();
        for (row, &group) in groups.iter().enumerate() {
            if !values.is_null(row) {
                states[group as usize].push(values.integer(row));
            }
        }
        *heap += (groups.len() - values.null_count()) * size_of::<i128>();
        Ok(())
    }

    fn merge(&self, into: &mut Vec<i128>, from: Vec<i128>) -> Result<()> {
        into.extend(from);
        Ok(())
    }

    fn finish(&self, states: Vec<Vec<i128>>) -> Result<Column> {
        let present: Vec<bool> = states.iter().map(|values| !values.is_empty()).collect();
        let answers = states.into_iter().map(|mut values| match values.first() {
            None => Ok(0),
            Some(&any) => self
                .answer(&mut values)
                .ok_or_else(|| firn_column::kernels::arithmetic::overflow(any as f64)),
        });
        Ok(Column::Flat(i128::array(answers.collect::<Result<_>>()?, Some(present.into()))))
    }
}

struct Floats {
    part: Decimal,
    position: usize,
}

impl Fold for Floats {
    /// The values as bits that sort as they do.
    type State = Vec<u64>;

    fn start(&self) -> Vec<u64> {
        Vec::new()
    }

    fn update(
        &self,
        states: &mut [Vec<u64>],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let Array::F64(values) = arguments[self.position].flat() else {
            return Err(Error::internal("a percentile of what is no FLOAT"));
        };
        for (value, &group) in values.iter().zip(groups) {
            states[group as usize].extend(value.map(float_bits));
        }
        *heap += (groups.len() - values.null_count()) * size_of::<u64>();
        Ok(())
    }

    fn merge(&self, into: &mut Vec<u64>, from: Vec<u64>) -> Result<()> {
        into.extend(from);
        Ok(())
    }

    fn finish(&self, states: Vec<Vec<u64>>) -> Result<Column> {
        let answers = states.into_iter().map(|mut values| {
            if values.is_empty() {
                return None;
            }
            let (position, toward_next) = place(self.part, values.len());
            let (low, high) = neighbors(&mut values, position);
            let (low, high) = (float_of_bits(low), float_of_bits(high));
            let share = toward_next as f64 / 10_f64.powi(i32::from(self.part.scale));
            Some(if toward_next == 0 { low } else { low + (high - low) * share })
        });
        Ok(Column::Flat(Array::F64(answers.collect::<Float64Array>())))
    }
}

struct Discrete {
    part: Decimal,
    sql_type: SqlType,
    descending: bool,
}

impl Fold for Discrete {
    /// The values with their keys.
    type State = Vec<(Vec<u8>, Value)>;

    fn start(&self) -> Self::State {
        Vec::new()
    }

    fn update(
        &self,
        states: &mut [Self::State],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let column = Column::Flat(arguments[1].flat());
        let Column::Flat(array) = &column else { return Ok(()) };
        let order = SortOrder { descending: self.descending, nulls_first: false };
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| !array.is_null(*row)) {
            let mut key = Vec::new();
            push_key(array, row, self.sql_type, order, &mut key)?;
            let value = column.value(row, self.sql_type);
            *heap += key.len() + heap_bytes(&value) + size_of::<(Vec<u8>, Value)>();
            states[group as usize].push((key, value));
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        into.extend(from);
        Ok(())
    }

    fn finish(&self, states: Vec<Self::State>) -> Result<Column> {
        let one = power_of_ten(u32::from(self.part.scale)).unwrap_or(1);
        let answers = states.into_iter().map(|mut values| {
            if values.is_empty() {
                return Value::Null;
            }
            // The first value of which at least the part of all values is not above.
            let reached = self.part.unscaled * values.len() as i128;
            let position = ((reached + one - 1) / one - 1).max(0) as usize;
            values.select_nth_unstable_by(position, |a, b| a.0.cmp(&b.0));
            values.swap_remove(position).1
        });
        Column::from_values(self.sql_type, &answers.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile_of(
        name: &str,
        part: Decimal,
        values: &[i128],
        descending: bool,
    ) -> Result<Value> {
        let constant = Value::Number(part);
        let part_type = SqlType::number(10, part.scale);
        let arguments = [
            Argument { constant: Some(constant.clone()), ..Argument::of(part_type) },
            Argument::of(SqlType::INTEGER),
        ];
        let binding = percentile(name, &arguments, descending)?;
        let mut accumulator = (binding.create)();
        accumulator.resize(1);
        let values: Vec<Value> = values.iter().map(|&v| Value::integer(v)).collect();
        let columns = [
            Column::constant(&constant, part_type, values.len())?,
            Column::from_values(SqlType::INTEGER, &values)?,
        ];
        accumulator.update(&vec![0; values.len()], &columns)?;
        Ok(accumulator.finish()?.value(0, binding.returns))
    }

    #[test]
    fn percentiles() -> Result<()> {
        let part = |hundredths| Decimal { unscaled: hundredths, scale: 2 };
        let thousandths = |unscaled| Value::Number(Decimal { unscaled, scale: 3 });
        let values = [40, 10, 30, 20];
        let continuous = |p, descending| percentile_of("PERCENTILE_CONT", p, &values, descending);
        let discrete = |p, descending| percentile_of("PERCENTILE_DISC", p, &values, descending);
        assert_eq!(continuous(part(50), false)?, thousandths(25_000));
        assert_eq!(continuous(part(0), false)?, thousandths(10_000));
        assert_eq!(continuous(part(100), false)?, thousandths(40_000));
        assert_eq!(continuous(part(25), false)?, thousandths(17_500));
        assert_eq!(continuous(part(25), true)?, thousandths(32_500));
        assert_eq!(discrete(part(50), false)?, Value::integer(20));
        assert_eq!(discrete(part(51), false)?, Value::integer(30));
        assert_eq!(discrete(part(0), false)?, Value::integer(10));
        assert_eq!(discrete(part(25), true)?, Value::integer(40));
        assert!(continuous(part(101), false).is_err());
        assert_eq!(percentile_of("PERCENTILE_CONT", part(50), &[], false)?, Value::Null);
        Ok(())
    }
}
