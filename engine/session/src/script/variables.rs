//! The variables of the blocks that are open.

use std::sync::Arc;

use firn_query::bind::TypedValue;
use firn_query::bind::script::ScriptVariable;
use firn_types::{Field, SqlType, Value};

use super::cursor::Cursor;
use crate::result::StatementResult;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Variable {
    /// A value; whatever is assigned becomes one of its type.
    Value(TypedValue),
    /// A RESULTSET, perhaps still without rows.
    ResultSet(Option<Arc<StatementResult>>),
    /// A cursor.
    Cursor(Box<Cursor>),
    /// An exception: its number and message.
    Exception(i32, String),
    /// A row of a loop.
    Row(Arc<[Field]>, Vec<Value>),
}

/// All variables in sight, the innermost last.
#[derive(Debug)]
pub(super) struct Variables {
    names: Vec<String>,
    values: Vec<Variable>,
}

/// What the last statement did, as every block may ask.
const FACTS: [(&str, SqlType); 5] = [
    ("SQLROWCOUNT", SqlType::INTEGER),
    ("SQLFOUND", SqlType::Boolean),
    ("SQLNOTFOUND", SqlType::Boolean),
    ("ACTIVITY_COUNT", SqlType::INTEGER),
    ("SQLID", SqlType::TEXT),
];

impl Variables {
    /// What every block has.
    pub(super) fn new() -> Variables {
        let mut variables = Variables { names: Vec::new(), values: Vec::new() };
        for (name, sql_type) in FACTS {
            variables.declare(name, Variable::Value(TypedValue::null(sql_type)));
        }
        variables
    }

    /// How many there are: what [`Variables::close`] goes back to.
    pub(super) fn open(&self) -> usize {
        self.names.len()
    }

    /// Forgets all but the first ones.
    pub(super) fn close(&mut self, count: usize) {
        self.names.truncate(count);
        self.values.truncate(count);
    }

    /// Forgets one, a loop's own; those that were declared after it stay.
    pub(super) fn forget(&mut self, position: usize) {
        if position < self.names.len() {
            self.names.remove(position);
            self.values.remove(position);
        }
    }

    /// A variable of the innermost block.
    pub(super) fn declare(&mut self, name: &str, variable: Variable) {
        self.names.push(name.to_string());
        self.values.push(variable);
    }

    /// As [`Variables::declare`], but one of this name from position `from` on is declared anew: LET in a loop.
    pub(super) fn redeclare(&mut self, name: &str, variable: Variable, from: usize) {
        match self.names[from..].iter().rposition(|other| other == name) {
            Some(position) => self.values[from + position] = variable,
            None => self.declare(name, variable),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Variable> {
        let position = self.names.iter().rposition(|other| other == name)?;
        self.values.get(position)
    }

    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Variable> {
        let position = self.names.iter().rposition(|other| other == name)?;
        self.values.get_mut(position)
    }

    /// The value of a variable, or of a column of a row.
    pub(super) fn value(&self, row: Option<&str>, name: &str) -> Option<TypedValue> {
        match (row, self.find(row.unwrap_or(name))?) {
            (None, Variable::Value(value)) => Some(value.clone()),
            (Some(_), Variable::Row(fields, values)) => {
                let position = fields.iter().position(|field| field.name == name)?;
                let sql_type = fields[position].sql_type;
                Some(TypedValue { value: values[position].clone(), sql_type })
            }
            _ => None,
        }
    }

    /// Sets what is told of the last statement.
    pub(super) fn set_fact(&mut self, name: &str, value: Value) {
        if let Some(Variable::Value(fact)) = self.find_mut(name) {
            fact.value = value;
        }
    }

    /// All values, inner ones first, as expressions may name them.
    pub(super) fn in_sight(&self) -> Vec<ScriptVariable> {
        let mut found = Vec::new();
        for (name, variable) in self.names.iter().zip(&self.values).rev() {
            match variable {
                Variable::Value(value) => found.push(ScriptVariable {
                    row: None,
                    name: name.clone(),
                    value: value.clone(),
                }),
                Variable::Row(fields, values) => {
                    found.extend(fields.iter().zip(values).map(|(field, value)| ScriptVariable {
                        row: Some(name.clone()),
                        name: field.name.clone(),
                        value: TypedValue { value: value.clone(), sql_type: field.sql_type },
                    }));
                }
                _ => {}
            }
        }
        found
    }

    /// The values that a statement may name with a colon.
    pub(super) fn binds(&self) -> Vec<(String, TypedValue)> {
        let values = self.in_sight().into_iter().filter(|variable| variable.row.is_none());
        values.map(|variable| (variable.name, variable.value)).collect()
    }
}
