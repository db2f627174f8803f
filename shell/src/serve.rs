//! `firn serve`: the account for Snowflake's own clients, until a signal ends it.

use std::io::{self, Write};

use firn_engine::Engine;
use firn_server::{Server, ServerOptions};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::DEFAULT_ACCOUNT;
use crate::args::{ServeArgs, engine_options};

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// A message when the account cannot be opened or the address cannot be listened on.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), String> {
    let account = args.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    let options = engine_options(args.memory, args.key_file.as_ref());
    let engine = Engine::open(account, options)
        .map_err(|error| format!("cannot open {account}: {error}"))?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
    let options = ServerOptions {
        listen: args.listen.clone(),
        trust_local: args.trust_local,
        local_folders: args.local_folder.clone(),
        ..ServerOptions::default()
    };
    let server = Server::start(engine, options).map_err(|error| error.to_string())?;
    say(&settings(&server, account));
    signals.forever().next();
    say("firn: stopping; statements that run have a few seconds\n");
    server.stop();
    Ok(())
}

/// Nobody may be reading.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

/// What clients need to connect.
fn settings(server: &Server, account: &str) -> String {
    let address = server.address();
    let (host, port) = (address.ip(), address.port());
    format!(
        "\
firn serves {account} at http://{address}

Python      snowflake.connector.connect(account='firn', user='firn', password='-',
                host='{host}', port={port}, protocol='http', database='FIRN', schema='PUBLIC')
SQLAlchemy  create_engine('snowflake://firn:-@firn/FIRN/PUBLIC',
                connect_args=dict(host='{host}', port={port}, protocol='http'))
dbt         type: snowflake, account: firn, user: firn, password: '-', host: {host}, port: {port},
            protocol: http, database: FIRN, schema: PUBLIC, warehouse: COMPUTE_WH
Node        createConnection({{account: 'firn', username: 'firn', password: '-',
                accessUrl: 'http://{address}', database: 'FIRN', schema: 'PUBLIC'}})
JDBC        jdbc:snowflake://{address}/?account=firn&ssl=off&db=FIRN&schema=PUBLIC

Ctrl-C ends it.
"
    )
}
