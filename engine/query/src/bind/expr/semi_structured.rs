//! Paths into semi-structured values, and their literals.

use firn_expression::{Expr, fold};
use firn_types::limits::NUMBER_PRECISION_MAX;
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::ExprBinder;
use super::literal::text_literal;
use firn_parse::ast::{self, ExprKind, Literal, ObjectField, PathStep};

impl ExprBinder<'_> {
    /// `v:a.b[0]['k']`: constant steps are one call of GET_PATH, computed ones a call of GET each.
    pub(super) fn bind_path(&mut self, base: &ast::Expr, steps: &[PathStep]) -> Result<Expr> {
        let mut value = self.bind_inner(base)?;
        let mut path = String::new();
        let mut steps = steps;
        while let (SqlType::Structured(_), [step, rest @ ..]) = (value.sql_type(), steps) {
            value = self.structured_step(value, step)?;
            steps = rest;
        }
        for step in steps {
            match step {
                PathStep::Field(name) => push_key(&mut path, &name.name),
                PathStep::Index(index) => match &index.kind {
                    ExprKind::Literal(Literal::Text(key)) => push_key(&mut path, key),
                    ExprKind::Literal(Literal::Number(digits)) => {
                        path.push_str(&format!("[{digits}]"));
                    }
                    _ => {
                        value = self.get_path(value, std::mem::take(&mut path))?;
                        let index = self.bind_inner(index)?;
                        value = self.call_scalar("GET", vec![value, index])?;
                    }
                },
            }
        }
        self.get_path(value, path)
    }

    fn get_path(&mut self, value: Expr, path: String) -> Result<Expr> {
        if path.is_empty() {
            return Ok(value);
        }
        self.call_scalar("GET_PATH", vec![value, text_literal(path.into())])
    }

    pub(super) fn bind_object(&mut self, fields: &[ObjectField]) -> Result<Expr> {
        let mut arguments = Vec::with_capacity(fields.len() * 2);
        for field in fields {
            match field {
                ObjectField::Field(key, value) => {
                    arguments.push(text_literal(key.as_ref().into()));
                    arguments.push(self.bind_inner(value)?);
                }
                ObjectField::Star(star) => arguments.extend(self.star_pairs(star)?),
            }
        }
        self.call_scalar("OBJECT_CONSTRUCT", arguments)
    }

    /// Names and values of the columns of a `*` as arguments of an object.
    pub(super) fn star_pairs(&mut self, star: &ast::Star) -> Result<Vec<Expr>> {
        let mut pairs = Vec::new();
        for column in super::expand_star(self, star)? {
            pairs.push(text_literal(column.name.as_str().into()));
            pairs.push(column.expr);
        }
        Ok(pairs)
    }

    pub(super) fn bind_array(&mut self, items: &[ast::Expr]) -> Result<Expr> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            bound.extend(self.bind_item(item)?);
        }
        self.call_scalar("ARRAY_CONSTRUCT", bound)
    }

    /// An item of a list or an argument: `**x` stands for the elements of a constant array.
    pub(super) fn bind_item(&mut self, item: &ast::Expr) -> Result<Vec<Expr>> {
        let ExprKind::Spread(operand) = &item.kind else {
            return Ok(vec![self.bind_inner(item)?]);
        };
        let array = self.bind_inner(operand)?;
        let constant = fold::constant(&array, &self.binder.context.functions)?;
        let Some(Value::Variant(bytes)) = constant else {
            let text = "the spread operator ** needs a constant array";
            return Err(Error::new(ErrorCode::ConstantArgument, text).at(operand.span));
        };
        let Some(elements) = Variant::new(&bytes).as_array() else {
            let text = "the spread operator ** needs an array";
            return Err(Error::new(ErrorCode::InvalidParameterType, text).at(operand.span));
        };
        elements.iter().map(element).collect()
    }
}

/// An array's element as a value of the type that it has.
fn element(element: Variant<'_>) -> Result<Expr> {
    let (value, sql_type) = match element.item() {
        Item::Null | Item::Undefined => (Value::Null, SqlType::Null),
        Item::Boolean(value) => (Value::Boolean(value), SqlType::Boolean),
        Item::Number(number) => {
            let scale = number.scale;
            (Value::Number(number), SqlType::Number { precision: NUMBER_PRECISION_MAX, scale })
        }
        Item::Float(value) => (Value::Float(value), SqlType::Float),
        Item::Text(text) => (Value::text(text), SqlType::TEXT),
        _ => {
            let mut bytes = Vec::new();
            Builder::new().extract(element, &mut bytes)?;
            (Value::Variant(bytes.into()), SqlType::Variant)
        }
    };
    Ok(Expr::Literal { value, sql_type })
}

/// Appends a key to a path's text, in brackets where it is not a plain word.
fn push_key(path: &mut String, key: &str) {
    let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && !key.is_empty();
    if plain {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        let escaped = key.replace('\\', "\\\\").replace('\'', "\\'");
        path.push_str(&format!("['{escaped}']"));
    }
}
