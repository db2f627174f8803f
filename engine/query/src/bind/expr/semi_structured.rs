//! Paths into semi-structured values, and their literals.

use firn_expression::Expr;
use firn_types::Result;

use super::ExprBinder;
use super::literal::text_literal;
use firn_parse::ast::{self, ExprKind, Literal, ObjectField, PathStep};

impl ExprBinder<'_> {
    /// `v:a.b[0]['k']`: constant steps are one call of GET_PATH, computed ones a call of GET each.
    pub(super) fn bind_path(&mut self, base: &ast::Expr, steps: &[PathStep]) -> Result<Expr> {
        let mut value = self.bind_inner(base)?;
        let mut path = String::new();
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
        let items: Vec<Expr> =
            items.iter().map(|item| self.bind_inner(item)).collect::<Result<_>>()?;
        self.call_scalar("ARRAY_CONSTRUCT", items)
    }
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
