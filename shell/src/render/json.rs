//! JSON in three forms: an array of objects, an object per line, and the answer for programs.
//!
//! Objects hold numbers as numbers with all their digits, and semi-structured values as the JSON that
//! they are. The answer for programs holds every cell as the server prints it.

use std::io::{self, Write};

use firn_engine::{Cell, Failure};
use serde::de::IgnoredAny;

use super::{Facts, Head, RowSource, write_rows};

/// Writes `[{..},\n{..}]`.
pub(super) fn write_array(rows: &dyn RowSource, out: &mut dyn Write) -> io::Result<()> {
    let keys = keys(rows.heads())?;
    out.write_all(b"[")?;
    let mut first = true;
    write_rows(rows, out, |out, cells| {
        out.write_all(if first { b"" } else { b",\n" })?;
        first = false;
        write_object(out, rows.heads(), &keys, cells)
    })?;
    out.write_all(b"]\n")
}

/// Writes an object per line.
pub(super) fn write_lines(rows: &dyn RowSource, out: &mut dyn Write) -> io::Result<()> {
    let keys = keys(rows.heads())?;
    write_rows(rows, out, |out, cells| {
        write_object(out, rows.heads(), &keys, cells)?;
        out.write_all(b"\n")
    })
}

/// Writes a statement's answer on one line.
pub(super) fn write_machine(
    rows: &dyn RowSource,
    facts: Facts,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{{\"query_id\":{},\"columns\":[", quoted(facts.query_id)?)?;
    for (index, head) in rows.heads().iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let (name, type_name) = (quoted(&head.name)?, quoted(&head.type_name)?);
        write!(out, "{comma}{{\"name\":{name},\"type\":{type_name}}}")?;
    }
    out.write_all(b"],\"rows\":[")?;
    let mut first = true;
    write_rows(rows, out, |out, cells| {
        out.write_all(if first { b"[" } else { b",[" })?;
        first = false;
        for (index, cell) in cells.iter().enumerate() {
            out.write_all(if index > 0 { b"," } else { b"" })?;
            match cell {
                Cell::Null => out.write_all(b"null")?,
                Cell::Boolean(value) => write!(out, "{value}")?,
                Cell::Text(text) => serde_json::to_writer(&mut *out, text)?,
            }
        }
        out.write_all(b"]")
    })?;
    writeln!(out, "],\"row_count\":{},\"elapsed_s\":{:.6}}}", facts.row_count, facts.elapsed_s)
}

/// The answer to a statement that failed, on one line; without a failure of the engine, `message` is the
/// shell's own.
pub(crate) fn machine_error(failure: Option<&Failure>, message: &str, elapsed_s: f64) -> String {
    let place = failure.and_then(|failure| failure.place);
    let error = serde_json::json!({
        "code": failure.map(|failure| format!("{:06}", failure.number)),
        "sqlstate": failure.map(|failure| failure.code.sqlstate()),
        "message": message,
        "line": place.map(|(line, _)| line),
        "position": place.map(|(_, position)| position),
    });
    format!("{{\"error\":{error},\"elapsed_s\":{elapsed_s:.6}}}")
}

fn quoted(text: &str) -> io::Result<String> {
    Ok(serde_json::to_string(text)?)
}

fn keys(heads: &[Head]) -> io::Result<Vec<String>> {
    heads.iter().map(|head| quoted(&head.name)).collect()
}

fn write_object(
    out: &mut dyn Write,
    heads: &[Head],
    keys: &[String],
    cells: &[Cell],
) -> io::Result<()> {
    out.write_all(b"{")?;
    for (index, (head, cell)) in heads.iter().zip(cells).enumerate() {
        write!(out, "{}{}:", if index > 0 { "," } else { "" }, keys[index])?;
        match cell {
            Cell::Null => out.write_all(b"null")?,
            Cell::Boolean(value) => write!(out, "{value}")?,
            Cell::Text(text) if head.numeric && is_json(text) => out.write_all(text.as_bytes())?,
            Cell::Text(text) if head.semi_structured => out.write_all(compact(text).as_bytes())?,
            Cell::Text(text) => serde_json::to_writer(&mut *out, text)?,
        }
    }
    out.write_all(b"}")
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The same JSON on one line, with `undefined` made `null`.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c.is_whitespace() {
            continue;
        } else if c == '"' {
            in_string = true;
        } else if c == 'u'
            && let Some(after) = rest.strip_prefix("ndefined")
        {
            out.push_str("null");
            rest = after;
            continue;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Format::{Json, JsonLines, Machine};
    use super::super::tests::check;
    use super::*;

    #[test]
    fn objects_hold_numbers_and_json_as_they_are() {
        check(
            Json,
            &["#N", "T"],
            &[&["12345678901234567890123", "1"], &["NaN", "NULL"]],
            "[{\"N\":12345678901234567890123,\"T\":\"1\"},\n{\"N\":\"NaN\",\"T\":null}]\n",
        );
        check(
            JsonLines,
            &["{V", "B"],
            &[&["[\n  undefined,\n  \"a \\\" b\"\n]", "True"]],
            "{\"V\":[null,\"a \\\" b\"],\"B\":true}\n",
        );
        check(Json, &["A"], &[], "[]\n");
    }

    #[test]
    fn programs_get_one_line() {
        check(
            Machine,
            &["A"],
            &[&["a\nb"], &["NULL"]],
            "{\"query_id\":\"id\",\"columns\":[{\"name\":\"A\",\"type\":\"VARCHAR\"}],\
             \"rows\":[[\"a\\nb\"],[null]],\"row_count\":2,\"elapsed_s\":0.500000}\n",
        );
        let error: serde_json::Value =
            serde_json::from_str(&machine_error(None, "no", 0.0)).unwrap();
        assert_eq!(error["error"]["message"], "no");
        assert!(error["error"]["line"].is_null());
    }
}
