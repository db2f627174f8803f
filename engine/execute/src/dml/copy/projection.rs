//! How the records of a COPY's files become rows: from its options to a reader and a [`RowProjector`].

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::FunctionContext;
use firn_functions::Meaning;
use firn_loader::format::csv::{ColumnRule, CsvColumns, CsvReader, SinkFactory, typed_sink};
use firn_loader::format::{ColumnFormat, ColumnsPlan, FileReader, RowForm, WantedColumn};
use firn_loader::options::{
    CopyOptions, CsvOptions, FileFormat, FormatDefinition, FormatType, MatchByColumnName, from_plan,
};
use firn_loader::row_error::LoadTarget;
use firn_plan::StageValue;
use firn_plan::statement::CopyIntoTable;
use firn_types::variant::path::{Path, Step};
use firn_types::{Error, ErrorCode, Result, Value};

use super::row_projector::{ColumnSource, Computed, RowProjector};
use crate::context::QueryContext;
use crate::staged::{StagedFields, input_functions};

/// What is read of the files, and how rows come of it.
pub(super) struct LoadProjection {
    pub(super) reader: Arc<dyn FileReader>,
    pub(super) rows: RowProjector,
}

impl LoadProjection {
    pub(super) fn new(
        plan: &CopyIntoTable,
        options: &CopyOptions,
        context: &QueryContext,
    ) -> Result<LoadProjection> {
        let definition = FormatDefinition::parse(&from_plan(&plan.format)?)?;
        let format = definition.typed()?;
        let functions = input_functions(&format, context);
        let projector = Maker { plan, options, context, functions, kind: definition.format_type() };
        let by_name = options.match_by_column_name();
        if by_name != MatchByColumnName::None {
            if plan.transformed {
                let text = "match_by_column_name is not supported with copy transform.";
                return Err(Error::new(ErrorCode::InvalidStatement, text));
            }
            return projector.by_name(&format, by_name == MatchByColumnName::CaseSensitive);
        }
        match format.rows() {
            RowForm::Fields(csv) if !plan.transformed => projector.typed_fields(csv),
            _ => projector.computed(&format),
        }
    }
}

struct Maker<'m> {
    plan: &'m CopyIntoTable,
    options: &'m CopyOptions,
    context: &'m QueryContext,
    /// With the pictures of the file format.
    functions: FunctionContext,
    kind: FormatType,
}

impl Maker<'_> {
    /// Field `n` of a record goes to the `n`th column, converted as it is read.
    fn typed_fields(&self, csv: &CsvOptions) -> Result<LoadProjection> {
        let columns = &self.plan.columns;
        let reader = CsvReader {
            options: csv.clone(),
            columns: CsvColumns::Positions((0..columns.len()).collect()),
            expected: Some(columns.len()),
            sinks: self.sinks(columns),
            target: self.target(columns),
        };
        let mut sources = Vec::new();
        for (position, expr) in self.plan.assignments.iter().enumerate() {
            sources.push(match columns.iter().position(|column| *column == position) {
                Some(field) => ColumnSource::Ready(field),
                None => ColumnSource::Computed(self.compute(expr)?),
            });
        }
        Ok(self.projection(Arc::new(reader), sources, None))
    }

    /// Columns of files go to the table's columns of the same names.
    fn by_name(&self, format: &FileFormat, case_sensitive: bool) -> Result<LoadProjection> {
        let columns = &self.plan.columns;
        let table = &self.plan.target.table;
        let wanted = columns.iter().map(|column| WantedColumn {
            name: table.columns[*column].name.clone(),
            case_sensitive,
        });
        let wanted: Vec<WantedColumn> = wanted.collect();
        let target = self.target(columns);
        let place = |position: usize| columns.iter().position(|column| *column == position);
        let mut sources = Vec::new();
        for (position, expr) in self.plan.assignments.iter().enumerate() {
            sources.push(match (place(position), format.rows()) {
                (None, _) => ColumnSource::Computed(self.compute(expr)?),
                (Some(field), RowForm::Fields(_)) => ColumnSource::Ready(field),
                (Some(field), RowForm::Columns(_)) => ColumnSource::Typed(field),
                (Some(field), RowForm::Documents(_)) => ColumnSource::Member(wanted[field].clone()),
            });
        }
        let reader: Arc<dyn FileReader> = match format.rows() {
            RowForm::Fields(csv) => {
                if !csv.parse_header {
                    let text = "MATCH_BY_COLUMN_NAME needs PARSE_HEADER = TRUE for CSV files";
                    return Err(Error::new(ErrorCode::InvalidStatement, text));
                }
                Arc::new(CsvReader {
                    options: csv.clone(),
                    columns: CsvColumns::Names(wanted),
                    expected: Some(columns.len()),
                    sinks: self.sinks(columns),
                    target,
                })
            }
            RowForm::Documents(format) => format.reader(target)?,
            RowForm::Columns(format) => format.reader(ColumnsPlan::columns(wanted, target)),
        };
        Ok(self.projection(reader, sources, None))
    }

    /// Every column is an expression over the file's fields.
    fn computed(&self, format: &FileFormat) -> Result<LoadProjection> {
        if !self.plan.transformed {
            self.check_single_variant()?;
        }
        let uses = member_uses(self.plan);
        if let (RowForm::Columns(format), Some(MemberUses { all_typed: true, .. })) =
            (format.rows(), &uses)
        {
            return self.typed_members(format);
        }
        let start_nanos = self.context.functions.statement_nanos;
        let target = self.target(&self.plan.columns);
        let members = uses.map(|uses| uses.names);
        let (reader, fields) =
            StagedFields::new(format, &self.plan.fields, members, target, start_nanos)?;
        let sources = self.plan.assignments.iter();
        let sources = sources.map(|expr| Ok(ColumnSource::Computed(self.compute(expr)?)));
        let sources = sources.collect::<Result<_>>()?;
        Ok(self.projection(reader, sources, Some(fields)))
    }

    /// `$1:name::type` of files with typed columns: these go straight to the table's.
    fn typed_members(&self, format: &dyn ColumnFormat) -> Result<LoadProjection> {
        let mut wanted: Vec<WantedColumn> = Vec::new();
        let mut sources = Vec::new();
        for expr in &self.plan.assignments {
            let Some(name) = typed_member(expr, self.plan) else {
                sources.push(ColumnSource::Computed(self.compute(expr)?));
                continue;
            };
            let known = wanted.iter().position(|column| column.name == name);
            sources.push(ColumnSource::Typed(known.unwrap_or(wanted.len())));
            if known.is_none() {
                wanted.push(WantedColumn { name, case_sensitive: true });
            }
        }
        let target = self.target(&self.plan.columns);
        let reader = format.reader(ColumnsPlan::columns(wanted, target));
        let start_nanos = self.context.functions.statement_nanos;
        let fields = StagedFields::without_fields(&self.plan.fields, start_nanos);
        Ok(self.projection(reader, sources, Some(fields)))
    }

    /// A format without fields fills one semi-structured column.
    fn check_single_variant(&self) -> Result<()> {
        let table = &self.plan.target.table;
        if let [column] = self.plan.columns[..]
            && table.columns[column].sql_type.is_semi_structured()
        {
            return Ok(());
        }
        let text = format!(
            "{} file format can produce one and only one column of type variant, object, or array. \
             Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with \
             transformation.",
            self.kind
        );
        Err(Error::new(ErrorCode::SingleVariantColumn, text))
    }

    fn sinks(&self, columns: &[usize]) -> SinkFactory {
        let functions = &self.functions;
        let table = &self.plan.target.table;
        let rules = columns.iter().map(|column| ColumnRule {
            sql_type: table.columns[*column].sql_type,
            required: !table.columns[*column].nullable,
            truncate: self.options.truncate_columns(),
            formats: Arc::clone(&functions.text),
            zone: functions.time_zone,
        });
        let rules: Vec<ColumnRule> = rules.collect();
        Arc::new(move || rules.iter().map(|rule| typed_sink(rule.clone())).collect())
    }

    /// The table's columns at these positions, for messages.
    fn target(&self, columns: &[usize]) -> LoadTarget {
        let table = &self.plan.target.table;
        let names = columns.iter().map(|column| table.columns[*column].name.clone());
        LoadTarget { table: self.plan.target.name.clone(), columns: names.collect() }
    }

    fn compute(&self, expr: &Expr) -> Result<Computed> {
        let ids = self.plan.fields.iter().enumerate();
        let layout = ids.map(|(position, field)| (field.column.id, position)).collect();
        let used = expr.columns_used();
        let field = self.plan.fields.iter().find(|field| used.contains(&field.column.id));
        let blamed = field.and_then(|field| match field.value {
            StageValue::Position(position) => Some(position - 1),
            _ => None,
        });
        Computed::new(expr, &layout, blamed)
    }

    fn projection(
        &self,
        reader: Arc<dyn FileReader>,
        sources: Vec<ColumnSource>,
        fields: Option<StagedFields>,
    ) -> LoadProjection {
        let rows = RowProjector {
            table: Arc::clone(&self.plan.target.table),
            target: self.target(&self.plan.columns),
            columns: self.plan.columns.clone(),
            sources,
            fields,
            truncate: self.options.truncate_columns(),
            functions: self.functions.clone(),
        };
        LoadProjection { reader, rows }
    }
}

/// Which members of `$1` a transforming SELECT reads.
struct MemberUses {
    names: Vec<String>,
    /// Whether each is converted to its column's type and used for nothing else.
    all_typed: bool,
}

/// The members of `$1` that are read; none when it is read as a whole.
fn member_uses(plan: &CopyIntoTable) -> Option<MemberUses> {
    let document = |expr: &Expr| is_document(expr, plan);
    let mut uses = MemberUses { names: Vec::new(), all_typed: true };
    for expr in &plan.assignments {
        let typed = typed_member(expr, plan).is_some();
        let mut pending = vec![expr];
        while let Some(expr) = pending.pop() {
            if let Some(path) = path_of(expr, plan) {
                let Some(Step::Key(name)) = path.steps.first() else { return None };
                if !uses.names.contains(name) {
                    uses.names.push(name.clone());
                }
                uses.all_typed &= typed;
            } else if document(expr) {
                return None;
            } else {
                pending.extend(expr.children());
            }
        }
    }
    Some(uses)
}

/// The name, for `$1:name::type`.
fn typed_member(expr: &Expr, plan: &CopyIntoTable) -> Option<String> {
    let Expr::Cast { input, lenient: false, .. } = expr else { return None };
    match &path_of(input, plan)?.steps[..] {
        [Step::Key(name)] => Some(name.clone()),
        _ => None,
    }
}

/// The path, for `$1:path`.
fn path_of(expr: &Expr, plan: &CopyIntoTable) -> Option<Path> {
    let Expr::Call { function, arguments, .. } = expr else { return None };
    match &arguments[..] {
        [document, path]
            if function.meaning == Meaning::PathAccess && is_document(document, plan) =>
        {
            match path.as_literal()? {
                Value::Text(text) => Path::parse(text).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an expression is `$1`.
fn is_document(expr: &Expr, plan: &CopyIntoTable) -> bool {
    let field = plan.fields.iter().find(|field| Some(field.column.id) == expr.as_column());
    field.is_some_and(|field| field.value == StageValue::Position(1))
}
