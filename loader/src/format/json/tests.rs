//! Documents, their boundaries and the options that change values.

use std::sync::Arc;

use arrow::array::Array as _;

use firn_column::{Array, Column};
use firn_types::Result;
use firn_types::variant::json_write::{JsonWriter, PlainText};
use firn_types::variant::view::Variant;
use object_store::memory::InMemory;

use super::{JsonFile, JsonPlan};
use crate::options::JsonOptions;
use crate::row_error::{LoadTarget, RowError};
use crate::stage::{ObjectStage, Stage, put_bytes};

/// The numbers and texts of rows.
type Rows = Vec<(u64, String)>;

fn read(text: &str, options: &JsonOptions, chunk_bytes: usize) -> Result<(Rows, Vec<RowError>)> {
    let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "");
    put_bytes(&stage, "f.json", text.as_bytes())?;
    let file = stage.find("f.json")?.unwrap();
    let plan = Arc::new(JsonPlan::new(options, LoadTarget::default())?);
    let json = JsonFile::open_in_chunks(&stage, &file, options, chunk_bytes)?;
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    while let Some(chunk) = json.next_chunk()? {
        chunk.parse(&plan, |batch| {
            let Column::Flat(Array::Bytes(values)) = batch.batch.column(0) else { panic!() };
            for row in 0..values.len() {
                let text = JsonWriter::compact(&PlainText).text(Variant::new(values.value(row)));
                rows.push((batch.row_number(row), text));
            }
            errors.extend(batch.errors);
            Ok(())
        })?;
    }
    Ok((rows, errors))
}

fn texts(text: &str, options: &JsonOptions) -> Vec<String> {
    let (rows, errors) = read(text, options, 1 << 20).unwrap();
    assert_eq!(errors, [], "{text}");
    rows.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn documents_are_rows() {
    let plain = JsonOptions::default();
    let strip = JsonOptions { strip_outer_array: true, ..JsonOptions::default() };
    let shaped = JsonOptions {
        strip_null_values: true,
        trim_space: true,
        null_if: vec!["NA".to_owned()],
        ..JsonOptions::default()
    };
    let cases: &[(&JsonOptions, &str, &[&str])] = &[
        (&plain, "{\"a\":1}\n{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"]),
        (&plain, "{\"a\":\"}\\\"{\"}{\"b\":[]}\n", &["{\"a\":\"}\\\"{\"}", "{\"b\":[]}"]),
        (&plain, "[1,\n{\"x\":[2]}] 3 \"s\" null", &["[1,{\"x\":[2]}]", "3", "\"s\"", "null"]),
        (&strip, "[{\"a\":1},\n[2], 3 ]\n[4]", &["{\"a\":1}", "[2]", "3", "4"]),
        (&strip, "{\"a\":1} {\"a\":2}", &["{\"a\":1}", "{\"a\":2}"]),
        (
            &shaped,
            "{\"a\":null,\"b\":\" x \",\"c\":[null,\"NA\"],\"d\":\"NA\"}",
            &["{\"b\":\"x\",\"c\":[null,null]}"],
        ),
        (&plain, "\u{feff} \n", &[]),
    ];
    for (options, text, expected) in cases {
        assert_eq!(texts(text, options), *expected, "{text}");
    }
}

#[test]
fn chunks_cut_anywhere_give_the_same_rows() -> Result<()> {
    let text =
        "[{\"a\":\"x]\\\\\\\"\",\"é\":[1,[2]]},\n {},12.5, true ,\"[\",[[]],{\"b\":}, null]\n";
    for strip_outer_array in [true, false] {
        let options = JsonOptions { strip_outer_array, ..JsonOptions::default() };
        let whole = read(text, &options, 1 << 20)?;
        assert_eq!(whole.1.len(), 1, "{whole:?}");
        for chunk_bytes in 1..text.len() + 2 {
            assert_eq!(read(text, &options, chunk_bytes)?, whole, "chunks of {chunk_bytes}");
        }
    }
    Ok(())
}

#[test]
fn a_bad_document_is_one_bad_row() -> Result<()> {
    let (rows, errors) = read("{\"a\":1}\n {\"a\":}\n{\"a\":3}\n", &JsonOptions::default(), 100)?;
    assert_eq!(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 3]);
    let error = &errors[0];
    assert_eq!((error.line, error.character, error.byte_offset, error.row_number), (2, 2, 9, 2));
    assert!(error.message.starts_with("Error parsing JSON: "), "{}", error.message);
    assert_eq!(error.record, "{\"a\":}");
    Ok(())
}
