//! COPY INTO a table.

use firn_account::catalog::{Action, ObjectPath, Stage, Table};
use firn_expression::Expr;
use firn_types::options::NamedOption;
use firn_types::{Error, ErrorCode, Result, Span, SqlType};

use super::assign::{default_of, positions, width_error};
use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast};
use crate::bind::query::{
    StageFields, file_format, is_delimited, plain_option, stage_format, stage_location, stage_path,
    stored_options,
};
use crate::bind::scope::Scope;
use firn_parse::ast::{
    self, CopySource, OptionValue, Query, QueryBody, Select, SelectItemKind, StatementOption,
    TableKind,
};
use firn_plan::StageLocation;
use firn_plan::statement::{CopyIntoTable, Target};

/// Where a COPY reads, and what it was told about the files.
struct Source {
    location: StageLocation,
    path: String,
    stage: Option<std::sync::Arc<Stage>>,
    span: Span,
    /// A transforming SELECT with the options of its source.
    select: Option<(Select, Vec<StatementOption>)>,
}

pub(super) fn bind_copy(
    binder: &Binder<'_>,
    copy: &ast::CopyIntoTable,
    env: &Env<'_>,
) -> Result<CopyIntoTable> {
    let (table, path) = binder.target_table(&copy.table, env, "COPY", &[Action::Insert])?;
    let columns = positions(&table, &copy.columns)?;
    let source = bind_source(binder, copy, &table, env)?;
    let stage = source.stage.as_deref();
    let mut format = stage.map_or(Ok(Vec::new()), |stage| stage_format(binder, stage, env))?;
    let mut options = stage.map_or(Vec::new(), |stage| stored_options(&stage.copy_options));
    let (mut files, mut pattern, mut validation_mode) = (None, None, None);
    let of_select = source.select.as_ref().map_or(&[][..], |(_, options)| options);
    for option in of_select.iter().chain(&copy.options) {
        match (option.name.as_str(), &option.value) {
            ("FILE_FORMAT", value) => {
                format = file_format(binder, value, env).map_err(|e| e.at(option.span))?;
            }
            ("FILES", OptionValue::List(list)) => {
                files = Some(list.iter().filter_map(OptionValue::as_text).collect());
            }
            ("PATTERN", OptionValue::Text(text)) => pattern = Some(text.clone()),
            ("VALIDATION_MODE", value) => {
                validation_mode = value.as_text().map(|text| text.to_uppercase());
            }
            _ => {
                options.retain(|other: &NamedOption| other.name != option.name);
                options.push(plain_option(option)?);
            }
        }
    }
    let (fields, assignments, transformed) = match &source.select {
        Some((select, _)) => {
            if validation_mode.is_some() {
                return Err(Error::not_supported("VALIDATION_MODE with a SELECT"));
            }
            let (fields, row) =
                bind_transformation(binder, select, (&table, &path), &columns, &format, env)?;
            (fields, row, true)
        }
        None => {
            let (fields, row) = plain_fields(binder, (&table, &path), &columns, &format)?;
            (fields, row, false)
        }
    };
    Ok(CopyIntoTable {
        target: Target { name: table.header.name.clone(), table },
        location: source.location,
        path: source.path,
        files,
        pattern,
        format,
        options,
        validation_mode,
        fields: fields.columns,
        assignments,
        transformed,
        columns,
        pipe: None,
        span: source.span,
    })
}

fn bind_source(
    binder: &Binder<'_>,
    copy: &ast::CopyIntoTable,
    table: &Table,
    env: &Env<'_>,
) -> Result<Source> {
    match &copy.source {
        None => Ok(Source {
            location: StageLocation::Table(table.id()),
            path: String::new(),
            stage: None,
            span: copy.table.span(),
            select: None,
        }),
        Some(CopySource::Stage(location)) => {
            let (resolved, stage) = stage_location(binder, location, env, Action::ReadFiles)?;
            let (path, span) = (stage_path(location), location.span);
            Ok(Source { location: resolved, path, stage, span, select: None })
        }
        Some(CopySource::Query(query)) => {
            let select = simple_select(query)?;
            let [source] = select.from.as_slice() else {
                return Err(refused(query.span, "more than one source"));
            };
            let TableKind::Stage { location, options } = &source.kind else {
                return Err(refused(query.span, "a source that is not a stage"));
            };
            let (resolved, stage) = stage_location(binder, location, env, Action::ReadFiles)?;
            Ok(Source {
                location: resolved,
                path: stage_path(location),
                stage,
                span: location.span,
                select: Some((select.clone(), options.clone())),
            })
        }
    }
}

fn refused(span: Span, what: &str) -> Error {
    Error::not_supported(format!("{what} in the SELECT of COPY INTO")).at(span)
}

/// The SELECT of a transformation: only a list of expressions over one stage.
fn simple_select(query: &Query) -> Result<&Select> {
    let QueryBody::Select(select) = &query.body else {
        return Err(refused(query.span, "a set operation"));
    };
    let refuse = |present: bool, what: &str| {
        if present { Err(refused(query.span, what)) } else { Ok(()) }
    };
    refuse(query.with.is_some(), "WITH")?;
    refuse(query.order_by.is_some(), "ORDER BY")?;
    refuse(query.limit.is_some() || select.top.is_some(), "LIMIT")?;
    refuse(select.filter.is_some(), "WHERE")?;
    refuse(select.group_by.is_some() || select.having.is_some(), "GROUP BY")?;
    refuse(select.qualify.is_some(), "QUALIFY")?;
    refuse(select.distinct, "DISTINCT")?;
    Ok(select)
}

fn bind_transformation(
    binder: &Binder<'_>,
    select: &Select,
    (table, path): (&Table, &ObjectPath),
    columns: &[usize],
    format: &[NamedOption],
    env: &Env<'_>,
) -> Result<(StageFields, Vec<Expr>)> {
    let read = crate::bind::walk::select_expressions(select);
    let fields = StageFields::read_by(binder, &read, format);
    let alias = select.from.first().and_then(|source| source.alias.as_ref());
    let name = alias.map_or(String::new(), |alias| alias.name.name.clone());
    let scope = Scope { relations: vec![fields.relation(name)], outer: None };
    let mut gathered = Gathered::default();
    let mut values = Vec::with_capacity(select.items.len());
    for item in &select.items {
        let SelectItemKind::Expr(expr, _) = &item.kind else {
            return Err(refused(item.span, "*"));
        };
        let mut expressions = ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered);
        values.push(expressions.bind(expr)?);
    }
    if !gathered.applies.is_empty() {
        return Err(refused(select.span, "a subquery"));
    }
    if values.len() > columns.len() {
        return Err(width_error(columns.len(), values.len()));
    }
    let row = loaded_row(binder, (table, path), columns, values)?;
    Ok((fields, row))
}

/// Without a SELECT: field `n` of a CSV record goes to column `n`; other formats give one VARIANT.
fn plain_fields(
    binder: &Binder<'_>,
    target: (&Table, &ObjectPath),
    columns: &[usize],
    format: &[NamedOption],
) -> Result<(StageFields, Vec<Expr>)> {
    let (count, field_type) =
        if is_delimited(format) { (columns.len(), SqlType::TEXT) } else { (1, SqlType::Variant) };
    let fields = StageFields::first(binder, count, field_type);
    let values = fields.columns.iter().map(|field| field.column.expr()).collect();
    let row = loaded_row(binder, target, columns, values)?;
    Ok((fields, row))
}

/// A whole row: what the file gives, converted as an explicit cast would, and defaults elsewhere.
fn loaded_row(
    binder: &Binder<'_>,
    (table, path): (&Table, &ObjectPath),
    columns: &[usize],
    values: Vec<Expr>,
) -> Result<Vec<Expr>> {
    let mut row: Vec<Option<Expr>> = table.columns.iter().map(|_| None).collect();
    for (&position, value) in columns.iter().zip(values) {
        let wanted = table.columns[position].sql_type;
        if !firn_types::coerce::can_cast(value.sql_type(), wanted) && table.columns.len() > 1 {
            // Which fields a file of one VARIANT fills is decided when it is read, by name.
            row[position] = Some(Expr::null(wanted));
            continue;
        }
        row[position] = Some(cast(value, wanted));
    }
    let filled = row.into_iter().zip(&table.columns).map(|(value, column)| match value {
        Some(value) => Ok(value),
        None => default_of(binder, column, path),
    });
    filled.collect::<Result<_>>().map_err(|error: Error| match error.code() {
        ErrorCode::Syntax => error.without_span(),
        _ => error,
    })
}
