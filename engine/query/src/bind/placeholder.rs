//! The places `?`, `:1` and `:name` of a statement, and the values that come with it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use firn_column::Column;
use firn_expression::Expr;
use firn_types::number_text::write_decimal;
use firn_types::{Error, ErrorCode, Identifier, Result, Span, SqlType, Value};

use firn_parse::ast;

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedValue {
    /// The value.
    pub value: Value,
    /// Its type.
    pub sql_type: SqlType,
}

impl TypedValue {
    /// A text.
    pub fn text(text: &str) -> TypedValue {
        TypedValue { value: Value::text(text), sql_type: SqlType::TEXT }
    }

    /// A whole number.
    pub fn integer(number: i64) -> TypedValue {
        TypedValue { value: Value::integer(number), sql_type: SqlType::INTEGER }
    }

    /// As an expression.
    pub(super) fn literal(&self) -> Expr {
        Expr::Literal { value: self.value.clone(), sql_type: self.sql_type }
    }

    /// NULL of a type.
    pub fn null(sql_type: SqlType) -> TypedValue {
        TypedValue { value: Value::Null, sql_type }
    }
}

/// The values that come with a statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Binds {
    /// Those of `?`, in the order of the text, and of `:1`, `:2` and so on.
    pub positional: Vec<TypedValue>,
    /// Those of `:name`; the case of names does not matter.
    pub named: Vec<(String, TypedValue)>,
    /// Of each row of an array of values, its positional ones: VALUES, and a SELECT without FROM, give one row for
    /// each. The first is in `positional` too.
    pub rows: Vec<Vec<TypedValue>>,
}

impl Binds {
    /// Looks whether each value is of its type.
    ///
    /// # Errors
    /// `InvalidParameterType` when one is not.
    pub fn check(&self) -> Result<()> {
        let named = self.named.iter().map(|(_, value)| value);
        let rows = self.rows.iter().flatten();
        for TypedValue { value, sql_type } in self.positional.iter().chain(named).chain(rows) {
            if Column::constant(value, *sql_type, 1).is_err() {
                let text = format!("A bind variable of type {sql_type} has the value {value:?}.");
                return Err(Error::new(ErrorCode::InvalidParameterType, text));
            }
        }
        Ok(())
    }
}

/// What becomes of the places of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaceRule {
    /// Each has its value.
    #[default]
    Bound,
    /// Those without a value are NULL: the statement is only described.
    DescribeOnly,
    /// There may be none but in the name of what is made, because the text is kept and read again without its
    /// values.
    Refused,
}

/// The places of one text with their values.
#[derive(Debug, Default)]
pub struct Placeholders {
    values: Arc<Binds>,
    rule: PlaceRule,
    /// Where the `?` stand, in bytes.
    marks: Vec<u32>,
    /// The names of the places that were bound, each once: `?1` or `NAME`.
    seen: Mutex<Vec<String>>,
    /// Whether what is bound now is the name of what is made.
    in_name: AtomicBool,
    /// The row of an array of values that is bound.
    row: AtomicUsize,
    /// Whether VALUES has taken all rows.
    rows_taken: AtomicBool,
    /// The columns that stand for positional values.
    columns: OnceLock<Vec<Expr>>,
}

impl Placeholders {
    /// The places of a text.
    pub fn of(text: &str, values: Arc<Binds>, rule: PlaceRule) -> Placeholders {
        Placeholders {
            values,
            rule,
            marks: firn_parse::question_marks(text),
            seen: Mutex::default(),
            in_name: AtomicBool::new(false),
            row: AtomicUsize::new(0),
            rows_taken: AtomicBool::new(false),
            columns: OnceLock::new(),
        }
    }

    /// From now on there may be none, but in names.
    pub fn refuse(&mut self) {
        self.rule = PlaceRule::Refused;
    }

    /// Does something with the name of what a statement makes.
    pub fn in_name<T>(&self, work: impl FnOnce() -> T) -> T {
        self.in_name.store(true, Ordering::Relaxed);
        let done = work();
        self.in_name.store(false, Ordering::Relaxed);
        done
    }

    /// Does something once for every row of an array of values, if that is what came; else once.
    ///
    /// # Errors
    /// The first that `work` meets.
    pub fn for_each_row(&self, mut work: impl FnMut() -> Result<()>) -> Result<()> {
        for row in 0..self.values.rows.len().max(1) {
            self.row.store(row, Ordering::Relaxed);
            work()?;
        }
        self.row.store(0, Ordering::Relaxed);
        self.rows_taken.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// All rows of an array of values, if one came and nothing has taken them.
    pub(super) fn take_rows(&self) -> Option<&[Vec<TypedValue>]> {
        let came = self.values.rows.len() > 1 && self.rule == PlaceRule::Bound;
        (came && !self.rows_taken.swap(true, Ordering::Relaxed)).then_some(&self.values.rows)
    }

    /// From now on these columns stand for the positional values.
    pub(super) fn stand_for(&self, columns: Vec<Expr>) {
        // Rows are taken once.
        let _ = self.columns.set(columns);
    }

    /// Looks whether a statement that was bound has taken all rows of an array of values.
    ///
    /// # Errors
    /// `not_supported` when it has taken the first one only.
    pub fn check_rows(&self) -> Result<()> {
        if self.values.rows.len() > 1 && !self.rows_taken.load(Ordering::Relaxed) {
            return Err(Error::not_supported(
                "an array of values outside of VALUES and of SELECT without FROM",
            ));
        }
        Ok(())
    }

    /// The positional values of the row that is bound.
    fn positional(&self) -> &[TypedValue] {
        let row = self.values.rows.get(self.row.load(Ordering::Relaxed));
        row.map_or(&self.values.positional, |row| row)
    }

    /// The places of a part of the text that is bound as a text of its own, where `text` begins.
    pub fn from(&self, text: &str, start: u32) -> Placeholders {
        Placeholders::of(text, Arc::new(self.binds_from(start)), self.rule)
    }

    /// What becomes of the places.
    pub fn rule(&self) -> PlaceRule {
        self.rule
    }

    /// The values of the part of the text from a byte on.
    pub fn binds_from(&self, start: u32) -> Binds {
        let before = self.marks.partition_point(|mark| *mark < start);
        let positional = self.values.positional.iter().skip(before).cloned().collect();
        Binds { positional, named: self.values.named.clone(), rows: Vec::new() }
    }

    /// The id of the piped statement whose rows this name means: `$1`.
    pub(super) fn piped(&self, name: &str) -> Option<String> {
        let mut named = self.values.named.iter();
        let (_, value) = named.find(|(given, _)| name.starts_with('$') && given == name)?;
        match &value.value {
            Value::Text(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// The names of the places that were bound so far, in the order of binding.
    pub fn seen(&self) -> Vec<String> {
        self.names().clone()
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a place, as it is written, where the grammar takes only constants.
    pub fn option_value(&self, source: &str, start: u32) -> Option<ast::OptionValue> {
        let bind = match source.strip_prefix(':') {
            Some(name) => ast::Bind::Named(Identifier::folded(name)),
            None => ast::Bind::Positional,
        };
        let span = Span::new(start as usize, start as usize + source.len());
        let Ok(Expr::Literal { value, .. }) = self.value(&bind, span) else { return None };
        Some(match value {
            Value::Text(text) => ast::OptionValue::Text(text.to_string()),
            Value::Boolean(value) => ast::OptionValue::Boolean(value),
            Value::Number(number) => {
                let mut text = String::new();
                write_decimal(&mut text, number.unscaled, number.scale);
                ast::OptionValue::Number(text)
            }
            Value::Null if self.rule == PlaceRule::DescribeOnly => {
                ast::OptionValue::Text(String::new())
            }
            _ => ast::OptionValue::Null,
        })
    }

    /// The value of a place.
    ///
    /// # Errors
    /// `BindNotSet` when none came for it; `not_supported` where there may be no places.
    pub(super) fn value(&self, bind: &ast::Bind, span: Span) -> Result<Expr> {
        if self.rule == PlaceRule::Refused && !self.in_name.load(Ordering::Relaxed) {
            return Err(Error::not_supported("bind variables in what is kept as a text"));
        }
        let (name, value) = match bind {
            ast::Bind::Positional => {
                let number = self.marks.partition_point(|mark| *mark < span.start);
                (format!("?{}", number + 1), self.positional().get(number))
            }
            ast::Bind::Named(name) => match name.name.parse::<usize>() {
                Ok(number) => {
                    let index = number.wrapping_sub(1);
                    (format!("?{number}"), self.positional().get(index))
                }
                Err(_) => {
                    let mut named = self.values.named.iter();
                    let found = named.find(|(given, _)| given.eq_ignore_ascii_case(&name.name));
                    (name.name.to_uppercase(), found.map(|(_, value)| value))
                }
            },
        };
        let shown = match bind {
            ast::Bind::Positional => format!("? number {}", &name[1..]),
            ast::Bind::Named(name) => format!(":{}", name.name),
        };
        let number = name.strip_prefix('?').and_then(|number| number.parse::<usize>().ok());
        let mut seen = self.names();
        if !seen.contains(&name) {
            seen.push(name);
        }
        let columns = self.columns.get().zip(number);
        if let Some(column) = columns.and_then(|(all, number)| all.get(number.checked_sub(1)?)) {
            return Ok(column.clone());
        }
        match value {
            Some(TypedValue { value, sql_type }) => {
                Ok(Expr::Literal { value: value.clone(), sql_type: *sql_type })
            }
            None if self.rule == PlaceRule::DescribeOnly => Ok(Expr::null(SqlType::Null)),
            None => {
                Err(Error::new(ErrorCode::BindNotSet, format!("Bind variable {shown} not set.")))
            }
        }
    }
}
