//! Constants and session variables.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::cast;
use firn_parse::ast::{Bind, Literal, TimestampKind};
use firn_types::parse_text::parse_value;
use firn_types::{
    Error, ErrorCode, Identifier, ObjectName, Result, Span, SqlType, Value, number_text,
};

use super::ExprBinder;

impl ExprBinder<'_> {
    pub(super) fn bind_literal(&self, literal: &Literal) -> Result<Expr> {
        match literal {
            Literal::Null => Ok(Expr::null(SqlType::Null)),
            Literal::Boolean(value) => Ok(Expr::boolean(*value)),
            Literal::Number(text) => {
                let (value, sql_type) = number_text::parse_literal(text).ok_or_else(|| {
                    let text = format!("Numeric value '{text}' is not recognized");
                    Error::new(ErrorCode::InvalidNumber, text)
                })?;
                Ok(Expr::Literal { value, sql_type })
            }
            Literal::Text(text) => Ok(text_literal(Arc::clone(text))),
            Literal::Binary(bytes) => {
                let length = u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX);
                let value = Value::Binary(Arc::clone(bytes));
                Ok(Expr::Literal { value, sql_type: SqlType::Binary { length } })
            }
            Literal::Date(text) => self.typed_literal(text, SqlType::Date),
            Literal::Time(text) => self.typed_literal(text, SqlType::TIME),
            Literal::Timestamp(kind, text) => {
                let sql_type = match kind {
                    TimestampKind::Plain => self.binder.context.timestamp_mapping,
                    TimestampKind::Ntz => SqlType::TIMESTAMP_NTZ,
                    TimestampKind::Ltz => SqlType::TIMESTAMP_LTZ,
                    TimestampKind::Tz => SqlType::TIMESTAMP_TZ,
                };
                self.typed_literal(text, sql_type)
            }
        }
    }

    /// `DATE '..'` and its kin: a text converted now.
    fn typed_literal(&self, text: &str, sql_type: SqlType) -> Result<Expr> {
        let context = &self.binder.context.functions;
        let value = match parse_value(text, sql_type, &context.text, context.time_zone) {
            Ok(value) => value,
            // A text that is not recognized is the cast's to refuse.
            Err(_) => {
                let (text, mode) = (Value::text(text), cast::CastMode::Strict);
                cast::cast_value(&text, SqlType::TEXT, sql_type, mode, context)?
            }
        };
        Ok(Expr::Literal { value, sql_type })
    }

    /// `?`, `:1` or `:name`: a constant of the type that its value came with.
    pub(super) fn bind_placeholder(&self, bind: &Bind, place: Span) -> Result<Expr> {
        // Numbers stand for what came with the statement around the block.
        if let (Some(script), Bind::Named(name)) = (self.env.script, bind)
            && name.name.parse::<usize>().is_err()
        {
            let name = ObjectName::single(Identifier::exact(name.name.as_str()).at(place));
            let found = script.find_here(&name)?;
            return found.map(|column| column.expr()).ok_or_else(|| script.unknown(&name));
        }
        match self.env.of_session {
            true => self.binder.context.placeholders.value(bind, place),
            false => Err(Error::not_supported("bind variables in views")),
        }
    }

    pub(super) fn bind_variable(&self, name: &Identifier) -> Result<Expr> {
        let variables = self.binder.context.variables;
        match variables.get(&name.name.to_uppercase()) {
            Some(variable) if self.env.variables => {
                Ok(Expr::Literal { value: variable.value.clone(), sql_type: variable.sql_type })
            }
            _ => {
                let text = format!("Session variable '${}' does not exist", name.name);
                Err(Error::new(ErrorCode::UnknownVariable, text))
            }
        }
    }
}

/// A text constant, of type VARCHAR of its own length.
pub(crate) fn text_literal(text: Arc<str>) -> Expr {
    let length = u32::try_from(text.chars().count().max(1)).unwrap_or(u32::MAX);
    Expr::Literal { value: Value::Text(text), sql_type: SqlType::varchar(length) }
}
