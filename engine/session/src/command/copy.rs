//! COPY INTO a table or a stage: from what was done to result rows.

use std::sync::Arc;

use firn_account::Transaction;
use firn_execute::dml::{self, Copied, LoadedFiles, Unloaded};
use firn_loader::on_error::{FileResult, NOTHING_TO_DO, RESULT_COLUMNS};
use firn_loader::row_error::{ERROR_COLUMNS, RowError};
use firn_plan::statement::{CopyIntoStage, CopyIntoTable};
use firn_types::options::{NamedOption, OptionValue};
use firn_types::{Field, ObjectId, Result, SqlType, Value};

use super::dml::{INSERTED, keys_of};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;
use crate::stages::Stages;

/// The type of the counts of an unload.
const UNLOAD_COUNT: SqlType = SqlType::Number { precision: 31, scale: 0 };

/// Runs COPY INTO a table.
///
/// # Errors
/// As [`dml::copy_into_table`].
pub(super) fn load(
    running: &mut StatementContext,
    plan: &CopyIntoTable,
    transaction: &mut Transaction,
) -> Result<(Answer, Purge)> {
    let mut context = running.query_context()?;
    context.purpose = "Copy";
    let stages = Stages::of(running);
    let stage = stages.open(&plan.location).map_err(|error| error.at(plan.span))?;
    let keys = keys_of(running, &plan.target.table)?;
    let copied = dml::copy_into_table(plan, &stage, &keys, &context, transaction)?;
    match copied {
        Copied::Files(files) => {
            let answer = results(&files)?;
            let rows = files.rows_loaded;
            // VALIDATE does not know COPY with a SELECT.
            if !plan.transformed {
                let rejected = Arc::new(files.errors);
                running.record.details().rejected = Some((plan.target.table.id(), rejected));
            }
            running.record.details().counts = vec![(INSERTED.to_string(), rows)];
            Ok((answer, Purge { stage: Some(stage), paths: files.purge }))
        }
        Copied::Errors(errors) => Ok((Answer::of(&error_rows(&errors))?, Purge::default())),
        Copied::Rows(batches) => {
            let columns = &plan.target.table.columns;
            let fields = columns.iter().map(|column| Field::new(&column.name, column.sql_type));
            let answer = Answer { fields: fields.collect(), batches, affected: None };
            Ok((answer, Purge::default()))
        }
    }
}

/// Copy options that a pipe does not have; a stage may have them for COPY.
pub(super) const NOT_OF_PIPES: [&str; 4] = ["FORCE", "PURGE", "RETURN_FAILED_ONLY", "SIZE_LIMIT"];

/// The plan of a COPY that a pipe runs: by its own load history, and unless it says otherwise it skips files that are wrong.
pub(crate) fn run_by(pipe: ObjectId, plan: &mut CopyIntoTable) {
    let aborts = |option: &NamedOption| {
        let word = OptionValue::Word("ABORT_STATEMENT".to_string());
        option.name == "ON_ERROR" && (option.value == word)
    };
    plan.options.retain(|option| !NOT_OF_PIPES.contains(&option.name.as_str()) && !aborts(option));
    if !plan.options.iter().any(|option| option.name == "ON_ERROR") {
        let value = OptionValue::Word("SKIP_FILE".to_string());
        plan.options.push(NamedOption { name: "ON_ERROR".to_string(), value });
    }
    plan.pipe = Some(pipe);
}

/// Files that are to be removed when the load is committed.
#[derive(Default)]
pub(super) struct Purge {
    stage: Option<dml::OpenStage>,
    paths: Vec<String>,
}

impl Purge {
    /// Removes them; a file that cannot be removed stays, silently.
    pub(super) fn run(self) {
        let Some(open) = self.stage else { return };
        for path in &self.paths {
            let _ = open.stage.remove(path);
        }
    }
}

fn results(files: &LoadedFiles) -> Result<Answer> {
    if !files.any {
        return Answer::of(&Rows::status(NOTHING_TO_DO));
    }
    let types: [SqlType; 10] = [
        SqlType::TEXT,
        SqlType::TEXT,
        SqlType::INTEGER,
        SqlType::INTEGER,
        SqlType::INTEGER,
        SqlType::INTEGER,
        SqlType::TEXT,
        SqlType::INTEGER,
        SqlType::INTEGER,
        SqlType::TEXT,
    ];
    let fields = RESULT_COLUMNS.iter().zip(types).map(|(name, kind)| Field::new(*name, kind));
    let mut rows = Rows::new(fields.collect());
    rows.rows = files.results.iter().map(result_row).collect();
    let mut answer = Answer::of(&rows)?;
    answer.affected = Some(files.rows_loaded);
    Ok(answer)
}

fn result_row(result: &FileResult) -> Vec<Value> {
    vec![
        Value::text(result.file.as_ref()),
        Value::text(result.status.name()),
        count(result.rows_parsed),
        count(result.rows_loaded),
        result.error_limit.map_or(Value::Null, count),
        count(result.errors_seen),
        text(result.first_error.as_deref()),
        result.first_error_line.map_or(Value::Null, count),
        result.first_error_character.map_or(Value::Null, count),
        text(result.first_error_column_name.as_deref()),
    ]
}

fn count(count: u64) -> Value {
    Value::integer(i128::from(count))
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::text)
}

/// Bad rows as VALIDATE and VALIDATION_MODE show them.
pub(crate) fn error_rows(errors: &[RowError]) -> Rows {
    let numbers = ["LINE", "CHARACTER", "BYTE_OFFSET", "CODE", "ROW_NUMBER", "ROW_START_LINE"];
    let kind = |name: &str| if numbers.contains(&name) { SqlType::INTEGER } else { SqlType::TEXT };
    let fields = ERROR_COLUMNS.iter().map(|name| Field::new(*name, kind(name)));
    let mut rows = Rows::new(fields.collect());
    rows.rows = errors.iter().map(error_row).collect();
    rows
}

fn error_row(error: &RowError) -> Vec<Value> {
    vec![
        Value::text(error.message.as_str()),
        Value::text(error.file.as_ref()),
        count(error.line),
        count(error.character),
        count(error.byte_offset),
        Value::text(error.category.name()),
        Value::integer(i128::from(error.code.number())),
        Value::text(error.code.sqlstate()),
        text(error.column.as_ref().map(|column| column.label.as_str())),
        count(error.row_number),
        count(error.row_start_line),
        Value::text(error.record.as_str()),
    ]
}

/// Runs COPY INTO a stage.
///
/// # Errors
/// As [`dml::copy_into_stage`].
pub(super) fn unload(running: &mut StatementContext, plan: &CopyIntoStage) -> Result<Answer> {
    let mut context = running.query_context()?;
    context.purpose = "Unload";
    let stages = Stages::of(running);
    let stage = stages.open(&plan.location)?.stage;
    let query_id = running.query_id.0.clone();
    let unloaded = dml::copy_into_stage(plan, stage, &query_id, &context)?;
    let rows = unload_rows(&unloaded);
    let mut answer = Answer::of(&rows)?;
    answer.affected = Some(unloaded.files.iter().map(|file| file.rows).sum());
    Ok(answer)
}

fn unload_rows(unloaded: &Unloaded) -> Rows {
    let number = |name: &str| Field::new(name, UNLOAD_COUNT);
    let files = &unloaded.files;
    if unloaded.detailed {
        let name = Field::new("FILE_NAME", SqlType::TEXT);
        let mut rows = Rows::new(vec![name, number("FILE_SIZE"), number("ROW_COUNT")]);
        let row = |file: &firn_loader::unload::UnloadedFile| {
            vec![Value::text(file.name.as_str()), count(file.size), count(file.rows)]
        };
        rows.rows = files.iter().map(row).collect();
        return rows;
    }
    let names = ["rows_unloaded", "input_bytes", "output_bytes"];
    let mut rows = Rows::new(names.iter().map(|name| number(name)).collect());
    let total =
        |of: fn(&firn_loader::unload::UnloadedFile) -> u64| count(files.iter().map(of).sum());
    rows.rows.push(vec![
        total(|file| file.rows),
        total(|file| file.input_bytes),
        total(|file| file.size),
    ]);
    rows
}
