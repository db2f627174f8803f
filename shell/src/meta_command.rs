//! The `!` commands: one table, which `!help` prints and `run` follows.

use std::io::{self, Write};
use std::process::Command;

use crate::args::name_and_value;
use crate::options::OPTIONS;
use crate::render::TextRows;
use crate::run_file::{SOURCE_DEPTH_MAX, run_script};
use crate::shell::{Outcome, Shell};

/// One command as the table describes it.
#[derive(Debug)]
struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
    run: fn(&mut Shell, &str) -> io::Result<Outcome>,
}

const COMMANDS: &[Entry] = &[
    Entry {
        name: "abort",
        aliases: &[],
        usage: "!abort <query id>",
        help: "Cancel a statement",
        run: abort,
    },
    Entry {
        name: "define",
        aliases: &[],
        usage: "!define <name>=<value>",
        help: "Define a variable for &name",
        run: define,
    },
    Entry {
        name: "exit",
        aliases: &["disconnect"],
        usage: "!exit",
        help: "Leave the shell",
        run: quit,
    },
    Entry {
        name: "help",
        aliases: &["helps", "h"],
        usage: "!help",
        help: "Show this table",
        run: help,
    },
    Entry {
        name: "options",
        aliases: &["opts"],
        usage: "!options",
        help: "Show all options",
        run: options,
    },
    Entry { name: "print", aliases: &[], usage: "!print <text>", help: "Print a text", run: print },
    Entry {
        name: "queries",
        aliases: &[],
        usage: "!queries [amount=<n>]",
        help: "List the statements of this session and define &0, &1, ...",
        run: queries,
    },
    Entry { name: "quit", aliases: &["q"], usage: "!quit", help: "Leave the shell", run: quit },
    Entry {
        name: "result",
        aliases: &[],
        usage: "!result <query id>",
        help: "Show a statement's result again",
        run: result,
    },
    Entry {
        name: "set",
        aliases: &[],
        usage: "!set <option>=<value>",
        help: "Set an option",
        run: set,
    },
    Entry {
        name: "source",
        aliases: &["load"],
        usage: "!source <file>",
        help: "Run a script",
        run: source,
    },
    Entry {
        name: "spool",
        aliases: &[],
        usage: "!spool <file> | off",
        help: "Write results to a file as well",
        run: spool,
    },
    Entry {
        name: "system",
        aliases: &[],
        usage: "!system <command>",
        help: "Run a command of the system",
        run: system,
    },
    Entry {
        name: "variables",
        aliases: &["vars"],
        usage: "!variables",
        help: "Show all variables",
        run: variables,
    },
];

/// Names of all commands, for completion.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|entry| entry.name)
}

/// Runs a command, given without its `!`.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn run(shell: &mut Shell, text: &str) -> io::Result<Outcome> {
    let (name, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = name.to_ascii_lowercase();
    let entry =
        COMMANDS.iter().find(|entry| entry.name == name || entry.aliases.contains(&name.as_str()));
    match entry {
        Some(entry) => (entry.run)(shell, argument.trim()),
        None => refuse(shell, &format!("There is no command '!{name}'; !help lists them")),
    }
}

fn refuse(shell: &mut Shell, message: &str) -> io::Result<Outcome> {
    shell.complain(message)?;
    Ok(Outcome::Failed)
}

/// Fine, or the message.
fn finish(shell: &mut Shell, done: Result<(), String>) -> io::Result<Outcome> {
    match done {
        Ok(()) => Ok(Outcome::Fine),
        Err(message) => refuse(shell, &message),
    }
}

fn quit(_: &mut Shell, _: &str) -> io::Result<Outcome> {
    Ok(Outcome::Quit)
}

fn help(shell: &mut Shell, _: &str) -> io::Result<Outcome> {
    let mut rows = TextRows::new(&["Command", "Use", "Aliases", "Description"]);
    for entry in COMMANDS {
        let aliases: Vec<String> = entry.aliases.iter().map(|alias| format!("!{alias}")).collect();
        rows.push([&format!("!{}", entry.name), entry.usage, &aliases.join(", "), entry.help]);
    }
    shell.print_own(&rows)?;
    Ok(Outcome::Fine)
}

fn options(shell: &mut Shell, _: &str) -> io::Result<Outcome> {
    let mut rows = TextRows::new(&["Name", "Value", "Help"]);
    for entry in OPTIONS {
        rows.push([entry.name, shell.options.text(entry.name), entry.help]);
    }
    shell.print_own(&rows)?;
    Ok(Outcome::Fine)
}

fn variables(shell: &mut Shell, _: &str) -> io::Result<Outcome> {
    let mut rows = TextRows::new(&["Name", "Value"]);
    for (name, value) in shell.variables.iter() {
        rows.push([&name.to_ascii_lowercase(), value]);
    }
    shell.print_own(&rows)?;
    Ok(Outcome::Fine)
}

fn define(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    let done =
        name_and_value(argument).and_then(|(name, value)| shell.variables.define(name, value));
    finish(shell, done)
}

fn set(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    let done = name_and_value(argument).and_then(|(name, value)| {
        shell.options.set(name, value)?;
        let output_file_changed = name.eq_ignore_ascii_case("output_file");
        shell.apply_options(output_file_changed).map_err(|error| format!("{value}: {error}"))
    });
    finish(shell, done)
}

fn print(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    let text = if shell.options.is_true("variable_substitution") {
        shell.variables.substitute(argument)
    } else {
        Ok(argument.to_string())
    };
    match text {
        Ok(text) => {
            shell.output.line(&text, true)?;
            Ok(Outcome::Fine)
        }
        Err(message) => refuse(shell, &message),
    }
}

fn source(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    if argument.is_empty() {
        return refuse(shell, "!source needs a file");
    }
    if shell.source_depth == SOURCE_DEPTH_MAX {
        return refuse(shell, "!source is nested too deeply");
    }
    shell.source_depth += 1;
    let outcome = run_script(shell, argument);
    shell.source_depth -= 1;
    outcome
}

fn spool(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    let path = Some(argument).filter(|path| !path.eq_ignore_ascii_case("off"));
    let done = match path {
        Some("") => Err("!spool needs a file or 'off'".to_string()),
        path => shell.output.spool(path).map_err(|error| format!("{argument}: {error}")),
    };
    finish(shell, done)
}

fn system(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    shell.output.flush()?;
    let (program, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let done = match Command::new(program).args([flag, argument]).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the command has failed: {status}")),
        Err(error) => Err(format!("cannot run the command: {error}")),
    };
    finish(shell, done)
}

fn queries(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    let amount = match argument.to_ascii_lowercase().strip_prefix("amount=") {
        Some(amount) => amount.trim().parse().ok(),
        None if argument.is_empty() || argument.eq_ignore_ascii_case("session") => Some(25),
        None => None,
    };
    let Some(amount) = amount else {
        return refuse(shell, "!queries takes the filters session and amount=<n>");
    };
    let mut rows = TextRows::new(&["VAR", "QUERY ID", "SQL TEXT", "STATUS", "DURATION"]);
    for (index, record) in shell.history.iter().rev().take(amount).enumerate() {
        let name = index.to_string();
        // Digits are a legal name.
        let _ = shell.variables.define(&name, &record.query_id);
        let status = if record.fine { "success" } else { "failed_with_error" };
        let duration = format!("{:.3}s", record.elapsed.as_secs_f64());
        rows.push([&format!("&{name}"), &record.query_id, &record.sql, status, &duration]);
    }
    shell.print_own(&rows)?;
    Ok(Outcome::Fine)
}

fn result(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    with_query(shell, argument, |id| format!("SELECT * FROM TABLE(RESULT_SCAN('{id}'))"))
}

fn abort(shell: &mut Shell, argument: &str) -> io::Result<Outcome> {
    with_query(shell, argument, |id| format!("SELECT SYSTEM$CANCEL_QUERY('{id}')"))
}

/// Runs a statement about another one, whose id is given as it is or as `&0`.
fn with_query(
    shell: &mut Shell,
    argument: &str,
    sql: impl FnOnce(&str) -> String,
) -> io::Result<Outcome> {
    let id = shell.variables.substitute(argument).unwrap_or_default();
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return refuse(shell, "this command needs a query id");
    }
    shell.statement(&sql(&id), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_aliases_unique() {
        assert!(COMMANDS.is_sorted_by_key(|entry| entry.name));
        let mut all: Vec<&str> = names().collect();
        all.extend(COMMANDS.iter().flat_map(|entry| entry.aliases));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
