//! The functions of this folder, called as a statement would: bound, arguments cast, evaluated.

use firn_column::Column;
use firn_types::value::TimestampTz;
use firn_types::variant::{JsonReader, JsonWriter, PlainText, Variant};
use firn_types::{Decimal, ErrorCode, Result, SqlType, Value};

use crate::cast::{CastMode, cast_column, cast_value};
use crate::registry::{Function, find};
use crate::{Argument, Call, FunctionContext};

/// A constant and its type.
type Given = (Value, SqlType);

fn text(text: &str) -> Given {
    (Value::text(text), SqlType::TEXT)
}

fn number(value: i64) -> Given {
    (Value::integer(value), SqlType::INTEGER)
}

fn boolean(value: bool) -> Given {
    (Value::Boolean(value), SqlType::Boolean)
}

fn null() -> Given {
    (Value::Null, SqlType::Null)
}

/// A value written as JSON, of the type that fits it.
fn json(text: &str) -> Given {
    let mut bytes = Vec::new();
    JsonReader::default().read(text, &mut bytes).unwrap();
    let sql_type = match Variant::new(&bytes).item().type_name() {
        "ARRAY" => SqlType::Array,
        "OBJECT" => SqlType::Object,
        _ => SqlType::Variant,
    };
    (Value::Variant(bytes.into()), sql_type)
}

fn variant(text: &str) -> Given {
    (json(text).0, SqlType::Variant)
}

/// The answer in short: JSON without blanks, a text as it is, NULL.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_string(),
        Value::Text(text) => text.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Number(Decimal { unscaled, scale: 0 }) => unscaled.to_string(),
        Value::Variant(bytes) => JsonWriter::compact(&PlainText).text(Variant::new(bytes)),
        other => format!("{other:?}"),
    }
}

fn call(name: &str, given: &[Given]) -> Result<String> {
    let context = FunctionContext::default();
    let Some(Function::Scalar(function)) = find(name) else { panic!("no function {name}") };
    let arguments: Vec<Argument> = given
        .iter()
        .map(|(value, sql_type)| Argument {
            constant: Some(value.clone()),
            ..Argument::of(*sql_type)
        })
        .collect();
    let binding = (function.bind)(&arguments)?;
    let columns = given.iter().zip(&binding.arguments).map(|((value, from), to)| {
        let column = Column::constant(value, *from, 2)?;
        cast_column(&column, *from, *to, CastMode::Strict, &context)
    });
    let columns: Vec<Column> = columns.collect::<Result<_>>()?;
    let call = Call {
        rows: 2,
        returns: binding.returns,
        arguments: &binding.arguments,
        context: &context,
    };
    let constant = binding.kernel.run(&call, &columns)?;
    // The same rows as arrays must give the same answer.
    let flat: Vec<Column> = columns.iter().map(|column| Column::Flat(column.flat())).collect();
    let answer = show(&binding.kernel.run(&call, &flat)?.value(1, binding.returns));
    assert_eq!(answer, show(&constant.value(0, binding.returns)), "{name}");
    Ok(answer)
}

fn check(name: &str, given: &[Given], expected: &str) {
    match call(name, given) {
        Ok(answer) => assert_eq!(answer, expected, "{name} {given:?}"),
        Err(error) => assert_eq!(error.detail(), expected, "{name} {given:?}"),
    }
}

#[test]
fn json_is_read_leniently_and_checked() {
    check("PARSE_JSON", &[text("{\"b\":1, a: ['x',]}")], "{\"a\":[\"x\",undefined],\"b\":1}");
    check("PARSE_JSON", &[text("  ")], "NULL");
    check("PARSE_JSON", &[null()], "NULL");
    check("PARSE_JSON", &[text("null")], "null");
    check("PARSE_JSON", &[text("abc")], "Error parsing JSON: unknown keyword \"abc\", pos 4");
    check("PARSE_JSON", &[text("{\"a\":1,\"a\":2}"), text("d")], "{\"a\":2}");
    check("PARSE_JSON", &[text("1"), text("x")], "invalid value 'x' for parameter 'PARSE_JSON'");
    check("TRY_PARSE_JSON", &[text("abc")], "NULL");
    check("CHECK_JSON", &[text("{\"a\":}")], "misplaced }, pos 6");
    check("CHECK_JSON", &[text("[1]")], "NULL");
    check("TO_JSON", &[json("[1, {\"b\": \"x\"}]")], "[1,{\"b\":\"x\"}]");
    check("STRIP_NULL_VALUE", &[variant("null")], "NULL");
    check("STRIP_NULL_VALUE", &[variant("0")], "0");
}

#[test]
fn paths_find_values_or_null() {
    let document = || variant("{\"a\":{\"B\":[1,,{\"k\":\"v\"}]},\"Key\":null}");
    check("GET_PATH", &[document(), text("a.B[2].k")], "\"v\"");
    check("GET_PATH", &[document(), text("a.b")], "NULL");
    check("GET_PATH", &[document(), text("a.B[1]")], "NULL");
    check("GET_PATH", &[document(), text("Key")], "null");
    check(
        "GET_PATH",
        &[text("x"), text("a")],
        "Invalid argument types for function 'GET_PATH': (VARCHAR(16777216), VARCHAR(16777216))",
    );
    check("GET", &[document(), text("Key")], "null");
    check("GET", &[json("[5,6]"), number(1)], "6");
    check("GET", &[json("[5,6]"), number(-1)], "NULL");
    check("GET", &[json("[5,6]"), number(2)], "NULL");
    check("GET", &[json("[5,6]"), text("a")], "NULL");
    check("GET_IGNORE_CASE", &[document(), text("A")], "{\"B\":[1,undefined,{\"k\":\"v\"}]}");
    check("JSON_EXTRACT_PATH_TEXT", &[text("{\"a\":{\"b\":1.50}}"), text("a.b")], "1.5");
    check("JSON_EXTRACT_PATH_TEXT", &[text("{\"a\":null}"), text("a")], "NULL");
    assert!(call("GET_PATH", &[document(), text("a..b")]).is_err());
}

#[test]
fn objects_are_built_and_changed() {
    let object = || json("{\"a\":1,\"b\":null}");
    check("OBJECT_CONSTRUCT", &[], "{}");
    let pairs = [text("b"), number(1), text("a"), null(), null(), number(2)];
    check("OBJECT_CONSTRUCT", &pairs, "{\"b\":1}");
    check("OBJECT_CONSTRUCT_KEEP_NULL", &pairs, "{\"a\":null,\"b\":1}");
    let twice = [text("a"), number(1), text("a"), number(2)];
    assert_eq!(call("OBJECT_CONSTRUCT", &twice).unwrap_err().code(), ErrorCode::DuplicateKey);
    check(
        "OBJECT_CONSTRUCT",
        &[text("a")],
        "not enough arguments for function [OBJECT_CONSTRUCT], expected 2, got 1",
    );
    check("OBJECT_INSERT", &[object(), text("0"), text("x")], "{\"0\":\"x\",\"a\":1,\"b\":null}");
    check("OBJECT_INSERT", &[object(), text("a"), number(9)], "Duplicate field key 'a'");
    check(
        "OBJECT_INSERT",
        &[object(), text("a"), number(9), boolean(true)],
        "{\"a\":9,\"b\":null}",
    );
    check("OBJECT_INSERT", &[object(), text("c"), null()], "{\"a\":1,\"b\":null}");
    check(
        "OBJECT_INSERT",
        &[object(), text("c"), variant("null")],
        "{\"a\":1,\"b\":null,\"c\":null}",
    );
    check("OBJECT_DELETE", &[object(), text("b"), text("z")], "{\"a\":1}");
    check("OBJECT_PICK", &[object(), text("b"), text("z")], "{\"b\":null}");
    check("OBJECT_PICK", &[object(), json("[\"a\"]")], "{\"a\":1}");
    check("OBJECT_KEYS", &[object()], "[\"a\",\"b\"]");
    check(
        "ARRAYS_TO_OBJECT",
        &[json("[\"k\",2]"), json("[1]")],
        "Input arrays to ARRAYS_TO_OBJECT have different lengths",
    );
    check("ARRAYS_TO_OBJECT", &[json("[\"k\",2]"), json("[1,[]]")], "{\"2\":[],\"k\":1}");
}

#[test]
fn arrays_are_built() {
    check("ARRAY_CONSTRUCT", &[], "[]");
    check(
        "ARRAY_CONSTRUCT",
        &[number(1), null(), variant("null"), text("x")],
        "[1,undefined,null,\"x\"]",
    );
    check("ARRAY_CONSTRUCT_COMPACT", &[null(), variant("null"), number(2)], "[null,2]");
    check("ARRAY_APPEND", &[json("[1]"), null()], "[1,undefined]");
    check("ARRAY_APPEND", &[null(), number(1)], "NULL");
    check("ARRAY_PREPEND", &[json("[1]"), json("{}")], "[{},1]");
    check("ARRAY_INSERT", &[json("[0,1,2]"), number(-1), text("x")], "[0,1,\"x\",2]");
    check("ARRAY_INSERT", &[json("[0]"), number(3), text("x")], "[0,undefined,undefined,\"x\"]");
    check("ARRAY_CAT", &[json("[1]"), json("[[2]]")], "[1,[2]]");
    check("ARRAY_CAT", &[json("[1]"), null()], "NULL");
    check("ARRAY_REPEAT", &[text("x"), number(2)], "[\"x\",\"x\"]");
    check("ARRAY_GENERATE_RANGE", &[number(2), number(5)], "[2,3,4]");
    check("ARRAY_GENERATE_RANGE", &[number(5), number(0), number(-2)], "[5,3,1]");
    check("ARRAY_GENERATE_RANGE", &[number(5), number(5)], "[]");
    check(
        "ARRAY_GENERATE_RANGE",
        &[number(1), number(5), number(0)],
        "Step size of ARRAY_GENERATE_RANGE must not be 0",
    );
    assert!(call("ARRAY_GENERATE_RANGE", &[number(0), number(i64::MAX)]).is_err());
    check(
        "ARRAYS_ZIP",
        &[json("[1,2]"), json("[3]")],
        "[{\"$1\":1,\"$2\":3},{\"$1\":2,\"$2\":null}]",
    );
    check("SPLIT", &[text("|a||"), text("|")], "[\"\",\"a\",\"\",\"\"]");
    check("SPLIT", &[text("ab"), text("")], "[\"ab\"]");
    check("STRTOK_TO_ARRAY", &[text(" a  b ")], "[\"a\",\"b\"]");
}

#[test]
fn arrays_are_cut_and_sorted() {
    let seven = || json("[0,1,2,3,4,5,6]");
    check("ARRAY_SLICE", &[seven(), number(0), number(-2)], "[0,1,2,3,4]");
    check("ARRAY_SLICE", &[seven(), number(-5), number(-3)], "[2,3]");
    check("ARRAY_SLICE", &[seven(), number(10), number(12)], "[]");
    check("ARRAY_SLICE", &[seven(), number(5), number(2)], "[]");
    check("ARRAY_COMPACT", &[json("[1,,null,2]")], "[1,2]");
    check("ARRAY_REMOVE", &[json("[1,2,1.0]"), number(1)], "[2]");
    check("ARRAY_REMOVE_AT", &[json("[1,2]"), number(5)], "[1,2]");
    check("ARRAY_REMOVE_AT", &[json("[1,2]"), number(-2)], "[2]");
    check("ARRAY_REVERSE", &[json("[1,,\"x\"]")], "[\"x\",undefined,1]");
    check("ARRAY_SORT", &[json("[20,,0,null,10]")], "[0,10,20,null,undefined]");
    check("ARRAY_SORT", &[json("[20,,0]"), boolean(false)], "[undefined,20,0]");
    check("ARRAY_SORT", &[json("[20,,0]"), boolean(true), boolean(true)], "[undefined,0,20]");
    check("ARRAY_FLATTEN", &[json("[[1],[[2],null]]")], "[1,[2],null]");
    check(
        "ARRAY_FLATTEN",
        &[json("[[1],2]")],
        "Not an array: 'Input argument to ARRAY_FLATTEN is not an array of arrays'",
    );
    check("ARRAY_FLATTEN", &[json("[[1],,]")], "NULL");
    check("ARRAY_DISTINCT", &[json("[1,\"a\",1.0,,\"a\",undefined]")], "[1,\"a\",undefined]");
    check("ARRAY_EXCEPT", &[json("[1,2,2,3]"), json("[2,4]")], "[1,2,3]");
    check("ARRAY_INTERSECTION", &[json("[1,2,2,3]"), json("[2,3,3]")], "[2,3]");
}

#[test]
fn arrays_are_asked() {
    check("ARRAY_SIZE", &[json("[1,,3]")], "3");
    check("ARRAY_SIZE", &[variant("{\"a\":1}")], "NULL");
    check("ARRAY_SIZE", &[null()], "NULL");
    check("ARRAY_CONTAINS", &[variant("\"a\""), json("[\"a\"]")], "true");
    check("ARRAY_CONTAINS", &[number(3), json("[1]")], "false");
    check("ARRAY_CONTAINS", &[null(), json("[1]")], "NULL");
    check("ARRAY_CONTAINS", &[null(), json("[1,,2]")], "true");
    assert_eq!(
        call("ARRAY_CONTAINS", &[text("a"), json("[1]")]).unwrap_err().code(),
        ErrorCode::InvalidArgumentTypes
    );
    check("ARRAY_POSITION", &[variant("2"), json("[1,2,2]")], "1");
    check("ARRAY_POSITION", &[variant("3"), json("[1]")], "NULL");
    check("ARRAY_MAX", &[json("[20,,1e2,null]")], "1.000000000000000e+02");
    check("ARRAY_MIN", &[json("[]")], "NULL");
    check("ARRAY_MIN", &[json("[,null]")], "null");
    check(
        "ARRAY_TO_STRING",
        &[json("[\"A\",,\"B\",1.50,{\"a\":1}]"), text(", ")],
        "A, , B, 1.5, {\"a\":1}",
    );
    check("ARRAYS_OVERLAP", &[json("[1,2]"), json("[2.0]")], "true");
    check("ARRAYS_OVERLAP", &[json("[1,2]"), json("[]")], "false");
}

#[test]
fn urls_are_cut_into_parts() {
    check(
        "PARSE_URL",
        &[text("HTTP://USER:PASS@EXAMPLE.INT:4345/HELLO.PHP?USER=1")],
        "{\"fragment\":null,\"host\":\"USER:PASS@EXAMPLE.INT\",\"parameters\":{\"USER\":\"1\"},\
         \"path\":\"HELLO.PHP\",\"port\":\"4345\",\"query\":\"USER=1\",\"scheme\":\"http\"}",
    );
    check(
        "PARSE_URL",
        &[text("mailto:abc@xyz.com")],
        "{\"fragment\":null,\"host\":null,\"parameters\":null,\"path\":\"abc@xyz.com\",\
         \"port\":null,\"query\":null,\"scheme\":\"mailto\"}",
    );
    check("PARSE_URL", &[text("a.b/c?d")], "Error parsing URL: scheme not specified");
    check("PARSE_URL", &[text("a.b/c"), number(1)], "{\"error\":\"scheme not specified\"}");
    check("PARSE_URL", &[text("http://a:x/")], "Error parsing URL: invalid port");
}

#[test]
fn types_inside_are_named_and_tested() {
    for (value, name, is_integer, is_decimal, is_double) in [
        ("-17", "INTEGER", true, true, true),
        ("123.12", "DECIMAL", false, true, true),
        ("1.912e2", "DOUBLE", false, false, true),
        ("\"x\"", "VARCHAR", false, false, false),
        ("true", "BOOLEAN", false, false, false),
        ("[]", "ARRAY", false, false, false),
        ("{}", "OBJECT", false, false, false),
        ("null", "NULL_VALUE", false, false, false),
    ] {
        check("TYPEOF", &[variant(value)], name);
        check("IS_INTEGER", &[variant(value)], &is_integer.to_string());
        check("IS_DECIMAL", &[variant(value)], &is_decimal.to_string());
        check("IS_REAL", &[variant(value)], &is_double.to_string());
        check("IS_NULL_VALUE", &[variant(value)], &(value == "null").to_string());
    }
    check("TYPEOF", &[null()], "NULL");
    check("IS_ARRAY", &[null()], "NULL");
    check("AS_INTEGER", &[variant("42.0")], "42");
    check("AS_INTEGER", &[variant("4.2")], "NULL");
    check("AS_DOUBLE", &[variant("4.5")], "4.5");
    check("AS_CHAR", &[variant("\"x\"")], "x");
    check("AS_VARCHAR", &[variant("1")], "NULL");
    check("AS_ARRAY", &[variant("[1]")], "[1]");
    check("AS_OBJECT", &[variant("[1]")], "NULL");
}

#[test]
fn casts_go_both_ways() {
    let context = FunctionContext::default();
    let cast = |(value, from): Given, to| cast_value(&value, from, to, CastMode::Strict, &context);
    let instant = Value::TimestampTz(TimestampTz { utc_nanos: 5, offset_minutes: 90 });
    for (value, sql_type) in [
        (Value::Date(-3), SqlType::Date),
        (Value::Time(1), SqlType::TIME),
        (Value::Timestamp(-1), SqlType::TIMESTAMP_NTZ),
        (Value::Timestamp(7), SqlType::TIMESTAMP_LTZ),
        (instant, SqlType::TIMESTAMP_TZ),
        (Value::Boolean(true), SqlType::Boolean),
        (Value::Float(0.5), SqlType::Float),
        (Value::Binary([1, 2].as_slice().into()), SqlType::BINARY),
        (Value::Number(Decimal { unscaled: 150, scale: 2 }), SqlType::number(10, 2)),
        (Value::text("x"), SqlType::TEXT),
    ] {
        let inside = cast((value.clone(), sql_type), SqlType::Variant).unwrap();
        assert_eq!(cast((inside, SqlType::Variant), sql_type).unwrap(), value);
    }
    for (value, to, expected) in [
        ("null", SqlType::INTEGER, "NULL"),
        ("2.5", SqlType::INTEGER, "3"),
        ("true", SqlType::TEXT, "true"),
        ("1.230", SqlType::TEXT, "1.23"),
        ("1.23e0", SqlType::TEXT, "1.23"),
        ("{\"b\":[1,\"x\"]}", SqlType::TEXT, "{\"b\":[1,\"x\"]}"),
        ("7", SqlType::Array, "[7]"),
        ("7", SqlType::Float, "7"),
        ("\"12\"", SqlType::INTEGER, "12"),
        ("\"2024-01-02\"", SqlType::Date, "Date(19724)"),
        ("\"2024-01-02T03:04:05Z\"", SqlType::TIMESTAMP_NTZ, "Timestamp(1704164645000000000)"),
        // Eight hours before the epoch is what a clock in Los Angeles shows at it.
        ("0", SqlType::TIMESTAMP_NTZ, "Timestamp(-28800000000000)"),
        ("0", SqlType::TIMESTAMP_LTZ, "Timestamp(0)"),
        ("true", SqlType::INTEGER, "1"),
        ("0", SqlType::Boolean, "false"),
    ] {
        assert_eq!(show(&cast(variant(value), to).unwrap()), expected, "{value} to {to}");
    }
    for (value, to, expected) in [
        ("{\"b\":1}", SqlType::INTEGER, "Failed to cast variant value {\"b\":1} to FIXED"),
        ("\"abc\"", SqlType::INTEGER, "Numeric value 'abc' is not recognized"),
        ("5", SqlType::Date, "Failed to cast variant value 5 to DATE"),
        ("5", SqlType::Object, "Failed to cast variant value 5 to OBJECT"),
        ("100", SqlType::number(2, 0), "Numeric value '100' is out of range"),
    ] {
        assert_eq!(cast(variant(value), to).unwrap_err().detail(), expected, "{value} to {to}");
    }
}

#[test]
fn a_column_of_mixed_variants_keeps_the_order_of_its_rows() -> Result<()> {
    let context = FunctionContext::default();
    let values = ["1", "\"b\"", "null", "[2]", "1.5", "true"].map(|value| variant(value).0);
    let rows: Vec<Value> = values.into_iter().chain([Value::Null]).collect();
    let column = Column::from_values(SqlType::Variant, &rows)?;
    let texts = cast_column(&column, SqlType::Variant, SqlType::TEXT, CastMode::Strict, &context)?;
    let shown: Vec<String> = (0..7).map(|row| show(&texts.value(row, SqlType::TEXT))).collect();
    assert_eq!(shown, ["1", "b", "NULL", "[2]", "1.5", "true", "NULL"]);
    let tenths = SqlType::number(5, 1);
    let column = Column::from_values(SqlType::Variant, [&rows[4], &rows[3], &rows[0], &rows[2]])?;
    let numbers = cast_column(&column, SqlType::Variant, tenths, CastMode::Try, &context)?;
    let shown: Vec<Value> = (0..4).map(|row| numbers.value(row, tenths)).collect();
    let tenth = |unscaled| Value::Number(Decimal { unscaled, scale: 1 });
    assert_eq!(shown, [tenth(15), Value::Null, tenth(10), Value::Null]);
    Ok(())
}
