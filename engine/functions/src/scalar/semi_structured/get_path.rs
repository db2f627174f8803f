//! Values inside values, by key, index or path. `v:a.b[0]` is GET_PATH with a constant path.

use firn_types::number_text::write_float;
use firn_types::variant::{Builder, Item, JsonReader, JsonWriter, Path, Step, Variant, Walker};
use firn_types::{Result, SqlType, TypeFamily};

use super::row::{Row, finds, writes};
use super::{Want, bind, define, example};
use crate::cast::SessionText;
use crate::driver::{self, blobs, texts};
use crate::meaning::Meaning;
use crate::scalar::{Kernel, ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, FunctionContext, NullRule, accept};

pub(super) const GET: ScalarFunction = define(
    "GET",
    Arity::exactly(2),
    bind_get,
    "The value at a key of an object or an index of an array; NULL where there is none.",
    &[
        example("GET(ARRAY_CONSTRUCT('a', 'b'), 1)", "\"b\""),
        example("GET(PARSE_JSON('{\"k\": 5}'), 'K')", "NULL"),
    ],
);

pub(super) const GET_IGNORE_CASE: ScalarFunction = define(
    "GET_IGNORE_CASE",
    Arity::exactly(2),
    |a| {
        let wants = [Want::SemiStructured, Want::Text];
        let kernel = finds(NullRule::Propagate, |row| Ok(get_ignore_case(row)));
        bind("GET_IGNORE_CASE", a, &wants, SqlType::Variant, kernel)
    },
    "The value at a key of an object; where no key is the same, at one that differs in case.",
    &[example("GET_IGNORE_CASE(PARSE_JSON('{\"Key\": 5}'), 'kEY')", "5")],
);

/// The function behind the `:` operator.
pub(super) const GET_PATH: ScalarFunction = define(
    "GET_PATH",
    Arity::exactly(2),
    |a| {
        let kernel = path_kernel(a)?;
        bind("GET_PATH", a, &[Want::SemiStructured, Want::Text], SqlType::Variant, kernel)
    },
    "The value at the end of a path such as a.b[0]; NULL where a step is missing.",
    &[example("GET_PATH(PARSE_JSON('{\"a\": {\"b\": [1, 2]}}'), 'a.b[1]')", "2")],
)
.with_meaning(Meaning::PathAccess);

pub(super) const JSON_EXTRACT_PATH_TEXT: ScalarFunction = define(
    "JSON_EXTRACT_PATH_TEXT",
    Arity::exactly(2),
    bind_extract,
    "The value at the end of a path in a JSON text, as text.",
    &[example("JSON_EXTRACT_PATH_TEXT('{\"a\": {\"b\": \"x\"}}', 'a.b')", "x")],
);

fn bind_get(arguments: &[Argument]) -> Result<ScalarBinding> {
    let by_index = matches!(arguments[1].sql_type.family(), TypeFamily::Number | TypeFamily::Float);
    let (want, kernel) = match accept::constant_text(arguments, 1) {
        Some(key) => (Want::Text, steps_kernel(vec![Step::Key(key.to_string())])),
        None if by_index => (Want::Integer, finds(NullRule::Propagate, |row| Ok(get_index(row)))),
        None => (Want::Text, finds(NullRule::Propagate, |row| Ok(get_key(row)))),
    };
    bind("GET", arguments, &[Want::SemiStructured, want], SqlType::Variant, kernel)
}

fn get_index<'a>(row: &Row<'a>) -> Option<Variant<'a>> {
    let index = usize::try_from(row.integer(1)?).ok()?;
    row.array(0)?.get(index).filter(|value| !value.is_undefined())
}

fn get_key<'a>(row: &Row<'a>) -> Option<Variant<'a>> {
    row.object(0)?.get(row.text(1)?)
}

fn get_ignore_case<'a>(row: &Row<'a>) -> Option<Variant<'a>> {
    let (fields, wanted) = (row.object(0)?, row.text(1)?);
    fields.get(wanted).or_else(|| {
        let lower = wanted.to_lowercase();
        fields.iter().find(|(key, _)| key.to_lowercase() == lower).map(|(_, value)| value)
    })
}

/// A constant path is read once, when the call is bound.
fn path_kernel(arguments: &[Argument]) -> Result<Kernel> {
    if let Some(path) = accept::constant_text(arguments, 1) {
        return Ok(steps_kernel(Path::parse(path)?.steps));
    }
    Ok(driver::null_propagating(|rows, columns| {
        let (values, paths) = (blobs(&columns[0])?, texts(&columns[1])?);
        let mut builder = Builder::new();
        rows.bytes(|row, out| {
            let path = Path::parse(paths.get(row))?;
            found(Variant::new(values.get(row)).walk(&path.steps), &mut builder, out)
        })
    }))
}

fn steps_kernel(steps: Vec<Step>) -> Kernel {
    driver::null_propagating(move |rows, columns| {
        let values = blobs(&columns[0])?;
        let (mut walker, mut builder) = (Walker::new(&steps), Builder::new());
        rows.bytes(|row, out| found(walker.walk(Variant::new(values.get(row))), &mut builder, out))
    })
}

fn found(value: Option<Variant<'_>>, builder: &mut Builder, out: &mut Vec<u8>) -> Result<bool> {
    match value {
        Some(value) => builder.extract(value, out).map(|()| true),
        None => Ok(false),
    }
}

fn bind_extract(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "JSON_EXTRACT_PATH_TEXT";
    if let Some(path) = accept::constant_text(arguments, 1) {
        Path::parse(path)?;
    }
    let kernel = writes(NullRule::Propagate, |row, out| {
        let (Some(text), Some(path)) = (row.text(0), row.text(1)) else { return Ok(false) };
        let mut bytes = Vec::new();
        if !JsonReader::default().read(text, &mut bytes)? {
            return Ok(false);
        }
        let steps = Path::parse(path)?.steps;
        let value = Variant::new(&bytes).walk(&steps);
        Ok(value.is_some_and(|value| write_plain(value, row.context, out)))
    });
    bind(NAME, arguments, &[Want::Text], SqlType::TEXT, kernel)
}

/// Appends a value as a cast to VARCHAR writes it; false for nulls.
pub(super) fn write_plain(value: Variant<'_>, context: &FunctionContext, out: &mut String) -> bool {
    match value.item() {
        Item::Null | Item::Undefined => return false,
        Item::Text(text) => out.push_str(text),
        Item::Float(float) => write_float(out, float),
        Item::Boolean(_) | Item::Number(_) | Item::Object(_) | Item::Array(_) => {
            JsonWriter::compact(&SessionText(context)).write(value, out);
        }
        other => firn_types::variant::ScalarText::write(&SessionText(context), &other, out),
    }
    true
}
