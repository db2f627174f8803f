//! CSV and TSV.

use std::io::{self, Write};

use firn_engine::Cell;

use super::{Head, RowSource, Style, write_rows};

/// Writes RFC 4180 with line feeds: NULL is an empty field, an empty text is `""`.
pub(super) fn write_csv(rows: &dyn RowSource, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_header(rows.heads(), style, out, ",", csv_text)?;
    write_rows(rows, out, |out, cells| {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            match cell {
                Cell::Null => {}
                Cell::Boolean(value) => write!(out, "{value}")?,
                Cell::Text(text) => csv_text(out, text)?,
            }
        }
        out.write_all(b"\n")
    })
}

/// Writes tab-separated values with `\t`, `\n`, `\r` and `\\` escaped.
pub(super) fn write_tsv(rows: &dyn RowSource, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let null: &[u8] = if style.empty_for_null { b"" } else { b"NULL" };
    write_header(rows.heads(), style, out, "\t", tsv_text)?;
    write_rows(rows, out, |out, cells| {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                out.write_all(b"\t")?;
            }
            match cell {
                Cell::Null => out.write_all(null)?,
                Cell::Boolean(value) => write!(out, "{value}")?,
                Cell::Text(text) => tsv_text(out, text)?,
            }
        }
        out.write_all(b"\n")
    })
}

fn write_header(
    heads: &[Head],
    style: Style,
    out: &mut dyn Write,
    separator: &str,
    text: fn(&mut dyn Write, &str) -> io::Result<()>,
) -> io::Result<()> {
    if !style.header {
        return Ok(());
    }
    for (index, head) in heads.iter().enumerate() {
        if index > 0 {
            out.write_all(separator.as_bytes())?;
        }
        text(out, &head.name)?;
    }
    out.write_all(b"\n")
}

fn csv_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let quoted =
        text.is_empty() || text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if !quoted {
        return out.write_all(text.as_bytes());
    }
    out.write_all(b"\"")?;
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.write_all(b"\"\"")?;
        }
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\"")
}

fn tsv_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    if !text.bytes().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b'\\')) {
        return out.write_all(text.as_bytes());
    }
    let escaped = text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
    out.write_all(escaped.replace('\r', "\\r").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::Format::{Csv, Tsv};
    use super::super::tests::{check, check_style};
    use super::*;

    #[test]
    fn csv_tells_null_from_empty() {
        check(
            Csv,
            &["A", "B,C"],
            &[&["NULL", ""], &["say \"hi\"", "True"]],
            "A,\"B,C\"\n,\"\"\n\"say \"\"hi\"\"\",true\n",
        );
        let style = Style { header: false, empty_for_null: false, width: None };
        check_style(Csv, style, &["A"], &[&["1"]], "1\n");
    }

    #[test]
    fn tsv_escapes() {
        check(Tsv, &["A", "B"], &[&["a\tb", "NULL"]], "A\tB\na\\tb\tNULL\n");
        let style = Style { header: false, empty_for_null: true, width: None };
        check_style(Tsv, style, &["A", "B"], &[&["x", "NULL"]], "x\t\n");
    }
}
