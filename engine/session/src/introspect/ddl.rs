//! GET_DDL: the statements that make an object again, in the server's layout.

use std::fmt::Write as _;

use firn_account::catalog::{
    ACCOUNT, ColumnDefault, Constraint, ConstraintKind, Database, FileFormat, Function, Header,
    Integration, MaterializedView, Namespace, Object, ObjectKind, Place, Schema, Sequence, Stage,
    StageFileFormat, StageLocation, Table, TableColumn, TableKind, View, ViewColumn, Warehouse,
    insufficient,
};
use firn_loader::options::OptionValue;
use firn_types::{Error, ErrorCode, Identifier, ObjectId, Result};

use super::show::default_text;
use super::{Described, routine};

/// What keys are called that were written without a name.
const SYSTEM_NAME: &str = "SYS_CONSTRAINT_";

/// The statements that make an object of a kind again; with `qualified`, names say their schema.
///
/// # Errors
/// When there is no such kind, or no such object.
pub(super) fn get(
    described: &Described,
    kind: &str,
    name: &str,
    qualified: bool,
) -> Result<String> {
    let kind = kind_of(kind)?;
    let object = find(described, kind, name)?;
    Writer { described, qualified }.object(&object)
}

fn kind_of(kind: &str) -> Result<ObjectKind> {
    Ok(match kind.to_uppercase().replace('_', " ").as_str() {
        "DATABASE" => ObjectKind::Database,
        "SCHEMA" => ObjectKind::Schema,
        "TABLE" => ObjectKind::Table,
        "VIEW" | "MATERIALIZED VIEW" => ObjectKind::View,
        "SEQUENCE" => ObjectKind::Sequence,
        "FILE FORMAT" => ObjectKind::FileFormat,
        "STAGE" => ObjectKind::Stage,
        "WAREHOUSE" => ObjectKind::Warehouse,
        "INTEGRATION" | "STORAGE INTEGRATION" => ObjectKind::Integration,
        "FUNCTION" => ObjectKind::Function,
        "PROCEDURE" => ObjectKind::Procedure,
        "PIPE" | "TASK" | "STREAM" | "DYNAMIC TABLE" | "POLICY" | "EXTERNAL TABLE" | "TAG"
        | "ALERT" | "EVENT TABLE" => {
            return Err(Error::not_supported(format!("GET_DDL of a {}", kind.to_lowercase())));
        }
        _ => {
            let text = format!("Invalid object type: '{}'.", kind.to_uppercase());
            return Err(Error::new(ErrorCode::InvalidParameterValue, text));
        }
    })
}

fn find(described: &Described, kind: ObjectKind, name: &str) -> Result<Object> {
    let catalog = &described.catalog;
    let Place { parent, name } = match kind {
        ObjectKind::Function | ObjectKind::Procedure => {
            described.routine_place(kind, name, "GET_DDL")?
        }
        _ => described.place(kind, name, "GET_DDL")?,
    };
    let found = catalog.find(kind.namespace(), parent, &name).filter(|found| match kind {
        ObjectKind::Table => found.kind() == kind,
        ObjectKind::View => found.kind() != ObjectKind::Table,
        _ => true,
    });
    found.cloned().ok_or_else(|| catalog.not_found(kind, parent, &name))
}

struct Writer<'d> {
    described: &'d Described,
    qualified: bool,
}

impl Writer<'_> {
    fn object(&self, object: &Object) -> Result<String> {
        match object {
            Object::Database(database) => self.database(database),
            Object::Schema(schema) => self.schema(schema),
            Object::Table(table) => Ok(self.table(table)),
            // The text of a secure view is for its owner alone.
            Object::View(view) if view.secure && !self.described.catalog.owns(object) => {
                Err(insufficient(object))
            }
            Object::MaterializedView(view)
                if view.secure && !self.described.catalog.owns(object) =>
            {
                Err(insufficient(object))
            }
            Object::Function(function)
                if function.traits.secure && !self.described.catalog.owns(object) =>
            {
                Err(insufficient(object))
            }
            Object::Procedure(procedure)
                if procedure.traits.secure && !self.described.catalog.owns(object) =>
            {
                Err(insufficient(object))
            }
            Object::Function(function) => Ok(self.function(function)),
            Object::Procedure(procedure) => {
                let name = procedure.called().to_string();
                let header = Header { name, ..procedure.header.clone() };
                Ok(routine::procedure_definition(procedure, &self.name(&header)))
            }
            Object::View(view) => Ok(self.view(view)),
            Object::MaterializedView(view) => Ok(self.materialized_view(view)),
            Object::Sequence(sequence) => Ok(self.sequence(sequence)),
            Object::FileFormat(format) => self.file_format(format),
            Object::Stage(stage) => self.stage(stage),
            Object::Warehouse(warehouse) => Ok(self.warehouse(warehouse)),
            Object::Integration(integration) => Ok(self.integration(integration)),
            Object::Role(_)
            | Object::DatabaseRole(_)
            | Object::User(_)
            | Object::NetworkPolicy(_) => Err(Error::not_supported("GET_DDL of this")),
        }
    }

    /// The object's name, as the caller wants names.
    fn name(&self, header: &Header) -> String {
        if !self.qualified || header.parent == ACCOUNT {
            return Identifier::to_sql(&header.name);
        }
        let mut parts = vec![Identifier::to_sql(&header.name)];
        let mut parent = header.parent;
        while let Some(object) = self.described.catalog.object(parent) {
            parts.insert(0, Identifier::to_sql(object.name()));
            parent = object.header().parent;
        }
        parts.join(".")
    }

    fn database(&self, database: &Database) -> Result<String> {
        let header = &database.header;
        let transient = if database.transient { "transient " } else { "" };
        let mut text = format!("create or replace {transient}database {}", self.name(header));
        text.push_str(&options(&[retention(database.retention_days), comment(header)], " "));
        text.push_str(";\n\n");
        for schema in self.described.catalog.children(Namespace::Schema, header.id) {
            text.push_str(&self.object(schema)?);
            text.push('\n');
        }
        Ok(text)
    }

    fn schema(&self, schema: &Schema) -> Result<String> {
        let header = &schema.header;
        let transient = if schema.transient { "transient " } else { "" };
        let mut text = format!("create or replace {transient}schema {}", self.name(header));
        if schema.managed_access {
            text.push_str(" with managed access");
        }
        text.push_str(&options(&[retention(schema.retention_days), comment(header)], " "));
        text.push_str(";\n\n");
        for object in self.contents(header.id) {
            text.push_str(&self.object(object)?);
            text.push('\n');
        }
        Ok(text)
    }

    /// What lives in a schema, each object after those that it may refer to.
    fn contents(&self, schema: ObjectId) -> Vec<&Object> {
        let catalog = &self.described.catalog;
        let kinds = [
            Namespace::Sequence,
            Namespace::FileFormat,
            Namespace::Stage,
            Namespace::Function,
            Namespace::Procedure,
            Namespace::Relation,
        ];
        let mut all: Vec<&Object> =
            kinds.into_iter().flat_map(|kind| catalog.children(kind, schema)).collect();
        all.retain(|object| !object.is_temporary());
        // A view is younger than what it reads.
        let rank = |object: &Object| match object {
            Object::View(_)
            | Object::MaterializedView(_)
            | Object::Function(_)
            | Object::Procedure(_) => object.header().created_nanos,
            _ => i64::MIN,
        };
        all.sort_by_key(|object| rank(object));
        all
    }

    fn table(&self, table: &Table) -> String {
        let kind = match table.kind {
            TableKind::Permanent => "",
            TableKind::Transient => "TRANSIENT ",
            TableKind::Temporary { .. } => "TEMPORARY ",
        };
        let mut lines: Vec<String> = table.columns.iter().map(column).collect();
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
        format!(
            "create or replace {kind}TABLE {} {}(\n\t{}\n){}",
            self.name(&table.header),
            cluster_by(&table.cluster_by),
            lines.join(",\n\t"),
            end(&options),
        )
    }

    fn function(&self, function: &Function) -> String {
        let header = Header { name: function.called().to_string(), ..function.header.clone() };
        routine::definition(function, &self.name(&header))
    }

    fn view(&self, view: &View) -> String {
        let secure = if view.secure { "secure " } else { "" };
        let temporary = if view.temporary { "temporary " } else { "" };
        let recursive = if view.recursive { "recursive " } else { "" };
        format!(
            "create or replace {secure}{temporary}{recursive}view {}({}\n){} as {};",
            self.name(&view.header),
            view_columns(&view.columns),
            options(&[comment(&view.header)], " "),
            view.query,
        )
    }

    fn materialized_view(&self, view: &MaterializedView) -> String {
        let secure = if view.secure { "secure " } else { "" };
        let cluster = match cluster_by(&view.cluster_by).as_str() {
            "" => String::new(),
            keys => format!(" {keys}"),
        };
        format!(
            "create or replace {secure}materialized view {}({}\n){}{cluster} as {};",
            self.name(&view.header),
            view_columns(&view.columns),
            options(&[comment(&view.header)], " "),
            view.query,
        )
    }

    fn sequence(&self, sequence: &Sequence) -> String {
        let next = self.described.shared.account.next_value(sequence);
        let order = if sequence.ordered { "order" } else { "noorder" };
        format!(
            "create or replace sequence {} start with {next} increment by {} {order}{};",
            self.name(&sequence.header),
            sequence.step,
            options(&[comment(&sequence.header)], " "),
        )
    }

    fn file_format(&self, format: &FileFormat) -> Result<String> {
        let mut text = format!("create or replace file format {}", self.name(&format.header));
        let definition = crate::stages::stored_format(&format.format_type, &format.options)?;
        for (name, value) in definition.pairs() {
            let _ = write!(text, "\n\t{name} = {value}");
        }
        add_line(&mut text, comment(&format.header));
        Ok(text + "\n;")
    }

    fn stage(&self, stage: &Stage) -> Result<String> {
        let temporary = if stage.temporary { "temporary " } else { "" };
        let name = self.name(&stage.header);
        let mut text = format!("create or replace {temporary}stage {name}");
        if let StageLocation::External { url, integration, endpoint, .. } = &stage.location {
            add_line(&mut text, Some(format!("URL = {}", quoted(url))));
            let integration = integration.as_ref().map(|name| Identifier::to_sql(name));
            add_line(&mut text, integration.map(|name| format!("STORAGE_INTEGRATION = {name}")));
            add_line(&mut text, endpoint.as_ref().map(|url| format!("ENDPOINT = {}", quoted(url))));
        }
        if stage.directory {
            add_line(&mut text, Some("DIRECTORY = ( ENABLE = TRUE )".to_string()));
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

    fn warehouse(&self, warehouse: &Warehouse) -> String {
        let mut text =
            format!("create or replace warehouse {}\n\twith", self.name(&warehouse.header));
        let mut add = |line: String| add_line(&mut text, Some(line));
        add(format!("WAREHOUSE_SIZE = {}", quoted(&warehouse.size)));
        let seconds = warehouse.auto_suspend_seconds.map(|seconds| seconds.to_string());
        add(format!("AUTO_SUSPEND = {}", seconds.unwrap_or_else(|| "NULL".to_string())));
        add(format!("AUTO_RESUME = {}", warehouse.auto_resume.to_string().to_uppercase()));
        for (name, value) in &warehouse.properties {
            add(format!("{name} = {}", property(value)));
        }
        add_line(&mut text, comment(&warehouse.header));
        text + "\n;"
    }

    fn integration(&self, integration: &Integration) -> String {
        let mut text =
            format!("create or replace storage integration {}", self.name(&integration.header));
        let mut add = |line: String| add_line(&mut text, Some(line));
        add(format!("TYPE = {}", integration.integration_type));
        add(format!("ENABLED = {}", integration.enabled.to_string().to_uppercase()));
        for (name, value) in &integration.properties {
            add(format!("{name} = {}", property(value)));
        }
        add_line(&mut text, comment(&integration.header));
        text + "\n;"
    }
}

fn column(column: &TableColumn) -> String {
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
    text + &column_comment(&column.comment)
}

fn column_comment(comment: &str) -> String {
    match comment {
        "" => String::new(),
        comment => format!(" COMMENT {}", quoted(comment)),
    }
}

fn view_columns(columns: &[ViewColumn]) -> String {
    let line = |column: &ViewColumn| {
        let comment = column_comment(&column.comment);
        format!("\n\t{}{comment}", Identifier::to_sql(&column.name))
    };
    columns.iter().map(line).collect::<Vec<_>>().join(",")
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

fn comment(header: &Header) -> Option<String> {
    let comment = Some(&header.comment).filter(|comment| !comment.is_empty());
    comment.map(|comment| format!("COMMENT={}", quoted(comment)))
}

/// The options that there are, with blanks between them, and `before` before them.
fn options(options: &[Option<String>], before: &str) -> String {
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
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n"))
}

/// A property's stored text as a SQL value.
fn property(value: &str) -> String {
    let bare = value.starts_with('(')
        || value.parse::<f64>().is_ok()
        || matches!(value.to_uppercase().as_str(), "TRUE" | "FALSE" | "NULL");
    if bare { value.to_string() } else { quoted(value) }
}

fn sql_options(pairs: &[(String, OptionValue)]) -> String {
    let option = |(name, value): &(String, OptionValue)| format!("{name} = {value}");
    pairs.iter().map(option).collect::<Vec<_>>().join(" ")
}
