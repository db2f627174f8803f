//! Tables for Markdown documents.

use std::io::{self, Write};

use super::{RowSource, Style, write_rows};

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
    text.replace('\\', "\\\\").replace('|', "\\|").replace("\r\n", "<br>").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::super::Format::Markdown;
    use super::super::tests::check;

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
