//! Constants, binds and variables.

use std::sync::Arc;

use firn_types::{Error, ErrorCode, Identifier, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{Bind, Expr, ExprKind, Literal};
use super::super::literal::{self, hex_bytes};
use super::super::outline::span_of;
use super::Convert;

impl Convert<'_> {
    /// A constant, `$1`, `$name`, `:name` or `?`.
    pub(super) fn value(&mut self, value: sq::ValueWithSpan) -> Result<Expr> {
        let span = span_of(value.span);
        let literal = |literal| Ok(Expr::new(ExprKind::Literal(literal), span));
        match value.value {
            sq::Value::Number(digits, _) => literal(Literal::Number(digits.into())),
            sq::Value::SingleQuotedString(text) => literal(Literal::Text(text.into())),
            sq::Value::Boolean(value) => literal(Literal::Boolean(value)),
            sq::Value::Null => literal(Literal::Null),
            sq::Value::HexStringLiteral(digits) => match hex_bytes(&digits) {
                Some(bytes) => literal(Literal::Binary(Arc::from(bytes))),
                None => Err(Error::new(
                    ErrorCode::InvalidBinary,
                    format!("The following string is not a legal hex-encoded value: '{digits}'"),
                )
                .at(span)),
            },
            sq::Value::Placeholder(text) => self.placeholder(&text, span),
            _ => Err(self.unexpected_at(span)),
        }
    }

    fn placeholder(&self, text: &str, span: Span) -> Result<Expr> {
        let named = |name: &str| Identifier::folded(name).at(span);
        let kind = match text.strip_prefix('$') {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                ExprKind::Position(None, self.position(digits, span)?)
            }
            Some("") => return Err(self.unexpected_at(span)),
            Some(name) => ExprKind::Variable(named(name)),
            None => match text.strip_prefix(':') {
                Some(name) => {
                    // The colon is a token of its own, and the place that of the name.
                    let span = Span { start: span.start.saturating_sub(1), ..span };
                    return Ok(Expr::new(ExprKind::Bind(Bind::Named(named(name))), span));
                }
                None => ExprKind::Bind(Bind::Positional),
            },
        };
        Ok(Expr::new(kind, span))
    }

    /// The number of `$1`.
    pub(super) fn position(&self, digits: &str, span: Span) -> Result<u32> {
        digits.parse().ok().filter(|position| *position > 0).ok_or_else(|| self.unexpected_at(span))
    }

    /// `DATE '..'` and its kin.
    pub(super) fn typed_string(&mut self, typed: sq::TypedString) -> Result<Expr> {
        let span = span_of(typed.value.span);
        let (sq::DataType::Custom(name, _), sq::Value::SingleQuotedString(text)) =
            (typed.data_type, typed.value.value)
        else {
            return Err(self.unexpected_at(span));
        };
        let Some(word) = name.0.first().and_then(|part| part.as_ident()) else {
            return Err(self.unexpected_at(span));
        };
        let literal = literal::typed(&word.value, text.into_boxed_str());
        let literal = literal.ok_or_else(|| self.unexpected_at(span))?;
        Ok(Expr::new(ExprKind::Literal(literal), span_of(word.span).to(span)))
    }

    /// `INTERVAL '..' [unit]`.
    pub(super) fn interval(&mut self, interval: sq::Interval) -> Result<Expr> {
        let sq::Interval {
            value,
            leading_field,
            leading_precision,
            last_field,
            fractional_seconds_precision,
        } = interval;
        let value = self.expr(*value)?;
        let Some(text) = value.as_text().map(Box::<str>::from) else {
            return Err(self.unexpected_at(value.span));
        };
        self.refuse(last_field.is_some(), "to", value.span)?;
        self.refuse(fractional_seconds_precision.is_some(), "(", value.span)?;
        if let Some(digits) = leading_precision {
            check_precision(&text, digits).map_err(|error| error.at(value.span))?;
        }
        let index = self.outline.at(value.span.start);
        let mut span = self.outline.span(index.saturating_sub(1)).to(value.span);
        let unit = leading_field.map(|_| {
            span = span.to(self.outline.span(index + 1));
            self.outline.word(index + 1).to_uppercase().into_boxed_str()
        });
        Ok(Expr::new(ExprKind::Interval(text, unit), span))
    }
}

/// `INTERVAL '90' DAY (3)` says how many digits its number may have.
fn check_precision(text: &str, digits: u64) -> Result<()> {
    let number = text.trim().trim_start_matches(['+', '-']);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && number.trim_start_matches('0').len() as u64 <= digits {
        return Ok(());
    }
    let text = format!("Interval value '{text}' is not a whole number of at most {digits} digits");
    Err(Error::new(ErrorCode::InvalidStatement, text))
}
