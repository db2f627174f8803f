//! Records of a file to rows of the table, and what is wrong with those that are none.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{BinaryViewBuilder, BooleanArray, StringViewBuilder};
use firn_account::catalog::{Table, TableColumn};
use firn_column::{Array, Batch, Column};
use firn_expression::Evaluator;
use firn_expression::Expr;
use firn_functions::FunctionContext;
use firn_functions::cast::cast_collect;
use firn_loader::format::csv::too_long;
use firn_loader::format::{FileBatch, WantedColumn};
use firn_loader::row_error::{ErrorColumn, LoadTarget, RowError};
use firn_loader::stage::StagedFile;
use firn_types::variant::encode::Builder;
use firn_types::variant::view::Variant;
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::dml::new_rows::null_refused;
use crate::dml::source::Layout;
use crate::staged::StagedFields;

/// Makes rows of a table from the batches of files.
pub(super) struct RowProjector {
    pub(super) table: Arc<Table>,
    /// The columns that the file's fields go to, for messages.
    pub(super) target: LoadTarget,
    /// Their positions in the table.
    pub(super) columns: Vec<usize>,
    /// For each column of the table, where its values come from.
    pub(super) sources: Vec<ColumnSource>,
    /// What expressions are computed over, where it is not what was read.
    pub(super) fields: Option<StagedFields>,
    /// Whether texts that are too long are cut.
    pub(super) truncate: bool,
    /// What functions and conversions know, with the pictures of the file format.
    pub(super) functions: FunctionContext,
}

/// Where the values of a column come from.
pub(super) enum ColumnSource {
    /// What was read, already of the column's type.
    Ready(usize),
    /// What was read, of a type that the file decides.
    Typed(usize),
    /// A member of the object that was read.
    Member(WantedColumn),
    /// An expression.
    Computed(Computed),
}

/// An expression whose errors are found row by row.
pub(super) struct Computed {
    values: Evaluator,
    /// The type of the values, when they are converted to the column's.
    from: Option<SqlType>,
    own_type: SqlType,
    /// The field that its errors point at.
    blamed: Option<usize>,
}

/// A column with the rows that could not be made.
type Made = (Column, Vec<(usize, Error)>);

impl Computed {
    pub(super) fn new(expr: &Expr, layout: &Layout, blamed: Option<usize>) -> Result<Computed> {
        let (inner, from) = match expr {
            Expr::Cast { input, lenient: false, .. } => (input.as_ref(), Some(input.sql_type())),
            other => (other, None),
        };
        let values = Evaluator::compile(std::slice::from_ref(inner), layout)?;
        Ok(Computed { values, from, own_type: inner.sql_type(), blamed })
    }

    /// The values, NULL where one cannot be computed.
    fn values(&self, batch: &Batch, functions: &FunctionContext) -> Result<Made> {
        match self.values.evaluate(batch, functions) {
            Ok(mut columns) => Ok((columns.swap_remove(0), Vec::new())),
            Err(error) if is_fatal(&error) => Err(error),
            Err(error) if batch.rows() <= 1 => {
                Ok((Column::nulls_of(self.own_type, batch.rows()), vec![(0, error)]))
            }
            Err(_) => {
                // One of the rows is bad: each half is tried on its own.
                let middle = batch.rows() / 2;
                let (left, mut errors) = self.values(&batch.slice(0, middle), functions)?;
                let rest = batch.slice(middle, batch.rows() - middle);
                let (right, more) = self.values(&rest, functions)?;
                errors.extend(more.into_iter().map(|(row, error)| (row + middle, error)));
                Ok((Column::concat(&[&left, &right])?, errors))
            }
        }
    }
}

/// Whether an error says nothing about a row.
fn is_fatal(error: &Error) -> bool {
    use ErrorCode::{Canceled, Internal, OutOfMemory, Storage, UnsupportedFeature};
    matches!(error.code(), Canceled | Internal | OutOfMemory | Storage | UnsupportedFeature)
}

impl RowProjector {
    /// The rows of a batch, and its good records that are no rows of the table.
    pub(super) fn make(
        &self,
        batch: &FileBatch,
        types: &[Option<SqlType>],
        file: &StagedFile,
    ) -> Result<(Batch, Vec<RowError>)> {
        let rows = batch.batch.rows();
        let computed_over = match &self.fields {
            Some(fields) => fields.make(batch, (file, None))?,
            None => Batch::new(Vec::new(), rows),
        };
        let mut columns = Vec::with_capacity(self.sources.len());
        // The first error of each bad row.
        let mut bad: BTreeMap<usize, (usize, Error)> = BTreeMap::new();
        for (position, source) in self.sources.iter().enumerate() {
            let column = &self.table.columns[position];
            let (values, mut errors) = match source {
                ColumnSource::Ready(place) => (batch.batch.column(*place).clone(), Vec::new()),
                ColumnSource::Typed(place) => match types.get(*place).copied().flatten() {
                    None => (Column::nulls_of(column.sql_type, rows), Vec::new()),
                    Some(from) => self.convert(batch.batch.column(*place), from, column)?,
                },
                ColumnSource::Member(member) => {
                    let values = members(batch.batch.column(0), member)?;
                    self.convert(&values, SqlType::Variant, column)?
                }
                ColumnSource::Computed(computed) => {
                    let (values, mut errors) = computed.values(&computed_over, &self.functions)?;
                    let values = match computed.from {
                        None => values,
                        Some(from) => {
                            let (values, more) = self.convert(&values, from, column)?;
                            errors.extend(more);
                            values
                        }
                    };
                    (values, errors)
                }
            };
            if !column.nullable && !matches!(source, ColumnSource::Ready(_)) {
                refuse_nulls(&values, &mut errors);
            }
            for (row, error) in errors {
                bad.entry(row).or_insert((position, error));
            }
            columns.push(values);
        }
        let made = Batch::new(columns, rows);
        if bad.is_empty() {
            return Ok((made, Vec::new()));
        }
        let keep: BooleanArray = (0..rows).map(|row| Some(!bad.contains_key(&row))).collect();
        let errors = bad
            .into_iter()
            .map(|(row, (position, error))| self.row_error(batch, row, position, &error));
        Ok((made.filter(&keep), errors.collect()))
    }

    /// The values as the column's type, NULL where one does not convert.
    fn convert(&self, values: &Column, from: SqlType, column: &TableColumn) -> Result<Made> {
        let to = column.sql_type;
        let (Some(limit), true) = (length_limit(to), from != to) else {
            return cast_collect(values, from, to, &self.functions);
        };
        let (texts, mut errors) = cast_collect(values, from, SqlType::TEXT, &self.functions)?;
        let texts = match cut(&texts, limit, self.truncate, &mut errors) {
            Some(cut) => cut,
            None => texts,
        };
        Ok((texts, errors))
    }

    fn row_error(&self, batch: &FileBatch, row: usize, position: usize, error: &Error) -> RowError {
        let field = self.columns.iter().position(|column| *column == position);
        let blamed = match &self.sources[position] {
            ColumnSource::Computed(computed) => computed.blamed,
            _ => field,
        };
        let mut rejected = batch.reject(row, blamed, error.code(), error.detail());
        rejected.column = Some(match field {
            Some(field) => self.target.column(field),
            None => {
                let (table, name) = (&self.target.table, &self.table.columns[position].name);
                ErrorColumn { position, label: format!("\"{table}\"[\"{name}\":{}]", position + 1) }
            }
        });
        rejected
    }
}

fn refuse_nulls(values: &Column, errors: &mut Vec<(usize, Error)>) {
    let Some(nulls) = values.nulls().filter(|nulls| nulls.null_count() > 0) else { return };
    let missing = (0..nulls.len()).filter(|row| nulls.is_null(*row));
    // A value that could not be made has its own error, which stands before.
    errors.extend(missing.map(|row| (row, null_refused())));
}

/// The length that texts of the type may have, if it is not the greatest.
fn length_limit(sql_type: SqlType) -> Option<usize> {
    match sql_type {
        SqlType::Varchar { length, .. } => Some(length as usize),
        _ => None,
    }
}

/// The texts cut to so many characters, or those that are longer reported; none when there is none.
fn cut(
    texts: &Column,
    limit: usize,
    truncate: bool,
    errors: &mut Vec<(usize, Error)>,
) -> Option<Column> {
    let Array::Text(array) = texts.flat() else { return None };
    // No text has more characters than bytes.
    if array.lengths().all(|bytes| bytes as usize <= limit) {
        return None;
    }
    let mut any = false;
    let mut cut = StringViewBuilder::with_capacity(texts.len());
    for (row, text) in array.iter().enumerate() {
        let end = text.and_then(|text| text.char_indices().nth(limit));
        match (text, end) {
            (Some(text), Some((end, _))) if truncate => {
                any = true;
                cut.append_value(&text[..end]);
            }
            (Some(text), Some(_)) => {
                any = true;
                cut.append_null();
                errors.push((row, Error::new(ErrorCode::StringTooLong, too_long(limit, text))));
            }
            (text, _) => cut.append_option(text),
        }
    }
    any.then(|| Column::Flat(Array::Text(cut.finish())))
}

/// A member of each object, NULL where there is none.
fn members(objects: &Column, member: &WantedColumn) -> Result<Column> {
    let Array::Bytes(array) = objects.flat() else {
        return Err(Error::internal("documents that are no VARIANTs"));
    };
    let mut builder = Builder::new();
    let mut out = BinaryViewBuilder::with_capacity(objects.len());
    let mut bytes = Vec::new();
    let lower = member.name.to_lowercase();
    for value in array.iter() {
        let fields = value.and_then(|value| Variant::new(value).as_object());
        let found = fields.and_then(|fields| match member.case_sensitive {
            true => fields.get(&member.name),
            false => fields.iter().find(|(key, _)| key.to_lowercase() == lower).map(|(_, v)| v),
        });
        match found.filter(|found| !found.is_null()) {
            None => out.append_null(),
            Some(found) => {
                bytes.clear();
                builder.extract(found, &mut bytes)?;
                out.append_value(&bytes);
            }
        }
    }
    Ok(Column::Flat(Array::Bytes(out.finish())))
}
