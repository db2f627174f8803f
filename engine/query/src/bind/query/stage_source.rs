//! Staged files as a source: `$1`, `$2`, .. and METADATA$ columns.

use firn_account::catalog::{Action, FileFormat, Namespace, Object, Stage, StageFileFormat};
use firn_types::options::{NamedOption, OptionValue as Plain};
use firn_types::{Error, ErrorCode, ObjectName, Result, SqlType};

use super::from::{From, FromContext};
use crate::bind::context::Env;
use crate::bind::scope::{Relation, ScopeColumn};
use crate::bind::{Binder, walk};
use firn_parse::ast::{self, ExprKind, OptionValue, StageKind, StatementOption};
use firn_plan::{Plan, StageColumn, StageLocation, StageScan, StageValue};

/// The pseudo columns of staged files.
pub(super) const METADATA: &[(&str, StageValue, SqlType)] = &[
    ("METADATA$FILENAME", StageValue::FileName, SqlType::TEXT),
    ("METADATA$FILE_ROW_NUMBER", StageValue::FileRowNumber, SqlType::INTEGER),
    ("METADATA$FILE_CONTENT_KEY", StageValue::FileContentKey, SqlType::TEXT),
    ("METADATA$FILE_LAST_MODIFIED", StageValue::FileLastModified, SqlType::TIMESTAMP_NTZ),
    ("METADATA$START_SCAN_TIME", StageValue::StartScanTime, SqlType::TIMESTAMP_LTZ),
];

pub(super) fn bind(
    context: &FromContext<'_>,
    location: &ast::StageLocation,
    options: &[StatementOption],
) -> Result<From> {
    let binder = context.binder;
    let (resolved, stage) = stage_location(binder, location, context.env, Action::ReadFiles)?;
    let mut format =
        stage.as_ref().map_or(Ok(Vec::new()), |s| stage_format(binder, s, context.env))?;
    let mut pattern = None;
    let mut files = None;
    for option in options {
        match (option.name.as_str(), &option.value) {
            ("FILE_FORMAT", value) => format = file_format(binder, value, context.env)?,
            ("PATTERN", OptionValue::Text(text)) => pattern = Some(text.clone()),
            ("FILES", OptionValue::List(list)) => {
                files = Some(list.iter().filter_map(OptionValue::as_text).collect());
            }
            _ => {
                let text = format!("invalid parameter '{}'", option.name);
                return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
            }
        }
    }
    let fields = StageFields::read_by(binder, context.read, &format);
    let scan = StageScan {
        location: resolved,
        path: stage_path(location),
        shown: shown(location),
        pattern,
        files,
        format,
        columns: fields.columns.clone(),
        members: None,
        registered: None,
        file_conditions: Vec::new(),
    };
    let name = match &location.kind {
        StageKind::Named(name) => name.object().name.clone(),
        _ => String::new(),
    };
    let relation = fields.relation(name);
    Ok(From { plan: Plan::StageScan(Box::new(scan)), relations: vec![relation] })
}

/// A location as EXPLAIN shows it.
fn shown(location: &ast::StageLocation) -> String {
    let stage = match &location.kind {
        StageKind::User => "@~".to_string(),
        StageKind::Table(name) => format!("@%{}", name.to_sql()),
        StageKind::Named(name) => format!("@{}", name.to_sql()),
        StageKind::Url(url) => return url.clone(),
    };
    match stage_path(location).as_str() {
        "" => stage,
        path => format!("{stage}/{path}"),
    }
}

/// The columns that expressions ask staged files for.
#[derive(Debug)]
pub(crate) struct StageFields {
    /// What is read, positions first.
    pub(crate) columns: Vec<StageColumn>,
}

impl StageFields {
    /// The columns that these expressions use: fields up to the highest position, and pseudo columns.
    pub(crate) fn read_by(
        binder: &Binder<'_>,
        read: &[&ast::Expr],
        format: &[NamedOption],
    ) -> StageFields {
        let mut highest = 0;
        let mut pseudo = Vec::new();
        let mut pending: Vec<&ast::Expr> = read.to_vec();
        while let Some(expr) = pending.pop() {
            match &expr.kind {
                ExprKind::Position(_, position) => highest = highest.max(*position as usize),
                ExprKind::Column(name) => {
                    let known = METADATA.iter().find(|(word, ..)| *word == name.object().name);
                    if let Some(found) = known
                        && !pseudo.contains(&found)
                    {
                        pseudo.push(found);
                    }
                }
                _ => {
                    pending.extend(walk::children(expr));
                    pending.extend(walk::subquery_expressions(expr));
                }
            }
        }
        let field_type = if is_delimited(format) { SqlType::TEXT } else { SqlType::Variant };
        let mut columns: Vec<StageColumn> = (1..=highest)
            .map(|position| StageColumn {
                column: binder.fresh_column(format!("${position}"), field_type, true),
                value: StageValue::Position(position),
            })
            .collect();
        columns.extend(pseudo.into_iter().map(|(name, value, sql_type)| StageColumn {
            column: binder.fresh_column(*name, *sql_type, true),
            value: value.clone(),
        }));
        StageFields { columns }
    }

    /// The fields as a source of a query.
    pub(crate) fn relation(&self, name: String) -> Relation {
        let columns = self.columns.iter().map(|column| ScopeColumn {
            column: column.column.clone(),
            unqualified: true,
            pseudo: !matches!(column.value, StageValue::Position(_)),
        });
        Relation { name, path: Vec::new(), columns: columns.collect() }
    }

    /// The first `count` fields, as COPY without a SELECT reads them.
    pub(crate) fn first(binder: &Binder<'_>, count: usize, field_type: SqlType) -> StageFields {
        let columns = (1..=count).map(|position| StageColumn {
            column: binder.fresh_column(format!("${position}"), field_type, true),
            value: StageValue::Position(position),
        });
        StageFields { columns: columns.collect() }
    }
}

/// Whether a format's records are fields of text; other formats give one VARIANT a row.
pub(crate) fn is_delimited(format: &[NamedOption]) -> bool {
    format
        .iter()
        .find(|option| option.name == "TYPE")
        .and_then(|option| option.value.as_text())
        .is_none_or(|text| text.eq_ignore_ascii_case("CSV"))
}

/// A URL's folder, and what follows it: the beginning of the files' names, or a file's whole name.
fn cut_url(url: &str) -> (&str, &str) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    match url[scheme..].rfind('/') {
        Some(at) => url.split_at(scheme + at + 1),
        None => (url, ""),
    }
}

/// What follows the stage's name: the beginning of the files' names.
pub(crate) fn stage_path(location: &ast::StageLocation) -> String {
    match &location.kind {
        StageKind::Url(url) => cut_url(url).1.to_string(),
        _ => location.path.clone(),
    }
}

/// Where a stage's files are, and the stage object if it is a named one; `action` is what is to be done with
/// them.
///
/// # Errors
/// `NotFound` for a stage or table that does not exist, `InsufficientPrivileges`.
pub(crate) fn stage_location(
    binder: &Binder<'_>,
    location: &ast::StageLocation,
    env: &Env<'_>,
    action: Action,
) -> Result<(StageLocation, Option<std::sync::Arc<Stage>>)> {
    match &location.kind {
        StageKind::User => Ok((StageLocation::User, None)),
        StageKind::Url(url) => Ok((StageLocation::Url(cut_url(url).0.to_string()), None)),
        StageKind::Table(name) => {
            let (table, _) =
                binder.target_table(&ast::Name::Plain(name.clone()), env, "COPY", &[action])?;
            Ok((StageLocation::Table(table.id()), None))
        }
        StageKind::Named(name) => {
            let path = binder.complete(name, env, "SELECT")?;
            match env.catalog.find_path(Namespace::Stage, &path) {
                Some(object @ Object::Stage(stage)) => {
                    env.catalog.authorize(action, object)?;
                    Ok((StageLocation::Named(stage.header.id), Some(stage.clone())))
                }
                _ => {
                    let text = format!("Stage '{path}' does not exist or not authorized.");
                    Err(Error::new(ErrorCode::NotFound, text).at(location.span).without_span())
                }
            }
        }
    }
}

/// The file format options that a stage has.
///
/// # Errors
/// When its named file format is gone.
pub(crate) fn stage_format(
    binder: &Binder<'_>,
    stage: &Stage,
    env: &Env<'_>,
) -> Result<Vec<NamedOption>> {
    match &stage.file_format {
        None => Ok(Vec::new()),
        Some(StageFileFormat::Options(options)) => Ok(stored_options(options)),
        Some(StageFileFormat::Named(name)) => {
            named_format(binder, &firn_parse::parse_object_name(name)?, env)
        }
    }
}

/// Options as the catalog keeps them: names and texts.
pub(crate) fn stored_options(options: &[(String, String)]) -> Vec<NamedOption> {
    let option = |(name, value): &(String, String)| NamedOption {
        name: name.clone(),
        value: Plain::Stored(value.clone()),
    };
    options.iter().map(option).collect()
}

/// The options of `FILE_FORMAT = ..`: a name, or a list with TYPE or FORMAT_NAME; what stands beside
/// FORMAT_NAME replaces what the named format says.
///
/// # Errors
/// When there is no such file format, or FORMAT_NAME stands beside TYPE.
pub(crate) fn file_format(
    binder: &Binder<'_>,
    value: &OptionValue,
    env: &Env<'_>,
) -> Result<Vec<NamedOption>> {
    match value {
        OptionValue::Nested(options) => {
            let (named, others): (Vec<_>, Vec<_>) =
                options.iter().partition(|option| option.name == "FORMAT_NAME");
            if let (Some(_), Some(kind)) =
                (named.first(), others.iter().find(|option| option.name == "TYPE"))
            {
                let text = "FORMAT_NAME and TYPE exclude each other";
                return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(kind.span));
            }
            let mut format = match named.last() {
                Some(option) => file_format(binder, &option.value, env)?,
                None => Vec::new(),
            };
            for option in others {
                format.retain(|known| known.name != option.name);
                format.push(plain_option(option)?);
            }
            Ok(format)
        }
        OptionValue::Text(text) => named_format(binder, &firn_parse::parse_object_name(text)?, env),
        other => match other.as_name() {
            Some(name) => named_format(binder, &name, env),
            None => {
                let text = "FILE_FORMAT needs the name of a file format or a list of options";
                Err(Error::new(ErrorCode::InvalidParameterValue, text))
            }
        },
    }
}

fn named_format(binder: &Binder<'_>, name: &ObjectName, env: &Env<'_>) -> Result<Vec<NamedOption>> {
    let path = binder.complete(name, env, "SELECT")?;
    match env.catalog.find_path(Namespace::FileFormat, &path) {
        Some(object @ Object::FileFormat(format)) => {
            env.catalog.authorize(Action::Use, object)?;
            Ok(format_options(format))
        }
        _ => {
            let text = format!("File format '{path}' does not exist or not authorized.");
            Err(Error::new(ErrorCode::NotFound, text))
        }
    }
}

/// All options of a file format object, its type first.
pub(crate) fn format_options(format: &FileFormat) -> Vec<NamedOption> {
    let kind =
        NamedOption { name: "TYPE".to_string(), value: Plain::Word(format.format_type.clone()) };
    std::iter::once(kind).chain(stored_options(&format.options)).collect()
}

/// An option without its place.
///
/// # Errors
/// For values that no such option has: variables and NULL.
pub fn plain_option(option: &StatementOption) -> Result<NamedOption> {
    Ok(NamedOption { name: option.name.clone(), value: plain_value(&option.value)? })
}

fn plain_value(value: &OptionValue) -> Result<Plain> {
    Ok(match value {
        OptionValue::Word(text) => Plain::Word(text.clone()),
        OptionValue::Name(name) => Plain::Word(name.to_string()),
        OptionValue::Text(text) => Plain::Text(text.clone()),
        OptionValue::Number(text) => Plain::Number(text.clone()),
        OptionValue::Boolean(value) => Plain::Boolean(*value),
        OptionValue::Null => Plain::Word("NULL".to_string()),
        OptionValue::List(items) => {
            Plain::List(items.iter().map(plain_value).collect::<Result<_>>()?)
        }
        OptionValue::Nested(options) => {
            Plain::Nested(options.iter().map(plain_option).collect::<Result<_>>()?)
        }
        OptionValue::Variable(_) => return Err(Error::not_supported("a variable as an option")),
    })
}
