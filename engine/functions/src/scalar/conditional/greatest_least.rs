//! GREATEST and LEAST.

use arrow::array::{BinaryViewBuilder, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::zip::zip;
use firn_column::{Array, Column, kernels};
use firn_types::coerce::common_type;
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, Result, SqlType};

use super::CATEGORY;
use crate::collator::Collator;
use crate::driver::{null_aware, texts};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// GREATEST(value, ...)
pub(crate) const GREATEST: ScalarFunction = ScalarFunction::new(
    "GREATEST",
    Arity::at_least(1),
    |arguments| bind("GREATEST", arguments, Comparison::Greater, false),
    Documentation::of(
        CATEGORY,
        "The greatest of the values; NULL when one of them is NULL.",
        &[
            Example::of("GREATEST(2, 10, 9)", "10"),
            Example::of("GREATEST('10', 9)", "10"),
            Example::of("GREATEST(1, NULL)", "NULL"),
        ],
    ),
);

/// LEAST(value, ...)
pub(crate) const LEAST: ScalarFunction = ScalarFunction::new(
    "LEAST",
    Arity::at_least(1),
    |arguments| bind("LEAST", arguments, Comparison::Less, false),
    Documentation::of(
        CATEGORY,
        "The least of the values; NULL when one of them is NULL.",
        &[Example::of("LEAST(2, 10, 9)", "2"), Example::of("LEAST(1, NULL)", "NULL")],
    ),
);

/// GREATEST_IGNORE_NULLS(value, ...)
pub(crate) const GREATEST_IGNORE_NULLS: ScalarFunction = ScalarFunction::new(
    "GREATEST_IGNORE_NULLS",
    Arity::at_least(1),
    |arguments| bind("GREATEST_IGNORE_NULLS", arguments, Comparison::Greater, true),
    Documentation::of(
        CATEGORY,
        "The greatest of the values that are not NULL.",
        &[Example::of("GREATEST_IGNORE_NULLS(1, NULL, 3)", "3")],
    ),
);

/// LEAST_IGNORE_NULLS(value, ...)
pub(crate) const LEAST_IGNORE_NULLS: ScalarFunction = ScalarFunction::new(
    "LEAST_IGNORE_NULLS",
    Arity::at_least(1),
    |arguments| bind("LEAST_IGNORE_NULLS", arguments, Comparison::Less, true),
    Documentation::of(
        CATEGORY,
        "The least of the values that are not NULL.",
        &[Example::of("LEAST_IGNORE_NULLS(NULL, 2, 3)", "2")],
    ),
);

fn bind(
    name: &str,
    arguments: &[Argument],
    better: Comparison,
    ignores_nulls: bool,
) -> Result<ScalarBinding> {
    let mixed = arguments.iter().any(|a| a.sql_type.is_numeric());
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        let sql_type = arguments[position].sql_type;
        let is_text = matches!(sql_type, SqlType::Varchar { .. });
        // A constant text beside a number is read as the number that it spells.
        types.push(match mixed && is_text {
            true => accept::number(name, arguments, position)?,
            false => sql_type,
        });
    }
    let common = common_type(&types).ok_or_else(|| wrong_types(name, arguments))?;
    if common.is_semi_structured() && common != SqlType::Variant {
        return Err(wrong_types(name, arguments));
    }
    let collation = common.collation();
    let collator = (!collation.compares_codes()).then(|| Collator::new(collation)).transpose()?;
    let kernel = null_aware(move |rows, columns| {
        let mut best = columns[0].slice(0, rows.count);
        for next in &columns[1..] {
            let next = next.slice(0, rows.count);
            let compared = match &collator {
                Some(collator) => {
                    let (next, best) = (keys(&next, collator)?, keys(&best, collator)?);
                    kernels::compare::compare(better, &next, &best, SqlType::BINARY)?
                }
                None => kernels::compare::compare(better, &next, &best, common)?,
            };
            best = pick(&best, &next, &compared, ignores_nulls)?;
        }
        Ok(best.flat())
    });
    ScalarBinding::new(vec![common; arguments.len()], common, kernel)
}

/// What texts with a collation are compared by.
fn keys(column: &Column, collator: &Collator) -> Result<Column> {
    let column = Column::Flat(column.flat());
    let values = texts(&column)?;
    let mut keys = BinaryViewBuilder::with_capacity(column.len());
    let mut key = Vec::new();
    for row in 0..column.len() {
        if values.is_null(row) {
            keys.append_null();
            continue;
        }
        key.clear();
        collator.push_key(values.get(row), &mut key);
        keys.append_value(&key);
    }
    Ok(Column::Flat(Array::Bytes(keys.finish())))
}

/// The better of two columns, row by row; `compared` says where the next one is better.
fn pick(
    best: &Column,
    next: &Column,
    compared: &BooleanArray,
    ignores_nulls: bool,
) -> Result<Column> {
    let is_better = kernels::boolean::truths(compared);
    let nulls_of = |column: &Column| match column.nulls() {
        Some(nulls) => !nulls.inner(),
        None => BooleanBuffer::new_unset(column.len()),
    };
    // A NULL wins over every value, or loses against every one.
    let takes_next =
        if ignores_nulls { &is_better | &nulls_of(best) } else { &is_better | &nulls_of(next) };
    let widest = best.physical().max(next.physical());
    let arrays = (next.flat().widened(widest).canonical(), best.flat().widened(widest).canonical());
    let mask = BooleanArray::new(takes_next, None::<NullBuffer>);
    let next = arrays.0.to_arrow();
    let best = arrays.1.to_arrow();
    let picked = zip(&mask, &next, &best).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Column::Flat(Array::from_arrow(&picked)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::Value;

    #[test]
    fn nulls_win_or_lose() -> Result<()> {
        let column = |values: &[Option<i128>]| {
            let values: Vec<Value> =
                values.iter().map(|v| v.map_or(Value::Null, Value::integer)).collect();
            Column::from_values(SqlType::INTEGER, &values)
        };
        let left = column(&[Some(1), None, Some(1 << 40), None])?;
        let right = column(&[Some(2), Some(5), None, None])?;
        let picked = |better, ignores_nulls| -> Result<Vec<Option<i128>>> {
            let compared = kernels::compare::compare(better, &right, &left, SqlType::INTEGER)?;
            let answer = pick(&left, &right, &compared, ignores_nulls)?.flat();
            Ok((0..4).map(|i| (!answer.is_null(i)).then(|| answer.integer(i))).collect())
        };
        assert_eq!(picked(Comparison::Greater, false)?, [Some(2), None, None, None]);
        let ignoring = [Some(2), Some(5), Some(1 << 40), None];
        assert_eq!(picked(Comparison::Greater, true)?, ignoring);
        assert_eq!(picked(Comparison::Less, true)?, [Some(1), Some(5), Some(1 << 40), None]);
        Ok(())
    }
}
