//! Tables for Markdown documents.

use std::io::{self, Write};

use super::{RowSource, Style, visible_lines, write_rows};

/// Writes the table; without a header its names are empty, because Markdown needs the line.
pub(super) fn write(rows: &dyn RowSource, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let heads = rows.heads();
    for head in heads {
        write!(out, "| {} ", escaped(if style.header { &head.name } else { "" }))?;
    }
    writeln!(out, "|")?;
    for head in heads {
        write!(out, "{}", if head.numeric { "|---:" } else { "|---" })?;
    }
    writeln!(out, "|")?;
    write_rows(rows, out, |out, cells| {
        for (head, cell) in heads.iter().zip(cells) {
            write!(out, "| {} ", escaped(&head.shown(cell)))?;
        }
        writeln!(out, "|")
    })
}

fn escaped(text: &str) -> String {
    let text = visible_lines(text);
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::super::Format::Markdown;
    use super::super::tests::check;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        check(Markdown, &["A\u{1b}"], &[&["x\u{1b}[2J"]], "| A  |\n|---|\n| x [2J |\n");
    }

    #[test]
    fn bars_and_lines_are_escaped() {
        check(
            Markdown,
            &["#N", "T"],
            &[&["1", "a|b\nc"]],
            "| N | T |\n|---:|---|\n| 1 | a\\|b<br>c |\n",
        );
    }
}
