//! What a condition about a function of a column says of the column: `YEAR(d) = 2024` is `d >= '2024-01-01'
//! AND d < '2025-01-01'`.
//!
//! The function must grow with the column, or stay the same. Then the values of the column for which it is at
//! least a bound are those from a first one on, and that is searched for by computing the function: nothing has to
//! know how it is inverted. The search is over years 1000 to 8999, and over numbers of 18 digits; what it finds
//! is right for columns with values beyond, too.

use std::collections::HashMap;

use firn_column::{Batch, Column};
use firn_expression::{Evaluator, Expr};
use firn_functions::{FunctionContext, Volatility};
use firn_plan::Scan;
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnId, ColumnPath, Decimal, SqlType, Value};

/// Values that are tried at once.
const TRIED: i128 = 128;
/// The days of 1000-01-01 and 8999-12-31, from 1970 on.
const DAYS: (i128, i128) = (-354_285, 2_567_850);
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
/// Numbers are searched up to it, whatever their scale.
const NUMBER_MAX: i128 = 1_000_000_000_000_000_000;

/// The test of a column that `function <operator> constant` implies; none when it implies none that is known.
pub(super) fn derive(
    operator: Comparison,
    function: &Expr,
    constant: &Expr,
    scan: &Scan,
    context: &FunctionContext,
) -> Option<ScanPredicate> {
    let id = grows_with(function)?;
    let column = scan.columns.iter().find(|column| column.column.id == id)?;
    let (source, sql_type) = (column.source.clone(), column.column.sql_type);
    let searched = Searched { id, source, sql_type, function, constant };
    let domain = domain(searched.sql_type)?;
    let first = |reaches: Comparison| searched.first(reaches, domain, context);
    let from = |first: First| match first {
        First::All => Some(ScanPredicate::True),
        First::At(value) => searched.compare(Comparison::GreaterOrEqual, value),
        First::Beyond => searched.compare(Comparison::Greater, domain.1),
    };
    let below = |first: First| match first {
        First::All => searched.compare(Comparison::Less, domain.0),
        First::At(value) => searched.compare(Comparison::Less, value),
        First::Beyond => Some(ScanPredicate::True),
    };
    match operator {
        Comparison::GreaterOrEqual => from(first(Comparison::GreaterOrEqual)?),
        Comparison::Greater => from(first(Comparison::Greater)?),
        Comparison::Less => below(first(Comparison::GreaterOrEqual)?),
        Comparison::LessOrEqual => below(first(Comparison::Greater)?),
        Comparison::Equal => Some(ScanPredicate::And(vec![
            from(first(Comparison::GreaterOrEqual)?)?,
            below(first(Comparison::Greater)?)?,
        ])),
        Comparison::NotEqual => None,
    }
}

/// The column with which an expression grows, or stays the same; none for a column itself, about which there is
/// nothing to find out.
fn grows_with(expr: &Expr) -> Option<ColumnId> {
    let operand = match expr {
        Expr::Cast { input, to, lenient: false } => {
            let keeps_order = matches!(
                (input.sql_type(), to),
                (SqlType::Date, SqlType::TimestampNtz { .. })
                    | (SqlType::TimestampNtz { .. }, SqlType::Date | SqlType::TimestampNtz { .. })
                    | (SqlType::Number { .. }, SqlType::Number { .. })
            );
            Some(input.as_ref()).filter(|_| keeps_order)?
        }
        Expr::Call { function, signature, arguments } => {
            let place = signature.grows_with?;
            let others = arguments.iter().enumerate().filter(|(index, _)| *index != place);
            let mut others = others.map(|(_, argument)| argument);
            if function.volatility == Volatility::Volatile
                || !others.all(|argument| argument.as_literal().is_some())
            {
                return None;
            }
            arguments.get(place)?
        }
        _ => return None,
    };
    operand.as_column().or_else(|| grows_with(operand))
}

/// What is searched through.
fn domain(sql_type: SqlType) -> Option<(i128, i128)> {
    match sql_type {
        SqlType::Date => Some(DAYS),
        SqlType::TimestampNtz { .. } => {
            Some((DAYS.0 * NANOS_PER_DAY, (DAYS.1 + 1) * NANOS_PER_DAY - 1))
        }
        SqlType::Number { precision, .. } => {
            let most = 10_i128.pow(u32::from(precision)) - 1;
            Some((-most.min(NUMBER_MAX), most.min(NUMBER_MAX)))
        }
        _ => None,
    }
}

/// From where on a function reaches a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    /// From the first value of the domain on, if not from an earlier one.
    All,
    /// From this value on.
    At(i128),
    /// From no value of the domain on.
    Beyond,
}

/// A column and the function of it that is compared.
struct Searched<'e> {
    id: ColumnId,
    source: ColumnPath,
    sql_type: SqlType,
    function: &'e Expr,
    constant: &'e Expr,
}

impl Searched<'_> {
    fn value(&self, value: i128) -> Option<Value> {
        Some(match self.sql_type {
            SqlType::Date => Value::Date(i32::try_from(value).ok()?),
            SqlType::Number { scale, .. } => Value::Number(Decimal { unscaled: value, scale }),
            _ => Value::Timestamp(value),
        })
    }

    fn compare(&self, operator: Comparison, value: i128) -> Option<ScanPredicate> {
        let column = self.source.clone();
        Some(ScanPredicate::Compare { column, operator, value: self.value(value)? })
    }

    /// From where on the function compares so with the constant; none where it cannot be computed, or does not
    /// grow after all.
    fn first(
        &self,
        reaches: Comparison,
        (mut low, mut high): (i128, i128),
        context: &FunctionContext,
    ) -> Option<First> {
        let (left, right) = (self.function.clone(), self.constant.clone());
        let condition =
            Expr::Compare { operator: reaches, left: Box::new(left), right: Box::new(right) };
        let layout = HashMap::from([(self.id, 0)]);
        let evaluator = Evaluator::compile(std::slice::from_ref(&condition), &layout).ok()?;
        let least = low;
        let mut reached = None;
        while low <= high {
            let width = high - low;
            let mut tried: Vec<i128> = (0..=TRIED).map(|n| low + width * n / TRIED).collect();
            tried.dedup();
            let answers = self.answers(&evaluator, &tried, context)?;
            let count = answers.iter().take_while(|answer| !**answer).count();
            if answers[count..].iter().any(|answer| !*answer) {
                return None;
            }
            match tried.get(count) {
                None if reached.is_none() => return Some(First::Beyond),
                None => low = high + 1,
                Some(first) => {
                    reached = Some(*first);
                    high = first - 1;
                    low = if count == 0 { *first } else { tried[count - 1] + 1 };
                }
            }
        }
        reached.map(|first| if first == least { First::All } else { First::At(first) })
    }

    /// Whether the condition holds for each of some values of the column.
    fn answers(
        &self,
        evaluator: &Evaluator,
        tried: &[i128],
        context: &FunctionContext,
    ) -> Option<Vec<bool>> {
        let values: Vec<Value> =
            tried.iter().map(|value| self.value(*value)).collect::<Option<_>>()?;
        let column = Column::from_values(self.sql_type, &values).ok()?;
        let batch = Batch::new(vec![column], values.len());
        let answers = evaluator.evaluate(&batch, context).ok()?;
        let answer = |row| match answers[0].value(row, SqlType::Boolean) {
            Value::Boolean(holds) => Some(holds),
            _ => None,
        };
        (0..values.len()).map(answer).collect()
    }
}
