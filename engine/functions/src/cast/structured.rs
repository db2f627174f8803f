//! To structured types.
//!
//! All values at one place of the structure, of all rows, are one column, which is converted as a whole; then the
//! values are put together again.

use std::collections::HashSet;

use arrow::array::{Array as _, BinaryViewArray, BinaryViewBuilder};
use firn_column::Array;
use firn_types::structured::{Part, Structure};
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, Result, SqlType, StructuredType, Value};

use super::variant::{failed, from_variant, write_value};
use super::{CastMode, Failures, cast_value};
use crate::FunctionContext;

/// The values at one place of a structure, with the rows that they are of.
#[derive(Default)]
struct Place {
    values: BinaryViewBuilder,
    rows: Vec<usize>,
}

impl Place {
    fn add(&mut self, row: usize, value: Option<Variant<'_>>) -> Result<()> {
        self.rows.push(row);
        match value.filter(|value| !value.is_undefined()) {
            Some(value) => {
                let mut bytes = Vec::new();
                Builder::new().extract(value, &mut bytes)?;
                self.values.append_value(&bytes);
            }
            None => self.values.append_null(),
        }
        Ok(())
    }
}

/// A conversion of rows, of which some turn out not to convert.
struct Conversion<'a> {
    source: &'a BinaryViewArray,
    to: SqlType,
    context: &'a FunctionContext,
    /// What is wrong with a row.
    wrong: Vec<Option<Error>>,
}

impl Conversion<'_> {
    fn refuse(&mut self, row: usize, error: Option<Error>) {
        let error = error
            .unwrap_or_else(|| failed(Variant::new(self.source.value(row)), self.to, self.context));
        self.wrong[row].get_or_insert(error);
    }

    /// The values of a place as values of a part.
    fn part(&mut self, mut place: Place, part: Part) -> Result<Array> {
        let values = Array::Bytes(place.values.finish());
        let mut found = Failures::listed();
        let converted =
            from_variant(&values, SqlType::Variant, part.sql_type, &mut found, self.context)?;
        for (at, error) in found.into_list() {
            self.refuse(place.rows[at], Some(error));
        }
        if !part.nullable {
            for (at, &row) in place.rows.iter().enumerate() {
                if converted.is_null(at) {
                    self.refuse(row, None);
                }
            }
        }
        Ok(converted)
    }

    /// The rows put together by `write`, which gets each row that converts.
    fn finish(
        self,
        failures: &mut Failures,
        mut write: impl FnMut(usize, &mut Builder) -> Result<()>,
    ) -> Result<Array> {
        let mut answers = BinaryViewBuilder::with_capacity(self.source.len());
        let (mut builder, mut bytes) = (Builder::new(), Vec::new());
        for (row, wrong) in self.wrong.into_iter().enumerate() {
            if let Some(error) = wrong {
                failures.add(row, || error)?;
                answers.append_null();
                continue;
            }
            if self.source.is_null(row) || Variant::new(self.source.value(row)).is_null() {
                answers.append_null();
                continue;
            }
            write(row, &mut builder)?;
            bytes.clear();
            builder.finish(&mut bytes)?;
            answers.append_value(&bytes);
        }
        Ok(Array::Bytes(answers.finish()))
    }
}

/// Converts VARIANTs, objects and arrays.
pub(super) fn convert(
    source: &BinaryViewArray,
    to: &Structure,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    let sql_type = SqlType::Structured(StructuredType::new(to.clone())?);
    let wrong = vec![None; source.len()];
    let conversion = Conversion { source, to: sql_type, context, wrong };
    match to {
        Structure::Array(part) => arrays(conversion, *part, failures),
        Structure::Object(fields) => objects(conversion, fields, failures),
        Structure::Map(key, part) => maps(conversion, *key, *part, failures),
    }
}

/// The rows that hold something, with it.
fn rows(source: &BinaryViewArray) -> impl Iterator<Item = (usize, Variant<'_>)> {
    let values = source.iter().enumerate();
    let present = values.filter_map(|(row, value)| Some((row, Variant::new(value?))));
    present.filter(|(_, value)| !value.is_null())
}

fn arrays(mut conversion: Conversion<'_>, part: Part, failures: &mut Failures) -> Result<Array> {
    let mut place = Place::default();
    let mut starts = vec![0; conversion.source.len()];
    let mut counts = vec![0; conversion.source.len()];
    for (row, value) in rows(conversion.source) {
        let Item::Array(elements) = value.item() else {
            conversion.refuse(row, None);
            continue;
        };
        (starts[row], counts[row]) = (place.rows.len(), elements.len());
        elements.iter().try_for_each(|element| place.add(row, Some(element)))?;
    }
    let elements = conversion.part(place, part)?;
    conversion.finish(failures, |row, builder| {
        builder.begin_array()?;
        for at in starts[row]..starts[row] + counts[row] {
            match elements.is_null(at) {
                true => builder.undefined(),
                false => write_value(&elements, at, part.sql_type, builder)?,
            }
        }
        builder.end_array()
    })
}

fn objects(
    mut conversion: Conversion<'_>,
    fields: &[(String, Part)],
    failures: &mut Failures,
) -> Result<Array> {
    let mut places: Vec<Place> = fields.iter().map(|_| Place::default()).collect();
    let mut positions = vec![0; conversion.source.len()];
    for (row, value) in rows(conversion.source) {
        let found = match value.item() {
            // A key that is missing or not asked for is an error.
            Item::Object(given) if given.len() == fields.len() => given,
            _ => {
                conversion.refuse(row, None);
                continue;
            }
        };
        if !fields.iter().all(|(key, _)| found.get(key).is_some()) {
            conversion.refuse(row, None);
            continue;
        }
        positions[row] = places.first().map_or(0, |place| place.rows.len());
        for ((key, _), place) in fields.iter().zip(&mut places) {
            place.add(row, found.get(key))?;
        }
    }
    let mut columns = Vec::with_capacity(fields.len());
    for (place, (_, part)) in places.into_iter().zip(fields) {
        columns.push(conversion.part(place, *part)?);
    }
    conversion.finish(failures, |row, builder| {
        builder.begin_object()?;
        for ((key, part), column) in fields.iter().zip(&columns) {
            builder.key(key);
            write_or_null(column, positions[row], part.sql_type, builder)?;
        }
        builder.end_object()
    })
}

fn maps(
    mut conversion: Conversion<'_>,
    key: SqlType,
    part: Part,
    failures: &mut Failures,
) -> Result<Array> {
    let mut place = Place::default();
    let mut keys: Vec<Vec<String>> = vec![Vec::new(); conversion.source.len()];
    let mut starts = vec![0; conversion.source.len()];
    let mut seen = HashSet::new();
    for (row, value) in rows(conversion.source) {
        let Item::Object(fields) = value.item() else {
            conversion.refuse(row, None);
            continue;
        };
        starts[row] = place.rows.len();
        seen.clear();
        for (name, value) in fields.iter() {
            match map_key(name, key, conversion.context) {
                Ok(name) if !seen.insert(name.clone()) => conversion.refuse(row, None),
                Ok(name) => keys[row].push(name),
                Err(error) => conversion.refuse(row, Some(error)),
            }
            place.add(row, Some(value))?;
        }
    }
    let values = conversion.part(place, part)?;
    conversion.finish(failures, |row, builder| {
        builder.begin_object()?;
        for (at, key) in (starts[row]..).zip(&keys[row]) {
            builder.key(key);
            write_or_null(&values, at, part.sql_type, builder)?;
        }
        builder.end_object()
    })
}

/// A map's key of its type, as the text that it is held as.
fn map_key(name: &str, key: SqlType, context: &FunctionContext) -> Result<String> {
    let value = cast_value(&Value::text(name), SqlType::TEXT, key, CastMode::Strict, context)?;
    match cast_value(&value, key, SqlType::TEXT, CastMode::Strict, context)? {
        Value::Text(text) => Ok(text.to_string()),
        _ => Err(Error::internal("a key of a map that is no text")),
    }
}

fn write_or_null(array: &Array, at: usize, of: SqlType, builder: &mut Builder) -> Result<()> {
    if array.is_null(at) {
        builder.null();
        return Ok(());
    }
    write_value(array, at, of, builder)
}
