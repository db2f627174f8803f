//! Where results go: standard output, and a file beside it when one is asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Stdout, Write};

/// Standard output with a buffer, and the file of `!spool` or `output_file`.
#[derive(Debug)]
pub(crate) struct Output {
    screen: BufWriter<Stdout>,
    file: Option<BufWriter<File>>,
    /// Whether results appear on standard output.
    on_screen: bool,
}

impl Output {
    /// Standard output alone.
    pub(crate) fn new() -> Output {
        Output { screen: BufWriter::new(io::stdout()), file: None, on_screen: true }
    }

    /// Appends to a file as well, or to none.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub(crate) fn spool(&mut self, path: Option<&str>) -> io::Result<()> {
        self.flush()?;
        self.file = match path {
            None => None,
            Some(path) => {
                Some(BufWriter::new(OpenOptions::new().create(true).append(true).open(path)?))
            }
        };
        Ok(())
    }

    /// Shows or hides what is written on standard output.
    pub(crate) fn show(&mut self, on_screen: bool) {
        self.on_screen = on_screen;
    }

    /// Writes a line to standard output, and to the file if `in_file`.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn line(&mut self, text: &str, in_file: bool) -> io::Result<()> {
        if self.on_screen {
            writeln!(self.screen, "{text}")?;
        }
        match &mut self.file {
            Some(file) if in_file => writeln!(file, "{text}"),
            _ => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.on_screen {
            self.screen.write_all(bytes)?;
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.screen.flush()?;
        match &mut self.file {
            Some(file) => file.flush(),
            None => Ok(()),
        }
    }
}
