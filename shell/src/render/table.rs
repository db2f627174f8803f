//! The table for people, as SnowSQL's psql format draws it.
//!
//! ```text
//! +----+-------+
//! | ID | NAME  |
//! |----+-------|
//! |  1 | Alice |
//! +----+-------+
//! ```
//!
//! Numbers stand to the right; a cell of several lines spans as many lines of the table. On a terminal,
//! the widest columns are narrowed until the table fits, and a table that cannot fit is shown vertically.

use std::borrow::Cow;
use std::io::{self, Write};

use firn_engine::Cell;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Head, RowSource, Style, vertical, write_rows};

/// No column is narrowed below this many terminal columns.
const NARROWEST: usize = 10;

/// What stands around each cell: a bar and two blanks; one more bar ends the line.
const FRAME: usize = 3;

/// Writes the table.
pub(super) fn write(rows: &dyn RowSource, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let heads = rows.heads();
    let mut widths = natural_widths(rows, style)?;
    if let Some(terminal) = style.width
        && !fit(&mut widths, terminal)
    {
        return vertical::write(rows, out);
    }
    rule(out, &widths, '+')?;
    if style.header {
        let names: Vec<_> = heads.iter().map(|head| Cow::Borrowed(head.name.as_str())).collect();
        write_row(out, heads, &widths, &names)?;
        rule(out, &widths, '|')?;
    }
    write_rows(rows, out, |out, cells| {
        let texts: Vec<_> = heads.iter().zip(cells).map(|(head, cell)| head.shown(cell)).collect();
        write_row(out, heads, &widths, &texts)
    })?;
    rule(out, &widths, '+')
}

/// The widest line of every column.
fn natural_widths(rows: &dyn RowSource, style: Style) -> io::Result<Vec<usize>> {
    let name_width = |head: &Head| if style.header { widest_line(&head.name) } else { 0 };
    let mut widths: Vec<usize> = rows.heads().iter().map(name_width).collect();
    rows.for_each_row(&mut |cells: &[Cell]| {
        for ((width, head), cell) in widths.iter_mut().zip(rows.heads()).zip(cells) {
            *width = (*width).max(widest_line(&head.shown(cell)));
        }
    })?;
    Ok(widths)
}

fn widest_line(text: &str) -> usize {
    if text.is_ascii() && !text.bytes().any(|byte| byte < b' ') {
        return text.len();
    }
    text.lines().map(|line| visible(line).width()).max().unwrap_or(0)
}

/// A line whose tabs and other control characters take the room that they are counted for.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Narrows the widest columns until the table fits; says whether it does.
fn fit(widths: &mut [usize], terminal: usize) -> bool {
    let room = terminal.saturating_sub(FRAME * widths.len() + 1);
    if widths.iter().sum::<usize>() <= room {
        return true;
    }
    // The largest width that all columns may have so that together they fit.
    let total = |cap: usize| widths.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let cap = (1..=room).rev().find(|cap| total(*cap) <= room).unwrap_or(0);
    if cap < NARROWEST {
        return false;
    }
    widths.iter_mut().for_each(|width| *width = (*width).min(cap));
    true
}

fn rule(out: &mut dyn Write, widths: &[usize], edge: char) -> io::Result<()> {
    let mut line = String::new();
    for (index, width) in widths.iter().enumerate() {
        line.push(if index == 0 { edge } else { '+' });
        line.extend(std::iter::repeat_n('-', width + 2));
    }
    writeln!(out, "{line}{edge}")
}

fn write_row(
    out: &mut dyn Write,
    heads: &[Head],
    widths: &[usize],
    texts: &[Cow<str>],
) -> io::Result<()> {
    let single = texts.iter().zip(widths).all(|(text, width)| {
        text.len() <= *width && text.is_ascii() && !text.bytes().any(|byte| byte < b' ')
    });
    if single {
        return write_line(out, heads, widths, texts.iter().map(|text| (&**text, text.len())));
    }
    let cells: Vec<Vec<String>> =
        texts.iter().zip(widths).map(|(text, width)| cell_lines(text, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    for line in 0..height {
        let parts = cells.iter().map(|lines| {
            let part = lines.get(line).map_or("", String::as_str);
            (part, part.width())
        });
        write_line(out, heads, widths, parts)?;
    }
    Ok(())
}

fn write_line<'a>(
    out: &mut dyn Write,
    heads: &[Head],
    widths: &[usize],
    parts: impl Iterator<Item = (&'a str, usize)>,
) -> io::Result<()> {
    for ((head, width), (part, part_width)) in heads.iter().zip(widths).zip(parts) {
        let pad = width.saturating_sub(part_width);
        if head.numeric {
            write!(out, "| {:pad$}{part} ", "")?;
        } else {
            write!(out, "| {part}{:pad$} ", "")?;
        }
    }
    writeln!(out, "|")
}

/// The lines of a cell, cut where they are wider than the column.
fn cell_lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut part = String::new();
        let mut part_width = 0;
        for c in visible(line).chars() {
            let char_width = c.width().unwrap_or(0);
            if part_width + char_width > width && !part.is_empty() {
                lines.push(std::mem::take(&mut part));
                part_width = 0;
            }
            part.push(c);
            part_width += char_width;
        }
        lines.push(part);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Format::Psql;
    use super::super::tests::{check, check_style};
    use super::*;

    #[test]
    fn numbers_stand_right_and_texts_left() {
        check(
            Psql,
            &["#ID", "NAME"],
            &[&["1", "Alice"], &["2", "NULL"]],
            "\
+----+-------+
| ID | NAME  |
|----+-------|
|  1 | Alice |
|  2 | NULL  |
+----+-------+
",
        );
        check(Psql, &["A"], &[], "+---+\n| A |\n|---|\n+---+\n");
    }

    #[test]
    fn cells_of_several_lines_span_lines() {
        check(
            Psql,
            &["V", "B"],
            &[&["{\n  \"a\": 1\n}", "True"]],
            "\
+----------+------+
| V        | B    |
|----------+------|
| {        | True |
|   \"a\": 1 |      |
| }        |      |
+----------+------+
",
        );
        check(
            Psql,
            &["V"],
            &[&["日本"], &["é"]],
            "\
+------+
| V    |
|------|
| 日本 |
| é    |
+------+
",
        );
    }

    #[test]
    fn wide_columns_are_narrowed_to_the_terminal() {
        let style = Style { header: true, empty_for_null: false, width: Some(24) };
        check_style(
            Psql,
            style,
            &["#N", "TEXT"],
            &[&["1", "abcdefghijklmnopqrst"]],
            "\
+---+------------------+
| N | TEXT             |
|---+------------------|
| 1 | abcdefghijklmnop |
|   | qrst             |
+---+------------------+
",
        );
    }

    #[test]
    fn a_table_that_cannot_fit_stands_upright() {
        let style = Style { header: true, empty_for_null: false, width: Some(20) };
        let long = "abcdefghijkl";
        check_style(
            Psql,
            style,
            &["A", "B"],
            &[&[long, long]],
            "\
-[ RECORD 1 ]---
A | abcdefghijkl
B | abcdefghijkl
",
        );
    }
}
