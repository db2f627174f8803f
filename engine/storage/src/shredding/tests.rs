//! What paths tell of documents, and values that are taken out of them.

use firn_column::Column;
use firn_types::variant::{JsonReader, JsonWriter, PlainText, Variant};
use firn_types::{FieldId, KeyPath, SqlType, Value};

use super::{FieldPaths, PathGathering, PathTree, PathType, PathValues, extract};

const FIELD: FieldId = FieldId(3);

fn values(documents: &[&str]) -> Column {
    let value = |document: &&str| {
        let mut bytes = Vec::new();
        let found = JsonReader::default().read(document, &mut bytes).expect("JSON");
        if found { Value::Variant(bytes.into()) } else { Value::Null }
    };
    let values: Vec<Value> = documents.iter().map(value).collect();
    Column::from_values(SqlType::Variant, &values).expect("values")
}

fn gathered(documents: &[&str]) -> FieldPaths {
    let mut gathering = PathGathering::new();
    gathering.add(&values(documents));
    gathering.finish(FIELD)
}

fn path(text: &str) -> KeyPath {
    KeyPath::parse(text).expect("a path")
}

fn at(paths: &FieldPaths, text: &str) -> (PathType, bool) {
    let PathValues { path_type, json_null } = paths.at(&path(text)).expect("known");
    (path_type, json_null)
}

#[test]
fn paths_know_the_types_of_their_values() {
    let paths = gathered(&[
        r#"{"a": 1, "b": {"c": "x", "d": null}, "e": [1]}"#,
        r#"{"a": 2.25, "b": {"c": "y", "d": true}, "f": 1e300}"#,
        r#"{"a": 300, "b": 5, "g": "text"}"#,
        r#"{"g": 7}"#,
        "17",
        "",
    ]);
    assert_eq!(at(&paths, "a"), (PathType::Number { scale: 2, whole_digits: 3 }, false));
    assert_eq!(at(&paths, "b"), (PathType::Other, false));
    assert_eq!(at(&paths, "b.c"), (PathType::Text, false));
    assert_eq!(at(&paths, "b.d"), (PathType::Boolean, true));
    assert_eq!(at(&paths, "e"), (PathType::Other, false));
    assert_eq!(at(&paths, "f"), (PathType::Float, false));
    assert_eq!(at(&paths, "g"), (PathType::Other, false));
    assert_eq!(at(&paths, "b.c.d"), (PathType::Absent, false));
    assert_eq!(at(&paths, "nothing"), (PathType::Absent, false));
}

#[test]
fn what_two_parts_know_is_put_together() {
    let both = gathered(&[r#"{"a": 1, "b": "x"}"#]).and(&gathered(&[r#"{"a": 0.5, "c": true}"#]));
    assert_eq!(at(&both, "a"), (PathType::Number { scale: 1, whole_digits: 1 }, false));
    assert_eq!(at(&both, "b"), (PathType::Text, false));
    assert_eq!(at(&both, "c"), (PathType::Boolean, false));
    let mixed = gathered(&[r#"{"a": 1}"#]).and(&gathered(&[r#"{"a": "1"}"#]));
    assert_eq!(at(&mixed, "a"), (PathType::Other, false));
    // Numbers that fit in no NUMBER together.
    let digits = "9".repeat(38);
    let wide = gathered(&[&format!(r#"{{"a": {digits}}}"#)]).and(&gathered(&[r#"{"a": 0.5}"#]));
    assert_eq!(at(&wide, "a"), (PathType::Other, false));
}

#[test]
fn objects_with_many_keys_are_known_in_part() {
    let documents: Vec<String> = (0..1000).map(|n| format!(r#"{{"key{n}": {n}}}"#)).collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let paths = gathered(&documents);
    assert!(!paths.complete && paths.paths.len() < 300, "{}", paths.paths.len());
    assert_eq!(at(&paths, "key0"), (PathType::Number { scale: 0, whole_digits: 1 }, false));
    assert_eq!(paths.at(&path("key999")), None);
    let with_another = paths.and(&gathered(&[r#"{"other": 1}"#]));
    assert_eq!(with_another.at(&path("other")), None, "the first part may have it");
}

#[test]
fn values_are_put_together_as_they_were() {
    let long = "long ".repeat(30);
    let documents = [
        r#"{"a": 1, "b": {"c": "x", "d": {"e": true}}, "f": 5e-1, "z": [1, {"a": 2}]}"#.to_string(),
        r#"{"a": 2.50, "b": {"c": null, "d": {}}, "f": 1e300, "odd key": 7}"#.to_string(),
        r#"{"a": -170141183460469231731687303715884105, "b": {"d": {"e": false, "x": 1}}, "f": 0e0}"#.to_string(),
        format!(r#"{{"b": {{"c": "{long}"}}, "f": -3e-5, "a": null}}"#),
        r#"{"b": null, "a": 0}"#.to_string(),
        r#"{"b": {}, "aa": 1, "zz": {"a": 5}}"#.to_string(),
        "{}".to_string(),
        "[{\"a\": 1}]".to_string(),
        "null".to_string(),
        "\"text\"".to_string(),
        String::new(),
    ];
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let whole = values(&documents);
    let types = [
        ("f", SqlType::Float),
        ("b.c", SqlType::TEXT),
        ("a", SqlType::Number { precision: 38, scale: 1 }),
        ("b.d.e", SqlType::Boolean),
    ];
    let paths: Vec<KeyPath> = types.iter().map(|(text, _)| path(text)).collect();
    let tree = PathTree::new(paths.iter());
    let rest = tree.take_apart(&whole).expect("the rest");
    let sub_columns: Vec<Column> = types
        .iter()
        .map(|(text, sql_type)| extract(&whole, &path(text), *sql_type).expect("typed values"))
        .collect();
    let types = types.map(|(_, sql_type)| sql_type);
    let again = tree.put_together(&rest, &sub_columns, &types).expect("the whole");
    let value = |column: &Column, row: usize| column.value(row, SqlType::Variant);
    let text = |column: &Column, row: usize| match value(column, row) {
        Value::Variant(bytes) => JsonWriter::compact(&PlainText).text(Variant::new(&bytes)),
        other => format!("{other:?}"),
    };
    for (row, document) in documents.iter().enumerate() {
        assert_eq!(text(&again, row), text(&whole, row), "{document}");
    }
    let lengths = |column: &Column| {
        let bytes = |row| match value(column, row) {
            Value::Variant(bytes) => bytes.len(),
            _ => 0,
        };
        (0..5).map(bytes).collect::<Vec<_>>()
    };
    assert!(lengths(&rest).iter().zip(lengths(&whole)).all(|(rest, whole)| *rest < whole));
    assert!(["a", "b", "b.c", "b.d", "b.d.e"].iter().all(|text| tree.meets(&path(text))));
    assert!(["z", "b.x", "a.b", "b.d.x"].iter().all(|text| !tree.meets(&path(text))));
}

#[test]
fn values_are_taken_out_as_their_type() {
    let documents = values(&[r#"{"a": {"b": 1.5}}"#, r#"{"a": {"b": null}}"#, r#"{"a": 1}"#, ""]);
    let numbers = SqlType::Number { precision: 38, scale: 2 };
    let found = extract(&documents, &path("a.b"), numbers).expect("numbers");
    let found: Vec<String> = (0..4).map(|row| format!("{:?}", found.value(row, numbers))).collect();
    assert!(found[0].contains("150") && found[1..].iter().all(|v| v == "Null"), "{found:?}");
    extract(&documents, &path("a.b"), SqlType::TEXT).expect_err("they are no texts");
}
