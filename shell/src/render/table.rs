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
//! long names are broken and the widest columns narrowed until the table fits; a table that cannot fit is
//! shown vertically.

use std::borrow::Cow;
use std::io::{self, Write};

use firn_engine::Cell;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Head, RowSource, Style, vertical, visible, write_rows};

/// No column is narrowed below this many terminal columns.
const NARROWEST: usize = 10;

/// What stands around each cell: a bar and two blanks; one more bar ends the line.
const FRAME: usize = 3;

/// Writes the table.
pub(super) fn write(rows: &dyn RowSource, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let heads = rows.heads();
    let Some(widths) = fit(&needs(rows, style)?, style.width) else {
        return vertical::write(rows, out);
    };
    rule(out, &widths, '+')?;
    if style.header {
        let names = heads.iter().zip(&widths);
        let names: Vec<Cow<str>> =
            names.map(|(head, width)| Cow::Owned(name_lines(&head.name, *width))).collect();
        write_row(out, heads, &widths, &names)?;
        rule(out, &widths, '|')?;
    }
    write_rows(rows, out, |out, cells| {
        let texts: Vec<_> = heads.iter().zip(cells).map(|(head, cell)| head.shown(cell)).collect();
        write_row(out, heads, &widths, &texts)
    })?;
    rule(out, &widths, '+')
}

/// The room that a column needs.
#[derive(Clone, Copy, Debug, Default)]
struct Need {
    /// The widest line of its cells.
    cells: usize,
    /// Its name on one line.
    name: usize,
    /// The widest piece of its name, when it is cut at blanks and underscores.
    piece: usize,
}

impl Need {
    /// The width when nothing may be wider than `cap`, except a name's pieces and, unless
    /// `cut_cells`, the cells.
    fn within(self, cap: usize, cut_cells: bool) -> usize {
        let name = self.piece.max(self.name.min(cap));
        if cut_cells { name.max(self.cells).min(cap) } else { name.max(self.cells) }
    }
}

/// What every column needs.
fn needs(rows: &dyn RowSource, style: Style) -> io::Result<Vec<Need>> {
    let of_name = |head: &Head| match style.header {
        true => Need {
            cells: 0,
            name: widest_line(&head.name),
            piece: pieces(&head.name).map(widest_line).max().unwrap_or(0),
        },
        false => Need::default(),
    };
    let mut needs: Vec<Need> = rows.heads().iter().map(of_name).collect();
    rows.for_each_row(&mut |cells: &[Cell]| {
        for ((need, head), cell) in needs.iter_mut().zip(rows.heads()).zip(cells) {
            need.cells = need.cells.max(widest_line(&head.shown(cell)));
        }
        Ok(())
    })?;
    Ok(needs)
}

/// A column's name in pieces that end at blanks and underscores.
fn pieces(name: &str) -> impl Iterator<Item = &str> {
    name.split_inclusive([' ', '_'])
}

/// A column's name on lines of at most `width`, where its pieces allow.
fn name_lines(name: &str, width: usize) -> String {
    if widest_line(name) <= width {
        return name.to_string();
    }
    let mut text = String::new();
    let mut used = 0;
    for piece in pieces(name) {
        let length = widest_line(piece);
        if used > 0 && used + length > width {
            text.push('\n');
            used = 0;
        }
        text.push_str(piece);
        used += length;
    }
    text
}

fn widest_line(text: &str) -> usize {
    if text.is_ascii() && !text.bytes().any(|byte| byte < b' ') {
        return text.len();
    }
    text.lines().map(|line| visible(line).width()).max().unwrap_or(0)
}

/// The columns' widths on a terminal: names are broken first, then the widest cells are cut; none if
/// even so the table does not fit.
fn fit(needs: &[Need], terminal: Option<usize>) -> Option<Vec<usize>> {
    let widths = |cap: usize, cut: bool| needs.iter().map(|need| need.within(cap, cut)).collect();
    let natural: Vec<usize> = widths(usize::MAX, false);
    let room = terminal.unwrap_or(usize::MAX).saturating_sub(FRAME * needs.len() + 1);
    let fits = |widths: &Vec<usize>| widths.iter().sum::<usize>() <= room;
    if fits(&natural) {
        return Some(natural);
    }
    // The largest width that all columns may have so that together they fit.
    let narrowed =
        |least: usize, cut: bool| (least..=room).rev().map(|cap| widths(cap, cut)).find(fits);
    narrowed(0, false).or_else(|| narrowed(NARROWEST, true))
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

/// The lines of a cell, cut where they are wider than the column: behind a blank if there is one in the
/// line's second half.
fn cell_lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut part = String::new();
        let mut part_width = 0;
        for c in visible(line).chars() {
            let char_width = c.width().unwrap_or(0);
            if part_width + char_width > width && !part.is_empty() {
                let blank = part.rfind(' ').map(|at| at + 1).filter(|at| *at > part.len() / 2);
                let rest = if c == ' ' {
                    String::new()
                } else {
                    part.split_off(blank.unwrap_or(part.len()))
                };
                lines.push(std::mem::replace(&mut part, rest));
                part_width = part.width();
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
    fn long_names_are_broken_before_cells_are_cut() {
        let style = Style { header: true, empty_for_null: false, width: Some(24) };
        check_style(
            Psql,
            style,
            &["#rows_loaded", "first_error_column_name"],
            &[&["1", "NULL"]],
            "\
+----------+----------+
|    rows_ | first_   |
|   loaded | error_   |
|          | column_  |
|          | name     |
|----------+----------|
|        1 | NULL     |
+----------+----------+
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
