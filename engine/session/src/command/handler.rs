//! The code of functions and procedures: what is called in it, and what it needs to run.

use std::sync::Arc;

use firn_account::catalog::{Action, ObjectPath};
use firn_parse::ast::{CreateRoutine, Name, OptionValue, StageKind, StatementOption};
use firn_types::{Code, Error, ErrorCode, Handler, Language, Result};

use super::definition::text_option;
use super::stage_files;
use crate::lifecycle::StatementContext;

/// What only languages with handlers have.
const OPTIONS: &[&str] = &["HANDLER", "IMPORTS", "PACKAGES", "RUNTIME_VERSION"];

/// The code of a new function or procedure.
///
/// # Errors
/// An option that the language does not have, or one that it needs and that is missing; an interpreter, package or file
/// that is not there.
pub(super) fn code(running: &StatementContext, ast: &CreateRoutine) -> Result<Code> {
    let (language, body) = (ast.language, ast.body.clone());
    if language != Language::Python {
        let wrong = ast.options.iter().find(|option| OPTIONS.contains(&option.name.as_str()));
        return match wrong {
            None => Ok(Code { language, body, handler: None }),
            Some(option) => {
                let text = format!("{} is for code in Python: LANGUAGE is {language}", option.name);
                Err(Error::new(ErrorCode::InvalidStatement, text).at(option.span))
            }
        };
    }
    let needed = |name: &str| {
        text_option(&ast.options, name).filter(|text| !text.is_empty()).ok_or_else(|| {
            let text = format!("Missing option(s): [{name}]");
            Error::new(ErrorCode::InvalidStatement, text)
        })
    };
    let handler = Handler {
        name: needed("HANDLER")?,
        runtime_version: needed("RUNTIME_VERSION")?,
        packages: texts(&ast.options, "PACKAGES")?,
        imports: imports(running, &texts(&ast.options, "IMPORTS")?)?,
    };
    if ast.body.is_empty() && handler.imports.is_empty() {
        let text = "Code in Python stands behind AS, or in a file that IMPORTS names";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let interpreter = &running.session.shared.interpreter;
    interpreter.check(&handler.runtime_version, &handler.packages)?;
    Ok(Code { language, body, handler: Some(Arc::new(handler)) })
}

/// The texts of a list.
fn texts(options: &[StatementOption], name: &str) -> Result<Vec<String>> {
    let Some(option) = options.iter().find(|option| option.name == name) else {
        return Ok(Vec::new());
    };
    let wrong = || {
        let text = format!("{name} is a list of texts, such as ('one', 'two')");
        Error::new(ErrorCode::InvalidParameterValue, text).at(option.span)
    };
    match &option.value {
        OptionValue::List(all) => {
            let text = |one: &OptionValue| match one {
                OptionValue::Text(text) => Ok(text.clone()),
                _ => Err(wrong()),
            };
            all.iter().map(text).collect()
        }
        OptionValue::Nested(none) if none.is_empty() => Ok(Vec::new()),
        _ => Err(wrong()),
    }
}

/// The files to import, under the whole names of their stages; all of them are there. A user's own stage would be
/// another one for whoever calls, and with it the code that runs with an owner's rights.
fn imports(running: &StatementContext, written: &[String]) -> Result<Vec<String>> {
    let mut all: Vec<String> = Vec::with_capacity(written.len());
    for text in written {
        let wrong = |text: String| Err(Error::new(ErrorCode::InvalidParameterValue, text));
        let location = firn_parse::parse_location(text).map_err(Error::without_span)?;
        let StageKind::Named(name) = &location.kind else {
            return wrong(format!("IMPORTS takes files of named stages: '{text}'"));
        };
        let path = running.path(&Name::Plain(name.clone()), "IMPORTS")?;
        let ObjectPath { database, schema, name } = path;
        let quoted = |part: String| format!("\"{}\"", part.replace('"', "\"\""));
        let stage = [database, schema, name].map(quoted).join(".");
        let file = &location.path;
        let (_, opened) = stage_files::opened(running, &location, Action::ReadFiles)?;
        if file.is_empty() || opened.find(file)?.is_none() {
            let text = format!("Remote file '{}' was not found.", opened.shown(file));
            return Err(Error::new(ErrorCode::FileNotFound, text));
        }
        let import = format!("@{stage}/{file}");
        let name = file_name(&import);
        if all.iter().any(|other| file_name(other) == name) {
            return wrong(format!("IMPORTS names two files '{name}': they meet in one folder"));
        }
        all.push(import);
    }
    Ok(all)
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
