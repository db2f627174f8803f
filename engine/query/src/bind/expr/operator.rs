//! Operators.

use firn_expression::Expr;
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType, Value, coerce, number_text};

use super::collation::merged;
use super::{ExprBinder, cast};
use crate::collation::key;
use firn_parse::ast::{self, BinaryOperator, ExprKind, UnaryOperator};

impl ExprBinder<'_> {
    pub(super) fn bind_unary(
        &mut self,
        operator: UnaryOperator,
        operand: &ast::Expr,
    ) -> Result<Expr> {
        match operator {
            UnaryOperator::Plus => self.bind_inner(operand),
            UnaryOperator::Not => {
                let bound = self.bind_inner(operand)?;
                Ok(Expr::Not(Box::new(self.to_condition(bound, operand)?)))
            }
            UnaryOperator::Minus => match self.bind_inner(operand)? {
                // A negative constant is a constant.
                Expr::Literal { value: Value::Number(mut number), sql_type } => {
                    number.unscaled = -number.unscaled;
                    Ok(Expr::Literal { value: Value::Number(number), sql_type })
                }
                Expr::Literal { value: Value::Float(number), sql_type } => {
                    Ok(Expr::Literal { value: Value::Float(-number), sql_type })
                }
                bound => self.call_scalar("NEGATE", vec![bound]),
            },
        }
    }

    pub(super) fn bind_binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr> {
        match operator {
            BinaryOperator::And | BinaryOperator::Or => self.bind_logic(operator, left, right),
            operator if is_arithmetic(operator) => self.bind_arithmetic(operator, left, right),
            _ => {
                if let (ExprKind::Row(left), ExprKind::Row(right)) = (&left.kind, &right.kind) {
                    return self.bind_row_comparison(operator, left, right);
                }
                let (left, right) = (self.bind_inner(left)?, self.bind_inner(right)?);
                compare(comparison(operator)?, left, right)
            }
        }
    }

    /// AND and OR: a chain becomes one node with many operands.
    fn bind_logic(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr> {
        let mut parts = Vec::new();
        for operand in chain(operator, left, right) {
            let bound = self.bind_inner(operand)?;
            match (operator, self.to_condition(bound, operand)?) {
                (BinaryOperator::And, Expr::And(inner)) | (BinaryOperator::Or, Expr::Or(inner)) => {
                    parts.extend(inner);
                }
                (_, part) => parts.push(part),
            }
        }
        Ok(if operator == BinaryOperator::And { Expr::And(parts) } else { Expr::Or(parts) })
    }

    /// `a + b - c ..`: a chain is bound from the left, in a loop, since it may be long.
    fn bind_arithmetic(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expr,
        right: &ast::Expr,
    ) -> Result<Expr> {
        let is_interval = |expr: &ast::Expr| matches!(expr.kind, ExprKind::Interval(..));
        if let (ExprKind::Interval(text, unit), BinaryOperator::Add) = (&left.kind, operator) {
            let value = self.bind_inner(right)?;
            return self.add_interval(value, text, unit.as_deref(), false);
        }
        let mut links = vec![(operator, right, left.span.to(right.span))];
        let mut first = left;
        // What is grouped by may be the beginning of a chain.
        while let ExprKind::Binary(inner, left, right) = &first.kind
            && is_arithmetic(*inner)
            && !is_interval(left)
            && self.gathered.grouped_subqueries.is_empty()
        {
            links.push((*inner, right, first.span));
            first = left;
        }
        let mut value = self.bind_inner(first)?;
        while let Some((operator, right, span)) = links.pop() {
            value = self.bind_link(operator, value, right).map_err(|error| error.at(span))?;
        }
        Ok(value)
    }

    /// A value with one more operand.
    fn bind_link(
        &mut self,
        operator: BinaryOperator,
        left: Expr,
        right: &ast::Expr,
    ) -> Result<Expr> {
        if let ExprKind::Interval(text, unit) = &right.kind
            && let BinaryOperator::Add | BinaryOperator::Subtract = operator
        {
            let negative = operator == BinaryOperator::Subtract;
            return self.add_interval(left, text, unit.as_deref(), negative);
        }
        let right = self.bind_inner(right)?;
        // The outcome of a test does not become a text by itself, as other BOOLEANs do.
        if operator == BinaryOperator::Concat && (left.is_test() || right.is_test()) {
            let (left, right) = (left.sql_type(), right.sql_type());
            let text = format!("Invalid argument types for function '||': ({left}, {right})");
            return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
        }
        self.call_scalar(operator.symbol(), vec![left, right])
    }

    fn add_interval(
        &mut self,
        value: Expr,
        text: &str,
        unit: Option<&str>,
        negative: bool,
    ) -> Result<Expr> {
        // With the unit outside of the quotes a DATE becomes a timestamp, whatever the unit.
        let (value, text) = match unit {
            Some(unit) if value.sql_type() == SqlType::Date => {
                (cast(value, SqlType::TIMESTAMP_NTZ), format!("{text} {unit}"))
            }
            Some(unit) => (value, format!("{text} {unit}")),
            None => (value, text.to_string()),
        };
        let interval = super::literal::text_literal(text.into());
        let sign = Value::integer(if negative { -1 } else { 1 });
        let sign = Expr::Literal { value: sign, sql_type: SqlType::number(1, 0) };
        self.call_scalar("$INTERVAL_ADD", vec![value, interval, sign])
    }

    /// `(a, b) = (c, d)`: pair by pair.
    fn bind_row_comparison(
        &mut self,
        operator: BinaryOperator,
        left: &[ast::Expr],
        right: &[ast::Expr],
    ) -> Result<Expr> {
        if left.len() != right.len() {
            let text = "rows of different width cannot be compared";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let mut parts = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(right) {
            let (left, right) = (self.bind_inner(left)?, self.bind_inner(right)?);
            parts.push(compare(Comparison::Equal, left, right)?);
        }
        match operator {
            BinaryOperator::Equal => Ok(Expr::all(parts)),
            BinaryOperator::NotEqual => Ok(Expr::Not(Box::new(Expr::all(parts)))),
            _ => Err(Error::not_supported("comparison of rows by order")),
        }
    }
}

/// Whether the operator is a function of two values.
fn is_arithmetic(operator: BinaryOperator) -> bool {
    use BinaryOperator::{Add, Concat, Divide, Modulo, Multiply, Subtract};
    matches!(operator, Add | Subtract | Multiply | Divide | Modulo | Concat)
}

/// The operands of `a AND b AND c ..`, which is read from the left, in their order.
fn chain<'a>(
    operator: BinaryOperator,
    left: &'a ast::Expr,
    right: &'a ast::Expr,
) -> Vec<&'a ast::Expr> {
    let mut operands = vec![right];
    let mut first = left;
    while let ExprKind::Binary(inner, left, right) = &first.kind
        && *inner == operator
    {
        operands.push(right);
        first = left;
    }
    operands.push(first);
    operands.reverse();
    operands
}

/// The comparison that an operator of the syntax is.
pub(super) fn comparison(operator: BinaryOperator) -> Result<Comparison> {
    match operator {
        BinaryOperator::Equal => Ok(Comparison::Equal),
        BinaryOperator::NotEqual => Ok(Comparison::NotEqual),
        BinaryOperator::Less => Ok(Comparison::Less),
        BinaryOperator::LessOrEqual => Ok(Comparison::LessOrEqual),
        BinaryOperator::Greater => Ok(Comparison::Greater),
        BinaryOperator::GreaterOrEqual => Ok(Comparison::GreaterOrEqual),
        other => Err(Error::internal(format!("{} is no comparison", other.symbol()))),
    }
}

/// A comparison of operands that are made comparable.
pub(crate) fn compare(operator: Comparison, left: Expr, right: Expr) -> Result<Expr> {
    let (left, right) = comparable(left, right)?;
    Ok(Expr::Compare { operator, left: Box::new(left), right: Box::new(right) })
}

/// Casts two operands to the type that they are compared in.
///
/// # Errors
/// `InvalidArgumentTypes` when they do not compare.
pub(crate) fn comparable(left: Expr, right: Expr) -> Result<(Expr, Expr)> {
    let (left, right) = match (left.sql_type().is_numeric(), right.sql_type().is_numeric()) {
        (true, false) => (left, number_literal(right)),
        (false, true) => (number_literal(left), right),
        _ => (left, right),
    };
    let (from, to) = (left.sql_type(), right.sql_type());
    merged(to.collation(), from.collation())?;
    let Some(common) = coerce::comparison_type(from, to) else {
        let text = format!("Invalid argument types for function '=': ({from}, {to})");
        return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
    };
    // A comparison cuts nothing: beside a short constant a longer text is still itself.
    let common = match common {
        SqlType::Varchar { collation, .. } => {
            let text = |expr: Expr| {
                let own = expr.sql_type().collation();
                key(cast(expr, SqlType::TEXT.with_collation(own)), collation)
            };
            return Ok((text(left)?, text(right)?));
        }
        SqlType::Binary { .. } => SqlType::BINARY,
        other => other,
    };
    Ok((cast(left, common), cast(right, common)))
}

/// A text constant that writes a number, as that number: beside numbers it is one, with all its digits.
pub(super) fn number_literal(expr: Expr) -> Expr {
    let Expr::Literal { value: Value::Text(text), .. } = &expr else { return expr };
    let trimmed = text.trim();
    let (digits, negative) = match trimmed.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (trimmed, false),
    };
    match number_text::parse_literal(digits) {
        Some((Value::Number(mut number), sql_type)) => {
            number.unscaled = if negative { -number.unscaled } else { number.unscaled };
            Expr::Literal { value: Value::Number(number), sql_type }
        }
        _ => expr,
    }
}
