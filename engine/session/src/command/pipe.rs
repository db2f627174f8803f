//! CREATE PIPE, and ALTER PIPE .. REFRESH.

use std::sync::Arc;

use firn_account::catalog::{Object, ObjectKind, Pipe, PipeQueue, QueuedFile};
use firn_loader::stage::{FileSelection, Pattern, StagedFile, select};
use firn_parse::ast::{CopyIntoTable, CreatePipe, StatementOption};
use firn_plan::StageLocation;
use firn_types::parse_text::parse_timestamp_ltz;
use firn_types::text_format::InputFormat;
use firn_types::{Error, ErrorCode, Field, Result, SqlType, Value};

use super::copy::NOT_OF_PIPES;
use super::kind::{invalid, pipe};
use super::option_table::{self, Place};
use crate::lifecycle::StatementContext;
use crate::pipe::Opened;
use crate::result::Rows;

/// The property that says whether a pipe loads.
pub(super) const PAUSED: &str = "PIPE_EXECUTION_PAUSED";
/// How old files are that REFRESH takes, at most: seven days.
const REFRESHED_NANOS: i64 = 7 * 86_400_000_000_000;

/// Creates a pipe, which loads at once.
///
/// # Errors
/// When its statement cannot be bound with the rights of the role in use, an option is wrong, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreatePipe) -> Result<Rows> {
    option_table::check(ObjectKind::Pipe, Place::Create, &ast.options)?;
    check_copy(&ast.copy)?;
    let path = running.path(&ast.name, "CREATE PIPE")?;
    running.commit_open()?;
    let schema = running.catalog().resolve_schema(&path)?;
    let mut new = Pipe {
        header: running.header(schema, &path.name, &ast.options),
        definition: ast.definition.clone(),
        auto_ingest: false,
        options: Vec::new(),
        pattern: None,
        is_internal: false,
        paused: false,
        cloned: false,
        loads: Arc::default(),
        queue: PipeQueue::default(),
    };
    pipe::set_options(&mut new, &ast.options);
    let shared = Arc::clone(&running.session.shared);
    let Opened { plan, .. } = crate::pipe::open(&shared, &new).map_err(Error::without_span)?;
    new.pattern = plan.pattern;
    new.is_internal = match plan.location {
        StageLocation::Table(_) => true,
        StageLocation::Named(id) => {
            let catalog = shared.account.catalog();
            let stage = catalog.object(id).and_then(Object::as_stage);
            stage.is_some_and(|stage| {
                stage.location == firn_account::catalog::StageLocation::Internal
            })
        }
        StageLocation::User | StageLocation::Url(_) => {
            let text = "A pipe loads from a named stage, or from the stage of a table.";
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
    };
    running.create_object(new.into(), ast.mode)
}

/// Refuses the copy options that a pipe does not have.
fn check_copy(copy: &CopyIntoTable) -> Result<()> {
    let refused = copy.options.iter().find(|option| match option.name.as_str() {
        "FILES" | "VALIDATION_MODE" => true,
        "ON_ERROR" => {
            let text = option.value.as_text();
            text.is_some_and(|text| text.eq_ignore_ascii_case("ABORT_STATEMENT"))
        }
        name => NOT_OF_PIPES.contains(&name),
    });
    let Some(option) = refused else { return Ok(()) };
    let what = match option.name.as_str() {
        "ON_ERROR" => "ON_ERROR = ABORT_STATEMENT",
        name => name,
    };
    let text = format!("COPY option {what} is not supported in a pipe.");
    Err(Error::new(ErrorCode::InvalidStatement, text).at(option.span).without_span())
}

/// Asks a pipe to load the files of its stage that are not loaded yet and no older than seven days; tells which.
///
/// # Errors
/// When an option is wrong, or the stage cannot be listed.
pub(super) fn refresh(
    running: &mut StatementContext,
    pipe: &Arc<Pipe>,
    options: &[StatementOption],
) -> Result<Rows> {
    let (mut prefix, mut after) = (String::new(), i64::MIN);
    for option in options {
        let text = option.value.as_text().ok_or_else(|| invalid(option))?;
        match option.name.as_str() {
            "PREFIX" => prefix = text,
            "MODIFIED_AFTER" => {
                let zone = running.session.settings.time_zone();
                let nanos = parse_timestamp_ltz(&text, &InputFormat::Auto, 1970, zone);
                let nanos = nanos.and_then(|nanos| i64::try_from(nanos).ok());
                after = nanos.ok_or_else(|| invalid(option))?;
            }
            name => {
                let text =
                    format!("invalid property '{name}' for 'PIPE'; known: MODIFIED_AFTER, PREFIX");
                return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
            }
        }
    }
    let shared = Arc::clone(&running.session.shared);
    let Opened { plan, stage } = crate::pipe::open(&shared, pipe).map_err(Error::without_span)?;
    let is_folder = plan.path.is_empty() || plan.path.ends_with('/');
    let below = if is_folder { prefix.trim_start_matches('/') } else { prefix.as_str() };
    let selection = FileSelection {
        prefix: format!("{}{below}", plan.path),
        files: None,
        pattern: plan.pattern.as_deref().map(Pattern::new).transpose()?,
    };
    let (mut files, _) = select(&*stage.stage, &selection)?;
    let oldest = running.start_nanos.saturating_sub(REFRESHED_NANOS);
    let loads = pipe.loads.read()?;
    files.retain(|file| {
        let known = loads.has_taken(&stage.key_of(&file.path));
        !known && file.arrived >= oldest && file.last_modified >= after
    });
    let received_nanos = running.start_nanos;
    let queued = |file: &StagedFile| QueuedFile { path: stage.key_of(&file.path), received_nanos };
    let queued = files.iter().map(queued).collect();
    crate::pipe::ask(running, pipe, queued)?;
    let fields = ["File", "Status"].map(|name| Field::new(name, SqlType::TEXT));
    let mut rows = Rows::new(fields.to_vec());
    let row = |file: StagedFile| vec![Value::text(file.path), Value::text("SENT")];
    rows.rows = files.into_iter().map(row).collect();
    Ok(rows)
}
