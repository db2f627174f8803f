//! One running shell: a session, its options and variables, and what happens to each statement.

use std::io::{self, IsTerminal, Write};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use firn_engine::{Binds, Failure, Statement, StatementOptions, StatementResult};

use crate::error_view::{self, Origin};
use crate::link::Link;
use crate::meta_command;
use crate::options::Options;
use crate::output::Output;
use crate::remote::Remote;
use crate::render::{self, Facts, Format, ResultRows, RowSource, Style, TextRows};
use crate::statement_reader::Item;
use crate::variables::Variables;
use crate::watch::{self, ROWS_FIRST};

/// What a statement of this process gave.
pub(crate) type Answer = Result<StatementResult, Failure>;

/// What a statement gave, as it is shown.
pub(crate) struct Shown {
    /// The statement's id.
    pub(crate) query_id: String,
    /// Rows given or affected.
    pub(crate) row_count: u64,
    /// The rows.
    pub(crate) rows: Box<dyn RowSource>,
}

type ShownAnswer = Result<Shown, Failure>;

impl Shown {
    fn of(result: StatementResult) -> Shown {
        let (query_id, row_count) = (result.query_id.clone(), result.row_count);
        Shown { query_id, row_count, rows: Box::new(ResultRows::new(result)) }
    }
}

/// The error of a statement of this process in a session that is on a server.
fn elsewhere() -> io::Error {
    io::Error::other("the session is on a server")
}

/// What became of one thing that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It worked.
    Fine,
    /// It failed, and said so.
    Failed,
    /// A person has canceled it: what was to follow is not run.
    Canceled,
    /// The shell is to end.
    Quit,
}

/// A statement that this shell has run.
#[derive(Clone, Debug)]
pub(crate) struct StatementRecord {
    /// The statement's id.
    pub(crate) query_id: String,
    /// Its text.
    pub(crate) sql: String,
    /// Whether it worked.
    pub(crate) fine: bool,
    /// The time it took.
    pub(crate) elapsed: Duration,
}

/// A session with what the shell knows around it.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The session.
    pub(crate) link: Link,
    /// The options.
    pub(crate) options: Options,
    /// The `&` variables.
    pub(crate) variables: Variables,
    /// Where results go.
    pub(crate) output: Output,
    /// What was run, oldest first.
    pub(crate) history: Vec<StatementRecord>,
    /// Set by Ctrl-C; there in interactive use only.
    pub(crate) interrupted: Option<Arc<AtomicBool>>,
    /// The terminal's width; none where the output goes elsewhere.
    pub(crate) width: Option<usize>,
    /// How deep in `!source` files the shell is.
    pub(crate) source_depth: usize,
}

impl Shell {
    /// A shell for pipes and scripts.
    ///
    /// # Errors
    /// When the output file cannot be written.
    pub(crate) fn new(link: Link, options: Options, variables: Variables) -> io::Result<Shell> {
        let mut shell = Shell {
            link,
            options,
            variables,
            output: Output::new(),
            history: Vec::new(),
            interrupted: None,
            width: None,
            source_depth: 0,
        };
        shell.apply_options(true)?;
        Ok(shell)
    }

    /// Whether a person sits at the terminal.
    pub(crate) fn interactive(&self) -> bool {
        self.interrupted.is_some()
    }

    /// Whether an error ends the run.
    pub(crate) fn exits_on_error(&self) -> bool {
        self.options.is_true_or("exit_on_error", !self.interactive())
    }

    /// Makes the output follow the options, after they have changed.
    ///
    /// # Errors
    /// When the output file cannot be written.
    pub(crate) fn apply_options(&mut self, output_file_changed: bool) -> io::Result<()> {
        self.output.show(!self.options.is_true("quiet"));
        if output_file_changed {
            let path = Some(self.options.text("output_file")).filter(|path| !path.is_empty());
            self.output.spool(path)?;
        }
        Ok(())
    }

    /// Runs a statement or a `!` command; `file` is the script it comes from.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn run(&mut self, item: &Item, file: Option<&str>) -> io::Result<Outcome> {
        let outcome = match item {
            Item::Command { text, .. } => meta_command::run(self, text)?,
            Item::Statement { text, line } => {
                self.statement(text, file.map(|file| Origin { file, line: *line }))?
            }
        };
        self.output.flush()?;
        Ok(outcome)
    }

    /// Runs a statement and prints what it answers.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn statement(&mut self, sql: &str, origin: Option<Origin>) -> io::Result<Outcome> {
        let substituted;
        let sql = if self.options.is_true("variable_substitution") {
            match self.variables.substitute(sql) {
                Ok(text) => {
                    substituted = text;
                    substituted.as_str()
                }
                Err(message) => {
                    self.complain(&message)?;
                    return Ok(Outcome::Failed);
                }
            }
        } else {
            sql
        };
        if self.options.is_true("echo") {
            self.output.line(&format!("{sql};"), true)?;
        }
        if let Some(flag) = &self.interrupted {
            flag.store(false, Ordering::Relaxed);
        }
        let start = Instant::now();
        let prints = self.options.is_true("results");
        let streams = prints && self.options.format().streams();
        let (answer, printed) = match &self.link {
            Link::There(remote) => (self.run_there(remote, sql), false),
            Link::Here(_) if self.interactive() => self.run_watched(sql, streams)?,
            Link::Here(_) => self.run_here(sql, streams)?,
        };
        let elapsed = start.elapsed();
        self.remember(sql, &answer, elapsed);
        match answer {
            Ok(shown) => self.print_result(&shown, printed || !prints, elapsed),
            Err(failure) => {
                let canceled = self.interactive() && failure.is_canceled();
                self.print_failure(&failure, sql, origin, elapsed)?;
                Ok(if canceled { Outcome::Canceled } else { Outcome::Failed })
            }
        }
    }

    /// Runs a statement on a server.
    fn run_there(&self, remote: &Remote, sql: &str) -> Result<Shown, Failure> {
        let statement = remote.start(sql)?;
        let answer = loop {
            if let Some(answer) = watch::wait(self, &statement, false) {
                break answer?;
            }
        };
        remote.result(answer)
    }

    /// Runs a statement that a person may interrupt, on a thread of its own; tells whether its rows are
    /// printed.
    fn run_watched(&mut self, sql: &str, streams: bool) -> io::Result<(ShownAnswer, bool)> {
        let Link::Here(session) = &self.link else { return Err(elsewhere()) };
        let statement = session.start(sql, Binds::default(), &StatementOptions::default());
        match watch::wait(self, &statement, streams) {
            Some(answer) => Ok((answer.map(Shown::of), false)),
            None => {
                let (form, interrupted) = (self.form(), self.interrupted.clone());
                let printed = watch::stream(statement, interrupted, form, &mut self.output);
                printed.map(|answer| (answer.map(Shown::of), true))
            }
        }
    }

    /// Runs a statement on this thread, and prints the rows of a large result on another, as they come;
    /// tells whether that was done.
    fn run_here(&mut self, sql: &str, streams: bool) -> io::Result<(ShownAnswer, bool)> {
        let form = self.form();
        let Link::Here(session) = &self.link else { return Err(elsewhere()) };
        let mut output = Some(&mut self.output);
        thread::scope(|scope| {
            let mut printer = None;
            let mut on_rows = |statement: &Statement| {
                if !streams || statement.rows_so_far() < ROWS_FIRST {
                    return;
                }
                if let Some(output) = output.take() {
                    let statement = statement.reader();
                    printer = Some(scope.spawn(|| watch::stream(statement, None, form, output)));
                }
            };
            let options = StatementOptions::default();
            let answer = session.run(sql, Binds::default(), &options, &mut on_rows);
            match printer.map(ScopedJoinHandle::join) {
                None => Ok((answer.map(Shown::of), false)),
                Some(Ok(printed)) => printed.map(|answer| (answer.map(Shown::of), true)),
                Some(Err(panic)) => resume_unwind(panic),
            }
        })
    }

    fn remember(&mut self, sql: &str, answer: &ShownAnswer, elapsed: Duration) {
        let (query_id, rows) = match answer {
            Ok(shown) => (&shown.query_id, Some(shown.row_count)),
            Err(failure) => (&failure.query_id, None),
        };
        // The names are legal, so defining them cannot fail.
        let _ = self.variables.define("__sfqid", query_id);
        if let Some(rows) = rows {
            let _ = self.variables.define("__rowcount", &rows.to_string());
        }
        // A pipe may send statements for days; only a person asks for them again.
        if self.interactive() {
            let (query_id, sql) = (query_id.clone(), sql.to_string());
            self.history.push(StatementRecord { query_id, sql, fine: answer.is_ok(), elapsed });
        }
    }

    /// Prints a result, unless its rows are printed, and what is to be said of it.
    fn print_result(
        &mut self,
        shown: &Shown,
        printed: bool,
        elapsed: Duration,
    ) -> io::Result<Outcome> {
        let facts = Facts {
            query_id: &shown.query_id,
            row_count: shown.row_count,
            elapsed_s: elapsed.as_secs_f64(),
        };
        if !printed {
            self.print_rows(shown.rows.as_ref(), facts)?;
        }
        self.footer(shown.row_count, &shown.query_id, elapsed)?;
        Ok(Outcome::Fine)
    }

    /// Prints rows in the format in use.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn print_rows(&mut self, rows: &dyn RowSource, facts: Facts) -> io::Result<()> {
        let (format, style) = self.form();
        render::render(format, rows, style, facts, &mut self.output)
    }

    /// How results are printed now.
    fn form(&self) -> (Format, Style) {
        let style = Style {
            header: self.options.is_true("header"),
            empty_for_null: self.options.is_true("empty_for_null_in_tsv"),
            width: self.width.filter(|_| self.options.is_true("wrap")),
        };
        (self.options.format(), style)
    }

    /// Prints rows of the shell itself.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn print_own(&mut self, rows: &TextRows) -> io::Result<()> {
        self.print_rows(rows, Facts { query_id: "", row_count: 0, elapsed_s: 0.0 })
    }

    fn print_failure(
        &mut self,
        failure: &Failure,
        sql: &str,
        origin: Option<Origin>,
        elapsed: Duration,
    ) -> io::Result<()> {
        if self.options.format() == Format::Machine {
            let answer =
                render::machine_error(Some(failure), &failure.message, elapsed.as_secs_f64());
            return self.output.line(&answer, true);
        }
        self.output.flush()?;
        let color = self.options.is_true_or("color", io::stderr().is_terminal());
        let mut message = error_view::paint(failure, sql, origin, color);
        if self.options.is_true("sfqid_in_error") {
            message.push_str(&format!("\nSFQID: {}", failure.query_id));
        }
        writeln!(io::stderr(), "{message}")?;
        self.footer(0, &failure.query_id, elapsed)
    }

    fn footer(&mut self, rows: u64, query_id: &str, elapsed: Duration) -> io::Result<()> {
        if !self.options.timing() {
            return Ok(());
        }
        let mut line =
            format!("{rows} Row(s) produced. Time Elapsed: {:.6}s", elapsed.as_secs_f64());
        if self.options.is_true("sfqid") {
            line.push_str(&format!(" SFQID: {query_id}"));
        }
        self.output.line(&line, self.options.is_true("timing_in_output_file"))
    }

    /// Prints an error of the shell itself.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn complain(&mut self, message: &str) -> io::Result<()> {
        if self.options.format() == Format::Machine {
            return self.output.line(&render::machine_error(None, message, 0.0), true);
        }
        self.output.flush()?;
        writeln!(io::stderr(), "{message}")
    }
}
