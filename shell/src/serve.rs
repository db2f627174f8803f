//! `firn serve`: the account for Snowflake's own clients, until a signal ends it.

use std::io::{self, Write};

use firn_engine::Engine;
use firn_server::{Server, ServerOptions, Tls};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::DEFAULT_ACCOUNT;
use crate::args::{ServeArgs, options_for_others};

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// A message when the account cannot be opened or the address cannot be listened on.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), String> {
    let account = args.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    let options =
        options_for_others(args.memory, args.key_file.as_ref(), args.key.as_ref(), &args.allowed);
    let engine = Engine::open(account, options)
        .map_err(|error| format!("cannot open {account}: {error}"))?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
    let options = ServerOptions {
        listen: args.listen.clone(),
        trust_local: args.trust_local,
        tls: args.tls.as_deref().map(tls),
        allowed: args.allowed.allowed(),
        log: args.log.clone(),
        ..ServerOptions::default()
    };
    let server = Server::start(engine.clone(), options).map_err(|error| error.to_string())?;
    engine.start_tasks();
    say(&settings(&server, args, account));
    signals.forever().next();
    say("firn: stopping; statements that run have a few seconds\n");
    server.stop();
    engine.stop_tasks();
    Ok(())
}

/// Where the certificate comes from.
fn tls(text: &str) -> Tls {
    match text.split_once(',') {
        Some((certificates, key)) => {
            Tls::Files { certificates: certificates.into(), key: key.into() }
        }
        None => Tls::Folder(text.into()),
    }
}

/// Nobody may be reading.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

/// What clients need to connect.
fn settings(server: &Server, args: &ServeArgs, account: &str) -> String {
    let address = server.address();
    let protocol = if args.tls.is_some() { "https" } else { "http" };
    let (user, password) = if args.trust_local { ("firn", "-") } else { ("USER", "PASSWORD") };
    let ssl = if args.tls.is_some() { "on" } else { "off" };
    let (host, port) = (address.ip(), address.port());
    format!(
        "\
firn serves {account} at {protocol}://{address}

Python      snowflake.connector.connect(account='firn', user='{user}', password='{password}',
                host='{host}', port={port}, protocol='{protocol}', database='FIRN', schema='PUBLIC')
SQLAlchemy  create_engine('snowflake://{user}:{password}@firn/FIRN/PUBLIC',
                connect_args=dict(host='{host}', port={port}, protocol='{protocol}'))
dbt         type: snowflake, account: firn, user: {user}, password: '{password}', host: {host}, port: {port},
            protocol: {protocol}, database: FIRN, schema: PUBLIC, warehouse: COMPUTE_WH
Node        createConnection({{account: 'firn', username: '{user}', password: '{password}',
                accessUrl: '{protocol}://{address}', database: 'FIRN', schema: 'PUBLIC'}})
Console     {protocol}://{address}/
Shell       firn --host {host} --port {port}
JDBC        jdbc:snowflake://{address}/?account=firn&ssl={ssl}&db=FIRN&schema=PUBLIC

Ctrl-C ends it.
"
    )
}
