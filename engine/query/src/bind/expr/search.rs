//! SEARCH and SEARCH_IP, whose first argument may be several columns.

use firn_expression::Expr;
use firn_parse::ast::{self, Argument, ArgumentValue, ExprKind, FunctionCall, Star};
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::function::refuse_qualifiers;
use super::literal::text_literal;
use super::{ExprBinder, cast, expand_star};

/// The options of SEARCH with what holds without them.
const OPTIONS: [(&str, &str); 2] = [("ANALYZER", "DEFAULT_ANALYZER"), ("SEARCH_MODE", "OR")];

impl ExprBinder<'_> {
    pub(super) fn bind_search(&mut self, name: &str, call: &FunctionCall) -> Result<Expr> {
        refuse_qualifiers(call, name)?;
        let (plain, named): (Vec<&Argument>, Vec<_>) =
            call.arguments.iter().partition(|argument| argument.name.is_none());
        let [data, text] = plain.as_slice() else {
            let code = match plain.len() {
                0 | 1 => ErrorCode::NotEnoughArguments,
                _ => ErrorCode::TooManyArguments,
            };
            let text = format!("function {name} expects what is searched and a text");
            return Err(Error::new(code, text));
        };
        let mut arguments = self.searched(name, &data.value)?;
        arguments.push(self.plain_argument(name, &text.value)?);
        if name == "SEARCH" {
            let mut options = OPTIONS.map(|(_, value)| text_literal(value.into()));
            for argument in named {
                let place = argument.name.as_ref().and_then(|given| {
                    OPTIONS.iter().position(|(name, _)| given.name.eq_ignore_ascii_case(name))
                });
                let place = place.ok_or_else(|| unknown_option(name, argument))?;
                options[place] = self.plain_argument(name, &argument.value)?;
            }
            arguments.extend(options);
        } else if let Some(argument) = named.first() {
            return Err(unknown_option(name, argument));
        }
        self.call_scalar(name, arguments)
    }

    /// The values that are searched, as texts.
    fn searched(&mut self, name: &str, data: &ArgumentValue) -> Result<Vec<Expr>> {
        let mut found = Vec::new();
        match data {
            ArgumentValue::Star(star) => found.extend(self.searchable_columns(star)?),
            ArgumentValue::Expr(ast::Expr { kind: ExprKind::Star(star), .. }) => {
                found.extend(self.searchable_columns(star)?);
            }
            ArgumentValue::Expr(ast::Expr { kind: ExprKind::Row(items), .. }) => {
                for item in items {
                    found.push(self.searchable(name, item)?);
                }
            }
            ArgumentValue::Expr(expr) => found.push(self.searchable(name, expr)?),
            ArgumentValue::Query(_) => {
                return Err(Error::not_supported(format!("a query as an argument of {name}")));
            }
        }
        Ok(found)
    }

    fn searchable(&mut self, name: &str, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.bind_inner(expr)?;
        if !is_searchable(bound.sql_type()) {
            let text =
                format!("Invalid argument types for function '{name}': ({})", bound.sql_type());
            return Err(Error::new(ErrorCode::InvalidArgumentTypes, text).at(expr.span));
        }
        Ok(cast(bound, SqlType::TEXT))
    }

    fn searchable_columns(&mut self, star: &Star) -> Result<Vec<Expr>> {
        let columns = expand_star(self, star)?.into_iter().map(|column| column.expr);
        let columns = columns.filter(|column| is_searchable(column.sql_type()));
        Ok(columns.map(|column| cast(column, SqlType::TEXT)).collect())
    }

    fn plain_argument(&mut self, name: &str, value: &ArgumentValue) -> Result<Expr> {
        match value {
            ArgumentValue::Expr(expr) => self.bind_inner(expr),
            _ => Err(Error::not_supported(format!("this argument of {name}"))),
        }
    }
}

fn is_searchable(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::Varchar { .. } | SqlType::Null) || sql_type.is_semi_structured()
}

fn unknown_option(function: &str, argument: &Argument) -> Error {
    let name = argument.name.as_ref().map_or("", |name| name.as_str());
    let text = format!("invalid argument '{name}' of function {function}");
    Error::new(ErrorCode::InvalidParameterType, text)
}
