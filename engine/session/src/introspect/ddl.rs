//! GET_DDL: the statements that make an object again, in the server's layout.

use std::fmt::Write as _;

use firn_account::catalog::{
    ACCOUNT, ColumnDefault, Constraint, ConstraintKind, Header, MaterializedView, Namespace,
    Object, ObjectKind, Place, StageFileFormat, StageLocation, Table, TableColumn, TableKind, View,
    ViewColumn, insufficient,
};
use firn_loader::options::OptionValue;
use firn_types::object_kind::KINDS;
use firn_types::{Error, ErrorCode, FieldId, Identifier, ObjectId, Result};

use super::policy::with_attached;
use super::show::default_text;
use super::{IntrospectionContext, kind, routine};

/// What keys are called that were written without a name.
const SYSTEM_NAME: &str = "SYS_CONSTRAINT_";

/// The statements that make an object of a kind again; with `qualified`, names say their schema.
///
/// # Errors
/// When there is no such kind, or no such object.
pub(super) fn get(
    context: &IntrospectionContext,
    kind: &str,
    name: &str,
    qualified: bool,
) -> Result<String> {
    let object = match kind.eq_ignore_ascii_case("POLICY") {
        true => policy_named(context, name)?,
        false => find(context, kind_of(kind)?, name)?,
    };
    Writer { context, qualified }.object(&object)
}

fn kind_of(written: &str) -> Result<ObjectKind> {
    let words = written.to_uppercase().replace('_', " ");
    let kind = match words.as_str() {
        "MATERIALIZED VIEW" => ObjectKind::View,
        "STORAGE INTEGRATION" => ObjectKind::Integration,
        words => match KINDS.iter().find(|known| known.words == words) {
            Some(known) => known.kind,
            None => {
                let text = format!("Invalid object type: '{}'.", written.to_uppercase());
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
        },
    };
    match kind::has_definition(kind) {
        true => Ok(kind),
        false => Err(kind::no_definition(kind)),
    }
}

/// The policy of a name, whichever it is.
fn policy_named(context: &IntrospectionContext, name: &str) -> Result<Object> {
    let mut missing = None;
    for known in KINDS.iter().filter(|known| known.words.ends_with("POLICY")) {
        if !kind::has_definition(known.kind) {
            continue;
        }
        match find(context, known.kind, name) {
            Ok(found) => return Ok(found),
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    Err(missing.unwrap_or_else(|| kind::no_definition(ObjectKind::MaskingPolicy)))
}

fn find(context: &IntrospectionContext, kind: ObjectKind, name: &str) -> Result<Object> {
    let catalog = &context.catalog;
    let Place { parent, name } = match kind {
        ObjectKind::Function | ObjectKind::Procedure => {
            context.routine_place(kind, name, "GET_DDL")?
        }
        _ => context.place(kind, name, "GET_DDL")?,
    };
    let found = catalog.find(kind.namespace(), parent, &name).filter(|found| match kind {
        ObjectKind::Table | ObjectKind::DynamicTable => found.as_table().is_some(),
        ObjectKind::View => found.as_view().is_some() || found.as_materialized_view().is_some(),
        _ => true,
    });
    found.cloned().ok_or_else(|| catalog.not_found(kind, parent, &name))
}

/// Writes the statements that make objects again.
pub(super) struct Writer<'d> {
    pub(super) context: &'d IntrospectionContext,
    qualified: bool,
}

impl Writer<'_> {
    fn object(&self, object: &Object) -> Result<String> {
        let secure = match object {
            Object::View(view) => view.secure,
            Object::MaterializedView(view) => view.secure,
            Object::Function(function) => function.traits.secure,
            Object::Procedure(procedure) => procedure.traits.secure,
            _ => false,
        };
        // The text of what is secure is for its owner alone.
        match secure && !self.context.catalog.owns(object) {
            true => Err(insufficient(object)),
            false => kind::define(self, object),
        }
    }

    /// The object's name, as the caller wants names.
    pub(super) fn name(&self, header: &Header) -> String {
        if !self.qualified || header.parent == ACCOUNT {
            return Identifier::to_sql(&header.name);
        }
        let mut parts = vec![Identifier::to_sql(&header.name)];
        let mut parent = header.parent;
        while let Some(object) = self.context.catalog.object(parent) {
            parts.insert(0, Identifier::to_sql(object.name()));
            parent = object.header().parent;
        }
        parts.join(".")
    }

    /// What lives in a schema, each object after those that it may refer to.
    fn contents(&self, schema: ObjectId) -> Vec<&Object> {
        let catalog = &self.context.catalog;
        let kinds = kind::defined_in_schemas();
        let mut all: Vec<&Object> =
            kinds.into_iter().flat_map(|kind| catalog.children(kind, schema)).collect();
        all.retain(|object| !object.is_temporary());
        // A view is younger than what it reads.
        let rank = |object: &Object| match object {
            Object::View(_)
            | Object::MaterializedView(_)
            | Object::Function(_)
            | Object::Procedure(_)
            | Object::Alert(_)
            | Object::Pipe(_)
            | Object::Stream(_)
            | Object::Task(_) => object.header().created_nanos,
            Object::Table(table) if table.dynamic.is_some() => table.header.created_nanos,
            _ => i64::MIN,
        };
        all.sort_by_key(|object| rank(object));
        all
    }
}

/// A database, and all in it.
pub(super) fn database(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Database(database) = object else { return Err(kind::another()) };
    let header = &database.header;
    let transient = if database.transient { "transient " } else { "" };
    let mut text = format!("create or replace {transient}database {}", writer.name(header));
    text.push_str(&options(&[retention(database.retention_days), comment(header)], " "));
    text.push_str(";\n\n");
    for schema in writer.context.catalog.children(Namespace::Schema, header.id) {
        text.push_str(&writer.object(schema)?);
        text.push('\n');
    }
    Ok(text)
}

/// A schema, and all in it.
pub(super) fn schema(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Schema(schema) = object else { return Err(kind::another()) };
    let header = &schema.header;
    let transient = if schema.transient { "transient " } else { "" };
    let mut text = format!("create or replace {transient}schema {}", writer.name(header));
    if schema.managed_access {
        text.push_str(" with managed access");
    }
    text.push_str(&options(&[retention(schema.retention_days), comment(header)], " "));
    text.push_str(";\n\n");
    for object in writer.contents(header.id) {
        text.push_str(&writer.object(object)?);
        text.push('\n');
    }
    Ok(text)
}

/// A table.
pub(super) fn table(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Table(table) = object else { return Err(kind::another()) };
    let kind = match table.kind {
        TableKind::Permanent => "",
        TableKind::Transient => "TRANSIENT ",
        TableKind::Temporary { .. } => "TEMPORARY ",
    };
    let catalog = &writer.context.catalog;
    let sql = |field| table.field(field).map(|column| Identifier::to_sql(&column.name));
    let attached = |field, before| with_attached(catalog, &table.header, field, &sql, before);
    let line = |column: &TableColumn| self::column(column, &attached(Some(column.field_id), " "));
    let mut lines: Vec<String> = table.columns.iter().map(line).collect();
    lines.extend(table.constraints.iter().map(|key| constraint(table, key)));
    let flag = |set: bool, text: &str| set.then(|| text.to_string());
    let options = options(
        &[
            retention(table.retention_days),
            flag(table.change_tracking, "CHANGE_TRACKING=TRUE"),
            flag(table.schema_evolution, "ENABLE_SCHEMA_EVOLUTION=TRUE"),
            comment(&table.header),
        ],
        "",
    );
    Ok(format!(
        "create or replace {kind}TABLE {} {}(\n\t{}\n){}{}",
        writer.name(&table.header),
        cluster_by(&table.cluster_by),
        lines.join(",\n\t"),
        attached(None, " "),
        end(&options),
    ))
}

/// A sequence.
pub(super) fn sequence(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Sequence(sequence) = object else { return Err(kind::another()) };
    let next = writer.context.shared.account.next_value(sequence);
    let order = if sequence.ordered { "order" } else { "noorder" };
    Ok(format!(
        "create or replace sequence {} start with {next} increment by {} {order}{};",
        writer.name(&sequence.header),
        sequence.step,
        options(&[comment(&sequence.header)], " "),
    ))
}

/// A file format.
pub(super) fn file_format(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::FileFormat(format) = object else { return Err(kind::another()) };
    let mut text = format!("create or replace file format {}", writer.name(&format.header));
    let definition = crate::stages::stored_format(&format.format_type, &format.options)?;
    for (name, value) in definition.pairs() {
        let _ = write!(text, "\n\t{name} = {value}");
    }
    add_line(&mut text, comment(&format.header));
    Ok(text + "\n;")
}

/// A stage.
pub(super) fn stage(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Stage(stage) = object else { return Err(kind::another()) };
    let temporary = if stage.temporary { "temporary " } else { "" };
    let name = writer.name(&stage.header);
    let mut text = format!("create or replace {temporary}stage {name}");
    if let StageLocation::External { url, integration, endpoint, .. } = &stage.location {
        add_line(&mut text, Some(format!("URL = {}", quoted(url))));
        let integration = integration.as_ref().map(|name| Identifier::to_sql(name));
        add_line(&mut text, integration.map(|name| format!("STORAGE_INTEGRATION = {name}")));
        add_line(&mut text, endpoint.as_ref().map(|url| format!("ENDPOINT = {}", quoted(url))));
    }
    if let Some(directory) = &stage.directory {
        let auto = if directory.auto_refresh { " AUTO_REFRESH = TRUE" } else { "" };
        add_line(&mut text, Some(format!("DIRECTORY = ( ENABLE = TRUE{auto} )")));
    }
    let format = match &stage.file_format {
        None => None,
        Some(StageFileFormat::Named(name)) => Some(format!("FORMAT_NAME = {name}")),
        Some(StageFileFormat::Options(options)) => {
            let pairs = crate::stages::stored_format("", options)?.pairs();
            Some(sql_options(&pairs))
        }
    };
    add_line(&mut text, format.map(|options| format!("FILE_FORMAT = ( {options} )")));
    add_line(&mut text, comment(&stage.header));
    Ok(text + "\n;")
}

/// A warehouse.
pub(super) fn warehouse(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Warehouse(warehouse) = object else { return Err(kind::another()) };
    let mut text =
        format!("create or replace warehouse {}\n\twith", writer.name(&warehouse.header));
    let mut add = |line: String| add_line(&mut text, Some(line));
    add(format!("WAREHOUSE_SIZE = {}", quoted(&warehouse.size)));
    let seconds = warehouse.auto_suspend_seconds.map(|seconds| seconds.to_string());
    add(format!("AUTO_SUSPEND = {}", seconds.unwrap_or_else(|| "NULL".to_string())));
    add(format!("AUTO_RESUME = {}", warehouse.auto_resume.to_string().to_uppercase()));
    for (name, value) in &warehouse.properties {
        add(format!("{name} = {}", property(value)));
    }
    add_line(&mut text, comment(&warehouse.header));
    Ok(text + "\n;")
}

/// An integration.
pub(super) fn integration(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Integration(integration) = object else { return Err(kind::another()) };
    let mut text =
        format!("create or replace storage integration {}", writer.name(&integration.header));
    let mut add = |line: String| add_line(&mut text, Some(line));
    add(format!("TYPE = {}", integration.integration_type));
    add(format!("ENABLED = {}", integration.enabled.to_string().to_uppercase()));
    for (name, value) in &integration.properties {
        add(format!("{name} = {}", property(value)));
    }
    add_line(&mut text, comment(&integration.header));
    Ok(text + "\n;")
}

/// A function or procedure.
pub(super) fn routine(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let header = Header { name: object.called().to_string(), ..object.header().clone() };
    let name = writer.name(&header);
    match object {
        Object::Function(function) => Ok(routine::definition(function, &name)),
        Object::Procedure(procedure) => Ok(routine::procedure_definition(procedure, &name)),
        _ => Err(kind::another()),
    }
}

/// A view, materialized or not.
pub(super) fn view(writer: &Writer<'_>, object: &Object) -> Result<String> {
    match object {
        Object::View(view) => Ok(plain_view(writer, view)),
        Object::MaterializedView(view) => Ok(materialized_view(writer, view)),
        _ => Err(kind::another()),
    }
}

fn plain_view(writer: &Writer<'_>, view: &View) -> String {
    let secure = if view.secure { "secure " } else { "" };
    let temporary = if view.temporary { "temporary " } else { "" };
    let recursive = if view.recursive { "recursive " } else { "" };
    format!(
        "create or replace {secure}{temporary}{recursive}view {}({}\n){}{} as {};",
        writer.name(&view.header),
        view_columns(writer, &view.header, &view.columns),
        view_attached(writer, &view.header, &view.columns),
        options(&[comment(&view.header)], " "),
        view.query,
    )
}

fn materialized_view(writer: &Writer<'_>, view: &MaterializedView) -> String {
    let secure = if view.secure { "secure " } else { "" };
    let cluster = match cluster_by(&view.cluster_by).as_str() {
        "" => String::new(),
        keys => format!(" {keys}"),
    };
    format!(
        "create or replace {secure}materialized view {}({}\n){}{}{cluster} as {};",
        writer.name(&view.header),
        view_columns(writer, &view.header, &view.columns),
        view_attached(writer, &view.header, &view.columns),
        options(&[comment(&view.header)], " "),
        view.query,
    )
}

fn column(column: &TableColumn, attached: &str) -> String {
    let mut text = format!("{} {}", Identifier::to_sql(&column.name), column.sql_type);
    if !column.nullable {
        text.push_str(" NOT NULL");
    }
    match &column.default {
        Some(ColumnDefault::Identity { start, step, ordered, .. }) => {
            let order = if *ordered { "order" } else { "noorder" };
            let _ = write!(text, " autoincrement start {start} increment {step} {order}");
        }
        default => {
            if let Some(default) = default_text(default.as_ref()) {
                let _ = write!(text, " DEFAULT {default}");
            }
        }
    }
    text + attached + &column_comment(&column.comment)
}

fn column_comment(comment: &str) -> String {
    match comment {
        "" => String::new(),
        comment => format!(" COMMENT {}", quoted(comment)),
    }
}

fn view_columns(writer: &Writer<'_>, header: &Header, columns: &[ViewColumn]) -> String {
    let catalog = &writer.context.catalog;
    let line = |(field, column): (FieldId, &ViewColumn)| {
        let sql = |field| view_column(columns, field);
        let attached = with_attached(catalog, header, Some(field), &sql, " ");
        let comment = column_comment(&column.comment);
        format!("\n\t{}{attached}{comment}", Identifier::to_sql(&column.name))
    };
    (1..).map(FieldId).zip(columns).map(line).collect::<Vec<_>>().join(",")
}

fn view_attached(writer: &Writer<'_>, header: &Header, columns: &[ViewColumn]) -> String {
    let sql = |field| view_column(columns, field);
    with_attached(&writer.context.catalog, header, None, &sql, " ")
}

/// The name of a view's column of this number.
fn view_column(columns: &[ViewColumn], field: FieldId) -> Option<String> {
    let column = columns.get((field.0 as usize).checked_sub(1)?)?;
    Some(Identifier::to_sql(&column.name))
}

fn constraint(table: &Table, key: &Constraint) -> String {
    let names = key.columns.iter().filter_map(|field| table.field(*field));
    let names: Vec<String> = names.map(|column| Identifier::to_sql(&column.name)).collect();
    let names = names.join(", ");
    let key_text = match &key.kind {
        ConstraintKind::PrimaryKey => format!("primary key ({names})"),
        ConstraintKind::Unique => format!("unique ({names})"),
        ConstraintKind::ForeignKey(foreign) => {
            let sql = |name: &String| Identifier::to_sql(name);
            let table: Vec<String> = foreign.table.iter().map(sql).collect();
            let columns: Vec<String> = foreign.columns.iter().map(sql).collect();
            let (table, columns) = (table.join("."), columns.join(", "));
            format!("foreign key ({names}) references {table}({columns})")
        }
    };
    let rely = if key.rely { " rely" } else { "" };
    match key.name.starts_with(SYSTEM_NAME) {
        true => format!("{key_text}{rely}"),
        false => format!("constraint {} {key_text}{rely}", Identifier::to_sql(&key.name)),
    }
}

fn cluster_by(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        keys => format!("cluster by ({})", keys.join(", ")),
    }
}

fn retention(days: Option<u32>) -> Option<String> {
    days.map(|days| format!("DATA_RETENTION_TIME_IN_DAYS={days}"))
}

pub(super) fn comment(header: &Header) -> Option<String> {
    let comment = Some(&header.comment).filter(|comment| !comment.is_empty());
    comment.map(|comment| format!("COMMENT={}", quoted(comment)))
}

/// The options that there are, with blanks between them, and `before` before them.
pub(super) fn options(options: &[Option<String>], before: &str) -> String {
    let present: Vec<&str> = options.iter().flatten().map(String::as_str).collect();
    match present.as_slice() {
        [] => String::new(),
        present => format!("{before}{}", present.join(" ")),
    }
}

/// The end of a table's statement: options stand on the line of the parenthesis.
fn end(options: &str) -> String {
    match options {
        "" => ";".to_string(),
        options => format!("{options}\n;"),
    }
}

fn add_line(text: &mut String, line: Option<String>) {
    if let Some(line) = line {
        text.push_str("\n\t");
        text.push_str(&line);
    }
}

/// A text as a SQL literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n"))
}

/// A property's stored text as a SQL value.
fn property(value: &str) -> String {
    let bare = value.starts_with('(')
        || value.parse::<f64>().is_ok()
        || matches!(value.to_uppercase().as_str(), "TRUE" | "FALSE" | "NULL");
    if bare { value.to_string() } else { quoted(value) }
}

pub(super) fn sql_options(pairs: &[(String, OptionValue)]) -> String {
    let option = |(name, value): &(String, OptionValue)| format!("{name} = {value}");
    pairs.iter().map(option).collect::<Vec<_>>().join(" ")
}
