//! Round trips, and what the facts say about texts, order and paths.

use std::cmp::Ordering;

use super::value::code;
use super::*;
use crate::value::TimestampTz;
use crate::{Decimal, Result};

fn parse(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(JsonReader::default().read(text, &mut out).unwrap(), "blank: {text}");
    validate(&out).unwrap();
    out
}

fn compact(bytes: &[u8]) -> String {
    JsonWriter::compact(&PlainText).text(Variant::new(bytes))
}

fn fault(text: &str) -> String {
    JsonReader::default().read(text, &mut Vec::new()).unwrap_err().detail().to_string()
}

#[test]
fn texts_come_back_compact_and_sorted() {
    for (text, expected) in [
        (r#" {"b" : 1, "a":"x"} "#, r#"{"a":"x","b":1}"#),
        ("[1, ,77]", "[1,undefined,77]"),
        ("[1,null,undefined,]", "[1,null,undefined,undefined]"),
        ("[,]", "[undefined,undefined]"),
        ("[FALSE,Null,TRUE]", "[false,null,true]"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("{'k': 'it\\'s', plain_1: [ ], x: {y: {}}}", r#"{"k":"it's","plain_1":[],"x":{"y":{}}}"#),
        ("{a: undefined, b: 1,}", r#"{"b":1}"#),
        (r#""é/\u00e9\ud83d\ude00\n\u0001\"\\""#, "\"é/é😀\\n\\u0001\\\"\\\\\""),
        (r#""\ud800""#, "\"\u{fffd}\""),
        ("5.000", "5"),
        ("-0.50", "-0.5"),
        ("1.912e2", "1.912000000000000e+02"),
        ("1e-7", "1.000000000000000e-07"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ("999999999999999999999999999999999999990", "9.999999999999999e+38"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("-170141183460469231731687303715884105729", "-1.701411834604692e+38"),
        (
            "[-129,-128,127,128,32768,2147483648,9223372036854775808]",
            "[-129,-128,127,128,32768,2147483648,9223372036854775808]",
        ),
        ("true", "true"),
    ] {
        let bytes = parse(text);
        assert_eq!(compact(&bytes), expected, "{text}");
        assert_eq!(compact(&parse(expected)), expected, "again {text}");
    }
}

#[test]
fn bad_texts_say_what_and_where() {
    for (text, expected) in [
        ("abc", "unknown keyword \"abc\", pos 4"),
        ("{'Malformed -- missing val':}", "misplaced }, pos 29"),
        ("{", "incomplete object value, pos 2"),
        ("[1", "incomplete array value, pos 3"),
        ("[1 2]", "missing comma, pos 4"),
        ("{\"a\" 1}", "missing colon, pos 6"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "duplicate object attribute \"a\", pos 17"),
        ("\"abc", "unfinished string, pos 5"),
        ("\"\\u12\"", "invalid unicode escape, pos 4"),
        ("1 2", "more than one document in the input, pos 3"),
        ("1e999", "number out of range, pos 6"),
        ("-", "incomplete object value, pos 2"),
        ("#", "invalid character outside of a string: '#', pos 1"),
        ("[}", "misplaced }, pos 2"),
        ("é", "unknown keyword \"é\", pos 2"),
    ] {
        assert_eq!(fault(text), format!("Error parsing JSON: {expected}"), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(fault(&deep).contains("nested too deeply"));
    let mut out = Vec::new();
    assert!(!JsonReader::default().read(" \n", &mut out).unwrap());
    assert!(out.is_empty());
}

#[test]
fn repeated_keys_may_keep_the_last_value() -> Result<()> {
    let mut out = Vec::new();
    JsonReader::new(RepeatedKey::KeepLast).read("{\"b\":0,\"a\":1,\"a\":[2]}", &mut out)?;
    assert_eq!(compact(&out), r#"{"a":[2],"b":0}"#);
    Ok(())
}

#[test]
fn pretty_text_has_one_member_per_line() {
    let bytes = parse(r#"{"a": 1, "b": [77, null], "c": {}, "d": []}"#);
    let text = JsonWriter::pretty(&PlainText, 2).text(Variant::new(&bytes));
    let expected =
        "{\n  \"a\": 1,\n  \"b\": [\n    77,\n    null\n  ],\n  \"c\": {},\n  \"d\": []\n}";
    assert_eq!(text, expected);
}

#[test]
fn a_reader_keeps_nothing_between_values_and_reads_several() -> Result<()> {
    let text = "{\"a\":1,\"b\":2} {\"b\":3}\n[{\"c\":1}] 7";
    let (mut reader, mut at, mut found) = (JsonReader::default(), 0, Vec::new());
    loop {
        let mut out = Vec::new();
        if !reader.read_next(text, &mut at, &mut out)? {
            break;
        }
        validate(&out)?;
        found.push(compact(&out));
    }
    assert_eq!(found, [r#"{"a":1,"b":2}"#, r#"{"b":3}"#, r#"[{"c":1}]"#, "7"]);
    Ok(())
}

/// Values of every kind, in an object with keys in bad order and in an array.
fn all_kinds() -> Result<Vec<u8>> {
    let mut builder = Builder::new();
    builder.begin_object()?;
    builder.key("z");
    builder.timestamp_tz(TimestampTz { utc_nanos: 1, offset_minutes: -480 });
    builder.key("y");
    builder.timestamp_ltz(1);
    builder.key("x");
    builder.time(86_399_999_999_999);
    builder.key("w");
    builder.time(1_000_000_000);
    builder.key("v");
    builder.null();
    builder.key("u");
    builder.begin_array()?;
    builder.undefined();
    builder.null();
    builder
        .timestamp_tz(TimestampTz { utc_nanos: 253_402_300_799_000_000_000, offset_minutes: -60 });
    builder.timestamp_ntz(0);
    builder.binary(&[1, 0xAB]);
    builder.date(-1);
    builder.text(&"long ".repeat(20));
    builder.float(-0.1);
    builder.decimal(Decimal { unscaled: 12_345_678_901_234_567_890, scale: 3 });
    builder.end_array()?;
    builder.end_object()?;
    let mut out = Vec::new();
    builder.finish(&mut out)?;
    Ok(out)
}

const ALL_KINDS: &str = concat!(
    r#"{"u":[undefined,null,"9999-12-31 22:59:59.000 -0100","1970-01-01 00:00:00.000","01AB","#,
    r#""1969-12-31","long long long long long long long long long long long long long long long "#,
    r#"long long long long long ",-1.000000000000000e-01,12345678901234567.89],"v":null,"#,
    r#""w":"00:00:01","x":"23:59:59","y":"1970-01-01 00:00:00.000 Z","#,
    r#""z":"1969-12-31 16:00:00.000 -0800"}"#
);

#[test]
fn every_kind_is_written_read_copied_and_extracted() -> Result<()> {
    let bytes = all_kinds()?;
    validate(&bytes)?;
    assert_eq!(compact(&bytes), ALL_KINDS);
    let value = Variant::new(&bytes);
    assert!(matches!(value.get("x").unwrap().item(), Item::Time(86_399_999_999_999)));
    assert_eq!(value.get("z").unwrap().item().type_name(), "TIMESTAMP_TZ");
    assert_eq!(value.get("y").unwrap().item().type_name(), "TIMESTAMP_LTZ");
    let mut builder = Builder::new();
    builder.copy(value)?;
    let mut copy = Vec::new();
    builder.finish(&mut copy)?;
    assert_eq!(compact(&copy), ALL_KINDS);
    for key in ["u", "v", "w", "x", "y", "z"] {
        let mut part = Vec::new();
        let inner = value.get(key).unwrap();
        builder.extract(inner, &mut part)?;
        validate(&part)?;
        assert!(compare::equal(Variant::new(&part), inner), "{key}");
        assert_eq!(Variant::new(&part).item().type_name(), inner.item().type_name());
    }
    Ok(())
}

#[test]
fn undefined_is_a_null_for_others() {
    let bytes = parse("[,null]");
    let (metadata, value) = split(&bytes);
    assert_eq!(metadata, code::EMPTY_METADATA);
    // Array of two, offsets 0, 2 and 3, then a null with padding and a null.
    assert_eq!(value, [0x03, 2, 0, 2, 3, 0, 0xFF, 0]);
    let array = Variant::new(&bytes);
    assert!(array.at(0).unwrap().is_undefined() && array.at(0).unwrap().is_null());
    assert!(!array.at(1).unwrap().is_undefined() && array.at(1).unwrap().is_null());
    assert!(array.walk(&[Step::Index(0)]).is_none());
    assert!(array.walk(&[Step::Index(1)]).is_some());
}

#[test]
fn large_values_take_wide_offsets() {
    let many: Vec<String> = (0..70_000).map(|n| format!("\"key {n:05}\":{n}")).collect();
    let text = format!("{{{}}}", many.join(","));
    let bytes = parse(&text);
    assert_eq!(compact(&bytes), text);
    let found = Variant::new(&bytes).get("key 65537").unwrap();
    assert!(matches!(found.item(), Item::Number(Decimal { unscaled: 65537, .. })));
    assert!(Variant::new(&bytes).get("key 70000").is_none());
    let numbers: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let array = format!("[{}]", numbers.join(","));
    assert_eq!(compact(&parse(&array)), array);
}

#[test]
fn numbers_compare_by_value_and_types_apart() {
    let order =
        |a: &str, b: &str| compare::compare(Variant::new(&parse(a)), Variant::new(&parse(b)));
    for (a, b, expected) in [
        ("1", "1.0", Ordering::Equal),
        ("1", "1e0", Ordering::Equal),
        ("0.1", "1e-1", Ordering::Equal),
        ("0.1", "0.10000000000000000001", Ordering::Less),
        ("1.5", "-2.25", Ordering::Greater),
        ("-1.5", "-1.25", Ordering::Less),
        ("99999999999999999999999999999999999999", "1e39", Ordering::Less),
        ("1e-300", "0", Ordering::Greater),
        ("-1e-300", "0", Ordering::Less),
        ("-1", "-1e300", Ordering::Greater),
        ("-12", "-11.9", Ordering::Less),
        ("120", "119.99e0", Ordering::Greater),
        ("100", "99", Ordering::Greater),
        ("'a'", "'a\\u0000'", Ordering::Less),
        ("NaN", "Infinity", Ordering::Greater),
        ("'1'", "1", Ordering::Greater),
        ("null", "'x'", Ordering::Greater),
        ("[1,2]", "[1,2.0]", Ordering::Equal),
        ("[1,2]", "[1]", Ordering::Greater),
        ("{a:1,b:2}", "{b:2,a:1e0}", Ordering::Equal),
        ("{a:1}", "{b:0}", Ordering::Less),
    ] {
        assert_eq!(order(a, b), expected, "{a} {b}");
        assert_eq!(order(b, a), expected.reverse(), "{b} {a}");
        let key = |text: &str| {
            let mut key = Vec::new();
            compare::sort_key(Variant::new(&parse(text)), &mut key);
            key
        };
        assert_eq!(key(a).cmp(&key(b)), expected, "{a} {b}");
    }
}

#[test]
fn paths_are_read_and_written() -> Result<()> {
    for (text, shown) in [
        ("a.b[0]['k']", "a.b[0].k"),
        ("[3].x", "[3].x"),
        ("\"company name\".y", "['company name'].y"),
        ("a:b", "a.b"),
        ("", ""),
    ] {
        assert_eq!(Path::parse(text)?.to_string(), shown, "{text}");
        assert_eq!(Path::parse(shown)?.to_string(), shown, "{text}");
    }
    for text in ["a..b", "a[", "a[x]", "a['x]", "."] {
        assert!(Path::parse(text).unwrap_err().detail().contains(text), "{text}");
    }
    let bytes = parse(r#"{"a":{"b":[{"k":"found"}],"B":1}}"#);
    let walk = |text: &str| Variant::new(&bytes).walk(&Path::parse(text).unwrap().steps);
    assert!(matches!(walk("a.b[0].k").unwrap().item(), Item::Text("found")));
    for missing in ["A.b", "a.b[1]", "a.b[-1]", "a.b.k", "a[0]"] {
        assert!(walk(missing).is_none(), "{missing}");
    }
    Ok(())
}

#[test]
fn broken_bytes_are_found_and_never_panic() -> Result<()> {
    let good = all_kinds()?;
    let mut state = 1_u32;
    for round in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=round % 3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bytes.len();
            bytes[at] = state as u8 ^ (state >> 11) as u8;
        }
        bytes.truncate(bytes.len() - round % 2 * (state as usize % bytes.len()));
        if validate(&bytes).is_ok() {
            let text = compact(&bytes);
            assert!(!text.is_empty());
        }
    }
    assert!(validate(&[]).is_err());
    assert!(validate(&[0x11, 0, 0]).is_err());
    assert!(validate(&[0x12, 0, 0, 0]).is_err());
    Ok(())
}

#[test]
fn random_documents_come_back() {
    let mut state = 7_u64;
    let mut next = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for _ in 0..500 {
        let mut text = String::new();
        document(&mut next, 0, &mut text);
        let bytes = parse(&text);
        assert_eq!(compact(&bytes), text);
        let pretty = JsonWriter::pretty(&PlainText, 3).text(Variant::new(&bytes));
        assert!(compare::equal(Variant::new(&parse(&pretty)), Variant::new(&bytes)));
    }
}

fn document(next: &mut impl FnMut(u64) -> u64, depth: u64, out: &mut String) {
    match next(if depth > 4 { 6 } else { 9 }) {
        0 => out.push_str("null"),
        1 => out.push_str("false"),
        2 => out.push_str(&(next(1 << 40) as i64 - (1 << 39)).to_string()),
        3 => out.push_str(&format!("{}.{}5", next(1000), next(1 << 30))),
        4 => json_write::write_float(next(1 << 50) as f64 / 1024.5, out),
        5 => json_write::write_quoted(&"aß\"\\\u{1}\n漢".repeat(next(12) as usize), out),
        6 | 7 => {
            out.push('{');
            for member in 0..next(6) {
                out.push_str(if member > 0 { "," } else { "" });
                out.push_str(&format!("\"k{member}{}\":", "x".repeat(next(9) as usize)));
                document(next, depth + 1, out);
            }
            out.push('}');
        }
        _ => {
            out.push('[');
            for member in 0..next(6) {
                out.push_str(if member > 0 { "," } else { "" });
                document(next, depth + 1, out);
            }
            out.push(']');
        }
    }
}
