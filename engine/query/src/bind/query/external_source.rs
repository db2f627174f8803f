//! External tables as a source: their registered files, of whose rows their columns are computed.
//!
//! ```text
//! Project (VALUE, the table's own columns, METADATA$ columns)
//!   ExternalScan of the files that the table knows
//! ```
//!
//! The columns are expressions over VALUE and METADATA$ columns, so that conditions on those that partition the table reach
//! the scan as conditions on names of files, which it then does not open.

use std::sync::Arc;

use firn_account::catalog::{
    Catalog, CurrentPath, ExternalColumn, ExternalFormat, ExternalTable, Object, ObjectPath,
};
use firn_expression::Expr;
use firn_functions::Meaning;
use firn_plan::{
    Plan, PlanColumn, Project, ProjectItem, RegisteredFiles, StageColumn, StageLocation, StageScan,
    StageValue,
};
use firn_types::options::NamedOption;
use firn_types::variant::path::{Path, Step};
use firn_types::{ColumnId, Error, ErrorCode, FieldId, Result, SqlType, Value};

use super::protect::{Protected, protect};
use super::stage_source::{METADATA, format_options, is_delimited, stored_options};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, as_type, cast};
use crate::bind::query::From;
use crate::bind::scope::{Relation, Scope, ScopeColumn};
use crate::bind::{Binder, BoundQuery};

/// The pseudo column of the values that a file's partition was added with.
const PARTITION: &str = "METADATA$EXTERNAL_TABLE_PARTITION";

/// What an insert-only stream tells of each row, as SQL.
const CHANGE: [(&str, &str); 3] = [
    ("METADATA$ACTION", "'INSERT'::varchar"),
    ("METADATA$ISUPDATE", "false"),
    (
        "METADATA$ROW_ID",
        "sha1(metadata$filename || ':' || metadata$file_content_key || ':' || metadata$file_row_number)",
    ),
];

/// Binds an external table as a source: the rows of all files, or with `after` of those that later commits have registered, as an
/// insert-only stream shows them.
///
/// # Errors
/// When its stage or file format is gone, or an expression does not compile any more.
pub(super) fn bind_external_table(
    binder: &Binder<'_>,
    table: &Arc<ExternalTable>,
    after: Option<u64>,
    path: &ObjectPath,
    env: &Env<'_>,
) -> Result<From> {
    let files = RegisteredFiles { table: Arc::clone(table), after };
    let scanned = Scanned::new(binder, table, path, env)?;
    let mut columns: Vec<PlanColumn> = Vec::new();
    let mut items: Vec<ProjectItem> = Vec::new();
    for column in table.all_columns() {
        let expr = match column.expression.as_str() {
            "" => scanned.value.expr(),
            _ => scanned.column(&column)?,
        };
        let item = ProjectItem { id: binder.fresh(), name: column.name, expr };
        columns.push(PlanColumn { sql_type: column.sql_type, nullable: true, ..item.column() });
        items.push(item);
    }
    let mut pseudo: Vec<PlanColumn> = Vec::new();
    if after.is_some() {
        for (name, text) in CHANGE {
            let expr = scanned.expression(text)?;
            items.push(ProjectItem { id: binder.fresh(), name: name.to_string(), expr });
            pseudo.extend(items.last().map(ProjectItem::column));
        }
    }
    let shown = pseudo.len();
    for column in scanned.metadata() {
        items.push(ProjectItem::pass(column));
        pseudo.push(column.clone());
    }
    let input = Box::new(scanned.plan(files));
    let fields: Vec<FieldId> = table.all_columns().iter().map(|column| column.field_id).collect();
    let (header, name) = (&table.header, path.to_string());
    let passed: Vec<ColumnId> = pseudo.iter().map(|column| column.id).collect();
    let relation = Protected { header, fields: &fields, name: &name, passed: &passed };
    let bound = BoundQuery { plan: Plan::Project(Project { input, items }), columns };
    let bound = protect(binder, relation, bound, None, env)?;
    binder.note_relation(table.header.id, &bound.columns);
    let mut relation = Relation::new(&path.name, bound.columns);
    relation.path = vec![path.database.clone(), path.schema.clone()];
    let pseudo = pseudo.into_iter().enumerate();
    relation.columns.extend(pseudo.map(|(at, column)| ScopeColumn {
        column,
        unqualified: true,
        pseudo: at >= shown,
    }));
    Ok(From { plan: bound.plan, relations: vec![relation] })
}

/// Checks a column of a new external table: its expression must compile over VALUE and METADATA$ columns, and over the latter
/// alone where it partitions the table.
///
/// # Errors
/// When it does not.
pub(crate) fn check_column(
    binder: &Binder<'_>,
    table: &Arc<ExternalTable>,
    column: &ExternalColumn,
    partitions: bool,
) -> Result<()> {
    let context = binder.context;
    let env = Env::root(&context.catalog, &context.path, "");
    let path = context.catalog.path_of(&table.header)?;
    let scanned = Scanned::new(binder, table, &path, &env)?;
    let bound = scanned.column(column)?;
    if !partitions {
        return Ok(());
    }
    let of_file = |id: &ColumnId| {
        let mut columns = scanned.columns.iter();
        columns.any(|column| column.column.id == *id && column.value.is_of_file())
    };
    let used = bound.columns_used();
    if !used.is_empty() && used.iter().all(of_file) {
        return Ok(());
    }
    let source = if table.user_partitions { PARTITION } else { "METADATA$FILENAME" };
    let text = format!("Partition column '{}' must be an expression over {source}.", column.name);
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

/// What is read of the files, for expressions over it.
struct Scanned<'b> {
    binder: &'b Binder<'b>,
    table: &'b ExternalTable,
    env: &'b Env<'b>,
    path: &'b ObjectPath,
    format: Vec<NamedOption>,
    value: PlanColumn,
    /// VALUE, METADATA$ columns, and of delimited files the fields.
    columns: Vec<StageColumn>,
    fields_from: usize,
}

impl<'b> Scanned<'b> {
    fn new(
        binder: &'b Binder<'b>,
        table: &'b ExternalTable,
        path: &'b ObjectPath,
        env: &'b Env<'b>,
    ) -> Result<Scanned<'b>> {
        let format = format_of(binder, table)?;
        let value = binder.fresh_column(ExternalTable::VALUE, SqlType::Variant, true);
        let mut columns = vec![StageColumn { column: value.clone(), value: StageValue::Row }];
        let partition = (PARTITION, StageValue::Partition, SqlType::TEXT);
        for (name, value, sql_type) in METADATA.iter().chain([&partition]) {
            let column = binder.fresh_column(*name, *sql_type, true);
            columns.push(StageColumn { column, value: value.clone() });
        }
        let fields_from = columns.len();
        if is_delimited(&format) {
            for field in 1..=highest_field(table) {
                let column = binder.fresh_column(format!("${field}"), SqlType::TEXT, true);
                columns.push(StageColumn { column, value: StageValue::Position(field) });
            }
        }
        Ok(Scanned { binder, table, env, path, format, value, columns, fields_from })
    }

    fn metadata(&self) -> impl Iterator<Item = &PlanColumn> {
        self.columns[1..self.fields_from].iter().map(|column| &column.column)
    }

    fn plan(self, files: RegisteredFiles) -> Plan {
        Plan::StageScan(Box::new(StageScan {
            location: StageLocation::Named(self.table.stage),
            path: self.table.path.clone(),
            shown: self.path.to_string(),
            pattern: None,
            files: None,
            format: self.format,
            columns: self.columns,
            members: None,
            registered: Some(files),
            file_conditions: Vec::new(),
        }))
    }

    /// A column's value, of its type.
    fn column(&self, column: &ExternalColumn) -> Result<Expr> {
        let named = |error: Error| {
            let text = format!(
                "in column '{}' of external table '{}': {}",
                column.name,
                self.table.header.name,
                error.render(&column.expression)
            );
            Error::new(error.code(), text)
        };
        let bound = self.expression(&column.expression).map_err(named)?;
        let typed = as_type(bound, column.sql_type).map_err(named)?;
        Ok(typed.map(&mut |part| self.of_field(part)))
    }

    /// An expression over VALUE and METADATA$ columns.
    fn expression(&self, text: &str) -> Result<Expr> {
        let written = firn_parse::parse_expression(text)?;
        let columns = std::iter::once(&self.value).chain(self.metadata()).cloned().collect();
        let scope = Scope { relations: vec![Relation::new("", columns)], outer: None };
        let (catalog, current) =
            (self.env.catalog.as_role(self.table.header.owner), self.current());
        let env = self.env.view(&catalog, &current, text, &[]);
        let mut gathered = Gathered::default();
        let mut expressions =
            ExprBinder::new(self.binder, &env, &scope, Clause::Single, &mut gathered);
        let bound = expressions.bind(&written)?;
        if gathered.applies.is_empty()
            && gathered.aggregates.is_empty()
            && gathered.windows.is_empty()
        {
            return Ok(bound);
        }
        let text = "an expression over one row is needed, without subqueries, aggregates and window functions";
        Err(Error::new(ErrorCode::InvalidStatement, text))
    }

    /// Where the table's expressions resolve names.
    fn current(&self) -> CurrentPath {
        CurrentPath {
            database: Some(self.path.database.clone()),
            schema: Some(self.path.schema.clone()),
        }
    }

    /// `VALUE:c1::type` of delimited files is read as the field itself: no object is made of the record for it.
    fn of_field(&self, expr: Expr) -> Expr {
        let Expr::Cast { input, to, lenient } = &expr else { return expr };
        if *to == SqlType::Variant {
            return expr;
        }
        let field = self.field_of(input).and_then(|field| {
            let fields = &self.columns[self.fields_from..];
            fields.iter().find(|column| column.value == StageValue::Position(field))
        });
        match field {
            Some(field) => Expr::Cast {
                input: Box::new(cast(field.column.expr(), SqlType::Variant)),
                to: *to,
                lenient: *lenient,
            },
            None => expr,
        }
    }

    /// The field that an expression takes out of VALUE.
    fn field_of(&self, expr: &Expr) -> Option<usize> {
        let Expr::Call { function, arguments, .. } = expr else { return None };
        let [document, path] = &arguments[..] else { return None };
        let Value::Text(text) = path.as_literal()? else { return None };
        if function.meaning != Meaning::PathAccess || document.as_column() != Some(self.value.id) {
            return None;
        }
        match &Path::parse(text).ok()?.steps[..] {
            [Step::Key(name)] => field_number(name),
            _ => None,
        }
    }
}

/// The number of the field `c1`, `c2` ..
fn field_number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('c')?;
    let number: usize = digits.parse().ok()?;
    (number > 0 && number <= FIELDS_MAX && digits == number.to_string()).then_some(number)
}

/// Fields of a record that are looked for by themselves.
const FIELDS_MAX: usize = 10_000;

/// The highest number of a field that the expressions of a table seem to name.
fn highest_field(table: &ExternalTable) -> usize {
    let words = table
        .columns
        .iter()
        .flat_map(|column| column.expression.split(|c: char| !c.is_ascii_alphanumeric()));
    words.filter_map(field_number).max().unwrap_or(0)
}

/// How the files of an external table are read.
fn format_of(binder: &Binder<'_>, table: &ExternalTable) -> Result<Vec<NamedOption>> {
    let catalog = binder.context.catalog.as_engine();
    if let Some(reason) = invalid_reason(&catalog, table) {
        let text = format!("External table '{}' is invalid: {reason}", table.header.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    Ok(match &table.format {
        ExternalFormat::Options(options) => stored_options(options),
        ExternalFormat::Named(id) => match catalog.object(*id) {
            Some(Object::FileFormat(format)) => format_options(format),
            _ => return Err(Error::internal("a file format that is gone")),
        },
    })
}

/// Why an external table cannot be read; nothing when it can.
pub fn invalid_reason(catalog: &Catalog, table: &ExternalTable) -> Option<&'static str> {
    if !catalog.is_live(table.stage) {
        return Some("its stage was dropped or replaced");
    }
    match table.format {
        ExternalFormat::Named(id) if !catalog.is_live(id) => {
            Some("its file format was dropped or replaced")
        }
        _ => None,
    }
}
