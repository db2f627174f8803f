//! One line per value: for rows wider than the screen.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{RowSource, visible, visible_lines, write_rows};

/// Writes every row as a record.
pub(super) fn write(rows: &dyn RowSource, out: &mut dyn Write) -> io::Result<()> {
    let heads = rows.heads();
    let name_width = heads.iter().map(|head| visible(&head.name).width()).max().unwrap_or(0);
    let mut record = 0_u64;
    write_rows(rows, out, |out, cells| {
        record += 1;
        let texts: Vec<_> =
            heads.iter().zip(cells).map(|(head, cell)| visible_lines(&head.shown(cell))).collect();
        let value_width = texts.iter().flat_map(|text| text.lines()).map(UnicodeWidthStr::width);
        let title = format!("-[ RECORD {record} ]");
        let width = (name_width + 3 + value_width.max().unwrap_or(0)).clamp(title.len() + 1, 78);
        writeln!(out, "{title}{}", "-".repeat(width - title.len()))?;
        for (head, text) in heads.iter().zip(&texts) {
            let shown = visible(&head.name);
            let mut name = shown.as_str();
            // An empty text has no lines, but its name is shown.
            for line in text.lines().chain(text.is_empty().then_some("")) {
                let pad = name_width.saturating_sub(name.width());
                writeln!(out, "{name}{:pad$} | {line}", "")?;
                name = "";
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::super::Format::Vertical;
    use super::super::tests::check;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        check(
            Vertical,
            &["A\u{1b}B"],
            &[&["x\u{1b}]0;title\u{7}y"]],
            "\
-[ RECORD 1 ]-----
A B | x ]0;title y
",
        );
    }

    #[test]
    fn values_stand_below_each_other() {
        check(
            Vertical,
            &["ID", "NAME"],
            &[&["1", "a\nb"], &["NULL", ""]],
            "\
-[ RECORD 1 ]-
ID   | 1
NAME | a
     | b
-[ RECORD 2 ]-
ID   | NULL
NAME | 
",
        );
    }
}
