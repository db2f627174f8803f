//! The reader as a whole: cases of the grammar, errors, and chunks cut anywhere.

use std::sync::Arc;

use firn_types::{ErrorCode, Result, SqlType, Value};
use object_store::memory::InMemory;

use super::{CsvFile, CsvPlan, text_sinks};
use crate::options::{CsvOptions, FileFormat, FormatDefinition, NamedOption, OptionValue};
use crate::row_error::{LoadTarget, RowError};
use crate::stage::{ObjectStage, Stage, put_bytes};

type Rows = Vec<Vec<Option<String>>>;

fn options(given: &[(&str, &str)]) -> CsvOptions {
    let given: Vec<NamedOption> = given
        .iter()
        .map(|(name, value)| {
            let value = match (*value, value.parse()) {
                (_, Ok(number)) => OptionValue::Number(number),
                ("TRUE" | "FALSE" | "NONE", _) => OptionValue::Word((*value).to_owned()),
                _ => OptionValue::Text((*value).to_owned()),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    match FormatDefinition::parse(&given).unwrap().typed().unwrap() {
        FileFormat::Csv(options) => options,
        other => panic!("{other:?}"),
    }
}

/// All rows, with their numbers, and all errors, read in chunks of about `chunk_bytes`.
fn read_in_chunks(
    text: &[u8],
    options: &CsvOptions,
    columns: usize,
    chunk_bytes: usize,
) -> Result<(Vec<u64>, Rows, Vec<RowError>)> {
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "");
    put_bytes(&stage, "f.csv", text)?;
    let file = stage.find("f.csv")?.unwrap();
    let names = ["A", "B", "C", "D"].map(str::to_owned);
    let target = LoadTarget { table: "T".to_owned(), columns: names[..columns.min(4)].to_vec() };
    let plan = Arc::new(CsvPlan::new(options, (0..columns).collect(), Some(columns), target));
    let file = CsvFile::open_in_chunks(&stage, &file, options, chunk_bytes)?;
    let (mut numbers, mut rows, mut errors) = (Vec::new(), Rows::new(), Vec::new());
    while let Some(chunk) = file.next_chunk()? {
        let mut sinks = text_sinks(columns);
        chunk.parse(&plan, &mut sinks, |batch| {
            for row in 0..batch.batch.rows() {
                numbers.push(batch.row_number(row));
                let cell = |column: &firn_column::Column| match column.value(row, SqlType::TEXT) {
                    Value::Text(text) => Some(text.to_string()),
                    _ => None,
                };
                rows.push(batch.batch.columns().iter().map(cell).collect());
            }
            errors.extend(batch.errors);
            Ok(())
        })?;
    }
    Ok((numbers, rows, errors))
}

fn read(text: &[u8], given: &[(&str, &str)], columns: usize) -> (Rows, Vec<RowError>) {
    let (_, rows, errors) = read_in_chunks(text, &options(given), columns, 1 << 20).unwrap();
    (rows, errors)
}

fn shown(rows: &Rows) -> String {
    let row = |row: &Vec<Option<String>>| {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("~")).collect();
        cells.join("¦")
    };
    rows.iter().map(row).collect::<Vec<_>>().join("/")
}

const QUOTED: (&str, &str) = ("FIELD_OPTIONALLY_ENCLOSED_BY", "\"");
const ANY_WIDTH: (&str, &str) = ("ERROR_ON_COLUMN_COUNT_MISMATCH", "FALSE");

#[test]
fn fields_and_records_end_where_snowflake_ends_them() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let cases: &[Case] = &[
        ("a,b\nc,d\n", &[], "a¦b/c¦d"),
        ("a,b\r\nc,d", &[], "a¦b/c¦d"),
        ("a,\n,\\N\n", &[], "a¦~/~¦~"),
        ("\"a,b\"\n", &[], "\"a¦b\""),
        ("a\\,b,c\n", &[], "a,b¦c"),
        ("a\\\nb,c\n", &[], "a\nb¦c"),
        ("a\\,b\n", &[("ESCAPE_UNENCLOSED_FIELD", "NONE")], "a\\¦b"),
        ("\"a,b\",\"\"\n", &[QUOTED], "a,b¦"),
        ("\"a\"\"b\",\"x\ny\"\r\nc,\"d\"\r\n", &[QUOTED], "a\"b¦x\ny/c¦d"),
        ("\"a\\\"b\",c\n", &[QUOTED, ("ESCAPE", "\\")], "a\"b¦c"),
        (" \"a\",b\n", &[QUOTED], " \"a\"¦b"),
        (" \"a\" , b \n", &[QUOTED, ("TRIM_SPACE", "TRUE")], "a¦b"),
        ("a\"b,c\n", &[QUOTED], "a\"b¦c"),
        ("NA,\"NA\"\n", &[QUOTED, ("NULL_IF", "NA")], "~¦~"),
        ("a||b;;c||d", &[("FIELD_DELIMITER", "||"), ("RECORD_DELIMITER", ";;")], "a¦b/c¦d"),
        ("a\u{1}b\u{1e}", &[("FIELD_DELIMITER", "\\x01"), ("RECORD_DELIMITER", "0x1e")], "a¦b"),
        ("1|2|\n3|4|\n", &[("FIELD_DELIMITER", "|"), ANY_WIDTH], "1¦2/3¦4"),
        ("a\nb,c,d\n\n", &[ANY_WIDTH], "a¦~/b¦c/~¦~"),
        ("\na,b\n\r\n\nc,d\n", &[("SKIP_BLANK_LINES", "TRUE")], "a¦b/c¦d"),
        ("\u{feff}x,y\n", &[], "x¦y"),
        ("h1,\"h\nh\na,b\n", &[("SKIP_HEADER", "2"), QUOTED], "a¦b"),
        ("a,\n", &[("EMPTY_FIELD_AS_NULL", "FALSE")], "a¦"),
        ("", &[], ""),
    ];
    for (text, given, expected) in cases {
        let (rows, errors) = read(text.as_bytes(), given, 2);
        assert_eq!(shown(&rows), *expected, "{text:?} with {given:?}");
        assert_eq!(errors, [], "{text:?} with {given:?}");
    }
    let (rows, _) = read(b"a,b\nc\n", &[("FIELD_DELIMITER", "NONE")], 1);
    assert_eq!(shown(&rows), "a,b/c");
}

#[test]
fn chunks_cut_anywhere_give_the_same_rows_and_places() -> Result<()> {
    let nasty = "a,\"x\r\ny\"\"\"\"z\",1\r\n\"\",\"\\\",\n\"\n,\\,\\\\,é\\\n\r\n\"unx\"y,b,c\n1,2\n\
                 1,2,3,4\n\n\"q\"\n\"\",,\"\"\"\"\nlast,\"l\na\",\\";
    for given in
        [&[QUOTED][..], &[], &[QUOTED, ("SKIP_BLANK_LINES", "TRUE")], &[QUOTED, ("ESCAPE", "\\")]]
    {
        let options = options(given);
        let whole = read_in_chunks(nasty.as_bytes(), &options, 3, 1 << 20)?;
        assert!(whole.1.len() >= 3 && !whole.2.is_empty(), "{given:?}: {whole:?}");
        for chunk_bytes in 1..nasty.len() + 2 {
            let cut = read_in_chunks(nasty.as_bytes(), &options, 3, chunk_bytes)?;
            assert_eq!(cut, whole, "{given:?} in chunks of {chunk_bytes}");
        }
    }
    Ok(())
}

#[test]
fn a_bad_row_says_where_and_why() {
    let error = |text: &[u8], given: &[(&str, &str)]| {
        let (_, errors) = read(text, given, 2);
        let error = &errors[0];
        let column = error.column.as_ref().map(|column| column.label.clone()).unwrap_or_default();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let place = (error.line, error.character, error.byte_offset, error.row_number);
        (error.code.number(), error.message.clone(), place, column)
    };
    assert_eq!(
        error(b"a,b\nc,d,e\n", &[]),
        (
            100_016,
            "Field delimiter ',' found while expecting record delimiter '\\n'".to_owned(),
            (2, 4, 7, 2),
            "\"T\"[\"B\":2]".to_owned()
        )
    );
    assert_eq!(
        error(b"h\na,b\nc\n", &[("SKIP_HEADER", "1")]),
        (
            100_068,
            "End of record reached while expected to parse column '\"T\"[\"B\":2]'".to_owned(),
            (3, 2, 7, 2),
            "\"T\"[\"B\":2]".to_owned()
        )
    );
    let (code, message, ..) = error(b"a,b,c\nd,e\n", &[]);
    assert_eq!(code, 100_080);
    assert_eq!(
        message,
        "Number of columns in file (3) does not match that of the corresponding table (2), use \
         file format option error_on_column_count_mismatch=false to ignore this error"
    );
    let (_, message, place, _) = error(b"a,\"x\ny\"z\n", &[QUOTED]);
    assert_eq!(message, "Found character 'z' instead of field delimiter ','");
    assert_eq!(place, (2, 3, 7, 1));
    let (code, message, place, _) = error(b"a,b\nc,x\xc3\x28\n", &[]);
    assert_eq!((code, message.as_str()), (100_144, "Invalid UTF8 detected in string 'x0xC30x28'"));
    assert_eq!(place, (2, 3, 6, 2));
    let (rows, _) = read(b"a,x\xc3(\n", &[("REPLACE_INVALID_CHARACTERS", "TRUE")], 2);
    assert_eq!(shown(&rows), "a¦x\u{fffd}(");
}

#[test]
fn an_aborting_error_names_file_line_and_row() {
    let (_, errors) = read(b"a,b\nc,d,e\n", &[], 2);
    let error = errors[0].to_error();
    assert_eq!(error.code(), ErrorCode::TooManyFields);
    assert_eq!(
        error.detail(),
        "Field delimiter ',' found while expecting record delimiter '\\n'\n  File 'f.csv', line 2, \
         character 4\n  Row 2, column \"T\"[\"B\":2]\n  If you would like to continue loading when \
         an error is encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the \
         ON_ERROR option. For more information on loading options, please run 'info loading_data' \
         in a SQL client."
    );
}

#[test]
fn a_corrupt_compressed_file_is_an_error_that_names_it() -> Result<()> {
    use std::io::Write;
    let mut gzip = crate::compression::Compression::Gzip.writer(Vec::new()).unwrap();
    gzip.write_all(&b"1,2\n".repeat(100_000)).unwrap();
    let mut bytes = gzip.finish().unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "st/");
    put_bytes(&stage, "f.csv.gz", &bytes)?;
    let file = stage.find("f.csv.gz")?.unwrap();
    let csv = CsvFile::open(&stage, &file, &options(&[]))?;
    let error = csv.next_chunk().err().unwrap();
    assert_eq!(error.code(), ErrorCode::CorruptFile);
    assert!(error.detail().starts_with("File 'st/f.csv.gz' is corrupt"), "{error}");
    Ok(())
}

#[test]
fn a_header_names_the_columns() -> Result<()> {
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "");
    put_bytes(&stage, "f.csv", b"\"id\",\"first\nname\"\n1,x\n")?;
    let file = stage.find("f.csv")?.unwrap();
    let csv = CsvFile::open(&stage, &file, &options(&[QUOTED, ("PARSE_HEADER", "TRUE")]))?;
    assert_eq!(csv.header().unwrap(), ["id", "first\nname"]);
    assert_eq!(csv.next_chunk()?.unwrap().first_row, 1);
    Ok(())
}

#[test]
fn typed_sinks_convert_and_reject() -> Result<()> {
    use super::{ColumnRule, FieldSink, typed_sink};
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "");
    let text = "1,2.345,2024-02-29,abc,true,2024-01-01 01:02:03,{\"a\":1}\n\
                99999999999999999999,-1,,,,,\nx,1,2,3,4,5,6\n,1,,,,,\n1,1,,abcdef,,,\n";
    put_bytes(&stage, "f.csv", text.as_bytes())?;
    let types = [
        SqlType::INTEGER,
        SqlType::number(10, 2),
        SqlType::Date,
        SqlType::varchar(3),
        SqlType::Boolean,
        SqlType::TIMESTAMP_NTZ,
        SqlType::Variant,
    ];
    let formats = Arc::new(firn_types::text_format::TextFormats::new(Default::default()));
    let mut sinks: Vec<Box<dyn FieldSink>> = types
        .iter()
        .zip(0..)
        .map(|(&sql_type, position)| {
            let (formats, zone) = (Arc::clone(&formats), chrono_tz::UTC);
            let required = position == 0;
            typed_sink(ColumnRule { sql_type, required, truncate: false, formats, zone })
        })
        .collect();
    let options = options(&[("FIELD_DELIMITER", ",")]);
    let plan = CsvPlan::new(&options, (0..7).collect(), Some(7), LoadTarget::default());
    let csv = CsvFile::open(&stage, &stage.find("f.csv")?.unwrap(), &options)?;
    let mut seen = 0;
    csv.next_chunk()?.unwrap().parse(&Arc::new(plan), &mut sinks, |batch| {
        seen += batch.rows_parsed;
        let cell = |row, column: usize| batch.batch.column(column).value(row, types[column]);
        assert_eq!(batch.batch.rows(), 2);
        assert_eq!(cell(0, 0), Value::integer(1));
        assert_eq!(cell(1, 0), Value::integer(99_999_999_999_999_999_999i128));
        assert_eq!(format!("{:?}", cell(0, 1)), "Number(Decimal { unscaled: 235, scale: 2 })");
        assert_eq!(cell(0, 2), Value::Date(19_782));
        assert_eq!(cell(1, 3), Value::Null);
        let messages: Vec<&str> = batch.errors.iter().map(|e| e.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "Numeric value 'x' is not recognized",
                "NULL result in a non-nullable column. Use quotes if an empty field should be \
                 interpreted as an empty string instead of a null",
                "User character length limit (3) exceeded by string 'abcdef'",
            ]
        );
        Ok(())
    })?;
    assert_eq!(seen, 5);
    Ok(())
}
