//! Parsing, errors, merging, and the way back to texts.

use super::*;

fn word(name: &str, word: &str) -> NamedOption {
    (name.to_owned(), OptionValue::Word(word.to_owned()))
}

fn text(name: &str, text: &str) -> NamedOption {
    (name.to_owned(), OptionValue::Text(text.to_owned()))
}

#[test]
fn bad_options_are_named_as_written() {
    let number = |name: &str, number| (name.to_owned(), OptionValue::Number(number));
    let cases = [
        (vec![word("BOGUS", "X")], "invalid parameter 'BOGUS'"),
        (vec![number("SKIP_HEADER", -1)], "invalid value [-1] for parameter 'SKIP_HEADER'"),
        (vec![text("TYPE", "BOGUS")], "invalid value ['BOGUS'] for parameter 'TYPE'"),
        (vec![word("COMPRESSION", "rar")], "invalid value [rar] for parameter 'COMPRESSION'"),
        (vec![text("ESCAPE", "ab")], "invalid value ['ab'] for parameter 'ESCAPE'"),
        (
            vec![text("FIELD_OPTIONALLY_ENCLOSED_BY", "x")],
            "invalid value ['x'] for parameter 'FIELD_OPTIONALLY_ENCLOSED_BY'",
        ),
        (
            vec![word("PARSE_HEADER", "TRUE"), number("SKIP_HEADER", 1)],
            "PARSE_HEADER and SKIP_HEADER cannot be combined",
        ),
        (
            vec![text("FIELD_DELIMITER", "a"), text("RECORD_DELIMITER", "ab")],
            "RECORD_DELIMITER and FIELD_DELIMITER may not be a substring of each other",
        ),
        (
            vec![word("TYPE", "JSON"), word("PARSE_HEADER", "TRUE")],
            "invalid parameter 'PARSE_HEADER'",
        ),
    ];
    for (given, expected) in cases {
        let error = FormatDefinition::parse(&given).unwrap_err();
        assert_eq!(error.detail(), expected);
        assert_eq!(error.code(), ErrorCode::InvalidParameterValue);
    }
    let error = CopyOptions::parse(&[word("MATCH_BY_COLUMN_NAME", "X")]).unwrap_err();
    assert_eq!(error.detail(), "Invalid value 'X' for parameter MATCH_BY_COLUMN_NAME.");
    let xml = FormatDefinition::parse(&[word("TYPE", "XML")]).unwrap();
    assert_eq!(xml.typed().unwrap_err().code(), ErrorCode::UnsupportedFeature);
}

#[test]
fn a_format_survives_its_pairs_and_shows_its_options() {
    let given = [
        word("TYPE", "csv"),
        text("FIELD_DELIMITER", "\\x01"),
        text("RECORD_DELIMITER", "\\n"),
        text("ESCAPE_UNENCLOSED_FIELD", "\\\\"),
        ("NULL_IF".to_owned(), OptionValue::List(vec![OptionValue::Text("NA".to_owned())])),
        word("DATE_FORMAT", "AUTO"),
    ];
    let format = FormatDefinition::parse(&given).unwrap();
    let again = FormatDefinition::parse(&format.pairs()).unwrap();
    assert_eq!(format, again);
    let FileFormat::Csv(options) = again.typed().unwrap() else { panic!() };
    assert_eq!(options.field_delimiter.as_deref(), Some("\u{1}"));
    assert_eq!(options.escape_unenclosed_field, Some(b'\\'));
    let rows = format.describe();
    let row = |name: &str| {
        let row = rows.iter().find(|row| row.property == name).unwrap();
        format!("{} {} {}", row.property_type, row.value, row.default)
    };
    assert_eq!(row("NULL_IF"), "List [NA] [\\\\N]");
    assert_eq!(row("RECORD_DELIMITER"), "String \\n \\n");
    assert_eq!(row("SKIP_HEADER"), "Integer 0 0");
    assert_eq!(row("TRIM_SPACE"), "Boolean false false");
    let json = format.to_json();
    assert!(
        json.starts_with(
            "{\"TYPE\":\"CSV\",\"RECORD_DELIMITER\":\"\\n\",\"FIELD_DELIMITER\":\"\\u0001\",\
             \"FILE_EXTENSION\":null,\"SKIP_HEADER\":0,"
        ),
        "{json}"
    );
}

#[test]
fn the_statement_counts_before_the_stage() {
    let stage = CopyOptions::parse(&[word("ON_ERROR", "CONTINUE"), word("PURGE", "TRUE")]).unwrap();
    let statement = CopyOptions::parse(&[text("ON_ERROR", "skip_file_3%")]).unwrap();
    let merged = statement.over(&stage);
    assert_eq!(merged.on_error(), OnError::SkipFilePercent(3));
    assert!(merged.purge() && !merged.force());
    let stage = FormatDefinition::parse(&[text("FIELD_DELIMITER", "|")]).unwrap();
    let inline = FormatDefinition::parse(&[word("TRIM_SPACE", "TRUE")]).unwrap();
    let FileFormat::Csv(options) =
        FormatDefinition::chosen(Some(&inline), Some(&stage), None).typed().unwrap()
    else {
        panic!()
    };
    assert_eq!((options.field_delimiter.as_deref(), options.trim_space), (Some(","), true));
}
