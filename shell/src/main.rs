//! The binary: a shell for people, and a runner of scripts and pipes.
//!
//! Reading order: [`args`] and [`config`] say what to do; [`shell`] runs one statement; `repl` and
//! `run_file` feed it; `render` and `error_view` print what comes back; `meta_command` holds the `!`
//! commands; `link` is what it talks to, an account in this process or a server (`remote`).

mod args;
mod config;
mod error_view;
mod key;
mod lex;
mod line_helper;
mod link;
mod meta_command;
mod options;
mod output;
mod password;
mod remote;
mod render;
mod repl;
mod run_file;
mod run_tasks;
mod serve;
mod shell;
mod statement_reader;
mod variables;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use firn_engine::{Engine, EngineOptions, SessionOptions};

use crate::args::{Args, Command, engine_options, name_and_value};
use crate::config::{Config, Connection};
use crate::link::Link;
use crate::options::Options;
use crate::remote::Remote;
use crate::shell::{Outcome, Shell};
use crate::variables::Variables;

/// The account when none is named.
const DEFAULT_ACCOUNT: &str = "./firn_data";

/// A statement failed.
const EXIT_FAILED: u8 = 1;
/// Wrong arguments or configuration.
const EXIT_ARGUMENTS: u8 = 2;
/// The account cannot be opened.
const EXIT_ACCOUNT: u8 = 3;

fn main() -> ExitCode {
    let args = Args::parse();
    firn_allocator::keep_freed_memory(args.memory_bytes());
    if let Some(Command::Serve(args)) = &args.command {
        return match serve::serve(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(&message, EXIT_ACCOUNT),
        };
    }
    if let Some(Command::RunTasks(args)) = &args.command {
        return match run_tasks::run_tasks(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(&message, EXIT_ACCOUNT),
        };
    }
    if let Some(Command::Key(args)) = &args.command {
        return match key::run(args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(&message, EXIT_ACCOUNT),
        };
    }
    let (connection, options, variables) = match settle(&args) {
        Ok(settled) => settled,
        Err(message) => return fail(&message, EXIT_ARGUMENTS),
    };
    let engine = engine_options(args.memory, args.key_file.as_ref(), args.key.as_ref());
    let (mut shell, engine) = match connect(connection, options, variables, engine) {
        Ok(connected) => connected,
        Err(message) => return fail(&message, EXIT_ACCOUNT),
    };
    let outcome = run(&mut shell, &args);
    // What EXECUTE TASK has begun ends with the process.
    if let Some(engine) = engine {
        engine.finish_tasks();
    }
    match outcome {
        Ok(Outcome::Failed) => ExitCode::from(EXIT_FAILED),
        Ok(_) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), EXIT_FAILED),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(io::stderr(), "firn: {message}");
    ExitCode::from(code)
}

/// Configuration and arguments together; arguments win.
fn settle(args: &Args) -> Result<(Connection, Options, Variables), String> {
    let config = Config::load(args.config.as_deref())?;
    let named = config.connection(args.connection.as_deref())?;
    let account = args.place.as_ref().or(args.account.as_ref());
    let connection = Connection {
        account: account.cloned().or(named.account),
        database: args.dbname.clone().or(named.database),
        schema: args.schemaname.clone().or(named.schema),
        warehouse: args.warehouse.clone().or(named.warehouse),
        role: args.rolename.clone().or(named.role),
        user: args.username.clone().or(named.user),
        host: args.host.clone().or(named.host),
        port: args.port.or(named.port),
        protocol: args.protocol.clone().or(named.protocol),
        ..named
    };
    let mut options = Options::default();
    for (name, value) in config.options() {
        options.set(name, &value)?;
    }
    let mut variables = Variables::default();
    for (name, value) in config.variables() {
        variables.define(name, &value)?;
    }
    for option in &args.option {
        let (name, value) = name_and_value(option)?;
        options.set(name, value)?;
    }
    for variable in &args.variable {
        let (name, value) = name_and_value(variable)?;
        variables.define(name, value)?;
    }
    Ok((connection, options, variables))
}

fn connect(
    connection: Connection,
    options: Options,
    variables: Variables,
    engine: EngineOptions,
) -> Result<(Shell, Option<Engine>), String> {
    if connection.is_remote() {
        let remote = Remote::connect(&with_password(connection)?)?;
        let shell = Shell::new(Link::There(remote), options, variables);
        return Ok((shell.map_err(|error| error.to_string())?, None));
    }
    let account = connection.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    let engine =
        Engine::open(account, engine).map_err(|error| format!("cannot open {account}: {error}"))?;
    let session = engine.session(SessionOptions {
        database: connection.database,
        schema: connection.schema,
        warehouse: connection.warehouse,
        role: connection.role,
        user: connection.user,
        ..SessionOptions::default()
    });
    let session = session.map_err(|error| format!("cannot start in {account}: {error}"))?;
    let shell = Shell::new(Link::Here(session), options, variables);
    Ok((shell.map_err(|error| error.to_string())?, Some(engine)))
}

/// The connection with the password that the environment has, or that somebody types.
fn with_password(connection: Connection) -> Result<Connection, String> {
    if connection.password.is_some() || connection.token.is_some() {
        return Ok(connection);
    }
    let given = ["FIRN_PASSWORD", "SNOWFLAKE_PASSWORD"].iter();
    let given = given.filter_map(|name| std::env::var(name).ok()).next();
    let password = match given {
        None if connection.user.is_some() && io::stdin().is_terminal() => {
            Some(password::ask().map_err(|error| error.to_string())?)
        }
        given => given,
    };
    Ok(Connection { password, ..connection })
}

/// The width of the terminal that standard output is, if it is one: tables of scripts fit it too.
fn terminal_width() -> Option<usize> {
    let editor = io::stdout().is_terminal().then(rustyline::DefaultEditor::new)?;
    editor.ok()?.dimensions().map(|(columns, _)| usize::from(columns))
}

/// Scripts first, then the words behind `-q`; without either, what comes from the terminal or a pipe.
fn run(shell: &mut Shell, args: &Args) -> io::Result<Outcome> {
    if args.query.is_empty() && args.filename.is_empty() {
        return match io::stdin().is_terminal() {
            true => repl::run(shell),
            false => {
                shell.width = terminal_width();
                run_file::run_script(shell, "-")
            }
        };
    }
    shell.width = terminal_width();
    let scripts = args.filename.iter().map(|name| (name, true));
    let queries = args.query.iter().map(|text| (text, false));
    for (text, is_script) in scripts.chain(queries) {
        let outcome = match is_script {
            true => run_file::run_script(shell, text)?,
            false => run_file::run_text(shell, text)?,
        };
        match outcome {
            Outcome::Fine => {}
            Outcome::Failed if !shell.exits_on_error() => {}
            outcome => return Ok(outcome),
        }
    }
    Ok(Outcome::Fine)
}
