//! Expressions of whole numbers and conditions about them, computed value by value: what loops count and
//! compare. A batch of one row would cost several times as much.

use firn_expression::Expr;
use firn_functions::Meaning;
use firn_functions::meaning::ArithmeticOperator;
use firn_query::bind::TypedValue;
use firn_types::decimal::fits_precision;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Decimal, SqlType, Value};

/// An expression that is computed so.
#[derive(Debug)]
pub(super) enum Quick {
    /// An input.
    Input(usize),
    /// A constant.
    Number(i128),
    /// `+`, `-` or `*`, whose answer must have no more digits than its type.
    Arithmetic(ArithmeticOperator, Box<[Quick; 2]>, u8),
    /// A comparison: 1 or 0.
    Compare(Comparison, Box<[Quick; 2]>),
}

impl Quick {
    /// The expression, if it is of this kind; `inputs` are the columns that it reads.
    pub(super) fn of(expr: &Expr, inputs: &[ColumnId]) -> Option<Quick> {
        match expr {
            Expr::Column { .. } if is_whole(expr) => {
                let id = expr.as_column()?;
                inputs.iter().position(|input| *input == id).map(Quick::Input)
            }
            Expr::Literal { value: Value::Number(number), .. } if number.scale == 0 => {
                Some(Quick::Number(number.unscaled))
            }
            Expr::Call { function, signature, arguments } => {
                let Meaning::Arithmetic(operator) = function.meaning else { return None };
                let known = matches!(
                    operator,
                    ArithmeticOperator::Add
                        | ArithmeticOperator::Subtract
                        | ArithmeticOperator::Multiply
                );
                let SqlType::Number { precision, scale: 0 } = signature.returns else {
                    return None;
                };
                let [left, right] = arguments.as_slice() else { return None };
                let operands = Box::new([Quick::of(left, inputs)?, Quick::of(right, inputs)?]);
                known.then_some(Quick::Arithmetic(operator, operands, precision))
            }
            Expr::Compare { operator, left, right } if is_whole(left) && is_whole(right) => {
                let operands = Box::new([Quick::of(left, inputs)?, Quick::of(right, inputs)?]);
                Some(Quick::Compare(*operator, operands))
            }
            _ => None,
        }
    }

    /// The value; none where it takes more than this to know it: a NULL, or too many digits.
    pub(super) fn value(&self, inputs: &[TypedValue], sql_type: SqlType) -> Option<TypedValue> {
        let number = self.number(inputs)?;
        let value = match sql_type {
            SqlType::Boolean => Value::Boolean(number != 0),
            _ => Value::Number(Decimal { unscaled: number, scale: 0 }),
        };
        Some(TypedValue { value, sql_type })
    }

    fn number(&self, inputs: &[TypedValue]) -> Option<i128> {
        match self {
            Quick::Input(position) => match inputs.get(*position)?.value {
                Value::Number(number) => Some(number.unscaled),
                _ => None,
            },
            Quick::Number(number) => Some(*number),
            Quick::Arithmetic(operator, operands, precision) => {
                let (left, right) = (operands[0].number(inputs)?, operands[1].number(inputs)?);
                let number = match operator {
                    ArithmeticOperator::Add => left.checked_add(right)?,
                    ArithmeticOperator::Subtract => left.checked_sub(right)?,
                    _ => left.checked_mul(right)?,
                };
                fits_precision(number, *precision).then_some(number)
            }
            Quick::Compare(operator, operands) => {
                let (left, right) = (operands[0].number(inputs)?, operands[1].number(inputs)?);
                Some(i128::from(operator.holds(left.cmp(&right))))
            }
        }
    }
}

/// Whether it gives whole numbers.
fn is_whole(expr: &Expr) -> bool {
    matches!(expr.sql_type(), SqlType::Number { scale: 0, .. })
}
