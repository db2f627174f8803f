//! Templates of EXECUTE IMMEDIATE FROM: Jinja2, as far as `minijinja` has it.
//!
//! A template may name other staged files. Which ones is known only when it is rendered, and rendering cannot wait for
//! a stage: a file that is not there yet is noted, read with the rights of the statement's roles, and the template is
//! rendered again, which changes nothing but its text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;

use firn_account::catalog::Action;
use firn_loader::stage::SharedStage;
use firn_parse::ast::Expr;
use firn_query::bind::TypedValue;
use firn_types::{Decimal, Error, ErrorCode, Result, Value};
use minijinja::value::{Kwargs, Object, from_args};
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior};
use parking_lot::Mutex;

use super::script_file::{FILE_BYTES_MAX, RunFile, joined};
use super::{call, stage_files};
use crate::lifecycle::StatementContext;

/// Bytes of what a template renders.
const RENDERED_BYTES_MAX: usize = 100_000;
/// What rendering may cost, in steps; each is worth 64 bytes that it makes, so that this bounds its memory, too.
const FUEL: u64 = 1_000_000;
/// Files that a template may name.
const FILES_MAX: usize = 100;
/// White space that may stand before the words that make a file a template.
const SPACE_MAX: usize = 10;

/// The text of a file whose statements are to run: rendered when it is a template, which it is with variables or
/// when it says so.
///
/// # Errors
/// What is wrong with a variable or the template.
pub(super) fn rendered(
    running: &mut StatementContext,
    variables: &[(String, Expr)],
    (file, stage): (&RunFile, &SharedStage),
    text: String,
) -> Result<String> {
    let said = split_directive(&text);
    if variables.is_empty() && said.is_none() {
        return Ok(text);
    }
    let (head, body) = said.unwrap_or(("", &text));
    let variables = values(running, variables)?;
    let template = Template { file, stage, head, body };
    let rendered = template.render(running, &minijinja::Value::from(variables))?;
    // The other way to write it is no comment.
    let head = if head.trim_start().starts_with('#') { "" } else { head };
    if head.len() + rendered.len() > RENDERED_BYTES_MAX {
        let text = "Size of expanded template exceeds limit of 100,000 bytes.";
        return Err(Error::new(ErrorCode::TemplateSize, text));
    }
    Ok(format!("{head}{rendered}"))
}

/// What stands up to the end of the line that makes a file a template, and the template behind it.
fn split_directive(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let begin = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let is_directive = begin.starts_with("--!jinja") || begin.starts_with("#!jinja");
    if text.len() - begin.len() > SPACE_MAX || !is_directive {
        return None;
    }
    let rest = begin.find('\n').map_or("", |end| &begin[end..]);
    Some(text.split_at(text.len() - rest.len()))
}

/// The variables' values, by their names.
fn values(
    running: &mut StatementContext,
    variables: &[(String, Expr)],
) -> Result<HashMap<String, minijinja::Value>> {
    let mut values = HashMap::with_capacity(variables.len());
    for (name, expr) in variables {
        let given = call::evaluated(running, expr)?;
        values.insert(name.clone(), value(name, expr, &given)?);
    }
    Ok(values)
}

/// A value as templates have it.
fn value(name: &str, expr: &Expr, given: &TypedValue) -> Result<minijinja::Value> {
    match &given.value {
        Value::Null => Ok(minijinja::Value::from(())),
        Value::Boolean(value) => Ok(minijinja::Value::from(*value)),
        Value::Text(text) => Ok(minijinja::Value::from(text.as_ref())),
        Value::Number(number) if number.scale == 0 => Ok(minijinja::Value::from(number.unscaled)),
        Value::Number(number) => Ok(minijinja::Value::from(fraction(*number))),
        Value::Float(number) => Ok(minijinja::Value::from(*number)),
        _ => {
            let text = format!("Unable to use value of template variable '{name}'");
            Err(Error::new(ErrorCode::TemplateVariable, text).at(expr.span))
        }
    }
}

/// A number with a fraction, as Python's `float`.
#[expect(clippy::cast_precision_loss, reason = "what a float is")]
fn fraction(number: Decimal) -> f64 {
    number.unscaled as f64 / 10_f64.powi(i32::from(number.scale))
}

/// A file that is a template.
struct Template<'a> {
    file: &'a RunFile,
    stage: &'a SharedStage,
    /// What stands before it in its file.
    head: &'a str,
    body: &'a str,
}

impl Template<'_> {
    /// Its name among templates.
    fn name(&self) -> String {
        format!("/{}", self.file.path)
    }

    fn render(&self, running: &StatementContext, variables: &minijinja::Value) -> Result<String> {
        let files = Arc::new(Files::default());
        let environment = environment(&files);
        loop {
            running.monitor.cancel.check()?;
            let rendered = environment
                .template_from_named_str(&self.name(), self.body)
                .and_then(|template| template.render(variables.clone()));
            let asked = std::mem::take(&mut *files.asked.lock());
            if asked.is_empty() {
                return rendered.map_err(|error| self.failure(&error));
            }
            for name in asked {
                let text = self.read(running, &name)?;
                let mut texts = files.texts.lock();
                texts.insert(name, text);
                if texts.len() > FILES_MAX {
                    let text = format!("A template names more than {FILES_MAX} files");
                    return Err(Error::new(ErrorCode::Template, text));
                }
            }
        }
    }

    /// The text of a file that it names; nothing when there is no such file.
    fn read(&self, running: &StatementContext, name: &str) -> Result<Option<String>> {
        let read = match name.strip_prefix('/') {
            Some(path) => stage_files::read_text(self.stage, path, FILE_BYTES_MAX),
            None => {
                let location = firn_parse::parse_location(name).map_err(Error::without_span)?;
                let (_, stage) = stage_files::opened(running, &location, Action::ReadFiles)
                    .map_err(Error::without_span)?;
                stage_files::read_text(&stage, &location.path, FILE_BYTES_MAX)
            }
        };
        match read {
            Err(error) if error.code() == ErrorCode::FileNotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// What went wrong, in Jinja2's words, with its file and line.
    fn failure(&self, error: &minijinja::Error) -> Error {
        let error = innermost(error);
        let (class, what) = match error.kind() {
            ErrorKind::UndefinedError => ("UndefinedError", words(error).replace('`', "'")),
            ErrorKind::UnknownFunction => {
                ("UndefinedError", words(error).replace("is unknown", "is undefined"))
            }
            ErrorKind::SyntaxError => ("TemplateSyntaxError", words(error)),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest => {
                ("TemplateAssertionError", words(error))
            }
            ErrorKind::TemplateNotFound => ("TemplateNotFound", words(error)),
            ErrorKind::OutOfFuel => ("TemplateRuntimeError", "it takes too long".to_string()),
            _ => ("TemplateRuntimeError", words(error)),
        };
        let place = error.name().zip(error.line()).map(|(name, line)| {
            let line =
                if name == self.name() { line + self.head.matches('\n').count() } else { line };
            let stage = if name.starts_with('/') { self.file.stage.as_str() } else { "" };
            format!(" (file {stage}{name}, line {line})")
        });
        let text = format!(
            "Python Interpreter Error: jinja2.exceptions.{class}: {what} in template processing{}",
            place.unwrap_or_default()
        );
        Error::new(ErrorCode::Template, text)
    }
}

/// The error of the file that it came from, rather than of those that have included that.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<minijinja::Error>());
    inner.map_or(error, innermost)
}

fn words(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_string)
}

fn environment(files: &Arc<Files>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(true);
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_path_join_callback(|name, parent| Cow::Owned(template_name(name, parent)));
    let known = Arc::clone(files);
    environment.set_loader(move |name| Ok(known.text(name)));
    let opened = minijinja::Value::from_object(SnowflakeFile(Arc::clone(files)));
    environment.add_global("SnowflakeFile", opened);
    environment
}

/// The name of a template that another one names: `/path` in the stage of the file that runs, or `@stage/path`.
fn template_name(name: &str, parent: &str) -> String {
    if name.starts_with('@') {
        return name.to_string();
    }
    match parent.strip_prefix('@') {
        Some(parent) => {
            let (stage, file) = parent.split_once('/').unwrap_or((parent, ""));
            format!("@{stage}/{}", joined(file, name))
        }
        None => format!("/{}", joined(parent.trim_start_matches('/'), name)),
    }
}

/// The files that a template has asked for.
#[derive(Debug, Default)]
struct Files {
    /// What was looked for, with nothing where no such file is.
    texts: Mutex<HashMap<String, Option<String>>>,
    /// What is to be looked for.
    asked: Mutex<Vec<String>>,
}

impl Files {
    fn text(&self, name: &str) -> Option<String> {
        let known = self.texts.lock().get(name).cloned();
        known.unwrap_or_else(|| {
            self.asked.lock().push(name.to_string());
            None
        })
    }
}

/// `SnowflakeFile` in a template.
#[derive(Debug)]
struct SnowflakeFile(Arc<Files>);

impl Object for SnowflakeFile {
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        args: &[minijinja::Value],
    ) -> std::result::Result<minijinja::Value, minijinja::Error> {
        if method != "open" {
            return Err(minijinja::Error::from(ErrorKind::UnknownMethod));
        }
        let (name, mode, options): (&str, Option<&str>, Kwargs) = from_args(args)?;
        let scoped: Option<bool> = options.get("require_scoped_url")?;
        options.assert_all_used()?;
        if scoped != Some(false) || !name.starts_with('@') || mode.is_some_and(|mode| mode != "r") {
            let text = "SnowflakeFile.open takes the path '@stage/path' of a text, the mode 'r', and \
                        require_scoped_url = False";
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, text));
        }
        let text = self.0.text(name).ok_or_else(|| {
            let text = format!("the file {name} does not exist");
            minijinja::Error::new(ErrorKind::InvalidOperation, text)
        })?;
        Ok(minijinja::Value::from_object(Opened(text)))
    }
}

/// An open file in a template.
#[derive(Debug)]
struct Opened(String);

impl Object for Opened {
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        args: &[minijinja::Value],
    ) -> std::result::Result<minijinja::Value, minijinja::Error> {
        let () = from_args(args)?;
        match method {
            "read" => Ok(minijinja::Value::from(self.0.as_str())),
            _ => Err(minijinja::Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{split_directive, template_name};

    #[test]
    fn templates_say_what_they_are() {
        for (text, expected) in [
            ("--!jinja\nx", Some(("--!jinja", "\nx"))),
            ("\u{feff}\n --!jinja2 {{ y }}\nx", Some(("\n --!jinja2 {{ y }}", "\nx"))),
            ("#!jinja", Some(("#!jinja", ""))),
            ("           --!jinja\n", None),
            ("SELECT 1; --!jinja", None),
        ] {
            assert_eq!(split_directive(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_templates_begin_at_the_one_that_names_them() {
        for (name, parent, expected) in [
            ("m.jinja", "/a/b.sql", "/a/m.jinja"),
            ("../m.jinja", "/a/b.sql", "/m.jinja"),
            ("/m.jinja", "@s/a/b.sql", "@s/m.jinja"),
            ("c/m.jinja", "@s/a/b.sql", "@s/a/c/m.jinja"),
            ("@t/m.jinja", "@s/a/b.sql", "@t/m.jinja"),
        ] {
            assert_eq!(template_name(name, parent), expected, "{name} in {parent}");
        }
    }
}
