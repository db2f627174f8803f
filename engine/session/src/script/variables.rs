//! The variables of the blocks that are open.

use std::sync::Arc;

use firn_parse::ast::NestedProcedure;
use firn_query::bind::TypedValue;
use firn_query::bind::script::ScriptVariable;
use firn_types::{Field, SqlType, Value};

use super::cursor::Cursor;
use super::job::Job;
use crate::result::StatementResult;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Variable {
    /// A value; whatever is assigned becomes one of its type.
    Value(TypedValue),
    /// A RESULTSET.
    ResultSet(ResultSet),
    /// A cursor.
    Cursor(Box<Cursor>),
    /// An exception: its number and message.
    Exception(i32, String),
    /// A row of a loop.
    Row(Arc<[Field]>, Vec<Value>),
    /// A procedure of the block.
    Procedure(Arc<NestedProcedure>),
}

/// What a RESULTSET has.
#[derive(Clone, Debug)]
pub(crate) enum ResultSet {
    /// Nothing was assigned to it.
    Empty,
    /// The rows of a statement.
    Rows(Arc<StatementResult>),
    /// A statement that runs beside the block, or has.
    Job(Arc<Job>),
}

impl ResultSet {
    /// The id of its statement.
    fn query_id(&self) -> Option<&str> {
        match self {
            ResultSet::Empty => None,
            ResultSet::Rows(result) => Some(&result.query_id),
            ResultSet::Job(job) => Some(job.query_id()),
        }
    }
}

/// All variables in sight, the innermost last.
#[derive(Debug)]
pub(super) struct Variables {
    names: Vec<String>,
    values: Vec<Variable>,
}

/// What the last statement did, as every block may ask.
const FACTS: [(&str, SqlType); 8] = [
    ("SQLROWCOUNT", SqlType::INTEGER),
    ("SQLFOUND", SqlType::Boolean),
    ("SQLNOTFOUND", SqlType::Boolean),
    ("ACTIVITY_COUNT", SqlType::INTEGER),
    ("SQLID", SqlType::TEXT),
    // Of the exception that is handled, if one is.
    ("SQLCODE", SqlType::INTEGER),
    ("SQLERRM", SqlType::TEXT),
    ("SQLSTATE", SqlType::TEXT),
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

    /// The names of all of them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
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

    /// Takes the variables from a position on away.
    pub(super) fn split_off(&mut self, position: usize) -> Variables {
        let names = self.names.split_off(position);
        Variables { names, values: self.values.split_off(position) }
    }

    /// Puts variables back that were taken away.
    pub(super) fn append(&mut self, mut taken: Variables) {
        self.names.append(&mut taken.names);
        self.values.append(&mut taken.values);
    }

    /// Whether a block has a procedure of its own.
    pub(super) fn has_procedures(&self) -> bool {
        self.values.iter().any(|value| matches!(value, Variable::Procedure(_)))
    }

    /// Whether a name from a position on is a procedure's.
    pub(super) fn is_procedure_from(&self, name: &str, from: usize) -> bool {
        let found = self.position(name).filter(|position| *position >= from);
        found.is_some_and(|position| matches!(self.values[position], Variable::Procedure(_)))
    }

    /// Where the innermost variable of a name is.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().rposition(|other| other == name)
    }

    /// The variable at a position.
    pub(super) fn at(&self, position: usize) -> Option<&Variable> {
        self.values.get(position)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Variable> {
        self.values.get(self.position(name)?)
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

    /// The RESULTSETs as the ids of their statements, for functions that are asked about them.
    pub(super) fn result_sets(&self) -> Vec<ScriptVariable> {
        let named = self.names.iter().zip(&self.values).rev();
        let found = named.filter_map(|(name, variable)| {
            let Variable::ResultSet(set) = variable else { return None };
            let value = set.query_id().map_or(Value::Null, Value::text);
            let value = TypedValue { value, sql_type: SqlType::TEXT };
            Some(ScriptVariable { row: None, name: name.clone(), value })
        });
        found.collect()
    }

    /// The values that a statement may name with a colon.
    pub(super) fn binds(&self) -> Vec<(String, TypedValue)> {
        let values = self.in_sight().into_iter().filter(|variable| variable.row.is_none());
        values.map(|variable| (variable.name, variable.value)).collect()
    }
}
