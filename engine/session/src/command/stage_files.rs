//! PUT, GET, LIST and REMOVE: files of stages.

use std::io::Read;

use firn_account::catalog::{Action, Object, StageLocation as Where};
use firn_loader::compression::Compression;
use firn_loader::stage::{self, FileSelection, GetRequest, Pattern, PutRequest, SharedStage};
use firn_parse::ast::{
    CopyFiles, FileTransfer, OptionValue, StageFiles, StageLocation, StatementOption,
};
use firn_types::{Error, ErrorCode, Field, Result, SqlType, Value};

use crate::lifecycle::StatementContext;
use crate::result::Rows;
use crate::stages::StageUser;
use crate::transfer::{Direction, Transfer};

/// Files that PUT moves at the same time unless told.
const PUT_PARALLEL: usize = 4;
/// Files that GET moves at the same time unless told.
const GET_PARALLEL: usize = 10;
/// The most files that may be moved at the same time.
const PARALLEL_MAX: i64 = 99;

/// No rows yet, of PUT's columns.
pub(super) fn put_rows() -> Rows {
    shape(&[
        "source",
        "target",
        "source_size:number",
        "target_size:number",
        "source_compression",
        "target_compression",
        "status",
        "message",
    ])
}

/// No rows yet, of GET's columns.
pub(super) fn get_rows() -> Rows {
    shape(&["file", "size:number", "status", "message"])
}

/// No rows yet, of LIST's columns.
pub(super) fn list_rows() -> Rows {
    shape(&["name", "size:number", "md5", "last_modified"])
}

/// No rows yet, of REMOVE's columns.
pub(super) fn remove_rows() -> Rows {
    Rows::texts(&["name", "result"])
}

/// PUT: local files to a stage.
///
/// # Errors
/// `StageFailure` for an external stage, wrong options, and files that cannot be read or written.
pub(super) fn put(running: &StatementContext, ast: &FileTransfer) -> Result<Rows> {
    let stage = internal(running, &ast.stage, Action::WriteFiles)?;
    let mut request = PutRequest {
        source: ast.path.clone(),
        folder: ast.stage.path.clone(),
        parallel: PUT_PARALLEL,
        auto_compress: true,
        source_compression: Compression::Auto,
        overwrite: false,
    };
    let mut compression = "AUTO_DETECT".to_string();
    for option in &ast.options {
        let boolean = || option.value.as_boolean().ok_or_else(|| invalid(option));
        match option.name.as_str() {
            "PARALLEL" => request.parallel = parallel(option)?,
            "AUTO_COMPRESS" => request.auto_compress = boolean()?,
            "OVERWRITE" => request.overwrite = boolean()?,
            "SOURCE_COMPRESSION" => {
                let name = option.value.as_text().unwrap_or_default();
                let found = Compression::from_name(&name);
                request.source_compression = found.ok_or_else(|| invalid(option))?;
                compression = name;
            }
            _ => return Err(unknown(option)),
        }
    }
    let mut rows = put_rows();
    if running.session.reach.is_elsewhere() {
        running.state().set_transfer(Transfer {
            direction: Direction::Upload,
            local: local(&request.source),
            stage,
            folder: request.folder.trim_matches('/').to_string(),
            files: Vec::new(),
            parallel: request.parallel,
            auto_compress: request.auto_compress,
            source_compression: compression,
            overwrite: request.overwrite,
        });
        return Ok(rows);
    }
    for row in stage::put(stage.as_ref(), &request, &running.monitor)? {
        rows.rows.push(vec![
            Value::text(row.source),
            Value::text(row.target),
            Value::integer(row.source_size),
            Value::integer(row.target_size),
            Value::text(row.source_compression),
            Value::text(row.target_compression),
            Value::text(row.status),
            Value::text(row.message),
        ]);
    }
    Ok(rows)
}

/// GET: a stage's files to a local folder.
///
/// # Errors
/// `StageFailure` for an external stage, wrong options, and files that cannot be read or written.
pub(super) fn get(running: &StatementContext, ast: &FileTransfer) -> Result<Rows> {
    let stage = internal(running, &ast.stage, Action::ReadFiles)?;
    let mut request = GetRequest {
        prefix: ast.stage.path.clone(),
        target: ast.path.clone(),
        parallel: GET_PARALLEL,
        pattern: None,
    };
    for option in &ast.options {
        match option.name.as_str() {
            "PARALLEL" => request.parallel = parallel(option)?,
            "PATTERN" => {
                let text = option.value.as_text().ok_or_else(|| invalid(option))?;
                request.pattern = Some(Pattern::new(&text)?);
            }
            _ => return Err(unknown(option)),
        }
    }
    let mut rows = get_rows();
    if running.session.reach.is_elsewhere() {
        running.state().set_transfer(Transfer {
            direction: Direction::Download,
            local: local(&request.target),
            files: stage::matching(stage.as_ref(), &request.prefix, request.pattern.as_ref())?,
            stage,
            folder: String::new(),
            parallel: request.parallel,
            auto_compress: false,
            source_compression: String::new(),
            overwrite: true,
        });
        return Ok(rows);
    }
    for row in stage::get(stage.as_ref(), &request, &running.monitor)? {
        rows.rows.push(vec![
            Value::text(row.file),
            Value::integer(row.size),
            Value::text(row.status),
            Value::text(row.message),
        ]);
    }
    Ok(rows)
}

/// LIST: the files of a stage.
///
/// # Errors
/// When there is no such stage, it cannot be listed, or the pattern does not compile.
pub(super) fn list(running: &StatementContext, ast: &StageFiles) -> Result<Rows> {
    let (_, stage) = opened(running, &ast.location, Action::ReadFiles)?;
    let pattern = ast.pattern.as_deref().map(Pattern::new).transpose()?;
    let mut rows = list_rows();
    for row in stage::list(stage.as_ref(), &ast.location.path, pattern.as_ref())? {
        rows.rows.push(vec![
            Value::text(row.name),
            Value::integer(row.size),
            Value::text(row.md5),
            Value::text(row.last_modified),
        ]);
    }
    Ok(rows)
}

/// REMOVE: files of a stage go.
///
/// # Errors
/// When there is no such stage, it cannot be changed, or the pattern does not compile.
pub(super) fn remove(running: &StatementContext, ast: &StageFiles) -> Result<Rows> {
    let (_, stage) = opened(running, &ast.location, Action::WriteFiles)?;
    let pattern = ast.pattern.as_deref().map(Pattern::new).transpose()?;
    let mut rows = remove_rows();
    for row in stage::remove(stage.as_ref(), &ast.location.path, pattern.as_ref())? {
        rows.rows.push(vec![Value::text(row.name), Value::text(row.result)]);
    }
    Ok(rows)
}

/// No rows yet, of the columns of COPY FILES.
pub(super) fn copy_rows() -> Rows {
    Rows::texts(&["file"])
}

/// COPY FILES INTO: files of one stage to another.
///
/// # Errors
/// When there is no such stage, an option is wrong, or a file cannot be read or written.
pub(super) fn copy(running: &StatementContext, ast: &CopyFiles) -> Result<Rows> {
    let mut selection = FileSelection { prefix: ast.from.path.clone(), ..Default::default() };
    for option in &ast.options {
        match (option.name.as_str(), &option.value) {
            ("FILES", OptionValue::List(files)) => {
                selection.files = Some(files.iter().filter_map(OptionValue::as_text).collect());
            }
            ("PATTERN", OptionValue::Text(pattern)) => {
                selection.pattern = Some(Pattern::new(pattern)?);
            }
            ("DETAILED_OUTPUT", value) if value.as_boolean() == Some(true) => {}
            ("DETAILED_OUTPUT", value) if value.as_boolean() == Some(false) => {
                return Err(Error::not_supported("DETAILED_OUTPUT = FALSE").at(option.span));
            }
            ("FILES" | "PATTERN" | "DETAILED_OUTPUT", _) => return Err(invalid(option)),
            _ => return Err(unknown(option)),
        }
    }
    let (_, from) = opened(running, &ast.from, Action::ReadFiles)?;
    let (_, to) = opened(running, &ast.to, Action::WriteFiles)?;
    let (from, to, folder) = (from.as_ref(), to.as_ref(), ast.to.path.as_str());
    let mut rows = copy_rows();
    for path in stage::copy_files(from, &selection, to, folder, &running.monitor)? {
        rows.rows.push(vec![Value::text(path)]);
    }
    Ok(rows)
}

/// The text of a file of a stage.
///
/// # Errors
/// When it cannot be read, is larger than `bytes_max`, or is no text.
pub(super) fn read_text(stage: &SharedStage, file: &str, bytes_max: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let mut reader = stage.read(file)?.take(bytes_max + 1);
    reader.read_to_end(&mut bytes).map_err(|error| {
        Error::new(ErrorCode::Storage, format!("File '{file}' cannot be read: {error}"))
    })?;
    if bytes.len() as u64 > bytes_max {
        let text = format!("File '{file}' has more than {bytes_max} bytes");
        return Err(Error::new(ErrorCode::ValueTooLarge, text));
    }
    let invalid = |_| Error::new(ErrorCode::InvalidUtf8, format!("File '{file}' is not UTF-8"));
    String::from_utf8(bytes).map_err(invalid)
}

/// The stage that a statement names.
///
/// # Errors
/// When there is none, or the roles may not do that with it.
pub(super) fn opened(
    running: &StatementContext,
    location: &StageLocation,
    action: Action,
) -> Result<(firn_plan::StageLocation, SharedStage)> {
    let functions = running.function_context();
    let place =
        running.with_binder(&functions, |binder| binder.stage(location, &running.sql, action))?;
    let session = &running.session;
    let account = &session.shared.account;
    let user = StageUser::of(session);
    let stage = crate::stages::open(account, &running.catalog(), &user, &place, &running.monitor)?;
    Ok((place, stage))
}

/// A stage that this machine's files may go to and come from.
fn internal(
    running: &StatementContext,
    location: &StageLocation,
    action: Action,
) -> Result<SharedStage> {
    let (place, stage) = opened(running, location, action)?;
    let external = match place {
        firn_plan::StageLocation::Url(_) => true,
        firn_plan::StageLocation::Named(id) => match running.catalog().object(id) {
            Some(Object::Stage(stage)) => matches!(stage.location, Where::External { .. }),
            _ => false,
        },
        firn_plan::StageLocation::User | firn_plan::StageLocation::Table(_) => false,
    };
    if external {
        let text = "Failure using stage area. Cause: [GET and PUT commands are not supported with \
                    external stage]";
        return Err(Error::new(ErrorCode::StageFailure, text));
    }
    Ok(stage)
}

/// The path behind `file://`.
fn local(uri: &str) -> String {
    uri.strip_prefix("file://").unwrap_or(uri).to_string()
}

fn parallel(option: &StatementOption) -> Result<usize> {
    match option.value.as_integer() {
        Some(count @ 1..=PARALLEL_MAX) => usize::try_from(count).map_err(|_| invalid(option)),
        _ => Err(invalid(option)),
    }
}

/// Columns of these names: texts, or numbers where `:number` follows.
fn shape(names: &[&str]) -> Rows {
    let field = |name: &&str| match name.strip_suffix(":number") {
        Some(name) => Field::new(name, SqlType::INTEGER),
        None => Field::new(*name, SqlType::TEXT),
    };
    Rows::new(names.iter().map(field).collect())
}

fn invalid(option: &StatementOption) -> Error {
    let value = option.value.as_text().unwrap_or_default();
    let text = format!("invalid value [{value}] for parameter '{}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span).without_span()
}

fn unknown(option: &StatementOption) -> Error {
    let text = format!("invalid parameter '{}'", option.name);
    Error::new(ErrorCode::InvalidParameterValue, text).at(option.span)
}
