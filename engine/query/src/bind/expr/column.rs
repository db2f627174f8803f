//! Columns, aliases and positions.

use firn_account::catalog::{Action, Namespace, Object};
use firn_expression::Expr;
use firn_types::{Error, ErrorCode, ObjectName, Result, SqlType, Value};

use super::{ExprBinder, Grouping};
use crate::bind::clause::Clause;

/// The functions that may be called without parentheses.
pub(crate) const NILADIC: &[&str] = &[
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "LOCALTIME",
    "LOCALTIMESTAMP",
];

impl ExprBinder<'_> {
    /// What a name stands for: a column of FROM, else a select item's alias, else a column of an
    /// enclosing query. In ORDER BY the alias comes first.
    pub(super) fn bind_column(&mut self, name: &ObjectName) -> Result<Expr> {
        let alias_first = self.clause == Clause::OrderBy && self.expanding.is_empty();
        if alias_first && let Some(expr) = self.bind_alias(name)? {
            return Ok(expr);
        }
        if let Some(column) = self.scope.find_here(name)? {
            self.binder.note_column(column.id);
            return Ok(column.expr());
        }
        if let Some(expr) = self.bind_alias(name)? {
            return Ok(expr);
        }
        if let Some(column) = self.scope.find(name)? {
            self.binder.note_column(column.id);
            return Ok(column.expr());
        }
        if name.parts.len() == 1 && NILADIC.contains(&name.object().as_str()) {
            let function = name.object().as_str();
            return match self.simulated_value(function) {
                Some(simulated) => Ok(simulated),
                None => self.call_scalar(function, Vec::new()),
            };
        }
        if name.parts.len() > 1 && name.object().as_str() == "NEXTVAL" {
            return self.bind_next_value(name);
        }
        Err(self.scope.unknown(name))
    }

    fn bind_alias(&mut self, name: &ObjectName) -> Result<Option<Expr>> {
        let [part] = name.parts.as_slice() else { return Ok(None) };
        let Some(expr) = self.aliases.and_then(|aliases| aliases.get(part.as_str())) else {
            return Ok(None);
        };
        let Some(expr) = expr else {
            let text = format!("ambiguous column name '{part}'");
            return Err(Error::new(ErrorCode::AmbiguousColumn, text).at(name.span()));
        };
        // Inside its own definition an alias is not in sight: `a + 1 AS a` means the column.
        if self.expanding.iter().any(|open| open == part.as_str()) {
            return Ok(None);
        }
        self.expanding.push(part.name.clone());
        let bound = self.bind_inner(expr);
        self.expanding.pop();
        bound.map(Some)
    }

    pub(super) fn bind_position(&self, source: Option<&ObjectName>, position: u32) -> Result<Expr> {
        match self.scope.at_position(source, position) {
            Some(column) => {
                self.binder.note_column(column.id);
                Ok(column.expr())
            }
            None => {
                let prefix = source.map_or(String::new(), |source| format!("{source}."));
                let text = format!("invalid identifier '{prefix}${position}'");
                Err(Error::new(ErrorCode::InvalidIdentifier, text))
            }
        }
    }

    /// `sequence.NEXTVAL`.
    fn bind_next_value(&mut self, name: &ObjectName) -> Result<Expr> {
        let sequence = ObjectName { parts: name.parts[..name.parts.len() - 1].to_vec() };
        let path = self.binder.complete(&sequence, self.env, "SELECT")?;
        let catalog = self.env.catalog;
        match catalog.find_path(Namespace::Sequence, &path) {
            Some(object @ Object::Sequence(sequence)) => {
                catalog.authorize(Action::Use, object)?;
                let id = Value::integer(i128::from(sequence.header.id.0));
                let id = Expr::Literal { value: id, sql_type: SqlType::INTEGER };
                self.call_scalar("$NEXTVAL", vec![id])
            }
            _ => Err(self.scope.unknown(name)),
        }
    }

    /// The expression in terms of the groups: what is grouped by is read from the aggregate's columns.
    ///
    /// # Errors
    /// `NotGrouped` for a column that is neither grouped nor aggregated.
    pub(crate) fn regroup(&self, expr: Expr, grouping: &Grouping) -> Result<Expr> {
        if let Some(group) = grouping.groups.get(&expr) {
            return Ok(group.clone());
        }
        if let Expr::Column { id, .. } = &expr
            && !grouping.columns.contains(id)
            && let Some(name) = self.scope.name_of(*id)
        {
            return Err(match self.clause {
                Clause::OrderBy => not_in_order(&name),
                _ => not_grouped(&name),
            });
        }
        let mut expr = expr;
        for child in expr.children_mut() {
            let taken = std::mem::replace(child, Expr::boolean(true));
            *child = self.regroup(taken, grouping)?;
        }
        Ok(expr)
    }
}

/// The error for a column that is neither grouped nor aggregated.
pub(super) fn not_grouped(name: &str) -> Error {
    let text =
        format!("'{name}' in select clause is neither an aggregate nor in the group by clause.");
    Error::new(ErrorCode::NotGrouped, text)
}

/// The error for an order by what the rows that are ordered do not have.
pub(crate) fn not_in_order(name: &str) -> Error {
    Error::new(ErrorCode::InvalidGroupBy, format!("[{name}] is not a valid order by expression"))
}
