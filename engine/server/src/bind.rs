//! The values that come with a statement.
//!
//! `{"1": {"type": "FIXED", "value": "1"}, ..}`: the keys are numbers from 1 or names; a value is a text or null, or an
//! array of them, one for each row.

use std::collections::BTreeMap;

use firn_engine::{Binds, Failure, Session, SqlType, StatementOptions, TypedValue, Value};
use firn_types::Decimal;
use firn_types::decimal::power_of_ten;
use firn_types::number_text::{parse_decimal, parse_float};
use firn_types::parse_text::{parse_binary, parse_boolean};
use firn_types::text_format::BinaryFormat;
use firn_types::value::TimestampTz;
use firn_types::variant::json_read::{JsonReader, RepeatedKey};
use serde_json::Value as Json;

use crate::encode::json::OFFSET_BIAS;
use crate::envelope::Refusal;
use crate::request::plain_text;

/// Rows that an array of values may have.
const ROWS_MAX: usize = 1 << 20;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// The values of a request's member `bindings`.
///
/// # Errors
/// When they are not of the protocol's form, or a value is not of its type.
pub(crate) fn binds(bindings: &Json) -> Result<Binds, Refusal> {
    let mut binds = Binds::default();
    let Some(bindings) = bindings.as_object() else { return Ok(binds) };
    let mut numbered = BTreeMap::new();
    for (key, bind) in bindings {
        let values = column(key, bind)?;
        match key.parse::<usize>() {
            Ok(number) => _ = numbered.insert(number, values),
            Err(_) => {
                let value = values.into_iter().next();
                binds.named.push((key.clone(), value.unwrap_or(TypedValue::null(SqlType::Null))));
            }
        }
    }
    let rows = numbered.values().map(Vec::len).max().unwrap_or(0);
    if rows > ROWS_MAX {
        let text = format!("An array of {rows} values; the most is {ROWS_MAX}.");
        return Err(Refusal::malformed(text));
    }
    let last = numbered.last_key_value().map_or(0, |(number, _)| *number);
    if last > numbered.len() || numbered.values().any(|values| values.len() != rows) {
        let text = "The bindings are not numbered from 1, or have arrays of different lengths.";
        return Err(Refusal::malformed(text));
    }
    binds.rows = (0..rows).map(|_| Vec::with_capacity(numbered.len())).collect();
    for values in numbered.into_values() {
        values.into_iter().zip(&mut binds.rows).for_each(|(value, row)| row.push(value));
    }
    binds.positional = binds.rows.first().cloned().unwrap_or_default();
    if rows < 2 {
        binds.rows.clear();
    }
    Ok(binds)
}

/// The values that lie in files of a stage, where clients have put them because they are many: texts in CSV, as many in a
/// row as the statement has places.
///
/// # Errors
/// When the files cannot be read, or have too many rows.
pub(crate) fn of_stage(session: &Session, sql: &str, stage: &str) -> Result<Binds, Failure> {
    let places = session.describe(sql)?.binds.len().max(1);
    let columns: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
    let select = format!("SELECT {} FROM '{}'", columns.join(", "), stage.replace('\'', "''"));
    let options = StatementOptions::default();
    let mut statement = session.start(&select, Binds::default(), &options);
    let mut binds = Binds::default();
    while let Some(batch) = statement.next_batch()? {
        if binds.rows.len() + batch.rows() > ROWS_MAX {
            statement.monitor().cancel.cancel();
            let text = format!("The files of '{stage}' have more than {ROWS_MAX} rows of values.");
            let number = (2_127, "22023");
            return Err(Failure::told(statement.query_id(), number, &text, None));
        }
        let value = |row: usize, place: usize| TypedValue {
            value: batch.column(place).value(row, SqlType::TEXT),
            sql_type: SqlType::TEXT,
        };
        binds
            .rows
            .extend((0..batch.rows()).map(|row| {
                (0..places).map(|place| value(row, place)).collect::<Vec<TypedValue>>()
            }));
    }
    binds.positional = binds.rows.first().cloned().unwrap_or_default();
    Ok(binds)
}

/// The values of one place: one, or one for each row.
fn column(key: &str, bind: &Json) -> Result<Vec<TypedValue>, Refusal> {
    let name = bind["type"].as_str().unwrap_or("TEXT");
    let one = |value: &Json| {
        if value.is_null() {
            return Ok(TypedValue::null(type_of_null(name)));
        }
        let text = plain_text(value);
        typed(name, &text).ok_or_else(|| {
            Refusal::malformed(format!("Bind variable {key}: '{text}' is no value of type {name}."))
        })
    };
    match &bind["value"] {
        Json::Array(values) => values.iter().map(one).collect(),
        value => one(value).map(|value| vec![value]),
    }
}

/// The type of a NULL that was sent as of this type; drivers say TEXT of what they do not know.
fn type_of_null(name: &str) -> SqlType {
    match name {
        "FIXED" => SqlType::INTEGER,
        "REAL" => SqlType::Float,
        "BOOLEAN" => SqlType::Boolean,
        "DATE" => SqlType::Date,
        "TIME" => SqlType::TIME,
        "BINARY" => SqlType::BINARY,
        "TIMESTAMP_NTZ" => SqlType::TIMESTAMP_NTZ,
        "TIMESTAMP_LTZ" => SqlType::TIMESTAMP_LTZ,
        "TIMESTAMP_TZ" => SqlType::TIMESTAMP_TZ,
        _ => SqlType::Null,
    }
}

/// The value of a text of a type; none when it is not of the type.
fn typed(name: &str, text: &str) -> Option<TypedValue> {
    let (value, sql_type) = match name {
        "FIXED" => number(text)?,
        "REAL" => (Value::Float(parse_float(text)?), SqlType::Float),
        "BOOLEAN" => (Value::Boolean(parse_boolean(text)?), SqlType::Boolean),
        "BINARY" => (Value::Binary(parse_binary(text, BinaryFormat::Hex)?.into()), SqlType::BINARY),
        "DATE" => {
            let days = text.parse::<i64>().ok()?.div_euclid(MILLIS_PER_DAY);
            (Value::Date(i32::try_from(days).ok()?), SqlType::Date)
        }
        "TIME" => {
            let nanos = text.parse::<i64>().ok()?.rem_euclid(MILLIS_PER_DAY * 1_000_000);
            (Value::Time(nanos), SqlType::TIME)
        }
        "TIMESTAMP_NTZ" | "TIMESTAMP" => {
            (Value::Timestamp(text.parse().ok()?), SqlType::TIMESTAMP_NTZ)
        }
        "TIMESTAMP_LTZ" => (Value::Timestamp(text.parse().ok()?), SqlType::TIMESTAMP_LTZ),
        "TIMESTAMP_TZ" => {
            let (nanos, offset) = text.split_once(' ').unwrap_or((text, "1440"));
            let offset = offset.trim().parse::<i32>().ok()? - OFFSET_BIAS;
            let offset_minutes =
                i16::try_from(offset).ok().filter(|o| (-1440..=1440).contains(o))?;
            let utc_nanos = nanos.parse().ok()?;
            (Value::TimestampTz(TimestampTz { utc_nanos, offset_minutes }), SqlType::TIMESTAMP_TZ)
        }
        "VARIANT" | "OBJECT" | "ARRAY" => {
            let mut bytes = Vec::new();
            JsonReader::new(RepeatedKey::Refuse).read(text, &mut bytes).ok()?;
            let sql_type = match name {
                "OBJECT" => SqlType::Object,
                "ARRAY" => SqlType::Array,
                _ => SqlType::Variant,
            };
            (Value::Variant(bytes.into()), sql_type)
        }
        _ => (Value::text(text), SqlType::TEXT),
    };
    Some(TypedValue { value, sql_type })
}

/// A number with its digits: as many behind the point as were sent.
fn number(text: &str) -> Option<(Value, SqlType)> {
    let text = text.trim();
    let decimal = parse_decimal(text).ok()?;
    // Zeros at the end of a fraction count: `1.20` has two digits there.
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let written = fraction.bytes().take_while(u8::is_ascii_digit).count();
    let scale = decimal.scale.max(u8::try_from(written).unwrap_or(u8::MAX));
    let factor = power_of_ten(u32::from(scale - decimal.scale))?;
    let unscaled = decimal.unscaled.checked_mul(factor)?;
    power_of_ten(u32::from(scale))?;
    Some((Value::Number(Decimal { unscaled, scale }), SqlType::number(38, scale)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(name: &str, value: &Json) -> TypedValue {
        let binds = binds(&json!({ "1": { "type": name, "value": value } })).expect("binds");
        assert!(binds.rows.is_empty());
        binds.positional[0].clone()
    }

    #[test]
    fn values_of_every_type() {
        assert_eq!(one("FIXED", &json!("-12")).value, Value::integer(-12));
        let decimal = one("FIXED", &json!("1.20"));
        assert_eq!(decimal.sql_type, SqlType::number(38, 2));
        assert_eq!(one("REAL", &json!("2.5")).value, Value::Float(2.5));
        assert_eq!(one("TEXT", &json!("x")).value, Value::text("x"));
        assert_eq!(one("BOOLEAN", &json!("true")).value, Value::Boolean(true));
        assert_eq!(one("BINARY", &json!("01ff")).value, Value::Binary([1, 255].into()));
        assert_eq!(one("DATE", &json!("-86400000")).value, Value::Date(-1));
        assert_eq!(one("TIME", &json!("1000")).value, Value::Time(1000));
        assert_eq!(one("TIMESTAMP_NTZ", &json!("-1")).value, Value::Timestamp(-1));
        let zoned = TimestampTz { utc_nanos: 5, offset_minutes: 120 };
        assert_eq!(one("TIMESTAMP_TZ", &json!("5 1560")).value, Value::TimestampTz(zoned));
        assert_eq!(one("ANY", &Json::Null), TypedValue::null(SqlType::Null));
        assert_eq!(one("FIXED", &json!(7)).value, Value::integer(7));
    }

    #[test]
    fn arrays_are_rows() {
        let sent = json!({
            "2": { "type": "TEXT", "value": ["a", null] },
            "1": { "type": "FIXED", "value": ["1", "2"] },
        });
        let binds = binds(&sent).expect("binds");
        assert_eq!(binds.rows.len(), 2);
        assert_eq!(binds.rows[1][0].value, Value::integer(2));
        assert_eq!(binds.rows[1][1].value, Value::Null);
        assert_eq!(binds.positional, binds.rows[0]);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (name, value) in
            [("FIXED", "x"), ("DATE", "2024-01-01"), ("TIMESTAMP_TZ", "1 9999"), ("BINARY", "0")]
        {
            let sent = json!({ "1": { "type": name, "value": value } });
            assert!(binds(&sent).is_err(), "{name} {value}");
        }
        let uneven = json!({
            "1": { "type": "TEXT", "value": ["a"] }, "2": { "type": "TEXT", "value": ["a", "b"] },
        });
        assert!(binds(&uneven).is_err());
        assert!(binds(&json!({ "3": { "type": "TEXT", "value": "a" } })).is_err());
    }
}
